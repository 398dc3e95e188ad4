# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A clock that only moves when somebody sleeps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class FakeClock:
    def __init__(self, start: datetime = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)) -> None:
        self._start = start
        self._passed = 0.0
        self.slept: list[float] = []
        # Called after every sleep with the seconds that have passed, so that a test can let the world move.
        self.on_sleep: Callable[[float], None] = lambda passed: None

    def monotonic(self) -> float:
        return self._passed

    def sleep(self, seconds: float) -> None:
        # A wait of nothing in a loop would never end here; a second lets its deadline come.
        self._passed += max(seconds, 0.0) or 1.0
        self.slept.append(seconds)
        self.on_sleep(self._passed)

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._passed)
