# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One table of causes: what code names stands in it, what stands in it is named by code, and each has its anchor."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._cause_sentences import EXPLAINS, SENTENCES
from ansible_collections.rhaii.gke.plugins.module_utils._causes import CAUSES, anchor

from tests.prove.render.tree import ROOT
from tests.prove.render.troubleshooting import page, rows

TABLE = ROOT / "docs" / "troubleshooting.yml"
ROWS = rows(TABLE)
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
# what gives a cause to something that was found
HOMES = ("_causes.py", "_cause_sentences.py")


def named() -> set[str]:
    """Every id that stands as a text in the code of modules, the list of ids left out."""
    texts: set[str] = set()
    for file in sorted((ROOT / "plugins").rglob("*.py")):
        if file.name not in HOMES:
            tree = ast.parse(file.read_text(encoding="utf-8"))
            texts |= {each.value for each in ast.walk(tree) if isinstance(each, ast.Constant) and each.value in CAUSES}
    return texts


def test_the_table_has_the_ids_of_the_code_in_their_order() -> None:
    assert [row.id for row in ROWS] == list(CAUSES)
    assert len(set(CAUSES)) == len(CAUSES)


def test_every_id_is_named_by_code() -> None:
    assert set(CAUSES) - named() == set()


@pytest.mark.parametrize("cause", CAUSES)
def test_every_id_has_its_anchor(cause: str) -> None:
    file, _, name = anchor(cause).partition("#")  # type: ignore[arg-type]
    text = (ROOT / file).read_text(encoding="utf-8")
    assert len(re.findall(rf"^### {re.escape(name)}$", text, re.MULTILINE)) == 1
    # as GitHub and others make anchors of headings: nothing of it is lost
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", name)


def test_nothing_explains_what_explains_it() -> None:
    for cause, explained in EXPLAINS.items():
        assert cause not in explained
        assert not {other for other in explained if cause in EXPLAINS.get(other, frozenset())}


def test_what_explains_something_else_is_told_on_the_page() -> None:
    for cause, explained in EXPLAINS.items():
        # one that explains all, and what any of many explains, is told without names
        for other in explained if len(explained) < len(CAUSES) - 1 else ():
            own = PAGE.partition(f"### {other}\n")[2].partition("\n### ")[0]
            assert f"[{cause}](#{cause})" in own or "Not named beside: any of" in own


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_a_row_is_a_sentence_each_and_a_command(row: object) -> None:
    assert row.see.startswith("kubectl ")  # type: ignore[attr-defined]
    for text in (row.cause, row.symptom, row.cure):  # type: ignore[attr-defined]
        assert text[0].isupper() or text.startswith("--")
        assert text.endswith((".", ")."))


@pytest.mark.parametrize(
    "text",
    [
        "- group: g\n  see: kubectl\n  read: x\n  causes: [{id: a, cause: A., symptom: S.}]\n",
        "- group: g\n  see: kubectl\n  read: x\n  causes: [{id: a, cause: A., symptom: S., cure: C., more: 1}]\n",
        "- group: g\n  see: kubectl\n  read: 1.2\n  causes: [{id: a, cause: A., symptom: S., cure: C.}]\n",
    ],
)
def test_a_row_that_is_no_row_is_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "table.yml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="a cause has"):
        rows(file)


def test_an_explanation_of_what_is_no_cause_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "table.yml"
    row = "{id: a, cause: A., symptom: S., cure: C., explains: [b]}"
    file.write_text(f"- group: g\n  see: kubectl\n  read: x\n  causes: [{row}]\n", encoding="utf-8")
    with pytest.raises(ValueError, match="no cause"):
        rows(file)


def test_page_and_code_are_of_the_table() -> None:
    assert page(ROWS) == PAGE
    for row in ROWS:
        assert SENTENCES[row.id] == (row.cause, row.symptom, row.cure)  # type: ignore[index]
        assert EXPLAINS.get(row.id, frozenset()) == set(row.explains)  # type: ignore[call-overload]
