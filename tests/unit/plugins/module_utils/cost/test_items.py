# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an environment consists of, as far as it costs money: every item with when it bills and how it is priced."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._cost.items import (
    HOURS_A_MONTH,
    Environment,
    Item,
    Part,
    items,
    tpu_good,
)
from ansible_collections.rhaii.gke.plugins.module_utils._quota.families import FAMILIES

POOL = {"machine_type": "e2-standard-4", "nodes": 2, "disk_type": "pd-balanced", "disk_size_gb": 100}
WHOLE = Environment(
    family=FAMILIES["v6e"],
    machine_type="ct6e-standard-8t",
    tpu_disk={"type": "hyperdisk-balanced", "size_gb": 200},
    standard_pool=POOL,
    load_balancers=1,
    private_nodes=False,
)
BARE = Environment(FAMILIES["v5p"], "ct5p-hightpu-4t", None, None, 0, True)
MANAGEMENT = "cluster management (one zonal cluster of a billing account is free)"


def one(what: str, when: str, good: str, quantity: float, unit: str) -> Item:
    """An item of one part."""
    return Item(what, when, ((Part(what, good, quantity, unit),),))


CHIPS = one("TPU v6e (Trillium) chip", "node", "tpu v6e on_demand", 8, "chip-hour")
FEE = one(MANAGEMENT, "always", "cluster", 1, "hour")


def test_whole_environment() -> None:
    assert list(items(WHOLE, "on_demand")) == [
        CHIPS,
        one("TPU node's disk, hyperdisk-balanced", "node", "disk hyperdisk-balanced", 200, "GiB-month"),
        one("TPU node's external address", "node", "address", 1, "hour"),
        Item(
            "ordinary machines, e2-standard-4",
            "always",
            (
                (
                    Part("ordinary machines, e2-standard-4: CPUs", "cpu e2", 8, "vCPU-hour"),
                    Part("ordinary machines, e2-standard-4: memory", "memory e2", 32, "GiB-hour"),
                ),
                (Part("ordinary machines, e2-standard-4: CPUs with memory", "machine e2-standard", 8, "vCPU-hour"),),
            ),
        ),
        one("ordinary machines' disks, pd-balanced", "always", "disk pd-balanced", 200, "GiB-month"),
        one("ordinary machines' external addresses", "always", "address", 2, "hour"),
        FEE,
        one("load balancer (one charge for up to 5 forwarding rules)", "always", "forwarding rule", 1, "hour"),
    ]


def test_bare_environment_has_chips_and_a_control_plane() -> None:
    assert list(items(BARE, "on_demand")) == [one("TPU v5p chip", "node", "tpu v5p on_demand", 4, "chip-hour"), FEE]


@pytest.mark.parametrize(
    ("provisioning", "good", "when", "address"),
    [
        ("on_demand", "tpu v6e on_demand", "node", "address"),
        ("spot", "tpu v6e spot", "node", "address spot"),
        ("flex_start", "tpu v6e flex_start", "node", "address"),
        # what is reserved bills used or not, but a disk and an address only with a machine
        ("reservation", "tpu v6e on_demand", "reserved", "address"),
    ],
)
def test_way_to_buy_tells_of_the_tpu_nodes_alone(provisioning: str, good: str, when: str, address: str) -> None:
    usual, found = list(items(WHOLE, "on_demand")), list(items(WHOLE, provisioning))
    assert found[0] == one("TPU v6e (Trillium) chip", when, good, 8, "chip-hour")
    assert found[2] == one("TPU node's external address", "node", address, 1, "hour")
    assert (found[1], found[3:]) == (usual[1], usual[3:])
    assert tpu_good("v6e", provisioning) == good


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        pytest.param({"tpu_disk": None}, {"TPU node's disk, hyperdisk-balanced"}, id="no disk"),
        pytest.param(
            {"private_nodes": True},
            {"TPU node's external address", "ordinary machines' external addresses"},
            id="private nodes",
        ),
        pytest.param(
            {"standard_pool": {**POOL, "nodes": 0}},
            {
                "ordinary machines, e2-standard-4",
                "ordinary machines' disks, pd-balanced",
                "ordinary machines' external addresses",
            },
            id="no ordinary machines",
        ),
        pytest.param(
            {"load_balancers": 0}, {"load balancer (one charge for up to 5 forwarding rules)"}, id="no load balancer"
        ),
    ],
)
def test_what_is_not_there_is_not_paid(changes: dict[str, Any], missing: set[str]) -> None:
    found = list(items(replace(WHOLE, **changes), "on_demand"))
    assert found == [item for item in items(WHOLE, "on_demand") if item.what not in missing]


@pytest.mark.parametrize("rules", [1, 2, 5])
def test_five_load_balancers_are_one_charge(rules: int) -> None:
    assert list(items(replace(WHOLE, load_balancers=rules), "on_demand")) == list(items(WHOLE, "on_demand"))


def test_more_load_balancers_have_no_price() -> None:
    assert list(items(replace(WHOLE, load_balancers=6), "on_demand"))[-1] == Item("6 load balancers", "always", ())


@pytest.mark.parametrize(
    ("machine_type", "series", "cpus", "memory"),
    [
        ("e2-highmem-2", "e2", 6, 48),
        ("e2-highcpu-32", "e2", 96, 96),
        ("n1-standard-8", "n1", 24, 90.0),
        ("n2-highmem-16", "n2", 48, 384),
        ("n2d-highcpu-128", "n2d", 384, 384),
    ],
)
def test_machines_are_billed_by_cpus_and_memory(machine_type: str, series: str, cpus: int, memory: float) -> None:
    pool = {**POOL, "machine_type": machine_type, "nodes": 3}
    (found,) = [each for each in items(replace(BARE, standard_pool=pool), "spot") if machine_type in each.what]
    apart, together = found.ways
    assert [(part.good, part.quantity) for part in apart] == [(f"cpu {series}", cpus), (f"memory {series}", memory)]
    assert [(part.good, part.quantity) for part in together] == [(f"machine {machine_type.rpartition('-')[0]}", cpus)]


@pytest.mark.parametrize("machine_type", ["e2-micro", "n1-highmem-8", "custom-4-8192", "e2-standard-4-lssd", "e2", ""])
def test_machine_of_another_shape_has_no_price(machine_type: str) -> None:
    pool = {**POOL, "machine_type": machine_type}
    assert Item(f"ordinary machines, {machine_type}", "always", ()) in items(
        replace(WHOLE, standard_pool=pool), "on_demand"
    )


@pytest.mark.parametrize(
    ("unit", "hours"), [("GiB-month", HOURS_A_MONTH), ("chip-hour", 1), ("hour", 1), ("vCPU-hour", 1)]
)
def test_price_of_a_month_is_for_its_hours(unit: str, hours: int) -> None:
    assert Part("x", "x", 1, unit).hours == hours
