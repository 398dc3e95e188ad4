# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""gke_cluster: the control plane as desired state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from ansible_collections.rhaii.gke.plugins.module_utils._argspec import (
    GOOGLE_REQUIRED_IF,
    google_options,
    wait_options,
)
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Capability, Params, Progress, Result
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._gke.google import gke_ports
from ansible_collections.rhaii.gke.plugins.module_utils._gke.operations import Awaiter, running
from ansible_collections.rhaii.gke.plugins.module_utils._gke.ports import GkePorts
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import (
    ENVIRONMENT,
    MANAGED_BY,
    Json,
    Operation,
    at_least,
    certificate_of,
    our_labels,
    ours,
    problem_of,
)
from ansible_collections.rhaii.gke.plugins.module_utils._google import GoogleError


@dataclass(frozen=True)
class DefaultPool:
    name: str
    machine_type: str
    node_count: int


@dataclass(frozen=True)
class Wanted:
    """The desired cluster, from the module's options."""

    project: str
    location: str
    name: str
    environment: str
    labels: Mapping[str, str]
    release_channel: str
    kubernetes_version: str
    dataplane_v2: bool
    workload_identity: bool
    default_pool: DefaultPool

    @classmethod
    def from_params(cls, params: Params) -> Wanted:
        pool = params["default_pool"] or {}
        return cls(
            project=params["project"],
            location=params["location"],
            name=params["name"],
            environment=params["environment"] or "",
            labels=our_labels(params["environment"] or "", params["labels"] or {}),
            release_channel=params["release_channel"],
            kubernetes_version=params["kubernetes_version"] or "",
            dataplane_v2=params["dataplane_v2"],
            workload_identity=params["workload_identity"],
            default_pool=DefaultPool(
                name=pool.get("name") or "default-pool",
                machine_type=pool.get("machine_type") or "e2-standard-4",
                node_count=int(pool.get("node_count") or 2),
            ),
        )

    @property
    def workload_pool(self) -> str:
        return f"{self.project}.svc.id.goog" if self.workload_identity else ""


@dataclass(frozen=True)
class Plan:
    """What separates the cluster that is from the one that is wanted."""

    labels: Mapping[str, str] | None = None
    updates: tuple[Json, ...] = ()
    impossible: tuple[str, ...] = ()
    before: Json = field(default_factory=dict)
    after: Json = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        return self.labels is not None or bool(self.updates)


def body_of(wanted: Wanted) -> Json:
    """The cluster to create."""
    pool: Json = {
        "name": wanted.default_pool.name,
        "initialNodeCount": wanted.default_pool.node_count,
        "config": {
            "machineType": wanted.default_pool.machine_type,
            "oauthScopes": ["https://www.googleapis.com/auth/cloud-platform"],
        },
    }
    body: Json = {
        "name": wanted.name,
        "resourceLabels": dict(wanted.labels),
        "releaseChannel": {"channel": _CHANNELS[wanted.release_channel]},
        "ipAllocationPolicy": {"useIpAliases": True},
        # Without Dataplane V2 the network policies would be accepted and ignored.
        "networkConfig": {
            "datapathProvider": "ADVANCED_DATAPATH" if wanted.dataplane_v2 else "LEGACY_DATAPATH",
        },
        "nodePools": [pool],
    }
    if wanted.kubernetes_version:
        body["initialClusterVersion"] = wanted.kubernetes_version
    if wanted.workload_identity:
        body["workloadIdentityConfig"] = {"workloadPool": wanted.workload_pool}
        pool["config"]["workloadMetadataConfig"] = {"mode": "GKE_METADATA"}
    return body


_CHANNELS: Mapping[str, str] = {
    "rapid": "RAPID",
    "regular": "REGULAR",
    "stable": "STABLE",
    "extended": "EXTENDED",
    "none": "UNSPECIFIED",
}


def plan(wanted: Wanted, cluster: Json) -> Plan:
    """Compare, and sort every difference into what the API can update and what needs a new cluster."""
    before: Json = {}
    after: Json = {}
    updates: list[Json] = []
    impossible: list[str] = []

    has_labels = dict(cluster.get("resourceLabels") or {})
    labels = {**has_labels, **wanted.labels}
    if labels != has_labels:
        before["labels"], after["labels"] = has_labels, labels

    channel = str((cluster.get("releaseChannel") or {}).get("channel") or "UNSPECIFIED")
    if channel != _CHANNELS[wanted.release_channel]:
        before["release_channel"], after["release_channel"] = channel.lower(), wanted.release_channel
        updates.append({"desiredReleaseChannel": {"channel": _CHANNELS[wanted.release_channel]}})

    workload_pool = str((cluster.get("workloadIdentityConfig") or {}).get("workloadPool") or "")
    if workload_pool != wanted.workload_pool:
        before["workload_identity"], after["workload_identity"] = workload_pool, wanted.workload_pool
        updates.append({"desiredWorkloadIdentityConfig": {"workloadPool": wanted.workload_pool}})

    version = str(cluster.get("currentMasterVersion") or "")
    numbered = wanted.kubernetes_version[:1].isdigit()
    if numbered and not at_least(version, wanted.kubernetes_version):
        before["kubernetes_version"], after["kubernetes_version"] = version, wanted.kubernetes_version
        updates.append({"desiredMasterVersion": wanted.kubernetes_version})

    provider = str((cluster.get("networkConfig") or {}).get("datapathProvider") or "LEGACY_DATAPATH")
    if (provider == "ADVANCED_DATAPATH") != wanted.dataplane_v2:
        before["dataplane_v2"], after["dataplane_v2"] = not wanted.dataplane_v2, wanted.dataplane_v2
        impossible.append(f"dataplane_v2 is {str(not wanted.dataplane_v2).lower()}")

    return Plan(
        labels=labels if labels != has_labels else None,
        updates=tuple(updates),
        impossible=tuple(impossible),
        before=before,
        after=after,
    )


def refuse_foreign(wanted: Wanted, cluster: Json) -> None:
    """A cluster that somebody else made is neither changed nor used by accident."""
    labels = cluster.get("resourceLabels") or {}
    if not ours(labels):
        raise RhaiiError(
            f"A cluster {wanted.name} exists in {wanted.location} without the label {MANAGED_BY}=rhaii-gke: "
            "it was not made by this collection.",
            remedy="Choose another name (rhaii_cluster_name), or, if it is yours, set both labels "
            f"({MANAGED_BY}=rhaii-gke, {ENVIRONMENT}={wanted.environment}) on it.",
        )
    owner = labels.get(ENVIRONMENT, "")
    if owner and wanted.environment and owner != wanted.environment:
        raise RhaiiError(
            f"The cluster {wanted.name} in {wanted.location} belongs to the environment {owner}, not to "
            f"{wanted.environment}.",
            remedy="Give each environment a cluster name of its own (rhaii_cluster_name).",
        )


def describe(cluster: Json | None, wanted: Wanted, operation: Operation | None = None) -> Result:
    """The structured result; the same on success and on failure."""
    result: Result = {
        "name": wanted.name,
        "location": wanted.location,
        "exists": cluster is not None,
        "operation": None if operation is None else operation.public(),
    }
    if cluster is not None:
        result.update(
            status=str(cluster.get("status") or ""),
            endpoint=str(cluster.get("endpoint") or ""),
            ca_certificate=certificate_of(cluster),
            kubernetes_version=str(cluster.get("currentMasterVersion") or ""),
            labels=dict(cluster.get("resourceLabels") or {}),
            node_pools=sorted(str(pool["name"]) for pool in cluster.get("nodePools") or []),
        )
    return result


class _Cluster:
    """One run of the capability: the steps share the ports, the deadline and what is known so far."""

    def __init__(self, params: Params, ports: GkePorts, progress: Progress, check_mode: bool) -> None:
        self.wanted = Wanted.from_params(params)
        self.wait = bool(params["wait"])
        self.force_unlabelled = bool(params["force_unlabelled"])
        self.check_mode = check_mode
        self.clusters = ports.clusters
        self.progress = progress
        self.awaiter = Awaiter(
            ports.clusters,
            ports.clock,
            progress,
            what=f"cluster {self.wanted.name}",
            timeout=params["wait_timeout"],
            interval=params["wait_interval"],
        )
        self.changed = False
        self.found: Json | None = None
        self.operation: Operation | None = None

    def result(self, before: Json | None = None, after: Json | None = None) -> Result:
        return {
            "changed": self.changed,
            **describe(self.found, self.wanted, self.operation),
            "diff": {"before": before or {}, "after": after or {}},
        }

    def read(self) -> Json | None:
        self.found = self.clusters.get_cluster(self.wanted.name)
        return self.found

    def join(self, *kinds: str) -> None:
        """Await what already runs on the cluster itself, be it from a killed run or from somebody else."""
        for each in running(self.clusters, self.wanted.name):
            if each.kind in kinds:
                self.operation = each
                self.progress(f"cluster {self.wanted.name}: joining the running operation {each.name}")
                self.operation = self.awaiter.wait(each)

    def present(self) -> Result:
        cluster = self.read()
        if cluster is not None and cluster.get("status") == "STOPPING":
            if self.check_mode:
                return self.created({}, body_of(self.wanted))
            self.join("DELETE_CLUSTER")
            cluster = self.read()
        if cluster is None:
            return self.create()
        refuse_foreign(self.wanted, cluster)
        if cluster.get("status") == "PROVISIONING":
            if self.check_mode or not self.wait:
                self.operation = next(iter(running(self.clusters, self.wanted.name)), None)
                return self.result()
            self.join("CREATE_CLUSTER")
            cluster = self.read() or {}
        self.refuse_broken(cluster)
        return self.update(cluster)

    def created(self, before: Json, body: Json) -> Result:
        self.changed = True
        return self.result(before, body)

    def create(self) -> Result:
        body = body_of(self.wanted)
        if self.check_mode:
            return self.created({}, body)
        self.progress(f"cluster {self.wanted.name}: asking for it in {self.wanted.location}")
        try:
            self.operation = self.clusters.create_cluster(body)
        except GoogleError as error:
            if error.status != 409 or self.read() is None:
                raise
            # Somebody was faster; what there is now is judged like any cluster that was there before.
            return self.present()
        self.changed = True
        if self.wait:
            self.operation = self.awaiter.wait(self.operation)
        cluster = self.read()
        if self.wait:
            self.refuse_broken(cluster or {})
        return self.result({}, body)

    def refuse_broken(self, cluster: Json) -> None:
        status = str(cluster.get("status") or "gone")
        if status in ("RUNNING", "RECONCILING"):
            return
        problem = problem_of(cluster)
        said = str(problem) if problem else str(cluster.get("statusMessage") or "no reason given")
        raise RhaiiError(
            f"The cluster {self.wanted.name} is {status}: {said}.",
            remedy="Delete it (playbook teardown.yml, or state: absent), then deploy again.",
        )

    def update(self, cluster: Json) -> Result:
        todo = plan(self.wanted, cluster)
        if todo.impossible:
            raise RhaiiError(
                f"The cluster {self.wanted.name} cannot be changed to what is wanted: {', '.join(todo.impossible)}, "
                "which is fixed when a cluster is created.",
                remedy="Delete the cluster and create it again, or set the option to what the cluster has.",
                result=self.result(todo.before, todo.after),
            )
        self.changed = todo.changed
        if self.check_mode or not todo.changed:
            return self.result(todo.before, todo.after)
        name = self.wanted.name
        if todo.labels is not None:
            fingerprint = str(cluster.get("labelFingerprint") or "")
            call = partial(self.clusters.set_labels, name, todo.labels, fingerprint)
            self.ask(call, wait=self.wait or bool(todo.updates))
        for index, each in enumerate(todo.updates):
            last = index == len(todo.updates) - 1
            # GKE takes one kind of update a call, and one call at a time.
            self.ask(partial(self.clusters.update_cluster, name, each), wait=self.wait or not last)
        self.read()
        return self.result(todo.before, todo.after)

    def ask(self, call: Callable[[], Operation], *, wait: bool) -> None:
        self.operation = self.awaiter.submit(call, self.wanted.name)
        if wait:
            self.operation = self.awaiter.wait(self.operation)

    def absent(self) -> Result:
        cluster = self.read()
        if cluster is None:
            return self.result()
        labels = cluster.get("resourceLabels") or {}
        if not (self.force_unlabelled and not ours(labels)):
            refuse_foreign(self.wanted, cluster)
        before = {"name": self.wanted.name, "status": str(cluster.get("status") or "")}
        if self.check_mode:
            self.changed = True
            return self.result(before, {})
        if cluster.get("status") == "PROVISIONING":
            # GKE refuses to delete what it is still creating; how that creation ends does not matter here.
            for each in running(self.clusters, self.wanted.name):
                self.progress(f"cluster {self.wanted.name}: waiting until its creation ends ({each.name})")
                self.awaiter.settle(each)
        deletions = [e for e in running(self.clusters, self.wanted.name) if e.kind == "DELETE_CLUSTER"]
        if deletions:
            self.operation = deletions[0]
        else:
            self.changed = True
            self.ask(partial(self.clusters.delete_cluster, self.wanted.name), wait=False)
        if self.wait and self.operation is not None:
            self.operation = self.awaiter.wait(self.operation)
        self.read()
        return self.result(before, {})


def run(params: Params, ports: GkePorts, progress: Progress, check_mode: bool) -> Result:
    one = _Cluster(params, ports, progress, check_mode)
    try:
        return one.present() if params["state"] == "present" else one.absent()
    except RhaiiError as error:
        raise error.with_result(one.result()) from error


CAPABILITY = Capability(
    name="gke_cluster",
    argument_spec=google_options(
        location={"type": "str", "required": True},
        name={"type": "str", "required": True},
        state={"type": "str", "default": "present", "choices": ["present", "absent"]},
        environment={"type": "str", "required": True},
        labels={"type": "dict", "default": {}},
        release_channel={
            "type": "str",
            "default": "regular",
            "choices": ["rapid", "regular", "stable", "extended", "none"],
        },
        kubernetes_version={"type": "str"},
        dataplane_v2={"type": "bool", "default": True},
        workload_identity={"type": "bool", "default": True},
        default_pool={
            "type": "dict",
            "options": {
                "name": {"type": "str", "default": "default-pool"},
                "machine_type": {"type": "str", "default": "e2-standard-4"},
                "node_count": {"type": "int", "default": 2},
            },
        },
        force_unlabelled={"type": "bool", "default": False},
        **wait_options(1800, 10.0),
    ),
    ports=gke_ports,
    run=run,
    required_if=GOOGLE_REQUIRED_IF,
)

__all__ = ("CAPABILITY", "DefaultPool", "Plan", "Wanted", "body_of", "describe", "plan", "refuse_foreign", "run")
