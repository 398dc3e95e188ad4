# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the state of a child says of its service: None for ready, else the condition's reason and message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Object = dict[str, Any]
Verdict = tuple[str, str] | None


def deployment(found: Object) -> Verdict:
    """A Deployment is ready when it is Available, which tolerates pods that may be unavailable."""
    for condition in (found.get("status") or {}).get("conditions") or []:
        if condition["type"] == "Available":
            if condition["status"] == "True":
                return None
            return condition.get("reason", ""), condition.get("message", "")
    return "Progressing", ""


def gateways(found: Sequence[Object]) -> Verdict:
    """Gateways are ready when they are Programmed."""
    waiting = [
        f"{item['metadata']['namespace']}/{item['metadata']['name']}"
        for item in found
        if _condition((item.get("status") or {}).get("conditions"), "Programmed").get("status") != "True"
    ]
    if not waiting:
        return None
    return "GatewaysNotReady", f"The following Gateways are not ready: [{' '.join(waiting)}]"


def routes(found: Sequence[Object]) -> Verdict:
    """Routes are ready when every parent that speaks accepts them, and their backends, in their newest form."""
    waiting = []
    for item in found:
        problem = _route_problem(item)
        if problem is not None:
            waiting.append(f"{item['metadata']['namespace']}/{item['metadata']['name']}: {problem}")
    if not waiting:
        return None
    return "HTTPRoutesNotReady", f"The following HTTPRoutes are not ready: [{' '.join(waiting)}]"


def _route_problem(item: Object) -> str | None:
    if not (item.get("spec") or {}).get("parentRefs"):
        return "no parentRefs"
    heard = False
    parents = (item.get("status") or {}).get("parents")
    for parent in parents or []:
        accepted = _condition(parent.get("conditions"), "Accepted")
        if not accepted:
            continue  # some controllers write other conditions only
        heard = True
        for condition in (accepted, _condition(parent.get("conditions"), "ResolvedRefs")):
            if not condition:
                return "no gateway has resolved its backends yet"
            if condition["status"] != "True" or _stale(condition, item):
                return _described(condition)
    # KServe prints its own value of the status where there is no condition to name
    nobody = "v1.HTTPRouteStatus{RouteStatus:v1.RouteStatus{Parents:[]v1.RouteParentStatus(nil)}}"
    return None if heard else "no gateway has accepted it yet" if parents else nobody


def inference_pool(found: Object) -> Verdict:
    """A pool is ready when every parent accepts it in its newest form."""
    place = f"{found['metadata']['namespace']}/{found['metadata']['name']}"
    parents = (found.get("status") or {}).get("parents") or []
    if not parents:
        return "InferencePoolNotReady", f"{place}: no parents found in status"
    for parent in parents:
        accepted = _condition(parent.get("conditions"), "Accepted")
        if not accepted:
            return "InferencePoolNotReady", f"{place}: no Accepted condition"
        if accepted["status"] != "True" or _stale(accepted, found):
            return "InferencePoolNotReady", f"{place}: {_described(accepted)}"
    return None


def _condition(conditions: Sequence[Object] | None, kind: str) -> Object:
    return next((item for item in conditions or [] if item["type"] == kind), {})


def _stale(condition: Object, found: Object) -> bool:
    observed = int(condition.get("observedGeneration") or 0)
    return 0 < observed < int(found["metadata"].get("generation", 0))


def _described(condition: Object) -> str:
    reason, message = condition.get("reason", ""), condition.get("message", "")
    return f'{condition["type"]}="{condition["status"]}" (reason "{reason}", message "{message}")'
