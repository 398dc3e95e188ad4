# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the stand-in of istiod makes of a cluster, in the form in which the original's results are written down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.control_plane.kube import Object, Objects
from sandbox.images.istiod.names import EXT_PROC, POOL_LABEL, SHADOW_PORT
from sandbox.images.istiod.world import labels
from tests.golden.istiod_cluster import Cluster

MODELS = "rhaii-inference"
UNSET = ("NONE", "DEFAULT")
"""An enum at its default is not written down."""

NOT_WRITTEN_DOWN = frozenset({"retry_policy", "max_grpc_timeout"})
"""Of a route's action."""

DEPLOYMENT_DEFAULTS: Mapping[str, Any] = {
    "progressDeadlineSeconds": 600,
    "replicas": 1,
    "revisionHistoryLimit": 10,
    "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
}
POD_DEFAULTS: Mapping[str, Any] = {
    "dnsPolicy": "ClusterFirst",
    "restartPolicy": "Always",
    "schedulerName": "default-scheduler",
    "terminationGracePeriodSeconds": 30,
}
CONTAINER_DEFAULTS: Mapping[str, Any] = {
    "imagePullPolicy": "IfNotPresent",
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
}
SERVICE_DEFAULTS: Mapping[str, Any] = {
    "allocateLoadBalancerNodePorts": True,
    "externalTrafficPolicy": "Cluster",
    "internalTrafficPolicy": "Cluster",
    "ipFamilies": ["IPv4"],
    "sessionAffinity": "None",
}


def observation(cluster: Cluster) -> Object:
    """Configuration, shadow Services and statuses."""
    resources = cluster.configuration().resources
    endpoints = {item["cluster_name"]: item for item in resources.endpoints}
    filters = {item["name"]: _http_filters(item) for item in resources.listeners}
    return {
        "istio": cluster.version,
        "base_ext_proc_filter": {
            name: _written(item["typed_config"])
            for name, items in filters.items()
            for item in items
            if item["name"] == EXT_PROC
        },
        "http_filters": {name: [item["name"] for item in items] for name, items in filters.items()},
        "virtual_hosts": [
            _virtual_host(routes["name"], host) for routes in resources.routes for host in routes["virtual_hosts"]
        ],
        "clusters": {
            item["name"]: _cluster(item, endpoints[item["name"]])
            for item in resources.clusters
            if _is_written_down(cluster, item["name"])
        },
        "shadow_services": [
            _shadow(item) for _, item in sorted(cluster.kinds["services"].items()) if POOL_LABEL in labels(item)
        ],
        "status": _statuses(cluster),
    }


def _http_filters(listener: Object) -> Objects:
    (chain,) = listener["filter_chains"]
    found: Objects = chain["filters"][0]["typed_config"]["http_filters"]
    return found


def _written(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _written(item) for key, item in value.items() if item not in UNSET or not key.endswith("_mode")}
    return [_written(item) for item in value] if isinstance(value, list) else value


def _virtual_host(configuration: str, host: Object) -> Object:
    own = _ext_proc(host)
    return {
        "route_configuration": configuration,
        "name": host["name"],
        "domains": host["domains"],
        **({"ext_proc": own} if own else {}),
        "routes": [_route(item) for item in host["routes"]],
    }


def _route(route: Object) -> Object:
    action = {key: value for key, value in (route.get("route") or {}).items() if key not in NOT_WRITTEN_DOWN}
    others = {
        key: value for key, value in route.items() if key not in ("name", "match", "route", "typed_per_filter_config")
    }
    return {"name": route["name"], "match": route["match"], **action, **others, "ext_proc": _ext_proc(route)}


def _ext_proc(holder: Object) -> Any:
    return _written((holder.get("typed_per_filter_config") or {}).get(EXT_PROC))


def _is_written_down(cluster: Cluster, name: str) -> bool:
    _, port, _, host = name.split("|")
    return f".{MODELS}." in host and (int(port) >= SHADOW_PORT or int(port) in cluster.shared["ports"])


def _cluster(cluster: Object, assignment: Object) -> Object:
    shown = (
        "type",
        "lb_policy",
        "load_balancing_policy",
        "transport_socket",
        "transport_socket_matches",
        "typed_extension_protocol_options",
    )
    addresses = [
        endpoint["endpoint"]["address"]["socket_address"]
        for group in assignment["endpoints"]
        for endpoint in group["lb_endpoints"]
    ]
    return {
        **{key: cluster[key] for key in shown if key in cluster},
        "endpoints": [f"{item['address']}:{item['port_value']}" for item in addresses],
    }


def _shadow(service: Object) -> Object:
    return {
        "name": service["metadata"]["name"],
        "labels": service["metadata"]["labels"],
        "ports": service["spec"]["ports"],
        "selector": service["spec"]["selector"],
        "ownerReferences": [_owner(item) for item in service["metadata"]["ownerReferences"]],
    }


def _owner(reference: Object) -> Object:
    return {key: reference[key] for key in ("apiVersion", "kind", "name")}


def _statuses(cluster: Cluster) -> Object:
    found: Object = {}
    for (_, name), route in cluster.kinds["routes"].items():
        parents = (route.get("status") or {}).get("parents") or []
        found[f"HTTPRoute/{name}"] = [_conditions(item) for item in parents]
    for (_, name), pool in cluster.kinds["pools"].items():
        parents = (pool.get("status") or {}).get("parents") or []
        found[f"InferencePool/{name}"] = [
            {"parentRef": item["parentRef"], "conditions": _conditions(item)} for item in parents
        ]
    for (_, name), gateway in cluster.kinds["gateways"].items():
        status = gateway["status"]
        found[f"Gateway/{name}"] = {
            "conditions": _conditions(status),
            "listeners": [
                {
                    "name": item["name"],
                    "attachedRoutes": item["attachedRoutes"],
                    "conditions": _conditions(item),
                }
                for item in status["listeners"]
            ],
        }
    return found


def _conditions(holder: Object) -> Object:
    return {item["type"]: {key: item[key] for key in ("status", "reason", "message")} for item in holder["conditions"]}


def gateway_observation(cluster: Cluster) -> Object:
    """The objects behind the Gateway as the API server completes them, images left out."""
    return {"istio": cluster.version, "objects": sorted(map(_completed, cluster.gateway_objects()), key=_kind)}


def _kind(obj: Object) -> str:
    return str(obj["kind"])


def _completed(obj: Object) -> Object:
    meta = {**obj["metadata"], "ownerReferences": [_owner(item) for item in obj["metadata"]["ownerReferences"]]}
    result = {**obj, "metadata": meta}
    if obj["kind"] == "Service":
        result["spec"] = {**SERVICE_DEFAULTS, **obj["spec"]}
    elif obj["kind"] == "Deployment":
        template = obj["spec"]["template"]
        pod = {**POD_DEFAULTS, **template["spec"], "serviceAccount": template["spec"]["serviceAccountName"]}
        pod["containers"] = [_container(item) for item in pod["containers"]]
        pod["volumes"] = [_volume(item) for item in pod["volumes"]]
        result["spec"] = {**DEPLOYMENT_DEFAULTS, **obj["spec"], "template": {**template, "spec": pod}}
    return result


def _container(container: Object) -> Object:
    probes = {name: {"successThreshold": 1, **container[name]} for name in ("readinessProbe", "startupProbe")}
    env = [_variable(item) for item in container["env"]]
    return {**CONTAINER_DEFAULTS, **container, **probes, "env": env, "image": "IMAGE"}


def _variable(variable: Object) -> Object:
    source = variable.get("valueFrom") or {}
    if "fieldRef" in source:
        return {**variable, "valueFrom": {"fieldRef": {"apiVersion": "v1", **source["fieldRef"]}}}
    if "resourceFieldRef" in source:
        return {**variable, "valueFrom": {"resourceFieldRef": {"divisor": "0", **source["resourceFieldRef"]}}}
    return variable


def _volume(volume: Object) -> Object:
    for kind in ("configMap", "projected", "downwardAPI"):
        if kind in volume:
            source = {"defaultMode": 420, **volume[kind]}
            if kind == "downwardAPI":
                source["items"] = [
                    {**item, "fieldRef": {"apiVersion": "v1", **item["fieldRef"]}} for item in source["items"]
                ]
            return {**volume, kind: source}
    return volume
