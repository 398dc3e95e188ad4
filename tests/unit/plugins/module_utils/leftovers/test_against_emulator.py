# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The emulated cloud's lists after every kind of end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import Json, Operation, operation_of
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.kinds import KINDS
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.things import Thing, thing_of

from sandbox.cloud import load_balancers
from tests.unit.plugins.module_utils.leftovers.fake_lists import LABELS, SERVICE, looked
from tests.unit.sandbox.cloud.fakes import ZONE, Rig, compute, container, tpu_pool


class Emulated:
    """The sandbox's lists behind the port."""

    def __init__(self, folder: Path) -> None:
        self.rig = Rig(folder)
        self.loop = asyncio.new_event_loop()
        self.lock = threading.Lock()
        self.project = "rhaii-sandbox"

    def clusters(self) -> Sequence[Json]:
        return list(self.rig.call(container("clusters.list"), location="-").get("clusters", []))

    def operations(self, location: str) -> Sequence[Operation]:
        answer = self.rig.call(container("operations.list"), location=location)
        return [operation_of(each) for each in answer.get("operations", [])]

    def things(self, kind: str) -> Sequence[Thing]:
        of = KINDS[kind]
        method = "firewalls.list" if kind == "firewall" else f"{of.member}.aggregatedList"
        with self.lock:
            items = self.rig.call(compute(method)).get("items", [])
        scopes = [each.get(of.member, []) for each in items.values()] if isinstance(items, dict) else [items]
        return [thing_of(kind, each) for scope in scopes for each in scope]

    def pass_time(self, minutes: int) -> None:
        for _ in range(minutes):
            self.loop.run_until_complete(self.rig.after(1))

    def deploy(self) -> None:
        ordinary = {"name": "default-pool", "initialNodeCount": 2, "config": {"resourceLabels": LABELS}}
        cluster = {"name": "c", "nodePools": [ordinary], "resourceLabels": LABELS}
        self.rig.call(container("clusters.create"), {"cluster": cluster})
        self.pass_time(6)
        pool = tpu_pool(nodes=3, resourceLabels=LABELS)
        self.rig.call(container("clusters.nodePools.create"), {"nodePool": pool}, cluster="c")
        self.pass_time(16)
        load_balancers.request(self.rig.cloud, self.balancer)
        self.pass_time(4)

    def delete(self) -> None:
        self.rig.call(container("clusters.delete"), cluster="c")
        self.pass_time(10)

    @property
    def balancer(self) -> dict[str, str]:
        namespace, _, service = SERVICE.partition("/")
        return {
            "project": "rhaii-sandbox",
            "location": ZONE,
            "cluster": "c",
            "namespace": namespace,
            "service": service,
        }


@pytest.fixture
def cloud(tmp_path: Path) -> Emulated:
    return Emulated(tmp_path)


def kinds(found: dict[str, Any]) -> dict[str, int]:
    rows = [row["kind"] for row in found["leftovers"] if row["certainty"] == "ours"]
    return {kind: rows.count(kind) for kind in dict.fromkeys(rows)}


def test_all_of_a_living_environment_is_ours(cloud: Emulated) -> None:
    cloud.deploy()
    assert kinds(looked(cloud)) == {
        "node_pool": 2,
        "cluster": 1,
        "forwarding_rule": 1,
        "target_pool": 1,
        "address": 1,
        "instance": 5,
        "disk": 5,
        "firewall": 5,
    }
    # the same names, wanted by another environment
    assert looked(cloud, environment="prod")["leftovers"] == []


def test_cluster_deleted_by_hand_leaves_the_load_balancer_which_is_named(cloud: Emulated) -> None:
    cloud.deploy()
    cloud.delete()
    found = looked(cloud)
    assert kinds(found) == {"forwarding_rule": 1, "target_pool": 1, "address": 1, "firewall": 1}
    assert not found["clean"]
    open_items = [each["kind"] for each in cloud.rig.cloud.ledger.report()["items"] if each["closed"] is None]
    assert sorted(open_items) == ["address", "forwarding_rule"]


def test_end_in_the_right_order_leaves_nothing(cloud: Emulated) -> None:
    cloud.deploy()
    load_balancers.release(cloud.rig.cloud, cloud.balancer)
    cloud.delete()
    found = looked(cloud)
    assert (found["clean"], found["leftovers"]) == (True, [])
    assert all(each["closed"] is not None for each in cloud.rig.cloud.ledger.report()["items"])


def test_links_of_a_living_environment_keep_what_is_left_of_it_known(cloud: Emulated) -> None:
    cloud.deploy()
    links = looked(cloud)["links"]
    cloud.delete()
    assert looked(cloud, services=[], known=links)["ours"] == 4


def test_pool_of_others_in_our_cluster_is_not_ours_nor_are_its_machines(cloud: Emulated) -> None:
    cloud.deploy()
    before = kinds(looked(cloud))
    theirs = {"name": "batch", "initialNodeCount": 2, "config": {"resourceLabels": {"managed-by": "ops"}}}
    cloud.rig.call(container("clusters.nodePools.create"), {"nodePool": theirs}, cluster="c")
    # neither is what works on it
    assert kinds(looked(cloud, kinds=["operation"])) == {}
    cloud.pass_time(16)
    assert kinds(looked(cloud)) == before
