# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ground on which worlds are played: an emulated cloud and one real API server, put back within a second.

Any checkout's playbooks run here; `CHECKOUT` is only where the sandbox and these tests are from.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from sandbox.cloud.errors import Json
from sandbox.cloud.runtime import Access, Progress
from sandbox.cloud.state import Cluster
from sandbox.settings import CHECKOUT
from tests.integration.cloud_runs import CLUSTER, ENVIRONMENT, MARKER, ZONE, EmulatedCloud, Shown, write_cloud_part
from tests.integration.quick_cluster import ApiFailure, Content, QuickCluster, until
from tests.integration.quick_operators import Balancers, QuickOperators
from tests.integration.quick_service import Egress, QuickService
from tests.unit.sandbox.cloud.fakes import FakeRuntime

PATIENCE = 1800.0
"""Real seconds for one run, on a machine that has much else to do; it ends earlier by its own time-outs."""
TIMEOUT = 30
KEY = f"{ZONE}/{CLUSTER}"
CRDS = b"/registry/apiextensions.k8s.io/customresourcedefinitions/"
OF_CRDS = b"/registry/apiregistration.k8s.io/apiservices/"


class QuickRuntime(FakeRuntime):
    """The one cluster in our place is the quick one; any other is only noted."""

    def __init__(self, cluster: QuickCluster) -> None:
        super().__init__()
        self.cluster = cluster
        self.operators: QuickOperators | None = None
        self._beside = ThreadPoolExecutor(1)

    def _is_quick(self, cluster: Cluster) -> bool:
        return cluster.key == KEY

    async def start(self, cluster: Cluster, progress: Progress) -> Access:
        access = await super().start(cluster, progress)
        if self._is_quick(cluster):
            return Access(self.cluster.plane.endpoint, self.cluster.plane.ca_pem)
        return access

    async def stop(self, cluster: Cluster) -> None:
        await super().stop(cluster)
        if self._is_quick(cluster) and self.operators:
            await asyncio.to_thread(self.operators.restore, self.cluster.empty)

    async def ready(self, cluster: Cluster) -> bool:
        return True

    def write_nodes(self, cluster: Cluster, nodes: Sequence[Json]) -> None:
        super().write_nodes(cluster, nodes)
        if self._is_quick(cluster) and self.operators:
            # the cloud goes on meanwhile: what answers to nodes asks it for load balancers
            self._beside.submit(self.operators.write_nodes, list(nodes))

    async def nodes_ready(self, cluster: Cluster, names: Sequence[str]) -> bool:
        if not self._is_quick(cluster) or not self.operators:
            return await super().nodes_ready(cluster, names)
        there = await asyncio.to_thread(self.cluster.api.list, "v1", "Node")
        return set(names) <= {node["metadata"]["name"] for node in there}


class QuickCloud(EmulatedCloud):
    """The emulated cloud, which begins anew with another memory and keeps its address."""

    def __init__(self, root: Path, runtime: QuickRuntime) -> None:
        super().__init__(root)
        self.server._runtime = runtime

    def restore(self, state: Json) -> None:
        """Have the cloud remember this, and no calls."""
        asyncio.run_coroutine_threadsafe(self.server.close(), self._loop).result(30)
        folder = self.server.folder
        (folder / "audit.jsonl").unlink(missing_ok=True)
        (folder / "state.json").write_text(json.dumps(state), encoding="utf-8")
        self.server._wanted_ports = (self.server.port, self.server.tls_port, self.server.proxy_port)
        self.server.count_anew()
        asyncio.run_coroutine_threadsafe(self.server.start(), self._loop).result(30)

    def memory(self) -> Json:
        """What the cloud remembers, as it writes it down."""
        found: Json = json.loads((self.server.folder / "state.json").read_text(encoding="utf-8"))
        return found


@dataclass(frozen=True)
class Base:
    """A state of cloud and cluster to begin with."""

    name: str
    cloud: Json
    cluster: Content


@dataclass(frozen=True)
class Played:
    """A run of a playbook: what was seen of it, and what it took."""

    playbook: str
    check: bool
    shown: Shown
    seconds: float
    cpu_seconds: float

    @property
    def title(self) -> str:
        return f"{self.playbook} --check" if self.check else self.playbook


@dataclass
class Ground:
    """`with Ground(folder, index, checkout) as ground:`; `index` (1 to 69) gives the cluster its addresses."""

    folder: Path
    index: int = 61
    checkout: Path = CHECKOUT
    bases: dict[str, Base] = field(default_factory=dict)

    def __enter__(self) -> Ground:
        with contextlib.ExitStack() as stack:
            self.cluster = stack.enter_context(QuickCluster(self.folder / "plane", self.index))
            self.service = QuickService(self._addresses)
            stack.callback(self.service.close)
            socket = self.cluster.plane.directory / "run" / "egress.sock"
            stack.callback(Egress(socket, self.service).shutdown)
            runtime = QuickRuntime(self.cluster)
            self.cloud = stack.enter_context(QuickCloud(self.folder / "cloud", runtime))
            balancers = Balancers()
            self.operators = runtime.operators = QuickOperators(self.cluster, balancers, self.service.port)
            balancers.request, balancers.release = self._balance, self._release
            self.cluster.reviews.ask = self._review
            self.keep("empty")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.close()

    # What cloud and cluster ask of each other.

    def _addresses(self) -> list[str]:
        pods = self.cluster.api.list("v1", "Pod", "rhaii-inference", "kserve.io/component=workload")
        return [str(each["status"].get("podIP", "")) for each in pods]

    def _review(self, body: bytes) -> bytes:
        place = f"{self.cloud.server.url}/sandbox/tokenreview/rhaii-sandbox/{KEY}"
        request = urllib.request.Request(place, body, {"Content-Type": "application/json"}, method="POST")
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20) as answer:
            reviewed: bytes = answer.read()
        return reviewed

    def _place(self, namespace: str, service: str) -> Json:
        whose = {"project": "rhaii-sandbox", "location": ZONE, "cluster": CLUSTER}
        return {**whose, "namespace": namespace, "service": service}

    def _balance(self, namespace: str, service: str) -> None:
        until(
            lambda: "address" in self.cloud.ask("/sandbox/loadbalancers", "POST", self._place(namespace, service)),
            "a load balancer",
        )

    def _release(self, namespace: str, service: str) -> None:
        named = "&".join(f"{key}={value}" for key, value in self._place(namespace, service).items())
        try:
            self.cloud.ask(f"/sandbox/loadbalancers?{named}", "DELETE")
        except urllib.error.HTTPError:
            return  # it had none

    # Where it stands.

    def keep(self, name: str) -> Base:
        """Remember the present state under a name."""
        self.operators.settle()
        content, _ = self.cluster.etcd.read()
        self.bases[name] = Base(name, self.cloud.memory(), content)
        return self.bases[name]

    def restore(self, name: str, cloud: Json | None = None) -> None:
        """Go back to a state; `cloud` is another memory for the cloud than the state's."""
        base = self.bases[name]
        self.operators.restore(base.cluster)
        memory = base.cloud if cloud is None else cloud
        self.cloud.restore(memory)
        if KEY not in memory["clusters"]:
            return
        # the API server serves a kind a moment after its definition is back
        path = "/apis/serving.kserve.io/v1alpha1/llminferenceservices"
        until(lambda: self._served(path) and self._served("/apis/cert-manager.io/v1/clusterissuers"), "the kinds")
        names = {
            name
            for pool in memory["clusters"][KEY]["pools"].values()
            for group in pool["groups"].values()
            for name in group["instances"]
        }
        until(lambda: names <= {each["metadata"]["name"] for each in self.cluster.api.list("v1", "Node")}, "the nodes")
        self.operators.settle()

    def _served(self, path: str) -> bool:
        try:
            self.cluster.api.call("GET", path, limit=1)
        except ApiFailure:
            return False
        return True

    # Runs.

    def run(self, playbook: str, *, check: bool = False, file: Path | None = None, **variables: Any) -> Played:
        """A real run of ansible-playbook, to its end."""
        given = self.folder / "variables.json"
        whole = self.cloud.variables(
            rhaii_gateway_port=self.service.port,
            rhaii_operators_timeout=TIMEOUT,
            rhaii_ready_timeout=TIMEOUT,
            rhaii_drain_timeout=20,
            cluster_leftovers_timeout=3,
            verification_parallel_requests=20,
            rhaii_report_folder="",
            rhaii_poll_interval=1,
            **variables,
        )
        given.write_text(json.dumps(whole), encoding="utf-8")
        log = self.folder / "run.log"
        command = ["ansible-playbook", "-i", str(self.checkout / "inventories" / "sandbox"), "-e", f"@{given}"]
        command += ["--check"] if check else []
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")},
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "SANDBOX_DIR": str(self.cloud.root),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCAL_TEMP": str(self.folder / "ansible"),
            # kubernetes.core keeps what a server offers by its address, and this one changes below it
            "TMPDIR": str(self.folder / "tmp"),
            MARKER: str(self.cloud.root),
        }
        shutil.rmtree(self.folder / "tmp", ignore_errors=True)
        (self.folder / "tmp").mkdir()
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*command, str(file or self.checkout / "playbooks" / f"{playbook}.yml")],
                cwd=self.checkout,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            code = process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.cloud.kill_all()
            process.wait()
            raise AssertionError(f"{playbook} did not end within {PATIENCE:.0f} s:\n{tail(log)}") from None
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        self.operators.settle()
        shown = Shown(code, log.read_text(encoding="utf-8", errors="replace"))
        return Played(playbook, check, shown, time.monotonic() - began, used)

    @property
    def sample(self) -> Json:
        """A cluster with its pools, as the cloud remembers one."""
        found: Json = self.bases["bare"].cloud["clusters"][KEY]
        return found

    def make_bare(self) -> None:
        """Our cluster with its pools by the part of deploy.yml that asks the cloud, and every kind of object."""
        self.restore("empty")
        part = write_cloud_part(self.checkout / "playbooks" / "deploy.yml", self.folder)
        made = self.run("deploy", file=part)
        assert made.shown.code == 0, made.shown.output[-6000:]
        for folder in (self.cluster.plane.settings.crds, self.cluster.plane.settings.charts):
            for file in sorted(folder.rglob("*.yaml")):
                if folder.name == "crds" or file.parent.name in ("crds", "gateway-api-inference-extension"):
                    for item in yaml.safe_load_all(file.read_text(encoding="utf-8")):
                        if item and item["kind"] == "CustomResourceDefinition":
                            self.cluster.api.apply(item, "helm")
        until(lambda: self._served("/apis/serving.kserve.io/v1alpha1/llminferenceservices"), "the kinds")
        self.keep("bare")

    def make_deployed(self) -> None:
        """What a deployment into an empty project leaves."""
        self.restore("empty")
        made = self.run("deploy")
        assert made.shown.code == 0, f"{made.shown.output[-6000:]}\n{self.operators.problems}"
        self.keep("deployed")

    def need(self, name: str) -> None:
        """Have that state to go back to; whatever the name, what stands beside ours is made from the bare one."""
        if "bare" not in self.bases:
            self.make_bare()
        if name == "deployed" and name not in self.bases:
            self.make_deployed()


def tail(log: Path) -> str:
    """The end of a file."""
    return log.read_text(encoding="utf-8", errors="replace")[-6000:]


__all__ = ("ENVIRONMENT", "KEY", "Base", "Ground", "Played", "QuickCloud", "QuickRuntime")
