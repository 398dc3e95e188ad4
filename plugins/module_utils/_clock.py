# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""Time as a port: whatever waits is handed a clock, so that its tests do not wait."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    def monotonic(self) -> float:
        """Seconds that only grow, for measuring."""

    def sleep(self, seconds: float) -> None:
        """Wait."""

    def now(self) -> datetime:
        """The wall clock, aware, in UTC."""


class SystemClock:
    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(max(0.0, seconds))

    def now(self) -> datetime:
        return datetime.now(UTC)


class Deadline:
    """How much of a time-out is left; `pause` never sleeps beyond it."""

    def __init__(self, clock: Clock, timeout: float) -> None:
        self._clock = clock
        self._start = clock.monotonic()
        self.timeout = timeout

    @property
    def elapsed(self) -> float:
        return self._clock.monotonic() - self._start

    @property
    def left(self) -> float:
        return max(0.0, self.timeout - self.elapsed)

    @property
    def passed(self) -> bool:
        return self.elapsed >= self.timeout

    def pause(self, seconds: float) -> None:
        self._clock.sleep(min(seconds, self.left))


def jittered(seconds: float, chance: float) -> float:
    """Shorter by chance (0 to 1), up to a half, so that many who were turned away together do not come back so."""
    return seconds * (0.5 + 0.5 * chance)


def in_words(seconds: float) -> str:
    """A duration as people read it: 45 s, 4 min, 1 h 05 min."""
    whole = round(seconds)
    if whole < 90:
        return f"{whole} s"
    minutes = round(whole / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


__all__ = ("Clock", "Deadline", "SystemClock", "in_words", "jittered")
