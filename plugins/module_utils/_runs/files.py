# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The real adapter: a file a record, read by its owner alone, and /proc where there is one."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._capability import Params
from ansible_collections.rhaii.gke.plugins.module_utils._clock import SystemClock
from ansible_collections.rhaii.gke.plugins.module_utils._run_folder import RealFolders
from ansible_collections.rhaii.gke.plugins.module_utils._runs.ports import RunPorts
from ansible_collections.rhaii.gke.plugins.module_utils._whole_files import write_whole


class RecordFiles:
    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.json"

    def where(self, name: str) -> str:
        return str(self._file(name))

    def read(self, name: str) -> dict[str, Any]:
        try:
            found = json.loads(self._file(name).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def write(self, name: str, record: dict[str, Any]) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(self._file(name), json.dumps(record, indent=1, sort_keys=True), 0o600)

    def remove(self, name: str) -> None:
        self._file(name).unlink(missing_ok=True)


class ThisMachine:
    def name(self) -> str:
        return socket.gethostname()

    def run(self) -> int:
        # tasks are worked on in forks of it
        return os.getppid()

    def began(self, process: int) -> str:
        try:
            # the name of the program comes before it, in brackets, and may contain anything
            return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
        except (OSError, IndexError):
            return "" if Path("/proc/self/stat").exists() else self._lives(process)

    @staticmethod
    def _lives(process: int) -> str:
        try:
            os.kill(process, 0)
        except PermissionError:
            return "lives"
        except OSError:
            return ""
        return "lives"

    def folder(self) -> str:
        home = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
        return str(Path(home) / "rhaii.gke")


def run_ports(params: Params) -> RunPorts:
    del params
    return own_ports()


def own_ports() -> RunPorts:
    """Those of this machine, for the edge too, which notes what the tasks of a run do."""
    return RunPorts(RecordFiles, ThisMachine(), SystemClock(), RealFolders())


__all__ = ("RecordFiles", "ThisMachine", "own_ports", "run_ports")
