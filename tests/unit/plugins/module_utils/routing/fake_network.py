# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sockets, a selector and time that move together, without any of them being real."""

from __future__ import annotations

import errno
import selectors
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

# What a server does after a whole request: (seconds later, bytes or an error; b"" closes).
Reaction = Sequence[tuple[float, bytes | OSError]]
Server = Callable[["FakeSocket"], Reaction]


@dataclass
class Key:
    """As selectors.SelectorKey."""

    data: Any


@dataclass(eq=False)
class FakeSocket:
    """A connection to a scripted server."""

    network: FakeNetwork
    number: int
    family: int
    address: Any = None
    writable_at: float | None = None
    error: int = 0
    arriving: list[tuple[float, bytes | OSError]] = field(default_factory=list)
    sent: bytes = b""
    requests: list[bytes] = field(default_factory=list)
    closed: bool = False
    tls: bool = False
    handshake: list[BaseException] = field(default_factory=list)
    sending: list[int | BaseException] = field(default_factory=list)

    def connect_ex(self, address: Any) -> int:
        self.address = address
        self.writable_at = self.network.now
        seconds, code, late = self.network.connecting(self)
        if (code and not late) or self.network.connects_at_once:
            return code
        self.error = code
        self.writable_at = None if seconds is None else self.network.now + seconds
        return errno.EINPROGRESS

    def getsockopt(self, level: int, name: int) -> int:
        assert (level, name) == (socket.SOL_SOCKET, socket.SO_ERROR)
        return self.error

    def send(self, data: bytes) -> int:
        step: int | BaseException = self.sending.pop(0) if self.sending else len(data)
        if isinstance(step, BaseException):
            raise step
        self.sent += data[:step]
        head, blank, body = self.sent.partition(b"\r\n\r\n")
        length = int(head.partition(b"Content-Length: ")[2].split(b"\r\n")[0] or 0)
        if blank and len(body) >= length:
            self.requests.append(self.sent)
            self.sent = b""
            self.arriving += [(self.network.now + after, what) for after, what in self.network.server(self)]
        return min(step, len(data))

    def recv(self, count: int) -> bytes:
        if not self.arriving or self.arriving[0][0] > self.network.now:
            raise ssl.SSLWantReadError if self.tls else BlockingIOError
        what = self.arriving[0][1]
        if isinstance(what, OSError):
            raise what
        if what:
            when, _ = self.arriving.pop(0)
            if what[count:]:
                self.arriving.insert(0, (when, what[count:]))
        return what[:count]

    def do_handshake(self) -> None:
        if self.handshake:
            raise self.handshake.pop(0)

    def close(self) -> None:
        self.closed = True

    def ready(self, events: int) -> int:
        mask = 0
        if events & selectors.EVENT_READ and self.arriving and self.arriving[0][0] <= self.network.now:
            mask |= selectors.EVENT_READ
        if events & selectors.EVENT_WRITE and self.writable_at is not None and self.writable_at <= self.network.now:
            mask |= selectors.EVENT_WRITE
        return mask


@dataclass
class FakeNetwork:
    """What the client is given in place of the system."""

    server: Server = lambda connection: [(0.1, OK)]
    # seconds (None: for ever), error, and whether the error comes late
    connecting: Callable[[FakeSocket], tuple[float | None, int, bool]] = lambda connection: (0.0, 0, False)
    # as the system may, when the peer is near
    connects_at_once: bool = False
    # what happens to a connection when it is made
    prepare: Callable[[FakeSocket], None] = lambda connection: None
    now: float = 100.0
    oversleep: float = 0.0
    cpu: float = 0.0
    sockets: list[FakeSocket] = field(default_factory=list)
    registered: dict[FakeSocket, tuple[int, Any]] = field(default_factory=dict)
    waits: list[float] = field(default_factory=list)
    open_selectors: int = 0

    def dial(self, family: int) -> FakeSocket:
        made = FakeSocket(self, len(self.sockets) + 1, family)
        self.sockets.append(made)
        self.prepare(made)
        return made

    def selector(self) -> FakeNetwork:
        self.open_selectors += 1
        return self

    def register(self, fileobj: FakeSocket, events: int, data: Any = None) -> None:
        assert fileobj not in self.registered, "registered twice"
        self.registered[fileobj] = (events, data)

    def modify(self, fileobj: FakeSocket, events: int, data: Any = None) -> None:
        assert fileobj in self.registered, "not registered"
        self.registered[fileobj] = (events, data)

    def unregister(self, fileobj: FakeSocket) -> None:
        assert not fileobj.closed, "unregistered after its end"
        del self.registered[fileobj]

    def select(self, timeout: float | None = None) -> list[tuple[Key, int]]:
        assert timeout is not None
        self.waits.append(timeout)
        found = self._ready()
        if found:
            return found
        times = [each.arriving[0][0] for each in self.registered if each.arriving]
        times += [
            each.writable_at
            for each, (events, _) in self.registered.items()
            if each.writable_at is not None and events & selectors.EVENT_WRITE
        ]
        coming = [time for time in times if self.now < time <= self.now + timeout]
        self.now = min(coming) if coming else self.now + timeout + self.oversleep
        return self._ready() if coming else []

    def _ready(self) -> list[tuple[Key, int]]:
        return [(Key(data), mask) for one, (events, data) in self.registered.items() if (mask := one.ready(events))]

    def close(self) -> None:
        self.open_selectors -= 1


@dataclass
class FakeTls:
    """As ssl.SSLContext, with scripted handshakes."""

    network: FakeNetwork
    handshake: Callable[[FakeSocket], list[BaseException]] = lambda connection: []
    refuses: bool = False
    names: list[str] = field(default_factory=list)

    def wrap_socket(self, sock: FakeSocket, *, server_hostname: str, do_handshake_on_connect: bool) -> FakeSocket:
        assert sock not in self.network.registered, "wrapped while registered"
        assert do_handshake_on_connect is False
        if self.refuses:
            raise ValueError("check_hostname requires server_hostname")
        self.names.append(server_hostname)
        sock.tls = True
        sock.handshake = self.handshake(sock)
        return sock
