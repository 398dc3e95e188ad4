# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A bounded load on the gateway while something else goes on."""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import aiohttp

MODEL = "Qwen/Qwen2.5-3B-Instruct"
HARD_LIMIT = 6000


@dataclass
class Outcome:
    """What the clients saw."""

    sent: int = 0
    failures: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def figures(self) -> dict[str, float]:
        """What a report has of it."""
        ordered = sorted(self.seconds)
        return {
            "requests": self.sent,
            "failed": len(self.failures),
            "p50_ms": round(1000 * ordered[len(ordered) // 2], 1),
            "p99_ms": round(1000 * ordered[int(len(ordered) * 0.99)], 1),
            "longest_ms": round(1000 * ordered[-1], 1),
        }


class Load:
    """Sends completions from `workers` clients from enter to exit, and until `at_least` of them were answered."""

    def __init__(self, url: str, *, at_least: int, seed: int, workers: int = 4, pause: float = 0.1) -> None:
        self.outcome = Outcome()
        self._random = random.Random(seed)
        self._url = f"{url}/v1/completions"
        self._at_least = at_least
        self._workers = workers
        self._pause = pause
        self._ending = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._at_least = 0
        self._ending.set()
        self._thread.join(timeout=600)
        if error is None:
            assert not self._thread.is_alive(), f"the load does not end; {self.outcome.sent} requests were sent"

    def _goes_on(self) -> bool:
        if self.outcome.sent >= HARD_LIMIT:
            return False
        return not self._ending.is_set() or self.outcome.sent < self._at_least

    async def _run(self) -> None:
        timeout = aiohttp.ClientTimeout(total=60)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            await asyncio.gather(*(self._worker(session, number) for number in range(self._workers)))

    async def _worker(self, session: aiohttp.ClientSession, number: int) -> None:
        while self._goes_on():
            self.outcome.sent += 1
            body = {"model": MODEL, "prompt": f"client {number} says {self._random.randrange(7)}", "max_tokens": 4}
            started = time.monotonic()
            try:
                async with session.post(self._url, json=body) as response:
                    text = await response.text()
                    if response.status != 200 or "choices" not in json.loads(text):
                        self.outcome.failures.append(f"{response.status}: {text[:200]}")
            except (aiohttp.ClientError, TimeoutError, ValueError) as error:
                self.outcome.failures.append(f"{type(error).__name__}: {error}")
            self.outcome.seconds.append(time.monotonic() - started)
            await asyncio.sleep(self._pause)
