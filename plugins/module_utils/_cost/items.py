# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""What an environment consists of, as far as it costs money."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._quota.families import Family

HOURS_A_MONTH = 730
# One charge for as many as this in a project and region.
FORWARDING_RULES = 5

RESERVATION = "reservation"

# When something bills: with each TPU node, always, or for what is reserved, used or not.
NODE = "node"
ALWAYS = "always"
RESERVED = "reserved"

# GiB of memory for a vCPU.
MEMORY: Mapping[str, float] = {
    "e2-standard": 4,
    "e2-highmem": 8,
    "e2-highcpu": 1,
    "n1-standard": 3.75,
    "n2-standard": 4,
    "n2-highmem": 8,
    "n2-highcpu": 1,
    "n2d-standard": 4,
    "n2d-highmem": 8,
    "n2d-highcpu": 1,
}


@dataclass(frozen=True)
class Part:
    """So much of a good that has a price."""

    what: str
    good: str
    quantity: float
    # what the price is for: chip-hour, GiB-month
    unit: str

    @property
    def hours(self) -> int:
        """Of how many hours the price is."""
        return HOURS_A_MONTH if self.unit.endswith("month") else 1


@dataclass(frozen=True)
class Item:
    """Something that is paid for: `ways` are the parts it may be priced by, the most exact first."""

    what: str
    when: str
    ways: tuple[tuple[Part, ...], ...]


@dataclass(frozen=True)
class Environment:
    """What is asked about, wherever it is and however its TPU machines are bought."""

    family: Family
    machine_type: str
    tpu_disk: Mapping[str, Any] | None
    standard_pool: Mapping[str, Any] | None
    load_balancers: int
    private_nodes: bool


def tpu_good(family: str, provisioning: str) -> str:
    """A reservation bills the on-demand price for all that is reserved."""
    return f"tpu {family} {'on_demand' if provisioning == RESERVATION else provisioning}"


def items(environment: Environment, provisioning: str) -> Iterator[Item]:
    """For one TPU node, and for everything else."""
    yield from tpu_node(
        environment.family, environment.machine_type, provisioning, environment.tpu_disk, environment.private_nodes
    )
    pool = environment.standard_pool
    if pool and int(pool["nodes"]) > 0:
        yield from ordinary_machines(pool, environment.private_nodes)
    yield management()
    yield from load_balancers(environment.load_balancers)


def tpu_node(
    family: Family, machine_type: str, provisioning: str, disk: Mapping[str, Any] | None, private_nodes: bool
) -> Iterator[Item]:
    """One node with its chips."""
    chips = family.chips(machine_type)
    chip = Part(f"{family.title} chip", tpu_good(family.name, provisioning), chips, "chip-hour")
    yield Item(chip.what, RESERVED if provisioning == RESERVATION else NODE, ((chip,),))
    if disk:
        yield _disk("TPU node's disk", NODE, str(disk["type"]), int(disk["size_gb"]))
    if not private_nodes:
        address = "address spot" if provisioning == "spot" else "address"
        yield _single("TPU node's external address", NODE, address, 1, "hour")


def ordinary_machines(pool: Mapping[str, Any], private_nodes: bool) -> Iterator[Item]:
    """All machines of a pool without TPUs."""
    nodes = int(pool["nodes"])
    yield _machines(str(pool["machine_type"]), nodes)
    yield _disk("ordinary machines' disks", ALWAYS, str(pool["disk_type"]), nodes * int(pool["disk_size_gb"]))
    if not private_nodes:
        yield _single("ordinary machines' external addresses", ALWAYS, "address", nodes, "hour")


def management() -> Item:
    """One control plane."""
    return _single("cluster management (one zonal cluster of a billing account is free)", ALWAYS, "cluster", 1, "hour")


def load_balancers(count: int) -> Iterator[Item]:
    """The forwarding rules of one region."""
    if count > FORWARDING_RULES:
        yield Item(f"{count} load balancers", ALWAYS, ())
    elif count > 0:
        what = f"load balancer (one charge for up to {FORWARDING_RULES} forwarding rules)"
        yield _single(what, ALWAYS, "forwarding rule", 1, "hour")


def _single(what: str, when: str, good: str, quantity: float, unit: str) -> Item:
    return Item(what, when, ((Part(what, good, quantity, unit),),))


def _disk(what: str, when: str, kind: str, size_gb: int) -> Item:
    return _single(f"{what}, {kind}", when, f"disk {kind}", size_gb, "GiB-month")


def _machines(machine_type: str, nodes: int) -> Item:
    """Compute Engine bills CPUs and memory, price lists name whole machines."""
    match = re.fullmatch(r"((\w+)-\w+)-(\d+)", machine_type)
    kind = match.group(1) if match else ""
    what = f"ordinary machines, {machine_type}"
    if match is None or kind not in MEMORY:
        return Item(what, ALWAYS, ())
    series, cpus = match.group(2), nodes * int(match.group(3))
    bought = (
        Part(f"{what}: CPUs", f"cpu {series}", cpus, "vCPU-hour"),
        Part(f"{what}: memory", f"memory {series}", cpus * MEMORY[kind], "GiB-hour"),
    )
    return Item(what, ALWAYS, (bought, (Part(f"{what}: CPUs with memory", f"machine {kind}", cpus, "vCPU-hour"),)))


__all__ = (
    "ALWAYS",
    "FORWARDING_RULES",
    "HOURS_A_MONTH",
    "NODE",
    "RESERVATION",
    "RESERVED",
    "Environment",
    "Item",
    "Part",
    "items",
    "load_balancers",
    "management",
    "ordinary_machines",
    "tpu_good",
    "tpu_node",
)
