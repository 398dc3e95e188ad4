# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""gke_cluster: decisions as tables, and the run against a GKE in memory."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._gke.cluster import Wanted, body_of, plan, run
from ansible_collections.rhaii.gke.plugins.module_utils._google import GoogleError

from tests.unit.plugins.module_utils.fake_gke import OURS, FakeGke, Stage, cluster_body

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
    "wait": True,
    "wait_timeout": 1800,
    "wait_interval": 10.0,
}

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def wanted(**changes: Any) -> Wanted:
    return Wanted.from_params({**PARAMS, **changes})


def play(stage: Stage, check_mode: bool = False, **changes: Any) -> dict[str, Any]:
    return run({**PARAMS, **changes}, stage.ports, stage.said.append, check_mode)


def test_body_asks_for_dataplane_v2_workload_identity_and_our_labels() -> None:
    body = body_of(wanted(labels={"team": "ml"}), NOW)
    assert body["networkConfig"] == {"datapathProvider": "ADVANCED_DATAPATH"}
    assert body["workloadIdentityConfig"] == {"workloadPool": "p.svc.id.goog"}
    assert body["resourceLabels"] == {"team": "ml", **OURS}
    assert body["releaseChannel"] == {"channel": "REGULAR"}
    assert body["ipAllocationPolicy"] == {"useIpAliases": True}
    (pool,) = body["nodePools"]
    assert (pool["name"], pool["initialNodeCount"]) == ("default-pool", 2)
    assert pool["config"]["machineType"] == "e2-standard-4"
    assert pool["config"]["workloadMetadataConfig"] == {"mode": "GKE_METADATA"}
    assert "initialClusterVersion" not in body


def test_body_without_the_options_leaves_them_out() -> None:
    body = body_of(
        wanted(
            workload_identity=False,
            dataplane_v2=False,
            release_channel="none",
            kubernetes_version="1.36",
            default_pool={"name": "cpu", "machine_type": "n1-standard-4", "node_count": 1},
        ),
        NOW,
    )
    assert "workloadIdentityConfig" not in body
    assert body["networkConfig"] == {"datapathProvider": "LEGACY_DATAPATH"}
    assert body["releaseChannel"] == {"channel": "UNSPECIFIED"}
    assert body["initialClusterVersion"] == "1.36"
    assert body["nodePools"] == [
        {
            "name": "cpu",
            "initialNodeCount": 1,
            "config": {
                "machineType": "n1-standard-4",
                "oauthScopes": ["https://www.googleapis.com/auth/cloud-platform"],
                "resourceLabels": OURS,
            },
        }
    ]


@pytest.mark.parametrize(
    ("options", "cluster", "updates"),
    [
        pytest.param({}, {}, [], id="nothing differs"),
        pytest.param(
            {"release_channel": "stable"},
            {},
            [{"desiredReleaseChannel": {"channel": "STABLE"}}],
            id="another release channel",
        ),
        pytest.param(
            {},
            {"workloadIdentityConfig": {}},
            [{"desiredWorkloadIdentityConfig": {"workloadPool": "p.svc.id.goog"}}],
            id="workload identity is off",
        ),
        pytest.param({"kubernetes_version": "1.37"}, {}, [{"desiredMasterVersion": "1.37"}], id="the version is older"),
        pytest.param({"kubernetes_version": "1.36"}, {}, [], id="the version fits"),
        pytest.param({"kubernetes_version": "1.35"}, {}, [], id="the version is newer"),
        pytest.param({"kubernetes_version": "latest"}, {}, [], id="an alias of a version is for creation"),
    ],
)
def test_plan_updates(options: dict[str, Any], cluster: dict[str, Any], updates: list[Any]) -> None:
    todo = plan(wanted(**options), cluster_body(**cluster), NOW)
    assert list(todo.updates) == updates
    assert todo.labels is None
    assert todo.changed is bool(updates)
    assert todo.impossible == ()
    assert set(todo.before) == set(todo.after)


def test_plan_adds_labels_and_keeps_foreign_ones() -> None:
    todo = plan(wanted(labels={"team": "ml"}), cluster_body(resourceLabels={"x": "y", **OURS}), NOW)
    assert todo.labels == {"x": "y", "team": "ml", **OURS}
    assert todo.changed
    assert todo.after == {"labels": todo.labels}


def test_plan_says_that_dataplane_v2_is_fixed() -> None:
    todo = plan(wanted(), cluster_body(networkConfig={}), NOW)
    assert todo.impossible == ("dataplane_v2 is false",)
    assert not todo.changed


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
    assert "RESOURCE_EXHAUSTED: Insufficient regional quota CPUS" in str(caught.value)
    assert "iam-admin/quotas" in caught.value.remedy
    assert caught.value.result["name"] == "c"
    assert caught.value.result["changed"]


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


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize(
    ("labels", "said"),
    [
        pytest.param({}, "without the label managed-by=rhaii-gke", id="no label"),
        pytest.param({"managed-by": "terraform"}, "without the label managed-by=rhaii-gke", id="another manager"),
        pytest.param({**OURS, "rhaii-environment": "dev"}, "belongs to the environment dev", id="another environment"),
    ],
)
def test_a_foreign_cluster_is_left_alone(state: str, labels: dict[str, str], said: str) -> None:
    stage = Stage(FakeGke(cluster=cluster_body(resourceLabels=labels)))
    with pytest.raises(RhaiiError, match=said) as caught:
        play(stage, state=state)
    assert stage.gke.calls == []
    assert caught.value.remedy


def test_force_deletes_an_unlabelled_cluster_but_not_another_environment() -> None:
    stage = Stage(FakeGke(cluster=cluster_body(resourceLabels={})))
    assert play(stage, state="absent", force_unlabelled=True)["changed"]
    stage = Stage(FakeGke(cluster=cluster_body(resourceLabels={**OURS, "rhaii-environment": "dev"})))
    with pytest.raises(RhaiiError):
        play(stage, state="absent", force_unlabelled=True)


QUOTA = {"conditions": [{"code": "GCE_QUOTA_EXCEEDED", "message": "CPUS"}]}


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


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"nodePools": [{"name": "default-pool"}, {"name": "tpu-pool"}]}, "not empty", id="not empty"),
        pytest.param({"resourceLabels": {}}, "was not made by this collection", id="not ours"),
        pytest.param({"status": "DEGRADED"}, "is DEGRADED: GCE_QUOTA_EXCEEDED: CPUS", id="only degraded"),
    ],
)
def test_a_broken_cluster_is_not_deleted_unasked(changes: dict[str, Any], said: str) -> None:
    stage = Stage(FakeGke(cluster=cluster_body(**{"status": "ERROR", **QUOTA, **changes})))
    with pytest.raises(RhaiiError, match=said) as caught:
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


WINDOW = {"start": "2026-11-28T02:00:00+01:00", "end": "2026-11-28T05:00:00Z", "recurrence": "FREQ=WEEKLY;BYDAY=SA"}
RECURRING = {
    "window": {"startTime": "2026-11-28T01:00:00Z", "endTime": "2026-11-28T05:00:00Z"},
    "recurrence": "FREQ=WEEKLY;BYDAY=SA",
}
HELD = {
    "startTime": "2026-11-24T12:00:00Z",
    "maintenanceExclusionOptions": {"scope": "NO_MINOR_OR_NODE_UPGRADES", "endTimeBehavior": "UNTIL_END_OF_SUPPORT"},
}
HOLIDAYS = {"name": "holidays", "start": "2026-12-20T00:00:00Z", "end": "2027-01-06T00:00:00Z", "scope": "no_upgrades"}
HOLIDAYS_BODY = {
    "startTime": "2026-12-20T00:00:00Z",
    "endTime": "2027-01-06T00:00:00Z",
    "maintenanceExclusionOptions": {"scope": "NO_UPGRADES"},
}
OFFICE = [{"cidr": "203.0.113.0/24", "name": "office"}, {"cidr": "198.51.100.7/32", "name": ""}]
BLOCKS = [{"cidrBlock": "198.51.100.7/32"}, {"cidrBlock": "203.0.113.0/24", "displayName": "office"}]
PUBLIC = {"enabled": True, "enablePublicEndpoint": True}


def test_body_has_what_is_asked() -> None:
    body = body_of(
        wanted(
            network="prod",
            subnetwork="prod-tpu",
            private_nodes=True,
            authorized_networks=OFFICE,
            dns_endpoint=True,
            maintenance_window=WINDOW,
            maintenance_exclusions=[HOLIDAYS],
            hold_node_upgrades=True,
            debts={"us-east5-a": "operation-1"},
            default_pool={"node_count": 2, "min_nodes": 1, "max_nodes": 4, "service_account": "n@p"},
        ),
        NOW,
    )
    assert (body["network"], body["subnetwork"]) == ("prod", "prod-tpu")
    assert body["networkConfig"]["defaultEnablePrivateNodes"] is True
    assert body["controlPlaneEndpointsConfig"] == {
        "dnsEndpointConfig": {"allowExternalTraffic": True},
        "ipEndpointsConfig": {**PUBLIC, "authorizedNetworksConfig": {"enabled": True, "cidrBlocks": BLOCKS}},
    }
    assert body["maintenancePolicy"]["window"] == {
        "recurringWindow": RECURRING,
        "maintenanceExclusions": {"holidays": HOLIDAYS_BODY, "rhaii-hold-node-upgrades": HELD},
    }
    assert body["resourceLabels"] == {**OURS, "rhaii-debt-us-east5-a": "operation-1"}
    (pool,) = body["nodePools"]
    assert pool["autoscaling"] == {"enabled": True, "minNodeCount": 1, "maxNodeCount": 4}
    assert pool["config"]["serviceAccount"] == "n@p"
    assert pool["config"]["resourceLabels"] == OURS


def test_body_leaves_out_what_is_not_asked() -> None:
    body = body_of(wanted(), NOW)
    assert not {"network", "subnetwork", "controlPlaneEndpointsConfig", "maintenancePolicy"} & set(body)
    assert "defaultEnablePrivateNodes" not in body["networkConfig"]


@pytest.mark.parametrize(
    ("options", "cluster", "update"),
    [
        pytest.param({"private_nodes": True}, {}, {"desiredDefaultEnablePrivateNodes": True}, id="private nodes"),
        pytest.param({"private_nodes": False}, {}, None, id="no private nodes"),
        pytest.param(
            {"dns_endpoint": True},
            {"controlPlaneEndpointsConfig": {"dnsEndpointConfig": {"endpoint": "x.gke.goog"}}},
            {"desiredControlPlaneEndpointsConfig": {"dnsEndpointConfig": {"allowExternalTraffic": True}}},
            id="DNS endpoint opened",
        ),
        pytest.param(
            {"dns_endpoint": True},
            {"controlPlaneEndpointsConfig": {"dnsEndpointConfig": {"allowExternalTraffic": True}}},
            None,
            id="DNS endpoint is open",
        ),
        pytest.param(
            {"authorized_networks": OFFICE},
            {},
            {
                "desiredControlPlaneEndpointsConfig": {
                    "ipEndpointsConfig": {
                        **PUBLIC,
                        "authorizedNetworksConfig": {"enabled": True, "cidrBlocks": BLOCKS},
                    }
                }
            },
            id="networks",
        ),
        pytest.param(
            {"authorized_networks": OFFICE},
            {"masterAuthorizedNetworksConfig": {"enabled": True, "cidrBlocks": BLOCKS}},
            None,
            id="networks as an older cluster has them",
        ),
        pytest.param(
            {"authorized_networks": []},
            {
                "controlPlaneEndpointsConfig": {
                    "ipEndpointsConfig": {
                        "enabled": True,
                        "enablePublicEndpoint": False,
                        "publicEndpoint": "203.0.113.7",
                        "authorizedNetworksConfig": {"enabled": True, "cidrBlocks": BLOCKS},
                    }
                }
            },
            {
                "desiredControlPlaneEndpointsConfig": {
                    "ipEndpointsConfig": {
                        "enabled": True,
                        "enablePublicEndpoint": False,
                        "authorizedNetworksConfig": {"enabled": False},
                    }
                }
            },
            id="networks no longer, the rest kept",
        ),
    ],
)
def test_plan_of_the_ways_to_the_control_plane(
    options: dict[str, Any], cluster: dict[str, Any], update: dict[str, Any] | None
) -> None:
    todo = plan(wanted(**options), cluster_body(**cluster), NOW)
    assert list(todo.updates) == ([] if update is None else [update])
    assert set(todo.before) == set(todo.after)


@pytest.mark.parametrize(
    ("options", "window", "wanted_window"),
    [
        pytest.param({"maintenance_window": WINDOW}, {}, {"recurringWindow": RECURRING}, id="a window"),
        pytest.param({"maintenance_window": WINDOW}, {"recurringWindow": RECURRING}, None, id="the same window"),
        pytest.param(
            {"maintenance_window": WINDOW},
            {"dailyMaintenanceWindow": {"startTime": "03:00"}, "maintenanceExclusions": {"mine": HOLIDAYS_BODY}},
            {"recurringWindow": RECURRING, "maintenanceExclusions": {"mine": HOLIDAYS_BODY}},
            id="a window in place of a daily one, exclusions stay",
        ),
        pytest.param(
            {"hold_node_upgrades": True},
            {"recurringWindow": RECURRING},
            {"recurringWindow": RECURRING, "maintenanceExclusions": {"rhaii-hold-node-upgrades": HELD}},
            id="hold",
        ),
        pytest.param(
            {"hold_node_upgrades": True},
            {
                "maintenanceExclusions": {
                    "rhaii-hold-node-upgrades": {
                        **HELD,
                        "startTime": "2026-01-01T00:00:00Z",
                        "endTime": "2027-09-01T00:00:00Z",
                    }
                }
            },
            None,
            id="held since long",
        ),
        pytest.param(
            {"hold_node_upgrades": False},
            {"maintenanceExclusions": {"rhaii-hold-node-upgrades": HELD, "mine": HOLIDAYS_BODY}},
            {"maintenanceExclusions": {"mine": HOLIDAYS_BODY}},
            id="hold no longer",
        ),
        pytest.param(
            {"maintenance_exclusions": [HOLIDAYS]},
            {"maintenanceExclusions": {"old": HOLIDAYS_BODY, "rhaii-hold-node-upgrades": HELD}},
            {"maintenanceExclusions": {"holidays": HOLIDAYS_BODY, "rhaii-hold-node-upgrades": HELD}},
            id="exclusions are the whole truth, but for the hold",
        ),
        pytest.param(
            {"maintenance_exclusions": [HOLIDAYS]},
            {"maintenanceExclusions": {"holidays": HOLIDAYS_BODY}},
            None,
            id="the same exclusions",
        ),
        pytest.param({}, {"maintenanceExclusions": {"mine": HOLIDAYS_BODY}}, None, id="nothing asked"),
        pytest.param(
            {"maintenance_exclusions": [{**HOLIDAYS, "start": "2025-12-20T00:00:00Z", "end": "2026-01-06T00:00:00Z"}]},
            {},
            None,
            id="what is over is not added",
        ),
        pytest.param(
            {"maintenance_exclusions": [{**HOLIDAYS, "start": "2025-12-20T00:00:00Z", "end": "2026-01-06T00:00:00Z"}]},
            {"maintenanceExclusions": {"holidays": HOLIDAYS_BODY}},
            None,
            id="what is over changes nothing",
        ),
    ],
)
def test_plan_of_the_maintenance(
    options: dict[str, Any], window: dict[str, Any], wanted_window: dict[str, Any] | None
) -> None:
    cluster = cluster_body(maintenancePolicy={"window": window, "resourceVersion": "r7"})
    todo = plan(wanted(**options), cluster, NOW)
    expected = None if wanted_window is None else {"window": wanted_window, "resourceVersion": "r7"}
    assert todo.maintenance == expected
    assert todo.changed is (expected is not None)
    assert set(todo.before) == set(todo.after)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param({"hold_node_upgrades": True, "release_channel": "none"}, "needs a release channel", id="channel"),
        pytest.param(
            {"maintenance_window": {**WINDOW, "start": "Saturday"}}, "has Saturday, which is no mom", id="day"
        ),
        pytest.param({"maintenance_window": {**WINDOW, "start": "2026-11-28T01:00:00"}}, "time zone", id="no zone"),
        pytest.param({"maintenance_window": {**WINDOW, "end": WINDOW["start"]}}, "ends before it starts", id="order"),
        pytest.param({"maintenance_window": {**WINDOW, "recurrence": "weekly"}}, "no recurrence rule", id="rule"),
        pytest.param({"authorized_networks": [{"cidr": "203.0.113.7/24"}]}, "is no network", id="host bits"),
        pytest.param(
            {"default_pool": {"node_count": 5, "max_nodes": 4}}, "not within min_nodes 0 and max_nodes 4", id="b"
        ),
    ],
)
def test_bad_options_are_refused_before_anything_is_asked(options: dict[str, Any], said: str) -> None:
    stage = Stage(FakeGke())
    with pytest.raises(RhaiiError, match=said) as caught:
        play(stage, **options)
    assert caught.value.remedy
    assert stage.gke.calls == []


@pytest.mark.parametrize("option", ["network", "subnetwork"])
def test_the_network_is_fixed(option: str) -> None:
    has = cluster_body(network="a", subnetwork="a")
    assert plan(wanted(**{option: "projects/p/global/networks/a"}), has, NOW).impossible == ()
    assert plan(wanted(**{option: "b"}), has, NOW).impossible == (f"{option} is a",)


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
        with pytest.raises(RhaiiError, match="is protected: it carries the label rhaii-keep=true") as caught:
            play(stage, state="absent", keep=keep)
        assert "rhaii_keep=false" in caught.value.remedy
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
