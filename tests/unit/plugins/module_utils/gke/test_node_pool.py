# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""gke_node_pool: decisions as tables, and the run against a GKE in memory."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._gke.node_pool import (
    Wanted,
    body_of,
    chips_per_node,
    plan,
    refuse_topology,
    run,
)
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import Problem
from ansible_collections.rhaii.gke.plugins.module_utils._google import GoogleError

from tests.unit.plugins.module_utils.fake_gke import GROUP, OURS, FakeGke, Stage, pool_body

PARAMS: dict[str, Any] = {
    "project": "p",
    "location": "europe-west4-a",
    "cluster": "c",
    "name": "tpu-pool",
    "state": "present",
    "environment": "prod",
    "node_count": 3,
    "shrink": True,
    "machine_type": "ct6e-standard-4t",
    "spot": None,
    "flex_start": None,
    "max_run_duration": None,
    "reservation": None,
    "disk_type": None,
    "disk_size_gb": None,
    "service_account": None,
    "taints": None,
    "upgrade_settings": None,
    "auto_upgrade": None,
    "auto_repair": None,
    "autoscaling": None,
    "replace": False,
    "on_stockout": "fail",
    "stockout_watch": 0,
    "node_labels": {},
    "labels": {},
    "topology": None,
    "workload_identity": True,
    "force_unlabelled": False,
    "wait": True,
    "wait_timeout": 2400,
    "wait_interval": 10.0,
}


def wanted(**changes: Any) -> Wanted:
    return Wanted.from_params({**PARAMS, **changes})


def play(stage: Stage, check_mode: bool = False, **changes: Any) -> dict[str, Any]:
    return run({**PARAMS, **changes}, stage.ports, stage.said.append, check_mode)


def test_body_of_single_host_pool_has_no_topology() -> None:
    body = body_of(wanted(spot=True, disk_type="hyperdisk-balanced", disk_size_gb=200, node_labels={"a": 1}))
    assert body["initialNodeCount"] == 3
    assert "placementPolicy" not in body
    config = body["config"]
    assert config["machineType"] == "ct6e-standard-4t"
    assert config["spot"] is True
    assert (config["diskType"], config["diskSizeGb"]) == ("hyperdisk-balanced", 200)
    assert config["labels"] == {"a": "1"}
    assert config["resourceLabels"] == OURS
    assert config["workloadMetadataConfig"] == {"mode": "GKE_METADATA"}
    assert body["upgradeSettings"] == {"maxSurge": 0, "maxUnavailable": 1}


def test_body_leaves_out_what_is_not_asked() -> None:
    config = body_of(wanted(workload_identity=False, spot=False))["config"]
    assert set(config) == {"machineType", "oauthScopes", "resourceLabels"}


@pytest.mark.parametrize("missing", ["node_count", "machine_type"])
def test_creation_needs_size_and_machine(missing: str) -> None:
    with pytest.raises(RhaiiError, match=f"{missing} is not given"):
        play(Stage(FakeGke()), **{missing: None})


@pytest.mark.parametrize(
    ("machine_type", "chips"),
    [
        pytest.param("ct6e-standard-4t", 4, id="v6e with four"),
        pytest.param("ct6e-standard-1t", 1, id="v6e with one"),
        pytest.param("ct5lp-hightpu-8t", 8, id="v5e with eight"),
        pytest.param("e2-standard-4", 0, id="no TPU"),
        pytest.param("c3-standard-4t", 0, id="looks like one but is none"),
        pytest.param("ct6e-standard-xt", 0, id="no number"),
        pytest.param("", 0, id="nothing"),
    ],
)
def test_chips_per_node(machine_type: str, chips: int) -> None:
    assert chips_per_node(machine_type) == chips


@pytest.mark.parametrize(
    ("topology", "said"),
    [
        pytest.param("2x2", "single-host machines", id="of one host"),
        pytest.param("4x4", "has 16 chips, but one ct6e-standard-4t has 4", id="over several hosts"),
        pytest.param("two", "is no TPU topology", id="not a topology"),
    ],
)
def test_topology_is_refused_before_anything_is_asked(topology: str, said: str) -> None:
    stage = Stage(FakeGke())
    with pytest.raises(RhaiiError, match=said) as caught:
        play(stage, topology=topology)
    assert "Leave topology out" in caught.value.remedy
    assert stage.gke.calls == []


def test_no_topology_is_fine() -> None:
    refuse_topology(None, "ct6e-standard-4t")
    refuse_topology("", "ct6e-standard-4t")


def test_negative_size_is_refused() -> None:
    with pytest.raises(RhaiiError, match="node_count -1 is not possible"):
        play(Stage(FakeGke()), node_count=-1)


@pytest.mark.parametrize(
    ("options", "impossible"),
    [
        pytest.param({"spot": True}, "spot is false, wanted true", id="spot"),
        pytest.param(
            {"machine_type": "ct6e-standard-1t"},
            "machine_type is ct6e-standard-4t, wanted ct6e-standard-1t",
            id="machine type",
        ),
        pytest.param({"reservation": "r1"}, "reservation is none, wanted r1", id="reservation"),
        pytest.param({"service_account": "n@p"}, "service_account is default, wanted n@p", id="service account"),
    ],
)
def test_what_needs_a_new_pool_is_said_in_the_diff_and_refused(options: dict[str, Any], impossible: str) -> None:
    todo = plan(wanted(**options), pool_body(), 3)
    assert todo.impossible == (impossible,)
    (option,) = options
    assert todo.after[option] == f"{str(options[option]).lower()} (needs a new pool)"
    stage = Stage(FakeGke(pool=pool_body()))
    with pytest.raises(RhaiiError, match=impossible) as caught:
        play(stage, **options)
    assert "replace: true" in caught.value.remedy
    assert caught.value.result["diff"]["after"] == todo.after
    assert caught.value.result["node_count"] == 3
    assert stage.gke.calls == []


def test_what_gke_adds_by_itself_is_no_difference() -> None:
    config = {
        "machineType": "ct6e-standard-4t",
        "labels": {"cloud.google.com/gke-tpu-accelerator": "tpu-v6e-slice"},
        "taints": [{"key": "google.com/tpu", "value": "present", "effect": "NO_SCHEDULE"}],
        "resourceLabels": {**OURS, "goog-gke-node": ""},
        "workloadMetadataConfig": {"mode": "GKE_METADATA"},
    }
    assert not plan(wanted(), pool_body(config=config), 3).changed


def test_labels_are_merged() -> None:
    todo = plan(wanted(node_labels={"a": "b"}, labels={"team": "ml"}), pool_body(), 3)
    assert todo.updates == (
        {"labels": {"labels": {"a": "b"}}},
        {"resourceLabels": {"labels": {**OURS, "team": "ml"}}},
    )


@pytest.mark.parametrize(
    ("node_count", "size", "zones", "per_zone"),
    [
        pytest.param(3, 3, 1, None, id="as it is"),
        pytest.param(5, 3, 1, 5, id="up"),
        pytest.param(0, 3, 1, 0, id="to nothing"),
        pytest.param(None, 3, 1, None, id="not asked"),
        pytest.param(6, 3, 3, 2, id="over three zones"),
    ],
)
def test_plan_of_the_size(node_count: int | None, size: int, zones: int, per_zone: int | None) -> None:
    pool = pool_body(locations=[f"z{number}" for number in range(zones)])
    todo = plan(wanted(node_count=node_count), pool, size)
    assert todo.nodes_per_zone == per_zone
    assert todo.changed is (per_zone is not None)


def test_a_size_that_does_not_divide_over_the_zones_is_refused() -> None:
    with pytest.raises(RhaiiError, match="cannot be spread over the 2 zones") as caught:
        plan(wanted(node_count=3), pool_body(locations=["a", "b"]), 2)
    assert caught.value.remedy == "Give a multiple of 2."


def test_absent_pool_is_created_and_awaited_with_nodes_counted() -> None:
    stage = Stage(FakeGke())
    result = play(stage)
    assert result["changed"]
    assert stage.gke.calls == ["create pool 3"]
    assert result["node_count"] == 3
    assert result["nodes"] == ["grp-0", "grp-1", "grp-2"]
    assert result["status"] == "RUNNING"
    assert stage.said == [
        "node pool tpu-pool: asking for 3 x ct6e-standard-4t",
        "node pool tpu-pool: creating the node pool (3 of 3 nodes up), 0 s",
    ]


def test_second_run_changes_nothing() -> None:
    stage = Stage(FakeGke(pool=pool_body()))
    result = play(stage)
    assert not result["changed"]
    assert stage.gke.calls == []


def test_ask_early_and_join_later() -> None:
    stage = Stage(FakeGke())
    first = play(stage, wait=False)
    assert first["changed"]
    assert first["operation"]["status"] == "RUNNING"
    assert stage.clock.slept == []
    again = play(stage, wait=False)
    assert not again["changed"]
    assert again["operation"]["name"] == first["operation"]["name"]
    second = play(stage)
    assert not second["changed"]
    assert stage.gke.calls == ["create pool 3"]
    assert "node pool tpu-pool: joining the running operation operation-1" in stage.said
    assert second["node_count"] == 3


def test_a_stockout_that_is_joined_later_is_an_error() -> None:
    stockout = {
        "error": {"code": 8, "message": "ct6e-standard-4t is not available"},
        "nodepoolConditions": [{"code": "GCE_STOCKOUT", "canonicalCode": "RESOURCE_EXHAUSTED"}],
    }
    stage = Stage(FakeGke(errors={"CREATE_NODE_POOL": stockout}))
    play(stage, wait=False)
    with pytest.raises(RhaiiError, match="GCE_STOCKOUT: ct6e-standard-4t is not available") as caught:
        play(stage)
    assert "another zone" in caught.value.remedy
    assert caught.value.result["operation"]["error"]


def test_resize_goes_by_the_groups_not_by_the_initial_count() -> None:
    stage = Stage(FakeGke(pool=pool_body(3)))
    result = play(stage, node_count=5, machine_type=None)
    assert result["changed"]
    assert stage.gke.calls == ["size 5"]
    assert result["node_count"] == 5
    assert result["diff"] == {"before": {"node_count": 3}, "after": {"node_count": 5}}


@pytest.mark.parametrize(
    ("node_count", "calls"),
    [
        pytest.param(2, [], id="a larger pool stays"),
        pytest.param(5, ["size 5"], id="a smaller one grows"),
    ],
)
def test_a_pool_that_may_not_shrink(node_count: int, calls: list[str]) -> None:
    stage = Stage(FakeGke(pool=pool_body(3)))
    result = play(stage, node_count=node_count, shrink=False)
    assert stage.gke.calls == calls
    assert result["changed"] is bool(calls)
    assert result["node_count"] == max(3, node_count)


def test_resize_to_nothing() -> None:
    stage = Stage(FakeGke(pool=pool_body(3)))
    assert play(stage, node_count=0)["node_count"] == 0
    assert stage.gke.calls == ["size 0"]


def test_two_groups_are_summed() -> None:
    urls = [GROUP.format(zone=zone, name=f"grp-{zone}") for zone in ("europe-west4-a", "europe-west4-b")]
    pool = pool_body(4, instanceGroupUrls=urls, locations=["europe-west4-a", "europe-west4-b"])
    result = play(Stage(FakeGke(pool=pool)), node_count=4)
    assert result["node_count"] == 4
    assert result["instance_groups"] == ["grp-europe-west4-a", "grp-europe-west4-b"]


def test_check_mode_of_a_resize() -> None:
    stage = Stage(FakeGke(pool=pool_body(3)))
    result = play(stage, check_mode=True, node_count=5)
    assert result["changed"]
    assert result["diff"]["after"] == {"node_count": 5}
    assert stage.gke.calls == []


def test_check_mode_of_a_creation() -> None:
    stage = Stage(FakeGke())
    result = play(stage, check_mode=True)
    assert result["changed"]
    assert result["diff"]["after"]["name"] == "tpu-pool"
    assert stage.gke.calls == []


def test_labels_then_size_in_turn() -> None:
    stage = Stage(FakeGke(pool=pool_body(3)))
    play(stage, node_count=5, node_labels={"a": "b"})
    assert stage.gke.calls == ["update pool labels", "size 5"]


def test_missing_cluster_is_said() -> None:
    stage = Stage(FakeGke(refusals=[GoogleError("create", 404, "NOT_FOUND", "Not found: c")]))
    with pytest.raises(RhaiiError, match="The cluster c does not exist in europe-west4-a"):
        play(stage)


def test_quota_refused_at_once_is_passed_on_with_what_google_says() -> None:
    refusal = GoogleError(
        "create the node pool tpu-pool", 403, "RESOURCE_EXHAUSTED", "Quota 'TPUS_PER_TPU_FAMILY' exceeded. Limit: 0.0"
    )
    with pytest.raises(GoogleError, match="TPUS_PER_TPU_FAMILY"):
        play(Stage(FakeGke(refusals=[refusal])))


@pytest.mark.parametrize("check_mode", [True, False], ids=["check mode", "for real"])
def test_a_pool_without_a_node_that_google_gave_up_on_is_asked_for_again(check_mode: bool) -> None:
    broken = pool_body(3, status="ERROR", statusMessage="no room")
    stage = Stage(FakeGke(pool=broken, stuck_machines=3))
    result = play(stage, check_mode, wait=False)
    assert result["changed"]
    assert stage.gke.calls == ([] if check_mode else ["delete pool tpu-pool", "create pool 3"])
    assert result["diff"]["before"] == {"status": "ERROR", "problem": "no room"}
    assert result["diff"]["after"]["config"]["machineType"] == "ct6e-standard-4t"
    if not check_mode:
        assert "node pool tpu-pool: it is ERROR (no room); deleting it and asking again" in stage.said


def test_a_broken_pool_with_nodes_is_left_to_people() -> None:
    stage = Stage(FakeGke(pool=pool_body(3, status="ERROR", statusMessage="no room"), stuck_machines=1))
    with pytest.raises(RhaiiError, match="is ERROR: no room") as caught:
        play(stage)
    assert "because nodes of it run" in caught.value.remedy
    assert stage.gke.calls == []


def test_a_broken_pool_of_somebody_else_is_left_alone() -> None:
    foreign = pool_body(3, status="ERROR", statusMessage="no room", config={"machineType": "ct6e-standard-4t"})
    stage = Stage(FakeGke(pool=foreign, stuck_machines=3))
    with pytest.raises(RhaiiError, match="was not made by this collection"):
        play(stage)
    assert stage.gke.calls == []


def test_a_pool_that_runs_in_part_is_asked_for_its_missing_nodes_again() -> None:
    stage = Stage(FakeGke(pool=pool_body(3, status="RUNNING_WITH_ERROR"), stuck_machines=1))
    check = play(stage, check_mode=True)
    assert check["changed"]
    assert check["diff"] == {
        "before": {"status": "RUNNING_WITH_ERROR", "nodes_up": 2},
        "after": {"status": "RUNNING", "nodes_up": 3},
    }
    # it is still broken when Google says that the resize is done
    with pytest.raises(RhaiiError, match="is RUNNING_WITH_ERROR") as caught:
        play(stage)
    assert stage.gke.calls == ["size 3"]
    assert caught.value.result["nodes_up"] == 2


def test_a_pool_whose_machines_are_up_is_not_whole_because_of_that() -> None:
    stage = Stage(FakeGke(pool=pool_body(3, status="RUNNING_WITH_ERROR")))
    result = play(stage)
    assert (result["changed"], result["status"]) == (True, "RUNNING")
    assert result["diff"] == {"before": {"status": "RUNNING_WITH_ERROR"}, "after": {"status": "RUNNING"}}
    assert stage.gke.calls == ["size 3"]
    assert "node pool tpu-pool: asking for 3 nodes once more" in stage.said
    said = "only 2 nodes out of 3 have registered"
    error = {"error": {"code": 13, "message": said}}
    stage = Stage(FakeGke(pool=pool_body(3, status="RUNNING_WITH_ERROR"), errors={"SET_NODE_POOL_SIZE": error}))
    with pytest.raises(RhaiiError, match=f"INTERNAL: {said}"):
        play(stage)


def test_pool_being_deleted_is_awaited_then_created_again() -> None:
    stage = Stage(FakeGke(pool=pool_body(status="STOPPING")))
    stage.gke.delete_node_pool("c", "tpu-pool")
    stage.gke.calls.clear()
    with pytest.raises(RhaiiError, match="is being deleted"):
        play(stage, wait=False)
    assert play(stage)["changed"]
    assert stage.gke.calls == ["create pool 3"]


def test_absent_deletes_what_is_ours() -> None:
    stage = Stage(FakeGke(pool=pool_body()))
    result = play(stage, state="absent")
    assert result["changed"]
    assert not result["exists"]
    assert stage.gke.calls == ["delete pool tpu-pool"]


def test_absent_without_waiting_then_joined() -> None:
    stage = Stage(FakeGke(pool=pool_body()))
    assert play(stage, state="absent", wait=False)["operation"]["status"] == "RUNNING"
    result = play(stage, state="absent")
    assert not result["changed"]
    assert not result["exists"]
    assert stage.gke.calls == ["delete pool tpu-pool"]


def test_absent_of_nothing_is_nothing() -> None:
    assert not play(Stage(FakeGke()), state="absent")["changed"]


def test_absent_in_check_mode_only_says_so() -> None:
    stage = Stage(FakeGke(pool=pool_body()))
    assert play(stage, check_mode=True, state="absent")["changed"]
    assert stage.gke.calls == []


def test_absent_leaves_a_foreign_pool() -> None:
    foreign = pool_body(config={"machineType": "e2-standard-4"})
    stage = Stage(FakeGke(pool=foreign))
    with pytest.raises(RhaiiError, match="does not carry the label"):
        play(stage, state="absent")
    assert stage.gke.calls == []
    assert play(stage, state="absent", force_unlabelled=True)["changed"]


def test_absent_waits_for_a_creation_to_end() -> None:
    stage = Stage(FakeGke())
    play(stage, wait=False)
    result = play(stage, state="absent")
    assert result["changed"]
    assert stage.gke.calls == ["create pool 3", "delete pool tpu-pool"]
    assert any("waiting until operation-1 ends" in line for line in stage.said)


@pytest.mark.parametrize(
    ("options", "config", "more"),
    [
        pytest.param(
            {"flex_start": True, "max_run_duration": 604800},
            {
                "flexStart": True,
                "maxRunDuration": "604800s",
                "reservationAffinity": {"consumeReservationType": "NO_RESERVATION"},
            },
            {
                "initialNodeCount": 0,
                "autoscaling": {
                    "enabled": True,
                    "totalMinNodeCount": 0,
                    "totalMaxNodeCount": 3,
                    "locationPolicy": "ANY",
                },
                "management": {"autoRepair": False, "autoUpgrade": True},
            },
            id="flex-start",
        ),
        pytest.param(
            {"reservation": "r1"},
            {
                "reservationAffinity": {
                    "consumeReservationType": "SPECIFIC_RESERVATION",
                    "key": "compute.googleapis.com/reservation-name",
                    "values": ["r1"],
                }
            },
            {"initialNodeCount": 3, "management": {"autoRepair": True, "autoUpgrade": True}},
            id="reservation",
        ),
        pytest.param(
            {
                "taints": [{"key": "a", "value": "b", "effect": "NoExecute"}],
                "service_account": "n@p",
                "upgrade_settings": {"max_surge": 1, "max_unavailable": 0},
                "auto_upgrade": False,
            },
            {"taints": [{"key": "a", "value": "b", "effect": "NO_EXECUTE"}], "serviceAccount": "n@p"},
            {
                "upgradeSettings": {"maxSurge": 1, "maxUnavailable": 0},
                "management": {"autoRepair": True, "autoUpgrade": False},
            },
            id="taints, account, upgrades",
        ),
        pytest.param(
            {"autoscaling": {"enabled": True, "min_nodes": 1, "max_nodes": 5}},
            {},
            {
                "initialNodeCount": 3,
                "autoscaling": {
                    "enabled": True,
                    "totalMinNodeCount": 1,
                    "totalMaxNodeCount": 5,
                    "locationPolicy": "ANY",
                },
            },
            id="autoscaling",
        ),
    ],
)
def test_body_has_what_is_asked(options: dict[str, Any], config: dict[str, Any], more: dict[str, Any]) -> None:
    body = body_of(wanted(**options))
    assert {key: body["config"].get(key) for key in config} == config
    assert {key: body.get(key) for key in more} == more


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param({"spot": True, "flex_start": True}, "more than one way: spot, flex_start", id="spot and flex"),
        pytest.param({"spot": True, "reservation": "r"}, "more than one way: spot, reservation", id="spot reserved"),
        pytest.param({"max_run_duration": 604801}, "max_run_duration 604801 is not possible", id="too long"),
        pytest.param({"max_run_duration": 0}, "max_run_duration 0 is not possible", id="no time"),
        pytest.param(
            {"flex_start": True, "autoscaling": {"enabled": True, "min_nodes": 0, "max_nodes": 1}},
            "autoscaling is given for the flex-start pool",
            id="flex-start has its own bounds",
        ),
        pytest.param(
            {"autoscaling": {"enabled": True, "min_nodes": 3, "max_nodes": 2}}, "min_nodes 3 above max_nodes 2", id="b"
        ),
        pytest.param(
            {"upgrade_settings": {"max_surge": 0, "max_unavailable": 0}}, "neither a node more nor", id="no way up"
        ),
    ],
)
def test_contradictions_are_refused_before_anything_is_asked(options: dict[str, Any], said: str) -> None:
    stage = Stage(FakeGke())
    with pytest.raises(RhaiiError, match=said) as caught:
        play(stage, **options)
    assert caught.value.remedy
    assert stage.gke.calls == []


@pytest.mark.parametrize(
    ("options", "changes", "calls"),
    [
        pytest.param(
            {"taints": [{"key": "a", "value": "b", "effect": "NoSchedule"}]}, {}, ["update pool taints"], id="t"
        ),
        pytest.param(
            {"upgrade_settings": {"max_surge": 2, "max_unavailable": None}}, {}, ["update pool upgradeSettings"], id="u"
        ),
        pytest.param({"max_run_duration": 3600}, {}, ["update pool maxRunDuration"], id="run duration"),
        pytest.param({"workload_identity": False}, {}, ["update pool workloadMetadataConfig"], id="identity"),
        pytest.param(
            {"disk_type": "hyperdisk-extreme", "disk_size_gb": 300}, {}, ["update pool diskSizeGb"], id="disk, one call"
        ),
        pytest.param({"auto_repair": False}, {}, ["management"], id="repair"),
        pytest.param({"auto_upgrade": True}, {}, [], id="upgrades are on"),
        pytest.param(
            {"autoscaling": {"enabled": True, "min_nodes": 1, "max_nodes": 4}}, {}, ["autoscaling"], id="scale"
        ),
        pytest.param(
            {"autoscaling": {"enabled": False, "min_nodes": 0, "max_nodes": None}},
            {"autoscaling": {"enabled": True, "totalMinNodeCount": 1, "totalMaxNodeCount": 4}},
            ["autoscaling"],
            id="no autoscaling any more",
        ),
        pytest.param({"autoscaling": {"enabled": False, "min_nodes": 0, "max_nodes": None}}, {}, [], id="none at all"),
        pytest.param(
            {"node_count": 9},
            {"autoscaling": {"enabled": True, "minNodeCount": 1, "maxNodeCount": 4}},
            [],
            id="the autoscaler decides",
        ),
    ],
)
def test_what_the_api_can_update_is_updated(options: dict[str, Any], changes: dict[str, Any], calls: list[str]) -> None:
    stage = Stage(FakeGke(pool=pool_body(3, **changes)))
    foretold = play(stage, check_mode=True, **options)
    assert stage.gke.calls == []
    result = play(stage, **options)
    assert stage.gke.calls == calls
    assert result["changed"] is foretold["changed"] is bool(calls)
    assert result["diff"] == foretold["diff"]


def test_taints_keep_the_one_that_gke_puts_on_tpu_machines() -> None:
    pool = pool_body()
    own = {"key": "google.com/tpu", "value": "present", "effect": "NO_SCHEDULE"}
    pool["config"]["taints"] = [own, {"key": "old", "value": "", "effect": "NO_EXECUTE"}]
    todo = plan(wanted(taints=[{"key": "a", "value": "", "effect": "NoSchedule"}]), pool, 3)
    assert todo.updates == ({"taints": {"taints": [own, {"key": "a", "value": "", "effect": "NO_SCHEDULE"}]}},)
    assert todo.before == {"taints": ["old=:NO_EXECUTE"]}
    assert not plan(wanted(taints=[{"key": "old", "value": "", "effect": "NoExecute"}]), pool, 3).changed


def test_a_disk_says_in_the_diff_what_it_costs() -> None:
    todo = plan(wanted(disk_size_gb=300), pool_body(), 3)
    assert todo.after == {"disk_size_gb": "300 (GKE makes every node anew)"}
    body = pool_body()
    body["config"]["diskSizeGb"] = "300"  # google-cloud-container may write it as text
    assert not plan(wanted(disk_size_gb=300), body, 3).changed


def test_flex_start_bounds_follow_the_size() -> None:
    flex = {
        "config": {**pool_body()["config"], "flexStart": True},
        "autoscaling": {"enabled": True, "totalMaxNodeCount": 3},
    }
    assert not plan(wanted(flex_start=True), pool_body(0, **flex), 0).changed
    todo = plan(wanted(flex_start=True, node_count=5), pool_body(0, **flex), 0)
    assert todo.autoscaling is not None
    assert todo.autoscaling["totalMaxNodeCount"] == 5
    assert todo.nodes_per_zone is None
    assert not plan(wanted(flex_start=True, node_count=2, shrink=False), pool_body(0, **flex), 0).changed


@pytest.mark.parametrize("check_mode", [True, False], ids=["check mode", "for real"])
def test_a_pool_of_ours_is_replaced_when_that_is_allowed(check_mode: bool) -> None:
    pool = pool_body(5)
    pool["config"]["labels"] = {"tier": "gold"}
    stage = Stage(FakeGke(pool=pool))
    result = play(stage, check_mode, spot=True, node_count=None, machine_type=None, replace=True)
    assert result["changed"]
    assert result["diff"]["after"]["spot"] == "true (needs a new pool)"
    if check_mode:
        assert stage.gke.calls == []
        return
    assert stage.gke.calls == ["delete pool tpu-pool", "create pool 5"]
    config = stage.gke.bodies[-1]["config"]
    assert config["spot"] is True
    assert (config["machineType"], config["diskType"], config["diskSizeGb"]) == (
        "ct6e-standard-4t",
        "hyperdisk-balanced",
        200,
    )
    assert config["labels"] == {"tier": "gold"}
    assert result["spot"] is True


def test_a_spot_pool_that_is_to_be_reserved_is_spot_no_longer() -> None:
    pool = pool_body()
    pool["config"]["spot"] = True
    stage = Stage(FakeGke(pool=pool))
    play(stage, reservation="r1", replace=True)
    config = stage.gke.bodies[-1]["config"]
    assert "spot" not in config
    assert config["reservationAffinity"]["values"] == ["r1"]


def test_a_foreign_pool_is_not_replaced() -> None:
    stage = Stage(FakeGke(pool=pool_body(config={"machineType": "e2-standard-4"})))
    with pytest.raises(RhaiiError, match="cannot be changed") as caught:
        play(stage, replace=True)
    assert "does not carry the label" in caught.value.remedy
    assert stage.gke.calls == []


def test_a_run_killed_between_deleting_and_creating_creates() -> None:
    stage = Stage(FakeGke(pool=pool_body()))
    stage.gke.delete_node_pool("c", "tpu-pool")
    assert stage.gke.pool is not None
    stage.gke.pool["status"] = "STOPPING"
    stage.gke.calls.clear()
    result = play(stage, spot=True, replace=True)
    assert stage.gke.calls == ["create pool 3"]
    assert result["spot"] is True


NO_ROOM = Problem("ZONE_RESOURCE_POOL_EXHAUSTED", "The zone does not have enough resources available")


def test_a_stockout_is_an_error_as_soon_as_the_groups_tell() -> None:
    stage = Stage(FakeGke(looks=1000, stuck=NO_ROOM, stuck_machines=3))
    with pytest.raises(RhaiiError, match="europe-west4-a has no ct6e-standard-4t left at this moment") as caught:
        play(stage)
    assert stage.clock.slept == []
    assert "0 of 3 nodes are up" in caught.value.msg
    assert "operation-1 cannot be cancelled" in caught.value.msg
    assert "teardown.yml -e rhaii_location=europe-west4-a -e rhaii_teardown_confirm=prod" in caught.value.remedy
    assert caught.value.result["stockout"]
    assert caught.value.result["operation"]["status"] == "RUNNING"
    # started again it joins, and finds the same
    with pytest.raises(RhaiiError, match="has no ct6e-standard-4t left"):
        play(stage)
    assert stage.gke.calls == ["create pool 3"]


def test_a_stockout_can_be_waited_for() -> None:
    stage = Stage(FakeGke(looks=20, stuck=NO_ROOM, stuck_machines=3))

    def relief(passed: float) -> None:
        if passed >= 100:
            stage.gke.stuck_machines = 0

    stage.clock.on_sleep = relief
    result = play(stage, on_stockout="wait")
    assert result["nodes_up"] == 3
    assert not result["stockout"]
    assert any("the zone has none of these machines now" in line for line in stage.said)


@pytest.mark.parametrize(
    ("wait", "slept"),
    [pytest.param(True, [], id="waiting"), pytest.param(False, [], id="watching")],
)
def test_a_stockout_can_be_reported_for_the_play_to_decide(wait: bool, slept: list[float]) -> None:
    stage = Stage(FakeGke(looks=1000, stuck=NO_ROOM, stuck_machines=3))
    result = play(stage, wait=wait, on_stockout="report", stockout_watch=180)
    assert result["stockout"]
    assert result["changed"]
    assert result["nodes_up"] == 0
    assert "has no ct6e-standard-4t left" in result["stockout_reason"]
    assert result["operation"]["name"] == "operation-1"
    assert stage.clock.slept == slept


def test_a_watch_ends_with_the_first_machine_or_with_its_time() -> None:
    stage = Stage(FakeGke(looks=1000))
    assert not play(stage, wait=False, stockout_watch=180)["stockout"]
    assert stage.clock.slept == []
    stage = Stage(FakeGke(looks=1000, stuck_machines=3))
    result = play(stage, wait=False, stockout_watch=45)
    assert not result["stockout"]
    assert stage.clock.slept == [10.0, 10.0, 10.0, 10.0, 5.0]
    assert result["operation"]["status"] == "RUNNING"


def test_an_operation_that_ended_with_a_stockout_is_reported_too() -> None:
    stockout = {"error": {"code": 8, "message": "[GCE_STOCKOUT]: no"}}
    stage = Stage(FakeGke(errors={"CREATE_NODE_POOL": stockout}))
    result = play(stage, on_stockout="report")
    assert result["stockout"]
    assert "GCE_STOCKOUT" in result["stockout_reason"]


def test_a_condition_of_the_pool_is_a_stockout_too() -> None:
    stage = Stage(FakeGke(looks=1000))
    play(stage, wait=False)
    assert stage.gke.pool is not None
    stage.gke.pool["conditions"] = [{"code": "GCE_STOCKOUT", "message": "none"}]
    with pytest.raises(RhaiiError, match="GCE_STOCKOUT: none"):
        play(stage)


def test_a_full_quota_is_no_stockout() -> None:
    full = Problem("QUOTA_EXCEEDED", "Quota 'TPUS_PER_TPU_FAMILY' exceeded.")
    stage = Stage(FakeGke(looks=3, stuck=full, stuck_machines=1))
    assert not play(stage, on_stockout="report")["stockout"]


def test_google_that_is_busy_is_asked_again_after_the_pause_it_names() -> None:
    busy = GoogleError("create", 429, "RESOURCE_EXHAUSTED", "slow down")
    busy.retry_after = 7.0
    slow = GoogleError("create", 503, "UNAVAILABLE", "not now")
    stage = Stage(FakeGke(refusals=[busy, slow]))
    assert play(stage, wait=False)["changed"]
    assert stage.gke.calls == ["create pool 3"] * 3
    assert stage.clock.slept == [7.0, 2.0]


def test_google_that_stays_busy_is_an_error_in_the_end() -> None:
    refusals = [GoogleError("create", 503, "UNAVAILABLE", "not now") for _ in range(9)]
    refusals[0].retry_after = 100_000.0
    stage = Stage(FakeGke(refusals=refusals))
    with pytest.raises(GoogleError, match="503 UNAVAILABLE"):
        play(stage)
    assert stage.gke.calls == ["create pool 3"] * 5
    assert stage.clock.slept == [60.0, 2.0, 4.0, 8.0]


def test_an_operation_that_stays_in_the_way_is_named() -> None:
    stage = Stage(FakeGke(pool=pool_body(3), looks=10_000))
    stage.gke.start("UPGRADE_MASTER", "clusters/c")
    stage.gke.refusals = [
        GoogleError("resize", 400, "FAILED_PRECONDITION", "Cluster is running incompatible operation operation-1.")
        for _ in range(9)
    ]
    with pytest.raises(RhaiiError, match=r"another operation was in the way for 40 min.*operation-1"):
        play(stage, node_count=5)


def test_a_stockout_that_is_left_from_an_earlier_try_is_not_believed_at_once() -> None:
    stage = Stage(FakeGke(pool=pool_body(3, status="RUNNING_WITH_ERROR"), looks=8, stuck=NO_ROOM, stuck_machines=1))

    def relief(passed: float) -> None:
        assert stage.gke.pool is not None
        if passed >= 60:
            stage.gke.stuck_machines = 0
            stage.gke.pool["status"] = "RUNNING"

    stage.clock.on_sleep = relief
    assert play(stage)["nodes_up"] == 3


def test_a_stockout_that_stays_is_believed() -> None:
    stage = Stage(FakeGke(pool=pool_body(3), looks=1000, stuck=NO_ROOM, stuck_machines=1))
    with pytest.raises(RhaiiError, match="2 of 3 nodes are up"):
        play(stage, node_count=4)
    assert stage.clock.slept == [10.0] * 12
    # one that comes up later is no remnant
    stage = Stage(FakeGke(pool=pool_body(3), looks=1000, stuck=NO_ROOM))

    def run_out(passed: float) -> None:
        stage.gke.stuck_machines = 1

    stage.clock.on_sleep = run_out
    with pytest.raises(RhaiiError, match="has no ct6e-standard-4t left"):
        play(stage, node_count=4)
    assert stage.clock.slept == [10.0]
