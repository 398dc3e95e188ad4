# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cloud at its worst: every fault against every action, runs that are killed, permissions that are missing.

`make test` takes a drawn sample, `make prove TOPIC=cloud` everything. Each cell and each death has a cloud of its own.
"""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._access.permissions import (
    FEATURES,
    PERMISSIONS,
    Permission,
)

from sandbox.settings import CHECKOUT, CLOUD_PROXY_PORT
from tests.integration import cloud_faults, cloud_kills
from tests.integration.cloud_runs import PREFLIGHT, EmulatedCloud
from tests.integration.conftest import PROVE, Figures
from tests.prove.render.cloud_faults import slug

pytestmark = pytest.mark.timeout(1800)

AT_ONCE = 2
DEATHS = 20 if PROVE else 1
DELAY = 0.25

T = TypeVar("T")
R = TypeVar("R")


def each_of(work: Callable[[T], R], things: Sequence[T]) -> list[R]:
    """The results in order; two at once, as most of a run is waiting."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(work, things))


def sample(things: Sequence[T], count: int, seed: int) -> list[T]:
    """All of them in a proof, else a few that the seed draws, in their order."""
    if PROVE:
        return list(things)
    drawn = sorted(random.Random(seed).sample(range(len(things)), count))
    return [things[number] for number in drawn]


def test_every_fault_against_every_action(tmp_path: Path, seed: int, figures: Figures) -> None:
    bases = cloud_faults.Bases(tmp_path)
    # one of each action that is drawn
    cells = [
        cell
        for number, action in enumerate(sample(cloud_faults.ACTIONS, 2, seed))
        for cell in sample([cell for cell in cloud_faults.CELLS if cell[1] == action], 1, seed + number)
    ]
    rows = each_of(lambda cell: cloud_faults.meet(*cell, bases, tmp_path), cells)
    figures.record(
        "faults",
        {
            "cells": len(rows),
            "refused": sum(row.ended == "refused" for row in rows),
            "tracebacks": sum(row.tracebacks for row in rows),
            "unreported": sum(len(row.unreported) for row in rows),
            "false_ok": sum(bool(row.false_ok) for row in rows),
            "not_made_good": sum(bool(row.not_made_good) for row in rows),
            "open_items": sum(len(row.open_items) for row in rows),
            "faults": list(dict.fromkeys(row.fault for row in rows)),
            "by_fault": {
                slug(name): [row.figures() for row in rows if row.fault == name]
                for name in dict.fromkeys(row.fault for row in rows)
            },
        },
    )
    wrong = {
        f"{fault.name}, {row.action}": cloud_faults.problems(row, fault)
        for (fault, _), row in zip(cells, rows, strict=True)
    }
    assert not any(wrong.values()), json.dumps({name: what for name, what in wrong.items() if what}, indent=1)


def test_killed_runs_are_made_good(tmp_path: Path, seed: int, figures: Figures) -> None:
    requests = cloud_kills.length(tmp_path / "undisturbed")
    moments = cloud_kills.moments(seed, DEATHS)
    deaths = each_of(
        lambda numbered: cloud_kills.die(tmp_path / f"death-{numbered[0]}", numbered[1], requests),
        list(enumerate(moments)),
    )
    figures.record(
        "killed",
        {
            "runs": len(deaths),
            "made_good": sum(not death.problem for death in deaths),
            "requests_of_an_undisturbed_run": requests,
            "rows": [death.figures() for death in deaths],
        },
    )
    assert not [death for death in deaths if death.problem]


# What has to be wanted so that a permission is needed, by the feature that needs it.
WANTED: dict[str, dict[str, Any]] = {
    "": {},
    "reservation": {
        "rhaii_provisioning": "reservation",
        "rhaii_reservation": "trillium-lab",
        "rhaii_location": "us-central1-b",
    },
    "reservation_block": {
        "rhaii_provisioning": "reservation",
        "rhaii_reservation": "trillium-pool/reservationBlocks/block-a",
        "rhaii_location": "us-east5-a",
    },
    "reservation_sub_block": {
        "rhaii_provisioning": "reservation",
        "rhaii_reservation": "trillium-pool/reservationBlocks/block-a/reservationSubBlocks/part-a",
        "rhaii_location": "us-east5-a",
    },
    "quota_request": {"rhaii_request_quota": True, "rhaii_contact_email": "somebody@example.com"},
    "dns_endpoint": {"rhaii_dns_endpoint": True},
    "enable_apis": {"rhaii_enable_apis": True},
    "network": {"rhaii_create_network": True},
    "node_service_account": {"rhaii_create_node_service_account": True},
}


def test_each_missing_permission_is_named_before_anything_is_made(tmp_path: Path, seed: int, figures: Figures) -> None:
    clouds = iter([EmulatedCloud(tmp_path / str(number)) for number in range(AT_ONCE)])
    wrong: dict[str, str] = {}

    def preflight(cloud: EmulatedCloud, permission: Permission) -> None:
        cloud.denied.clear()
        cloud.denied.add(permission.name)
        shown = cloud.play(PREFLIGHT, **WANTED[permission.feature])
        if not shown.code or permission.name not in shown.errors:
            wrong[permission.name] = f"exit {shown.code}: {shown.errors or shown.output[-2000:]}"
        if shown.tracebacks:
            wrong[permission.name] = shown.output[-4000:]

    def share(permissions: Sequence[Permission]) -> int:
        with next(clouds) as cloud:
            granted = cloud.play(PREFLIGHT)
            assert not granted.code, granted.output[-4000:]
            for permission in permissions:
                preflight(cloud, permission)
            assert not cloud.changes(), "a preflight changed something"
            assert not cloud.ask("/sandbox/ledger")["items"], "a preflight made something"
        return len(permissions)

    asked_for = (CHECKOUT / "roles" / "preflight" / "vars" / "main" / "main.yml").read_text(encoding="utf-8")
    assert set(WANTED) - {""} == {feature for feature in FEATURES if f"'{feature}'" in asked_for}
    chosen = sample([each for each in PERMISSIONS if each.feature in WANTED], 3, seed)
    removed = sum(each_of(share, [chosen[number::AT_ONCE] for number in range(AT_ONCE)]))
    figures.record(
        "permissions",
        {"removed": removed, "named": removed - len(wrong), "made": 0, "names": [each.name for each in chosen]},
    )
    assert not wrong, json.dumps(wrong, indent=1)


def test_preflight_asks_what_is_independent_at_once(tmp_path: Path, figures: Figures) -> None:
    with EmulatedCloud(tmp_path / "cloud") as cloud:
        cloud.fault(kind="delay", seconds=DELAY)
        shown = cloud.play(PREFLIGHT)
        asked = sorted((each for each in cloud.server.asked if each.google), key=lambda each: each.began)
    assert not shown.code, shown.output[-4000:]
    in_turn = sum(each.ended - each.began for each in asked)
    waited, until = 0.0, 0.0
    for each in asked:
        waited += max(0.0, each.ended - max(each.began, until))
        until = max(until, each.ended)
    most = max(sum(other.began <= each.began < other.ended for other in asked) for each in asked)
    figures.record(
        "concurrency",
        {
            "calls": len(asked),
            "delay_seconds": DELAY,
            "seconds_in_turn": round(in_turn, 2),
            "seconds_waited": round(waited, 2),
            "ratio": round(waited / in_turn, 3),
            "most_at_once": most,
        },
    )
    assert most >= 3
    assert waited < in_turn / 2


@pytest.fixture
def as_printed(tmp_path: Path) -> Iterator[tuple[EmulatedCloud, dict[str, str]]]:
    """A cloud, and the environment that `sandbox env` prints for it."""
    with EmulatedCloud(tmp_path / "cloud") as cloud:
        printed = subprocess.run(
            [sys.executable, "-m", "sandbox", "env"],
            cwd=CHECKOUT,
            env={**os.environ, "SANDBOX_DIR": str(cloud.root)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        lines = re.findall(r'^export (\w+)="(.*)"$', printed, re.MULTILINE)
        assert len(lines) == len(printed.splitlines()), printed
        own = {name: value.replace(f":{CLOUD_PROXY_PORT}", f":{cloud.server.proxy_port}") for name, value in lines}
        own["PATH"] = own["PATH"].replace("$PATH", os.environ["PATH"])
        clean = {name: value for name, value in os.environ.items() if not name.upper().endswith("_PROXY")}
        yield cloud, {**clean, **own}


def unmodified(module: str, environment: dict[str, str], **options: object) -> Any:
    """The result of a module of google.cloud, run by hand."""
    arguments = ["-a", json.dumps(options)] if options else []
    done = subprocess.run(
        [str(Path(sys.executable).parent / "ansible"), "localhost", "-m", module, *arguments],
        cwd=CHECKOUT,
        env={
            **environment,
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            # the checkout's own configuration shows results as YAML
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.partition("=>")[2])


def test_modules_of_google_cloud_succeed_unmodified(
    as_printed: tuple[EmulatedCloud, dict[str, str]], figures: Figures
) -> None:
    cloud, environment = as_printed
    found = unmodified("google.cloud.gcp_container_cluster_info", environment, location="europe-west4-a")
    assert found["resources"] == []
    found = unmodified("google.cloud.gcp_serviceusage_service_info", environment)
    states = {each["name"].rpartition("/")[2]: each["state"] for each in found["resources"]}
    assert states["container.googleapis.com"] == "ENABLED"
    account = {"name": "tpu-nodes@rhaii-sandbox.iam.gserviceaccount.com", "display_name": "TPU nodes"}
    assert unmodified("google.cloud.gcp_iam_service_account", environment, state="present", **account)["changed"]
    assert not unmodified("google.cloud.gcp_iam_service_account", environment, state="present", **account)["changed"]
    assert unmodified("google.cloud.gcp_iam_service_account", environment, state="absent", **account)["changed"]
    assert {call["method"] for call in cloud.changes()} == {
        "iam.projects.serviceAccounts.create",
        "iam.projects.serviceAccounts.delete",
    }
    figures.record("google_cloud", {"modules": 3, "unknown_field_refused": refuses_an_unknown_field(cloud)})


def refuses_an_unknown_field(cloud: EmulatedCloud) -> bool:
    """Whether a body that is right but for one field is refused, and makes nothing."""
    from google.auth.transport.requests import AuthorizedSession
    from google.oauth2 import service_account

    scope = "https://www.googleapis.com/auth/cloud-platform"
    key = str(cloud.server.folder / "service-account.json")
    session = AuthorizedSession(service_account.Credentials.from_service_account_file(key, scopes=[scope]))
    session.trust_env = False
    url = f"{cloud.server.url}/v1/projects/rhaii-sandbox/locations/europe-west4-a/clusters"
    body = {"name": "demo", "initialNodeCount": 1}
    answer = session.post(url, json={"cluster": {**body, "initialNodes": 1}}, timeout=30)
    assert answer.status_code == 400, answer.text
    assert "initialNodes" in answer.json()["error"]["message"], answer.text
    assert not cloud.state.clusters
    assert session.post(url, json={"cluster": body}, timeout=30).status_code == 200
    return True
