# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Watches the cluster; publishes each gateway's configuration, writes statuses and the objects behind Gateways."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from sandbox.control_plane.kube import (
    CONFIG_MAP,
    DEPLOYMENT,
    DESTINATION_RULE,
    ENDPOINT_SLICE,
    ENVOY_FILTER,
    GATEWAY,
    GATEWAY_CLASS,
    HTTP_ROUTE,
    INFERENCE_POOL,
    MUTATING_WEBHOOK,
    NAMESPACE,
    POD,
    SERVICE,
    SERVICE_ACCOUNT,
    VALIDATING_WEBHOOK,
    Conflict,
    Informer,
    Key,
    KubeClient,
    NotFound,
    Object,
    Reconciler,
    Resource,
    key_of,
)
from sandbox.images.istiod.authority import IGNORED_NAMESPACES, root_certificate
from sandbox.images.istiod.configuration import Configuration, configuration
from sandbox.images.istiod.envoyfilters import unserved
from sandbox.images.istiod.gateways import ROOT_CERTIFICATE, InvalidParameters, gateway_objects, parameters_ref
from sandbox.images.istiod.installation import gateway_class, with_authority
from sandbox.images.istiod.mesh import INJECTOR_CONFIG_MAP, MESH_CONFIG_MAP, Mesh, read_mesh
from sandbox.images.istiod.names import CONTROLLER, GATEWAY_CLASS_NAME, MANAGED_LABEL, MANAGED_VALUE, shadow_service
from sandbox.images.istiod.shadows import differs, shadow_object
from sandbox.images.istiod.statuses import gateway_class_status, gateway_status, pool_status, route_status
from sandbox.images.istiod.world import World

REFERENCE_GRANT = Resource("gateway.networking.k8s.io/v1beta1", "referencegrants")
WATCHED = {
    "gateway_classes": GATEWAY_CLASS,
    "gateways": GATEWAY,
    "routes": HTTP_ROUTE,
    "pools": INFERENCE_POOL,
    "grants": REFERENCE_GRANT,
    "services": SERVICE,
    "slices": ENDPOINT_SLICE,
    "pods": POD,
    "namespaces": NAMESPACE,
    "destination_rules": DESTINATION_RULE,
    "envoy_filters": ENVOY_FILTER,
    "config_maps": CONFIG_MAP,
}
COALESCE_SECONDS = 0.01
"""Events of one cause come together; a gateway still hears of a pod's end within a few dozen milliseconds."""


class Controller:
    """The control plane of all gateways of the class."""

    def __init__(
        self,
        client: KubeClient,
        *,
        environ: Mapping[str, str],
        namespace: str = "istio-system",
        root: str = "",
        log: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._client = client
        self._environ = environ
        self._namespace = namespace
        self._root = root
        self._log = log
        self._informers = {name: Informer(client, ref) for name, ref in WATCHED.items()}
        managed = f"{MANAGED_LABEL}={MANAGED_VALUE}"
        self._served = {
            "Deployment": Informer(client, DEPLOYMENT, labels=managed),
            "ServiceAccount": Informer(client, SERVICE_ACCOUNT, labels=managed),
            "Service": self._informers["services"],
        }
        self._webhooks = {
            ref: Informer(client, ref, labels="istio.io/rev=default") for ref in (MUTATING_WEBHOOK, VALIDATING_WEBHOOK)
        }
        self._world = World(**{name: informer.items for name, informer in self._informers.items()})
        self._dirty = asyncio.Event()
        self._published: dict[Key, Configuration] = {}
        self._news = asyncio.Event()
        self._applied: dict[Key, str] = {}
        self._reported: set[tuple[Key, str]] = set()
        self._ready = False
        self._writers = {
            name: Reconciler(work, on_error=self._complainer(name))
            for name, work in (
                ("webhook", self._write_authority),
                ("gateway class", self._write_class_status),
                ("gateway status", self._write_gateway_status),
                ("gateway", self._serve_gateway),
                ("route status", self._write_route_status),
                ("pool status", self._write_pool_status),
                ("pool", self._write_shadow),
                ("root certificate", self._write_root),
            )
        }

    @property
    def ready(self) -> bool:
        """Whether the caches were filled once, so that what is published is whole."""
        return self._ready

    async def run(self) -> None:
        """Work until cancelled."""
        informers = {id(item): item for item in (*self._informers.values(), *self._served.values())}
        for informer in informers.values():
            informer.on_change(lambda _kind, _obj: self._dirty.set())
            informer.start()
        try:
            await asyncio.gather(*(self._filled_or_absent(informer) for informer in informers.values()))
            self._ready = True
            self._log("caches are filled")
            for webhooks in self._webhooks.values():
                webhooks.on_change(lambda _kind, obj: self._writers["webhook"].add(key_of(obj)))
                webhooks.start()
            self._dirty.set()
            while True:
                await self._dirty.wait()
                await asyncio.sleep(COALESCE_SECONDS)
                self._dirty.clear()
                self._publish()
                self._compare()
        finally:
            for informer in (*informers.values(), *self._webhooks.values()):
                await informer.stop()
            for writer in self._writers.values():
                await writer.stop()

    async def next_configuration(self, gateway: Key, known: str, patience: float) -> Configuration | None:
        """The configuration of a gateway once its version is not `known`; None when `patience` ends before."""
        try:
            async with asyncio.timeout(patience):
                while True:
                    news = self._news
                    found = self._published.get(gateway)
                    if found and found.version != known:
                        return found
                    await news.wait()
        except TimeoutError:
            return None

    def mesh(self) -> Mesh:
        """The mesh's settings as they are now."""
        maps = self._world.config_maps
        return read_mesh(
            self._environ,
            maps.get((self._namespace, MESH_CONFIG_MAP)),
            maps.get((self._namespace, INJECTOR_CONFIG_MAP)),
            namespace=self._namespace,
        )

    async def _filled_or_absent(self, informer: Informer) -> None:
        """A kind whose CRD is not installed (yet) has no objects."""
        filled = asyncio.ensure_future(informer.synced())
        try:
            while not (await asyncio.wait([filled], timeout=1.0))[0]:
                try:
                    await self._client.request("GET", informer.ref.path(), params={"limit": "1"})
                except NotFound:
                    return
        finally:
            filled.cancel()

    async def _write_authority(self, key: Key) -> None:
        """The API server trusts the webhooks of the operator by it."""
        for ref, informer in self._webhooks.items():
            patch = with_authority(informer.items.get(key, {}), self._root)
            if patch:
                await self._client.patch(ref, key[1], None, patch, kind="json")

    def _publish(self) -> None:
        mesh = self.mesh()
        found: dict[Key, Configuration] = {}
        for key, _ in self._world.our_gateways():
            found[key] = configuration(self._world, mesh, key)
        changed = {key for key in found if found[key] != self._published.get(key)}
        if not changed and found.keys() == self._published.keys():
            return
        self._published = found
        self._news.set()
        self._news = asyncio.Event()
        for envoy_filter in self._world.envoy_filters.values():
            self._report_unserved(envoy_filter)

    def _report_unserved(self, envoy_filter: Object) -> None:
        key = key_of(envoy_filter)
        for what in unserved(envoy_filter):
            if (key, what) not in self._reported:
                self._reported.add((key, what))
                self._log(f"EnvoyFilter {'/'.join(key)}: the stand-in does not serve {what}; the patch is ignored")

    def _compare(self) -> None:
        """Find the objects whose status or children are not what they should be."""
        world, mesh, now = self._world, self.mesh(), _now()
        if ("", GATEWAY_CLASS_NAME) not in world.gateway_classes:
            self._writers["gateway class"].add(("", GATEWAY_CLASS_NAME))
        for _, namespace in world.namespaces:
            if namespace not in IGNORED_NAMESPACES and self._lacks_root(namespace):
                self._writers["root certificate"].add((namespace, ROOT_CERTIFICATE))
        for key, item in world.gateway_classes.items():
            if item["spec"]["controllerName"] == CONTROLLER and _stale(item, gateway_class_status(item, now=now)):
                self._writers["gateway class"].add(key)
        for key, gateway in world.our_gateways():
            if _stale(gateway, gateway_status(world, mesh, gateway, now=now)):
                self._writers["gateway status"].add(key)
            if mesh.deployments and self._wants_service(gateway, mesh):
                self._writers["gateway"].add(key)
        for key, route in world.routes.items():
            if _stale(route, route_status(world, mesh, route, now=now)):
                self._writers["route status"].add(key)
        for key, pool in world.pools.items():
            status = pool_status(world, mesh, pool, now=now)
            if _stale(pool, status):
                self._writers["pool status"].add(key)
            if self._wants_shadow(pool, status):
                self._writers["pool"].add(key)

    async def _write_class_status(self, key: Key) -> None:
        found = self._world.gateway_classes.get(key)
        if found is None:
            try:
                await self._client.create(gateway_class())
            except Conflict:
                return
        else:
            await self._client.patch_status(GATEWAY_CLASS, key[1], None, gateway_class_status(found, now=_now()))

    async def _write_gateway_status(self, key: Key) -> None:
        gateway = self._world.gateways.get(key)
        if gateway:
            await self._write_status(GATEWAY, gateway, gateway_status(self._world, self.mesh(), gateway, now=_now()))

    async def _write_route_status(self, key: Key) -> None:
        route = self._world.routes.get(key)
        if route:
            await self._write_status(HTTP_ROUTE, route, route_status(self._world, self.mesh(), route, now=_now()))

    async def _write_pool_status(self, key: Key) -> None:
        pool = self._world.pools.get(key)
        if pool:
            await self._write_status(INFERENCE_POOL, pool, pool_status(self._world, self.mesh(), pool, now=_now()))

    async def _write_status(self, ref: Resource, obj: Object, status: Object | None) -> None:
        if status is None or not _stale(obj, status):
            return
        namespace, name = key_of(obj)
        try:
            await self._client.patch_status(ref, name, namespace, status)
        except NotFound:
            self._log(f"{obj['kind']} {namespace}/{name} is gone")

    def _objects(self, gateway: Object, mesh: Mesh) -> list[Object]:
        key = parameters_ref(gateway)
        try:
            return gateway_objects(gateway, mesh, self._world.config_maps.get(key) if key else None)
        except InvalidParameters:
            # the Gateway's Accepted condition says why
            return []

    def _wants_service(self, gateway: Object, mesh: Mesh) -> bool:
        if gateway["metadata"].get("deletionTimestamp"):
            return False
        objects = self._objects(gateway, mesh)
        if not objects:
            return False
        missing = any(key_of(obj) not in self._served[obj["kind"]].items for obj in objects)
        return missing or self._applied.get(key_of(gateway)) != _digest(objects)

    async def _serve_gateway(self, key: Key) -> None:
        gateway = self._world.gateways.get(key)
        if gateway is None or gateway["metadata"].get("deletionTimestamp"):
            return
        objects = self._objects(gateway, self.mesh())
        for obj in objects:
            await self._client.apply(obj, manager=CONTROLLER)
        if self._applied.get(key) != _digest(objects):
            self._applied[key] = _digest(objects)
            self._log(f"Gateway {'/'.join(key)} is served by {objects[0]['metadata']['name']}")

    def _wants_shadow(self, pool: Object, status: Object | None) -> bool:
        if not (status or {}).get("parents") or pool["metadata"].get("deletionTimestamp"):
            return False
        wanted = self._shadow(pool)
        return differs(wanted, self._world.services.get(key_of(wanted)))

    def _shadow(self, pool: Object) -> Object:
        namespace, name = key_of(pool)
        found = self._world.services.get((namespace, shadow_service(name)))
        return shadow_object(pool, self.mesh().release, found)

    async def _write_shadow(self, key: Key) -> None:
        pool = self._world.pools.get(key)
        if pool and not pool["metadata"].get("deletionTimestamp"):
            await self._client.apply(self._shadow(pool), manager=CONTROLLER)

    def _lacks_root(self, namespace: str) -> bool:
        ending = (self._world.namespaces.get(("", namespace)) or {}).get("metadata", {}).get("deletionTimestamp")
        found = self._world.config_maps.get((namespace, ROOT_CERTIFICATE)) or {}
        return bool(self._root) and not ending and found.get("data") != root_certificate(namespace, self._root)["data"]

    async def _write_root(self, key: Key) -> None:
        await self._client.apply(root_certificate(key[0], self._root), manager=CONTROLLER)

    def _complainer(self, name: str) -> Callable[[Key, Exception], None]:
        def complain(key: Key, error: Exception) -> None:
            self._log(f"{name} {'/'.join(part for part in key if part)}: {error}; trying again")

        return complain


def _stale(obj: Object, status: Object | None) -> bool:
    """Whether an object's status lacks what `status` says."""
    if status is None:
        return False
    current = obj.get("status") or {}
    return any(current.get(name, []) != value for name, value in status.items())


def _digest(objects: list[Object]) -> str:
    return hashlib.sha256(json.dumps(objects, sort_keys=True).encode()).hexdigest()


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
