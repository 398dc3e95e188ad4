# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""Questions that do not depend on each other are asked at the same time, by a few threads that live as long as that."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, TypeVar

from ansible_collections.rhaii.gke.plugins.module_utils._clock import Clock
from ansible_collections.rhaii.gke.plugins.module_utils._google import GoogleError, UnreachableError

T = TypeVar("T")

AT_ONCE = 8


class Answer(Generic[T]):
    """What came back: a value, or why there is none."""

    def __init__(self, future: Future[T]) -> None:
        self._future = future

    @property
    def value(self) -> T | None:
        return None if self.problem else self._future.result()

    @property
    def problem(self) -> str:
        """'' when there is an answer. Google's refusals and silence are answers; anything else is raised."""
        try:
            self._future.result()
        except GoogleError as error:
            return error.message
        except UnreachableError as error:
            return error.msg
        return ""


class Asker:
    """`with Asker(clock) as asker:`; counts and times what it asks."""

    def __init__(self, clock: Clock, at_once: int = AT_ONCE) -> None:
        self._clock = clock
        self._pool = ThreadPoolExecutor(max_workers=at_once, thread_name_prefix="asking")
        self._lock = threading.Lock()
        self._start = clock.monotonic()
        self.calls = 0
        # what it took, and what it would have taken one after the other
        self.elapsed = 0.0
        self.in_turn = 0.0

    def __enter__(self) -> Asker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=error is not None)
        self.elapsed = self._clock.monotonic() - self._start

    def ask(self, question: Callable[[], T]) -> Answer[T]:
        self.calls += 1
        return Answer(self._pool.submit(self._timed, question))

    def _timed(self, question: Callable[[], T]) -> T:
        start = self._clock.monotonic()
        try:
            return question()
        finally:
            taken = self._clock.monotonic() - start
            with self._lock:
                self.in_turn += taken


__all__ = ("AT_ONCE", "Answer", "Asker")
