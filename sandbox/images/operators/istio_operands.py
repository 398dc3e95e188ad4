# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the Sail operator installs for an Istio object."""

from __future__ import annotations

import copy
import json
from typing import Any

import yaml

from sandbox.images.operators.workloads import (
    READ,
    WRITE,
    cluster_role,
    deployment,
    http_probe,
    rule,
    service,
)

Object = dict[str, Any]

ISTIOD = "istiod"
REVISION = "default"
INJECTOR, VALIDATOR = "istio-sidecar-injector", "istio-validator"
ALIASES = {"v1.27-latest": "v1.27.3", "v1.26-latest": "v1.26.6"}
SELECTOR = {"app": ISTIOD, "istio.io/rev": REVISION}
LABELS = {**SELECTOR, "istio": "pilot", "operator.istio.io/component": "Pilot"}


def exact_version(version: str) -> str:
    """The version that a moving name stands for."""
    return ALIASES.get(version, version)


def image_table(properties: str) -> dict[str, dict[str, str]]:
    """Images by version and part, from the operator's own annotations (`images.v1_27_3.istiod="..."`)."""
    found: dict[str, dict[str, str]] = {}
    for line in properties.splitlines():
        name, separator, value = line.partition("=")
        words = name.strip().split(".")
        if separator and len(words) == 3 and words[0] == "images":
            found.setdefault(words[1].replace("_", "."), {})[words[2]] = value.strip().strip('"')
    return found


def operands(istio: Object, images: dict[str, str]) -> list[Object]:
    """All objects but the service account; `images` is by part."""
    spec = istio["spec"]
    namespace = spec["namespace"]
    values = spec.get("values") or {}
    return [
        *cluster_role(f"istiod-clusterrole-{namespace}", rules(), ISTIOD, namespace),
        mesh_config(namespace, values),
        injector_config(namespace, values, images["proxy"]),
        istiod_service(namespace),
        *webhooks(namespace),
        istiod(namespace, values, images["istiod"]),
    ]


def rules() -> list[Object]:
    """What istiod may do; it deploys gateways, so it writes Deployments and Services."""
    gateway = "gateway.networking.k8s.io"
    return [
        rule("", ["pods", "nodes", "namespaces", "endpoints"], READ),
        # its own authority is a secret
        rule("", ["secrets"], [*READ, "create", "update"]),
        rule("", ["configmaps", "services", "serviceaccounts"], WRITE),
        rule("", ["events"], ["create", "patch"]),
        rule("discovery.k8s.io", ["endpointslices"], READ),
        rule("apps", ["deployments"], WRITE),
        rule("autoscaling", ["horizontalpodautoscalers"], WRITE),
        rule("policy", ["poddisruptionbudgets"], WRITE),
        rule(gateway, ["*"], READ),
        rule(gateway, ["gatewayclasses"], ["create", "update", "patch"]),
        rule(gateway, ["gatewayclasses/status", "gateways/status", "httproutes/status"], ["update", "patch"]),
        rule("inference.networking.k8s.io", ["inferencepools"], READ),
        rule("inference.networking.k8s.io", ["inferencepools/status"], ["update", "patch"]),
        rule("networking.istio.io", ["*"], READ),
        rule("security.istio.io", ["*"], READ),
        rule("telemetry.istio.io", ["*"], READ),
        rule("extensions.istio.io", ["*"], READ),
        rule(
            "admissionregistration.k8s.io",
            ["validatingwebhookconfigurations", "mutatingwebhookconfigurations"],
            [*READ, "create", "update", "patch"],
        ),
        rule("authentication.k8s.io", ["tokenreviews"], ["create"]),
        rule("authorization.k8s.io", ["subjectaccessreviews"], ["create"]),
        rule("coordination.k8s.io", ["leases"], WRITE),
    ]


def mesh_config(namespace: str, values: Object) -> Object:
    """The mesh's settings, which istiod reads."""
    mesh = {"rootNamespace": namespace, "trustDomain": "cluster.local", **(values.get("meshConfig") or {})}
    return _config_map("istio", namespace, {"mesh": yaml.safe_dump(mesh, sort_keys=False)})


def injector_config(namespace: str, values: Object, proxy: str) -> Object:
    """What istiod makes proxies from."""
    settings = copy.deepcopy(values.get("global") or {})
    settings.setdefault("proxy", {}).setdefault("image", proxy)
    return _config_map("istio-sidecar-injector", namespace, {"values": json.dumps({"global": settings}, indent=2)})


def _config_map(name: str, namespace: str, data: dict[str, str]) -> Object:
    labels = {"istio.io/rev": REVISION}
    meta = {"name": name, "namespace": namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


def webhooks(namespace: str) -> list[Object]:
    """Injection and validation. They trust nobody yet: istiod writes its authority in, and this takes it out again.

    That is how the original and istiod go on for ever: charts/sail-operator/scripts/fix-webhook-loop.sh of
    opendatahub-io/rhaii-on-xks at kserve-v3.4.0-ea.1+8a30e66.
    """
    return [
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": kind,
            "metadata": {"name": name, "labels": {"app": label, "istio.io/rev": REVISION}},
            "webhooks": [
                {
                    "name": webhook,
                    "admissionReviewVersions": ["v1"],
                    "sideEffects": "None",
                    "failurePolicy": "Ignore",
                    "clientConfig": {
                        "service": {"name": ISTIOD, "namespace": namespace, "path": path, "port": 443},
                        "caBundle": "",
                    },
                    # the stand-in injects and validates nothing
                    "rules": [],
                }
            ],
        }
        for kind, name, label, webhook, path in (
            (
                *("MutatingWebhookConfiguration", INJECTOR, "sidecar-injector"),
                *("rev.namespace.sidecar-injector.istio.io", "/inject"),
            ),
            (
                *("ValidatingWebhookConfiguration", f"{VALIDATOR}-{namespace}", "istiod"),
                *("rev.validation.istio.io", "/validate"),
            ),
        )
    ]


def wakes_the_operator(webhook: Object) -> bool:
    """Whether the operator answers to a change of a webhook configuration of its own."""
    metadata = webhook["metadata"]
    return metadata["name"].startswith((INJECTOR, VALIDATOR)) and (
        (metadata.get("annotations") or {}).get("sailoperator.io/ignore") != "true"
    )


def istiod_service(namespace: str) -> Object:
    """The Service that proxies ask for their configuration."""
    ports: list[Object] = [
        {"name": "grpc-xds", "port": 15010, "targetPort": 15010},
        {"name": "https-dns", "port": 15012, "targetPort": 15012},
        {"name": "https-webhook", "port": 443, "targetPort": 15017},
        {"name": "http-monitoring", "port": 15014, "targetPort": 15014},
    ]
    return service(ISTIOD, namespace, LABELS, SELECTOR, ports)


def istiod(namespace: str, values: Object, image: str) -> Object:
    """The control plane's Deployment."""
    pilot = values.get("pilot") or {}
    from_pod = {"POD_NAME": "metadata.name", "POD_NAMESPACE": "metadata.namespace"}
    env: list[Object] = [{"name": "REVISION", "value": REVISION}]
    env += [{"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}} for name, path in from_pod.items()]
    env += [{"name": name, "value": str(value)} for name, value in sorted((pilot.get("env") or {}).items())]
    container = {
        "name": "discovery",
        "image": image,
        "args": [
            "discovery",
            "--monitoringAddr=:15014",
            "--log_output_level=default:info",
            "--domain",
            "cluster.local",
        ],
        "env": env,
        "ports": [
            {"name": "http-debug", "containerPort": 8080, "protocol": "TCP"},
            {"name": "grpc-xds", "containerPort": 15010, "protocol": "TCP"},
            {"name": "tls-xds", "containerPort": 15012, "protocol": "TCP"},
            {"name": "https-webhooks", "containerPort": 15017, "protocol": "TCP"},
            {"name": "http-monitoring", "containerPort": 15014, "protocol": "TCP"},
        ],
        "readinessProbe": http_probe("/ready", 8080, initialDelaySeconds=1, periodSeconds=3, timeoutSeconds=5),
        "resources": pilot.get("resources") or {"requests": {"cpu": "100m", "memory": "256Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    return deployment(ISTIOD, namespace, LABELS, container, selector=SELECTOR)
