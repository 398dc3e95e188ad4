# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A pod's status, computed from its spec and the node's record: pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.nodes.records import RUNNING, TERMINATED, WAITING, ContainerRecord, Exit, PodRecord

Object = dict[str, Any]

OURS = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady")
"""The conditions that a node writes; PodScheduled is the scheduler's."""


def is_sidecar(spec: Mapping[str, Any]) -> bool:
    """Whether an init container stays for the pod's life."""
    return spec.get("restartPolicy") == "Always"


def init_containers(pod: Mapping[str, Any]) -> list[Object]:
    """The init containers of a pod."""
    return pod["spec"].get("initContainers") or []


def succeeded(record: ContainerRecord) -> bool:
    """Whether the container has ended well."""
    return record.state == TERMINATED and record.exit is not None and record.exit.code == 0


def init_done(spec: Mapping[str, Any], record: ContainerRecord) -> bool:
    """Whether what follows this init container may start."""
    return record.started if is_sidecar(spec) else succeeded(record)


def initialized(pod: Mapping[str, Any], record: PodRecord) -> bool:
    """Whether every init container is done."""
    return all(init_done(spec, record.container(spec["name"])) for spec in init_containers(pod))


def phase(pod: Mapping[str, Any], record: PodRecord) -> str:
    """The pod's phase, by the kubelet's rules."""
    if record.rejected:
        return "Failed"
    policy = pod["spec"].get("restartPolicy", "Always")
    inits = [(spec, record.container(spec["name"])) for spec in init_containers(pod)]
    mains = [record.container(spec["name"]) for spec in pod["spec"]["containers"]]
    if not any(main.container_id for main in mains):
        failed = [each for spec, each in inits if not is_sidecar(spec) and each.exit and each.exit.code]
        if failed and policy == "Never":
            return "Failed"
        if not initialized(pod, record):
            return "Failed" if record.stopped else "Pending"
    if any(main.state == WAITING and not main.previous for main in mains):
        return "Failed" if record.stopped else "Pending"
    if any(main.state == RUNNING for main in mains):
        return "Running"
    if not record.stopped and (policy == "Always" or any(main.state == WAITING for main in mains)):
        return "Running"
    if all(succeeded(main) for main in mains):
        return "Succeeded"
    if policy == "OnFailure" and not record.stopped:
        return "Running"
    return "Failed"


def terminated_state(ended: Exit) -> Object:
    """The `terminated` member of a container state."""
    return {
        "exitCode": ended.code,
        "reason": ended.reason,
        **({"message": ended.message} if ended.message else {}),
        "startedAt": ended.started_at,
        "finishedAt": ended.finished_at,
        "containerID": ended.container_id,
    }


def container_status(spec: Mapping[str, Any], record: ContainerRecord, waiting_reason: str) -> Object:
    """One entry of containerStatuses; `waiting_reason` is for a container that has not had its turn."""
    state: Object
    if record.state == RUNNING:
        state = {"running": {"startedAt": record.started_at}}
    elif record.state == TERMINATED and record.exit:
        state = {"terminated": terminated_state(record.exit)}
    else:
        waiting = {"reason": record.reason or waiting_reason}
        state = {"waiting": {**waiting, **({"message": record.message} if record.message else {})}}
    return {
        "name": spec["name"],
        "state": state,
        "lastState": {"terminated": terminated_state(record.previous)} if record.previous else {},
        "ready": record.ready,
        "started": record.started and record.state == RUNNING,
        "restartCount": record.restarts,
        "image": spec["image"],
        "imageID": record.image_id,
        **({"containerID": record.container_id} if record.container_id else {}),
    }


def listed(names: Iterable[str]) -> str:
    """Names the way the kubelet lists them."""
    return f"[{' '.join(names)}]"


def conditions(pod: Mapping[str, Any], record: PodRecord, now: str) -> list[Object]:
    """The node's conditions; a condition that keeps its status keeps its transition time."""
    phase_now = phase(pod, record)
    done = phase_now == "Succeeded"
    found: dict[str, tuple[bool, str, str]] = {
        "PodReadyToStartContainers": (record.sandbox_ready and not record.stopped, "", "")
    }
    incomplete = [spec["name"] for spec in init_containers(pod) if not init_done(spec, record.container(spec["name"]))]
    if done:
        found["Initialized"] = (True, "PodCompleted", "")
    elif incomplete:
        message = f"containers with incomplete status: {listed(incomplete)}"
        found["Initialized"] = (False, "ContainersNotInitialized", message)
    else:
        found["Initialized"] = (not record.rejected, "PodFailed" if record.rejected else "", "")
    serving = [*(spec for spec in init_containers(pod) if is_sidecar(spec)), *pod["spec"]["containers"]]
    unready = [spec["name"] for spec in serving if not record.container(spec["name"]).ready]
    containers_ready: tuple[bool, str, str]
    if done or phase_now == "Failed":
        containers_ready = (False, "PodCompleted" if done else "PodFailed", "")
    elif unready:
        containers_ready = (False, "ContainersNotReady", f"containers with unready status: {listed(unready)}")
    else:
        containers_ready = (True, "", "")
    found["ContainersReady"] = containers_ready
    found["Ready"] = containers_ready
    if containers_ready[0]:
        known = {each["type"]: each["status"] for each in (pod.get("status") or {}).get("conditions") or []}
        gates = [gate["conditionType"] for gate in pod["spec"].get("readinessGates") or []]
        missing = [gate for gate in gates if known.get(gate) != "True"]
        if missing:
            message = f'the status of pod readiness gate "{missing[0]}" is not "True", but {known.get(missing[0])}'
            found["Ready"] = (False, "ReadinessGatesNotReady", message)
    before = {each["type"]: each for each in (pod.get("status") or {}).get("conditions") or []}
    return [condition(kind, *found[kind], before.get(kind), now) for kind in OURS]


def condition(kind: str, holds: bool, reason: str, message: str, before: Mapping[str, Any] | None, now: str) -> Object:
    """One condition. Empty texts and nulls are written out: a patch removes only what it names."""
    status = "True" if holds else "False"
    same = before is not None and before.get("status") == status
    changed = before.get("lastTransitionTime") if same and before else None
    return {
        "type": kind,
        "status": status,
        "lastProbeTime": None,
        "lastTransitionTime": changed or now,
        "reason": reason or None,
        "message": message or None,
    }


def pod_status(pod: Mapping[str, Any], record: PodRecord, host_ip: str, now: str) -> Object:
    """The status that the node reports."""
    inits = init_containers(pod)
    waiting = "PodInitializing" if inits else "ContainerCreating"
    status: Object = {
        "observedGeneration": pod["metadata"].get("generation", 1),
        "phase": phase(pod, record),
        "conditions": conditions(pod, record, now),
        "hostIP": host_ip,
        "hostIPs": [{"ip": host_ip}],
        "startTime": record.started_at,
    }
    if record.rejected:
        status["reason"], status["message"] = record.rejected
        return status
    if record.ip:
        status["podIP"] = record.ip
        status["podIPs"] = [{"ip": record.ip}]
    status["containerStatuses"] = [
        container_status(spec, record.container(spec["name"]), waiting) for spec in pod["spec"]["containers"]
    ]
    if inits:
        status["initContainerStatuses"] = [
            container_status(spec, record.container(spec["name"]), "PodInitializing") for spec in inits
        ]
    return status


def reported(known: Any, wanted: Any) -> bool:
    """Whether `known` (a status as the API has it) already says all of `wanted`; conditions count by type."""
    if isinstance(wanted, dict):
        if not isinstance(known, dict):
            return not wanted and known is None
        return all(reported(known.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list):
        if wanted and isinstance(wanted[0], dict) and "type" in wanted[0]:
            by_type = {each.get("type"): each for each in known or []}
            return all(reported(by_type.get(each["type"]), each) for each in wanted)
        return (
            isinstance(known, list)
            and len(known) == len(wanted)
            and all(reported(have, want) for have, want in zip(known, wanted, strict=True))
        )
    if wanted in ("", None):
        return known in ("", None)
    return bool(known == wanted)
