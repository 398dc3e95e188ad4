# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TLS that negotiates no protocol, before a gRPC server without TLS: gRPC's own always negotiates h2."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable

CHUNK = 65_536

Allowed = Callable[[str], bool]
"""From a peer as gRPC names it (`ipv4:127.1.2.3:4567`) to whether a network policy lets it in."""


async def serve(host: str, port: int, tls: ssl.SSLContext, target: tuple[str, int], allowed: Allowed) -> asyncio.Server:
    """Listen, and hand every connection on to `target`."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")
        if not allowed(f"ipv4:{peer[0]}:{peer[1]}"):
            writer.close()
            return
        onward, back = await asyncio.open_connection(*target)
        await asyncio.gather(_copy(reader, back), _copy(onward, writer))

    return await asyncio.start_server(handle, host, port, ssl=tls)


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await source.read(CHUNK):
            target.write(chunk)
            await target.drain()
    target.close()
