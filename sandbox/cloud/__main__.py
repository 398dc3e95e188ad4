# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`python -m sandbox.cloud`: the emulated cloud as a process. SIGTERM ends it; clusters keep running."""

from __future__ import annotations

import asyncio
import errno
import logging
import signal
import sys

from sandbox.cloud.server import Server
from sandbox.settings import CLOUD_ADDRESS, Settings


async def serve(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT."""
    end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end.set)
    server = Server(settings)
    try:
        await server.start()
    except OSError as error:
        await server.close()
        if error.errno != errno.EADDRINUSE:
            raise
        print(f"An address of {CLOUD_ADDRESS} is taken: another sandbox runs. End it, then start this one.", flush=True)
        return 1
    logging.getLogger("sandbox.cloud").info("serving at %s, proxy at %s", server.url, server.proxy_url)
    logging.getLogger("sandbox.cloud").info("Google's words are chosen by the seed %s (SANDBOX_SEED)", server.seed)
    await end.wait()
    await server.close()
    return 0


def main() -> int:
    """Entry point."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stdout)
    return asyncio.run(serve(Settings.load()))


if __name__ == "__main__":
    sys.exit(main())
