# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Flex-start pools, which grow when pods find no node, and machines of a reservation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sandbox.cloud.runtime import finds_no_node
from tests.unit.sandbox.cloud.fakes import Rig, compute, container, deployed, tpu_pool

SELECTOR = {"cloud.google.com/gke-tpu-accelerator": "tpu-v6e-slice", "cloud.google.com/gke-tpu-topology": "2x2"}
TOLERATION = {"key": "google.com/tpu", "operator": "Equal", "value": "present", "effect": "NoSchedule"}


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def pod(chips: int = 4, **spec: Any) -> dict[str, Any]:
    container_spec = {"resources": {"limits": {"google.com/tpu": str(chips)}}}
    return {"spec": {"nodeSelector": SELECTOR, "tolerations": [TOLERATION], "containers": [container_spec], **spec}}


async def flexible(rig: Rig, most: int = 3, **autoscaling: Any) -> None:
    """A cluster with a pool of flex-start machines, as yet without any."""
    await deployed(rig)
    bounds = {"enabled": True, "totalMaxNodeCount": most, **autoscaling}
    body = {**tpu_pool(nodes=0, flexStart=True, maxRunDuration="3600s"), "autoscaling": bounds}
    rig.call(container("clusters.nodePools.create"), {"nodePool": body}, cluster="demo")
    await passed(rig, 16)


async def passed(rig: Rig, minutes: int) -> None:
    for _ in range(minutes):
        await rig.after(1)


def nodes(rig: Rig) -> list[str]:
    return [each["name"] for each in rig.runtime.nodes["demo"] if each["pool"] == "tpu-pool"]


async def test_machines_come_when_pods_ask_and_not_before(rig: Rig) -> None:
    await flexible(rig)
    assert nodes(rig) == []
    rig.runtime.pods = [pod(), pod()]
    await passed(rig, 9)
    assert nodes(rig) == []
    await passed(rig, 3)
    assert len(nodes(rig)) == 2
    # one more, and no more than the pool may have
    rig.runtime.pods = [pod(), pod(), pod()]
    await passed(rig, 14)
    assert len(nodes(rig)) == 3


async def test_machines_that_are_on_their_way_are_not_asked_for_twice(rig: Rig) -> None:
    await flexible(rig)
    rig.runtime.pods = [pod()]
    await passed(rig, 5)
    manager = rig.call(container("clusters.nodePools.get"), cluster="demo", nodePool="tpu-pool")["instanceGroupUrls"][0]
    group = rig.call(compute("instanceGroupManagers.get"), instanceGroupManager=manager.rpartition("/")[2])
    assert group["targetSize"] == 1


@pytest.mark.parametrize(
    "asking",
    [
        pytest.param(pod(nodeSelector={"cloud.google.com/gke-tpu-topology": "4x4"}), id="another topology"),
        pytest.param(pod(tolerations=[]), id="without the toleration"),
        pytest.param({"spec": {"containers": [{}]}}, id="no chips"),
    ],
)
async def test_pods_that_the_machines_could_not_take_bring_none(rig: Rig, asking: dict[str, Any]) -> None:
    await flexible(rig)
    rig.runtime.pods = [asking]
    await passed(rig, 14)
    assert nodes(rig) == []


async def test_pool_that_is_bought_otherwise_does_not_grow(rig: Rig) -> None:
    await deployed(rig, nodes=1)
    rig.runtime.pods = [pod()]
    await passed(rig, 14)
    assert len(nodes(rig)) == 1


def test_scheduler_says_which_pods_find_no_node() -> None:
    assert finds_no_node({"status": {"conditions": [{"type": "PodScheduled", "reason": "Unschedulable"}]}})
    assert not finds_no_node({"status": {"conditions": [{"type": "PodScheduled", "status": "True"}]}})
    assert not finds_no_node({})


def reserved(nodes: int) -> dict[str, Any]:
    affinity = {
        "consumeReservationType": "SPECIFIC_RESERVATION",
        "key": "compute.googleapis.com/reservation-name",
        "values": ["trillium-lab"],
    }
    return {**tpu_pool(nodes=nodes, reservationAffinity=affinity), "locations": ["us-central1-b"]}


@pytest.mark.parametrize(("nodes", "error"), [(3, ""), (4, "does not have available resources for the request")])
async def test_reservation_has_its_own_limit_and_needs_no_quota(rig: Rig, nodes: int, error: str) -> None:
    where = {"location": "us-central1-b"}
    rig.call(container("clusters.create"), {"cluster": {"name": "demo", "initialNodeCount": 1}}, **where)
    await passed(rig, 6)
    rig.cloud.faults.add({"kind": "quota", "region": "us-central1", "value": 0})
    answer = rig.call(container("clusters.nodePools.create"), {"nodePool": reserved(nodes)}, cluster="demo", **where)
    await passed(rig, 20)
    shown = rig.call(container("operations.get"), operation=answer["name"], **where)
    assert shown["status"] == "DONE"
    assert error in shown.get("error", {}).get("message", "")
    up = [each for each in rig.runtime.nodes["demo"] if each["pool"] == "tpu-pool"]
    assert len(up) == 3
