# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes what was asked for come true over time. All that it needs is in the state, so a new process just goes on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from sandbox.cloud import autoscaler
from sandbox.cloud.clock import Clock, Timetable
from sandbox.cloud.errors import Json
from sandbox.cloud.gke import (
    add_own_marks,
    force_own_ways,
    node_records,
    set_path,
)
from sandbox.cloud.groups import Groups, instances
from sandbox.cloud.ledger import Ledger
from sandbox.cloud.limits import machine_of
from sandbox.cloud.operations import Operations
from sandbox.cloud.project import Project
from sandbox.cloud.runtime import ClusterRuntime
from sandbox.cloud.state import CREATING, DELETING, DONE, PENDING, RUNNING, Cluster, Operation, Pool, Store

LOG = logging.getLogger("sandbox.cloud")

NOTICED_AT_ONCE = 120.0
NOTICED_LATE = 2100.0
"""Guide seconds until Kubernetes Engine gives up: a stockout may take it 35 minutes."""
RETRY = 60.0
"""Guide seconds between two attempts of a group to create its missing machines."""

SCAN = 10.0
"""Guide seconds between two looks of the autoscaler, but not more often than once a real second."""

BUSY, IDLE = 0.1, 1.0
"""Real seconds between two turns."""


class Engine:
    """One turn looks at every machine and operation and moves on what is due."""

    def __init__(
        self,
        *,
        project: Project,
        store: Store,
        clock: Clock,
        timetable: Timetable,
        groups: Groups,
        operations: Operations,
        ledger: Ledger,
        runtime: ClusterRuntime,
    ) -> None:
        self._project = project
        self._store = store
        self._clock = clock
        self._timetable = timetable
        self._groups = groups
        self._operations = operations
        self._ledger = ledger
        self._runtime = runtime
        self._tasks: dict[str, asyncio.Task[Any]] = {}
        self._written: dict[str, list[Json]] = {}
        self._scanned: dict[str, float] = {}
        self.wake = asyncio.Event()
        self._steps: dict[str, Callable[[Operation, Cluster, float], bool]] = {
            "CREATE_CLUSTER": self._create_cluster,
            "DELETE_CLUSTER": self._delete_cluster,
            "CREATE_NODE_POOL": self._machines_settled,
            "SET_NODE_POOL_SIZE": self._machines_settled,
            "DELETE_NODE_POOL": self._machines_settled,
            "UPGRADE_NODES": self._machines_settled,
        }

    async def run(self) -> None:
        """Turn after turn, for ever."""
        self.resume()
        while True:
            try:
                busy = self.turn()
            except Exception:
                # one mistake must not end every cluster's operations
                LOG.exception("a turn failed")
                busy = True
            self.wake.clear()
            try:
                async with asyncio.timeout(BUSY if busy else IDLE):
                    await self.wake.wait()
            except TimeoutError:
                continue

    def resume(self) -> None:
        """After a start: bring the control planes of existing clusters up again; what runs is left alone."""
        for cluster in self._store.state.clusters.values():
            if cluster.status not in ("STOPPING", "ERROR"):
                self._start(cluster)

    async def close(self) -> None:
        """Stop working; clusters keep running."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        await self._runtime.close()

    def turn(self) -> bool:
        """Move on what is due now; whether more is to come soon."""
        now, state = self._clock.now(), self._store.state
        changed = False
        real = self._timetable.real
        for cluster in state.clusters.values():
            changed = (
                self._groups.advance(
                    cluster,
                    now,
                    served=bool(cluster.endpoint),
                    retry=real(RETRY),
                    boot=real(self._timetable.guide("node_boot")),
                )
                or changed
            )
            self._write_nodes(cluster)
            changed = self._heal(cluster) or changed
            changed = self._scale(cluster, now) or changed
        for operation in self._operations.running():
            changed = self._advance(operation, now) or changed
        changed = self._operations.begin_own(now) or changed
        if changed:
            self._store.save()
        moving = any(
            instance.status in (CREATING, DELETING)
            for cluster in state.clusters.values()
            for _, _, instance in instances(cluster)
        )
        return moving or bool(self._operations.running()) or bool(self._tasks)

    def _write_nodes(self, cluster: Cluster) -> None:
        if not cluster.endpoint or cluster.status == "STOPPING":
            return
        records = node_records(cluster, self._project)
        if self._written.get(cluster.uid) != records:
            self._runtime.write_nodes(cluster, records)
            self._written[cluster.uid] = records

    def _scale(self, cluster: Cluster, now: float) -> bool:
        """Flex-start pools grow when pods find no node; Google takes no operation for that."""
        pools = [pool for pool in cluster.pools.values() if autoscaler.scales(pool)]
        if not pools or not cluster.endpoint or cluster.status != "RUNNING":
            return False
        key = f"scan {cluster.uid}"
        if key in self._tasks:
            if not self._tasks[key].done():
                return False
            task = self._tasks.pop(key)
            pods = [] if task.exception() else task.result()
            changed = False
            for pool in pools:
                changed = self._grow(cluster, pool, pods, now) or changed
            return changed
        if now - self._scanned.get(cluster.uid, 0.0) >= max(1.0, self._timetable.real(SCAN)):
            self._scanned[cluster.uid] = now
            self._tasks[key] = self._spawn(self._runtime.unschedulable(cluster))
        return False

    def _grow(self, cluster: Cluster, pool: Pool, pods: Sequence[Json], now: float) -> bool:
        size = autoscaler.wanted_size(cluster, pool, self._project.region(cluster.location) or "", pods)
        if all(size <= group.target for group in pool.groups.values()):
            return False
        comes = now + self._timetable.real(self._timetable.guide("node_pool_resize"))
        self._groups.resize(cluster, pool, size, now=now, boots_at=comes, gone_at=comes)
        return True

    def _heal(self, cluster: Cluster) -> bool:
        """A pool whose machines came after all is a good pool; a control plane that did not come back is none."""
        start = f"start {cluster.uid}"
        changed = False
        if start in self._tasks and self._tasks[start].done() and cluster.status != "PROVISIONING":
            problem = self._tasks.pop(start).exception()
            if problem:
                LOG.error("cluster %s did not come back: %s", cluster.name, problem)
                cluster.status, cluster.status_message = "DEGRADED", str(problem)
            changed = True
        if self._store.state.running_operation(cluster.key):
            return changed
        for pool in cluster.pools.values():
            machines = [instance for _, _, instance in instances(cluster, pool.name)]
            troubled = pool.status in ("ERROR", "RUNNING_WITH_ERROR") and bool(machines)
            if troubled and all(instance.status == RUNNING and instance.registers for instance in machines):
                pool.status, pool.status_message, pool.conditions = "RUNNING", "", []
                changed = True
        return changed

    def _advance(self, operation: Operation, now: float) -> bool:
        cluster = self._store.state.clusters.get(operation.cluster_key)
        if cluster is None:
            self._end(operation, now)
            return True
        if operation.status == PENDING:
            operation.status = "RUNNING"
            return True
        if operation.planned_error and operation.fails_at is not None and now >= operation.fails_at:
            self._fail(operation, cluster, now, operation.planned_error, [])
            return True
        step = self._steps.get(operation.type)
        settled = step(operation, cluster, now) if step else True
        if operation.status == DONE:
            return True
        if not settled or now < operation.ends_at or operation.planned_error:
            return False
        self._succeed(operation, cluster, now)
        return True

    def _create_cluster(self, operation: Operation, cluster: Cluster, now: float) -> bool:
        task = self._start(cluster)
        if not task.done():
            return False
        problem = task.exception()
        if problem:
            LOG.error("cluster %s did not start: %s", cluster.name, problem)
            self._fail(operation, cluster, now, {"code": 13, "message": f"Internal error: {problem}"}, [])
            return False
        return self._machines_settled(operation, cluster, now)

    def _delete_cluster(self, operation: Operation, cluster: Cluster, now: float) -> bool:
        del operation, now
        starting = self._tasks.pop(f"start {cluster.uid}", None)
        if starting:
            starting.cancel()
        return bool(self._answer(f"stop {cluster.uid}", lambda: self._stop(cluster), keep=True))

    def _machines_settled(self, operation: Operation, cluster: Cluster, now: float) -> bool:
        found = list(instances(cluster, operation.pool))
        boot = self._timetable.real(self._timetable.guide("node_boot"))
        waited = (now - operation.started_at) * self._timetable.speed
        broken = self._groups.failure(found, waited)
        if broken:
            late = any(instance.error and instance.error["late"] for _, _, instance in found)
            patience = self._timetable.real(NOTICED_LATE if late else NOTICED_AT_ONCE)
            operation.fails_at = operation.started_at + patience
            operation.ends_at = max(operation.ends_at, now + boot)
            coming = any(instance.status == CREATING and not instance.error for _, _, instance in found)
            if now >= operation.fails_at and not operation.planned_error and not coming:
                self._fail(operation, cluster, now, *broken)
            return False
        if any(instance.status != RUNNING for _, _, instance in found) or now < operation.ends_at:
            return False
        names = [instance.name for _, _, instance in found if instance.registers]
        check = f"nodes {operation.name}"
        ready = bool(self._answer(check, lambda: self._nodes_ready(cluster, names)))
        if ready and operation.in_part is not None and len(names) < len(found):
            self._fail(operation, cluster, now, *unregistered(len(names), len(found), operation.in_part))
        return ready

    def _start(self, cluster: Cluster) -> asyncio.Task[Any]:
        key = f"start {cluster.uid}"
        if key not in self._tasks:
            self._tasks[key] = self._spawn(self._bring_up(cluster))
        return self._tasks[key]

    async def _bring_up(self, cluster: Cluster) -> None:
        access = await self._runtime.start(cluster, lambda text: LOG.info("%s", text))
        if not cluster.endpoint:
            self._ledger.open("cluster", cluster.name, cluster.location)
        cluster.endpoint, cluster.ca_pem = access.endpoint, access.ca_pem
        self._store.save()

    async def _stop(self, cluster: Cluster) -> bool:
        await self._runtime.stop(cluster)
        return True

    async def _nodes_ready(self, cluster: Cluster, names: list[str]) -> bool:
        return await self._runtime.ready(cluster) and await self._runtime.nodes_ready(cluster, names)

    def _answer(self, key: str, ask: Callable[[], Awaitable[bool]], *, keep: bool = False) -> bool | None:
        """The answer of a question that is asked beside the turns; None while it is open. `keep` asks only once."""
        task = self._tasks.get(key)
        if task is None:
            self._tasks[key] = self._spawn(ask())
            return None
        if not task.done():
            return None
        problem = task.exception()
        if problem:
            LOG.error("%s: %s", key, problem)
        if problem or not keep:
            del self._tasks[key]
        return None if problem else bool(task.result())

    def _spawn(self, work: Awaitable[Any]) -> asyncio.Task[Any]:
        task = asyncio.ensure_future(work)
        task.add_done_callback(lambda _: self.wake.set())
        return task

    def _end(self, operation: Operation, now: float) -> None:
        operation.status = DONE
        operation.ended_at = now
        for key in (f"nodes {operation.name}",):
            task = self._tasks.pop(key, None)
            if task:
                task.cancel()

    def _succeed(self, operation: Operation, cluster: Cluster, now: float) -> None:
        self._end(operation, now)
        pool = cluster.pools.get(operation.pool)
        if operation.type == "DELETE_CLUSTER":
            self._forget(cluster)
            return
        if operation.type == "DELETE_NODE_POOL":
            cluster.pools.pop(operation.pool, None)
        elif pool:
            apply(pool.body, operation.changes)
            add_own_marks(pool.body["config"], machine_of(pool))
            force_own_ways(pool.body)
            pool.status, pool.status_message, pool.conditions = "RUNNING", "", []
        elif operation.type == "CREATE_CLUSTER":
            self._tasks.pop(f"start {cluster.uid}", None)
            for each in cluster.pools.values():
                each.status = "RUNNING"
        else:
            apply(cluster.body, operation.changes)
            cluster.version = operation.version or cluster.version
        cluster.status, cluster.status_message = "RUNNING", ""

    def _forget(self, cluster: Cluster) -> None:
        self._tasks.pop(f"stop {cluster.uid}", None)
        self._written.pop(cluster.uid, None)
        self._scanned.pop(cluster.uid, None)
        self._tasks.pop(f"scan {cluster.uid}", None)
        for _, group, instance in instances(cluster):
            for kind in ("node", "disk"):
                self._ledger.close(kind, instance.name, group.zone)
        self._ledger.close("cluster", cluster.name, cluster.location)
        del self._store.state.clusters[cluster.key]

    def _fail(self, operation: Operation, cluster: Cluster, now: float, error: Json, conditions: list[Json]) -> None:
        self._end(operation, now)
        operation.error, operation.conditions = error, conditions
        pool = cluster.pools.get(operation.pool)
        if operation.type in ("DELETE_CLUSTER", "DELETE_NODE_POOL"):
            self._groups.keep(cluster, operation.pool)
        elif operation.planned_error:
            self._groups.forget_missing(cluster, operation.pool)
        if pool:
            running = any(instance.status == RUNNING for _, _, instance in instances(cluster, pool.name))
            pool.status = "RUNNING_WITH_ERROR" if running else "ERROR"
            pool.status_message, pool.conditions = error["message"], conditions
        created = operation.type == "CREATE_CLUSTER"
        if created:
            self._tasks.pop(f"start {cluster.uid}", None)
        cluster.status = "ERROR" if created else "RUNNING"
        cluster.status_message = error["message"] if created else ""


def unregistered(nodes: int, machines: int, said: str) -> tuple[Json, list[Json]]:
    """The error and the conditions of an operation some of whose machines did not become nodes."""
    message = said or (
        f"All cluster resources were brought up, but: only {nodes} nodes out of {machines} have registered; this is "
        "likely due to Nodes failing to start correctly; try re-creating the cluster or contact support if that "
        "doesn't work."
    )
    return {"code": 13, "message": message}, [{"code": "UNKNOWN", "canonicalCode": "INTERNAL", "message": message}]


def apply(body: Json, changes: Json) -> None:
    """Set dotted paths."""
    for path, value in changes.items():
        set_path(body, path, value)
