# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""run_folder: a folder for as long as a run lasts, that nobody but its owner can read."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from ansible_collections.rhaii.gke.plugins.module_utils._capability import Capability, Params, Progress, Result
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._whole_files import write_whole

PREFIX = "rhaii-"


class Folders(Protocol):
    """All of them raise OSError."""

    def exists(self, path: str) -> bool: ...

    def make(self, parent: str | None) -> str:
        """A new one, 0700; its path."""

    def write(self, path: str, name: str, content: str) -> None:
        """A file in it, 0600; one that says the same already is left alone."""

    def remove(self, path: str) -> None:
        """With all that is in it; one that is gone is no error."""


class RealFolders:
    """The real adapter."""

    def exists(self, path: str) -> bool:
        return Path(path).is_dir()

    def make(self, parent: str | None) -> str:
        return tempfile.mkdtemp(prefix=PREFIX, dir=parent)

    def write(self, path: str, name: str, content: str) -> None:
        write_whole(Path(path) / name, content, 0o600)

    def remove(self, path: str) -> None:
        if Path(path).is_dir():
            shutil.rmtree(path)


def run(params: Params, folders: Folders, progress: Progress, check_mode: bool) -> Result:
    # it belongs to the run and not to the environment: no change, and needed in check mode too
    del progress, check_mode
    path = str(params["path"] or "")
    if params["state"] == "absent":
        if path and not Path(path).name.startswith(PREFIX):
            raise RhaiiError(f"{path} is no folder that run_folder made.", remedy="Give the path that it returned.")
        if path:
            folders.remove(path)
        return {"changed": False, "path": ""}
    if not path or not folders.exists(path):
        path = folders.make(params["parent"])
    files: Mapping[str, str] = params["files"]
    for name, content in files.items():
        if "/" in name or name.startswith("."):
            raise RhaiiError(f"{name} is no plain file name.", remedy="Give names without a folder.")
        folders.write(path, name, str(content))
    return {"changed": False, "path": path}


def folders_of(params: Params) -> RealFolders:
    del params
    return RealFolders()


CAPABILITY = Capability(
    name="run_folder",
    argument_spec={
        "path": {"type": "path"},
        "parent": {"type": "path"},
        "files": {"type": "dict", "default": {}},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    },
    ports=folders_of,
    run=run,
)

__all__ = ("CAPABILITY", "Folders", "RealFolders", "run")
