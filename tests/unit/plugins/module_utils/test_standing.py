# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands and bills: whose it is, what is counted, what it costs, and what is said when nobody answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._capability import silent
from ansible_collections.rhaii.gke.plugins.module_utils._cost.ports import CostPorts
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import GroupRef, Instance, Json
from ansible_collections.rhaii.gke.plugins.module_utils._google import GoogleError
from ansible_collections.rhaii.gke.plugins.module_utils._standing.ports import Cloud, StandingPorts
from ansible_collections.rhaii.gke.plugins.module_utils._standing.standing import CAPABILITY
from ansible_collections.rhaii.gke.plugins.module_utils._standing.things import (
    cluster_of,
    is_private,
    provisioning_of,
)

from tests.unit.fake_clock import FakeClock
from tests.unit.plugins.module_utils.cost.fake_billing import COMPUTE, NETWORK
from tests.unit.plugins.module_utils.leftovers.fake_lists import Lists, balancer

ZONE = "europe-west4-a"
LABELS = {"managed-by": "rhaii-gke", "rhaii-environment": "demo"}
PARAMS: dict[str, Any] = {
    "environment": "demo",
    "cluster": "c",
    "locations": [ZONE],
    "services": [],
    "catalog_timeout": 10,
}
# Of fake_billing and the table: a chip 3, an address 0.004, 0.02 a CPU, 0.003 a GiB, disks 0.0001 and 0.0002 a GiB.
TPU_NODE = 4 * 3.0 + 0.004 + 200 * 0.0001
ORDINARY = 4 * 0.02 + 16 * 0.003 + 0.004 + 100 * 0.0002
CONTROL_PLANE = 0.10


def pool(name: str, machine: str = "ct6e-standard-4t", **config: Any) -> Json:
    disk = {"diskType": "hyperdisk-balanced", "diskSizeGb": 200}
    if not machine.startswith("ct"):
        disk = {"diskType": "pd-balanced", "diskSizeGb": 100}
    url = f"https://www.googleapis.com/compute/v1/projects/p/zones/{ZONE}/instanceGroupManagers/{name}-grp"
    return {
        "name": name,
        "status": "RUNNING",
        "config": {"machineType": machine, "resourceLabels": LABELS, **disk, **config},
        "instanceGroupUrls": [url],
    }


def cluster(*pools: Json, **changes: Any) -> Json:
    return {
        "name": "c",
        "location": ZONE,
        "id": "0123abcd4567ef",
        "status": "RUNNING",
        "endpoint": "34.0.0.1",
        "resourceLabels": LABELS,
        "nodePools": list(pools),
        **changes,
    }


def machine(status: str = "RUNNING", action: str = "NONE") -> Instance:
    return Instance("url", status, action)


@dataclass
class World(Lists):
    """The cloud's lists with the machines of its groups, and a price list."""

    machines: dict[str, list[Instance] | Exception] = field(default_factory=dict)
    problem: Exception | None = None
    asked_prices: list[str] = field(default_factory=list)

    project = "p"

    def clusters(self) -> Sequence[Json]:
        if self.problem:
            raise self.problem
        return self.living

    def instances(self, group: GroupRef) -> Sequence[Instance]:
        found = self.machines.get(group.name.removesuffix("-grp"), [])
        if isinstance(found, Exception):
            raise found
        return found

    def page(self, service: str, token: str) -> tuple[Sequence[Any], str]:
        self.asked_prices.append(service)
        return ([*COMPUTE, *NETWORK], "")


def look(world: World, **changes: Any) -> dict[str, Any]:
    ports = StandingPorts(lambda: Cloud(world, world, CostPorts(world, FakeClock())))
    return dict(CAPABILITY.run({**PARAMS, **changes}, ports, silent, False))


def whole() -> World:
    world = World(living=[cluster(pool("default-pool", "e2-standard-4"), pool("tpu-pool"))])
    world.machines = {"default-pool": [machine()] * 2, "tpu-pool": [machine()] * 3}
    return world


def test_a_whole_environment() -> None:
    result = look(whole())
    wanted = CONTROL_PLANE + 2 * ORDINARY + 3 * TPU_NODE
    assert result["hourly"] == pytest.approx(wanted, abs=1e-4)
    assert result["hourly_when_up"] == result["hourly"]
    assert sum(line["hourly"] for line in result["lines"]) == pytest.approx(wanted, abs=1e-3)
    assert (result["known"], result["up"], result["reason"], result["unread"], result["unknown"]) == (
        True,
        True,
        "",
        [],
        [],
    )
    assert (result["source"], result["as_of"], result["currency"]) == ("billing", "2026-11-24", "USD")
    assert result["msg"] == (
        "cluster c in europe-west4-a (RUNNING) with default-pool (2 e2-standard-4), tpu-pool (3 "
        "ct6e-standard-4t): bills "
        f"{wanted:.2f} USD an hour (Cloud Billing, 2026-11-24)"
    )
    (found,) = result["clusters"]
    assert (found["name"], found["location"], found["status"], found["ours"], found["protected"]) == (
        "c",
        ZONE,
        "RUNNING",
        True,
        False,
    )
    assert found["pools"][1] == {
        "name": "tpu-pool",
        "status": "RUNNING",
        "machine_type": "ct6e-standard-4t",
        "provisioning": "on_demand",
        "disk_type": "hyperdisk-balanced",
        "disk_size_gb": 200,
        "nodes": 3,
        "asked": 3,
        "ours": True,
        "whose": "",
    }


def test_machines_that_are_on_their_way_bill_later() -> None:
    world = whole()
    waiting = [machine("", "CREATING"), machine("PROVISIONING", "CREATING")]
    world.machines["tpu-pool"] = [machine(), *waiting]
    world.living[0]["nodePools"][1]["status"] = "PROVISIONING"
    result = look(world)
    now = CONTROL_PLANE + 2 * ORDINARY + TPU_NODE
    assert result["hourly"] == pytest.approx(now, abs=1e-4)
    assert result["hourly_when_up"] == pytest.approx(now + 2 * TPU_NODE, abs=1e-4)
    assert "tpu-pool (1 of 3 ct6e-standard-4t, being made)" in result["msg"]
    assert result["msg"].endswith(
        f"bills {now:.2f} USD an hour now, {now + 2 * TPU_NODE:.2f} USD once all is up that was asked for "
        "(Cloud Billing, 2026-11-24)"
    )


def test_machines_that_leave_bill_until_they_are_gone() -> None:
    world = whole()
    world.machines["tpu-pool"] = [machine(), machine("STOPPING", "DELETING")]
    result = look(world)
    assert result["hourly"] == pytest.approx(CONTROL_PLANE + 2 * ORDINARY + 2 * TPU_NODE, abs=1e-4)
    assert (result["clusters"][0]["pools"][1]["nodes"], result["clusters"][0]["pools"][1]["asked"]) == (2, 1)
    assert result["hourly_when_up"] == result["hourly"]


@pytest.mark.parametrize("member", ["cluster", "pool"])
def test_what_is_being_deleted_gets_no_more_machines(member: str) -> None:
    world = whole()
    world.machines["tpu-pool"] = [machine(), machine("", "CREATING")]
    target = world.living[0] if member == "cluster" else world.living[0]["nodePools"][1]
    target["status"] = "STOPPING"
    result = look(world)
    assert result["hourly_when_up"] == result["hourly"]
    assert "being deleted" in result["msg"]


@pytest.mark.parametrize(
    "status, endpoint, bills",
    [
        ("PROVISIONING", "", False),
        ("PROVISIONING", "34.0.0.1", True),
        ("ERROR", "", False),
        ("ERROR", "34.0.0.1", True),
        ("RUNNING", "", True),
        ("STOPPING", "", True),
        ("DEGRADED", "34.0.0.1", True),
    ],
)
def test_when_a_control_plane_bills(status: str, endpoint: str, bills: bool) -> None:
    world = World(living=[cluster(status=status, endpoint=endpoint)])
    result = look(world)
    assert cluster_of(world.living[0], "demo").bills is bills
    assert result["hourly"] == (CONTROL_PLANE if bills else 0.0)
    assert result["hourly_when_up"] == CONTROL_PLANE
    assert result["up"] is True


def test_a_broken_cluster_with_machines_is_counted() -> None:
    world = whole()
    world.living[0].update(status="ERROR", endpoint="")
    result = look(world)
    assert result["hourly"] == pytest.approx(2 * ORDINARY + 3 * TPU_NODE, abs=1e-4)
    assert result["msg"].startswith("cluster c in europe-west4-a (ERROR) with ")


@pytest.mark.parametrize(
    "config, way, chip",
    [
        ({}, "on_demand", 3.0),
        ({"spot": True}, "spot", 2.0),
        ({"preemptible": True}, "spot", 2.0),
        ({"flexStart": True}, "flex_start", 1.5),
        ({"reservationAffinity": {"consumeReservationType": "SPECIFIC_RESERVATION"}}, "reservation", 3.0),
        ({"reservationAffinity": {"consumeReservationType": "NO_RESERVATION"}}, "on_demand", 3.0),
    ],
)
def test_ways_to_buy(config: dict[str, Any], way: str, chip: float) -> None:
    assert provisioning_of(config) == way
    world = World(living=[cluster(pool("tpu-pool", **config))])
    world.machines["tpu-pool"] = [machine()]
    address = 0.002 if way == "spot" else 0.004
    assert look(world)["hourly"] == pytest.approx(CONTROL_PLANE + 4 * chip + address + 0.02, abs=1e-4)


@pytest.mark.parametrize(
    "of_pool, of_cluster, private",
    [
        ({}, {}, False),
        ({"networkConfig": {"enablePrivateNodes": True}}, {}, True),
        (
            {"networkConfig": {"enablePrivateNodes": False}},
            {"networkConfig": {"defaultEnablePrivateNodes": True}},
            False,
        ),
        ({}, {"networkConfig": {"defaultEnablePrivateNodes": True}}, True),
        ({}, {"privateClusterConfig": {"enablePrivateNodes": True}}, True),
    ],
)
def test_private_nodes_have_no_addresses(of_pool: Json, of_cluster: Json, private: bool) -> None:
    assert is_private(of_pool, of_cluster) is private
    world = World(living=[cluster({**pool("tpu-pool"), **of_pool}, **of_cluster)])
    world.machines["tpu-pool"] = [machine()]
    expected = CONTROL_PLANE + TPU_NODE - (0.004 if private else 0)
    assert look(world)["hourly"] == pytest.approx(expected, abs=1e-4)


def test_a_foreign_pool_is_shown_and_not_in_the_sum() -> None:
    world = whole()
    world.living[0]["nodePools"].append(pool("others", "e2-standard-4", resourceLabels={}))
    world.machines["others"] = [machine()] * 5
    result = look(world)
    assert result["hourly"] == look(whole())["hourly"]
    assert "others (5 e2-standard-4, not ours and not in the sum)" in result["msg"]
    found = result["clusters"][0]["pools"][2]
    assert (found["ours"], found["whose"], found["nodes"]) == (False, "carries no label at all", 5)


def test_clusters_of_ours_are_found_wherever_they_are() -> None:
    world = World(living=[cluster(location="us-east5-a", resourceLabels={**LABELS, "rhaii-keep": "true"}), cluster()])
    result = look(world, locations=[], cluster=None)
    assert [each["location"] for each in result["clusters"]] == ["us-east5-a", ZONE]
    assert [each["protected"] for each in result["clusters"]] == [True, False]


@pytest.mark.parametrize("labels", [{}, {"managed-by": "rhaii-gke", "rhaii-environment": "other"}, {"team": "x"}])
def test_clusters_of_others(labels: dict[str, str]) -> None:
    world = World(
        living=[
            cluster(resourceLabels=labels),
            cluster(resourceLabels=labels, name="d"),
            cluster(resourceLabels=labels, location="us-east5-a"),
        ]
    )
    result = look(world)
    assert (result["up"], result["hourly"], result["clusters"], world.asked_prices) == (False, 0.0, [], [])
    (found,) = result["others"]
    assert (found["name"], found["location"], found["ours"]) == ("c", ZONE, False)
    assert result["msg"].startswith("nothing is up, nothing bills; cluster c in europe-west4-a, which is not ours (")


def test_nothing_is_up_and_no_price_is_asked_for() -> None:
    world = World()
    result = look(world)
    assert result["msg"] == "nothing is up, nothing bills"
    assert (result["up"], result["hourly"], result["hourly_when_up"], result["source"]) == (False, 0.0, 0.0, "")
    assert world.asked_prices == []


def test_load_balancers() -> None:
    world = whole()
    world.found = balancer()
    result = look(world)
    assert result["load_balancers"] == 1
    assert result["hourly"] == pytest.approx(look(whole())["hourly"] + 0.03, abs=1e-4)
    assert "; 1 load balancer: bills" in result["msg"]


def test_refused_list_of_load_balancers_is_said() -> None:
    world = whole()
    world.refused = {"forwarding_rule": 403}
    result = look(world)
    assert result["load_balancers"] == 0
    (said,) = result["unread"]
    assert said.startswith("whether there are load balancers: Google refused")
    assert result["msg"].endswith(f". Not known: {said}")


def test_broken_list_of_load_balancers_is_said() -> None:
    world = whole()
    world.refused = {"forwarding_rule": 500}
    assert look(world)["unread"][0].startswith("whether there are load balancers: Google refused")


def test_groups_that_cannot_be_read() -> None:
    world = whole()
    world.machines["tpu-pool"] = GoogleError("list the instances of tpu-pool-grp", 403, "PERMISSION_DENIED", "No.")
    result = look(world)
    assert result["known"] is True
    assert result["unread"] == [
        "how many machines tpu-pool has: Google refused to list the instances of tpu-pool-grp: 403 "
        "PERMISSION_DENIED: No."
    ]
    assert result["unknown"] == ["the machines of tpu-pool"]
    assert f"bills at least {CONTROL_PLANE + 2 * ORDINARY:.2f} USD an hour" in result["msg"]
    assert "tpu-pool (an unknown number of ct6e-standard-4t)" in result["msg"]


def test_groups_that_are_not_there_have_no_machines() -> None:
    world = whole()
    world.machines["tpu-pool"] = GoogleError("list", 404, "NOT_FOUND", "No.")
    result = look(world)
    assert (result["unread"], result["clusters"][0]["pools"][1]["nodes"]) == ([], 0)


@pytest.mark.parametrize(
    "problem, reason",
    [
        (RhaiiError("No answer.", remedy="Look."), "No answer."),
        (GoogleError("list the clusters", 503, "UNAVAILABLE", "x"), "Google refused to list the clusters: 503"),
        (ConnectionResetError("reset"), "reset"),
    ],
)
def test_silent_cloud_is_an_answer(problem: Exception, reason: str) -> None:
    result = look(World(problem=problem))
    assert "failed" not in result
    assert result["reason"].startswith(reason)
    assert result["msg"] == f"It is not known what is up: {result['reason']}"
    assert (result["known"], result["up"], result["hourly"], result["hourly_when_up"]) == (False, None, None, None)
    assert set(result) == set(look(World()))


def test_missing_credentials_are_an_answer() -> None:
    def no() -> Cloud:
        raise RhaiiError("No credentials.")

    result = CAPABILITY.run(PARAMS, StandingPorts(no), silent, False)
    assert (result["known"], result["reason"]) == (False, "No credentials.")


def test_machines_without_a_price() -> None:
    world = World(living=[cluster(pool("a", "z9-standard-4"), pool("b", "e2-standard-4", spot=True))])
    world.machines = {"a": [machine()], "b": [machine()]}
    result = look(world)
    assert result["unknown"] == ["ordinary machines, z9-standard-4", "spot machines, e2-standard-4"]
    assert "bills at least " in result["msg"]
    assert result["msg"].endswith(
        "; no price is known of ordinary machines, z9-standard-4, spot machines, e2-standard-4"
    )
    assert "b (1 e2-standard-4, spot)" in result["msg"]


def test_the_table_answers_where_nobody_is_asked() -> None:
    world = whole()
    result = look(world, catalog_timeout=0)
    assert (result["source"], world.asked_prices) == ("table", [])
    assert "(the collection's table of prices, " in result["msg"]
