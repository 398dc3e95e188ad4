# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Networks and subnets of the emulated Compute Engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sandbox.cloud.discovery import document
from sandbox.cloud.errors import GoogleError
from sandbox.cloud.validation import Checker
from tests.unit.sandbox.cloud.fakes import VIEWER, Rig, compute, container

REGION = "europe-west4"
LINK = "projects/rhaii-sandbox/global/networks/own"
SUBNET: dict[str, Any] = {"name": "part", "network": LINK, "ipCidrRange": "10.0.0.0/20", "region": REGION}


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def refused(rig: Rig, method: str, body: dict[str, Any] | None = None, **params: str) -> GoogleError:
    with pytest.raises(GoogleError) as raised:
        rig.call(compute(method), body, **params)
    return raised.value


def make(rig: Rig, **more: Any) -> None:
    """The network, there."""
    rig.call(compute("networks.insert"), {"name": "own", "autoCreateSubnetworks": False, **more})
    rig.clock.time += 1


def make_both(rig: Rig) -> None:
    make(rig)
    rig.call(compute("subnetworks.insert"), SUBNET, region=REGION)
    rig.clock.time += 1


def test_answers_are_what_googles_document_says(rig: Rig) -> None:
    make_both(rig)
    checker = Checker(document("compute.v1"))
    found = {
        "Network": rig.call(compute("networks.get"), network="own"),
        "NetworkList": rig.call(compute("networks.list")),
        "Subnetwork": rig.call(compute("subnetworks.get"), region=REGION, subnetwork="part"),
        "SubnetworkList": rig.call(compute("subnetworks.list"), region=REGION),
        "Operation": rig.call(compute("networks.insert"), {"name": "other"}),
    }
    for schema, answer in found.items():
        assert checker.message(schema, answer, "") == answer
    assert checker.violations == []


def test_project_begins_with_a_network_that_has_a_subnet_in_every_region(rig: Rig) -> None:
    (usual,) = rig.call(compute("networks.list"))["items"]
    assert (usual["name"], len(usual["subnetworks"])) == ("default", len(rig.cloud.project.regions))
    assert "stays" in refused(rig, "subnetworks.delete", region=REGION, subnetwork="default").message
    assert "already being used" in refused(rig, "networks.delete", network="default").message


def test_operations_are_found_where_they_are_and_end(rig: Rig) -> None:
    operation = rig.call(compute("networks.insert"), {"name": "own", "autoCreateSubnetworks": False})
    look = compute("globalOperations.get")
    assert rig.call(look, operation=operation["name"])["status"] == "RUNNING"
    assert refused(rig, "subnetworks.insert", SUBNET, region=REGION).status == "FAILED_PRECONDITION"
    rig.clock.time += 1
    assert rig.call(look, operation=operation["name"])["status"] == "DONE"
    regional = rig.call(compute("subnetworks.insert"), SUBNET, region=REGION)
    assert refused(rig, "globalOperations.get", operation=regional["name"]).code == 404
    assert refused(rig, "regionOperations.get", operation=regional["name"], region="us-east5").code == 404
    found = rig.call(compute("regionOperations.get"), operation=regional["name"], region=REGION)
    assert found["targetLink"].endswith(f"/regions/{REGION}/subnetworks/part")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "Part"}, "resource.name"),
        ({"region": "us-east5"}, "resource.region"),
        ({"network": "projects/x/global/networks/none"}, "global/networks/none' was not found"),
        ({"network": "projects/x/global/networks/default"}, "makes its subnetworks by itself"),
        ({"ipCidrRange": "10.0.0.0"}, "resource.ipCidrRange"),
        ({"ipCidrRange": "10.0.0.0/30"}, "resource.ipCidrRange"),
        ({"ipCidrRange": "10.0.0.1/20"}, "resource.ipCidrRange"),
    ],
)
def test_subnet_that_cannot_be_is_refused(rig: Rig, change: dict[str, Any], said: str) -> None:
    make(rig)
    assert said in refused(rig, "subnetworks.insert", {**SUBNET, **change}, region=REGION).message


def test_nothing_is_made_twice_or_over_another(rig: Rig) -> None:
    make_both(rig)
    assert refused(rig, "networks.insert", {"name": "own"}).code == 409
    assert refused(rig, "subnetworks.insert", SUBNET, region=REGION).code == 409
    over = {**SUBNET, "name": "over", "ipCidrRange": "10.0.8.0/24"}
    assert (
        "conflicts with existing subnetwork 'part'" in refused(rig, "subnetworks.insert", over, region=REGION).message
    )


def test_subnet_needs_the_right_to_change_its_network(rig: Rig) -> None:
    make(rig)
    with pytest.raises(GoogleError, match=r"compute\.networks\.updatePolicy"):
        rig.call(compute("subnetworks.insert"), SUBNET, region=REGION, caller=VIEWER)


def test_they_go_in_order(rig: Rig) -> None:
    make_both(rig)
    assert "already being used by" in refused(rig, "networks.delete", network="own").message
    rig.call(compute("subnetworks.delete"), region=REGION, subnetwork="part")
    assert rig.call(compute("subnetworks.get"), region=REGION, subnetwork="part")["name"] == "part"
    rig.clock.time += 1
    assert refused(rig, "subnetworks.get", region=REGION, subnetwork="part").code == 404
    rig.call(compute("networks.delete"), network="own")
    rig.clock.time += 1
    assert refused(rig, "networks.get", network="own").code == 404


async def test_cluster_uses_them(rig: Rig) -> None:
    make_both(rig)
    cluster = {"name": "demo", "initialNodeCount": 1, "network": "own", "subnetwork": "part"}
    rig.call(container("clusters.create"), {"cluster": cluster})
    await rig.turn()
    assert "/clusters/demo'" in refused(rig, "subnetworks.delete", region=REGION, subnetwork="part").message
    found = rig.call(compute("subnetworks.get"), region=REGION, subnetwork="part")
    assert [each["rangeName"].rsplit("-", 1)[0] for each in found["secondaryIpRanges"]] == [
        "gke-demo-pods",
        "gke-demo-services",
    ]
    rules = rig.call(compute("firewalls.list"))["items"]
    assert {rule["network"].rpartition("/")[2] for rule in rules} == {"own"}


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ({"network": "none"}, 'Network "none" does not exist'),
        ({"network": "own"}, "Cluster.subnetwork is required"),
        ({"network": "own", "subnetwork": "default"}, 'Subnetwork "default" does not exist'),
        ({"subnetwork": "part"}, 'of network "default"'),
    ],
)
def test_cluster_in_a_network_that_is_not_there_is_refused(rig: Rig, place: dict[str, str], said: str) -> None:
    make_both(rig)
    with pytest.raises(GoogleError, match=said):
        rig.call(container("clusters.create"), {"cluster": {"name": "demo", "initialNodeCount": 1, **place}})
    assert not rig.cloud.state.clusters
