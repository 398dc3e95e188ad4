# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The control plane against kubectl, its reference client."""

from __future__ import annotations

import asyncio
import json
import subprocess

import pytest

from sandbox import processes
from sandbox.control_plane.cluster import ControlPlane
from sandbox.control_plane.kube import CONFIG_MAP, NAMESPACE, Conflict, Informer, KubeClient, NotFound

pytestmark = pytest.mark.cluster
CLUSTER_INDEX = 99


def kubectl(cluster: ControlPlane, *arguments: str) -> str:
    """The output of the real kubectl."""
    command = [str(cluster.settings.bin / "kubectl"), "--kubeconfig", str(cluster.kubeconfig), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def test_kubectl_sees_the_versions_and_the_basics(cluster: ControlPlane) -> None:
    version = json.loads(kubectl(cluster, "version", "-o", "json"))
    assert version["serverVersion"]["gitVersion"] == "v1.36.3" == version["clientVersion"]["gitVersion"]
    services = json.loads(kubectl(cluster, "get", "services", "-A", "-o", "json"))["items"]
    addresses = {item["metadata"]["name"]: item["spec"]["clusterIP"] for item in services}
    assert addresses["kubernetes"] == f"10.{CLUSTER_INDEX}.128.1"
    assert addresses["kube-dns"] == f"10.{CLUSTER_INDEX}.128.10"


def test_context_has_the_name_that_gcloud_gives(cluster: ControlPlane) -> None:
    assert kubectl(cluster, "config", "current-context").strip() == "gke_test-project_europe-west4-a_test-99"


def test_starting_again_changes_nothing(cluster: ControlPlane) -> None:
    before = {process.pid for process in processes.marked(cluster.settings, cluster=cluster.directory)}
    asyncio.run(cluster.start())
    after = {process.pid for process in processes.marked(cluster.settings, cluster=cluster.directory)}
    assert before <= after


async def test_client_creates_applies_and_deletes(cluster: ControlPlane) -> None:
    def config_map(value: str) -> dict[str, object]:
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "client", "namespace": "default"},
            "data": {"key": value},
        }

    async with KubeClient.from_kubeconfig(cluster.kubeconfig) as client:
        await client.create(config_map("one"))
        with pytest.raises(Conflict):
            await client.create(config_map("two"))
        applied = await client.apply(config_map("two"), manager="test")
        assert applied["data"] == {"key": "two"}
        assert await client.delete(CONFIG_MAP, "client", "default")
        assert not await client.delete(CONFIG_MAP, "client", "default")
        with pytest.raises(NotFound):
            await client.get(CONFIG_MAP, "client", "default")


async def test_informer_follows_objects_from_start_to_end(cluster: ControlPlane) -> None:
    async with KubeClient.from_kubeconfig(cluster.kubeconfig) as client:
        informer = Informer(client, NAMESPACE)
        seen: list[str] = []
        informer.on_change(lambda kind, obj: seen.append(f"{kind} {obj['metadata']['name']}"))
        await informer.synced()
        assert ("", "default") in informer.items
        await client.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "followed"}}, manager="test")
        async with asyncio.timeout(10):
            while ("", "followed") not in informer.items:
                informer.changed.clear()
                await informer.changed.wait()
        await informer.stop()
    assert "ADDED followed" in seen


async def test_token_that_nobody_vouches_for_is_refused(cluster: ControlPlane) -> None:
    async with KubeClient(f"https://{cluster.endpoint}", ca_data=cluster.ca_pem, token="forged") as client:
        with pytest.raises(Exception, match="401"):
            await client.list(NAMESPACE)
