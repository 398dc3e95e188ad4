# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The findings in plain words: every check has some, and they say what is ready, what is to do, and who."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils import _findings
from ansible_collections.rhaii.gke.plugins.module_utils._preflight.plain_words import PLAIN, said_of, words
from ansible_collections.rhaii.gke.plugins.module_utils._quota import standard

CORE = Path(_findings.__file__).parent
ROOMS = ("_preflight", "_access", "_quota")
# what makes a finding of its first argument, or names one
MAKERS = {"Finding", "Check", "check", "_said", "judge_version"}
JARGON = re.compile(r"quota|IAM|API\b|zone|cluster|node\b|rhaii_|pod\b|provisioning", re.IGNORECASE)


def source(room: str) -> Iterator[ast.Module]:
    for file in sorted((CORE / room).glob("*.py")):
        yield ast.parse(file.read_text(encoding="utf-8"))


def constants() -> dict[str, str]:
    """Names at the top of modules, and the locals of functions, that stand for a text."""
    return {
        target.id: node.value.value
        for room in ROOMS
        for tree in source(room)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def name_of(node: ast.expr | None, known: dict[str, str]) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
        return f"{node.values[0].value}..."
    return known.get(node.id, "") if isinstance(node, ast.Name) else ""


def checks() -> set[str]:
    """The names of all checks, from the sources of those who make findings."""
    known = constants()
    found = set(standard.TITLES.values()) | {"CPU quota", "disk quota"}
    for room in ROOMS:
        for tree in source(room):
            for node in ast.walk(tree):
                if not isinstance(node, ast.Call):
                    continue
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if called not in MAKERS:
                    continue
                keyword = next((each.value for each in node.keywords if each.arg == "check"), None)
                # _said(answer, name, verdict)
                position = 1 if called == "_said" else 0
                given = keyword or (node.args[position] if len(node.args) > position else None)
                found.add(name_of(given, known))
    return found - {""}


CHECKS = checks()


def test_checks_are_found_in_the_sources() -> None:
    assert {
        "project",
        "model routes",
        "pull secret",
        "helm",
        "access",
        "cost",
        "place",
        "credentials",
        "billing",
        "permissions",
        "Kubernetes version",
        "model ...",
        "TPU quota",
        "machine type offered",
        "reservation",
        "standard machine type",
        "SSD quota",
    } <= CHECKS
    assert len(CHECKS) > 40


def finding(check: str, verdict: str) -> dict[str, Any]:
    return {"check": check, "verdict": verdict, "found": "what was found", "remedy": "what helps"}


@pytest.mark.parametrize("check", sorted(CHECKS))
def test_check_has_plain_words(check: str) -> None:
    said = said_of({"check": check})
    assert said in PLAIN.values(), f"give the check {check!r} words in _preflight/plain_words.py"
    for sentence in (said.ready, said.todo):
        assert sentence.endswith(".")
        assert not JARGON.search(sentence), f"plain people do not know: {sentence}"
    assert said.who


def test_words_are_only_of_checks_that_there_are() -> None:
    assert set(PLAIN) - CHECKS == set(), "no check is called so"


def test_check_without_words_is_named_all_the_same() -> None:
    lines = words([finding("brand new", "failed")])
    assert "  * The check 'brand new' needs somebody." in lines
    assert words([finding("brand new", "ok")])[-1] == "  * The check 'brand new' is fine."


@pytest.mark.parametrize(
    ("check", "words_of"),
    [("model hf://org/a", "model access"), ("model names", "model names"), ("model access", "model access")],
)
def test_each_model_is_told_with_the_words_of_all(check: str, words_of: str) -> None:
    assert said_of({"check": check}) == PLAIN[words_of]


def test_what_is_to_do_comes_first_with_who_and_what_helps() -> None:
    lines = words([finding("project", "ok"), finding("TPU quota", "failed"), finding("billing", "unknown")])
    assert lines == [
        "Not ready yet: 1 thing has to be done first.",
        "",
        "To be done:",
        "  * Google has to let the project have more TPU chips.",
        "    Who: the owner of the Google Cloud project asks, and Google decides.",
        "    What we found: what was found",
        "    What helps: what helps",
        "",
        "Not known, and perhaps no obstacle:",
        "  * Somebody has to pay: the project has no account.",
        "    What we found: what was found",
        "    What helps: what helps",
        "",
        "Ready:",
        "  * We know which Google Cloud project to use.",
    ]


@pytest.mark.parametrize(
    ("verdicts", "headline"),
    [
        ([], "Everything is ready."),
        (["ok"], "Everything is ready."),
        (["ok", "unknown"], "Ready as far as we can see; 1 thing could not be seen."),
        (["unknown", "unknown"], "Ready as far as we can see; 2 things could not be seen."),
        (["failed", "failed", "unknown"], "Not ready yet: 2 things have to be done first."),
    ],
)
def test_headline(verdicts: list[str], headline: str) -> None:
    assert words([finding("project", verdict) for verdict in verdicts])[0] == headline


def test_price_is_said_with_its_amount() -> None:
    assert words([finding("project", "ok"), finding("cost", "ok")])[-2:] == [
        "  * We know which Google Cloud project to use.",
        "  * We know what it costs. what was found.",
    ]


def test_nothing_to_help_is_no_empty_line() -> None:
    lines = words([{**finding("project", "failed"), "remedy": ""}])
    assert not any("What helps" in line for line in lines)
