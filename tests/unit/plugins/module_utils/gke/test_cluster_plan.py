# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""gke_cluster's decisions: the whole body of a cluster, and all that separates one from another."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._gke.cluster_plan import Plan, body_of, plan

from tests.unit.plugins.module_utils.fake_gke import OURS, FakeGke, Stage, cluster_body
from tests.unit.plugins.module_utils.gke.test_cluster import NOW, OFFICE, play, wanted

WINDOW = {"start": "2026-11-28T02:00:00+01:00", "end": "2026-11-28T05:00:00Z", "recurrence": "FREQ=WEEKLY;BYDAY=SA"}
RECURRING = {
    "window": {"startTime": "2026-11-28T01:00:00Z", "endTime": "2026-11-28T05:00:00Z"},
    "recurrence": "FREQ=WEEKLY;BYDAY=SA",
}
SATURDAYS = "2026-11-28T01:00:00Z to 2026-11-28T05:00:00Z, FREQ=WEEKLY;BYDAY=SA"
HOLD = "rhaii-hold-node-upgrades"
HELD = {
    "startTime": "2026-11-24T12:00:00Z",
    "maintenanceExclusionOptions": {"scope": "NO_MINOR_OR_NODE_UPGRADES", "endTimeBehavior": "UNTIL_END_OF_SUPPORT"},
}
LASTING_MINOR = {"scope": "NO_MINOR_UPGRADES", "endTimeBehavior": "UNTIL_END_OF_SUPPORT"}
HELD_WORDS = "no_minor_or_node_upgrades from 2026-11-24T12:00:00Z to the end of support"
HOLIDAYS = {"name": "holidays", "start": "2026-12-20T00:00:00Z", "end": "2027-01-06T00:00:00Z", "scope": "no_upgrades"}
HOLIDAYS_BODY = {
    "startTime": "2026-12-20T00:00:00Z",
    "endTime": "2027-01-06T00:00:00Z",
    "maintenanceExclusionOptions": {"scope": "NO_UPGRADES"},
}
HOLIDAYS_WORDS = "no_upgrades from 2026-12-20T00:00:00Z to 2027-01-06T00:00:00Z"
LAST_YEAR = {**HOLIDAYS, "start": "2025-12-20T00:00:00Z", "end": "2026-01-06T00:00:00Z"}
BLOCKS = [{"cidrBlock": "198.51.100.7/32"}, {"cidrBlock": "203.0.113.0/24", "displayName": "office"}]
CIDRS = ["198.51.100.7/32", "203.0.113.0/24"]
PUBLIC = {"enabled": True, "enablePublicEndpoint": True}


def test_body_asks_for_dataplane_v2_workload_identity_and_our_labels() -> None:
    assert body_of(wanted(labels={"team": "ml"}), NOW) == {
        "name": "c",
        "resourceLabels": {"team": "ml", **OURS},
        "releaseChannel": {"channel": "REGULAR"},
        "ipAllocationPolicy": {"useIpAliases": True},
        "networkConfig": {"datapathProvider": "ADVANCED_DATAPATH"},
        "workloadIdentityConfig": {"workloadPool": "p.svc.id.goog"},
        "nodePools": [
            {
                "name": "default-pool",
                "initialNodeCount": 2,
                "config": {
                    "machineType": "e2-standard-4",
                    "oauthScopes": ["https://www.googleapis.com/auth/cloud-platform"],
                    "resourceLabels": {"team": "ml", **OURS},
                    "workloadMetadataConfig": {"mode": "GKE_METADATA"},
                },
            }
        ],
    }


def test_body_without_the_options_leaves_them_out() -> None:
    pool = {"name": "cpu", "machine_type": "n1-standard-4", "node_count": 1, "max_nodes": 0, "service_account": ""}
    options = {"workload_identity": False, "dataplane_v2": False, "release_channel": "none", "default_pool": pool}
    assert body_of(wanted(**options), NOW) == {
        "name": "c",
        "resourceLabels": OURS,
        "releaseChannel": {"channel": "UNSPECIFIED"},
        "ipAllocationPolicy": {"useIpAliases": True},
        "networkConfig": {"datapathProvider": "LEGACY_DATAPATH"},
        "nodePools": [
            {
                "name": "cpu",
                "initialNodeCount": 1,
                "config": {
                    "machineType": "n1-standard-4",
                    "oauthScopes": ["https://www.googleapis.com/auth/cloud-platform"],
                    "resourceLabels": OURS,
                },
            }
        ],
    }


def test_body_has_what_is_asked() -> None:
    plain = body_of(wanted(), NOW)
    body = body_of(
        wanted(
            kubernetes_version="1.36",
            network="prod",
            subnetwork="prod-tpu",
            private_nodes=False,
            authorized_networks=OFFICE,
            dns_endpoint=True,
            maintenance_window=WINDOW,
            maintenance_exclusions=[HOLIDAYS],
            hold_node_upgrades=True,
            debts={"us-east5-a": "operation-1"},
            keep=True,
            default_pool={"node_count": 2, "min_nodes": 1, "max_nodes": 4, "service_account": "n@p"},
        ),
        NOW,
    )
    (pool,) = plain["nodePools"]
    assert body == {
        **plain,
        "initialClusterVersion": "1.36",
        "network": "prod",
        "subnetwork": "prod-tpu",
        "networkConfig": {"datapathProvider": "ADVANCED_DATAPATH", "defaultEnablePrivateNodes": False},
        "controlPlaneEndpointsConfig": {
            "dnsEndpointConfig": {"allowExternalTraffic": True},
            "ipEndpointsConfig": {**PUBLIC, "authorizedNetworksConfig": {"enabled": True, "cidrBlocks": BLOCKS}},
        },
        "maintenancePolicy": {
            "window": {
                "recurringWindow": RECURRING,
                "maintenanceExclusions": {"holidays": HOLIDAYS_BODY, HOLD: HELD},
            }
        },
        "resourceLabels": {**OURS, "rhaii-debt-us-east5-a": "operation-1", "rhaii-keep": "true"},
        # machines are not what is protected, and not what a move left behind
        "nodePools": [
            {
                **pool,
                "autoscaling": {"enabled": True, "minNodeCount": 1, "maxNodeCount": 4},
                "config": {**pool["config"], "serviceAccount": "n@p"},
            }
        ],
    }


@pytest.mark.parametrize(
    ("node_count", "autoscaling"),
    [
        pytest.param(4, {"enabled": True, "minNodeCount": 0, "maxNodeCount": 4}, id="the most"),
        pytest.param(None, {"enabled": True, "minNodeCount": 0, "maxNodeCount": 4}, id="as many as usual"),
    ],
)
def test_bounds_of_the_default_pool(node_count: int | None, autoscaling: dict[str, Any]) -> None:
    (pool,) = body_of(wanted(default_pool={"node_count": node_count, "max_nodes": 4}), NOW)["nodePools"]
    assert (pool["initialNodeCount"], pool["autoscaling"]) == (node_count or 2, autoscaling)


@pytest.mark.parametrize(
    ("options", "cluster", "todo"),
    [
        pytest.param({}, {}, Plan(), id="nothing differs"),
        pytest.param(
            {"release_channel": "stable"},
            {},
            Plan(
                updates=({"desiredReleaseChannel": {"channel": "STABLE"}},),
                before={"release_channel": "regular"},
                after={"release_channel": "stable"},
            ),
            id="another release channel",
        ),
        pytest.param(
            {},
            {"releaseChannel": {}},
            Plan(
                updates=({"desiredReleaseChannel": {"channel": "REGULAR"}},),
                before={"release_channel": "unspecified"},
                after={"release_channel": "regular"},
            ),
            id="no release channel yet",
        ),
        pytest.param({"release_channel": "none"}, {"releaseChannel": None}, Plan(), id="no release channel"),
        pytest.param(
            {},
            {"workloadIdentityConfig": {}},
            Plan(
                updates=({"desiredWorkloadIdentityConfig": {"workloadPool": "p.svc.id.goog"}},),
                before={"workload_identity": ""},
                after={"workload_identity": "p.svc.id.goog"},
            ),
            id="workload identity is off",
        ),
        pytest.param(
            {"workload_identity": False},
            {},
            Plan(
                updates=({"desiredWorkloadIdentityConfig": {"workloadPool": ""}},),
                before={"workload_identity": "p.svc.id.goog"},
                after={"workload_identity": ""},
            ),
            id="workload identity is on",
        ),
        pytest.param({"workload_identity": False}, {"workloadIdentityConfig": None}, Plan(), id="off on either side"),
        pytest.param(
            {"kubernetes_version": "1.37"},
            {},
            Plan(
                updates=({"desiredMasterVersion": "1.37"},),
                before={"kubernetes_version": "1.36.3-gke.1"},
                after={"kubernetes_version": "1.37"},
            ),
            id="the version is older",
        ),
        pytest.param(
            {"kubernetes_version": "1.36"},
            {"currentMasterVersion": None},
            Plan(
                updates=({"desiredMasterVersion": "1.36"},),
                before={"kubernetes_version": ""},
                after={"kubernetes_version": "1.36"},
            ),
            id="the version is not known",
        ),
        pytest.param({"kubernetes_version": "1.36"}, {}, Plan(), id="the version fits"),
        pytest.param({"kubernetes_version": "1.35"}, {}, Plan(), id="the version is newer"),
        pytest.param({"kubernetes_version": "latest"}, {}, Plan(), id="an alias of a version is for creation"),
        pytest.param(
            {"private_nodes": True},
            {},
            Plan(
                updates=({"desiredDefaultEnablePrivateNodes": True},),
                before={"private_nodes": False},
                after={"private_nodes": True},
            ),
            id="private nodes",
        ),
        pytest.param({"private_nodes": False}, {}, Plan(), id="no private nodes"),
        pytest.param(
            {"labels": {"team": "ml"}},
            {"resourceLabels": {"x": "y", **OURS}},
            Plan(
                labels={"x": "y", "team": "ml", **OURS},
                before={"labels": {"x": "y", **OURS}},
                after={"labels": {"x": "y", "team": "ml", **OURS}},
            ),
            id="labels, foreign ones kept",
        ),
        pytest.param(
            {},
            {"resourceLabels": None},
            Plan(labels=OURS, before={"labels": {}}, after={"labels": OURS}),
            id="no labels yet",
        ),
    ],
)
def test_plan_updates(options: dict[str, Any], cluster: dict[str, Any], todo: Plan) -> None:
    found = plan(wanted(**options), cluster_body(**cluster), NOW)
    assert found == todo
    assert found.changed is (todo != Plan())


@pytest.mark.parametrize(
    ("options", "cluster", "impossible", "before", "after"),
    [
        pytest.param(
            {},
            {"networkConfig": {}},
            ("dataplane_v2 is false",),
            {"dataplane_v2": False},
            {"dataplane_v2": True},
            id="no Dataplane V2",
        ),
        pytest.param(
            {"dataplane_v2": False},
            {},
            ("dataplane_v2 is true",),
            {"dataplane_v2": True},
            {"dataplane_v2": False},
            id="Dataplane V2",
        ),
        pytest.param({"dataplane_v2": False}, {"networkConfig": None}, (), {}, {}, id="none on either side"),
        pytest.param({"network": "projects/p/global/networks/a"}, {"network": "a"}, (), {}, {}, id="the same network"),
        pytest.param({"network": "default", "subnetwork": "default"}, {}, (), {}, {}, id="the network of a project"),
        pytest.param({"network": ""}, {"network": "a"}, (), {}, {}, id="no matter which network"),
        pytest.param(
            {"network": "b", "subnetwork": "b"},
            {"network": "a"},
            ("network is a", "subnetwork is default"),
            {"network": "a", "subnetwork": "default"},
            {"network": "b", "subnetwork": "b"},
            id="another network",
        ),
    ],
)
def test_plan_of_what_is_fixed(
    options: dict[str, Any],
    cluster: dict[str, Any],
    impossible: tuple[str, ...],
    before: dict[str, Any],
    after: dict[str, Any],
) -> None:
    todo = plan(wanted(**options), cluster_body(**cluster), NOW)
    assert todo == Plan(impossible=impossible, before=before, after=after)
    assert not todo.changed


def reached(config: dict[str, Any], before: dict[str, Any], after: dict[str, Any]) -> Plan:
    return Plan(updates=({"desiredControlPlaneEndpointsConfig": config},), before=before, after=after)


@pytest.mark.parametrize(
    ("options", "cluster", "todo"),
    [
        pytest.param(
            {"dns_endpoint": True},
            {"controlPlaneEndpointsConfig": {"dnsEndpointConfig": {"endpoint": "x.gke.goog", "enableK8sTokens": True}}},
            reached(
                {"dnsEndpointConfig": {"allowExternalTraffic": True, "enableK8sTokens": True}},
                {"dns_endpoint": False},
                {"dns_endpoint": True},
            ),
            id="DNS endpoint opened, the rest kept",
        ),
        pytest.param(
            {"dns_endpoint": False, "authorized_networks": OFFICE},
            {
                "controlPlaneEndpointsConfig": {
                    "dnsEndpointConfig": {"endpoint": "x.gke.goog", "allowExternalTraffic": True},
                    "ipEndpointsConfig": {"authorizedNetworksConfig": {"enabled": True, "cidrBlocks": BLOCKS}},
                }
            },
            reached(
                {"dnsEndpointConfig": {"allowExternalTraffic": False}}, {"dns_endpoint": True}, {"dns_endpoint": False}
            ),
            id="DNS endpoint closed, the networks as they are",
        ),
        pytest.param(
            {"dns_endpoint": True},
            {"controlPlaneEndpointsConfig": {"dnsEndpointConfig": {"allowExternalTraffic": True}}},
            Plan(),
            id="DNS endpoint is open",
        ),
        pytest.param({"dns_endpoint": False}, {"controlPlaneEndpointsConfig": None}, Plan(), id="DNS endpoint is not"),
        pytest.param(
            {"authorized_networks": OFFICE},
            {},
            reached(
                {
                    "ipEndpointsConfig": {
                        **PUBLIC,
                        "authorizedNetworksConfig": {"enabled": True, "cidrBlocks": BLOCKS},
                    }
                },
                {"authorized_networks": []},
                {"authorized_networks": CIDRS},
            ),
            id="networks",
        ),
        pytest.param(
            {"authorized_networks": OFFICE},
            {"masterAuthorizedNetworksConfig": {"enabled": True, "cidrBlocks": BLOCKS[::-1]}},
            Plan(),
            id="networks as an older cluster has them",
        ),
        pytest.param(
            {"authorized_networks": []},
            {"masterAuthorizedNetworksConfig": {"enabled": False, "cidrBlocks": BLOCKS}},
            Plan(),
            id="networks that do not count",
        ),
        pytest.param(
            {"authorized_networks": []},
            {"masterAuthorizedNetworksConfig": {"enabled": True}},
            Plan(),
            id="networks that are none",
        ),
        pytest.param(
            {"authorized_networks": []},
            {
                "controlPlaneEndpointsConfig": {
                    "ipEndpointsConfig": {
                        "enabled": True,
                        "enablePublicEndpoint": False,
                        "publicEndpoint": "203.0.113.7",
                        "privateEndpoint": "10.0.0.2",
                        "authorizedNetworksConfig": {"enabled": True, "cidrBlocks": BLOCKS},
                    }
                }
            },
            reached(
                {
                    "ipEndpointsConfig": {
                        "enabled": True,
                        "enablePublicEndpoint": False,
                        "authorizedNetworksConfig": {"enabled": False},
                    }
                },
                {"authorized_networks": CIDRS},
                {"authorized_networks": []},
            ),
            id="networks no longer, the rest kept",
        ),
    ],
)
def test_plan_of_the_ways_to_the_control_plane(options: dict[str, Any], cluster: dict[str, Any], todo: Plan) -> None:
    assert plan(wanted(**options), cluster_body(**cluster), NOW) == todo


def excluded(bodies: dict[str, Any], before: dict[str, str], after: dict[str, str], **window: Any) -> Plan:
    return Plan(
        maintenance={"window": {**window, "maintenanceExclusions": bodies}},
        before={"maintenance_exclusions": before},
        after={"maintenance_exclusions": after},
    )


@pytest.mark.parametrize(
    ("options", "window", "todo"),
    [
        pytest.param(
            {"maintenance_window": WINDOW},
            None,
            Plan(
                maintenance={"window": {"recurringWindow": RECURRING}},
                before={"maintenance_window": "any time"},
                after={"maintenance_window": SATURDAYS},
            ),
            id="a window",
        ),
        pytest.param({"maintenance_window": WINDOW}, {"recurringWindow": RECURRING}, Plan(), id="the same window"),
        pytest.param(
            {"maintenance_window": {**WINDOW, "recurrence": "FREQ=DAILY"}},
            {"recurringWindow": RECURRING, "maintenanceExclusions": {"mine": HOLIDAYS_BODY}},
            Plan(
                maintenance={
                    "window": {
                        "recurringWindow": {**RECURRING, "recurrence": "FREQ=DAILY"},
                        "maintenanceExclusions": {"mine": HOLIDAYS_BODY},
                    }
                },
                before={"maintenance_window": SATURDAYS},
                after={"maintenance_window": SATURDAYS.replace("WEEKLY;BYDAY=SA", "DAILY")},
            ),
            id="another window, exclusions stay",
        ),
        pytest.param(
            {"hold_node_upgrades": True},
            {"recurringWindow": RECURRING},
            excluded({HOLD: HELD}, {}, {HOLD: HELD_WORDS}, recurringWindow=RECURRING),
            id="hold, the window stays",
        ),
        pytest.param(
            {"hold_node_upgrades": True},
            {
                "maintenanceExclusions": {
                    HOLD: {**HELD, "startTime": "2026-01-01T00:00:00Z", "endTime": "2027-09-01T00:00:00Z"}
                }
            },
            Plan(),
            id="held since long",
        ),
        pytest.param(
            {"hold_node_upgrades": True},
            {"maintenanceExclusions": {HOLD: {**HELD, "maintenanceExclusionOptions": LASTING_MINOR}}},
            excluded(
                {HOLD: HELD}, {HOLD: HELD_WORDS.replace("minor_or_node_upgrades", "minor_upgrades")}, {HOLD: HELD_WORDS}
            ),
            id="held from less",
        ),
        pytest.param(
            {"hold_node_upgrades": True},
            {
                "maintenanceExclusions": {
                    HOLD: {**HOLIDAYS_BODY, "maintenanceExclusionOptions": {"scope": "NO_MINOR_OR_NODE_UPGRADES"}}
                }
            },
            excluded({HOLD: HELD}, {HOLD: HOLIDAYS_WORDS.replace("no_", "no_minor_or_node_", 1)}, {HOLD: HELD_WORDS}),
            id="held for less",
        ),
        pytest.param(
            {"hold_node_upgrades": False},
            {"maintenanceExclusions": {HOLD: HELD, "mine": HOLIDAYS_BODY}},
            excluded({"mine": HOLIDAYS_BODY}, {"mine": HOLIDAYS_WORDS, HOLD: HELD_WORDS}, {"mine": HOLIDAYS_WORDS}),
            id="hold no longer",
        ),
        pytest.param({"hold_node_upgrades": False}, {}, Plan(), id="no hold to end"),
        pytest.param(
            {"maintenance_exclusions": [HOLIDAYS]},
            {"maintenanceExclusions": {"old": HOLIDAYS_BODY, HOLD: HELD}},
            excluded(
                {"holidays": HOLIDAYS_BODY, HOLD: HELD},
                {"old": HOLIDAYS_WORDS, HOLD: HELD_WORDS},
                {"holidays": HOLIDAYS_WORDS, HOLD: HELD_WORDS},
            ),
            id="exclusions are the whole truth, but for the hold",
        ),
        pytest.param(
            {"maintenance_exclusions": [HOLIDAYS]},
            {"maintenanceExclusions": {"holidays": HOLIDAYS_BODY}},
            Plan(),
            id="the same exclusions",
        ),
        pytest.param(
            {"maintenance_exclusions": [HOLIDAYS]},
            {"maintenanceExclusions": {"holidays": {**HOLIDAYS_BODY, "maintenanceExclusionOptions": None}}},
            Plan(),
            id="of all upgrades where Google names none",
        ),
        pytest.param(
            {"maintenance_exclusions": []},
            {"maintenanceExclusions": {"mine": HOLIDAYS_BODY}},
            excluded({}, {"mine": HOLIDAYS_WORDS}, {}),
            id="no exclusions any more",
        ),
        pytest.param({}, {"maintenanceExclusions": {"mine": HOLIDAYS_BODY}}, Plan(), id="nothing asked"),
        pytest.param({"maintenance_exclusions": [LAST_YEAR]}, {}, Plan(), id="what is over is not added"),
        pytest.param(
            {"maintenance_exclusions": [{**LAST_YEAR, "end": "2026-11-24T12:00:00Z"}]}, {}, Plan(), id="over just now"
        ),
        pytest.param(
            {"maintenance_exclusions": [LAST_YEAR]},
            {"maintenanceExclusions": {"holidays": HOLIDAYS_BODY}},
            Plan(),
            id="what is over changes nothing",
        ),
    ],
)
def test_plan_of_the_maintenance(options: dict[str, Any], window: dict[str, Any] | None, todo: Plan) -> None:
    found = plan(wanted(**options), cluster_body(maintenancePolicy={"window": window}), NOW)
    assert found == todo
    assert found.changed is (todo != Plan())


def test_a_daily_window_gives_way() -> None:
    policy = {"window": {"dailyMaintenanceWindow": {"startTime": "03:00"}}, "resourceVersion": "r7"}
    todo = plan(wanted(maintenance_window=WINDOW), cluster_body(maintenancePolicy=policy), NOW)
    assert todo.maintenance == {"window": {"recurringWindow": RECURRING}, "resourceVersion": "r7"}


@pytest.fixture
def far_from_greenwich(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "XXX-5")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("far_from_greenwich")
def test_a_window_is_the_same_wherever_it_is_asked_for() -> None:
    body = body_of(wanted(maintenance_window=WINDOW), NOW)
    assert body["maintenancePolicy"] == {"window": {"recurringWindow": RECURRING}}


MOMENT = "Give it as in 2026-12-24T00:00:00Z."


@pytest.mark.parametrize(
    ("options", "said", "remedy"),
    [
        pytest.param(
            {"hold_node_upgrades": True, "release_channel": "none"},
            "hold_node_upgrades needs a release channel, and release_channel is none.",
            "Choose a channel; without one turn auto_upgrade of the node pools off instead.",
            id="channel",
        ),
        pytest.param(
            {"maintenance_window": {**WINDOW, "start": "Saturday"}},
            "maintenance_window has Saturday, which is no moment with a time zone.",
            MOMENT,
            id="day",
        ),
        pytest.param(
            {"maintenance_window": {**WINDOW, "end": "2026-11-28T05:00:00"}},
            "maintenance_window has 2026-11-28T05:00:00, which is no moment with a time zone.",
            MOMENT,
            id="no zone",
        ),
        pytest.param(
            {"maintenance_exclusions": [{**HOLIDAYS, "start": "Christmas"}]},
            "maintenance_exclusions holidays has Christmas, which is no moment with a time zone.",
            MOMENT,
            id="feast",
        ),
        pytest.param(
            {"maintenance_window": {**WINDOW, "end": WINDOW["start"]}},
            "maintenance_window ends before it starts (2026-11-28T02:00:00+01:00, 2026-11-28T02:00:00+01:00).",
            "Correct it.",
            id="order",
        ),
        pytest.param(
            {"maintenance_window": {**WINDOW, "recurrence": "weekly"}},
            "maintenance_window recurs as 'weekly', which is no recurrence rule.",
            "Give it as in FREQ=WEEKLY;BYDAY=SA,SU (RFC 5545).",
            id="rule",
        ),
        pytest.param(
            {"authorized_networks": [{"cidr": "203.0.113.7/24"}]},
            "authorized_networks has 203.0.113.7/24, which is no network (203.0.113.7/24 has host bits set).",
            "Give addresses as in 203.0.113.0/24, or 203.0.113.7/32 for one.",
            id="host bits",
        ),
        pytest.param(
            {"default_pool": {"node_count": 5, "max_nodes": 4}},
            "default_pool has node_count 5, which is not within min_nodes 0 and max_nodes 4.",
            "Give a node_count between the two.",
            id="too many nodes",
        ),
        pytest.param(
            {"default_pool": {"min_nodes": 3, "max_nodes": 4}},
            "default_pool has node_count 2, which is not within min_nodes 3 and max_nodes 4.",
            "Give a node_count between the two.",
            id="too few nodes",
        ),
        pytest.param(
            {"default_pool": {"node_count": 0}},
            "default_pool has node_count 0; GKE creates no cluster without a node.",
            "Give 1 or more.",
            id="no node",
        ),
        pytest.param(
            {"default_pool": {"node_count": -1, "max_nodes": 4}},
            "default_pool has node_count -1; GKE creates no cluster without a node.",
            "Give 1 or more.",
            id="less than none",
        ),
    ],
)
def test_bad_options_are_refused_before_anything_is_asked(options: dict[str, Any], said: str, remedy: str) -> None:
    stage = Stage(FakeGke())
    with pytest.raises(RhaiiError) as caught:
        play(stage, **options)
    assert (caught.value.msg, caught.value.remedy) == (said, remedy)
    assert stage.gke.calls == []


@pytest.mark.parametrize(
    "options", [{"hold_node_upgrades": False, "release_channel": "none"}, {"hold_node_upgrades": True}]
)
def test_a_hold_needs_a_channel_and_a_channel_no_hold(options: dict[str, Any]) -> None:
    assert play(Stage(FakeGke()), **options)["changed"]


@pytest.mark.parametrize(
    "window",
    [
        pytest.param(
            {"recurringWindow": {**RECURRING, "window": {"startTime": "soon", "endTime": "soon"}}}, id="window"
        ),
        pytest.param({"maintenanceExclusions": {"mine": {**HOLIDAYS_BODY, "startTime": "soon"}}}, id="its start"),
        pytest.param({"maintenanceExclusions": {"mine": {**HOLIDAYS_BODY, "endTime": "soon"}}}, id="its end"),
    ],
)
def test_times_of_the_cluster_that_nobody_can_read(window: dict[str, Any]) -> None:
    with pytest.raises(RhaiiError) as caught:
        plan(wanted(maintenance_window=WINDOW), cluster_body(maintenancePolicy={"window": window}), NOW)
    assert caught.value.msg == "the cluster has soon, which is no moment with a time zone."
