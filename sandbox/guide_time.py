# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Guide time: the lengths of durations.yml, divided by the sandbox's speed."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml

from sandbox.settings import Settings


@cache
def durations() -> dict[str, float]:
    """Guide seconds by name."""
    data = yaml.safe_load((Path(__file__).parent / "durations.yml").read_text(encoding="utf-8"))
    return {str(name): float(value) for name, value in data.items()}


def scaled(guide_seconds: float) -> float:
    """Real seconds for a number of guide seconds."""
    return guide_seconds / Settings.load().speed


def seconds(name: str) -> float:
    """Real seconds for a duration of durations.yml; KeyError when it has no such name."""
    return scaled(durations()[name])
