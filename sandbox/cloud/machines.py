# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Machine types and what a node made of one offers to pods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class MachineType:
    """A machine type with what its family says."""

    name: str
    cpus: int
    memory_mb: int
    disk_type: str
    disk_types: tuple[str, ...]
    chips: int = 0
    topology: str = ""
    shared: bool = False
    allocatable_cpu: str = ""
    zones: tuple[str, ...] = ()
    """Where it is offered; empty is everywhere."""
    tpu_family: str = ""
    preemptible_quota: str = ""
    node_accelerator: str = ""

    @property
    def family(self) -> str:
        return self.name.partition("-")[0]

    def offered(self, zone: str) -> bool:
        """Whether a zone lists this type."""
        return not self.zones or zone in self.zones


@dataclass(frozen=True)
class Catalogue:
    """All machine types."""

    types: Mapping[str, MachineType]
    reserved: Mapping[str, Any] = field(repr=False)

    def capacity(self, machine: MachineType, disk_gb: int, pods: int) -> dict[str, str]:
        """A node's capacity."""
        return self._resources(machine, disk_gb, pods, str(machine.cpus), self._memory_ki(machine), 0.94)

    def allocatable(self, machine: MachineType, disk_gb: int, pods: int) -> dict[str, str]:
        """What of the capacity pods may use, by the brackets that Google publishes."""
        cpu = machine.cpus * 1000 - round(1000 * taken(machine.cpus, self.reserved["cpus"]))
        gib = taken(machine.memory_mb / 1024, self.reserved["memory_gib"])
        memory = self._memory_ki(machine) - round(gib * 1024**2) - self.reserved["eviction_mib"] * 1024
        return self._resources(machine, disk_gb, pods, machine.allocatable_cpu or f"{cpu}m", memory, 0.47)

    def _memory_ki(self, machine: MachineType) -> int:
        return round(machine.memory_mb * 1024 * (1 - self.reserved["kernel_share"]))

    def _resources(
        self, machine: MachineType, disk_gb: int, pods: int, cpu: str, memory_ki: int, disk_share: float
    ) -> dict[str, str]:
        result = {
            "cpu": cpu,
            "memory": f"{memory_ki}Ki",
            "ephemeral-storage": f"{round(disk_gb * 1024**2 * disk_share)}Ki",
            "hugepages-1Gi": "0",
            "hugepages-2Mi": "0",
            "pods": str(pods),
        }
        if machine.chips:
            result["google.com/tpu"] = str(machine.chips)
        return result


def taken(amount: float, brackets: Sequence[Sequence[float]]) -> float:
    """The sum of each bracket's share."""
    total, lower = 0.0, 0.0
    for upper, share in brackets:
        total += max(0.0, min(amount, upper) - lower) * share
        lower = upper
    return total


@cache
def catalogue() -> Catalogue:
    """The catalogue of machines.yml."""
    data = yaml.safe_load((Path(__file__).parent / "machines.yml").read_text(encoding="utf-8"))
    types = {}
    for name, entry in data["types"].items():
        values = {**data["families"][name.partition("-")[0]], **entry}
        for key in ("zones", "disk_types"):
            values[key] = tuple(values.get(key, ()))
        types[name] = MachineType(name=name, **values)
    return Catalogue(types, data["reserved"])
