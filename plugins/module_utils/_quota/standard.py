# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""What a cluster needs beside TPU chips: CPUs, disks, machines and addresses, against what its region lists.

These quotas have no dimension but the region, so that compute.regions.get has both limit and use, in one call.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ansible_collections.rhaii.gke.plugins.module_utils._quota.values import RegionQuota
from ansible_collections.rhaii.gke.plugins.module_utils._quota.verdict import (
    INSUFFICIENT,
    REGION,
    SUFFICIENT,
    UNKNOWN,
    Check,
)

# What the CPUs of a machine family count as. The newer families have quotas by family, which no region lists.
CPU_METRICS: Mapping[str, str] = {
    "n1": "CPUS",
    "e2": "CPUS",
    "f1": "CPUS",
    "g1": "CPUS",
    "n2": "N2_CPUS",
    "n2d": "N2D_CPUS",
    "c2": "C2_CPUS",
    "c2d": "C2D_CPUS",
    "c3": "C3_CPUS",
    "t2a": "T2A_CPUS",
    "t2d": "T2D_CPUS",
}

DISK_METRICS: Mapping[str, str] = {
    "pd-standard": "DISKS_TOTAL_GB",
    "pd-balanced": "SSD_TOTAL_GB",
    "pd-ssd": "SSD_TOTAL_GB",
    "hyperdisk-balanced": "HDB_TOTAL_GB",
}

TITLES: Mapping[str, str] = {
    "DISKS_TOTAL_GB": "disk quota",
    "SSD_TOTAL_GB": "SSD quota",
    "HDB_TOTAL_GB": "Hyperdisk quota",
    "IN_USE_ADDRESSES": "address quota",
    "INSTANCES": "machine quota",
}


@dataclass(frozen=True)
class Disk:
    kind: str
    size_gb: int


@dataclass(frozen=True)
class Machines:
    """So many more machines than there are."""

    machine_type: str
    count: int
    disk: Disk | None
    # of one; None when the zone was not asked, or TPU machines, whose CPUs count as chips
    cpus: int | None = None


@dataclass(frozen=True)
class Need:
    """So much of a metric; `problem` says why the amount or the metric is not known."""

    metric: str
    amount: int
    problem: str = ""


def needs(standard: Machines | None, tpu: Machines, addresses: int, private: bool) -> list[Need]:
    """What is to be made, by metric."""
    amounts: dict[str, int] = {}
    problems: list[Need] = []

    def add(metric: str, amount: int) -> None:
        amounts[metric] = amounts.get(metric, 0) + amount

    for machines in (standard, tpu):
        if machines is None:
            continue
        add("INSTANCES", machines.count)
        if not private:
            add("IN_USE_ADDRESSES", machines.count)
        if machines.disk:
            metric = DISK_METRICS.get(machines.disk.kind, "")
            if metric:
                add(metric, machines.count * machines.disk.size_gb)
            else:
                problems.append(Need("", 0, f"no region lists the quota of {machines.disk.kind}"))
    add("IN_USE_ADDRESSES", addresses)
    if standard:
        family = standard.machine_type.partition("-")[0]
        metric = CPU_METRICS.get(family, "")
        if not metric:
            problems.append(Need("CPUS", 0, f"no region lists the CPU quota of {family} machines"))
        elif standard.cpus is None:
            problems.append(Need(metric, 0, f"how many CPUs {standard.machine_type} has could not be read"))
        else:
            add(metric, standard.count * standard.cpus)
    return [*(Need(metric, amount) for metric, amount in amounts.items()), *problems]


def judge(wanted: list[Need], region: str, found: Mapping[str, RegionQuota] | None, problem: str) -> Iterator[Check]:
    """One check a metric; what needs nothing is not looked at."""
    for need in wanted:
        title = TITLES.get(need.metric, "CPU quota" if need.metric.endswith("CPUS") else "disk quota")
        if need.problem:
            yield Check(title, UNKNOWN, need.problem)
        elif need.amount > 0:
            yield _judge(title, need, region, (found or {}).get(need.metric), problem)


def _judge(title: str, need: Need, region: str, quota: RegionQuota | None, problem: str) -> Check:
    name = f"{need.metric} in {region}"
    if problem:
        return Check(title, UNKNOWN, f"the quotas of {region} could not be read: {problem}", needed=need.amount)
    if quota is None:
        return Check(title, UNKNOWN, f"{region} does not list the quota {need.metric}", needed=need.amount)
    unlimited = quota.limit < 0
    left = max(0, quota.limit - quota.usage)
    if unlimited:
        verdict, reason = SUFFICIENT, f"{name} is unlimited"
    elif left < need.amount:
        verdict = INSUFFICIENT
        reason = f"quota of {quota.limit} {name}, {quota.usage} used: {left} left for {need.amount}"
    else:
        verdict, reason = SUFFICIENT, f"quota of {quota.limit} {name}, {quota.usage} used, {need.amount} needed"
    return Check(
        check=title,
        verdict=verdict,
        reason=reason,
        quota=need.metric,
        needed=need.amount,
        limit=quota.limit,
        usage=quota.usage,
        usage_source=REGION,
        available=None if unlimited else left,
    )


def quota_id(metric: str) -> str:
    """The id in Cloud Quotas of a metric that regions list."""
    return f"{metric.replace('_', '-')}-per-project-region"


__all__ = ("Disk", "Machines", "Need", "judge", "needs", "quota_id")
