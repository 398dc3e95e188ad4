# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One pod on its node: from its binding to its deletion."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import shutil
import sys
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from sandbox.control_plane.kube import POD, ApiError, Conflict, KubeClient, NotFound
from sandbox.guide_time import scaled, seconds
from sandbox.nodes.addresses import AddressPool, NoAddressLeftError
from sandbox.nodes.admission import refusal
from sandbox.nodes.containers import GRACE_FLOOR, RETRY_FLOOR, ContainerRunner, PodPlace
from sandbox.nodes.deadline import Deadline
from sandbox.nodes.environment import Environment
from sandbox.nodes.equipment import Equipment
from sandbox.nodes.inventory import Machine
from sandbox.nodes.records import TERMINATED, PodRecord, timestamp
from sandbox.nodes.sources import Object
from sandbox.nodes.status import init_containers, is_sidecar, phase, pod_status, reported, succeeded
from sandbox.nodes.volumes import MountError, PodVolumes

SETTLE = 0.02
"""Real seconds in which several changes become one status."""


@dataclass
class NodePlace:
    """A node as its pods see it."""

    machine: Machine
    address: str
    addresses: AddressPool


class PodWorker:
    """Runs one pod and reports on it."""

    def __init__(
        self,
        pod: Object,
        node: NodePlace,
        equipment: Equipment,
        client: KubeClient,
        *,
        others: Callable[[], Iterable[Object]],
        on_gone: Callable[[], None],
    ) -> None:
        meta = pod["metadata"]
        self.pod = pod
        self.node = node
        self.folder: Path = equipment.cluster.pods / meta["uid"]
        self.record = PodRecord.load(self.folder) or PodRecord(
            meta["uid"], meta["namespace"], meta["name"], node.machine.name
        )
        self._equipment = equipment
        self._client = client
        self._others = others
        self._on_gone = on_gone
        self._runners: dict[str, ContainerRunner] = {}
        self._place: PodPlace | None = None
        self._dirty = asyncio.Event()
        self._ending = asyncio.Event()
        self._gone = asyncio.Event()
        self._refresh = asyncio.Event()
        self._deadline: Deadline | None = None
        self._task: asyncio.Task[None] | None = None
        if self.record.ip and not self.host_network:
            node.addresses.keep(self.record.ip, self.record.uid)
        self._heed_deletion()

    # ---- what others tell it --------------------------------------------------------------------------------

    @property
    def uid(self) -> str:
        """The pod's uid."""
        return self.record.uid

    @property
    def host_network(self) -> bool:
        """Whether the pod has its node's address."""
        return bool(self.pod["spec"].get("hostNetwork"))

    @property
    def holds_resources(self) -> bool:
        """Whether the pod still counts against its node."""
        return not self.record.stopped and not self.record.rejected

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run(), name=f"pod {self.record.namespace}/{self.record.name}")

    def update(self, pod: Object) -> None:
        """The API has a newer version of the pod."""
        if int(pod["metadata"]["resourceVersion"]) < int(self.pod["metadata"]["resourceVersion"]):
            return
        self._take(pod)
        self._dirty.set()

    def _take(self, pod: Object) -> None:
        self.pod = pod
        if self._place:
            self._place.pod = pod
            self._place.volumes.pod = pod
        self._heed_deletion()

    def _heed_deletion(self) -> None:
        meta = self.pod["metadata"]
        if not meta.get("deletionTimestamp"):
            return
        grace = max(scaled(meta.get("deletionGracePeriodSeconds") or 0), GRACE_FLOOR)
        if self._deadline:
            self._deadline.shorten(grace)
        else:
            self._deadline = Deadline(grace)
        self._ending.set()

    def removed(self) -> None:
        """The API has the pod no more: somebody deleted it by force."""
        self._deadline = self._deadline or Deadline(GRACE_FLOOR)
        self._gone.set()
        self._ending.set()

    def files_changed(self, kind: str, namespace: str, name: str) -> None:
        """A secret or config map has changed."""
        if namespace == self.record.namespace and self._place and (kind, name) in self._place.volumes.wanted():
            self._refresh.set()

    async def leave(self) -> None:
        """The nodes process ends: stop attending, and leave the containers running for the next one."""
        await self._cancel()

    async def destroy(self) -> None:
        """The node is gone: kill the containers and forget the pod."""
        await self._cancel()
        for runner in self._all_runners():
            runner.kill()
        self._forget()

    async def _cancel(self) -> None:
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    # ---- its life -------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        reporter = asyncio.create_task(self._report_changes())
        life = asyncio.create_task(self._live())
        try:
            await self._ending.wait()
            await cancelled(life)
            await self._end()
            await cancelled(reporter)
            await self._say_farewell()
        finally:
            for task in (life, reporter):
                await cancelled(task)
        self._forget()
        self._on_gone()

    async def _live(self) -> None:
        while True:
            try:
                await self._run_containers()
            except ApiError as error:
                self._log(f"asking again: {error}")
            except Exception:
                # one pod's trouble must not take the other pods' node away
                self._log(traceback.format_exc())
            else:
                return
            await asyncio.sleep(RETRY_FLOOR)

    async def _run_containers(self) -> None:
        record = self.record
        if record.stopped or record.rejected or self._over_before():
            return
        if not record.started_at and not self._admit():
            return
        self._place = self._make_place()
        await self._mount()
        record.sandbox_ready = True
        self._changed()
        async with asyncio.TaskGroup() as group:
            keeper = group.create_task(self._keep_files())
            sidecars: list[asyncio.Task[None]] = []
            if await self._initialize(group, sidecars):
                mains = [self._runner(spec) for spec in self.pod["spec"]["containers"]]
                if init_containers(self.pod) and not any(main.record.container_id for main in mains):
                    name = f"{record.namespace}/{record.name}"
                    await self._equipment.timeline.play("pod start", name, seconds("pod_initializing"))
                await asyncio.wait([group.create_task(main.run()) for main in mains])
            for task in (keeper, *sidecars):
                task.cancel()
        await self._stop_all(Deadline(self._own_grace()))
        record.stopped = True
        self._changed()

    def _over_before(self) -> bool:
        """Whether the pod had ended before this node ever knew it."""
        over = (self.pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
        return over and not self.record.containers

    def _admit(self) -> bool:
        record = self.record
        record.started_at = timestamp()
        record.rejected = refusal(self.pod["spec"], self._others(), self.node.machine.allocatable)
        if not record.rejected:
            try:
                record.ip = self.node.address if self.host_network else self.node.addresses.take(record.uid)
            except NoAddressLeftError as error:
                record.rejected = ("OutOfpods", str(error))
        if record.rejected:
            self._equipment.events.pod(self.pod, record.rejected[0], record.rejected[1], warning=True)
        self._changed()
        return not record.rejected

    def _make_place(self) -> PodPlace:
        allocatable = self.node.machine.allocatable
        where = {"pod_ip": self.record.ip, "host_ip": self.node.address}
        sources = self._equipment.sources
        return PodPlace(
            pod=self.pod,
            record=self.record,
            folder=self.folder,
            node_ip=self.node.address,
            volumes=PodVolumes(self.pod, self.folder, sources, allocatable=allocatable, **where),
            environment=Environment(
                self.pod,
                sources,
                allocatable=allocatable,
                basics=self._equipment.basic_environment(self.pod),
                **where,
            ),
            changed=self._changed,
        )

    async def _mount(self) -> None:
        while self._place:
            try:
                await self._place.volumes.mount()
            except (MountError, ApiError) as error:
                if isinstance(error, MountError):
                    self._equipment.events.pod(self.pod, "FailedMount", str(error), warning=True)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(2 * RETRY_FLOOR):
                        await self._refresh.wait()
                self._refresh.clear()
            else:
                return

    async def _keep_files(self) -> None:
        """Bring volumes up to date when their sources change or a token nears its end."""
        while self._place:
            renew = self._place.volumes.renew_at
            limit = None
            if renew:
                limit = max(1.0, (renew - datetime.datetime.now(datetime.UTC)).total_seconds())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(limit):
                    await self._refresh.wait()
            self._refresh.clear()
            try:
                await self._place.volumes.mount()
            except (MountError, ApiError) as error:
                # what is there stays; containers go on with it
                self._log(f"files not renewed: {error}")
                await asyncio.sleep(RETRY_FLOOR)

    async def _initialize(self, group: asyncio.TaskGroup, sidecars: list[asyncio.Task[None]]) -> bool:
        """Run the init containers in order; whether all went well."""
        for spec in init_containers(self.pod):
            runner = self._runner(spec, init=True)
            if is_sidecar(spec):
                sidecars.append(group.create_task(runner.run()))
                await runner.has_started.wait()
            elif not succeeded(runner.record):
                await runner.run()
                if not succeeded(runner.record):
                    return False
        return True

    def _runner(self, spec: Object, *, init: bool = False) -> ContainerRunner:
        name = spec["name"]
        if self._place is None:
            self._place = self._make_place()
        if name not in self._runners:
            self._runners[name] = ContainerRunner(self._place, spec, self._equipment, init=init)
        return self._runners[name]

    def _all_runners(self) -> list[ContainerRunner]:
        """A runner for every container that has a record; also for those of an earlier nodes process."""
        specs = [(spec, True) for spec in init_containers(self.pod)]
        specs += [(spec, False) for spec in self.pod["spec"]["containers"]]
        return [self._runner(spec, init=init) for spec, init in specs if spec["name"] in self.record.containers]

    # ---- its end --------------------------------------------------------------------------------------------

    def _own_grace(self) -> float:
        return max(scaled(self.pod["spec"].get("terminationGracePeriodSeconds", 30)), GRACE_FLOOR)

    async def _end(self) -> None:
        await self._stop_all(self._deadline or Deadline(self._own_grace()))
        self.record.stopped = True
        self._changed()

    async def _stop_all(self, deadline: Deadline) -> None:
        """Main containers first and together, then sidecars in the reverse of their order."""
        runners = self._all_runners()
        mains = [runner for runner in runners if not is_sidecar(runner.spec)]
        await asyncio.gather(*(runner.stop(deadline) for runner in mains))
        for runner in reversed([runner for runner in runners if is_sidecar(runner.spec)]):
            await runner.stop(deadline)

    async def _say_farewell(self) -> None:
        """Report the last status, have the API delete the pod, and wait until it has."""
        meta = self.pod["metadata"]
        while not self._gone.is_set():
            try:
                await self._report()
                if not self._gone.is_set():
                    await self._client.delete(POD, meta["name"], meta["namespace"], grace=0, uid=meta["uid"])
                    # with a finalizer it stays until that is gone
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(10.0):
                            await self._gone.wait()
            except Conflict:
                self._gone.set()
            except ApiError as error:
                self._log(f"deletion not confirmed: {error}")
                await asyncio.sleep(RETRY_FLOOR)

    def _forget(self) -> None:
        self.node.addresses.give_back(self.record.ip, self.record.uid)
        shutil.rmtree(self.folder, ignore_errors=True)

    # ---- its status -----------------------------------------------------------------------------------------

    def _changed(self) -> None:
        self.record.save(self.folder)
        self._dirty.set()

    async def _report_changes(self) -> None:
        while True:
            await self._dirty.wait()
            await asyncio.sleep(SETTLE)
            self._dirty.clear()
            try:
                await self._report()
            except ApiError as error:
                self._log(f"status not reported: {error}")
                await asyncio.sleep(RETRY_FLOOR)
                self._dirty.set()

    async def _report(self) -> None:
        """Send the status if the API has another one."""
        if not self.record.started_at or self._gone.is_set():
            return
        meta = self.pod["metadata"]
        wanted = pod_status(self.pod, self.record, self.node.address, timestamp())
        if reported(self.pod.get("status"), wanted):
            return
        body = {"metadata": {"uid": meta["uid"]}, "status": wanted}
        try:
            pod = await self._client.patch(
                POD, meta["name"], meta["namespace"], body, kind="strategic", subresource="status"
            )
        except NotFound:
            self.removed()
        except Conflict:
            # another pod has the name by now
            self.removed()
        else:
            if pod["metadata"]["uid"] == self.uid:
                self._take(pod)

    @property
    def phase(self) -> str:
        """The pod's phase as the node sees it."""
        return phase(self.pod, self.record)

    @property
    def ended(self) -> bool:
        """Whether no container runs or will."""
        return all(record.state == TERMINATED for record in self.record.containers.values()) and self.record.stopped

    def _log(self, message: str) -> None:
        print(f"{timestamp()} pod {self.record.namespace}/{self.record.name}: {message}", file=sys.stderr, flush=True)


async def cancelled(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait for its end; an exception that ended it is shown."""
    task.cancel()
    # unlike awaiting the task itself, this tells our own cancellation from the task's
    await asyncio.wait({task})
    if not task.cancelled() and (error := task.exception()):
        traceback.print_exception(error)
