# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""cluster_inhabitants: what lives in a cluster and is not ours, so that it would be lost with it. Reads only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ansible_collections.rhaii.gke.plugins.module_utils._applyset.conflicts import made_by_people
from ansible_collections.rhaii.gke.plugins.module_utils._argspec import kubernetes_options
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Capability, Params, Progress, Result
from ansible_collections.rhaii.gke.plugins.module_utils._inhabitants.kubernetes import KubernetesLists
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import Json, KubernetesRest
from ansible_collections.rhaii.gke.plugins.module_utils._ownership import (
    ANOTHERS,
    FOREIGN,
    OF_CERTIFICATE,
    Whose,
    made_by,
    of_object,
    records_of,
)
from ansible_collections.rhaii.gke.plugins.module_utils._pods import pod_of

# GKE's and Kubernetes' own.
_SYSTEM = re.compile(r"(kube-(system|public|node-lease)|gke-.*|gmp-.*|config-management-.*|resource-group-system)")
_POOL = "cloud.google.com/gke-nodepool"
_HELM_RELEASE = "meta.helm.sh/release-name"
# Made in every namespace by Kubernetes, by Istio and by Helm.
_EVERYWHERE = re.compile(r"(kube-root-ca\.crt|istio-ca-root-cert|istio-ca-crl|sh\.helm\.release\.v1\..*)")

# What is worth a cluster: what runs, what keeps data, what has an address, and what people wrote.
KINDS: tuple[tuple[str, str, str], ...] = (
    ("Deployment", "/apis/apps/v1", "deployments"),
    ("ReplicaSet", "/apis/apps/v1", "replicasets"),
    ("StatefulSet", "/apis/apps/v1", "statefulsets"),
    ("DaemonSet", "/apis/apps/v1", "daemonsets"),
    ("Job", "/apis/batch/v1", "jobs"),
    ("CronJob", "/apis/batch/v1", "cronjobs"),
    ("LeaderWorkerSet", "/apis/leaderworkerset.x-k8s.io/v1", "leaderworkersets"),
    ("Pod", "/api/v1", "pods"),
    ("PersistentVolumeClaim", "/api/v1", "persistentvolumeclaims"),
    ("Service", "/api/v1", "services"),
    ("Secret", "/api/v1", "secrets"),
    ("ConfigMap", "/api/v1", "configmaps"),
    ("Ingress", "/apis/networking.k8s.io/v1", "ingresses"),
    ("NetworkPolicy", "/apis/networking.k8s.io/v1", "networkpolicies"),
    ("Gateway", "/apis/gateway.networking.k8s.io/v1", "gateways"),
    ("HTTPRoute", "/apis/gateway.networking.k8s.io/v1", "httproutes"),
    ("EnvoyFilter", "/apis/networking.istio.io/v1alpha3", "envoyfilters"),
    ("LLMInferenceService", "/apis/serving.kserve.io/v1alpha1", "llminferenceservices"),
    ("InferenceService", "/apis/serving.kserve.io/v1beta1", "inferenceservices"),
    ("Certificate", "/apis/cert-manager.io/v1", "certificates"),
    ("ClusterIssuer", "/apis/cert-manager.io/v1", "clusterissuers"),
    ("Namespace", "/api/v1", "namespaces"),
    ("ServiceAccount", "/api/v1", "serviceaccounts"),
)
# Kubernetes makes these too, so that only those count which people or their tools made.
_OF_PEOPLE = frozenset({"Namespace", "ServiceAccount"})
# GKE's own, which it applies as people would
_ADDON = "addonmanager.kubernetes.io/mode"
_LOOKED_AT = frozenset(kind for kind, _root, _plural in KINDS)


@dataclass(frozen=True)
class Found:
    """Metadata of an object, with its kind."""

    kind: str
    body: Json

    @property
    def metadata(self) -> Json:
        found: Json = self.body.get("metadata") or {}
        return found

    @property
    def namespace(self) -> str:
        return str(self.metadata.get("namespace") or "")

    @property
    def name(self) -> str:
        return str(self.metadata.get("name") or "")

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace + '/' if self.namespace else ''}{self.name}"


class Lists(Protocol):
    def of(self, kind: str, root: str, plural: str) -> Sequence[Json]:
        """Metadata of all objects of a kind; none where the API server does not know it."""

    def pods(self) -> Sequence[Json]:
        """All pods, with the nodes that they run on."""


def judge(found: Found, environment: str, our_namespaces: frozenset[str], our_releases: frozenset[str]) -> Whose | None:
    """Whose it is when it is somebody else's; None when nobody would miss it but us."""
    metadata = found.metadata
    place = found.name if found.kind == "Namespace" else found.namespace
    if _SYSTEM.fullmatch(place) or _EVERYWHERE.fullmatch(found.name) or _ADDON in (metadata.get("labels") or {}):
        return None
    if found.kind == "Service" and (found.namespace, found.name) == ("default", "kubernetes"):
        return None
    # it goes with its owner, which is judged itself; Istio names a Gateway as one without calling it the controller
    if any(reference.get("kind") in _LOOKED_AT for reference in metadata.get("ownerReferences") or []):
        return None
    # a Certificate's Secret, with the Certificate
    if OF_CERTIFICATE in (metadata.get("annotations") or {}):
        return None
    whose = of_object(found.body, environment)
    if whose.is_ours or whose.verdict == ANOTHERS:
        return None if whose.is_ours else whose
    if _release_of(found.body) in our_releases:
        return None
    if place in our_namespaces or not found.namespace or found.kind in _OF_PEOPLE:
        # what controllers made for us is there too
        people = [manager for manager, _fields in records_of(found.body) if made_by_people(manager)]
        return Whose(FOREIGN, made_by(found.body)) if people else None
    return whose


def _release_of(body: Json) -> str:
    return str(((body.get("metadata") or {}).get("annotations") or {}).get(_HELM_RELEASE) or "")


def run(params: Params, lists: Lists, progress: Progress, check_mode: bool) -> Result:
    environment = str(params["environment"])
    releases = frozenset(params["releases"])
    namespaces = frozenset(
        str(each["metadata"]["name"])
        for each in lists.of("Namespace", "/api/v1", "namespaces")
        if of_object(each, environment).is_ours or _release_of(each) in releases
    )
    foreign = [
        (found, whose)
        for kind, root, plural in KINDS
        for found in (Found(kind, body) for body in lists.of(kind, root, plural))
        if (whose := judge(found, environment, namespaces, releases)) is not None
    ]
    return {
        "changed": False,
        "inhabitants": [
            {"kind": found.kind, "namespace": found.namespace, "name": found.name, "seems": whose.seems}
            for found, whose in foreign
        ],
        "lines": [f"{found} {whose.seems}" for found, whose in foreign],
        "services": _services([found for found, _whose in foreign], lists),
        "pool_pods": _on_pool(str(params["node_pool"]), params["namespaces"], lists) if params["node_pool"] else [],
    }


def _on_pool(pool: str, namespaces: Sequence[str], lists: Lists) -> list[str]:
    """Pods of others on the nodes of a pool of ours, which would go with it."""
    nodes = {
        str(node["metadata"]["name"])
        for node in lists.of("Node", "/api/v1", "nodes")
        if (node["metadata"].get("labels") or {}).get(_POOL) == pool
    }
    return sorted(
        f"Pod {pod_of(pod).key}"
        for pod in lists.pods()
        if (pod.get("spec") or {}).get("nodeName") in nodes and pod_of(pod).is_foreign(namespaces)
    )


def _services(foreign: Sequence[Found], lists: Lists) -> list[str]:
    """Services for which the cloud may have made a load balancer that is not ours, a foreign Gateway's among them."""
    found = {f"{each.namespace}/{each.name}" for each in foreign if each.kind == "Service"}
    gateways = {(each.namespace, each.name) for each in foreign if each.kind == "Gateway"}
    for service in (Found("Service", body) for body in lists.of("Service", "/api/v1", "services")):
        owners = {
            (service.namespace, str(reference.get("name")))
            for reference in service.metadata.get("ownerReferences") or []
            if reference.get("kind") == "Gateway"
        }
        if owners & gateways:
            found.add(f"{service.namespace}/{service.name}")
    return sorted(found)


def lists_of(params: Params) -> KubernetesLists:
    return KubernetesLists(KubernetesRest.from_params(params))


CAPABILITY = Capability(
    name="cluster_inhabitants",
    argument_spec=kubernetes_options(
        environment={"type": "str", "required": True},
        releases={"type": "list", "elements": "str", "default": []},
        node_pool={"type": "str", "default": ""},
        namespaces={"type": "list", "elements": "str", "default": []},
    ),
    ports=lists_of,
    run=run,
)

__all__ = ("CAPABILITY", "KINDS", "Found", "Lists", "judge", "run")
