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
    GATEWAY_GROUP,
    GATEWAY_NAME_LABEL,
    MANAGED_LABEL,
    MANAGED_VALUE,
    gateway_workload,
)
from sandbox.images.istiod.overlays import overlay

STATUS_PORT = 15021
TOKEN_AUDIENCE = "istio-ca"
ROOT_CERTIFICATE = "istio-ca-root-cert"
"""ConfigMap in each namespace, by which proxies know istiod."""

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
        "ownerReferences": [
            owner_reference({**gateway, "apiVersion": f"{GATEWAY_GROUP}/v1beta1"}, controller=False),
        ],
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
        "volumes": _volumes(),
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


MOUNTS = {
    "workload-socket": "/var/run/secrets/workload-spiffe-uds",
    "credential-socket": "/var/run/secrets/credential-uds",
    "workload-certs": "/var/run/secrets/workload-spiffe-credentials",
    "istiod-ca-cert": "/var/run/secrets/istio",
    "istio-data": "/var/lib/istio/data",
    "istio-envoy": "/etc/istio/proxy",
    "istio-token": "/var/run/secrets/tokens",
    "istio-podinfo": "/etc/istio/pod",
}


def _volumes() -> Objects:
    token = {"audience": TOKEN_AUDIENCE, "expirationSeconds": 43200, "path": "istio-token"}
    fields = [{"path": name, "fieldRef": {"fieldPath": f"metadata.{name}"}} for name in ("labels", "annotations")]
    return [
        {"name": "workload-socket", "emptyDir": {}},
        {"name": "credential-socket", "emptyDir": {}},
        {"name": "workload-certs", "emptyDir": {}},
        {"name": "istio-envoy", "emptyDir": {"medium": "Memory"}},
        {"name": "istio-data", "emptyDir": {}},
        {"name": "istio-podinfo", "downwardAPI": {"items": fields}},
        {"name": "istio-token", "projected": {"sources": [{"serviceAccountToken": token}]}},
        {"name": "istiod-ca-cert", "configMap": {"name": ROOT_CERTIFICATE}},
    ]


def _environment(gateway: Object, mesh: Mesh, workload: str) -> Objects:
    namespace = gateway["metadata"]["namespace"]
    metadata = {name: str(value) for name, value in (mesh.proxy_config.get("proxyMetadata") or {}).items()}
    settings: dict[str, Object | str | None] = {
        "ISTIO_META_POD_PORTS": "[]",
        "ISTIO_META_APP_CONTAINERS": None,
        "GOMEMLIMIT": {"resourceFieldRef": {"resource": "limits.memory"}},
        "GOMAXPROCS": {"resourceFieldRef": {"resource": "limits.cpu"}},
        "ISTIO_META_CLUSTER_ID": "Kubernetes",
        "ISTIO_META_NODE_NAME": {"fieldRef": {"fieldPath": "spec.nodeName"}},
        "ISTIO_META_INTERCEPTION_MODE": "REDIRECT",
        "ISTIO_META_WORKLOAD_NAME": workload,
        "ISTIO_META_OWNER": f"kubernetes://apis/apps/v1/namespaces/{namespace}/deployments/{workload}",
        "ISTIO_META_MESH_ID": mesh.domain,
        "TRUST_DOMAIN": mesh.domain,
        **metadata,
    }
    first: dict[str, Object | str | None] = {
        "PILOT_CERT_PROVIDER": "istiod",
        "CA_ADDR": mesh.discovery_address,
        "POD_NAME": {"fieldRef": {"fieldPath": "metadata.name"}},
        "POD_NAMESPACE": {"fieldRef": {"fieldPath": "metadata.namespace"}},
        "INSTANCE_IP": {"fieldRef": {"fieldPath": "status.podIP"}},
        "SERVICE_ACCOUNT": {"fieldRef": {"fieldPath": "spec.serviceAccountName"}},
        "HOST_IP": {"fieldRef": {"fieldPath": "status.hostIP"}},
        "ISTIO_CPU_LIMIT": {"resourceFieldRef": {"resource": "limits.cpu"}},
        "PROXY_CONFIG": json.dumps(dict(mesh.proxy_config), separators=(",", ":")) + "\n",
    }
    return [_variable(name, value) for name, value in {**first, **settings}.items()]


def _variable(name: str, value: Object | str | None) -> Object:
    if value is None:
        return {"name": name}
    return {"name": name, "value": value} if isinstance(value, str) else {"name": name, "valueFrom": value}


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
        "env": _environment(gateway, mesh, workload),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "privileged": False,
            "readOnlyRootFilesystem": True,
            "runAsGroup": 1337,
            "runAsNonRoot": True,
            "runAsUser": 1337,
        },
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "2", "memory": "1Gi"}},
        "startupProbe": {**check, "failureThreshold": 30, "initialDelaySeconds": 1, "periodSeconds": 1},
        "readinessProbe": {**check, "failureThreshold": 4, "periodSeconds": 15},
        "volumeMounts": [{"name": name, "mountPath": path} for name, path in MOUNTS.items()],
    }
