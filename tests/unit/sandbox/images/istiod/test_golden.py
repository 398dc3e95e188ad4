# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-in of istiod against what the original made of the same objects, compared whole."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.images.istiod.releases import DEFAULT, RELEASES
from sandbox.settings import CHECKOUT
from tests.golden.comparing import Ledger
from tests.golden.istiod_cluster import FOLDER, Cluster
from tests.golden.istiod_observation import gateway_observation, observation

FILE = re.compile(r"observed(-(?P<version>[\d.]+))?\.json")
CASES = [
    pytest.param(case.name, (FILE.fullmatch(file.name) or {"version": ""})["version"] or DEFAULT.version, file)
    for case in sorted(FOLDER.iterdir())
    if case.is_dir()
    for file in sorted(case.glob("observed*.json"))
]


@pytest.fixture(scope="module")
def ledger(request: pytest.FixtureRequest) -> Iterator[Ledger]:
    kept = Ledger.read(FOLDER / "differences.yml")
    yield kept
    kept.keep("istiod, configuration and status")
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print(f"\n{kept.table(RELEASES)}")


@pytest.mark.parametrize(("case", "version", "file"), CASES)
def test_stand_in_makes_what_the_original_made(ledger: Ledger, case: str, version: str, file: Path) -> None:
    wanted: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    cluster = Cluster(version).feed(case)
    found = gateway_observation(cluster) if "objects" in wanted else observation(cluster)
    unknown = ledger.compare(case, version, wanted, found)
    assert not unknown, "\n".join(map(str, unknown))


def test_every_listed_difference_is_one_and_is_told() -> None:
    ledger = Ledger.read(FOLDER / "differences.yml")
    if ledger.listed:
        for parameters in CASES:
            case, version, file = parameters.values
            wanted = json.loads(file.read_text(encoding="utf-8"))
            cluster = Cluster(version).feed(case)
            ledger.compare(
                case, version, wanted, gateway_observation(cluster) if "objects" in wanted else observation(cluster)
            )
    assert ledger.unused() == []
    told = (
        (CHECKOUT / "sandbox/README.md").read_text(encoding="utf-8").partition("## What differs from the originals")[2]
    )
    for entry in ledger.listed:
        assert f"### {entry.anchor}\n" in told, entry
        assert entry.reason, entry
        assert not re.search(r"ext_proc|\.status\b|\.conditions\b", entry.path), f"{entry.path} must not be listed"
