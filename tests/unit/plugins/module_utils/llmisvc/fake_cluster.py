# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A service with its children as the API shows them, and a cluster in which things happen at set times."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import KubernetesError
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.ports import Json, Snapshot

from tests.unit.fake_clock import FakeClock

NAME = "qwen-3b-tpu-svc"
NAMESPACE = "rhaii-inference"
URL = f"http://203.0.113.7/{NAMESPACE}/{NAME}"
IMAGE = "registry.redhat.io/rhaiis/vllm-tpu-rhel9:3.2.5"
WORKLOAD = {
    "app.kubernetes.io/name": NAME,
    "app.kubernetes.io/part-of": "llminferenceservice",
    "kserve.io/component": "workload",
}
GOOD = ("GatewaysReady", "HTTPRoutesReady", "MainWorkloadReady", "PresetsCombined", "Ready", "RouterReady")


def logins(*hosts: str, legacy: bool = False) -> Json:
    """A pull secret with a login for each host."""
    entries = {host: {"auth": "eDp5"} for host in hosts}
    content = entries if legacy else {"auths": entries}
    key = ".dockercfg" if legacy else ".dockerconfigjson"
    return {"data": {key: base64.b64encode(json.dumps(content).encode()).decode()}}


def condition(kind: str, status: str = "False", reason: str = "", message: str = "") -> Json:
    return {"type": kind, "status": status, "reason": reason, "message": message}


def service(
    *conditions: Json,
    replicas: int | None = 3,
    generation: int = 2,
    observed: int | None = 2,
    url: str = URL,
    **meta: Any,
) -> Json:
    """Ready, but for the conditions that are given."""
    known = {kind: condition(kind, "True") for kind in GOOD} | {each["type"]: each for each in conditions}
    status: Json = {"conditions": list(known.values())}
    if observed is not None:
        status["observedGeneration"] = observed
    if url:
        status.update(url=url, addresses=[{"url": url}])
    return {
        "metadata": {"name": NAME, "namespace": NAMESPACE, "generation": generation, **meta},
        "spec": {
            "model": {"name": "Qwen/Qwen2.5-3B-Instruct"},
            **({} if replicas is None else {"replicas": replicas}),
        },
        "status": status,
    }


def starting_service(**changes: Any) -> Json:
    """As KServe judges it while its pods are not there."""
    few = ("MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    kinds = ("MainWorkloadReady", "WorkloadsReady", "Ready")
    return service(*(condition(kind, "False", *few) for kind in kinds), **changes)


def deployment(
    ready: int = 3,
    updated: int = 3,
    total: int = 3,
    *,
    desired: int | None = 3,
    generation: int = 4,
    observed: int = 4,
    name: str = f"{NAME}-kserve",
    labels: Json | None = None,
    revision: str = "2",
    conditions: Sequence[Json] = (),
) -> Json:
    return {
        "metadata": {
            "name": name,
            "uid": f"uid of {name}",
            "generation": generation,
            "labels": WORKLOAD if labels is None else labels,
            "annotations": {"deployment.kubernetes.io/revision": revision},
        },
        "spec": {} if desired is None else {"replicas": desired},
        "status": {
            "observedGeneration": observed,
            "replicas": total,
            "updatedReplicas": updated,
            "readyReplicas": ready,
            "conditions": list(conditions),
        },
    }


def replica_set(template: str = "new", revision: str = "2", owner: str = f"{NAME}-kserve") -> Json:
    return {
        "metadata": {
            "name": f"{owner}-{template}",
            "labels": {"pod-template-hash": template},
            "annotations": {"deployment.kubernetes.io/revision": revision},
            "ownerReferences": [{"uid": f"uid of {owner}"}],
        }
    }


def waiting(reason: str, message: str = "", restarts: int = 0, last: Json | None = None) -> Json:
    return {
        "state": {"waiting": {"reason": reason, "message": message}},
        "restartCount": restarts,
        "lastState": {"terminated": last} if last else {},
    }


def running(restarts: int = 0) -> Json:
    return {"state": {"running": {"startedAt": "2026-11-24T12:01:00Z"}}, "restartCount": restarts}


def ended(code: int, reason: str = "", restarts: int = 0) -> Json:
    reason = reason or ("Error" if code else "Completed")
    return {"state": {"terminated": {"exitCode": code, "reason": reason}}, "restartCount": restarts}


def pod(
    name: str = "aaaaa",
    *,
    init: Json | None = None,
    main: Json | None = None,
    ready: bool = False,
    node: str = "gke-1",
    template: str = "new",
    phase: str = "Running",
    conditions: Sequence[Json] = (),
    labels: Json | None = None,
    **meta: Any,
) -> Json:
    """By default the model server runs and is not ready."""
    inits = {"initContainerStatuses": [{"name": "storage-initializer", "image": "init-image", **(init or ended(0))}]}
    mains = {"containerStatuses": [{"name": "main", "image": IMAGE, **(main or running())}]}
    return {
        "metadata": {
            "name": f"{NAME}-kserve-{template}-{name}",
            "uid": f"uid of {name}",
            "labels": {**(WORKLOAD if labels is None else labels), "pod-template-hash": template},
            **meta,
        },
        "spec": {
            "nodeName": node,
            "imagePullSecrets": [{"name": "rhaiis-pull-secret"}],
            "initContainers": [{"name": "storage-initializer", "image": "init-image"}],
            "containers": [{"name": "main", "image": IMAGE}],
        },
        "status": {
            "phase": phase,
            "startTime": "2026-11-24T12:00:00Z",
            "conditions": [condition("Ready", "True" if ready else "False"), *conditions],
            **(inits | mains if node else {}),
        },
    }


def pending(name: str = "aaaaa", message: str = "0/2 nodes are available: 2 Insufficient google.com/tpu.") -> Json:
    return pod(
        name, node="", phase="Pending", conditions=[condition("PodScheduled", "False", "Unschedulable", message)]
    )


def ready_pods(*names: str) -> list[Json]:
    return [pod(name, ready=True) for name in names or ("aaaaa", "bbbbb", "ccccc")]


def warning(about: Json, reason: str, message: str, kind: str = "Pod", **more: Any) -> Json:
    metadata = about["metadata"]
    return {
        "involvedObject": {"kind": kind, "name": metadata["name"], "uid": metadata.get("uid", "")},
        "reason": reason,
        "message": message,
        "count": 1,
        "lastTimestamp": "2026-11-24T12:00:00Z",
        **more,
    }


@dataclass
class FakeCluster:
    """Implements the Cluster port. `at(seconds, change)` lets something happen; watching shows it at once."""

    clock: FakeClock
    served: bool = True
    service: Json | None = None
    deployments: list[Json] = field(default_factory=list)
    replica_sets: list[Json] = field(default_factory=lambda: [replica_set()])
    pods: list[Json] = field(default_factory=list)
    events: list[Json] = field(default_factory=list)
    logs: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, Json] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)
    refuses: set[str] = field(default_factory=set)
    # Raised, in turn, by the looks to come; None for a look that succeeds.
    troubles: list[Exception | None] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    # What a watch shows, where it lags behind.
    lagging: Snapshot | None = None
    _script: list[tuple[float, Callable[[], None]]] = field(default_factory=list)

    def at(self, seconds: float, change: Callable[[], None]) -> None:
        self._script.append((seconds, change))
        self._script.sort(key=lambda entry: entry[0])

    def serve(self, count: int = 3) -> None:
        """All is ready from now on."""
        self.service = service(replicas=count)
        self.deployments = [deployment(count, count, count, desired=count)]
        self.pods = ready_pods(*[letter * 5 for letter in "abcdefgh"[:count]])

    def read(self) -> Snapshot:
        self._look("read")
        return self._picture()

    def changed(self, seconds: float) -> Snapshot:
        self._look(f"changed {seconds:g}")
        now = self.clock.monotonic()
        due = [at for at, _ in self._script if at <= now + seconds]
        self.clock.sleep(max(0.0, due[0] - now) if due else seconds)
        while self._script and self._script[0][0] <= self.clock.monotonic():
            self._script.pop(0)[1]()
        return self.lagging or self._picture()

    def _look(self, what: str) -> None:
        self.calls.append(what)
        trouble = self.troubles.pop(0) if self.troubles else None
        if trouble is not None:
            raise trouble

    def _picture(self) -> Snapshot:
        state = (self.service, self.deployments, self.replica_sets, self.pods)
        return Snapshot(self.served, *copy.deepcopy(state))

    def _permit(self, what: str) -> None:
        self.calls.append(what)
        if what.split()[0] in self.refuses:
            raise KubernetesError(f"read {what}", 403, "Forbidden", "no")

    def warnings(self) -> Sequence[Json]:
        self._permit("events")
        return self.events

    def log(self, pod: str, container: str, lines: int, *, ended: bool = False) -> str:
        short = pod.rsplit("-", 1)[-1]
        self._permit(f"log {short} {container} {lines}{' ended' if ended else ''}")
        key = f"{short} {container}{' ended' if ended else ''}"
        if key not in self.logs:
            raise KubernetesError("read the log", 400, "BadRequest", "previous terminated container not found")
        return self.logs[key]

    def secret(self, name: str) -> Json | None:
        self._permit(f"secret {name}")
        return self.secrets.get(name)

    def services(self) -> Sequence[str]:
        self._permit("services")
        return self.others
