# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the integration tests share: one sandbox, and where their figures go.

`make test` runs the reduced form. RHAII_PROVE=1, which `make prove` sets, adds the tests with the marker `prove`;
RHAII_FIGURES names a file for what was measured, RHAII_SEED the seed of the load (1 when it is not given).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.integration.installation import Installed
from tests.integration.rehearsal import Rehearsal

OF_THE_SANDBOX = {"test_bad_inputs.py", "test_main_job.py"}
PROVE = os.environ.get("RHAII_PROVE") == "1"


class Figures:
    """What was measured, by name; on disk at once, so that a failing test takes nothing along."""

    def __init__(self, path: str) -> None:
        self._path = Path(path) if path else None
        self.values: dict[str, Any] = {}

    def record(self, name: str, value: Any) -> None:
        """Keep a figure."""
        self.values[name] = value
        if self._path:
            self._path.write_text(json.dumps(self.values, indent=1) + "\n", encoding="utf-8")


@pytest.fixture(scope="session")
def figures() -> Figures:
    """Where tests put what they measured."""
    return Figures(os.environ.get("RHAII_FIGURES", ""))


@pytest.fixture(scope="session")
def seed() -> int:
    """The seed of everything that is drawn."""
    return int(os.environ.get("RHAII_SEED", "1"))


@pytest.fixture(scope="session")
def rehearsal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    """The sandbox, in a folder of its own; nothing runs yet, and at the end nothing does."""
    made = Rehearsal(tmp_path_factory.mktemp("rehearsal") / "sandbox")
    yield made
    made.end()


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The collection, installed from its tarball."""
    return Installed.build(tmp_path_factory.mktemp("installed"))


class Halves(LoadScopeScheduling):
    """A machine has one sandbox, whose tests keep their order; all else brings addresses of its own and runs beside.

    By hand, since pytest-xdist 3.8 cannot give groups to pytest 9.
    """

    def _split_scope(self, nodeid: str) -> str:
        return "sandbox" if Path(nodeid.split("::")[0]).name in OF_THE_SANDBOX else "parts"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Halves:
    """Which tests may run beside which."""
    return Halves(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the slow form of a proof out of the reduced one."""
    astray = {item.path.name for item in items if item.get_closest_marker("sandbox")} - OF_THE_SANDBOX
    assert not astray, f"{astray} use the one sandbox and must be in OF_THE_SANDBOX"
    slow = [item for item in items if item.get_closest_marker("prove") and not PROVE]
    if slow:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]
