# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a stand-in knows of its container."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from sandbox.images.container import Container, run_until_terminated


def test_current_reads_the_nodes_environment(tmp_path: Path) -> None:
    found = Container.current(
        {"SANDBOX_ROOT": str(tmp_path), "SANDBOX_POD_IP": "10.1.0.2", "SANDBOX_POD_NAME": "p", "SANDBOX_SPEED": "6"}
    )
    assert (found.pod_ip, found.name, found.namespace, found.speed) == ("10.1.0.2", "p", "", 6.0)
    assert found.root("/mnt/models") == tmp_path / "mnt" / "models"


def test_outside_of_a_node_it_says_so() -> None:
    with pytest.raises(SystemExit, match="SANDBOX_ROOT and SANDBOX_POD_IP"):
        Container.current({})


async def test_main_that_ends_gives_its_code() -> None:
    async def main() -> int:
        return 3

    assert await run_until_terminated(main()) == 3


async def test_sigterm_cancels_main_which_ends_its_work() -> None:
    ended: list[str] = []

    async def main() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append("cleanly")

    assert await run_until_terminated(main()) == 0
    assert ended == ["cleanly"]


def test_program_that_is_up_says_so_where_the_node_looks(tmp_path: Path) -> None:
    given = {"SANDBOX_ROOT": str(tmp_path), "SANDBOX_POD_IP": "10.1.0.2"}
    Container.current(given).up()
    Container.current({**given, "SANDBOX_UP_FILE": str(tmp_path / "main.0.up")}).up()
    assert [path.name for path in tmp_path.iterdir()] == ["main.0.up"]
