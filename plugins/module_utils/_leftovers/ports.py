# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""What gke_leftovers needs from outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ansible_collections.rhaii.gke.plugins.module_utils._clock import Clock
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import Json, Operation
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.things import Thing


class Inventory(Protocol):
    """The cloud's lists."""

    @property
    def project(self) -> str:
        """Whose lists they are."""

    def clusters(self) -> Sequence[Json]:
        """Those of every location."""

    def operations(self, location: str) -> Sequence[Operation]: ...
    def things(self, kind: str) -> Sequence[Thing]: ...


@dataclass(frozen=True)
class LeftoverPorts:
    inventory: Inventory
    clock: Clock


__all__ = ("Inventory", "LeftoverPorts")
