# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""GKE as the ports see it, in memory: operations end after some looks at them, and every call is written down."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._gke.ports import GkePorts
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import (
    GroupRef,
    Instance,
    Json,
    Operation,
    Problem,
    operation_of,
)
from ansible_collections.rhaii.gke.plugins.module_utils._google import GoogleError

from tests.unit.fake_clock import FakeClock

CA = base64.b64encode(b"-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----\n").decode()
OURS = {"managed-by": "rhaii-gke", "rhaii-environment": "prod"}
GROUP = "https://www.googleapis.com/compute/v1/projects/p/zones/{zone}/instanceGroupManagers/{name}"


def pool_in(name: str, labels: Json | None = None) -> Json:
    """A pool as its cluster lists it; ours, unless other labels are given."""
    return {"name": name, "config": {"resourceLabels": dict(OURS if labels is None else labels)}}


def cluster_body(**changes: Any) -> Json:
    """A cluster that is exactly what the tests' options want."""
    body: Json = {
        "name": "c",
        "status": "RUNNING",
        "endpoint": "203.0.113.7",
        "masterAuth": {"clusterCaCertificate": CA},
        "currentMasterVersion": "1.36.3-gke.1",
        "resourceLabels": dict(OURS),
        "labelFingerprint": "f1",
        "releaseChannel": {"channel": "REGULAR"},
        "networkConfig": {"datapathProvider": "ADVANCED_DATAPATH"},
        "workloadIdentityConfig": {"workloadPool": "p.svc.id.goog"},
        "nodePools": [pool_in("default-pool")],
    }
    return {**body, **changes}


def pool_body(nodes: int = 3, **changes: Any) -> Json:
    body: Json = {
        "name": "tpu-pool",
        "status": "RUNNING",
        # What it was born with; never its size.
        "initialNodeCount": 99,
        "locations": ["europe-west4-a"],
        "config": {
            "machineType": "ct6e-standard-4t",
            "diskType": "hyperdisk-balanced",
            "diskSizeGb": 200,
            "serviceAccount": "default",
            "resourceLabels": dict(OURS),
            "workloadMetadataConfig": {"mode": "GKE_METADATA"},
        },
        "management": {"autoRepair": True, "autoUpgrade": True},
        "upgradeSettings": {"maxUnavailable": 1},
        "instanceGroupUrls": [GROUP.format(zone="europe-west4-a", name="grp")],
        "nodes": nodes,
    }
    return {**body, **changes}


@dataclass
class FakeGke:
    """Both the Clusters and the InstanceGroups port."""

    cluster: Json | None = None
    pool: Json | None = None
    # looks at an operation until it is done
    looks: int = 2
    # what an operation of a kind ends with
    errors: dict[str, Json] = field(default_factory=dict)
    # refusals, in turn, of the calls that change something
    refusals: list[GoogleError] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    operations: dict[str, Json] = field(default_factory=dict)
    statuses: dict[str, tuple[str, str]] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)
    effects: dict[str, Any] = field(default_factory=dict)
    # what the project has everywhere
    everywhere: list[Json] = field(default_factory=list)
    # bodies of the calls that change something, in turn
    bodies: list[Json] = field(default_factory=list)
    # why the last machines of the pool cannot be created, and how many
    stuck: Problem | None = None
    stuck_machines: int = 0

    def start(self, kind: str, target: str, effect: Any = None) -> Operation:
        name = f"operation-{len(self.operations) + 1}"
        body: Json = {
            "name": name,
            "operationType": kind,
            "status": "RUNNING",
            "targetLink": f"https://container.googleapis.com/v1/projects/1/zones/europe-west4-a/{target}",
        }
        self.operations[name] = body
        self.left[name] = self.looks
        self.effects[name] = effect
        return operation_of(body)

    def look(self, name: str) -> Json:
        body = self.operations[name]
        if body["status"] == "DONE":
            return body
        self.left[name] -= 1
        if self.left[name] <= 0:
            body["status"] = "DONE"
            failed = self.errors.get(body["operationType"])
            if failed:
                body.update(failed)
            elif self.effects[name]:
                self.effects[name]()
        return body

    def _called(self, text: str, body: Json | None = None) -> None:
        self.calls.append(text)
        if body is not None:
            self.bodies.append(body)
        if self.refusals:
            raise self.refusals.pop(0)

    # Clusters
    def get_cluster(self, cluster: str) -> Json | None:
        assert cluster == "c"
        return self.cluster

    def list_clusters(self) -> Sequence[Json]:
        return self.everywhere

    def create_cluster(self, body: Json) -> Operation:
        self._called(f"create {body['name']}", body)
        self.cluster = cluster_body(**body, status="PROVISIONING")

        def up() -> None:
            assert self.cluster is not None
            self.cluster["status"] = "RUNNING"

        return self.start("CREATE_CLUSTER", f"clusters/{body['name']}", up)

    def update_cluster(self, cluster: str, update: Json) -> Operation:
        assert cluster == "c"
        self._called(f"update {sorted(update)[0]}", update)
        return self.start("UPDATE_CLUSTER", f"clusters/{cluster}")

    def set_labels(self, cluster: str, labels: Mapping[str, str], fingerprint: str) -> Operation:
        assert cluster == "c"
        self._called(f"labels {fingerprint}")
        assert self.cluster is not None
        self.cluster["resourceLabels"] = dict(labels)
        return self.start("SET_LABELS", f"clusters/{cluster}")

    def set_maintenance_policy(self, cluster: str, policy: Json) -> Operation:
        self._called("maintenance", policy)
        return self.start("SET_MAINTENANCE_POLICY", f"clusters/{cluster}")

    def delete_cluster(self, cluster: str) -> Operation:
        self._called(f"delete {cluster}")

        def gone() -> None:
            self.cluster = None

        return self.start("DELETE_CLUSTER", f"clusters/{cluster}", gone)

    def get_node_pool(self, cluster: str, pool: str) -> Json | None:
        assert (cluster, pool) == ("c", "tpu-pool")
        return self.pool

    def create_node_pool(self, cluster: str, body: Json) -> Operation:
        self._called(f"create pool {body['initialNodeCount']}", body)
        self.pool = pool_body(body["initialNodeCount"], **{**body, "status": "PROVISIONING"})

        def up() -> None:
            assert self.pool is not None
            self.pool["status"] = "RUNNING"

        return self.start("CREATE_NODE_POOL", f"clusters/{cluster}/nodePools/{body['name']}", up)

    def update_node_pool(self, cluster: str, pool: str, update: Json) -> Operation:
        assert (cluster, pool) == ("c", "tpu-pool")
        self._called(f"update pool {sorted(update)[0]}", update)
        return self.start("UPGRADE_NODES", f"clusters/{cluster}/nodePools/{pool}")

    def set_node_pool_size(self, cluster: str, pool: str, nodes_per_zone: int) -> Operation:
        assert (cluster, pool) == ("c", "tpu-pool")
        self._called(f"size {nodes_per_zone}")

        def sized() -> None:
            assert self.pool is not None
            self.pool["nodes"] = nodes_per_zone * max(1, len(self.pool["locations"]))
            if not self.stuck_machines:
                self.pool["status"] = "RUNNING"

        return self.start("SET_NODE_POOL_SIZE", f"clusters/{cluster}/nodePools/{pool}", sized)

    def set_node_pool_management(self, cluster: str, pool: str, management: Json) -> Operation:
        self._called("management", management)
        return self.start("SET_NODE_POOL_MANAGEMENT", f"clusters/{cluster}/nodePools/{pool}")

    def set_node_pool_autoscaling(self, cluster: str, pool: str, autoscaling: Json) -> Operation:
        self._called("autoscaling", autoscaling)
        return self.start("UPDATE_CLUSTER", f"clusters/{cluster}/nodePools/{pool}")

    def delete_node_pool(self, cluster: str, pool: str) -> Operation:
        assert (cluster, pool) == ("c", "tpu-pool")
        self._called(f"delete pool {pool}")

        def gone() -> None:
            self.pool = None

        return self.start("DELETE_NODE_POOL", f"clusters/{cluster}/nodePools/{pool}", gone)

    def get_operation(self, name: str) -> Operation:
        return operation_of(self.look(name))

    def list_operations(self) -> Sequence[Operation]:
        return [operation_of(body) for body in self.operations.values()]

    # InstanceGroups
    def target_size(self, group: GroupRef) -> int:
        assert isinstance(group, GroupRef)
        assert self.pool is not None
        return int(self.pool["nodes"]) // len(self.pool["instanceGroupUrls"])

    def instances(self, group: GroupRef) -> Sequence[Instance]:
        size = self.target_size(group)
        up = size - self.stuck_machines
        return [
            Instance(
                f"zones/{group.zone}/instances/{group.name}-{number}",
                "RUNNING" if number < up else "",
                "NONE" if number < up else "CREATING",
                None if number < up else self.stuck,
            )
            for number in range(size)
        ]

    def delete_instances(self, group: GroupRef, urls: Sequence[str]) -> str:
        raise AssertionError("not here")

    def operation_problem(self, group: GroupRef, operation: str) -> tuple[bool, str]:
        raise AssertionError("not here")


@dataclass
class Stage:
    """The fake, its clock, and what was said to the user."""

    gke: FakeGke
    clock: FakeClock = field(default_factory=FakeClock)
    said: list[str] = field(default_factory=list)

    @property
    def ports(self) -> GkePorts:
        # pauses as long as they may be
        return GkePorts(self.gke, self.gke, self.clock, lambda: 1.0)
