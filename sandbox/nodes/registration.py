# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Node objects and their heartbeats."""

from __future__ import annotations

import datetime
import platform
import uuid
from typing import Any

from sandbox.control_plane.kube import LEASE, NODE, Conflict, KubeClient, NotFound
from sandbox.nodes.cluster import KUBELET_PORT, Cluster
from sandbox.nodes.inventory import Machine
from sandbox.nodes.records import timestamp

Object = dict[str, Any]

LEASE_NAMESPACE = "kube-node-lease"
LEASE_SECONDS = 40
HEARTBEAT_EVERY = 10.0
"""Real seconds: the controller manager's patience with a node is real time too."""

PRESSURES = (
    ("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
)


def labels(machine: Machine) -> dict[str, str]:
    """The labels that every kubelet sets, under those that the cloud gives."""
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    common = {
        "kubernetes.io/hostname": machine.name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": architecture,
        "beta.kubernetes.io/os": "linux",
        "beta.kubernetes.io/arch": architecture,
    }
    if machine.machine_type:
        common["node.kubernetes.io/instance-type"] = machine.machine_type
        common["beta.kubernetes.io/instance-type"] = machine.machine_type
    if machine.zone:
        common["topology.kubernetes.io/zone"] = machine.zone
        common["topology.kubernetes.io/region"] = machine.zone.rpartition("-")[0]
    if machine.pool:
        common["cloud.google.com/gke-nodepool"] = machine.pool
    return {**common, **machine.labels}


def node_status(cluster: Cluster, machine: Machine, now: str) -> Object:
    """The status of a node that is well."""
    identity = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{cluster.index}/{machine.name}"))
    address = cluster.node_address(machine.number)
    times = {"lastHeartbeatTime": now, "lastTransitionTime": now}
    ready = {"reason": "KubeletReady", "message": "kubelet is posting ready status"}
    return {
        "capacity": dict(machine.capacity),
        "allocatable": machine.allocatable,
        "addresses": [
            {"type": "InternalIP", "address": address},
            {"type": "Hostname", "address": machine.name},
        ],
        "conditions": [
            *(
                {"type": kind, "status": "False", "reason": reason, "message": message, **times}
                for kind, reason, message in PRESSURES
            ),
            {"type": "Ready", "status": "True", **ready, **times},
        ],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": KUBELET_PORT}},
        "nodeInfo": {
            "machineID": identity.replace("-", ""),
            "systemUUID": identity,
            "bootID": identity,
            "kernelVersion": platform.release(),
            "osImage": "Container-Optimized OS from Google (stand-in)",
            "containerRuntimeVersion": "containerd://2.0.0",
            "kubeletVersion": machine.version,
            "kubeProxyVersion": "",
            "operatingSystem": "linux",
            "architecture": labels(machine)["kubernetes.io/arch"],
        },
    }


def node_object(cluster: Cluster, machine: Machine, now: str) -> Object:
    """The Node as it is registered."""
    cidr = cluster.pod_cidr(machine.number)
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": machine.name,
            "labels": labels(machine),
            "annotations": {"volumes.kubernetes.io/controller-managed-attach-detach": "true"},
        },
        "spec": {
            "podCIDR": cidr,
            "podCIDRs": [cidr],
            **({"providerID": machine.provider_id} if machine.provider_id else {}),
            **({"taints": [dict(taint) for taint in machine.taints]} if machine.taints else {}),
        },
        "status": node_status(cluster, machine, now),
    }


class Registrar:
    """Keeps the Node objects and leases of the cluster's machines."""

    def __init__(self, cluster: Cluster, client: KubeClient) -> None:
        self._cluster = cluster
        self._client = client

    async def register(self, machine: Machine) -> str:
        """Create the Node, or bring an existing one up to date; its uid."""
        wanted = node_object(self._cluster, machine, timestamp())
        try:
            node = await self._client.create(wanted)
        except Conflict:
            node = await self._update(machine, wanted)
        await self._lease(machine.name, node["metadata"]["uid"])
        return str(node["metadata"]["uid"])

    async def _update(self, machine: Machine, wanted: Object) -> Object:
        found = await self._client.get(NODE, machine.name)
        ours = {(taint["key"], taint["effect"]) for taint in machine.taints}
        # other taints (cordon, not ready) belong to those who set them
        foreign = [taint for taint in found["spec"].get("taints") or [] if (taint["key"], taint["effect"]) not in ours]
        change = {
            "metadata": {"labels": wanted["metadata"]["labels"]},
            "spec": {"taints": [*wanted["spec"].get("taints", []), *foreign] or None},
        }
        node = await self._client.patch(NODE, machine.name, None, change)
        await self._client.patch(
            NODE, machine.name, None, {"status": wanted["status"]}, kind="strategic", subresource="status"
        )
        return node

    async def _lease(self, name: str, uid: str) -> None:
        lease = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {
                "name": name,
                "namespace": LEASE_NAMESPACE,
                "ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": name, "uid": uid}],
            },
            "spec": {"holderIdentity": name, "leaseDurationSeconds": LEASE_SECONDS, "renewTime": micro_time()},
        }
        try:
            await self._client.create(lease)
        except Conflict:
            await self._client.patch(LEASE, name, LEASE_NAMESPACE, lease)

    async def heartbeat(self, name: str) -> None:
        """Renew the lease."""
        change = {"spec": {"renewTime": micro_time()}}
        try:
            await self._client.patch(LEASE, name, LEASE_NAMESPACE, change)
        except NotFound:
            # somebody deleted the lease: it comes back as long as the node is there
            node = await self._client.find(NODE, name)
            if node:
                await self._lease(name, node["metadata"]["uid"])

    async def unregister(self, name: str) -> None:
        """Delete the Node: its machine is gone."""
        await self._client.delete(NODE, name)
        await self._client.delete(LEASE, name, LEASE_NAMESPACE)


def micro_time() -> str:
    """Now, the way leases have it."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
