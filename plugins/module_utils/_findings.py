# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""What a check found, with its remedy: the one form of preflight, access check and verification."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._capability import Result
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError

OK = "ok"
FAILED = "failed"
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Finding:
    check: str
    verdict: str
    found: str
    remedy: str = ""


def refuse(what: str, findings: Sequence[Finding], result: Result) -> None:
    """Raise RhaiiError when one failed: `what` is the case, with all that failed and each remedy once."""
    failed = [finding for finding in findings if finding.verdict == FAILED]
    if failed:
        raise RhaiiError(
            f"{what}: {'; '.join(f'{each.check}: {each.found}' for each in failed)}.",
            remedy=" ".join(dict.fromkeys(each.remedy for each in failed)),
            result=result,
        )


def table(findings: Sequence[Mapping[str, Any]]) -> list[str]:
    """The findings as lines for a screen, remedies beneath."""
    return list(_lines(findings))


def _lines(findings: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    width = max((len(str(finding["check"])) for finding in findings), default=0)
    for finding in findings:
        yield f"{str(finding['verdict']).ljust(7)} {str(finding['check']).ljust(width)}  {finding['found']}"
        if finding.get("remedy"):
            yield f"{' ' * 7} {' ' * width}  -> {finding['remedy']}"


def summary(findings: Sequence[Mapping[str, Any]]) -> str:
    """The table in a sentence, for its end."""
    counted = {
        verdict: [str(finding["check"]) for finding in findings if finding["verdict"] == verdict]
        for verdict in (FAILED, UNKNOWN)
    }
    parts = [f"{len(names)} {verdict} ({', '.join(names)})" for verdict, names in counted.items() if names]
    good = len(findings) - sum(map(len, counted.values()))
    return f"{len(findings)} checks: {', '.join([f'{good} ok', *parts])}."


__all__ = ("FAILED", "OK", "UNKNOWN", "Finding", "refuse", "summary", "table")
