# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a node takes a pod that was bound to it: the scheduler looked, but it may have looked at the past."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from sandbox.nodes.quantities import Amounts, add, amounts, pod_requests

Rejection = tuple[str, str]
"""Reason and message."""


def refusal(
    spec: Mapping[str, Any], others: Iterable[Mapping[str, Any]], allocatable: Mapping[str, str]
) -> Rejection | None:
    """Why a pod does not fit beside the `others` (pod specs); None when it does."""
    used: Amounts = {}
    count = 0
    for other in others:
        add(used, pod_requests(other))
        count += 1
    capacity = amounts(allocatable)
    limit = int(capacity.get("pods", Decimal(110)))
    if count + 1 > limit:
        return out_of("pods", 1, count, limit)
    for name, wanted in sorted(pod_requests(spec).items()):
        have, taken = capacity.get(name, Decimal(0)), used.get(name, Decimal(0))
        if wanted > have - taken:
            if name == "cpu":
                return out_of(name, int(wanted * 1000), int(taken * 1000), int(have * 1000))
            return out_of(name, int(wanted), int(taken), int(have))
    return None


def out_of(resource: str, requested: int, used: int, capacity: int) -> Rejection:
    """The kubelet's words."""
    return (
        f"OutOf{resource}",
        f"Pod was rejected: Node didn't have enough resource: {resource}, "
        f"requested: {requested}, used: {used}, capacity: {capacity}",
    )
