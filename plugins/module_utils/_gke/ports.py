# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""What the GKE capabilities need of the outside world. The adapters are in google.py, the tests script their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ansible_collections.rhaii.gke.plugins.module_utils._clock import Clock
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import GroupRef, Instance, Json, Operation


class Clusters(Protocol):
    """container.v1 in one project and location. A get answers None for what does not exist."""

    def get_cluster(self, cluster: str) -> Json | None: ...
    def create_cluster(self, body: Json) -> Operation: ...
    def update_cluster(self, cluster: str, update: Json) -> Operation: ...

    def list_clusters(self) -> Sequence[Json]:
        """Those of every location of the project."""

    def set_maintenance_policy(self, cluster: str, policy: Json) -> Operation: ...
    def set_labels(self, cluster: str, labels: Mapping[str, str], fingerprint: str) -> Operation: ...
    def delete_cluster(self, cluster: str) -> Operation: ...
    def get_node_pool(self, cluster: str, pool: str) -> Json | None: ...
    def create_node_pool(self, cluster: str, body: Json) -> Operation: ...
    def update_node_pool(self, cluster: str, pool: str, update: Json) -> Operation: ...
    def set_node_pool_size(self, cluster: str, pool: str, nodes_per_zone: int) -> Operation: ...
    def set_node_pool_management(self, cluster: str, pool: str, management: Json) -> Operation: ...
    def set_node_pool_autoscaling(self, cluster: str, pool: str, autoscaling: Json) -> Operation: ...
    def delete_node_pool(self, cluster: str, pool: str) -> Operation: ...
    def get_operation(self, name: str) -> Operation: ...
    def list_operations(self) -> Sequence[Operation]: ...


class InstanceGroups(Protocol):
    """compute.v1: the managed instance groups behind the node pools."""

    def target_size(self, group: GroupRef) -> int: ...
    def instances(self, group: GroupRef) -> Sequence[Instance]: ...

    def delete_instances(self, group: GroupRef, urls: Sequence[str]) -> str:
        """Start the deletion of exactly these instances; the name of the operation."""

    def operation_problem(self, group: GroupRef, operation: str) -> tuple[bool, str]:
        """Is it done, and with what error ('' for none)?"""


class Nodes(Protocol):
    """The Kubernetes side of taking a node away."""

    def pools(self) -> Mapping[str, str]:
        """Every node's name, and the pool that it belongs to."""

    def cordon(self, node: str) -> None: ...
    def pods(self, node: str) -> Sequence[Json]: ...

    def evict(self, namespace: str, pod: str, grace_seconds: int | None) -> str:
        """'' when accepted or gone already, else why it must wait (a disruption budget)."""


@dataclass(frozen=True)
class GkePorts:
    clusters: Clusters
    groups: InstanceGroups
    clock: Clock


@dataclass(frozen=True)
class NodeRemovePorts:
    clusters: Clusters
    groups: InstanceGroups
    nodes: Nodes
    clock: Clock


def pool_size(groups: InstanceGroups, refs: Sequence[GroupRef], fallback: Mapping[str, Any]) -> int:
    """A pool's current size. initialNodeCount is what was asked for at its birth, true only until the groups exist."""
    if refs:
        return sum(groups.target_size(ref) for ref in refs)
    return int(fallback.get("initialNodeCount") or 0) * max(1, len(fallback.get("locations") or []))


__all__ = ("Clusters", "GkePorts", "InstanceGroups", "NodeRemovePorts", "Nodes", "pool_size")
