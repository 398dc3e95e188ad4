# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which kinds KServe's controller watches is found out once, when it starts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from sandbox.control_plane.kube import HTTP_ROUTE, INFERENCE_POOL, NotFound
from sandbox.images.kserve.controller import Controller
from sandbox.images.kserve.look import Environment


class FakeClient:
    """Serves every kind but some, and remembers which ones are watched."""

    def __init__(self, *missing: str) -> None:
        self.missing = missing
        self.watched: list[str] = []

    async def request(self, method: str, path: str, **_: Any) -> dict[str, Any]:
        if path in self.missing:
            raise NotFound(404, "NotFound", path)
        return {"items": []}

    async def watch(self, ref: Any, *_: Any) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        self.watched.append(ref.path())
        yield "SYNC", {"items": []}
        await asyncio.Event().wait()


async def started(client: FakeClient) -> list[str]:
    said: list[str] = []
    environment = Environment("opendatahub", "ca", "cert-manager", "/ca.crt", 1.0)
    controller = Controller(client, environment, said.append)  # type: ignore[arg-type]
    task = asyncio.create_task(controller.run())
    async with asyncio.timeout(5):
        while not controller.ready:
            await asyncio.sleep(0)
    client.missing = ()  # they come now, and nobody looks again
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return said


async def test_kinds_that_come_later_are_never_watched() -> None:
    client = FakeClient(HTTP_ROUTE.path(), INFERENCE_POOL.path())
    said = await started(client)
    assert HTTP_ROUTE.path() not in client.watched
    assert INFERENCE_POOL.path() not in client.watched
    assert "httproutes (gateway.networking.k8s.io/v1) are not served: they are not watched" in said


async def test_kinds_that_are_there_are_watched() -> None:
    client = FakeClient()
    await started(client)
    assert {HTTP_ROUTE.path(), INFERENCE_POOL.path()} <= set(client.watched)
