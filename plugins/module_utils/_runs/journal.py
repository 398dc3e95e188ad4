# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""What the tasks of a run note as they go: the stage that begins, and that something changed.

The journal lies in the run's own folder, and ends with it. The record of the environment's last run outlives it, so
that the run after one that was killed can say where that was; of a run that may keep none there is the journal alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._runs.ports import RunPorts

FILE = "run"
# What of the journal is in the record too.
RECORDED = (
    "run",
    "project",
    "environment",
    "verb",
    "began",
    "stage",
    "host",
    "process",
    "born",
    "ended",
    "unproven",
)


class Journal:
    """Of one run, by its own folder. All methods raise OSError."""

    def __init__(self, folder: str, ports: RunPorts) -> None:
        self._own = ports.records(folder)
        self._ports = ports
        self.content: dict[str, Any] = self._own.read(FILE)

    @property
    def marks(self) -> dict[str, float]:
        """When each stage began, in seconds since 1970."""
        return {str(name): float(when) for name, when in (self.content.get("marks") or {}).items()}

    def begin(self, content: Mapping[str, Any]) -> None:
        """Its first words; `record` is the file of the environment's record, empty where none is kept."""
        self.content = dict(content)
        self._own.write(FILE, self.content)
        self._record(whoever=True)

    def enter(self, stage: str) -> None:
        """Note that a stage begins, unless the run is in it."""
        if self.content and self.content.get("stage") != stage:
            marks = {**self.marks, stage: self._ports.clock.now().timestamp()}
            self._write({**self.content, "stage": stage, "marks": marks})

    def change(self, **members: Any) -> None:
        """Note what is to be noted, unless that is known."""
        changed = {**self.content, **members}
        if self.content and changed != self.content:
            self._write(changed)

    def forget(self) -> None:
        """There is no environment any more that a record could tell of."""
        file = Path(str(self.content.get("record") or ""))
        if file.name:
            records = self._ports.records(str(file.parent))
            if self._is_ours(records.read(file.stem)):
                records.remove(file.stem)

    def _write(self, content: dict[str, Any]) -> None:
        self.content = content
        self._own.write(FILE, content)
        self._record()

    def _record(self, *, whoever: bool = False) -> None:
        """In the environment's record, unless that is of a run that began later."""
        file = Path(str(self.content.get("record") or ""))
        if file.name:
            records = self._ports.records(str(file.parent))
            if whoever or self._is_ours(records.read(file.stem)):
                records.write(file.stem, {name: self.content.get(name) for name in RECORDED})

    def _is_ours(self, record: Mapping[str, Any]) -> bool:
        return not record or record.get("run") == self.content.get("run")


__all__ = ("FILE", "RECORDED", "Journal")
