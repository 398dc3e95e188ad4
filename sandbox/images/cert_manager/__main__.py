# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""cert-manager's image: the command says which of the three programs to be."""

from __future__ import annotations

import asyncio
import datetime
import sys
from pathlib import PurePosixPath

from sandbox.images import admission
from sandbox.images.cert_manager import webhook
from sandbox.images.cert_manager.cainjector import Injector
from sandbox.images.cert_manager.controller import Controller
from sandbox.images.container import Container, run

WEBHOOK_PORT = 10250
WEBHOOK_HEALTH_PORT = 6080
CONTROLLER_HEALTH_PORT = 9403


async def controller(container: Container) -> None:
    """Issue certificates until stopped."""
    health = await admission.serve(admission.health_application({"/livez": lambda: True}), CONTROLLER_HEALTH_PORT)
    container.up()
    try:
        async with container.kube() as client:
            await Controller(client, container.namespace, container.log).run()
    finally:
        await health.cleanup()


async def cainjector(container: Container) -> None:
    """Inject authorities until stopped."""
    async with container.kube() as client:
        await Injector(client, container.log).run()


async def serve_webhook(container: Container) -> None:
    """Judge objects until stopped."""
    async with container.kube() as client:
        authority = await webhook.kept_authority(client, container.namespace)
    pair = webhook.serving_pair(authority, container.namespace, datetime.datetime.now(datetime.UTC))
    context = webhook.context(pair, container.root("/tmp"))
    healthy = {"/livez": lambda: True, "/healthz": lambda: True}
    runners = [
        await admission.serve(admission.application({"/validate": webhook.problems}), WEBHOOK_PORT, context),
        await admission.serve(admission.health_application(healthy), WEBHOOK_HEALTH_PORT),
    ]
    container.up()
    container.log(f"listening for secure connections on port {WEBHOOK_PORT}")
    try:
        await asyncio.Event().wait()
    finally:
        for runner in runners:
            await runner.cleanup()


PROGRAMS = {"controller": controller, "cainjector": cainjector, "webhook": serve_webhook}


def program(argv: list[str]) -> str:
    """The program that a container's command names, such as /app/cmd/webhook/webhook."""
    name = PurePosixPath(argv[0] if argv else "").name
    if name not in PROGRAMS:
        raise SystemExit(f"cert-manager's image has {', '.join(sorted(PROGRAMS))}; found the command {name!r}.")
    return name


if __name__ == "__main__":
    run(PROGRAMS[program(sys.argv[1:])](Container.current()))
