# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run's journal and record: what is noted, what the next run reads of it, and whose it is."""

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
from ansible_collections.rhaii.gke.plugins.module_utils._runs.journal import Journal
from ansible_collections.rhaii.gke.plugins.module_utils._runs.ports import RunPorts
from ansible_collections.rhaii.gke.plugins.module_utils._runs.stage import CAPABILITY, fate, file_name

from tests.unit.fake_clock import FakeClock

PARAMS: dict[str, Any] = {
    "verb": "deploy",
    "stage": "preflight",
    "project": "p",
    "environment": "prod",
    "folder": "/state",
    "own_folder": None,
    "own_parent": None,
    "proven": False,
    "ended": None,
    "forget": False,
}
NAME = file_name("p", "prod")


@dataclass
class Memory:
    """Records of all folders."""

    found: dict[str, dict[str, Any]] = field(default_factory=dict)
    problem: OSError | None = None
    written: list[str] = field(default_factory=list)

    def of(self, folder: str) -> InFolder:
        return InFolder(self, folder)


@dataclass
class InFolder:
    memory: Memory
    folder: str

    def where(self, name: str) -> str:
        return f"{self.folder}/{name}.json"

    def read(self, name: str) -> dict[str, Any]:
        self._may_fail()
        return dict(self.memory.found.get(self.where(name), {}))

    def write(self, name: str, record: dict[str, Any]) -> None:
        self._may_fail()
        self.memory.written.append(self.where(name))
        self.memory.found[self.where(name)] = dict(record)

    def remove(self, name: str) -> None:
        self.memory.found.pop(self.where(name), None)

    def _may_fail(self) -> None:
        if self.memory.problem and not self.folder.startswith("/tmp/"):
            raise self.memory.problem


@dataclass
class Folders:
    """Folders of runs."""

    made: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)

    def exists(self, path: str) -> bool:
        return path in self.made

    def make(self, parent: str | None) -> str:
        self.made.append(f"{parent or '/tmp'}/rhaii-{len(self.made) + 1}")
        return self.made[-1]

    def write(self, path: str, name: str, content: str) -> None:
        raise NotImplementedError

    def remove(self, path: str) -> None:
        self.removed.append(path)


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
        self.folders = Folders()
        self.ports = RunPorts(self.memory.of, self.host, self.clock, self.folders)

    def note(self, check_mode: bool = False, **changes: Any) -> dict[str, Any]:
        result = CAPABILITY.run({**PARAMS, **changes}, self.ports, silent, check_mode)
        self.clock.sleep(10)
        return dict(result)

    def journal(self, result: dict[str, Any]) -> Journal:
        """As the edge has it, for a task of that run."""
        return Journal(result["own_folder"], self.ports)

    def enter(self, result: dict[str, Any], stage: str) -> None:
        self.journal(result).enter(stage)
        self.clock.sleep(10)

    def next_run(self, process: int) -> None:
        self.host.living.pop(self.host.process, None)
        self.host.process = process
        self.host.living[process] = f"born-{process}"

    @property
    def record(self) -> dict[str, Any]:
        return self.memory.found[f"/state/{NAME}.json"]


@pytest.fixture
def world() -> World:
    return World()


def follow(result: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"own_folder": result["own_folder"], "stage": None, **changes}


def test_a_run_begins(world: World) -> None:
    began = world.clock.now().timestamp()
    result = world.note()
    assert result == {
        "changed": False,
        "run": f"here-7-{began:.3f}",
        "stage": "preflight",
        "marks": {"preflight": began},
        "record": f"/state/{NAME}.json",
        "own_folder": "/tmp/rhaii-1",
        "unproven": True,
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
        "unproven": True,
    }


def test_tasks_note_their_stage_once(world: World) -> None:
    first = world.note()
    world.memory.written.clear()
    for _task in range(3):
        world.enter(first, "control_plane")
    assert world.memory.written == ["/tmp/rhaii-1/run.json", f"/state/{NAME}.json"]
    assert (world.record["stage"], world.record["began"]) == ("control_plane", first["marks"]["preflight"])
    assert world.journal(first).marks == {
        "preflight": first["marks"]["preflight"],
        "control_plane": first["marks"]["preflight"] + 10,
    }


def test_a_later_call_has_what_the_tasks_noted(world: World) -> None:
    first = world.note()
    world.enter(first, "control_plane")
    second = world.note(**follow(first, stage="verification"))
    assert (second["run"], second["stage"]) == (first["run"], "verification")
    assert list(second["marks"]) == ["preflight", "control_plane", "verification"]
    assert "before" not in second


def test_the_last_call_keeps_the_stage_and_takes_the_folder_away(world: World) -> None:
    first = world.note()
    world.enter(first, "control_plane")
    last = world.note(**follow(first, ended="failed"))
    assert last["stage"] == "control_plane"
    assert (world.record["stage"], world.record["ended"]) == ("control_plane", "failed")
    assert world.folders.removed == ["/tmp/rhaii-1"]


@pytest.mark.parametrize("ended", ["ok", "failed"])
def test_the_next_run_reads_how_it_ended(world: World, ended: str) -> None:
    world.note(**follow(world.note(), ended=ended))
    world.next_run(8)
    assert world.note()["before"]["fate"] == ended


def test_the_next_run_reads_that_it_was_killed(world: World) -> None:
    world.enter(world.note(), "tpu_pool")
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
    # whoever began later keeps the record; the other one keeps its journal
    world.enter(first, "tpu_pool")
    assert world.record["run"] == second["run"]
    assert world.note(**follow(first))["stage"] == "tpu_pool"


def test_a_run_of_another_machine_cannot_be_seen(world: World) -> None:
    world.note()
    world.host.host = "elsewhere"
    assert world.note()["before"]["fate"] == "killed"


def test_a_record_without_a_birth_is_a_dead_one() -> None:
    assert fate({"host": "here", "process": 99, "born": ""}, Host()) == "killed"
    assert fate({"host": "here"}, Host()) == "killed"


def test_check_mode_reads_the_record_and_writes_none(world: World) -> None:
    world.note()
    world.next_run(8)
    world.memory.written.clear()
    result = world.note(check_mode=True)
    world.enter(result, "tpu_pool")
    assert (result["before"]["fate"], result["record"]) == ("killed", "")
    assert {file.rpartition("/")[0] for file in world.memory.written} == {result["own_folder"]}
    assert list(world.journal(result).marks) == ["preflight", "tpu_pool"]


def test_clean_teardown_leaves_no_record(world: World) -> None:
    first = world.note(verb="teardown")
    world.note(**follow(first, verb="teardown", ended="ok", forget=True))
    assert set(world.memory.found) == {"/tmp/rhaii-1/run.json"}
    assert world.folders.removed == ["/tmp/rhaii-1"]


def test_a_teardown_leaves_the_record_of_whoever_began_later(world: World) -> None:
    first = world.note(verb="teardown")
    world.next_run(8)
    second = world.note()
    world.note(**follow(first, verb="teardown", ended="ok", forget=True))
    assert world.record["run"] == second["run"]


def test_a_record_that_was_taken_away_comes_back(world: World) -> None:
    first = world.note()
    del world.memory.found[f"/state/{NAME}.json"]
    world.enter(first, "tpu_pool")
    assert world.record["stage"] == "tpu_pool"


def ended_well(world: World, **changes: Any) -> None:
    """A run that changed something and proved that all serves."""
    first = world.note()
    world.journal(first).change(unproven=True)
    world.note(**follow(first, ended="ok", proven=True, **changes))
    world.next_run(world.host.process + 1)


def test_a_run_after_a_proof_has_nothing_to_prove_until_it_changes_something(world: World) -> None:
    ended_well(world)
    run = world.note()
    assert run["unproven"] is False
    world.journal(run).change(unproven=True)
    assert world.record["unproven"] is True
    assert world.note(**follow(run))["unproven"] is True


def test_what_a_run_changed_without_a_proof_is_for_the_next_one_to_prove(world: World) -> None:
    ended_well(world)
    scale = world.note(verb="scale")
    world.journal(scale).change(unproven=True)
    world.note(**follow(scale, verb="scale", ended="ok"))
    world.next_run(20)
    assert world.note()["unproven"] is True


@pytest.mark.parametrize("ended", ["failed", None])
def test_after_a_run_that_did_not_end_well_nothing_is_taken_for_proven(world: World, ended: str | None) -> None:
    ended_well(world)
    run = world.note()
    if ended:
        world.note(**follow(run, ended=ended))
    world.next_run(20)
    assert world.note()["unproven"] is True


def test_a_record_of_an_older_version_proves_nothing(world: World) -> None:
    ended_well(world)
    del world.memory.found[f"/state/{NAME}.json"]["unproven"]
    assert world.note()["unproven"] is True


@pytest.mark.parametrize("missing", ["project", "environment"])
def test_without_a_name_nothing_is_recorded(world: World, missing: str) -> None:
    result = world.note(**{missing: ""})
    assert (result["before"]["fate"], result["record"]) == ("none", "")
    assert set(world.memory.found) == {"/tmp/rhaii-1/run.json"}


def test_a_folder_that_cannot_be_written_is_one_warning(world: World) -> None:
    world.memory.problem = PermissionError(13, "Permission denied")
    first = world.note()
    (warning,) = first["warnings"]
    assert "/state/" in warning and "rhaii_state_folder" in warning
    assert first["record"] == ""
    world.enter(first, "tpu_pool")
    assert "warnings" not in world.note(**follow(first))


def test_folders_that_are_not_given(world: World) -> None:
    result = world.note(folder=None)
    assert result["record"] == f"/home/me/.local/state/rhaii.gke/{NAME}.json"
    assert world.note(own_parent="/tmp/mine")["own_folder"] == "/tmp/mine/rhaii-2"


def test_a_first_call_without_a_stage_is_refused(world: World) -> None:
    with pytest.raises(RhaiiError, match="names no stage"):
        world.note(stage=None)


def test_a_folder_of_no_run_is_refused(world: World) -> None:
    with pytest.raises(RhaiiError, match="/tmp/other is no folder of a run"):
        world.note(own_folder="/tmp/other")


def test_a_task_outside_of_a_run_notes_nothing(world: World) -> None:
    Journal("/tmp/none", world.ports).enter("tpu_pool")
    Journal("/tmp/none", world.ports).change(unproven=True)
    assert world.memory.found == {}


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
