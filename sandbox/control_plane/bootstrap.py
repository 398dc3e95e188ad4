# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What GKE puts into every new cluster by itself."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

Object = dict[str, Any]

DEFINITIONS = Path(__file__).parent / "definitions"
"""Of the Gateway API's inference extension, written by hand."""
BRINGS_DEFINITIONS = (1, 34, 0, 1626000)
"""From 1.34.0-gke.1626000 on GKE brings the kinds of the Gateway API and InferencePool v1 by itself: its release notes,
and "About GKE Inference Gateway"."""


def bootstrap_objects(index: int) -> list[Object]:
    """Objects in the order of their creation; `index` is the cluster's number."""
    return [*access(), *warden(), storage_class(), dns_service(index), *metrics_server()]


def brings_definitions(version: str) -> bool:
    """Whether a cluster of this version, such as 1.34.1-gke.2037000, has them from GKE."""
    return tuple(map(int, re.findall(r"\d+", version))) >= BRINGS_DEFINITIONS


def definitions(version: str, crds: Path) -> list[Object]:
    """What GKE's addon manager keeps, with its mark; `crds` holds the genuine sets."""
    if not brings_definitions(version):
        return []
    files = [
        *sorted((crds / "gateway-api").glob("*.yaml")),
        DEFINITIONS / "inference.networking.k8s.io_inferencepools.yaml",
    ]
    found: list[Object] = [
        each for file in files for each in yaml.load_all(file.read_bytes(), Loader=yaml.CSafeLoader) if each
    ]
    for each in found:
        # how addon managers mark what is theirs: cluster/addons/addon-manager of Kubernetes
        each["metadata"].setdefault("labels", {})["addonmanager.kubernetes.io/mode"] = "Reconcile"
        each.pop("status", None)
    return found


def access() -> list[Object]:
    """IAM roles reach RBAC as groups: the token webhook names them."""
    return [
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": group}],
        }
        for name, role, group in (
            ("gke-container-admin", "cluster-admin", "gke:container.admin"),
            ("gke-container-viewer", "view", "gke:container.viewer"),
        )
    ]


def warden() -> list[Object]:
    """What GKE's warden asks of pods that want a TPU: selectors that say which."""
    keys = ("cloud.google.com/gke-tpu-accelerator", "cloud.google.com/gke-tpu-topology")
    wants_none = (
        "object.spec.containers.all(c, "
        "!has(c.resources) || !has(c.resources.limits) || !('google.com/tpu' in c.resources.limits))"
    )
    has_both = " && ".join(f"'{key}' in object.spec.nodeSelector" for key in keys)
    message = (
        "GKE Warden rejected the request because it violates one or more constraints: a pod that requests "
        f"google.com/tpu must have the node selectors {keys[0]} and {keys[1]}."
    )
    group = "admissionregistration.k8s.io"
    name = {"name": "gke-warden-tpu"}
    pods = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    expression = f"{wants_none} || (has(object.spec.nodeSelector) && {has_both})"
    return [
        {
            "apiVersion": f"{group}/v1",
            "kind": "ValidatingAdmissionPolicy",
            "metadata": name,
            "spec": {
                "failurePolicy": "Fail",
                "matchConstraints": {"resourceRules": [pods]},
                "validations": [{"expression": expression, "message": message}],
            },
        },
        {
            "apiVersion": f"{group}/v1",
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": name,
            "spec": {"policyName": name["name"], "validationActions": ["Deny"]},
        },
    ]


def storage_class() -> Object:
    """GKE's default class; the sandbox provisions no volumes."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": "standard-rwo",
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": "pd.csi.storage.gke.io",
        "volumeBindingMode": "WaitForFirstConsumer",
    }


def dns_service(index: int) -> Object:
    """The Service that pods ask for names; the network process answers at its address."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "kube-dns", "namespace": "kube-system", "labels": {"k8s-app": "kube-dns"}},
        "spec": {
            "clusterIP": f"10.{index}.128.10",
            "selector": {"k8s-app": "kube-dns"},
            "ports": [
                {"name": "dns", "port": 53, "protocol": "UDP", "targetPort": 53},
                {"name": "dns-tcp", "port": 53, "protocol": "TCP", "targetPort": 53},
            ],
        },
    }


def metrics_server() -> list[Object]:
    """The aggregated API behind `kubectl top`."""
    labels = {"k8s-app": "metrics-server"}
    meta = {"name": "metrics-server", "namespace": "kube-system", "labels": labels}
    group = "rbac.authorization.k8s.io"
    subject = {"kind": "ServiceAccount", "name": "metrics-server", "namespace": "kube-system"}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta},
        {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRole",
            "metadata": {"name": "system:metrics-server", "labels": labels},
            "rules": [
                {
                    "apiGroups": [""],
                    "resources": ["nodes", "nodes/metrics", "nodes/stats", "nodes/proxy", "pods", "namespaces"],
                    "verbs": ["get", "list", "watch"],
                }
            ],
        },
        {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "system:metrics-server", "labels": labels},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "system:metrics-server"},
            "subjects": [subject],
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": meta,
            "spec": {
                "selector": labels,
                "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 4443}],
            },
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": meta,
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {
                        "serviceAccountName": "metrics-server",
                        "priorityClassName": "system-cluster-critical",
                        "containers": [
                            {
                                "name": "metrics-server",
                                "image": "gke.gcr.io/metrics-server:v0.8.0",
                                "ports": [{"name": "https", "containerPort": 4443}],
                                "resources": {"requests": {"cpu": "50m", "memory": "100Mi"}},
                                "readinessProbe": {
                                    "httpGet": {"path": "/readyz", "port": 4443, "scheme": "HTTPS"},
                                    "periodSeconds": 10,
                                },
                            }
                        ],
                    },
                },
            },
        },
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": "v1beta1.metrics.k8s.io", "labels": labels},
            "spec": {
                "group": "metrics.k8s.io",
                "version": "v1beta1",
                "insecureSkipTLSVerify": True,
                "groupPriorityMinimum": 100,
                "versionPriority": 100,
                "service": {"name": "metrics-server", "namespace": "kube-system", "port": 443},
            },
        },
    ]
