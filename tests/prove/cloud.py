# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The proof of the cloud half: faults, killed runs, permissions, google.cloud's modules, questions asked at once."""

from __future__ import annotations

import functools
import json
import sys
import tempfile
from pathlib import Path

from sandbox.settings import CHECKOUT
from tests.prove.commands import run
from tests.prove.proof import Figures, Origin, Step

FILE = "tests/integration/test_cloud_faults.py"
OWNERSHIP = ("tests/integration/test_teardown.py", "tests/integration/sandbox/test_made_beside.py")


def steps() -> tuple[Step, ...]:
    """What measures time comes first, while the machine is quiet."""
    return (
        step("concurrency", "preflight's questions at once and in turn (seconds)", "asks_what_is_independent"),
        step("faults", "every fault against every action (about 10 minutes)", "every_fault"),
        step("killed", "SIGKILL at 20 moments, and the run after it (about 5 minutes)", "killed_runs"),
        step("permissions", "each permission removed in turn (about 3 minutes)", "each_missing_permission"),
        step("google_cloud", "unmodified modules of google.cloud (seconds)", "modules_of_google_cloud"),
        Step("ownership", "what is ours is made once and goes, what is not stays (about 3 minutes)", ownership),
    )


def step(name: str, about: str, tests: str) -> Step:
    """A step is a test in full, which writes down its figures under the step's name."""
    return Step(name, about, functools.partial(measured, name, tests))


def measured(name: str, tests: str, origin: Origin) -> Figures:
    """Run the test."""
    with tempfile.TemporaryDirectory(prefix="rhaii-prove-") as folder:
        file = Path(folder) / "figures.json"
        environment = {"RHAII_PROVE": "1", "RHAII_SEED": str(origin.seed), "RHAII_FIGURES": str(file)}
        run([sys.executable, "-m", "pytest", "-x", "-v", FILE, "-k", tests], cwd=CHECKOUT, extra=environment)
        figures: Figures = json.loads(file.read_text(encoding="utf-8"))[name]
    return figures


def ownership(origin: Origin) -> Figures:
    """These measure nothing but how long they take."""
    command = [sys.executable, "-m", "pytest", "-x", "-v", *OWNERSHIP]
    seconds = run(command, cwd=CHECKOUT, extra={"RHAII_PROVE": "1", "RHAII_SEED": str(origin.seed)})
    return {"seconds": round(seconds, 1)}


__all__ = ("steps",)
