# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""gke_cluster: the control plane as desired state."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial

try:
    import certifi
except ImportError:  # it comes with requests, whose absence is said when something is asked of Google
    PUBLIC_AUTHORITIES = ""
else:
    PUBLIC_AUTHORITIES = certifi.where()

from ansible_collections.rhaii.gke.plugins.module_utils._argspec import (
    GOOGLE_REQUIRED_IF,
    google_options,
    wait_options,
)
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Capability, Params, Progress, Result
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._gke.cluster_plan import (
    SCOPES,
    Wanted,
    body_of,
    dns_of,
    networks_of,
    plan,
)
from ansible_collections.rhaii.gke.plugins.module_utils._gke.google import gke_ports
from ansible_collections.rhaii.gke.plugins.module_utils._gke.operations import OURS, Awaiter, on_itself, running
from ansible_collections.rhaii.gke.plugins.module_utils._gke.ports import GkePorts
from ansible_collections.rhaii.gke.plugins.module_utils._gke.protection import is_kept, refuse_kept
from ansible_collections.rhaii.gke.plugins.module_utils._gke.statuses import of_cluster
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import (
    Json,
    Operation,
    certificate_of,
    debts_of,
    labels_of_pool,
    problem_of,
)
from ansible_collections.rhaii.gke.plugins.module_utils._google import GoogleError
from ansible_collections.rhaii.gke.plugins.module_utils._ownership import (
    ANOTHER_CLUSTER,
    FORCE,
    FOREIGN,
    of_cloud,
    refusal,
)


def refuse_foreign(wanted: Wanted, cluster: Json, way: str = ANOTHER_CLUSTER) -> None:
    """A cluster that is not ours is neither changed, nor awaited, nor used by accident."""
    whose = of_cloud(cluster.get("resourceLabels") or {}, wanted.environment)
    if not whose.is_ours:
        raise refusal(whose, wanted.title, wanted.environment, way)


def foreign_pools(wanted: Wanted, cluster: Json) -> list[str]:
    """The pools that somebody else made in it, each with whose it seems to be."""
    judged = {
        str(pool.get("name")): of_cloud(labels_of_pool(pool), wanted.environment)
        for pool in cluster.get("nodePools") or []
    }
    return [f"{name} {whose.seems}" for name, whose in sorted(judged.items()) if not whose.is_ours]


def refuse_foreign_pools(wanted: Wanted, cluster: Json) -> None:
    """A cluster takes its pools along when it is deleted."""
    foreign = foreign_pools(wanted, cluster)
    if foreign:
        raise RhaiiError(
            f"{wanted.title} is not deleted, because it holds node pools that were not made for the environment "
            f"{wanted.environment}: {'; '.join(foreign)}.",
            remedy="Move away what runs on them and delete them yourself, or, to delete them with it, say "
            "delete_foreign_pools: true (-e rhaii_delete_foreign=true).",
        )


def describe(
    cluster: Json | None, wanted: Wanted, operation: Operation | None = None, ca_file: str | None = None
) -> Result:
    """The structured result; the same on success and on failure."""
    result: Result = {
        "name": wanted.name,
        "location": wanted.location,
        "exists": cluster is not None,
        "operation": None if operation is None else operation.public(),
    }
    if cluster is not None:
        open_dns, dns = dns_of(cluster)
        by_dns = bool(wanted.dns_endpoint and open_dns and dns)
        result.update(
            status=str(cluster.get("status") or ""),
            # The DNS endpoint's certificate is signed by public authorities, not by the cluster's own.
            endpoint=dns if by_dns else str(cluster.get("endpoint") or ""),
            ca_certificate="" if by_dns else certificate_of(cluster),
            ca_file=(ca_file or PUBLIC_AUTHORITIES) if by_dns else "",
            ip_endpoint=str(cluster.get("endpoint") or ""),
            dns_endpoint=dns if open_dns else "",
            authorized_networks=[cidr for cidr, _name in networks_of(cluster)],
            network=str(cluster.get("network") or ""),
            subnetwork=str(cluster.get("subnetwork") or ""),
            debts=debts_of(cluster.get("resourceLabels") or {}),
            keep=is_kept(cluster.get("resourceLabels") or {}),
            kubernetes_version=str(cluster.get("currentMasterVersion") or ""),
            labels=dict(cluster.get("resourceLabels") or {}),
            node_pools=sorted(str(pool["name"]) for pool in cluster.get("nodePools") or []),
            foreign_pools=foreign_pools(wanted, cluster),
        )
    return result


class _Cluster:
    """One run of the capability: the steps share the ports, the deadline and what is known so far."""

    def __init__(self, params: Params, ports: GkePorts, progress: Progress, check_mode: bool) -> None:
        self.wanted = Wanted.from_params(params)
        self.wait = bool(params["wait"])
        self.force_unlabelled = bool(params["force_unlabelled"])
        self.delete_foreign_pools = bool(params["delete_foreign_pools"])
        self.ca_file: str | None = params["ca_file"]
        self.check_mode = check_mode
        self.clock = ports.clock
        self.progress = progress
        self.awaiter = Awaiter(
            ports.clusters,
            ports.clock,
            progress,
            what=f"cluster {self.wanted.name}",
            timeout=params["wait_timeout"],
            interval=params["wait_interval"],
            chance=ports.chance,
        )
        self.clusters = self.awaiter.clusters
        self.changed = False
        self.found: Json | None = None
        self.operation: Operation | None = None

    def result(self, before: Json | None = None, after: Json | None = None) -> Result:
        return {
            "changed": self.changed,
            **describe(self.found, self.wanted, self.operation, self.ca_file),
            "diff": {"before": before or {}, "after": after or {}},
        }

    def read(self) -> Json | None:
        self.found = self.clusters.get_cluster(self.wanted.name)
        return self.found

    def read_ours(self) -> Json | None:
        """At every look, for what is there now may be another one than before."""
        cluster = self.read()
        if cluster is not None:
            refuse_foreign(self.wanted, cluster)
        return cluster

    def look_again(self) -> None:
        """After something went wrong: what there is now, if it can be told."""
        self.awaiter.patience.end()
        if self.operation is not None:
            with suppress(RhaiiError):
                self.read()

    def running(self) -> list[Operation]:
        """What works on the cluster itself; what works on its pools is left to gke_node_pool."""
        return [each for each in running(self.clusters, self.wanted.name) if on_itself(each)]

    def join(self) -> None:
        """Await what already runs on our cluster itself, be it from a killed run or from somebody else."""
        for each in self.running():
            self.operation = each
            self.progress(f"cluster {self.wanted.name}: joining the running operation {each.name}")
            if each.kind in OURS:
                self.operation = self.awaiter.wait(each)
            else:
                # what an upgrade or an update left behind shows in the cluster itself
                self.operation = self.awaiter.settle(each)

    def body(self) -> Json:
        return body_of(self.wanted, self.clock.now())

    def present(self) -> Result:
        cluster = self.read_ours()
        if cluster is not None and of_cluster(cluster).is_going:
            if self.check_mode:
                return self.created({}, self.body())
            self.join()
            cluster = self.read_ours()
            if cluster is not None and of_cluster(cluster).is_going:
                cluster = self.until_gone(self.read_ours)
        if cluster is None:
            return self.create()
        if of_cluster(cluster).is_moving:
            under_way = self.running()
            if under_way and not self.wait:
                self.operation = under_way[0]
                return self.result()
            if cluster.get("status") == "PROVISIONING" and self.check_mode:
                self.operation = next(iter(under_way), None)
                return self.result()
            if not self.check_mode:
                self.join()
                cluster = self.read_ours() or {}
        if of_cluster(cluster).is_dead:
            return self.repair(cluster)
        self.refuse_broken(cluster)
        self.tell_impaired(cluster)
        return self.update(cluster)

    def until_gone(self, read: Callable[[], Json | None]) -> Json | None:
        """A deletion whose operation is not listed any more, or not yet, shows in the cluster itself."""
        cluster = read()
        while cluster is not None and of_cluster(cluster).is_going:
            self.awaiter.pause_while_it_goes()
            cluster = read()
        return cluster

    def tell_impaired(self, cluster: Json) -> None:
        if of_cluster(cluster).is_impaired:
            said = str(problem_of(cluster) or cluster.get("statusMessage") or "no reason given")
            self.progress(f"cluster {self.wanted.name}: it is {cluster['status']} and serves ({said})")

    def repair(self, cluster: Json) -> Result:
        """A cluster of ours that never came to be is deleted and created again, if nothing was put into it."""
        pools = sorted(str(pool["name"]) for pool in cluster.get("nodePools") or [])
        problem = problem_of(cluster)
        said = str(problem or cluster.get("statusMessage") or "no reason given")
        self.refuse_kept(cluster, f"{self.wanted.title}, which is ERROR ({said}),")
        self.refuse_foreign_pools(cluster)
        if [pool for pool in pools if pool != self.wanted.default_pool.name]:
            raise RhaiiError(
                f"The cluster {self.wanted.name} is ERROR ({said}). With its node pools {', '.join(pools)} it is not "
                "empty, so it is not deleted unasked.",
                remedy="Look at it in the console, then delete it (playbook teardown.yml, or state: absent) and deploy "
                "again.",
            )
        before, body = {"status": "ERROR", "problem": said}, self.body()
        if self.check_mode:
            return self.created(before, body)
        self.progress(f"cluster {self.wanted.name}: it is ERROR ({said}) and empty; deleting it and creating it again")
        self.ask_to_delete(wait=True)
        return {**self.create(), "diff": {"before": before, "after": body}}

    def refuse_kept(self, cluster: Json, what: str) -> None:
        refuse_kept(what, "it", cluster.get("resourceLabels") or {}, self.wanted.keep)

    def refuse_foreign_pools(self, cluster: Json) -> None:
        if not self.delete_foreign_pools:
            refuse_foreign_pools(self.wanted, cluster)

    def delete(self) -> Operation:
        """Judged once more at every try: what was in the way may have been the creation of somebody's pool."""
        self.refuse_foreign_pools(self.clusters.get_cluster(self.wanted.name) or {})
        return self.clusters.delete_cluster(self.wanted.name)

    def created(self, before: Json, body: Json) -> Result:
        self.changed = True
        return self.result(before, body)

    def create(self) -> Result:
        body = self.body()
        if self.check_mode:
            return self.created({}, body)
        self.progress(f"cluster {self.wanted.name}: asking for it in {self.wanted.location}")
        try:
            # there is no cluster yet of which to see what works on it
            self.operation = self.awaiter.patiently(partial(self.clusters.create_cluster, body), awaits_busy=True)
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
        if of_cluster(cluster).serves:
            return
        problem = problem_of(cluster)
        said = str(problem) if problem else str(cluster.get("statusMessage") or "no reason given")
        raise RhaiiError(
            f"The cluster {self.wanted.name} is {status}: {said}.",
            remedy="Run the same again, which repairs a cluster that is empty, or delete it (playbook teardown.yml, or "
            "state: absent) and deploy again.",
        )

    def update(self, cluster: Json) -> Result:
        todo = plan(self.wanted, cluster, self.clock.now())
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
        calls: list[Callable[[], Operation]] = []
        if todo.labels is not None:
            fingerprint = str(cluster.get("labelFingerprint") or "")
            calls.append(partial(self.clusters.set_labels, name, todo.labels, fingerprint))
        calls += [partial(self.clusters.update_cluster, name, each) for each in todo.updates]
        if todo.maintenance is not None:
            calls.append(partial(self.clusters.set_maintenance_policy, name, todo.maintenance))
        for number, call in enumerate(calls, 1):
            # GKE takes one kind of update a call, and one call at a time.
            self.ask(call, wait=self.wait or number < len(calls))
        self.read()
        return self.result(todo.before, todo.after)

    def ask(self, call: Callable[[], Operation], *, wait: bool) -> None:
        self.operation = self.awaiter.submit(call, self.wanted.name)
        if wait:
            self.operation = self.awaiter.wait(self.operation)

    def ask_to_delete(self, *, wait: bool) -> None:
        """What is gone by the time that Google is asked again is as it should be."""
        try:
            self.operation = self.awaiter.submit(self.delete, self.wanted.name, is_deletion=True)
        except GoogleError as error:
            if error.status != 404 or self.read() is not None:
                raise
            self.operation = None
        if wait and self.operation is not None:
            self.operation = self.awaiter.wait(self.operation)

    def absent(self) -> Result:
        cluster = self.read()
        if cluster is None:
            return self.result()
        whose = of_cloud(cluster.get("resourceLabels") or {}, self.wanted.environment)
        if not (self.force_unlabelled and whose.verdict == FOREIGN):
            refuse_foreign(self.wanted, cluster, ANOTHER_CLUSTER + (FORCE if whose.verdict == FOREIGN else ""))
        self.refuse_kept(cluster, self.wanted.title)
        self.refuse_foreign_pools(cluster)
        before = {"name": self.wanted.name, "status": str(cluster.get("status") or "")}
        if self.check_mode:
            self.changed = True
            return self.result(before)
        if cluster.get("status") == "PROVISIONING":
            # GKE refuses to delete what it is still creating; how that creation ends does not matter here.
            for each in running(self.clusters, self.wanted.name):
                self.progress(f"cluster {self.wanted.name}: waiting until its creation ends ({each.name})")
                self.awaiter.settle(each)
        deletions = [e for e in running(self.clusters, self.wanted.name) if e.kind == "DELETE_CLUSTER"]
        if deletions:
            self.operation = deletions[0]
        elif of_cluster(self.read() or {}).is_going:
            if self.wait:
                self.until_gone(self.read)
        elif self.found is not None:
            self.changed = True
            self.ask_to_delete(wait=False)
        if self.wait and self.operation is not None:
            self.operation = self.awaiter.wait(self.operation)
        self.read()
        return self.result(before)


def run(params: Params, ports: GkePorts, progress: Progress, check_mode: bool) -> Result:
    one = _Cluster(params, ports, progress, check_mode)
    try:
        return one.present() if params["state"] == "present" else one.absent()
    except RhaiiError as error:
        one.look_again()
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
                "min_nodes": {"type": "int", "default": 0},
                "max_nodes": {"type": "int"},
                "service_account": {"type": "str"},
            },
        },
        network={"type": "str"},
        subnetwork={"type": "str"},
        private_nodes={"type": "bool"},
        authorized_networks={
            "type": "list",
            "elements": "dict",
            "options": {"cidr": {"type": "str", "required": True}, "name": {"type": "str", "default": ""}},
        },
        dns_endpoint={"type": "bool"},
        maintenance_window={
            "type": "dict",
            "options": {
                "start": {"type": "str", "required": True},
                "end": {"type": "str", "required": True},
                "recurrence": {"type": "str", "required": True},
            },
        },
        maintenance_exclusions={
            "type": "list",
            "elements": "dict",
            "options": {
                "name": {"type": "str", "required": True},
                "start": {"type": "str", "required": True},
                "end": {"type": "str", "required": True},
                "scope": {"type": "str", "default": "no_upgrades", "choices": list(SCOPES)},
            },
        },
        hold_node_upgrades={"type": "bool"},
        debts={"type": "dict"},
        keep={"type": "bool"},
        force_unlabelled={"type": "bool", "default": False},
        delete_foreign_pools={"type": "bool", "default": False},
        **wait_options(1800, 10.0),
    ),
    ports=gke_ports,
    run=run,
    required_if=GOOGLE_REQUIRED_IF,
)

__all__ = ("CAPABILITY", "describe", "refuse_foreign", "refuse_foreign_pools", "run")
