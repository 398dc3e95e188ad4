# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""Cloud Billing's price list: which of its entries (SKUs) is the price of what, and what that price is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

COMPUTE_ENGINE = "6F81-5844-456A"
NETWORKING = "E505-1604-58F8"
SERVICES: Mapping[str, str] = {COMPUTE_ENGINE: "Compute Engine", NETWORKING: "Networking"}

ON_DEMAND = "OnDemand"
PREEMPTIBLE = "Preemptible"
GLOBAL = "global"


@dataclass(frozen=True)
class Rule:
    """Which SKU is the price of a good. Anchored: 'Reserved ...' and 'Commitment v1: ...' name the same things."""

    description: str
    usage: str = ON_DEMAND
    unit: str = "h"
    service: str = COMPUTE_ENGINE
    # has one price for all regions
    everywhere: bool = False


# How the list spells what we call v6e. Flex-start is sold as the scheduler's 'DWS Defined Duration', with no 'Tpu'.
_FAMILIES = {"v5e": "V5e", "v5p": "V5p", "v6e": "V6e"}
_SERIES = {"e2": "E2 Instance", "n1": "N1 Predefined Instance", "n2": "N2 Instance", "n2d": "N2D AMD Instance"}
_DISKS = {
    "pd-standard": "Storage PD Capacity",
    "pd-balanced": "Balanced PD Capacity",
    "pd-ssd": "SSD backed PD Capacity",
    "hyperdisk-balanced": "Hyperdisk Balanced Capacity",
}

RULES: Mapping[str, Rule] = {
    **{f"tpu {name} on_demand": Rule(rf"Tpu{said} running in ") for name, said in _FAMILIES.items()},
    **{
        f"tpu {name} spot": Rule(rf"Tpu{said} attached to Spot Preemptible VMs\b", PREEMPTIBLE)
        for name, said in _FAMILIES.items()
    },
    **{
        f"tpu {name} flex_start": Rule(rf"DWS Defined Duration {said}( running in |$)")
        for name, said in _FAMILIES.items()
    },
    **{f"cpu {name}": Rule(rf"{said} Core running in ") for name, said in _SERIES.items()},
    **{f"memory {name}": Rule(rf"{said} Ram running in ", unit="GiBy.h") for name, said in _SERIES.items()},
    **{f"disk {name}": Rule(rf"{said}( in |$)", unit="GiBy.mo") for name, said in _DISKS.items()},
    "address": Rule(r"External IP Charge on a Standard VM$", everywhere=True),
    "address spot": Rule(r"External IP Charge on a Spot Preemptible VM$", everywhere=True),
    "forwarding rule": Rule(r"Cloud Load Balancer Forwarding Rule Minimum (for|in) ", service=NETWORKING),
}


@dataclass(frozen=True)
class Sku:
    id: str
    description: str
    usage: str
    regions: frozenset[str]
    unit: str
    currency: str
    # of its last tier: the first may be free, for all that a billing account has together
    price: float


def sku_of(body: Mapping[str, Any]) -> Sku | None:
    """None for what has no price in the list."""
    pricing: Sequence[Mapping[str, Any]] = body.get("pricingInfo") or []
    expression: Mapping[str, Any] = (pricing[-1].get("pricingExpression") or {}) if pricing else {}
    rates: Sequence[Mapping[str, Any]] = expression.get("tieredRates") or []
    if not rates:
        return None
    last = max(rates, key=lambda rate: float(rate.get("startUsageAmount") or 0))
    money: Mapping[str, Any] = last.get("unitPrice") or {}
    return Sku(
        id=str(body.get("skuId") or ""),
        description=str(body.get("description") or ""),
        usage=str((body.get("category") or {}).get("usageType") or ""),
        regions=frozenset(map(str, body.get("serviceRegions") or [])),
        unit=str(expression.get("usageUnit") or ""),
        currency=str(money.get("currencyCode") or ""),
        price=round(int(money.get("units") or 0) + int(money.get("nanos") or 0) / 1e9, 9),
    )


def match(rule: Rule, skus: Iterable[Sku], region: str) -> list[Sku]:
    """Those that are the price of it in a region. What costs nothing is a placeholder."""
    place = GLOBAL if rule.everywhere else region
    return [
        sku
        for sku in skus
        if re.match(rule.description, sku.description)
        and sku.usage == rule.usage
        and place in sku.regions
        and sku.unit == rule.unit
        and sku.currency == "USD"
        and sku.price > 0
    ]


def price(good: str, skus: Iterable[Sku], region: str) -> float | None:
    """None when the list has no price for it, or more than one."""
    rule = RULES.get(good)
    found = {sku.price for sku in match(rule, skus, region)} if rule else set()
    return found.pop() if len(found) == 1 else None


def is_wanted(sku: Sku) -> bool:
    """Whether any rule could mean it: of some ten thousand, a few hundred are kept."""
    return any(re.match(rule.description, sku.description) for rule in RULES.values())


__all__ = ("COMPUTE_ENGINE", "NETWORKING", "RULES", "SERVICES", "Rule", "Sku", "is_wanted", "match", "price", "sku_of")
