# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""What gke_cost needs from outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ansible_collections.rhaii.gke.plugins.module_utils._clock import Clock


class PriceList(Protocol):
    def page(self, service: str, token: str) -> tuple[Sequence[Mapping[str, Any]], str]:
        """Some thousand SKUs of one of Google's services, and the token of the next ones; empty at the end."""


@dataclass(frozen=True)
class CostPorts:
    prices: PriceList
    clock: Clock


__all__ = ("CostPorts", "PriceList")
