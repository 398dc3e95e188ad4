# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The truth table of the quotas: which row decides, and what follows from it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._quota.families import FAMILIES
from ansible_collections.rhaii.gke.plugins.module_utils._quota.values import Machine, Reading, Reservation, Row
from ansible_collections.rhaii.gke.plugins.module_utils._quota.verdict import (
    Candidate,
    Check,
    Limit,
    Offer,
    Supply,
    Used,
    Wanted,
    choose,
    either,
    judge_offer,
    judge_quota,
    judge_reservation,
    judge_reserved_quota,
    limit_in,
    ranking,
    used_by_others,
)

from tests.unit.plugins.module_utils.quota.fake_google import MACHINE, OTHER_REGION, REGION, ZONE, family_row

V6E = FAMILIES["v6e"]
FAMILY_ONLY = Row({"tpu_family": "CT6E"}, 4)
REGION_ONLY = Row({"region": REGION}, 8)
FOR_ALL = Row({}, 7)


@pytest.mark.parametrize(
    ("rows", "value", "known", "default"),
    [
        pytest.param([FOR_ALL, REGION_ONLY, FAMILY_ONLY, family_row(12)], 12, True, False, id="region and family"),
        pytest.param([FOR_ALL, REGION_ONLY, FAMILY_ONLY], 4, True, True, id="family before region"),
        pytest.param([FOR_ALL, REGION_ONLY], 8, True, False, id="region before the one for all"),
        pytest.param([FOR_ALL, FAMILY_ONLY], 4, True, True, id="family before the one for all"),
        pytest.param([FOR_ALL], 7, True, True, id="the one for all alone"),
        pytest.param(
            [family_row(64, family="CT5LP"), family_row(64, OTHER_REGION)], 0, False, False, id="rows of others"
        ),
        pytest.param([], 0, False, False, id="no rows"),
        pytest.param([FOR_ALL, family_row(0)], 0, True, False, id="explicit zero"),
        pytest.param([FOR_ALL, family_row(-1)], -1, True, False, id="unlimited"),
        pytest.param([Row({"region": REGION, "zone": ZONE}, 64)], 0, False, False, id="a dimension that we do not ask"),
        pytest.param([replace(FOR_ALL, locations=frozenset({OTHER_REGION}))], 0, False, False, id="counts elsewhere"),
        pytest.param([replace(FOR_ALL, locations=frozenset({REGION}))], 7, True, True, id="counts here"),
        pytest.param([replace(FOR_ALL, locations=frozenset({"global"}))], 7, True, True, id="counts everywhere"),
    ],
)
@pytest.mark.parametrize("backwards", [False, True], ids=["as listed", "the other way round"])
def test_the_closest_row_decides(rows: list[Row], value: int, known: bool, default: bool, backwards: bool) -> None:
    limit = limit_in(V6E.on_demand, rows[::-1] if backwards else rows, REGION)
    assert (limit.value, limit.known, limit.from_default) == (value, known, default)


def test_no_row_says_so() -> None:
    assert limit_in(V6E.on_demand, [], REGION).why == (
        f"the quota {V6E.on_demand} has no row that speaks of europe-west4"
    )


def limit(value: int | None, from_default: bool = False) -> Limit:
    why = "" if value is not None else "no row"
    return Limit(V6E.on_demand, known=value is not None, value=value or 0, from_default=from_default, why=why)


@pytest.mark.parametrize(
    ("value", "used", "verdict", "reason", "available"),
    [
        pytest.param(12, 0, "sufficient", "quota of 12 in europe-west4, 0 used", 12, id="just enough"),
        pytest.param(
            11, 0, "insufficient", "quota of 11 for 12 chips in europe-west4 (as it is set)", 11, id="one short"
        ),
        pytest.param(0, 0, "insufficient", "quota of 0 for 12 chips in europe-west4 (as it is set)", 0, id="zero"),
        pytest.param(16, 4, "sufficient", "quota of 16 in europe-west4, 4 used", 12, id="enough beside others"),
        pytest.param(
            15, 4, "insufficient", "quota of 15 in europe-west4, 4 used: 11 left for 12 chips", 11, id="others hold it"
        ),
        pytest.param(
            12, 20, "insufficient", "quota of 12 in europe-west4, 20 used: 0 left for 12 chips", 0, id="overdrawn"
        ),
        pytest.param(
            -1, 500, "sufficient", f"the quota {V6E.on_demand} is unlimited in {REGION}", None, id="unlimited"
        ),
        pytest.param(None, 0, "unknown", "no row", None, id="no row"),
        pytest.param(
            12,
            None,
            "unknown",
            "quota of 12 in europe-west4, but what is used of it could not be counted",
            None,
            id="use",
        ),
        pytest.param(
            8, None, "insufficient", "quota of 8 for 12 chips in europe-west4 (as it is set)", None, id="too low anyhow"
        ),
    ],
)
def test_judge_quota(value: int | None, used: int | None, verdict: str, reason: str, available: int | None) -> None:
    check = judge_quota(12, REGION, Supply(limit(value), Used(used)))
    assert (check.verdict, check.reason, check.available) == (verdict, reason, available)
    assert (check.check, check.needed, check.limit, check.usage) == ("TPU quota", 12, value, used)
    assert check.quota == str(V6E.on_demand)


def test_a_default_of_zero_reads_differently_from_a_zero_that_was_set() -> None:
    check = judge_quota(12, REGION, Supply(limit(0, from_default=True), Used(0)))
    assert check.reason == "quota of 0 for 12 chips in europe-west4 (the default, none was set)"


NOON = "2026-11-24T12:00:00Z"


@pytest.mark.parametrize(
    ("reading", "counted", "own", "used"),
    [
        pytest.param(None, 8, 0, Used(8, "pools"), id="only pools"),
        pytest.param(12, None, 0, Used(12, "monitoring", NOON), id="only Cloud Monitoring"),
        pytest.param(12, 8, 0, Used(12, "monitoring", NOON), id="machines that are in no pool"),
        pytest.param(8, 12, 0, Used(12, "pools"), id="a pool that is newer than the reading"),
        pytest.param(8, 8, 0, Used(8, "pools"), id="both agree"),
        pytest.param(12, 0, 12, Used(0, "pools"), id="our own pool does not count"),
        pytest.param(4, 0, 12, Used(0, "pools"), id="our own pool is newer than the reading"),
        pytest.param(20, 0, 12, Used(8, "monitoring", NOON), id="others beside our own"),
        pytest.param(20, None, None, Used(20, "monitoring", NOON, at_most=True), id="our own cannot be told apart"),
        pytest.param(None, None, None, Used(None, "", "why"), id="nobody says"),
    ],
)
def test_used_by_others(reading: int | None, counted: int | None, own: int | None, used: Used) -> None:
    given = None if reading is None else Reading(reading, NOON)
    assert used_by_others(given, counted, own, "why") == used


@pytest.mark.parametrize(
    ("value", "used", "verdict", "reason"),
    [
        pytest.param(
            24,
            Used(8, "monitoring", NOON),
            "sufficient",
            f"quota of 24 in europe-west4, 8 used (Cloud Monitoring, {NOON})",
            id="room",
        ),
        pytest.param(
            16,
            Used(8, "monitoring", NOON),
            "insufficient",
            f"quota of 16 in europe-west4, 8 used (Cloud Monitoring, {NOON}): 8 left for 12 chips",
            id="no room",
        ),
        pytest.param(
            24,
            Used(12, "monitoring", NOON, at_most=True),
            "sufficient",
            f"quota of 24 in europe-west4, 12 used (Cloud Monitoring, {NOON})",
            id="room even if none of it is ours",
        ),
        pytest.param(
            16,
            Used(12, "monitoring", NOON, at_most=True),
            "unknown",
            f"quota of 16 in europe-west4, 12 used (Cloud Monitoring, {NOON}), some by this pool perhaps",
            id="it may be ours",
        ),
        pytest.param(
            16,
            Used(None, "", "no answer"),
            "unknown",
            "quota of 16 in europe-west4, but what is used of it could not be counted (no answer)",
            id="nobody says",
        ),
    ],
)
def test_who_counted_is_said(value: int, used: Used, verdict: str, reason: str) -> None:
    check = judge_quota(12, REGION, Supply(limit(value), used))
    assert (check.verdict, check.reason, check.usage_source) == (verdict, reason, used.source)


def answered(verdict: str, reason: str = "r", **fields: Any) -> Check:
    return Check("TPU quota", verdict, reason, **fields)


@pytest.mark.parametrize(
    ("first", "second", "verdict", "reason"),
    [
        pytest.param("sufficient", "insufficient", "sufficient", "one", id="the first has room"),
        pytest.param("insufficient", "sufficient", "sufficient", "two", id="the second has room"),
        pytest.param("sufficient", "sufficient", "sufficient", "one", id="both have room"),
        pytest.param("insufficient", "unknown", "unknown", "two", id="the second may have room"),
        pytest.param("unknown", "sufficient", "sufficient", "two", id="certain before unknown"),
        pytest.param("insufficient", "insufficient", "insufficient", "a: one; b: two", id="neither has room"),
    ],
)
def test_either_quota_is_enough(first: str, second: str, verdict: str, reason: str) -> None:
    best = either([answered(first, "one", quota="a"), answered(second, "two", quota="b")])
    assert (best.verdict, best.reason) == (verdict, reason)


def test_a_single_quota_speaks_for_itself() -> None:
    assert either([answered("insufficient", "one", quota="a")]).reason == "one"


@pytest.mark.parametrize(
    ("offer", "verdict", "reason", "offered"),
    [
        pytest.param(Offer(Machine(4)), "sufficient", f"the zone offers {MACHINE}", True, id="offered"),
        pytest.param(
            Offer(None), "insufficient", f"the machine type {MACHINE} is not offered in {ZONE}", False, id="not offered"
        ),
        pytest.param(
            Offer(None, "no answer"),
            "unknown",
            f"whether {ZONE} offers {MACHINE} could not be read: no answer",
            None,
            id="could not be asked",
        ),
    ],
)
def test_judge_offer(offer: Offer, verdict: str, reason: str, offered: bool | None) -> None:
    assert judge_offer(MACHINE, ZONE, offer) == Check("machine type offered", verdict, reason)
    assert offer.offered is offered


@pytest.mark.parametrize(
    ("found", "own", "verdict", "reason"),
    [
        pytest.param((MACHINE, 4, 1, "READY"), 0, "sufficient", "has 3 of 4 machines free", id="room"),
        pytest.param((MACHINE, 4, 2, "READY"), 0, "insufficient", "has 2 of 4 machines free for 3", id="no room"),
        pytest.param((MACHINE, 4, 3, "READY"), 2, "sufficient", "has 3 of 4 machines free", id="ours are in it"),
        pytest.param((MACHINE, 2, 0, "READY"), 3, "insufficient", "has 2 of 2 machines free for 3", id="ours are not"),
        pytest.param((MACHINE, 4, 0, "CREATING"), 0, "unknown", "is CREATING, not READY", id="not yet"),
        pytest.param(
            ("ct6e-standard-8t", 4, 0, "READY"), 0, "insufficient", f"is of ct6e-standard-8t, not {MACHINE}", id="kind"
        ),
    ],
)
def test_judge_reservation(found: tuple[str, int, int, str], own: int, verdict: str, reason: str) -> None:
    check = judge_reservation(Wanted("r", MACHINE, 3, own), ZONE, Reservation(*found), "")
    assert check == Check("reservation", verdict, f"the reservation r in {ZONE} {reason}", needed=3)


def test_a_reservation_may_be_missing_or_unreadable() -> None:
    wanted = Wanted("r", MACHINE, 3, 0)
    missing = judge_reservation(wanted, ZONE, None, "")
    assert (missing.verdict, missing.reason) == ("insufficient", f"there is no reservation r in {ZONE}")
    silent = judge_reservation(wanted, ZONE, None, "no answer")
    assert (silent.verdict, silent.reason) == (
        "unknown",
        f"the reservation r in {ZONE} could not be read: no answer",
    )


@pytest.mark.parametrize(
    ("value", "verdict", "reason"),
    [
        pytest.param(12, "sufficient", "quota of 12 in europe-west4, 0 used", id="quota, all of it in the reservation"),
        pytest.param(-1, "sufficient", f"the quota {V6E.on_demand} is unlimited in europe-west4", id="unlimited"),
        pytest.param(
            0,
            "unknown",
            "quota of 0 for 12 chips in europe-west4 (as it is set), which a reservation takes, unless it was made for "
            "a date to come",
            id="none: made for a date to come, or not ours",
        ),
        pytest.param(None, "unknown", "no row", id="no row"),
    ],
)
def test_a_reservation_took_its_quota_when_it_was_made(value: int | None, verdict: str, reason: str) -> None:
    check = judge_reserved_quota(12, REGION, limit(value))
    assert check == Check("TPU quota", verdict, reason, quota=str(V6E.on_demand), needed=12, limit=value)


def candidate(location: str, *verdicts: str) -> Candidate:
    return Candidate(location, "on_demand", tuple(answered(verdict, verdict) for verdict in verdicts))


@pytest.mark.parametrize(
    ("verdicts", "order", "chosen"),
    [
        pytest.param(["insufficient", "sufficient", "sufficient"], [1, 2, 0], 1, id="the first that serves"),
        pytest.param(["unknown", "sufficient"], [1, 0], 1, id="certain before unknown"),
        pytest.param(["insufficient", "unknown", "unknown"], [1, 2, 0], 1, id="the first that may"),
        pytest.param(["insufficient", "insufficient"], [0, 1], None, id="none"),
    ],
)
def test_ranking(verdicts: list[str], order: list[int], chosen: int | None) -> None:
    candidates = [candidate(f"z{number}", verdict) for number, verdict in enumerate(verdicts)]
    assert ranking(candidates) == [candidates[number] for number in order]
    assert choose(candidates) == (None if chosen is None else candidates[chosen])


@pytest.mark.parametrize(
    ("verdicts", "verdict", "reason"),
    [
        pytest.param(["sufficient", "sufficient"], "sufficient", "sufficient", id="the quota's reason"),
        pytest.param(["sufficient", "insufficient", "unknown"], "insufficient", "insufficient", id="the worst"),
        pytest.param(["insufficient", "insufficient"], "insufficient", "insufficient; insufficient", id="all of them"),
        pytest.param(["sufficient", "unknown"], "unknown", "unknown", id="unknown"),
    ],
)
def test_a_candidate_is_as_good_as_its_worst_check(verdicts: list[str], verdict: str, reason: str) -> None:
    judged = candidate(ZONE, *verdicts)
    assert (judged.verdict, judged.reason) == (verdict, reason)
