# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The proof of what stands for the real systems: each path asks its picker on each Istio, stand-ins by originals."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from sandbox.settings import CHECKOUT
from tests.prove.commands import run
from tests.prove.proof import Figures, Origin, Step, StepError

GOLDEN = (
    "tests/unit/sandbox/images/istiod/test_golden.py",
    "tests/integration/sandbox/test_golden_istiod.py",
    "tests/integration/sandbox/test_golden_epp.py",
    "tests/integration/sandbox/test_golden_kserve.py",
)
ROUTING = "tests/integration/sandbox/test_asked_pickers.py"


def steps() -> tuple[Step, ...]:
    """The quick one first."""
    return (
        Step("routing", "each path of one model and of two, on each release of Istio (a minute)", routing),
        Step("originals", "every golden case against its stand-in (about ten minutes)", originals),
    )


def routing(origin: Origin) -> Figures:
    """Who was asked, by the picker and by the gateway, and what was found cached."""
    with tempfile.TemporaryDirectory(prefix="rhaii-prove-") as folder:
        file = Path(folder) / "figures.json"
        extra = {"RHAII_PROVE": "1", "RHAII_SEED": str(origin.seed), "RHAII_FIGURES": str(file)}
        run([sys.executable, "-m", "pytest", "-x", "-v", ROUTING], cwd=CHECKOUT, extra=extra)
        found: Figures = json.loads(file.read_text(encoding="utf-8"))
    return found


def originals(origin: Origin) -> Figures:
    """How many cases each stand-in was held against, and how many came out equal."""
    with tempfile.TemporaryDirectory(prefix="rhaii-prove-") as folder:
        extra = {"RHAII_PROVE": "1", "RHAII_SEED": str(origin.seed), "RHAII_GOLDEN": folder}
        for file in GOLDEN:
            run([sys.executable, "-m", "pytest", "-x", "-q", file], cwd=CHECKOUT, extra=extra)
        rows = [
            {"component": file.stem, **json.loads(file.read_text(encoding="utf-8"))}
            for file in sorted(Path(folder).glob("*.json"))
        ]
    return {"components": counted(rows)}


def counted(rows: list[Figures]) -> list[Figures]:
    """The rows, where no case is otherwise and each original has one."""
    wrong = [row["component"] for row in rows if row["different"]]
    if wrong or len(rows) != len(GOLDEN):
        found = ", ".join(row["component"] for row in rows)
        raise StepError(f"wanted {len(GOLDEN)} originals without a difference; found {found}; different: {wrong}.")
    return rows


__all__ = ("counted", "steps")
