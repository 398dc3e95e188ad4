# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""What run_stage needs from outside: records of runs, folders, and the processes of this machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from ansible_collections.rhaii.gke.plugins.module_utils._clock import Clock
from ansible_collections.rhaii.gke.plugins.module_utils._run_folder import Folders


class Records(Protocol):
    """All of them raise OSError."""

    def where(self, name: str) -> str:
        """The file's path."""

    def read(self, name: str) -> dict[str, Any]:
        """Empty when there is none, or none that can be understood."""

    def write(self, name: str, record: dict[str, Any]) -> None:
        """As a whole or not at all."""

    def remove(self, name: str) -> None: ...


class Machine(Protocol):
    def name(self) -> str: ...

    def run(self) -> int:
        """The process of ansible-playbook."""

    def began(self, process: int) -> str:
        """Tells a process from a later one with its number; '' when there is none."""

    def folder(self) -> str:
        """Where programs keep what they remember of themselves."""


@dataclass(frozen=True)
class RunPorts:
    # of a folder
    records: Callable[[str], Records]
    machine: Machine
    clock: Clock
    # for the run's own
    folders: Folders


__all__ = ("Machine", "Records", "RunPorts")
