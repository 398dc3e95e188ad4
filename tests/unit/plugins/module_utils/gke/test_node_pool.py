# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""gke_node_pool: decisions as tables, and the run against a GKE in memory."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._gke.node_pool import run
from ansible_collections.rhaii.gke.plugins.module_utils._gke.pool_plan import Plan, Wanted, body_of, plan
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import Problem
from ansible_collections.rhaii.gke.plugins.module_utils._google import GoogleError

from tests.unit.plugins.module_utils.fake_gke import GROUP, FakeGke, Stage, pool_body

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
    "keep": None,
    "force_unlabelled": False,
    "wait": True,
    "wait_timeout": 2400,
    "wait_interval": 10.0,
}


def wanted(**changes: Any) -> Wanted:
    return Wanted.from_params({**PARAMS, **changes})


def play(stage: Stage, check_mode: bool = False, **changes: Any) -> dict[str, Any]:
    return run({**PARAMS, **changes}, stage.ports, stage.said.append, check_mode)


@pytest.mark.parametrize("missing", ["node_count", "machine_type"])
def test_creation_needs_size_and_machine(missing: str) -> None:
    with pytest.raises(RhaiiError) as caught:
        play(Stage(FakeGke()), **{missing: None})
    assert caught.value.msg == (
        f"The node pool tpu-pool does not exist, and {missing} is not given, so it cannot be created."
    )
    assert caught.value.remedy == f"Give {missing}."


def configured(**config: Any) -> dict[str, Any]:
    return pool_body(config={**pool_body()["config"], **config})


def reserved(*names: str) -> dict[str, Any]:
    return {"consumeReservationType": "SPECIFIC_RESERVATION", "values": list(names)}


@pytest.mark.parametrize(
    ("options", "pool", "impossible", "before", "after"),
    [
        pytest.param(
            {"spot": True},
            {},
            "spot is false, wanted true",
            {"spot": False},
            {"spot": "true (needs a new pool)"},
            id="spot",
        ),
        pytest.param(
            {"spot": False},
            configured(spot=True),
            "spot is true, wanted false",
            {"spot": True},
            {"spot": "false (needs a new pool)"},
            id="no longer spot",
        ),
        pytest.param(
            {"machine_type": "CT6E-standard-4t"},
            {},
            "machine_type is ct6e-standard-4t, wanted CT6E-standard-4t",
            {"machine_type": "ct6e-standard-4t"},
            {"machine_type": "CT6E-standard-4t (needs a new pool)"},
            id="machine type",
        ),
        pytest.param(
            {"reservation": "r1"},
            {},
            "reservation is none, wanted r1",
            {"reservation": ""},
            {"reservation": "r1 (needs a new pool)"},
            id="reservation",
        ),
        pytest.param(
            {"reservation": ""},
            configured(reservationAffinity=reserved("r1")),
            "reservation is r1, wanted none",
            {"reservation": "r1"},
            {"reservation": "none (needs a new pool)"},
            id="no reservation",
        ),
        pytest.param(
            {"service_account": "n@p"},
            {},
            "service_account is default, wanted n@p",
            {"service_account": "default"},
            {"service_account": "n@p (needs a new pool)"},
            id="service account",
        ),
        pytest.param(
            {},
            {"placementPolicy": {"tpuTopology": "4x4"}},
            "placement is 4x4, wanted none",
            {"placement": "4x4"},
            {"placement": "none (needs a new pool)"},
            id="slices over several hosts",
        ),
    ],
)
def test_what_needs_a_new_pool_is_said_in_the_diff_and_refused(
    options: dict[str, Any], pool: dict[str, Any], impossible: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    body = pool_body(**pool)
    assert plan(wanted(**options), body, 3, 3) == Plan(impossible=(impossible,), before=before, after=after)
    stage = Stage(FakeGke(pool=body))
    with pytest.raises(RhaiiError, match=impossible) as caught:
        play(stage, **options)
    assert "replace: true" in caught.value.remedy
    assert caught.value.result["diff"] == {"before": before, "after": after}
    assert caught.value.result["node_count"] == 3
    assert stage.gke.calls == []


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
    after = body_of(wanted(disk_type="hyperdisk-balanced", disk_size_gb=200, service_account="default"))
    assert result["diff"] == {"before": {"status": "ERROR", "problem": "no room"}, "after": after}
    if not check_mode:
        assert "node pool tpu-pool: it is ERROR (no room); deleting it and asking again" in stage.said


def test_a_broken_pool_with_nodes_is_left_to_people() -> None:
    stage = Stage(FakeGke(pool=pool_body(3, status="ERROR", statusMessage="no room"), stuck_machines=1))
    with pytest.raises(RhaiiError, match="is ERROR: no room") as caught:
        play(stage)
    assert "because nodes of it run" in caught.value.remedy
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


def test_absent_waits_for_a_creation_to_end() -> None:
    stage = Stage(FakeGke())
    play(stage, wait=False)
    result = play(stage, state="absent")
    assert result["changed"]
    assert stage.gke.calls == ["create pool 3", "delete pool tpu-pool"]
    assert "node pool tpu-pool: waiting until operation-1 ends, then deleting" in stage.said


ONE_WAY = "Give one of spot, flex_start and reservation, or none for on-demand machines."
SEVEN_DAYS = "Give 1 to 604800 seconds (seven days)."


@pytest.mark.parametrize(
    ("options", "said", "remedy"),
    [
        pytest.param(
            {"node_count": -1},
            "node_count -1 is not possible for the node pool tpu-pool.",
            "Give 0 or more nodes.",
            id="fewer nodes than none",
        ),
        pytest.param(
            {"spot": True, "flex_start": True},
            "The machines of the node pool tpu-pool cannot be bought in more than one way: spot, flex_start.",
            ONE_WAY,
            id="spot and flex",
        ),
        pytest.param(
            {"spot": True, "reservation": "r"},
            "The machines of the node pool tpu-pool cannot be bought in more than one way: spot, reservation.",
            ONE_WAY,
            id="spot reserved",
        ),
        pytest.param(
            {"max_run_duration": 604801},
            "max_run_duration 604801 is not possible for the node pool tpu-pool.",
            SEVEN_DAYS,
            id="too long",
        ),
        pytest.param(
            {"max_run_duration": 0},
            "max_run_duration 0 is not possible for the node pool tpu-pool.",
            SEVEN_DAYS,
            id="no time",
        ),
        pytest.param(
            {"flex_start": True, "autoscaling": {"enabled": True, "min_nodes": 0, "max_nodes": 1}},
            "autoscaling is given for the flex-start pool tpu-pool, whose nodes come from none when pods ask.",
            "Leave autoscaling out; node_count is the most that the pool may have.",
            id="flex-start has its own bounds",
        ),
        pytest.param(
            {"autoscaling": {"enabled": True, "min_nodes": 3, "max_nodes": 2}},
            "autoscaling of the node pool tpu-pool has min_nodes 3 and max_nodes 2.",
            "Give max_nodes 1 or more, and not less than min_nodes.",
            id="bounds the wrong way round",
        ),
        pytest.param(
            {"autoscaling": {"enabled": True, "min_nodes": 0, "max_nodes": None}},
            "autoscaling of the node pool tpu-pool has min_nodes 0 and max_nodes 0.",
            "Give max_nodes 1 or more, and not less than min_nodes.",
            id="bounds of no node",
        ),
        pytest.param(
            {"flex_start": True, "node_count": 0},
            "node_count 0 is not possible for the flex-start pool tpu-pool: it is the most that it may have.",
            "Give 1 or more; without pods that ask, such a pool has no nodes.",
            id="flex-start with no node",
        ),
        pytest.param(
            {"autoscaling": {"enabled": True, "min_nodes": 1, "max_nodes": None}},
            "autoscaling of the node pool tpu-pool has min_nodes 1 and max_nodes 0.",
            "Give max_nodes 1 or more, and not less than min_nodes.",
            id="half of the bounds",
        ),
        pytest.param(
            {"upgrade_settings": {"max_surge": 0, "max_unavailable": 0}},
            "upgrade_settings of the node pool tpu-pool allow neither a node more nor a node less.",
            "Give max_surge or max_unavailable 1 or more.",
            id="no way up",
        ),
        pytest.param(
            {"topology": "two"},
            "topology two is no TPU topology.",
            "Leave topology out: a pool of single-host machines needs none.",
            id="no topology",
        ),
        pytest.param(
            {"topology": "4X4"},
            "topology 4X4 has 16 chips, but one ct6e-standard-4t has 4: slices over several hosts are not supported.",
            "Leave topology out and use one slice of 4 chips a node.",
            id="topology of several hosts",
        ),
        pytest.param(
            {"topology": "2x2"},
            "topology 2x2 was given for a pool of single-host machines (ct6e-standard-4t); GKE refuses that.",
            "Leave topology out. (As a pod's nodeSelector the value is right.)",
            id="topology of one host",
        ),
        pytest.param(
            {"topology": "2x2", "machine_type": "e2-standard-4"},
            "topology 2x2 was given for a pool of single-host machines (e2-standard-4); GKE refuses that.",
            "Leave topology out. (As a pod's nodeSelector the value is right.)",
            id="topology without chips",
        ),
    ],
)
def test_contradictions_are_refused_before_anything_is_asked(options: dict[str, Any], said: str, remedy: str) -> None:
    stage = Stage(FakeGke())
    with pytest.raises(RhaiiError) as caught:
        play(stage, **options)
    assert (caught.value.msg, caught.value.remedy) == (said, remedy)
    assert stage.gke.calls == []


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"node_count": 0}, id="no node"),
        pytest.param({"spot": False, "flex_start": False, "reservation": "r"}, id="one way of three"),
        pytest.param({"max_run_duration": 1}, id="a second"),
        pytest.param({"max_run_duration": 604800}, id="seven days"),
        pytest.param({"flex_start": True}, id="flex-start"),
        pytest.param({"autoscaling": {"enabled": True, "min_nodes": 2, "max_nodes": 2}}, id="bounds of one size"),
        pytest.param({"autoscaling": {"enabled": False, "min_nodes": 1, "max_nodes": None}}, id="bounds of nothing"),
        pytest.param({"upgrade_settings": {"max_surge": 1, "max_unavailable": 0}}, id="a node more"),
        pytest.param({"upgrade_settings": {"max_surge": 0, "max_unavailable": 1}}, id="a node less"),
        pytest.param({"upgrade_settings": {"max_surge": 0, "max_unavailable": None}}, id="no node more"),
    ],
)
def test_what_is_no_contradiction_is_asked_for(options: dict[str, Any]) -> None:
    assert play(Stage(FakeGke()), **options)["changed"]


ANEW = "(GKE makes every node anew)"
UPGRADES = {"max_surge": 0, "max_unavailable": 1}
BOUNDS = {"enabled": True, "totalMinNodeCount": 1, "totalMaxNodeCount": 4}


@pytest.mark.parametrize(
    ("options", "changes", "asked", "before", "after"),
    [
        pytest.param(
            {"taints": [{"key": "a", "value": "b", "effect": "NoSchedule"}]},
            {},
            {"update pool taints": {"taints": {"taints": [{"key": "a", "value": "b", "effect": "NO_SCHEDULE"}]}}},
            {"taints": []},
            {"taints": ["a=b:NO_SCHEDULE"]},
            id="taints",
        ),
        pytest.param(
            {"upgrade_settings": {"max_surge": 2, "max_unavailable": None}},
            {},
            {"update pool upgradeSettings": {"upgradeSettings": {"maxSurge": 2, "maxUnavailable": 1}}},
            {"upgrade_settings": UPGRADES},
            {"upgrade_settings": {"max_surge": 2, "max_unavailable": 1}},
            id="nodes more",
        ),
        pytest.param(
            {"upgrade_settings": {"max_surge": None, "max_unavailable": 2}},
            {"upgradeSettings": {"maxSurge": 1}},
            {"update pool upgradeSettings": {"upgradeSettings": {"maxSurge": 1, "maxUnavailable": 2}}},
            {"upgrade_settings": {"max_surge": 1, "max_unavailable": 0}},
            {"upgrade_settings": {"max_surge": 1, "max_unavailable": 2}},
            id="nodes less",
        ),
        pytest.param(
            {"max_run_duration": 3600},
            {},
            {"update pool maxRunDuration": {"maxRunDuration": "3600s"}},
            {"max_run_duration": None},
            {"max_run_duration": 3600},
            id="run duration",
        ),
        pytest.param(
            {"workload_identity": False},
            {},
            {"update pool workloadMetadataConfig": {"workloadMetadataConfig": {"mode": "GCE_METADATA"}}},
            {"workload_identity": True},
            {"workload_identity": False},
            id="no identity",
        ),
        pytest.param(
            {"disk_type": "hyperdisk-extreme", "disk_size_gb": 300},
            {},
            {"update pool diskSizeGb": {"diskType": "hyperdisk-extreme", "diskSizeGb": 300}},
            {"disk_type": "hyperdisk-balanced", "disk_size_gb": 200},
            {"disk_type": f"hyperdisk-extreme {ANEW}", "disk_size_gb": f"300 {ANEW}"},
            id="disk, one call",
        ),
        pytest.param({"disk_type": "hyperdisk-balanced", "disk_size_gb": 200}, {}, {}, {}, {}, id="disk as it is"),
        pytest.param(
            {"auto_repair": False},
            {},
            {"management": {"autoRepair": False, "autoUpgrade": True}},
            {"auto_repair": True},
            {"auto_repair": False},
            id="no repair",
        ),
        pytest.param(
            {"auto_upgrade": True},
            {"management": None},
            {"management": {"autoRepair": False, "autoUpgrade": True}},
            {"auto_upgrade": False},
            {"auto_upgrade": True},
            id="upgrades",
        ),
        pytest.param({"auto_repair": True, "auto_upgrade": True}, {}, {}, {}, {}, id="both are on"),
        pytest.param(
            {"autoscaling": {"enabled": True, "min_nodes": 1, "max_nodes": 4}},
            {},
            {"autoscaling": {**BOUNDS, "locationPolicy": "ANY"}},
            {"autoscaling": "off"},
            {"autoscaling": "1 to 4 nodes"},
            id="autoscaling",
        ),
        pytest.param(
            {"autoscaling": {"enabled": False, "min_nodes": 0, "max_nodes": None}, "node_count": None},
            {"autoscaling": BOUNDS},
            {"autoscaling": {"enabled": False}},
            {"autoscaling": "1 to 4 nodes"},
            {"autoscaling": "off"},
            id="no autoscaling any more",
        ),
        pytest.param(
            {"autoscaling": {"enabled": True, "min_nodes": 1, "max_nodes": 4}},
            {"autoscaling": BOUNDS},
            {},
            {},
            {},
            id="the same bounds",
        ),
        pytest.param(
            {"autoscaling": {"enabled": False, "min_nodes": 1, "max_nodes": None}}, {}, {}, {}, {}, id="none at all"
        ),
        pytest.param(
            {"node_count": 9},
            {"autoscaling": {"enabled": True, "minNodeCount": 1, "maxNodeCount": 4}},
            {},
            {},
            {},
            id="the autoscaler decides",
        ),
        pytest.param(
            {"autoscaling": {"enabled": False, "min_nodes": 0, "max_nodes": None}, "node_count": 2},
            {"autoscaling": BOUNDS},
            {"autoscaling": {"enabled": False}, "size 2": None},
            {"autoscaling": "1 to 4 nodes", "node_count": 3},
            {"autoscaling": "off", "node_count": 2},
            id="the autoscaler decides no longer",
        ),
        pytest.param(
            {"workload_identity": True},
            configured(workloadMetadataConfig=None),
            {"update pool workloadMetadataConfig": {"workloadMetadataConfig": {"mode": "GKE_METADATA"}}},
            {"workload_identity": False},
            {"workload_identity": True},
            id="identity",
        ),
        pytest.param({"workload_identity": None}, configured(workloadMetadataConfig=None), {}, {}, {}, id="no matter"),
        pytest.param(
            {"max_run_duration": 3600}, configured(maxRunDuration="3600s"), {}, {}, {}, id="run duration as it is"
        ),
        pytest.param(
            {"flex_start": False, "node_count": None},
            configured(flexStart=True),
            {"update pool flexStart": {"flexStart": False}},
            {"flex_start": True},
            {"flex_start": False},
            id="flex-start no longer",
        ),
        pytest.param(
            {"flex_start": True, "node_count": None},
            {},
            {"update pool flexStart": {"flexStart": True}},
            {"flex_start": False},
            {"flex_start": True},
            id="flex-start",
        ),
    ],
)
def test_what_the_api_can_update_is_updated(
    options: dict[str, Any],
    changes: dict[str, Any],
    asked: dict[str, Any],
    before: dict[str, Any],
    after: dict[str, Any],
) -> None:
    stage = Stage(FakeGke(pool=pool_body(**changes)))
    foretold = play(stage, check_mode=True, **options)
    assert stage.gke.calls == []
    result = play(stage, **options)
    assert stage.gke.calls == list(asked)
    assert stage.gke.bodies == [body for body in asked.values() if body is not None]
    assert result["changed"] is foretold["changed"] is bool(asked)
    assert result["diff"] == foretold["diff"] == {"before": before, "after": after}


@pytest.mark.parametrize("check_mode", [True, False], ids=["check mode", "for real"])
def test_a_pool_of_ours_is_replaced_when_that_is_allowed(check_mode: bool) -> None:
    pool = pool_body(5)
    pool["config"]["labels"] = {"tier": "gold"}
    stage = Stage(FakeGke(pool=pool))
    result = play(stage, check_mode, spot=True, node_count=None, machine_type=None, replace=True)
    assert result["changed"]
    assert result["diff"] == {"before": {"spot": False}, "after": {"spot": "true (needs a new pool)"}}
    if check_mode:
        assert stage.gke.calls == []
        return
    assert stage.gke.calls == ["delete pool tpu-pool", "create pool 5"]
    assert stage.said[0] == "node pool tpu-pool: replacing it, because spot is false, wanted true"
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
    with pytest.raises(RhaiiError) as caught:
        play(stage)
    assert stage.clock.slept == []
    assert caught.value.msg == (
        f"europe-west4-a has no ct6e-standard-4t left at this moment ({NO_ROOM}): 0 of 3 nodes are up. The operation "
        "operation-1 cannot be cancelled; it goes on at Google for up to 35 minutes, and machines that it still gets "
        "will bill."
    )
    assert caught.value.remedy == (
        "Run the same again to await it (cluster_on_stockout: wait never gives up, move goes to the next location by "
        "itself), set rhaii_location to another zone, or end it: ansible-playbook playbooks/teardown.yml "
        "-e rhaii_location=europe-west4-a -e rhaii_teardown_confirm=prod"
    )
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
    assert stage.said[1] == (
        "node pool tpu-pool: creating the node pool (0 of 3 nodes up; the zone has none of these machines now, Google "
        "goes on asking), 0 s"
    )


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
    assert stage.said[-1] == f"node pool tpu-pool: {result['stockout_reason']}"
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


def test_machines_are_watched_when_asked_for_and_where_they_come() -> None:
    stage = Stage(FakeGke(looks=1000, stuck=NO_ROOM, stuck_machines=3))
    assert not play(stage, wait=False)["stockout"]
    assert not play(stage, wait=False)["stockout"]
    stage = Stage(FakeGke(pool=pool_body(), looks=1000))
    play(stage, wait=False, stockout_watch=45, labels={"team": "ml"})
    assert stage.clock.slept == []


def test_a_watch_of_a_growing_pool_ends_with_the_first_machine_more() -> None:
    stage = Stage(FakeGke(pool=pool_body(), looks=1000))

    def come(passed: float) -> None:
        if passed >= 20:
            stage.gke.pool = pool_body(4)

    stage.clock.on_sleep = come
    assert play(stage, wait=False, stockout_watch=180, node_count=5)["nodes_up"] == 4
    assert stage.clock.slept == [10.0, 10.0]


def test_a_watch_of_a_creation_that_is_joined_ends_with_what_is_up_already() -> None:
    stage = Stage(FakeGke(looks=1000, stuck_machines=2))
    play(stage, wait=False)
    assert play(stage, wait=False, stockout_watch=180)["nodes_up"] == 1
    assert stage.clock.slept == []


def test_a_watch_ends_with_a_stockout_that_is_to_be_waited_for() -> None:
    stage = Stage(FakeGke(looks=1000, stuck=NO_ROOM, stuck_machines=3))
    assert play(stage, wait=False, on_stockout="wait", stockout_watch=180)["stockout"]
    assert stage.clock.slept == []


def test_a_watch_does_not_believe_at_once_what_is_left_from_an_earlier_try() -> None:
    stage = Stage(FakeGke(pool=pool_body(status="RUNNING_WITH_ERROR"), looks=1000, stuck=NO_ROOM, stuck_machines=1))

    def relief(passed: float) -> None:
        stage.gke.stuck_machines = 0 if passed >= 20 else 1

    stage.clock.on_sleep = relief
    assert not play(stage, wait=False, stockout_watch=180)["stockout"]
    assert stage.clock.slept == [10.0, 10.0]


@pytest.mark.parametrize(
    ("tells", "said"),
    [
        pytest.param({"detail": "no more capacity"}, "no more capacity", id="in its words"),
        pytest.param(
            {"nodepoolConditions": [{"code": "GCE_STOCKOUT", "message": "none"}]},
            "GCE_STOCKOUT: none",
            id="in its code",
        ),
    ],
)
def test_an_operation_that_tells_of_a_stockout_while_it_runs(tells: dict[str, Any], said: str) -> None:
    stage = Stage(FakeGke(looks=1000, stuck_machines=3))
    play(stage, wait=False)
    stage.gke.operations["operation-1"].update(tells)
    with pytest.raises(RhaiiError) as caught:
        play(stage)
    assert f"left at this moment ({said}): 0 of 3 nodes are up." in caught.value.msg
    # what the groups say of their machines goes before
    stage.gke.stuck = NO_ROOM
    with pytest.raises(RhaiiError) as caught:
        play(stage)
    assert f"left at this moment ({NO_ROOM}): 0 of 3 nodes are up." in caught.value.msg


def test_an_operation_that_ended_with_a_stockout_is_reported_too() -> None:
    stockout = {"error": {"code": 8, "message": "[GCE_STOCKOUT]: no"}}
    stage = Stage(FakeGke(errors={"CREATE_NODE_POOL": stockout}))
    result = play(stage, on_stockout="report")
    assert result["stockout"]
    assert result["stockout_reason"] == (
        "Google ended creating the node pool (operation-1) with an error: RESOURCE_EXHAUSTED: [GCE_STOCKOUT]: no."
    )
    assert result["operation"] == {
        "name": "operation-1",
        "type": "CREATE_NODE_POOL",
        "status": "DONE",
        "error": "RESOURCE_EXHAUSTED: [GCE_STOCKOUT]: no",
    }


@pytest.mark.parametrize(
    ("code", "stockout"), [pytest.param(13, False, id="an error"), pytest.param(8, True, id="a stockout")]
)
def test_the_pool_is_told_as_a_failed_operation_leaves_it(code: int, stockout: bool) -> None:
    failed = {"error": {"code": code, "message": "no more capacity" if stockout else "boom"}}
    stage = Stage(FakeGke(errors={"CREATE_NODE_POOL": failed}, stuck_machines=1))

    def fail(passed: float) -> None:
        assert stage.gke.pool is not None
        stage.gke.pool["status"] = "ERROR"
        stage.gke.stuck_machines = 2

    stage.clock.on_sleep = fail
    stage.gke.looks = 1
    with pytest.raises(RhaiiError) as caught:
        play(stage)
    result = caught.value.result
    assert (result["status"], result["nodes_up"], result["stockout"]) == ("ERROR", 1, stockout)


def test_a_condition_of_the_pool_is_a_stockout_too() -> None:
    stage = Stage(FakeGke(looks=1000))
    play(stage, wait=False)
    assert stage.gke.pool is not None
    stage.gke.pool["conditions"] = [{"code": "GCE_STOCKOUT", "message": "none"}]
    with pytest.raises(RhaiiError, match="GCE_STOCKOUT: none"):
        play(stage)


def test_a_condition_that_the_operation_before_left_is_no_stockout() -> None:
    left = [{"code": "GCE_STOCKOUT", "message": "none"}]
    stage = Stage(FakeGke(pool=pool_body(conditions=left), looks=20))
    assert play(stage, node_count=5)["node_count"] == 5


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
    assert stage.said[1:] == [
        "node pool tpu-pool: Google is busy (429), asking again in 7 s",
        "node pool tpu-pool: Google is busy (503), asking again in 2 s",
    ]


def test_google_that_stays_busy_is_an_error_in_the_end() -> None:
    refusals = [GoogleError("create", 503, "UNAVAILABLE", "not now") for _ in range(99)]
    stage = Stage(FakeGke(refusals=refusals))
    with pytest.raises(GoogleError, match="503 UNAVAILABLE"):
        play(stage, wait_timeout=200)
    assert stage.gke.calls == ["create pool 3"] * 10
    assert stage.clock.slept == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 17.0]
    assert stage.clock.monotonic() == 200


def test_google_that_names_a_long_pause_is_asked_at_the_end_of_the_time() -> None:
    slow = GoogleError("create", 503, "UNAVAILABLE", "not now")
    slow.retry_after = 100_000.0
    stage = Stage(FakeGke(refusals=[slow]))
    assert play(stage, wait=False, wait_timeout=200)["changed"]
    assert stage.clock.slept == [200.0]


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
    with pytest.raises(RhaiiError, match=r"^europe-west4-a has no such machine left at this moment"):
        play(stage, node_count=4, machine_type=None)
    assert stage.clock.slept == [10.0]
