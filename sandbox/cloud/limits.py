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
    """The project's quotas with what was granted since, and the faults laid over them."""

    def __init__(self, project: Project, faults: Faults, state: State) -> None:
        self._project = project
        self._faults = faults
        self._state = state

    def quota(self, service: str, identity: str) -> Json | None:
        """A quota with its rows as they are told now. What a fault hides from sight still holds."""
        entry = self._entry(service, identity)
        if entry is None:
            return None
        hidden = [fault.get("region", "") for fault in self._faults.quotas(identity) if fault.get("absent")]
        rows = [row for row in self._rows(entry) if row["dimensions"].get("region") not in hidden]
        return {**entry, "rows": [] if "" in hidden else rows, "hidden": hidden}

    def _entry(self, service: str, identity: str) -> Json | None:
        return next((entry for entry in self._project.quotas.get(service, ()) if entry["id"] == identity), None)

    def _rows(self, entry: Json) -> list[Json]:
        rows = list(entry["rows"])
        for preference in self._state.quota_preferences.values():
            if preference.settled and preference.body["quotaId"] == entry["id"]:
                dimensions = dict(preference.body.get("dimensions", {}))
                # what was granted while a fault kept the limit low is no limit for when that has gone
                if preference.lowers or 0 <= closest(rows, dimensions) < preference.granted:
                    rows = with_row(rows, dimensions, preference.granted)
        for fault in self._faults.quotas(entry["id"]):
            if fault.get("absent"):
                continue
            if "region" not in fault:
                rows = [{"dimensions": {}, "value": fault["value"]}]
                continue
            rows = [row for row in rows if row["dimensions"].get("region") != fault["region"]]
            family = {"tpu_family": "CT6E"} if "tpu_family" in entry["dimensions"] else {}
            rows = with_row(rows, {"region": fault["region"], **family}, fault["value"])
        return rows

    def limit(self, identity: str, dimensions: Mapping[str, str], service: str = "compute.googleapis.com") -> int:
        """The limit for these dimensions: the closest row decides; -1 is unlimited."""
        entry = self._entry(service, identity)
        return closest(self._rows(entry), dimensions) if entry else 0


def closest(rows: list[Json], dimensions: Mapping[str, str]) -> int:
    """The value of the closest row; 0 when none fits."""
    fitting = [row for row in rows if row["dimensions"].items() <= dimensions.items()]
    best = max(fitting, key=lambda row: (len(row["dimensions"]), "region" not in row["dimensions"]), default=None)
    return int(best["value"]) if best else 0


def with_row(rows: list[Json], dimensions: Json, value: int) -> list[Json]:
    """The rows with one set, the closer ones first as Google lists them."""
    others = [row for row in rows if row["dimensions"] != dimensions]
    return sorted(
        [{"dimensions": dimensions, "value": value}, *others], key=lambda row: len(row["dimensions"]), reverse=True
    )


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


def reservations_of(pool: Pool) -> list[str]:
    """The reservations that a pool's machines are taken from; quota was charged when they were made."""
    affinity = pool.body["config"].get("reservationAffinity") or {}
    specific = affinity.get("consumeReservationType") == "SPECIFIC_RESERVATION"
    return [str(each) for each in affinity.get("values", [])] if specific else []


def machines_in(reservation: Json, named: str, project: str) -> int | None:
    """How many machines a reservation has for whoever names it so; None when it is another one that is named.

    [projects/OWNER/reservations/]NAME[/reservationBlocks/BLOCK]
    """
    name, _, block = named.partition("/reservationBlocks/")
    whole = f"projects/{reservation.get('owner', project)}/reservations/{reservation['name']}"
    if name != whole and (name != reservation["name"] or "owner" in reservation):
        return None
    if not block:
        return int(reservation["count"])
    return (reservation.get("blocks") or {}).get(block)


def chips_used(state: State, project: Project, region: str, *, preemptible: bool, family: str) -> int:
    """TPU chips that count against a quota now: machines that could not be created do not."""
    total = 0
    for _, pool, group, instance in machines(state):
        machine = machine_of(pool)
        flexible = is_spot(pool) or bool(pool.body["config"].get("flexStart"))
        counted = instance.error is None and not reservations_of(pool)
        if machine.tpu_family == family and flexible == preemptible and counted:
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


def quota_usage(state: State, project: Project, identity: str, region: str, family: str = "CT6E") -> int:
    """Usage of a quota in a region."""
    if identity == FAMILY_QUOTA:
        return chips_used(state, project, region, preemptible=False, family=family)
    for machine in catalogue().types.values():
        if machine.preemptible_quota == identity:
            return chips_used(state, project, region, preemptible=True, family=machine.tpu_family)
    metric = next((metric for metric, quota in project.region_metrics.items() if quota == identity), "")
    return region_usage(state, project, region).get(metric, 0)


def disk_metric(disk_type: str) -> str:
    """The metric that a disk counts against."""
    if disk_type.startswith("hyperdisk"):
        return "HDB_TOTAL_GB"
    return "DISKS_TOTAL_GB" if disk_type == "pd-standard" else "SSD_TOTAL_GB"
