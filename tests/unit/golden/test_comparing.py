# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How originals and stand-ins are compared: the comparison itself must not let anything through."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.golden.comparing import KEPT, Ledger, Listed, differences


@pytest.mark.parametrize(
    ("wanted", "found", "paths"),
    [
        pytest.param({"a": 1}, {"a": 1}, [], id="equal"),
        pytest.param({"a": 1}, {"a": 2}, ["$.a"], id="value"),
        pytest.param({"a": 1}, {}, ["$.a"], id="missing"),
        pytest.param({}, {"a|b.c": None}, ["$['a|b.c']"], id="one more, even if it is nothing"),
        pytest.param([1, 2], [1], ["$[1]"], id="shorter"),
        pytest.param([{"a": [1]}], [{"a": [2]}], ["$[0].a[0]"], id="deep"),
        pytest.param({"a": {}}, {"a": []}, ["$.a"], id="another kind"),
        pytest.param([1, 2], [2, 1], ["$[0]", "$[1]"], id="another order"),
    ],
)
def test_every_difference_is_found(wanted: Any, found: Any, paths: list[str]) -> None:
    assert [item.path for item in differences(wanted, found)] == paths


def test_difference_says_both_sides() -> None:
    (found,) = differences({"a": "x"}, {})
    assert str(found) == "$.a: the original has 'x', the stand-in nothing"


@pytest.mark.parametrize(
    ("pattern", "covered"),
    [
        ("$.clusters['a|b'].type", True),
        ("$.clusters.*.type", True),
        ("$.clusters.*", False),
        ("$.clusters.*.name", False),
        ("$.*.type", False),
    ],
)
def test_listed_path_covers_its_own_place(pattern: str, covered: bool) -> None:
    (found,) = differences({"clusters": {"a|b": {"type": 1}}}, {"clusters": {"a|b": {"type": 2}}})
    assert Listed(pattern, "r", "a").covers("case", found) is covered


def test_listed_place_in_a_list_may_be_any() -> None:
    (found,) = differences([1], [2])
    assert Listed("$[*]", "r", "a").covers("case", found)


def test_listed_difference_may_be_of_one_case() -> None:
    (found,) = differences({"a": 1}, {"a": 2})
    assert Listed("$.a", "r", "a", cases="one").covers("one", found)
    assert not Listed("$.a", "r", "a", cases="one").covers("two", found)


def test_ledger_tells_unlisted_and_unused_and_counts() -> None:
    ledger = Ledger([Listed("$.a", "r", "x"), Listed("$.z", "r", "x")])
    assert [item.path for item in ledger.compare("c", "1", {"a": 1, "b": 1}, {"a": 2, "b": 2})] == ["$.b"]
    assert ledger.compare("d", "1", {"a": 1}, {"a": 2}) == []
    assert ledger.compare("e", "2", {}, {}) == []
    assert ledger.unused() == ["$.z"]
    assert ledger.table(["1", "2"]).splitlines() == [
        "| case | 1 | 2 |",
        "|---|---|---|",
        "| c | 1 differ |  |",
        "| d | 1 listed |  |",
        "| e |  | equal |",
        "",
        "compared 3, equal 1, equal but for what is listed 1",
    ]


def test_counts_are_kept_where_a_proof_wants_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger([Listed("$.a", "known", "there")])
    ledger.compare("equal", "1", {}, {})
    ledger.compare("listed", "1", {"a": 1}, {"a": 2})
    ledger.compare("different", "1", {"b": 1}, {"b": 2})
    ledger.keep("nowhere")
    monkeypatch.setenv(KEPT, str(tmp_path))
    ledger.keep("part")
    assert json.loads((tmp_path / "part.json").read_text()) == {
        **{"compared": 3, "equal": 1, "listed": 1, "different": 1}
    }
    assert not (tmp_path / "nowhere.json").exists()
