# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Independent questions are asked at the same time: in a time of the test's own, on real threads."""

from __future__ import annotations

import math
import threading
from concurrent.futures import CancelledError
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._google import GoogleError, UnreachableError
from ansible_collections.rhaii.gke.plugins.module_utils._quota.asking import Asker

from tests.unit.fake_clock import FakeClock
from tests.unit.plugins.module_utils.quota.fake_google import OTHER_ZONE, ZONE, Google, play


class LatencyClock:
    """Time moves when as many threads wait as can be at work; one that should be and is not ends the test."""

    def __init__(self, questions: int, at_once: int) -> None:
        self._left, self._at_once = questions, at_once
        self._now = 0.0
        self._waiting: list[float] = []
        self._moved = threading.Condition()
        # when a thread last woke: others may have moved on before it looks at the clock
        self._woke = threading.local()

    def monotonic(self) -> float:
        return float(
            getattr(self._woke, "at", 0.0 if threading.current_thread().name.startswith("asking") else self._now)
        )

    def now(self) -> datetime:
        return datetime(2026, 11, 24, tzinfo=UTC)

    def sleep(self, seconds: float) -> None:
        with self._moved:
            until = self._now + seconds
            self._waiting.append(until)
            if len(self._waiting) == min(self._at_once, self._left):
                self._now = min(self._waiting)
                self._moved.notify_all()
            if not self._moved.wait_for(lambda: self._now >= until, timeout=10):
                raise AssertionError(f"only {len(self._waiting)} questions were asked at once")
            self._waiting.remove(until)
            self._woke.at = until
            self._left -= 1
            if self._waiting and len(self._waiting) == min(self._at_once, self._left):
                self._now = min(self._waiting)
                self._moved.notify_all()


class Slow(Google):
    """Every answer takes a second of the clock."""

    def _ask(self, port: str, what: str) -> None:
        self.clock.sleep(1.0)
        super()._ask(port, what)


PREFLIGHT = {
    "locations": [ZONE, OTHER_ZONE, "us-central1-b", "us-south1-a"],
    "provisioning": ["on_demand", "spot"],
    "standard_pool": {"machine_type": "e2-standard-4", "nodes": 2, "disk_type": "pd-balanced", "disk_size_gb": 100},
}
# two quotas and their use, four zones with two machine types, four regions, one list of clusters
CALLS = 2 + 2 + 4 * 2 + 4 + 1


@pytest.mark.parametrize("at_once", [1, 2, 8])
def test_preflight_takes_as_long_as_its_questions_divided_by_the_threads(at_once: int) -> None:
    result = play(Slow(clock=LatencyClock(CALLS, at_once)), at_once=at_once, **PREFLIGHT)
    assert result["calls"] == CALLS
    assert result["elapsed_in_turn"] == CALLS
    assert result["elapsed"] == math.ceil(CALLS / at_once)


def test_by_default_preflight_takes_a_fifth_of_the_time() -> None:
    result = play(Slow(clock=LatencyClock(CALLS, 8)), **PREFLIGHT)
    assert result["elapsed"] / result["elapsed_in_turn"] < 0.2


def test_refusal_and_silence_are_answers() -> None:
    def refused() -> int:
        raise GoogleError("x", 403, "PERMISSION_DENIED", "not you")

    def silent() -> int:
        raise UnreachableError("no answer")

    with Asker(FakeClock()) as asker:
        answers = [asker.ask(lambda: 3), asker.ask(refused), asker.ask(silent)]
    assert [(answer.value, answer.problem) for answer in answers] == [(3, ""), (None, "not you"), (None, "no answer")]
    assert asker.calls == 3


def test_wrong_credentials_are_not_an_answer() -> None:
    def no_token() -> int:
        raise RhaiiError("no access token was given out")

    with Asker(FakeClock()) as asker:
        answer = asker.ask(no_token)
    with pytest.raises(RhaiiError, match="no access token"):
        answer.value  # noqa: B018 - reading it is what raises


def test_time_runs_from_the_beginning_of_the_asking() -> None:
    clock = FakeClock()
    clock.sleep(7.0)
    with Asker(clock, at_once=1) as asker:
        for seconds in (2.0, 3.0):
            asker.ask(partial(clock.sleep, seconds))
    assert (asker.calls, asker.elapsed, asker.in_turn) == (2, 5.0, 5.0)


def test_what_waits_its_turn_is_not_asked_once_the_asking_has_failed() -> None:
    asked: list[str] = []
    queued = threading.Event()

    def first() -> None:
        queued.wait(5)
        # until the second is called off: the only thread is this one's
        with suppress(CancelledError, TimeoutError):
            second._future.result(timeout=1)

    with pytest.raises(RhaiiError, match="no access token"), Asker(FakeClock(), at_once=1) as asker:
        asker.ask(first)
        second = asker.ask(lambda: asked.append("second"))
        queued.set()
        raise RhaiiError("no access token was given out")
    assert asked == []


def test_no_thread_outlives_the_asking() -> None:
    before = set(threading.enumerate())
    with Asker(FakeClock()) as asker:
        asker.ask(lambda: 1)
    assert set(threading.enumerate()) <= before
