# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The replicas of a service: the stage of each, from its Pod and its log, and what its Deployment counts."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.kubelet import (
    BEGINNING,
    PULLING,
    disruption,
)
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.names import child_name, is_workload
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.passing import is_refusal
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.ports import Json
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.problems import Problem

INITIALIZER = "storage-initializer"
MAIN = "main"

FAILING = "Failing"
PENDING = "Pending"
CREATING = "Creating"
DOWNLOADING = "Downloading"
INITIALIZING = "PodInitializing"
STARTING = "Starting"
LOADING = "LoadingWeights"
COMPILING = "Compiling"
PROBING = "AwaitingProbe"
READY = "Ready"
LEAVING = "Leaving"
FINISHED = "Finished"
# On the way to ready, in this order; of the service, before, between and after its replicas.
WAY = (FAILING, PENDING, CREATING, DOWNLOADING, INITIALIZING, STARTING, LOADING, COMPILING, PROBING, READY)
MISSING = "Missing"
ABSENT = "NoPod"
REPLACING = "Replacing"
ROUTING = "Routing"

_DOING: Mapping[str, str] = {
    FAILING: "not coming up",
    PENDING: "waiting for a node",
    CREATING: "being set up on its node",
    DOWNLOADING: "downloading the model",
    INITIALIZING: "getting the server's image",
    STARTING: "starting the model server",
    LOADING: "loading the weights",
    COMPILING: "compiling the model",
    PROBING: "up, waiting for its readiness probe",
    READY: "ready",
    LEAVING: "shutting down",
    FINISHED: "ended",
    MISSING: "the service is missing",
    ABSENT: "waiting for pods",
    REPLACING: "replacing older pods",
    ROUTING: "waiting for what leads to the replicas",
}

# What vLLM logs while it starts, and what it is doing then.
_MARKERS = (
    ("Starting to load model", LOADING),
    ("Loading safetensors checkpoint shards", LOADING),
    ("Loading weights took", LOADING),
    ("GPU KV cache size", LOADING),
    ("Compiling the model with different input shapes", COMPILING),
    ("Compiled the model with different input shapes", PROBING),
    ("Application startup complete", PROBING),
)
# A pod whose node died stays on as leaving; so long after its time was over nobody waits for it any more.
_OVERDUE = timedelta(seconds=60)

_REVISION = "deployment.kubernetes.io/revision"
_HASH = "pod-template-hash"


def doing(stage: str) -> str:
    """A stage as people say it."""
    return _DOING[stage]


@dataclass(frozen=True)
class Trouble:
    """A container that does not run as it should."""

    container: str
    reason: str
    message: str
    image: str = ""
    # How often it has ended so far.
    crashes: int = 0
    exit_code: int | None = None
    # Of its last run: the runtime's reason, and what the runtime or the container itself left to say.
    ended: str = field(default="", compare=False)
    last_words: str = field(default="", compare=False)

    @property
    def text(self) -> str:
        return f"{self.container}: {self.reason}" + (f": {self.message}" if self.message else "")

    @property
    def brief(self) -> str:
        """The same for as long as it is the same trouble: attempts and pauses take turns in reason and message."""
        if self.reason in PULLING:
            return f"{self.container}: its image {self.image} cannot be pulled"
        if self.crashes:
            killed = ", for lack of memory" if self.reason == "OOMKilled" else ""
            return f"{self.container}: ended {self.crashes} time{'s' if self.crashes > 1 else ''}{killed}"
        return self.text


@dataclass(frozen=True)
class Replica:
    """One Pod of a service."""

    uid: str
    name: str
    stage: str
    workload: bool = True
    # Is it made from the newest template?
    newest: bool = True
    node: str = ""
    restarts: int = 0
    started: str = ""
    message: str = ""
    trouble: Trouble | None = None
    gone_at: datetime | None = None
    pull_secrets: tuple[str, ...] = ()
    # Of a pod that its node refused or ended: why, in the kubelet's own words.
    end_reason: str = ""
    end_message: str = ""
    # Why the scheduler has no node for it, and who holds it back.
    schedule_reason: str = ""
    gates: tuple[str, ...] = ()

    @property
    def short(self) -> str:
        return self.name.rsplit("-", 1)[-1]

    @property
    def counts(self) -> bool:
        """Is it there to stay?"""
        return self.stage not in (LEAVING, FINISHED)

    @property
    def starting(self) -> bool:
        """Does its server run without being ready, so that its log tells more?"""
        return self.stage in (STARTING, LOADING, COMPILING, PROBING)

    def lingers(self, now: datetime) -> bool:
        """Is it on its way out, and worth waiting for?"""
        return self.stage == LEAVING and (self.gone_at is None or now < self.gone_at + _OVERDUE)

    def public(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "node": self.node,
            "stage": self.stage,
            "ready": self.stage == READY,
            "restarts": self.restarts,
            "started": self.started,
            "message": self.message,
        }


def settled(deployments: Sequence[Json]) -> bool:
    """Has their controller seen all of them? Until then pods may be of a form that is about to be replaced."""
    return all(_observed(each) for each in deployments)


def older_hashes(deployments: Sequence[Json], replica_sets: Sequence[Json]) -> frozenset[str]:
    """The template hashes of pods that are of an older form than their Deployment."""
    revisions = {each["metadata"].get("uid"): _annotation(each, _REVISION) for each in deployments if _observed(each)}
    return frozenset(
        str((each["metadata"].get("labels") or {}).get(_HASH, ""))
        for each in replica_sets
        for owner in each["metadata"].get("ownerReferences") or []
        if owner.get("uid") in revisions and _annotation(each, _REVISION) != revisions[owner["uid"]]
    )


def replica_of(pod: Json, older: Container[str]) -> Replica:
    metadata, spec, status = pod["metadata"], pod.get("spec") or {}, pod.get("status") or {}
    labels = metadata.get("labels") or {}
    trouble = _trouble(spec, status)
    stage = _stage(pod, trouble)
    return Replica(
        uid=str(metadata.get("uid") or ""),
        name=str(metadata["name"]),
        stage=stage,
        workload=is_workload(labels),
        newest=labels.get(_HASH) not in older,
        node=str(spec.get("nodeName") or ""),
        restarts=sum(int(each.get("restartCount") or 0) for each in _statuses(status)),
        started=str(status.get("startTime") or ""),
        message=_message(stage, status, trouble),
        trouble=trouble if stage == FAILING else None,
        gone_at=time_of(metadata.get("deletionTimestamp")),
        pull_secrets=tuple(str(each["name"]) for each in spec.get("imagePullSecrets") or [] if each.get("name")),
        end_reason=str(status.get("reason") or "") if stage == FINISHED else "",
        end_message=str(status.get("message") or "") if stage == FINISHED else "",
        schedule_reason=str(_condition(status, "PodScheduled").get("reason") or "") if stage == PENDING else "",
        gates=tuple(str(each.get("name")) for each in spec.get("schedulingGates") or []),
    )


def _stage(pod: Json, trouble: Trouble | None) -> str:
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    if status.get("phase") in ("Succeeded", "Failed"):
        return FINISHED
    if pod["metadata"].get("deletionTimestamp"):
        return LEAVING
    if _condition(status, "Ready").get("status") == "True":
        return READY
    if trouble is not None:
        return FAILING
    if not spec.get("nodeName"):
        return PENDING
    if _state(_main(status), "running"):
        return STARTING
    inits = _inits(spec, status)
    if any(_state(each, "running") for each in inits if each.get("name") == INITIALIZER):
        return DOWNLOADING
    if any(_state(each, "running") or _state(each, "terminated") for each in inits):
        return INITIALIZING
    return CREATING


def _message(stage: str, status: Json, trouble: Trouble | None) -> str:
    if stage == FINISHED:
        said = (status.get("reason"), status.get("message"))
        told = ": ".join(str(part) for part in said if part)
        return told or disruption(_condition(status, "DisruptionTarget"))
    if stage == LEAVING:
        return disruption(_condition(status, "DisruptionTarget"))
    if stage == PENDING:
        # What preemption could do is of no interest: there is nothing to preempt.
        return str(_condition(status, "PodScheduled").get("message") or "").split(" preemption:", maxsplit=1)[0].strip()
    return trouble.text if stage == FAILING and trouble is not None else ""


def _trouble(spec: Json, status: Json) -> Trouble | None:
    inits = {str(each.get("name")) for each in status.get("initContainerStatuses") or []}
    for each in _statuses(status):
        name, image = str(each.get("name") or ""), str(each.get("image") or "")
        restarts = int(each.get("restartCount") or 0)
        waiting, ended = _state(each, "waiting"), _state(each, "terminated")
        last = (each.get("lastState") or {}).get("terminated") or {}
        if waiting and str(waiting.get("reason") or "") not in BEGINNING:
            killed = last.get("reason") == "OOMKilled" and waiting["reason"] not in PULLING
            return Trouble(
                name,
                "OOMKilled" if killed else str(waiting["reason"]),
                str(waiting.get("message") or ""),
                image=_image(spec, name) or image,
                crashes=restarts + bool(last),
                exit_code=last.get("exitCode"),
                ended=str(last.get("reason") or ""),
                last_words=str(last.get("message") or ""),
            )
        # An init container that ended well has done its work; one that serves must not end at all.
        if ended and (ended.get("exitCode") != 0 or name not in inits):
            return Trouble(
                name,
                str(ended.get("reason") or "Error"),
                f"it ended with exit code {ended.get('exitCode')}",
                image=_image(spec, name) or image,
                crashes=restarts + 1,
                exit_code=ended.get("exitCode"),
                ended=str(ended.get("reason") or ""),
                last_words=str(ended.get("message") or ""),
            )
    return None


def _image(spec: Json, container: str) -> str:
    """As it was asked for; the status may name it otherwise."""
    every = [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]
    return next((str(each.get("image") or "") for each in every if each.get("name") == container), "")


def _statuses(status: Json) -> list[Json]:
    return [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]


def _inits(spec: Json, status: Json) -> list[Json]:
    """The init containers that are to end; a sidecar (restartPolicy Always) is none of them."""
    sidecars = {each.get("name") for each in spec.get("initContainers") or [] if each.get("restartPolicy") == "Always"}
    return [each for each in status.get("initContainerStatuses") or [] if each.get("name") not in sidecars]


def _main(status: Json) -> Json:
    """The container that serves."""
    found: Sequence[Json] = status.get("containerStatuses") or []
    return next((each for each in found if each.get("name") == MAIN), found[0] if found else {})


def _state(container: Json, kind: str) -> Json:
    found: Json = (container.get("state") or {}).get(kind) or {}
    return found


def _condition(status: Json, kind: str) -> Json:
    found: Sequence[Json] = status.get("conditions") or []
    return next((each for each in found if each.get("type") == kind), {})


def time_of(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC) if text else None
    except ValueError:
        return None


def marker(log: str) -> tuple[str, str] | None:
    """The stage that the newest known line of a server's log stands for, and that line."""
    for line in reversed(log.splitlines()):
        for words, stage in _MARKERS:
            if words in line:
                return stage, line[line.index(words) :].strip()[:120]
    return None


def at_stage(replica: Replica, stage: str, message: str) -> Replica:
    """The same replica, with what its log tells."""
    return replace(replica, stage=stage, message=message)


@dataclass(frozen=True)
class Counts:
    """How many replicas there are to be, and are."""

    desired: int
    ready: int
    updated: int

    def public(self) -> dict[str, int]:
        return {"desired": self.desired, "ready": self.ready, "updated": self.updated}


def workload_deployments(service: str, deployments: Sequence[Json]) -> list[Json]:
    """Those that run the model, by their label; an older KServe may set it on the pods alone."""
    return [
        each
        for each in deployments
        if is_workload(each["metadata"].get("labels") or {})
        or each["metadata"]["name"] == child_name(service, "-kserve")
    ]


def counts_of(workloads: Sequence[Json]) -> Counts:
    """What the Deployments of the model say together."""
    return Counts(
        sum(_desired(each) for each in workloads),
        sum(_number(each, "readyReplicas") for each in workloads),
        sum(_number(each, "updatedReplicas") for each in workloads),
    )


def refusal(deployments: Sequence[Json], patience: float) -> Problem | None:
    """A Deployment whose pods are not let in."""
    for each in deployments:
        condition = _condition(each.get("status") or {}, "ReplicaFailure")
        if condition.get("status") != "True":
            continue
        name, said = str(each["metadata"]["name"]), str(condition.get("message") or "no reason given").rstrip(".")
        # A policy of the cluster, or a wrong pod; a full quota may empty again.
        final = is_refusal(said) and "exceeded quota" not in said
        return Problem(
            "deployment",
            name,
            str(condition.get("reason") or "FailedCreate"),
            f"The cluster does not let in the pods of the Deployment {name}: {said}.",
            remedy="Correct the pod template, or the policy or quota that refuses it.",
            after=patience if final else None,
            cause="pods-refused",
        )
    return None


def rollout_problem(
    service: str, workloads: Sequence[Json], replicas: Sequence[Replica], now: datetime
) -> Problem | None:
    """What separates the Deployments from 'every replica is ready, and none is old'."""
    if not workloads:
        name = child_name(service, "-kserve")
        return Problem(
            "deployment",
            name,
            "NotFound",
            f"KServe has not made the Deployment {name} yet.",
            cause="deployment-not-made",
        )
    for each in workloads:
        name, desired = str(each["metadata"]["name"]), _desired(each)
        updated, ready = _number(each, "updatedReplicas"), _number(each, "readyReplicas")
        if not _observed(each):
            return Problem(
                "deployment",
                name,
                "NotObserved",
                f"Kubernetes has not looked at the newest form of the Deployment {name} yet.",
                cause="rollout-under-way",
            )
        if updated != desired:
            return Problem(
                "deployment",
                name,
                "Updating",
                f"The Deployment {name} has {updated} of {desired} replicas in their newest form.",
                cause="rollout-under-way",
            )
        old = _number(each, "replicas") - updated
        if old > 0:
            return Problem(
                "deployment",
                name,
                "OldReplicas",
                f"The Deployment {name} still has {old} replicas of an older form.",
                cause="rollout-under-way",
            )
        if ready != desired:
            return Problem(
                "deployment",
                name,
                "NotReady",
                f"The Deployment {name} has {ready} of {desired} replicas ready.",
                cause="replicas-not-serving",
            )
    leaving = [each.name for each in replicas if each.workload and each.lingers(now)]
    if leaving:
        return Problem(
            "pod",
            leaving[0],
            LEAVING,
            f"Pods that are not wanted any more still shut down: {', '.join(leaving)}.",
            cause="rollout-under-way",
        )
    return None


def _desired(deployment: Json) -> int:
    wanted = (deployment.get("spec") or {}).get("replicas")
    return 1 if wanted is None else int(wanted)


def _number(deployment: Json, field: str) -> int:
    return int((deployment.get("status") or {}).get(field) or 0)


def _observed(deployment: Json) -> bool:
    generation = int(deployment["metadata"].get("generation") or 0)
    return _number(deployment, "observedGeneration") >= generation


def _annotation(body: Json, key: str) -> str:
    annotations: Mapping[str, str] = body["metadata"].get("annotations") or {}
    return str(annotations.get(key, ""))


def stage_of(replicas: Sequence[Replica], desired: int, now: datetime) -> str:
    """The stage of the whole: that of its least advanced replica."""
    current = [each for each in replicas if each.workload and each.newest and each.counts]
    behind = [each.stage for each in current if each.stage != READY]
    if behind:
        return min(behind, key=WAY.index)
    rest = [each for each in replicas if each.workload and (each.lingers(now) or (each.counts and not each.newest))]
    if rest:
        return REPLACING
    return ABSENT if len(current) < desired else ROUTING


__all__ = (
    "ABSENT",
    "COMPILING",
    "CREATING",
    "DOWNLOADING",
    "FAILING",
    "FINISHED",
    "INITIALIZER",
    "INITIALIZING",
    "LEAVING",
    "LOADING",
    "MAIN",
    "MISSING",
    "PENDING",
    "PROBING",
    "READY",
    "REPLACING",
    "ROUTING",
    "STARTING",
    "WAY",
    "Counts",
    "Replica",
    "Trouble",
    "at_stage",
    "counts_of",
    "doing",
    "marker",
    "older_hashes",
    "refusal",
    "replica_of",
    "rollout_problem",
    "settled",
    "stage_of",
    "time_of",
    "workload_deployments",
)
