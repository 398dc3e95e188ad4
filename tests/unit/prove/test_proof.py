# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.prove.proof import Figures, Origin, Proof, Step, StepError

COMMIT = Origin("topic", "abc", 1)


class Desk:
    """Steps that count their runs, and what was said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runs: list[str] = []
        self.said: list[str] = []

    def step(self, name: str, figures: Figures, *, fails: bool = False, at_top: bool = False) -> Step:
        def run(origin: Origin) -> Figures:
            self.runs.append(name)
            if fails:
                raise StepError("it is not so.")
            return {**figures, "seed": origin.seed} if not at_top else figures

        return Step(name, f"about {name}", run, at_top=at_top)

    def prove(self, *steps: Step, origin: Origin = COMMIT) -> bool:
        return Proof(
            origin, steps, self.folder / "kept", self.folder / "results" / "topic.json", self.said.append
        ).run()

    def result(self) -> Any:
        return json.loads((self.folder / "results" / "topic.json").read_text(encoding="utf-8"))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_result_has_origin_machine_and_figures(desk: Desk) -> None:
    assert desk.prove(desk.step("one", {"deploy": {"seconds": 3}}, at_top=True), desk.step("two", {"seconds": 4}))
    result = desk.result()
    assert (result["commit"], result["seed"], result["dirty"]) == ("abc", 1, False)
    assert result["machine"]["cpus"] >= 1
    assert result["deploy"] == {"seconds": 3}
    assert result["two"] == {"seconds": 4, "seed": 1}


def test_failing_step_stops_no_other_and_leaves_no_result(desk: Desk) -> None:
    assert not desk.prove(desk.step("one", {}, fails=True), desk.step("two", {}))
    assert desk.runs == ["one", "two"]
    assert not (desk.folder / "results").exists()
    assert "one: it is not so." in desk.said


def test_second_round_runs_only_what_is_missing(desk: Desk) -> None:
    desk.prove(desk.step("one", {}, fails=True), desk.step("two", {"a": 1}))
    assert desk.prove(desk.step("one", {}), desk.step("two", {"a": 2}))
    assert desk.runs == ["one", "two", "one"]
    assert desk.result()["two"]["a"] == 1


@pytest.mark.parametrize(
    "other", [Origin("topic", "abd", 1), Origin("topic", "abc", 2), Origin("topic", "abc", 1, dirty=True)]
)
def test_other_origin_is_measured_anew(desk: Desk, other: Origin) -> None:
    desk.prove(desk.step("one", {}))
    desk.prove(desk.step("one", {}), origin=other)
    assert desk.runs == ["one", "one"]


def test_dirty_tree_is_always_measured(desk: Desk) -> None:
    dirty = Origin("topic", "abc", 1, dirty=True)
    for _ in range(2):
        desk.prove(desk.step("one", {}), origin=dirty)
    assert desk.runs == ["one", "one"]


def test_half_written_figures_are_measured_anew(desk: Desk) -> None:
    desk.prove(desk.step("one", {}))
    (desk.folder / "kept" / "one.json").write_text("{", encoding="utf-8")
    assert desk.prove(desk.step("one", {}))
    assert desk.runs == ["one", "one"]
