# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""What has changed since one last said something, as lines for people."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.rhaii.gke.plugins.module_utils._errors import one_line
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.conditions import Condition
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.problems import Problem
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.replicas import (
    FAILING,
    FINISHED,
    PENDING,
    READY,
    Replica,
    doing,
)


class Telling:
    """Remembers what it has said, so that nothing is said twice."""

    def __init__(self) -> None:
        self._stages: dict[str, str] = {}
        self._conditions: dict[str, str] = {}
        self._notes: dict[str, str] = {}

    def news(
        self,
        notes: Sequence[Problem],
        replicas: Sequence[Replica],
        desired: int,
        blocked: Sequence[Condition],
        conditions: Sequence[Condition],
    ) -> list[str]:
        """One line for each change; replicas that did the same share one."""
        return [
            *self._new_notes(notes),
            *self._new_stages(replicas, desired),
            *self._new_conditions(blocked, conditions),
        ]

    def _new_notes(self, notes: Sequence[Problem]) -> list[str]:
        now = {each.kind: each.message for each in notes}
        lines = [text for kind, text in now.items() if self._notes.get(kind) != text]
        self._notes = now
        return lines

    def _new_stages(self, replicas: Sequence[Replica], desired: int) -> list[str]:
        ready = sum(1 for each in replicas if each.stage == READY and each.workload and each.newest)
        groups: dict[tuple[str, str], list[str]] = {}
        for each in replicas:
            text = _stage_text(each)
            if self._stages.get(each.uid) != text:
                groups.setdefault((_kind(each), text), []).append(each.short)
        self._stages = {each.uid: _stage_text(each) for each in replicas}
        return [
            f"{kind}{'s' if len(names) > 1 else ''} {', '.join(names)}: {text}"
            + (f", {ready} of {desired}" if kind == "replica" and text == doing(READY) else "")
            for (kind, text), names in groups.items()
        ]

    def _new_conditions(self, blocked: Sequence[Condition], conditions: Sequence[Condition]) -> list[str]:
        now = {each.type: _condition_text(each) for each in blocked if each.status == "False"}
        known = {each.type: each.status for each in conditions}
        lines = [f"{kind} is False{text}" for kind, text in now.items() if self._conditions.get(kind) != text]
        lines += [f"{kind} is True" for kind in self._conditions if known.get(kind) == "True"]
        self._conditions = now
        return lines


def _kind(replica: Replica) -> str:
    if not replica.workload:
        return "endpoint picker"
    return "replica" if replica.newest else "older replica"


def _stage_text(replica: Replica) -> str:
    detail = ""
    if replica.stage == FAILING and replica.trouble is not None:
        detail = replica.trouble.brief
    elif replica.stage in (PENDING, FINISHED):
        detail = replica.message
    return doing(replica.stage) + (f" ({detail})" if detail else "")


def _condition_text(condition: Condition) -> str:
    reason = f" ({condition.reason})" if condition.reason else ""
    return reason + (f": {one_line(Exception(condition.message), 300)}" if condition.message else "")


__all__ = ("Telling",)
