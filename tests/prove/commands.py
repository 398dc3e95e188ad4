# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands of a proof, run in sight of the user."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from sandbox.settings import CHECKOUT
from tests.prove.proof import StepError

PATIENCE = 3600.0


def run(command: list[str], *, cwd: Path, extra: Mapping[str, str] | None = None) -> float:
    """Run a command in sight of the user; returns its seconds, StepError when it fails."""
    started = time.monotonic()
    try:
        done = subprocess.run(
            command, cwd=cwd, env={**plain_environment(), **(extra or {})}, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        raise StepError(f"{' '.join(command)} did not end within {PATIENCE:.0f} s.") from None
    if done.returncode:
        raise StepError(f"{' '.join(command)} (in {cwd}) ended with {done.returncode}; its output is above.")
    return time.monotonic() - started


def plain_environment() -> dict[str, str]:
    """The environment without what make and the virtual environment put into it."""
    own = str(CHECKOUT / ".venv")
    path = os.pathsep.join(part for part in os.environ["PATH"].split(os.pathsep) if not part.startswith(own))
    dropped = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "VIRTUAL_ENV")
    return {**{name: value for name, value in os.environ.items() if name not in dropped}, "PATH": path}


__all__ = ("run",)
