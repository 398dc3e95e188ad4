# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Objects that the operators have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sandbox.images.times import utc_now

Object = dict[str, Any]

RBAC = "rbac.authorization.k8s.io"
READ = ["get", "list", "watch"]
WRITE = [*READ, "create", "update", "patch", "delete"]


def rule(group: str, resources: Sequence[str], verbs: Sequence[str]) -> Object:
    """One rule of a role."""
    return {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}


def cluster_role(name: str, rules: Sequence[Object], account: str, namespace: str) -> list[Object]:
    """A ClusterRole and its binding to a service account."""
    return [
        {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": list(rules)},
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": namespace}],
        },
    ]


def deployment(
    name: str,
    namespace: str,
    labels: dict[str, str],
    container: Object,
    *,
    account: str = "",
    selector: dict[str, str] | None = None,
) -> Object:
    """A Deployment of one pod with one container, selected by all of its labels unless told otherwise."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": selector or labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"serviceAccountName": account or name, "containers": [container]},
            },
        },
    }


def service(name: str, namespace: str, labels: dict[str, str], selector: dict[str, str], ports: list[Object]) -> Object:
    """A Service."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"selector": selector, "ports": [{"protocol": "TCP", **port} for port in ports]},
    }


def http_probe(path: str, port: int | str, **times: int) -> Object:
    """A probe by HTTP."""
    return {"httpGet": {"path": path, "port": port}, **times}


def available(found: Object | None) -> bool:
    """Whether a Deployment has what it asks for, in its newest form."""
    if found is None:
        return False
    status = found.get("status") or {}
    return bool(
        status.get("observedGeneration", 0) >= found["metadata"].get("generation", 0)
        and status.get("readyReplicas", 0) >= found["spec"].get("replicas", 1)
        and status.get("updatedReplicas", 0) >= found["spec"].get("replicas", 1)
    )


def condition(known: Sequence[Object] | None, kind: str, verdict: bool, reason: str, message: str = "") -> Object:
    """A condition whose time moves only when its status does."""
    before = next((item for item in known or [] if item["type"] == kind), {})
    value = "True" if verdict else "False"
    return {
        "type": kind,
        "status": value,
        "reason": reason,
        "message": message,
        "lastTransitionTime": before["lastTransitionTime"] if before.get("status") == value else utc_now(),
    }
