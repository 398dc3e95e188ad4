# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The proof that nothing of others is touched: mixed worlds, every verb, each foreign thing compared."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

from sandbox.settings import CHECKOUT
from tests.prove.commands import run
from tests.prove.proof import Figures, Origin, Step

FILE = "tests/integration/test_worlds.py"
WORLDS = int(os.environ.get("RHAII_WORLDS", "200"))
PORTION = 40
"""Worlds for one command, so that none takes longer than a command may."""


def steps() -> tuple[Step, ...]:
    """One step: the worlds are kept as they are played."""
    return (Step("worlds", f"every verb in {WORLDS} mixed worlds (about three hours)", worlds, at_top=True),)


def worlds(origin: Origin) -> Figures:
    """Play what has not been played yet, a portion at a time."""
    with tempfile.TemporaryDirectory(prefix="rhaii-prove-") as folder:
        file = Path(folder) / "figures.json"
        seconds = 0.0
        for count in [*range(PORTION, WORLDS, PORTION), WORLDS]:
            environment = {
                "RHAII_PROVE": "1",
                "RHAII_SEED": str(origin.seed),
                "RHAII_FIGURES": str(file),
                "RHAII_WORLDS": str(count),
            }
            command = [sys.executable, "-m", "pytest", "-x", "-v", FILE, "-k", "worlds_of_the_proof"]
            seconds += run(command, cwd=CHECKOUT, extra=environment)
        found: Figures = json.loads(file.read_text(encoding="utf-8"))["worlds"]
    return {**found, "seconds": round(seconds)}


__all__ = ("steps",)
