# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run did, as lines and as a report."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from ansible_collections.rhaii.gke.plugins.module_utils._recap import STAGES, recap, stages

MODELS = [
    {"name": "qwen", "served_name": "Qwen/Qwen2.5-3B-Instruct", "replicas": 3, "uri": "hf://x", "override": {}},
    {"name": "gemma", "served_name": "google/gemma-2b", "replicas": 1},
]
FIGURES = {"requests": 10, "requests_per_second": 6.34, "p50_ms": 151.6, "p95_ms": 180.2, "p99_ms": 201.0}
ROUTING = {
    "verdict": "affine",
    "affinity": 0.94,
    "affinity_by_chance": 0.456,
    "hit_ratio": 0.9,
    "cached_tokens": 2816,
    "p_value": 0.00026,
    "serial": FIGURES,
    "parallel": {**FIGURES, "requests": 100, "requests_per_second": 24.96},
    "msg": "Routing follows the prefix.",
    "seed": 1,
}
# in guide minutes the order of a deploy: the pool is asked for early and awaited late
MARKS = {
    "preflight": 1000.0,
    "control_plane": 1003.0,
    "tpu_pool": 1010.0,
    "namespace": 1012.0,
    "operators": 1015.0,
    "inference_service": 1030.0,
    "routing": 1031.0,
    "routed": 1033.0,
    "verification": 1050.0,
    "end": 1120.0,
}
COST = {
    "location": "europe-west4-a",
    "hourly": 48.5,
    "suspended_hourly": 0.43,
    "per_chip_hour": 3.0,
    "currency": "USD",
    "source": "billing",
    "as_of": "2026-11-24",
    "unknown": [],
    "lines": [{"what": "chips"}],
    "msg": "48.50 USD an hour while 4 TPU nodes run; 0.43 USD suspended (billing, 2026-11-24)",
}
STORY: dict[str, Any] = {
    "environment": "prod",
    "url": "http://203.0.113.7",
    "models": MODELS,
    "chips_per_node": 4,
    "ready": [
        {"name": "gemma", "replicas": {"desired": 1, "ready": 0, "updated": 1}},
        {"name": "qwen", "replicas": {"desired": 3, "ready": 3, "updated": 3}},
    ],
    "cost": COST,
    "routing": ROUTING,
    "marks": MARKS,
}


def lines(**story: Any) -> list[str]:
    found = recap({**STORY, **story})["lines"]
    assert isinstance(found, list)
    return found


def test_lines_of_a_whole_deploy() -> None:
    assert lines() == [
        "prod: http://203.0.113.7, to be tried with",
        "curl -s http://203.0.113.7/v1/completions -H Content-Type:application/json -d "
        '\'{"model":"Qwen/Qwen2.5-3B-Instruct","prompt":"Hello","max_tokens":20}\'',
        "Replicas:    3 of 3 ready (qwen, Qwen/Qwen2.5-3B-Instruct)",
        "Replicas:    0 of 1 ready (gemma, google/gemma-2b)",
        "Hardware:    4 TPU nodes, 16 chips",
        "Cost:        48.50 USD an hour while 4 TPU nodes run; 0.43 USD suspended (billing, 2026-11-24)",
        "Affinity:    0.94 of requests with one prefix on one replica (by chance 0.46)",
        "Hit ratio:   0.90 of the repeated prompts' tokens came from the cache",
        "Serial:      6.3 req/s, P50 152 ms, P95 180 ms, P99 201 ms",
        "Parallel:    25.0 req/s, P50 152 ms, P95 180 ms, P99 201 ms",
        "Stage                           guide      here",
        "checks                          3 min       3 s",
        "control plane                   5 min       7 s",
        "TPU pool                       15 min      21 s",
        "namespace, secrets, policies    2 min       3 s",
        "operators and gateway          10 min      15 s",
        "inference service              10 min      20 s",
        "routing                         2 min       2 s",
        "verification and performance   10 min      70 s",
        "in all (stages overlap)        57 min     2 min",
    ]


def test_command_can_be_copied_from_a_screen_of_yaml() -> None:
    assert yaml.safe_dump(lines()[1:2], width=1000) == f"- {lines()[1]}\n"


def test_report_is_plain_and_holds_what_the_lines_say() -> None:
    report = recap(STORY)["report"]
    assert json.loads(json.dumps(report)) == report
    assert {key: report[key] for key in ("environment", "url", "models", "nodes", "chips")} == {
        "environment": "prod",
        "url": "http://203.0.113.7",
        "models": [
            {"name": "qwen", "served_name": "Qwen/Qwen2.5-3B-Instruct", "replicas": 3},
            {"name": "gemma", "served_name": "google/gemma-2b", "replicas": 1},
        ],
        "nodes": 4,
        "chips": 16,
    }
    assert report["cost"] == {key: value for key, value in COST.items() if key not in ("location", "lines")}
    assert report["routing"] == {key: value for key, value in ROUTING.items() if key != "seed"}
    assert [stage["name"] for stage in report["stages"]] == [
        "preflight",
        "control_plane",
        "tpu_pool",
        "namespace",
        "operators",
        "inference_service",
        "routing",
        "verification",
    ]
    assert report["stages"][2] == {
        "name": "tpu_pool",
        "title": "TPU pool",
        "guide_minutes": 15,
        "started": 1010.0,
        "ended": 1031.0,
        "seconds": 21.0,
    }
    assert set(report) == {"environment", "url", "models", "nodes", "chips", "cost", "stages", "routing"}


def test_report_rounds_seconds_to_tenths() -> None:
    report = recap({**STORY, "marks": {"routing": 1.0, "routed": 2.26}})["report"]
    assert [stage["seconds"] for stage in report["stages"]] == [1.3]


def test_numbers_may_come_as_text() -> None:
    story = {**STORY, "chips_per_node": "8", "models": [{**MODELS[0], "replicas": "2"}]}
    assert (recap(story)["report"]["nodes"], recap(story)["report"]["chips"]) == (2, 16)


@pytest.mark.parametrize(("tpu_nodes", "nodes"), [(6, 6), ("5", 5), (0, 4), (None, 4), ("", 4)])
def test_nodes_are_the_pools_when_it_is_said_how_many(tpu_nodes: Any, nodes: int) -> None:
    found = recap({**STORY, "tpu_nodes": tpu_nodes})
    assert (found["report"]["nodes"], found["report"]["chips"]) == (nodes, 4 * nodes)
    assert f"Hardware:    {nodes} TPU nodes, {4 * nodes} chips" in found["lines"]


@pytest.mark.parametrize("cost", [None, {}, {"msg": ""}])
def test_cost_that_is_not_known_has_no_line(cost: Any) -> None:
    assert not [line for line in lines(cost=cost) if line.startswith("Cost")]


def test_bare_story_has_the_lines_that_are_always_there() -> None:
    bare = {key: STORY[key] for key in ("environment", "models", "chips_per_node")}
    found = recap({**bare, "url": ""})
    assert found["lines"] == [
        "prod: no gateway address yet",
        "Replicas:    3 wanted (qwen, Qwen/Qwen2.5-3B-Instruct)",
        "Replicas:    1 wanted (gemma, google/gemma-2b)",
        "Hardware:    4 TPU nodes, 16 chips",
    ]
    assert found["report"]["stages"] == []
    assert set(found["report"]["cost"].values()) == {None}
    assert set(found["report"]["routing"].values()) == {None}
    assert set(found["report"]["routing"]) == set(ROUTING) - {"seed"}


@pytest.mark.parametrize("ready", [None, [], [{"name": "qwen"}], [{"name": "qwen", "replicas": None}], [{}]])
def test_wait_that_said_nothing_leaves_what_is_wanted(ready: Any) -> None:
    assert "Replicas:    3 wanted (qwen, Qwen/Qwen2.5-3B-Instruct)" in lines(ready=ready)


def test_nothing_ready_is_no_silence() -> None:
    ready = [{"name": "qwen", "replicas": {"ready": 0}}]
    assert "Replicas:    0 of 3 ready (qwen, Qwen/Qwen2.5-3B-Instruct)" in lines(ready=ready)


@pytest.mark.parametrize(
    ("routing", "left"),
    [
        pytest.param({"affinity": None}, ["Hit ratio:", "Serial:", "Parallel:"], id="no view of the replicas"),
        pytest.param({"hit_ratio": None}, ["Affinity:", "Serial:", "Parallel:"], id="no cached tokens"),
        pytest.param({"serial": None}, ["Affinity:", "Hit ratio:", "Parallel:"], id="no serial requests"),
        pytest.param({"parallel": {}}, ["Affinity:", "Hit ratio:", "Serial:"], id="no parallel requests"),
        pytest.param(
            {"parallel": {**FIGURES, "requests": 0}}, ["Affinity:", "Hit ratio:", "Serial:"], id="none of them sent"
        ),
        pytest.param(
            {"affinity": 0.0, "hit_ratio": 0.0},
            ["Affinity:", "Hit ratio:", "Serial:", "Parallel:"],
            id="zero is a figure",
        ),
    ],
)
def test_figures_that_are_not_known_are_left_out(routing: dict[str, Any], left: list[str]) -> None:
    found = lines(routing={**ROUTING, **routing}, marks={})
    assert [line.split("  ")[0] for line in found[6:]] == left


def test_chance_that_is_not_known_is_left_out() -> None:
    found = lines(routing={**ROUTING, "affinity_by_chance": None})
    assert "Affinity:    0.94 of requests with one prefix on one replica" in found
    found = lines(routing={**ROUTING, "affinity_by_chance": 0.0})
    assert "Affinity:    0.94 of requests with one prefix on one replica (by chance 0.00)" in found


def test_requests_that_all_failed_are_said_without_figures() -> None:
    failed = {"requests": 10, "errors": 10, "requests_per_second": None, "p50_ms": None}
    assert "Serial:      no request succeeded" in lines(routing={**ROUTING, "serial": failed})


def test_stage_needs_both_its_marks() -> None:
    assert [stage.name for stage in stages({"preflight": 1.0, "control_plane": 2.0, "routing": 3.0, "end": 9.0})] == [
        "preflight"
    ]
    assert stages({}) == []


def test_stages_come_in_the_guides_order_whatever_the_marks() -> None:
    assert [stage.name for stage in stages(dict(reversed(MARKS.items())))] == [row[0] for row in STAGES]


def test_marks_may_be_text_and_time_never_runs_backwards() -> None:
    marks: Any = {"routing": "10.5", "routed": "9"}
    (stage,) = stages(marks)
    assert (stage.started, stage.ended, stage.seconds) == (10.5, 9.0, 0.0)


def test_short_table_is_as_wide_as_its_last_line() -> None:
    assert lines(marks={"routing": 0.0, "routed": 90.0})[-3:] == [
        "Stage                      guide      here",
        "routing                    2 min     2 min",
        "in all (stages overlap)    2 min     2 min",
    ]


def test_whole_time_is_from_the_first_start_to_the_last_end() -> None:
    marks = {"routing": 100.0, "routed": 160.0, "tpu_pool": 40.0}
    assert lines(marks=marks)[-1].split()[-2:] == ["2", "min"]
    assert lines(marks={**marks, "tpu_pool": 100.0})[-1].split()[-2:] == ["60", "s"]
    # whichever stage begins first, and whichever ends last
    upside_down = {"namespace": 60.0, "operators": 85.0, "routing": 50.0, "routed": 70.0}
    assert lines(marks=upside_down)[-1].split()[-2:] == ["35", "s"]
