# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""tpu_quota_check: the truth table of the quotas, and the run against scripted ports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._google import GoogleError
from ansible_collections.rhaii.gke.plugins.module_utils._quota.check import Census, PoolUse, QuotaPorts, run, used
from ansible_collections.rhaii.gke.plugins.module_utils._quota.families import FAMILIES, Family, QuotaId, family_of
from ansible_collections.rhaii.gke.plugins.module_utils._quota.verdict import (
    Candidate,
    Limit,
    Offer,
    Question,
    Row,
    Supply,
    choose,
    judge,
    limit_in,
    region_of,
    rows_of,
)

V6E = FAMILIES["v6e"]
REGION = "europe-west4"
ZONE = "europe-west4-a"


@pytest.mark.parametrize(
    ("rows", "value", "known", "default"),
    [
        pytest.param([Row({"region": REGION, "tpu_family": "CT6E"}, 12)], 12, True, False, id="region and family"),
        pytest.param(
            [Row({}, 0), Row({"tpu_family": "CT6E"}, 4), Row({"region": REGION, "tpu_family": "CT6E"}, 12)],
            12,
            True,
            False,
            id="most dimensions first",
        ),
        pytest.param([Row({}, 0), Row({"tpu_family": "CT6E"}, 4)], 4, True, True, id="family before default"),
        pytest.param(
            [Row({"tpu_family": "CT6E"}, 4), Row({"region": REGION}, 8)], 8, True, False, id="region before family"
        ),
        pytest.param([Row({}, 7)], 7, True, True, id="the default alone"),
        pytest.param(
            [Row({"region": REGION, "tpu_family": "CT5LP"}, 64), Row({"region": "us-east5", "tpu_family": "CT6E"}, 64)],
            0,
            False,
            False,
            id="rows of others say nothing",
        ),
        pytest.param([], 0, False, False, id="no rows"),
        pytest.param([Row({"region": REGION, "tpu_family": "CT6E"}, 0)], 0, True, False, id="explicit zero"),
        pytest.param([Row({"region": REGION, "tpu_family": "CT6E"}, -1)], -1, True, False, id="unlimited"),
        pytest.param([Row({"region": REGION, "zone": ZONE}, 64)], 0, False, False, id="a dimension that we do not ask"),
    ],
)
def test_limit_in(rows: list[Row], value: int, known: bool, default: bool) -> None:
    limit = limit_in(V6E.on_demand, rows, REGION)
    assert (limit.value, limit.known, limit.from_default) == (value, known, default)


def test_rows_of_reads_a_missing_value_as_zero() -> None:
    info = {
        "dimensionsInfos": [
            {"dimensions": {"region": REGION}, "details": {"value": "12"}},
            {"details": {}},
            {"dimensions": {"region": "us-east5"}},
        ]
    }
    assert rows_of(info) == [Row({"region": REGION}, 12), Row({}, 0), Row({"region": "us-east5"}, 0)]
    assert rows_of({}) == []


@pytest.mark.parametrize(
    ("zone", "region"),
    [
        pytest.param("europe-west4-a", "europe-west4", id="a zone"),
        pytest.param("us-south1-ai1b", "us-south1", id="an AI zone"),
        pytest.param("northamerica-northeast1-c", "northamerica-northeast1", id="a long one"),
    ],
)
def test_region_of(zone: str, region: str) -> None:
    assert region_of(zone) == region


@pytest.mark.parametrize("zone", ["europe-west4", "", "europe-west4-", "A-B1-c", "europe"])
def test_no_zone_is_refused(zone: str) -> None:
    with pytest.raises(RhaiiError, match="is no zone"):
        region_of(zone)


def limit(value: int | None, from_default: bool = False) -> Limit:
    return Limit(V6E.on_demand, known=value is not None, value=value or 0, from_default=from_default)


@pytest.mark.parametrize(
    ("value", "usage", "verdict", "reason", "available"),
    [
        pytest.param(12, 0, "sufficient", "quota of 12 in europe-west4, 0 used", 12, id="just enough"),
        pytest.param(
            11, 0, "insufficient", "quota of 11 for 12 chips in europe-west4 (as it is set)", 11, id="one short"
        ),
        pytest.param(8, 0, "insufficient", "quota of 8 for 12 chips in europe-west4 (as it is set)", 8, id="eight"),
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
        pytest.param(
            None, 0, "unknown", f"the quota {V6E.on_demand} has no row that speaks of {REGION}", None, id="no row"
        ),
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
def test_judge(value: int | None, usage: int | None, verdict: str, reason: str, available: int | None) -> None:
    question = Question("TPU v6e", "ct6e-standard-4t", 12, "on_demand")
    candidate = judge(question, ZONE, [Supply(limit(value), usage)], Offer(True))
    assert (candidate.verdict, candidate.reason, candidate.available) == (verdict, reason, available)
    assert candidate.limit == value
    assert candidate.offered is True


def test_a_default_of_zero_reads_differently_from_a_zero_that_was_set() -> None:
    question = Question("TPU v6e", "ct6e-standard-4t", 12, "on_demand")
    candidate = judge(question, ZONE, [Supply(limit(0, from_default=True), 0)], Offer(True))
    assert candidate.reason == "quota of 0 for 12 chips in europe-west4 (the default, none was set)"


@pytest.mark.parametrize(
    ("first", "second", "verdict", "quota"),
    [
        pytest.param(12, 0, "sufficient", V6E.preemptible, id="preemptible has room"),
        pytest.param(0, 12, "sufficient", V6E.on_demand, id="the family has room"),
        pytest.param(0, None, "unknown", V6E.on_demand, id="the family may have room"),
        pytest.param(0, 0, "insufficient", V6E.preemptible, id="neither has room"),
    ],
)
def test_flex_start_takes_either_quota(first: int, second: int | None, verdict: str, quota: QuotaId) -> None:
    supplies = [
        Supply(Limit(V6E.preemptible, known=True, value=first), 0),
        Supply(Limit(V6E.on_demand, known=second is not None, value=second or 0), 0),
    ]
    candidate = judge(Question("t", "m", 12, "flex_start"), ZONE, supplies, Offer(True))
    assert candidate.verdict == verdict
    assert candidate.quota == str(quota)


@pytest.mark.parametrize(
    ("value", "offer", "verdict", "reason"),
    [
        pytest.param(64, Offer(False, "not offered"), "insufficient", "not offered", id="not offered"),
        pytest.param(64, Offer(None, "no answer"), "unknown", "no answer", id="could not be asked"),
        pytest.param(
            0,
            Offer(None, "no answer"),
            "insufficient",
            "quota of 0 for 12 chips in europe-west4 (as it is set)",
            id="quota decides",
        ),
    ],
)
def test_the_machine_type_is_asked_of_the_zone(value: int, offer: Offer, verdict: str, reason: str) -> None:
    candidate = judge(Question("t", "m", 12, "on_demand"), ZONE, [Supply(limit(value), 0)], offer)
    assert (candidate.verdict, candidate.reason) == (verdict, reason)


def candidate(location: str, verdict: str) -> Candidate:
    return Candidate(location, "on_demand", verdict, None, None, None, "q", "r")


@pytest.mark.parametrize(
    ("verdicts", "chosen"),
    [
        pytest.param(["insufficient", "sufficient", "sufficient"], 1, id="the first that serves"),
        pytest.param(["unknown", "sufficient"], 1, id="certain before unknown"),
        pytest.param(["insufficient", "unknown", "unknown"], 1, id="the first that may"),
        pytest.param(["insufficient"], None, id="none"),
    ],
)
def test_choose(verdicts: list[str], chosen: int | None) -> None:
    candidates = [candidate(f"z{number}", verdict) for number, verdict in enumerate(verdicts)]
    assert choose(candidates) == (None if chosen is None else candidates[chosen])


@pytest.mark.parametrize(
    ("family", "machine_type", "chips"),
    [
        pytest.param("v6e", "ct6e-standard-4t", 4, id="v6e four"),
        pytest.param("v6e", "ct6e-standard-8t-tpu", 8, id="v6e with the suffix"),
        pytest.param("v6e", "ct5p-hightpu-4t", 0, id="another family"),
        pytest.param("v6e", "ct6e-standard-4", 0, id="not a TPU machine"),
        pytest.param("v5e", "ct5lp-hightpu-1t", 1, id="v5e one"),
        pytest.param("v5p", "ct5p-hightpu-4t", 4, id="v5p four"),
    ],
)
def test_chips_of_a_machine(family: str, machine_type: str, chips: int) -> None:
    assert FAMILIES[family].chips(machine_type) == chips


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_every_family_knows_its_own_machine_and_no_cloud_tpu_api_quota(family: str) -> None:
    row = family_of(family)
    assert row.chips(row.machine_type) > 0
    for provisioning in ("on_demand", "spot", "flex_start"):
        for quota in row.quotas(provisioning):
            assert "ForTPUAPI" not in quota.id
            assert quota.id.endswith("-per-project-region")


def test_unknown_family_is_refused_with_the_known_ones() -> None:
    with pytest.raises(RhaiiError, match="The accelerator v7 is not known") as caught:
        family_of("v7")
    assert "v5e, v5p, v6e" in caught.value.remedy


def use(**changes: Any) -> PoolUse:
    values: dict[str, Any] = {
        "cluster": "other",
        "name": "tpu-pool",
        "zones": (ZONE,),
        "machine_type": "ct6e-standard-4t",
        "preemptible": False,
        "nodes": 2,
    }
    return PoolUse(**{**values, **changes})


@pytest.mark.parametrize(
    ("pool", "chips"),
    [
        pytest.param(use(), 8, id="another cluster's pool"),
        pytest.param(use(cluster="c"), 0, id="the pool that the chips are for"),
        pytest.param(use(cluster="c", name="second"), 8, id="another pool of our cluster"),
        pytest.param(use(zones=("europe-west4-b",)), 8, id="another zone of the region"),
        pytest.param(use(zones=("europe-west40-a",)), 0, id="a region with a longer name"),
        pytest.param(use(preemptible=True), 0, id="another quota"),
        pytest.param(use(machine_type="ct6e-standard-1t"), 2, id="smaller machines"),
    ],
)
def test_used(pool: PoolUse, chips: int) -> None:
    assert used(V6E, V6E.on_demand, REGION, Census((pool,)), ("c", "tpu-pool")) == chips


def test_use_is_not_known_when_a_zone_did_not_answer() -> None:
    assert used(V6E, V6E.on_demand, REGION, None, (None, None)) is None
    assert used(V6E, V6E.on_demand, REGION, Census((), frozenset({ZONE})), (None, None)) is None
    assert used(V6E, V6E.on_demand, REGION, Census((), frozenset({"us-east5-a"})), (None, None)) == 0


@dataclass
class Scripted:
    """All three ports."""

    limits: dict[str, int | None] = field(default_factory=lambda: {REGION: 12})
    not_offered: frozenset[str] = frozenset()
    pools: tuple[PoolUse, ...] = ()
    quota_error: GoogleError | None = None
    pools_error: GoogleError | None = None
    zones_error: GoogleError | None = None
    asked: list[str] = field(default_factory=list)

    def rows(self, quota_id: str) -> Sequence[Row] | None:
        self.asked.append(quota_id)
        if self.quota_error:
            raise self.quota_error
        if not self.limits:
            return None
        return [
            Row({"region": region, **({"tpu_family": "CT6E"} if "FAMILY" in quota_id else {})}, value)
            for region, value in self.limits.items()
            if value is not None
        ]

    def offer(self, zone: str, machine_type: str) -> Offer:
        if zone in self.not_offered:
            return Offer(False, f"the machine type {machine_type} is not offered in {zone}")
        return Offer(True)

    def zones_with(self, machine_type: str) -> Sequence[str]:
        assert machine_type == V6E.machine_type
        if self.zones_error:
            raise self.zones_error
        return ["europe-west4-a", "us-east5-a"]

    def census(self, of_interest: Family) -> Census:
        assert of_interest == V6E
        if self.pools_error:
            raise self.pools_error
        return Census(self.pools)


PARAMS: dict[str, Any] = {
    "project": "p",
    "accelerator": "v6e",
    "chips": 12,
    "locations": [ZONE],
    "provisioning": "on_demand",
    "machine_type": None,
    "cluster": None,
    "node_pool": None,
    "fail_on_insufficient": True,
}


def play(scripted: Scripted, **changes: Any) -> dict[str, Any]:
    ports = QuotaPorts(scripted, scripted, scripted)
    return run({**PARAMS, **changes}, ports, lambda message: None, False)


def test_run_names_the_location_that_serves() -> None:
    result = play(Scripted())
    assert result["location"] == ZONE
    assert result["verdict"] == "sufficient"
    assert result["request"] is None
    assert result["remedy"] == ""
    assert result["changed"] is False
    assert result["candidates"] == [
        {
            "location": ZONE,
            "provisioning": "on_demand",
            "verdict": "sufficient",
            "limit": 12,
            "usage": 0,
            "available": 12,
            "quota": "TPUS-PER-TPU-FAMILY-per-project-region tpu_family=CT6E",
            "offered": True,
            "reason": "quota of 12 in europe-west4, 0 used",
        }
    ]


def test_run_moves_on_to_the_second_location() -> None:
    result = play(Scripted(limits={REGION: 8, "us-east5": 64}), locations=[ZONE, "us-east5-a", ZONE])
    assert result["location"] == "us-east5-a"
    assert [each["verdict"] for each in result["candidates"]] == ["insufficient", "sufficient"]
    assert "These have enough: us-east5-a (rhaii_location)." in result["remedy"]
    assert result["request"]["dimensions"]["region"] == REGION


def test_quota_of_eight_for_twelve_chips_is_one_clear_error() -> None:
    with pytest.raises(RhaiiError) as caught:
        play(Scripted(limits={REGION: 8}))
    assert "12 chips of TPU v6e (Trillium) as on_demand" in caught.value.msg
    assert "quota of 8 for 12 chips in europe-west4" in caught.value.msg
    assert "Ask for 12 of TPUS-PER-TPU-FAMILY-per-project-region (region=europe-west4, tpu_family=CT6E)" in (
        caught.value.remedy
    )
    assert "iam-admin/quotas?project=p" in caught.value.remedy
    assert caught.value.result["request"]["quotaConfig"] == {"preferredValue": 12}
    assert caught.value.result["candidates"][0]["limit"] == 8


def test_insufficient_need_not_fail() -> None:
    result = play(Scripted(limits={REGION: 8}), fail_on_insufficient=False)
    assert result["location"] is None
    assert result["verdict"] == "insufficient"
    assert result["request"]["dimensions"] == {"region": REGION, "tpu_family": "CT6E"}


def test_the_request_covers_what_others_hold() -> None:
    result = play(Scripted(pools=(use(),)), fail_on_insufficient=False)
    assert result["request"]["quotaConfig"] == {"preferredValue": 20}


def test_our_own_pool_does_not_stand_in_its_own_way() -> None:
    scripted = Scripted(pools=(use(cluster="c", nodes=3),))
    assert play(scripted, cluster="c", node_pool="tpu-pool")["verdict"] == "sufficient"
    assert play(scripted, fail_on_insufficient=False)["verdict"] == "insufficient"


def test_a_zone_without_the_machine_type_is_told_where_there_is_one() -> None:
    with pytest.raises(RhaiiError, match="ct6e-standard-4t is not offered in europe-west4-a") as caught:
        play(Scripted(not_offered=frozenset({ZONE})))
    assert caught.value.remedy.startswith("It is offered in: europe-west4-a, us-east5-a.")


@pytest.mark.parametrize(
    ("scripted", "reason"),
    [
        pytest.param(Scripted(limits={}), "the project has no quota", id="no such quota"),
        pytest.param(Scripted(limits={"us-east5": 9}), "has no row that speaks of europe-west4", id="no row"),
        pytest.param(
            Scripted(quota_error=GoogleError("x", 403, "PERMISSION_DENIED", "cloudquotas.quotas.get is missing")),
            "could not be read: cloudquotas.quotas.get is missing",
            id="not allowed to read",
        ),
        pytest.param(
            Scripted(pools_error=GoogleError("x", 403, "PERMISSION_DENIED", "no")), "could not be counted", id="use"
        ),
    ],
)
def test_unknown_is_an_answer_and_does_not_fail(scripted: Scripted, reason: str) -> None:
    result = play(scripted)
    assert result["verdict"] == "unknown"
    assert result["location"] == ZONE
    assert reason in result["candidates"][0]["reason"]


def test_spot_reads_the_preemptible_quota_alone() -> None:
    scripted = Scripted()
    assert play(scripted, provisioning="spot")["verdict"] == "sufficient"
    assert scripted.asked == ["PREEMPTIBLE-TPU-V6E-per-project-region"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"accelerator": "v7"}, "v7 is not known", id="unknown accelerator"),
        pytest.param({"machine_type": "e2-standard-4"}, "not a machine type of TPU v6e", id="not a TPU machine"),
        pytest.param({"chips": 10}, "10 chips cannot be had from machines of 4", id="not a multiple"),
        pytest.param({"chips": 0}, "0 chips cannot be had", id="none"),
        pytest.param({"chips": -4}, "-4 chips cannot be had", id="negative"),
        pytest.param({"locations": ["europe-west4"]}, "europe-west4 is no zone", id="a region"),
        pytest.param({"locations": []}, "No location is given", id="no location"),
    ],
)
def test_bad_input_is_refused_before_google_is_asked(changes: dict[str, Any], said: str) -> None:
    scripted = Scripted()
    with pytest.raises(RhaiiError, match=said) as caught:
        play(scripted, **changes)
    assert caught.value.remedy
    assert scripted.asked == []


def test_result_in_full_when_there_is_too_little() -> None:
    said: list[str] = []
    scripted = Scripted(limits={REGION: 8, "us-east5": 64, "us-central1": 64})
    params = {**PARAMS, "locations": [ZONE, "us-east5-a", "us-central1-b"]}
    result = run(params, QuotaPorts(scripted, scripted, scripted), said.append, False)
    assert said == ["quota: TPU v6e (Trillium), 12 chips, on_demand in europe-west4-a, us-east5-a, us-central1-b"]
    assert len(result.pop("candidates")) == 3
    assert result.pop("remedy").endswith(" These have enough: us-east5-a, us-central1-b (rhaii_location).")
    assert result == {
        "changed": False,
        "accelerator": "v6e",
        "machine_type": "ct6e-standard-4t",
        "chips": 12,
        "provisioning": "on_demand",
        "location": "us-east5-a",
        "verdict": "sufficient",
        "quota_page": "https://console.cloud.google.com/iam-admin/quotas?project=p&service=compute.googleapis.com",
        "request": {
            "parent": "projects/p/locations/global",
            "service": "compute.googleapis.com",
            "quotaId": "TPUS-PER-TPU-FAMILY-per-project-region",
            "dimensions": {"region": REGION, "tpu_family": "CT6E"},
            "quotaConfig": {"preferredValue": 12},
        },
    }


def test_every_location_is_named_when_none_serves() -> None:
    with pytest.raises(RhaiiError) as caught:
        play(Scripted(limits={REGION: 8, "us-east5": 4}), locations=[ZONE, "us-east5-a"])
    assert caught.value.msg == (
        "No location has 12 chips of TPU v6e (Trillium) as on_demand: europe-west4-a: quota of 8 for 12 chips in "
        "europe-west4 (as it is set); us-east5-a: quota of 4 for 12 chips in us-east5 (as it is set)."
    )


def test_spot_counts_spot_pools_alone() -> None:
    pools = (use(preemptible=True, nodes=2), use(preemptible=False, nodes=1))
    (found,) = play(Scripted(limits={REGION: 64}, pools=pools), provisioning="spot")["candidates"]
    assert found["usage"] == 8
    (found,) = play(Scripted(limits={REGION: 64}, pools=pools))["candidates"]
    assert found["usage"] == 4


def test_machines_of_one_chip() -> None:
    assert play(Scripted(), chips=1, machine_type="ct6e-standard-1t")["verdict"] == "sufficient"


def test_no_location_is_said() -> None:
    with pytest.raises(RhaiiError) as caught:
        play(Scripted(), locations=[])
    assert (caught.value.msg, caught.value.remedy) == (
        "No location is given.",
        "Give at least one zone in locations.",
    )


def test_zones_that_google_does_not_list_are_left_out_of_the_remedy() -> None:
    scripted = Scripted(not_offered=frozenset({ZONE}), zones_error=GoogleError("list", 403, "", "no"))
    result = play(scripted, fail_on_insufficient=False)
    assert result["remedy"] == "Choose a zone that has it (rhaii_location)."


@pytest.mark.parametrize("scripted", [Scripted(limits={}), Scripted(quota_error=GoogleError("read", 403, "", "no"))])
def test_quota_that_is_not_known_is_named(scripted: Scripted) -> None:
    (found,) = play(scripted)["candidates"]
    assert (found["limit"], found["available"], found["quota"]) == (None, None, str(V6E.on_demand))


def test_quota_is_named_with_its_dimensions() -> None:
    assert str(QuotaId("Q", {"a": "1", "b": "2"})) == "Q a=1 b=2"
    assert limit_in(V6E.on_demand, [], REGION).quota == V6E.on_demand
