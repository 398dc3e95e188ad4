# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""What the check needs of Google. The adapters are in google.py, the tests script their own.

Each method is one question. All raise GoogleError for a refusal and UnreachableError for silence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ansible_collections.rhaii.gke.plugins.module_utils._clock import Clock
from ansible_collections.rhaii.gke.plugins.module_utils._quota.families import QuotaId
from ansible_collections.rhaii.gke.plugins.module_utils._quota.values import (
    Info,
    Live,
    LivePool,
    Machine,
    Reading,
    RegionQuota,
    Reservation,
)


class Quotas(Protocol):
    def info(self, quota_id: str) -> Info | None:
        """A quota of Compute Engine with its rows; None when the project has no such quota."""


class Preferences(Protocol):
    """What was asked of Google, as Cloud Quotas has it."""

    def all(self) -> Sequence[Mapping[str, Any]]: ...
    def create(self, body: Mapping[str, Any]) -> Mapping[str, Any]: ...
    def update(self, name: str, body: Mapping[str, Any]) -> Mapping[str, Any]: ...


class Usage(Protocol):
    def readings(self, quota: QuotaId) -> Mapping[str, Reading]:
        """What Cloud Monitoring last saw used of a quota, by region. A region that it is silent about is not there."""


class Machines(Protocol):
    def machine(self, zone: str, machine_type: str) -> Machine | None:
        """The machine type as the zone has it; None when it does not offer it."""

    def zones_with(self, machine_type: str) -> Sequence[str]:
        """Where it is offered at all."""


class Regions(Protocol):
    def quotas(self, region: str) -> Mapping[str, RegionQuota]:
        """Limit and usage by metric, as the region itself lists them."""


class Reservations(Protocol):
    def reservation(self, zone: str, name: str) -> Reservation | None: ...


class Pools(Protocol):
    def live(self) -> Live: ...

    def nodes(self, pool: LivePool) -> int:
        """How many nodes it has now."""


@dataclass(frozen=True)
class QuotaPorts:
    quotas: Quotas
    preferences: Preferences
    usage: Usage
    machines: Machines
    regions: Regions
    reservations: Reservations
    pools: Pools
    clock: Clock


__all__ = (
    "Machines",
    "Pools",
    "Preferences",
    "QuotaPorts",
    "Quotas",
    "Regions",
    "Reservations",
    "Usage",
)
