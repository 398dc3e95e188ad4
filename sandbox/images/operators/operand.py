# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The loop of an operator: one object says what is wanted, the operands follow, the object's status tells how far."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from sandbox.control_plane.kube import DEPLOYMENT, Informer, Key, KubeClient, NotFound, Reconciler, Resource, key_of

Object = dict[str, Any]
Look = Callable[[Object], Awaitable[None]]
MOMENT = 1.0
"""Real seconds, so that an endless reconciliation costs the machine little."""


class Operator:
    """Calls `look` for each object of `ref`, again whenever it or one of the operands' Deployments changes."""

    def __init__(
        self,
        client: KubeClient,
        ref: Resource,
        look: Look,
        namespace: str,
        log: Callable[[str], None],
    ) -> None:
        self._client = client
        self._ref = ref
        self._look = look
        self._log = log
        self._wanted = Informer(client, ref)
        self._deployments = Informer(client, DEPLOYMENT, namespace=namespace)
        self._others: list[Informer] = []
        self._work = Reconciler(self._reconcile, on_error=self._failed)
        self.ready = False

    def also(self, informer: Informer, wakes: Callable[[Object], bool]) -> None:
        """Look again a moment after another object changed, where that concerns this operator."""

        def listen(_: str, obj: Object) -> None:
            if wakes(obj):
                asyncio.get_running_loop().call_later(MOMENT, self._all_again)

        informer.on_change(listen)
        self._others.append(informer)

    async def run(self) -> None:
        """Until cancelled."""
        self._wanted.on_change(lambda _, obj: self._work.add(key_of(obj)))
        self._deployments.on_change(lambda _, _obj: self._all_again())
        try:
            await self._deployments.synced()
            await self._wanted.synced()
            for informer in self._others:
                informer.start()
            self.ready = True
            self._log(f"operator started: watching {self._ref.plural}")
            await asyncio.Event().wait()
        finally:
            await self._work.stop()
            await self._wanted.stop()
            await self._deployments.stop()
            for informer in self._others:
                await informer.stop()

    def _all_again(self) -> None:
        for key in self._wanted.items:
            self._work.add(key)

    def _failed(self, key: Key, error: Exception) -> None:
        self._log(f"failed to reconcile {self._ref.plural} {key[1]}: {error}")

    async def _reconcile(self, key: Key) -> float | None:
        namespace, name = key
        obj = await self._client.find(self._ref, name, namespace)
        if obj is not None and not obj["metadata"].get("deletionTimestamp"):
            await self._look(obj)
        return None


async def apply_all(client: KubeClient, objects: Sequence[Object], manager: str) -> None:
    """Server-side apply of each, in order."""
    for obj in objects:
        await client.apply(obj, manager=manager)


async def write_status(client: KubeClient, ref: Resource, obj: Object, status: Object) -> None:
    """Write what has changed in an object's status."""
    known = obj.get("status") or {}
    if {key: known.get(key) for key in status} == status:
        return
    namespace, name = key_of(obj)
    try:
        await client.patch_status(ref, name, namespace, status)
    except NotFound:  # it went meanwhile
        return
