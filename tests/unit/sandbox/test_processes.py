# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Processes are told apart by pid and start time, and found again by their marker."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from sandbox import processes
from sandbox.settings import Settings

WAIT_FOR_EVER = [sys.executable, "-c", "import signal; signal.pause()"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(root=tmp_path)


def start(settings: Settings, name: str, **options: str) -> int:
    pid = processes.spawn(
        WAIT_FOR_EVER, log=settings.root / f"{name}.log", name=name, settings=settings, env=dict(os.environ) | options
    )
    # a started program's environment shows a moment after its start does
    while not Path(f"/proc/{pid}/environ").read_bytes():
        pass
    return pid


def test_spawned_process_is_recorded_and_marked_until_it_is_stopped(settings: Settings) -> None:
    pid = start(settings, "one")
    assert [process.name for process in processes.recorded(settings)] == ["one"]
    assert pid in {process.pid for process in processes.marked(settings)}
    processes.stop(pid, grace=5.0)
    assert not processes.alive(pid)
    assert processes.recorded(settings) == []
    assert list(processes.marked(settings)) == []


def test_marked_finds_a_process_that_no_book_knows(settings: Settings) -> None:
    pid = start(settings, "lost")
    settings.processes.unlink()
    found = list(processes.marked(settings))
    assert [process.pid for process in found] == [pid]
    processes.stop(pid, grace=5.0)


def test_marked_tells_clusters_apart(settings: Settings) -> None:
    one = start(settings, "one", SANDBOX_CLUSTER_DIR=str(settings.root / "one"))
    two = start(settings, "two", SANDBOX_CLUSTER_DIR=str(settings.root / "two"))
    found = [process.pid for process in processes.marked(settings, cluster=settings.root / "one")]
    for pid in (one, two):
        processes.stop(pid, grace=5.0)
    assert found == [one]


def test_another_process_with_the_same_pid_is_not_ours(settings: Settings) -> None:
    pid = start(settings, "one")
    started = processes.start_time(pid)
    assert started is not None
    assert not processes.alive(pid, started + 1)
    processes.stop(pid, grace=0.1, started=started + 1)
    assert processes.alive(pid, started)
    processes.stop(pid, grace=5.0)


def test_half_a_line_in_the_book_is_passed_over(settings: Settings) -> None:
    settings.processes.write_text('{"pid": 1, "start', encoding="utf-8")
    assert processes.recorded(settings) == []
