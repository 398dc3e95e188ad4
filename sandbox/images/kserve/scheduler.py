# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The endpoint picker: its Deployment, Service, rights and InferencePool."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

import yaml

from sandbox.images.kserve import names

Object = dict[str, Any]

SERVICE_PORTS = ("grpc", "grpc-health", "metrics", "zmq")
CONFIG_FLAGS = tuple(
    dashes + name for dashes in ("--", "-") for name in ("config-text", "configText", "config-file", "configFile")
)
CERTIFICATE_RELOAD = "--enable-cert-reload"
DEFAULT_CONFIG: Object = {
    "apiVersion": "inference.networking.x-k8s.io/v1alpha1",
    "kind": "EndpointPickerConfig",
    "plugins": [
        {"type": "single-profile-handler"},
        {"type": "queue-scorer"},
        {"type": "prefix-cache-scorer"},
        {"type": "max-score-picker"},
    ],
    "schedulingProfiles": [
        {
            "name": "default",
            "plugins": [
                {"pluginRef": "queue-scorer", "weight": 2},
                {"pluginRef": "prefix-cache-scorer", "weight": 3},
                {"pluginRef": "max-score-picker"},
            ],
        }
    ],
}
RBAC = "rbac.authorization.k8s.io"


def deployment(service: Object, found: Object, current: Object | None, config_text: str | None) -> Object:
    """The Deployment; `current` is the one that runs, whose configuration stays when nothing newer is given.

    `config_text` is the service's own EndpointPickerConfig.
    """
    name = service["metadata"]["name"]
    labels = names.scheduler_labels(name)
    pod = copy.deepcopy(found.get("template") or {})
    for container in pod.get("containers") or []:
        if container["name"] == "main":
            container["args"] = [*(container.get("args") or []), *_configuration(container, current, config_text)]
            if (found.get("replicas") or 1) > 1:
                container["args"].append("--ha-enable-leader-election")
    body: Object = {
        # two pickers side by side would each know half of the prefixes
        "strategy": {"type": "Recreate"},
        "selector": {"matchLabels": labels},
        "template": {
            "metadata": {
                "labels": {**(found.get("labels") or {}), **labels},
                "annotations": {**(found.get("annotations") or {}), "certificates.kserve.io/expiration-v2": "true"},
            },
            "spec": pod,
        },
    }
    if found.get("replicas") is not None:
        body["replicas"] = found["replicas"]
    meta = names.metadata(service, names.child_name(name, "-kserve-router-scheduler"), labels)
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": body}


def _configuration(container: Object, current: Object | None, config_text: str | None) -> list[str]:
    if config_text is not None:
        return ["--config-text", config_text]
    if _flag_of(container) is not None:
        return []
    pod = (((current or {}).get("spec") or {}).get("template") or {}).get("spec") or {}
    for known in pod.get("containers") or []:
        if known["name"] == "main" and (kept := _flag_of(known)):
            return kept
    return ["--config-text", yaml.safe_dump(DEFAULT_CONFIG, sort_keys=False)]


def _flag_of(container: Object) -> list[str] | None:
    args = container.get("args") or []
    for place, argument in enumerate(args):
        if argument.partition("=")[0] in CONFIG_FLAGS:
            return [argument] if "=" in argument else args[place : place + 2]
    return None


def reloads_certificates(found: Object) -> bool:
    """Whether the picker takes up a new certificate by itself; only then a gateway can insist on a valid one."""
    containers = (found.get("template") or {}).get("containers") or []
    return any(
        argument in (CERTIFICATE_RELOAD, f"{CERTIFICATE_RELOAD}=true")
        for container in containers
        for argument in [*(container.get("command") or []), *(container.get("args") or [])]
    )


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


def inference_pool(service: Object, found: Object) -> Object:
    """The InferencePool."""
    name = service["metadata"]["name"]
    return {
        "apiVersion": "inference.networking.k8s.io/v1",
        "kind": "InferencePool",
        "metadata": names.metadata(service, names.pool(name), names.scheduler_labels(name)),
        "spec": copy.deepcopy((found.get("pool") or {}).get("spec") or {}),
    }


def account_name(service: Object, found: Object) -> str:
    """The service account that the picker runs as."""
    own = (found.get("template") or {}).get("serviceAccountName")
    return str(own or names.child_name(service["metadata"]["name"], "-epp-sa"))


def service_account(service: Object, name: str, pull_secrets: Iterable[Object]) -> Object:
    """The service account, with the registry credentials of the namespace's default one."""
    secrets = list(pull_secrets)
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": names.metadata(service, name, names.scheduler_labels(service["metadata"]["name"])),
        **({"imagePullSecrets": secrets} if secrets else {}),
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
                "resources": ["inferencepools", "inferencemodels", "inferenceobjectives"],
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
