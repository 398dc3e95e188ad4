# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The list of mends fits the tree, and a mend that no test holds is told."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from sandbox.settings import CHECKOUT
from tests.prove import mends
from tests.prove.mends import Change, Mend, judged, rows, taken_out
from tests.prove.proof import StepError

ROWS = rows()
MENDS = [pytest.param(mend, id=f"{row.number} {mend.what}") for row in ROWS for mend in row.mends]


def test_every_row_is_there_once() -> None:
    assert [row.number for row in ROWS] == list(range(1, 18))


@pytest.mark.parametrize("mend", MENDS)
def test_mend_stands_in_the_tree_and_has_its_test(mend: Mend) -> None:
    for change in mend.changes:
        assert change.applied(CHECKOUT) != (CHECKOUT / change.file).read_text(encoding="utf-8")
    text = (CHECKOUT / mend.file).read_text(encoding="utf-8")
    name = mend.test.partition("::")[2]
    assert not name or f"def {name}(" in text
    # what takes minutes is proven elsewhere
    assert mend.file.startswith("tests/unit/")


CHANGE = Change("a.txt", "two", "2")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "a.txt").write_text("one two", encoding="utf-8")
    return tmp_path


def test_mend_is_put_back(root: Path) -> None:
    with taken_out(root, (CHANGE, Change("a.txt", "one", "1"))):
        assert (root / "a.txt").read_text(encoding="utf-8") == "1 2"
    assert (root / "a.txt").read_text(encoding="utf-8") == "one two"


@pytest.mark.parametrize("text", ["one", "two two"])
def test_entry_that_does_not_fit_its_file_is_refused(root: Path, text: str) -> None:
    (root / "a.txt").write_text(text, encoding="utf-8")
    with pytest.raises(StepError, match=r"mends\.yml: what is to change in a\.txt stands there \d times"):
        CHANGE.applied(root)


@pytest.mark.parametrize(
    ("codes", "said", "found"),
    [
        pytest.param((0, 1), "1 failed, 3 passed in 1s", (True, True), id="held"),
        pytest.param((0, 0), "4 passed in 1s", (True, False), id="not held"),
        pytest.param((1, 1), "1 failed in 1s", (False, True), id="failing anyway"),
        pytest.param((0, 1), "1 error in 1s", (True, False), id="could not run"),
        pytest.param((0, 5), "4 deselected in 1s", (True, False), id="no such test"),
    ],
)
def test_only_a_test_that_passed_and_then_fails_holds_a_mend(
    root: Path, monkeypatch: pytest.MonkeyPatch, codes: tuple[int, int], said: str, found: tuple[bool, bool]
) -> None:
    left = list(codes)
    seen: list[str] = []

    def run(folder: Path, _mend: Mend) -> Any:
        seen.append((folder / "a.txt").read_text(encoding="utf-8"))
        return subprocess.CompletedProcess([], left.pop(0), said)

    monkeypatch.setattr(mends, "run", run)
    result = judged(root, Mend(1, "what", "tests/unit/x.py", "", (CHANGE,)))
    assert (result["passes"], result["fails_without"]) == found
    assert seen == ["one two", "one 2"]
