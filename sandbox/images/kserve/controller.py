# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Watches services and all that theirs depends on, and asks for a look at the service that a change concerns."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

from sandbox.control_plane.kube import (
    DEPLOYMENT,
    GATEWAY,
    HTTP_ROUTE,
    INFERENCE_POOL,
    LLM_INFERENCE_SERVICE,
    LLM_INFERENCE_SERVICE_CONFIG,
    POD,
    SECRET,
    SERVICE,
    Informer,
    Key,
    KubeClient,
    NotFound,
    Reconciler,
    key_of,
)
from sandbox.images.events import EventRecorder
from sandbox.images.kserve import names
from sandbox.images.kserve.look import Environment
from sandbox.images.kserve.reconciler import ServiceReconciler

Object = dict[str, Any]

LOOKED_FOR = (HTTP_ROUTE, GATEWAY, INFERENCE_POOL)
"""Of other projects."""


class Controller:
    """KServe's LLMInferenceService controller."""

    def __init__(self, client: KubeClient, environment: Environment, log: Callable[[str], None]) -> None:
        self._client = client
        self._environment = environment
        self._log = log
        self.ready = False
        self._addresses: dict[str, str] = {}
        events = EventRecorder(client, "LLMInferenceServiceController")
        self._services = Informer(client, LLM_INFERENCE_SERVICE)
        self._work = Reconciler(
            ServiceReconciler(client, events, environment).reconcile, on_error=self._failed, last_delay=3.0
        )
        selector = names.SELECTOR
        self._watched: list[tuple[Informer, Callable[[Object], Iterator[Key]]]] = [
            (self._services, self._itself),
            (Informer(client, DEPLOYMENT, labels=selector), self._owner),
            (Informer(client, SERVICE, labels=selector), self._owner),
            (Informer(client, SECRET, labels=selector), self._owner),
            (Informer(client, POD, labels=selector), self._named),
            (Informer(client, SERVICE, labels=names.SHADOW_SERVICE), self._of_pool),
            (Informer(client, HTTP_ROUTE), self._in_namespace),
            (Informer(client, INFERENCE_POOL), self._owner),
            (Informer(client, GATEWAY), self._everywhere),
            (Informer(client, LLM_INFERENCE_SERVICE_CONFIG), self._configured),
        ]

    async def run(self) -> None:
        """Until cancelled."""
        self._watched = [pair for pair in self._watched if await self._served(pair[0])]
        for informer, concerns in self._watched:
            informer.on_change(self._listener(concerns))
            informer.start()
        try:
            await self._services.synced()
            self.ready = True
            self._log("controller started: watching LLMInferenceServices")
            await asyncio.Event().wait()
        finally:
            await self._work.stop()
            for informer, _ in self._watched:
                await informer.stop()

    async def _served(self, informer: Informer) -> bool:
        """Which kinds there are is found out once: one that comes later is never heard of, as in the original.

        SetupWithManager of pkg/controller/llmisvc/controller.go, opendatahub-io/kserve at odh-v3.4-EA1.
        """
        if informer.ref not in LOOKED_FOR:
            return True
        try:
            await self._client.request("GET", informer.ref.path(), params={"limit": "1"})
        except NotFound:
            self._log(f"{informer.ref.plural} ({informer.ref.api_version}) are not served: they are not watched")
            return False
        return True

    def _listener(self, concerns: Callable[[Object], Iterator[Key]]) -> Callable[[str, Object], None]:
        def listen(kind: str, obj: Object) -> None:
            for key in concerns(obj):
                self._work.add(key)
            if kind == "DELETED":
                self._addresses.pop(obj["metadata"]["uid"], None)

        return listen

    def _failed(self, key: Key, error: Exception) -> None:
        self._log(f"Failed to reconcile LLMInferenceService {'/'.join(key)}: {error or type(error).__name__}")

    @staticmethod
    def _itself(obj: Object) -> Iterator[Key]:
        yield key_of(obj)

    @staticmethod
    def _owner(obj: Object) -> Iterator[Key]:
        for reference in obj["metadata"].get("ownerReferences") or []:
            if reference["kind"] == "LLMInferenceService" and reference.get("controller"):
                yield obj["metadata"]["namespace"], reference["name"]

    def _named(self, obj: Object) -> Iterator[Key]:
        # of a pod only its address matters here (the certificate is for it); its health comes by the Deployment
        uid = obj["metadata"]["uid"]
        address = (obj.get("status") or {}).get("podIP", "")
        if self._addresses.get(uid, "") != address:
            self._addresses[uid] = address
            yield obj["metadata"]["namespace"], obj["metadata"]["labels"].get("app.kubernetes.io/name", "")

    def _of_pool(self, obj: Object) -> Iterator[Key]:
        pool = obj["metadata"]["labels"][names.SHADOW_SERVICE]
        for namespace, name in self._services.items:
            if namespace == obj["metadata"]["namespace"] and names.pool(name) == pool:
                yield namespace, name

    def _in_namespace(self, obj: Object) -> Iterator[Key]:
        for key in self._services.items:
            if key[0] == obj["metadata"]["namespace"]:
                yield key

    def _everywhere(self, _obj: Object) -> Iterator[Key]:
        yield from self._services.items

    def _configured(self, obj: Object) -> Iterator[Key]:
        if obj["metadata"]["namespace"] == self._environment.system_namespace:
            yield from self._services.items
        else:
            yield from self._in_namespace(obj)
