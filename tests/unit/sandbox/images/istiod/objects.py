# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Objects as the API server holds them, for the tests of the gateway controller."""

from __future__ import annotations

from typing import Any

from sandbox.control_plane.kube import Key, Object, key_of
from sandbox.images.istiod.mesh import Mesh
from sandbox.images.istiod.names import CONTROLLER, POOL_GROUP
from sandbox.images.istiod.world import World

MESH = Mesh(inference=True, access_log_file="/dev/stdout")
GATEWAY_KEY = ("opendatahub", "inference-gateway")
APP = "rhaii-inference"
POOL = "qwen-inference-pool"
PICKER = "qwen-epp-service"
ROUTE = "qwen-kserve-route"
WORKLOAD = "qwen-kserve-workload-svc"
SELECTOR = {"app.kubernetes.io/name": "qwen", "kserve.io/component": "workload"}
POOL_REF = {"group": POOL_GROUP, "kind": "InferencePool", "name": POOL, "port": 8000}
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


def world(*objects: Object) -> World:
    """A snapshot that holds `objects`."""
    kinds: dict[str, dict[Key, Object]] = {name: {} for name in KINDS.values()}
    for obj in objects:
        kinds[KINDS[obj["kind"]]][key_of(obj)] = obj
    return World(**kinds)


def meta(name: str, namespace: str = "", **more: Any) -> Object:
    """Metadata; the age decides ties, so it is the same for all unless told."""
    result: Object = {
        "name": name,
        "uid": f"uid-{name}",
        "generation": 1,
        "creationTimestamp": "2026-01-01T00:00:00Z",
        **more,
    }
    return {**result, "namespace": namespace} if namespace else result


def gateway_class(controller: str = CONTROLLER, name: str = "istio") -> Object:
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "GatewayClass",
        "metadata": meta(name),
        "spec": {"controllerName": controller},
    }


def listener(name: str = "http", port: int = 80, **more: Any) -> Object:
    return {
        "name": name,
        "port": port,
        "protocol": "HTTP",
        "allowedRoutes": {"namespaces": {"from": "All"}},
        **more,
    }


def gateway(*listeners: Object, infrastructure: Object | None = None) -> Object:
    spec: Object = {"gatewayClassName": "istio", "listeners": list(listeners) or [listener()]}
    if infrastructure is not None:
        spec["infrastructure"] = infrastructure
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": meta(GATEWAY_KEY[1], GATEWAY_KEY[0]),
        "spec": spec,
    }


def route(*rules: Object, name: str = ROUTE, namespace: str = APP, created: str = "", **spec: Any) -> Object:
    more = {"creationTimestamp": created} if created else {}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": meta(name, namespace, **more),
        "spec": {
            "parentRefs": [{"name": GATEWAY_KEY[1], "namespace": GATEWAY_KEY[0]}],
            "rules": list(rules),
            **spec,
        },
    }


def rule(*backends: Object, path: str = "/", kind: str = "PathPrefix", **more: Any) -> Object:
    return {"matches": [{"path": {"type": kind, "value": path}}], "backendRefs": list(backends), **more}


def rewrite(replacement: str) -> Object:
    path = {"type": "ReplacePrefixMatch", "replacePrefixMatch": replacement}
    return {"type": "URLRewrite", "urlRewrite": {"path": path}}


def service_ref(name: str = WORKLOAD, port: int = 8000, **more: Any) -> Object:
    return {"name": name, "port": port, **more}


def service(name: str = WORKLOAD, port: int = 8000, namespace: str = APP, **port_fields: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": meta(name, namespace),
        "spec": {
            "type": "ClusterIP",
            "clusterIP": "10.1.128.77",
            "ports": [{"name": "http", "port": port, "targetPort": port, **port_fields}],
        },
    }


def endpoint_slice(
    addresses: dict[str, str],
    *,
    service_name: str = WORKLOAD,
    port: int = 8000,
    port_name: str = "http",
    namespace: str = APP,
) -> Object:
    """Addresses by the name of their pod."""
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": meta(f"{service_name}-abc", namespace, labels={"kubernetes.io/service-name": service_name}),
        "ports": [{"name": port_name, "port": port}],
        "endpoints": [
            {
                "addresses": [address],
                "conditions": {"ready": True},
                "targetRef": {"kind": "Pod", "namespace": namespace, "name": pod_name},
            }
            for pod_name, address in addresses.items()
        ],
    }


def pod(name: str, address: str, *, ready: bool = True, ending: bool = False, namespace: str = APP) -> Object:
    more = {"deletionTimestamp": "2026-01-01T00:10:00Z"} if ending else {}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": meta(name, namespace, labels=dict(SELECTOR), **more),
        "status": {
            "phase": "Running",
            "podIP": address,
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
        },
    }


def pool(name: str = POOL, failure_mode: str = "FailOpen", **picker_fields: Any) -> Object:
    return {
        "apiVersion": f"{POOL_GROUP}/v1",
        "kind": "InferencePool",
        "metadata": meta(name, APP),
        "spec": {
            "selector": {"matchLabels": dict(SELECTOR)},
            "targetPorts": [{"number": 8000}],
            "endpointPickerRef": {
                "name": PICKER,
                "kind": "Service",
                "port": {"number": 9002},
                "failureMode": failure_mode,
                **picker_fields,
            },
        },
    }


def picker_service() -> Object:
    found = service(PICKER, 9002)
    found["spec"]["ports"][0]["name"] = "grpc"
    return found


def destination_rule(host: str, tls: Object, *, namespace: str = APP, name: str = "tls", **policy: Any) -> Object:
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": meta(name, namespace),
        "spec": {"host": host, "trafficPolicy": {"tls": tls, **policy}},
    }


def envoy_filter(*patches: Object, name: str = "filter", namespace: str = GATEWAY_KEY[0], **spec: Any) -> Object:
    return {
        "apiVersion": "networking.istio.io/v1alpha3",
        "kind": "EnvoyFilter",
        "metadata": meta(name, namespace),
        "spec": {"configPatches": list(patches), **spec},
    }


def body_patch(name: str) -> Object:
    """What the guide's EnvoyFilter does to one route."""
    return {
        "applyTo": "HTTP_ROUTE",
        "match": {
            "context": "GATEWAY",
            "routeConfiguration": {"vhost": {"route": {"name": name}}},
        },
        "patch": {
            "operation": "MERGE",
            "value": {
                "typed_per_filter_config": {
                    "envoy.filters.http.ext_proc": {
                        "@type": "type.googleapis.com/envoy.extensions.filters.http.ext_proc.v3.ExtProcPerRoute",
                        "overrides": {
                            "processing_mode": {
                                "request_header_mode": "SEND",
                                "response_header_mode": "SEND",
                                "request_body_mode": "FULL_DUPLEX_STREAMED",
                                "request_trailer_mode": "SEND",
                                "response_body_mode": "NONE",
                            }
                        },
                    }
                }
            },
        },
    }


def kserve_route(namespace: str = APP, name: str = "qwen") -> Object:
    """The three rules of KServe v0.17."""
    prefix = f"/{namespace}/{name}"
    return route(
        rule(POOL_REF, path=f"{prefix}/v1/completions", filters=[rewrite("/v1/completions")]),
        rule(POOL_REF, path=f"{prefix}/v1/chat/completions", filters=[rewrite("/v1/chat/completions")]),
        rule(service_ref(), path=prefix, filters=[rewrite("/")]),
    )


def model_world(*more: Object) -> World:
    """One model with three pods behind the gateway, as KServe makes it."""
    pods = {f"qwen-{index}": f"10.1.{index}.2" for index in range(3)}
    return world(
        gateway_class(),
        gateway(),
        kserve_route(),
        pool(),
        picker_service(),
        service(),
        endpoint_slice(pods),
        endpoint_slice({"epp": "10.1.5.2"}, service_name=PICKER, port=9002, port_name="grpc"),
        *(pod(name, address) for name, address in pods.items()),
        *more,
    )
