# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The engine: steps of the scheduler in real time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

from sandbox.images.vllm.metrics import Metrics
from sandbox.images.vllm.scheduler import Scheduler, Work

Sleep = Callable[[float], Awaitable[None]]

# A step that ended later than planned because the machine was busy is made up for, up to this much.
LARGEST_LAG = 0.25


class Engine:
    """Runs sequences; one task, which sleeps through each step."""

    def __init__(
        self,
        scheduler: Scheduler,
        metrics: Metrics,
        *,
        clock: Callable[[], float] | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.scheduler = scheduler
        self.metrics = metrics
        self._clock = clock or asyncio.get_running_loop().time
        self._sleep = sleep
        self._work_arrived = asyncio.Event()
        self._news: dict[Work, asyncio.Event] = {}

    async def run(self) -> None:
        """Work for ever."""
        planned_end = self._clock()
        while True:
            step = self.scheduler.plan(planned_end)
            self._note_load()
            if step is None:
                self._work_arrived.clear()
                await self._work_arrived.wait()
                planned_end = self._clock()
                continue
            for work, _ in step.prefill:
                if work.computed == work.cached and self.scheduler.cache.enabled:
                    self.metrics.looked_up(work)
            planned_end = max(planned_end, self._clock() - LARGEST_LAG) + step.seconds
            await self._sleep(max(planned_end - self._clock(), 0))
            self._tell(self.scheduler.complete(step, planned_end))

    def _tell(self, progressed: Sequence[Work]) -> None:
        for work in progressed:
            self.metrics.token(work)
            if work.finished:
                self.metrics.finished(work)
            news = self._news.get(work)
            if news:
                news.set()

    def _note_load(self) -> None:
        self.metrics.load(len(self.scheduler.running), len(self.scheduler.waiting), self.scheduler.cache.usage)

    async def tokens(
        self, prompt: Sequence[int], answer: Sequence[int], *, salt: str = "", finish_reason: str = "stop"
    ) -> AsyncGenerator[Work, None]:
        """Run a sequence: yields whenever it has more tokens, the last time when it is finished.

        Ends the sequence when the reader goes away.
        """
        cache = self.scheduler.cache
        keys = cache.keys(prompt, salt) if cache.enabled else []
        work = Work(prompt, answer, keys, salt, finish_reason, arrived=self._clock())
        news = self._news[work] = asyncio.Event()
        self.scheduler.add(work)
        self.metrics.load(len(self.scheduler.running), len(self.scheduler.waiting), cache.usage)
        self._work_arrived.set()
        try:
            while not work.finished:
                news.clear()
                await news.wait()
                yield work
        finally:
            del self._news[work]
            if not work.finished:
                self.scheduler.abort(work)
                self.metrics.aborted()
                self._note_load()

    @property
    def idle(self) -> bool:
        """Whether no sequence waits or runs."""
        return not self.scheduler.running and not self.scheduler.waiting
