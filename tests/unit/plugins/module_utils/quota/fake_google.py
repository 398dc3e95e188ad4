# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything that tpu_quota_check asks, answered from tables; a table's error is raised instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._capability import Progress
from ansible_collections.rhaii.gke.plugins.module_utils._clock import Clock
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._google import GoogleError
from ansible_collections.rhaii.gke.plugins.module_utils._quota.check import QuotaPorts, run
from ansible_collections.rhaii.gke.plugins.module_utils._quota.families import QuotaId
from ansible_collections.rhaii.gke.plugins.module_utils._quota.values import (
    Info,
    Live,
    LiveCluster,
    LivePool,
    Machine,
    Reading,
    RegionQuota,
    Reservation,
    Row,
)

from tests.unit.fake_clock import FakeClock

REGION = "europe-west4"
ZONE = "europe-west4-a"
OTHER_REGION = "us-east5"
OTHER_ZONE = "us-east5-a"
FAMILY = "TPUS-PER-TPU-FAMILY-per-project-region"
PREEMPTIBLE = "PREEMPTIBLE-TPU-V6E-per-project-region"
MACHINE = "ct6e-standard-4t"
REFUSED = GoogleError("x", 403, "PERMISSION_DENIED", "cloudquotas.quotas.get is missing")


def family_row(value: int, region: str = REGION, family: str = "CT6E") -> Row:
    return Row({"region": region, "tpu_family": family}, value)


def pool(nodes: int | RhaiiError = 2, **changes: Any) -> LivePool:
    """A node pool with so many nodes, or whose groups answer with this error."""
    values: dict[str, Any] = {
        "cluster": "other",
        "name": "tpu-pool",
        "zones": (ZONE,),
        "machine_type": MACHINE,
        "preemptible": False,
    }
    return LivePool(**{**values, **changes}, body={"nodes": nodes})


ROOMY = {
    "CPUS": RegionQuota(500, 0),
    "SSD_TOTAL_GB": RegionQuota(20480, 0),
    "HDB_TOTAL_GB": RegionQuota(20480, 0),
    "IN_USE_ADDRESSES": RegionQuota(69, 0),
    "INSTANCES": RegionQuota(6000, 0),
}


@dataclass
class Google:
    """All ports. By default a project with just enough of everything in europe-west4, and nothing in it."""

    infos: dict[str, Info | None] = field(
        default_factory=lambda: {
            FAMILY: Info((family_row(12), Row({}, 0))),
            PREEMPTIBLE: Info((Row({"region": REGION}, 12), Row({}, 1536))),
        }
    )
    offered: dict[str, Sequence[str]] = field(default_factory=lambda: {MACHINE: [ZONE, OTHER_ZONE]})
    live_pools: tuple[LivePool, ...] = ()
    missing: frozenset[str] = frozenset()
    clusters: tuple[LiveCluster, ...] = ()
    series: dict[str, dict[str, Reading]] = field(default_factory=dict)
    region_quotas: dict[str, dict[str, RegionQuota]] = field(default_factory=lambda: {REGION: ROOMY})
    held: dict[str, Reservation] = field(default_factory=dict)
    preferences: list[dict[str, Any]] = field(default_factory=list)
    # port's name -> what it raises
    errors: dict[str, RhaiiError] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    sent: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    clock: Clock = field(default_factory=FakeClock)

    def _ask(self, port: str, what: str) -> None:
        self.asked.append((port, what))
        if port in self.errors:
            raise self.errors[port]

    def info(self, quota_id: str) -> Info | None:
        self._ask("info", quota_id)
        return self.infos.get(quota_id)

    def all(self) -> Sequence[Mapping[str, Any]]:
        self._ask("all", "")
        return self.preferences

    def create(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        self._ask("create", str(body["quotaId"]))
        self.sent.append(("create", dict(body)))
        return {**body, "name": "projects/1/locations/global/quotaPreferences/new", "reconciling": True}

    def update(self, name: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        self._ask("update", name)
        self.sent.append((f"update {name}", dict(body)))
        granted = {**body["quotaConfig"], "grantedValue": str(body["quotaConfig"]["preferredValue"])}
        return {**body, "name": name, "quotaConfig": granted}

    def readings(self, quota: QuotaId) -> Mapping[str, Reading]:
        self._ask("readings", quota.id)
        return self.series.get(quota.id, {})

    def machine(self, zone: str, machine_type: str) -> Machine | None:
        self._ask("machine", f"{zone} {machine_type}")
        return Machine(4) if zone in self.offered.get(machine_type, [ZONE, OTHER_ZONE]) else None

    def zones_with(self, machine_type: str) -> Sequence[str]:
        self._ask("zones_with", machine_type)
        return self.offered.get(machine_type, [])

    def quotas(self, region: str) -> Mapping[str, RegionQuota]:
        self._ask("quotas", region)
        return self.region_quotas.get(region, {})

    def reservation(self, zone: str, name: str) -> Reservation | None:
        self._ask("reservation", f"{zone} {name}")
        return self.held.get(zone)

    def live(self) -> Live:
        self._ask("live", "")
        return Live(self.live_pools, self.missing, self.clusters)

    def nodes(self, live: LivePool) -> int:
        self._ask("nodes", live.name)
        nodes = live.body["nodes"]
        if isinstance(nodes, RhaiiError):
            raise nodes
        return int(nodes)

    def ports(self) -> QuotaPorts:
        return QuotaPorts(self, self, self, self, self, self, self, self.clock)


PARAMS: dict[str, Any] = {
    "project": "p",
    "accelerator": "v6e",
    "chips": 12,
    "locations": [ZONE],
    "provisioning": ["on_demand"],
    "reservation": None,
    "machine_type": None,
    "cluster": None,
    "environment": None,
    "node_pool": None,
    "standard_pool": None,
    "tpu_disk": None,
    "load_balancers": 1,
    "private_nodes": False,
    "request_increase": False,
    "justification": None,
    "contact_email": None,
    "fail_on_insufficient": True,
}


def silent(message: str) -> None:
    """Progress that nobody reads."""


def play(
    google: Google, *, check_mode: bool = False, at_once: int = 8, progress: Progress = silent, **changes: Any
) -> dict[str, Any]:
    return run({**PARAMS, **changes}, google.ports(), progress, check_mode, at_once)
