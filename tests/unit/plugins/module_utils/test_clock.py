# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Time-outs and how durations are said."""

from __future__ import annotations

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._clock import Deadline, in_words

from tests.unit.fake_clock import FakeClock


def test_deadline_counts_down() -> None:
    clock = FakeClock()
    deadline = Deadline(clock, 10)
    clock.sleep(4)
    assert (deadline.elapsed, deadline.left, deadline.passed) == (4, 6, False)
    clock.sleep(6)
    assert (deadline.left, deadline.passed) == (0, True)
    clock.sleep(1)
    assert (deadline.elapsed, deadline.left, deadline.passed) == (11, 0, True)


def test_pause_ends_with_the_deadline() -> None:
    clock = FakeClock()
    deadline = Deadline(clock, 10)
    for _ in range(3):
        deadline.pause(4)
    assert clock.slept == [4, 4, 2]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (89.4, "89 s"),
        (89.6, "2 min"),
        (240, "4 min"),
        (3569, "59 min"),
        (3570, "1 h 00 min"),
        (3900, "1 h 05 min"),
        (7322, "2 h 02 min"),
    ],
)
def test_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
