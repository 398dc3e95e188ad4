# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-in for kube-dns: names of the cluster, and of the little of the world that the sandbox has."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, cast

import dnslib

from sandbox.network import names
from sandbox.network.addresses import CLUSTER_DOMAIN, bind_port, cluster_address
from sandbox.network.tables import Tables

TTL = 5
"""Seconds: names move as fast as pods do."""
UDP_LIMIT = 1232

Current = Callable[[], Tables]


def answer(tables: Tables, query: bytes) -> bytes | None:
    """The answer to a message; None when it is no question."""
    try:
        record = dnslib.DNSRecord.parse(query)
    except dnslib.DNSError:
        return None
    if record.header.qr or not record.questions:
        return None
    reply = record.reply(ra=1, aa=1)
    if record.header.opcode != dnslib.OPCODE.QUERY:
        reply.header.rcode = dnslib.RCODE.NOTIMP
        return bytes(reply.pack())
    name, kind = str(record.q.qname), int(record.q.qtype)
    _follow(tables, reply, name, kind)
    if not reply.rr:
        reply.add_auth(_authority(name))
    return bytes(reply.pack())


def _follow(tables: Tables, reply: Any, name: str, kind: int) -> None:
    """Add the records of a name, and those of the names that it is an alias of."""
    for _ in range(names.ALIAS_LIMIT):
        found = names.look_up(tables, name)
        if not found.exists:
            # an alias that leads nowhere is an answer too
            reply.header.rcode = dnslib.RCODE.NOERROR if reply.rr else dnslib.RCODE.NXDOMAIN
            return
        if found.alias:
            reply.add_answer(_record(name, dnslib.QTYPE.CNAME, dnslib.CNAME(found.alias.rstrip(".") + ".")))
            name = found.alias
            continue
        if kind in (dnslib.QTYPE.A, dnslib.QTYPE.ANY):
            for address in found.addresses:
                reply.add_answer(_record(name, dnslib.QTYPE.A, dnslib.A(address)))
        if kind in (dnslib.QTYPE.SRV, dnslib.QTYPE.ANY):
            for target in found.targets:
                data = dnslib.SRV(0, 100 // len(found.targets), target.port, f"{target.host}.")
                reply.add_answer(_record(name, dnslib.QTYPE.SRV, data))
                reply.add_ar(_record(target.host, dnslib.QTYPE.A, dnslib.A(target.address)))
        return


def _record(name: str, kind: int, data: Any) -> Any:
    return dnslib.RR(name.rstrip(".") + ".", kind, ttl=TTL, rdata=data)


def _authority(name: str) -> Any:
    zone = CLUSTER_DOMAIN if name.rstrip(".").lower().endswith(CLUSTER_DOMAIN) else ""
    data = dnslib.SOA(f"ns.dns.{CLUSTER_DOMAIN}.", f"hostmaster.{CLUSTER_DOMAIN}.", (1, 7200, 1800, 86400, TTL))
    return dnslib.RR(f"{zone}.", dnslib.QTYPE.SOA, ttl=TTL, rdata=data)


class Datagrams(asyncio.DatagramProtocol):
    """DNS over UDP."""

    def __init__(self, current: Current) -> None:
        self._current = current
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Python 3.11's own datagram transport is no instance of the class that it implements
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        tables = self._current()
        if self._transport is None or not tables.rulebook.dns_allowed(cluster_address(str(addr[0]))):
            return
        reply = answer(tables, data)
        if reply is None:
            return
        if len(reply) > UDP_LIMIT:
            reply = bytes(dnslib.DNSRecord.parse(reply).truncate().pack())
        self._transport.sendto(reply, addr)


async def converse(current: Current, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """DNS over TCP: each message has its length before it."""
    try:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                length = int.from_bytes(await reader.readexactly(2), "big")
                reply = answer(current(), await reader.readexactly(length))
                if reply is None:
                    return
                writer.write(len(reply).to_bytes(2, "big") + reply)
                await writer.drain()
    finally:
        writer.close()


class NameServer:
    """Answers at an address, by UDP and TCP."""

    def __init__(self, current: Current) -> None:
        self._current = current
        self._transport: asyncio.DatagramTransport | None = None
        self._server: asyncio.Server | None = None

    async def listen(self, address: str, port: int) -> None:
        """Begin to answer."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: Datagrams(self._current), local_addr=(address, bind_port(port))
        )
        self._server = await asyncio.start_server(
            lambda reader, writer: converse(self._current, reader, writer), address, bind_port(port)
        )

    def close(self) -> None:
        """Answer no more."""
        if self._transport:
            self._transport.close()
        if self._server:
            self._server.close()
