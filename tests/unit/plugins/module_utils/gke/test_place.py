# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""gke_place: where to work, where to go, what was left behind."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._gke.place import of_environment, place, run

from tests.unit.plugins.module_utils.fake_gke import OURS, FakeGke, Stage

CANDIDATES = ["a", "b", "c"]


def noting(**debts: str) -> dict[str, str]:
    return {**OURS, **{f"rhaii-debt-{location}": operation for location, operation in debts.items()}}


@pytest.mark.parametrize(
    ("clusters", "left", "location", "exists", "debts", "settled", "strays", "candidates"),
    [
        pytest.param({}, {}, "a", False, {}, (), (), ("b", "c"), id="nothing yet"),
        pytest.param({"a": OURS}, {}, "a", True, {}, (), (), ("b", "c"), id="at home"),
        pytest.param({"b": OURS}, {}, "b", True, {}, (), (), ("a", "c"), id="moved and settled long ago"),
        pytest.param({"a": OURS}, {"a": "o"}, "b", False, {"a": "o"}, (), (), ("c",), id="must move now"),
        pytest.param(
            {"a": OURS, "b": noting(a="o")}, {}, "b", True, {"a": "o"}, (), (), ("c",), id="moved, not settled"
        ),
        pytest.param({"b": noting(a="o")}, {}, "b", True, {}, ("a",), (), ("c",), id="settled, still noted"),
        pytest.param(
            {"a": OURS, "b": noting(a="o")},
            {"a": "o", "b": "p"},
            "c",
            False,
            {"a": "o", "b": "p"},
            (),
            (),
            (),
            id="must move once more",
        ),
        pytest.param(
            {"a": OURS, "b": noting(a="o"), "c": noting(a="o", b="p")},
            {},
            "c",
            True,
            {"a": "o", "b": "p"},
            (),
            (),
            (),
            id="moved twice",
        ),
        pytest.param({"a": OURS, "b": OURS}, {}, "a", True, {}, (), ("b",), ("c",), id="a stray"),
        pytest.param({"z": OURS}, {}, "z", True, {}, (), (), ("a", "b", "c"), id="somewhere that is no candidate"),
        pytest.param({"0": OURS, "c": OURS}, {}, "c", True, {}, (), ("0",), ("a", "b"), id="a candidate comes first"),
        pytest.param({"z": OURS, "y": OURS}, {}, "y", True, {}, (), ("z",), ("a", "b", "c"), id="no candidate at all"),
        pytest.param(
            {"a": OURS, "c": noting(z="o")}, {}, "c", True, {}, ("z",), ("a",), ("b",), id="what moved comes first"
        ),
        pytest.param(
            {"a": OURS}, {"a": "o", "z": "p"}, "b", False, {"a": "o"}, ("z",), (), ("c",), id="what this run left"
        ),
    ],
)
def test_place(
    clusters: dict[str, dict[str, str]],
    left: dict[str, str],
    location: str,
    exists: bool,
    debts: dict[str, str],
    settled: tuple[str, ...],
    strays: tuple[str, ...],
    candidates: tuple[str, ...],
) -> None:
    found = place(CANDIDATES, clusters, left)
    assert found.location == location
    assert found.exists is exists
    assert dict(found.debts) == debts
    assert found.settled == settled
    assert found.strays == strays
    assert found.candidates == candidates


def test_candidates_are_taken_in_their_order() -> None:
    found = place(["c", "b", "a"], {"a": OURS, "b": OURS}, {})
    assert (found.location, found.strays, found.candidates) == ("b", ("a",), ("c",))
    assert place(["c", "b"], {}, {}).location == "c"


NOWHERE = "None of the locations a, b had the machines, so there is nowhere left to move to."
MORE_ZONES = (
    "Name more zones that have quota (rhaii_fallback_locations; preflight ranks them), or run again later with "
    "cluster_on_stockout: wait."
)


def test_nowhere_left_says_what_may_bill() -> None:
    with pytest.raises(RhaiiError) as caught:
        place(["a", "b"], {"a": OURS, "b": noting(a="o", z="q")}, {"b": "p"})
    assert (caught.value.msg, caught.value.remedy) == (NOWHERE, MORE_ZONES)
    assert caught.value.result == {"debts": {"a": "o", "b": "p"}}


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        pytest.param({}, ["a"], id="ours"),
        pytest.param({"name": "other"}, [], id="another name"),
        pytest.param({"resourceLabels": {}}, [], id="no labels"),
        pytest.param({"resourceLabels": {**OURS, "rhaii-environment": "dev"}}, [], id="another environment"),
        pytest.param({"resourceLabels": {"rhaii-environment": "prod"}}, [], id="another tool"),
        pytest.param({"resourceLabels": {"managed-by": "rhaii-gke"}}, [], id="no environment"),
        pytest.param({"resourceLabels": {**OURS, "managed-by-cnrm": "true"}}, [], id="made by another tool"),
    ],
)
def test_only_what_carries_our_labels_counts(changes: dict[str, Any], found: list[str]) -> None:
    cluster = {"name": "c", "location": "a", "resourceLabels": OURS, **changes}
    assert list(of_environment([cluster], "c", "prod")) == found


def test_run_reads_the_cloud_and_says_when_it_is_elsewhere() -> None:
    everywhere = [
        {"name": "c", "location": "a", "resourceLabels": OURS},
        {"name": "c", "location": "b", "resourceLabels": noting(a="operation-1")},
        {"name": "c", "location": "d", "resourceLabels": {}},
    ]
    stage = Stage(FakeGke(everywhere=everywhere))
    params = {"location": "a", "candidates": ["a", "b", "c"], "name": "c", "environment": "prod", "left": {}}
    assert run(params, stage.ports, stage.said.append, False) == {
        "changed": False,
        "location": "b",
        "exists": True,
        "moved": True,
        "debts": {"a": "operation-1"},
        "settled": [],
        "strays": [],
        "candidates": ["c"],
    }
    assert stage.said == ["environment prod: works in b, not in a"]


def test_nowhere_left_says_how_to_end_what_may_bill() -> None:
    everywhere = [{"name": "c", "location": location, "resourceLabels": OURS} for location in ("a", "b")]
    left = {"a": "operation-1", "b": "operation-2"}
    params = {"location": "a", "candidates": ["b"], "name": "c", "environment": "prod", "left": left}
    with pytest.raises(RhaiiError) as caught:
        run(params, Stage(FakeGke(everywhere=everywhere)).ports, lambda _: None, False)
    assert caught.value.msg == NOWHERE
    assert caught.value.remedy == (
        f"{MORE_ZONES} What there is in a and b may bill: end each with ansible-playbook playbooks/teardown.yml "
        "-e rhaii_location=... -e rhaii_on_stockout=fail -e rhaii_teardown_confirm=prod"
    )
    assert caught.value.result == {"debts": left}


@pytest.mark.parametrize("nothing", [None, [], {}])
def test_nothing_more_is_named(nothing: Any) -> None:
    params = {"location": "a", "candidates": nothing, "name": "c", "environment": "prod", "left": nothing}
    stage = Stage(FakeGke())
    found = run(params, stage.ports, stage.said.append, False)
    assert (found["location"], found["exists"], found["moved"], found["candidates"]) == ("a", False, False, [])
    assert stage.said == []
