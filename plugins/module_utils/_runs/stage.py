# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""run_stage: notes the stage that a run is in, for its recap, its last screen, and whoever comes after it is killed.

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
        self.now = ports.clock.now()
        self.marks = {str(name): float(when) for name, when in (params["marks"] or {}).items()}
        self.run: str = params["run"] or ""
        self.warning = ""

    def note(self) -> Result:
        stage: str = self.params["stage"] or ""
        begins, ended = not self.run, self.params["ended"]
        if begins and not stage:
            raise RhaiiError(
                "The first call of a run names no stage.", remedy="Give stage, or the run of an earlier call."
            )
        if stage:
            self.marks[stage] = self.now.timestamp()
        machine = self.ports.machine
        process = machine.run()
        self.run = self.run or f"{machine.name()}-{process}-{self.now.timestamp():.3f}"
        before, where = self.record(stage, process, begins, ended)
        result: Result = {
            "changed": False,
            "run": self.run,
            "stage": stage or self.latest(),
            "marks": self.marks,
            "record": where,
            "before": {"fate": fate(before, machine), **{name: before.get(name) for name in TOLD}},
        }
        if self.warning and begins:
            result["warnings"] = [self.warning]
        return result

    def latest(self) -> str:
        return max(self.marks, key=lambda name: self.marks[name], default="")

    def record(self, stage: str, process: int, begins: bool, ended: str | None) -> tuple[Mapping[str, Any], str]:
        """The record as it was, and where it is; a place that cannot be written to fails no run."""
        project, environment = str(self.params["project"] or ""), str(self.params["environment"] or "")
        if not project or not environment:
            return {}, ""
        name = file_name(project, environment)
        records = self.ports.records(str(self.params["folder"] or self.ports.machine.folder()))
        before: Mapping[str, Any] = {}
        try:
            before = records.read(name)
            # whoever began later keeps the record
            is_own = not before or before.get("run") == self.run
            if self.check_mode or not (begins or is_own):
                return before, ""
            if self.params["forget"]:
                records.remove(name)
                return before, ""
            machine = self.ports.machine
            records.write(
                name,
                {
                    "run": self.run,
                    "project": project,
                    "environment": environment,
                    "verb": self.params["verb"],
                    "began": min(self.marks.values(), default=self.now.timestamp()),
                    "stage": stage or self.latest(),
                    "host": machine.name(),
                    "process": process,
                    "born": machine.began(process),
                    "ended": ended,
                },
            )
        except OSError as error:
            self.warning = (
                f"The record of this run cannot be kept in {records.where(name)} ({one_line(error)}). Were this run "
                "killed, the next one could not say so. Name another folder with rhaii_state_folder."
            )
            return before, ""
        return before, records.where(name)


def run(params: Params, ports: RunPorts, progress: Progress, check_mode: bool) -> Result:
    del progress
    return _Run(params, ports, check_mode).note()


CAPABILITY = Capability(
    name="run_stage",
    argument_spec={
        "verb": {"type": "str", "required": True},
        "stage": {"type": "str"},
        "project": {"type": "str", "default": ""},
        "environment": {"type": "str", "default": ""},
        "folder": {"type": "path"},
        "run": {"type": "str"},
        "marks": {"type": "dict", "default": {}},
        "ended": {"type": "str", "choices": [OK, FAILED]},
        "forget": {"type": "bool", "default": False},
    },
    ports=run_ports,
    run=run,
)

__all__ = ("CAPABILITY", "FAILED", "KILLED", "NONE", "OK", "RUNNING", "fate", "file_name", "run")
