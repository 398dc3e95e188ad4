# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""What the GKE capabilities need of the outside world. The adapters are in google.py, the tests script their own."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

from ansible_collections.rhaii.gke.plugins.module_utils._clock import Clock
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import GroupRef, Instance, Json, Operation
from ansible_collections.rhaii.gke.plugins.module_utils._google import GoogleError
from ansible_collections.rhaii.gke.plugins.module_utils._patience import Patience

T = TypeVar("T")


class Clusters(Protocol):
    """container.v1 in one project and location. A get answers None for what does not exist."""

    def get_cluster(self, cluster: str) -> Json | None: ...
    def create_cluster(self, body: Json) -> Operation: ...
    def update_cluster(self, cluster: str, update: Json) -> Operation: ...

    def list_clusters(self) -> Sequence[Json]:
        """Those of every location of the project: a `Listed`, where a location may not have answered."""

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
    # from 0 to 1, for pauses
    chance: Callable[[], float] = random.random


@dataclass(frozen=True)
class NodeRemovePorts:
    clusters: Clusters
    groups: InstanceGroups
    nodes: Nodes
    clock: Clock
    chance: Callable[[], float] = random.random


def pool_size(groups: InstanceGroups, refs: Sequence[GroupRef], pool: Mapping[str, Any]) -> int:
    """A pool's current size. initialNodeCount is what was asked for at its birth, true only until the groups exist."""
    sizes = [size for ref in refs if (size := _if_there(partial(groups.target_size, ref))) is not None]
    if sizes or (refs and pool.get("status") != "PROVISIONING"):
        return sum(sizes)
    return int(pool.get("initialNodeCount") or 0) * max(1, len(pool.get("locations") or []))


def instances_of(groups: InstanceGroups, ref: GroupRef) -> Sequence[Instance]:
    """None where the group is gone: its machines went with it, and a pool lists its URL for a while longer."""
    return _if_there(partial(groups.instances, ref)) or []


def _if_there(ask: Callable[[], T]) -> T | None:
    try:
        return ask()
    except GoogleError as error:
        if error.status == 404:
            return None
        raise


class PatientClusters:
    """Reads are repeated while what is in the way passes; what changes something goes through as it is."""

    def __init__(self, clusters: Clusters, patience: Patience) -> None:
        self._clusters = clusters
        self._patience = patience

    def get_cluster(self, cluster: str) -> Json | None:
        return self._patience.read(lambda: self._clusters.get_cluster(cluster))

    def list_clusters(self) -> Sequence[Json]:
        return self._patience.read(self._clusters.list_clusters)

    def get_node_pool(self, cluster: str, pool: str) -> Json | None:
        return self._patience.read(lambda: self._clusters.get_node_pool(cluster, pool))

    def get_operation(self, name: str) -> Operation:
        return self._patience.read(lambda: self._clusters.get_operation(name))

    def list_operations(self) -> Sequence[Operation]:
        return self._patience.read(self._clusters.list_operations)

    def create_cluster(self, body: Json) -> Operation:
        return self._clusters.create_cluster(body)

    def update_cluster(self, cluster: str, update: Json) -> Operation:
        return self._clusters.update_cluster(cluster, update)

    def set_maintenance_policy(self, cluster: str, policy: Json) -> Operation:
        return self._clusters.set_maintenance_policy(cluster, policy)

    def set_labels(self, cluster: str, labels: Mapping[str, str], fingerprint: str) -> Operation:
        return self._clusters.set_labels(cluster, labels, fingerprint)

    def delete_cluster(self, cluster: str) -> Operation:
        return self._clusters.delete_cluster(cluster)

    def create_node_pool(self, cluster: str, body: Json) -> Operation:
        return self._clusters.create_node_pool(cluster, body)

    def update_node_pool(self, cluster: str, pool: str, update: Json) -> Operation:
        return self._clusters.update_node_pool(cluster, pool, update)

    def set_node_pool_size(self, cluster: str, pool: str, nodes_per_zone: int) -> Operation:
        return self._clusters.set_node_pool_size(cluster, pool, nodes_per_zone)

    def set_node_pool_management(self, cluster: str, pool: str, management: Json) -> Operation:
        return self._clusters.set_node_pool_management(cluster, pool, management)

    def set_node_pool_autoscaling(self, cluster: str, pool: str, autoscaling: Json) -> Operation:
        return self._clusters.set_node_pool_autoscaling(cluster, pool, autoscaling)

    def delete_node_pool(self, cluster: str, pool: str) -> Operation:
        return self._clusters.delete_node_pool(cluster, pool)


class PatientGroups:
    """The same for instance groups."""

    def __init__(self, groups: InstanceGroups, patience: Patience) -> None:
        self._groups = groups
        self._patience = patience

    def target_size(self, group: GroupRef) -> int:
        return self._patience.read(lambda: self._groups.target_size(group))

    def instances(self, group: GroupRef) -> Sequence[Instance]:
        return self._patience.read(lambda: self._groups.instances(group))

    def delete_instances(self, group: GroupRef, urls: Sequence[str]) -> str:
        return self._patience.write(lambda: self._groups.delete_instances(group, urls), awaits_busy=True)

    def operation_problem(self, group: GroupRef, operation: str) -> tuple[bool, str]:
        return self._patience.read(lambda: self._groups.operation_problem(group, operation))


__all__ = (
    "Clusters",
    "GkePorts",
    "InstanceGroups",
    "NodeRemovePorts",
    "Nodes",
    "PatientClusters",
    "PatientGroups",
    "instances_of",
    "pool_size",
)
