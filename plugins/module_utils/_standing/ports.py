# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""What gke_standing needs from outside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ansible_collections.rhaii.gke.plugins.module_utils._cost.ports import CostPorts
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import GroupRef, Instance
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.ports import Inventory


class Machines(Protocol):
    def instances(self, group: GroupRef) -> Sequence[Instance]:
        """Those of an instance group, also those that it still makes."""


@dataclass(frozen=True)
class Cloud:
    inventory: Inventory
    machines: Machines
    cost: CostPorts


@dataclass(frozen=True)
class StandingPorts:
    # raises RhaiiError; not before it is called, so that missing credentials are an answer, too
    open: Callable[[], Cloud]


__all__ = ("Cloud", "Machines", "StandingPorts")
