# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""What there is of an environment, as values: clusters, their pools, load balancers, and whose each is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import KEEP, Instance, Json
from ansible_collections.rhaii.gke.plugins.module_utils._ownership import Whose, of_cloud
from ansible_collections.rhaii.gke.plugins.module_utils._quota.families import FAMILIES, Family

# States of a machine that Compute Engine does not bill, and of one that is only asked for.
FREE = frozenset({"", "PROVISIONING", "STAGING", "REPAIRING", "TERMINATED", "STOPPED"})
LEAVING = frozenset({"DELETING", "ABANDONING"})


@dataclass(frozen=True)
class Pool:
    """`nodes` are the machines that bill, `asked` those that there will be; None when that is not known."""

    name: str
    status: str
    machine_type: str
    provisioning: str
    disk_type: str
    disk_size_gb: int
    private_nodes: bool
    whose: Whose
    nodes: int | None = None
    asked: int | None = None

    @property
    def family(self) -> Family | None:
        """None for a pool of ordinary machines."""
        return next((each for each in FAMILIES.values() if each.chips(self.machine_type)), None)


@dataclass(frozen=True)
class Cluster:
    name: str
    location: str
    status: str
    # whether its control plane is there and bills
    bills: bool
    # labelled rhaii-keep=true
    protected: bool
    whose: Whose
    pools: tuple[Pool, ...] = ()


@dataclass(frozen=True)
class Standing:
    """`unread` says what could not be looked at, and why."""

    ours: tuple[Cluster, ...] = ()
    # called alike, in one of the environment's locations
    others: tuple[Cluster, ...] = ()
    # forwarding rules of ours, by region
    balancers: Mapping[str, int] = field(default_factory=dict)
    unread: tuple[str, ...] = ()

    @property
    def up(self) -> bool:
        return bool(self.ours or self.balancers)


def cluster_of(body: Json, environment: str) -> Cluster:
    """From container.v1, without its pools."""
    labels: Mapping[str, Any] = body.get("resourceLabels") or {}
    status = str(body.get("status") or "")
    return Cluster(
        name=str(body.get("name") or ""),
        location=str(body.get("location") or ""),
        status=status,
        # a cluster that is being made, or was not made whole, has an address from when its control plane is there
        bills=bool(body.get("endpoint")) or status not in ("PROVISIONING", "ERROR"),
        protected=labels.get(KEEP) == "true",
        whose=of_cloud(labels, environment),
    )


def pool_of(body: Json, cluster: Json, environment: str, instances: Sequence[Instance] | None) -> Pool:
    """From container.v1 and its instance groups; None for groups that could not be read."""
    config: Json = body.get("config") or {}
    return Pool(
        name=str(body.get("name") or ""),
        status=str(body.get("status") or ""),
        machine_type=str(config.get("machineType") or ""),
        provisioning=provisioning_of(config),
        disk_type=str(config.get("diskType") or ""),
        disk_size_gb=int(config.get("diskSizeGb") or 0),
        private_nodes=is_private(body, cluster),
        whose=of_cloud(config.get("resourceLabels") or {}, environment),
        nodes=None if instances is None else sum(1 for each in instances if each.status not in FREE),
        asked=None if instances is None else sum(1 for each in instances if each.action not in LEAVING),
    )


def provisioning_of(config: Mapping[str, Any]) -> str:
    """How its machines are bought, in the words of our options."""
    if config.get("spot") or config.get("preemptible"):
        return "spot"
    if config.get("flexStart"):
        return "flex_start"
    affinity: Mapping[str, Any] = config.get("reservationAffinity") or {}
    return "reservation" if affinity.get("consumeReservationType") == "SPECIFIC_RESERVATION" else "on_demand"


def is_private(pool: Mapping[str, Any], cluster: Mapping[str, Any]) -> bool:
    """Whether its machines have no external addresses; the pool's own word counts first."""
    own = (pool.get("networkConfig") or {}).get("enablePrivateNodes")
    if own is not None:
        return bool(own)
    return bool(
        (cluster.get("networkConfig") or {}).get("defaultEnablePrivateNodes")
        or (cluster.get("privateClusterConfig") or {}).get("enablePrivateNodes")
    )


__all__ = ("FREE", "LEAVING", "Cluster", "Pool", "Standing", "cluster_of", "is_private", "pool_of", "provisioning_of")
