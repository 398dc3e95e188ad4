# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The real adapter of the Nodes port: the few calls of Kubernetes that draining needs, by plain REST."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from ansible_collections.rhaii.gke.plugins.module_utils._capability import Params
from ansible_collections.rhaii.gke.plugins.module_utils._clock import SystemClock
from ansible_collections.rhaii.gke.plugins.module_utils._gke.compute import GoogleInstanceGroups
from ansible_collections.rhaii.gke.plugins.module_utils._gke.google import GoogleClusters
from ansible_collections.rhaii.gke.plugins.module_utils._gke.ports import NodeRemovePorts
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import Json
from ansible_collections.rhaii.gke.plugins.module_utils._google import Connection, GoogleSettings
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import KubernetesError, KubernetesRest

POOL_LABEL = "cloud.google.com/gke-nodepool"


class KubernetesNodes:
    def __init__(self, api: KubernetesRest) -> None:
        self._api = api

    def pools(self) -> Mapping[str, str]:
        nodes = self._api.items("list the nodes", "/api/v1/nodes")
        return {
            str(node["metadata"]["name"]): str((node["metadata"].get("labels") or {}).get(POOL_LABEL, ""))
            for node in nodes
        }

    def cordon(self, node: str) -> None:
        try:
            self._api.call(
                f"cordon the node {node}",
                "PATCH",
                f"/api/v1/nodes/{quote(node)}",
                body={"spec": {"unschedulable": True}},
            )
        except KubernetesError as error:
            if error.status != 404:  # gone already is as good
                raise

    def pods(self, node: str) -> Sequence[Json]:
        return self._api.items(
            f"list the pods on {node}", "/api/v1/pods", query={"fieldSelector": f"spec.nodeName={node}"}
        )

    def evict(self, namespace: str, pod: str, grace_seconds: int | None) -> str:
        body: dict[str, Any] = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": pod, "namespace": namespace},
        }
        if grace_seconds is not None:
            body["deleteOptions"] = {"gracePeriodSeconds": grace_seconds}
        path = f"/api/v1/namespaces/{quote(namespace)}/pods/{quote(pod)}/eviction"
        try:
            self._api.call(f"evict the pod {namespace}/{pod}", "POST", path, body=body)
        except KubernetesError as error:
            if error.status == 404:
                return ""
            if error.status == 429:
                return "is kept by a disruption budget"
            if error.is_of_ending_namespace:
                # it is deleted with its namespace, without an eviction
                return "goes with its namespace, which is being deleted"
            raise
        return ""


def node_remove_ports(params: Params) -> NodeRemovePorts:
    settings = GoogleSettings.from_params(params)
    connection = Connection(settings)
    return NodeRemovePorts(
        clusters=GoogleClusters(connection, str(params["location"])),
        groups=GoogleInstanceGroups(connection.rest("compute")),
        nodes=KubernetesNodes(KubernetesRest.from_params(params, settings)),
        clock=SystemClock(),
    )


__all__ = ("KubernetesNodes", "node_remove_ports")
