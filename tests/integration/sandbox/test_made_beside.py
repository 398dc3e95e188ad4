# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role makes beside the cluster with unmodified modules of google.cloud, and what it takes away again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._access.permissions import permissions_for

from sandbox.cloud.dispatch import Dispatcher
from sandbox.cloud.state import MadeNetwork, Store
from tests.integration.cloud_runs import CLUSTER, CREATE, DELETE, REGION, ZONE, EmulatedCloud, Shown

ACCOUNT = "rhaii-tpu-scaleout-9020f-nodes@rhaii-sandbox.iam.gserviceaccount.com"
NETWORK, SUBNET = f"global/networks/{CLUSTER}-network", f"regions/{REGION}/subnetworks/{CLUSTER}-subnet"
BOTH = {"rhaii_create_node_service_account": True, "rhaii_create_network": True}
PARTS = {CREATE: ["control_plane"], DELETE: ["look", "teardown"]}
IN_USE = (
    f"The network resource 'projects/rhaii-sandbox/{NETWORK}' is already being used by "
    "'projects/rhaii-sandbox/global/firewalls/gke-demo-12345678-all'"
)


class WithoutPools(EmulatedCloud):
    """Runs of the role's parts that make the control plane, and take all away."""

    def _play(self, name: str) -> Path:
        file = self.root / f"{name}.yml"
        tasks = [
            {"ansible.builtin.include_role": {"name": "rhaii.gke.cluster", "tasks_from": part}}
            for part in [*PARTS[name], "cleanup"]
        ]
        file.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]), encoding="utf-8")
        return file


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[WithoutPools]:
    with WithoutPools(tmp_path / "cloud") as emulated:
        yield emulated


def changed(shown: Shown) -> int:
    """How many tasks changed something, of a run that succeeded."""
    assert shown.code == 0, shown.output
    assert not shown.tracebacks
    words = shown.output.rpartition("PLAY RECAP")[2].split()
    return int(next(word for word in words if word.startswith("changed=")).partition("=")[2])


def said(shown: Shown) -> str:
    return " ".join(shown.output.split())


@pytest.mark.prove
def test_account_and_network_are_made_once_and_go_with_the_cluster(
    cloud: WithoutPools, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: set[str] = set()
    allow = Dispatcher._allow

    def noted(self: Any, method: Any, params: Any, handler: Any, caller: str) -> None:
        asked.add(handler.permission)
        allow(self, method, params, handler, caller)

    monkeypatch.setattr(Dispatcher, "_allow", noted)
    made = cloud.play(CREATE, **BOTH)
    assert changed(made) == 4
    state = cloud.state
    assert state.service_accounts == {ACCOUNT: {"displayName": "rhaii.gke: nodes of sandbox"}}
    assert {path: each.body["description"] for path, each in state.networks.items()} == dict.fromkeys(
        [NETWORK, SUBNET], "rhaii.gke: network of sandbox"
    )
    assert state.networks[NETWORK].body["autoCreateSubnetworks"] is False
    assert state.networks[SUBNET].body["privateIpGoogleAccess"] is True
    cluster = state.clusters[f"{ZONE}/{CLUSTER}"]
    assert (cluster.body["network"], cluster.body["subnetwork"]) == (f"{CLUSTER}-network", f"{CLUSTER}-subnet")
    (pool,) = cluster.pools.values()
    assert pool.body["config"]["serviceAccount"] == ACCOUNT
    assert "add-iam-policy-binding rhaii-sandbox" in said(made)
    assert f"--member=serviceAccount:{ACCOUNT} --role=roles/container.defaultNodeServiceAccount" in said(made)

    again = cloud.play(CREATE, **BOTH)
    assert changed(again) == 0
    assert "add-iam-policy-binding" not in said(again)

    # a firewall rule of GKE is there a little longer than its cluster
    cloud.fault(kind="api_error", method="compute.networks.delete", status=400, message=IN_USE, count=1)
    gone = cloud.play(DELETE, **BOTH)
    assert changed(gone) == 4
    assert (cloud.state.clusters, cloud.state.service_accounts) == ({}, {})
    network = [call["status"] for call in cloud.changes() if call["method"] == "compute.networks.delete"]
    assert network == [400, 200]
    assert not [path for path, each in cloud.state.networks.items() if each.gone_at is None]

    features = ["network", "node_service_account"]
    assert asked - {""} <= {each.name for each in permissions_for(features)}
    assert {each.name for each in permissions_for(features) if each.feature} <= {
        *asked,
        "compute.networks.updatePolicy",
    }


@pytest.mark.prove
def test_check_mode_says_what_would_be_made_and_makes_nothing(cloud: WithoutPools) -> None:
    cloud.options = ("--check",)
    would = cloud.play(CREATE, **BOTH)
    # the third is the cluster
    assert (changed(would), cloud.changes()) == (3, [])
    assert f"The service account {ACCOUNT} would be made" in said(would)
    assert f"subnet {CLUSTER}-subnet (10.0.0.0/20, {REGION}) would be made" in said(would)


@pytest.mark.prove
def test_what_is_not_ours_is_neither_used_nor_deleted(tmp_path: Path) -> None:
    before = Store(tmp_path / "state.json")
    foreign = "of the search team"
    before.state.networks[NETWORK] = MadeNetwork({"name": f"{CLUSTER}-network", "description": foreign}, 0.0, 0.0)
    before.state.service_accounts[ACCOUNT] = {"displayName": foreign}
    before.save()
    with WithoutPools(tmp_path / "cloud", state=before.path) as cloud:
        left_alone(cloud)


def left_alone(cloud: EmulatedCloud) -> None:
    refused = cloud.play(CREATE, rhaii_create_network=True)
    assert (refused.code, refused.tracebacks) == (2, 0)
    assert f"There is a network {CLUSTER}-network" in refused.errors
    assert "name it with rhaii_network" in refused.errors
    left = cloud.play(DELETE, **BOTH)
    assert changed(left) == 0
    assert f"The network {CLUSTER}-network was not made for sandbox and is left alone" in said(left)
    assert f"The service account {ACCOUNT} was not made for sandbox and is left alone" in said(left)
    assert cloud.changes() == []
    assert (list(cloud.state.networks), list(cloud.state.service_accounts)) == ([NETWORK], [ACCOUNT])
