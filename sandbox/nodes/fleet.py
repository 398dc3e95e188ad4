# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All nodes of the cluster and the pods on them."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sys
import traceback
from functools import partial

from sandbox.control_plane.kube import (
    CONFIG_MAP,
    NODE,
    POD,
    SECRET,
    ApiError,
    Informer,
    Key,
    KubeClient,
    key_of,
)
from sandbox.nodes.addresses import AddressPool
from sandbox.nodes.container_process import ContainerProcess, kill_strays
from sandbox.nodes.equipment import Equipment
from sandbox.nodes.inventory import Inventory, Machine
from sandbox.nodes.kubelet_server import KubeletServer
from sandbox.nodes.pod import NodePlace, PodWorker
from sandbox.nodes.records import RUNNING, PodRecord, timestamp
from sandbox.nodes.registration import HEARTBEAT_EVERY, Registrar
from sandbox.nodes.sources import Object

LOOK_EVERY = 0.25
"""Real seconds between two looks at nodes.json's time of change."""
HELM_SECRETS = "type!=helm.sh/release.v1"


class Fleet:
    """Brings nodes and pods into line with nodes.json and the API."""

    def __init__(
        self,
        equipment: Equipment,
        client: KubeClient,
        inventory: Inventory,
        registrar: Registrar,
        server: KubeletServer,
    ) -> None:
        self._equipment = equipment
        self._client = client
        self._inventory = inventory
        self._registrar = registrar
        self._server = server
        self._nodes: dict[str, NodePlace] = {}
        self._workers: dict[str, PodWorker] = {}
        self._by_key: dict[Key, str] = {}
        # pods that no node has are none of our business
        self._pods = Informer(client, POD, fields="spec.nodeName!=")
        self._pods.on_change(self._guarded)
        self._files = [
            (kind, Informer(client, ref, fields=fields))
            for kind, ref, fields in (("secret", SECRET, HELM_SECRETS), ("configmap", CONFIG_MAP, None))
        ]

    def workers_on(self, node: str) -> list[PodWorker]:
        """The pods of a node."""
        return [worker for worker in self._workers.values() if worker.node.machine.name == node]

    async def run(self) -> None:
        """Work until cancelled; containers are then left running for the next nodes process."""
        await self._server.start()
        try:
            await self._pods.synced()
            self._forget_lost_pods()
            for kind, informer in self._files:
                informer.on_change(partial(self._file_changed, kind))
                await informer.synced()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._follow_inventory())
                group.create_task(self._send_heartbeats())
                group.create_task(self._equipment.events.run())
                group.create_task(self._equipment.growth.run())
        finally:
            for informer in [self._pods, *(informer for _, informer in self._files)]:
                await informer.stop()
            await asyncio.gather(*(worker.leave() for worker in self._workers.values()))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2.0):
                    await self._equipment.events.flush(everything=True)
            await self._server.stop()

    # ---- nodes ----------------------------------------------------------------------------------------------

    async def _follow_inventory(self) -> None:
        while True:
            try:
                if self._inventory.read():
                    await self._bring_into_line()
            except (ApiError, OSError, ValueError, KeyError) as error:
                log(f"nodes.json not followed, trying again: {error!r}")
                self._inventory.forget()
                await asyncio.sleep(1.0)
            await asyncio.sleep(LOOK_EVERY)

    async def _bring_into_line(self) -> None:
        machines = self._inventory.machines
        known = {node["metadata"]["name"] for node in await self._client.list(NODE)}
        await asyncio.gather(*(self._remove(name) for name in (known | set(self._nodes)) - set(machines)))
        await asyncio.gather(*(self._bring_up(machine) for machine in machines.values()))

    async def _bring_up(self, machine: Machine) -> None:
        place = self._nodes.get(machine.name)
        if place and place.machine == machine:
            return
        if place is None:
            address = self._equipment.cluster.node_address(machine.number)
            place = NodePlace(machine, address, AddressPool(self._equipment.cluster, machine.number))
            await self._server.add(machine.name, address)
        uid = await self._registrar.register(machine)
        place.machine = machine
        if machine.name not in self._nodes:
            self._nodes[machine.name] = place
            self._equipment.events.node(machine.name, uid, "Starting", "Starting kubelet.")
            log(f"node {machine.name} is up at {place.address}")
            for pod in list(self._pods.items.values()):
                self._guarded("ADDED", pod)

    async def _remove(self, name: str) -> None:
        """The cloud took the machine: its containers die with it.

        The pods are deleted here too. A cloud's controller manager does it, but by real time, and a
        minute of that is an hour of the guide's.
        """
        log(f"node {name} is gone")
        self._nodes.pop(name, None)
        workers = self.workers_on(name)
        for worker in workers:
            self._drop(worker)
        await asyncio.gather(*(worker.destroy() for worker in workers))
        await self._server.remove(name)
        self._equipment.images.forget(name)
        await self._registrar.unregister(name)
        for pod in [pod for pod in self._pods.items.values() if pod["spec"].get("nodeName") == name]:
            meta = pod["metadata"]
            await self._client.delete(POD, meta["name"], meta["namespace"], grace=0)

    async def _send_heartbeats(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_EVERY)
            for name in list(self._nodes):
                try:
                    await self._registrar.heartbeat(name)
                except ApiError as error:
                    log(f"no heartbeat of node {name}: {error}")

    # ---- pods -----------------------------------------------------------------------------------------------

    def _guarded(self, event: str, pod: Object) -> None:
        """An error in one pod must not end the watch over all."""
        try:
            self._pod_changed(event, pod)
        except Exception:
            log(f"pod {'/'.join(key_of(pod))}: {traceback.format_exc()}")

    def _pod_changed(self, event: str, pod: Object) -> None:
        uid, key = pod["metadata"]["uid"], key_of(pod)
        former = self._by_key.get(key)
        if former and former != uid and former in self._workers:
            # deleted and made anew while nobody looked
            self._workers[former].removed()
        worker = self._workers.get(uid)
        if event == "DELETED":
            if worker:
                worker.removed()
            return
        if worker:
            worker.update(pod)
            return
        node = self._nodes.get(pod["spec"]["nodeName"])
        if node:
            self._start(pod, node)

    def _start(self, pod: Object, node: NodePlace) -> None:
        uid, key = pod["metadata"]["uid"], key_of(pod)

        def others() -> list[Object]:
            return [
                other.pod["spec"]
                for other in self.workers_on(node.machine.name)
                if other.uid != uid and other.holds_resources
            ]

        worker = PodWorker(pod, node, self._equipment, self._client, others=others, on_gone=lambda: self._drop(worker))
        self._workers[uid] = worker
        self._by_key[key] = uid
        worker.start()

    def _drop(self, worker: PodWorker) -> None:
        self._workers.pop(worker.uid, None)
        key = (worker.record.namespace, worker.record.name)
        if self._by_key.get(key) == worker.uid:
            del self._by_key[key]

    def _forget_lost_pods(self) -> None:
        """Kill what still runs of pods that the API has no more."""
        known = {pod["metadata"]["uid"] for pod in self._pods.items.values()}
        self._equipment.cluster.pods.mkdir(exist_ok=True)
        for folder in self._equipment.cluster.pods.iterdir():
            if folder.name in known:
                continue
            record = PodRecord.load(folder)
            for container in record.containers.values() if record else ():
                if container.state == RUNNING:
                    out = folder / "runs" / f"{container.name}.{container.restarts}"
                    ContainerProcess.find(container.pid, container.pid_started, out).kill()
                    kill_strays(container.container_id.rpartition("/")[2])
            shutil.rmtree(folder, ignore_errors=True)

    def _file_changed(self, kind: str, event: str, obj: Object) -> None:
        del event
        namespace, name = key_of(obj)
        for worker in list(self._workers.values()):
            worker.files_changed(kind, namespace, name)


def log(message: str) -> None:
    """A line of the nodes process's own log."""
    print(f"{timestamp()} {message}", file=sys.stderr, flush=True)
