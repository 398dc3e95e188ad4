# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""gke_cluster: decisions as tables, and the run against a GKE in memory."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._gke.cluster import run
from ansible_collections.rhaii.gke.plugins.module_utils._gke.cluster_plan import Wanted, body_of, plan
from ansible_collections.rhaii.gke.plugins.module_utils._google import GoogleError

from tests.unit.plugins.module_utils.fake_gke import OURS, FakeGke, Stage, cluster_body, pool_in

PARAMS: dict[str, Any] = {
    "project": "p",
    "location": "europe-west4-a",
    "name": "c",
    "state": "present",
    "environment": "prod",
    "labels": {},
    "release_channel": "regular",
    "kubernetes_version": None,
    "dataplane_v2": True,
    "workload_identity": True,
    "network": None,
    "subnetwork": None,
    "private_nodes": None,
    "authorized_networks": None,
    "dns_endpoint": None,
    "maintenance_window": None,
    "maintenance_exclusions": None,
    "hold_node_upgrades": None,
    "debts": None,
    "keep": None,
    "ca_file": None,
    "default_pool": None,
    "force_unlabelled": False,
    "delete_foreign_pools": False,
    "wait": True,
    "wait_timeout": 1800,
    "wait_interval": 10.0,
}

QUOTA = {"conditions": [{"code": "GCE_QUOTA_EXCEEDED", "message": "CPUS"}]}
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def wanted(**changes: Any) -> Wanted:
    return Wanted.from_params({**PARAMS, **changes})


def play(stage: Stage, check_mode: bool = False, **changes: Any) -> dict[str, Any]:
    return run({**PARAMS, **changes}, stage.ports, stage.said.append, check_mode)


def test_absent_cluster_is_created_and_awaited() -> None:
    stage = Stage(FakeGke())
    result = play(stage)
    assert result["changed"]
    assert stage.gke.calls == ["create c"]
    assert result["status"] == "RUNNING"
    assert result["endpoint"] == "203.0.113.7"
    assert result["ca_certificate"].startswith("-----BEGIN CERTIFICATE-----")
    assert result["operation"] == {
        "name": "operation-1",
        "type": "CREATE_CLUSTER",
        "status": "DONE",
        "error": None,
    }
    assert stage.said == [
        "cluster c: asking for it in europe-west4-a",
        "cluster c: creating the cluster, 0 s",
    ]
    assert "token" not in str(result)


def test_second_run_changes_nothing_and_asks_for_nothing() -> None:
    stage = Stage(FakeGke(cluster=cluster_body()))
    result = play(stage)
    assert not result["changed"]
    assert stage.gke.calls == []
    assert result["diff"] == {"before": {}, "after": {}}


@pytest.mark.parametrize(
    ("cluster", "changed"),
    [
        pytest.param(None, True, id="absent"),
        pytest.param(cluster_body(), False, id="as wanted"),
        pytest.param(cluster_body(releaseChannel={"channel": "STABLE"}), True, id="in another channel"),
        pytest.param(cluster_body(status="STOPPING"), True, id="on its way out"),
        pytest.param(cluster_body(status="PROVISIONING"), False, id="on its way in"),
    ],
)
def test_check_mode_foretells_and_touches_nothing(cluster: Any, changed: bool) -> None:
    stage = Stage(FakeGke(cluster=cluster))
    result = play(stage, check_mode=True)
    assert result["changed"] is changed
    assert stage.gke.calls == []
    assert stage.clock.slept == []


def test_created_without_waiting_returns_the_operation() -> None:
    stage = Stage(FakeGke())
    result = play(stage, wait=False)
    assert result["operation"]["status"] == "RUNNING"
    assert result["status"] == "PROVISIONING"
    assert stage.clock.slept == []


def test_a_creation_that_runs_already_is_joined() -> None:
    stage = Stage(FakeGke())
    stage.gke.create_cluster(body_of(wanted(), NOW))
    stage.gke.calls.clear()
    result = play(stage)
    assert not result["changed"]
    assert stage.gke.calls == []
    assert result["status"] == "RUNNING"
    assert "cluster c: joining the running operation operation-1" in stage.said


def test_a_deletion_that_runs_already_is_awaited_before_creating() -> None:
    stage = Stage(FakeGke(cluster=cluster_body()))
    stage.gke.delete_cluster("c")
    assert stage.gke.cluster is not None
    stage.gke.cluster["status"] = "STOPPING"
    stage.gke.calls.clear()
    result = play(stage)
    assert result["changed"]
    assert stage.gke.calls == ["create c"]


def test_somebody_faster_is_joined() -> None:
    stage = Stage(FakeGke())
    conflict = GoogleError("create the cluster c", 409, "ALREADY_EXISTS", "Already exists")
    stage.gke.refusals.append(conflict)
    original = stage.gke.create_cluster

    def lose_the_race(body: dict[str, Any]) -> Any:
        try:
            return original(body)
        except GoogleError:
            original(body)
            raise

    stage.gke.create_cluster = lose_the_race  # type: ignore[method-assign]  # the race is the test
    result = play(stage)
    assert not result["changed"]
    assert result["status"] == "RUNNING"


def test_creation_that_ends_with_an_error_is_an_error_with_code_and_remedy() -> None:
    failed = {"error": {"code": 8, "message": "Insufficient regional quota CPUS: quota exceeded"}}
    stage = Stage(FakeGke(errors={"CREATE_CLUSTER": failed}))
    with pytest.raises(RhaiiError) as caught:
        play(stage)
    assert caught.value.msg == (
        "Google ended creating the cluster (operation-1) with an error: RESOURCE_EXHAUSTED: Insufficient regional "
        "quota CPUS: quota exceeded."
    )
    assert caught.value.remedy == (
        "Ask for more quota at https://console.cloud.google.com/iam-admin/quotas, or want fewer nodes."
    )
    # what there is after it
    assert (caught.value.result["changed"], caught.value.result["status"]) == (True, "PROVISIONING")


def test_time_out_names_the_running_operation_and_how_to_go_on() -> None:
    stage = Stage(FakeGke(looks=10_000))
    with pytest.raises(RhaiiError) as caught:
        play(stage, wait_timeout=300)
    assert "was not done after 5 min" in caught.value.msg
    assert "operation-1" in caught.value.msg
    assert "joins the running operation" in caught.value.remedy
    assert stage.clock.monotonic() == 300
    assert caught.value.result["operation"]["status"] == "RUNNING"


def test_a_line_a_minute_while_nothing_changes() -> None:
    stage = Stage(FakeGke(looks=31))
    play(stage)
    creating = [line.rsplit(", ", 1)[1] for line in stage.said if "creating" in line]
    assert creating == ["0 s", "60 s", "2 min", "3 min", "4 min", "5 min"]


def test_updates_are_asked_one_after_the_other() -> None:
    stage = Stage(FakeGke(cluster=cluster_body(workloadIdentityConfig={})))
    result = play(stage, release_channel="stable", labels={"team": "ml"})
    assert result["changed"]
    assert stage.gke.calls == ["labels f1", "update desiredReleaseChannel", "update desiredWorkloadIdentityConfig"]
    assert stage.gke.bodies == [
        {"desiredReleaseChannel": {"channel": "STABLE"}},
        {"desiredWorkloadIdentityConfig": {"workloadPool": "p.svc.id.goog"}},
    ]
    assert result["labels"] == {"team": "ml", **OURS}
    assert all(body["status"] == "DONE" for body in stage.gke.operations.values())
    assert result["diff"]["before"]["release_channel"] == "regular"
    assert result["diff"]["after"]["release_channel"] == "stable"


def test_an_operation_in_the_way_is_awaited_not_collided_with() -> None:
    stage = Stage(FakeGke(cluster=cluster_body(releaseChannel={"channel": "STABLE"})))
    stage.gke.start("UPGRADE_MASTER", "clusters/c")
    stage.gke.refusals.append(
        GoogleError("update", 400, "FAILED_PRECONDITION", "Cluster is running incompatible operation operation-1.")
    )
    result = play(stage)
    assert result["changed"]
    assert stage.gke.calls == ["update desiredReleaseChannel"] * 2
    assert any("another operation is in the way" in line for line in stage.said)


def test_other_refusals_are_passed_on() -> None:
    stage = Stage(FakeGke(cluster=cluster_body(releaseChannel={"channel": "STABLE"})))
    stage.gke.refusals.append(GoogleError("update the cluster c", 403, "PERMISSION_DENIED", "no"))
    with pytest.raises(GoogleError, match="Google refused to update the cluster c: 403 PERMISSION_DENIED: no"):
        play(stage)


def test_what_cannot_be_changed_is_refused_with_a_diff() -> None:
    stage = Stage(FakeGke(cluster=cluster_body(networkConfig={})))
    with pytest.raises(RhaiiError) as caught:
        play(stage)
    assert "dataplane_v2 is false" in caught.value.msg
    assert caught.value.result["diff"]["after"] == {"dataplane_v2": True}
    assert stage.gke.calls == []


ANOTHERS = {**OURS, "rhaii-environment": "dev"}
# labels, whose it seems to be by them, and whether force may delete it
FOREIGN = pytest.mark.parametrize(
    ("labels", "whose", "forced"),
    [
        pytest.param({}, "carries no label that names an owner", True, id="no label"),
        pytest.param(
            {"managed-by": "terraform"},
            "seems to be terraform's (label managed-by=terraform)",
            True,
            id="another manager",
        ),
        pytest.param(
            {"managed-by": "rhaii-gke"},
            "carries managed-by=rhaii-gke and names no environment (rhaii-environment)",
            True,
            id="no environment",
        ),
        pytest.param(ANOTHERS, "belongs to the environment dev", False, id="another environment"),
    ],
)


@pytest.mark.parametrize("check_mode", [True, False], ids=["check mode", "for real"])
@pytest.mark.parametrize("status", ["RUNNING", "PROVISIONING", "RECONCILING", "STOPPING", "ERROR", "DEGRADED"])
@pytest.mark.parametrize("state", ["present", "absent"])
@FOREIGN
def test_a_foreign_cluster_is_refused_and_not_awaited(
    state: str, labels: dict[str, str], whose: str, forced: bool, status: str, check_mode: bool
) -> None:
    stage = Stage(FakeGke(cluster=cluster_body(resourceLabels=labels, status=status, releaseChannel={})))
    stage.gke.start("UPDATE_CLUSTER", "clusters/c")
    with pytest.raises(RhaiiError) as caught:
        play(stage, check_mode, state=state)
    assert caught.value.msg == (
        f"The cluster c in europe-west4-a was not made for the environment prod: it {whose}. It is left alone."
    )
    force = " To delete it all the same, do that yourself, or say force_unlabelled: true."
    offered = force if forced and state == "absent" else ""
    assert caught.value.remedy == "Give another name (rhaii_cluster_name)." + offered
    assert (stage.gke.calls, stage.clock.slept, stage.said) == ([], [], [])


@FOREIGN
def test_force_deletes_a_foreign_cluster_but_not_another_environments(
    labels: dict[str, str], whose: str, forced: bool
) -> None:
    stage = Stage(FakeGke(cluster=cluster_body(resourceLabels=labels)))
    if forced:
        assert play(stage, state="absent", force_unlabelled=True)["changed"]
        return
    with pytest.raises(RhaiiError, match="belongs to the environment dev"):
        play(stage, state="absent", force_unlabelled=True)
    assert stage.gke.calls == []


def test_what_was_made_by_somebody_else_while_ours_went_is_refused() -> None:
    stage = Stage(FakeGke(cluster=cluster_body(status="STOPPING")))
    stage.gke.start(
        "DELETE_CLUSTER", "clusters/c", lambda: setattr(stage.gke, "cluster", cluster_body(resourceLabels={}))
    )
    with pytest.raises(RhaiiError, match="carries no label that names an owner"):
        play(stage)
    assert stage.gke.calls == []


GPU = pool_in("gpu", {"goog-terraform-provisioned": "true", **OURS})
BATCH = pool_in("batch", {"managed-by": "ops"})


@pytest.mark.parametrize("check_mode", [True, False], ids=["check mode", "for real"])
@pytest.mark.parametrize("force", [True, False], ids=["by force", "without"])
def test_a_cluster_with_pools_of_others_is_not_deleted(check_mode: bool, force: bool) -> None:
    pools = [GPU, pool_in("default-pool"), BATCH, {"name": "bare"}, pool_in("dev", ANOTHERS)]
    stage = Stage(FakeGke(cluster=cluster_body(nodePools=pools)))
    with pytest.raises(RhaiiError) as caught:
        play(stage, check_mode, state="absent", force_unlabelled=force)
    assert caught.value.msg == (
        "The cluster c in europe-west4-a is not deleted, because it holds node pools that were not made for the "
        "environment prod: bare carries no label that names an owner; "
        "batch seems to be ops's (label managed-by=ops); "
        "dev belongs to the environment dev; "
        "gpu seems to be made by Terraform (label goog-terraform-provisioned), whatever else it is labelled."
    )
    assert caught.value.remedy == (
        "Move away what runs on them and delete them yourself, or, to delete them with it, say "
        "delete_foreign_pools: true (-e rhaii_delete_foreign=true)."
    )
    assert (stage.gke.calls, stage.clock.slept) == ([], [])


def test_pools_of_others_go_with_the_cluster_when_that_is_said() -> None:
    stage = Stage(FakeGke(cluster=cluster_body(nodePools=[GPU, BATCH])))
    assert not play(stage, state="absent", delete_foreign_pools=True)["exists"]
    assert stage.gke.calls == ["delete c"]


def test_a_pool_that_somebody_makes_while_the_deletion_waits_is_seen() -> None:
    conflict = GoogleError(
        "delete", 400, "FAILED_PRECONDITION", "Cluster is running incompatible operation operation-1."
    )
    stage = Stage(FakeGke(cluster=cluster_body(), refusals=[conflict]))
    made = lambda: setattr(stage.gke, "cluster", cluster_body(nodePools=[pool_in("default-pool"), BATCH]))  # noqa: E731
    stage.gke.start("CREATE_NODE_POOL", "clusters/c/nodePools/batch", made)
    with pytest.raises(RhaiiError, match="batch seems to be ops's"):
        play(stage, state="absent")
    # refused by Google once, and not asked again
    assert stage.gke.calls == ["delete c"]


@pytest.mark.parametrize("check_mode", [True, False], ids=["check mode", "for real"])
def test_a_broken_cluster_with_a_pool_of_others_is_not_made_anew(check_mode: bool) -> None:
    theirs = {**BATCH, "name": "default-pool"}
    stage = Stage(FakeGke(cluster=cluster_body(status="ERROR", nodePools=[theirs])))
    with pytest.raises(RhaiiError, match="default-pool seems to be ops's"):
        play(stage, check_mode)
    assert stage.gke.calls == []
    assert play(stage, check_mode, delete_foreign_pools=True)["changed"]


@pytest.mark.parametrize("check_mode", [True, False], ids=["check mode", "for real"])
@pytest.mark.parametrize(
    ("labels", "keep", "why"),
    [
        pytest.param({**OURS, "rhaii-keep": "true"}, None, "it carries the label rhaii-keep=true", id="by its label"),
        pytest.param({**OURS, "rhaii-keep": "true"}, True, "it carries the label rhaii-keep=true", id="by both"),
        pytest.param(OURS, True, "keep is true", id="by the option"),
    ],
)
@pytest.mark.parametrize("state", ["present", "absent"])
def test_what_is_protected_is_neither_made_anew_nor_deleted(
    state: str, labels: dict[str, str], keep: bool | None, why: str, check_mode: bool
) -> None:
    stage = Stage(FakeGke(cluster=cluster_body(status="ERROR", resourceLabels=labels, **QUOTA)))
    with pytest.raises(RhaiiError) as caught:
        play(stage, check_mode, state=state, keep=keep)
    status = ", which is ERROR (GCE_QUOTA_EXCEEDED: CPUS)," if state == "present" else ""
    assert caught.value.msg == f"The cluster c in europe-west4-a{status} is protected: {why}."
    assert caught.value.remedy == "To delete it all the same, say keep: false (-e rhaii_keep=false)."
    assert stage.gke.calls == []


def test_protection_that_is_lifted_lets_a_broken_cluster_be_made_anew() -> None:
    stage = Stage(FakeGke(cluster=cluster_body(status="ERROR", resourceLabels={**OURS, "rhaii-keep": "true"})))
    assert play(stage, keep=False)["labels"] == OURS
    assert stage.gke.calls == ["delete c", "create c"]


@pytest.mark.parametrize("check_mode", [True, False], ids=["check mode", "for real"])
def test_a_broken_cluster_that_is_empty_and_ours_is_made_anew(check_mode: bool) -> None:
    stage = Stage(FakeGke(cluster=cluster_body(status="ERROR", **QUOTA)))
    result = play(stage, check_mode)
    assert result["changed"]
    assert result["diff"]["before"] == {"status": "ERROR", "problem": "GCE_QUOTA_EXCEEDED: CPUS"}
    assert result["diff"]["after"]["name"] == "c"
    assert stage.gke.calls == ([] if check_mode else ["delete c", "create c"])
    assert result["status"] == ("ERROR" if check_mode else "RUNNING")
    if not check_mode:
        said = "cluster c: it is ERROR (GCE_QUOTA_EXCEEDED: CPUS) and empty; deleting it and creating it again"
        assert said in stage.said


def test_a_broken_cluster_is_not_deleted_unasked() -> None:
    pools = [pool_in("default-pool"), pool_in("tpu-pool")]
    stage = Stage(FakeGke(cluster=cluster_body(**{"status": "ERROR", **QUOTA, "nodePools": pools})))
    with pytest.raises(RhaiiError, match="not empty") as caught:
        play(stage)
    assert caught.value.remedy
    assert stage.gke.calls == []


def test_absent_deletes_and_awaits() -> None:
    stage = Stage(FakeGke(cluster=cluster_body()))
    result = play(stage, state="absent")
    assert result["changed"]
    assert not result["exists"]
    assert stage.gke.calls == ["delete c"]
    assert result["diff"] == {"before": {"name": "c", "status": "RUNNING"}, "after": {}}


def test_absent_of_nothing_is_nothing() -> None:
    stage = Stage(FakeGke())
    result = play(stage, state="absent")
    assert not result["changed"]
    assert stage.gke.calls == []


def test_absent_in_check_mode_only_says_so() -> None:
    stage = Stage(FakeGke(cluster=cluster_body()))
    assert play(stage, check_mode=True, state="absent")["changed"]
    assert stage.gke.calls == []


def test_absent_joins_a_deletion() -> None:
    stage = Stage(FakeGke(cluster=cluster_body(status="STOPPING")))
    stage.gke.delete_cluster("c")
    stage.gke.calls.clear()
    result = play(stage, state="absent")
    assert not result["changed"]
    assert not result["exists"]
    assert stage.gke.calls == []


def test_absent_waits_for_a_creation_to_end_first() -> None:
    stage = Stage(FakeGke(errors={"CREATE_CLUSTER": {"error": {"code": 13, "message": "boom"}}}))
    stage.gke.create_cluster(body_of(wanted(), NOW))
    stage.gke.calls.clear()
    result = play(stage, state="absent")
    assert result["changed"]
    assert stage.gke.calls == ["delete c"]
    assert not result["exists"]


def test_a_label_that_google_would_refuse_is_refused_here() -> None:
    with pytest.raises(RhaiiError, match="rhaii-environment=Prod cannot be a label"):
        wanted(environment="Prod")


OFFICE = [{"cidr": "203.0.113.0/24", "name": "office"}, {"cidr": "198.51.100.7/32", "name": ""}]


def test_protection_is_set_left_and_lifted() -> None:
    kept = {**OURS, "rhaii-keep": "true"}
    assert plan(wanted(keep=True), cluster_body(), NOW).labels == kept
    assert not plan(wanted(keep=True), cluster_body(resourceLabels=kept), NOW).changed
    assert not plan(wanted(), cluster_body(resourceLabels=kept), NOW).changed
    assert plan(wanted(keep=False), cluster_body(resourceLabels=kept), NOW).labels == OURS
    assert not plan(wanted(keep=False), cluster_body(), NOW).changed
    body = body_of(wanted(keep=True), NOW)
    assert body["resourceLabels"] == kept
    # machines are not what is protected
    assert body["nodePools"][0]["config"]["resourceLabels"] == OURS


def test_protected_cluster_is_deleted_only_when_the_protection_is_lifted() -> None:
    stage = Stage(FakeGke(cluster=cluster_body(resourceLabels={**OURS, "rhaii-keep": "true"})))
    assert play(stage)["keep"] is True
    for keep in (None, True):
        with pytest.raises(RhaiiError) as caught:
            play(stage, state="absent", keep=keep)
        assert caught.value.msg == (
            "The cluster c in europe-west4-a is protected: it carries the label rhaii-keep=true."
        )
        assert caught.value.remedy == "To delete it all the same, say keep: false (-e rhaii_keep=false)."
    assert play(stage, state="absent", keep=False)["exists"] is False


def test_debts_are_the_whole_truth_when_given_and_stay_when_not() -> None:
    noted = {"rhaii-debt-us-east5-a": "operation-1", "x": "y", **OURS}
    assert not plan(wanted(), cluster_body(resourceLabels=noted), NOW).changed
    assert not plan(wanted(debts={"us-east5-a": "operation-1"}), cluster_body(resourceLabels=noted), NOW).changed
    assert plan(wanted(debts={}), cluster_body(resourceLabels=noted), NOW).labels == {"x": "y", **OURS}
    assert play(Stage(FakeGke(cluster=cluster_body(resourceLabels=noted))))["debts"] == {"us-east5-a": "operation-1"}


@pytest.mark.parametrize(
    ("dns_endpoint", "opened", "endpoint", "ca_file"),
    [
        pytest.param(True, True, "x.gke.goog", "ca.pem", id="by name"),
        pytest.param(None, True, "203.0.113.7", "", id="by address"),
        pytest.param(False, False, "203.0.113.7", "", id="closed"),
    ],
)
def test_the_endpoint_is_the_one_to_use(dns_endpoint: Any, opened: bool, endpoint: str, ca_file: str) -> None:
    ways = {"dnsEndpointConfig": {"endpoint": "x.gke.goog", "allowExternalTraffic": opened}}
    stage = Stage(FakeGke(cluster=cluster_body(controlPlaneEndpointsConfig=ways)))
    result = play(stage, dns_endpoint=dns_endpoint, ca_file="ca.pem")
    assert result["endpoint"] == endpoint
    assert result["ca_file"] == ca_file
    assert result["ca_certificate"].startswith("-----BEGIN") is (ca_file == "")
    assert result["ip_endpoint"] == "203.0.113.7"
    assert result["dns_endpoint"] == ("x.gke.goog" if opened else "")


def test_public_authorities_sign_the_dns_endpoint_where_no_file_is_given() -> None:
    ways = {"dnsEndpointConfig": {"endpoint": "x.gke.goog", "allowExternalTraffic": True}}
    stage = Stage(FakeGke(cluster=cluster_body(controlPlaneEndpointsConfig=ways)))
    assert play(stage, dns_endpoint=True)["ca_file"].endswith(".pem")


def test_labels_updates_and_maintenance_in_turn() -> None:
    stage = Stage(FakeGke(cluster=cluster_body()))
    options = {"labels": {"team": "ml"}, "private_nodes": True, "hold_node_upgrades": True}
    foretold = play(stage, check_mode=True, **options)
    assert stage.gke.calls == []
    result = play(stage, **options)
    assert stage.gke.calls == ["labels f1", "update desiredDefaultEnablePrivateNodes", "maintenance"]
    assert result["diff"] == foretold["diff"]


def test_what_works_on_the_cluster_is_joined_and_what_works_on_a_pool_is_not() -> None:
    stage = Stage(FakeGke(cluster=cluster_body(status="RECONCILING")))
    stage.gke.start("CREATE_NODE_POOL", "clusters/c/nodePools/tpu-pool")
    assert not play(stage)["changed"]
    assert stage.clock.slept == []
    stage.gke.start("UPDATE_CLUSTER", "clusters/c")
    assert not play(stage)["changed"]
    assert stage.clock.slept == [10.0, 10.0]
    assert "cluster c: joining the running operation operation-2" in stage.said


BOOM = {"error": {"code": 13, "message": "boom"}}


@pytest.mark.parametrize(
    ("kind", "status", "doing"),
    [("CREATE_CLUSTER", "PROVISIONING", "creating"), ("DELETE_CLUSTER", "STOPPING", "deleting")],
)
def test_a_creation_or_deletion_that_is_joined_and_fails_is_an_error(kind: str, status: str, doing: str) -> None:
    stage = Stage(FakeGke(cluster=cluster_body(status=status), errors={kind: BOOM}))
    stage.gke.start(kind, "clusters/c")
    with pytest.raises(RhaiiError) as caught:
        play(stage)
    assert caught.value.msg == f"Google ended {doing} the cluster (operation-1) with an error: INTERNAL: boom."


def test_an_update_that_is_joined_and_fails_is_judged_by_what_it_left_behind() -> None:
    stage = Stage(FakeGke(cluster=cluster_body(status="RECONCILING"), errors={"UPDATE_CLUSTER": BOOM}))
    stage.gke.start("UPDATE_CLUSTER", "clusters/c")
    assert not play(stage)["changed"]
    assert stage.clock.slept == [10.0, 10.0]


def test_without_waiting_a_running_operation_is_returned() -> None:
    stage = Stage(FakeGke(cluster=cluster_body(status="RECONCILING", releaseChannel={})))
    stage.gke.start("UPDATE_CLUSTER", "clusters/c")
    result = play(stage, wait=False)
    assert result["operation"]["name"] == "operation-1"
    assert not result["changed"]
    assert stage.clock.slept == []


def test_a_create_that_google_is_too_busy_for_is_asked_again() -> None:
    busy = GoogleError("create", 429, "RESOURCE_EXHAUSTED", "slow down")
    busy.retry_after = 30.0
    stage = Stage(FakeGke(refusals=[busy]))
    assert play(stage, wait=False)["changed"]
    assert stage.gke.calls == ["create c", "create c"]
    assert stage.clock.slept == [30.0]
