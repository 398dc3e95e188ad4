# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The model server's Deployment and Service."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import Any

from sandbox.images.kserve import names
from sandbox.images.kserve.storage import attach_model

Object = dict[str, Any]

PORT = 8000
PROGRESS_DEADLINE = 600.0
"""Guide seconds: what Kubernetes gives a Deployment that names no deadline."""
LEAST_PROGRESS_DEADLINE = 10
"""Real seconds: starting a process does not get faster with the guide's clock."""
QUEUE_PREFIX = "kueue.x-k8s.io"
HANDED_ON = ("k8s.v1.cni.cncf.io", QUEUE_PREFIX)
"""Annotations of the service that its Deployment and pods get."""


def progress_deadline(speed: float) -> int:
    """The one figure that the API server's side would time: rendered, so that it follows the guide's clock."""
    return max(LEAST_PROGRESS_DEADLINE, math.ceil(PROGRESS_DEADLINE / speed))


def deployment(service: Object, spec: Object, storage: Object, credentials: list[Object], speed: float) -> Object:
    """The Deployment of model pods; it names no strategy, so that Kubernetes' own rolling update (25 %) applies."""
    name = service["metadata"]["name"]
    pod_labels = names.workload_labels(name)
    annotations = service["metadata"].get("annotations") or {}
    pod = copy.deepcopy(spec.get("template") or {})
    model = spec.get("model")
    if model:
        attach_model(pod, model["uri"], storage, credentials)
    queue_labels = _prefixed(service["metadata"].get("labels") or {}, QUEUE_PREFIX)
    meta = names.metadata(service, names.child_name(name, "-kserve"), {**pod_labels, **queue_labels})
    pod_metadata: Object = {"labels": {**pod_labels, **queue_labels}}
    if handed_on := _prefixed(annotations, *HANDED_ON):
        meta["annotations"] = pod_metadata["annotations"] = handed_on
    body: Object = {
        "selector": {"matchLabels": pod_labels},
        "progressDeadlineSeconds": progress_deadline(speed),
        "template": {"metadata": pod_metadata, "spec": pod},
    }
    if spec.get("replicas") is not None:
        body["replicas"] = spec["replicas"]
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": body}


def _prefixed(entries: Mapping[str, str], *prefixes: str) -> dict[str, str]:
    return {key: value for key, value in entries.items() if key.startswith(prefixes)}


def workload_service(service: Object) -> Object:
    """The Service in front of the model pods."""
    name = service["metadata"]["name"]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": names.metadata(
            service, names.workload_service(name), names.labels(name, "llminferenceservice-workload")
        ),
        "spec": {
            "type": "ClusterIP",
            "selector": names.workload_selector(name),
            "ports": [
                {"name": "https", "appProtocol": "https", "protocol": "TCP", "port": PORT, "targetPort": PORT},
            ],
        },
    }
