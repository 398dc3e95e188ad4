# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nothing that is not ours is ever touched: mixed worlds, every verb, and each foreign thing compared whole.

`make test` plays a few drawn worlds in which something collides; `make prove TOPIC=harm` plays 200 (RHAII_WORLDS),
goes on where it was ended, and has two API servers, so that two worlds are played at once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.settings import CHECKOUT, Settings
from tests.integration.conftest import Figures
from tests.integration.world_ground import Ground
from tests.integration.world_runs import Book, commit_of, origin_of, play, summed
from tests.integration.worlds import BARE, World

pytestmark = pytest.mark.timeout(3600)

FEW = 4
AT_ONCE = 2
INDEX = 61
"""Of the cluster's addresses; the next ones are the other processes'."""
SHORT = (("deploy", False), ("teardown", False))


def test_drawn_worlds(tmp_path: Path, seed: int) -> None:
    drawn = (World.drawn(seed, number) for number in range(1000))
    bare = [world for world in drawn if world.base == BARE]
    with Ground(tmp_path / "ground", INDEX) as ground:
        for world in bare[:FEW]:
            record = play(ground, world, SHORT)
            assert record.faults() == [], f"{world.title()}\n" + "\n".join(record.faults())
            refused = [run.title for run in record.runs if run.refused]
            assert refused == ["deploy"], f"{world.title()}: {record.runs}"


@pytest.mark.prove
def test_worlds_of_the_proof(seed: int, figures: Figures) -> None:
    count = int(os.environ.get("RHAII_WORLDS", "200"))
    folder = Settings.load().root / "prove" / "harm"
    books = [folder / f"worlds-{part}.jsonl" for part in range(AT_ONCE)]
    processes = []
    for part, book in enumerate(books):
        command = [sys.executable, "-m", "tests.integration.world_runs", "--seed", str(seed), "--book", str(book)]
        command += ["--first", str(part), "--step", str(AT_ONCE), "--worlds", str(count), "--index", str(INDEX + part)]
        paths = os.pathsep.join([str(CHECKOUT), str(CHECKOUT / ".ansible" / "collections")])
        processes.append(subprocess.Popen(command, cwd=CHECKOUT, env={**os.environ, "PYTHONPATH": paths}))
    ended = [process.wait() for process in processes]
    assert ended == [0] * AT_ONCE
    origin = origin_of(commit_of(CHECKOUT), seed)
    records = [record for book in books for record in Book(book, origin).records.values()]
    figures.record("worlds", summed(records))
    faults = [f"world {record['number']}: {fault}" for record in records for fault in record["faults"]]
    assert faults == [], "\n".join(faults)
    assert len(records) == count, json.dumps(sorted(record["number"] for record in records))
