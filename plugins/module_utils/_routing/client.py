# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The load client: one thread, non-blocking sockets, the standard library.

An answer's time is taken as soon as the selector says that its socket can be read, for all of them before any is
parsed; bodies are not looked into before the run is over. No proxy of the environment is used.
"""

from __future__ import annotations

import errno
import os
import selectors
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError, one_line
from ansible_collections.rhaii.gke.plugins.module_utils._routing.ports import Answer, Ask, Load
from ansible_collections.rhaii.gke.plugins.module_utils._routing.statistics import nearest_rank
from ansible_collections.rhaii.gke.plugins.module_utils._routing.wire import (
    Endpoint,
    Response,
    WireError,
    check_headers,
    endpoint,
    request_bytes,
)

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
PIECE = 256 * 2**10
# The longest sleep; how late the loop wakes from it tells how busy the machine is.
TICK = 0.05
# How a connection ends that the peer closes; any other end has the system's words.
CLOSED = "closed"
CONNECT_TIMEOUT = 10.0
# How long a stream that says that it is complete is waited for to end too: a connection that is closed just before its
# end counts as broken off at gateways (openai-python#3440), and some never end it (earendil-works/pi#7954).
LINGER = 0.5
# When so many requests in a row have failed, the rest would too.
FEWEST_FAILURES_TO_END = 20

# A socket and an address, as the standard library knows them; tests bring their own.
Socket = Any
Address = tuple[Any, ...]
Dial = Callable[[int], Socket]


class Selector(Protocol):
    def register(self, fileobj: Any, events: int, data: Any = None) -> Any: ...
    def modify(self, fileobj: Any, events: int, data: Any = None) -> Any: ...
    def unregister(self, fileobj: Any) -> Any: ...
    def select(self, timeout: float | None = None) -> Sequence[tuple[Any, int]]: ...
    def close(self) -> None: ...


class Wrap(Protocol):
    """What the client needs of an ssl.SSLContext."""

    def wrap_socket(self, sock: Socket, *, server_hostname: str, do_handshake_on_connect: bool) -> Socket: ...


def resolve(to: Endpoint) -> list[tuple[int, Address]]:
    """The families and addresses of the endpoint, in the system's order."""
    try:
        found = socket.getaddrinfo(to.host, to.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise RhaiiError(
            f"The name {to.host} cannot be resolved ({one_line(error)}).",
            remedy="Check url, and the name service where this task runs.",
        ) from error
    return [(int(family), address) for family, _kind, _protocol, _name, address in found]


def dial(family: int) -> Socket:
    """A socket that neither blocks nor waits for more to send."""
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setblocking(False)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def trust(ca_file: str | None, verify: bool) -> ssl.SSLContext:
    """What an https endpoint's certificate is checked against: the file, or the system's authorities."""
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:  # ssl.SSLError too
        raise RhaiiError(
            f"The authority of the endpoint's certificate cannot be read from {ca_file} ({one_line(error)}).",
            remedy="Give endpoint_ca_file a PEM file that exists.",
        ) from error
    # Authorities of clusters lack extensions that newer Pythons insist on.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class _Link:
    """One connection, and the request that is on it."""

    def __init__(self) -> None:
        self.socket: Socket = None
        self.step: Callable[[float], None] | None = None
        self.events = 0
        self.open = False  # connected, and for https shaken hands
        self.used = False  # it has brought an answer before
        self.number: int | None = None  # which request; None while idle
        self.rest = b""
        self.response = Response()
        self.started = 0.0
        self.first_byte: float | None = None
        self.deadline = 0.0
        self.complete: float | None = None  # when the answer said that it is, ended or not
        self.received: list[bytes] = []
        self.stamp = 0.0
        self.ended = ""
        self.tried = 0


class SelectorTransport:
    """The port Transport over real sockets."""

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str],
        tls: Callable[[], Wrap],
        timeout: float,
        linger: float = LINGER,
        addresses: Callable[[Endpoint], Sequence[tuple[int, Address]]] = resolve,
        dial: Dial = dial,
        selector: Callable[[], Selector] = selectors.DefaultSelector,
        now: Callable[[], float] = time.monotonic,
        cpu: Callable[[], float] = time.process_time,
    ) -> None:
        check_headers(headers)
        self.to = endpoint(url)
        self.headers = dict(headers)
        self.tls = tls() if self.to.tls else None
        self.timeout = timeout
        self.linger = linger
        self.addresses = addresses(self.to)
        self.dial = dial
        self.selector = selector
        self.now = now
        self.cpu = cpu

    def ask(self, ask: Ask) -> Answer:
        return self.load([ask], 1, lambda done: None).answers[0]

    def load(self, asks: Sequence[Ask], concurrent: int, done: Callable[[int], None]) -> Load:
        for ask in asks:
            check_headers(ask.headers)
        wire = [request_bytes(self.to, ask.method, ask.path, ask.body, {**self.headers, **ask.headers}) for ask in asks]
        return _Run(self, wire, min(concurrent, len(asks)), done).run()


class _Run:
    """One closed loop, from its first connection to its last answer."""

    def __init__(
        self, transport: SelectorTransport, wire: Sequence[bytes], concurrent: int, done: Callable[[int], None]
    ) -> None:
        self.transport = transport
        self.wire = wire
        self.done = done
        self.now = transport.now
        self.selector = transport.selector()
        self.links = [_Link() for _number in range(concurrent)]
        self.next: Iterator[int] = iter(range(len(wire)))
        self.answers: dict[int, Answer] = {}
        self.idle: list[_Link] = []
        self.failed_in_a_row = 0
        self.lags: list[float] = []

    def run(self) -> Load:
        try:
            # All connections stand before the clock starts: the first wave would only measure their making.
            for link in self.links:
                self._connect(link, self.now() + CONNECT_TIMEOUT)
            while any(link.step is not None and not link.open for link in self.links):
                self._turn()
            self.lags.clear()
            started, cpu = self.now(), self.transport.cpu()
            self.idle = list(reversed(self.links))
            while self._all_given():
                self._turn()
            seconds, cpu = self.now() - started, self.transport.cpu() - cpu
        finally:
            for link in self.links:
                self._drop(link)
            self.selector.close()
        lag = nearest_rank(sorted(self.lags), 99) if self.lags else 0.0
        return Load([self.answers[number] for number in sorted(self.answers)], seconds, cpu, lag)

    def _turn(self) -> None:
        """Wait for sockets; stamp and read all that are ready; only then parse."""
        before = self.now()
        wait = max(0.0, min([TICK, *(link.deadline - before for link in self.links if self._timed(link))]))
        if any(link.ended for link in self.links):
            wait = 0.0
        ready = self.selector.select(wait)
        stamp = self.now()
        if not ready:
            self.lags.append(max(0.0, stamp - before - wait))
        for key, _events in ready:
            link: _Link = key.data
            if link.step is not None:
                link.step(stamp)
        for link in self.links:
            if link.received or link.ended:
                self._digest(link)
            elif self._timed(link) and stamp >= link.deadline:
                self._expire(link)
        if ready:
            self.lags.append(self.now() - stamp)

    @staticmethod
    def _timed(link: _Link) -> bool:
        return link.number is not None or (link.step is not None and not link.open)

    # Connections

    def _connect(self, link: _Link, deadline: float) -> None:
        """Begin a connection to the next address that has not failed."""
        addresses = self.transport.addresses
        if link.tried >= len(addresses):
            link.tried = 0
        family, address = addresses[link.tried]
        link.open = link.used = False
        link.deadline = deadline
        try:
            link.socket = self.transport.dial(family)
            link.step = lambda stamp: self._connected(link)
            code = link.socket.connect_ex(address)
        except OSError as error:
            self._unreachable(link, one_line(error))
            return
        if code not in (0, errno.EINPROGRESS, errno.EWOULDBLOCK):
            self._unreachable(link, os.strerror(code))
            return
        self._listen(link, WRITE)

    def _unreachable(self, link: _Link, reason: str) -> None:
        """This address did not work; another may."""
        deadline = link.deadline
        self._drop(link)
        link.tried += 1
        if link.tried < len(self.transport.addresses):
            self._connect(link, deadline)
        elif link.number is not None:
            self._answer(link, f"could not connect to {self.transport.to.host}:{self.transport.to.port}: {reason}")

    def _connected(self, link: _Link) -> None:
        code = link.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self._unreachable(link, os.strerror(code))
            return
        if self.transport.tls is None:
            self._opened(link)
            return
        self._unlisten(link)
        try:
            link.socket = self.transport.tls.wrap_socket(
                link.socket, server_hostname=self.transport.to.host, do_handshake_on_connect=False
            )
        except (OSError, ValueError) as error:
            self._unreachable(link, one_line(error))
            return
        link.step = lambda stamp: self._shake_hands(link)
        self._shake_hands(link)

    def _shake_hands(self, link: _Link) -> None:
        try:
            link.socket.do_handshake()
        except ssl.SSLWantReadError:
            self._listen(link, READ)
        except ssl.SSLWantWriteError:
            self._listen(link, WRITE)
        except OSError as error:
            self._unreachable(link, f"no TLS ({one_line(error)})")
        else:
            self._opened(link)

    def _opened(self, link: _Link) -> None:
        link.open = True
        link.step = lambda stamp: self._read(link, stamp)
        self._listen(link, READ)
        if link.number is not None:
            self._send(link)

    def _listen(self, link: _Link, events: int) -> None:
        if not link.events:
            self.selector.register(link.socket, events, link)
        elif link.events != events:
            self.selector.modify(link.socket, events, link)
        link.events = events

    def _unlisten(self, link: _Link) -> None:
        if link.events:
            self.selector.unregister(link.socket)
            link.events = 0

    def _drop(self, link: _Link) -> None:
        self._unlisten(link)
        if link.socket is not None:
            link.socket.close()
        link.socket, link.step, link.open = None, None, False

    # Requests

    def _all_given(self) -> bool:
        """Give the idle connections their next requests; whether there is anything to wait for."""
        while self.idle:
            link = self.idle.pop()
            if self.failed_in_a_row >= max(FEWEST_FAILURES_TO_END, 2 * len(self.links)):
                continue
            number = next(self.next, None)
            if number is not None:
                link.number = number
                link.started = self.now()
                self._begin(link)
        return any(link.number is not None for link in self.links)

    def _begin(self, link: _Link) -> None:
        link.rest = self.wire[link.number or 0]
        link.response = Response()
        link.first_byte = link.complete = None
        link.deadline = link.started + self.transport.timeout
        if link.open:
            self._send(link)
        elif link.step is None:
            self._connect(link, link.deadline)

    def _send(self, link: _Link) -> None:
        try:
            while link.rest:
                link.rest = link.rest[link.socket.send(link.rest) :]
        except (BlockingIOError, ssl.SSLWantWriteError):
            self._listen(link, READ | WRITE)
            return
        except ssl.SSLWantReadError:
            self._listen(link, READ)
            return
        except OSError as error:
            link.ended = link.ended or one_line(error)
            return
        self._listen(link, READ)

    def _read(self, link: _Link, stamp: float) -> None:
        """Take what is there; it is parsed when all sockets of this turn have been read."""
        link.stamp = stamp
        try:
            while True:
                piece = link.socket.recv(PIECE)
                if not piece:
                    link.ended = link.ended or CLOSED
                    break
                link.received.append(piece)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        except OSError as error:
            link.ended = link.ended or one_line(error)
        if link.rest and not link.ended:
            self._send(link)

    def _digest(self, link: _Link) -> None:
        received, link.received = link.received, []
        ended, link.ended = link.ended, ""
        if link.number is None:  # idle: the peer ends it, or says what nobody asked for
            self._drop(link)
            return
        response = link.response
        try:
            for piece in received:
                response.feed(piece)
                if response.body_begun and link.first_byte is None:
                    link.first_byte = link.stamp
            if link.complete is None and not response.done and response.says_done:
                link.complete = link.stamp
                link.deadline = min(link.deadline, link.stamp + self.transport.linger)
            if ended:
                response.end(broken=ended != CLOSED)
        except WireError as error:
            if response.says_done:
                self._drop(link)
                self._answer(link, "")
                return
            lost = bool(ended) and not response.begun
            self._drop(link)
            if lost and link.used:
                # An idle connection may be closed just when it is used again: that is no failure of the request.
                self._begin(link)
                return
            reason = f": {ended}" if ended not in ("", CLOSED) else ""
            self._answer(link, f"{error}{reason}")
            return
        if response.done:
            keeps = response.keeps and not link.rest
            if not keeps:
                self._drop(link)
            link.used = keeps
            self._answer(link, "")

    def _expire(self, link: _Link) -> None:
        opening = not link.open
        self._drop(link)
        if opening:
            link.tried += 1  # the next attempt takes another address
        if link.complete is not None:
            self._answer(link, "")
        elif link.number is not None:  # else its first request tries again
            what = "no connection" if opening else "no whole answer"
            self._answer(link, f"{what} within {self.transport.timeout:g} s")

    def _answer(self, link: _Link, error: str) -> None:
        """Note what came of a request; its connection is idle then."""
        number, link.number = link.number, None
        if number is None:
            return
        response = link.response
        if error:
            answer = Answer(seconds=self.now() - link.started, error=error)
        else:
            first = None if link.first_byte is None else link.first_byte - link.started
            last = link.stamp if link.complete is None else link.complete
            answer = Answer(response.status, response.headers, response.body, last - link.started, first)
        self.answers[number] = answer
        self.failed_in_a_row = self.failed_in_a_row + 1 if error else 0
        self.idle.append(link)
        self.done(len(self.answers))


__all__ = ("SelectorTransport", "dial", "resolve", "trust")
