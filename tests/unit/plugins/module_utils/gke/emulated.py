# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandbox's GKE behind the ports, without a socket: its strict reading of every body, its rules and its time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._gke.compute import attempt_problem
from ansible_collections.rhaii.gke.plugins.module_utils._gke.ports import GkePorts
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import (
    GroupRef,
    Instance,
    Json,
    Operation,
    operation_of,
)
from ansible_collections.rhaii.gke.plugins.module_utils._google import GoogleError

from sandbox.cloud.errors import GoogleError as Refusal
from tests.unit.sandbox.cloud.fakes import ZONE, Rig, compute, container


class Killed(BaseException):
    """SIGKILL, as far as a test can."""


class Emulated:
    """Clusters, InstanceGroups and Clock in one. A guide minute is a second of the rig, and of this clock 60."""

    def __init__(self, folder: Path, location: str = ZONE, rig: Rig | None = None) -> None:
        self.rig = rig or Rig(folder)
        self.location = location
        self.loop = asyncio.new_event_loop()
        self.passed = 0.0
        # mutating calls, in turn
        self.calls: list[str] = []
        # how many more calls and pauses until the process is killed; never when None
        self.life: int | None = None

    @property
    def ports(self) -> GkePorts:
        return GkePorts(self, self, self)

    def at(self, location: str) -> Emulated:
        """The same cloud, another place."""
        other = Emulated(Path(), location, self.rig)
        other.loop = self.loop
        return other

    def live(self) -> None:
        if self.life is not None:
            self.life -= 1
            if self.life < 0:
                raise Killed

    def ask(self, doing: str, method: str, body: Json | None = None, **params: str) -> Json:
        self.live()
        try:
            return self.rig.call(method, body, location=self.location, **params)
        except Refusal as refusal:
            reasons = [each["reason"] for each in refusal.details if "reason" in each]
            raise GoogleError(doing, refusal.code, refusal.status, refusal.message, reasons=reasons) from refusal

    def get(self, method: str, **params: str) -> Json | None:
        try:
            return self.ask("read", container(method), **params)
        except GoogleError as error:
            if error.status == 404:
                return None
            raise

    def change(self, method: str, body: Json | None = None, **params: str) -> Operation:
        operation = operation_of(self.ask(f"call {method}", container(method), body, **params))
        self.calls.append(method.removeprefix("clusters."))
        self.live()
        return operation

    # Clock
    def monotonic(self) -> float:
        return self.passed

    def sleep(self, seconds: float) -> None:
        self.live()
        self.passed += max(seconds, 1.0)
        self.loop.run_until_complete(self.rig.after(max(seconds, 1.0) / 60))

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.rig.clock.now(), UTC)

    # Clusters
    def get_cluster(self, cluster: str) -> Json | None:
        return self.get("clusters.get", cluster=cluster)

    def list_clusters(self) -> Sequence[Json]:
        return list(self.rig.call(container("clusters.list"), location="-").get("clusters", []))

    def create_cluster(self, body: Json) -> Operation:
        return self.change("clusters.create", {"cluster": body})

    def update_cluster(self, cluster: str, update: Json) -> Operation:
        return self.change("clusters.update", {"update": update}, cluster=cluster)

    def set_maintenance_policy(self, cluster: str, policy: Json) -> Operation:
        return self.change("clusters.setMaintenancePolicy", {"maintenancePolicy": policy}, cluster=cluster)

    def set_labels(self, cluster: str, labels: Mapping[str, str], fingerprint: str) -> Operation:
        body = {"resourceLabels": dict(labels), "labelFingerprint": fingerprint}
        return self.change("clusters.setResourceLabels", body, cluster=cluster)

    def delete_cluster(self, cluster: str) -> Operation:
        return self.change("clusters.delete", cluster=cluster)

    def get_node_pool(self, cluster: str, pool: str) -> Json | None:
        return self.get("clusters.nodePools.get", cluster=cluster, nodePool=pool)

    def create_node_pool(self, cluster: str, body: Json) -> Operation:
        return self.change("clusters.nodePools.create", {"nodePool": body}, cluster=cluster)

    def update_node_pool(self, cluster: str, pool: str, update: Json) -> Operation:
        return self.change("clusters.nodePools.update", update, cluster=cluster, nodePool=pool)

    def set_node_pool_size(self, cluster: str, pool: str, nodes_per_zone: int) -> Operation:
        body = {"nodeCount": nodes_per_zone}
        return self.change("clusters.nodePools.setSize", body, cluster=cluster, nodePool=pool)

    def set_node_pool_management(self, cluster: str, pool: str, management: Json) -> Operation:
        body = {"management": management}
        return self.change("clusters.nodePools.setManagement", body, cluster=cluster, nodePool=pool)

    def set_node_pool_autoscaling(self, cluster: str, pool: str, autoscaling: Json) -> Operation:
        body = {"autoscaling": autoscaling}
        return self.change("clusters.nodePools.setAutoscaling", body, cluster=cluster, nodePool=pool)

    def delete_node_pool(self, cluster: str, pool: str) -> Operation:
        return self.change("clusters.nodePools.delete", cluster=cluster, nodePool=pool)

    def get_operation(self, name: str) -> Operation:
        return operation_of(self.ask("read", container("operations.get"), operation=name))

    def list_operations(self) -> Sequence[Operation]:
        return [operation_of(each) for each in self.ask("list", container("operations.list")).get("operations", [])]

    # InstanceGroups
    def target_size(self, group: GroupRef) -> int:
        method = compute("instanceGroupManagers.get")
        answer = self.rig.call(method, zone=group.zone, instanceGroupManager=group.name)
        return int(answer.get("targetSize") or 0)

    def instances(self, group: GroupRef) -> Sequence[Instance]:
        method = compute("instanceGroupManagers.listManagedInstances")
        found: list[dict[str, Any]] = self.rig.call(method, zone=group.zone, instanceGroupManager=group.name).get(
            "managedInstances", []
        )
        return [
            Instance(each["instance"], each.get("instanceStatus", ""), each["currentAction"], attempt_problem(each))
            for each in found
        ]

    def delete_instances(self, group: GroupRef, urls: Sequence[str]) -> str:
        raise AssertionError("not here")

    def operation_problem(self, group: GroupRef, operation: str) -> tuple[bool, str]:
        raise AssertionError("not here")
