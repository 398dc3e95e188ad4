# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Blocks of figures: filled from results and from nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.prove.render.figures import BlockError, cell, fill, table

RESULT = {
    "commit": "0123456789abcdef",
    "seed": 7,
    "stages": [{"title": "checks", "seconds": 2.5, "started": 1}, {"title": "pool", "seconds": 15.0, "started": 2}],
    "scale_up": {"replicas": 5, "seconds": 20.1},
    "scale_down": {"replicas": 2, "seconds": 30.25},
    "routing": {"affinity": 1.0, "serial": {"p50_ms": 100}, "parallel": {"p50_ms": 200}},
}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    (tmp_path / "job.json").write_text(json.dumps(RESULT), encoding="utf-8")
    return tmp_path


def filled(block: str, results: Path) -> list[str]:
    """The lines of a block's table."""
    text = fill(f"before\n<!-- figures: {block} -->\nold 99 ms\n<!-- end -->\nafter\n", results)
    assert text.startswith(f"before\n<!-- figures: {block} -->\n")
    assert text.endswith("<!-- end -->\nafter\n")
    assert "old 99 ms" not in text
    return [line for line in text.splitlines() if line.startswith("|")]


def test_rows_become_a_table(results: Path) -> None:
    assert filled("job.stages (title, seconds)", results) == [
        "| title | seconds |",
        "| --- | --- |",
        "| checks | 2.5 |",
        "| pool | 15 |",
    ]


def test_places_become_rows(results: Path) -> None:
    assert filled("job.scale_up+scale_down (seconds)", results)[2:] == ["| scale up | 20.1 |", "| scale down | 30.25 |"]
    assert filled("job.routing.serial+routing.parallel", results)[2:] == ["| serial | 100 |", "| parallel | 200 |"]


def test_values_become_lines(results: Path) -> None:
    assert filled("job.routing (affinity)", results)[2:] == ["| affinity | 1 |"]


def test_origin_is_said(results: Path) -> None:
    text = fill("<!-- figures: job.stages -->\n<!-- end -->", results)
    assert "From `docs/results/job.json`, commit 0123456789ab, seed 7." in text


def test_figures_of_no_commit_say_so(results: Path) -> None:
    (results / "job.json").write_text(json.dumps({**RESULT, "dirty": True}), encoding="utf-8")
    text = fill("<!-- figures: job.stages -->\n<!-- end -->", results)
    assert "commit 0123456789ab, with changes that are in no commit, seed 7." in text


def test_filling_again_changes_nothing(results: Path) -> None:
    once = fill("<!-- figures: job.stages -->\n<!-- end -->\n\n<!-- figures: none.x -->\n<!-- end -->\n", results)
    assert fill(once, results) == once


def test_without_results_there_is_no_figure(results: Path) -> None:
    text = fill("<!-- figures: other.stages -->\n| old | 5 |\n<!-- end -->", results)
    assert "| old |" not in text
    assert "No figures yet: there is no `docs/results/other.json`." in text


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ("job.stage", "has no stage: at stage there is commit, seed, stages"),
        ("job.stages.title", "at title there is list"),
        ("job.stages (title, minutes)", "has no column minutes: it has title, seconds, started"),
        ("job.routing (affinities)", "has no affinities: it has affinity"),
        ("job.scale_up.replicas", "is no table"),
    ],
)
def test_place_that_is_not_there_is_named(block: str, said: str, results: Path) -> None:
    with pytest.raises(BlockError, match=said):
        fill(f"<!-- figures: {block} -->\n<!-- end -->", results)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("<!-- figures: job.stages -->\n", id="no end"),
        pytest.param("<!-- figures: job -->\n<!-- end -->", id="no place"),
        pytest.param("<!-- figures: job.stages (a; b) -->\n<!-- end -->", id="malformed columns"),
        pytest.param(
            "<!-- figures: job.stages -->\n<!-- figures: job.stages -->\n<!-- end -->", id="the first has no end"
        ),
    ],
)
def test_malformed_block_is_refused(text: str, results: Path) -> None:
    with pytest.raises(BlockError):
        fill(text, results)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (True, "yes"),
        (3, "3"),
        (0.0, "0"),
        (0.004, "0.004"),
        (1234.5, "1234.5"),
        ("a|b", "a\\|b"),
        ([1, 2.5], "1, 2.5"),
    ],
)
def test_values_as_people_read_them(value: Any, text: str) -> None:
    assert cell(value) == text


def test_row_without_a_column_shows_a_dash() -> None:
    assert table([{"a": 1, "b": 2}, {"a": 3}])[-9:] == "| 3 | – |"
