# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects that serve a Gateway: a Deployment, a Service of type LoadBalancer and a ServiceAccount."""

from __future__ import annotations

import json

import yaml

from sandbox.control_plane.kube import Object, Objects, owner_reference
from sandbox.images.istiod.attachment import usable
from sandbox.images.istiod.mesh import Mesh
from sandbox.images.istiod.names import (
    GATEWAY_CLASS_LABEL,
    GATEWAY_NAME_LABEL,
    MANAGED_LABEL,
    MANAGED_VALUE,
    gateway_workload,
)
from sandbox.images.istiod.overlays import overlay

STATUS_PORT = 15021
TOKEN_AUDIENCE = "istio-ca"
SERVICE_TYPE_ANNOTATION = "networking.istio.io/service-type"
NOT_COPIED = "kubectl.kubernetes.io/last-applied-configuration"


class InvalidParameters(Exception):
    """The overlay of a gateway cannot be used; the text is for its Accepted condition."""


def selector(gateway: Object) -> dict[str, str]:
    """Labels that select a gateway's pods."""
    return {GATEWAY_NAME_LABEL: gateway["metadata"]["name"]}


def infrastructure(gateway: Object, what: str) -> dict[str, str]:
    """Labels or annotations that the Gateway wants on what serves it."""
    wanted = (gateway["spec"].get("infrastructure") or {}).get(what)
    if wanted is None:
        # before it had a field of its own, a Gateway's metadata went to its children
        wanted = gateway["metadata"].get(what) or {}
    return {name: value for name, value in wanted.items() if name != NOT_COPIED}


def common_labels(gateway: Object) -> dict[str, str]:
    """Labels of every object that serves a gateway."""
    return {
        **infrastructure(gateway, "labels"),
        **selector(gateway),
        GATEWAY_CLASS_LABEL: gateway["spec"]["gatewayClassName"],
        MANAGED_LABEL: MANAGED_VALUE,
    }


def pod_labels(gateway: Object) -> dict[str, str]:
    """Labels of a gateway's pods: what EnvoyFilters and policies select."""
    name = gateway_workload(gateway["metadata"]["name"], gateway["spec"]["gatewayClassName"])
    return {
        **common_labels(gateway),
        "service.istio.io/canonical-name": name,
        "service.istio.io/canonical-revision": "latest",
        "sidecar.istio.io/inject": "false",
        "istio.io/dataplane-mode": "none",
    }


def gateway_objects(gateway: Object, mesh: Mesh, config_map: Object | None) -> Objects:
    """The three objects, with the overlays of `config_map` (the Gateway's parametersRef) merged in."""
    overlays = read_overlays(gateway, config_map)
    return [
        overlay(service_account(gateway), overlays.get("serviceAccount", {})),
        overlay(deployment(gateway, mesh), overlays.get("deployment", {})),
        overlay(service(gateway), overlays.get("service", {})),
    ]


def parameters_ref(gateway: Object) -> tuple[str, str] | None:
    """Namespace and name of the ConfigMap with a Gateway's overlays; None when it names none."""
    ref = (gateway["spec"].get("infrastructure") or {}).get("parametersRef")
    return (gateway["metadata"]["namespace"], ref["name"]) if ref else None


def read_overlays(gateway: Object, config_map: Object | None) -> dict[str, Object]:
    """The overlays by the kind that they change; InvalidParameters when they cannot be used."""
    key = parameters_ref(gateway)
    if key is None:
        return {}
    ref = gateway["spec"]["infrastructure"]["parametersRef"]
    if (ref.get("group", ""), ref["kind"]) != ("", "ConfigMap"):
        raise InvalidParameters(f"parametersRef names a {ref['kind']}; wanted a ConfigMap.")
    if config_map is None:
        raise InvalidParameters(f"parametersRef names ConfigMap {'/'.join(key)}, which does not exist.")
    known = ("deployment", "service", "serviceAccount", "horizontalPodAutoscaler", "podDisruptionBudget")
    result: dict[str, Object] = {}
    for name, text in (config_map.get("data") or {}).items():
        if name not in known:
            raise InvalidParameters(f"ConfigMap {'/'.join(key)} has the key {name}; wanted one of {', '.join(known)}.")
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise InvalidParameters(f"ConfigMap {'/'.join(key)}, key {name}, is no YAML: {error}") from error
        if value is not None and not isinstance(value, dict):
            raise InvalidParameters(f"ConfigMap {'/'.join(key)}, key {name}, is no object.")
        result[name] = value or {}
    return result


def _metadata(gateway: Object) -> Object:
    meta = gateway["metadata"]
    result: Object = {
        "name": gateway_workload(meta["name"], gateway["spec"]["gatewayClassName"]),
        "namespace": meta["namespace"],
        "labels": common_labels(gateway),
        "ownerReferences": [owner_reference(gateway, controller=False)],
    }
    annotations = infrastructure(gateway, "annotations")
    if annotations:
        result["annotations"] = annotations
    return result


def service_account(gateway: Object) -> Object:
    """The account of the gateway's pods."""
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _metadata(gateway)}


def service(gateway: Object) -> Object:
    """The Service that the cloud gives an external address."""
    ports = [{"name": "status-port", "port": STATUS_PORT, "protocol": "TCP", "appProtocol": "tcp"}]
    for listener in gateway["spec"].get("listeners") or []:
        if usable(listener) and listener["port"] not in {port["port"] for port in ports}:
            ports.append({"name": listener["name"], "port": listener["port"], "protocol": "TCP", "appProtocol": "http"})
    metadata = _metadata(gateway)
    kind = (metadata.get("annotations") or {}).get(SERVICE_TYPE_ANNOTATION, "LoadBalancer")
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": {
            "type": kind,
            "ipFamilyPolicy": "PreferDualStack",
            "selector": selector(gateway),
            "ports": [{**port, "targetPort": port["port"]} for port in ports],
        },
    }


def deployment(gateway: Object, mesh: Mesh) -> Object:
    """The Deployment of the gateway's pods."""
    meta = _metadata(gateway)
    pod: Object = {
        "serviceAccountName": meta["name"],
        "securityContext": {"sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]},
        "containers": [_container(gateway, mesh, meta["name"])],
        "volumes": [
            {"name": "istio-envoy", "emptyDir": {"medium": "Memory"}},
            {"name": "istio-data", "emptyDir": {}},
            {
                "name": "istio-token",
                "projected": {
                    "sources": [
                        {
                            "serviceAccountToken": {
                                "audience": TOKEN_AUDIENCE,
                                "expirationSeconds": 43200,
                                "path": "istio-token",
                            }
                        }
                    ]
                },
            },
        ],
    }
    if mesh.pull_secrets:
        pod["imagePullSecrets"] = [{"name": name} for name in mesh.pull_secrets]
    template_meta: Object = {
        "labels": pod_labels(gateway),
        "annotations": {
            **(meta.get("annotations") or {}),
            "istio.io/rev": "default",
            "prometheus.io/path": "/stats/prometheus",
            "prometheus.io/port": "15020",
            "prometheus.io/scrape": "true",
        },
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": meta,
        "spec": {
            "selector": {"matchLabels": selector(gateway)},
            "template": {"metadata": template_meta, "spec": pod},
        },
    }


def _container(gateway: Object, mesh: Mesh, workload: str) -> Object:
    check = {"httpGet": {"path": "/healthz/ready", "port": STATUS_PORT, "scheme": "HTTP"}, "timeoutSeconds": 1}
    return {
        "name": "istio-proxy",
        "image": mesh.proxy_image,
        "args": [
            "proxy",
            "router",
            "--domain",
            f"$(POD_NAMESPACE).svc.{mesh.domain}",
            "--proxyLogLevel",
            "warning",
            "--proxyComponentLogLevel",
            "misc:error",
            "--log_output_level",
            "default:info",
        ],
        "ports": [
            {"name": "metrics", "containerPort": 15020, "protocol": "TCP"},
            {"name": "status-port", "containerPort": STATUS_PORT, "protocol": "TCP"},
            {"name": "http-envoy-prom", "containerPort": 15090, "protocol": "TCP"},
        ],
        "env": [
            {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
            {"name": "INSTANCE_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "SERVICE_ACCOUNT", "valueFrom": {"fieldRef": {"fieldPath": "spec.serviceAccountName"}}},
            {"name": "PROXY_CONFIG", "value": json.dumps({"discoveryAddress": mesh.discovery_address})},
            {"name": "ISTIO_META_WORKLOAD_NAME", "value": workload},
            {"name": "ISTIO_META_GATEWAY_NAME", "value": gateway["metadata"]["name"]},
        ],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "2", "memory": "1Gi"}},
        "startupProbe": {**check, "failureThreshold": 30, "initialDelaySeconds": 1, "periodSeconds": 1},
        "readinessProbe": {**check, "failureThreshold": 4, "periodSeconds": 15},
        "volumeMounts": [
            {"name": "istio-data", "mountPath": "/var/lib/istio/data"},
            {"name": "istio-envoy", "mountPath": "/etc/istio/proxy"},
            {"name": "istio-token", "mountPath": "/var/run/secrets/tokens"},
        ],
    }
