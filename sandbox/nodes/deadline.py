# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The end of a grace period, which may be drawn nearer while somebody waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any


class Deadline:
    """A moment of the loop's clock."""

    def __init__(self, seconds: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._at = self._loop.time() + seconds
        self._nearer = asyncio.Event()

    @property
    def left(self) -> float:
        """Seconds that remain; never negative."""
        return max(0.0, self._at - self._loop.time())

    def shorten(self, seconds: float) -> None:
        """Let it come in `seconds`, if it is not nearer already."""
        at = self._loop.time() + seconds
        if at < self._at:
            self._at = at
            self._nearer.set()
            self._nearer = asyncio.Event()

    async def wait_for(self, work: Awaitable[Any], *, at_least: float = 0.0) -> bool:
        """Wait for `work` until the deadline, but `at_least` so many seconds; whether it ended. It is not cancelled."""
        task = asyncio.ensure_future(work)
        floor = self._loop.time() + at_least
        while not task.done():
            left = max(self.left, floor - self._loop.time())
            if left <= 0:
                break
            nearer = asyncio.ensure_future(self._nearer.wait())
            try:
                await asyncio.wait({task, nearer}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            finally:
                nearer.cancel()
        return task.done()
