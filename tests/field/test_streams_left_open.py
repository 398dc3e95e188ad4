# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Streams whose connection goes on when they are complete, or ends before it should."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._routing.answers import completion_of
from ansible_collections.rhaii.gke.plugins.module_utils._routing.client import LINGER, SelectorTransport
from ansible_collections.rhaii.gke.plugins.module_utils._routing.ports import Answer, Ask

from tests.field.openai_client import gets_a_completion
from tests.field.rows import Row, rows
from tests.unit.plugins.module_utils.routing.fake_network import FakeNetwork, FakeTls, Reaction

TIMEOUT = 60.0
FRAMINGS = {"chunked": "Transfer-Encoding: chunked\r\n", "length": "Content-Length: 9999\r\n", "close": ""}
COMMENTS = [": keep-alive\n\n"] * 2000
RESET = ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")


def framed(piece: str, framing: str) -> bytes:
    body = piece.encode()
    return b"%x\r\n%b\r\n" % (len(body), body) if framing == "chunked" else body


def answered(row: Row) -> Answer:
    """What the client makes of it, in a time of its own."""
    given, framing = row.given, row.given["framing"]
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n{FRAMINGS[framing]}\r\n".encode()
    pieces = [*given["pieces"], *(COMMENTS if given["end"] == "trickle" else [])]
    packets: list[bytes | OSError] = [head, *(framed(piece, framing) for piece in pieces)]
    packets += {"closed": [b""], "reset": [RESET], "ended": [b"0\r\n\r\n"]}.get(given["end"], [])

    def server(connection: Any) -> Reaction:
        return [(0.1 * place, packet) for place, packet in enumerate(packets, 1)]

    network = FakeNetwork(server=server)
    transport = SelectorTransport(
        "http://203.0.113.7",
        headers={},
        tls=lambda: FakeTls(network),
        timeout=TIMEOUT,
        addresses=lambda to: [(int(socket.AF_INET), (to.host, to.port))],
        dial=network.dial,
        selector=network.selector,
        now=lambda: network.now,
        cpu=lambda: network.cpu,
    )
    began = network.now
    answer = transport.ask(Ask("POST", "/v1/completions", b"{}"))
    if not answer.error:
        # the last piece that is counted is the one that says so
        assert answer.seconds == pytest.approx(0.1 * (1 + len(given["pieces"])), abs=0.11)
        assert network.now - began < answer.seconds + LINGER + 0.2
    assert all(each.closed for each in network.sockets)
    return answer


class Body(httpx2.SyncByteStream):
    """What comes, and how it ends."""

    def __init__(self, row: Row) -> None:
        self.given = row.given

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.given["pieces"]:
            yield piece.encode()
        match self.given["end"]:
            case "open":
                raise httpx2.ReadTimeout("The read operation timed out")
            case "trickle":
                for comment in COMMENTS:
                    yield comment.encode()
                # somebody loses patience
                raise httpx2.ReadTimeout("The read operation timed out")
            case "closed":
                raise httpx2.RemoteProtocolError("peer closed connection without sending complete message body")
            case "reset":
                raise httpx2.ReadError("[Errno 104] Connection reset by peer")


@rows("streams_left_open")
def test_stream_is_complete_where_it_says_so(row: Row) -> None:
    error = completion_of(answered(row)).error
    assert (not error) is gets_a_completion({"content-type": "text/event-stream"}, Body(row)), error
    assert row.right["says"] in error
    assert bool(row.right["says"]) is bool(error)
