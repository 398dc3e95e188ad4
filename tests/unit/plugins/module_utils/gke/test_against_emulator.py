# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""gke_cluster and gke_node_pool against the sandbox's GKE, which reads every body strictly and has Google's rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._gke import cluster, node_pool, place
from ansible_collections.rhaii.gke.plugins.module_utils._gke.operations import StockoutError
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import labels_of_pool
from ansible_collections.rhaii.gke.plugins.module_utils._google import GoogleError
from ansible_collections.rhaii.gke.plugins.module_utils._ownership import of_cloud

from sandbox.cloud.answers import form_names
from tests.unit.plugins.module_utils.gke.emulated import Emulated, Killed
from tests.unit.plugins.module_utils.gke.test_cluster import OFFICE
from tests.unit.plugins.module_utils.gke.test_cluster import PARAMS as CLUSTER
from tests.unit.plugins.module_utils.gke.test_node_pool import PARAMS as POOL

HOLIDAYS = {"name": "holidays", "start": "2027-12-20T00:00:00Z", "end": "2028-01-06T00:00:00Z", "scope": "no_upgrades"}

# A look every half guide minute is enough, and keeps the test quick.
INTERVAL = 30.0

CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("release channel", {"release_channel": "stable"}),
    ("labels", {"labels": {"team": "ml"}}),
    ("private nodes", {"private_nodes": True}),
    ("networks", {"authorized_networks": OFFICE}),
    ("DNS endpoint", {"dns_endpoint": True}),
    ("hold", {"hold_node_upgrades": True}),
    ("exclusions", {"maintenance_exclusions": [HOLIDAYS]}),
    (
        "window",
        {
            "maintenance_window": {
                "start": "2026-11-28T01:00:00Z",
                "end": "2026-11-28T05:00:00Z",
                "recurrence": "FREQ=WEEKLY;BYDAY=SA",
            }
        },
    ),
    ("debts", {"debts": {"us-east5-a": "operation-1"}}),
]
EVERYTHING: dict[str, Any] = {name: value for _, options in CHANGES for name, value in options.items()}

POOL_CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("size", {"node_count": 2}),
    ("labels", {"node_labels": {"tier": "gold"}, "labels": {"team": "ml"}}),
    ("taints", {"taints": [{"key": "a", "value": "b", "effect": "NoExecute"}]}),
    ("upgrades", {"upgrade_settings": {"max_surge": 1, "max_unavailable": 0}}),
    ("repair", {"auto_repair": False}),
    ("autoscaling", {"autoscaling": {"enabled": True, "min_nodes": 1, "max_nodes": 4}}),
    ("disk", {"disk_size_gb": 300}),
    ("identity", {"workload_identity": False}),
    ("run duration", {"max_run_duration": 3600}),
]


@pytest.fixture
def cloud(tmp_path: Path) -> Emulated:
    return Emulated(tmp_path)


def make_cluster(cloud: Emulated, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    params = {**CLUSTER, "location": cloud.location, "wait_interval": INTERVAL, **options}
    return cluster.run(params, cloud.ports, lambda _: None, check_mode)


def make_pool(cloud: Emulated, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    params = {**POOL, "location": cloud.location, "node_count": 1, "wait_interval": INTERVAL, **options}
    return node_pool.run(params, cloud.ports, lambda _: None, check_mode)


def open_items(cloud: Emulated) -> list[str]:
    return [item["kind"] for item in cloud.rig.cloud.ledger.report()["items"] if item["closed"] is None]


def test_everything_at_once_is_what_the_api_takes_and_gives_back(cloud: Emulated) -> None:
    result = make_cluster(cloud, **EVERYTHING)
    assert result["status"] == "RUNNING"
    assert result["endpoint"].endswith(".europe-west4.gke.goog")
    assert result["authorized_networks"] == ["198.51.100.7/32", "203.0.113.0/24"]
    assert result["debts"] == {"us-east5-a": "operation-1"}
    again = make_cluster(cloud, **EVERYTHING)
    assert not again["changed"], again["diff"]
    assert cloud.calls == ["create"]


@pytest.mark.parametrize("options", [each for _, each in CHANGES], ids=[name for name, _ in CHANGES])
def test_a_cluster_is_changed_once_and_then_as_wanted(cloud: Emulated, options: dict[str, Any]) -> None:
    make_cluster(cloud)
    foretold = make_cluster(cloud, check_mode=True, **options)
    assert foretold["changed"]
    assert len(cloud.calls) == 1
    changed = make_cluster(cloud, **options)
    assert changed["changed"]
    assert changed["diff"]["after"].keys() == foretold["diff"]["after"].keys()
    again = make_cluster(cloud, **options)
    assert not again["changed"], again["diff"]
    assert len(cloud.calls) == 2


def test_hold_and_its_end_keep_what_else_is_excluded(cloud: Emulated) -> None:
    make_cluster(cloud, maintenance_exclusions=[HOLIDAYS], hold_node_upgrades=True)
    make_cluster(cloud, hold_node_upgrades=False)
    found = cloud.get_cluster("c")
    assert found is not None
    assert list(found["maintenancePolicy"]["window"]["maintenanceExclusions"]) == ["holidays"]


@pytest.mark.parametrize("options", [each for _, each in POOL_CHANGES], ids=[name for name, _ in POOL_CHANGES])
def test_a_pool_is_changed_once_and_then_as_wanted(cloud: Emulated, options: dict[str, Any]) -> None:
    make_cluster(cloud)
    make_pool(cloud)
    before = list(cloud.calls)
    foretold = make_pool(cloud, check_mode=True, **options)
    assert foretold["changed"]
    assert cloud.calls == before
    assert make_pool(cloud, **options)["changed"]
    calls = list(cloud.calls)
    again = make_pool(cloud, **options)
    assert not again["changed"], again["diff"]
    assert cloud.calls == calls
    assert again["status"] == "RUNNING"


@pytest.mark.parametrize(
    ("options", "replaced"),
    [
        pytest.param({"spot": True}, "spot", id="spot"),
        pytest.param({"machine_type": "ct6e-standard-1t"}, "machine_type", id="machine type"),
    ],
)
def test_what_cannot_be_changed_is_replaced_when_allowed(
    cloud: Emulated, options: dict[str, Any], replaced: str
) -> None:
    make_cluster(cloud)
    make_pool(cloud)
    with pytest.raises(RhaiiError, match="cannot be changed"):
        make_pool(cloud, **options)
    result = make_pool(cloud, replace=True, **options)
    assert result[replaced] == options[replaced]
    assert cloud.calls[-2:] == ["nodePools.delete", "nodePools.create"]
    assert not make_pool(cloud, replace=True, **options)["changed"]


def test_flex_start_is_asked_for_without_nodes(cloud: Emulated) -> None:
    make_cluster(cloud)
    result = make_pool(cloud, node_count=3, flex_start=True, max_run_duration=604800)
    assert result["flex_start"]
    assert (result["node_count"], result["autoscaling"]) == (0, "0 to 3 nodes")
    assert not make_pool(cloud, node_count=3, flex_start=True, max_run_duration=604800)["changed"]
    assert make_pool(cloud, node_count=5, flex_start=True)["autoscaling"] == "0 to 5 nodes"


def test_a_release_channel_insists_on_upgrades(cloud: Emulated) -> None:
    make_cluster(cloud)
    with pytest.raises(RhaiiError, match="Auto_upgrade must be true"):
        make_pool(cloud, auto_upgrade=False)


@pytest.mark.parametrize("at", ["immediate", "late"])
@pytest.mark.parametrize("form", form_names("stockout"))
def test_a_stockout_is_seen_within_a_minute(cloud: Emulated, at: str, form: str) -> None:
    make_cluster(cloud)
    cloud.rig.cloud.faults.add({"kind": "answer", "of": "stockout", "form": form})
    cloud.rig.cloud.faults.add({"kind": "stockout", "zone": cloud.location, "at": at})
    started = cloud.passed
    with pytest.raises(RhaiiError, match="has no ct6e-standard-4t left at this moment"):
        make_pool(cloud)
    assert cloud.passed - started <= 60


def test_a_stockout_that_is_waited_for_ends_as_google_says(cloud: Emulated) -> None:
    make_cluster(cloud)
    cloud.rig.cloud.faults.add({"kind": "stockout", "zone": cloud.location, "at": "late"})
    started = cloud.passed
    with pytest.raises(StockoutError, match="The zone has no such machines left at this moment") as caught:
        make_pool(cloud, on_stockout="wait")
    assert cloud.passed - started == pytest.approx(35 * 60, abs=60)
    assert caught.value.result["status"] == "ERROR"
    cloud.rig.cloud.faults.clear()
    assert make_pool(cloud)["status"] == "RUNNING"


def test_a_zone_with_too_few_machines_leaves_a_pool_in_part_which_the_next_run_completes(cloud: Emulated) -> None:
    make_cluster(cloud)
    cloud.rig.cloud.faults.add({"kind": "stockout", "zone": cloud.location, "at": "immediate", "left": 2})
    with pytest.raises(StockoutError) as caught:
        make_pool(cloud, node_count=3, on_stockout="wait")
    assert (caught.value.result["status"], caught.value.result["nodes_up"]) == ("RUNNING_WITH_ERROR", 2)
    # no run says ok before it is
    with pytest.raises(StockoutError):
        make_pool(cloud, node_count=3, on_stockout="wait")
    assert cloud.calls[-1] == "nodePools.setSize"
    cloud.rig.cloud.faults.clear()
    result = make_pool(cloud, node_count=3)
    assert (result["status"], result["nodes_up"]) == ("RUNNING", 3)


def test_a_pool_with_a_machine_that_is_no_node_is_no_good_pool_and_the_next_run_mends_it(cloud: Emulated) -> None:
    make_cluster(cloud)
    cloud.rig.cloud.faults.add({"kind": "pool_error", "pool": "tpu-pool", "count": 2})
    for _ in range(2):
        with pytest.raises(RhaiiError, match=r"INTERNAL: .*only 2 nodes out of 3 have registered") as caught:
            make_pool(cloud, node_count=3)
        assert (caught.value.result["status"], caught.value.result["nodes_up"]) == ("RUNNING_WITH_ERROR", 3)
    result = make_pool(cloud, node_count=3)
    assert (result["changed"], result["status"]) == (True, "RUNNING")
    assert not make_pool(cloud, node_count=3)["changed"]


@pytest.mark.parametrize("form", form_names("busy"))
def test_google_at_work_is_waited_for(cloud: Emulated, form: str) -> None:
    cloud.rig.cloud.faults.add({"kind": "answer", "of": "busy", "form": form})
    make_cluster(cloud)
    cloud.rig.cloud.faults.add({"kind": "busy", "cluster": "c", "guide_minutes": 7})
    cloud.rig.cloud.operations.begin_own(cloud.rig.clock.now())
    started = cloud.passed
    assert make_pool(cloud)["status"] == "RUNNING"
    assert cloud.passed - started >= 22 * 60


def test_a_broken_cluster_is_made_anew(cloud: Emulated) -> None:
    fault = {"kind": "operation_error", "type": "CREATE_CLUSTER", "code": 13, "message": "Broken.", "count": 1}
    cloud.rig.cloud.faults.add(fault)
    with pytest.raises(RhaiiError, match="INTERNAL: Broken"):
        make_cluster(cloud)
    result = make_cluster(cloud)
    assert result["status"] == "RUNNING"
    assert cloud.calls == ["create", "delete", "create"]
    make_cluster(cloud, state="absent")
    assert open_items(cloud) == []


@pytest.mark.parametrize("life", range(1, 60, 3))
def test_a_run_killed_anywhere_and_started_again_converges(cloud: Emulated, life: int) -> None:
    options = {"labels": {"team": "ml"}, "hold_node_upgrades": True}
    for each in (life, life + 7, None):
        cloud.life = each
        try:
            make_cluster(cloud, **options)
            make_pool(cloud, wait=False)
            result = make_pool(cloud, node_labels={"tier": "gold"})
        except Killed:
            continue
    cloud.life = None
    assert (result["status"], result["nodes_up"]) == ("RUNNING", 1)
    assert [each["name"] for each in cloud.list_clusters()] == ["c"]
    assert [pool["name"] for pool in cloud.list_clusters()[0]["nodePools"]] == ["default-pool", "tpu-pool"]
    assert cloud.calls.count("create") == 1
    assert cloud.calls.count("nodePools.create") == 1
    assert not make_pool(cloud, node_labels={"tier": "gold"})["changed"]
    make_pool(cloud, state="absent")
    make_cluster(cloud, state="absent")
    assert open_items(cloud) == []


def test_a_move_is_noted_found_again_and_settled(cloud: Emulated) -> None:
    def look(left: dict[str, str] | None = None) -> dict[str, Any]:
        where = {"location": cloud.location, "candidates": ["us-east5-a"], "name": "c", "environment": "prod"}
        return place.run({**where, "left": left or {}}, cloud.ports, lambda _: None, False)

    make_cluster(cloud)
    cloud.rig.cloud.faults.add({"kind": "stockout", "zone": cloud.location, "at": "late"})
    stuck = make_pool(cloud, wait=False, stockout_watch=180, on_stockout="report")
    assert stuck["stockout"]
    left = {cloud.location: stuck["operation"]["name"]}
    # GKE takes no note on the cluster itself now
    found = cloud.get_cluster("c")
    assert found is not None
    with pytest.raises(GoogleError) as refused:
        cloud.set_labels("c", {}, found["labelFingerprint"])
    assert refused.value.is_conflict
    elsewhere = look(left)
    assert (elsewhere["location"], elsewhere["exists"]) == ("us-east5-a", False)
    other = cloud.at("us-east5-a")
    cloud.rig.cloud.faults.add({"kind": "quota", "region": "us-east5", "value": 4})
    make_cluster(other, debts=left)
    assert make_pool(other)["nodes_up"] == 1
    # a later run, anywhere, finds both
    found_again = look()
    assert (found_again["location"], found_again["debts"]) == ("us-east5-a", left)
    make_cluster(cloud, state="absent", wait_timeout=3600)
    assert look()["settled"] == [cloud.location]
    assert make_cluster(other, debts={})["debts"] == {}
    assert look()["settled"] == []
    make_cluster(other, state="absent")
    assert open_items(cloud) == []


def test_reserved_machines_come_from_a_reservation_that_is_there(cloud: Emulated) -> None:
    make_cluster(cloud)
    with pytest.raises(RhaiiError, match="trillium-lab does not exist in zone europe-west4-a"):
        make_pool(cloud, reservation="trillium-lab")
    other = cloud.at("us-central1-b")
    make_cluster(other)
    result = make_pool(other, reservation="trillium-lab", wait=False)
    assert result["reservation"] == "trillium-lab"
    assert not make_pool(other, check_mode=True, reservation="trillium-lab")["changed"]
    with pytest.raises(RhaiiError, match="reservation is trillium-lab, wanted none"):
        make_pool(other, check_mode=True, reservation="")


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        pytest.param("trillium-pool", 4, id="aggregate"),
        pytest.param("trillium-pool/reservationBlocks/block-a", 2, id="a block"),
        pytest.param("projects/rhaii-sandbox/reservations/trillium-pool", 4, id="by its full name"),
        pytest.param("projects/rhaii-reservations/reservations/trillium-shared", 2, id="shared"),
    ],
)
def test_reservations_of_each_kind_give_their_machines(cloud: Emulated, name: str, fits: int) -> None:
    east = cloud.at("us-east5-a")
    make_cluster(east)
    assert make_pool(east, reservation=name, node_count=fits)["nodes_up"] == fits
    assert not make_pool(east, reservation=name, node_count=fits)["changed"]
    with pytest.raises(RhaiiError, match="does not have available resources"):
        make_pool(east, reservation=name, node_count=fits + 1)


def test_cluster_is_made_with_a_pool_that_is_known_as_ours_and_goes_with_it(cloud: Emulated) -> None:
    make_cluster(cloud, labels={"team": "ml"}, default_pool={"name": "cpu"})
    found = cloud.get_cluster("c")
    assert found is not None
    (pool,) = found["nodePools"]
    assert of_cloud(labels_of_pool(pool), "prod").is_ours
    assert make_pool(cloud, name="cpu", node_count=None, machine_type=None)["exists"]
    assert not make_cluster(cloud, state="absent")["exists"]


def test_pool_that_somebody_makes_in_our_cluster_stays_as_it_is(cloud: Emulated) -> None:
    make_cluster(cloud)
    theirs = {"name": "batch", "initialNodeCount": 1, "config": {"resourceLabels": {"managed-by": "ops"}}}
    cloud.create_node_pool("c", theirs)
    before, calls = cloud.get_node_pool("c", "batch"), list(cloud.calls)
    for check_mode in (True, False):
        # while it is being made, so that a wait would show in it
        for options in ({"node_count": 3}, {"state": "absent"}, {"replace": True, "spot": True}):
            with pytest.raises(RhaiiError, match="seems to be ops's"):
                make_pool(cloud, check_mode, name="batch", **options)
        with pytest.raises(RhaiiError, match="batch seems to be ops's"):
            make_cluster(cloud, check_mode, state="absent")
    assert (cloud.get_node_pool("c", "batch"), cloud.calls) == (before, calls)
    assert not make_cluster(cloud, state="absent", delete_foreign_pools=True)["exists"]
