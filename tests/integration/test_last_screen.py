# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs that fail, and runs that are killed: what the last screen says, or the first one of the next run.

Each must have the four facts, and its dollars must be those of the emulated cloud's own books, priced here. `make test`
follows one environment through a failure or a kill of every verb; a proof takes every stage.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.rhaii.gke.plugins.module_utils._last_screen import STAGES

from sandbox.cloud.errors import Json
from sandbox.settings import CHECKOUT
from tests.integration.cloud_runs import (
    CLUSTER,
    CREATE,
    DELETE,
    REGION,
    RESIZE,
    TPU_POOL,
    TRACEBACKS,
    ZONE,
    EmulatedCloud,
    Shown,
)

pytestmark = pytest.mark.timeout(900)

# slow enough for a stage to be met in the middle
SPEED = 600.0
NODES = 3
# what counts is what is said, not how soon
PATIENCE = 400.0
HOURS_A_MONTH = 730
SKUS = yaml.safe_load((CHECKOUT / "sandbox" / "cloud" / "skus.yml").read_text(encoding="utf-8"))["skus"]
MACHINES = yaml.safe_load((CHECKOUT / "sandbox" / "cloud" / "machines.yml").read_text(encoding="utf-8"))["types"]
# Nobody asks Cloud Billing for this one: it is in the table of prices.
CONTROL_PLANE = 0.10
DISKS = {"hyperdisk-balanced": "Hyperdisk Balanced Capacity", "pd-balanced": "Balanced PD Capacity"}
LISTED = "/locations/-/clusters"
GROUP = "/listManagedInstances"


def price(description: str, region: str = REGION) -> float:
    """Of the sandbox's price list."""
    (found,) = [each["prices"] for each in SKUS if each["description"].removesuffix(" in {place}") == description]
    return float(found.get(region) or found["global"])


def hourly(item: Mapping[str, Any]) -> float:
    """What an item of the cloud's books costs an hour."""
    kind, detail = item["kind"], item["detail"]
    if kind == "cluster":
        return CONTROL_PLANE
    if kind == "disk":
        return price(DISKS[detail["type"]]) * int(detail["size_gb"]) / HOURS_A_MONTH
    assert kind == "node", kind
    address = price("External IP Charge on a Standard VM")
    if detail["chips"]:
        return float(detail["chips"]) * price("TpuV6e running") + address
    machine = MACHINES[detail["machine_type"]]
    memory = machine["memory_mb"] / 1024
    return float(
        machine["cpus"] * price("E2 Instance Core running") + memory * price("E2 Instance Ram running") + address
    )


@dataclass(frozen=True)
class Books:
    """The cloud's ledger, and how to find a moment of this process in it."""

    items: Sequence[Json]
    now: float
    clock: float

    @classmethod
    def of(cls, cloud: EmulatedCloud) -> Books:
        clock = time.monotonic()
        ledger = cloud.ask("/sandbox/ledger")
        return cls(ledger["items"], ledger["guide_minutes"], clock)

    def sums(self, began: float, ended: float) -> list[float]:
        """What all cost an hour, at every moment of that time at which it changed."""
        first, last = (self.now - (self.clock - each) * SPEED / 60 for each in (began, ended))
        # the look at the ledger took a moment, too
        last += 0.5
        changes = {each for item in self.items for each in (item["opened"], item["closed"]) if each is not None}
        moments = [first, *sorted(each for each in changes if first < each <= last), last]
        return [
            sum(
                hourly(item)
                for item in self.items
                if item["opened"] <= moment and (item["closed"] is None or item["closed"] > moment)
            )
            for moment in moments
        ]


def look(cloud: EmulatedCloud, which: int) -> tuple[float, float]:
    """When a run's first (0) or last (-1) look at what is up began and ended."""
    asked = cloud.server.asked
    begun = [number for number, each in enumerate(asked) if each.method == "GET" and each.path.endswith(LISTED)][which]
    groups = []
    for each in asked[begun + 1 :]:
        if each.path.endswith(LISTED):
            break
        if "/skus" in each.path:
            break
        groups += [each] if each.path.endswith(GROUP) else []
    return asked[begun].began, max([asked[begun].ended, *(each.ended for each in groups)])


def dollars(screen: str) -> float:
    """What the screen says that all bills now."""
    if "nothing is up, nothing bills" in screen.lower():
        return 0.0
    (found,) = re.findall(r"bills ([\d.]+) USD an hour", screen)
    return float(found)


def agree(cloud: EmulatedCloud, screen: str, which: int) -> None:
    """The screen's dollars are those of the books while it was looked."""
    said, sums = dollars(screen), Books.of(cloud).sums(*look(cloud, which))
    assert any(abs(said - each) < 0.00501 for each in sums), f"the screen says {said}, the books say {sums}:\n{screen}"


def has_facts(screen: str, verb: str, stage: str, labels: Sequence[str]) -> None:
    """The four facts, and nothing for programmers."""
    first, *lines = screen.splitlines()
    assert f"{verb} of sandbox" in first, screen
    assert f"'{STAGES[verb][stage].title}'" in first, screen
    assert [line[:8] for line in lines] == [f"{label + ':':<8}" for label in labels], screen
    for line in lines:
        assert len(line) > 20, screen
    end = lines[-1]
    assert end.startswith("End it: ansible-playbook -i inventories/sandbox "), screen
    assert end.endswith(f"teardown.yml -e rhaii_location={ZONE} -e rhaii_teardown_confirm=sandbox"), screen
    assert not TRACEBACKS.search(screen), screen
    assert not re.search(r"[{}]|\\n|Origin:", screen), screen


LAST = ("Why", "Up now", "Again", "End it")
FIRST = ("Up now", "Now", "End it")


def failed(cloud: EmulatedCloud, verb: str, stage: str, why: str, **variables: Any) -> str:
    """Play a run that fails."""
    cloud.server.count_anew()
    return must_have_failed(cloud, cloud.play(verb, **variables), verb, stage, why)


def must_have_failed(cloud: EmulatedCloud, shown: Shown, verb: str, stage: str, why: str) -> str:
    """Its last screen, once that agrees with the books."""
    assert shown.code != 0, shown.output[-2000:]
    assert shown.tracebacks == 0, shown.output
    has_facts(shown.last_screen, verb, stage, LAST)
    assert re.search(why, shown.last_screen.splitlines()[1]), shown.last_screen
    agree(cloud, shown.last_screen, -1)
    # the run before ended, as far as it knows
    assert record(cloud)["ended"] == "failed"
    cloud.clear()
    return shown.last_screen


def record(cloud: EmulatedCloud) -> Json:
    """The record of the last run; empty when there is none."""
    for file in (cloud.root / "runs").glob("[!.]*.json"):
        found: Json = json.loads(file.read_text(encoding="utf-8"))
        return found
    return {}


def kill(
    cloud: EmulatedCloud, verb: str, stage: str, ready: Callable[[EmulatedCloud], bool] | None = None, **variables: Any
) -> None:
    """Begin a run, and kill it as soon as it is in the stage and what is waited for is so."""
    process, log = cloud.begin(verb, **variables)
    deadline = time.monotonic() + PATIENCE
    while (found := record(cloud)).get("process") != process.pid or found["stage"] != stage or found["ended"]:
        assert process.poll() is None and time.monotonic() < deadline, f"never at {stage}:\n{log.read_text()[-3000:]}"
        time.sleep(0.002)
    while ready and not ready(cloud):
        assert process.poll() is None and time.monotonic() < deadline, f"never ready:\n{log.read_text()[-3000:]}"
        time.sleep(0.002)
    cloud.kill_all()
    process.wait()
    assert record(cloud)["stage"] == stage


def comes_after(cloud: EmulatedCloud, verb: str, killed: tuple[str, str], **variables: Any) -> Shown:
    """Play the next run, and hold its first screen against the books."""
    cloud.server.count_anew()
    shown = cloud.play(verb, **variables)
    has_facts(shown.first_screen, *killed, FIRST)
    assert "was killed or interrupted" in shown.first_screen
    assert shown.output.index("Up now:") < shown.output.index("TASK [", shown.output.index("Say what the last run"))
    agree(cloud, shown.first_screen, 0)
    return shown


def asked_for_machines(cloud: EmulatedCloud) -> bool:
    return any(TPU_POOL in cluster.pools for cluster in cloud.state.clusters.values())


REFUSED: Json = {"kind": "api_error", "status": 500, "count": 1}


class Cloud(EmulatedCloud):
    patience = PATIENCE


def test_one_environment_through_failures_and_kills(tmp_path: Path) -> None:
    with Cloud(tmp_path / "cloud", speed=SPEED) as cloud:
        cloud.fault(**REFUSED, path="/nodePools$", method="create")
        screen = failed(cloud, CREATE, "tpu_pool", "Google refused to create the node pool", rhaii_replicas=NODES)
        assert "tpu-pool" not in screen.splitlines()[2]

        kill(cloud, CREATE, "pool_wait", asked_for_machines, rhaii_replicas=NODES)
        assert cloud.settled(NODES) == ""
        cloud.fault(kind="stockout", zone=ZONE, at="immediate")
        # has both screens
        shown = comes_after(cloud, RESIZE, (CREATE, "pool_wait"), rhaii_replicas=NODES + 1)
        must_have_failed(cloud, shown, RESIZE, "pool_wait", "has no such machines at the moment")

        kill(cloud, DELETE, "cloud")
        shown = comes_after(cloud, DELETE, (DELETE, "cloud"))
        assert shown.code == 0, shown.errors
        assert record(cloud) == {}
        assert cloud.bills() == []


@dataclass(frozen=True)
class Failure:
    """How a verb fails at a stage: the faults, or the variables, and what the screen must say."""

    verb: str
    stage: str
    why: str
    faults: tuple[Json, ...] = ()
    variables: Json = field(default_factory=dict)
    # whether an environment is there before
    deployed: bool = False
    denied: str = ""


FAILURES = {
    "deploy, checks": Failure(CREATE, "preflight", "container.clusters.create", denied="container.clusters.create"),
    "deploy, checks, of an environment": Failure(
        CREATE, "preflight", "rhaii_provisioning", variables={"rhaii_provisioning": "stolen"}, deployed=True
    ),
    "deploy, control plane refused": Failure(
        CREATE,
        "control_plane",
        "refused to create the cluster",
        ({**REFUSED, "path": "/clusters$", "method": "create"},),
    ),
    "deploy, control plane broken": Failure(
        CREATE, "control_plane", "Internal error", ({"kind": "operation_error", "type": "CREATE_CLUSTER", "count": 1},)
    ),
    "deploy, pool refused": Failure(
        CREATE, "tpu_pool", "create the node pool", ({**REFUSED, "path": "/nodePools$", "method": "create"},)
    ),
    "deploy, stockout": Failure(
        CREATE,
        "pool_wait",
        "has no such machines at the moment",
        ({"kind": "stockout", "zone": ZONE, "at": "immediate"},),
    ),
    "deploy, pool broken": Failure(
        CREATE, "pool_wait", "Internal error", ({"kind": "operation_error", "type": "CREATE_NODE_POOL", "count": 9},)
    ),
    "scale, no cluster": Failure(RESIZE, "preflight", "no running cluster"),
    "scale, refused": Failure(
        RESIZE,
        "tpu_pool",
        "resize the node pool",
        ({**REFUSED, "method": "setSize"},),
        {"rhaii_replicas": 4},
        deployed=True,
    ),
    "scale, stockout": Failure(
        RESIZE,
        "pool_wait",
        "has no such machines at the moment",
        ({"kind": "stockout", "zone": ZONE, "at": "immediate"},),
        {"rhaii_replicas": 4},
        deployed=True,
    ),
    "teardown, not confirmed": Failure(
        DELETE, "checks", "would delete the cluster", variables={"rhaii_teardown_confirm": ""}, deployed=True
    ),
    "teardown, cluster stays": Failure(
        DELETE,
        "cloud",
        "The teardown of sandbox is not complete: ",
        ({"kind": "operation_error", "type": "DELETE_CLUSTER", "count": 9},),
        deployed=True,
    ),
}


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state of a cloud with an environment in it, to begin with."""
    root = tmp_path_factory.mktemp("deployed") / "cloud"
    with Cloud(root, speed=SPEED) as cloud:
        shown = cloud.play(CREATE, rhaii_replicas=NODES)
        assert shown.code == 0, shown.output[-3000:]
        assert cloud.settled(NODES) == ""
    return root / "cloud" / "state.json"


@pytest.mark.prove
@pytest.mark.parametrize("name", FAILURES)
def test_failure_at_each_stage(name: str, deployed: Path, tmp_path: Path) -> None:
    failure = FAILURES[name]
    with Cloud(tmp_path / "cloud", state=deployed if failure.deployed else None, speed=SPEED) as cloud:
        cloud.checks = failure.stage == "preflight" and failure.verb == CREATE
        cloud.denied.update({failure.denied} - {""})
        for fault in failure.faults:
            cloud.fault(**fault)
        failed(cloud, failure.verb, failure.stage, failure.why, **{"rhaii_replicas": NODES, **failure.variables})


KILLS = [(verb, stage) for verb, stages in STAGES.items() for stage in stages]


@pytest.mark.prove
@pytest.mark.parametrize("verb, stage", KILLS)
def test_kill_at_each_stage(verb: str, stage: str, deployed: Path, tmp_path: Path) -> None:
    wanted = {"rhaii_replicas": 4 if verb == RESIZE else NODES}
    with Cloud(tmp_path / "cloud", state=None if verb == CREATE else deployed, speed=SPEED) as cloud:
        kill(cloud, verb, stage, **wanted)
        # check mode shows it, too, and leaves the record as it is
        cloud.options = ("--check",)
        comes_after(cloud, verb, (verb, stage), **wanted)
        assert record(cloud)["stage"] == stage


@pytest.mark.prove
def test_silent_cloud_hides_nothing(tmp_path: Path) -> None:
    """Nobody answers at all: the failure is said, and where to look."""
    with Cloud(tmp_path / "cloud", speed=SPEED) as cloud:
        endpoints = {**cloud.variables()["rhaii_google_endpoints"], "container": "http://127.0.0.1:9"}
        shown = cloud.play(CREATE, rhaii_replicas=NODES, rhaii_google_endpoints=endpoints)
        has_facts(shown.last_screen, CREATE, "preflight", LAST)
        assert "Up now: Not known: " in shown.last_screen
        assert "https://console.cloud.google.com/" in shown.last_screen
        assert "no answer from http://127.0.0.1:9" in shown.last_screen


@pytest.mark.prove
def test_no_record_but_something_is_up(deployed: Path, tmp_path: Path) -> None:
    """A container that is thrown away takes its record along: one line."""
    with Cloud(tmp_path / "cloud", state=deployed, speed=SPEED) as cloud:
        cloud.options = ("--check",)
        shown = cloud.play(RESIZE, rhaii_replicas=NODES)
        (line,) = shown.first_screen.splitlines()
        assert line.startswith(f"sandbox is up already, by a run of which there is no record here: cluster {CLUSTER}")
        agree(cloud, line, 0)
        assert record(cloud) == {}


@pytest.mark.prove
def test_a_variable_that_is_no_template(tmp_path: Path) -> None:
    """Not even the questions to the cloud can be put together."""
    with Cloud(tmp_path / "cloud", speed=SPEED) as cloud:
        shown = cloud.play(CREATE, rhaii_cluster_name="{{ nobody_set_this }}")
        has_facts(shown.last_screen, CREATE, "preflight", LAST)
        assert "Why:    'nobody_set_this' is undefined." in shown.last_screen
        assert "Up now: Not known: " in shown.last_screen
