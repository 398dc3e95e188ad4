# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A verification whose requests leave the routing open: it fails where the proof is required, and only there."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.questions import of_roles

LOOKED = [{"check": "health", "path": "/health", "ok": True, "status": 200}]
FAILED = "__verification_failed"
REQUIRED: dict[Any, list[str]] = {
    None: [],
    "": [],
    "false": [],
    False: [],
    True: ["cache routing"],
    "yes": ["cache routing"],
}


@pytest.fixture(scope="module")
def failed() -> dict[tuple[Any, str], list[str]]:
    """The checks that fail, by what is required and by the verdict of the requests."""
    asked = [(required, verdict) for required in REQUIRED for verdict in ("unknown", "affine")]
    questions = [
        {
            "role": "verification",
            "names": [FAILED],
            "variables": {
                "verification_require_proof": required,
                "verification_routing": {
                    "health": LOOKED,
                    "verdict": verdict,
                    "msg": "So it is.",
                    "remedy": "Do that.",
                },
            },
        }
        for required, verdict in asked
    ]
    found = [[each["check"] for each in answer[FAILED]["value"]] for answer in of_roles(questions)]
    return dict(zip(asked, found, strict=True))


@pytest.mark.parametrize("required", REQUIRED)
def test_open_question_fails_where_proof_is_required(required: Any, failed: dict[tuple[Any, str], list[str]]) -> None:
    assert failed[required, "unknown"] == REQUIRED[required]
    assert failed[required, "affine"] == []
