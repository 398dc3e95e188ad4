# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a host and port, as a program names them, to a connected socket on this machine."""

from __future__ import annotations

import asyncio
import errno
import itertools
import json
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sandbox.network import names
from sandbox.network.addresses import (
    api_server_endpoint,
    api_service_address,
    bind_port,
    cluster_address,
    is_pod_address,
    is_service_address,
    loopback,
)
from sandbox.network.tables import Endpoint, Service, Tables

PATIENCE = 0.1
"""Seconds between two looks at whether a policy has changed."""
API_SERVER_NAMES = ("kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local")
HERE = ("localhost", "127.0.0.1")
# the kernel then chooses the port with the destination in view, so that sources do not run out of ports
IP_BIND_ADDRESS_NO_PORT = 24

_turns = itertools.count()


@dataclass(frozen=True)
class ClusterFile:
    """What cluster.json says of the API server."""

    index: int
    host: str
    port: int

    @classmethod
    def load(cls, directory: Path) -> ClusterFile:
        """Read DIRECTORY/cluster.json."""
        content = json.loads((directory / "cluster.json").read_text(encoding="utf-8"))
        host, _, port = content["api_server"].removeprefix("https://").partition(":")
        return cls(index=int(content["index"]), host=host, port=int(port or 443))


@dataclass(frozen=True)
class Route:
    """Where a connection goes."""

    candidates: tuple[Endpoint, ...]
    """10.x addresses, in the order in which they are tried."""
    looked_up: bool = False
    """Whether DNS was asked."""


def open_socket(source: str | None) -> socket.socket:
    """A socket that sends from `source`."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if source:
            made.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
            made.bind((source, 0))
    except BaseException:
        made.close()
        raise
    return made


class Dialer:
    """Dials for one caller: a pod, a node, or (without a source) a process of this machine."""

    def __init__(
        self,
        tables: Callable[[], Tables | None],
        *,
        cluster: ClusterFile | None = None,
        source: str | None = None,
        namespace: str = "",
    ) -> None:
        self._tables = tables
        self._cluster = cluster
        self.source = source
        """The caller's 10.x address."""
        self._namespace = namespace

    @property
    def local_address(self) -> str | None:
        """Where the caller's connections come from."""
        return loopback(self.source) if self.source else None

    def route(self, host: str, port: int) -> Route:
        """Where a connection to `host` goes; OSError as a resolver or a kernel raises it."""
        if self.source and host.lower() in HERE:
            return Route(((self.source, port),))
        if _is_address(host):
            return Route(self._to_address(cluster_address(host), port))
        tables = self._tables()
        if self._cluster and host.rstrip(".").lower() in API_SERVER_NAMES:
            return Route(self._to_address(api_service_address(self._cluster.index), port), looked_up=True)
        answer = names.find(tables, host, self._namespace) if tables else names.look_up(Tables(), host)
        if not answer.addresses:
            raise socket.gaierror(socket.EAI_NONAME, f"Name or service not known: {host}")
        if answer.service:
            return Route(self._to_service(answer.service, port), looked_up=True)
        return Route(tuple((address, port) for address in answer.addresses), looked_up=True)

    def _to_address(self, address: str, port: int) -> tuple[Endpoint, ...]:
        tables = self._tables()
        service = tables.by_address.get(address) if tables else None
        if service:
            return self._to_service(service, port)
        if self._cluster and address == api_service_address(self._cluster.index) and port == 443:
            # pods may ask the API server before anybody could ask it what its endpoint is
            return ((api_server_endpoint(self._cluster.index), self._cluster.port),)
        if is_service_address(address):
            raise _refused(f"{address}:{port} is no port of a service")
        return ((address, port),)

    def _to_service(self, service: Service, port: int) -> tuple[Endpoint, ...]:
        found = service.port(port)
        if found is None or not found.endpoints:
            raise _refused(
                f"service {service.namespace}/{service.name} "
                + ("has no endpoints" if found else f"has no port {port}")
            )
        # one endpoint a connection, as a node's address translation has it
        return (found.endpoints[next(_turns) % len(found.endpoints)],)

    async def await_name_service(self) -> None:
        """Return when policies let the caller ask DNS: an unanswered question is asked again."""
        while not self._allowed(lambda tables, source: tables.rulebook.dns_allowed(source)):
            await asyncio.sleep(PATIENCE)

    async def await_permission(self, address: str, port: int) -> None:
        """Return when policies let the connection through: a dropped packet is sent again."""
        while not self._allowed(lambda tables, source: tables.rulebook.allowed(source, address, port)):
            await asyncio.sleep(PATIENCE)

    def _allowed(self, judge: Callable[[Tables, str], bool]) -> bool:
        tables = self._tables()
        if tables is None or not self.source or not tables.enforced:
            return True
        # a pod that has just started is in the tables a moment later; until then nobody knows its labels
        known = self.source in tables.pods or not is_pod_address(self.source)
        return known and judge(tables, self.source)

    async def connect(self, host: str, port: int) -> socket.socket:
        """A connected socket; hangs, as its packets would, while a policy denies the connection."""
        route = self.route(host, port)
        if route.looked_up:
            await self.await_name_service()
        error: OSError | None = None
        for address, number in route.candidates:
            await self.await_permission(address, number)
            try:
                return await self.connect_to(address, number)
            except OSError as found:
                error = found
        assert error is not None
        raise error

    async def connect_to(self, address: str, port: int) -> socket.socket:
        """A socket connected to a 10.x address, whatever policies say."""
        target = (loopback(address), bind_port(port))
        made = open_socket(self.local_address)
        try:
            await asyncio.get_running_loop().sock_connect(made, target)
        except OSError as error:
            made.close()
            raise _named(error, f"connect to {address}:{port}") from error
        except BaseException:
            made.close()
            raise
        return made


def _is_address(host: str) -> bool:
    try:
        socket.inet_pton(socket.AF_INET, host)
    except OSError:
        return False
    return True


def _refused(why: str) -> OSError:
    return ConnectionRefusedError(errno.ECONNREFUSED, f"Connection refused: {why}")


def _named(error: OSError, what: str) -> OSError:
    """The same error, saying what was wanted."""
    if error.errno is None:
        return error
    return OSError(error.errno, f"{what}: {error.strerror}")
