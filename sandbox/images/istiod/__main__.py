# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`pilot-discovery discovery`: the gateway controller as a container."""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack

from aiohttp import web

from sandbox.images.container import Container, run
from sandbox.images.istiod.authority import authority, server_context
from sandbox.images.istiod.controller import Controller
from sandbox.images.istiod.discovery import TokenReviews, discovery_app, readiness_app

PLAIN_PORT = 15010
DISCOVERY_PORT = 15012
READINESS_PORT = 8080


async def main(arguments: list[str]) -> int:
    """Serve until told to stop; 2 for a command that the image does not have."""
    from sandbox.network import sockets

    container = Container.current()
    command = next((argument for argument in arguments if argument.isalpha()), "")
    if command != "discovery":
        container.log(f"pilot-discovery: wanted the command discovery, found {' '.join(arguments) or 'none'}")
        return 2
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(container.kube())
        namespace = container.namespace or "istio-system"
        signer = await authority(client, namespace)
        controller = Controller(
            client,
            environ=container.environ,
            namespace=namespace,
            root=signer.certificate.decode(),
            log=container.log,
        )
        for port, app, tls in (
            (PLAIN_PORT, discovery_app(controller, TokenReviews(client)), None),
            (
                DISCOVERY_PORT,
                discovery_app(controller, TokenReviews(client)),
                server_context(signer, namespace, container.root("/var/run/secrets/istiod/tls")),
            ),
            (READINESS_PORT, readiness_app(controller), None),
        ):
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.SockSite(runner, sockets.listen(port), ssl_context=tls).start()
        container.up()
        container.log(f"discovery is served on :{PLAIN_PORT} and :{DISCOVERY_PORT}, readiness on :{READINESS_PORT}")
        await controller.run()
    return 0


run(main(sys.argv[1:]))
