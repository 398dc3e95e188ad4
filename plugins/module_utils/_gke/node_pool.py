# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""gke_node_pool: a pool of nodes as desired state, resized by what its instance groups say."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
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
from ansible_collections.rhaii.gke.plugins.module_utils._gke.ports import GkePorts, pool_size
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import (
    MANAGED_BY,
    Json,
    Operation,
    groups_of,
    our_labels,
    ours,
    problem_of,
)
from ansible_collections.rhaii.gke.plugins.module_utils._google import GoogleError


@dataclass(frozen=True)
class Wanted:
    """The desired pool. None means: whatever it is."""

    location: str
    cluster: str
    name: str
    node_count: int | None
    shrink: bool
    machine_type: str | None
    spot: bool | None
    disk_type: str | None
    disk_size_gb: int | None
    node_labels: Mapping[str, str]
    resource_labels: Mapping[str, str]
    workload_identity: bool

    @classmethod
    def from_params(cls, params: Params) -> Wanted:
        return cls(
            location=params["location"],
            cluster=params["cluster"],
            name=params["name"],
            node_count=params["node_count"],
            shrink=params["shrink"],
            machine_type=params["machine_type"],
            spot=params["spot"],
            disk_type=params["disk_type"],
            disk_size_gb=params["disk_size_gb"],
            node_labels={str(key): str(value) for key, value in (params["node_labels"] or {}).items()},
            resource_labels=our_labels(params["environment"] or "", params["labels"] or {}),
            workload_identity=params["workload_identity"],
        )


@dataclass(frozen=True)
class Plan:
    """What separates the pool that is from the one that is wanted."""

    updates: tuple[Json, ...] = ()
    nodes_per_zone: int | None = None
    impossible: tuple[str, ...] = ()
    before: Json = field(default_factory=dict)
    after: Json = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        return bool(self.updates) or self.nodes_per_zone is not None


def refuse_topology(topology: str | None, machine_type: str | None) -> None:
    """A pool of single-host slices takes no topology, and slices over several hosts are not built yet."""
    if not topology:
        return
    chips = chips_per_node(machine_type or "")
    try:
        product = math.prod(int(part) for part in topology.lower().split("x"))
    except ValueError:
        raise RhaiiError(
            f"topology {topology} is no TPU topology.",
            remedy="Leave topology out: a pool of single-host machines needs none.",
        ) from None
    if chips and product > chips:
        raise RhaiiError(
            f"topology {topology} has {product} chips, but one {machine_type} has {chips}: slices over several "
            "hosts are not supported.",
            remedy=f"Leave topology out and use one slice of {chips} chips a node.",
        )
    raise RhaiiError(
        f"topology {topology} was given for a pool of single-host machines ({machine_type}); GKE refuses that.",
        remedy="Leave topology out. (As a pod's nodeSelector the value is right.)",
    )


def chips_per_node(machine_type: str) -> int:
    """The chips of one TPU machine, from its name: ct6e-standard-4t has 4. 0 when it is no TPU machine."""
    last = machine_type.rsplit("-", 1)[-1]
    return int(last[:-1]) if machine_type.startswith("ct") and last[-1:] == "t" and last[:-1].isdigit() else 0


def body_of(wanted: Wanted) -> Json:
    """The pool to create. GKE adds its own TPU labels and taint."""
    if wanted.node_count is None or wanted.machine_type is None:
        missing = "node_count" if wanted.node_count is None else "machine_type"
        raise RhaiiError(
            f"The node pool {wanted.name} does not exist, and {missing} is not given, so it cannot be created.",
            remedy=f"Give {missing}.",
        )
    config: Json = {
        "machineType": wanted.machine_type,
        "oauthScopes": ["https://www.googleapis.com/auth/cloud-platform"],
        "resourceLabels": dict(wanted.resource_labels),
    }
    if wanted.workload_identity:
        config["workloadMetadataConfig"] = {"mode": "GKE_METADATA"}
    if wanted.spot:
        config["spot"] = True
    if wanted.disk_type:
        config["diskType"] = wanted.disk_type
    if wanted.disk_size_gb:
        config["diskSizeGb"] = wanted.disk_size_gb
    if wanted.node_labels:
        config["labels"] = dict(wanted.node_labels)
    return {
        "name": wanted.name,
        "initialNodeCount": wanted.node_count,
        "config": config,
        # A release channel insists on automatic upgrades; without a surge node they need no quota beyond the pool's.
        "management": {"autoRepair": True, "autoUpgrade": True},
        "upgradeSettings": {"maxSurge": 0, "maxUnavailable": 1},
    }


def plan(wanted: Wanted, pool: Json, size: int) -> Plan:
    """Compare, and sort every difference into what the API can update and what needs a new pool."""
    config = pool.get("config") or {}
    before: Json = {}
    after: Json = {}
    impossible: list[str] = []
    updates: list[Json] = []

    fixed = (
        ("machine_type", wanted.machine_type, config.get("machineType")),
        ("spot", wanted.spot, bool(config.get("spot"))),
        ("disk_type", wanted.disk_type, config.get("diskType")),
        ("disk_size_gb", wanted.disk_size_gb, config.get("diskSizeGb")),
    )
    for option, want, have in fixed:
        if want is not None and have is not None and want != have:
            before[option], after[option] = have, f"{_shown(want)} (needs a new pool)"
            impossible.append(f"{option} is {_shown(have)}, wanted {_shown(want)}")

    node_labels = dict(config.get("labels") or {})
    merged = {**node_labels, **wanted.node_labels}
    if merged != node_labels:
        before["node_labels"], after["node_labels"] = node_labels, merged
        updates.append({"labels": {"labels": merged}})

    resource_labels = dict(config.get("resourceLabels") or {})
    merged = {**resource_labels, **wanted.resource_labels}
    if merged != resource_labels:
        before["labels"], after["labels"] = resource_labels, merged
        updates.append({"resourceLabels": {"labels": merged}})

    nodes_per_zone = None
    if wanted.node_count is not None and (wanted.node_count > size or (wanted.shrink and wanted.node_count < size)):
        zones = max(1, len(pool.get("locations") or []))
        if wanted.node_count % zones:
            raise RhaiiError(
                f"node_count {wanted.node_count} cannot be spread over the {zones} zones of the pool {wanted.name}: "
                "GKE wants the same number in each.",
                remedy=f"Give a multiple of {zones}.",
            )
        nodes_per_zone = wanted.node_count // zones
        before["node_count"], after["node_count"] = size, wanted.node_count

    return Plan(tuple(updates), nodes_per_zone, tuple(impossible), before, after)


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class _Pool:
    """One run of the capability: the steps share the ports, the deadline and what is known so far."""

    def __init__(self, params: Params, ports: GkePorts, progress: Progress, check_mode: bool) -> None:
        self.wanted = Wanted.from_params(params)
        self.topology: str | None = params["topology"]
        self.wait = bool(params["wait"])
        self.force_unlabelled = bool(params["force_unlabelled"])
        self.check_mode = check_mode
        self.ports = ports
        self.clusters = ports.clusters
        self.progress = progress
        self.what = f"node pool {self.wanted.name}"
        self.awaiter = Awaiter(
            ports.clusters,
            ports.clock,
            progress,
            what=self.what,
            timeout=params["wait_timeout"],
            interval=params["wait_interval"],
        )
        self.changed = False
        self.found: Json | None = None
        self.size = 0
        self.nodes: Sequence[str] = ()
        self.operation: Operation | None = None

    def result(self, before: Json | None = None, after: Json | None = None) -> Result:
        answer: Result = {
            "changed": self.changed,
            "name": self.wanted.name,
            "cluster": self.wanted.cluster,
            "location": self.wanted.location,
            "exists": self.found is not None,
            "operation": None if self.operation is None else self.operation.public(),
            "diff": {"before": before or {}, "after": after or {}},
        }
        if self.found is not None:
            config = self.found.get("config") or {}
            answer.update(
                status=str(self.found.get("status") or ""),
                node_count=self.size,
                nodes=list(self.nodes),
                machine_type=str(config.get("machineType") or ""),
                spot=bool(config.get("spot")),
                labels=dict(config.get("resourceLabels") or {}),
                instance_groups=[ref.name for ref in groups_of(self.found)],
            )
        return answer

    def read(self) -> Json | None:
        self.found = self.clusters.get_node_pool(self.wanted.cluster, self.wanted.name)
        if self.found is not None:
            refs = groups_of(self.found)
            self.size = pool_size(self.ports.groups, refs, self.found)
            self.nodes = sorted(each.name for ref in refs for each in self.ports.groups.instances(ref))
        return self.found

    def growing(self) -> str:
        """How many of the wanted nodes run already: what one wants to know in a quarter of an hour."""
        pool = self.clusters.get_node_pool(self.wanted.cluster, self.wanted.name) or {}
        instances = [each for ref in groups_of(pool) for each in self.ports.groups.instances(ref)]
        up = sum(1 for each in instances if each.status == "RUNNING" and each.action in ("NONE", ""))
        of = f" of {self.wanted.node_count}" if self.wanted.node_count is not None else ""
        return f"{up}{of} nodes up"

    def await_operation(self, operation: Operation) -> None:
        counting = operation.kind in ("CREATE_NODE_POOL", "SET_NODE_POOL_SIZE")
        self.operation = operation
        self.operation = self.awaiter.wait(operation, self.growing if counting else None)

    def join(self) -> bool:
        """Await what already runs on this pool; False when `wait` says not to."""
        for each in running(self.clusters, self.wanted.cluster, self.wanted.name):
            self.operation = each
            if not self.wait:
                return False
            self.progress(f"{self.what}: joining the running operation {each.name}")
            self.await_operation(each)
        return True

    def ask(self, call: Callable[[], Operation], *, wait: bool) -> None:
        self.operation = self.awaiter.submit(call, self.wanted.cluster)
        self.changed = True
        if wait:
            self.await_operation(self.operation)

    def present(self) -> Result:
        refuse_topology(self.topology, self.wanted.machine_type)
        if self.wanted.node_count is not None and self.wanted.node_count < 0:
            raise RhaiiError(
                f"node_count {self.wanted.node_count} is not possible for the node pool {self.wanted.name}.",
                remedy="Give 0 or more nodes.",
            )
        pool = self.read()
        if self.check_mode:
            return self.foretell(pool)
        if not self.join() and self.operation is not None and self.operation.kind != "DELETE_NODE_POOL":
            return self.result()
        pool = self.read()
        if pool is not None and pool.get("status") == "STOPPING":
            raise RhaiiError(
                f"The node pool {self.wanted.name} is being deleted.",
                remedy="Run again when it is gone, or with wait: true.",
            )
        if pool is None:
            return self.create()
        self.refuse_broken(pool)
        return self.update(pool)

    def foretell(self, pool: Json | None) -> Result:
        """Check mode: what would be asked for, with nothing asked and nothing awaited."""
        if pool is None or pool.get("status") == "STOPPING":
            self.changed = True
            return self.result({}, body_of(self.wanted))
        todo = self.planned(pool)
        self.changed = todo.changed
        return self.result(todo.before, todo.after)

    def create(self) -> Result:
        body = body_of(self.wanted)
        self.progress(f"{self.what}: asking for {self.wanted.node_count} x {self.wanted.machine_type}")
        try:
            self.ask(partial(self.clusters.create_node_pool, self.wanted.cluster, body), wait=self.wait)
        except GoogleError as error:
            if error.status == 409 and self.read() is not None:
                return self.present()  # somebody was faster: what there is now is judged like any other pool
            if error.status == 404:
                raise RhaiiError(
                    f"The cluster {self.wanted.cluster} does not exist in {self.wanted.location}.",
                    remedy="Create it first (gke_cluster), or correct cluster and location.",
                ) from error
            raise
        pool = self.read()
        if self.wait:
            self.refuse_broken(pool or {})
        return self.result({}, body)

    def refuse_broken(self, pool: Json) -> None:
        """A pool that runs in part is not broken here: the size comparison asks for what is missing."""
        status = str(pool.get("status") or "gone")
        if status in ("RUNNING", "RUNNING_WITH_ERROR", "RECONCILING", "PROVISIONING"):
            return
        problem = problem_of(pool)
        said = str(problem) if problem else str(pool.get("statusMessage") or "no reason given")
        raise RhaiiError(
            f"The node pool {self.wanted.name} is {status}: {said}.",
            remedy="Delete it (state: absent) and ask again, here or in another zone.",
        )

    def planned(self, pool: Json) -> Plan:
        todo = plan(self.wanted, pool, self.size)
        if todo.impossible:
            raise RhaiiError(
                f"The node pool {self.wanted.name} cannot be changed to what is wanted: {'; '.join(todo.impossible)}; "
                "that is fixed when a pool is created.",
                remedy="Set the option to what the pool has, or delete the pool (state: absent) and create it again.",
                result=self.result(todo.before, todo.after),
            )
        return todo

    def update(self, pool: Json) -> Result:
        todo = self.planned(pool)
        if not todo.changed:
            return self.result(todo.before, todo.after)
        cluster, name = self.wanted.cluster, self.wanted.name
        resize = todo.nodes_per_zone
        for index, each in enumerate(todo.updates):
            last = resize is None and index == len(todo.updates) - 1
            self.ask(partial(self.clusters.update_node_pool, cluster, name, each), wait=self.wait or not last)
        if resize is not None:
            self.progress(f"{self.what}: asking for {self.wanted.node_count} nodes instead of {self.size}")
            self.ask(partial(self.clusters.set_node_pool_size, cluster, name, resize), wait=self.wait)
        self.read()
        return self.result(todo.before, todo.after)

    def absent(self) -> Result:
        pool = self.read()
        if pool is None:
            return self.result()
        labels = (pool.get("config") or {}).get("resourceLabels") or {}
        if not ours(labels) and not self.force_unlabelled:
            raise RhaiiError(
                f"The node pool {self.wanted.name} does not carry the label {MANAGED_BY}=rhaii-gke: it was not made by "
                "this collection and is left alone.",
                remedy="Delete it yourself, or set force_unlabelled: true.",
            )
        before = {"name": self.wanted.name, "node_count": self.size}
        if self.check_mode:
            self.changed = True
            return self.result(before, {})
        on_pool = running(self.clusters, self.wanted.cluster, self.wanted.name)
        deletions = [each for each in on_pool if each.kind == "DELETE_NODE_POOL"]
        if deletions:
            self.operation = deletions[0]
        else:
            for each in on_pool:
                self.progress(f"{self.what}: waiting until {each.name} ends, then deleting")
                self.awaiter.settle(each)
            self.ask(partial(self.clusters.delete_node_pool, self.wanted.cluster, self.wanted.name), wait=False)
        if self.wait and self.operation is not None:
            self.await_operation(self.operation)
        self.read()
        return self.result(before, {})


def run(params: Params, ports: GkePorts, progress: Progress, check_mode: bool) -> Result:
    one = _Pool(params, ports, progress, check_mode)
    try:
        return one.present() if params["state"] == "present" else one.absent()
    except RhaiiError as error:
        raise error.with_result(one.result()) from error


CAPABILITY = Capability(
    name="gke_node_pool",
    argument_spec=google_options(
        location={"type": "str", "required": True},
        cluster={"type": "str", "required": True},
        name={"type": "str", "required": True},
        state={"type": "str", "default": "present", "choices": ["present", "absent"]},
        environment={"type": "str", "required": True},
        node_count={"type": "int"},
        shrink={"type": "bool", "default": True},
        machine_type={"type": "str"},
        spot={"type": "bool"},
        disk_type={"type": "str"},
        disk_size_gb={"type": "int"},
        node_labels={"type": "dict", "default": {}},
        labels={"type": "dict", "default": {}},
        topology={"type": "str"},
        workload_identity={"type": "bool", "default": True},
        force_unlabelled={"type": "bool", "default": False},
        **wait_options(2400, 10.0),
    ),
    ports=gke_ports,
    run=run,
    required_if=GOOGLE_REQUIRED_IF,
)

__all__ = ("CAPABILITY", "Plan", "Wanted", "body_of", "chips_per_node", "plan", "refuse_topology", "run")
