# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings: when they refuse, and how they are shown."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._findings import (
    FAILED,
    OK,
    UNKNOWN,
    Finding,
    refuse,
    summary,
    table,
)


def test_refusal_names_what_failed_and_each_remedy_once() -> None:
    findings = [
        Finding("billing", FAILED, "none", "Pay."),
        Finding("APIs", UNKNOWN, "silence", "Wait."),
        Finding("quota", FAILED, "0", "Pay."),
        Finding("helm", FAILED, "missing", "Install it."),
        Finding("project", OK, "p"),
    ]
    with pytest.raises(RhaiiError) as caught:
        refuse("p is not ready", findings, {"account": "a"})
    assert caught.value.msg == "p is not ready: billing: none; quota: 0; helm: missing."
    assert caught.value.remedy == "Pay. Install it."
    assert caught.value.result == {"account": "a"}


@pytest.mark.parametrize("findings", [[], [Finding("a", OK, ""), Finding("b", UNKNOWN, "")]])
def test_nothing_is_refused_when_nothing_failed(findings: list[Finding]) -> None:
    refuse("p is not ready", findings, {})


def shown(check: Any, verdict: str, found: str = "", **more: Any) -> dict[str, Any]:
    return {"check": check, "verdict": verdict, "found": found, **more}


def test_table_puts_remedies_beneath() -> None:
    findings = [
        shown("project", "ok", "p", remedy=""),
        shown("pull secret", "failed", "none", remedy="Give one."),
        shown("APIs", "unknown", "silence", remedy="Wait."),
        shown(7, "ok", "without a remedy"),
    ]
    assert table(findings) == [
        "ok      project      p",
        "failed  pull secret  none",
        "                     -> Give one.",
        "unknown APIs         silence",
        "                     -> Wait.",
        "ok      7            without a remedy",
    ]
    assert table([]) == []


GOOD = [shown("a", "ok"), shown("b", "ok")]


@pytest.mark.parametrize(
    ("findings", "sentence"),
    [
        ([], "0 checks: 0 ok."),
        (GOOD, "2 checks: 2 ok."),
        ([*GOOD, shown(3, "failed")], "3 checks: 2 ok, 1 failed (3)."),
        ([*GOOD, shown("d", "unknown")], "3 checks: 2 ok, 1 unknown (d)."),
        (
            [shown("d", "unknown"), *GOOD, shown("c", "failed"), shown("e", "failed")],
            "5 checks: 2 ok, 2 failed (c, e), 1 unknown (d).",
        ),
    ],
)
def test_summary_counts_and_names(findings: list[dict[str, Any]], sentence: str) -> None:
    assert summary(findings) == sentence
