# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of the cloud's faults: all of it from the results, and none of it without them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.prove.render.cloud_faults import page, slug
from tests.prove.render.figures import BlockError

COUNTS = ("cells", "refused", "tracebacks", "unreported", "false_ok", "not_made_good", "open_items")


def row(action: str) -> dict[str, Any]:
    return {"action": action, "happened": "a 0 | it was", "ended": "refused", "seen": "no quota", "left": "nothing"}


RESULT: dict[str, Any] = {
    "commit": "0123456789abcdef",
    "seed": 7,
    "faults": {
        **dict.fromkeys(COUNTS, 0),
        "cells": 4,
        "faults": ["quota of 0", "503"],
        "by_fault": {"quota-of-0": [row("create"), row("delete")], "503": [row("resize")]},
    },
    "killed": {
        "runs": 1,
        "made_good": 1,
        "requests_of_an_undisturbed_run": 50,
        "rows": [{"request": 3, "manner": "after", "doing": "POST clusters", "left": "nothing", "problem": ""}],
    },
    "permissions": {"removed": 30, "named": 30, "made": 0},
    "concurrency": {"calls": 12, "ratio": 0.25},
    "google_cloud": {"modules": 3, "unknown_field_refused": True},
}


def written(folder: Path, result: dict[str, Any]) -> Path:
    (folder / "cloud.json").write_text(json.dumps(result), encoding="utf-8")
    return folder


def test_without_a_proof_the_page_says_so_and_shows_no_figure(tmp_path: Path) -> None:
    text = page(tmp_path)
    assert text.count("No figures yet: there is no `docs/results/cloud.json`.") == text.count("<!-- end -->") == 6
    assert "| " not in text


def test_every_fault_has_its_section_and_every_cell_its_line(tmp_path: Path) -> None:
    text = page(written(tmp_path, RESULT))
    assert "No figures yet" not in text
    assert text.index("## Quota of 0") < text.index("## 503") < text.index("## Runs that are killed")
    assert text.count("| a 0 \\| it was | refused | no quota | nothing |") == 3
    assert "| cells | 4 |" in text
    assert "| requests of an undisturbed run | 50 |" in text
    assert "From `docs/results/cloud.json`, commit 0123456789ab, seed 7." in text


def test_a_count_that_is_missing_is_no_page(tmp_path: Path) -> None:
    faults = {name: value for name, value in RESULT["faults"].items() if name != "false_ok"}
    with pytest.raises(BlockError, match="has no false_ok"):
        page(written(tmp_path, {**RESULT, "faults": faults}))


def test_a_fault_without_its_cells_is_no_page(tmp_path: Path) -> None:
    faults = {**RESULT["faults"], "by_fault": {"503": [row("resize")]}}
    with pytest.raises(BlockError, match="quota-of-0"):
        page(written(tmp_path, {**RESULT, "faults": faults}))


def test_results_without_the_faults_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BlockError, match="run the proof again"):
        page(written(tmp_path, {**RESULT, "faults": {"cells": 0}}))


def test_names_become_places() -> None:
    assert slug("quota of -1") == "quota-of-1"
    assert slug("spot preemption") == "spot-preemption"
