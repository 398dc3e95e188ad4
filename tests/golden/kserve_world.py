# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was played around KServe's controller when it was observed: a gateway's controller, and pods that get ready."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import itertools
from dataclasses import dataclass, field
from typing import Any

from sandbox.control_plane.kube import (
    GATEWAY,
    HTTP_ROUTE,
    INFERENCE_POOL,
    POD,
    ApiError,
    KubeClient,
    owner_reference,
)

Object = dict[str, Any]

GATEWAY_NAMESPACE, GATEWAY_NAME = "opendatahub", "inference-gateway"
ADDRESS = "203.0.113.10"
OLD_POOLS = "inference.networking.x-k8s.io"
MODEL_PODS = "llminferenceservice-workload"
CONTROLLER = "istio.io/gateway-controller"
PARENT = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "namespace": GATEWAY_NAMESPACE, "name": GATEWAY_NAME}
_addresses = itertools.count(1)


@dataclass
class Played:
    """What happens in one namespace by itself."""

    routes: bool = True
    pickers: bool = True
    model_pods: int = 3
    """How many model pods have room and become ready."""
    ready: set[str] = field(default_factory=set)


class World:
    """Plays for every namespace that it has been told of."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client
        self.namespaces: dict[str, Played] = {}

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            for namespace, played in list(self.namespaces.items()):
                # objects come and go meanwhile
                with contextlib.suppress(ApiError):
                    await self._play(namespace, played)
            await asyncio.sleep(0.2)

    async def _play(self, namespace: str, played: Played) -> None:
        await self._pods(namespace, played)
        if played.routes:
            for route in await self._client.list(HTTP_ROUTE, namespace):
                await self._route(namespace, route)

    async def _pods(self, namespace: str, played: Played) -> None:
        pods = await self._client.list(POD, namespace)
        played.ready &= {pod["metadata"]["uid"] for pod in pods}
        for pod in pods:
            uid, labels = pod["metadata"]["uid"], pod["metadata"].get("labels") or {}
            if pod["metadata"].get("deletionTimestamp") or is_ready(pod):
                continue
            if labels.get("app.kubernetes.io/component") != MODEL_PODS:
                if played.pickers:
                    await self._ready(pod)
            elif uid in played.ready or len(played.ready) < played.model_pods:
                played.ready.add(uid)
                await self._ready(pod)

    async def _ready(self, pod: Object) -> None:
        number = next(_addresses)
        address = f"10.240.{number // 250}.{number % 250 + 1}"
        status = {
            "phase": "Running",
            "podIP": address,
            "podIPs": [{"ip": address}],
            "conditions": [_condition("Ready", "True", "Played")],
        }
        await self._client.patch_status(POD, pod["metadata"]["name"], pod["metadata"]["namespace"], status)

    async def _route(self, namespace: str, route: Object) -> None:
        generation = route["metadata"]["generation"]
        backends = [
            backend
            for rule in route["spec"].get("rules") or []
            for backend in rule.get("backendRefs") or []
            if backend.get("kind") == "InferencePool"
        ]
        if any(backend["group"] != OLD_POOLS for backend in backends):
            await self._pool(namespace, next(item["name"] for item in backends if item["group"] != OLD_POOLS))
        known = (route.get("status") or {}).get("parents") or []
        if known and all(item["observedGeneration"] == generation for item in known[0]["conditions"]):
            return
        resolved = _condition("ResolvedRefs", "True", "ResolvedRefs", generation)
        if any(backend["group"] == OLD_POOLS for backend in backends):
            resolved = _condition("ResolvedRefs", "False", "InvalidKind", generation)
        accepted = _condition("Accepted", "True", "Accepted", generation)
        parents = [{"parentRef": PARENT, "controllerName": CONTROLLER, "conditions": [accepted, resolved]}]
        await self._client.patch_status(HTTP_ROUTE, route["metadata"]["name"], namespace, {"parents": parents})

    async def _pool(self, namespace: str, name: str) -> None:
        pool = await self._client.get(INFERENCE_POOL, name, namespace)
        if (pool.get("status") or {}).get("parents"):
            return
        owner = owner_reference({"apiVersion": "inference.networking.k8s.io/v1", "kind": "InferencePool", **pool})
        owner.pop("blockOwnerDeletion", None)
        shadow = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {
                "name": f"{name}-ip-c9a8f7cd",
                "namespace": namespace,
                "labels": {
                    "internal.istio.io/service-semantics": "inferencepool",
                    "istio.io/inferencepool-name": name,
                },
                "ownerReferences": [owner],
            },
            "spec": {
                "clusterIP": "None",
                "selector": pool["spec"]["selector"]["matchLabels"],
                "ports": [{"name": "port-0", "port": 54321, "targetPort": 8000}],
            },
        }
        await self._client.apply(shadow, manager="played")
        generation = pool["metadata"]["generation"]
        conditions = [_condition(kind, "True", kind, generation) for kind in ("Accepted", "ResolvedRefs")]
        await self._client.patch_status(
            INFERENCE_POOL, name, namespace, {"parents": [{"parentRef": PARENT, "conditions": conditions}]}
        )


async def make_gateway(client: KubeClient) -> None:
    """The gateway and its Service, which nobody has programmed."""
    meta = {"name": GATEWAY_NAME, "namespace": GATEWAY_NAMESPACE}
    listener = {"name": "http", "port": 80, "protocol": "HTTP", "allowedRoutes": {"namespaces": {"from": "All"}}}
    gateway_class = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "GatewayClass"}
    service_labels = {"gateway.networking.k8s.io/gateway-name": GATEWAY_NAME}
    for obj in (
        {**gateway_class, "metadata": {"name": "istio"}, "spec": {"controllerName": CONTROLLER}},
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": f"{GATEWAY_NAME}-istio", "namespace": GATEWAY_NAMESPACE, "labels": service_labels},
            "spec": {"ports": [{"name": "http", "port": 80}]},
        },
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "Gateway",
            "metadata": meta,
            "spec": {"gatewayClassName": "istio", "listeners": [listener]},
        },
    ):
        await client.apply(obj, manager="played")


async def program_gateway(client: KubeClient) -> None:
    """The gateway has its address."""
    status = {
        "addresses": [{"type": "IPAddress", "value": ADDRESS}],
        "conditions": [_condition("Programmed", "True", "Programmed", 1)],
    }
    await client.patch_status(GATEWAY, GATEWAY_NAME, GATEWAY_NAMESPACE, status)


def is_ready(pod: Object) -> bool:
    """Whether a pod is ready."""
    return any(
        item["type"] == "Ready" and item["status"] == "True"
        for item in (pod.get("status") or {}).get("conditions") or []
    )


def _condition(kind: str, status: str, reason: str, generation: int | None = None) -> Object:
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    found = {"type": kind, "status": status, "reason": reason, "message": "", "lastTransitionTime": now}
    return found if generation is None else {**found, "observedGeneration": generation}
