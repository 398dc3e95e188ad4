# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Access tokens live for seconds, and each long task waits for three such lives and more, also where one is killed.

The API server is a real one, which asks the cloud about each token; what the tasks wait for happens late.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any

import pytest
import yaml

from sandbox.cloud.runtime import Access, Progress
from sandbox.cloud.state import RUNNING, Cluster
from sandbox.settings import CHECKOUT
from tests.integration.cloud_runs import RESIZE, SPEED, ZONE, Shown, write_cloud_part
from tests.integration.conftest import Figures
from tests.integration.quick_cluster import MERGE, until
from tests.integration.world_ground import KEY, Ground

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

INDEX = 66
DEFINITIONS = CHECKOUT / "sandbox" / "charts" / "kserve-rhaii-xks" / "crds"
LIFE = 2
"""Seconds that a token lives. Google gives an hour."""
REMEMBERED = 10
"""Seconds that an API server goes on taking a token that it knows (TokenSuccessCacheTTL of kube-apiserver)."""
LIVES = 3
LATE = (LIFE + REMEMBERED) * LIVES + 1
PATIENCE = 150
NAMESPACE = "rhaii-inference"
POD = "model-of-somebody"
ANOTHER = "another-cluster"
ROUTED = "routed"
REPLICAS = 3
# each prefix is asked again after a pause, in which the replicas' counters are not read
PREFIXES = 5
PAUSE = LATE / PREFIXES + 0.5
# environment_check asks for so many lists at least, one after the other
LISTS = 8
LABELS = {
    "app.kubernetes.io/name": "qwen",
    "app.kubernetes.io/part-of": "llminferenceservice",
    "kserve.io/component": "workload",
}
NAMED = {"app.kubernetes.io/name": ROUTED}
SERVICE = {
    "apiVersion": "serving.kserve.io/v1alpha1",
    "kind": "LLMInferenceService",
    "metadata": {"name": "qwen", "namespace": NAMESPACE},
    "spec": {"replicas": 0, "model": {"uri": "hf://o/a", "name": "o/a"}},
}
GOOD = ("GatewaysReady", "HTTPRoutesReady", "MainWorkloadReady", "PresetsCombined", "Ready", "RouterReady")
URL = "http://203.0.113.7/rhaii-inference/qwen"
CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kept", "namespace": NAMESPACE}}

CONNECTION = "{{ lookup('rhaii.gke.kubernetes', 'cluster_kubernetes') }}"
FROZEN = "{{ lookup('rhaii.gke.kubernetes', 'cluster_kubernetes', renewing=false) }}"
REACH = {"ansible.builtin.include_role": {"name": "rhaii.gke.cluster", "tasks_from": "look"}}
REMOVE = {"ansible.builtin.include_role": {"name": "rhaii.gke.cluster", "tasks_from": "remove_nodes"}}
WAIT = {"wait_timeout": PATIENCE, "wait_interval": 0.5}
# a host each, so that all wait at the same time
LONG: dict[str, dict[str, Any]] = {
    "objects": {"rhaii.gke.objects_wait_ready": {"deployments": [f"{NAMESPACE}/late"], **WAIT}},
    "service": {
        "rhaii.gke.llmisvc_wait_ready": {"name": "qwen", "replicas": 0, "missing_timeout": PATIENCE, **WAIT},
    },
    "applyset": {"rhaii.gke.applyset": {"environment": "sandbox", "objects": [CONFIG], "state": "absent", **WAIT}},
    # what it cannot read of the replicas it does without, and says so
    "routing": {
        "rhaii.gke.cache_routing_test": {
            "url": "{{ service_url }}",
            "name": ROUTED,
            "namespace": NAMESPACE,
            "requests": PREFIXES * 2,
            "prefixes": PREFIXES,
            "interval": PAUSE,
            "parallel_requests": 0,
        },
        "register": "ended",
        "failed_when": (
            "ended.failed | default(false) or ended.verdict != 'affine' or ended.replica_view.source != 'metrics' "
            f"or ended.elapsed < {LATE}"
        ),
    },
    "environment": {
        "rhaii.gke.environment_check": {"host": "{{ slow_host }}", "services": {}, "fail_on_problem": False},
    },
    "frozen": {
        "rhaii.gke.objects_wait_ready": {"deployments": [f"{NAMESPACE}/late"], **WAIT},
        "module_defaults": {"group/rhaii.gke.kubernetes": FROZEN},
        "register": "ended",
        "failed_when": "ended is not failed or 'is not renewed' not in ended.msg",
    },
}
MAKE = {
    "rhaii.gke.applyset": {"environment": "sandbox", "objects": [CONFIG]},
    "when": "inventory_hostname == 'applyset'",
}


def deployment(name: str, labels: dict[str, str], replicas: int) -> dict[str, Any]:
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "main:1"}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": labels},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template},
    }


class SlowAnswers(ThreadingTCPServer):
    """The API server at another port of its address, from which each answer comes late.

    What is asked goes on at once: a token that is good when it is shown is good when it is looked at.
    """

    daemon_threads = True

    def __init__(self, address: str, port: int, seconds: float) -> None:
        self.held = 0
        slow = self

        class Handler(BaseRequestHandler):
            def handle(self) -> None:
                asked = threading.Event()
                with socket.create_connection((address, port)) as there, contextlib.suppress(OSError):
                    threading.Thread(target=self.ask, args=(there, asked), daemon=True).start()
                    while data := there.recv(65536):
                        if asked.is_set():
                            asked.clear()
                            slow.held += 1
                            time.sleep(seconds)
                        self.request.sendall(data)

            def ask(self, there: socket.socket, asked: threading.Event) -> None:
                with contextlib.suppress(OSError):
                    while data := self.request.recv(65536):
                        asked.set()
                        there.sendall(data)
                    there.shutdown(socket.SHUT_WR)

        super().__init__((address, 0), Handler)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()


class Reviews:
    """What the API server asks about tokens: which ones are good."""

    def __init__(self, ask: Callable[[bytes], bytes]) -> None:
        self.ask = ask
        self.refused = 0
        self.taken: set[str] = set()

    def __call__(self, body: bytes) -> bytes:
        answer = self.ask(body)
        if json.loads(answer)["status"]["authenticated"]:
            self.taken.add(json.loads(body)["spec"]["token"])
        else:
            self.refused += 1
        return answer


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with Ground(tmp_path_factory.mktemp("tokens") / "ground", INDEX) as made:
        # the cluster and its pools by the part of deploy that asks the cloud; of all kinds only what is waited for
        shown = made.cloud.play("deploy")
        assert shown.code == 0, shown.output[-6000:]
        api = made.cluster.api
        for file in sorted(DEFINITIONS.glob("*.yaml")):
            for item in yaml.load_all(file.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
                if "llminferenceservices" in item["metadata"]["name"]:
                    api.apply(item, "helm")
        api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}, "installer")
        until(lambda: api.find("v1", "ServiceAccount", NAMESPACE, "default") is not None, "the namespace")
        made.cloud.fault(kind="token_lifetime", seconds=LIFE)
        yield made


@pytest.fixture
def reviews(ground: Ground) -> Iterator[Reviews]:
    counted = Reviews(ground.cluster.reviews.ask)
    ground.cluster.reviews.ask = counted
    yield counted
    ground.cluster.reviews.ask = counted.ask


def written(folder: Path, name: str, content: Any) -> Path:
    place = folder / name
    place.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return place


def grants(ground: Ground) -> int:
    return sum(each.path == "/token" and each.status == 200 for each in ground.cloud.server.asked)


class Runs:
    """Runs that go on at the same time."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._running: list[tuple[subprocess.Popen[bytes], Path]] = []

    def begin(self, file: Path, sign: str, **variables: Any) -> None:
        """Returns where the run says so."""
        process, log = self._ground.cloud.begin(str(file), **variables)
        self._running.append((process, log))
        until(lambda: process.poll() is not None or sign in log.read_text(), sign, PATIENCE)
        assert process.poll() is None, log.read_text()[-6000:]

    def kill(self) -> None:
        """As if the machine died."""
        self._ground.cloud.kill_all()
        for process, _ in self._running:
            process.wait()
        self._running.clear()

    def end(self) -> list[Shown]:
        return [
            Shown(process.wait(PATIENCE * 2), log.read_text(encoding="utf-8", errors="replace"))
            for process, log in self._running
        ]


def test_waits_and_a_drain_that_is_killed_outlive_their_tokens(
    ground: Ground, reviews: Reviews, tmp_path: Path, figures: Figures, monkeypatch: pytest.MonkeyPatch
) -> None:
    api, operators = ground.cluster.api, ground.operators
    node, left = sorted(ground.cloud.nodes())[0], len(ground.cloud.nodes()) - 1
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "r", "uid": "1", "controller": True}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": POD, "namespace": NAMESPACE, "ownerReferences": [owner]},
        "spec": {"nodeName": node, "containers": [{"name": "main", "image": "model:1"}]},
    }

    def make_pods() -> None:
        api.call("POST", api.path("v1", "Pod", NAMESPACE), pod)
        for number in range(REPLICAS):
            meta = {"name": f"{ROUTED}-{number}", "namespace": NAMESPACE, "labels": {**LABELS, **NAMED}}
            replica = {**pod, "metadata": meta, "spec": {"containers": [{"name": "main", "image": "main:1"}]}}
            api.call("POST", api.path("v1", "Pod", NAMESPACE), replica)
            address = f"10.1.0.{number + 1}"
            ready = [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}]
            status = {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}], "conditions": ready}
            api.status(replica, status, "kubelet")

    def make_service() -> None:
        api.apply(SERVICE, "somebody")
        workload = deployment("qwen-kserve", LABELS, 0)
        api.apply(workload, "manager")
        api.status(workload, {"observedGeneration": 1}, "kube-controller-manager")
        verdicts = [{"type": name, "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"} for name in GOOD]
        status = {"observedGeneration": 1, "url": URL, "addresses": [{"url": URL}], "conditions": verdicts}
        api.status(SERVICE, status, "manager")

    def happen() -> None:
        # first: what is made just before nobody would answer to either
        operators.leave_alone(make_service)
        api.call("PATCH", api.of(CONFIG), {"metadata": {"finalizers": None}}, content=MERGE)
        api.delete("v1", "Pod", NAMESPACE, POD)
        api.apply(deployment("late", {"app": "late"}, 1), "somebody")

    hosts = {name: {"ansible_connection": "local"} for name in LONG}
    inventory = written(tmp_path, "hosts.yml", {"all": {"children": {"waiting": {"hosts": hosts}}}})
    for name, task in LONG.items():
        written(tmp_path, f"{name}.yml", [{"name": f"Wait for {name}", **task}])
    play = {"hosts": "waiting", "gather_facts": False, "module_defaults": {"group/rhaii.gke.kubernetes": CONNECTION}}
    waits = [
        {**play, "tasks": [REACH, MAKE, {"ansible.builtin.debug": {"msg": "all is made"}}]},
        {
            **play,
            "strategy": "ansible.builtin.free",
            "tasks": [{"ansible.builtin.include_tasks": f"{tmp_path}/{{{{ inventory_hostname }}}}.yml"}],
        },
    ]
    drain = written(tmp_path, "drain.yml", [{"hosts": "sandbox", "gather_facts": False, "tasks": [REACH, REMOVE]}])
    # it is told to go, and takes its time
    operators.leave_alone(make_pods)
    before, began, runs = grants(ground), time.monotonic(), Runs(ground)

    runs.begin(drain, "draining", cluster_remove_nodes=[node])
    time.sleep(LIFE * 2)
    runs.kill()
    found = api.find("v1", "Pod", NAMESPACE, POD)
    assert found and found["metadata"]["deletionTimestamp"]
    assert len(ground.cloud.nodes()) == left + 1

    runs.begin(drain, "draining", cluster_remove_nodes=[node])
    monkeypatch.setattr(ground.cloud, "options", ("-i", str(inventory), "--forks", str(len(LONG))))
    plane = ground.cluster.plane
    slow = SlowAnswers(plane.address, plane.port, LATE / LISTS)
    reached = {
        "service_url": f"http://127.0.0.1:{ground.service.port}",
        "slow_host": f"https://{plane.address}:{slow.server_address[1]}",
    }
    runs.begin(written(tmp_path, "waits.yml", waits), "all is made", rhaii_environment="sandbox", **reached)
    api.call("PATCH", api.of(CONFIG), {"metadata": {"finalizers": ["rhaii.gke/test"]}}, content=MERGE)
    timer = threading.Timer(LATE, happen)
    timer.start()
    for shown in runs.end():
        assert shown.code == 0, shown.output[-6000:]
    timer.join()
    slow.shutdown()
    slow.server_close()
    assert slow.held >= LISTS
    assert api.find("v1", "ConfigMap", NAMESPACE, "kept") is None
    assert api.find("v1", "Node", "", node) is None
    assert node not in ground.cloud.nodes()
    assert len(ground.cloud.nodes()) == left
    # the frozen one is refused for sure; the others renew theirs before the end, where they know it
    assert reviews.refused >= 1
    assert len(reviews.taken) > LIVES * 4
    figures.record(
        "waits",
        {
            "lives": LIVES,
            "life": LIFE,
            "tasks": ["gke_node_remove, killed once", *(name for name in LONG if name != "frozen")],
            "seconds": round(time.monotonic() - began),
            "refused": reviews.refused,
            "taken": len(reviews.taken),
            "tokens": grants(ground) - before,
        },
    )


def test_pool_waits_for_a_busy_cluster_longer_than_a_token_lives(ground: Ground, figures: Figures) -> None:
    # the cloud looks at the token of each call
    late = LIFE * LIVES + 1
    ground.cloud.fault(kind="busy", cluster=KEY.partition("/")[2], guide_minutes=late * SPEED / 60)
    part = write_cloud_part(CHECKOUT / "playbooks" / f"{RESIZE}.yml", ground.folder)
    wanted = len(ground.cloud.nodes()) + 1
    began, before = time.monotonic(), grants(ground)
    shown = ground.cloud.play(str(part), rhaii_replicas=wanted)
    assert shown.code == 0, shown.output[-6000:]
    assert time.monotonic() - began >= late
    assert grants(ground) - before >= LIVES
    assert len(ground.cloud.nodes()) == wanted
    figures.record("pool", {"seconds": round(time.monotonic() - began), "tokens": grants(ground) - before})


def test_creation_takes_longer_than_a_token_lives(
    ground: Ground, tmp_path: Path, figures: Figures, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = LIFE * LIVES + 1
    runtime = ground.cloud.server._runtime
    start = runtime.start

    async def start_late(cluster: Cluster, progress: Progress) -> Access:
        await asyncio.sleep(late)
        return await start(cluster, progress)

    monkeypatch.setattr(runtime, "start", start_late)
    task = {
        "name": "Create it",
        "rhaii.gke.gke_cluster": {
            "project": "rhaii-sandbox",
            "location": ZONE,
            "name": ANOTHER,
            "environment": "another",
            "endpoints": "{{ rhaii_google_endpoints }}",
            "auth_kind": "{{ rhaii_auth_kind }}",
            "service_account_file": "{{ rhaii_service_account_file }}",
            "wait_timeout": PATIENCE,
            "wait_interval": 0.5,
        },
    }
    file = written(tmp_path, "create.yml", [{"hosts": "sandbox", "gather_facts": False, "tasks": [task]}])
    began, before = time.monotonic(), grants(ground)
    shown = ground.cloud.play(str(file))
    assert shown.code == 0, shown.output[-6000:]
    assert time.monotonic() - began >= late
    assert grants(ground) - before >= LIVES
    assert ground.cloud.state.clusters[f"{ZONE}/{ANOTHER}"].status == RUNNING
    figures.record("creation", {"seconds": round(time.monotonic() - began), "tokens": grants(ground) - before})
