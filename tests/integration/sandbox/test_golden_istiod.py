# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests that were sent through the original's configuration, sent through the stand-in's: who is asked, what comes.

Each case runs through the real Envoy. `make test` takes a few of them, the full proof all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.images.istiod.releases import DEFAULT, RELEASES
from tests.golden.comparing import Ledger
from tests.golden.istiod_cluster import FOLDER, Cluster
from tests.integration.sandbox.golden_traffic import GONE, REFUSES, stage

ENVOY = "1.40.0"
FILE = re.compile(r"requests(-(?P<version>[\d.]+))?\.json")
ALWAYS = {
    ("b2-as-deployed", "1.27.3"),
    ("d1-two-routes-kserve-older", "1.27.3"),
    ("f3-two-models-restated-filter", "1.28.5"),
    ("m1-virtual-host-filter", "1.27.3"),
}
"""Nobody asked, half of the paths asked, everybody asked, and asked for a Service."""


def cases() -> Iterator[Any]:
    for file in sorted(FOLDER.glob("*/requests*.json")):
        version = (FILE.fullmatch(file.name) or {"version": ""})["version"] or DEFAULT.version
        case = file.parent.name
        marks = [] if (case, version) in ALWAYS else [pytest.mark.prove]
        yield pytest.param(case, version, file, id=f"{case}-{version}", marks=marks)


@pytest.fixture(scope="module")
def ledger(request: pytest.FixtureRequest) -> Iterator[Ledger]:
    kept = Ledger([])
    yield kept
    kept.keep("istiod, requests through Envoy")
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print(f"\n{kept.table(RELEASES)}")


@pytest.mark.parametrize(("case", "version", "file"), list(cases()))
async def test_requests_end_as_through_the_original(
    ledger: Ledger, tmp_path: Path, case: str, version: str, file: Path
) -> None:
    by_envoy = json.loads(file.read_text(encoding="utf-8"))["by_envoy"]
    recorded = by_envoy.get(ENVOY) or next(iter(by_envoy.values()))
    wanted, found = {}, {}
    async with stage(tmp_path, Cluster(version).feed(case)) as running:
        for part, prepare in ((None, None), (REFUSES, running.refuse), (GONE, running.forget)):
            if prepare:
                await prepare()
            for key, outcome in recorded.items():
                if (part in key) if part else not (REFUSES in key or GONE in key):
                    seen = outcome.get("picker_got") or {}
                    wanted[key] = comparable(outcome)
                    found[key] = comparable(await running.send(key, seen.get("request_body_bytes", 0)))
    unknown = ledger.compare(case, version, wanted, found)
    assert not unknown, "\n".join(map(str, unknown))


def comparable(outcome: Any) -> dict[str, Any]:
    """An outcome without what chance decides: how bodies are cut, and which of several backends a request meets."""
    result = {
        key: outcome[key] for key in ("status", "statuses", "requests", "picker_asked", "pickers") if key in outcome
    }
    result["upstream_path"] = outcome.get("upstream_path")
    asked, obeyed = outcome.get("picker_asked"), outcome.get("choice_obeyed")
    if obeyed is not None and len(outcome["pickers"]) == 1:
        result["every_choice_obeyed"] = obeyed == asked
    exchange = outcome.get("exchange")
    got = outcome.get("picker_got") or (
        {"messages": exchange.kinds, "request_body_bytes": len(exchange.request)} if exchange else None
    )
    if got:
        result["request_body_bytes"] = got["request_body_bytes"]
        result["body_of_the_answer"] = "response_body" in got["messages"]
    return result
