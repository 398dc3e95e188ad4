# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cloud without a network: a clock that is told, clusters that are only noted, calls made directly."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from multidict import MultiDict

from sandbox.cloud.apis import handlers, key
from sandbox.cloud.calls import Call, Cloud
from sandbox.cloud.discovery import Method, document
from sandbox.cloud.ledger import Audit
from sandbox.cloud.project import load_project
from sandbox.cloud.runtime import Access, Progress
from sandbox.cloud.state import Cluster, Store
from sandbox.cloud.validation import parse_body
from sandbox.timeline import Timeline

PROJECT = "rhaii-sandbox"
ZONE = "europe-west4-a"
DEPLOYER = "deployer@rhaii-sandbox.iam.gserviceaccount.com"
VIEWER = "viewer@rhaii-sandbox.iam.gserviceaccount.com"
PARENT = "container.projects.locations"


class FakeClock:
    """Time as the test tells it."""

    def __init__(self) -> None:
        self.time = 1_800_000_000.0

    def now(self) -> float:
        return self.time


class FakeRuntime:
    """Notes what is asked of it; nodes are Ready as soon as they are written, unless held back."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.stopped: list[str] = []
        self.nodes: dict[str, list[dict[str, Any]]] = {}
        self.hold_nodes = False
        self.pods: list[dict[str, Any]] = []
        self.start_error = ""
        self.stop_errors = 0

    async def start(self, cluster: Cluster, progress: Progress) -> Access:
        progress(f"starting {cluster.name}")
        self.started.append(cluster.name)
        if self.start_error:
            raise RuntimeError(self.start_error)
        return Access(f"127.200.{cluster.index}.1", "-----BEGIN CERTIFICATE-----\n")

    async def stop(self, cluster: Cluster) -> None:
        if self.stop_errors:
            self.stop_errors -= 1
            raise RuntimeError("it hangs")
        self.stopped.append(cluster.name)

    async def ready(self, cluster: Cluster) -> bool:
        return cluster.name in self.started

    def write_nodes(self, cluster: Cluster, nodes: Sequence[dict[str, Any]]) -> None:
        self.nodes[cluster.name] = list(nodes)

    async def nodes_ready(self, cluster: Cluster, names: Sequence[str]) -> bool:
        known = {node["name"] for node in self.nodes.get(cluster.name, [])}
        return not self.hold_nodes and set(names) <= known

    async def unschedulable(self, cluster: Cluster) -> Sequence[dict[str, Any]]:
        return self.pods

    async def close(self) -> None:
        return


class Rig:
    """A cloud of a test's own. Speed 60: a guide minute is a second of the clock."""

    def __init__(
        self, folder: Path, clock: FakeClock | None = None, runtime: FakeRuntime | None = None, seed: str = ""
    ) -> None:
        self.folder = folder
        self.clock = clock or FakeClock()
        self.runtime = runtime or FakeRuntime()
        self.cloud = Cloud.assemble(
            load_project(),
            Store(folder / "state.json"),
            self.clock,
            60.0,
            Audit(folder / "audit.jsonl"),
            Timeline(folder / "timeline.jsonl", 60.0),
            self.runtime,
            seed or os.environ.get("SANDBOX_SEED", ""),
        )
        # shown with a test that fails: the same seed plays the same words again
        print(f"SANDBOX_SEED={self.cloud.state.seed}")

    def again(self) -> Rig:
        """What a new process finds after this one was killed."""
        return Rig(self.folder, self.clock, self.runtime)

    def call(
        self,
        method: str,
        body: Mapping[str, Any] | None = None,
        query: Sequence[tuple[str, str]] = (),
        caller: str = DEPLOYER,
        **params: str,
    ) -> dict[str, Any]:
        """The answer of a method, found by the end of its id; bodies are validated as a server would."""
        found = self.method(method)
        parsed = parse_body(document(found.document), found, json.dumps(body or {}).encode())
        places = {"project": PROJECT, "location": ZONE, "zone": ZONE, **params}
        call = Call(self.cloud, found, places, MultiDict(query), parsed, caller, self.clock.now())
        answer = handlers()[key(found)].answer(call)
        self.cloud.store.save()
        return answer

    @staticmethod
    def method(identity: str) -> Method:
        """A method by its document and id: "container.v1 container.projects..." ."""
        name, _, wanted = identity.partition(" ")
        return next(each for each in document(name).methods if each.id == wanted)

    async def turn(self) -> None:
        """Turns of the engine until nothing more is due at this moment."""
        for _ in range(6):
            self.cloud.engine.turn()
            for _ in range(5):
                await asyncio.sleep(0)

    async def after(self, guide_minutes: float) -> None:
        """Let guide time pass."""
        self.clock.time += guide_minutes
        await self.turn()


def container(method: str) -> str:
    """A method of Kubernetes Engine."""
    return f"container.v1 container.projects.locations.{method}"


def compute(method: str) -> str:
    """A method of Compute Engine."""
    return f"compute.v1 compute.{method}"


async def deployed(rig: Rig, **pool: Any) -> str:
    """A cluster with two small machines and, if asked for, a TPU pool; returns the cluster's name."""
    rig.call(container("clusters.create"), {"cluster": {"name": "demo", "initialNodeCount": 2}})
    await rig.turn()
    await rig.after(5)
    if pool:
        rig.call(container("clusters.nodePools.create"), {"nodePool": tpu_pool(**pool)}, cluster="demo")
        await rig.turn()
        await rig.after(15)
    return "demo"


def tpu_pool(nodes: int = 3, name: str = "tpu-pool", **config: Any) -> dict[str, Any]:
    """The guide's pool."""
    return {"name": name, "initialNodeCount": nodes, "config": {"machineType": "ct6e-standard-4t", **config}}
