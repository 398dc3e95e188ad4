# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Machine types and what a node made of one offers to pods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

FILE_SYSTEM_SHARE = 0.94
"""What of a boot disk the node's file system offers."""


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
    kernel_share: float

    def capacity(self, machine: MachineType, disk_gb: int, pods: int) -> dict[str, str]:
        """A node's capacity; what of it pods may use is the node's business."""
        result = {
            "cpu": str(machine.cpus),
            "memory": f"{round(machine.memory_mb * 1024 * (1 - self.kernel_share))}Ki",
            "ephemeral-storage": f"{round(disk_gb * 1024**2 * FILE_SYSTEM_SHARE)}Ki",
            "hugepages-1Gi": "0",
            "hugepages-2Mi": "0",
            "pods": str(pods),
        }
        if machine.chips:
            result["google.com/tpu"] = str(machine.chips)
        return result


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
    return Catalogue(types, data["kernel_share"])
