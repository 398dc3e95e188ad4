# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cloud Quotas, Cloud Monitoring and reservations of the emulated cloud."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from google.cloud.cloudquotas_v1.services.cloud_quotas.transports import rest_base
from google.cloud.cloudquotas_v1.types import QuotaConfig, QuotaPreference

from sandbox.cloud import quotas
from sandbox.cloud.clock import timestamp
from sandbox.cloud.discovery import document, read, walk
from sandbox.cloud.errors import GoogleError
from sandbox.cloud.faults import FaultError
from sandbox.cloud.limits import FAMILY_QUOTA
from sandbox.cloud.validation import camel
from tests.unit.sandbox.cloud.fakes import PROJECT, Rig, compute, container, deployed, tpu_pool

SERVICE = "compute.googleapis.com"
PREEMPTIBLE = "PREEMPTIBLE-TPU-V6E-per-project-region"
EUROPE = {"region": "europe-west4", "tpu_family": "CT6E"}


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def cloudquotas(method: str) -> str:
    return f"cloudquotas.v1 cloudquotas.projects.locations.{method}"


def told(rig: Rig, quota: str = FAMILY_QUOTA, service: str = SERVICE) -> dict[str, Any]:
    return rig.call(cloudquotas("services.quotaInfos.get"), location="global", service=service, quotaInfo=quota)


def rows(rig: Rig, quota: str = FAMILY_QUOTA) -> dict[str, int]:
    """The rows by their dimensions, and the regions in which each counts."""
    return {
        " ".join(entry.get("dimensions", {}).values()): int(entry["details"]["value"])
        for entry in told(rig, quota)["dimensionsInfos"]
    }


def places(rig: Rig, quota: str = FAMILY_QUOTA) -> list[str]:
    """Where the row for all counts."""
    infos = told(rig, quota)["dimensionsInfos"]
    return list(next(entry["applicableLocations"] for entry in infos if "dimensions" not in entry))


def test_routes_and_messages_are_those_of_googles_client() -> None:
    patterns = set(re.findall(r'"uri": "([^"]+)"', Path(rest_base.__file__).read_text(encoding="utf-8")))
    known = {re.sub(r"\{[^=}]+=([^}]+)\}", r"\1", pattern) for pattern in patterns}
    for method in walk(read("cloudquotas.v1")):
        assert "/" + re.sub(r"\{[^}]+\}", "*", method["path"]) in known, method["id"]
    schemas = document("cloudquotas.v1").schemas
    for message in (QuotaPreference, QuotaConfig):
        name = message.__name__
        assert set(schemas[name]["properties"]) == {camel(field) for field in message.meta.fields}, name


@pytest.mark.parametrize(
    ("fault", "shown", "enforced"),
    [
        pytest.param({"region": "europe-west4", "value": 0}, {"europe-west4 CT6E": 0, "": 0}, 0, id="explicit zero"),
        pytest.param({"region": "europe-west4", "value": -1}, {"europe-west4 CT6E": -1, "": 0}, -1, id="unlimited"),
        pytest.param({"value": 8}, {"": 8}, 8, id="everywhere"),
        pytest.param({"absent": True}, {}, 24, id="no rows: unseen, and still true"),
        pytest.param({"region": "europe-west4", "absent": True}, {"": 0}, 24, id="no row of the region"),
        pytest.param({"value": 8, "quota": PREEMPTIBLE}, {"europe-west4 CT6E": 24, "": 0}, 24, id="another quota"),
    ],
)
def test_faults_of_a_quota(rig: Rig, fault: dict[str, Any], shown: dict[str, int], enforced: int) -> None:
    rig.cloud.faults.add({"kind": "quota", **fault})
    assert rows(rig) == shown
    assert rig.cloud.limits.limit(FAMILY_QUOTA, EUROPE) == enforced


@pytest.mark.parametrize(
    "fault",
    [{}, {"region": "europe-west4"}, {"value": 1, "absent": True}, {"absent": False}, {"absent": 1}, {"value": True}],
)
def test_a_fault_has_a_value_or_is_absent(rig: Rig, fault: dict[str, Any]) -> None:
    with pytest.raises(FaultError):
        rig.cloud.faults.add({"kind": "quota", **fault})


def test_row_for_all_counts_where_no_closer_row_does(rig: Rig) -> None:
    assert "europe-west4" not in places(rig, PREEMPTIBLE)
    assert "us-east5" in places(rig, PREEMPTIBLE)
    # other families of the region have no row but this one
    assert "europe-west4" in places(rig)
    rig.cloud.faults.add({"kind": "quota", "region": "us-east5", "absent": True})
    assert "us-east5" not in places(rig)


def test_the_last_fault_of_a_region_wins(rig: Rig) -> None:
    for value in (4, 8):
        rig.cloud.faults.add({"kind": "quota", "region": "europe-west4", "value": value})
    assert rows(rig)["europe-west4 CT6E"] == 8


def ask(rig: Rig, value: int, query: tuple[tuple[str, str], ...] = (), **changes: Any) -> dict[str, Any]:
    body = {
        "service": SERVICE,
        "quotaId": FAMILY_QUOTA,
        "dimensions": EUROPE,
        "quotaConfig": {"preferredValue": value},
        "contactEmail": "ops@example.com",
        **changes,
    }
    return rig.call(cloudquotas("quotaPreferences.create"), body, query, location="global")


def preference(rig: Rig, answer: dict[str, Any]) -> dict[str, Any]:
    name = answer["name"].rpartition("/")[2]
    return rig.call(cloudquotas("quotaPreferences.get"), location="global", quotaPreference=name)


def test_a_request_is_decided_after_two_minutes_and_then_holds(rig: Rig) -> None:
    answer = ask(rig, 48)
    assert answer["reconciling"] is True
    assert answer["quotaConfig"] == {"preferredValue": "48", "grantedValue": "24"}
    assert "contactEmail" not in answer
    assert rows(rig)["europe-west4 CT6E"] == 24
    rig.clock.time += 2
    granted = preference(rig, answer)
    assert "reconciling" not in granted
    assert granted["quotaConfig"] == {"preferredValue": "48", "grantedValue": "48"}
    assert rows(rig) == {"europe-west4 CT6E": 48, "": 0}
    assert rig.cloud.limits.limit(FAMILY_QUOTA, EUROPE) == 48
    again = rig.again()
    assert rows(again)["europe-west4 CT6E"] == 48


def test_what_was_granted_under_a_fault_is_no_limit_without_it(rig: Rig) -> None:
    rig.cloud.faults.add({"kind": "quota", "region": "europe-west4", "value": 4})
    ask(rig, 8)
    rig.clock.time += 2
    assert rows(rig)["europe-west4 CT6E"] == 4
    rig.cloud.faults.clear()
    assert rows(rig)["europe-west4 CT6E"] == 24


def test_a_request_for_too_much_is_denied(rig: Rig) -> None:
    answer = ask(rig, 1000)
    rig.clock.time += 2
    denied = preference(rig, answer)["quotaConfig"]
    assert (denied["grantedValue"], "denied" in denied["stateDetail"]) == ("24", True)
    assert rows(rig)["europe-west4 CT6E"] == 24


def test_there_is_one_preference_for_a_quota_and_its_dimensions(rig: Rig) -> None:
    answer = ask(rig, 48)
    with pytest.raises(GoogleError) as caught:
        ask(rig, 50)
    assert caught.value.code == 409
    ask(rig, 12, dimensions={**EUROPE, "region": "us-east5"})
    listed = rig.call(cloudquotas("quotaPreferences.list"), location="global")["quotaPreferences"]
    assert [each["dimensions"]["region"] for each in listed] == ["europe-west4", "us-east5"]
    name = answer["name"].rpartition("/")[2]
    body = {"quotaConfig": {"preferredValue": "56"}, "contactEmail": "ops@example.com"}
    rig.call(cloudquotas("quotaPreferences.patch"), body, location="global", quotaPreference=name)
    rig.clock.time += 2
    assert rows(rig) == {"europe-west4 CT6E": 56, "us-east5 CT6E": 12, "": 0}


@pytest.mark.parametrize(
    ("value", "changes", "said"),
    [
        pytest.param(48, {"contactEmail": ""}, "contact_email is required", id="nobody to ask"),
        pytest.param(48, {"quotaId": "NONE"}, "Quota NONE of service", id="no such quota"),
        pytest.param(48, {"dimensions": {"planet": "mars"}}, "has no dimension planet", id="no such dimension"),
        pytest.param(-2, {}, "at least -1", id="no number"),
        pytest.param(48, {"quotaConfig": {}}, "preferred_value is required", id="no value"),
        pytest.param(12, {}, "more than 10 percent below the limit 24", id="a decrease"),
        pytest.param(
            8,
            {"quotaId": "TPU-V5P-per-project-region", "dimensions": {"region": "europe-west4"}},
            "not eligible for an increase: NOT_ENOUGH_USAGE_HISTORY",
            id="one that takes no request",
        ),
    ],
)
def test_a_request_that_cannot_be_is_refused(rig: Rig, value: int, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(GoogleError, match=said) as caught:
        ask(rig, value, **changes)
    assert caught.value.code == 400


async def test_a_decrease_below_usage_needs_both_checks_ignored(rig: Rig) -> None:
    await deployed(rig, nodes=3)
    with pytest.raises(GoogleError, match="below the usage 12"):
        ask(rig, 8, (("ignoreSafetyChecks", "QUOTA_DECREASE_PERCENTAGE_TOO_HIGH"),))
    both = (("ignoreSafetyChecks", "1"), ("ignoreSafetyChecks", "2"))
    ask(rig, 8, both)
    rig.clock.time += 2
    assert rows(rig)["europe-west4 CT6E"] == 8


def test_a_body_with_an_unknown_field_is_refused(rig: Rig) -> None:
    with pytest.raises(GoogleError, match='Unknown name "contact"'):
        ask(rig, 48, contact="ops@example.com")


def test_regions_list_tpus_but_no_v6e(rig: Rig) -> None:
    listed = rig.call(compute("regions.get"), region="europe-west4")["quotas"]
    metrics = {each["metric"] for each in listed}
    assert "TPU_LITE_PODSLICE_V5" in metrics
    assert not {metric for metric in metrics if "V6E" in metric or "FAMILY" in metric}


def test_the_cloud_tpu_api_has_quota_that_gke_does_not_use(rig: Rig) -> None:
    info = told(rig, "TPUV6EPerProjectPerZoneForTPUAPI", "tpu.googleapis.com")
    assert info["dimensionsInfos"][0]["details"]["value"] == "512"
    assert rig.cloud.limits.limit(FAMILY_QUOTA, {**EUROPE, "region": "us-east5"}) == 0


OWN = 'metric.type = "compute.googleapis.com/quota/tpus_per_tpu_family/usage"'
SHARED = 'metric.type = "serviceruntime.googleapis.com/quota/allocation/usage"'


def used(rig: Rig, text: str, **changes: str) -> list[tuple[str, str]]:
    """Place and value of each series."""
    now = rig.clock.now()
    query = {"filter": text, "interval.startTime": timestamp(now - 3600), "interval.endTime": timestamp(now), **changes}
    answer = rig.call("monitoring.v3 monitoring.projects.timeSeries.list", None, list(query.items()))
    return [
        (each["resource"]["labels"]["location"], each["points"][0]["value"]["int64Value"])
        for each in answer["timeSeries"]
    ]


async def test_what_is_used_of_a_quota_is_told_by_its_series(rig: Rig) -> None:
    await deployed(rig, nodes=2)
    body = {"nodePool": tpu_pool(1, "spot", spot=True)}
    rig.call(container("clusters.nodePools.create"), body, cluster="demo")
    await rig.turn()
    await rig.after(15)
    assert used(rig, f'{OWN} AND metric.labels.tpu_family = "CT6E"') == [("europe-west4", "8")]
    assert used(rig, f'{OWN} AND metric.labels.tpu_family = "CT5LP"') == []
    metric = 'metric.label.quota_metric = "compute.googleapis.com/{}"'
    assert used(rig, f"{SHARED} AND {metric.format('preemptible_tpu_v6e')}") == [("europe-west4", "4")]
    assert used(rig, f"{SHARED} AND {metric.format('cpus')}") == [("europe-west4", "4")]
    assert used(rig, f'{SHARED} AND resource.labels.location = "us-east5"') == []


def test_a_quota_that_was_never_used_has_no_series(rig: Rig) -> None:
    assert used(rig, OWN) == []


async def test_nothing_is_told_of_another_time(rig: Rig) -> None:
    await deployed(rig, nodes=1)
    for start, end, told_of in ((-7200, -3600, False), (-3600, 0, True), (3600, 7200, False)):
        interval = {
            "interval.startTime": timestamp(rig.clock.now() + start),
            "interval.endTime": timestamp(rig.clock.now() + end),
        }
        assert bool(used(rig, OWN, **interval)) is told_of


@pytest.mark.parametrize(
    ("text", "changes", "said"),
    [
        pytest.param('resource.type = "consumer_quota"', {}, "must specify a restriction", id="no metric"),
        pytest.param("metric.type : starts", {}, "Could not parse filter", id="no equality"),
        pytest.param(OWN, {"interval.endTime": "now"}, "must be a time", id="no time"),
        pytest.param(OWN, {"interval.startTime": "2099-01-01T00:00:00Z"}, "not be later", id="backwards"),
    ],
)
def test_a_query_that_cannot_be_is_refused(rig: Rig, text: str, changes: dict[str, str], said: str) -> None:
    with pytest.raises(GoogleError, match=said):
        used(rig, text, **changes)


def test_reservation_is_found_in_its_zone(rig: Rig) -> None:
    found = rig.call(compute("reservations.get"), zone="us-central1-b", reservation="trillium-lab")
    assert found["status"] == "READY"
    assert found["specificReservation"] == {
        "count": "3",
        "inUseCount": "0",
        "instanceProperties": {"machineType": "ct6e-standard-4t"},
    }
    with pytest.raises(GoogleError) as caught:
        rig.call(compute("reservations.get"), reservation="trillium-lab")
    assert caught.value.code == 404
    listed = rig.call(compute("reservations.list"), zone="us-central1-b")["items"]
    scopes = rig.call(compute("reservations.aggregatedList"))["items"]
    assert [each["name"] for each in listed] == ["trillium-lab"]
    assert scopes["zones/us-central1-b"]["reservations"] == listed


EAST = "us-east5-a"


def test_aggregate_reservation_counts_chips_and_has_blocks(rig: Rig) -> None:
    found = rig.call(compute("reservations.get"), zone=EAST, reservation="trillium-pool")
    kind = f"https://www.googleapis.com/compute/v1/projects/{PROJECT}/zones/{EAST}/acceleratorTypes/ct6e"
    assert "specificReservation" not in found
    assert found["aggregateReservation"] == {
        "vmFamily": "VM_FAMILY_CLOUD_TPU_LITE_POD_SLICE_CT6E",
        "reservedResources": [{"accelerator": {"acceleratorCount": 16, "acceleratorType": kind}}],
    }
    whose = {"zone": EAST, "reservation": "trillium-pool"}
    block = rig.call(compute("reservationBlocks.get"), reservationBlock="block-a", **whose)["resource"]
    assert (block["count"], block["inUseCount"], block["status"]) == (2, 0, "READY")
    with pytest.raises(GoogleError) as caught:
        rig.call(compute("reservationBlocks.get"), reservationBlock="block-b", **whose)
    assert caught.value.code == 404


def test_shared_reservation_is_its_owners(rig: Rig) -> None:
    whose = {"zone": EAST, "reservation": "trillium-shared"}
    found = rig.call(compute("reservations.get"), project="rhaii-reservations", **whose)
    assert found["specificReservation"]["count"] == "2"
    with pytest.raises(GoogleError) as caught:
        rig.call(compute("reservations.get"), **whose)
    assert caught.value.code == 404
    listed = rig.call(compute("reservations.list"), zone=EAST)["items"]
    assert [each["name"] for each in listed] == ["trillium-pool"]


def test_requests_need_the_permission_to_change_quota() -> None:
    assert {name: handler.permission for name, handler in quotas.HANDLERS.items() if handler.mutating} == {
        "projects.locations.quotaPreferences.create": "cloudquotas.quotas.update",
        "projects.locations.quotaPreferences.patch": "cloudquotas.quotas.update",
    }
