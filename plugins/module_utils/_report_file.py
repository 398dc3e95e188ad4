# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""report_file: keeps the report of a run. It is no state of an environment, so that it never counts as a change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Protocol

from ansible_collections.rhaii.gke.plugins.module_utils._capability import Capability, Params, Progress, Result
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError, one_line
from ansible_collections.rhaii.gke.plugins.module_utils._whole_files import write_whole


class Files(Protocol):
    def write(self, path: str, content: str) -> None:
        """Write it, and make its folder where there is none; raises OSError."""


class RealFiles:
    """The real adapter."""

    def write(self, path: str, content: str) -> None:
        file = Path(path).expanduser()
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, content, 0o644)


def run(params: Params, files: Files, progress: Progress, check_mode: bool) -> Result:
    # what a run with --check found is worth keeping too
    del progress, check_mode
    path, name = str(params["path"] or ""), str(params["publish"] or "")
    result: Result = {"changed": False, "path": path, "report": params["report"]}
    if name:
        # as ansible.builtin.set_stats has it
        result["ansible_stats"] = {"data": {name: params["report"]}, "per_host": False, "aggregate": True}
    if not path:
        return result
    try:
        files.write(path, json.dumps(params["report"], indent=4, sort_keys=True, ensure_ascii=False) + "\n")
    except OSError as error:
        raise RhaiiError(
            f"Could not keep the report in {path}: {one_line(error)}.",
            remedy="Give a path that can be written to.",
        ) from error
    return result


def files_of(params: Params) -> RealFiles:
    del params
    return RealFiles()


CAPABILITY = Capability(
    name="report_file",
    argument_spec={
        "path": {"type": "path"},
        "publish": {"type": "str"},
        "report": {"type": "raw", "required": True},
    },
    required_one_of=[("path", "publish")],
    ports=files_of,
    run=run,
)

__all__ = ("CAPABILITY", "Files", "RealFiles", "run")
