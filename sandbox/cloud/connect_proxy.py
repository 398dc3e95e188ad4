# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way of unmodified Google clients into the emulator: a CONNECT proxy that knows no other destination."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket

GOOGLE = re.compile(r"([a-z0-9-]+\.)*googleapis\.com")
HEAD_LIMIT = 16384
HEAD_PATIENCE = 10.0


class ConnectProxy:
    """Leads *.googleapis.com:443 to the emulator's TLS port and refuses everything else."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self, listener: socket.socket) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._accept, sock=listener, limit=HEAD_LIMIT)

    async def close(self) -> None:
        """Stop listening and drop what is open."""
        if self._server:
            self._server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task:
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
        try:
            await self._serve(reader, writer)
        except (OSError, EOFError, asyncio.LimitOverrunError, TimeoutError):
            return
        finally:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(HEAD_PATIENCE):
            head = await reader.readuntil(b"\r\n\r\n")
        refusal = refused(head.split(b"\r\n", 1)[0].decode("latin-1"))
        if refusal:
            text = refusal + "\n"
            writer.write(
                f"HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: {len(text)}\r\n"
                f"Connection: close\r\n\r\n{text}".encode()
            )
            await writer.drain()
            return
        inner_reader, inner_writer = await asyncio.open_connection(*self._target)
        try:
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(pipe(reader, inner_writer), pipe(inner_reader, writer))
        finally:
            inner_writer.close()


def refused(request_line: str) -> str:
    """Why a request is refused; empty when it is not."""
    words = request_line.split()
    if len(words) != 3 or words[0] != "CONNECT":
        return "The sandbox's proxy takes CONNECT only: plain http needs none."
    host, _, port = words[1].rpartition(":")
    if port != "443" or not GOOGLE.fullmatch(host.lower()):
        return f"The sandbox's proxy leads to *.googleapis.com:443 only, not to {words[1]}."
    return ""


async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until the end, and pass that on."""
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    with contextlib.suppress(OSError):
        writer.write_eof()
