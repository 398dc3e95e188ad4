# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much of a run was played in guide time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.__main__ import show_recap
from sandbox.settings import Settings
from sandbox.timeline import OVERLAP, Interval, ReportError, Stage, Timeline, played, recap, stages_of, table


def interval(started: float, seconds: float) -> Interval:
    return Interval("operation", "x", started, seconds, 60.0)


@pytest.mark.parametrize(
    ("intervals", "seconds"),
    [
        pytest.param([], 0.0, id="nothing"),
        pytest.param([interval(100, 5)], 5.0, id="one"),
        pytest.param([interval(100, 5), interval(107, 1)], 6.0, id="apart"),
        pytest.param([interval(100, 5), interval(103, 5)], 8.0, id="overlapping"),
        pytest.param([interval(100, 8), interval(102, 1)], 8.0, id="one within another"),
        pytest.param([interval(102, 1), interval(100, 8)], 8.0, id="in no order"),
        pytest.param([interval(100, 5), interval(105, 2)], 7.0, id="touching"),
        pytest.param([interval(95, 7)], 2.0, id="begun before"),
        pytest.param([interval(108, 7)], 2.0, id="going on"),
        pytest.param([interval(90, 40)], 10.0, id="around it all"),
        pytest.param([interval(90, 10), interval(110, 5)], 0.0, id="outside"),
    ],
)
def test_union_is_clipped_to_the_window(intervals: list[Interval], seconds: float) -> None:
    assert played(intervals, (100.0, 110.0)) == pytest.approx(seconds)


def test_rows_tell_guide_minutes_and_overhead_and_the_last_one_the_whole_run() -> None:
    stages = [Stage("control plane", 5, 100, 106), Stage("TPU pool", 15, 106, 122), Stage("operators", 10, 108, 120)]
    rows = recap(stages, [interval(100, 5), interval(106, 15)], 60.0)
    assert [(row.title, row.guide_minutes, row.here_minutes, row.overhead_seconds) for row in rows] == [
        ("control plane", 5, 5.0, 1.0),
        ("TPU pool", 15, 15.0, 1.0),
        ("operators", 10, 12.0, 0.0),
        ("in all", 30, 20.0, 2.0),
    ]


def test_speed_turns_seconds_into_guide_minutes() -> None:
    assert recap([Stage("a", 5, 0, 60)], [interval(0, 50)], 6.0)[0].here_minutes == pytest.approx(5.0)


def test_book_is_read_as_it_was_written_and_a_torn_line_is_left_out(tmp_path: Path) -> None:
    book = Timeline(tmp_path / "timeline.jsonl", 30.0)
    assert book.read() == []
    book.note("operation", "CREATE_CLUSTER demo", 10.0, 1000.0)
    book.note("image pull", "x on n", 0.0, 1001.0)
    with (tmp_path / "timeline.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"kind": "opera\n{"kind": "operation"}\n')
    book.note("load balancer", "a/b", 2.5, 1002.0)
    assert book.read() == [
        Interval("operation", "CREATE_CLUSTER demo", 1000.0, 10.0, 30.0),
        Interval("load balancer", "a/b", 1002.0, 2.5, 30.0),
    ]


@pytest.mark.parametrize("report", [{}, {"stages": [{"title": "x"}]}, {"stages": []}, {"stages": 3}, []])
def test_report_without_stages_is_refused_with_a_sentence(report: Any) -> None:
    with pytest.raises(ReportError, match="stage"):
        stages_of(report)


def test_recap_of_a_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings(tmp_path)
    Timeline.of(settings).note("operation", "CREATE_CLUSTER demo", 5.0, 1000.0)
    stage = {"name": "control_plane", "title": "control plane", "guide_minutes": 5, "started": 1000.0, "ended": 1007.0}
    file = tmp_path / "report.json"
    file.write_text(json.dumps({"stages": [stage]}), encoding="utf-8")
    assert show_recap(settings, file) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["control", "plane", "5", "5.0", "2.0"]
    assert lines[2].split() == ["in", "all", "5", "5.0", "2.0"]
    assert lines[3] == OVERLAP


@pytest.mark.parametrize(("content", "said"), [(None, "cannot be read"), ("{", "is no JSON"), ("{}", "no report")])
def test_report_that_is_none_is_told_so(
    content: str | None, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "report.json"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    assert show_recap(Settings(tmp_path), file) == 1
    assert said in capsys.readouterr().out


def test_columns_stand_below_their_heads() -> None:
    lines = table(recap([Stage("verification and performance", 10, 0, 20)], [interval(0, 5)], 60.0))
    assert len({len(line) for line in lines[:-1]}) == 1
