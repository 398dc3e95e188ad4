# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pool's replicas."""

from __future__ import annotations

from typing import Any

from sandbox.images.epp.replicas import Fleet, Pool, serves

LABELS = {"app.kubernetes.io/name": "m", "kserve.io/component": "workload"}


def pod(name: str, *, ip: str = "10.1.0.2", ready: bool = True, **metadata: Any) -> dict[str, Any]:
    condition = {"type": "Ready", "status": "True" if ready else "False"}
    return {
        "metadata": {"name": name, "labels": {**LABELS, "more": "x"}, **metadata},
        "status": {"podIP": ip, "conditions": [condition]},
    }


def test_pool_of_both_groups_is_read() -> None:
    new = {"spec": {"selector": {"matchLabels": LABELS}, "targetPorts": [{"number": 8000}]}}
    old = {"spec": {"selector": LABELS, "targetPortNumber": 8000}}
    assert Pool.of(new) == Pool.of(old) == Pool(LABELS, 8000)
    assert Pool.of({"spec": {}}) is None


def test_only_ready_pods_that_stay_serve() -> None:
    assert serves(pod("a"))
    assert not serves(pod("a", ready=False))
    assert not serves(pod("a", ip=""))
    assert not serves(pod("a", deletionTimestamp="2026-01-01T00:00:00Z"))


def test_fleet_takes_the_pools_pods_and_keeps_their_figures() -> None:
    fleet, pool = Fleet(), Pool(LABELS, 8000)
    fleet.update(pool, [pod("a"), pod("b", ip="10.1.1.2"), pod("other", labels={})])
    assert {replica.name: replica.address for replica in fleet.replicas} == {"a": "10.1.0.2:8000", "b": "10.1.1.2:8000"}
    fleet.replicas[0].queued = 7
    fleet.update(pool, [pod("a"), pod("b", ready=False)])
    assert [(replica.name, replica.queued) for replica in fleet.replicas] == [("a", 7)]
    fleet.update(pool, [pod("a", ip="10.1.5.2")])
    assert fleet.replicas[0].queued == 0
    fleet.update(None, [pod("a")])
    assert fleet.replicas == []
