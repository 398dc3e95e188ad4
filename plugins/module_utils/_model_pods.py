# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""model_pods_label: the label by which the guide finds model pods, on those that serve.

KServe gives it to no pod of an LLMInferenceService. On pods it starts no rollout, and stays until they go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import quote

from ansible_collections.rhaii.gke.plugins.module_utils._argspec import kubernetes_options
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Capability, Params, Progress, Result
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import Json, KubernetesRest, if_there
from ansible_collections.rhaii.gke.plugins.module_utils._ownership import FIELD_MANAGER

GUIDE_LABEL = "serving.kserve.io/inferenceservice"
# KServe's own labels of model pods, the second with the name of their service.
MODEL_PODS = ("app.kubernetes.io/component", "llminferenceservice-workload")
SERVICE = "app.kubernetes.io/name"


class Pods(Protocol):
    def of_models(self, namespace: str) -> Sequence[Json]:
        """The model pods of all services in it."""

    def label(self, namespace: str, name: str, uid: str, labels: Mapping[str, str]) -> None:
        """Put labels on exactly this pod; one that has gone is no error."""


def unlabelled(pods: Sequence[Json], services: Sequence[str]) -> list[tuple[Json, str]]:
    """The Ready pods of `services` that lack the label, each with its service; one that goes needs none any more."""
    found = []
    for pod in pods:
        labels = pod["metadata"].get("labels") or {}
        service = str(labels.get(SERVICE))
        lacks = service in services and labels.get(GUIDE_LABEL) != service
        if lacks and _is_ready(pod) and not pod["metadata"].get("deletionTimestamp"):
            found.append((pod["metadata"], service))
    return found


def _is_ready(pod: Json) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(item.get("type") == "Ready" and item.get("status") == "True" for item in conditions)


def run(params: Params, pods: Pods, progress: Progress, check_mode: bool) -> Result:
    del progress
    namespace = str(params["namespace"])
    found = unlabelled(pods.of_models(namespace), params["services"])
    if not check_mode:
        for metadata, service in found:
            pods.label(namespace, str(metadata["name"]), str(metadata["uid"]), {GUIDE_LABEL: service})
    return {"changed": bool(found), "labelled": [str(metadata["name"]) for metadata, _service in found]}


class KubernetesPods:
    """The real adapter."""

    def __init__(self, api: KubernetesRest) -> None:
        self._api = api

    def of_models(self, namespace: str) -> Sequence[Json]:
        path = f"/api/v1/namespaces/{quote(namespace, safe='')}/pods"
        return self._api.items("list the model pods", path, {"labelSelector": "=".join(MODEL_PODS)})

    def label(self, namespace: str, name: str, uid: str, labels: Mapping[str, str]) -> None:
        path = f"/api/v1/namespaces/{quote(namespace, safe='')}/pods/{quote(name, safe='')}"
        # by its uid, so that another pod of the name is left alone
        body: Any = {"metadata": {"uid": uid, "labels": dict(labels)}}
        query = {"fieldManager": FIELD_MANAGER}
        nothing: Json = {}
        if_there(lambda: self._api.call(f"label the pod {name}", "PATCH", path, query=query, body=body), nothing)


def pods_of(params: Params) -> KubernetesPods:
    return KubernetesPods(KubernetesRest.from_params(params))


CAPABILITY = Capability(
    name="model_pods_label",
    argument_spec=kubernetes_options(
        namespace={"type": "str", "required": True},
        services={"type": "list", "elements": "str", "required": True},
    ),
    ports=pods_of,
    run=run,
)

__all__ = ("CAPABILITY", "GUIDE_LABEL", "Pods", "run", "unlabelled")
