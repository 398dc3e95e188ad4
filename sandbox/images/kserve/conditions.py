# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Conditions of an LLMInferenceService, and how Ready follows from them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from sandbox.images.times import utc_now

Object = dict[str, Any]

READY = "Ready"
WORKLOADS = "WorkloadsReady"
ROUTER = "RouterReady"
PRESETS = "PresetsCombined"
MAIN_WORKLOAD = "MainWorkloadReady"
WORKER_WORKLOAD = "WorkerWorkloadReady"
PREFILL_WORKLOAD = "PrefillWorkloadReady"
PREFILL_WORKER_WORKLOAD = "PrefillWorkerWorkloadReady"
GATEWAYS = "GatewaysReady"
ROUTES = "HTTPRoutesReady"
POOL = "InferencePoolReady"
SCHEDULER = "SchedulerWorkloadReady"

WORKLOAD_PARTS = (MAIN_WORKLOAD, WORKER_WORKLOAD, PREFILL_WORKLOAD, PREFILL_WORKER_WORKLOAD)
ROUTER_PARTS = (GATEWAYS, ROUTES, POOL, SCHEDULER)
DEPENDENTS = (WORKLOADS, ROUTER)
"""What Ready is made of. PresetsCombined is not among them in this generation of KServe."""
NEW_GENERATION = ("NewObservedGenFailure", "unsuccessfully observed a new generation")


class Conditions:
    """The conditions of one service while they are worked out."""

    def __init__(self, conditions: list[Object] | None = None, *, clock: Callable[[], str] = utc_now) -> None:
        self._found: dict[str, Object] = {item["type"]: copy.deepcopy(item) for item in conditions or []}
        self._before = copy.deepcopy(self._found)
        self._clock = clock

    def get(self, kind: str) -> Object | None:
        """One condition."""
        return self._found.get(kind)

    def is_true(self, kind: str) -> bool:
        """Whether a condition is there and True."""
        return self._found.get(kind, {}).get("status") == "True"

    def as_list(self) -> list[Object]:
        """All of them, by type; one that is again what it was before has not changed."""
        return [self._settled(kind) for kind in sorted(self._found)]

    def _settled(self, kind: str) -> Object:
        found, before = self._found[kind], self._before.get(kind)
        return before if before and _content(before) == _content(found) else found

    def begin(self, *, new_generation: bool) -> None:
        """Before a look at the service: what is not known is Unknown, and a new generation unsettles Ready."""
        for kind in (READY, *DEPENDENTS):
            if kind not in self._found:
                self._set(kind, "Unknown")
        if new_generation:
            self._set(READY, "Unknown", *NEW_GENERATION)

    def true(self, kind: str) -> None:
        """Mark True; Ready follows what is not True by now."""
        self._set(kind, "True")
        unhappy = self._unhappy()
        if unhappy is not None:
            self._set(READY, unhappy["status"], unhappy.get("reason", ""), unhappy.get("message", ""))
        else:
            self._set(READY, "True")

    def false(self, kind: str, reason: str, message: str = "") -> None:
        """Mark False; what Ready is made of takes it along, with its own reason."""
        for each in (kind, READY) if kind in DEPENDENTS else (kind,):
            self._set(each, "False", reason, message)

    def clear(self, kind: str) -> None:
        """Take a condition away: what is not there blocks nothing."""
        self._found.pop(kind, None)

    def settle_workloads(self) -> None:
        """WorkloadsReady from its parts."""
        self._settle(WORKLOADS, WORKLOAD_PARTS)

    def settle_router(self) -> None:
        """RouterReady from its parts."""
        self._settle(ROUTER, ROUTER_PARTS)

    def _settle(self, kind: str, parts: tuple[str, ...]) -> None:
        for part in parts:
            condition = self._found.get(part)
            if condition and condition["status"] == "False":
                self.false(kind, condition.get("reason", ""), condition.get("message", ""))
                return
        self.true(kind)

    def _unhappy(self) -> Object | None:
        # the last to change speaks for all of them; of two at once, the first by name
        found = [self._found[kind] for kind in sorted(DEPENDENTS) if kind in self._found]
        found.sort(key=lambda item: str(item["lastTransitionTime"]), reverse=True)
        for status in ("False", "Unknown"):
            for condition in found:
                if condition["status"] == status:
                    return condition
        return None if len(found) == len(DEPENDENTS) else {"status": "Unknown"}

    def _set(self, kind: str, status: str, reason: str = "", message: str = "") -> None:
        condition: Object = {"type": kind, "status": status}
        if kind not in (READY, *DEPENDENTS):
            condition["severity"] = "Info"
        if reason:
            condition["reason"] = reason
        if message:
            condition["message"] = message
        known = self._found.get(kind)
        if known and _content(known) == condition:
            return
        self._found[kind] = {**condition, "lastTransitionTime": self._clock()}


def _content(condition: Object) -> Object:
    return {key: value for key, value in condition.items() if key != "lastTransitionTime"}
