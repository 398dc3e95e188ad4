# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kubernetes Engine's behaviour over time."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from sandbox.cloud.answers import form_names, forms
from sandbox.cloud.errors import STATUS_CODES, GoogleError
from tests.unit.sandbox.cloud.fakes import DEPLOYER, VIEWER, Rig, compute, container, deployed, tpu_pool


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def operation(rig: Rig, answer: dict[str, Any]) -> dict[str, Any]:
    return rig.call(container("operations.get"), operation=answer["name"])


def cluster(rig: Rig) -> dict[str, Any]:
    return rig.call(container("clusters.get"), cluster="demo")


def pool(rig: Rig, name: str = "tpu-pool") -> dict[str, Any]:
    return rig.call(container("clusters.nodePools.get"), cluster="demo", nodePool=name)


def group(rig: Rig, name: str = "tpu-pool") -> dict[str, Any]:
    manager = pool(rig, name)["instanceGroupUrls"][0].rpartition("/")[2]
    return rig.call(compute("instanceGroupManagers.get"), instanceGroupManager=manager)


def managed(rig: Rig, name: str = "tpu-pool") -> list[dict[str, Any]]:
    manager = pool(rig, name)["instanceGroupUrls"][0].rpartition("/")[2]
    answer = rig.call(compute("instanceGroupManagers.listManagedInstances"), instanceGroupManager=manager)
    return list(answer["managedInstances"])


async def test_cluster_takes_the_guides_five_minutes(rig: Rig) -> None:
    answer = rig.call(container("clusters.create"), {"cluster": {"name": "demo", "initialNodeCount": 2}})
    assert answer["status"] == "PENDING"
    await rig.turn()
    assert operation(rig, answer)["status"] == "RUNNING"
    await rig.after(4.9)
    assert operation(rig, answer)["status"] == "RUNNING"
    assert cluster(rig)["status"] == "PROVISIONING"
    await rig.after(0.2)
    assert operation(rig, answer)["status"] == "DONE"
    shown = cluster(rig)
    assert shown["status"] == "RUNNING"
    assert shown["endpoint"] == "127.200.1.1"
    assert shown["currentNodeCount"] == 2
    assert shown["networkConfig"]["datapathProvider"] == "LEGACY_DATAPATH"
    assert [each["name"] for each in shown["nodePools"]] == ["default-pool"]


async def test_nodes_carry_what_gke_adds(rig: Rig) -> None:
    await deployed(rig, nodes=3, labels={"team": "a"})
    node = next(each for each in rig.runtime.nodes["demo"] if each["pool"] == "tpu-pool")
    assert (
        node["labels"].items()
        >= {
            "cloud.google.com/gke-nodepool": "tpu-pool",
            "cloud.google.com/gke-tpu-accelerator": "tpu-v6e-slice",
            "cloud.google.com/gke-tpu-topology": "2x2",
            "topology.kubernetes.io/zone": "europe-west4-a",
            "topology.kubernetes.io/region": "europe-west4",
            "node.kubernetes.io/instance-type": "ct6e-standard-4t",
            "team": "a",
        }.items()
    )
    assert node["taints"] == [{"key": "google.com/tpu", "value": "present", "effect": "NoSchedule"}]
    assert node["capacity"]["google.com/tpu"] == "4"
    assert len({each["number"] for each in rig.runtime.nodes["demo"]}) == 5
    assert pool(rig)["config"]["taints"] == [{"key": "google.com/tpu", "value": "present", "effect": "NO_SCHEDULE"}]


async def test_pool_is_done_only_when_its_nodes_are_ready_and_the_surplus_is_overhead(rig: Rig) -> None:
    await deployed(rig)
    answer = rig.call(container("clusters.nodePools.create"), {"nodePool": tpu_pool()}, cluster="demo")
    rig.runtime.hold_nodes = True
    await rig.after(15)
    assert operation(rig, answer)["status"] == "RUNNING"
    rig.runtime.hold_nodes = False
    await rig.after(2)
    assert operation(rig, answer)["status"] == "DONE"
    record = rig.cloud.state.operations[answer["name"]]
    measured = rig.cloud.operations.measure(record)
    assert measured["guide_seconds"] == 900
    assert measured["planned_seconds"] == 15.0
    assert measured["overhead_seconds"] == pytest.approx(2.0)


@pytest.mark.parametrize("form", form_names("busy"))
async def test_second_operation_on_a_cluster_is_refused_in_each_of_googles_forms(rig: Rig, form: str) -> None:
    await deployed(rig)
    rig.cloud.faults.add({"kind": "answer", "of": "busy", "form": form})
    rig.call(container("clusters.nodePools.create"), {"nodePool": tpu_pool()}, cluster="demo")
    recorded = next(each for each in forms()["busy"] if each["form"] == form)
    with pytest.raises(GoogleError) as caught:
        rig.call(container("clusters.delete"), cluster="demo")
    assert (caught.value.code, caught.value.status) == (STATUS_CODES[recorded["status"]], recorded["status"])
    assert caught.value.message.startswith(recorded["message"].partition("{")[0])
    assert "{" not in caught.value.message


async def test_resize_leaves_the_initial_count_and_moves_the_target(rig: Rig) -> None:
    await deployed(rig, nodes=3)
    before = {each["name"] for each in managed(rig)}
    rig.call(container("clusters.nodePools.setSize"), {"nodeCount": 5}, cluster="demo", nodePool="tpu-pool")
    assert group(rig)["targetSize"] == 5
    await rig.turn()
    await rig.after(10)
    assert pool(rig)["initialNodeCount"] == 3
    assert pool(rig)["status"] == "RUNNING"
    assert before < {each["name"] for each in managed(rig)}
    rig.call(container("clusters.nodePools.setSize"), {}, cluster="demo", nodePool="tpu-pool")
    await rig.turn()
    await rig.after(4)
    assert managed(rig) == []
    assert [each["pool"] for each in rig.runtime.nodes["demo"]] == ["default-pool", "default-pool"]


async def test_deleted_instances_are_exactly_those_named(rig: Rig) -> None:
    await deployed(rig, nodes=3)
    chosen = managed(rig)[1]
    answer = rig.call(
        compute("instanceGroupManagers.deleteInstances"),
        {"instances": [chosen["instance"]]},
        instanceGroupManager=group(rig)["name"],
    )
    assert answer["status"] == "RUNNING"
    assert group(rig)["targetSize"] == 2
    assert [each["currentAction"] for each in managed(rig)] == ["NONE", "DELETING", "NONE"]
    await rig.after(0.5)
    assert rig.call(compute("zoneOperations.get"), operation=answer["name"])["status"] == "DONE"
    await rig.after(1.5)
    assert chosen["name"] not in {each["name"] for each in managed(rig)}
    assert chosen["name"] not in {each["name"] for each in rig.runtime.nodes["demo"]}
    assert cluster(rig)["status"] == "RUNNING"


async def test_stranger_in_delete_instances_is_refused_and_nothing_happens(rig: Rig) -> None:
    await deployed(rig, nodes=2)
    with pytest.raises(GoogleError, match="not a member"):
        rig.call(
            compute("instanceGroupManagers.deleteInstances"),
            {"instances": [managed(rig)[0]["instance"], "zones/europe-west4-a/instances/other"]},
            instanceGroupManager=group(rig)["name"],
        )
    assert group(rig)["targetSize"] == 2


@pytest.mark.parametrize("form", form_names("quota"))
async def test_quota_exceeded_ends_the_operation_with_googles_error(rig: Rig, form: str) -> None:
    await deployed(rig)
    rig.cloud.faults.add({"kind": "answer", "of": "quota", "form": form})
    rig.cloud.faults.add({"kind": "quota", "region": "europe-west4", "value": 8})
    answer = rig.call(container("clusters.nodePools.create"), {"nodePool": tpu_pool()}, cluster="demo")
    await rig.turn()
    await rig.after(3)
    shown = operation(rig, answer)
    assert shown["status"] == "DONE"
    assert shown["error"]["code"] == 8
    assert "Quota 'TPUS_PER_TPU_FAMILY' exceeded." in shown["error"]["message"]
    assert ("Limit: 8.0 in region europe-west4." in shown["error"]["message"]) is (form != "without-a-limit")
    conditioned = "UNKNOWN" if form == "without-a-limit" else "GCE_QUOTA_EXCEEDED"
    assert shown["nodepoolConditions"][0]["code"] == conditioned
    assert shown["nodepoolConditions"][0]["canonicalCode"] == "RESOURCE_EXHAUSTED"
    assert pool(rig)["status"] == "ERROR"
    assert cluster(rig)["status"] == "RUNNING"
    assert managed(rig)[0]["lastAttempt"]["errors"]["errors"][0]["code"] == "QUOTA_EXCEEDED"


async def test_pool_heals_when_what_stood_in_its_way_has_gone(rig: Rig) -> None:
    await deployed(rig)
    rig.cloud.faults.add({"kind": "quota", "region": "europe-west4", "value": 8})
    rig.call(container("clusters.nodePools.create"), {"nodePool": tpu_pool()}, cluster="demo")
    await rig.turn()
    await rig.after(3)
    rig.cloud.faults.clear()
    await rig.after(2)
    await rig.after(12)
    assert pool(rig)["status"] == "RUNNING"
    assert len(managed(rig)) == 3


async def test_failed_growth_keeps_the_machines_that_run(rig: Rig) -> None:
    await deployed(rig, nodes=2)
    rig.cloud.faults.add({"kind": "quota", "region": "europe-west4", "value": 8})
    rig.call(container("clusters.nodePools.setSize"), {"nodeCount": 3}, cluster="demo", nodePool="tpu-pool")
    await rig.turn()
    await rig.after(3)
    assert pool(rig)["status"] == "RUNNING_WITH_ERROR"
    assert [each["currentAction"] for each in managed(rig)] == ["NONE", "NONE", "CREATING"]


@pytest.mark.parametrize("form", form_names("stockout"))
@pytest.mark.parametrize(("at", "minutes"), [("immediate", 3), ("late", 36)], ids=["noticed at once", "noticed late"])
async def test_stockout_is_reported_when_gke_notices(rig: Rig, at: str, minutes: float, form: str) -> None:
    await deployed(rig)
    rig.cloud.faults.add({"kind": "answer", "of": "stockout", "form": form})
    rig.cloud.faults.add({"kind": "stockout", "zone": "europe-west4-a", "at": at})
    answer = rig.call(container("clusters.nodePools.create"), {"nodePool": tpu_pool()}, cluster="demo")
    await rig.turn()
    await rig.after(minutes - 1.5)
    assert operation(rig, answer)["status"] == "RUNNING"
    await rig.after(1.5)
    shown = operation(rig, answer)
    word = "[ZONE_RESOURCE_POOL_EXHAUSTED]" if form == "unavailable" else "[GCE_STOCKOUT]"
    assert word in shown["error"]["message"]
    assert "europe-west4-a" in shown["error"]["message"]


async def test_stockout_that_ends_in_time_is_only_a_delay(rig: Rig) -> None:
    await deployed(rig)
    rig.cloud.faults.add({"kind": "stockout", "zone": "europe-west4-a"})
    answer = rig.call(container("clusters.nodePools.create"), {"nodePool": tpu_pool()}, cluster="demo")
    await rig.turn()
    await rig.after(20)
    rig.cloud.faults.clear()
    await rig.after(1)
    await rig.after(2)
    shown = operation(rig, answer)
    assert shown["status"] == "DONE"
    assert "error" not in shown


async def test_spot_and_flex_start_use_the_preemptible_quota(rig: Rig) -> None:
    await deployed(rig)
    rig.cloud.faults.add({"kind": "quota", "region": "europe-west4", "value": 0})
    answer = rig.call(container("clusters.nodePools.create"), {"nodePool": tpu_pool(spot=True)}, cluster="demo")
    await rig.turn()
    await rig.after(15)
    assert "error" not in operation(rig, answer)
    node = next(each for each in rig.runtime.nodes["demo"] if each["pool"] == "tpu-pool")
    assert node["labels"]["cloud.google.com/gke-spot"] == "true"


async def test_operation_error_fault_fails_one_operation(rig: Rig) -> None:
    await deployed(rig)
    rig.cloud.faults.add({"kind": "operation_error", "type": "CREATE_NODE_POOL", "message": "Broken.", "count": 1})
    answer = rig.call(container("clusters.nodePools.create"), {"nodePool": tpu_pool()}, cluster="demo")
    await rig.turn()
    await rig.after(8)
    assert operation(rig, answer)["error"] == {"code": 13, "message": "Broken."}
    assert rig.cloud.faults.all() == []


async def test_control_plane_that_does_not_start_fails_the_operation(rig: Rig) -> None:
    rig.runtime.start_error = "no etcd"
    answer = rig.call(container("clusters.create"), {"cluster": {"name": "demo", "initialNodeCount": 1}})
    await rig.turn()
    assert "no etcd" in operation(rig, answer)["error"]["message"]
    assert cluster(rig)["status"] == "ERROR"
    await rig.turn()
    assert cluster(rig)["status"] == "ERROR"


async def test_deleted_cluster_leaves_nothing_but_closed_books(rig: Rig) -> None:
    await deployed(rig, nodes=3)
    rig.runtime.stop_errors = 1
    answer = rig.call(container("clusters.delete"), cluster="demo")
    assert cluster(rig)["status"] == "STOPPING"
    await rig.turn()
    await rig.after(5)
    assert operation(rig, answer)["status"] == "DONE"
    with pytest.raises(GoogleError) as caught:
        cluster(rig)
    assert caught.value.code == 404
    assert rig.runtime.stopped == ["demo"]
    items = rig.cloud.ledger.report()["items"]
    assert {item["kind"] for item in items} == {"cluster", "node", "disk"}
    assert all(item["closed"] is not None for item in items)


async def test_new_process_goes_on_where_the_killed_one_was(rig: Rig) -> None:
    await deployed(rig)
    answer = rig.call(container("clusters.nodePools.create"), {"nodePool": tpu_pool()}, cluster="demo")
    await rig.after(3)
    other = rig.again()
    other.cloud.engine.resume()
    assert other.cloud.state == rig.cloud.state
    await other.after(12)
    assert operation(other, answer)["status"] == "DONE"
    assert rig.runtime.started.count("demo") == 2
    assert len(managed(other)) == 3


async def test_cluster_that_does_not_come_back_is_degraded(rig: Rig) -> None:
    await deployed(rig)
    rig.runtime.start_error = "no etcd"
    other = rig.again()
    other.cloud.engine.resume()
    await other.turn()
    assert cluster(other)["status"] == "DEGRADED"


async def test_preempted_node_goes_and_comes_back_under_its_name(rig: Rig) -> None:
    await deployed(rig, nodes=1, spot=True)
    name = managed(rig)[0]["name"]
    assert rig.cloud.groups.preempt(name, rig.clock.now() + 3)
    await rig.turn()
    assert name not in {each["name"] for each in rig.runtime.nodes["demo"]}
    assert group(rig)["targetSize"] == 1
    await rig.after(3)
    assert name in {each["name"] for each in rig.runtime.nodes["demo"]}


async def test_labels_need_the_fingerprint_and_land_at_the_end(rig: Rig) -> None:
    await deployed(rig)
    with pytest.raises(GoogleError, match="fingerprint"):
        rig.call(container("clusters.setResourceLabels"), {"resourceLabels": {"a": "b"}}, cluster="demo")
    body = {"resourceLabels": {"a": "b"}, "labelFingerprint": cluster(rig)["labelFingerprint"]}
    rig.call(container("clusters.setResourceLabels"), body, cluster="demo")
    assert "resourceLabels" not in cluster(rig)
    await rig.turn()
    await rig.after(1)
    assert cluster(rig)["resourceLabels"] == {"a": "b"}


async def test_pool_labels_reach_its_nodes_and_the_tpu_taint_stays(rig: Rig) -> None:
    await deployed(rig, nodes=1)
    body = {"labels": {"labels": {"tier": "gold"}}, "taints": {"taints": []}}
    rig.call(container("clusters.nodePools.update"), body, cluster="demo", nodePool="tpu-pool")
    await rig.turn()
    await rig.after(1)
    node = next(each for each in rig.runtime.nodes["demo"] if each["pool"] == "tpu-pool")
    assert node["labels"]["tier"] == "gold"
    assert [taint["key"] for taint in node["taints"]] == ["google.com/tpu"]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        pytest.param({"name": "Demo", "initialNodeCount": 1}, "must begin with a lowercase letter", id="name"),
        pytest.param({"name": "demo"}, "must be greater than zero", id="no nodes"),
        pytest.param(
            {"name": "demo", "initialNodeCount": 1, "nodePools": [{"name": "a"}]}, "cannot both be set", id="both"
        ),
        pytest.param({"name": "demo", "initialNodeCount": 1, "initialClusterVersion": "1.99"}, "1.99", id="version"),
        pytest.param(
            {"name": "demo", "initialNodeCount": 1, "nodeConfig": {"machineType": "x1-large"}},
            "Machine type with name 'x1-large' does not exist in zone 'europe-west4-a'",
            id="machine type",
        ),
        pytest.param({"name": "demo", "initialNodeCount": 1, "resourceLabels": {"A": "b"}}, "A: b", id="label"),
        pytest.param({"name": "demo", "initialNodeCount": 1, "locations": ["us-east5-a"]}, "us-east5-a", id="zone"),
    ],
)
def test_bad_cluster_is_refused_before_anything_is_made(rig: Rig, body: dict[str, Any], sentence: str) -> None:
    with pytest.raises(GoogleError, match=sentence) as caught:
        rig.call(container("clusters.create"), {"cluster": body})
    assert caught.value.code == 400
    assert rig.cloud.state.clusters == {}
    assert rig.cloud.state.operations == {}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        pytest.param({"placementPolicy": {"tpuTopology": "2x2"}}, "single-host TPU slice pool", id="single host"),
        pytest.param({"placementPolicy": {"tpuTopology": "2x2x1"}}, "could not find TPU topology", id="three numbers"),
        pytest.param({"name": "x_y"}, "x_y", id="name"),
        pytest.param({"initialNodeCount": -1}, "must not be negative", id="negative"),
        pytest.param(
            {"config": {"machineType": "ct6e-standard-4t", "diskType": "pd-balanced"}}, "pd-balanced", id="disk"
        ),
    ],
)
async def test_bad_pool_is_refused(rig: Rig, changes: dict[str, Any], sentence: str) -> None:
    await deployed(rig)
    with pytest.raises(GoogleError, match=sentence) as caught:
        rig.call(container("clusters.nodePools.create"), {"nodePool": {**tpu_pool(), **changes}}, cluster="demo")
    assert caught.value.code == 400
    assert list(cluster(rig)["nodePools"][0]["instanceGroupUrls"])


async def test_existing_names_and_missing_ones(rig: Rig) -> None:
    await deployed(rig, nodes=1)
    with pytest.raises(GoogleError) as caught:
        rig.call(container("clusters.create"), {"cluster": {"name": "demo", "initialNodeCount": 1}})
    assert (caught.value.code, caught.value.status) == (409, "ALREADY_EXISTS")
    with pytest.raises(GoogleError) as caught:
        rig.call(container("clusters.nodePools.create"), {"nodePool": tpu_pool(nodes=1)}, cluster="demo")
    assert caught.value.status == "ALREADY_EXISTS"
    with pytest.raises(GoogleError) as caught:
        rig.call(container("clusters.nodePools.get"), cluster="demo", nodePool="none")
    assert caught.value.message.startswith("Not found: projects/rhaii-sandbox/zones/europe-west4-a/clusters/demo")
    with pytest.raises(GoogleError, match="locations/mars"):
        rig.call(container("clusters.list"), location="mars")


def test_node_account_needs_act_as(rig: Rig) -> None:
    with pytest.raises(GoogleError, match=r"iam\.serviceAccountUser"):
        rig.call(container("clusters.create"), {"cluster": {"name": "demo", "initialNodeCount": 1}}, caller=VIEWER)
    assert rig.call(container("getServerConfig"), caller=DEPLOYER)["defaultClusterVersion"] == "1.36.3-gke.1"


async def test_regional_cluster_has_machines_in_each_zone(rig: Rig) -> None:
    body = {
        "cluster": {"name": "wide", "initialNodeCount": 1, "networkConfig": {"datapathProvider": "ADVANCED_DATAPATH"}}
    }
    rig.call(container("clusters.create"), body, location="europe-west4")
    await rig.turn()
    await rig.after(5)
    shown = rig.call(container("clusters.get"), cluster="wide", location="europe-west4")
    assert shown["currentNodeCount"] == 3
    assert len(shown["instanceGroupUrls"]) == 3
    assert shown["selfLink"].endswith("/locations/europe-west4/clusters/wide")
    assert shown["networkConfig"]["datapathProvider"] == "ADVANCED_DATAPATH"
    everywhere = rig.call(container("clusters.list"), location="-")
    assert [each["name"] for each in everywhere["clusters"]] == ["wide"]


async def test_cluster_shows_the_ways_to_its_control_plane(rig: Rig) -> None:
    await deployed(rig)
    ways = cluster(rig)["controlPlaneEndpointsConfig"]
    assert ways["dnsEndpointConfig"]["endpoint"].endswith(".europe-west4.gke.goog")
    assert "allowExternalTraffic" not in ways["dnsEndpointConfig"]
    assert ways["ipEndpointsConfig"]["publicEndpoint"] == "127.200.1.1"
    update = {"desiredControlPlaneEndpointsConfig": {"dnsEndpointConfig": {"allowExternalTraffic": True}}}
    rig.call(container("clusters.update"), {"update": update}, cluster="demo")
    await rig.turn()
    await rig.after(1)
    ways = cluster(rig)["controlPlaneEndpointsConfig"]
    assert ways["dnsEndpointConfig"]["allowExternalTraffic"] is True
    assert ways["ipEndpointsConfig"]["publicEndpoint"] == "127.200.1.1"


async def test_update_takes_one_change_a_call(rig: Rig) -> None:
    await deployed(rig)
    update = {"desiredDefaultEnablePrivateNodes": True, "desiredReleaseChannel": {"channel": "STABLE"}}
    with pytest.raises(GoogleError, match="Exactly one update"):
        rig.call(container("clusters.update"), {"update": update}, cluster="demo")
    with pytest.raises(GoogleError, match=r'Invalid CIDR block "10\.0\.0\.1/8"'):
        networks = {"authorizedNetworksConfig": {"enabled": True, "cidrBlocks": [{"cidrBlock": "10.0.0.1/8"}]}}
        wrong = {"desiredControlPlaneEndpointsConfig": {"ipEndpointsConfig": networks}}
        rig.call(container("clusters.update"), {"update": wrong}, cluster="demo")


async def test_private_nodes_are_those_of_later_pools(rig: Rig) -> None:
    await deployed(rig)
    update = {"update": {"desiredDefaultEnablePrivateNodes": True}}
    rig.call(container("clusters.update"), update, cluster="demo")
    await rig.turn()
    await rig.after(1)
    rig.call(container("clusters.nodePools.create"), {"nodePool": tpu_pool(nodes=1)}, cluster="demo")
    await rig.turn()
    await rig.after(15)
    private = {each["pool"]: each["labels"]["cloud.google.com/private-node"] for each in rig.runtime.nodes["demo"]}
    assert private == {"default-pool": "false", "tpu-pool": "true"}


HOLD = {
    "startTime": "2027-01-15T00:00:00Z",
    "maintenanceExclusionOptions": {"scope": "NO_MINOR_OR_NODE_UPGRADES", "endTimeBehavior": "UNTIL_END_OF_SUPPORT"},
}


async def test_maintenance_policy_needs_the_version_that_it_replaces(rig: Rig) -> None:
    await deployed(rig)
    policy: dict[str, Any] = {"window": {"maintenanceExclusions": {"hold": HOLD}}}
    rig.call(container("clusters.setMaintenancePolicy"), {"maintenancePolicy": policy}, cluster="demo")
    await rig.turn()
    await rig.after(1)
    shown = cluster(rig)["maintenancePolicy"]
    assert shown["window"]["maintenanceExclusions"]["hold"]["endTime"].startswith("2028-03-")
    policy = {"window": {}, "resourceVersion": "stale"}
    with pytest.raises(GoogleError, match="changed in the meantime"):
        rig.call(container("clusters.setMaintenancePolicy"), {"maintenancePolicy": policy}, cluster="demo")
    policy["resourceVersion"] = shown["resourceVersion"]
    rig.call(container("clusters.setMaintenancePolicy"), {"maintenancePolicy": policy}, cluster="demo")
    await rig.turn()
    await rig.after(1)
    assert "window" not in cluster(rig)["maintenancePolicy"]


WEEKLY = {
    "window": {"startTime": "2027-02-01T00:00:00Z", "endTime": "2027-02-01T04:00:00Z"},
    "recurrence": "FREQ=WEEKLY",
}
MONTH = {"startTime": "2027-02-01T00:00:00Z", "endTime": "2027-03-03T00:00:00Z"}


@pytest.mark.parametrize(
    ("window", "sentence"),
    [
        pytest.param(
            {"recurringWindow": {**WEEKLY, "window": {**WEEKLY["window"], "endTime": "2027-02-01T03:59:00Z"}}},
            "at least 4 hours",
            id="short window",
        ),
        pytest.param({"recurringWindow": {**WEEKLY, "recurrence": "weekly"}}, "Invalid recurrence", id="no rule"),
        pytest.param(
            {"recurringWindow": WEEKLY, "dailyMaintenanceWindow": {"startTime": "03:00"}}, "cannot both", id="both"
        ),
        pytest.param(
            {"maintenanceExclusions": {"a": {**MONTH, "endTime": "2027-03-04T00:00:00Z"}}}, "longer than 30", id="long"
        ),
        pytest.param({"maintenanceExclusions": dict.fromkeys("abcd", MONTH)}, "At most 3", id="many"),
        pytest.param(
            {"maintenanceExclusions": {"a": {"startTime": "2026-02-01T00:00:00Z", "endTime": "2026-02-02T00:00:00Z"}}},
            "ends in the past",
            id="over",
        ),
        pytest.param(
            {"maintenanceExclusions": {"a": {**HOLD, "endTime": "2027-03-01T00:00:00Z"}}}, "end time beside", id="ends"
        ),
    ],
)
async def test_bad_maintenance_is_refused(rig: Rig, window: dict[str, Any], sentence: str) -> None:
    await deployed(rig)
    with pytest.raises(GoogleError, match=sentence):
        body = {"maintenancePolicy": {"window": window}}
        rig.call(container("clusters.setMaintenancePolicy"), body, cluster="demo")
    with pytest.raises(GoogleError, match=sentence):
        body = {"cluster": {"name": "other", "initialNodeCount": 1, "maintenancePolicy": {"window": window}}}
        rig.call(container("clusters.create"), body)


def test_a_hold_needs_a_release_channel(rig: Rig) -> None:
    policy = {"window": {"maintenanceExclusions": {"hold": HOLD}}}
    body = {
        "name": "demo",
        "initialNodeCount": 1,
        "releaseChannel": {"channel": "UNSPECIFIED"},
        "maintenancePolicy": policy,
    }
    with pytest.raises(GoogleError, match="needs a cluster in a release channel"):
        rig.call(container("clusters.create"), {"cluster": body})


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        pytest.param({"management": {"autoUpgrade": False}}, "Auto_upgrade must be true", id="no upgrades"),
        pytest.param({"upgradeSettings": {"maxSurge": 0}}, "cannot both be 0", id="no way to upgrade"),
        pytest.param(
            {"autoscaling": {"enabled": True, "totalMinNodeCount": 3, "totalMaxNodeCount": 2}}, "above its max", id="b"
        ),
        pytest.param({"autoscaling": {"enabled": True}}, "maximum node count", id="no maximum"),
        pytest.param(
            {"autoscaling": {"enabled": True, "maxNodeCount": 2, "totalMaxNodeCount": 2}}, "at the same time", id="mix"
        ),
    ],
)
async def test_bad_upkeep_is_refused(rig: Rig, changes: dict[str, Any], sentence: str) -> None:
    await deployed(rig)
    with pytest.raises(GoogleError, match=sentence):
        rig.call(container("clusters.nodePools.create"), {"nodePool": {**tpu_pool(), **changes}}, cluster="demo")


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        pytest.param({"flexStart": True, "spot": True}, "together with spot", id="two ways to buy"),
        pytest.param({"flexStart": True, "maxRunDuration": "604801s"}, "must not exceed", id="too long"),
        pytest.param({"maxRunDuration": "a week"}, "Invalid NodeConfig.max_run_duration", id="no duration"),
    ],
)
async def test_bad_ways_to_buy_are_refused(rig: Rig, config: dict[str, Any], sentence: str) -> None:
    await deployed(rig)
    with pytest.raises(GoogleError, match=sentence):
        rig.call(container("clusters.nodePools.create"), {"nodePool": tpu_pool(**config)}, cluster="demo")


async def test_disk_is_changed_by_making_every_machine_anew_one_after_the_other(rig: Rig) -> None:
    await deployed(rig, nodes=3)
    names = {each["name"] for each in managed(rig)}
    answer = rig.call(
        container("clusters.nodePools.update"), {"diskSizeGb": "300"}, cluster="demo", nodePool="tpu-pool"
    )
    assert answer["operationType"] == "UPGRADE_NODES"
    fewest = 3
    for _ in range(40):
        await rig.after(0.25)
        fewest = min(fewest, sum(each["currentAction"] == "NONE" for each in managed(rig)))
    assert fewest == 2
    assert operation(rig, answer)["status"] == "DONE"
    assert pool(rig)["config"]["diskSizeGb"] == 300
    assert {each["name"] for each in managed(rig)} == names
    disks = [item for item in rig.cloud.ledger.report()["items"] if item["name"] in names and item["kind"] == "disk"]
    assert len(disks) == 6
    assert sum(item["closed"] is None for item in disks) == 3


async def test_zone_with_a_few_machines_left_gives_those(rig: Rig) -> None:
    await deployed(rig)
    rig.cloud.faults.add({"kind": "stockout", "zone": "europe-west4-a", "at": "immediate", "left": 2})
    answer = rig.call(container("clusters.nodePools.create"), {"nodePool": tpu_pool(nodes=3)}, cluster="demo")
    await rig.turn()
    for _ in range(8):
        await rig.after(1)
    assert re.search(r"\[(GCE_STOCKOUT|ZONE_RESOURCE_POOL_EXHAUSTED)\]", operation(rig, answer)["error"]["message"])
    assert pool(rig)["status"] == "RUNNING_WITH_ERROR"
    assert sorted(each["currentAction"] for each in managed(rig)) == ["CREATING", "NONE", "NONE"]
    rig.cloud.faults.clear()
    for _ in range(10):
        await rig.after(1)
    assert pool(rig)["status"] == "RUNNING"
