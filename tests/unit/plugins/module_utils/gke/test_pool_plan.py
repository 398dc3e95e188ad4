# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""gke_node_pool's decisions: the whole body of a pool, and all that separates one from another."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._gke.pool_plan import (
    Bounds,
    Plan,
    Taint,
    body_of,
    bounds_of,
    chips_per_node,
    inherited,
    plan,
    refuse_topology,
    reservation_of,
    seconds_of,
)

from tests.unit.plugins.module_utils.fake_gke import OURS, pool_body
from tests.unit.plugins.module_utils.gke.test_node_pool import BOUNDS, configured, reserved, wanted


def test_body_leaves_out_what_is_not_asked() -> None:
    assert body_of(wanted(workload_identity=False, spot=False)) == {
        "name": "tpu-pool",
        "initialNodeCount": 3,
        "config": {
            "machineType": "ct6e-standard-4t",
            "oauthScopes": ["https://www.googleapis.com/auth/cloud-platform"],
            "resourceLabels": OURS,
        },
        "management": {"autoRepair": True, "autoUpgrade": True},
        "upgradeSettings": {"maxSurge": 0, "maxUnavailable": 1},
    }


@pytest.mark.parametrize(
    ("machine_type", "chips"),
    [
        pytest.param("ct6e-standard-4t", 4, id="v6e with four"),
        pytest.param("ct6e-standard-1t", 1, id="v6e with one"),
        pytest.param("ct5lp-hightpu-8t", 8, id="v5e with eight"),
        pytest.param("e2-standard-4", 0, id="no TPU"),
        pytest.param("c3-standard-4t", 0, id="looks like one but is none"),
        pytest.param("ct6e-standard-xt", 0, id="no number"),
        pytest.param("ct6e-standard-16t", 16, id="two digits"),
        pytest.param("ct6e-standard-4", 0, id="no chips"),
        pytest.param("", 0, id="nothing"),
    ],
)
def test_chips_per_node(machine_type: str, chips: int) -> None:
    assert chips_per_node(machine_type) == chips


def test_no_topology_is_fine() -> None:
    refuse_topology(None, "ct6e-standard-4t")
    refuse_topology("", "ct6e-standard-4t")


@pytest.mark.parametrize(
    ("options", "pool"),
    [
        pytest.param({"reservation": "r1"}, configured(reservationAffinity=reserved("r1")), id="reserved"),
        pytest.param({"spot": False}, {"config": {"machineType": "ct6e-standard-4t"}}, id="of which little is said"),
        pytest.param({"machine_type": "ct6e-standard-4t", "service_account": "n@p"}, {"config": None}, id="nothing"),
        pytest.param({"spot": None, "machine_type": None}, configured(spot=True), id="nothing asked"),
    ],
)
def test_what_needs_no_new_pool(options: dict[str, Any], pool: dict[str, Any]) -> None:
    assert plan(wanted(**options), pool_body(**pool), 3, 3).impossible == ()


def test_what_gke_adds_by_itself_is_no_difference() -> None:
    config = {
        "machineType": "ct6e-standard-4t",
        "labels": {"cloud.google.com/gke-tpu-accelerator": "tpu-v6e-slice"},
        "taints": [{"key": "google.com/tpu", "value": "present", "effect": "NO_SCHEDULE"}],
        "resourceLabels": {**OURS, "goog-gke-node": ""},
        "workloadMetadataConfig": {"mode": "GKE_METADATA"},
    }
    assert plan(wanted(), pool_body(config=config), 3, 3) == Plan()


def test_labels_are_merged() -> None:
    todo = plan(wanted(node_labels={"a": "b"}, labels={"team": "ml"}), pool_body(), 3, 3)
    assert todo == Plan(
        updates=({"labels": {"labels": {"a": "b"}}}, {"resourceLabels": {"labels": {**OURS, "team": "ml"}}}),
        before={"node_labels": {}, "labels": OURS},
        after={"node_labels": {"a": "b"}, "labels": {**OURS, "team": "ml"}},
    )
    assert wanted(node_labels=None, labels=None) == wanted()


@pytest.mark.parametrize(
    ("options", "zones", "per_zone"),
    [
        pytest.param({"node_count": 3}, 1, None, id="as it is"),
        pytest.param({"node_count": 5}, 1, 5, id="up"),
        pytest.param({"node_count": 2}, 1, 2, id="down"),
        pytest.param({"node_count": 0}, 1, 0, id="to nothing"),
        pytest.param({"node_count": None}, 1, None, id="not asked"),
        pytest.param({"node_count": 6}, 3, 2, id="over three zones"),
        pytest.param({"node_count": 6}, 0, 6, id="over zones that are not known"),
        pytest.param({"node_count": 2, "shrink": False}, 1, None, id="not down"),
        pytest.param({"node_count": 5, "shrink": False}, 1, 5, id="only up"),
    ],
)
def test_plan_of_the_size(options: dict[str, Any], zones: int, per_zone: int | None) -> None:
    pool = pool_body(locations=[f"z{number}" for number in range(zones)])
    todo = plan(wanted(**options), pool, 3, 3)
    before, after = ({"node_count": 3}, {"node_count": options["node_count"]}) if per_zone is not None else ({}, {})
    assert todo == Plan(nodes_per_zone=per_zone, before=before, after=after)
    assert todo.changed is (per_zone is not None)


BROKEN = {"status": "RUNNING_WITH_ERROR"}
WHOLE = {"status": "RUNNING"}


@pytest.mark.parametrize(
    ("pool", "size", "up", "todo"),
    [
        pytest.param(
            BROKEN,
            3,
            2,
            Plan(nodes_per_zone=3, before={**BROKEN, "nodes_up": 2}, after={**WHOLE, "nodes_up": 3}),
            id="one",
        ),
        pytest.param(
            {**BROKEN, "locations": ["a", "b"]},
            4,
            0,
            Plan(nodes_per_zone=2, before={**BROKEN, "nodes_up": 0}, after={**WHOLE, "nodes_up": 4}),
            id="all, of two zones",
        ),
        pytest.param(BROKEN, 3, 3, Plan(nodes_per_zone=3, before=BROKEN, after=WHOLE), id="none of the machines"),
        pytest.param(BROKEN, 0, 0, Plan(), id="none are wanted"),
        pytest.param(WHOLE, 3, 2, Plan(), id="no error"),
        pytest.param({**BROKEN, "config": {"flexStart": True}}, 3, 2, Plan(), id="flex-start machines"),
    ],
)
def test_plan_of_a_pool_that_misses_machines(pool: dict[str, Any], size: int, up: int, todo: Plan) -> None:
    asked = wanted(node_count=None, machine_type=None, workload_identity=None)
    body = pool_body(**{**pool, "config": {"resourceLabels": OURS, **pool.get("config", {})}})
    assert plan(asked, body, size, up) == todo


@pytest.mark.parametrize(
    ("options", "config", "more"),
    [
        pytest.param({"spot": True}, {"spot": True}, {}, id="spot"),
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
            {},
            id="reservation",
        ),
        pytest.param(
            {"disk_type": "hyperdisk-balanced", "disk_size_gb": 200, "node_labels": {"a": 1}, "labels": {"team": "ml"}},
            {
                "diskType": "hyperdisk-balanced",
                "diskSizeGb": 200,
                "labels": {"a": "1"},
                "resourceLabels": {"team": "ml", **OURS},
            },
            {},
            id="disk and labels",
        ),
        pytest.param(
            {
                "taints": [
                    {"key": "a", "value": "b", "effect": "NoExecute"},
                    {"key": "c", "effect": "PreferNoSchedule"},
                ],
                "service_account": "n@p",
                "upgrade_settings": {"max_surge": 1, "max_unavailable": 0},
                "auto_upgrade": False,
            },
            {
                "taints": [
                    {"key": "a", "value": "b", "effect": "NO_EXECUTE"},
                    {"key": "c", "value": "", "effect": "PREFER_NO_SCHEDULE"},
                ],
                "serviceAccount": "n@p",
            },
            {
                "upgradeSettings": {"maxSurge": 1, "maxUnavailable": 0},
                "management": {"autoRepair": True, "autoUpgrade": False},
            },
            id="taints, account, upgrades",
        ),
        pytest.param(
            {"autoscaling": {"enabled": True, "min_nodes": 1, "max_nodes": 5}, "auto_repair": False},
            {},
            {
                "autoscaling": {
                    "enabled": True,
                    "totalMinNodeCount": 1,
                    "totalMaxNodeCount": 5,
                    "locationPolicy": "ANY",
                },
                "management": {"autoRepair": False, "autoUpgrade": True},
            },
            id="autoscaling, no repair",
        ),
        pytest.param({"autoscaling": {"enabled": False, "min_nodes": 0, "max_nodes": None}}, {}, {}, id="none of it"),
        pytest.param({"workload_identity": None}, {}, {}, id="identity where nothing is said"),
    ],
)
def test_body_has_what_is_asked(options: dict[str, Any], config: dict[str, Any], more: dict[str, Any]) -> None:
    plain = body_of(wanted())
    assert plain["config"]["workloadMetadataConfig"] == {"mode": "GKE_METADATA"}
    assert body_of(wanted(**options)) == {**plain, **more, "config": {**plain["config"], **config}}


TPU = {"key": "google.com/tpu", "value": "present", "effect": "NO_SCHEDULE"}


def test_taints_keep_the_one_that_gke_puts_on_tpu_machines() -> None:
    pool = configured(taints=[TPU, {"key": "old", "effect": "NO_EXECUTE"}, {"key": "b", "effect": "NO_SCHEDULE"}])
    given = [
        {"key": "google.com/tpu", "value": "mine", "effect": "NoExecute"},
        {"key": "z", "value": "1", "effect": "PreferNoSchedule"},
        {"key": "a", "value": "", "effect": "NoSchedule"},
    ]
    asked = [{"key": "z", "value": "1", "effect": "PREFER_NO_SCHEDULE"}, {**TPU, "key": "a", "value": ""}]
    assert plan(wanted(taints=given), pool, 3, 3) == Plan(
        updates=({"taints": {"taints": [TPU, *asked]}},),
        before={"taints": ["b=:NO_SCHEDULE", "old=:NO_EXECUTE"]},
        after={"taints": ["a=:NO_SCHEDULE", "z=1:PREFER_NO_SCHEDULE"]},
    )
    same = [{"key": "b", "effect": "NoSchedule"}, {"key": "old", "value": None, "effect": "NoExecute"}]
    assert plan(wanted(taints=same), pool, 3, 3) == Plan()


def test_a_disk_says_in_the_diff_what_it_costs() -> None:
    assert plan(wanted(disk_size_gb=300), pool_body(), 3, 3) == Plan(
        updates=({"diskSizeGb": 300},),
        before={"disk_size_gb": 200},
        after={"disk_size_gb": "300 (GKE makes every node anew)"},
    )
    # google-cloud-container may write it as text
    assert plan(wanted(disk_size_gb=300), configured(diskSizeGb="300"), 3, 3) == Plan()
    assert plan(wanted(disk_type="pd-ssd", disk_size_gb=9), configured(diskType=None, diskSizeGb=None), 3, 3) == Plan()


@pytest.mark.parametrize(
    ("options", "most"),
    [
        pytest.param({"node_count": 3}, None, id="as it is"),
        pytest.param({"node_count": 5}, 5, id="up"),
        pytest.param({"node_count": 2}, 2, id="down"),
        pytest.param({"node_count": 5, "shrink": False}, 5, id="only up"),
        pytest.param({"node_count": 2, "shrink": False}, None, id="not down"),
        pytest.param({"node_count": None}, None, id="not asked"),
        pytest.param({"node_count": 5, "flex_start": None}, 5, id="flex-start not asked"),
    ],
)
def test_flex_start_bounds_follow_the_size(options: dict[str, Any], most: int | None) -> None:
    pool = {**configured(flexStart=True), "autoscaling": {"enabled": True, "totalMaxNodeCount": 3}}
    todo = Plan()
    if most is not None:
        todo = Plan(
            autoscaling={
                "enabled": True,
                "totalMinNodeCount": 0,
                "totalMaxNodeCount": most,
                "locationPolicy": "ANY",
            },
            before={"autoscaling": "0 to 3 nodes"},
            after={"autoscaling": f"0 to {most} nodes"},
        )
    assert plan(wanted(**{"flex_start": True, **options}), pool, 0, 0) == todo


@pytest.mark.parametrize(
    ("pool", "bounds"),
    [
        pytest.param({}, Bounds(False, 0, 0), id="never any"),
        pytest.param({"autoscaling": {**BOUNDS, "enabled": False}}, Bounds(False, 0, 0), id="off"),
        pytest.param({"autoscaling": BOUNDS, "locations": ["a", "b"]}, Bounds(True, 1, 4), id="in all"),
        pytest.param(
            {"autoscaling": {"enabled": True, "minNodeCount": 1, "maxNodeCount": 4}, "locations": ["a", "b"]},
            Bounds(True, 2, 8),
            id="in each of two zones",
        ),
        pytest.param(
            {"autoscaling": {"enabled": True, "minNodeCount": 1, "maxNodeCount": 4}}, Bounds(True, 1, 4), id="a zone"
        ),
        pytest.param({"autoscaling": {"enabled": True}}, Bounds(True, 0, 0), id="nothing said"),
    ],
)
def test_bounds_of(pool: dict[str, Any], bounds: Bounds) -> None:
    assert bounds_of(pool) == bounds


@pytest.mark.parametrize(
    ("affinity", "reservation"),
    [
        pytest.param(None, "", id="nothing said"),
        pytest.param({"consumeReservationType": "NO_RESERVATION", "values": ["r"]}, "", id="none"),
        pytest.param(reserved("r1", "r2"), "r1, r2", id="two"),
        pytest.param({"consumeReservationType": "SPECIFIC_RESERVATION"}, "", id="nameless"),
    ],
)
def test_reservation_of(affinity: Any, reservation: str) -> None:
    assert reservation_of({"reservationAffinity": affinity}) == reservation


@pytest.mark.parametrize(("duration", "seconds"), [(None, None), ("", None), ("604800s", 604800), ("3.5s", 3)])
def test_seconds_of(duration: Any, seconds: int | None) -> None:
    assert seconds_of(duration) == seconds


RICH = {
    **configured(
        spot=True,
        serviceAccount="n@p",
        labels={"a": "b", "c": "d"},
        taints=[TPU, {"key": "x", "value": "y", "effect": "NO_EXECUTE"}, {"key": "z", "effect": "NO_SCHEDULE"}],
    ),
    "upgradeSettings": {"maxSurge": 2, "maxUnavailable": 3},
    "autoscaling": BOUNDS,
}
OF_RICH: dict[str, Any] = {
    "node_count": 4,
    "machine_type": "ct6e-standard-4t",
    "spot": True,
    "flex_start": False,
    "reservation": "",
    "disk_type": "hyperdisk-balanced",
    "disk_size_gb": 200,
    "service_account": "n@p",
    "node_labels": {"a": "b", "c": "d"},
    "taints": (Taint("x", "y", "NO_EXECUTE"), Taint("z", "", "NO_SCHEDULE")),
    "workload_identity": True,
    "max_surge": 2,
    "max_unavailable": 3,
    "auto_upgrade": True,
    "auto_repair": True,
    "bounds": Bounds(True, 1, 4),
}
FLEX = {
    **configured(flexStart=True, maxRunDuration="3600s"),
    "autoscaling": {"enabled": True, "totalMaxNodeCount": 5},
}
OF_FLEX: dict[str, Any] = {
    **OF_RICH,
    "node_count": 5,
    "spot": False,
    "flex_start": True,
    "max_run_duration": 3600,
    "service_account": "default",
    "node_labels": {},
    "taints": (),
    "max_surge": 0,
    "max_unavailable": 1,
    "auto_repair": False,
    "bounds": None,
}
# and of one that is neither autoscaled nor bought in any of the three ways
ORDINARY = {**OF_FLEX, "node_count": 4, "flex_start": False, "max_run_duration": None, "auto_repair": True}
EVERYTHING: dict[str, Any] = {
    "node_count": 2,
    "machine_type": "ct6e-standard-1t",
    "spot": False,
    "flex_start": False,
    "max_run_duration": 60,
    "reservation": "r1",
    "disk_type": "pd-ssd",
    "disk_size_gb": 100,
    "service_account": "m@p",
    "node_labels": {"a": "z"},
    "taints": [],
    "workload_identity": False,
    "upgrade_settings": {"max_surge": 0, "max_unavailable": 1},
    "auto_upgrade": False,
    "auto_repair": False,
    "autoscaling": {"enabled": False, "min_nodes": 0, "max_nodes": None},
}


@pytest.mark.parametrize(
    ("options", "pool", "taken"),
    [
        pytest.param({}, RICH, OF_RICH, id="all there is"),
        pytest.param(EVERYTHING, RICH, {"node_labels": {"a": "z", "c": "d"}}, id="nothing but a label"),
        pytest.param({}, FLEX, OF_FLEX, id="flex-start"),
        pytest.param(
            {}, configured(reservationAffinity=reserved("r1")), {**ORDINARY, "reservation": "r1"}, id="reserved"
        ),
        pytest.param(
            {"spot": True},
            configured(reservationAffinity=reserved("r1")),
            {**ORDINARY, "spot": True},
            id="spot instead of a reservation",
        ),
        pytest.param(
            {"reservation": "r1"},
            configured(spot=True),
            {**ORDINARY, "reservation": "r1"},
            id="reservation instead of spot",
        ),
        pytest.param(
            {"spot": True},
            {**configured(flexStart=True, maxRunDuration="3600s"), "autoscaling": BOUNDS},
            {**ORDINARY, "spot": True},
            id="spot instead of flex-start",
        ),
        pytest.param(
            {"flex_start": True},
            {**configured(spot=True), "autoscaling": BOUNDS},
            {**ORDINARY, "flex_start": True, "auto_repair": False},
            id="flex-start instead of spot",
        ),
        pytest.param(
            {},
            {"name": "tpu-pool"},
            {
                **ORDINARY,
                "machine_type": None,
                "disk_type": None,
                "disk_size_gb": None,
                "service_account": None,
                "workload_identity": False,
                "max_unavailable": 0,
                "auto_upgrade": False,
                "auto_repair": False,
            },
            id="of which Google says little",
        ),
    ],
)
def test_what_a_pool_takes_over_from_the_one_it_replaces(
    options: dict[str, Any], pool: dict[str, Any], taken: dict[str, Any]
) -> None:
    asked = wanted(**{"node_count": None, "machine_type": None, "workload_identity": None, **options})
    assert inherited(asked, pool, 4) == replace(asked, **taken)
