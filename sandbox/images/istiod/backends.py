# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the backendRefs of a route to upstreams, or to the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.control_plane.kube import Key, Object
from sandbox.images.istiod.mesh import Mesh
from sandbox.images.istiod.names import (
    EXTENSION_FAILURE_MODE,
    EXTENSION_PORT,
    EXTENSION_SERVICE,
    GATEWAY_GROUP,
    POOL_GROUP,
    SHADOW_PORT,
    cluster_name,
    service_host,
    shadow_service,
)
from sandbox.images.istiod.shadows import shadow_labels
from sandbox.images.istiod.world import World, labels

MISSING_CLUSTER = "UnknownService"
"""A cluster that never exists: where requests for a backend end that has no name in the mesh."""


@dataclass(frozen=True)
class Upstream:
    """One Envoy cluster: a port of a Service, or an InferencePool."""

    host: str
    port: int
    namespace: str
    service: Key | None = None
    pool: Key | None = None
    http2: bool = False

    @property
    def cluster(self) -> str:
        return cluster_name(self.host, self.port)


@dataclass(frozen=True)
class Picker:
    """A pool's endpoint picker; its Service may be missing."""

    cluster: str
    fail_open: bool


@dataclass(frozen=True)
class Backend:
    """One backendRef: its upstream, or what is wrong with it."""

    weight: int
    upstream: Upstream | None = None
    cluster: str = MISSING_CLUSTER
    reason: str = ""
    message: str = ""


def resolve(world: World, mesh: Mesh, route: Object, ref: Object) -> Backend:
    """Look a backendRef up."""
    own = route["metadata"]["namespace"]
    group, kind = ref.get("group") or "", ref.get("kind") or "Service"
    key = (ref.get("namespace") or own, ref["name"])
    weight = int(ref.get("weight", 1))
    is_pool = (group, kind) == (POOL_GROUP, "InferencePool") and mesh.inference
    if not is_pool and (group, kind) != ("", "Service"):
        return Backend(
            weight,
            reason="InvalidKind",
            message=f'referencing unsupported backendRef: group "{group}" kind "{kind}"',
        )
    if key[0] != own and not _granted(world, own, key, group, kind):
        return Backend(
            weight,
            reason="RefNotPermitted",
            message=f"{kind} {'/'.join(key)} is in another namespace, and no ReferenceGrant there permits it.",
        )
    if is_pool:
        if key not in world.pools:
            return Backend(weight, reason="BackendNotFound", message=f"backend({key[1]}) not found")
        return _sound(weight, pool_upstream(mesh, key))
    return _service_backend(world, mesh, key, ref.get("port"), weight)


def _service_backend(world: World, mesh: Mesh, key: Key, port: int | None, weight: int) -> Backend:
    if port is None:
        return Backend(weight, reason="UnsupportedValue", message=f"The reference to Service {key[1]} needs a port.")
    host = service_host(key[1], key[0], mesh.domain)
    upstream = service_upstream(world, mesh, key, port)
    if upstream is None:
        # the route keeps the name, and its requests fail until the Service is there
        missing = f"backend({host}) not found" if key not in world.services else f"{host} has no port {port}"
        return Backend(weight, cluster=cluster_name(host, port), reason="BackendNotFound", message=missing)
    return _sound(weight, upstream)


def _sound(weight: int, upstream: Upstream) -> Backend:
    return Backend(weight, upstream, upstream.cluster)


def service_upstream(world: World, mesh: Mesh, key: Key, port: int) -> Upstream | None:
    """A port of a Service; None when either does not exist."""
    ports = (world.services.get(key) or {}).get("spec", {}).get("ports") or []
    found = next((item for item in ports if item["port"] == port), None)
    if found is None:
        return None
    return Upstream(
        host=service_host(key[1], key[0], mesh.domain), port=port, namespace=key[0], service=key, http2=speaks_h2(found)
    )


def pool_upstream(mesh: Mesh, pool: Key) -> Upstream:
    """The upstream of a pool: its shadow Service."""
    host = service_host(shadow_service(pool[1]), pool[0], mesh.domain)
    return Upstream(host=host, port=SHADOW_PORT, namespace=pool[0], pool=pool)


def picker(world: World, mesh: Mesh, pool: Key) -> Picker:
    """The endpoint picker of a pool: what its shadow Service says, as soon as there is one."""
    shadow = world.services.get((pool[0], shadow_service(pool[1])))
    found = labels(shadow) if shadow else shadow_labels(world.pools[pool])
    host = service_host(found[EXTENSION_SERVICE], pool[0], mesh.domain)
    return Picker(cluster_name(host, int(found[EXTENSION_PORT])), fail_open=found[EXTENSION_FAILURE_MODE] == "FailOpen")


def speaks_h2(port: Object) -> bool:
    """Whether a Service port says that it is HTTP/2, by appProtocol or by its name."""
    protocol = port.get("appProtocol") or str(port.get("name") or "").partition("-")[0]
    return protocol in ("grpc", "http2", "kubernetes.io/h2c")


def _granted(world: World, namespace: str, target: Key, group: str, kind: str) -> bool:
    for (grant_namespace, _), grant in world.grants.items():
        if grant_namespace != target[0]:
            continue
        sources = any(
            source["kind"] == "HTTPRoute" and source["group"] == GATEWAY_GROUP and source["namespace"] == namespace
            for source in grant["spec"].get("from") or []
        )
        targets = any(
            item["kind"] == kind and item.get("group", "") == group and item.get("name") in (None, target[1])
            for item in grant["spec"].get("to") or []
        )
        if sources and targets:
            return True
    return False
