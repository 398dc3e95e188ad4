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
    "disk_type": None,
    "disk_size_gb": None,
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
        pytest.param({"disk_type": "pd-ssd"}, "disk_type is hyperdisk-balanced, wanted pd-ssd", id="disk type"),
        pytest.param({"disk_size_gb": 100}, "disk_size_gb is 200, wanted 100", id="disk size"),
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
    assert "state: absent" in caught.value.remedy
    assert caught.value.result["diff"]["after"] == todo.after
    assert caught.value.result["node_count"] == 3
    assert stage.gke.calls == []


def test_what_gke_adds_by_itself_is_no_difference() -> None:
    config = {
        "machineType": "ct6e-standard-4t",
        "labels": {"cloud.google.com/gke-tpu-accelerator": "tpu-v6e-slice"},
        "taints": [{"key": "google.com/tpu", "value": "present", "effect": "NO_SCHEDULE"}],
        "resourceLabels": {**OURS, "goog-gke-node": ""},
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


def test_broken_pool_is_said_with_its_reason() -> None:
    broken = pool_body(status="ERROR", statusMessage="no room")
    with pytest.raises(RhaiiError, match="is ERROR: no room"):
        play(Stage(FakeGke(pool=broken)))


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
