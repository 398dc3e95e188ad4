# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A case's objects fed to the stand-in of istiod as a cluster would: one after another, with everybody's answers."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from sandbox.control_plane.kube import Key, Object, Objects, key_of
from sandbox.images.istiod.configuration import Configuration, configuration
from sandbox.images.istiod.gateways import gateway_objects
from sandbox.images.istiod.installation import gateway_class
from sandbox.images.istiod.mesh import MESH_CONFIG_MAP, Mesh, read_mesh
from sandbox.images.istiod.names import shadow_service
from sandbox.images.istiod.releases import VARIABLE
from sandbox.images.istiod.shadows import differs, shadow_object
from sandbox.images.istiod.statuses import gateway_status, pool_status, route_status
from sandbox.images.istiod.world import World, labels, selects

FOLDER = Path(__file__).parent / "istiod"
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
FIRST = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
BETWEEN = datetime.timedelta(seconds=2)
TIE = re.compile(r"same (second|moment|time|step)|at once")
"""In a case's first line: its objects are of one age."""

GATEWAY = ("opendatahub", "inference-gateway")
KINDS = {
    "GatewayClass": "gateway_classes",
    "Gateway": "gateways",
    "HTTPRoute": "routes",
    "InferencePool": "pools",
    "ReferenceGrant": "grants",
    "Service": "services",
    "EndpointSlice": "slices",
    "Pod": "pods",
    "Namespace": "namespaces",
    "DestinationRule": "destination_rules",
    "EnvoyFilter": "envoy_filters",
    "ConfigMap": "config_maps",
}


@dataclass
class Cluster:
    """An API server's objects and what its controllers, the cloud and istiod make of them."""

    version: str
    shared: Mapping[str, Any] = field(
        default_factory=lambda: yaml.safe_load((FOLDER / "cluster.yml").read_text(encoding="utf-8"))
    )
    kinds: dict[str, dict[Key, Object]] = field(default_factory=lambda: {name: {} for name in KINDS.values()})
    now: datetime.datetime = FIRST

    def __post_init__(self) -> None:
        for name in self.shared["namespaces"]:
            self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        self.apply(gateway_class())
        self.apply(self.shared["gateway_config"])
        for name, model in self.shared["models"].items():
            for index, address in enumerate(model["replicas"]):
                self.apply(_pod(f"{name}-kserve-{index}", address, _labels(name, workload=True)))
            self.apply(_pod(f"{name}-kserve-router-scheduler", model["picker"], _labels(name, workload=False)))

    @property
    def world(self) -> World:
        """What istiod sees."""
        return World(**self.kinds)

    @property
    def mesh(self) -> Mesh:
        """The mesh's settings, as the chart makes them."""
        config = {"data": {"mesh": yaml.safe_dump(self.shared["mesh"])}}
        environ = {"ENABLE_GATEWAY_API_INFERENCE_EXTENSION": "true", VARIABLE: self.version}
        return read_mesh(environ, {"metadata": {"name": MESH_CONFIG_MAP}, **config}, None)

    def feed(self, case: str) -> Cluster:
        """Apply a case's documents, each with its own moment unless the case says otherwise."""
        text = (FOLDER / case / "objects.yaml").read_text(encoding="utf-8")
        tie = TIE.search(text.partition("\n")[0])
        for document in yaml.load_all(text, Loader=LOADER):
            if "delete" in document:
                kind, namespace, name = document["delete"].split("/")
                self.delete(kind, (namespace, name))
                self.settle()
            else:
                self.next(document, datetime.timedelta() if tie else BETWEEN)
        return self

    def next(self, obj: Object, later: datetime.timedelta = BETWEEN) -> None:
        """Apply an object, let everybody act, and let time go by."""
        self.apply(obj)
        self.settle()
        self.now += later

    def apply(self, obj: Object) -> None:
        """Make an object or change its content; age and status stay."""
        found = self.kinds[KINDS[obj["kind"]]]
        before = found.get(key_of(obj))
        meta = before["metadata"] if before else {"uid": f"uid-{len(found)}", "creationTimestamp": self._stamp}
        generation = meta.get("generation", 0) + (before is None or before.get("spec") != obj.get("spec"))
        kept = {"status": before["status"]} if before and "status" in before else {}
        merged = {**kept, **obj, "metadata": {**meta, **obj["metadata"], "generation": generation}}
        found[key_of(obj)] = merged

    def delete(self, kind: str, key: Key) -> None:
        """Remove an object."""
        holder = next(self.kinds[name] for known, name in KINDS.items() if known.lower() == kind)
        del holder[key]

    def settle(self) -> None:
        """Let everybody act until nothing changes."""
        while self._act():
            pass

    def _act(self) -> bool:
        before = repr(self.kinds)
        world, mesh = self.world, self.mesh
        for key, gateway in world.our_gateways():
            self._serve(key, gateway)
            gateway["status"] = gateway_status(world, mesh, gateway, now=self._stamp)
        for route in world.routes.values():
            status = route_status(world, mesh, route, now=self._stamp)
            route["status"] = status or route.get("status") or {}
        for key, pool in world.pools.items():
            status = pool_status(world, mesh, pool, now=self._stamp)
            pool["status"] = status or pool.get("status") or {}
            shadow = world.services.get((key[0], shadow_service(key[1])))
            wanted = shadow_object(pool, mesh.release, shadow)
            if pool["status"].get("parents") and differs(wanted, shadow):
                self.apply(wanted)
        self.kinds["slices"].clear()
        for service in world.services.values():
            for item in self._slices(service):
                self.apply(item)
        return repr(self.kinds) != before

    def _serve(self, key: Key, gateway: Object) -> None:
        """The gateway's pod, and the cloud's address."""
        objects = gateway_objects(gateway, self.mesh, self.kinds["config_maps"].get(self._config_key))
        pod = next(item for item in objects if item["kind"] == "Deployment")["spec"]["template"]["metadata"]["labels"]
        self.apply(_pod("inference-gateway-istio-0", self.shared["gateway"], pod, key[0]))
        service = next(item for item in objects if item["kind"] == "Service")
        ingress = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}
        self.apply({**service, "status": ingress})

    @property
    def _config_key(self) -> Key:
        return key_of(self.shared["gateway_config"])

    def _slices(self, service: Object) -> Iterator[Object]:
        namespace, name = key_of(service)
        chosen = service["spec"].get("selector")
        pods = [
            pod
            for (place, _), pod in self.kinds["pods"].items()
            if chosen and place == namespace and selects(chosen, labels(pod))
        ]
        if not pods:
            return
        named = {port["name"]: port["containerPort"] for pod in pods for port in pod["spec"]["containers"][0]["ports"]}
        yield {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": f"{name}-0",
                "namespace": namespace,
                "uid": f"uid-{name}",
                "creationTimestamp": "",
                "labels": {"kubernetes.io/service-name": name},
            },
            "ports": [
                {"name": port["name"], "port": named.get(port["targetPort"], port["targetPort"])}
                for port in service["spec"]["ports"]
            ],
            "endpoints": [
                {
                    "addresses": [pod["status"]["podIP"]],
                    "conditions": {"ready": True},
                    "targetRef": {"kind": "Pod", "namespace": namespace, "name": pod["metadata"]["name"]},
                }
                for pod in pods
            ],
        }

    @property
    def _stamp(self) -> str:
        return self.now.strftime("%Y-%m-%dT%H:%M:%SZ")

    def configuration(self) -> Configuration:
        """What the gateway gets."""
        return configuration(self.world, self.mesh, GATEWAY)

    def gateway_objects(self) -> Objects:
        """What istiod makes for the Gateway."""
        gateway = self.kinds["gateways"][GATEWAY]
        return gateway_objects(gateway, self.mesh, self.kinds["config_maps"].get(self._config_key))


def _labels(model: str, *, workload: bool) -> dict[str, str]:
    own = {"app.kubernetes.io/name": model, "app.kubernetes.io/part-of": "llminferenceservice"}
    if workload:
        return {**own, "kserve.io/component": "workload"}
    return {**own, "app.kubernetes.io/component": "llminferenceservice-router-scheduler"}


def _pod(name: str, address: str, pod_labels: Mapping[str, str], namespace: str = "rhaii-inference") -> Object:
    ports = {"grpc": 9002, "grpc-health": 9003, "metrics": 9090, "zmq": 5557}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": dict(pod_labels)},
        "spec": {
            "containers": [
                {"name": "main", "ports": [{"name": key, "containerPort": port} for key, port in ports.items()]}
            ]
        },
        "status": {
            "phase": "Running",
            "podIP": address,
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }
