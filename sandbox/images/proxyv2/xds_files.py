# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The folder that Envoy watches: each file is replaced by a rename, and only when it changes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


class XdsFolder:
    """Remembers what Envoy was given."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._written: dict[Path, str] = {}
        self._outdated: set[Path] = set()

    def write(self, contents: Mapping[Path, str]) -> list[Path]:
        """Write what changed, in the order given; the paths that were written."""
        self._folder.mkdir(parents=True, exist_ok=True)
        changed = [path for path, text in contents.items() if self._written.get(path) != text]
        for path in changed:
            fresh = path.with_suffix(".new")
            fresh.write_text(contents[path], encoding="utf-8")
            fresh.rename(path)
            self._written[path] = contents[path]
        return changed

    def keep(self, paths: set[Path]) -> None:
        """Forget all other files; they are removed one call later, when Envoy has let go of them."""
        for path in self._outdated - paths:
            path.unlink(missing_ok=True)
            self._written.pop(path, None)
        self._outdated = self._written.keys() - paths
