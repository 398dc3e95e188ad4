# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real runs of ansible-playbook against an emulated cloud of their own, whose clusters are only noted.

The cloud is served in a thread on free ports, twenty times faster than usual. What a run asks of it is seen here, so
that it can be killed at its n-th request, and what exists afterwards is read from the cloud itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import yaml
from aiohttp import web

from sandbox.cloud.errors import Json
from sandbox.cloud.project import Iam, Project, load_project
from sandbox.cloud.server import Server
from sandbox.cloud.state import RUNNING, State, Store
from sandbox.settings import CHECKOUT, CLOUD_ADDRESS, CLOUD_PORT, CLOUD_PROXY_PORT, Settings
from tests.integration.rehearsal import LAST_SCREEN
from tests.unit.sandbox.cloud.fakes import FakeRuntime

SPEED = 1200.0
INTERVAL = 0.1
PATIENCE = 120.0
SETTLED_WITHIN = 5.0
"""Real seconds that a state may take to become what a run says that it is: a hundred guide minutes."""

ENVIRONMENT = "sandbox"
ZONE = "europe-west4-a"
REGION = "europe-west4"
CLUSTER = "rhaii-tpu-scaleout-cluster"
ORDINARY_POOL, TPU_POOL = "default-pool", "tpu-pool"
INVENTORY = CHECKOUT / "inventories" / "sandbox"
MARKER = "RHAII_CLOUD_RUN"

PREFLIGHT, CREATE, RESIZE, DELETE = "preflight", "deploy", "scale", "teardown"
"""Playbooks; of all but the first only what they do to the cloud is run, as nothing serves inside of these clusters."""
OF_THE_CLOUD = "rhaii.gke.cluster"
OF_THE_CHECKS = "rhaii.gke.preflight"
CREATING = "tasks/control_plane.yml"
"""What deploy includes where there is something to create."""
OF_KUBERNETES = frozenset({"remove_nodes", "kubeconfig_asked"})

TRACEBACKS = re.compile(
    r"Traceback \(most recent call last\)|MODULE FAILURE|An exception occurred|This is a defect of rhaii\.gke"
    r"|Unexpected failure during task execution|deserialization failed|Finalization of task args"
    r"|The (?:filter|lookup) plugin \S+ failed"
)
FATAL = re.compile(r"^fatal: \[[^\]]+\]: \w+! =>[^\n]*\n((?:[ ]+.*\n?|\n)*)", re.MULTILINE)
FAILED_ITEM = re.compile(r"^failed: \[[^\]]+\] \(item=[^\n]*\n((?:[ ]+.*\n?|\n)*)", re.MULTILINE)
FIRST_SCREEN = re.compile(
    r"^TASK \[[^\]\n]*: left_up \| Say what the last run left up\][^\n]*\nok: \[[^\]]+\] => ?\n((?:[ ]+.*\n?|\n)*)",
    re.MULTILINE,
)
TOLD = re.compile(r"^\[[\w-]+\] (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Asked:
    """A request, its answer's status, and when it was on its way."""

    method: str
    path: str
    status: int
    began: float
    ended: float

    @property
    def google(self) -> bool:
        """Whether it is one of Google's APIs, and not the token endpoint or a look whether somebody answers."""
        return self.path != "/" and not self.path.startswith("/token")


OFTEN = 8


@dataclass(frozen=True)
class Denying(Iam):
    """What iam.yml says, less what was taken away."""

    denied: set[str] = field(default_factory=set)

    def allows(self, roles: Sequence[str], permission: str) -> bool:
        return permission not in self.denied and super().allows(roles, permission)


class Watched(Server):
    """The emulated cloud, with a look at every request before and after it is answered."""

    def __init__(self, folder: Path, project: Project, speed: float) -> None:
        super().__init__(
            Settings(folder, speed=speed), runtime=FakeRuntime(), project=project, port=0, tls_port=0, proxy_port=0
        )
        self.asked: list[Asked] = []
        self.before: Callable[[int, str], bool] = lambda number, what: True
        """Called with the number of a request of the run, and what it asks; False leaves it unanswered."""
        self.after: Callable[[int, str], None] = lambda number, what: None
        self.begun = 0
        self.revoking = False
        """Whether every token is to end when one of a run is about to be used again: its second, or one used often."""
        self._used: Counter[str] = Counter()

    def _application(self) -> web.Application:
        app = super()._application()
        app.middlewares.append(self._look)
        return app

    @web.middleware
    async def _look(self, request: web.Request, handler: Callable[[web.Request], Any]) -> web.StreamResponse:
        if request.path.startswith("/sandbox/"):
            answer: web.StreamResponse = await handler(request)
            return answer
        self.begun += 1
        number, began = self.begun, time.monotonic()
        what = f"{request.method} {request.path}"
        await self._revoke(request.headers.get("Authorization", ""))
        if not self.before(number, what):
            raise web.HTTPServiceUnavailable
        answer = await handler(request)
        self.asked.append(Asked(request.method, request.path, answer.status, began, time.monotonic()))
        self.after(number, what)
        return answer

    async def _revoke(self, token: str) -> None:
        # a run that keeps its token has no second one
        if self.revoking and token in self._used and (len(self._used) > 1 or self._used[token] >= OFTEN):
            self.revoking = False
            async with aiohttp.ClientSession() as session:
                await session.post(f"{self.url}/sandbox/faults", json={"kind": "token_revoked"})
        if token:
            self._used[token] += 1

    def count_anew(self) -> None:
        """Forget what was asked so far."""
        self.asked.clear()
        self._used.clear()
        self.begun = 0


@dataclass(frozen=True)
class Shown:
    """What somebody saw of a run: its end and its output."""

    code: int
    output: str

    @property
    def last_screen(self) -> str:
        """What a run that failed shows last; empty when it did not."""
        found = LAST_SCREEN.search(self.output)
        blocks = FATAL.findall(self.output[found.start() :]) if found else []
        return str(yaml.safe_load(blocks[0])["msg"]) if blocks else ""

    @property
    def first_screen(self) -> str:
        """What a run shows first of the one before it; empty when it has nothing to say."""
        found = FIRST_SCREEN.search(self.output)
        return str(yaml.safe_load(found[1])["msg"]) if found else ""

    @property
    def failures(self) -> list[Json]:
        """What Ansible shows of each task that failed, before the last screen."""
        output = LAST_SCREEN.split(self.output)[0]
        blocks = [*FATAL.findall(output), *FAILED_ITEM.findall(output)]
        found = []
        for block in blocks:
            try:
                shown = yaml.safe_load(block)
            except yaml.YAMLError:
                shown = None
            found.append(shown if isinstance(shown, dict) else {"msg": " ".join(block.split())})
        return found

    @property
    def errors(self) -> str:
        """The sentences of the tasks that failed."""
        return " ".join(" ".join(str(each.get("msg", each)).split()) for each in self.failures)

    @property
    def told(self) -> list[str]:
        """The lines of progress."""
        return TOLD.findall(self.output)

    @property
    def tracebacks(self) -> int:
        """How often something showed that is for a programmer."""
        return len(TRACEBACKS.findall(self.output))


class EmulatedCloud:
    """A cloud of a test's own below `root`, and runs against it. `state` is a file to begin with, from another one."""

    def __init__(self, root: Path, *, state: Path | None = None, speed: float = SPEED) -> None:
        self.root = root
        self.root.mkdir(parents=True)
        assets = Settings.load().root / "assets"
        assert (assets / "bin" / "helm").exists(), "run `make setup` first: the sandbox's binaries are missing"
        (root / "assets").symlink_to(assets)
        (root / "cloud").mkdir(mode=0o700)
        if state:
            shutil.copy(state, root / "cloud" / "state.json")
        self.denied: set[str] = set()
        project = load_project()
        iam = Denying(project.iam.roles, project.iam.kubernetes_groups, self.denied)
        self.server = Watched(root, replace(project, iam=iam), speed)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._ready = threading.Event()
        self._runs = 0
        self.playing = ""
        """The playbook that was begun last."""

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self.server.start())
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._end())
        self._loop.close()

    async def _end(self) -> None:
        await self.server.close()
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(30), "the emulated cloud did not start"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)

    def ask(self, path: str, method: str = "GET", body: Json | None = None) -> Any:
        """The cloud's own account of itself, or a fault for it."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.server.url}{path}", data, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=30) as response:
            return json.loads(response.read())

    def fault(self, **fault: Any) -> None:
        """Set a fault."""
        self.ask("/sandbox/faults", "POST", fault)

    def clear(self) -> None:
        """Take every fault away."""
        self.ask("/sandbox/faults", "DELETE")

    @property
    def state(self) -> State:
        """What the cloud remembers now."""
        return Store(self.root / "cloud" / "state.json").state

    def bills(self) -> list[Json]:
        """What costs at this moment."""
        return [item for item in self.ask("/sandbox/ledger")["items"] if item["closed"] is None]

    def changes(self) -> list[Json]:
        """The calls that would have changed something, refused ones too."""
        calls: list[Json] = self.ask("/sandbox/audit")["calls"]
        return calls

    def nodes(self, pool: str = TPU_POOL) -> list[str]:
        """The machines of a pool that run."""
        return [
            instance.name
            for cluster in self.state.clusters.values()
            if pool in cluster.pools
            for group in cluster.pools[pool].groups.values()
            for instance in group.instances.values()
            if instance.status == RUNNING
        ]

    def variables(self, **more: Any) -> Json:
        """The sandbox's inventory, with the place and the pace of this cloud."""
        file = INVENTORY / "group_vars" / "all" / "connection.yml"
        usual, proxy = f"http://{CLOUD_ADDRESS}:{CLOUD_PORT}", f"http://{CLOUD_ADDRESS}:{CLOUD_PROXY_PORT}"
        here = {}
        for name, value in yaml.safe_load(file.read_text(encoding="utf-8")).items():
            text = json.dumps(value)
            if usual in text or proxy in text:
                here[name] = json.loads(text.replace(usual, self.server.url).replace(proxy, self.server.proxy_url))
        return {
            **here,
            # not of this cloud
            "preflight_hub": False,
            "sandbox_folder": str(self.root),
            "rhaii_run_dir_parent": str(self.root),
            "rhaii_poll_interval": INTERVAL,
            "rhaii_cluster_timeout": 60,
            "rhaii_node_pool_timeout": 60,
            "rhaii_teardown_confirm": ENVIRONMENT,
            **more,
        }

    # of ansible-playbook, beside those that every run has
    options: tuple[str, ...] = ()
    # how long a run may take, in seconds
    patience: float = PATIENCE
    # whether a verb begins with its checks
    checks: bool = False

    def begin(self, playbook: str, **variables: Any) -> tuple[subprocess.Popen[bytes], Path]:
        """Start a run; its output goes to the file."""
        self._runs += 1
        self.playing = playbook
        given = self.root / f"run-{self._runs}.json"
        given.write_text(json.dumps(self.variables(**variables)), encoding="utf-8")
        log = given.with_suffix(".log")
        environment = {
            **os.environ,
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "SANDBOX_DIR": str(self.root),
            "ANSIBLE_FORCE_COLOR": "0",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCAL_TEMP": str(self.root / "ansible"),
            MARKER: str(self.root),
        }
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["ansible-playbook", "-i", str(INVENTORY), "-e", f"@{given}", *self.options, str(self._play(playbook))],
                cwd=CHECKOUT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return process, log

    def _play(self, name: str) -> Path:
        if name.endswith(".yml"):
            return Path(name)
        file = CHECKOUT / "playbooks" / f"{name}.yml"
        if name == PREFLIGHT:
            return file
        return write_cloud_part(file, self.root, self.checks)

    def play(self, playbook: str, meanwhile: Callable[[], bool] | None = None, **variables: Any) -> Shown:
        """Run to the end. `meanwhile` is called again and again until it has done its part and says so."""
        process, log = self.begin(playbook, **variables)
        deadline = time.monotonic() + self.patience
        waiting = meanwhile
        while process.poll() is None:
            if waiting and waiting():
                waiting = None
            if time.monotonic() > deadline:
                self.kill_all()
                process.wait()
                raise AssertionError(f"{playbook} did not end within {self.patience:.0f} s:\n{log.read_text()[-4000:]}")
            time.sleep(0.02)
        return Shown(process.returncode, log.read_text(encoding="utf-8", errors="replace"))

    def processes(self) -> list[int]:
        """Every process of the runs against this cloud."""
        wanted = f"{MARKER}={self.root}".encode()
        return [pid for pid, environment in environments() if wanted in environment.split(b"\0")]

    def kill_all(self) -> None:
        """SIGKILL for every process of the runs: what is left when a machine dies."""
        for process in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def missing(self, nodes: int) -> str:
        """What separates the cloud from one cluster and one TPU pool of that size; 0 wants an empty cloud."""
        clusters = self.state.clusters
        if not nodes:
            return f"the cloud still has {', '.join(clusters)}" if clusters else ""
        if list(clusters) != [f"{ZONE}/{CLUSTER}"]:
            return f"wanted one cluster {CLUSTER}, found {', '.join(clusters) or 'none'}"
        (cluster,) = clusters.values()
        if cluster.status != RUNNING:
            return f"the cluster is {cluster.status}"
        if sorted(cluster.pools) != [ORDINARY_POOL, TPU_POOL]:
            return f"wanted one TPU pool, found {', '.join(cluster.pools)}"
        pool = cluster.pools[TPU_POOL]
        target = sum(group.target for group in pool.groups.values())
        up = len(self.nodes())
        if (pool.status, target, up) != (RUNNING, nodes, nodes):
            return f"the TPU pool is {pool.status} with {up} nodes of {target}, wanted {nodes}"
        return ""

    def settled(self, nodes: int) -> str:
        """The same, once the cloud had the time to do by itself what it does by itself."""
        deadline = time.monotonic() + SETTLED_WITHIN
        while (found := self.missing(nodes)) and time.monotonic() < deadline:
            time.sleep(0.05)
        return found


def cloud_part(tasks: Sequence[Json], checks: bool = False) -> list[Json]:
    """Of a playbook's tasks those that ask the cloud, in their blocks and with their conditions.

    What is left out of a stage is one task that notes the stage, as any of ours does.
    """
    found = []
    for task in tasks:
        parts: Json = {key: cloud_part(task[key], checks) for key in ("block", "rescue", "always") if key in task}
        role: Json = task.get("ansible.builtin.import_role") or {}
        if parts.get("block"):
            found.append({**task, **parts})
        elif (
            (role.get("name") == OF_THE_CLOUD and role.get("tasks_from") not in OF_KUBERNETES)
            or (checks and role.get("name") == OF_THE_CHECKS)
            or task.get("ansible.builtin.include_tasks", {}).get("file") == CREATING
        ):
            found.append(task)
        elif "cluster_stage" in task.get("vars", {}):
            noted = {key: value for key, value in task.items() if key in ("name", "vars", "when", "tags")}
            found.append({**noted, "rhaii.gke.run_folder": {"path": "{{ cluster_run.own_folder }}"}})
    return found


def write_cloud_part(playbook: Path, folder: Path, checks: bool = False) -> Path:
    """That part of a playbook as a playbook of its own, with what it includes beside it."""
    (play,) = yaml.safe_load(playbook.read_text(encoding="utf-8"))
    creating = yaml.safe_load((playbook.parent / CREATING).read_text(encoding="utf-8"))
    (folder / CREATING).parent.mkdir(exist_ok=True)
    (folder / CREATING).write_text(json.dumps(cloud_part(creating)), encoding="utf-8")
    part = folder / playbook.name
    part.write_text(json.dumps([{**play, "tasks": cloud_part(play["tasks"], checks)}]), encoding="utf-8")
    return part


def environments() -> Iterator[tuple[int, bytes]]:
    """The environment of every process that lets us see it."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                yield int(folder.name), (folder / "environ").read_bytes()


def plain_words(text: str, cloud: EmulatedCloud) -> str:
    """A sentence without what is only of this run: addresses, folders, numbers of operations."""
    text = text.replace(cloud.server.url, f"http://{CLOUD_ADDRESS}:{CLOUD_PORT}").replace(str(cloud.root), ".sandbox")
    text = re.sub(r"operation-\d+-[0-9a-f-]{36}", "operation-…", text)
    return re.sub(r"(gke-[\w-]+?)-[0-9a-f]{8}-[0-9a-z]{4}\b", r"\1-…", text)


def counted(asked: Sequence[Asked]) -> Mapping[int, int]:
    """How many of Google's answers were errors, by status; what is not there yet is none."""
    found: dict[int, int] = {}
    for each in asked:
        if each.google and each.status >= 400 and each.status != 404:
            found[each.status] = found.get(each.status, 0) + 1
    return dict(sorted(found.items()))
