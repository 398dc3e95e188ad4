# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a service and the presets to the specification that its children are rendered from."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.images.kserve import names
from sandbox.images.kserve.merging import merge
from sandbox.images.kserve.templating import TemplateError, render
from sandbox.images.kserve.typed import written_back

Object = dict[str, Any]

PRESET_PREFIX = "kserve-"
TEMPLATE = "config-llm-template"
SCHEDULER = "config-llm-scheduler"
ROUTE = "config-llm-router-route"
PRESETS = (
    TEMPLATE,
    SCHEDULER,
    ROUTE,
    "config-llm-decode-template",
    "config-llm-decode-worker-data-parallel",
    "config-llm-prefill-template",
    "config-llm-prefill-worker-data-parallel",
    "config-llm-worker-data-parallel",
)
POOL_GROUP = "inference.networking.k8s.io"
OLD_POOL_GROUP = "inference.networking.x-k8s.io"
POOL_GROUPS = (POOL_GROUP, OLD_POOL_GROUP)


class CombineError(Exception):
    """The presets and the service do not make one specification."""


@dataclass(frozen=True)
class GlobalConfig:
    """What the ConfigMap inferenceservice-config says."""

    gateway_namespace: str = "opendatahub"
    gateway_name: str = "inference-gateway"
    url_scheme: str = "https"
    storage: Object = field(default_factory=dict)

    @classmethod
    def from_config_map(cls, config_map: Object, system_namespace: str) -> GlobalConfig:
        """Read the map; ValueError when an entry is no JSON."""
        data = config_map.get("data") or {}
        ingress = _entry(data, "ingress")
        namespace, separator, name = str(ingress.get("kserveIngressGateway", "")).rpartition("/")
        return cls(
            gateway_namespace=namespace if separator else system_namespace,
            gateway_name=name,
            url_scheme=str(ingress.get("urlScheme", "https")),
            storage=_entry(data, "storageInitializer"),
        )


def _entry(data: Object, name: str) -> Object:
    try:
        return dict(json.loads(data.get(name) or "{}"))
    except ValueError as error:
        raise ValueError(f"failed to parse {name!r} of ConfigMap inferenceservice-config: {error}") from error


def router(spec: Object) -> Object | None:
    """spec.router; present and empty is not the same as absent."""
    found = spec.get("router")
    return found if isinstance(found, dict) else None


def scheduler(spec: Object) -> Object | None:
    """spec.router.scheduler."""
    found = (router(spec) or {}).get("scheduler")
    return found if isinstance(found, dict) else None


def managed_scheduler(spec: Object) -> Object | None:
    """The scheduler, unless its pool is somebody else's."""
    found = scheduler(spec)
    return None if found is None or pool_reference(found) else found


def pool_reference(found: Object) -> str:
    """The name of a pool that is not ours to make."""
    return str(((found.get("pool") or {}).get("ref") or {}).get("name") or "")


def http_route(spec: Object) -> Object | None:
    """The managed route's specification."""
    route = (router(spec) or {}).get("route")
    found = (route.get("http") or {}).get("spec") if isinstance(route, dict) else None
    return found if isinstance(found, dict) else None


def route_references(spec: Object) -> list[str]:
    """Names of routes that are not ours to make."""
    route = (router(spec) or {}).get("route") or {}
    return [item["name"] for item in (route.get("http") or {}).get("refs") or []]


def gateway_references(spec: Object, namespace: str) -> list[tuple[str, str]]:
    """Namespace and name of the gateways that the service names itself."""
    refs = ((router(spec) or {}).get("gateway") or {}).get("refs") or []
    return [(item.get("namespace") or namespace, item["name"]) for item in refs]


def wanted_presets(spec: Object) -> list[str]:
    """Suffixes of the presets that the service's shape asks for, weakest first."""
    wanted = []
    if managed_scheduler(spec) is not None:
        wanted.append(SCHEDULER)
    route = (router(spec) or {}).get("route")
    if isinstance(route, dict) and not route_references(spec):
        wanted.append(ROUTE)
    if spec.get("worker") is None:
        wanted.append(TEMPLATE)
    return wanted


def combine(service: Object, find: Callable[[str], Object | None], config: GlobalConfig) -> Object:
    """The merged and rendered specification of `service`.

    `find` gives the spec of an LLMInferenceServiceConfig by name, from the service's own namespace if it is there.
    """
    own = with_defaults(service)
    base_refs = [item["name"] for item in own.get("baseRefs") or []]
    shape = own
    for name in base_refs:
        shape = merge(shape, written_back(_found(find, name)))
    specs = [_found(find, PRESET_PREFIX + suffix) for suffix in wanted_presets(shape)]
    specs += [_found(find, name) for name in base_refs]
    combined: Object = {}
    for spec in [*specs, own]:
        # a zero never beats a preset, and a pod without containers takes the preset's away
        combined = merge(combined, written_back(spec))
    _fill(service, combined)
    combined = _render(service, combined, config)
    _point_route(service, combined)
    return combined


def with_defaults(service: Object) -> Object:
    """The service's own specification with the model's name filled in."""
    spec = copy.deepcopy(service.get("spec") or {})
    model = spec.get("model")
    if model is not None and not model.get("name"):
        model["name"] = service["metadata"]["name"]
    return dict(spec)


def _found(find: Callable[[str], Object | None], name: str) -> Object:
    spec = find(name)
    if spec is None:
        raise CombineError(
            f'failed to get LLMInferenceServiceConfig "{name}": '
            "it is neither in the service's namespace nor in the system's"
        )
    return spec


def _fill(service: Object, spec: Object) -> None:
    name = service["metadata"]["name"]
    found = scheduler(spec)
    if found is None:
        return
    pool = (found.get("pool") or {}).get("spec")
    if isinstance(pool, dict) and not pool.get("selector"):
        pool["selector"] = names.workload_selector(name)
    template = found.get("template")
    if isinstance(template, dict) and not template.get("serviceAccountName"):
        template["serviceAccountName"] = names.child_name(name, "-epp-sa")


def _render(service: Object, spec: Object, config: GlobalConfig) -> Object:
    data = {
        "ObjectMeta": {"Name": service["metadata"]["name"], "Namespace": service["metadata"]["namespace"]},
        "Spec": {"Model": {key.capitalize(): value for key, value in (spec.get("model") or {}).items()}},
        "GlobalConfig": {
            "IngressGatewayName": config.gateway_name,
            "IngressGatewayNamespace": config.gateway_namespace,
        },
    }
    try:
        return dict(render(spec, data))
    except TemplateError as error:
        raise CombineError(f"failed to merge config: {error}") from error


def template_problem(spec: Object) -> str | None:
    """What is wrong with the templates of a configuration, tried on a service that nobody has."""
    sample = {"metadata": {"name": "sample", "namespace": "sample"}}
    try:
        _render(sample, {"model": {"uri": "hf://sample/sample", "name": "sample"}, **spec}, GlobalConfig())
    except CombineError as error:
        return str(error)
    return None


def _point_route(service: Object, spec: Object) -> None:
    route = http_route(spec)
    if route is None:
        return
    name = service["metadata"]["name"]
    references = gateway_references(spec, service["metadata"]["namespace"])
    if references:
        route["parentRefs"] = [
            {"group": "gateway.networking.k8s.io", "kind": "Gateway", "namespace": namespace, "name": gateway}
            for namespace, gateway in references
        ]
    found = scheduler(spec)
    for backend in pool_backends(route, names.pool(name)):
        if found is None:
            backend.update(group="", kind="Service", name=names.workload_service(name))
        elif pool_reference(found):
            backend["name"] = pool_reference(found)


def pool_backends(route: Object, pool: str) -> list[Object]:
    """The backends of a route's specification that are the service's own pool, in either API group."""
    return [
        backend
        for rule in route.get("rules") or []
        for backend in rule.get("backendRefs") or []
        if backend.get("group") in POOL_GROUPS and backend.get("kind") == "InferencePool" and backend["name"] == pool
    ]


def preset_annotations() -> dict[str, str]:
    """What status.annotations says of the presets in use: chosen at the first look, kept from then on."""
    return {f"{names.GROUP}/{suffix}": PRESET_PREFIX + suffix for suffix in PRESETS}
