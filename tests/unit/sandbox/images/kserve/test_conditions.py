# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Conditions: how parts make wholes, and what children's states say."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.images.kserve import conditions as kinds
from sandbox.images.kserve import readiness
from sandbox.images.kserve.conditions import Conditions


def settled(found: Conditions) -> dict[str, tuple[str, str]]:
    return {item["type"]: (item["status"], item.get("reason", "")) for item in found.as_list()}


def all_true() -> Conditions:
    found = Conditions(clock=lambda: "t0")
    found.begin(new_generation=True)
    for kind in (kinds.PRESETS, kinds.MAIN_WORKLOAD, kinds.ROUTES, kinds.POOL, kinds.SCHEDULER):
        found.true(kind)
    found.settle_workloads()
    found.settle_router()
    return found


def test_all_parts_true_makes_ready() -> None:
    assert settled(all_true())["Ready"] == ("True", "")


@pytest.mark.parametrize("part", [*kinds.WORKLOAD_PARTS, *kinds.ROUTER_PARTS])
def test_a_false_part_makes_ready_false_with_its_reason(part: str) -> None:
    found = all_true()
    found.false(part, "Because", "of this")
    found.settle_workloads()
    found.settle_router()
    whole = kinds.WORKLOADS if part in kinds.WORKLOAD_PARTS else kinds.ROUTER
    assert settled(found)[whole] == ("False", "Because")
    ready = found.get("Ready")
    assert ready is not None
    assert (ready["status"], ready["reason"], ready["message"]) == ("False", "Because", "of this")


def test_missing_parts_block_nothing() -> None:
    found = all_true()
    for part in kinds.ROUTER_PARTS:
        found.clear(part)
    found.settle_router()
    assert found.is_true("Ready")


def test_workloads_come_before_the_router() -> None:
    found = all_true()
    found.false(kinds.ROUTES, "Route")
    found.settle_router()
    found.false(kinds.MAIN_WORKLOAD, "Workload")
    found.settle_workloads()
    assert settled(found)["Ready"] == ("False", "Workload")


def test_presets_are_no_part_of_ready() -> None:
    found = all_true()
    found.false(kinds.PRESETS, "CombineBaseError")
    assert found.is_true("Ready")


def test_new_generation_unsettles_ready_until_it_was_looked_at() -> None:
    found = all_true()
    found.begin(new_generation=True)
    assert settled(found)["Ready"] == ("Unknown", "NewObservedGenFailure")
    found.settle_workloads()
    assert found.is_true("Ready")
    found.begin(new_generation=False)
    assert found.is_true("Ready")


def test_router_that_was_never_looked_at_keeps_ready_unknown() -> None:
    found = Conditions(clock=lambda: "t0")
    found.begin(new_generation=True)
    found.settle_workloads()
    assert settled(found)["Ready"][0] == "Unknown"


def test_transition_time_moves_only_with_the_condition() -> None:
    times = iter(["t", "t1", "t2", "t3"])
    found = Conditions(
        [{"type": "Part", "status": "True", "severity": "Info", "lastTransitionTime": "t0"}], clock=lambda: next(times)
    )
    found.true("Part")
    assert found.as_list()[0]["lastTransitionTime"] == "t0"
    found.false("Part", "A")
    found.false("Part", "A")
    assert found.as_list()[0]["lastTransitionTime"] == "t1"
    found.false("Part", "B")
    assert found.as_list()[0]["lastTransitionTime"] == "t2"


def test_condition_that_is_again_what_it_was_keeps_its_time() -> None:
    known = {"type": "Ready", "status": "False", "reason": "A", "lastTransitionTime": "t0"}
    found = Conditions([known], clock=lambda: "t1")
    found.false("Ready", "B")
    found.false("Ready", "A")
    assert found.as_list() == [known]


def test_parts_are_informational_and_wholes_are_not() -> None:
    found = {item["type"]: item.get("severity") for item in all_true().as_list()}
    assert found[kinds.MAIN_WORKLOAD] == "Info"
    assert found[kinds.WORKLOADS] is None


def condition(kind: str, status: str = "True", **more: Any) -> dict[str, Any]:
    return {"type": kind, "status": status, "reason": "R", "message": "m", **more}


def test_deployment_is_ready_when_available() -> None:
    assert readiness.deployment({"status": {"conditions": [condition("Available")]}}) is None
    waiting = condition("Available", "False", reason="MinimumReplicasUnavailable")
    assert readiness.deployment({"status": {"conditions": [waiting]}}) == ("MinimumReplicasUnavailable", "m")
    assert readiness.deployment({}) == ("Progressing", "")


def obj(status: dict[str, Any], generation: int = 2) -> dict[str, Any]:
    meta = {"namespace": "n", "name": "x", "generation": generation}
    return {"metadata": meta, "spec": {"parentRefs": [{"name": "g"}]}, "status": status}


@pytest.mark.parametrize(
    ("parents", "ready"),
    [
        ([[condition("Accepted"), condition("ResolvedRefs")]], True),
        ([[condition("Accepted", observedGeneration=2), condition("ResolvedRefs", observedGeneration=2)]], True),
        ([[condition("Accepted", observedGeneration=1), condition("ResolvedRefs")]], False),
        ([[condition("Accepted"), condition("ResolvedRefs", "False")]], False),
        ([[condition("Accepted", "False"), condition("ResolvedRefs")]], False),
        ([[condition("Accepted")]], False),
        ([[condition("Other")], [condition("Accepted"), condition("ResolvedRefs")]], True),
        ([[condition("Other")]], False),
        ([], False),
    ],
    ids=["plain", "newest", "stale", "backend", "refused", "unresolved", "others", "silent", "none"],
)
def test_route_is_ready(parents: list[list[dict[str, Any]]], ready: bool) -> None:
    found = obj({"parents": [{"conditions": conditions} for conditions in parents]})
    verdict = readiness.routes([found])
    assert (verdict is None) is ready
    assert ready or (verdict is not None and verdict[0] == "HTTPRoutesNotReady" and "n/x" in verdict[1])


def test_route_without_parents_is_not_ready() -> None:
    assert readiness.routes([{**obj({}), "spec": {}}]) is not None


@pytest.mark.parametrize(
    ("parents", "ready"),
    [
        ([[condition("Accepted")]], True),
        ([[condition("Accepted", observedGeneration=1)]], False),
        ([[condition("Accepted", "False")]], False),
        ([[condition("Other")]], False),
        ([[condition("Accepted")], [condition("Accepted", "False")]], False),
        ([], False),
    ],
    ids=["plain", "stale", "refused", "silent", "one-of-two", "none"],
)
def test_pool_is_ready(parents: list[list[dict[str, Any]]], ready: bool) -> None:
    found = obj({"parents": [{"conditions": conditions} for conditions in parents]})
    assert (readiness.inference_pool(found) is None) is ready


def test_gateways_are_ready_when_programmed() -> None:
    assert readiness.gateways([obj({"conditions": [condition("Programmed")]})]) is None
    verdict = readiness.gateways([obj({"conditions": [condition("Accepted")]})])
    assert verdict is not None
    assert verdict[0] == "GatewaysNotReady"
    assert "n/x" in verdict[1]


def test_ready_says_what_failed_last() -> None:
    found = all_true()
    found.false(kinds.MAIN_WORKLOAD, "NoPods")
    found.settle_workloads()
    found.false(kinds.ROUTES, "NoGateway")
    found.settle_router()
    assert settled(found)["Ready"] == ("False", "NoGateway")


def test_route_that_nobody_has_seen_is_shown_as_kserve_prints_it() -> None:
    route = {"metadata": {"namespace": "n", "name": "r"}, "spec": {"parentRefs": [{"name": "g"}]}, "status": {}}
    verdict = readiness.routes([route])
    assert verdict is not None
    nobody = "v1.HTTPRouteStatus{RouteStatus:v1.RouteStatus{Parents:[]v1.RouteParentStatus(nil)}}"
    assert verdict[1].endswith(f"[n/r: {nobody}]")
