# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What GKE leaves of a machine for pods, by its published reservations."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from sandbox.nodes.quantities import parse

GI = Decimal(2**30)
MI = Decimal(2**20)

MEMORY_STEPS = ((4 * GI, "0.25"), (4 * GI, "0.20"), (8 * GI, "0.10"), (112 * GI, "0.06"))
MEMORY_REST = "0.02"
EVICTION = 100 * MI
CPU_STEPS = ((Decimal(1), "0.06"), (Decimal(1), "0.01"), (Decimal(2), "0.005"))
CPU_REST = "0.0025"


def reserved(total: Decimal, steps: tuple[tuple[Decimal, str], ...], rest: str) -> Decimal:
    """The sum of shares of consecutive slices."""
    taken = Decimal(0)
    for size, share in steps:
        part = min(total, size)
        taken += part * Decimal(share)
        total -= part
    return taken + total * Decimal(rest)


def allocatable_of(capacity: Mapping[str, str]) -> dict[str, str]:
    """Allocatable resources; devices are given out whole."""
    result = dict(capacity)
    if "cpu" in capacity:
        cpu = parse(capacity["cpu"])
        result["cpu"] = f"{int((cpu - reserved(cpu, CPU_STEPS, CPU_REST)) * 1000)}m"
    if "memory" in capacity:
        memory = parse(capacity["memory"])
        left = memory - reserved(memory, MEMORY_STEPS, MEMORY_REST) - EVICTION
        result["memory"] = f"{int(max(left, Decimal(0)) / 1024)}Ki"
    if "ephemeral-storage" in capacity:
        result["ephemeral-storage"] = f"{int(parse(capacity['ephemeral-storage']) * Decimal('0.48'))}"
    return result
