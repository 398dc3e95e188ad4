# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""What Google says of quotas, machines and pools, typed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import GroupRef

SERVICE = "compute.googleapis.com"
UNLIMITED = -1


@dataclass(frozen=True)
class Row:
    """One entry of a quota: a limit, for all that its dimensions select."""

    dimensions: Mapping[str, str]
    value: int
    # where it counts; empty when Google does not say
    locations: frozenset[str] = frozenset()

    def counts_in(self, region: str) -> bool:
        return not self.locations or region in self.locations or "global" in self.locations


@dataclass(frozen=True)
class Info:
    """A quota: its rows, Google's own page to ask for more, and why it takes no request ('' when it does)."""

    rows: tuple[Row, ...]
    page: str = ""
    closed: str = ""


@dataclass(frozen=True)
class Reading:
    """A value of Cloud Monitoring and its moment."""

    value: int
    moment: str


@dataclass(frozen=True)
class Machine:
    """A machine type of a zone."""

    cpus: int


@dataclass(frozen=True)
class RegionQuota:
    limit: int
    usage: int


@dataclass(frozen=True)
class Reservation:
    """A specific one counts machines; an aggregate one counts chips, of a family and of no machine type."""

    machine_type: str
    count: int
    in_use: int
    status: str
    # of an aggregate one: what machine types of its family start with, as in ct6e
    family: str = ""
    counts_chips: bool = False

    @property
    def free(self) -> int:
        return max(0, self.count - self.in_use)

    def in_machines(self, chips: int) -> Reservation:
        """The same in machines of so many chips, as far as whole machines come of it."""
        if not self.counts_chips:
            return self
        each = max(1, chips)
        count = self.count // each
        return replace(self, count=count, in_use=count - self.free // each, counts_chips=False)


@dataclass(frozen=True)
class LivePool:
    """A node pool that exists; how many nodes it has is asked of its groups."""

    cluster: str
    name: str
    zones: tuple[str, ...]
    machine_type: str
    preemptible: bool
    groups: tuple[GroupRef, ...] = ()
    body: Mapping[str, Any] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class LiveCluster:
    """A cluster that exists, and what it is labelled."""

    name: str
    location: str
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Live:
    """All live pools and clusters; `missing` are the zones that did not answer Google: their use is not known."""

    pools: tuple[LivePool, ...]
    missing: frozenset[str] = frozenset()
    clusters: tuple[LiveCluster, ...] = ()


def info_of(answer: Mapping[str, Any]) -> Info:
    """A QuotaInfo. A row without a value has the value 0: zeros are left out on the wire."""
    eligibility = answer.get("quotaIncreaseEligibility") or {}
    closed = str(eligibility.get("ineligibilityReason") or "")
    if answer.get("isFixed"):
        closed = closed or "the limit is fixed"
    return Info(
        rows=tuple(
            Row(
                dict(entry.get("dimensions") or {}),
                int((entry.get("details") or {}).get("value") or 0),
                frozenset(map(str, entry.get("applicableLocations") or [])),
            )
            for entry in answer.get("dimensionsInfos") or []
        ),
        page=str(answer.get("serviceRequestQuotaUri") or ""),
        closed="" if eligibility.get("isEligible") else closed,
    )


def readings_of(answer: Mapping[str, Any]) -> dict[str, Reading]:
    """The newest point of each region's series; the zones' series of the same metric are another quota's."""
    found: dict[str, Reading] = {}
    for series in answer.get("timeSeries") or []:
        place = str(((series.get("resource") or {}).get("labels") or {}).get("location") or "")
        points = series.get("points") or []
        if not points:
            continue
        value = points[0].get("value") or {}
        number = int(value.get("int64Value") or value.get("doubleValue") or 0)
        reading = Reading(number, str((points[0].get("interval") or {}).get("endTime") or ""))
        if place not in found or found[place].value < number:
            found[place] = reading
    return found


def region_quotas_of(answer: Mapping[str, Any]) -> dict[str, RegionQuota]:
    """The quotas of compute.regions.get."""
    return {
        str(each.get("metric")): RegionQuota(int(float(each.get("limit") or 0)), int(float(each.get("usage") or 0)))
        for each in answer.get("quotas") or []
    }


@dataclass(frozen=True)
class ReservationPath:
    """A reservation as it is named to GKE: by its name, with its owner's project, down to a block or a part of it."""

    project: str
    name: str
    block: str = ""
    sub_block: str = ""

    def in_api(self, zone: str) -> str:
        """Below compute/v1."""
        parts = [f"projects/{self.project}/zones/{zone}/reservations/{self.name}"]
        parts += [f"reservationBlocks/{self.block}"] if self.block else []
        parts += [f"reservationSubBlocks/{self.sub_block}"] if self.sub_block else []
        return "/".join(parts)

    @property
    def whole(self) -> ReservationPath:
        return ReservationPath(self.project, self.name)


# As GKE and gcloud take it: [projects/OWNER/reservations/]NAME[/reservationBlocks/BLOCK[/reservationSubBlocks/PART]];
# links of Compute Engine have the zone in between.
_RESERVATION = re.compile(
    r"(?:(?:https?://[^/]+/(?:compute/)?v1/)?projects/([^/]+)(?:/zones/[^/]+)?/reservations/)?([a-z0-9][-a-z0-9]*)"
    r"(?:/reservationBlocks/([a-z0-9][-a-z0-9]*)(?:/reservationSubBlocks/([a-z0-9][-a-z0-9]*))?)?"
)


def reservation_path(given: str, project: str) -> ReservationPath:
    """`project` owns it where `given` names no other."""
    match = _RESERVATION.fullmatch(given.strip())
    if match is None:
        raise RhaiiError(
            f"{given} names no reservation.",
            remedy="Give its name, or projects/OWNER/reservations/NAME for one that another project shares, each with "
            "/reservationBlocks/BLOCK where it is for one block (rhaii_reservation).",
        )
    owner, name, block, part = match.groups()
    return ReservationPath(owner or project, name, block or "", part or "")


def reservation_of(answer: Mapping[str, Any]) -> Reservation:
    status = str(answer.get("status") or "")
    aggregate = answer.get("aggregateReservation")
    if aggregate:
        return _aggregate_of(aggregate, status)
    specific = answer.get("specificReservation") or {}
    count, assured = int(specific.get("count") or 0), specific.get("assuredCount")
    return Reservation(
        machine_type=str((specific.get("instanceProperties") or {}).get("machineType") or ""),
        # what was delivered, where that is less than what was asked for
        count=count if assured is None else min(count, int(assured)),
        in_use=int(specific.get("inUseCount") or 0),
        status=status,
    )


def block_of(answer: Mapping[str, Any], whole: Reservation) -> Reservation:
    """A block of a reservation, or a part of one: it counts machines of the reservation's kind."""
    return Reservation(
        machine_type=whole.machine_type,
        count=int(answer.get("count") or 0),
        in_use=int(answer.get("inUseCount") or 0),
        status=str(answer.get("status") or ""),
        family=whole.family,
    )


def _aggregate_of(aggregate: Mapping[str, Any], status: str) -> Reservation:
    reserved = _chips_in(aggregate.get("reservedResources"))
    used = _chips_in(aggregate.get("inUseResources"))
    # VM_FAMILY_CLOUD_TPU_LITE_POD_SLICE_CT6E; the resources name their kind as well, .../acceleratorTypes/ct6e
    family = str(aggregate.get("vmFamily") or "").rpartition("_")[2].lower() or next(iter(reserved), "")
    chips, taken = sum(reserved.values()), sum(used.values())
    return Reservation("", chips, taken, status, family or "an unnamed family", counts_chips=True)


def _chips_in(resources: Any) -> dict[str, int]:
    found: dict[str, int] = {}
    for each in resources or []:
        accelerator = each.get("accelerator") or {}
        kind = str(accelerator.get("acceleratorType") or "").rpartition("/")[2].lower()
        found[kind] = found.get(kind, 0) + int(accelerator.get("acceleratorCount") or 0)
    return found


_ZONE = re.compile(r"([a-z]+-[a-z]+\d+)-[a-z0-9]+")


def region_of(zone: str) -> str:
    """europe-west4 of europe-west4-a."""
    match = _ZONE.fullmatch(zone)
    if match is None:
        raise RhaiiError(
            f"{zone} is no zone.", remedy="Give zones, as in europe-west4-a (rhaii_location, rhaii_fallback_locations)."
        )
    return match.group(1)


__all__ = (
    "SERVICE",
    "UNLIMITED",
    "Info",
    "Live",
    "LivePool",
    "Machine",
    "Reading",
    "RegionQuota",
    "Reservation",
    "ReservationPath",
    "Row",
    "block_of",
    "info_of",
    "readings_of",
    "region_of",
    "region_quotas_of",
    "reservation_of",
    "reservation_path",
)
