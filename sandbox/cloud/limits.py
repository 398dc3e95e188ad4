# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Quotas: how much of what the project may have, and how much it has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sandbox.cloud.errors import Json
from sandbox.cloud.faults import DEFAULT_QUOTA, Faults
from sandbox.cloud.machines import MachineType, catalogue
from sandbox.cloud.project import Project
from sandbox.cloud.state import Cluster, Group, Instance, Pool, State

FAMILY_QUOTA = DEFAULT_QUOTA
CPU_QUOTA = "CPUS-per-project-region"


class Limits:
    """The project's quotas with the faults laid over them."""

    def __init__(self, project: Project, faults: Faults) -> None:
        self._project = project
        self._faults = faults

    def quota(self, service: str, identity: str) -> Json | None:
        """A quota with its rows as they stand now."""
        for entry in self._project.quotas.get(service, ()):
            if entry["id"] == identity:
                return {**entry, "rows": self._rows(entry)}
        return None

    def _rows(self, entry: Json) -> list[Json]:
        rows = list(entry["rows"])
        for region in dict.fromkeys(self._faults.quota_regions(entry["id"])):
            fixed = {"tpu_family": "CT6E"} if "tpu_family" in entry["dimensions"] else {}
            value = self._faults.quota(entry["id"], region)
            rows = [row for row in rows if row["dimensions"].get("region") != region]
            rows.insert(0, {"dimensions": {"region": region, **fixed}, "value": value})
        return rows

    def limit(self, identity: str, dimensions: Mapping[str, str], service: str = "compute.googleapis.com") -> int:
        """The limit for these dimensions: the closest row decides; -1 is unlimited."""
        quota = self.quota(service, identity)
        fitting = [row for row in quota["rows"] if row["dimensions"].items() <= dimensions.items()] if quota else []
        if not fitting:
            return 0
        return int(max(fitting, key=lambda row: len(row["dimensions"]))["value"])


def machines(state: State) -> Iterator[tuple[Cluster, Pool, Group, Instance]]:
    """Every machine of every cluster."""
    for cluster in state.clusters.values():
        for pool in cluster.pools.values():
            for group in pool.groups.values():
                for instance in group.instances.values():
                    yield cluster, pool, group, instance


def machine_of(pool: Pool) -> MachineType:
    """A pool's machine type."""
    return catalogue().types[pool.body["config"]["machineType"]]


def is_spot(pool: Pool) -> bool:
    """Whether a pool's machines can be taken away."""
    config = pool.body["config"]
    return bool(config.get("spot") or config.get("preemptible"))


def chips_used(state: State, project: Project, region: str, *, preemptible: bool, family: str) -> int:
    """TPU chips that count against a quota now: machines that could not be created do not."""
    total = 0
    for _, pool, group, instance in machines(state):
        machine = machine_of(pool)
        flexible = is_spot(pool) or bool(pool.body["config"].get("flexStart"))
        if machine.tpu_family == family and flexible == preemptible and instance.error is None:
            total += machine.chips if project.region(group.zone) == region else 0
    return total


def region_usage(state: State, project: Project, region: str) -> dict[str, int]:
    """Usage by the metrics of a region."""
    usage = dict.fromkeys(project.region_metrics, 0)
    for _, pool, group, instance in machines(state):
        if project.region(group.zone) != region or instance.error is not None:
            continue
        machine, config = machine_of(pool), pool.body["config"]
        usage["INSTANCES"] += 1
        # TPU machines count by their chips
        usage["CPUS"] += 0 if machine.chips else machine.cpus
        usage["IN_USE_ADDRESSES"] += 1
        usage[disk_metric(config["diskType"])] += config["diskSizeGb"]
    for balancer in state.load_balancers.values():
        usage["IN_USE_ADDRESSES"] += project.region(balancer.location) == region
    return usage


def disk_metric(disk_type: str) -> str:
    """The metric that a disk counts against."""
    if disk_type.startswith("hyperdisk"):
        return "HDB_TOTAL_GB"
    return "DISKS_TOTAL_GB" if disk_type == "pd-standard" else "SSD_TOTAL_GB"
