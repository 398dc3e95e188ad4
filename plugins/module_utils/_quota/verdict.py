# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""From quota rows, use and offers to a verdict a location. Pure; `unknown` is an answer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._quota.families import QuotaId

UNLIMITED = -1

SUFFICIENT = "sufficient"
INSUFFICIENT = "insufficient"
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Row:
    """One entry of a quota: a limit, for all that its dimensions select."""

    dimensions: Mapping[str, str]
    value: int


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
class Supply:
    """A limit and what of it other pools hold; None when that could not be counted."""

    limit: Limit
    usage: int | None

    @property
    def available(self) -> int | None:
        if not self.limit.known or self.limit.unlimited or self.usage is None:
            return None
        return max(0, self.limit.value - self.usage)


@dataclass(frozen=True)
class Offer:
    """Does the zone have the machine type? None when it could not be asked."""

    offered: bool | None
    reason: str = ""


@dataclass(frozen=True)
class Candidate:
    location: str
    provisioning: str
    verdict: str
    limit: int | None
    usage: int | None
    available: int | None
    quota: str
    reason: str
    offered: bool | None = None

    def public(self) -> dict[str, Any]:
        return {
            "location": self.location,
            "provisioning": self.provisioning,
            "verdict": self.verdict,
            "limit": self.limit,
            "usage": self.usage,
            "available": self.available,
            "quota": self.quota,
            "offered": self.offered,
            "reason": self.reason,
        }


def rows_of(info: Mapping[str, Any]) -> list[Row]:
    """The rows of a QuotaInfo; an entry without a value has the value 0 (proto leaves zeros out)."""
    return [
        Row(dict(entry.get("dimensions") or {}), int((entry.get("details") or {}).get("value") or 0))
        for entry in info.get("dimensionsInfos") or []
    ]


def limit_in(quota: QuotaId, rows: Sequence[Row], region: str) -> Limit:
    """The row with the most dimensions that all fit. A row for another family or region says nothing."""
    here = {**quota.dimensions, "region": region}
    fitting = [row for row in rows if all(here.get(key) == value for key, value in row.dimensions.items())]
    if not fitting:
        return Limit(quota, known=False)
    best = max(fitting, key=lambda row: (len(row.dimensions), "region" in row.dimensions))
    return Limit(quota, known=True, value=best.value, from_default="region" not in best.dimensions)


_ZONE = re.compile(r"([a-z]+-[a-z]+\d+)-[a-z0-9]+")


def region_of(zone: str) -> str:
    """europe-west4 of europe-west4-a."""
    match = _ZONE.fullmatch(zone)
    if match is None:
        raise RhaiiError(
            f"{zone} is no zone.", remedy="Give zones, as in europe-west4-a (rhaii_location, rhaii_fallback_locations)."
        )
    return match.group(1)


@dataclass(frozen=True)
class Question:
    """What is asked of every location."""

    title: str
    machine_type: str
    chips: int
    provisioning: str


def judge(question: Question, location: str, supplies: Sequence[Supply], offer: Offer) -> Candidate:
    """The verdict for one location: the best that any of the quotas allows, if the machine type is there at all."""
    answers = [_judge_supply(question, location, supply) for supply in supplies]
    best = replace(max(answers, key=lambda answer: _RANK[answer.verdict]), offered=offer.offered)
    if offer.offered is False:
        return replace(best, verdict=INSUFFICIENT, reason=offer.reason)
    if offer.offered is None and best.verdict == SUFFICIENT:
        return replace(best, verdict=UNKNOWN, reason=offer.reason)
    return best


_RANK: Mapping[str, int] = {INSUFFICIENT: 0, UNKNOWN: 1, SUFFICIENT: 2}


def _judge_supply(question: Question, location: str, supply: Supply) -> Candidate:
    verdict, reason = _verdict(question.chips, region_of(location), supply)
    return Candidate(
        location=location,
        provisioning=question.provisioning,
        verdict=verdict,
        limit=supply.limit.value if supply.limit.known else None,
        usage=supply.usage,
        available=supply.available,
        quota=str(supply.limit.quota),
        reason=reason,
    )


def _verdict(chips: int, region: str, supply: Supply) -> tuple[str, str]:
    limit, usage = supply.limit, supply.usage
    if not limit.known:
        return UNKNOWN, limit.why or f"the quota {limit.quota} has no row that speaks of {region}"
    if limit.unlimited:
        return SUFFICIENT, f"the quota {limit.quota} is unlimited in {region}"
    if limit.value < chips:
        origin = "the default, none was set" if limit.from_default else "as it is set"
        return INSUFFICIENT, f"quota of {limit.value} for {chips} chips in {region} ({origin})"
    if usage is None:
        return UNKNOWN, f"quota of {limit.value} in {region}, but what is used of it could not be counted"
    if limit.value - usage < chips:
        left = max(0, limit.value - usage)
        return INSUFFICIENT, f"quota of {limit.value} in {region}, {usage} used: {left} left for {chips} chips"
    return SUFFICIENT, f"quota of {limit.value} in {region}, {usage} used"


def choose(candidates: Sequence[Candidate]) -> Candidate | None:
    """The first that serves, in the order that was asked; failing that, the first that may."""
    for kind in (SUFFICIENT, UNKNOWN):
        for candidate in candidates:
            if candidate.verdict == kind:
                return candidate
    return None


__all__ = (
    "INSUFFICIENT",
    "SUFFICIENT",
    "UNKNOWN",
    "UNLIMITED",
    "Candidate",
    "Limit",
    "Offer",
    "Question",
    "Row",
    "Supply",
    "choose",
    "judge",
    "limit_in",
    "region_of",
    "rows_of",
)
