# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The data path of load balancers: listeners that lead to the ready endpoints of a Service."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

from sandbox.network.addresses import bind_port
from sandbox.network.dialing import Dialer
from sandbox.network.splicing import Caller
from sandbox.network.tables import Endpoint, Key, Tables


class BalancedCaller(Caller):
    """One connection to a load balancer."""

    def __init__(self, endpoints: Callable[[], tuple[Endpoint, ...]], dialer: Dialer) -> None:
        super().__init__()
        self._endpoints = endpoints
        self._dialer = dialer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.start(self._connect())

    async def _connect(self) -> None:
        # an endpoint that has just gone costs its callers nothing: the next one is tried
        for address, port in self._endpoints():
            try:
                connected = await self._dialer.connect_to(address, port)
            except OSError:
                continue
            await self.attach(connected)
            return
        if self.transport:
            self.transport.abort()


class Forwarder:
    """The listeners of all load balancers of a cluster."""

    def __init__(self, current: Callable[[], Tables], dialer: Dialer) -> None:
        self._current = current
        self._dialer = dialer
        self._servers: dict[Key, dict[tuple[str, int], asyncio.Server]] = {}

    async def serve(self, key: Key, address: str, ports: set[int]) -> None:
        """Listen for Service `key` at exactly these ports of the address; what is connected stays."""
        servers = self._servers.setdefault(key, {})
        wanted = {(address, port) for port in ports}
        for gone in servers.keys() - wanted:
            servers.pop(gone).close()
        for host, port in sorted(wanted - servers.keys()):
            servers[host, port] = await self._listen(key, host, port)

    def remove(self, key: Key) -> None:
        """Listen no more for Service `key`."""
        for server in self._servers.pop(key, {}).values():
            server.close()

    def close(self) -> None:
        """Listen no more at all."""
        for key in list(self._servers):
            self.remove(key)

    async def _listen(self, key: Key, host: str, port: int) -> asyncio.Server:
        turns = itertools.count()

        def endpoints() -> tuple[Endpoint, ...]:
            """The ready endpoints, beginning with the one whose turn it is."""
            service = self._current().services.get(key)
            found = service.port(port) if service else None
            if not found or not found.endpoints:
                return ()
            first = next(turns) % len(found.endpoints)
            return found.endpoints[first:] + found.endpoints[:first]

        loop = asyncio.get_running_loop()
        return await loop.create_server(
            lambda: BalancedCaller(endpoints, self._dialer), host, bind_port(port), backlog=1024
        )
