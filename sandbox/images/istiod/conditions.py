# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Status conditions: what is true now, with the time at which it became so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sandbox.control_plane.kube import Object, Objects


@dataclass(frozen=True)
class Condition:
    """One condition, before it has a time."""

    type: str
    status: bool
    reason: str
    message: str


def conditions(wanted: Sequence[Condition], existing: Iterable[Object], *, generation: int, now: str) -> Objects:
    """The condition list of an object: `wanted`, beside those of `existing` that are not ours.

    A condition whose status did not change keeps its time, so that an unchanged status compares equal.
    """
    known = {item["type"]: item for item in existing}
    result = [item for kind, item in known.items() if kind not in {condition.type for condition in wanted}]
    for condition in wanted:
        status = "True" if condition.status else "False"
        before = known.get(condition.type, {})
        result.append(
            {
                "type": condition.type,
                "status": status,
                "reason": condition.reason,
                "message": condition.message,
                "observedGeneration": generation,
                "lastTransitionTime": before["lastTransitionTime"] if before.get("status") == status else now,
            }
        )
    return result
