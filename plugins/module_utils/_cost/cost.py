# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""gke_cost: what an environment costs an hour, by place and way to buy. What has no price is said, not guessed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._argspec import GOOGLE_REQUIRED_IF, google_options
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Capability, Params, Progress, Result
from ansible_collections.rhaii.gke.plugins.module_utils._clock import Deadline
from ansible_collections.rhaii.gke.plugins.module_utils._cost import skus
from ansible_collections.rhaii.gke.plugins.module_utils._cost.google import cost_ports
from ansible_collections.rhaii.gke.plugins.module_utils._cost.items import (
    NODE,
    RESERVATION,
    RESERVED,
    Environment,
    Item,
    Part,
    items,
)
from ansible_collections.rhaii.gke.plugins.module_utils._cost.ports import CostPorts
from ansible_collections.rhaii.gke.plugins.module_utils._cost.skus import COMPUTE_ENGINE, NETWORKING, SERVICES, Sku
from ansible_collections.rhaii.gke.plugins.module_utils._cost.table import listed
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._quota.families import FAMILIES, PROVISIONING, family_of
from ansible_collections.rhaii.gke.plugins.module_utils._quota.values import region_of

BILLING = "billing"
TABLE = "table"
CURRENCY = "USD"


@dataclass(frozen=True)
class Price:
    usd: float
    source: str
    as_of: str


@dataclass(frozen=True)
class Market:
    """Where prices come from: what was read of the price list, then the table."""

    found: Sequence[Sku]
    # of the price list
    today: str

    def price(self, good: str, region: str) -> Price | None:
        read = skus.price(good, self.found, region)
        if read is not None:
            return Price(read, BILLING, self.today)
        known = listed(good, region)
        return Price(known.usd, TABLE, known.as_of) if known else None


@dataclass(frozen=True)
class Line:
    """A part with its price; the quantity is for all TPU nodes, where there is one a node."""

    when: str
    part: Part
    quantity: float
    price: Price

    @property
    def hourly(self) -> float:
        return self.quantity * self.price.usd / self.part.hours

    def public(self) -> Result:
        return {
            "what": self.part.what,
            "quantity": self.quantity,
            "unit": self.part.unit,
            "unit_price": round(self.price.usd, 9),
            "hourly": round(self.hourly, 4),
            "source": self.price.source,
            "as_of": self.price.as_of,
        }


@dataclass(frozen=True)
class Sum:
    """What a candidate costs an hour with so many TPU nodes; `unknown` is what is missing in it."""

    location: str
    provisioning: str
    nodes: int
    lines: tuple[Line, ...]
    unknown: tuple[Item, ...]
    chip: Price | None

    @property
    def tpu(self) -> float | None:
        """None when it is not known what a chip costs."""
        return self._of(lambda line: _is_tpu(line.part)) if self.chip or not self.nodes else None

    @property
    def rest(self) -> float:
        return self._of(lambda line: not _is_tpu(line.part))

    @property
    def whole(self) -> float | None:
        return None if self.tpu is None else self.tpu + self.rest

    @property
    def suspended(self) -> float | None:
        """With no TPU node: a reservation bills nevertheless."""
        if any(item.when == RESERVED for item in self.unknown) and self.nodes:
            return None
        return self._of(lambda line: line.when != NODE)

    def _of(self, wanted: Callable[[Line], bool]) -> float:
        return sum(line.hourly for line in self.lines if wanted(line))

    def missing(self, suspended: bool = False) -> list[str]:
        return [item.what for item in self.unknown if not (suspended and item.when == NODE)]


def _is_tpu(part: Part) -> bool:
    return part.good.startswith("tpu ")


def _is_chip(item: Item) -> bool:
    return any(_is_tpu(part) for way in item.ways for part in way)


def add_up(environment: Environment, location: str, provisioning: str, nodes: int, market: Market) -> Sum:
    """Every item by the first of its ways whose parts all have a price."""
    region = region_of(location)
    lines: list[Line] = []
    unknown: list[Item] = []
    chip: Price | None = None
    for item in items(environment, provisioning):
        often = nodes if item.when in (NODE, RESERVED) else 1
        found = priced(item, often, region, market)
        if found and _is_tpu(found[0].part):
            chip = found[0].price
        if not often:
            continue
        if found:
            lines.extend(found)
        else:
            unknown.append(item)
    return Sum(location, provisioning, nodes, tuple(lines), tuple(unknown), chip)


def priced(item: Item, often: int, region: str, market: Market) -> list[Line]:
    """By the first of its ways whose parts all have a price; nothing when there is none."""
    for way in item.ways:
        prices = [market.price(part.good, region) for part in way]
        lines = [
            Line(item.when, part, often * part.quantity, price)
            for part, price in zip(way, prices, strict=True)
            if price is not None
        ]
        if len(lines) == len(way):
            return lines
    return []


def row(found: Sum, before: Sum | None = None) -> Result:
    """`before`: the same with the nodes that there are now."""
    chip = found.chip
    return {
        "location": found.location,
        "provisioning": found.provisioning,
        "tpu_nodes": found.nodes,
        "hourly": _round(found.whole),
        "tpu_hourly": _round(found.tpu),
        "rest_hourly": _round(found.rest),
        "suspended_hourly": _round(found.suspended),
        "hourly_before": _round(before.whole) if before else None,
        "per_chip_hour": chip.usd if chip else None,
        "currency": CURRENCY,
        "source": chip.source if chip else "",
        "as_of": chip.as_of if chip else "",
        "lines": [line.public() for line in found.lines],
        "unknown": found.missing(),
        "change": change(found, before),
        "msg": in_words(found),
    }


def _round(amount: float | None) -> float | None:
    return None if amount is None else round(amount, 4)


def in_words(found: Sum) -> str:
    if found.whole is None:
        text = f"what a TPU chip costs in {found.location} is not known; all else {_amount(found.rest)} an hour"
    else:
        running = f"while {found.nodes} TPU {'node runs' if found.nodes == 1 else 'nodes run'}"
        text = f"{_least(found.missing())}{_amount(found.whole)} an hour {running}"
    if found.suspended is not None:
        text += f"; {_least(found.missing(suspended=True))}{_amount(found.suspended)} suspended"
    if found.chip:
        text += f" ({found.chip.source}, {found.chip.as_of or 'undated'})"
    named = [item.what for item in found.unknown if not _is_chip(item)]
    if named:
        text += f"; no price is known of {', '.join(named)}"
    if found.provisioning == RESERVATION:
        text += "; what is reserved bills used or not, here at the on-demand price"
    return text


def change(found: Sum, before: Sum | None) -> str:
    """Empty when nothing changes, or it is not known what a chip costs."""
    if before is None or before.nodes == found.nodes or before.whole is None or found.whole is None:
        return ""
    least = _least([*before.missing(), *found.missing()])
    return (
        f"from {least}{_amount(before.whole)} an hour with {before.nodes} TPU nodes "
        f"to {_amount(found.whole)} with {found.nodes}"
    )


def _least(missing: Sequence[str]) -> str:
    return "at least " if missing else ""


def _amount(usd: float) -> str:
    return f"{usd:.2f} {CURRENCY}"


def read(ports: CostPorts, services: Sequence[str], timeout: float, progress: Progress) -> tuple[list[Sku], str]:
    """What the price list has of the services, and why it has not all. One that did not come whole is not used."""
    deadline = Deadline(ports.clock, timeout)
    found: list[Sku] = []
    for service in services:
        part: list[Sku] = []
        count, token = 0, ""
        try:
            while True:
                page, token = ports.prices.page(service, token)
                part.extend(sku for sku in map(skus.sku_of, page) if sku and skus.is_wanted(sku))
                count += len(page)
                if not token:
                    break
                if deadline.passed:
                    return found, f"the prices of {SERVICES[service]} took more than {timeout:g} s"
        except RhaiiError as error:
            return found, error.msg
        progress(f"prices: read {count} of {SERVICES[service]}")
        found.extend(part)
    return found, ""


def run(params: Params, ports: CostPorts, progress: Progress, check_mode: bool) -> Result:
    del check_mode
    candidates: Sequence[dict[str, Any]] = params["candidates"]
    if not candidates:
        raise RhaiiError("No candidate is given.", remedy="Give at least one with location and provisioning.")
    for candidate in candidates:
        region_of(candidate["location"])
    environment = _environment(params)
    nodes, running = _count(params, "tpu_nodes"), params["running_tpu_nodes"]
    timeout = float(params["catalog_timeout"])
    if timeout > 0:
        services = [COMPUTE_ENGINE, *([NETWORKING] if environment.load_balancers > 0 else [])]
        found, answer = read(ports, services, timeout, progress)
    else:
        found, answer = [], "it was not asked"
    market = Market(found, ports.clock.now().date().isoformat())
    rows = []
    for candidate in candidates:
        place, way = str(candidate["location"]), str(candidate["provisioning"])
        before = None if running is None else add_up(environment, place, way, max(0, int(running)), market)
        rows.append(row(add_up(environment, place, way, nodes, market), before))
    return {"changed": False, "candidates": rows, "billing_answer": answer, "msg": rows[0]["msg"]}


def _count(params: Params, name: str) -> int:
    count = int(params[name])
    if count < 0:
        raise RhaiiError(f"{name} is {count}.", remedy="Give 0 or more.")
    return count


def _environment(params: Params) -> Environment:
    family = family_of(params["accelerator"])
    return Environment(
        family=family,
        machine_type=family.machine(params["machine_type"]),
        tpu_disk=params["tpu_disk"],
        standard_pool=params["standard_pool"],
        load_balancers=params["load_balancers"],
        private_nodes=params["private_nodes"],
    )


CAPABILITY = Capability(
    name="gke_cost",
    argument_spec=google_options(
        candidates={
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {
                "location": {"type": "str", "required": True},
                "provisioning": {"type": "str", "default": "on_demand", "choices": list(PROVISIONING)},
            },
        },
        accelerator={"type": "str", "default": "v6e", "choices": sorted(FAMILIES)},
        machine_type={"type": "str"},
        tpu_nodes={"type": "int", "required": True},
        running_tpu_nodes={"type": "int"},
        tpu_disk={
            "type": "dict",
            "options": {
                "type": {"type": "str", "default": "hyperdisk-balanced"},
                "size_gb": {"type": "int", "required": True},
            },
        },
        standard_pool={
            "type": "dict",
            "options": {
                "machine_type": {"type": "str", "required": True},
                "nodes": {"type": "int", "required": True},
                "disk_type": {"type": "str", "default": "pd-balanced"},
                "disk_size_gb": {"type": "int", "default": 100},
            },
        },
        load_balancers={"type": "int", "default": 1},
        private_nodes={"type": "bool", "default": False},
        catalog_timeout={"type": "int", "default": 20},
    ),
    ports=cost_ports,
    run=run,
    required_if=GOOGLE_REQUIRED_IF,
)

__all__ = (
    "BILLING",
    "CAPABILITY",
    "TABLE",
    "Line",
    "Market",
    "Price",
    "Sum",
    "add_up",
    "in_words",
    "priced",
    "read",
    "row",
    "run",
)
