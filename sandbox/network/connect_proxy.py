# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTTP CONNECT proxy of a cluster: for real binaries, which know nothing of the sandbox's addresses.

The API server comes by its egress selector through a unix socket, and sends from a node, as the kubelet does.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

from sandbox.network.addresses import bind_port, cluster_address
from sandbox.network.dialing import Dialer
from sandbox.network.splicing import Caller

HEAD_LIMIT = 1 << 14
Dialers = Callable[[str], Dialer]
"""A dialer that sends from a 10.x address."""


class ConnectRefusedError(Exception):
    """An answer other than 200."""

    def __init__(self, status: HTTPStatus, why: str) -> None:
        super().__init__(why)
        self.status = status


def target_of(head: bytes) -> tuple[str, int]:
    """Host and port of a CONNECT request."""
    words = head.split(b"\r\n", 1)[0].decode("latin-1").split()
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise ConnectRefusedError(HTTPStatus.BAD_REQUEST, "wanted an HTTP/1.1 request")
    method, target, _ = words
    if method != "CONNECT":
        raise ConnectRefusedError(HTTPStatus.METHOD_NOT_ALLOWED, f"wanted CONNECT, found {method}")
    host, _, port = target.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ConnectRefusedError(HTTPStatus.BAD_REQUEST, f"wanted HOST:PORT, found {target}")
    return host, int(port)


class ConnectCaller(Caller):
    """One caller of the proxy."""

    def __init__(self, dialers: Dialers, source: str) -> None:
        super().__init__()
        self._dialers = dialers
        self._source = source
        self._head = b""
        self._asked = False

    def data_received(self, data: bytes) -> None:
        if self._asked:
            super().data_received(data)
            return
        self._head += data
        head, found, rest = self._head.partition(b"\r\n\r\n")
        if not found:
            if len(self._head) > HEAD_LIMIT:
                self._refuse(ConnectRefusedError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "the head is too long"))
            return
        self._asked = True
        if rest:
            super().data_received(rest)
        self.start(self._connect(head))

    async def _connect(self, head: bytes) -> None:
        try:
            host, port = target_of(head)
            source = self._source or cluster_address(self.peer()[0])
            connected = await self._dialers(source).connect(host, port)
        except ConnectRefusedError as error:
            self._refuse(error)
        except OSError as error:
            self._refuse(ConnectRefusedError(HTTPStatus.BAD_GATEWAY, error.strerror or str(error)))
        else:
            await self.attach(connected, b"HTTP/1.1 200 Connection established\r\n\r\n")

    def _refuse(self, error: ConnectRefusedError) -> None:
        if self.transport is None:
            return
        body = f"{error}\n".encode()
        head = (
            f"HTTP/1.1 {error.status.value} {error.status.phrase}\r\nContent-Type: text/plain\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()


class ConnectProxy:
    """Listens on a unix socket for the API server and at an address for everybody else."""

    def __init__(self, dialers: Dialers, node: str) -> None:
        self._dialers = dialers
        self._node = node
        self._servers: list[asyncio.Server] = []

    async def listen_unix(self, path: Path) -> None:
        """Callers here send from the node."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # a unix socket's path has 107 bytes at the most, and the folder may lie deep
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            made.bind(f"/proc/self/fd/{folder}/{path.name}")
            path.chmod(0o600)
        finally:
            os.close(folder)
        loop = asyncio.get_running_loop()
        self._servers.append(
            await loop.create_unix_server(lambda: ConnectCaller(self._dialers, self._node), sock=made, backlog=256)
        )

    async def listen_tcp(self, address: str, port: int) -> None:
        """Callers here send from their own addresses."""
        loop = asyncio.get_running_loop()
        self._servers.append(
            await loop.create_server(lambda: ConnectCaller(self._dialers, ""), address, bind_port(port), backlog=256)
        )

    def close(self) -> None:
        """Accept no more; what is connected stays."""
        for server in self._servers:
            server.close()
