# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""EnvoyFilters: which apply to a gateway, and what their patches change.

Served: MERGE into VIRTUAL_HOST, HTTP_ROUTE, CLUSTER and HTTP_FILTER. A patch whose match selects nothing changes
nothing, without a word, as in Istio.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from sandbox.control_plane.kube import Key, Object, Objects
from sandbox.images.istiod.merging import merge, merge_into_any, snake_keys
from sandbox.images.istiod.mesh import Mesh
from sandbox.images.istiod.names import CONNECTION_MANAGER, GATEWAY_GROUP
from sandbox.images.istiod.world import Labels, World, selects

SERVED = ("VIRTUAL_HOST", "HTTP_ROUTE", "CLUSTER", "HTTP_FILTER")
_CLUSTER_NAME = re.compile(r"^[a-z]+\|(?P<port>\d+)\|(?P<subset>[^|]*)\|(?P<service>.*)$")


@dataclass(frozen=True)
class Resources:
    """The four kinds of Envoy configuration of one gateway."""

    listeners: Objects
    routes: Objects
    clusters: Objects
    endpoints: Objects


def applicable(world: World, mesh: Mesh, gateway: Key, pod_labels: Labels) -> list[Object]:
    """The filters of the root namespace and of the gateway's own that select its pods, in the order of their use."""
    found = [
        envoy_filter
        for (namespace, _), envoy_filter in world.envoy_filters.items()
        if namespace in (mesh.root_namespace, gateway[0]) and _selects(envoy_filter, gateway, pod_labels)
    ]
    return sorted(
        found,
        key=lambda item: (
            item["spec"].get("priority", 0),
            item["metadata"]["namespace"] != mesh.root_namespace,
            item["metadata"].get("creationTimestamp", ""),
            item["metadata"]["name"],
        ),
    )


def _selects(envoy_filter: Object, gateway: Key, pod_labels: Labels) -> bool:
    spec = envoy_filter["spec"]
    targets = spec.get("targetRefs") or []
    if targets:
        return envoy_filter["metadata"]["namespace"] == gateway[0] and any(
            (target.get("group"), target.get("kind"), target.get("name")) == (GATEWAY_GROUP, "Gateway", gateway[1])
            for target in targets
        )
    return selects((spec.get("workloadSelector") or {}).get("labels") or {}, pod_labels)


def unserved(envoy_filter: Object) -> list[str]:
    """What a filter wants that the stand-in cannot do."""
    wanted = (
        f"{patch['applyTo']} {(patch.get('patch') or {}).get('operation', 'MERGE')}"
        for patch in envoy_filter["spec"].get("configPatches") or []
    )
    return sorted({item for item in wanted if item not in {f"{kind} MERGE" for kind in SERVED}})


def apply(resources: Resources, filters: list[Object], mesh: Mesh) -> Resources:
    """The resources with all patches merged in."""
    for apply_to, match, value in _patches(filters, mesh):
        match apply_to:
            case "VIRTUAL_HOST" | "HTTP_ROUTE":
                change = _patch_host if apply_to == "HTTP_ROUTE" else _patch_itself
                routes = [_patch_hosts(item, match, value, change) for item in resources.routes]
                resources = replace(resources, routes=routes)
            case "CLUSTER":
                clusters = [
                    _patch_cluster(item, value) if cluster_matches(item["name"], match.get("cluster") or {}) else item
                    for item in resources.clusters
                ]
                resources = replace(resources, clusters=clusters)
            case "HTTP_FILTER":
                listeners = [_patch_filters(item, match.get("listener") or {}, value) for item in resources.listeners]
                resources = replace(resources, listeners=listeners)
    return resources


def _patches(filters: list[Object], mesh: Mesh) -> Iterator[tuple[str, Object, Any]]:
    for envoy_filter in filters:
        for item in envoy_filter["spec"].get("configPatches") or []:
            match, patch = item.get("match") or {}, item.get("patch") or {}
            if item["applyTo"] not in SERVED or patch.get("operation", "MERGE") != "MERGE":
                continue
            if match.get("context", "ANY") not in ("ANY", "GATEWAY"):
                continue
            version = (match.get("proxy") or {}).get("proxyVersion")
            if version and not re.search(version, mesh.release.version):
                continue
            yield item["applyTo"], match, snake_keys(patch.get("value") or {})


def _patch_hosts(
    configuration: Object, match: Object, value: Any, change: Callable[[Object, Object, Any], Object]
) -> Object:
    wanted = match.get("routeConfiguration") or {}
    name = configuration["name"]
    if wanted.get("name") not in (None, "", name) or not _port_fits(wanted, int(name.rpartition(".")[2])):
        return configuration
    host = wanted.get("vhost") or {}
    hosts = [
        change(item, host, value) if host.get("name") in (None, "", item["name"]) else item
        for item in configuration["virtual_hosts"]
    ]
    return {**configuration, "virtual_hosts": hosts}


def _patch_itself(host: Object, _wanted: Object, value: Any) -> Object:
    patched: Object = merge(host, value)
    return patched


def _patch_cluster(cluster: Object, value: Any) -> Object:
    patched: Object = merge(cluster, value)
    if "transport_socket" in cluster and "transport_socket" in value:
        patched["transport_socket"] = merge_into_any(cluster["transport_socket"], value["transport_socket"])
    return patched


def _patch_host(host: Object, wanted_host: Object, value: Any) -> Object:
    wanted = wanted_host.get("route") or {}
    action = {"ROUTE": "route", "REDIRECT": "redirect", "DIRECT_RESPONSE": "direct_response"}.get(
        wanted.get("action", "ANY")
    )
    routes = [
        merge(route, value)
        if wanted.get("name") in (None, "", route["name"]) and (action is None or action in route)
        else route
        for route in host["routes"]
    ]
    return {**host, "routes": routes}


def cluster_matches(name: str, wanted: Object) -> bool:
    """Whether a cluster is meant: by its full name, else by port, subset and service."""
    if wanted.get("name"):
        return bool(wanted["name"] == name)
    parts = _CLUSTER_NAME.match(name)
    if parts is None:
        return not wanted
    service = wanted.get("service")
    return (
        _port_fits(wanted, int(parts["port"]))
        and wanted.get("subset") in (None, "", parts["subset"])
        and (
            not service or service == parts["service"] or (service[0] == "*" and parts["service"].endswith(service[1:]))
        )
    )


def _port_fits(wanted: Object, port: int) -> bool:
    return wanted.get("portNumber") in (None, 0, port)


def _patch_filters(listener: Object, wanted: Object, value: Any) -> Object:
    port = listener["address"]["socket_address"]["port_value"]
    if wanted.get("name") not in (None, "", listener["name"]) or not _port_fits(wanted, port):
        return listener
    network = ((wanted.get("filterChain") or {}).get("filter")) or {}
    if network.get("name") not in (None, "", CONNECTION_MANAGER):
        return listener
    name = (network.get("subFilter") or {}).get("name")
    return _with_http_filters(
        listener, lambda item: merge_into_any(item, value) if name in (None, "", item["name"]) else item
    )


def _with_http_filters(listener: Object, change: Callable[[Object], Object]) -> Object:
    chains = []
    for chain in listener["filter_chains"]:
        filters = []
        for item in chain["filters"]:
            config = item["typed_config"]
            changed = {**config, "http_filters": [change(entry) for entry in config["http_filters"]]}
            filters.append({**item, "typed_config": changed})
        chains.append({**chain, "filters": filters})
    return {**listener, "filter_chains": chains}
