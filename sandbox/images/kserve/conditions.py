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
GATEWAYS = "GatewaysReady"
ROUTES = "HTTPRoutesReady"
POOL = "InferencePoolReady"
SCHEDULER = "SchedulerWorkloadReady"

WORKLOAD_PARTS = (MAIN_WORKLOAD, WORKER_WORKLOAD, PREFILL_WORKLOAD)
ROUTER_PARTS = (GATEWAYS, ROUTES, POOL, SCHEDULER)
DEPENDENTS = (WORKLOADS, ROUTER)
"""What Ready is made of. PresetsCombined is not among them in this generation of KServe."""
NEW_GENERATION = ("NewObservedGenFailure", "unsuccessfully observed a new generation")


class Conditions:
    """The conditions of one service while they are worked out."""

    def __init__(self, conditions: list[Object] | None = None, *, clock: Callable[[], str] = utc_now) -> None:
        self._found: dict[str, Object] = {item["type"]: copy.deepcopy(item) for item in conditions or []}
        self._clock = clock

    def get(self, kind: str) -> Object | None:
        """One condition."""
        return self._found.get(kind)

    def is_true(self, kind: str) -> bool:
        """Whether a condition is there and True."""
        return self._found.get(kind, {}).get("status") == "True"

    def as_list(self) -> list[Object]:
        """All of them, by type."""
        return [self._found[kind] for kind in sorted(self._found)]

    def begin(self, *, new_generation: bool) -> None:
        """Before a look at the service: what is not known is Unknown, and a new generation unsettles Ready."""
        for kind in (READY, *DEPENDENTS):
            if kind not in self._found:
                self._set(kind, "Unknown")
        if new_generation:
            self._set(READY, "Unknown", *NEW_GENERATION)

    def true(self, kind: str) -> None:
        """Mark True."""
        self._set(kind, "True")
        self._follow(kind)

    def false(self, kind: str, reason: str, message: str = "") -> None:
        """Mark False."""
        self._set(kind, "False", reason, message)
        self._follow(kind)

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

    def _follow(self, kind: str) -> None:
        if kind not in DEPENDENTS:
            return
        for status in ("False", "Unknown"):
            for dependent in DEPENDENTS:
                condition = self._found.get(dependent, {"status": "Unknown"})
                if condition["status"] == status:
                    self._set(READY, status, condition.get("reason", ""), condition.get("message", ""))
                    return
        self._set(READY, "True")

    def _set(self, kind: str, status: str, reason: str = "", message: str = "") -> None:
        condition: Object = {"type": kind, "status": status}
        if kind not in (READY, *DEPENDENTS):
            condition["severity"] = "Info"
        if reason:
            condition["reason"] = reason
        if message:
            condition["message"] = message
        known = self._found.get(kind)
        if known and {key: value for key, value in known.items() if key != "lastTransitionTime"} == condition:
            return
        self._found[kind] = {**condition, "lastTransitionTime": self._clock()}
