# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""gke_node_remove: take exactly these nodes out of a pool, so that a shrink never takes one that serves.

Setting a pool's size lets Google choose the nodes. Deleting named instances from the managed instance group lowers its
target size by exactly these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.rhaii.gke.plugins.module_utils._argspec import (
    GOOGLE_REQUIRED_IF,
    google_options,
    kubernetes_options,
    wait_options,
)
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Capability, Params, Progress, Result
from ansible_collections.rhaii.gke.plugins.module_utils._clock import Deadline, in_words
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._gke.kubernetes import node_remove_ports
from ansible_collections.rhaii.gke.plugins.module_utils._gke.node_pool import refuse_foreign
from ansible_collections.rhaii.gke.plugins.module_utils._gke.ports import (
    NodeRemovePorts,
    PatientClusters,
    PatientGroups,
    instances_of,
    pool_size,
)
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import GroupRef, Instance, Json, groups_of
from ansible_collections.rhaii.gke.plugins.module_utils._patience import Patience
from ansible_collections.rhaii.gke.plugins.module_utils._pods import Pod, pod_of


@dataclass(frozen=True)
class Selection:
    """Which of the asked-for nodes are there, where their machines are, and which are gone already."""

    present: tuple[str, ...]
    gone: tuple[str, ...]
    machines: Mapping[GroupRef, tuple[Instance, ...]] = field(default_factory=dict)


def select(
    asked: Sequence[str],
    pool: str,
    instances: Mapping[GroupRef, Sequence[Instance]],
    nodes: Mapping[str, str],
) -> Selection:
    """Find the nodes; refuse what belongs to another pool."""
    in_pool = {each.name for group in instances.values() for each in group}
    unique = list(dict.fromkeys(asked))
    foreign = [name for name in unique if name in nodes and nodes[name] != pool and name not in in_pool]
    if foreign:
        allowed = ", ".join(sorted(in_pool | {name for name, its in nodes.items() if its == pool})) or "none"
        raise RhaiiError(
            f"Not a node of the pool {pool}: {', '.join(foreign)}.",
            remedy=f"Its nodes are: {allowed}.",
        )
    return Selection(
        present=tuple(name for name in unique if name in in_pool or name in nodes),
        gone=tuple(name for name in unique if name not in in_pool and name not in nodes),
        machines={
            group: chosen
            for group, members in instances.items()
            if (chosen := tuple(each for each in members if each.name in unique))
        },
    )


def refuse_foreign_pods(pods: Mapping[str, Sequence[Pod]], namespaces: Sequence[str], remedy: str) -> None:
    """`pods` by node. What somebody else runs there keeps its node."""
    foreign = [
        f"{pod.key} on {node}"
        for node, each in pods.items()
        for pod in sorted(each, key=lambda pod: pod.key)
        if pod.is_foreign(namespaces)
    ]
    if foreign:
        raise RhaiiError(
            f"Pods run there that are not of the namespaces {', '.join(namespaces) or '(none given)'}: "
            f"{', '.join(foreign)}.",
            remedy=remedy,
        )


def to_evict(pods: Sequence[Pod], force: bool) -> list[Pod]:
    """What must leave before the node may go; a pod that nobody would replace is lost, so that needs a word."""
    moving = [pod for pod in pods if not pod.stays]
    lost = [pod.key for pod in moving if not pod.controller and not pod.leaving]
    if lost and not force:
        raise RhaiiError(
            f"Pods that no controller would start again run there: {', '.join(sorted(lost))}.",
            remedy="Move them yourself, or set force: true to lose them.",
        )
    return moving


class _Removal:
    def __init__(self, params: Params, ports: NodeRemovePorts, progress: Progress) -> None:
        self.cluster: str = params["cluster"]
        self.pool: str = params["node_pool"]
        self.environment: str = params["environment"]
        self.namespaces: list[str] = list(params["namespaces"])
        self.asked: list[str] = list(params["nodes"])
        self.grace: int | None = params["grace_period"]
        self.force = bool(params["force"])
        self.drain_timeout: int = params["drain_timeout"]
        self.interval: float = params["wait_interval"]
        self.timeout: int = params["wait_timeout"]
        self.ports = ports
        self.progress = progress
        # a drain may take its time before the deletion has its own
        patience = Patience(
            ports.clock,
            progress,
            what=f"node pool {self.pool}",
            timeout=self.timeout + self.drain_timeout,
            chance=ports.chance,
        )
        self.clusters = PatientClusters(ports.clusters, patience)
        self.groups = PatientGroups(ports.groups, patience)
        self.evicted: list[str] = []
        self.removed: tuple[str, ...] = ()
        self.gone: tuple[str, ...] = ()
        self.left: list[str] = []
        self.size = 0
        self.changed = False

    def result(self) -> Result:
        return {
            "changed": self.changed,
            "removed": list(self.removed),
            "already_gone": list(self.gone),
            "evicted": sorted(self.evicted),
            "node_count": self.size,
            "nodes": self.left,
            # In check mode what is said to be removed is still there.
            "diff": {
                "before": {"nodes": sorted({*self.left, *self.removed})},
                "after": {"nodes": sorted(set(self.left) - set(self.removed))},
            },
        }

    def survey(self) -> Mapping[GroupRef, Sequence[Instance]]:
        pool: Json | None = self.clusters.get_node_pool(self.cluster, self.pool)
        if pool is None:
            raise RhaiiError(
                f"The cluster {self.cluster} has no node pool {self.pool}.",
                remedy="Check cluster, location and node_pool.",
            )
        refuse_foreign(self.cluster, self.pool, pool, self.environment)
        refs = groups_of(pool)
        instances = {ref: instances_of(self.groups, ref) for ref in refs}
        self.size = pool_size(self.groups, refs, pool)
        self.left = sorted(each.name for group in instances.values() for each in group)
        return instances

    def run(self, check_mode: bool) -> Result:
        instances = self.survey()
        chosen = select(self.asked, self.pool, instances, self.ports.nodes.pools())
        self.gone = chosen.gone
        if not chosen.present:
            return self.result()
        pods = {node: self.pods(node) for node in chosen.present}
        refuse_foreign_pods(
            pods,
            self.namespaces,
            "No node was touched. Move these pods yourself, or name their namespaces (namespaces, cluster_namespaces).",
        )
        moving = {node: to_evict(each, self.force) for node, each in pods.items()}
        if check_mode:
            self.changed, self.removed = True, chosen.present
            self.evicted = [pod.key for each in moving.values() for pod in each]
            return self.result()
        self.changed = True
        # All are cordoned first, so that what leaves one does not move to the next.
        existing = self.ports.nodes.pools()
        for node in chosen.present:
            if node in existing:
                self.ports.nodes.cordon(node)
        self.drain(chosen.present)
        self.delete(chosen)
        self.await_gone(chosen)
        self.removed = chosen.present
        self.survey()
        return self.result()

    def pods(self, node: str) -> list[Pod]:
        return [pod_of(body) for body in self.ports.nodes.pods(node)]

    def drain(self, nodes: Sequence[str]) -> None:
        deadline = Deadline(self.ports.clock, self.drain_timeout)
        said = ""
        while True:
            waiting: dict[str, str] = {}
            pods = {node: self.pods(node) for node in nodes}
            # one may have come in the last moment
            refuse_foreign_pods(
                pods,
                self.namespaces,
                "No node was removed; they stay cordoned. See to these pods and run again, or undo it with "
                "kubectl uncordon.",
            )
            for each in pods.values():
                for pod in to_evict(each, self.force):
                    reason = "is shutting down"
                    if not pod.leaving:
                        reason = self.ports.nodes.evict(pod.namespace, pod.name, self.grace)
                        if not reason and pod.key not in self.evicted:
                            self.evicted.append(pod.key)
                    waiting[pod.key] = reason
            if not waiting:
                return
            text = f"draining {', '.join(nodes)}: {len(waiting)} pods to go"
            if text != said:
                self.progress(text)
                said = text
            if deadline.passed:
                still = "; ".join(f"{key} {reason}".strip() for key, reason in sorted(waiting.items()))
                raise RhaiiError(
                    f"{', '.join(nodes)} could not be drained within {in_words(self.drain_timeout)}: {still}.",
                    remedy="No node was removed; they stay cordoned. See to these pods and run again, or undo it with "
                    "kubectl uncordon.",
                )
            deadline.pause(self.interval)

    def delete(self, chosen: Selection) -> None:
        deadline = Deadline(self.ports.clock, self.timeout)
        for group, machines in chosen.machines.items():
            urls = [each.url for each in machines if each.action not in ("DELETING", "ABANDONING")]
            if not urls:
                continue
            self.progress(f"deleting {', '.join(each.name for each in machines)} from {group.name}")
            operation = self.groups.delete_instances(group, urls)
            done, problem = self.groups.operation_problem(group, operation)
            while not done:
                if deadline.passed:
                    raise RhaiiError(
                        f"The deletion of instances of {group.name} was not done after {in_words(self.timeout)}; "
                        f"the operation {operation} still runs at Google.",
                        remedy="Run the same again: it continues from there.",
                    )
                deadline.pause(self.interval)
                done, problem = self.groups.operation_problem(group, operation)
            if problem:
                raise RhaiiError(
                    f"Google ended the deletion of instances of {group.name} ({operation}) with an error: {problem}.",
                    remedy="The nodes are drained and cordoned. See to the cause and run again.",
                )

    def await_gone(self, chosen: Selection) -> None:
        """The machines, and Kubernetes' knowledge of them."""
        deadline = Deadline(self.ports.clock, self.timeout)
        while True:
            machines = {each.name for group in chosen.machines for each in instances_of(self.groups, group)}
            nodes = self.ports.nodes.pools()
            remaining = [node for node in chosen.present if node in machines or node in nodes]
            if not remaining:
                return
            if deadline.passed:
                raise RhaiiError(
                    f"Still there {in_words(self.timeout)} after their deletion: {', '.join(remaining)}.",
                    remedy="Run the same again: it continues from there.",
                )
            deadline.pause(self.interval)


def run(params: Params, ports: NodeRemovePorts, progress: Progress, check_mode: bool) -> Result:
    one = _Removal(params, ports, progress)
    try:
        return one.run(check_mode)
    except RhaiiError as error:
        raise error.with_result(one.result()) from error


CAPABILITY = Capability(
    name="gke_node_remove",
    argument_spec=google_options(
        **kubernetes_options(),
        location={"type": "str", "required": True},
        cluster={"type": "str", "required": True},
        node_pool={"type": "str", "required": True},
        environment={"type": "str", "required": True},
        nodes={"type": "list", "elements": "str", "required": True},
        namespaces={"type": "list", "elements": "str", "default": []},
        drain_timeout={"type": "int", "default": 900},
        grace_period={"type": "int"},
        force={"type": "bool", "default": False},
        **{name: spec for name, spec in wait_options(900, 5.0).items() if name != "wait"},
    ),
    ports=node_remove_ports,
    run=run,
    required_if=GOOGLE_REQUIRED_IF,
)

__all__ = ("CAPABILITY", "Selection", "refuse_foreign_pods", "run", "select", "to_evict")
