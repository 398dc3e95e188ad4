# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Operations: asked for, awaited, told and given up."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._gke.operations import Awaiter, raise_for, remedy_for, running
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import Operation, Problem
from ansible_collections.rhaii.gke.plugins.module_utils._google import GoogleError

from tests.unit.plugins.module_utils.fake_gke import FakeGke, Stage

CONFLICT = GoogleError("ask", 400, "", "Cluster is running incompatible operation")


def awaiter(stage: Stage, timeout: float = 600) -> Awaiter:
    said = stage.said.append
    return Awaiter(stage.gke, stage.clock, said, what="it", timeout=timeout, interval=10.0, chance=lambda: 1.0)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        pytest.param("SET_LABELS", "setting labels", id="a known kind"),
        pytest.param("START_IP_ROTATION", "START_IP_ROTATION", id="an unknown kind"),
        pytest.param("", "the operation", id="no kind"),
    ],
)
def test_error_of_an_operation_is_said(kind: str, words: str) -> None:
    with pytest.raises(RhaiiError) as failure:
        raise_for(Operation("o", kind, "DONE", "", problem=Problem("INTERNAL", "boom.")))
    assert failure.value.msg == f"Google ended {words} (o) with an error: INTERNAL: boom."
    assert failure.value.remedy == (
        "Run again, which resumes or repairs what is there; the console's activity list has more of the operation."
    )
    assert failure.value.result["operation"]["error"] == "INTERNAL: boom."


def test_error_without_words_is_its_code() -> None:
    assert str(Problem("INTERNAL", "")) == "INTERNAL"
    assert str(Problem("", "boom")) == "boom"
    assert remedy_for(Problem("INVALID_ARGUMENT", "")) == "Correct the value that the message names, and run again."


def test_only_what_runs_on_the_cluster_counts() -> None:
    gke = FakeGke(looks=1)
    gke.start("SET_LABELS", "clusters/c")
    gke.start("SET_LABELS", "clusters/d")
    gke.start("SET_LABELS", "clusters/c")
    gke.look("operation-3")
    assert [each.name for each in running(gke, "c")] == ["operation-1"]


def test_waiting_is_told_when_something_changes_and_once_a_minute() -> None:
    stage = Stage(FakeGke(looks=16))
    details = iter(["a"] * 3 + ["b"] * 20)
    awaiter(stage).wait(stage.gke.start("START_IP_ROTATION", "clusters/c"), lambda: next(details))
    assert stage.said == [
        "it: start_ip_rotation (a), 0 s",
        "it: start_ip_rotation (b), 30 s",
        "it: start_ip_rotation (b), 2 min",
        "it: start_ip_rotation (b), 2 min",
    ]
    assert stage.clock.monotonic() == 160


def test_googles_own_detail_is_told() -> None:
    stage = Stage(FakeGke())
    operation = stage.gke.start("SET_LABELS", "clusters/c")
    stage.gke.operations[operation.name]["detail"] = "waiting for nodes"
    awaiter(stage).wait(stage.gke.get_operation(operation.name))
    assert stage.said == ["it: setting labels (waiting for nodes), 0 s"]


@pytest.mark.parametrize(("kind", "words"), [("SET_LABELS", "setting labels"), ("NEW_KIND", "NEW_KIND")])
def test_wait_ends_with_its_time(kind: str, words: str) -> None:
    stage = Stage(FakeGke(looks=100))
    with pytest.raises(RhaiiError) as failure:
        awaiter(stage, timeout=45).wait(stage.gke.start(kind, "clusters/c"))
    assert failure.value.msg == f"it: {words} was not done after 45 s; the operation operation-1 still runs at Google."
    assert failure.value.remedy == (
        "Run the same again: it joins the running operation. Raise wait_timeout for a longer wait."
    )
    assert failure.value.result["operation"]["status"] == "RUNNING"
    assert stage.clock.monotonic() == 45


class Asked:
    """Refused some times."""

    def __init__(self, *refusals: GoogleError) -> None:
        self._refusals = list(refusals)
        self.times = 0

    def __call__(self) -> Operation:
        self.times += 1
        if self._refusals:
            raise self._refusals.pop(0)
        return Operation("o", "SET_LABELS", "RUNNING", "")


def test_conflict_without_anything_to_wait_for_is_asked_again_after_a_pause() -> None:
    stage = Stage(FakeGke())
    ask = Asked(CONFLICT, CONFLICT)
    assert awaiter(stage).submit(ask, "c").name == "o"
    assert (ask.times, stage.clock.slept) == (3, [10.0, 20.0])
    works = "it: Google works on the cluster (Cluster is running incompatible operation), asking again in"
    assert stage.said == [f"{works} 10 s", f"{works} 20 s"]


def test_what_is_in_the_way_is_awaited_and_its_error_is_not_ours() -> None:
    stage = Stage(FakeGke(looks=3, errors={"UPGRADE_NODES": {"error": {"code": 13, "message": "boom"}}}))
    stage.gke.start("UPGRADE_NODES", "clusters/c/nodePools/x")
    assert awaiter(stage).submit(Asked(CONFLICT), "c").name == "o"
    assert stage.clock.slept == [10.0] * 3
    assert stage.said == [
        "it: another operation is in the way, waiting for it (updating the nodes, operation-1)",
        "it: updating the nodes (operation-1) ended with an error of its own: INTERNAL: boom",
    ]


def test_conflict_that_does_not_end_is_named_with_what_google_said() -> None:
    stage = Stage(FakeGke(looks=1000))
    stage.gke.start("UPGRADE_NODES", "clusters/c/nodePools/x")
    with pytest.raises(RhaiiError) as failure:
        awaiter(stage, timeout=45).submit(Asked(*[CONFLICT] * 9), "c")
    assert failure.value.msg == (
        "it: another operation was in the way for 45 s, and Google does one at a time: Cluster is running incompatible "
        "operation"
    )
    assert failure.value.remedy == "Run the same again later. Raise wait_timeout for a longer wait."
    assert failure.value.__cause__ is CONFLICT
    assert stage.clock.monotonic() == 45


def test_other_refusals_are_not_repeated() -> None:
    ask = Asked(GoogleError("ask", 400, "", "no"))
    with pytest.raises(GoogleError):
        awaiter(Stage(FakeGke())).submit(ask, "c")
    assert ask.times == 1


BUSY = GoogleError("ask", 503, "UNAVAILABLE", "not now")


def test_google_that_is_busy_is_not_asked_again_after_the_end() -> None:
    ask = Asked(BUSY)
    with pytest.raises(GoogleError):
        awaiter(Stage(FakeGke()), timeout=0).patiently(ask)
    assert ask.times == 1


@pytest.mark.parametrize(
    ("looks", "answers", "slept"),
    [
        pytest.param(100, [True], [], id="enough at once"),
        pytest.param(100, [False, False, True], [10.0, 10.0], id="enough in the end"),
        pytest.param(100, [False] * 4, [10.0, 10.0, 5.0], id="never enough"),
        pytest.param(1, [False], [10.0], id="done"),
    ],
)
def test_watched_until_it_is_enough(looks: int, answers: list[bool], slept: list[float]) -> None:
    stage = Stage(FakeGke(looks=looks))
    coming = iter(answers)
    watched = awaiter(stage).watched(stage.gke.start("SET_LABELS", "clusters/c"), 25, lambda _: next(coming))
    assert watched.done is (looks == 1)
    assert (stage.clock.slept, list(coming)) == (slept, [])


def test_watched_to_an_end_that_is_an_error() -> None:
    stage = Stage(FakeGke(looks=1, errors={"SET_LABELS": {"error": {"code": 13, "message": "boom"}}}))
    with pytest.raises(RhaiiError, match="Google ended setting labels"):
        awaiter(stage).watched(stage.gke.start("SET_LABELS", "clusters/c"), 25, lambda _: False)


def test_settled_is_what_is_done_whatever_its_end() -> None:
    stage = Stage(FakeGke(looks=2, errors={"SET_LABELS": {"error": {"code": 13}}}))
    awaiter(stage).settle(stage.gke.start("SET_LABELS", "clusters/c"))
    assert stage.clock.slept == [10.0, 10.0]
    done: Any = Operation("o", "", "DONE", "")
    awaiter(stage).settle(done)
    assert len(stage.clock.slept) == 2
