# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""tpu_quota_check against scripted ports: each way to buy, the ranking, and what to do."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._google import UnreachableError
from ansible_collections.rhaii.gke.plugins.module_utils._quota.values import (
    Info,
    LiveCluster,
    Reading,
    RegionQuota,
    Reservation,
    Row,
)
from ansible_collections.rhaii.gke.plugins.module_utils._quota.verdict import Check

from tests.unit.plugins.module_utils.quota.fake_google import (
    FAMILY,
    MACHINE,
    OTHER_REGION,
    OTHER_ZONE,
    PREEMPTIBLE,
    REFUSED,
    REGION,
    ROOMY,
    ZONE,
    Google,
    family_row,
    play,
    pool,
)

SET = Row({"region": REGION}, 0)
QUOTAS_PAGE = "https://console.cloud.google.com/iam-admin/quotas?project=p&service=compute.googleapis.com"
RESERVATIONS_PAGE = "https://console.cloud.google.com/compute/reservations?project=p"


def limits(family: tuple[Row, ...] | None, preemptible: tuple[Row, ...] | None) -> Google:
    """A project with these rows; None when it has no such quota."""
    infos = {FAMILY: family, PREEMPTIBLE: preemptible}
    return Google(infos={quota: Info(rows) for quota, rows in infos.items() if rows is not None})


# What one project showed: a region without a row of its own has none on demand, and plenty that can be taken away.
OPPOSITE_DEFAULTS = ((Row({}, 0),), (Row({}, 1536),))


@pytest.mark.parametrize(
    ("way", "family", "preemptible", "verdict", "quota", "said"),
    [
        pytest.param("on_demand", *OPPOSITE_DEFAULTS, "insufficient", FAMILY, "the default", id="on demand, unset"),
        pytest.param("spot", *OPPOSITE_DEFAULTS, "sufficient", PREEMPTIBLE, "quota of 1536", id="spot, unset"),
        pytest.param(
            "flex_start", *OPPOSITE_DEFAULTS, "sufficient", PREEMPTIBLE, "quota of 1536", id="flex start, unset"
        ),
        pytest.param(
            "on_demand",
            (family_row(12), Row({}, 0)),
            (SET,),
            "sufficient",
            FAMILY,
            "quota of 12",
            id="on demand, set",
        ),
        pytest.param(
            "on_demand", (family_row(0),), (Row({}, 1536),), "insufficient", FAMILY, "as it is set", id="explicit zero"
        ),
        pytest.param(
            "spot",
            (family_row(64),),
            (SET, Row({}, 1536)),
            "insufficient",
            PREEMPTIBLE,
            "as it is set",
            id="spot, explicit zero",
        ),
        pytest.param(
            "flex_start", (family_row(12),), (SET,), "sufficient", FAMILY, "quota of 12", id="flex start falls back"
        ),
        pytest.param(
            "flex_start", (family_row(0),), (SET,), "insufficient", PREEMPTIBLE, "; ", id="flex start, neither"
        ),
        pytest.param("flex_start", (), (SET,), "unknown", FAMILY, "no row", id="flex start, the second may have room"),
        pytest.param(
            "on_demand", (family_row(-1),), None, "sufficient", FAMILY, "unlimited", id="on demand, unlimited"
        ),
        pytest.param("spot", None, (Row({}, -1),), "sufficient", PREEMPTIBLE, "unlimited", id="spot, unlimited"),
        pytest.param("on_demand", (), None, "unknown", FAMILY, "no row that speaks of europe-west4", id="no rows"),
        pytest.param(
            "on_demand",
            (family_row(64, OTHER_REGION),),
            None,
            "unknown",
            FAMILY,
            "no row that speaks of europe-west4",
            id="rows of other regions",
        ),
        pytest.param("spot", (family_row(64),), (), "unknown", PREEMPTIBLE, "no row", id="spot, no rows"),
    ],
)
def test_truth_table(
    way: str,
    family: tuple[Row, ...] | None,
    preemptible: tuple[Row, ...] | None,
    verdict: str,
    quota: str,
    said: str,
) -> None:
    result = play(limits(family, preemptible), provisioning=[way], fail_on_insufficient=False)
    (candidate,) = result["candidates"]
    assert (candidate["verdict"], candidate["quota"].split()[0]) == (verdict, quota)
    assert said in candidate["reason"]


@pytest.mark.parametrize("way", ["on_demand", "spot", "flex_start"])
def test_quotas_of_the_cloud_tpu_api_are_a_trap_that_nobody_walks_into(way: str) -> None:
    """GKE does not use them: a project with 512 of them had no chip."""
    google = limits((Row({}, 0),), (Row({}, 0),))
    for quota in ("TPUV6EPerProjectPerZoneForTPUAPI", "TPUV6EPreemptiblePerProjectPerRegionForTPUAPI"):
        google.infos[quota] = Info((Row({"zone": ZONE}, 512), Row({"region": REGION}, 512), Row({}, 512)))
    result = play(google, provisioning=[way], fail_on_insufficient=False)
    assert result["verdict"] == "insufficient"
    assert {what for port, what in google.asked if port == "info"} <= {FAMILY, PREEMPTIBLE}


def test_what_the_region_lists_of_tpus_is_a_trap_that_nobody_walks_into() -> None:
    """No region lists v6e. Were it looked for there, these would look like an answer."""
    listed = {
        **ROOMY,
        "TPU_LITE_PODSLICE_V5": RegionQuota(512, 0),
        "PREEMPTIBLE_TPU_LITE_PODSLICE_V5": RegionQuota(512, 0),
        "TPUS_PER_TPU_FAMILY": RegionQuota(512, 0),
    }
    google = Google(infos={FAMILY: Info((Row({}, 0),))}, region_quotas={REGION: listed})
    assert play(google, fail_on_insufficient=False)["verdict"] == "insufficient"
    roomy = Google(region_quotas={REGION: {**ROOMY, "TPUS_PER_TPU_FAMILY": RegionQuota(0, 0)}})
    assert play(roomy)["verdict"] == "sufficient"


@pytest.mark.parametrize(
    ("family", "machine_type", "on_demand", "spot"),
    [
        pytest.param("v6e", "ct6e-standard-4t", FAMILY, PREEMPTIBLE, id="v6e"),
        pytest.param(
            "v5e",
            "ct5lp-hightpu-4t",
            "TPU-LITE-PODSLICE-V5-per-project-region",
            "PREEMPTIBLE-TPU-LITE-PODSLICE-V5-per-project-region",
            id="v5e",
        ),
        pytest.param(
            "v5p",
            "ct5p-hightpu-4t",
            "TPU-V5P-per-project-region",
            "PREEMPTIBLE-TPU-V5P-per-project-region",
            id="v5p",
        ),
    ],
)
def test_each_family_has_quotas_of_its_own(family: str, machine_type: str, on_demand: str, spot: str) -> None:
    rows = (Row({"region": REGION, **({"tpu_family": "CT6E"} if family == "v6e" else {})}, 12),)
    for way, quota in (("on_demand", on_demand), ("spot", spot)):
        google = Google(infos={quota: Info(rows if way == "on_demand" else (Row({"region": REGION}, 12),))})
        result = play(google, accelerator=family, provisioning=[way])
        assert (result["verdict"], result["machine_type"]) == ("sufficient", machine_type)
        assert [what for port, what in google.asked if port == "info"] == [quota]


HELD = Reservation(MACHINE, 4, 0, "READY")
RESERVED = {"provisioning": ["reservation"], "reservation": "r", "fail_on_insufficient": False}


@pytest.mark.parametrize(
    ("held", "rows", "verdict", "reason"),
    [
        pytest.param(HELD, (family_row(16),), "sufficient", "quota of 16 in europe-west4, 0 used", id="room and quota"),
        pytest.param(
            HELD,
            (family_row(0),),
            "unknown",
            "quota of 0 for 12 chips in europe-west4 (as it is set), which a reservation takes, unless it was made for "
            "a date to come",
            id="room without quota",
        ),
        pytest.param(
            HELD,
            (),
            "unknown",
            f"the quota {FAMILY} tpu_family=CT6E has no row that speaks of europe-west4",
            id="room, quota not known",
        ),
        pytest.param(
            Reservation(MACHINE, 4, 2, "READY"),
            (family_row(16),),
            "insufficient",
            "the reservation r in europe-west4-a has 2 of 4 machines free for 3",
            id="full",
        ),
        pytest.param(None, (family_row(16),), "insufficient", "there is no reservation r in europe-west4-a", id="none"),
        pytest.param(
            REFUSED,
            (family_row(16),),
            "unknown",
            "the reservation r in europe-west4-a could not be read: cloudquotas.quotas.get is missing",
            id="could not be read",
        ),
    ],
)
def test_reservation(held: Reservation | RhaiiError | None, rows: tuple[Row, ...], verdict: str, reason: str) -> None:
    google = Google(infos={FAMILY: Info(rows)})
    if isinstance(held, RhaiiError):
        google.errors["reservation"] = held
    elif held:
        google.held[ZONE] = held
    result = play(google, **RESERVED)
    assert (result["verdict"], result["candidates"][0]["reason"]) == (verdict, reason)
    assert [(check["check"], check["page"]) for check in result["candidates"][0]["checks"]] == [
        ("TPU quota", QUOTAS_PAGE),
        ("reservation", RESERVATIONS_PAGE),
        ("machine type offered", ""),
    ]
    assert ("reservation", f"{ZONE} r") in google.asked
    # its use is in the quota since it was made
    assert not [what for port, what in google.asked if port == "readings"]


def test_the_way_out_of_a_full_reservation_is_another_one() -> None:
    assert play(Google(), **RESERVED)["remedy"] == (
        f"See {RESERVATIONS_PAGE}, and name a reservation with free ct6e-standard-4t machines."
    )


def test_our_own_pool_may_be_in_the_reservation() -> None:
    own = {"cluster": "c", "node_pool": "tpu-pool"}
    google = Google(held={ZONE: Reservation(MACHINE, 4, 3, "READY")}, live_pools=(pool(cluster="c", nodes=3),))
    assert play(google, **RESERVED, **own)["verdict"] == "sufficient"
    assert play(google, **RESERVED)["verdict"] == "insufficient"


@pytest.mark.parametrize(
    ("live", "used"),
    [
        pytest.param(pool(), 8, id="another cluster's pool"),
        pytest.param(pool(cluster="c"), 0, id="the pool that the chips are for"),
        pytest.param(pool(cluster="c", zones=("europe-west4-b",)), 8, id="its namesake in another zone"),
        pytest.param(pool(cluster="c", name="second"), 8, id="another pool of our cluster"),
        pytest.param(pool(zones=("europe-west4-b",)), 8, id="another zone of the region"),
        pytest.param(pool(zones=("europe-west40-a",)), 0, id="a region with a longer name"),
        pytest.param(pool(preemptible=True), 0, id="another quota"),
        pytest.param(pool(machine_type="ct6e-standard-1t"), 2, id="smaller machines"),
        pytest.param(pool(machine_type="ct5lp-hightpu-4t"), 0, id="another family"),
        pytest.param(pool(machine_type="e2-standard-4"), 0, id="no TPU"),
        pytest.param(pool(nodes=0), 0, id="a suspended one"),
    ],
)
def test_live_pools_are_counted(live: Any, used: int) -> None:
    google = Google(infos={FAMILY: Info((family_row(64),))}, live_pools=(live,))
    (candidate,) = play(google, cluster="c", node_pool="tpu-pool")["candidates"]
    assert (candidate["usage"], candidate["available"]) == (used, 64 - used)
    assert candidate["checks"][0]["usage_source"] == "pools"


def test_pools_of_others_add_up() -> None:
    google = Google(infos={FAMILY: Info((family_row(64),))}, live_pools=(pool(), pool(1, name="second")))
    assert play(google)["candidates"][0]["usage"] == 12


def test_only_pools_that_matter_are_counted() -> None:
    google = Google(
        live_pools=(
            pool(name="tpu"),
            pool(cluster="c", name="ours", machine_type="e2-standard-4"),
            pool(name="theirs", machine_type="e2-standard-4"),
        )
    )
    play(google, fail_on_insufficient=False, cluster="c")
    assert [what for port, what in google.asked if port == "nodes"] == ["tpu"]
    google.asked.clear()
    play(google, fail_on_insufficient=False, cluster="c", standard_pool=STANDARD)
    assert sorted(what for port, what in google.asked if port == "nodes") == ["ours", "tpu"]


def seen(value: int, quota: str = FAMILY, region: str = REGION) -> dict[str, dict[str, Reading]]:
    return {quota: {region: Reading(value, "2026-11-24T12:00:00Z")}}


@pytest.mark.parametrize(
    ("google", "used", "source"),
    [
        pytest.param(Google(series=seen(4)), 4, "monitoring", id="machines that are in no pool"),
        pytest.param(Google(series=seen(4), live_pools=(pool(),)), 8, "pools", id="pools that are newer"),
        pytest.param(Google(series=seen(4, region=OTHER_REGION)), 0, "pools", id="another region's reading"),
        pytest.param(Google(series=seen(4, PREEMPTIBLE)), 0, "pools", id="another quota's reading"),
        pytest.param(Google(errors={"readings": REFUSED}), 0, "pools", id="Cloud Monitoring refuses"),
        pytest.param(Google(series=seen(4), errors={"live": REFUSED}), 4, "monitoring", id="only Cloud Monitoring"),
        pytest.param(
            Google(series=seen(4), live_pools=(pool(),), errors={"nodes": REFUSED}), 4, "monitoring", id="no sizes"
        ),
        pytest.param(
            Google(series=seen(4), missing=frozenset({ZONE})), 4, "monitoring", id="a zone did not answer Google"
        ),
        pytest.param(Google(missing=frozenset({OTHER_ZONE})), 0, "pools", id="a zone elsewhere did not answer"),
        pytest.param(
            Google(series=seen(4), live_pools=(pool(), pool(REFUSED, name="second"))), 4, "monitoring", id="no size"
        ),
        pytest.param(
            Google(series=seen(4), live_pools=(pool(), pool(REFUSED, zones=(OTHER_ZONE,)))),
            8,
            "pools",
            id="no size elsewhere",
        ),
    ],
)
def test_cloud_monitoring_and_live_pools_complete_each_other(google: Google, used: int, source: str) -> None:
    google.infos[FAMILY] = Info((family_row(64),))
    (candidate,) = play(google)["candidates"]
    assert (candidate["usage"], candidate["checks"][0]["usage_source"]) == (used, source)


OURS = {"cluster": "c", "node_pool": "tpu-pool"}


@pytest.mark.parametrize(
    ("reading", "others", "used", "source"),
    [
        pytest.param(8, (), 0, "pools", id="all of it is ours"),
        pytest.param(20, (), 12, "monitoring", id="more than ours"),
        pytest.param(20, (pool(1),), 12, "monitoring", id="more than ours and a pool of others"),
        pytest.param(12, (pool(1),), 4, "pools", id="ours and a pool of others"),
    ],
)
def test_what_our_own_pool_holds_is_not_in_its_way(
    reading: int, others: tuple[Any, ...], used: int, source: str
) -> None:
    google = Google(
        infos={FAMILY: Info((family_row(64),))}, series=seen(reading), live_pools=(pool(cluster="c"), *others)
    )
    (candidate,) = play(google, **OURS)["candidates"]
    assert (candidate["usage"], candidate["checks"][0]["usage_source"]) == (used, source)


@pytest.mark.parametrize(
    ("ours", "verdict", "reason"),
    [
        pytest.param(OURS, "unknown", "some by this pool perhaps", id="a pool is named"),
        pytest.param({}, "insufficient", "8 left for 12 chips", id="none is named"),
    ],
)
def test_a_pool_that_may_hold_what_is_used(ours: dict[str, str], verdict: str, reason: str) -> None:
    result = play(Google(series=seen(4), errors={"live": REFUSED}), fail_on_insufficient=False, **ours)
    assert (result["verdict"], result["candidates"][0]["reason"][-len(reason) :]) == (verdict, reason)


MADE_FOR_DEV = {"managed-by": "rhaii-gke", "rhaii-environment": "dev"}


@pytest.mark.parametrize(
    ("labels", "changes", "whose"),
    [
        ({"rhaii-environment": "prod", "managed-by": "rhaii-gke"}, {}, "it belongs to the environment prod"),
        (
            {"goog-terraform-provisioned": "true"},
            {},
            "it seems to be made by Terraform (label goog-terraform-provisioned)",
        ),
        (MADE_FOR_DEV, {}, ""),
        ({}, {"cluster": "another"}, ""),
        ({}, {"locations": [OTHER_ZONE]}, ""),
        # nobody says whose it must be
        ({}, {"environment": None}, ""),
    ],
    ids=["of another environment", "of a tool", "ours", "of another name", "in another place", "not asked"],
)
def test_room_beside_a_cluster_of_others_is_not_for_us(
    labels: dict[str, str], changes: dict[str, Any], whose: str
) -> None:
    rows = (family_row(64), family_row(64, OTHER_REGION))
    google = Google(infos={FAMILY: Info(rows)}, clusters=(LiveCluster("c", ZONE, labels),))
    asked = {**OURS, "environment": "dev", "fail_on_insufficient": False, **changes}
    (candidate,) = play(google, **asked)["candidates"]
    refused = [check for check in candidate["checks"] if check["check"] == "cluster"]
    assert candidate["verdict"] == ("insufficient" if whose else "sufficient")
    assert [(check["reason"], check["remedy"]) for check in refused] == (
        [
            (
                f"The cluster c in {ZONE} was not made for the environment dev: {whose}. It is left alone.",
                "Give another name (rhaii_cluster_name).",
            )
        ]
        if whose
        else []
    )


def test_available_is_what_counts_not_the_limit() -> None:
    result = play(Google(series=seen(4)), fail_on_insufficient=False)
    assert result["verdict"] == "insufficient"
    assert "8 left for 12 chips" in result["candidates"][0]["reason"]


SEE_FOR_YOURSELF = f"See for yourself at {QUOTAS_PAGE}, before anything is created."


@pytest.mark.parametrize(
    ("google", "reason", "remedy"),
    [
        pytest.param(
            Google(errors={"info": REFUSED}),
            f"the quota {FAMILY} tpu_family=CT6E could not be read: cloudquotas.quotas.get is missing",
            SEE_FOR_YOURSELF,
            id="the quota",
        ),
        pytest.param(
            Google(infos={}), f"the project has no quota {FAMILY} tpu_family=CT6E", SEE_FOR_YOURSELF, id="no such quota"
        ),
        pytest.param(
            Google(errors={"machine": REFUSED}),
            "whether europe-west4-a offers ct6e-standard-4t could not be read: cloudquotas.quotas.get is missing",
            "Run again when Compute Engine answers.",
            id="the zone",
        ),
        pytest.param(
            Google(errors={"info": UnreachableError("Could not read it: no answer from https://x.")}),
            f"the quota {FAMILY} tpu_family=CT6E could not be read: Could not read it: no answer from https://x.",
            SEE_FOR_YOURSELF,
            id="silence",
        ),
        pytest.param(
            Google(errors={"live": REFUSED, "readings": UnreachableError("no answer")}),
            "quota of 12 in europe-west4, but what is used of it could not be counted (Cloud Monitoring: no answer; "
            "pools: cloudquotas.quotas.get is missing)",
            SEE_FOR_YOURSELF,
            id="use",
        ),
        pytest.param(
            Google(missing=frozenset({ZONE, "europe-west4-b", OTHER_ZONE})),
            "quota of 12 in europe-west4, but what is used of it could not be counted (Cloud Monitoring: says nothing "
            "of it; pools: europe-west4-a, europe-west4-b did not answer Google)",
            SEE_FOR_YOURSELF,
            id="zones",
        ),
    ],
)
def test_unknown_is_an_answer_and_does_not_fail(google: Google, reason: str, remedy: str) -> None:
    result = play(google)
    assert (result["verdict"], result["location"]) == ("unknown", ZONE)
    assert (result["candidates"][0]["reason"], result["remedy"]) == (reason, remedy)
    assert (result["candidates"][0]["quota"], result["quota_page"]) == (f"{FAMILY} tpu_family=CT6E", QUOTAS_PAGE)
    assert result["requests"] == []


def test_everything_silent_is_unknown() -> None:
    ports = ("info", "readings", "machine", "live", "quotas", "zones_with")
    google = Google(errors=dict.fromkeys(ports, UnreachableError("no answer")))
    result = play(google, standard_pool=STANDARD)
    assert {check["verdict"] for check in result["candidates"][0]["checks"]} == {"unknown"}
    assert result["chosen"]["verdict"] == "unknown"


def test_wrong_credentials_fail() -> None:
    with pytest.raises(RhaiiError, match="no access token"):
        play(Google(errors={"info": RhaiiError("no access token was given out")}))


def test_run_names_the_location_that_serves() -> None:
    result = play(Google())
    (candidate,) = result["candidates"]
    checks = candidate.pop("checks")
    assert candidate == {
        "location": ZONE,
        "provisioning": "on_demand",
        "rank": 1,
        "verdict": "sufficient",
        "limit": 12,
        "usage": 0,
        "available": 12,
        "quota": f"{FAMILY} tpu_family=CT6E",
        "offered": True,
        "reason": "quota of 12 in europe-west4, 0 used",
    }
    assert checks == [
        asdict(
            Check(
                "TPU quota",
                "sufficient",
                "quota of 12 in europe-west4, 0 used",
                quota=f"{FAMILY} tpu_family=CT6E",
                needed=12,
                limit=12,
                usage=0,
                usage_source="pools",
                available=12,
                page=QUOTAS_PAGE,
            )
        ),
        asdict(Check("machine type offered", "sufficient", "the zone offers ct6e-standard-4t")),
    ]
    assert (result["location"], result["verdict"], result["remedy"]) == (ZONE, "sufficient", "")
    assert (result["requests"], result["sent"], result["changed"]) == ([], [], False)
    assert (result["accelerator"], result["machine_type"], result["chips"]) == ("v6e", MACHINE, 12)
    assert result["provisioning"] == ["on_demand"]
    assert result["quota_page"] == QUOTAS_PAGE
    # the quota, its use, the zone and the pools
    assert result["calls"] == 4


def test_one_chip_may_be_asked_for() -> None:
    result = play(Google(), chips=1, machine_type="ct6e-standard-1t")
    assert (result["verdict"], result["chips"], result["machine_type"]) == ("sufficient", 1, "ct6e-standard-1t")


def test_progress_says_what_is_asked_for() -> None:
    lines: list[str] = []
    play(Google(), progress=lines.append, locations=[ZONE, OTHER_ZONE], provisioning=["on_demand", "spot"])
    assert lines == ["quota: TPU v6e (Trillium), 12 chips, on_demand or spot in europe-west4-a, us-east5-a"]


def test_candidates_are_ranked_each_with_its_reason() -> None:
    google = Google(
        infos={
            FAMILY: Info((family_row(8), family_row(64, OTHER_REGION))),
            PREEMPTIBLE: Info((Row({"region": REGION}, 16),)),
        }
    )
    places = [ZONE, OTHER_ZONE, ZONE]
    result = play(google, locations=places, provisioning=["on_demand", "spot"])
    assert [
        (each["rank"], each["location"], each["provisioning"], each["verdict"], each["reason"])
        for each in result["candidates"]
    ] == [
        (4, ZONE, "on_demand", "insufficient", "quota of 8 for 12 chips in europe-west4 (as it is set)"),
        (1, OTHER_ZONE, "on_demand", "sufficient", "quota of 64 in us-east5, 0 used"),
        (2, ZONE, "spot", "sufficient", "quota of 16 in europe-west4, 0 used"),
        (3, OTHER_ZONE, "spot", "unknown", f"the quota {PREEMPTIBLE} has no row that speaks of us-east5"),
    ]
    assert result["chosen"] == result["candidates"][1]
    assert result["location"] == OTHER_ZONE
    assert (
        " These have enough: us-east5-a, europe-west4-a as spot (rhaii_location, rhaii_provisioning)."
        in result["remedy"]
    )


def test_the_way_out_names_only_what_must_change() -> None:
    google = Google(infos={FAMILY: Info((family_row(8), family_row(64, OTHER_REGION)))})
    assert "These have enough: us-east5-a (rhaii_location)." in play(google, locations=[ZONE, OTHER_ZONE])["remedy"]
    google = limits((family_row(8),), (Row({}, 1536),))
    remedy = play(google, provisioning=["on_demand", "spot"])["remedy"]
    assert "These have enough: europe-west4-a as spot (rhaii_provisioning)." in remedy


def test_the_way_out_names_a_location_once() -> None:
    google = Google(
        infos={
            FAMILY: Info((family_row(8), family_row(64, OTHER_REGION))),
            PREEMPTIBLE: Info((Row({}, 1536),)),
        }
    )
    remedy = play(google, locations=[ZONE, OTHER_ZONE], provisioning=["on_demand", "spot"])["remedy"]
    assert "These have enough: us-east5-a, europe-west4-a as spot (rhaii" in remedy


def test_quota_of_eight_for_twelve_chips_is_one_clear_error() -> None:
    with pytest.raises(RhaiiError) as caught:
        play(limits((family_row(8),), None))
    assert caught.value.msg == (
        "No location has 12 chips of TPU v6e (Trillium) as on_demand: "
        "europe-west4-a: quota of 8 for 12 chips in europe-west4 (as it is set)."
    )
    assert caught.value.remedy == (
        f"Ask for 12 of {FAMILY} (region=europe-west4, tpu_family=CT6E) at {QUOTAS_PAGE}, "
        "choose another zone (rhaii_location) or way to buy (rhaii_provisioning), or fewer replicas."
    )
    assert caught.value.result["requests"][0]["quotaConfig"] == {"preferredValue": 12}
    assert caught.value.result["chosen"] is None


def test_each_obstacle_has_its_remedy_and_the_way_out_is_said_once() -> None:
    google = Google(
        infos={FAMILY: Info((family_row(8), family_row(64, OTHER_REGION)))},
        region_quotas={REGION: {**ROOMY, "CPUS": RegionQuota(4, 0)}, OTHER_REGION: ROOMY},
    )
    assert play(google, locations=[ZONE, OTHER_ZONE], standard_pool=STANDARD)["remedy"] == (
        f"Ask for 12 of {FAMILY} (region=europe-west4, tpu_family=CT6E) at {QUOTAS_PAGE}, "
        "choose another zone (rhaii_location) or way to buy (rhaii_provisioning), or fewer replicas. "
        "These have enough: us-east5-a (rhaii_location). "
        f"Ask for 8 of CPUS-per-project-region (region=europe-west4) at {QUOTAS_PAGE}, or want fewer or smaller "
        "machines."
    )


def test_error_names_the_ways_to_buy() -> None:
    google = limits((family_row(8),), (Row({}, 4),))
    with pytest.raises(RhaiiError, match=r"as on_demand or spot: europe-west4-a as on_demand: quota of 8 .*; europe"):
        play(google, provisioning=["on_demand", "spot"])


def test_insufficient_need_not_fail() -> None:
    result = play(limits((family_row(8),), None), fail_on_insufficient=False)
    assert (result["location"], result["chosen"], result["verdict"]) == (None, None, "insufficient")
    assert result["requests"][0]["dimensions"] == {"region": REGION, "tpu_family": "CT6E"}


def test_a_zone_without_the_machine_type_is_told_where_there_is_one() -> None:
    google = Google(offered={MACHINE: [OTHER_ZONE]})
    with pytest.raises(RhaiiError, match="ct6e-standard-4t is not offered in europe-west4-a") as caught:
        play(google)
    assert caught.value.remedy == "It is offered in: us-east5-a. Choose a zone that has it (rhaii_location)."
    google.errors["zones_with"] = UnreachableError("no answer")
    assert play(google, fail_on_insufficient=False)["remedy"] == "Choose a zone that has it (rhaii_location)."


STANDARD = {"machine_type": "e2-standard-4", "nodes": 2, "disk_type": "pd-balanced", "disk_size_gb": 100}
DISK = {"type": "hyperdisk-balanced", "size_gb": 200}
WHOLE = {"standard_pool": STANDARD, "tpu_disk": DISK, "cluster": "c", "node_pool": "tpu-pool"}


def needed(result: dict[str, Any]) -> dict[str, int]:
    return {each["quota"]: each["needed"] for each in result["candidates"][0]["checks"] if each["quota"].isupper()}


def test_the_standard_pool_and_the_disks_are_checked_too() -> None:
    google = Google()
    result = play(google, **WHOLE)
    assert result["verdict"] == "sufficient"
    assert {each["page"] for each in result["candidates"][0]["checks"] if each["quota"]} == {QUOTAS_PAGE}
    assert needed(result) == {
        "INSTANCES": 5,
        "IN_USE_ADDRESSES": 6,
        "SSD_TOTAL_GB": 200,
        "HDB_TOTAL_GB": 600,
        "CPUS": 8,
    }
    assert ("machine", f"{ZONE} e2-standard-4") in google.asked


def test_private_nodes_and_load_balancers_change_the_addresses() -> None:
    result = play(Google(), **{**WHOLE, "private_nodes": True, "load_balancers": 2})
    assert needed(result)["IN_USE_ADDRESSES"] == 2


def test_what_the_cluster_has_already_is_not_needed_again() -> None:
    google = Google(
        live_pools=(
            pool(cluster="c", nodes=2),
            pool(cluster="c", name="default-pool", machine_type="e2-standard-4", nodes=1),
            pool(cluster="c", name="other", machine_type="n1-standard-1", nodes=1),
            pool(cluster="d", name="default-pool", machine_type="e2-standard-4", nodes=1),
        )
    )
    assert needed(play(google, **WHOLE)) == {
        "INSTANCES": 2,
        "IN_USE_ADDRESSES": 2,
        "SSD_TOTAL_GB": 100,
        "HDB_TOTAL_GB": 200,
        "CPUS": 4,
    }


@pytest.mark.parametrize(
    ("tpu", "standard", "wanted"),
    [
        pytest.param(3, 2, {}, id="all is there"),
        pytest.param(5, 4, {}, id="more than that is there"),
        pytest.param(
            0,
            0,
            {"INSTANCES": 5, "IN_USE_ADDRESSES": 5, "SSD_TOTAL_GB": 200, "HDB_TOTAL_GB": 600, "CPUS": 8},
            id="pools without nodes",
        ),
    ],
)
def test_pools_of_every_size_are_there_already(tpu: int, standard: int, wanted: dict[str, int]) -> None:
    google = Google(
        live_pools=(
            pool(tpu, cluster="c"),
            pool(standard, cluster="c", name="default-pool", machine_type="e2-standard-4"),
        )
    )
    assert needed(play(google, **WHOLE)) == wanted


@pytest.mark.parametrize(
    ("metric", "check", "remedy"),
    [
        pytest.param("CPUS", "CPU quota", "Ask for 11 of CPUS-per-project-region", id="CPUs"),
        pytest.param("SSD_TOTAL_GB", "SSD quota", "Ask for 203 of SSD-TOTAL-GB-per-project-region", id="SSD"),
        pytest.param(
            "HDB_TOTAL_GB", "Hyperdisk quota", "Ask for 603 of HDB-TOTAL-GB-per-project-region", id="Hyperdisk"
        ),
        pytest.param(
            "IN_USE_ADDRESSES", "address quota", "Ask for 9 of IN-USE-ADDRESSES-per-project-region", id="addresses"
        ),
        pytest.param("INSTANCES", "machine quota", "Ask for 8 of INSTANCES-per-project-region", id="machines"),
    ],
)
def test_each_of_them_stops_a_location(metric: str, check: str, remedy: str) -> None:
    google = Google(region_quotas={REGION: {**ROOMY, metric: RegionQuota(4, 3)}})
    result = play(google, **WHOLE, fail_on_insufficient=False)
    assert result["verdict"] == "insufficient"
    (failed,) = [each for each in result["candidates"][0]["checks"] if each["verdict"] != "sufficient"]
    assert failed["check"] == check
    assert failed["remedy"].startswith(f"{remedy} (region=europe-west4) at https://console.cloud.google.com/")
    assert result["candidates"][0]["reason"] == failed["reason"]


def test_quotas_of_the_region_that_do_not_answer_are_unknown() -> None:
    result = play(Google(errors={"quotas": REFUSED}), **WHOLE)
    assert result["verdict"] == "unknown"
    assert "the quotas of europe-west4 could not be read" in result["candidates"][0]["reason"]


def test_standard_machine_type_is_asked_of_the_zone() -> None:
    google = Google(offered={MACHINE: [ZONE], "e2-standard-4": [OTHER_ZONE]})
    result = play(google, **WHOLE, fail_on_insufficient=False)
    assert result["verdict"] == "insufficient"
    assert "the machine type e2-standard-4 is not offered in europe-west4-a" in result["candidates"][0]["reason"]
    assert "It is offered in: us-east5-a." in result["remedy"]


def test_region_is_not_asked_when_nobody_wants_to_know() -> None:
    google = Google()
    play(google)
    assert not [what for port, what in google.asked if port == "quotas"]


CHOOSE_FOUR = "Ask for a multiple of 4: nodes times 4."


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param(
            {"accelerator": "v7"},
            "The accelerator v7 is not known. Use one of v5e, v5p, v6e (rhaii_accelerator).",
            id="unknown accelerator",
        ),
        pytest.param(
            {"machine_type": "e2-standard-4"},
            "e2-standard-4 is not a machine type of TPU v6e (Trillium). Use one that starts with ct6e-, as in "
            "ct6e-standard-4t.",
            id="not a TPU machine",
        ),
        pytest.param(
            {"chips": 10},
            f"10 chips cannot be had from machines of 4 chips (ct6e-standard-4t). {CHOOSE_FOUR}",
            id="not a multiple",
        ),
        pytest.param(
            {"chips": 0}, f"0 chips cannot be had from machines of 4 chips (ct6e-standard-4t). {CHOOSE_FOUR}", id="none"
        ),
        pytest.param(
            {"chips": -4},
            f"-4 chips cannot be had from machines of 4 chips (ct6e-standard-4t). {CHOOSE_FOUR}",
            id="negative",
        ),
        pytest.param(
            {"locations": ["europe-west4"]},
            "europe-west4 is no zone. Give zones, as in europe-west4-a (rhaii_location, rhaii_fallback_locations).",
            id="a region",
        ),
        pytest.param({"locations": []}, "No location is given. Give at least one zone in locations.", id="no location"),
        pytest.param(
            {"provisioning": []},
            "No way to buy is given. Give at least one of on_demand, spot, flex_start, reservation.",
            id="no way to buy",
        ),
        pytest.param(
            {"provisioning": ["reservation"]},
            "provisioning has reservation, but no reservation is named. Give its name with reservation "
            "(rhaii_reservation).",
            id="no reservation",
        ),
    ],
)
def test_bad_input_is_refused_before_google_is_asked(changes: dict[str, Any], said: str) -> None:
    google = Google()
    with pytest.raises(RhaiiError) as caught:
        play(google, **changes)
    assert str(caught.value) == said
    assert google.asked == []


def test_a_quota_is_read_once_for_all_locations() -> None:
    google = Google()
    play(google, locations=[ZONE, "europe-west4-b", OTHER_ZONE], provisioning=["flex_start", "spot", "on_demand"])
    assert sorted(what for port, what in google.asked if port == "info") == [PREEMPTIBLE, FAMILY]
