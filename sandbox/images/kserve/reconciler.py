# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One look at one LLMInferenceService: presets, workload, router, and the status that follows."""

from __future__ import annotations

import copy
from typing import Any

from sandbox.control_plane.kube import (
    CLUSTER_ROLE_BINDING,
    CONFIG_MAP,
    LLM_INFERENCE_SERVICE,
    LLM_INFERENCE_SERVICE_CONFIG,
    ApiError,
    Conflict,
    Key,
    KubeClient,
    NotFound,
)
from sandbox.images.events import EventRecorder
from sandbox.images.kserve import combining, conditions, names, scheduler, typed
from sandbox.images.kserve.children import Children
from sandbox.images.kserve.combining import CombineError, GlobalConfig
from sandbox.images.kserve.conditions import Conditions
from sandbox.images.kserve.look import PROBLEMS, Environment, Look, ReconcileError
from sandbox.images.kserve.router_steps import RouterSteps
from sandbox.images.kserve.workload_steps import WorkloadSteps

Object = dict[str, Any]


class ServiceReconciler:
    """Looks at services."""

    def __init__(self, client: KubeClient, events: EventRecorder, environment: Environment) -> None:
        self._client = client
        self._events = events
        self._environment = environment
        self._children = Children(client, events)
        self._workload = WorkloadSteps(client, self._children, environment)
        self._router = RouterSteps(client, self._children, environment)

    async def reconcile(self, key: Key) -> float | None:
        """Bring one service, by namespace and name, to what it asks for; raises to be called again."""
        namespace, name = key
        service = await self._client.find(LLM_INFERENCE_SERVICE, name, namespace)
        if service is None:
            return None
        service = {"apiVersion": LLM_INFERENCE_SERVICE.api_version, "kind": "LLMInferenceService", **service}
        if service["metadata"].get("deletionTimestamp"):
            await self._finalize(service)
            return None
        if names.FINALIZER not in (service["metadata"].get("finalizers") or []):
            finalizers = [*(service["metadata"].get("finalizers") or []), names.FINALIZER]
            service = await self._write(service, finalizers)
        known = service.get("status") or {}
        generation = service["metadata"]["generation"]
        found = Conditions(known.get("conditions"))
        found.begin(new_generation=known.get("observedGeneration") != generation)
        look = Look(service, GlobalConfig(), found, status=copy.deepcopy(known))
        problem: Exception | None = None
        try:
            await self._look(look)
        except Conflict:
            raise  # somebody was quicker: look again before saying anything
        except (ReconcileError, *PROBLEMS) as error:
            problem = error
            await self._events.warning(service, "Error", f"Reconciliation failed: {error}")
        look.status["conditions"] = found.as_list()
        look.status["observedGeneration"] = generation
        await self._write_status(look, known)
        if problem is not None:
            raise problem
        return look.again

    async def _write(self, service: Object, finalizers: list[str]) -> Object:
        # the whole object through the controller's types, so that what cannot be told from nothing goes
        spec = typed.pruned(typed.written_back(service.get("spec") or {}))
        meta = {**service["metadata"], "finalizers": finalizers}
        return {**service, **await self._client.replace({**service, "metadata": meta, "spec": spec})}

    async def _write_status(self, look: Look, known: Object) -> None:
        if look.status == known:
            return
        # a merge patch takes away only what it names
        gone: Object = {key: None for key in known if key not in look.status}
        try:
            await self._client.patch_status(LLM_INFERENCE_SERVICE, look.name, look.namespace, {**gone, **look.status})
        except NotFound:
            return

    async def _finalize(self, service: Object) -> None:
        finalizers = service["metadata"].get("finalizers") or []
        if names.FINALIZER not in finalizers:
            return
        # the one child without an owner: a cluster-scoped object cannot have a namespaced one
        binding = scheduler.auth_binding(service, "")["metadata"]["name"]
        await self._children.remove(service, CLUSTER_ROLE_BINDING, binding, "")
        await self._write(service, [item for item in finalizers if item != names.FINALIZER])

    async def _look(self, look: Look) -> None:
        look.config = await self._load_config()
        annotations = look.status.get("annotations") or {}
        look.status["annotations"] = {**combining.preset_annotations(), **annotations}
        try:
            look.spec = combining.combine(look.service, (await self._presets(look)).get, look.config)
        except CombineError as error:
            look.conditions.false(conditions.PRESETS, "CombineBaseError", str(error))
            raise ReconcileError(f"failed to combine base-configurations: {error}") from error
        look.conditions.true(conditions.PRESETS)
        try:
            await self._workload.reconcile(look)
        finally:
            look.conditions.settle_workloads()
        try:
            await self._router.reconcile(look)
        finally:
            look.conditions.settle_router()

    async def _load_config(self) -> GlobalConfig:
        namespace = self._environment.system_namespace
        try:
            config_map = await self._client.get(CONFIG_MAP, "inferenceservice-config", namespace)
            return GlobalConfig.from_config_map(config_map, namespace)
        except (ApiError, ValueError) as error:
            raise ReconcileError(f"failed to load ingress config: {error}") from error

    async def _presets(self, look: Look) -> dict[str, Object]:
        found: dict[str, Object] = {}
        # the service's own namespace last: what is there overrides the system's
        for namespace in dict.fromkeys((self._environment.system_namespace, look.namespace)):
            for item in await self._client.list(LLM_INFERENCE_SERVICE_CONFIG, namespace):
                found[item["metadata"]["name"]] = item.get("spec") or {}
        return found
