# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lines of progress: one for each change, none twice."""

from __future__ import annotations

from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.conditions import Condition
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.problems import Problem
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.replicas import Replica, Trouble
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.telling import Telling


def replica(name: str, stage: str, message: str = "", trouble: Trouble | None = None, **more: Any) -> Replica:
    return Replica(f"uid {name}", f"svc-kserve-1-{name}", stage, message=message, trouble=trouble, **more)


def test_replicas_that_do_the_same_share_a_line() -> None:
    telling = Telling()
    said = "0/2 nodes are available: 2 Insufficient google.com/tpu."
    both = [replica("aaaaa", "Pending", said), replica("bbbbb", "Pending", said), replica("ccccc", "Downloading")]
    assert telling.news([], both, 3, [], []) == [
        f"replicas aaaaa, bbbbb: waiting for a node ({said})",
        "replica ccccc: downloading the model",
    ]
    assert telling.news([], both, 3, [], []) == []


def test_only_what_changed_is_told() -> None:
    telling = Telling()
    telling.news([], [replica("aaaaa", "Ready"), replica("bbbbb", "Compiling", "line 1")], 2, [], [])
    assert telling.news([], [replica("aaaaa", "Ready"), replica("bbbbb", "Compiling", "line 2")], 2, [], []) == []
    now = [replica("aaaaa", "Ready"), replica("bbbbb", "Ready")]
    assert telling.news([], now, 2, [], []) == ["replica bbbbb: ready, 2 of 2"]


def test_another_reason_to_wait_is_a_change() -> None:
    telling = Telling()
    telling.news([], [replica("aaaaa", "Pending", "no nodes")], 1, [], [])
    lines = telling.news([], [replica("aaaaa", "Pending", "no chips")], 1, [], [])
    assert lines == ["replica aaaaa: waiting for a node (no chips)"]


def test_attempts_and_pauses_are_one_trouble() -> None:
    telling = Telling()
    attempt, pause = Trouble("main", "ErrImagePull", "x", "img"), Trouble("main", "ImagePullBackOff", "y", "img")
    first = telling.news([], [replica("aaaaa", "Failing", trouble=attempt)], 1, [], [])
    assert first == ["replica aaaaa: not coming up (main: its image img cannot be pulled)"]
    assert telling.news([], [replica("aaaaa", "Failing", trouble=pause)], 1, [], []) == []


def test_who_it_is_about() -> None:
    lines = Telling().news(
        [],
        [
            replica("aaaaa", "Ready", newest=False),
            replica("bbbbb", "Ready"),
            replica("ccccc", "Ready", workload=False),
            replica("ddddd", "Finished", "Evicted: disk"),
            replica("eeeee", "Leaving"),
        ],
        3,
        [],
        [],
    )
    assert lines == [
        "older replica aaaaa: ready",
        "replica bbbbb: ready, 1 of 3",
        "endpoint picker ccccc: ready",
        "replica ddddd: ended (Evicted: disk)",
        "replica eeeee: shutting down",
    ]


def test_a_condition_is_told_when_it_turns() -> None:
    telling = Telling()
    false = Condition("GatewaysReady", "False", "GatewaysNotReady", "no\n  address")
    assert telling.news([], [], 1, [false], [false]) == ["GatewaysReady is False (GatewaysNotReady): no address"]
    assert telling.news([], [], 1, [false], [false]) == []
    other = Condition("GatewaysReady", "False", "RefsInvalid")
    assert telling.news([], [], 1, [other], [other]) == ["GatewaysReady is False (RefsInvalid)"]
    true = Condition("GatewaysReady", "True")
    assert telling.news([], [], 1, [], [true]) == ["GatewaysReady is True"]
    assert telling.news([], [], 1, [], [true]) == []


def test_a_condition_that_vanishes_or_is_unknown_is_no_line() -> None:
    telling = Telling()
    unknown = Condition("Ready", "Unknown", "NewObservedGenFailure")
    assert telling.news([], [], 1, [unknown], [unknown]) == []
    false = Condition("GatewaysReady", "False")
    assert telling.news([], [], 1, [false], [false]) == ["GatewaysReady is False"]
    assert telling.news([], [], 1, [], []) == []


def test_a_long_message_is_cut() -> None:
    false = Condition("X", "False", "Y", "m" * 500)
    assert len(Telling().news([], [], 1, [false], [false])[0]) < 330


def test_what_concerns_the_whole_is_told_first_and_once() -> None:
    telling = Telling()
    missing = Problem("service", "svc", "NotFound", "There is no svc.")
    assert telling.news([missing], [replica("aaaaa", "Starting")], 1, [], []) == [
        "There is no svc.",
        "replica aaaaa: starting the model server",
    ]
    assert telling.news([missing], [replica("aaaaa", "Starting")], 1, [], []) == []
    assert telling.news([], [replica("aaaaa", "Starting")], 1, [], []) == []
    assert telling.news([missing], [], 1, [], []) == ["There is no svc."]
