# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The checksum of a folder, the same wherever it was fetched from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path


def digest(files: Iterable[tuple[str, bytes]]) -> str:
    """SHA-256 over paths and contents, sorted by path, each with its length so that no two folders look alike."""
    whole = hashlib.sha256()
    for path, content in sorted(files):
        name = path.encode()
        whole.update(b"%d %d\n" % (len(name), len(content)))
        whole.update(name)
        whole.update(content)
    return whole.hexdigest()


def digest_of_folder(folder: Path) -> str:
    """The same of a folder on disk; times, modes and empty folders do not count."""
    return digest(
        (path.relative_to(folder).as_posix(), path.read_bytes()) for path in folder.rglob("*") if path.is_file()
    )


__all__ = ("digest", "digest_of_folder")
