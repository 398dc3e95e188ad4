# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults that act on clusters and pools: machines that become no nodes, and Google's own work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sandbox.cloud.errors import GoogleError
from sandbox.cloud.faults import KINDS, MEANINGS, FaultError, kinds
from tests.unit.sandbox.cloud.fakes import Rig, compute, container, deployed, tpu_pool


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def pool(rig: Rig) -> dict[str, Any]:
    return rig.call(container("clusters.nodePools.get"), cluster="demo", nodePool="tpu-pool")


def machines(rig: Rig) -> list[dict[str, Any]]:
    manager = pool(rig)["instanceGroupUrls"][0].rpartition("/")[2]
    answer = rig.call(compute("instanceGroupManagers.listManagedInstances"), instanceGroupManager=manager)
    return list(answer["managedInstances"])


def nodes(rig: Rig) -> list[str]:
    return [each["name"] for each in rig.runtime.nodes["demo"] if each["pool"] == "tpu-pool"]


def resize(rig: Rig, size: int) -> dict[str, Any]:
    return rig.call(container("clusters.nodePools.setSize"), {"nodeCount": size}, cluster="demo", nodePool="tpu-pool")


async def made(rig: Rig, answer: dict[str, Any], minutes: int = 20) -> dict[str, Any]:
    """The operation after its time."""
    for _ in range(minutes):
        await rig.after(1)
    return rig.call(container("operations.get"), operation=answer["name"])


def test_every_kind_is_explained() -> None:
    assert set(KINDS) == set(MEANINGS)
    assert "busy: Google works on that cluster" in kinds()
    assert "cluster guide_minutes [location] [type]" in kinds()


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ({"kind": "token_lifetime"}, "needs seconds"),
        ({"kind": "token_lifetime", "seconds": 0}, "greater than 0"),
        ({"kind": "token_revoked", "seconds": 1}, "has no 'seconds'"),
        ({"kind": "pool_error", "pool": "a", "count": 0}, "greater than 0"),
        ({"kind": "busy", "cluster": "demo"}, "needs guide_minutes"),
        ({"kind": "busy", "cluster": "demo", "guide_minutes": 1, "type": "CREATE_NODE_POOL"}, "one of UPGRADE_MASTER"),
    ],
    ids=lambda each: each["kind"] if isinstance(each, dict) else "",
)
def test_fault_that_cannot_be_is_refused_with_a_sentence(rig: Rig, fault: dict[str, Any], sentence: str) -> None:
    with pytest.raises(FaultError, match=sentence):
        rig.cloud.faults.add(fault)


async def test_pool_is_created_with_a_machine_that_is_no_node(rig: Rig) -> None:
    await deployed(rig)
    rig.cloud.faults.add({"kind": "pool_error", "pool": "tpu-pool"})
    answer = rig.call(container("clusters.nodePools.create"), {"nodePool": tpu_pool(nodes=3)}, cluster="demo")
    ended = await made(rig, answer)
    assert (ended["status"], ended["error"]["code"]) == ("DONE", 13)
    assert "only 2 nodes out of 3 have registered" in ended["error"]["message"]
    shown = pool(rig)
    assert shown["status"] == "RUNNING_WITH_ERROR"
    assert shown["conditions"] == [
        {"code": "UNKNOWN", "canonicalCode": "INTERNAL", "message": ended["error"]["message"]}
    ]
    # Compute Engine knows of no fault, and bills all three
    assert [each["instanceStatus"] for each in machines(rig)] == ["RUNNING"] * 3
    assert len(nodes(rig)) == 2
    assert rig.cloud.faults.all() == []


async def test_asking_again_makes_the_silent_machine_anew(rig: Rig) -> None:
    await deployed(rig)
    rig.cloud.faults.add({"kind": "pool_error", "pool": "tpu-pool", "count": 2, "message": "Not healthy."})
    await made(rig, rig.call(container("clusters.nodePools.create"), {"nodePool": tpu_pool()}, cluster="demo"))
    again = await made(rig, resize(rig, 3))
    assert again["error"]["message"] == "Not healthy."
    assert (pool(rig)["status"], len(nodes(rig))) == ("RUNNING_WITH_ERROR", 2)
    assert "error" not in await made(rig, resize(rig, 3))
    assert (pool(rig)["status"], len(nodes(rig))) == ("RUNNING", 3)


async def test_growth_that_comes_in_part_keeps_the_nodes_that_were_there(rig: Rig) -> None:
    await deployed(rig, nodes=2)
    before = set(nodes(rig))
    rig.cloud.faults.add({"kind": "pool_error", "pool": "tpu-pool"})
    assert "only 2 nodes out of 3" in (await made(rig, resize(rig, 3)))["error"]["message"]
    assert set(nodes(rig)) == before
    silent = next(each for each in machines(rig) if each["name"] not in before)
    manager = pool(rig)["instanceGroupUrls"][0].rpartition("/")[2]
    rig.call(
        compute("instanceGroupManagers.deleteInstances"),
        {"instances": [silent["instance"]]},
        instanceGroupManager=manager,
    )
    await rig.after(3)
    assert pool(rig)["status"] == "RUNNING"


async def test_pool_error_is_of_its_pool_only(rig: Rig) -> None:
    await deployed(rig)
    rig.cloud.faults.add({"kind": "pool_error", "pool": "other"})
    await made(rig, rig.call(container("clusters.nodePools.create"), {"nodePool": tpu_pool()}, cluster="demo"))
    assert pool(rig)["status"] == "RUNNING"
    assert len(rig.cloud.faults.all()) == 1


async def test_google_at_work_refuses_other_changes_until_it_is_done(rig: Rig) -> None:
    await deployed(rig)
    rig.cloud.faults.add({"kind": "busy", "cluster": "demo", "guide_minutes": 4})
    assert rig.cloud.operations.begin_own(rig.clock.now())
    own = rig.call(container("operations.list"))["operations"][-1]
    assert own["operationType"] == "UPGRADE_MASTER"
    body = {"nodePool": tpu_pool()}
    with pytest.raises(GoogleError) as caught:
        rig.call(container("clusters.nodePools.create"), body, cluster="demo")
    assert caught.value.code in (400, 429)
    await rig.after(3.9)
    with pytest.raises(GoogleError):
        rig.call(container("clusters.delete"), cluster="demo")
    assert rig.call(container("clusters.get"), cluster="demo")["status"] == "RECONCILING"
    await rig.after(0.2)
    assert rig.call(container("clusters.get"), cluster="demo")["status"] == "RUNNING"
    rig.call(container("clusters.nodePools.create"), body, cluster="demo")


async def test_google_begins_as_soon_as_the_cluster_is_free(rig: Rig) -> None:
    fault = {"kind": "busy", "cluster": "demo", "location": "europe-west4-a", "guide_minutes": 2.5}
    rig.cloud.faults.add({**fault, "type": "AUTO_REPAIR_NODES"})
    rig.cloud.faults.add({**fault, "location": "us-east5-a"})
    rig.call(container("clusters.create"), {"cluster": {"name": "demo", "initialNodeCount": 2}})
    await rig.turn()
    await rig.after(5)
    running = [each.type for each in rig.cloud.operations.running()]
    assert running == ["AUTO_REPAIR_NODES"]
    assert [each["location"] for each in rig.cloud.faults.all()] == ["us-east5-a"]
