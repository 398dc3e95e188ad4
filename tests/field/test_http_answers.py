# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers on the wire: whole ones, and such as were cut off, reset, or framed in odd ways."""

from __future__ import annotations

import errno
import http.client
import io
import socket
from typing import Any, cast

from ansible_collections.rhaii.gke.plugins.module_utils._routing.client import SelectorTransport
from ansible_collections.rhaii.gke.plugins.module_utils._routing.ports import Ask

from tests.field.rows import Row, rows
from tests.unit.plugins.module_utils.routing.fake_network import FakeNetwork, FakeTls, Reaction

RESET = ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")


class Stream(io.BytesIO):
    """What http.client reads; it may end in a reset."""

    def __init__(self, content: bytes, reset: bool) -> None:
        super().__init__(content)
        self.reset = reset

    def makefile(self, mode: str) -> Stream:
        """As a socket."""
        del mode
        return self

    def _checked(self, found: bytes) -> bytes:
        if self.reset and self.tell() == len(self.getvalue()):
            raise RESET
        return found

    def read(self, size: int | None = -1, /) -> bytes:
        """Some bytes."""
        return self._checked(super().read(size))

    def readline(self, size: int | None = -1, /) -> bytes:
        """A line."""
        return self._checked(super().readline(size))


def by_the_standard_library(content: bytes, reset: bool) -> dict[str, Any]:
    """Status and body that http.client reads, empty where it raises."""
    try:
        response = http.client.HTTPResponse(cast(socket.socket, Stream(content, reset)))
        response.begin()
        return {"status": response.status, "body": response.read().decode()}
    except (http.client.HTTPException, OSError, ValueError):
        return {}


def ours(*packets: bytes, reset: bool) -> dict[str, Any]:
    """What the client makes of it."""

    def server(connection: Any) -> Reaction:
        return [*((0.1, packet) for packet in packets if packet), (0.1, RESET if reset else b"")]

    network = FakeNetwork(server=server)
    transport = SelectorTransport(
        "http://203.0.113.7",
        headers={},
        tls=lambda: FakeTls(network),
        timeout=5.0,
        addresses=lambda to: [(int(socket.AF_INET), (to.host, to.port))],
        dial=network.dial,
        selector=network.selector,
        now=lambda: network.now,
        cpu=lambda: network.cpu,
    )
    answer = transport.ask(Ask("GET", "/health"))
    return {"says": answer.error} if answer.error else {"status": answer.status, "body": answer.body.decode()}


@rows("http_answers")
def test_answers_are_whole_or_failed_wherever_packets_end(row: Row) -> None:
    content, reset = row.given["bytes"].encode("latin-1"), bool(row.given.get("reset"))
    right = by_the_standard_library(content, reset) if row.right is None else row.right
    for place in range(len(content) + 1):
        found = ours(content[:place], content[place:], reset=reset)
        if "status" in right:
            assert found == right, place
        else:
            assert right.get("says", "") in found["says"], place
    assert ours(*(bytes([byte]) for byte in content), reset=reset).keys() == ours(content, reset=reset).keys()
