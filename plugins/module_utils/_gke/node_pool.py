# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""gke_node_pool: a pool of nodes as desired state, resized by what its instance groups say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from ansible_collections.rhaii.gke.plugins.module_utils._argspec import (
    GOOGLE_REQUIRED_IF,
    google_options,
    wait_options,
)
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Capability, Params, Progress, Result
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._gke.google import gke_ports
from ansible_collections.rhaii.gke.plugins.module_utils._gke.operations import (
    OURS,
    Awaiter,
    StockoutError,
    running,
)
from ansible_collections.rhaii.gke.plugins.module_utils._gke.pool_plan import (
    Plan,
    Wanted,
    body_of,
    bounds_of,
    inherited,
    plan,
    refuse_contradictions,
    refuse_topology,
    reservation_of,
)
from ansible_collections.rhaii.gke.plugins.module_utils._gke.ports import (
    GkePorts,
    PatientGroups,
    instances_of,
    pool_size,
)
from ansible_collections.rhaii.gke.plugins.module_utils._gke.protection import refuse_kept
from ansible_collections.rhaii.gke.plugins.module_utils._gke.statuses import of_pool
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import (
    Instance,
    Json,
    Operation,
    Problem,
    groups_of,
    is_stockout,
    labels_of_pool,
    problem_of,
)
from ansible_collections.rhaii.gke.plugins.module_utils._google import GoogleError
from ansible_collections.rhaii.gke.plugins.module_utils._meaning import MISSING
from ansible_collections.rhaii.gke.plugins.module_utils._ownership import FORCE, FOREIGN, of_cloud, refusal

# Google tries again within a minute or two; what still shows then is no longer left from before.
LOOKS_IN_DOUBT = 12
GROWING = ("CREATE_NODE_POOL", "SET_NODE_POOL_SIZE")
ANOTHER_NAME = "Give another name (cluster_tpu_pool_name, or cluster_default_pool_name for the ordinary machines)."


def refuse_foreign(cluster: str, name: str, pool: Json, environment: str, way: str = ANOTHER_NAME) -> None:
    """A pool that is not ours is neither changed, nor drained, nor deleted, nor awaited."""
    whose = of_cloud(labels_of_pool(pool), environment)
    if not whose.is_ours:
        raise refusal(whose, f"The node pool {name} of the cluster {cluster}", environment, way)


class _Pool:
    """One run of the capability: the steps share the ports, the deadline and what is known so far."""

    def __init__(self, params: Params, ports: GkePorts, progress: Progress, check_mode: bool) -> None:
        self.wanted = Wanted.from_params(params)
        self.topology: str | None = params["topology"]
        self.wait = bool(params["wait"])
        self.replace = bool(params["replace"])
        self.on_stockout = str(params["on_stockout"])
        self.stockout_watch = float(params["stockout_watch"])
        self.keep: bool | None = params["keep"]
        self.force_unlabelled = bool(params["force_unlabelled"])
        self.check_mode = check_mode
        self.progress = progress
        self.what = f"node pool {self.wanted.name}"
        self.awaiter = Awaiter(
            ports.clusters,
            ports.clock,
            progress,
            what=self.what,
            timeout=params["wait_timeout"],
            interval=params["wait_interval"],
            chance=ports.chance,
        )
        self.clusters = self.awaiter.clusters
        self.groups = PatientGroups(ports.groups, self.awaiter.patience)
        self.changed = False
        self.found: Json | None = None
        self.size = 0
        self.instances: Sequence[Instance] = ()
        self.operation: Operation | None = None
        # why the zone gives no machines, once that was seen, and how often it was looked
        self.stockout: Problem | None = None
        self.looks = 0
        self.doubtful = False

    @property
    def up(self) -> int:
        return sum(1 for each in self.instances if each.up)

    def result(self, before: Json | None = None, after: Json | None = None) -> Result:
        answer: Result = {
            "changed": self.changed,
            "name": self.wanted.name,
            "cluster": self.wanted.cluster,
            "location": self.wanted.location,
            "exists": self.found is not None,
            "stockout": self.stockout is not None,
            "operation": None if self.operation is None else self.operation.public(),
            "diff": {"before": before or {}, "after": after or {}},
        }
        if self.found is not None:
            config = self.found.get("config") or {}
            answer.update(
                status=str(self.found.get("status") or ""),
                node_count=self.size,
                nodes_up=self.up,
                nodes=sorted(each.name for each in self.instances),
                machine_type=str(config.get("machineType") or ""),
                spot=bool(config.get("spot")),
                flex_start=bool(config.get("flexStart")),
                reservation=reservation_of(config),
                autoscaling=str(bounds_of(self.found)),
                labels=labels_of_pool(self.found),
                instance_groups=[ref.name for ref in groups_of(self.found)],
            )
        return answer

    def read(self) -> Json | None:
        self.found = self.clusters.get_node_pool(self.wanted.cluster, self.wanted.name)
        if self.found is not None:
            refs = groups_of(self.found)
            self.size = pool_size(self.groups, refs, self.found)
            self.instances = [each for ref in refs for each in instances_of(self.groups, ref)]
        return self.found

    def read_ours(self) -> Json | None:
        """At every look, for what is there now may be another one than before."""
        pool = self.read()
        if pool is not None:
            refuse_foreign(self.wanted.cluster, self.wanted.name, pool, self.wanted.environment)
        return pool

    def refuse_kept(self, state: str = "") -> None:
        """A cluster's protection is that of its pools."""
        cluster = self.clusters.get_cluster(self.wanted.cluster) or {}
        labels = cluster.get("resourceLabels") or {}
        refuse_kept(f"The node pool {self.wanted.name}{state}", f"its cluster {self.wanted.cluster}", labels, self.keep)

    def look_again(self) -> None:
        """After something went wrong: what there is now, if it can be told."""
        self.awaiter.patience.end()
        if self.operation is not None:
            with suppress(RhaiiError):
                self.read()

    def look(self) -> None:
        """How far the machines are. The groups know of a stockout minutes before the operation admits it."""
        self.read()
        problems = [each.problem for each in self.instances if not each.up]
        if self.operation is not None and self.operation.kind == "CREATE_NODE_POOL":
            # Later a pool's conditions tell of the operation before.
            problems.append(problem_of(self.found or {}))
        self.stockout = next((problem for problem in problems if is_stockout(problem)), None)

    def growing(self) -> str:
        """How many of the wanted nodes run already: what one wants to know in a quarter of an hour."""
        self.look()
        of = f" of {self.wanted.node_count}" if self.wanted.node_count is not None else ""
        waiting = "; the zone has none of these machines now, Google goes on asking" if self.stockout else ""
        return f"{self.up}{of} nodes up{waiting}"

    def end_at_stockout(self, operation: Operation) -> None:
        self.operation = operation
        self.note_stockout(operation)
        self.looks += 1
        if self.looks == 1:
            # What a pool that is there already shows at first may be left from an earlier try.
            self.doubtful = operation.kind != "CREATE_NODE_POOL" and self.stockout is not None
        if self.stockout is None:
            self.doubtful = False
        if self.doubtful and self.looks <= LOOKS_IN_DOUBT:
            return
        if self.stockout is not None and self.on_stockout != "wait":
            raise self.stockout_error(operation, self.stockout)

    def note_stockout(self, operation: Operation) -> None:
        said = Problem(operation.problem.code if operation.problem else "", operation.detail)
        if self.stockout is None and is_stockout(said):
            self.stockout = operation.problem or said

    def stockout_error(self, operation: Operation, problem: Problem) -> StockoutError:
        wanted = self.wanted
        return StockoutError(
            f"{wanted.location} has no {wanted.machine_type or 'such machine'} left at this moment ({problem}): "
            f"{self.up} of {self.size} nodes are up. The operation {operation.name} cannot be cancelled; it goes on at "
            "Google for up to 35 minutes, and machines that it still gets will bill.",
            remedy="Run the same again to await it (cluster_on_stockout: wait never gives up, move goes to the next "
            "location by itself), set rhaii_location to another zone, or end it: ansible-playbook "
            f"playbooks/teardown.yml -e rhaii_location={wanted.location} "
            f"-e rhaii_teardown_confirm={wanted.environment}",
        )

    def await_operation(self, operation: Operation) -> None:
        counting = operation.kind in GROWING
        self.operation = operation
        self.looks = 0
        self.operation = self.awaiter.wait(
            operation, self.growing if counting else None, self.end_at_stockout if counting else None
        )
        self.stockout = None

    def watch(self, operation: Operation) -> None:
        """Without waiting for the machines: a look whether the zone has any."""
        if not self.stockout_watch or operation.kind not in GROWING:
            return

        self.looks, before = 0, self.up if operation.kind != "CREATE_NODE_POOL" else 0

        def enough(operation: Operation) -> bool:
            self.look()
            self.end_at_stockout(operation)
            return (self.stockout is not None and not self.doubtful) or self.up > before

        self.operation = self.awaiter.watched(operation, self.stockout_watch, enough)

    def join(self) -> bool:
        """Await what already runs on our pool; False when `wait` says not to."""
        for each in running(self.clusters, self.wanted.cluster, self.wanted.name):
            self.operation = each
            if not self.wait:
                self.watch(each)
                return False
            self.progress(f"{self.what}: joining the running operation {each.name}")
            if each.kind in OURS:
                self.await_operation(each)
            else:
                # Google upgrades and repairs by itself; what that left behind shows in the pool
                self.operation = self.awaiter.settle(each)
        return True

    def ask(self, call: Callable[[], Operation], *, wait: bool, is_deletion: bool = False) -> None:
        self.operation = self.awaiter.submit(call, self.wanted.cluster, is_deletion=is_deletion)
        self.changed = True
        if wait:
            self.await_operation(self.operation)
        else:
            self.watch(self.operation)

    def present(self) -> Result:
        refuse_topology(self.topology, self.wanted.machine_type)
        refuse_contradictions(self.wanted)
        pool = self.read_ours()
        if self.check_mode:
            return self.foretell(pool)
        joined = self.join()
        pool = self.read_ours()
        if not joined and self.operation is not None and self.operation.kind != "DELETE_NODE_POOL":
            return self.result()
        if pool is not None and of_pool(pool).is_going:
            pool = self.until_gone(self.read_ours)
        if pool is None:
            return self.create()
        if self.is_dead(pool):
            return self.repair(pool)
        self.refuse_unknown(pool)
        return self.update(pool)

    def until_gone(self, read: Callable[[], Json | None]) -> Json | None:
        """A deletion whose operation is of the cluster, or not listed any more, shows in the pool itself."""
        pool = read()
        while pool is not None and of_pool(pool).is_going:
            if not self.wait:
                raise RhaiiError(
                    f"The node pool {self.wanted.name} is being deleted.",
                    remedy="Run again when it is gone, or with wait: true.",
                )
            self.awaiter.pause_while_it_goes()
            pool = read()
        return pool

    def foretell(self, pool: Json | None) -> Result:
        """Check mode: what would be asked for, with nothing asked and nothing awaited."""
        if pool is None or of_pool(pool).is_going:
            self.changed = True
            return self.result(after=body_of(self.wanted))
        if self.is_dead(pool):
            return self.repair(pool)
        todo = self.planned(pool)
        self.changed = todo.changed or bool(todo.impossible)
        return self.result(todo.before, todo.after)

    def create(self) -> Result:
        body = body_of(self.wanted)
        self.progress(f"{self.what}: asking for {self.wanted.node_count} x {self.wanted.machine_type}")
        try:
            self.ask(partial(self.clusters.create_node_pool, self.wanted.cluster, body), wait=self.wait)
        except GoogleError as error:
            if error.status == 409 and self.read() is not None:
                return self.present()  # somebody was faster: what there is now is judged like any other pool
            if error.meaning == MISSING and self.clusters.get_cluster(self.wanted.cluster) is None:
                raise RhaiiError(
                    f"The cluster {self.wanted.cluster} does not exist in {self.wanted.location}.",
                    remedy="Create it first (gke_cluster), or correct cluster and location.",
                ) from error
            raise
        pool = self.read()
        if self.wait:
            self.refuse_broken(pool or {})
        return self.result(after=body)

    def refuse_unknown(self, pool: Json) -> None:
        """A pool that runs in part is not broken here: the comparison of sizes asks for what is missing."""
        if not of_pool(pool).serves:
            raise self.broken(pool)

    def refuse_broken(self, pool: Json) -> None:
        """After an operation that Google calls a success nothing may be missing."""
        meaning = of_pool(pool)
        if not meaning.serves or meaning.is_impaired or pool.get("status") == "PROVISIONING":
            raise self.broken(pool)

    def broken(self, pool: Json) -> RhaiiError:
        problem = problem_of(pool)
        said = str(problem) if problem else str(pool.get("statusMessage") or "no reason given")
        return RhaiiError(
            f"The node pool {self.wanted.name} is {pool.get('status') or 'gone'}: {said}.",
            remedy="Delete it (state: absent) and ask again; it is not done unasked, because nodes of it run."
            if of_pool(pool).is_dead and self.up
            else "Run the same again, which repairs it, or delete it (state: absent) and ask in another zone.",
        )

    def is_dead(self, pool: Json) -> bool:
        return of_pool(pool).is_dead and not self.up

    def repair(self, pool: Json) -> Result:
        """A pool without a single node that Google gave up on: deleted and asked for again."""
        said = str(problem_of(pool) or pool.get("statusMessage") or "no reason given")
        self.refuse_kept(f", which is ERROR ({said}),")
        self.progress(f"{self.what}: it is ERROR ({said}); deleting it and asking again")
        return self.anew(pool, {"status": "ERROR", "problem": said})

    def anew(self, pool: Json, before: Json) -> Result:
        """Delete and create. Google refuses to create before the deletion is done, so that is awaited always."""
        self.wanted = inherited(self.wanted, pool, self.size)
        body = body_of(self.wanted)
        if self.check_mode:
            self.changed = True
            return self.result(before, body)
        delete = partial(self.clusters.delete_node_pool, self.wanted.cluster, self.wanted.name)
        self.ask(delete, wait=True, is_deletion=True)
        return {**self.create(), "diff": {"before": before, "after": body}}

    def planned(self, pool: Json) -> Plan:
        todo = plan(self.wanted, pool, self.size, self.up)
        if todo.impossible and not self.replace:
            raise RhaiiError(
                f"The node pool {self.wanted.name} cannot be changed to what is wanted: {'; '.join(todo.impossible)}; "
                "that is fixed when a pool is created.",
                remedy="Set the option to what the pool has, or have it deleted and created again, with all that runs "
                "on it (replace: true, cluster_tpu_replace).",
                result=self.result(todo.before, todo.after),
            )
        if todo.impossible:
            self.refuse_kept(f" cannot be changed to what is wanted ({'; '.join(todo.impossible)}) and")
        return todo

    def update(self, pool: Json) -> Result:
        todo = self.planned(pool)
        if todo.impossible:
            self.progress(f"{self.what}: replacing it, because {'; '.join(todo.impossible)}")
            before = todo.before
            return {**self.anew(pool, before), "diff": {"before": before, "after": todo.after}}
        if not todo.changed:
            return self.result(todo.before, todo.after)
        cluster, name = self.wanted.cluster, self.wanted.name
        calls = [partial(self.clusters.update_node_pool, cluster, name, each) for each in todo.updates]
        if todo.management is not None:
            calls.append(partial(self.clusters.set_node_pool_management, cluster, name, todo.management))
        if todo.autoscaling is not None:
            calls.append(partial(self.clusters.set_node_pool_autoscaling, cluster, name, todo.autoscaling))
        if todo.nodes_per_zone is not None:
            of = "once more" if "status" in todo.before else f"instead of {self.size}"
            self.progress(f"{self.what}: asking for {self.wanted.node_count or self.size} nodes {of}")
            calls.append(partial(self.clusters.set_node_pool_size, cluster, name, todo.nodes_per_zone))
        for number, call in enumerate(calls, 1):
            # GKE takes one kind of change a call, and one call at a time.
            self.ask(call, wait=self.wait or number < len(calls))
        pool = self.read() or {}
        if self.wait and todo.nodes_per_zone is not None:
            self.refuse_broken(pool)
        return self.result(todo.before, todo.after)

    def absent(self) -> Result:
        pool = self.read()
        if pool is None:
            return self.result()
        whose = of_cloud(labels_of_pool(pool), self.wanted.environment)
        if not (self.force_unlabelled and whose.verdict == FOREIGN):
            way = ANOTHER_NAME + (FORCE if whose.verdict == FOREIGN else "")
            refuse_foreign(self.wanted.cluster, self.wanted.name, pool, self.wanted.environment, way)
        self.refuse_kept()
        before = {"name": self.wanted.name, "node_count": self.size}
        if self.check_mode:
            self.changed = True
            return self.result(before)
        on_pool = running(self.clusters, self.wanted.cluster, self.wanted.name)
        deletions = [each for each in on_pool if each.kind == "DELETE_NODE_POOL"]
        if deletions:
            self.operation = deletions[0]
        elif of_pool(pool).is_going:
            # it goes with its cluster, or its operation is not listed
            if self.wait:
                self.until_gone(self.read)
        else:
            for each in on_pool:
                self.progress(f"{self.what}: waiting until {each.name} ends, then deleting")
                self.awaiter.settle(each)
            self.ask_to_delete()
        if self.wait and self.operation is not None:
            self.await_operation(self.operation)
        self.read()
        return self.result(before)

    def ask_to_delete(self) -> None:
        """What is gone by the time that Google is asked again is as it should be."""
        delete = partial(self.clusters.delete_node_pool, self.wanted.cluster, self.wanted.name)
        try:
            self.ask(delete, wait=False, is_deletion=True)
        except GoogleError as error:
            if error.status != 404 or self.read() is not None:
                raise
            self.operation = None


def run(params: Params, ports: GkePorts, progress: Progress, check_mode: bool) -> Result:
    one = _Pool(params, ports, progress, check_mode)
    try:
        return one.present() if params["state"] == "present" else one.absent()
    except StockoutError as error:
        # An operation that ended with a stockout counts as much as one that was seen to run into it.
        one.look_again()
        result = {**one.result(), "stockout": True}
        if one.on_stockout == "report":
            progress(f"{one.what}: {error.msg}")
            return {**result, **error.result, "stockout_reason": error.msg}
        raise error.with_result(result) from error
    except RhaiiError as error:
        one.look_again()
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
        flex_start={"type": "bool"},
        max_run_duration={"type": "int"},
        reservation={"type": "str"},
        disk_type={"type": "str"},
        disk_size_gb={"type": "int"},
        service_account={"type": "str"},
        node_labels={"type": "dict", "default": {}},
        labels={"type": "dict", "default": {}},
        taints={
            "type": "list",
            "elements": "dict",
            "options": {
                "key": {"type": "str", "required": True, "no_log": False},
                "value": {"type": "str", "default": ""},
                "effect": {
                    "type": "str",
                    "default": "NoSchedule",
                    "choices": ["NoSchedule", "PreferNoSchedule", "NoExecute"],
                },
            },
        },
        upgrade_settings={
            "type": "dict",
            "options": {"max_surge": {"type": "int"}, "max_unavailable": {"type": "int"}},
        },
        auto_upgrade={"type": "bool"},
        auto_repair={"type": "bool"},
        autoscaling={
            "type": "dict",
            "options": {
                "enabled": {"type": "bool", "default": True},
                "min_nodes": {"type": "int", "default": 0},
                "max_nodes": {"type": "int"},
            },
        },
        topology={"type": "str"},
        workload_identity={"type": "bool"},
        replace={"type": "bool", "default": False},
        on_stockout={"type": "str", "default": "fail", "choices": ["fail", "wait", "report"]},
        stockout_watch={"type": "int", "default": 0},
        keep={"type": "bool"},
        force_unlabelled={"type": "bool", "default": False},
        **wait_options(2400, 10.0),
    ),
    ports=gke_ports,
    run=run,
    required_if=GOOGLE_REQUIRED_IF,
)

__all__ = ("CAPABILITY", "refuse_foreign", "run")
