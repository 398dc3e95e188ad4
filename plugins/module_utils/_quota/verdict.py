# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""From limits, use and offers to a verdict a candidate, and a ranking. Pure; `unknown` is an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._quota.families import QuotaId, chips_of
from ansible_collections.rhaii.gke.plugins.module_utils._quota.values import (
    UNLIMITED,
    Machine,
    Reading,
    Reservation,
    Row,
)

SUFFICIENT = "sufficient"
INSUFFICIENT = "insufficient"
UNKNOWN = "unknown"

_RANK: Mapping[str, int] = {INSUFFICIENT: 0, UNKNOWN: 1, SUFFICIENT: 2}

MONITORING = "monitoring"
POOLS = "pools"
REGION = "region"

TPU_QUOTA = "TPU quota"
MACHINE_TYPE = "machine type offered"


@dataclass(frozen=True)
class Limit:
    """What the rows say of one region; `known` is False when none speaks of it, or `why` they could not be read."""

    quota: QuotaId
    known: bool
    value: int = 0
    from_default: bool = False
    why: str = ""

    @property
    def unlimited(self) -> bool:
        return self.known and self.value == UNLIMITED


@dataclass(frozen=True)
class Used:
    """What of a limit others hold, and who said so; None when nobody could."""

    value: int | None
    source: str = ""
    # Cloud Monitoring's moment, or what could not be asked
    detail: str = ""
    # what the pool that is asked for holds could not be told apart
    at_most: bool = False


@dataclass(frozen=True)
class Supply:
    limit: Limit
    used: Used

    @property
    def available(self) -> int | None:
        if not self.limit.known or self.limit.unlimited or self.used.value is None:
            return None
        return max(0, self.limit.value - self.used.value)


@dataclass(frozen=True)
class Offer:
    """Does the zone have the machine type? None when it could not be asked."""

    machine: Machine | None
    problem: str = ""

    @property
    def offered(self) -> bool | None:
        return None if self.problem else self.machine is not None


@dataclass(frozen=True)
class Check:
    """One question about one candidate, with its answer."""

    check: str
    verdict: str
    reason: str
    quota: str = ""
    needed: int | None = None
    limit: int | None = None
    usage: int | None = None
    usage_source: str = ""
    available: int | None = None
    # where to see the quota and to ask for more
    page: str = ""
    # the request that Google would be sent, in the form of its API
    request: Mapping[str, Any] | None = None
    remedy: str = ""


@dataclass(frozen=True)
class Candidate:
    """One location with one way to buy. The first check is the TPU quota's."""

    location: str
    provisioning: str
    checks: tuple[Check, ...]
    offered: bool | None = None

    @property
    def verdict(self) -> str:
        return min((check.verdict for check in self.checks), key=_RANK.__getitem__)

    @property
    def reason(self) -> str:
        """Of the TPU quota when all is well, else of all that stand in the way."""
        if self.verdict == SUFFICIENT:
            return self.checks[0].reason
        return "; ".join(check.reason for check in self.checks if check.verdict == self.verdict)

    def public(self, rank: int) -> dict[str, Any]:
        tpu = self.checks[0]
        return {
            "location": self.location,
            "provisioning": self.provisioning,
            "rank": rank,
            "verdict": self.verdict,
            "reason": self.reason,
            "limit": tpu.limit,
            "usage": tpu.usage,
            "available": tpu.available,
            "quota": tpu.quota,
            "offered": self.offered,
            "checks": [asdict(check) for check in self.checks],
        }


def limit_in(quota: QuotaId, rows: Sequence[Row], region: str) -> Limit:
    """The row that is closest: region and family, else family, else region, else the one for all.

    A row for another family or region says nothing.
    """
    here = {**quota.dimensions, "region": region}
    fitting = [
        row
        for row in rows
        if row.counts_in(region) and all(here.get(key) == value for key, value in row.dimensions.items())
    ]
    if not fitting:
        return Limit(quota, known=False, why=f"the quota {quota} has no row that speaks of {region}")
    best = max(fitting, key=lambda row: (len(row.dimensions), "region" not in row.dimensions))
    return Limit(quota, known=True, value=best.value, from_default="region" not in best.dimensions)


def used_by_others(reading: Reading | None, counted: int | None, own: int | None, problem: str = "") -> Used:
    """Cloud Monitoring sees every machine, some minutes late; live pools are seen at once, and are not all there is.

    So the larger of the two holds. `own` is what the pool that is asked for holds already: it does not stand in its
    own way; None when that is not known. `problem` says why the pools could not be counted.
    """
    if reading is not None:
        seen = max(0, reading.value - (own or 0))
        if counted is None or seen > counted:
            return Used(seen, MONITORING, reading.moment, at_most=own is None)
    if counted is not None:
        return Used(counted, POOLS)
    return Used(None, "", problem)


def judge_quota(needed: int, region: str, supply: Supply) -> Check:
    """Does what is left of a quota cover the chips that are needed?"""
    verdict, reason = _verdict(needed, region, supply)
    return Check(
        check=TPU_QUOTA,
        verdict=verdict,
        reason=reason,
        quota=str(supply.limit.quota),
        needed=needed,
        limit=supply.limit.value if supply.limit.known else None,
        usage=supply.used.value,
        usage_source=supply.used.source,
        available=supply.available,
    )


def _verdict(needed: int, region: str, supply: Supply) -> tuple[str, str]:
    limit, used = supply.limit, supply.used
    if not limit.known:
        return UNKNOWN, limit.why
    if limit.unlimited:
        return SUFFICIENT, f"the quota {limit.quota} is unlimited in {region}"
    if limit.value < needed:
        origin = "the default, none was set" if limit.from_default else "as it is set"
        return INSUFFICIENT, f"quota of {limit.value} for {needed} chips in {region} ({origin})"
    if used.value is None:
        why = f" ({used.detail})" if used.detail else ""
        return UNKNOWN, f"quota of {limit.value} in {region}, but what is used of it could not be counted{why}"
    said = f" (Cloud Monitoring, {used.detail})" if used.source == MONITORING else ""
    if limit.value - used.value < needed:
        if used.at_most:
            return UNKNOWN, f"quota of {limit.value} in {region}, {used.value} used{said}, some by this pool perhaps"
        left = f"{max(0, limit.value - used.value)} left for {needed} chips"
        return INSUFFICIENT, f"quota of {limit.value} in {region}, {used.value} used{said}: {left}"
    return SUFFICIENT, f"quota of {limit.value} in {region}, {used.value} used{said}"


def either(checks: Sequence[Check]) -> Check:
    """Of several quotas one with room is enough; when none has, all are named."""
    best = max(checks, key=lambda check: _RANK[check.verdict])
    if best.verdict != INSUFFICIENT or len(checks) == 1:
        return best
    reason = "; ".join(f"{check.quota}: {check.reason}" for check in checks)
    return Check(**{**vars(best), "reason": reason})


def judge_offer(machine_type: str, location: str, offer: Offer) -> Check:
    if offer.problem:
        return Check(
            MACHINE_TYPE, UNKNOWN, f"whether {location} offers {machine_type} could not be read: {offer.problem}"
        )
    if offer.machine is None:
        return Check(MACHINE_TYPE, INSUFFICIENT, f"the machine type {machine_type} is not offered in {location}")
    return Check(MACHINE_TYPE, SUFFICIENT, f"the zone offers {machine_type}")


@dataclass(frozen=True)
class Wanted:
    """What a reservation must hold."""

    name: str
    machine_type: str
    machines: int
    # of them, what the pool that is asked for has already
    own: int


def judge_reservation(wanted: Wanted, zone: str, found: Reservation | None, problem: str) -> Check:
    """Has the reservation free machines of the right kind?"""
    verdict, reason = _reserved(wanted, zone, found, problem)
    return Check("reservation", verdict, reason, needed=wanted.machines)


def _reserved(wanted: Wanted, zone: str, found: Reservation | None, problem: str) -> tuple[str, str]:
    name = f"the reservation {wanted.name}"
    if problem:
        return UNKNOWN, f"{name} in {zone} could not be read: {problem}"
    if found is None:
        return INSUFFICIENT, f"there is no reservation {wanted.name} in {zone}"
    if found.family and not wanted.machine_type.startswith(f"{found.family}-"):
        return INSUFFICIENT, f"{name} in {zone} is of {found.family}, not {wanted.machine_type}"
    kind = found.machine_type.rpartition("/")[2]
    if not found.family and kind != wanted.machine_type:
        return INSUFFICIENT, f"{name} in {zone} is of {kind or 'no machine type'}, not {wanted.machine_type}"
    found = found.in_machines(chips_of(wanted.machine_type))
    free = min(found.free + wanted.own, found.count)
    if free < wanted.machines:
        return INSUFFICIENT, f"{name} in {zone} has {free} of {found.count} machines free for {wanted.machines}"
    if found.status != "READY":
        return UNKNOWN, f"{name} in {zone} is {found.status}, not READY"
    return SUFFICIENT, f"{name} in {zone} has {free} of {found.count} machines free"


def judge_reserved_quota(needed: int, region: str, limit: Limit) -> Check:
    """A reservation took its quota when it was made, so that use says nothing. One for a date to come needs none."""
    check = judge_quota(needed, region, Supply(limit, Used(0)))
    if check.verdict == INSUFFICIENT:
        verdict = UNKNOWN
        reason = f"{check.reason}, which a reservation takes, unless it was made for a date to come"
    else:
        verdict, reason = check.verdict, check.reason
    return Check(**{**vars(check), "verdict": verdict, "reason": reason, "usage": None, "available": None})


def ranking(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Those that serve in the order that was asked, then those that may, then the others."""
    return sorted(candidates, key=lambda candidate: -_RANK[candidate.verdict])


def choose(candidates: Sequence[Candidate]) -> Candidate | None:
    """The first that serves; failing that, the first that may."""
    first = ranking(candidates)[0]
    return None if first.verdict == INSUFFICIENT else first


__all__ = (
    "INSUFFICIENT",
    "MACHINE_TYPE",
    "MONITORING",
    "POOLS",
    "REGION",
    "SUFFICIENT",
    "TPU_QUOTA",
    "UNKNOWN",
    "Candidate",
    "Check",
    "Limit",
    "Offer",
    "Supply",
    "Used",
    "Wanted",
    "choose",
    "either",
    "judge_offer",
    "judge_quota",
    "judge_reservation",
    "judge_reserved_quota",
    "limit_in",
    "ranking",
    "used_by_others",
)
