# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which entry of Google's price list is the price of what."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._cost.items import MEMORY, tpu_good
from ansible_collections.rhaii.gke.plugins.module_utils._cost.skus import (
    NETWORKING,
    RULES,
    SERVICES,
    Sku,
    is_wanted,
    price,
    sku_of,
)
from ansible_collections.rhaii.gke.plugins.module_utils._cost.table import EVERYWHERE, TABLE, listed
from ansible_collections.rhaii.gke.plugins.module_utils._quota.families import FAMILIES, PROVISIONING

from tests.unit.plugins.module_utils.cost.fake_billing import REGION, body


def sku(description: str, usd: float = 1.0, **changes: Any) -> Sku:
    found = sku_of(body(description, usd, **changes))
    assert found
    return found


def rate(start: float, units: str | None, nanos: int | None) -> dict[str, Any]:
    return {"startUsageAmount": start, "unitPrice": {"currencyCode": "USD", "units": units, "nanos": nanos}}


# Google's own descriptions, each with the good that it is the price of.
NAMES = [
    ("TpuV6e running in Netherlands", {}, "tpu v6e on_demand"),
    ("TpuV5e running in Americas", {}, "tpu v5e on_demand"),
    ("TpuV5p running in Sao Paulo", {}, "tpu v5p on_demand"),
    ("TpuV6e attached to Spot Preemptible VMs running in Columbus", {"usage": "Preemptible"}, "tpu v6e spot"),
    ("TpuV6e attached to Spot Preemptible VMs", {"usage": "Preemptible"}, "tpu v6e spot"),
    ("DWS Defined Duration V6e running in Columbus", {}, "tpu v6e flex_start"),
    ("DWS Defined Duration V5e", {}, "tpu v5e flex_start"),
    ("E2 Instance Core running in Americas", {}, "cpu e2"),
    ("E2 Instance Ram running in Americas", {"unit": "GiBy.h"}, "memory e2"),
    ("N1 Predefined Instance Core running in Americas", {}, "cpu n1"),
    ("N1 Predefined Instance Ram running in Americas", {"unit": "GiBy.h"}, "memory n1"),
    ("N2 Instance Core running in Americas", {}, "cpu n2"),
    ("N2 Instance Ram running in Americas", {"unit": "GiBy.h"}, "memory n2"),
    ("N2D AMD Instance Core running in Americas", {}, "cpu n2d"),
    ("N2D AMD Instance Ram running in Americas", {"unit": "GiBy.h"}, "memory n2d"),
    ("Balanced PD Capacity in Netherlands", {"unit": "GiBy.mo"}, "disk pd-balanced"),
    ("Storage PD Capacity", {"unit": "GiBy.mo"}, "disk pd-standard"),
    ("SSD backed PD Capacity in Seoul", {"unit": "GiBy.mo"}, "disk pd-ssd"),
    ("Hyperdisk Balanced Capacity in Iowa", {"unit": "GiBy.mo"}, "disk hyperdisk-balanced"),
    ("External IP Charge on a Standard VM", {"regions": ["global"]}, "address"),
    ("External IP Charge on a Spot Preemptible VM", {"regions": ["global"]}, "address spot"),
    ("Cloud Load Balancer Forwarding Rule Minimum for Frankfurt", {}, "forwarding rule"),
]


@pytest.mark.parametrize(("description", "changes", "good"), NAMES, ids=[row[0] for row in NAMES])
def test_description_is_the_price_of_one_good(description: str, changes: dict[str, Any], good: str) -> None:
    one = sku(description, 1.25, **changes)
    assert [each for each in RULES if price(each, [one], REGION) is not None] == [good]
    assert price(good, [one], REGION) == 1.25
    assert is_wanted(one)


@pytest.mark.parametrize(
    ("description", "changes"),
    [
        ("Capacity Optimized TpuV6e running in Netherlands", {}),
        ("Reserved V6e TPU in Netherlands in Calendar Mode", {}),
        ("Commitment v1: TpuV6e running in Netherlands for 1 Year", {"usage": "Commit1Yr"}),
        ("Spot Preemptible E2 Instance Core running in Netherlands", {"usage": "Preemptible"}),
        ("E2 Custom Instance Core running in Netherlands", {}),
        ("Regional Balanced PD Capacity in Netherlands", {"unit": "GiBy.mo"}),
        ("Hyperdisk Balanced High Availability Capacity in Netherlands", {"unit": "GiBy.mo"}),
        ("Hyperdisk Balanced IOPS in Netherlands", {"unit": "count"}),
        ("Static Ip Charge", {}),
        ("External IP Charge on a Standard VM in Mars", {"regions": ["global"]}),
        ("Cloud Load Balancer Forwarding Rule Minimum Global", {"regions": ["global"]}),
        ("Cloud Load Balancer Forwarding Rule Additional for Frankfurt", {}),
        ("TpuV60e running in Netherlands", {}),
        ("DWS Defined Duration V6e Ultra running in Netherlands", {}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_other_words_are_the_price_of_nothing(description: str, changes: dict[str, Any]) -> None:
    one = sku(description, **changes)
    assert [good for good in RULES if price(good, [one], REGION) is not None] == []
    assert not is_wanted(one)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"usage": "Preemptible"}, id="bought otherwise"),
        pytest.param({"regions": ["us-east5"]}, id="elsewhere"),
        pytest.param({"regions": ["global"]}, id="global, for what is regional"),
        pytest.param({"unit": "GiBy.mo"}, id="in another unit"),
        pytest.param({"rates": [rate(0, "0", 0)]}, id="a placeholder that costs nothing"),
        pytest.param(
            {"rates": [{"unitPrice": {"currencyCode": "EUR", "units": "3", "nanos": 0}}]}, id="in another currency"
        ),
    ],
)
def test_right_words_are_not_enough(changes: dict[str, Any]) -> None:
    assert price("tpu v6e on_demand", [sku("TpuV6e running in Netherlands", 3.0, **changes)], REGION) is None


def test_two_prices_are_none_and_twice_the_same_is_one() -> None:
    first, other = sku("TpuV6e running in Netherlands", 3.0), sku("TpuV6e running in Amsterdam", 3.1)
    assert price("tpu v6e on_demand", [first, other], REGION) is None
    assert price("tpu v6e on_demand", [first, first], REGION) == 3.0


def test_good_without_a_rule_has_no_price() -> None:
    assert price("machine e2-standard", [sku("E2 Instance Core running in Netherlands")], REGION) is None


def test_entry_of_the_list() -> None:
    found = sku_of(
        {
            "skuId": "0000-1111-2222",
            "description": "TpuV6e running in Netherlands",
            "category": {"resourceFamily": "Compute", "usageType": "OnDemand"},
            "serviceRegions": ["europe-west4", "europe-west1"],
            "pricingInfo": [{"pricingExpression": {"usageUnit": "h", "tieredRates": [rate(0, "2", 500_000_000)]}}],
        }
    )
    assert found == Sku(
        id="0000-1111-2222",
        description="TpuV6e running in Netherlands",
        usage="OnDemand",
        regions=frozenset({"europe-west4", "europe-west1"}),
        unit="h",
        currency="USD",
        price=2.5,
    )


def test_last_tier_counts_in_whatever_order() -> None:
    tiers = [rate(744, "0", 5_000_000), rate(0, "0", 0)]
    assert sku("External IP Charge on a Standard VM", rates=tiers).price == 0.005


@pytest.mark.parametrize(
    ("units", "nanos", "usd"),
    [("2", 970_000_000, 2.97), ("3", None, 3.0), (None, 5, 5e-9)],
    ids=["both", "whole dollars", "less than a dollar"],
)
def test_money_in_two_parts(units: str | None, nanos: int | None, usd: float) -> None:
    assert sku("x", rates=[rate(0, units, nanos)]).price == pytest.approx(usd, abs=1e-12)


def test_latest_pricing_counts() -> None:
    old, new = body("x", 1.0), body("x", 2.0)
    found = sku_of({**old, "pricingInfo": old["pricingInfo"] + new["pricingInfo"]})
    assert found and found.price == 2.0


@pytest.mark.parametrize(
    "broken",
    [{}, {"pricingInfo": []}, {"pricingInfo": [{}]}, {"pricingInfo": [{"pricingExpression": {"tieredRates": []}}]}],
    ids=["empty", "no pricing", "no expression", "no tier"],
)
def test_entry_without_a_price_is_none(broken: dict[str, Any]) -> None:
    assert sku_of(broken) is None


def test_entry_with_next_to_nothing_is_no_crash() -> None:
    found = sku_of({"pricingInfo": [{"pricingExpression": {"tieredRates": [{}]}}]})
    assert found == Sku("", "", "", frozenset(), "", "", 0.0)


def test_every_family_and_way_to_buy_has_a_rule() -> None:
    for family in FAMILIES:
        assert {tpu_good(family, way) for way in PROVISIONING} <= set(RULES)


def test_every_shape_has_the_rules_of_its_series() -> None:
    for kind in MEMORY:
        series = kind.partition("-")[0]
        assert {f"cpu {series}", f"memory {series}"} <= set(RULES)


def test_services_of_the_rules_are_named() -> None:
    assert {rule.service for rule in RULES.values()} == set(SERVICES)
    assert RULES["forwarding rule"].service == NETWORKING


def test_table_prices_nothing_that_no_item_asks_for() -> None:
    others = {f"machine {kind}" for kind in MEMORY} | {"cluster"}
    assert set(TABLE) <= set(RULES) | others


def test_table_has_the_prices_that_were_read() -> None:
    europe = listed("tpu v6e on_demand", "europe-west4")
    assert europe and (europe.usd, europe.as_of) == (2.97, "2026-08")
    assert listed("tpu v6e on_demand", "mars-north1") is None
    assert listed("tea", "europe-west4") is None
    anywhere = listed("cluster", "mars-north1")
    assert anywhere == TABLE["cluster"][EVERYWHERE]


def test_table_says_where_each_price_is_from() -> None:
    for prices in TABLE.values():
        for entry in prices.values():
            assert entry.usd > 0
            assert entry.origin
