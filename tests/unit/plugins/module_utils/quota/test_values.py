# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Google's answers, read."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._quota.families import FAMILIES
from ansible_collections.rhaii.gke.plugins.module_utils._quota.google import series_filter
from ansible_collections.rhaii.gke.plugins.module_utils._quota.values import (
    Info,
    Reading,
    RegionQuota,
    Reservation,
    Row,
    info_of,
    readings_of,
    region_of,
    region_quotas_of,
    reservation_of,
)


def test_info_reads_a_missing_value_as_zero() -> None:
    answer = {
        "serviceRequestQuotaUri": "https://example.com/quota",
        "quotaIncreaseEligibility": {"isEligible": True},
        "dimensionsInfos": [
            {"dimensions": {"region": "r"}, "details": {"value": "12"}, "applicableLocations": ["r"]},
            {"details": {}},
            {"dimensions": {"region": "s"}},
        ],
    }
    assert info_of(answer) == Info(
        (Row({"region": "r"}, 12, frozenset({"r"})), Row({}, 0), Row({"region": "s"}, 0)), "https://example.com/quota"
    )
    assert info_of({}) == Info(())


@pytest.mark.parametrize(
    ("answer", "closed"),
    [
        pytest.param({"quotaIncreaseEligibility": {"isEligible": True}}, "", id="open"),
        pytest.param(
            {"quotaIncreaseEligibility": {"ineligibilityReason": "NO_VALID_BILLING_ACCOUNT"}},
            "NO_VALID_BILLING_ACCOUNT",
            id="closed",
        ),
        pytest.param({"isFixed": True}, "the limit is fixed", id="fixed"),
        pytest.param({"isFixed": True, "quotaIncreaseEligibility": {"isEligible": True}}, "", id="fixed, yet open"),
        pytest.param({}, "", id="says nothing"),
    ],
)
def test_info_knows_whether_google_takes_a_request(answer: dict[str, Any], closed: str) -> None:
    assert info_of(answer).closed == closed


def series(place: str, *values: int) -> dict[str, Any]:
    points = [
        {"interval": {"endTime": f"t{number}"}, "value": {"int64Value": str(value)}}
        for number, value in enumerate(values)
    ]
    return {"resource": {"labels": {"location": place}}, "points": points}


def test_readings_are_the_newest_of_each_place() -> None:
    answer = {"timeSeries": [series("r", 8, 4), series("s"), series("r", 12), series("r", 2), series("r-a", 99)]}
    assert readings_of(answer) == {"r": Reading(12, "t0"), "r-a": Reading(99, "t0")}
    assert readings_of({}) == {}


@pytest.mark.parametrize(
    ("value", "used"),
    [
        pytest.param({"int64Value": "12"}, 12, id="a whole number, as text"),
        pytest.param({"doubleValue": 12.0}, 12, id="a double"),
        pytest.param({}, 0, id="zeros are left out on the wire"),
    ],
)
def test_a_point_is_a_whole_number_or_a_double(value: dict[str, Any], used: int) -> None:
    point = {"interval": {"endTime": "t"}, "value": value}
    answer = {"timeSeries": [{"resource": {"labels": {"location": "r"}}, "points": [point]}]}
    assert readings_of(answer) == {"r": Reading(used, "t")}


def test_region_quotas_are_read_as_whole_numbers() -> None:
    answer = {"quotas": [{"metric": "CPUS", "limit": 500.0, "usage": 8.0}, {"metric": "N2_CPUS"}]}
    assert region_quotas_of(answer) == {"CPUS": RegionQuota(500, 8), "N2_CPUS": RegionQuota(0, 0)}


def test_reservation_is_read() -> None:
    answer = {
        "status": "READY",
        "specificReservation": {
            "count": "4",
            "inUseCount": "1",
            "instanceProperties": {"machineType": "ct6e-standard-4t"},
        },
    }
    found = reservation_of(answer)
    assert found == Reservation("ct6e-standard-4t", 4, 1, "READY")
    assert found.free == 3
    assert reservation_of({}) == Reservation("", 0, 0, "")


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


def test_series_are_asked_for_where_cloud_monitoring_keeps_them() -> None:
    family = FAMILIES["v6e"]
    assert series_filter(family.on_demand) == {
        "metric.type": "compute.googleapis.com/quota/tpus_per_tpu_family/usage",
        "resource.type": "compute.googleapis.com/Location",
        "metric.labels.tpu_family": "CT6E",
    }
    assert series_filter(family.preemptible) == {
        "metric.type": "serviceruntime.googleapis.com/quota/allocation/usage",
        "resource.type": "consumer_quota",
        "resource.labels.service": "compute.googleapis.com",
        "metric.labels.quota_metric": "compute.googleapis.com/preemptible_tpu_v6e",
    }
