# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The endpoint picker: its Deployment, Service, rights and InferencePool."""

from __future__ import annotations

import copy
from typing import Any

import yaml

from sandbox.images.kserve import names

Object = dict[str, Any]

PICKER_PORT = 9002
SERVICE_PORTS = ("grpc", "grpc-health", "metrics", "zmq")
CONFIG_FLAGS = ("--config-text", "-config-text", "--config-file", "-config-file")
DEFAULT_CONFIG: Object = {
    "apiVersion": "inference.networking.x-k8s.io/v1alpha1",
    "kind": "EndpointPickerConfig",
    "plugins": [
        {"type": "single-profile-handler"},
        {"type": "prefix-cache-scorer"},
        {"type": "load-aware-scorer"},
        {"type": "max-score-picker"},
    ],
    "schedulingProfiles": [
        {
            "name": "default",
            "plugins": [
                {"pluginRef": "prefix-cache-scorer", "weight": 2.0},
                {"pluginRef": "load-aware-scorer", "weight": 1.0},
                {"pluginRef": "max-score-picker"},
            ],
        }
    ],
}
RBAC = "rbac.authorization.k8s.io"


def deployment(service: Object, found: Object) -> Object:
    """The Deployment; it names no strategy, so that Kubernetes' own rolling update applies."""
    name = service["metadata"]["name"]
    labels = names.scheduler_labels(name)
    pod = copy.deepcopy(found.get("template") or {})
    for container in pod.get("containers") or []:
        if container["name"] == "main" and not _is_configured(container):
            text = yaml.safe_dump(DEFAULT_CONFIG, sort_keys=False)
            container["args"] = [*(container.get("args") or []), "--config-text", text]
    meta = names.metadata(service, names.child_name(name, "-kserve-router-scheduler"), labels)
    body = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": body}


def _is_configured(container: Object) -> bool:
    return any(argument in CONFIG_FLAGS for argument in container.get("args") or [])


def epp_service(service: Object, found: Object) -> Object:
    """The Service, with those named ports that the container has."""
    name = service["metadata"]["name"]
    labels = names.scheduler_labels(name)
    ports = {
        port["name"]: {
            "name": port["name"],
            "port": port["containerPort"],
            "targetPort": port["name"],
            "protocol": port.get("protocol", "TCP"),
        }
        for container in (found.get("template") or {}).get("containers") or []
        for port in container.get("ports") or []
        if port.get("name") in SERVICE_PORTS
    }
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": names.metadata(service, names.epp_service(name), labels),
        "spec": {"selector": labels, "ports": [ports[key] for key in sorted(ports)]},
    }


def old_inference_pool(service: Object, found: Object) -> Object:
    """The InferencePool of the older API, in which the service's specification has it."""
    name = service["metadata"]["name"]
    return {
        "apiVersion": "inference.networking.x-k8s.io/v1alpha2",
        "kind": "InferencePool",
        "metadata": names.metadata(service, names.pool(name), names.scheduler_labels(name)),
        "spec": copy.deepcopy((found.get("pool") or {}).get("spec") or {}),
    }


def inference_pool(service: Object, found: Object) -> Object:
    """The same pool in the API that gateways take."""
    old = old_inference_pool(service, found)
    spec = old["spec"]
    new: Object = {
        "targetPorts": [{"number": spec.get("targetPortNumber", 0)}],
        "selector": {"matchLabels": dict(spec.get("selector") or {})},
    }
    picker = spec.get("extensionRef") or {}
    if picker.get("name"):
        new["endpointPickerRef"] = {
            **{key: picker[key] for key in ("group", "kind", "name", "failureMode") if key in picker},
            "port": {"number": picker.get("portNumber", PICKER_PORT)},
        }
    return {**old, "apiVersion": "inference.networking.k8s.io/v1", "spec": new}


def inference_model(service: Object, spec: Object) -> Object:
    """The InferenceModel, which names the model that the pool serves."""
    name = service["metadata"]["name"]
    model = spec.get("model") or {}
    return {
        "apiVersion": "inference.networking.x-k8s.io/v1alpha2",
        "kind": "InferenceModel",
        "metadata": names.metadata(service, names.child_name(name, "-inference-model"), names.scheduler_labels(name)),
        "spec": {
            "modelName": model.get("name") or name,
            "criticality": model.get("criticality") or "Critical",
            "poolRef": {"group": "inference.networking.x-k8s.io", "kind": "InferencePool", "name": names.pool(name)},
        },
    }


def account_name(service: Object, found: Object) -> str:
    """The service account that the picker runs as."""
    own = (found.get("template") or {}).get("serviceAccountName")
    return str(own or names.child_name(service["metadata"]["name"], "-epp-sa"))


def service_account(service: Object, name: str) -> Object:
    """The service account; it brings no credentials for a registry."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": names.metadata(service, name, names.scheduler_labels(service["metadata"]["name"])),
    }


def role(service: Object) -> Object:
    """What the picker may read in its namespace."""
    name = service["metadata"]["name"]
    reading = ["get", "list", "watch"]
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "Role",
        "metadata": names.metadata(service, names.child_name(name, "-epp-role"), names.scheduler_labels(name)),
        "rules": [
            {"apiGroups": [""], "resources": ["pods"], "verbs": reading},
            {
                "apiGroups": ["inference.networking.x-k8s.io"],
                "resources": ["inferencepools", "inferenceobjectives"],
                "verbs": reading,
            },
            {"apiGroups": ["inference.networking.k8s.io"], "resources": ["inferencepools"], "verbs": reading},
            {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": reading},
        ],
    }


def role_binding(service: Object, account: str) -> Object:
    """Gives the role to the service account."""
    name = service["metadata"]["name"]
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": names.metadata(service, names.child_name(name, "-epp-rb"), names.scheduler_labels(name)),
        "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": names.child_name(name, "-epp-role")},
        "subjects": [_subject(service, account)],
    }


def auth_binding(service: Object, account: str) -> Object:
    """Lets the picker check the tokens of those who read its metrics; cluster-scoped, so it has no owner."""
    name, namespace = service["metadata"]["name"], service["metadata"]["namespace"]
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {
            "name": names.child_name(namespace, f"-{name}-epp-auth-rb"),
            "labels": names.scheduler_labels(name),
        },
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "system:auth-delegator"},
        "subjects": [_subject(service, account)],
    }


def _subject(service: Object, account: str) -> Object:
    return {"kind": "ServiceAccount", "name": account, "namespace": service["metadata"]["namespace"]}
