# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Wall time and guide time as the cloud sees them."""

from __future__ import annotations

import datetime
import time
from typing import Protocol

from sandbox.guide_time import durations


class Clock(Protocol):
    """Where the time comes from."""

    def now(self) -> float:
        """Seconds since 1970: it goes on while the cloud is not running."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        return time.time()


class Timetable:
    """Guide seconds to real seconds at one speed."""

    def __init__(self, speed: float) -> None:
        self.speed = speed

    def guide(self, name: str) -> float:
        """Guide seconds of a duration of durations.yml."""
        return durations()[name]

    def real(self, guide_seconds: float) -> float:
        """Real seconds for guide seconds."""
        return guide_seconds / self.speed


def timestamp(moment: float) -> str:
    """A moment as the APIs write it."""
    text = datetime.datetime.fromtimestamp(moment, datetime.UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
