# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`pilot-agent proxy router`: a gateway pod."""

from __future__ import annotations

import sys

import aiohttp
from aiohttp import web

from sandbox.guide_time import scaled
from sandbox.images.container import Container, run
from sandbox.images.proxyv2.agent import ANNOTATIONS_FILE, LABELS_FILE, Agent, Identity
from sandbox.images.proxyv2.envoy import Envoy
from sandbox.images.proxyv2.place import Place

STATUS_PORT = 15021
TOKEN_FILE = "/var/run/secrets/tokens/istio-token"
CONFIGURATION_FOLDER = "/etc/istio/proxy"
DRAIN_GUIDE_SECONDS = 5.0
"""Istio's terminationDrainDuration."""


def option(arguments: list[str], name: str, default: str) -> str:
    """The value of `--name value` or `--name=value`."""
    for index, argument in enumerate(arguments):
        if argument == name and index + 1 < len(arguments):
            return arguments[index + 1]
        if argument.startswith(f"{name}="):
            return argument.partition("=")[2]
    return default


async def main(arguments: list[str]) -> int:
    """Serve until told to stop; 2 for a command that the image does not have."""
    from sandbox.network import sockets

    container = Container.current()
    if "proxy" not in arguments or "router" not in arguments:
        container.log(f"pilot-agent: wanted the command proxy router, found {' '.join(arguments) or 'none'}")
        return 2
    labels, annotations = (container.root(file).read_text(encoding="utf-8") for file in (LABELS_FILE, ANNOTATIONS_FILE))
    identity = Identity.read(container.environ, labels, annotations, namespace=container.namespace, pod=container.name)
    folder = container.root(CONFIGURATION_FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    place = Place(container.pod_ip, container.root_folder, folder / "xds")
    envoy = Envoy(folder, place.admin, log_level=option(arguments, "--proxyLogLevel", "warning"))
    token = container.root(TOKEN_FILE)
    async with aiohttp.ClientSession(connector=sockets.connector()) as session:
        agent = Agent(
            place,
            identity,
            envoy,
            session=session,
            token=lambda: token.read_text(encoding="ascii").strip(),
            drain_seconds=scaled(DRAIN_GUIDE_SECONDS),
            log=container.log,
        )
        runner = web.AppRunner(agent.status_app(), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.SockSite(runner, sockets.listen(STATUS_PORT)).start()
            container.up()
            return await agent.run()
        finally:
            await runner.cleanup()


run(main(sys.argv[1:]))
