# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the cert-manager operator installs."""

from __future__ import annotations

from typing import Any

from sandbox.images.operators.workloads import (
    RBAC,
    READ,
    WRITE,
    cluster_role,
    deployment,
    http_probe,
    rule,
    service,
)

Object = dict[str, Any]

CONTROLLER = "cert-manager"
CAINJECTOR = "cert-manager-cainjector"
WEBHOOK = "cert-manager-webhook"
DEPLOYMENTS = (CONTROLLER, CAINJECTOR, WEBHOOK)
COMPONENTS = {CONTROLLER: "controller", CAINJECTOR: "cainjector", WEBHOOK: "webhook"}


def labels(name: str, version: str) -> dict[str, str]:
    """Labels of one operand's pods."""
    return {
        "app": {CONTROLLER: "cert-manager", CAINJECTOR: "cainjector", WEBHOOK: "webhook"}[name],
        "app.kubernetes.io/component": COMPONENTS[name],
        "app.kubernetes.io/instance": "cert-manager",
        "app.kubernetes.io/name": {CONTROLLER: "cert-manager", CAINJECTOR: "cainjector", WEBHOOK: "webhook"}[name],
        "app.kubernetes.io/version": f"v{version}",
    }


def selector(name: str) -> dict[str, str]:
    """What selects one operand's pods; a version is no part of it."""
    return {key: value for key, value in labels(name, "").items() if not key.endswith("/version")}


def operands(namespace: str, images: dict[str, str], version: str) -> list[Object]:
    """All objects in the order of their creation; `images` is by operand."""
    return [
        *rights(namespace),
        *services(namespace, version),
        *programs(namespace, images, version),
        webhook(namespace),
    ]


def programs(namespace: str, images: dict[str, str], version: str) -> list[Object]:
    """The three Deployments."""
    small = {"requests": {"cpu": "10m", "memory": "32Mi"}}
    containers: dict[str, Object] = {
        CONTROLLER: {
            "args": [
                "--v=2",
                "--cluster-resource-namespace=$(POD_NAMESPACE)",
                "--leader-election-namespace=kube-system",
            ],
            "ports": [
                {"name": "http-metrics", "containerPort": 9402, "protocol": "TCP"},
                {"name": "http-healthz", "containerPort": 9403, "protocol": "TCP"},
            ],
            "livenessProbe": http_probe("/livez", "http-healthz", initialDelaySeconds=10, periodSeconds=10),
        },
        CAINJECTOR: {"args": ["--v=2", "--leader-election-namespace=kube-system"]},
        WEBHOOK: {
            "args": [
                "--v=2",
                "--secure-port=10250",
                f"--dynamic-serving-ca-secret-namespace={namespace}",
                "--dynamic-serving-ca-secret-name=cert-manager-webhook-ca",
            ],
            "ports": [
                {"name": "https", "containerPort": 10250, "protocol": "TCP"},
                {"name": "healthcheck", "containerPort": 6080, "protocol": "TCP"},
            ],
            "livenessProbe": http_probe("/livez", 6080, initialDelaySeconds=60, periodSeconds=10),
            "readinessProbe": http_probe("/healthz", 6080, initialDelaySeconds=5, periodSeconds=5),
        },
    }
    found = []
    for name, container in containers.items():
        component = COMPONENTS[name]
        whole = {
            "name": f"cert-manager-{component}",
            "image": images[name],
            "imagePullPolicy": "IfNotPresent",
            "command": [f"/app/cmd/{component}/{component}"],
            "env": [{"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}}],
            "resources": small,
            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
            **container,
        }
        found.append(deployment(name, namespace, labels(name, version), whole, selector=selector(name)))
    return found


def services(namespace: str, version: str) -> list[Object]:
    """Metrics of the controller, and the webhook."""
    return [
        service(
            *(CONTROLLER, namespace, labels(CONTROLLER, version), selector(CONTROLLER)),
            [{"name": "tcp-prometheus-servicemonitor", "port": 9402, "targetPort": 9402}],
        ),
        service(
            *(WEBHOOK, namespace, labels(WEBHOOK, version), selector(WEBHOOK)),
            [{"name": "https", "port": 443, "targetPort": "https"}],
        ),
    ]


def rights(namespace: str) -> list[Object]:
    """What the three may do."""
    group = "cert-manager.io"
    controller = [
        rule(group, ["issuers", "clusterissuers", "certificates"], [*READ, "update", "patch"]),
        rule(group, ["issuers/status", "clusterissuers/status", "certificates/status"], ["update", "patch"]),
        rule("", ["secrets"], WRITE),
        rule("", ["events"], ["create", "patch"]),
    ]
    cainjector = [
        rule(group, ["certificates"], READ),
        rule("", ["secrets"], READ),
        rule(
            "admissionregistration.k8s.io",
            ["validatingwebhookconfigurations", "mutatingwebhookconfigurations"],
            [*READ, "update", "patch"],
        ),
        rule("apiregistration.k8s.io", ["apiservices"], [*READ, "update", "patch"]),
    ]
    return [
        *cluster_role("cert-manager-controller", controller, CONTROLLER, namespace),
        *cluster_role(CAINJECTOR, cainjector, CAINJECTOR, namespace),
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "Role",
            "metadata": {"name": f"{WEBHOOK}:dynamic-serving", "namespace": namespace},
            "rules": [rule("", ["secrets"], [*READ, "create", "update"])],
        },
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": f"{WEBHOOK}:dynamic-serving", "namespace": namespace},
            "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": f"{WEBHOOK}:dynamic-serving"},
            "subjects": [{"kind": "ServiceAccount", "name": WEBHOOK, "namespace": namespace}],
        },
    ]


def webhook(namespace: str) -> Object:
    """The configuration that has the API server ask the webhook; without it serving, objects are refused."""
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {
            "name": WEBHOOK,
            "labels": {"app": "webhook", "app.kubernetes.io/instance": "cert-manager"},
            "annotations": {"cert-manager.io/inject-ca-from-secret": f"{namespace}/cert-manager-webhook-ca"},
        },
        "webhooks": [
            {
                "name": "webhook.cert-manager.io",
                "admissionReviewVersions": ["v1"],
                "matchPolicy": "Equivalent",
                "failurePolicy": "Fail",
                "sideEffects": "None",
                "timeoutSeconds": 30,
                "clientConfig": {"service": {"name": WEBHOOK, "namespace": namespace, "path": "/validate"}},
                "namespaceSelector": {
                    "matchExpressions": [
                        {"key": "cert-manager.io/disable-validation", "operator": "NotIn", "values": ["true"]}
                    ]
                },
                "rules": [
                    {
                        "apiGroups": ["cert-manager.io"],
                        "apiVersions": ["v1"],
                        "operations": ["CREATE", "UPDATE"],
                        "resources": ["issuers", "clusterissuers", "certificates"],
                    }
                ],
            }
        ],
    }
