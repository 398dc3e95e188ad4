# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operators' images: the command says which program to be."""

from __future__ import annotations

import asyncio
import sys
from pathlib import PurePosixPath

from sandbox.images import admission
from sandbox.images.container import Container, run
from sandbox.images.operators.operand import Operator

HEALTH_PORT = 8081


async def cert_manager_operator(container: Container) -> None:
    """Install cert-manager."""
    from sandbox.images.operators.cert_manager import CertManagerOperator

    async with container.kube() as client:
        await CertManagerOperator(client, container.environ, container.log).loop.run()


async def sail_operator(container: Container) -> None:
    """Install Istio."""
    from sandbox.images.operators.sail import TABLE, SailOperator

    table = container.root(TABLE).read_text(encoding="utf-8")
    async with container.kube() as client:
        await _with_probes(container, SailOperator(client, container.namespace, table, container.log).loop)


async def lws_operator(container: Container) -> None:
    """Install the LeaderWorkerSet controller."""
    from sandbox.images.operators.lws import LwsOperator

    async with container.kube() as client:
        await LwsOperator(client, container.environ, container.log).loop.run()


async def lws_controller(container: Container) -> None:
    """Be there: the sandbox serves no model on several nodes, so no LeaderWorkerSet is reconciled."""
    app = admission.health_application({"/healthz": lambda: True, "/readyz": lambda: True})
    runner = await admission.serve(app, HEALTH_PORT)
    container.up()
    container.log("this stand-in reconciles no LeaderWorkerSets")
    try:
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


async def _with_probes(container: Container, loop: Operator) -> None:
    checks = {"/healthz": lambda: True, "/readyz": lambda: loop.ready}
    runner = await admission.serve(admission.health_application(checks), HEALTH_PORT)
    container.up()
    try:
        await loop.run()
    finally:
        await runner.cleanup()


PROGRAMS = {
    "cert-manager-operator": cert_manager_operator,
    "sail-operator": sail_operator,
    "lws-operator": lws_operator,
    "manager": lws_controller,
}


def program(argv: list[str]) -> str:
    """The program that a container's command names, such as /usr/local/bin/sail-operator."""
    name = PurePosixPath(argv[0] if argv else "").name
    if name not in PROGRAMS:
        raise SystemExit(f"These images have {', '.join(sorted(PROGRAMS))}; found the command {name!r}.")
    return name


if __name__ == "__main__":
    run(PROGRAMS[program(sys.argv[1:])](Container.current()))
