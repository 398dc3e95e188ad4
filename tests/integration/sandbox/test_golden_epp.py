# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the original endpoint picker answered through the real Envoy, asked of the stand-in through the same one."""

from __future__ import annotations

import asyncio
import json
import ssl
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.images.epp.replicas import Fleet
from sandbox.images.epp.service import unauthorized
from sandbox.network.addresses import loopback
from sandbox.settings import CHECKOUT
from tests.golden.comparing import Ledger, differences
from tests.integration.sandbox.golden_traffic import Stage, own, stage
from tests.integration.sandbox.test_asked_pickers import cluster, count, lasting_filter, stand_in_picker

FOLDER = CHECKOUT / "tests/golden/epp"
CASES = sorted(folder.name for folder in FOLDER.iterdir() if folder.is_dir())
SHOWN = "x-went-into-resp-headers"


async def negotiated(address: str, offered: list[str]) -> str | None:
    """What a client and the picker agree on."""

    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if offered:
        context.set_alpn_protocols(offered)
    _, writer = await asyncio.open_connection(address, 9002, ssl=context)
    found: str | None = writer.get_extra_info("ssl_object").selected_alpn_protocol()
    writer.close()
    return found


async def answered(running: Stage, body: str) -> dict[str, Any]:
    """What comes of one body."""
    kind = {"content-type": "application/json"}
    async with running.session.post(running.url("/v1/completions"), data=body.encode(), headers=kind) as response:
        if response.status == 200:
            return {"status": 200, SHOWN: response.headers.get(SHOWN)}
        return {"status": response.status, "body": await response.text()}


class Reviews:
    """An API server that knows two accounts, of which one may read metrics."""

    async def create(self, review: dict[str, Any]) -> dict[str, Any]:
        spec = review["spec"]
        if review["kind"] == "TokenReview":
            known = spec["token"] in ("reader", "stranger")
            return {"status": {"authenticated": known, "user": {"username": spec["token"]}}}
        assert spec["nonResourceAttributes"] == {"path": "/metrics", "verb": "get"}
        return {"status": {"allowed": spec["user"] == "reader"}}


@pytest.mark.parametrize("case", CASES)
async def test_picker_answers_as_the_original(tmp_path: Path, case: str) -> None:
    wanted = json.loads((FOLDER / case / "observed.json").read_text(encoding="utf-8"))
    asks = yaml.safe_load((FOLDER / case / "requests.yml").read_text(encoding="utf-8"))
    made = cluster("1.27.3", ["alpha"])
    made.next(lasting_filter(made))
    picker = stand_in_picker(made, "alpha")
    found: dict[str, Any] = {"bodies": {}}
    async with stage(tmp_path, made, {"alpha": picker}) as running:
        address = loopback(own(made.shared["models"]["alpha"]["picker"]))
        found["alpn"] = {name: await negotiated(address, offered) for name, offered in asks["alpn"].items()}
        for name, body in asks["bodies"].items():
            before = count(picker)
            outcome = await answered(running, body)
            found["bodies"][name] = {**outcome, "counted": count(picker) - before}
    reviews: Any = Reviews()
    found["metrics"] = {
        name: await unauthorized(reviews, f"Bearer {who}" if who else "") or 200
        for name, who in asks["metrics"].items()
    }
    ledger = Ledger([])
    # one case each: TLS, metrics and bodies
    unknown = [
        difference
        for part in sorted(found)
        for key in asks[part]
        for difference in ledger.compare(f"{part}, {key}", "1.2.0", wanted[part][key], found[part][key])
    ]
    assert not unknown, "\n".join(map(str, unknown))
    ledger.keep("endpoint picker")
    # of the original's metrics the stand-in has some, and these are what the original's are
    page = picker.metrics.page(Fleet(), 0)
    kinds = dict(line.split()[2:4] for line in page.splitlines() if line.startswith("# TYPE inference"))
    shared = {name: kind for name, kind in kinds.items() if name in wanted["families"]}
    assert "inference_objective_request_total" in shared
    assert not list(differences({name: wanted["families"][name] for name in shared}, shared))
