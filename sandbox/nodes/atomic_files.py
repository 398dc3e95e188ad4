# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A volume's files, replaced all at once: a reader sees the old set or the new one, as on a kubelet."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

DATA = "..data"

Files = Mapping[str, tuple[bytes, int]]
"""Content and mode by path below the volume."""


def current(folder: Path) -> dict[str, tuple[bytes, int]]:
    """The files that the volume holds now."""
    data = folder / DATA
    if not data.exists():
        return {}
    root = data.resolve()
    return {
        str(path.relative_to(root)): (path.read_bytes(), path.stat().st_mode & 0o777)
        for path in root.rglob("*")
        if path.is_file()
    }


def write(folder: Path, files: Files) -> bool:
    """Make the volume hold exactly `files`; whether that changed anything."""
    folder.mkdir(parents=True, exist_ok=True)
    data = folder / DATA
    if data.exists() and current(folder) == dict(files):
        return False
    before = data.resolve() if data.exists() else None
    fresh = Path(tempfile.mkdtemp(prefix="..", dir=folder))
    fresh.chmod(0o755)
    for name, (content, mode) in files.items():
        path = fresh / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(mode)
    link = folder / "..data_new"
    link.unlink(missing_ok=True)
    link.symlink_to(fresh.name)
    link.replace(data)
    tops = {name.split("/", 1)[0] for name in files}
    for top in tops:
        if not (folder / top).is_symlink():
            (folder / top).symlink_to(Path(DATA) / top)
    for path in folder.iterdir():
        if path.is_symlink() and not path.name.startswith("..") and path.name not in tops:
            path.unlink()
    if before is not None:
        with contextlib.suppress(OSError):
            shutil.rmtree(before)
    return True
