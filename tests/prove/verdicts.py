# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The proof of what cache_routing_test's verdicts are worth: how often each is wrong, counted out by courses.py."""

from __future__ import annotations

import functools
import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.settings import CHECKOUT
from tests.prove.commands import run
from tests.prove.proof import Figures, Origin, Step, StepError

COLLECTIONS = CHECKOUT / ".ansible" / "collections"


def steps() -> tuple[Step, ...]:
    """All of them count; none draws."""
    return (
        Step("healthy", "healthy routes of each share (seconds)", functools.partial(counted, "healthy")),
        Step("blind", "blind routes of each kind (seconds)", functools.partial(counted, "blind")),
        Step("bounds", "the worst of every plan, against what is promised (about a minute)", bounds),
    )


def counted(part: str, origin: Origin) -> Figures:
    """In a process that has the collection among its packages."""
    del origin
    with tempfile.TemporaryDirectory(prefix="rhaii-prove-") as folder:
        file = Path(folder) / "figures.json"
        command = [sys.executable, "-m", "tests.prove.courses", part, str(file)]
        run(command, cwd=CHECKOUT, extra={"PYTHONPATH": str(COLLECTIONS)})
        figures: Figures = json.loads(file.read_text(encoding="utf-8"))
    return figures


def bounds(origin: Origin) -> Figures:
    """The worst cases; one that is worse than promised is no proof."""
    worst = counted("bounds", origin)
    check(worst)
    return worst


def check(worst: Mapping[str, Mapping[str, Any]]) -> None:
    """Hold what was found against what is promised."""
    broken = [name for name, found in worst.items() if found["worst_percent"] > found["promised_percent"]]
    if broken:
        raise StepError(f"{', '.join(broken)}: more than is promised.")


__all__ = ("check", "steps")
