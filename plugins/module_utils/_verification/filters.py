# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""EnvoyFilters that take the endpoint picker away: those that give a route a processing mode and nothing else.

Istio replaces what it has for ext_proc on a route by what the filter has, so that nobody is left to ask (observed with
Istio 1.27.3, 1.27.9 and 1.28.5: tests/golden/istiod/b2-as-deployed). Ours of 0.1.0 and the guide's
`inference-pool-route-body-forwarding-caching` are such.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Object = Mapping[str, Any]

EXT_PROC = "envoy.filters.http.ext_proc"
GATEWAY_LABEL = "gateway.networking.k8s.io/gateway-name"
EVERY_ROUTE = ""


def takers(filters: Sequence[Object], gateway: str) -> list[str]:
    """The names of filters after which routes of a gateway have no picker, in the order in which Istio applies them."""
    last: dict[str, tuple[str, bool]] = {}
    ordered = sorted(filters, key=_order)
    for envoy_filter in ordered:
        if not _selects(envoy_filter, gateway):
            continue
        for route, restates in _patches(envoy_filter):
            if route == EVERY_ROUTE:
                last = dict.fromkeys(last, (envoy_filter["metadata"]["name"], restates))
            last[route] = (envoy_filter["metadata"]["name"], restates)
    wrong = {name for name, restates in last.values() if not restates}
    return [name for name in (each["metadata"]["name"] for each in ordered) if name in wrong]


def _order(envoy_filter: Object) -> tuple[int, str, str]:
    meta = envoy_filter["metadata"]
    return (envoy_filter.get("spec") or {}).get("priority", 0), meta.get("creationTimestamp") or "", meta["name"]


def _selects(envoy_filter: Object, gateway: str) -> bool:
    spec = envoy_filter.get("spec") or {}
    if spec.get("targetRefs"):
        return any(each.get("kind") == "Gateway" and each.get("name") == gateway for each in spec["targetRefs"])
    labels: Object = (spec.get("workloadSelector") or {}).get("labels") or {}
    return bool(labels.get(GATEWAY_LABEL, gateway) == gateway)


def patched_pickers(envoy_filter: Object) -> dict[str, tuple[str, bool]]:
    """What a filter says of each route that it names: the picker's cluster, and whether requests go on without it."""
    found: dict[str, tuple[str, bool]] = {}
    for route, overrides in _overrides(envoy_filter):
        service = overrides.get("grpc_service") or overrides.get("grpcService") or {}
        envoy = service.get("envoy_grpc") or service.get("envoyGrpc") or {}
        cluster = str(envoy.get("cluster_name") or envoy.get("clusterName") or "")
        found[route] = (cluster, bool(overrides.get("failure_mode_allow") or overrides.get("failureModeAllow")))
    return found


def _patches(envoy_filter: Object) -> Iterator[tuple[str, bool]]:
    """The routes whose ext_proc a filter replaces, and whether it names a picker for them."""
    for route, overrides in _overrides(envoy_filter):
        # a route for which it is switched off on purpose asks nobody either
        yield route, bool(overrides.get("grpc_service") or overrides.get("grpcService"))


def _overrides(envoy_filter: Object) -> Iterator[tuple[str, Object]]:
    for item in (envoy_filter.get("spec") or {}).get("configPatches") or []:
        value = (item.get("patch") or {}).get("value") or {}
        configs = value.get("typed_per_filter_config") or value.get("typedPerFilterConfig") or {}
        if item.get("applyTo") != "HTTP_ROUTE" or EXT_PROC not in configs:
            continue
        overrides = configs[EXT_PROC].get("overrides") or {}
        vhost = ((item.get("match") or {}).get("routeConfiguration") or {}).get("vhost") or {}
        route = (vhost.get("route") or {}).get("name") or EVERY_ROUTE
        yield route, overrides


__all__ = ("patched_pickers", "takers")
