# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where an upstream's requests can go at this moment."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.control_plane.kube import Object
from sandbox.images.istiod.backends import Upstream
from sandbox.images.istiod.names import TYPE
from sandbox.images.istiod.world import World, labels, selects, serves

Address = tuple[str, int]


def addresses(world: World, upstream: Upstream) -> list[Address]:
    """Addresses of the ready endpoints, sorted."""
    found = _pool_addresses(world, upstream) if upstream.pool else _service_addresses(world, upstream)
    return sorted(set(found))


def _pool_addresses(world: World, upstream: Upstream) -> Iterator[Address]:
    pool = world.pools.get(upstream.pool) if upstream.pool else None
    if pool is None:
        return
    selector = pool["spec"]["selector"].get("matchLabels") or {}
    ports = [port["number"] for port in pool["spec"].get("targetPorts") or []]
    for (namespace, _), pod in world.pods.items():
        if namespace == upstream.namespace and serves(pod) and selects(selector, labels(pod)):
            for port in ports:
                yield pod["status"]["podIP"], port


def _service_addresses(world: World, upstream: Upstream) -> Iterator[Address]:
    service = world.services.get(upstream.service) if upstream.service else None
    if service is None or upstream.service is None:
        return
    ports = service["spec"].get("ports") or []
    name = next((port.get("name", "") for port in ports if port["port"] == upstream.port), None)
    for (namespace, _), item in world.slices.items():
        if namespace != upstream.namespace or labels(item).get("kubernetes.io/service-name") != upstream.service[1]:
            continue
        numbers = [port["port"] for port in item.get("ports") or [] if (port.get("name") or "") == name]
        for endpoint in item.get("endpoints") or []:
            if (endpoint.get("conditions") or {}).get("ready") is not False and _still_serves(world, endpoint):
                for number in numbers:
                    for address in endpoint["addresses"]:
                        yield address, number


def service_accounts(world: World, upstream: Upstream) -> list[str]:
    """Accounts of the pods behind a Service, sorted."""
    found = {
        (world.pods.get((target.get("namespace", ""), target.get("name", ""))) or {})
        .get("spec", {})
        .get("serviceAccountName", "default")
        for (namespace, _), item in world.slices.items()
        if upstream.service
        and namespace == upstream.namespace
        and labels(item).get("kubernetes.io/service-name") == upstream.service[1]
        for endpoint in item.get("endpoints") or []
        if (target := endpoint.get("targetRef") or {}).get("kind") == "Pod"
    }
    return sorted(found)


def _still_serves(world: World, endpoint: Object) -> bool:
    """The slice may be behind its pod: what the pod says about its end counts at once."""
    target = endpoint.get("targetRef") or {}
    pod = world.pods.get((target.get("namespace", ""), target.get("name", ""))) if target.get("kind") == "Pod" else None
    return pod is None or serves(pod)


def load_assignment(world: World, upstream: Upstream) -> Object:
    """The Envoy endpoints of an upstream."""
    endpoints = [
        {"endpoint": {"address": {"socket_address": {"address": address, "port_value": port}}}}
        for address, port in addresses(world, upstream)
    ]
    return {
        "@type": f"{TYPE}envoy.config.endpoint.v3.ClusterLoadAssignment",
        "cluster_name": upstream.cluster,
        "endpoints": [{"lb_endpoints": endpoints}] if endpoints else [],
    }
