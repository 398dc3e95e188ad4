# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server's certificate from mounted files, read again when they change."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path

PERIOD = 1.0


def stamp(*files: Path) -> tuple[tuple[int, int], ...]:
    """What changes when a file is replaced; a mounted secret is a chain of links to a new folder."""
    found = []
    for file in files:
        try:
            status = file.stat()
        except OSError:
            found.append((0, 0))
            continue
        found.append((status.st_ino, status.st_mtime_ns))
    return tuple(found)


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """A context for a server; FileNotFoundError or ssl.SSLError for files that are missing or bad."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


async def reload_on_change(
    context: ssl.SSLContext, certificate: Path, key: Path, log: Callable[[str], None], *, period: float = PERIOD
) -> None:
    """Load the files into `context` again whenever they change; for ever. New handshakes get the new certificate."""
    known = stamp(certificate, key)
    while True:
        await asyncio.sleep(period)
        found = stamp(certificate, key)
        if found == known:
            continue
        try:
            context.load_cert_chain(certificate, key)
        except (OSError, ssl.SSLError) as error:
            log(f"Reloading the certificate {certificate} failed, the old one stays: {error}")
        else:
            log(f"Reloaded the certificate {certificate}")
        known = found
