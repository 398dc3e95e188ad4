# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""Asks Google again, within a task's own time-out, while what is in the way passes."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TypeVar

from ansible_collections.rhaii.gke.plugins.module_utils._capability import Progress
from ansible_collections.rhaii.gke.plugins.module_utils._clock import Clock, Deadline, in_words, jittered
from ansible_collections.rhaii.gke.plugins.module_utils._google import GoogleError, UnreachableError
from ansible_collections.rhaii.gke.plugins.module_utils._meaning import BUSY, PASSING, RATE

T = TypeVar("T")

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
# So often, and only where it does not hang, an address is asked that has never answered yet.
FIRST_TRIES = 3
QUICKLY = 5.0


def is_safe_to_repeat(error: GoogleError, is_deletion: bool = False) -> bool:
    """Of a call that changes something: a 429 and a 503 say that nothing was done.

    google-cloud-container itself repeats deletions after a 504 too, and nothing else that changes something.
    """
    if error.meaning == RATE:
        return True
    return error.meaning == PASSING and (error.status == 503 or (is_deletion and error.status == 504))


class Patience:
    """One for a task; `deadline` is what it may take."""

    def __init__(
        self,
        clock: Clock,
        progress: Progress,
        *,
        what: str,
        timeout: float,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._clock = clock
        self._progress = progress
        self._what = what
        self._chance = chance
        self.deadline = Deadline(clock, timeout)
        # where nothing has answered yet, the address is wrong rather than the connection lost
        self._has_answered = False
        self._is_over = False

    def end(self) -> None:
        """From now on what fails has failed: only what there is now is still looked at."""
        self._is_over = True

    def read(self, ask: Callable[[], T]) -> T:
        """What changes nothing may be asked as often as there is time."""
        return self._until(ask, lambda error: error.meaning in (PASSING, RATE, BUSY), outlives_silence=True)

    def write(self, ask: Callable[[], T], *, is_deletion: bool = False, awaits_busy: bool = False) -> T:
        """What changes something is asked again only where Google says that it did nothing.

        `awaits_busy`: also while something else is in the way, where nobody looks at what that is.
        """
        return self._until(
            ask,
            lambda error: is_safe_to_repeat(error, is_deletion) or (awaits_busy and error.meaning == BUSY),
            outlives_silence=False,
        )

    def _until(self, ask: Callable[[], T], passes: Callable[[GoogleError], bool], *, outlives_silence: bool) -> T:
        pause, tried = FIRST_PAUSE, 0
        while True:
            began, tried = self._clock.monotonic(), tried + 1
            try:
                answer = ask()
            except GoogleError as error:
                self._has_answered = True
                if self._is_over or self.deadline.passed or not passes(error):
                    raise
                wait = self.jittered(pause) if error.retry_after is None else error.retry_after
                why = f"Google is busy ({error.status})"
            except UnreachableError:
                took = self._clock.monotonic() - began
                is_lost = self._has_answered or (tried < FIRST_TRIES and took < QUICKLY)
                if self._is_over or self.deadline.passed or not (outlives_silence and is_lost):
                    raise
                wait, why = self.jittered(pause), "Google does not answer for the moment"
            else:
                self._has_answered = True
                return answer
            self._progress(f"{self._what}: {why}, asking again in {in_words(min(wait, self.deadline.left))}")
            self.deadline.pause(wait)
            pause = min(LONGEST_PAUSE, 2 * pause)

    def jittered(self, pause: float) -> float:
        """As this task's chance has it."""
        return jittered(pause, self._chance())


__all__ = ("LONGEST_PAUSE", "Patience", "is_safe_to_repeat")
