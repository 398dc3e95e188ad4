# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kubernetes quantities: "500m", "15Gi", "4"."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

SUFFIXES = {
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
    "Pi": Decimal(2**50),
    "Ei": Decimal(2**60),
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "k": Decimal("1e3"),
    "M": Decimal("1e6"),
    "G": Decimal("1e9"),
    "T": Decimal("1e12"),
    "P": Decimal("1e15"),
    "E": Decimal("1e18"),
}

Amounts = dict[str, Decimal]


def parse(text: str | int | float) -> Decimal:
    """The number that a quantity stands for; ValueError when it is none."""
    value = str(text).strip()
    factor = Decimal(1)
    for suffix, by in SUFFIXES.items():
        if value.endswith(suffix):
            value, factor = value.removesuffix(suffix), by
            break
    try:
        return Decimal(value) * factor
    except InvalidOperation as error:
        raise ValueError(f"{text!r} is no Kubernetes quantity") from error


def divided(quantity: str, divisor: str) -> int:
    """How often `divisor` goes into `quantity`, rounded up, as resourceFieldRef wants it."""
    unit = parse(divisor) or Decimal(1)
    return math.ceil(parse(quantity) / unit)


def amounts(resources: Mapping[str, Any] | None) -> Amounts:
    """A resource list as numbers."""
    return {name: parse(value) for name, value in (resources or {}).items()}


def pod_requests(spec: Mapping[str, Any]) -> Amounts:
    """What a pod takes of its node: its containers together, or its greediest init container if that takes more."""
    total: Amounts = {}
    for container in spec.get("containers", []):
        add(total, amounts((container.get("resources") or {}).get("requests")))
    sidecars: Amounts = {}
    peak: Amounts = {}
    for container in spec.get("initContainers") or []:
        wanted = amounts((container.get("resources") or {}).get("requests"))
        if container.get("restartPolicy") == "Always":
            add(sidecars, wanted)
            wanted = {}
        for name in {*wanted, *sidecars}:
            at_once = wanted.get(name, Decimal(0)) + sidecars.get(name, Decimal(0))
            peak[name] = max(peak.get(name, Decimal(0)), at_once)
    add(total, sidecars)
    for name, value in peak.items():
        total[name] = max(total.get(name, Decimal(0)), value)
    add(total, amounts(spec.get("overhead")))
    return total


def add(total: Amounts, more: Mapping[str, Decimal]) -> None:
    """Add one list to another, in place."""
    for name, value in more.items():
        total[name] = total.get(name, Decimal(0)) + value
