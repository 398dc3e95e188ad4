# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cloud Billing's price list: which services there are, and what their goods cost."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from sandbox.cloud.calls import Call, Handler, page
from sandbox.cloud.errors import Json, invalid, not_found

EFFECTIVE = "2026-11-01T07:00:00Z"
GLOBAL = "global"
PAGE = 5000


@cache
def price_list() -> dict[str, Any]:
    """What skus.yml says."""
    return dict(yaml.safe_load((Path(__file__).parent / "skus.yml").read_text(encoding="utf-8")))


def identity(text: str) -> str:
    """An id in Google's form, the same each time."""
    digits = hashlib.sha256(text.encode()).hexdigest().upper()
    return "-".join(digits[start : start + 4] for start in (0, 4, 8))


def money(amount: float) -> Json:
    """Whole units, and billionths."""
    nanos = round(amount * 1e9)
    return {"currencyCode": "USD", "units": str(nanos // 10**9), "nanos": nanos % 10**9}


def skus(service: str) -> Iterator[Json]:
    """A service's goods, one a region."""
    data = price_list()
    for entry in data["skus"]:
        if entry["service"] == service:
            for region, amount in entry["prices"].items():
                yield sku(data, entry, region, amount)


def sku(data: dict[str, Any], entry: Json, region: str, amount: float) -> Json:
    """One good in one region."""
    description = entry["description"].format(place=data["places"].get(region, ""))
    name = identity(f"{description} {region}")
    unit = data["units"][entry["unit"]]
    rates = [{"startUsageAmount": float(entry.get("free", 0)), "unitPrice": money(amount)}]
    if entry.get("free"):
        rates.insert(0, {"startUsageAmount": 0.0, "unitPrice": money(0)})
    everywhere = region == GLOBAL
    return {
        "name": f"services/{entry['service']}/skus/{name}",
        "skuId": name,
        "description": description,
        "category": {
            "serviceDisplayName": data["services"][entry["service"]],
            "resourceFamily": entry["family"],
            "resourceGroup": entry["group"],
            "usageType": entry["usage"],
        },
        "serviceRegions": [region],
        "pricingInfo": [
            {
                "summary": "",
                "pricingExpression": {
                    "usageUnit": entry["unit"],
                    "usageUnitDescription": unit["name"],
                    "baseUnit": unit["base"],
                    "baseUnitDescription": unit["base_name"],
                    "baseUnitConversionFactor": float(unit["factor"]),
                    "displayQuantity": 1.0,
                    "tieredRates": rates,
                },
                "currencyConversionRate": 1.0,
                "effectiveTime": EFFECTIVE,
            }
        ],
        "serviceProviderName": "Google",
        "geoTaxonomy": {"type": "GLOBAL"} if everywhere else {"type": "REGIONAL", "regions": [region]},
    }


def list_services(call: Call) -> Json:
    """What has prices."""
    found = [
        {
            "name": f"services/{service}",
            "serviceId": service,
            "displayName": title,
            "businessEntityName": "businessEntities/GCP",
        }
        for service, title in price_list()["services"].items()
    ]
    return page(found, call, "services", usual=PAGE)


def list_skus(call: Call) -> Json:
    """The prices of one service, as they are now, in dollars."""
    service = call.params["service"]
    if service not in price_list()["services"]:
        raise not_found(f"Service services/{service} was not found.")
    if call.query.get("currencyCode", "USD") != "USD":
        raise invalid("Only the currency USD is emulated.")
    if call.query.get("startTime") or call.query.get("endTime"):
        raise invalid("Only the prices of now are emulated.")
    return page(list(skus(service)), call, "skus", usual=PAGE)


# Prices are for everybody, as on Google's side.
HANDLERS = {"services.list": Handler(list_services), "services.skus.list": Handler(list_skus)}
