# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection.
"""Python's own way to load what this collection is made of.

ansible-core compiles each file of a collection anew whenever it starts, which for this one is a fifth of what a run
needs before its first task. Python keeps what it compiled, where it may write.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import FileFinder, ModuleSpec, SourceFileLoader
from types import ModuleType

PACKAGES = tuple(
    f"ansible_collections.rhaii.gke.plugins.{name}." for name in ("module_utils", "modules", "plugin_utils")
)


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith(PACKAGES):
            return None
        for folder in path or ():
            found = FileFinder(folder, (SourceFileLoader, [".py"])).find_spec(fullname)
            if found is not None:
                return found
        return None  # ansible-core's own finder says so


def keep_bytecode() -> None:
    """From now on; what is loaded already stays."""
    if not any(isinstance(each, _Finder) for each in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


__all__ = ("PACKAGES", "keep_bytecode")
