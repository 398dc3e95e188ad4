# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The emulated cloud's price list."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._cost.skus import COMPUTE_ENGINE, NETWORKING, sku_of
from ansible_collections.rhaii.gke.plugins.module_utils._cost.table import TABLE

from sandbox.cloud.discovery import document
from sandbox.cloud.errors import GoogleError
from sandbox.cloud.machines import catalogue
from sandbox.cloud.skus import money, price_list
from sandbox.cloud.validation import Checker
from tests.unit.sandbox.cloud.fakes import VIEWER, Rig

METHOD = "cloudbilling.v1 cloudbilling.services.skus.list"


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def skus(rig: Rig, service: str = COMPUTE_ENGINE) -> list[dict[str, Any]]:
    return list(rig.call(METHOD, service=service)["skus"])


@pytest.mark.parametrize("service", price_list()["services"])
def test_answer_is_what_googles_document_says(rig: Rig, service: str) -> None:
    answer = rig.call(METHOD, service=service)
    checker = Checker(document("cloudbilling.v1"))
    assert checker.message("ListSkusResponse", answer, "") == answer
    assert checker.violations == []


def test_services_are_what_googles_document_says(rig: Rig) -> None:
    answer = rig.call("cloudbilling.v1 cloudbilling.services.list")
    checker = Checker(document("cloudbilling.v1"))
    assert checker.message("ListServicesResponse", answer, "") == answer
    assert checker.violations == []
    assert [each["serviceId"] for each in answer["services"]] == list(price_list()["services"])


def test_ids_are_googles_in_form_and_unlike_each_other(rig: Rig) -> None:
    found = [sku["skuId"] for service in price_list()["services"] for sku in skus(rig, service)]
    assert len(set(found)) == len(found)
    assert all(re.fullmatch(r"[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}", each) for each in found)
    assert skus(rig)[0]["name"] == f"services/{COMPUTE_ENGINE}/skus/{found[0]}"


def test_pages_make_up_the_whole(rig: Rig) -> None:
    whole, found, token = skus(rig), [], ""
    while True:
        query = [("pageSize", "7"), *([("pageToken", token)] if token else [])]
        page = rig.call(METHOD, query=query, service=COMPUTE_ENGINE)
        found.extend(page["skus"])
        assert len(page["skus"]) <= 7
        token = page.get("nextPageToken", "")
        if not token:
            break
    assert found == whole


def test_without_a_size_a_page_has_five_thousand(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.cloud.skus.skus", lambda service: ({"skuId": str(i)} for i in range(5001)))
    page = rig.call(METHOD, service=COMPUTE_ENGINE)
    assert (len(page["skus"]), page["nextPageToken"]) == (5000, "5000")


def test_free_part_is_a_tier_of_its_own(rig: Rig) -> None:
    address = next(sku for sku in skus(rig) if sku["description"] == "External IP Charge on a Standard VM")
    expression = address["pricingInfo"][0]["pricingExpression"]
    assert [(rate["startUsageAmount"], rate["unitPrice"]["nanos"]) for rate in expression["tieredRates"]] == [
        (0.0, 0),
        (744.0, 5_300_000),
    ]
    assert address["geoTaxonomy"] == {"type": "GLOBAL"}
    assert address["serviceRegions"] == ["global"]


@pytest.mark.parametrize(
    ("amount", "units", "nanos"), [(2.9817, "2", 981_700_000), (0.0053, "0", 5_300_000), (3, "3", 0)]
)
def test_money_is_in_two_parts(amount: float, units: str, nanos: int) -> None:
    assert money(amount) == {"currencyCode": "USD", "units": units, "nanos": nanos}


@pytest.mark.parametrize(
    ("service", "query", "status"),
    [
        pytest.param("0000-0000-0000", [], "NOT_FOUND", id="no such service"),
        pytest.param(COMPUTE_ENGINE, [("currencyCode", "EUR")], "INVALID_ARGUMENT", id="another currency"),
        pytest.param(COMPUTE_ENGINE, [("startTime", "2026-01-01T00:00:00Z")], "INVALID_ARGUMENT", id="another time"),
    ],
)
def test_what_is_not_emulated_is_refused(rig: Rig, service: str, query: list[tuple[str, str]], status: str) -> None:
    with pytest.raises(GoogleError) as refused:
        rig.call(METHOD, query=query, service=service)
    assert refused.value.status == status


def test_everybody_may_read_prices(rig: Rig) -> None:
    assert rig.call(METHOD, service=NETWORKING, caller=VIEWER)["skus"]


def test_no_price_is_one_of_the_tables(rig: Rig) -> None:
    ours = {sku.price for service in price_list()["services"] for body in skus(rig, service) if (sku := sku_of(body))}
    assert not ours & {entry.usd for prices in TABLE.values() for entry in prices.values()}


def test_every_region_with_tpu_machines_has_a_price(rig: Rig) -> None:
    zones = catalogue().types["ct6e-standard-4t"].zones
    described = [sku for sku in skus(rig) if sku["description"].startswith("TpuV6e running in ")]
    priced = {region for sku in described for region in sku["serviceRegions"]}
    assert {zone.rpartition("-")[0] for zone in zones} <= priced
