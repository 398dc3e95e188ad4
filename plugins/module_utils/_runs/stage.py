# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""run_stage: notes where a run is, for its recap, its last screen, and whoever comes after it is killed.

Between its first call and its last one the tasks of the run note for themselves in which stage they are.

The record of a project's environment is one small file without a secret. It lives where the run lives, so that a
machine or container that is thrown away takes it along.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._capability import Capability, Params, Progress, Result
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError, one_line
from ansible_collections.rhaii.gke.plugins.module_utils._runs.files import run_ports
from ansible_collections.rhaii.gke.plugins.module_utils._runs.journal import Journal
from ansible_collections.rhaii.gke.plugins.module_utils._runs.ports import Machine, RunPorts

OK, FAILED = "ok", "failed"
# What became of the last run.
NONE, RUNNING, KILLED = "none", "running", "killed"
# Members of a record that are told.
TOLD = ("verb", "stage", "began", "host", "process", "run")


def file_name(project: str, environment: str) -> str:
    """One that two environments never share."""
    plain = "--".join(re.sub(r"[^A-Za-z0-9._-]", "_", part) for part in (project, environment))
    mark = hashlib.sha256(f"{project}\n{environment}".encode()).hexdigest()[:8]
    return f"{plain[:120]}--{mark}"


def fate(record: Mapping[str, Any], machine: Machine) -> str:
    """What became of the run that wrote it; one that did not end is only alive where its process can be seen."""
    if not record:
        return NONE
    if record.get("ended") in (OK, FAILED):
        return str(record["ended"])
    is_here = record.get("host") == machine.name()
    born = str(record.get("born") or "")
    return RUNNING if is_here and born and machine.began(int(record.get("process") or 0)) == born else KILLED


class _Run:
    def __init__(self, params: Params, ports: RunPorts, check_mode: bool) -> None:
        self.params = params
        self.ports = ports
        self.check_mode = check_mode
        self.stage: str = params["stage"] or ""

    def begin(self) -> Result:
        """The first call."""
        if not self.stage:
            raise RhaiiError(
                "The first call of a run names no stage.", remedy="Give stage, or own_folder of an earlier call."
            )
        now = self.ports.clock.now().timestamp()
        machine = self.ports.machine
        process = machine.run()
        before, file, warning = self.record()
        became = fate(before, machine)
        folder = self.ports.folders.make(self.params["own_parent"])
        journal = Journal(folder, self.ports)
        content = {
            "run": f"{machine.name()}-{process}-{now:.3f}",
            "project": self.params["project"],
            "environment": self.params["environment"],
            "verb": self.params["verb"],
            "began": now,
            "stage": self.stage,
            "host": machine.name(),
            "process": process,
            "born": machine.began(process),
            "ended": None,
            # only of a run that ended well, and proved it, it is known that all serves
            "unproven": became != OK or before.get("unproven") is not False,
            "marks": {self.stage: now},
        }
        try:
            journal.begin({**content, "record": file})
        except OSError as error:
            warning = self.warning(file, error)
            journal.begin({**content, "record": ""})
        result = self.result(journal, folder)
        result["before"] = {"fate": became, **{name: before.get(name) for name in TOLD}}
        if warning:
            result["warnings"] = [warning]
        return result

    def go_on(self, folder: str) -> Result:
        """Every other call."""
        journal = Journal(folder, self.ports)
        if not journal.content:
            raise RhaiiError(
                f"{folder} is no folder of a run that this module began.",
                remedy="Give the own_folder that its first call returned.",
            )
        if self.stage:
            journal.enter(self.stage)
        if self.params["proven"]:
            journal.change(unproven=False)
        if self.params["ended"]:
            journal.change(ended=self.params["ended"])
        if self.params["forget"]:
            journal.forget()
        result = self.result(journal, folder)
        if self.params["ended"]:
            self.ports.folders.remove(folder)
        return result

    def result(self, journal: Journal, folder: str) -> Result:
        content = journal.content
        return {
            "changed": False,
            "run": content["run"],
            "stage": content["stage"],
            "marks": journal.marks,
            "record": content["record"],
            "own_folder": folder,
            "unproven": content["unproven"],
        }

    def record(self) -> tuple[Mapping[str, Any], str, str]:
        """The record as it was, where this run keeps its own, and a warning; a place that fails fails no run."""
        project, environment = str(self.params["project"] or ""), str(self.params["environment"] or "")
        if not project or not environment:
            return {}, "", ""
        name = file_name(project, environment)
        records = self.ports.records(str(self.params["folder"] or self.ports.machine.folder()))
        file = records.where(name)
        try:
            before = records.read(name)
        except OSError as error:
            return {}, "", self.warning(file, error)
        return before, "" if self.check_mode else file, ""

    def warning(self, file: str, error: OSError) -> str:
        return (
            f"The record of this run cannot be kept in {file} ({one_line(error)}). Were this run killed, the next one "
            "could not say so. Name another folder with rhaii_state_folder."
        )


def run(params: Params, ports: RunPorts, progress: Progress, check_mode: bool) -> Result:
    del progress
    one = _Run(params, ports, check_mode)
    return one.go_on(str(params["own_folder"])) if params["own_folder"] else one.begin()


CAPABILITY = Capability(
    name="run_stage",
    argument_spec={
        "verb": {"type": "str", "required": True},
        "stage": {"type": "str"},
        "project": {"type": "str", "default": ""},
        "environment": {"type": "str", "default": ""},
        "folder": {"type": "path"},
        "own_folder": {"type": "path"},
        "own_parent": {"type": "path"},
        "proven": {"type": "bool", "default": False},
        "ended": {"type": "str", "choices": [OK, FAILED]},
        "forget": {"type": "bool", "default": False},
    },
    ports=run_ports,
    run=run,
)

__all__ = ("CAPABILITY", "FAILED", "KILLED", "NONE", "OK", "RUNNING", "fate", "file_name", "run")
