# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""Files that are there as a whole or not at all."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path


def write_whole(file: Path, content: str, mode: int) -> bool:
    """Write a file with that mode, unless it says the same already; whether it was written. Raises OSError."""
    with suppress(FileNotFoundError):
        if file.read_bytes() == content.encode() and file.stat().st_mode & 0o777 == mode:
            return False
    handle, draft = tempfile.mkstemp(prefix=".", dir=file.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(content)
        Path(draft).chmod(mode)
        Path(draft).replace(file)
    except OSError:
        with suppress(OSError):
            Path(draft).unlink()
        raise
    return True


__all__ = ("write_whole",)
