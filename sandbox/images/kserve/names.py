# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names and labels of a service's children."""

from __future__ import annotations

import hashlib
from typing import Any

Object = dict[str, Any]

LONGEST = 63
HEAD = LONGEST - 32

GROUP = "serving.kserve.io"
FINALIZER = f"{GROUP}/llmisvc-finalizer"
STOP = f"{GROUP}/stop"
PART_OF = "llminferenceservice"
SELECTOR = f"app.kubernetes.io/part-of={PART_OF}"
SHADOW_SERVICE = "istio.io/inferencepool-name"


def child_name(parent: str, suffix: str) -> str:
    """`parent` + `suffix`; a hash takes the place of what does not fit a DNS label."""
    if len(parent) <= LONGEST - len(suffix):
        return parent + suffix
    if HEAD - len(suffix) <= 0:
        digest = hashlib.md5((parent + suffix).encode(), usedforsecurity=False).hexdigest()
        return parent[:HEAD] + digest
    digest = hashlib.md5(parent.encode(), usedforsecurity=False).hexdigest()
    return parent[: HEAD - len(suffix)] + digest + suffix


def labels(service: str, component: str) -> dict[str, str]:
    """The three labels that each child carries."""
    return {
        "app.kubernetes.io/component": component,
        "app.kubernetes.io/name": service,
        "app.kubernetes.io/part-of": PART_OF,
    }


def workload_labels(service: str, role: str = "both") -> dict[str, str]:
    """The labels of model pods."""
    return {
        **labels(service, "llminferenceservice-workload"),
        "kserve.io/component": "workload",
        "llm-d.ai/role": role,
    }


def workload_selector(service: str) -> dict[str, str]:
    """What the Service and the InferencePool select model pods by."""
    return {
        "app.kubernetes.io/name": service,
        "app.kubernetes.io/part-of": PART_OF,
        "kserve.io/component": "workload",
    }


def scheduler_labels(service: str) -> dict[str, str]:
    """The labels of the endpoint picker and of what belongs to it."""
    return labels(service, "llminferenceservice-router-scheduler")


def service_host(name: str, namespace: str) -> str:
    """The cluster's DNS name of a Service."""
    return f"{name}.{namespace}.svc.cluster.local"


def workload_service(service: str) -> str:
    """The Service in front of the model pods."""
    return child_name(service, "-kserve-workload-svc")


def epp_service(service: str) -> str:
    """The Service of the endpoint picker."""
    return child_name(service, "-epp-service")


def pool(service: str) -> str:
    """The InferencePool."""
    return child_name(service, "-inference-pool")


def certificate_secret(service: str) -> str:
    """The Secret with the TLS certificate of model pods and endpoint picker."""
    return child_name(service, "-kserve-self-signed-certs")


def metadata(service: Object, name: str, object_labels: dict[str, str]) -> Object:
    """Metadata of a child that goes with its service."""
    return {
        "name": name,
        "namespace": service["metadata"]["namespace"],
        "labels": object_labels,
        "ownerReferences": [
            {
                "apiVersion": service["apiVersion"],
                "kind": "LLMInferenceService",
                "name": service["metadata"]["name"],
                "uid": service["metadata"]["uid"],
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ],
    }
