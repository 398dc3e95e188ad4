# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Server-sent events as they come: read alike wherever a chunk or a packet ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import httpx2
import openai._streaming
from ansible_collections.rhaii.gke.plugins.module_utils._routing import events
from ansible_collections.rhaii.gke.plugins.module_utils._routing.wire import Response

from tests.field.rows import Row, rows

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
Events = list[list[str]]


def body_of(row: Row) -> bytes:
    """The bytes of a row."""
    return bytes.fromhex(row.given["hex"]) if "hex" in row.given else row.given["stream"].encode()


class Pieces(httpx2.SyncByteStream):
    """A body in given pieces."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self.pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        yield from self.pieces


def by_httpx2(pieces: Sequence[bytes]) -> Events:
    """What httpx2 reads, but for the events without data that the specification does not dispatch."""
    headers = {"content-type": "text/event-stream"}
    request = httpx2.Request("GET", "http://endpoint")
    response = httpx2.Response(200, headers=headers, stream=Pieces(pieces), request=request)
    return [[each.event, each.data] for each in httpx2.EventSource(response) if each.data]


def by_openai(pieces: Sequence[bytes]) -> Events:
    """The same of the openai package, which many of the endpoint's users have."""
    found = openai._streaming.SSEDecoder().iter_bytes(iter(pieces))
    return [[each.event or "message", each.data] for each in found if each.data]


def ours(body: bytes) -> Events:
    """What the product reads."""
    return [[each.name, each.data] for each in events.read(body).events]


def chunked(*pieces: bytes) -> bytes:
    """An answer with a chunk for each piece."""
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in pieces if each)
    return HEAD + chunks + b"0\r\n\r\n"


def received(*packets: bytes) -> bytes:
    """The body of an answer that comes in packets."""
    response = Response()
    for packet in packets:
        response.feed(packet)
    assert response.done
    return response.body


@rows("event_streams")
def test_events_are_those_of_the_reader(row: Row) -> None:
    body = body_of(row)
    if row.right is not None:
        assert ours(body) == row.right
    if row.reader == "httpx2":
        assert [each for each in ours(body) if each[1]] == by_httpx2([body])
    if row.reader == "httpx2" and "stream" in row.given:  # the openai package takes no bytes that are no UTF-8
        assert by_openai([body]) == by_httpx2([body])


@rows("event_streams")
def test_every_split_reads_alike(row: Row) -> None:
    """Chunks and packets may end anywhere: in a CRLF, in a character, in the mark at the start."""
    body = body_of(row)
    whole = ours(body)
    assert ours(received(*(bytes([byte]) for byte in chunked(*(bytes([byte]) for byte in body))))) == whole
    for place in range(len(body) + 1):
        pieces = (body[:place], body[place:])
        wire = chunked(*pieces)
        border = len(HEAD) + place
        assert ours(received(wire)) == whole, place
        assert ours(received(wire[:border], wire[border:])) == whole, place
        if row.reader == "httpx2":
            assert by_httpx2(pieces) == [each for each in whole if each[1]], place
