# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""gke_node_pool in full: every key of its result, every sentence of its refusals, and what is left running."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._gke.pool_plan import body_of, plan
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import Instance
from ansible_collections.rhaii.gke.plugins.module_utils._google import GoogleError

from tests.unit.plugins.module_utils.fake_gke import OURS, FakeGke, Stage, pool_body
from tests.unit.plugins.module_utils.gke.test_cluster_results import operation, statuses
from tests.unit.plugins.module_utils.gke.test_node_pool import BOUNDS, configured, play, wanted

NAMED = {"name": "tpu-pool", "cluster": "c", "location": "europe-west4-a"}
POOL = "clusters/c/nodePools/tpu-pool"
NODES_RUN = "Delete it (state: absent) and ask again; it is not done unasked, because nodes of it run."
REPAIRED = "Run the same again, which repairs it, or delete it (state: absent) and ask in another zone."
UNCHANGED: dict[str, Any] = {
    **NAMED,
    "changed": False,
    "exists": True,
    "stockout": False,
    "operation": None,
    "status": "RUNNING",
    "node_count": 3,
    "nodes_up": 3,
    "nodes": ["grp-0", "grp-1", "grp-2"],
    "machine_type": "ct6e-standard-4t",
    "spot": False,
    "flex_start": False,
    "reservation": "",
    "autoscaling": "off",
    "labels": OURS,
    "instance_groups": ["grp"],
    "diff": {"before": {}, "after": {}},
}


def refusal(stage: Stage, **changes: Any) -> RhaiiError:
    with pytest.raises(RhaiiError) as failure:
        play(stage, **changes)
    return failure.value


def test_result_of_a_pool_as_wanted() -> None:
    assert play(Stage(FakeGke(pool=pool_body()))) == UNCHANGED


def test_result_of_a_spot_pool() -> None:
    assert play(Stage(FakeGke(pool=configured(spot=True))), spot=True) == {**UNCHANGED, "spot": True}


def test_result_of_a_pool_of_which_google_says_little() -> None:
    stage = Stage(FakeGke(pool={"initialNodeCount": 2}))
    assert play(stage, check_mode=True, state="absent", force_unlabelled=True) == {
        **NAMED,
        "changed": True,
        "exists": True,
        "stockout": False,
        "operation": None,
        "status": "",
        "node_count": 2,
        "nodes_up": 0,
        "nodes": [],
        "machine_type": "",
        "spot": False,
        "flex_start": False,
        "reservation": "",
        "autoscaling": "off",
        "labels": {},
        "instance_groups": [],
        "diff": {"before": {"name": "tpu-pool", "node_count": 2}, "after": {}},
    }


@pytest.mark.parametrize("gone", [None, pool_body(status="STOPPING")])
def test_check_mode_shows_what_would_be_created(gone: dict[str, Any] | None) -> None:
    result = play(Stage(FakeGke(pool=gone)), check_mode=True)
    assert result["changed"]
    assert result["diff"] == {"before": {}, "after": body_of(wanted())}


def test_creation_shows_what_was_created() -> None:
    assert play(Stage(FakeGke()))["diff"] == {"before": {}, "after": body_of(wanted())}


def test_changes_of_labels_are_shown_and_keep_foreign_ones() -> None:
    stage = Stage(FakeGke(pool=configured(labels={"a": "b"}, resourceLabels={"x": "y", **OURS})))
    result = play(stage, check_mode=True, node_labels={"c": "d"}, labels={"team": "ml"})
    assert result["changed"]
    assert result["diff"] == {
        "before": {"node_labels": {"a": "b"}, "labels": {"x": "y", **OURS}},
        "after": {"node_labels": {"a": "b", "c": "d"}, "labels": {"x": "y", "team": "ml", **OURS}},
    }


@pytest.mark.parametrize("nothing", [None, {}])
def test_pool_without_labels_gets_ours(nothing: Any) -> None:
    todo = plan(wanted(node_labels={"c": "d"}), configured(labels=nothing, resourceLabels=nothing), 3, 3)
    assert todo.before == {"node_labels": {}, "labels": {}}
    assert todo.updates == ({"labels": {"labels": {"c": "d"}}}, {"resourceLabels": {"labels": OURS}})


def test_what_is_fixed_is_refused_with_the_differences() -> None:
    error = refusal(Stage(FakeGke(pool=pool_body())), machine_type="ct6e-standard-8t", spot=True)
    assert error.msg == (
        "The node pool tpu-pool cannot be changed to what is wanted: machine_type is ct6e-standard-4t, wanted "
        "ct6e-standard-8t; spot is false, wanted true; that is fixed when a pool is created."
    )
    assert error.remedy == (
        "Set the option to what the pool has, or have it deleted and created again, with all that runs on it "
        "(replace: true, cluster_tpu_replace)."
    )
    assert error.result["diff"] == {
        "before": {"machine_type": "ct6e-standard-4t", "spot": False},
        "after": {"machine_type": "ct6e-standard-8t (needs a new pool)", "spot": "true (needs a new pool)"},
    }


def test_nodes_are_the_same_number_in_every_zone() -> None:
    error = refusal(Stage(FakeGke(pool=pool_body(locations=["europe-west4-a", "europe-west4-b"]))), node_count=5)
    assert error.msg == (
        "node_count 5 cannot be spread over the 2 zones of the pool tpu-pool: GKE wants the same number in each."
    )
    assert error.remedy == "Give a multiple of 2."


def test_pool_that_is_being_deleted_is_not_touched() -> None:
    error = refusal(Stage(FakeGke(pool=pool_body(status="STOPPING"))), wait=False)
    assert error.msg == "The node pool tpu-pool is being deleted."
    assert error.remedy == "Run again when it is gone, or with wait: true."


@pytest.mark.parametrize("state", ["present", "absent"])
def test_pool_that_is_being_deleted_is_awaited(state: str) -> None:
    stage = Stage(FakeGke(pool=pool_body(status="STOPPING")))
    error = refusal(stage, state=state)
    assert error.msg == "The node pool tpu-pool was still being deleted after 40 min."
    assert (stage.gke.calls, stage.clock.monotonic()) == ([], 2400)


def test_missing_cluster_is_said() -> None:
    error = refusal(Stage(FakeGke(refusals=[GoogleError("create", 404, "NOT_FOUND", "no")])))
    assert error.msg == "The cluster c does not exist in europe-west4-a."
    assert error.remedy == "Create it first (gke_cluster), or correct cluster and location."


@pytest.mark.parametrize(("status", "there"), [(409, False), (500, True)])
def test_refused_creation_is_not_repeated(status: int, there: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(FakeGke())

    def refused(cluster: str, body: Any) -> Any:
        stage.gke.pool = pool_body() if there else None
        raise GoogleError("create", status, "", "no")

    monkeypatch.setattr(stage.gke, "create_node_pool", refused)
    assert isinstance(refusal(stage), GoogleError)


REASONS = pytest.mark.parametrize(
    ("pool", "said"),
    [
        pytest.param({"statusMessage": "boom"}, "boom", id="with a message"),
        pytest.param({}, "no reason given", id="without a reason"),
        pytest.param(
            {"conditions": [{"code": "GCE_STOCKOUT", "message": "out"}], "statusMessage": "boom"},
            "GCE_STOCKOUT: out",
            id="with a condition",
        ),
    ],
)


@REASONS
def test_broken_pool_is_refused(pool: dict[str, Any], said: str) -> None:
    stage = Stage(FakeGke(pool=pool_body(status="ERROR", **pool)))
    error = refusal(stage)
    assert (error.msg, error.remedy) == (f"The node pool tpu-pool is ERROR: {said}.", NODES_RUN)
    assert not stage.gke.calls


def test_pool_without_a_status_is_refused() -> None:
    error = refusal(Stage(FakeGke(pool=pool_body(status=None))))
    assert (error.msg, error.remedy) == ("The node pool tpu-pool is gone: no reason given.", REPAIRED)


@REASONS
def test_broken_pool_without_nodes_is_made_anew(pool: dict[str, Any], said: str) -> None:
    stage = Stage(FakeGke(pool=pool_body(status="ERROR", **pool), stuck_machines=3))
    assert play(stage, wait=False)["diff"]["before"] == {"status": "ERROR", "problem": said}
    assert stage.gke.calls == ["delete pool tpu-pool", "create pool 3"]
    assert statuses(stage) == ["DONE", "RUNNING"]


def test_pool_that_is_gone_after_its_creation_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(FakeGke())
    monkeypatch.setattr(stage.gke, "get_node_pool", lambda cluster, pool: None)
    error = refusal(stage)
    assert (error.msg, error.remedy) == ("The node pool tpu-pool is gone: no reason given.", REPAIRED)


def test_growth_that_leaves_no_node_is_said_with_what_repairs_it() -> None:
    stage = Stage(FakeGke(pool=pool_body(), stuck_machines=5))

    def fail(passed: float) -> None:
        stage.gke.pool = pool_body(5, status="ERROR", statusMessage="boom")

    stage.clock.on_sleep = fail
    error = refusal(stage, node_count=5)
    assert (error.msg, error.remedy) == ("The node pool tpu-pool is ERROR: boom.", REPAIRED)


def test_labels_of_a_pool_that_runs_in_part_are_changed_without_judging_it() -> None:
    stage = Stage(FakeGke(pool=pool_body(status="RUNNING_WITH_ERROR", autoscaling=BOUNDS)))
    assert play(stage, labels={"team": "ml"})["status"] == "RUNNING_WITH_ERROR"
    assert stage.gke.calls == ["update pool resourceLabels"]


def test_growth_after_which_google_works_on_is_no_error() -> None:
    stage = Stage(FakeGke(pool=pool_body(status="RECONCILING"), stuck_machines=1))
    result = play(stage, node_count=5)
    assert (result["status"], result["node_count"], result["nodes_up"]) == ("RECONCILING", 5, 4)


@pytest.mark.parametrize("status", ["RECONCILING", "PROVISIONING"])
def test_pool_that_is_worked_on_is_no_reason_to_stop(status: str) -> None:
    assert play(Stage(FakeGke(pool=pool_body(status=status)))) == {**UNCHANGED, "status": status}


def test_only_the_last_change_is_not_awaited() -> None:
    stage = Stage(FakeGke(pool=pool_body()))
    result = play(stage, wait=False, node_labels={"a": "b"}, labels={"team": "ml"})
    assert statuses(stage) == ["DONE", "RUNNING"]
    assert result["operation"] == operation(2, "UPGRADE_NODES", "RUNNING")
    stage = Stage(FakeGke(pool=pool_body()))
    result = play(stage, wait=False, node_labels={"a": "b"}, node_count=5)
    assert statuses(stage) == ["DONE", "RUNNING"]
    assert result["operation"] == operation(2, "SET_NODE_POOL_SIZE", "RUNNING")
    assert result["diff"] == {
        "before": {"node_labels": {}, "node_count": 3},
        "after": {"node_labels": {"a": "b"}, "node_count": 5},
    }


@pytest.mark.parametrize(("wait", "status"), [(True, "DONE"), (False, "RUNNING")])
@pytest.mark.parametrize("change", [{"labels": {"team": "ml"}}, {"node_count": 5}])
def test_single_change_is_awaited_when_asked_for(change: dict[str, Any], wait: bool, status: str) -> None:
    stage = Stage(FakeGke(pool=pool_body()))
    play(stage, wait=wait, **change)
    assert statuses(stage) == [status]


def test_growth_is_told_with_the_nodes_that_run(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(FakeGke(pool=pool_body()))
    states = [("RUNNING", "NONE"), ("RUNNING", ""), ("RUNNING", "CREATING"), ("STAGING", "NONE"), ("", "CREATING")]
    found = [Instance(f"zones/z/instances/n{index}", *state) for index, state in enumerate(states)]
    monkeypatch.setattr(stage.gke, "instances", lambda group: found)
    play(stage, node_count=5)
    assert stage.said == [
        "node pool tpu-pool: asking for 5 nodes instead of 3",
        "node pool tpu-pool: resizing the node pool (2 of 5 nodes up), 0 s",
    ]


def test_growth_that_somebody_else_asked_for_is_told_without_a_goal() -> None:
    stage = Stage(FakeGke(pool=pool_body()))
    stage.gke.start("SET_NODE_POOL_SIZE", POOL)
    play(stage, node_count=None)
    assert stage.said == [
        "node pool tpu-pool: joining the running operation operation-1",
        "node pool tpu-pool: resizing the node pool (3 nodes up), 0 s",
    ]


def test_other_operations_are_told_without_nodes() -> None:
    stage = Stage(FakeGke(pool=pool_body()))
    play(stage, state="absent")
    assert stage.said == ["node pool tpu-pool: deleting the node pool, 0 s"]


def test_running_operation_is_returned_without_wait() -> None:
    stage = Stage(FakeGke(pool=pool_body()))
    stage.gke.start("SET_NODE_POOL_SIZE", "clusters/c/nodePools/other")
    stage.gke.start("UPGRADE_NODES", POOL)
    stage.gke.start("SET_NODE_POOL_SIZE", POOL)
    result = play(stage, wait=False, node_count=5)
    assert result == {**UNCHANGED, "operation": operation(2, "UPGRADE_NODES", "RUNNING")}
    assert not stage.gke.calls


def test_operation_that_is_joined_is_in_the_result_when_google_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(FakeGke(pool=pool_body()))
    stage.gke.start("UPGRADE_NODES", POOL)

    def away(name: str) -> Any:
        raise GoogleError("look", 503, "", "away")

    monkeypatch.setattr(stage.gke, "get_operation", away)
    assert refusal(stage).result["operation"] == operation(1, "UPGRADE_NODES", "RUNNING")


def test_error_of_an_operation_is_told_when_google_goes_away_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(FakeGke(pool=pool_body(), errors={"DELETE_NODE_POOL": {"error": {"code": 13, "message": "boom"}}}))

    def away(cluster: str, pool: str) -> Any:
        if stage.gke.operations:
            raise GoogleError("look", 503, "", "away")
        return stage.gke.pool

    monkeypatch.setattr(stage.gke, "get_node_pool", away)
    error = refusal(stage, state="absent")
    assert error.msg == "Google ended deleting the node pool (operation-1) with an error: INTERNAL: boom."
    assert error.result["node_count"] == 3


def test_work_goes_on_after_what_was_joined() -> None:
    stage = Stage(FakeGke(pool=pool_body()))
    stage.gke.start("UPGRADE_NODES", POOL)
    assert play(stage, node_count=5)["node_count"] == 5
    assert stage.gke.calls == ["size 5"]


def test_pool_that_somebody_else_just_made_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(FakeGke())

    def refused(cluster: str, body: Any) -> Any:
        stage.gke.pool = pool_body()
        raise GoogleError("create", 409, "", "already exists")

    monkeypatch.setattr(stage.gke, "create_node_pool", refused)
    assert play(stage) == UNCHANGED


def test_operation_of_another_pool_is_waited_for_when_google_says_so() -> None:
    conflict = GoogleError("resize", 400, "", "Cluster is running incompatible operation")
    stage = Stage(FakeGke(pool=pool_body(), refusals=[conflict]))
    stage.gke.start("UPGRADE_NODES", "clusters/c/nodePools/other")
    play(stage, node_count=5)
    assert stage.gke.calls == ["size 5", "size 5"]
    assert (
        "node pool tpu-pool: another operation is in the way, waiting for it (updating the nodes, operation-1)"
        in stage.said
    )
    assert statuses(stage) == ["DONE", "DONE"]


def test_deletion_shows_what_was_there() -> None:
    result = play(Stage(FakeGke(pool=pool_body())), state="absent")
    assert (result["changed"], result["exists"]) == (True, False)
    assert result["diff"] == {"before": {"name": "tpu-pool", "node_count": 3}, "after": {}}


def test_deletion_is_not_awaited_without_wait() -> None:
    stage = Stage(FakeGke(pool=pool_body()))
    stage.gke.start("UPGRADE_NODES", "clusters/c/nodePools/other")
    result = play(stage, state="absent", wait=False)
    assert result["operation"] == operation(2, "DELETE_NODE_POOL", "RUNNING")
    assert statuses(stage) == ["RUNNING", "RUNNING"]
