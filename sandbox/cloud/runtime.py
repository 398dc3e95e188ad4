# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The port to what a cluster really is: processes on this machine."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sandbox.cloud.errors import Json
from sandbox.cloud.state import Cluster
from sandbox.settings import Settings

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Access:
    """How a cluster's API server is reached."""

    endpoint: str
    ca_pem: str


class ClusterRuntime(Protocol):
    """Brings clusters up, down, and gives them nodes."""

    async def start(self, cluster: Cluster, progress: Progress) -> Access:
        """Start what does not run; returns when the API server serves."""

    async def stop(self, cluster: Cluster) -> None:
        """End everything of the cluster and remove its files."""

    async def ready(self, cluster: Cluster) -> bool:
        """Whether the API server serves."""

    def write_nodes(self, cluster: Cluster, nodes: Sequence[Json]) -> None:
        """Say which nodes the cluster has now."""

    async def nodes_ready(self, cluster: Cluster, names: Sequence[str]) -> bool:
        """Whether each of these nodes is Ready in the cluster."""

    async def unschedulable(self, cluster: Cluster) -> Sequence[Json]:
        """The pods that no node of the cluster can take."""

    async def close(self) -> None:
        """Close connections; clusters keep running."""


class ControlPlaneRuntime:
    """Clusters as real control planes of this machine."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._clients: dict[str, Any] = {}

    def _plane(self, cluster: Cluster, progress: Progress = lambda _: None) -> Any:
        # imported late: tests of the cloud need no Kubernetes
        from sandbox.control_plane.cluster import ClusterSpec, ControlPlane

        spec = ClusterSpec(
            project=cluster.project,
            location=cluster.location,
            name=cluster.name,
            index=cluster.index,
            dataplane_v2=cluster.body["networkConfig"].get("datapathProvider") == "ADVANCED_DATAPATH",
            version=cluster.version,
        )
        return ControlPlane(self._settings, spec, progress=progress)

    async def start(self, cluster: Cluster, progress: Progress) -> Access:
        plane = self._plane(cluster, progress)
        await plane.start()
        return Access(plane.endpoint, plane.ca_pem)

    async def stop(self, cluster: Cluster) -> None:
        await self._forget(cluster)
        await self._plane(cluster).stop(destroy=True)

    async def ready(self, cluster: Cluster) -> bool:
        return bool(await self._plane(cluster).ready())

    def write_nodes(self, cluster: Cluster, nodes: Sequence[Json]) -> None:
        directory: Path = self._plane(cluster).directory
        if not directory.exists():
            return
        text = json.dumps(list(nodes), indent=1)
        path = directory / "nodes.json"
        # the nodes process reads again whenever the file's time changes
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            new = path.with_suffix(".new")
            new.write_text(text, encoding="utf-8")
            new.replace(path)

    async def nodes_ready(self, cluster: Cluster, names: Sequence[str]) -> bool:
        from sandbox.control_plane.kube import NODE

        nodes = await self._list(cluster, NODE)
        return nodes is not None and set(names) <= {node["metadata"]["name"] for node in nodes if is_ready(node)}

    async def unschedulable(self, cluster: Cluster) -> Sequence[Json]:
        from sandbox.control_plane.kube import POD

        return [pod for pod in await self._list(cluster, POD) or [] if finds_no_node(pod)]

    async def _list(self, cluster: Cluster, resource: Any) -> list[Json] | None:
        """What there is of a resource; None when the API server does not say."""
        from sandbox.control_plane.kube import ApiError, KubeClient

        if cluster.key not in self._clients:
            self._clients[cluster.key] = KubeClient.from_kubeconfig(self._plane(cluster).kubeconfig, timeout=5.0)
        try:
            return list(await self._clients[cluster.key].list(resource))
        except ApiError:
            await self._forget(cluster)
            return None

    async def _forget(self, cluster: Cluster) -> None:
        client = self._clients.pop(cluster.key, None)
        if client:
            await client.close()

    async def close(self) -> None:
        for client in list(self._clients.values()):
            await client.close()
        self._clients.clear()


def is_ready(node: Json) -> bool:
    """Whether a Node object says that it is Ready."""
    conditions = (node.get("status") or {}).get("conditions") or []
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def finds_no_node(pod: Json) -> bool:
    """Whether the scheduler says of a pod that no node can take it."""
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(each["type"] == "PodScheduled" and each.get("reason") == "Unschedulable" for each in conditions)
