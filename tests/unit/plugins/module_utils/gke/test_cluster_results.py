# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""gke_cluster in full: every key of its result, every sentence of its refusals, and what is left running."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._gke.cluster import describe
from ansible_collections.rhaii.gke.plugins.module_utils._gke.cluster_plan import body_of
from ansible_collections.rhaii.gke.plugins.module_utils._google import GoogleError

from tests.unit.plugins.module_utils.fake_gke import OURS, FakeGke, Stage, cluster_body, pool_in
from tests.unit.plugins.module_utils.gke.test_cluster import NOW, play, wanted

NAMED = {"name": "c", "location": "europe-west4-a"}
UNCHANGED: dict[str, Any] = {
    **NAMED,
    "changed": False,
    "exists": True,
    "operation": None,
    "status": "RUNNING",
    "endpoint": "203.0.113.7",
    "ca_certificate": "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----\n",
    "ca_file": "",
    "ip_endpoint": "203.0.113.7",
    "dns_endpoint": "",
    "authorized_networks": [],
    "network": "",
    "subnetwork": "",
    "debts": {},
    "keep": False,
    "kubernetes_version": "1.36.3-gke.1",
    "labels": OURS,
    "node_pools": ["default-pool"],
    "foreign_pools": [],
    "diff": {"before": {}, "after": {}},
}


def operation(number: int, kind: str, status: str = "DONE") -> dict[str, Any]:
    return {"name": f"operation-{number}", "type": kind, "status": status, "error": None}


def statuses(stage: Stage) -> list[str]:
    return [body["status"] for body in stage.gke.operations.values()]


def refusal(stage: Stage, **changes: Any) -> RhaiiError:
    with pytest.raises(RhaiiError) as failure:
        play(stage, **changes)
    return failure.value


def test_result_of_a_cluster_as_wanted() -> None:
    pools = [pool_in("tpu-pool"), pool_in("default-pool")]
    result = play(Stage(FakeGke(cluster=cluster_body(nodePools=pools))))
    assert result == {**UNCHANGED, "node_pools": ["default-pool", "tpu-pool"]}


def test_result_of_a_cluster_with_all_that_it_may_have() -> None:
    labels = {**OURS, "rhaii-keep": "true", "rhaii-debt-us-east5-a": "operation-1"}
    body = cluster_body(
        network="prod",
        subnetwork="prod-tpu",
        resourceLabels=labels,
        controlPlaneEndpointsConfig={
            "dnsEndpointConfig": {"endpoint": "x.gke.goog", "allowExternalTraffic": True},
            "ipEndpointsConfig": {
                "authorizedNetworksConfig": {"enabled": True, "cidrBlocks": [{"cidrBlock": "203.0.113.0/24"}]}
            },
        },
    )
    assert play(Stage(FakeGke(cluster=body)), dns_endpoint=True, ca_file="ca.pem") == {
        **UNCHANGED,
        "endpoint": "x.gke.goog",
        "ca_certificate": "",
        "ca_file": "ca.pem",
        "dns_endpoint": "x.gke.goog",
        "authorized_networks": ["203.0.113.0/24"],
        "network": "prod",
        "subnetwork": "prod-tpu",
        "debts": {"us-east5-a": "operation-1"},
        "keep": True,
        "labels": labels,
    }


def test_result_of_a_cluster_of_which_google_says_little() -> None:
    assert describe({}, wanted()) == {
        **NAMED,
        "exists": True,
        "operation": None,
        "status": "",
        "endpoint": "",
        "ca_certificate": "",
        "ca_file": "",
        "ip_endpoint": "",
        "dns_endpoint": "",
        "authorized_networks": [],
        "network": "",
        "subnetwork": "",
        "debts": {},
        "keep": False,
        "kubernetes_version": "",
        "labels": {},
        "node_pools": [],
        "foreign_pools": [],
    }


@pytest.mark.parametrize("dns", [{"endpoint": "x.gke.goog"}, {"allowExternalTraffic": True}])
def test_endpoint_is_the_address_until_there_is_an_open_name(dns: dict[str, Any]) -> None:
    cluster = cluster_body(controlPlaneEndpointsConfig={"dnsEndpointConfig": dns})
    assert describe(cluster, wanted(dns_endpoint=True))["endpoint"] == "203.0.113.7"


@pytest.mark.parametrize("gone", [None, cluster_body(status="STOPPING")])
def test_check_mode_shows_what_would_be_created(gone: dict[str, Any] | None) -> None:
    stage = Stage(FakeGke(cluster=gone))
    result = play(stage, check_mode=True)
    assert (result["changed"], result["exists"]) == (True, gone is not None)
    assert result["diff"] == {"before": {}, "after": body_of(wanted(), NOW)}
    assert not stage.gke.calls


def test_creation_shows_what_was_created() -> None:
    assert play(Stage(FakeGke()))["diff"] == {"before": {}, "after": body_of(wanted(), NOW)}


def test_creation_of_what_is_being_deleted_waits_for_its_end() -> None:
    stage = Stage(FakeGke(cluster=cluster_body(status="STOPPING")))
    stage.gke.start("DELETE_CLUSTER", "clusters/c", lambda: setattr(stage.gke, "cluster", None))
    assert play(stage)["operation"] == operation(2, "CREATE_CLUSTER")
    assert stage.gke.calls == ["create c"]


@pytest.mark.parametrize("status", [409, 500])
def test_refused_creation_is_not_repeated(status: int) -> None:
    stage = Stage(FakeGke(refusals=[GoogleError("create", status, "", "no")]))
    assert isinstance(refusal(stage), GoogleError)
    assert stage.gke.calls == ["create c"]


def test_creation_that_runs_is_returned_without_wait() -> None:
    stage = Stage(FakeGke(cluster=cluster_body(status="PROVISIONING")))
    stage.gke.start("CREATE_CLUSTER", "clusters/other")
    stage.gke.start("CREATE_CLUSTER", "clusters/c")
    result = play(stage, wait=False)
    assert result == {**UNCHANGED, "status": "PROVISIONING", "operation": operation(2, "CREATE_CLUSTER", "RUNNING")}


def test_operation_that_is_joined_is_in_the_result_when_google_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(FakeGke(cluster=cluster_body(status="PROVISIONING")))
    stage.gke.start("CREATE_CLUSTER", "clusters/c")

    def away(name: str) -> Any:
        raise GoogleError("look", 503, "", "away")

    monkeypatch.setattr(stage.gke, "get_operation", away)
    assert refusal(stage).result["operation"] == operation(1, "CREATE_CLUSTER", "RUNNING")


def test_error_of_an_operation_is_told_when_google_goes_away_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(FakeGke(cluster=cluster_body(), errors={"DELETE_CLUSTER": {"error": {"code": 13}}}))

    def away(cluster: str) -> Any:
        if stage.gke.operations:
            raise GoogleError("look", 503, "", "away")
        return stage.gke.cluster

    monkeypatch.setattr(stage.gke, "get_cluster", away)
    error = refusal(stage, state="absent")
    assert error.msg == "Google ended deleting the cluster (operation-1) with an error: INTERNAL."
    assert error.result["status"] == "RUNNING"


def test_check_mode_shows_the_creation_that_runs() -> None:
    stage = Stage(FakeGke(cluster=cluster_body(status="PROVISIONING", releaseChannel={})))
    stage.gke.start("CREATE_CLUSTER", "clusters/c")
    assert play(stage, check_mode=True) == {
        **UNCHANGED,
        "status": "PROVISIONING",
        "operation": operation(1, "CREATE_CLUSTER", "RUNNING"),
    }


BROKEN = pytest.mark.parametrize(
    ("cluster", "said"),
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


@BROKEN
def test_degraded_cluster_serves_and_is_told(cluster: dict[str, Any], said: str) -> None:
    stage = Stage(FakeGke(cluster=cluster_body(status="DEGRADED", **cluster)))
    result = play(stage)
    assert (result["changed"], result["status"], stage.gke.calls) == (False, "DEGRADED", [])
    assert stage.said == [f"cluster c: it is DEGRADED and serves ({said})"]


@pytest.mark.parametrize("status", ["STATUS_UNSPECIFIED", "", "A_NEW_ONE"])
def test_cluster_of_which_nothing_is_known_is_left_alone(status: str) -> None:
    stage = Stage(FakeGke(cluster=cluster_body(status=status)))
    assert refusal(stage).msg == f"The cluster c is {status or 'gone'}: no reason given."
    assert stage.gke.calls == []


@BROKEN
def test_broken_cluster_with_pools_is_refused(cluster: dict[str, Any], said: str) -> None:
    pools = [pool_in("tpu-pool"), pool_in("default-pool")]
    error = refusal(Stage(FakeGke(cluster=cluster_body(status="ERROR", nodePools=pools, **cluster))))
    assert error.msg == (
        f"The cluster c is ERROR ({said}). With its node pools default-pool, tpu-pool it is not empty, so it is not "
        "deleted unasked."
    )
    assert error.remedy == (
        "Look at it in the console, then delete it (playbook teardown.yml, or state: absent) and deploy again."
    )


@BROKEN
def test_broken_cluster_without_pools_is_made_anew(cluster: dict[str, Any], said: str) -> None:
    stage = Stage(FakeGke(cluster=cluster_body(status="ERROR", nodePools=[], **cluster)))
    result = play(stage, wait=False)
    assert result["diff"] == {"before": {"status": "ERROR", "problem": said}, "after": body_of(wanted(), NOW)}
    assert stage.gke.calls == ["delete c", "create c"]
    assert statuses(stage) == ["DONE", "RUNNING"]


def test_cluster_that_is_gone_after_its_creation_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(FakeGke())
    monkeypatch.setattr(stage.gke, "get_cluster", lambda name: None)
    assert refusal(stage).msg == "The cluster c is gone: no reason given."


def test_broken_cluster_with_its_first_pool_alone_is_made_anew() -> None:
    stage = Stage(FakeGke(cluster=cluster_body(status="ERROR", nodePools=[pool_in("cpu")])))
    assert play(stage, default_pool={"name": "cpu"})["changed"]
    assert stage.gke.calls == ["delete c", "create c"]


@pytest.mark.parametrize("wait", [True, False])
def test_cluster_that_reconciles_is_no_reason_to_stop(wait: bool) -> None:
    stage = Stage(FakeGke(cluster=cluster_body(status="RECONCILING")))
    result = play(stage, wait=wait, release_channel="stable")
    assert (result["changed"], result["status"]) == (True, "RECONCILING")
    assert stage.gke.calls == ["update desiredReleaseChannel"]


def test_check_mode_does_not_wait_for_a_cluster_that_reconciles() -> None:
    stage = Stage(FakeGke(cluster=cluster_body(status="RECONCILING")))
    stage.gke.start("UPDATE_CLUSTER", "clusters/c")
    result = play(stage, check_mode=True, release_channel="stable")
    assert (result["changed"], result["operation"], stage.clock.slept) == (True, None, [])


def test_updates_go_one_by_one_and_only_the_last_is_not_awaited() -> None:
    stage = Stage(FakeGke(cluster=cluster_body()))
    result = play(stage, wait=False, labels={"team": "ml"}, release_channel="stable", kubernetes_version="1.37")
    assert stage.gke.calls == ["labels f1", "update desiredReleaseChannel", "update desiredMasterVersion"]
    assert statuses(stage) == ["DONE", "DONE", "RUNNING"]
    assert result["operation"] == operation(3, "UPDATE_CLUSTER", "RUNNING")
    assert result["diff"] == {
        "before": {"labels": OURS, "release_channel": "regular", "kubernetes_version": "1.36.3-gke.1"},
        "after": {"labels": {"team": "ml", **OURS}, "release_channel": "stable", "kubernetes_version": "1.37"},
    }


def test_check_mode_shows_what_would_be_changed() -> None:
    stage = Stage(FakeGke(cluster=cluster_body()))
    result = play(stage, check_mode=True, release_channel="stable")
    assert result["changed"]
    assert result["diff"] == {"before": {"release_channel": "regular"}, "after": {"release_channel": "stable"}}
    assert not stage.gke.calls


@pytest.mark.parametrize(("wait", "status"), [(True, "DONE"), (False, "RUNNING")])
@pytest.mark.parametrize("change", [{"labels": {"team": "ml"}}, {"release_channel": "stable"}])
def test_single_change_is_awaited_when_asked_for(change: dict[str, Any], wait: bool, status: str) -> None:
    stage = Stage(FakeGke(cluster=cluster_body()))
    play(stage, wait=wait, **change)
    assert statuses(stage) == [status]


def test_labels_without_a_fingerprint() -> None:
    stage = Stage(FakeGke(cluster=cluster_body(labelFingerprint=None)))
    play(stage, labels={"team": "ml"})
    assert stage.gke.calls == ["labels "]


def test_what_is_fixed_is_refused_with_the_difference() -> None:
    error = refusal(Stage(FakeGke(cluster=cluster_body(networkConfig={}))), network="prod")
    assert error.msg == (
        "The cluster c cannot be changed to what is wanted: dataplane_v2 is false, network is default, which is fixed "
        "when a cluster is created."
    )
    assert error.remedy == "Delete the cluster and create it again, or set the option to what the cluster has."
    assert error.result["diff"] == {
        "before": {"dataplane_v2": False, "network": "default"},
        "after": {"dataplane_v2": True, "network": "prod"},
    }


@pytest.mark.parametrize("check_mode", [True, False])
def test_deletion_shows_what_was_there(check_mode: bool) -> None:
    result = play(Stage(FakeGke(cluster=cluster_body())), check_mode=check_mode, state="absent")
    assert (result["changed"], result["exists"]) == (True, check_mode)
    assert result["diff"] == {"before": {"name": "c", "status": "RUNNING"}, "after": {}}


def test_deletion_is_not_awaited_without_wait() -> None:
    stage = Stage(FakeGke(cluster=cluster_body(status=None)))
    result = play(stage, state="absent", wait=False)
    assert result["operation"] == operation(1, "DELETE_CLUSTER", "RUNNING")
    assert result["diff"]["before"] == {"name": "c", "status": ""}
    assert result["exists"]


def test_deletion_waits_for_a_creation_alone() -> None:
    for status, expected in (("PROVISIONING", ["RUNNING", "DONE", "RUNNING"]), ("RUNNING", ["RUNNING"] * 3)):
        stage = Stage(FakeGke(cluster=cluster_body(status=status)))
        stage.gke.start("CREATE_CLUSTER", "clusters/other")
        stage.gke.start("CREATE_CLUSTER", "clusters/c")
        play(stage, state="absent", wait=False)
        assert statuses(stage) == expected
        waited = "cluster c: waiting until its creation ends (operation-2)"
        assert (waited in stage.said) is (status == "PROVISIONING")
