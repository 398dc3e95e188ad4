# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the backendRefs of a route to upstreams, or to the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.control_plane.kube import Key, Object
from sandbox.images.istiod.mesh import Mesh
from sandbox.images.istiod.names import (
    GATEWAY_GROUP,
    PICKER_PORT,
    POOL_GROUP,
    SHADOW_PORT,
    cluster_name,
    service_host,
    shadow_service,
)
from sandbox.images.istiod.world import World


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
    """A pool's endpoint picker."""

    upstream: Upstream
    fail_open: bool


@dataclass(frozen=True)
class Backend:
    """One backendRef: its upstream, or what is wrong with it."""

    weight: int
    upstream: Upstream | None = None
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
            message=f"Backends of kind {kind} in group {group or 'core'} are not served"
            + (f"; wanted group {POOL_GROUP}." if kind == "InferencePool" and mesh.inference else "."),
        )
    if key[0] != own and not _granted(world, own, key, group, kind):
        return Backend(
            weight,
            reason="RefNotPermitted",
            message=f"{kind} {'/'.join(key)} is in another namespace, and no ReferenceGrant there permits it.",
        )
    if is_pool:
        if key not in world.pools:
            return Backend(weight, reason="BackendNotFound", message=f"InferencePool {'/'.join(key)} does not exist.")
        return Backend(weight, pool_upstream(mesh, key))
    return _service_backend(world, mesh, key, ref.get("port"), weight)


def _service_backend(world: World, mesh: Mesh, key: Key, port: int | None, weight: int) -> Backend:
    service = world.services.get(key)
    if service is None:
        return Backend(weight, reason="BackendNotFound", message=f"Service {'/'.join(key)} does not exist.")
    if port is None:
        return Backend(weight, reason="UnsupportedValue", message=f"The reference to Service {key[1]} needs a port.")
    upstream = service_upstream(world, mesh, key, port)
    if upstream is None:
        return Backend(
            weight, reason="BackendNotFound", message=f"Service {'/'.join(key)} exists, but has no port {port}."
        )
    return Backend(weight, upstream)


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
    """The endpoint picker of a pool; when its Service is missing, one that never answers: the failure mode decides."""
    ref = world.pools[pool]["spec"]["endpointPickerRef"]
    port = int((ref.get("port") or {}).get("number") or PICKER_PORT)
    host = service_host(ref["name"], pool[0], mesh.domain)
    # gRPC, whatever the port is called
    upstream = Upstream(host, port, pool[0], service=(pool[0], ref["name"]), http2=True)
    return Picker(upstream, fail_open=ref.get("failureMode", "FailClose") == "FailOpen")


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
