# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The network as stand-in images see it: the one way in which they dial and listen.

A pod's process sends from the pod's own address, knows the cluster's names, and feels network policies: what a policy
denies hangs until the caller's own time-out. A process that no node started has no address, and no policy applies.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp.abc import ResolveResult

from sandbox.network.addresses import UnreachableError, bind_port, cluster_address, loopback
from sandbox.network.dialing import ClusterFile, Dialer, open_socket
from sandbox.network.tables import Endpoint, Tables, TablesFile, tables_file

HELD_CONNECTIONS = 256
"""So many denied connections are kept open; a packet filter would keep none, but also not answer."""
BACKLOG = 512


@dataclass(frozen=True)
class Place:
    """Where this process is: in which cluster and, if at all, which pod."""

    directory: Path | None
    pod_ip: str
    namespace: str
    _file: TablesFile | None

    @classmethod
    def of(cls, environ: dict[str, str]) -> Place:
        """By the environment that the node gave."""
        directory = environ.get("SANDBOX_CLUSTER_DIR")
        folder = Path(directory) if directory else None
        return cls(
            directory=folder,
            pod_ip=environ.get("SANDBOX_POD_IP", ""),
            namespace=environ.get("SANDBOX_POD_NAMESPACE", ""),
            _file=TablesFile(tables_file(folder)) if folder else None,
        )

    def tables(self) -> Tables | None:
        """The cluster's tables, as they are now."""
        return self._file.current() if self._file else None

    def dialer(self) -> Dialer:
        """Dials from here."""
        with contextlib.suppress(FileNotFoundError):
            cluster = ClusterFile.load(self.directory) if self.directory else None
            return self._dialer(cluster)
        return self._dialer(None)

    def _dialer(self, cluster: ClusterFile | None) -> Dialer:
        return Dialer(self.tables, cluster=cluster, source=self.pod_ip or None, namespace=self.namespace)


@cache
def here() -> Place:
    """The place of this process."""
    return Place.of(dict(os.environ))


@cache
def _dialer() -> Dialer:
    return here().dialer()


def resolve(host: str, port: int) -> list[Endpoint]:
    """The 10.x addresses and ports that `host` and `port` stand for; for a Service the one whose turn it is."""
    return list(_dialer().route(host, port).candidates)


async def open_connection(
    host: str, port: int, *, ssl: ssl.SSLContext | None = None, server_hostname: str | None = None, **options: Any
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """asyncio.open_connection through the cluster's network; `host` stays the name that TLS verifies."""
    made = await _dialer().connect(host, port)
    try:
        if ssl:
            options.update(ssl=ssl, server_hostname=server_hostname or host.rstrip("."))
        return await asyncio.open_connection(sock=made, **options)
    except BaseException:
        made.close()
        raise


def connector(**options: Any) -> aiohttp.BaseConnector:
    """For aiohttp.ClientSession: dials through the cluster's network. Options are those of aiohttp.TCPConnector."""
    return ClusterConnector(_dialer(), **options)


class ClusterConnector(aiohttp.TCPConnector):
    """Keeps addresses as the API knows them up to the last moment, so that TLS and policies see those."""

    def __init__(self, dialer: Dialer, **options: Any) -> None:
        options.setdefault("limit", 0)
        super().__init__(
            family=socket.AF_INET,
            use_dns_cache=False,
            socket_factory=lambda _: open_socket(dialer.local_address),
            **options,
        )
        self._dialer = dialer

    async def _resolve_host(self, host: str, port: int, traces: Any = None) -> list[ResolveResult]:
        route = self._dialer.route(host, port)
        if route.looked_up:
            await self._dialer.await_name_service()
        return [
            ResolveResult(hostname=host, host=address, port=number, family=socket.AF_INET, proto=0, flags=0)
            for address, number in route.candidates
        ]

    async def _wrap_create_connection(self, *args: Any, addr_infos: Any, **options: Any) -> Any:
        family, kind, protocol, name, (address, port) = addr_infos[0]
        async with asyncio.timeout(options["timeout"].sock_connect):
            await self._dialer.await_permission(address, port)
        try:
            served = [(family, kind, protocol, name, (loopback(address), bind_port(port)))]
        except UnreachableError as error:
            raise aiohttp.ClientConnectorError(options["req"].connection_key, error) from error
        return await super()._wrap_create_connection(*args, addr_infos=served, **options)


def allowed_ingress(peer_ip: str, port: int) -> bool:
    """Whether policies let the peer (10.x or 127.x) connect to that port of this pod."""
    place = here()
    tables = place.tables()
    if tables is None or not place.pod_ip:
        return True
    return tables.rulebook.allowed(cluster_address(peer_ip), place.pod_ip, port)


def listen(port: int) -> socket.socket:
    """A listening socket at the pod's own address; connections that a policy denies are held and never accepted."""
    made = PolicedSocket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        made.policed_port = port
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((loopback(here().pod_ip or "127.0.0.1"), bind_port(port)))
        made.setblocking(False)
        made.listen(BACKLOG)
    except BaseException:
        made.close()
        raise
    return made


class PolicedSocket(socket.socket):
    """Accepts only what policies allow.

    The peer's egress counts here too: a real Envoy dials without asking anybody.
    """

    policed_port = 0

    def accept(self) -> tuple[socket.socket, Any]:
        """The next allowed connection; BlockingIOError when there is none."""
        while True:
            connection, peer = super().accept()
            if allowed_ingress(peer[0], self.policed_port):
                return connection, peer
            self._hold(connection)

    def _hold(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        held = self.__dict__.setdefault("_held", deque())
        for each in [each for each in held if _left(each)]:
            held.remove(each)
            each.close()
        held.append(connection)
        if len(held) > HELD_CONNECTIONS:
            held.popleft().close()

    def close(self) -> None:
        """Close the held connections too."""
        for each in self.__dict__.pop("_held", ()):
            each.close()
        super().close()


def _left(connection: socket.socket) -> bool:
    """Whether the peer has closed; what it sent is thrown away."""
    try:
        return any(not chunk for chunk in _chunks(connection))
    except BlockingIOError:
        return False
    except OSError:
        return True


def _chunks(connection: socket.socket) -> Iterator[bytes]:
    while True:
        yield connection.recv(65536)
