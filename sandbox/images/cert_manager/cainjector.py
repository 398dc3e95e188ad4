# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""cert-manager's CA injector: webhook configurations learn which authority to trust."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from sandbox.control_plane.kube import (
    API_SERVICE,
    MUTATING_WEBHOOK,
    SECRET,
    VALIDATING_WEBHOOK,
    Informer,
    Key,
    KubeClient,
    Reconciler,
    Resource,
    key_of,
)
from sandbox.images.cert_manager.injecting import injected, source
from sandbox.images.cert_manager.names import CERTIFICATE

Object = dict[str, Any]


class Injector:
    """Injects authorities."""

    def __init__(self, client: KubeClient, log: Callable[[str], None]) -> None:
        self._client = client
        self._log = log
        self._secrets = Informer(client, SECRET, fields="type!=helm.sh/release.v1")
        self._targets = {ref: Informer(client, ref) for ref in (VALIDATING_WEBHOOK, MUTATING_WEBHOOK, API_SERVICE)}
        self._work = {ref: Reconciler(self._looker(ref), on_error=self._failed) for ref in self._targets}

    async def run(self) -> None:
        """Until cancelled."""
        self._secrets.on_change(lambda _, _obj: self._all_again())
        for ref, informer in self._targets.items():
            informer.on_change(self._adder(ref))
        informers = [self._secrets, *self._targets.values()]
        try:
            for informer in informers:
                await informer.synced()
            self._log("injector started: watching webhook configurations")
            await asyncio.Event().wait()
        finally:
            for work in self._work.values():
                await work.stop()
            for informer in informers:
                await informer.stop()

    def _failed(self, key: Key, error: Exception) -> None:
        self._log(f"cannot inject into {key[1]} yet: {error}")

    def _adder(self, ref: Resource) -> Callable[[str, Object], None]:
        return lambda _, obj: self._work[ref].add(key_of(obj)) if source(obj) else None

    def _all_again(self) -> None:
        for ref, informer in self._targets.items():
            for key, obj in informer.items.items():
                if source(obj):
                    self._work[ref].add(key)

    def _looker(self, ref: Resource) -> Callable[[Key], Any]:
        async def look(key: Key) -> float | None:
            obj = self._targets[ref].items.get(key)
            wanted = source(obj) if obj else None
            if obj is None or wanted is None:
                return None
            bundle = await self._bundle(*wanted)
            patch = injected(obj, bundle) if bundle else None
            if patch is not None:
                await self._client.patch(ref, key[1], None, patch)
                self._log(f"Updated object {obj['kind']} {key[1]}")
            return None

        return look

    async def _bundle(self, kind: str, namespace: str, name: str) -> str:
        """The authority, encoded as it is kept; empty while it does not exist."""
        if kind == "certificate":
            certificate = await self._client.find(CERTIFICATE, name, namespace)
            if certificate is None:
                return ""
            name = certificate["spec"]["secretName"]
        secret = self._secrets.items.get((namespace, name))
        return str(((secret or {}).get("data") or {}).get("ca.crt", ""))
