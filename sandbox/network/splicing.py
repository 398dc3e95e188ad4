# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two connections made one: bytes, ends and back-pressure pass from each to the other."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Coroutine
from typing import Any

EARLY_LIMIT = 1 << 16
"""So much is read from a caller before the other side is connected."""


class Pipe(asyncio.Protocol):
    """One of the two ends."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.other: Pipe | None = None
        self._ended = False

    def join(self, other: Pipe) -> None:
        """Make the two ends one connection."""
        self.other, other.other = other, self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        other = self._other_transport()
        if other:
            other.write(data)

    def eof_received(self) -> bool:
        """Pass the end on; this side can still be written to."""
        self._ended = True
        other = self._other_transport()
        if other and other.can_write_eof():
            other.write_eof()
        if self.other and self.other._ended:
            # both have said all: what is still buffered is sent before the sockets close
            self._close_both()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        other = self._other_transport()
        if other is None:
            return
        if exc or not self._ended:
            other.abort()
        else:
            other.close()

    def pause_writing(self) -> None:
        other = self._other_transport()
        if other:
            other.pause_reading()

    def resume_writing(self) -> None:
        other = self._other_transport()
        if other:
            other.resume_reading()

    def _close_both(self) -> None:
        for transport in (self.transport, self._other_transport()):
            if transport:
                transport.close()

    def _other_transport(self) -> asyncio.Transport | None:
        transport = self.other.transport if self.other else None
        return None if transport is None or transport.is_closing() else transport


class Caller(Pipe):
    """The end that a listener accepted, while its other end is being connected and after."""

    def __init__(self) -> None:
        super().__init__()
        self._early: list[bytes] = []
        self._task: asyncio.Task[None] | None = None

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run what connects the other end; it is cancelled when the caller goes."""
        self._task = asyncio.create_task(work)

    def peer(self) -> Any:
        """The caller's address."""
        return self.transport.get_extra_info("peername") if self.transport else None

    def data_received(self, data: bytes) -> None:
        if self.other:
            super().data_received(data)
            return
        self._early.append(data)
        if self.transport and sum(map(len, self._early)) > EARLY_LIMIT:
            self.transport.pause_reading()

    def eof_received(self) -> bool:
        if self.other:
            return super().eof_received()
        self._ended = True
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        if self._task:
            self._task.cancel()
        super().connection_lost(exc)

    async def attach(self, connected: socket.socket, greeting: bytes = b"") -> None:
        """Make `connected` the other end; the caller gets `greeting` first."""
        if self.transport is None or self.transport.is_closing():
            connected.close()
            return
        upstream = Pipe()
        await asyncio.get_running_loop().create_connection(lambda: upstream, sock=connected)
        if greeting:
            self.transport.write(greeting)
        early, self._early = self._early, []
        ended, self._ended = self._ended, False
        self.join(upstream)
        for data in early:
            super().data_received(data)
        self.transport.resume_reading()
        if ended:
            super().eof_received()
