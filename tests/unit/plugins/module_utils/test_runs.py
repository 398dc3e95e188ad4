# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record of a run: what is noted, what the next one reads of it, and whose it is."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._capability import silent
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._runs.files import RecordFiles, ThisMachine
from ansible_collections.rhaii.gke.plugins.module_utils._runs.ports import RunPorts
from ansible_collections.rhaii.gke.plugins.module_utils._runs.stage import CAPABILITY, fate, file_name

from tests.unit.fake_clock import FakeClock

PARAMS: dict[str, Any] = {
    "verb": "deploy",
    "stage": "preflight",
    "project": "p",
    "environment": "prod",
    "folder": "/state",
    "run": None,
    "marks": {},
    "ended": None,
    "forget": False,
}
NAME = file_name("p", "prod")


@dataclass
class Memory:
    """Records of one folder."""

    found: dict[str, dict[str, Any]] = field(default_factory=dict)
    problem: OSError | None = None
    written: int = 0

    def where(self, name: str) -> str:
        return f"/state/{name}.json"

    def read(self, name: str) -> dict[str, Any]:
        if self.problem:
            raise self.problem
        return dict(self.found.get(name, {}))

    def write(self, name: str, record: dict[str, Any]) -> None:
        self.written += 1
        self.found[name] = record

    def remove(self, name: str) -> None:
        self.found.pop(name, None)


@dataclass
class Host:
    process: int = 7
    living: dict[int, str] = field(default_factory=lambda: {7: "born-7"})
    host: str = "here"

    def name(self) -> str:
        return self.host

    def run(self) -> int:
        return self.process

    def began(self, process: int) -> str:
        return self.living.get(process, "")

    def folder(self) -> str:
        return "/home/me/.local/state/rhaii.gke"


class World:
    """Runs one after the other, with one clock."""

    def __init__(self) -> None:
        self.memory = Memory()
        self.host = Host()
        self.clock = FakeClock()
        self.folders: list[str] = []

    def note(self, check_mode: bool = False, **changes: Any) -> dict[str, Any]:
        def records(folder: str) -> Memory:
            self.folders.append(folder)
            return self.memory

        ports = RunPorts(records, self.host, self.clock)
        result = CAPABILITY.run({**PARAMS, **changes}, ports, silent, check_mode)
        self.clock.sleep(10)
        return dict(result)

    def next_run(self, process: int) -> None:
        self.host.living.pop(self.host.process, None)
        self.host.process = process
        self.host.living[process] = f"born-{process}"

    @property
    def record(self) -> dict[str, Any]:
        return self.memory.found[NAME]


@pytest.fixture
def world() -> World:
    return World()


def follow(result: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"run": result["run"], "marks": result["marks"], **changes}


def test_a_run_begins(world: World) -> None:
    began = world.clock.now().timestamp()
    result = world.note()
    assert result == {
        "changed": False,
        "run": f"here-7-{began:.3f}",
        "stage": "preflight",
        "marks": {"preflight": began},
        "record": f"/state/{NAME}.json",
        "before": {
            "fate": "none",
            "verb": None,
            "stage": None,
            "began": None,
            "host": None,
            "process": None,
            "run": None,
        },
    }
    assert world.record == {
        "run": result["run"],
        "project": "p",
        "environment": "prod",
        "verb": "deploy",
        "began": began,
        "stage": "preflight",
        "host": "here",
        "process": 7,
        "born": "born-7",
        "ended": None,
    }


def test_marks_add_up_and_the_begin_stays(world: World) -> None:
    first = world.note()
    second = world.note(**follow(first, stage="control_plane"))
    assert second["run"] == first["run"]
    assert list(second["marks"]) == ["preflight", "control_plane"]
    assert second["marks"]["control_plane"] == second["marks"]["preflight"] + 10
    assert (world.record["stage"], world.record["began"]) == ("control_plane", first["marks"]["preflight"])


def test_the_last_call_keeps_the_stage(world: World) -> None:
    first = world.note()
    second = world.note(**follow(first, stage="control_plane"))
    last = world.note(**follow(second, stage=None, ended="failed"))
    assert (last["stage"], last["marks"]) == ("control_plane", second["marks"])
    assert (world.record["stage"], world.record["ended"]) == ("control_plane", "failed")


@pytest.mark.parametrize("ended", ["ok", "failed"])
def test_the_next_run_reads_how_it_ended(world: World, ended: str) -> None:
    world.note(**follow(world.note(), stage=None, ended=ended))
    world.next_run(8)
    assert world.note()["before"]["fate"] == ended


def test_the_next_run_reads_that_it_was_killed(world: World) -> None:
    world.note(**follow(world.note(), stage="tpu_pool"))
    world.next_run(8)
    before = world.note(verb="scale")["before"]
    assert (before["fate"], before["verb"], before["stage"], before["process"]) == ("killed", "deploy", "tpu_pool", 7)
    assert world.record["verb"] == "scale"


def test_a_later_process_with_its_number_is_another_one(world: World) -> None:
    world.note()
    world.host.living[7] = "born-later"
    world.host.process = 8
    assert world.note()["before"]["fate"] == "killed"


def test_a_run_that_still_works_is_no_dead_one(world: World) -> None:
    first = world.note()
    world.host.process = 8
    second = world.note()
    assert second["before"]["fate"] == "running"
    # whoever began later keeps the record
    late = world.note(**follow(first, stage="tpu_pool"))
    assert late["record"] == ""
    assert world.record["run"] == second["run"]


def test_a_run_of_another_machine_cannot_be_seen(world: World) -> None:
    world.note()
    world.host.host = "elsewhere"
    assert world.note()["before"]["fate"] == "killed"


def test_a_record_without_a_birth_is_a_dead_one() -> None:
    assert fate({"host": "here", "process": 99, "born": ""}, Host()) == "killed"
    assert fate({"host": "here"}, Host()) == "killed"


def test_check_mode_reads_and_writes_nothing(world: World) -> None:
    world.note()
    world.next_run(8)
    result = world.note(check_mode=True)
    assert (result["before"]["fate"], result["record"], world.memory.written) == ("killed", "", 1)
    assert result["marks"]


def test_clean_teardown_leaves_no_record(world: World) -> None:
    first = world.note(verb="teardown")
    result = world.note(**follow(first, stage=None, verb="teardown", ended="ok", forget=True))
    assert (world.memory.found, result["record"]) == ({}, "")


def test_a_record_that_was_taken_away_comes_back(world: World) -> None:
    first = world.note()
    world.memory.found.clear()
    world.note(**follow(first, stage="tpu_pool"))
    assert world.record["stage"] == "tpu_pool"


@pytest.mark.parametrize("missing", ["project", "environment"])
def test_without_a_name_nothing_is_recorded(world: World, missing: str) -> None:
    result = world.note(**{missing: ""})
    assert (result["before"]["fate"], result["record"], world.folders) == ("none", "", [])


def test_a_folder_that_cannot_be_written_is_one_warning(world: World) -> None:
    world.memory.problem = PermissionError(13, "Permission denied")
    first = world.note()
    (warning,) = first["warnings"]
    assert "/state/" in warning and "rhaii_state_folder" in warning
    assert first["record"] == ""
    assert "warnings" not in world.note(**follow(first, stage="tpu_pool"))


def test_a_folder_that_is_not_given_is_the_users(world: World) -> None:
    world.note(folder=None)
    assert world.folders == ["/home/me/.local/state/rhaii.gke"]


def test_a_first_call_without_a_stage_is_refused(world: World) -> None:
    with pytest.raises(RhaiiError, match="names no stage"):
        world.note(stage=None)


def test_names_of_files() -> None:
    assert NAME.startswith("p--prod--")
    assert file_name("a/b", "../x").startswith("a_b--.._x--")
    assert file_name("a_b", "x") != file_name("a/b", "x")
    assert len(file_name("p" * 200, "e" * 200)) == 130


def test_files_are_the_owners_alone(tmp_path: Path) -> None:
    records = RecordFiles(str(tmp_path / "a" / "b"))
    assert records.read("x") == {}
    records.write("x", {"stage": "one"})
    records.write("x", {"stage": "two"})
    assert records.read("x") == {"stage": "two"}
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700
    assert stat.S_IMODE(Path(records.where("x")).stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["x.json"]
    records.remove("x")
    records.remove("x")
    assert records.read("x") == {}


def test_a_broken_file_is_none(tmp_path: Path) -> None:
    records = RecordFiles(str(tmp_path))
    for text in ("{", "[]", "\xff"):
        (tmp_path / "x.json").write_bytes(text.encode("latin-1"))
        assert records.read("x") == {}


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "x.json").mkdir()
    with pytest.raises(OSError):
        RecordFiles(str(tmp_path)).write("x", {})
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"]


def test_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = ThisMachine()
    assert machine.run() == os.getppid()
    assert machine.began(os.getpid()) == machine.began(os.getpid()) != ""
    assert machine.began(2**22 + 1) == ""
    monkeypatch.setenv("XDG_STATE_HOME", "/var/state")
    assert machine.folder() == "/var/state/rhaii.gke"
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", "/home/me")
    assert machine.folder() == "/home/me/.local/state/rhaii.gke"
