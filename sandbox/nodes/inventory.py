# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nodes.json: the machines that the cloud has given the cluster."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.nodes.allocatable import allocatable_of

Object = dict[str, Any]


@dataclass(frozen=True)
class Machine:
    """One node as the cloud describes it."""

    name: str
    number: int
    pool: str = ""
    machine_type: str = ""
    zone: str = ""
    version: str = ""
    provider_id: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Mapping[str, str], ...] = ()
    capacity: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_mapping(cls, entry: Mapping[str, Any]) -> Machine:
        """Read one entry."""
        capacity = {name: str(value) for name, value in (entry.get("capacity") or {}).items()}
        return cls(
            name=str(entry["name"]),
            number=int(entry["number"]),
            pool=str(entry.get("pool") or ""),
            machine_type=str(entry.get("machine_type") or ""),
            zone=str(entry.get("zone") or ""),
            version=str(entry.get("version") or ""),
            provider_id=str(entry.get("provider_id") or ""),
            labels=dict(entry.get("labels") or {}),
            taints=tuple(dict(taint) for taint in entry.get("taints") or ()),
            capacity={"pods": "110", "ephemeral-storage": "98831908Ki", **capacity},
        )

    @property
    def allocatable(self) -> dict[str, str]:
        """What the machine has left for pods."""
        return allocatable_of(self.capacity)


class Inventory:
    """Reads nodes.json when it has changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self.machines: dict[str, Machine] = {}

    def forget(self) -> None:
        """Read the file again next time, changed or not."""
        self._seen = None

    def read(self) -> bool:
        """Read the file if it is another one than last time; whether the machines may have changed."""
        try:
            stat = self._path.stat()
        except FileNotFoundError:
            return False
        seen = (stat.st_mtime_ns, stat.st_ino)
        if seen == self._seen:
            return False
        entries = json.loads(self._path.read_text(encoding="utf-8"))
        machines = [Machine.from_mapping(entry) for entry in entries]
        self._seen = seen
        self.machines = {machine.name: machine for machine in machines}
        return True
