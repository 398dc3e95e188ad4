# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What this collection is made of is loaded as Python loads things; all else is left to the others."""

from __future__ import annotations

import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest
from ansible_collections.rhaii.gke.plugins.plugin_utils import _bytecode
from ansible_collections.rhaii.gke.plugins.plugin_utils._bytecode import PACKAGES, keep_bytecode

FOLDER = Path(_bytecode.__file__).parents[1]
PLUGINS = "ansible_collections.rhaii.gke.plugins"


@pytest.fixture
def finder(monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    before = list(sys.meta_path)
    keep_bytecode()
    keep_bytecode()
    (added,) = [each for each in sys.meta_path if each not in before] or [sys.meta_path[0]]
    assert sys.meta_path[0] is added
    return added


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("module_utils._clock", "module_utils"),
        ("module_utils._gke", "module_utils"),
        ("module_utils._gke.cluster", "module_utils/_gke"),
        ("modules.gke_cluster", "modules"),
        ("plugin_utils._edge", "plugin_utils"),
    ],
)
def test_ours_is_compiled_once(finder: object, name: str, folder: str) -> None:
    spec = finder.find_spec(f"{PLUGINS}.{name}", [str(FOLDER / folder)])  # type: ignore[attr-defined]
    assert isinstance(spec.loader, SourceFileLoader)
    assert spec.cached.endswith(".pyc")


@pytest.mark.parametrize(
    "name", ["json", "ansible_collections.community.general.plugins.module_utils.x", f"{PACKAGES[0]}none"]
)
def test_others_and_what_is_not_there_are_left_to_the_next_finder(finder: object, name: str) -> None:
    found: ModuleType | None = finder.find_spec(name, [str(FOLDER / "module_utils")])  # type: ignore[attr-defined]
    assert found is None
