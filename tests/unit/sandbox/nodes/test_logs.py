# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Container logs: tails, times, limits, and which run's log is asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.nodes import logs
from sandbox.nodes.kubelet_server import LogError, choose_log, selection
from sandbox.nodes.logs import GrowthRecorder, Selection, forget_old_runs, log_file, read_log, times_file
from sandbox.nodes.records import RUNNING, TERMINATED, WAITING, ContainerRecord, Exit, PodRecord
from tests.unit.sandbox.nodes.fakes import Object, pod

END = Exit(1, "Error", "", "", "")


async def read(log: Path, wanted: Selection, writing: Callable[[], bool] = lambda: False) -> bytes:
    return b"".join([block async for block in read_log(log, wanted, writing=writing)])


@pytest.fixture
def log(tmp_path: Path) -> Path:
    file = tmp_path / "0.log"
    file.write_bytes(b"one\ntwo\nthree\n")
    times_file(file).write_text("4 1000.0\n8 2000.0\n14 3000.0\n")
    return file


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        (Selection(), b"one\ntwo\nthree\n"),
        (Selection(tail=1), b"three\n"),
        (Selection(tail=0), b""),
        (Selection(tail=9), b"one\ntwo\nthree\n"),
        (Selection(limit=5), b"one\nt"),
        (Selection(since=1500.0), b"two\nthree\n"),
        (Selection(since=9000.0), b""),
        (Selection(since=1500.0, tail=1), b"three\n"),
    ],
    ids=["all", "last", "none", "more-than-there-is", "limit", "since", "since-later", "both"],
)
async def test_selected_part(log: Path, wanted: Selection, text: bytes) -> None:
    assert await read(log, wanted) == text


async def test_lines_have_the_time_at_which_the_file_grew(log: Path) -> None:
    lines = (await read(log, Selection(timestamps=True))).splitlines()
    assert lines[0] == b"1970-01-01T00:16:40.000000000Z one"
    assert lines[2] == b"1970-01-01T00:50:00.000000000Z three"


async def test_tail_crosses_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "BLOCK", 7)
    file = tmp_path / "0.log"
    file.write_bytes(b"".join(b"line %d\n" % number for number in range(50)))
    assert await read(file, Selection(tail=2)) == b"line 48\nline 49\n"


async def test_following_reads_what_comes_until_the_end(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "FOLLOW_EVERY", 0)
    turns = iter([True, True, False])

    def writing() -> bool:
        more = next(turns, False)
        with log.open("ab") as stream:
            stream.write(b"more\n" if more else b"")
        return more

    assert await read(log, Selection(tail=0, follow=True), writing) == b"more\nmore\n"


def test_growth_is_noted_once(tmp_path: Path) -> None:
    file = log_file(tmp_path, "main", 0)
    file.parent.mkdir(parents=True)
    file.write_text("a\n")
    recorder = GrowthRecorder()
    recorder.add(file)
    recorder.look()
    recorder.look()
    file.write_text("a\nb\n")
    recorder.finish(file)
    assert [size for size, _ in logs.read_growth(file)] == [2, 4]
    again = GrowthRecorder()
    again.add(file)
    again.look()
    assert len(logs.read_growth(file)) == 2


def test_only_two_runs_are_kept(tmp_path: Path) -> None:
    for run in range(3):
        file = log_file(tmp_path, "main", run)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")
        forget_old_runs(tmp_path, "main", run)
    assert sorted(path.name for path in (tmp_path / "logs" / "main").iterdir()) == ["1.log", "2.log"]


class Pod:
    def __init__(self, folder: Path, container: ContainerRecord | None, *runs: int, **spec: object) -> None:
        self.pod: Object = pod(**spec)
        self.folder = folder
        self.record = PodRecord("u", "ns", "p", "node-0")
        if container:
            self.record.containers["main"] = container
        for run in runs:
            file = log_file(folder, "main", run)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()


def chosen(pod: Pod, *, previous: bool = False, container: str = "main") -> int:
    return int(choose_log(pod, container, previous=previous)[0].stem)


def test_running_container_has_its_run_and_the_one_before(tmp_path: Path) -> None:
    found = Pod(tmp_path, ContainerRecord("main", RUNNING, restarts=2, previous=END), 1, 2)
    assert (chosen(found), chosen(found, previous=True)) == (2, 1)


def test_waiting_container_shows_the_run_that_ended(tmp_path: Path) -> None:
    found = Pod(tmp_path, ContainerRecord("main", WAITING, restarts=1, previous=END), 0, 1)
    assert (chosen(found), chosen(found, previous=True)) == (1, 1)


def test_container_that_starts_again_shows_the_run_that_ended(tmp_path: Path) -> None:
    found = Pod(tmp_path, ContainerRecord("main", WAITING, restarts=2, previous=END), 0, 1)
    assert chosen(found) == 1


@pytest.mark.parametrize(
    ("container", "spec", "message"),
    [
        (None, {}, "is waiting to start: ContainerCreating"),
        (None, {"initContainers": [{"name": "i"}]}, "is waiting to start: PodInitializing"),
        (ContainerRecord("main", reason="ImagePullBackOff"), {}, "trying and failing to pull image"),
        (ContainerRecord("main", reason="CreateContainerConfigError"), {}, "start: CreateContainerConfigError"),
    ],
    ids=["creating", "initializing", "image", "config"],
)
def test_container_without_a_log_says_why(
    tmp_path: Path, container: ContainerRecord | None, spec: dict[str, object], message: str
) -> None:
    with pytest.raises(LogError, match=message) as error:
        chosen(Pod(tmp_path, container, **spec))
    assert error.value.status == 400


def test_missing_previous_run_and_unknown_container_are_errors(tmp_path: Path) -> None:
    with pytest.raises(LogError, match='previous terminated container "main" in pod "p" not found'):
        chosen(Pod(tmp_path, ContainerRecord("main", RUNNING), 0), previous=True)
    with pytest.raises(LogError, match='previous terminated container "main"'):
        chosen(Pod(tmp_path, ContainerRecord("main", TERMINATED, exit=END), 0), previous=True)
    with pytest.raises(LogError, match="container other is not valid for pod p"):
        chosen(Pod(tmp_path, None), container="other")


def test_query_of_a_log_request() -> None:
    query = {"tailLines": "5", "sinceSeconds": "60", "limitBytes": "10", "timestamps": "true", "follow": "true"}
    assert selection(query, 1000.0) == Selection(tail=5, since=940.0, limit=10, timestamps=True, follow=True)
    assert selection({"sinceTime": "1970-01-01T00:00:10Z"}, 0.0).since == 10.0
    with pytest.raises(ValueError, match="tailLines must not be negative"):
        selection({"tailLines": "-1"}, 0.0)
