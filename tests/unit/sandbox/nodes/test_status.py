# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Phase, conditions and container states, by the kubelet's rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sandbox.nodes.records import RUNNING, TERMINATED, WAITING, ContainerRecord, Exit, PodRecord
from sandbox.nodes.status import conditions, container_status, phase, pod_status, reported
from tests.unit.sandbox.nodes.fakes import pod

NOW = "2026-01-01T00:00:00Z"


def ended(code: int) -> Exit:
    return Exit(code, "Completed" if code == 0 else "Error", NOW, NOW, "containerd://x")


def running(name: str = "main", *, ready: bool = True) -> ContainerRecord:
    return ContainerRecord(name, RUNNING, container_id="containerd://x", started_at=NOW, started=True, ready=ready)


def over(code: int, name: str = "main") -> ContainerRecord:
    return ContainerRecord(name, TERMINATED, container_id="containerd://x", exit=ended(code))


def crashing(name: str = "main") -> ContainerRecord:
    return ContainerRecord(
        name, WAITING, reason="CrashLoopBackOff", message="back-off", container_id="containerd://x", previous=ended(1)
    )


def record(*containers: ContainerRecord, **changes: Any) -> PodRecord:
    found = PodRecord("u", "ns", "p", "node-0", ip="10.1.0.2", started_at=NOW, sandbox_ready=True, **changes)
    found.containers = {container.name: container for container in containers}
    return found


TWO = [{"name": "main", "image": "i"}, {"name": "side", "image": "i"}]
INIT = [{"name": "init", "image": "i"}]


@pytest.mark.parametrize(
    ("spec", "found", "expected"),
    [
        ({}, record(), "Pending"),
        ({}, record(ContainerRecord("main", reason="ErrImagePull")), "Pending"),
        ({}, record(running()), "Running"),
        ({"containers": TWO}, record(running(), ContainerRecord("side")), "Pending"),
        ({"containers": TWO}, record(running(), over(1, "side")), "Running"),
        ({}, record(crashing()), "Running"),
        ({}, record(over(0)), "Running"),
        ({"restartPolicy": "Never"}, record(over(0)), "Succeeded"),
        ({"restartPolicy": "Never"}, record(over(1)), "Failed"),
        ({"restartPolicy": "OnFailure"}, record(over(1)), "Running"),
        ({"restartPolicy": "OnFailure"}, record(over(0)), "Succeeded"),
        ({"initContainers": INIT}, record(running("init")), "Pending"),
        ({"initContainers": INIT}, record(crashing("init")), "Pending"),
        ({"initContainers": INIT, "restartPolicy": "Never"}, record(over(1, "init")), "Failed"),
        ({"initContainers": INIT}, record(over(0, "init"), running()), "Running"),
        ({}, record(over(0), stopped=True), "Succeeded"),
        ({}, record(over(137), stopped=True), "Failed"),
        ({}, record(stopped=True), "Failed"),
        ({}, record(rejected=("OutOfcpu", "no")), "Failed"),
    ],
    ids=[
        "nothing-yet",
        "image-missing",
        "running",
        "one-to-come",
        "one-over",
        "crash-loop",
        "about-to-restart",
        "never-well",
        "never-ill",
        "on-failure-ill",
        "on-failure-well",
        "init-runs",
        "init-crashes",
        "init-never",
        "init-done",
        "deleted-well",
        "deleted-killed",
        "deleted-before-start",
        "rejected",
    ],
)
def test_phase(spec: dict[str, Any], found: PodRecord, expected: str) -> None:
    assert phase(pod(**spec), found) == expected


def by_type(whole: dict[str, Any], found: PodRecord) -> dict[str, tuple[str, str | None]]:
    return {each["type"]: (each["status"], each["reason"]) for each in conditions(whole, found, NOW)}


def test_ready_pod_has_all_conditions() -> None:
    assert set(by_type(pod(), record(running())).values()) == {("True", None)}


def test_unready_container_is_named() -> None:
    found = conditions(pod(), record(running(ready=False)), NOW)
    ready = next(each for each in found if each["type"] == "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "ContainersNotReady")
    assert ready["message"] == "containers with unready status: [main]"


def test_unfinished_init_container_is_named() -> None:
    found = conditions(pod(initContainers=INIT), record(running("init")), NOW)
    initialized = next(each for each in found if each["type"] == "Initialized")
    assert initialized["reason"] == "ContainersNotInitialized"
    assert initialized["message"] == "containers with incomplete status: [init]"


def test_completed_pod_is_not_ready_but_initialized() -> None:
    found = by_type(pod(restartPolicy="Never"), record(over(0), stopped=True))
    assert found["Initialized"] == ("True", "PodCompleted")
    assert found["Ready"] == ("False", "PodCompleted")
    assert found["PodReadyToStartContainers"][0] == "False"


def test_readiness_gate_holds_the_pod_back() -> None:
    whole = pod(readinessGates=[{"conditionType": "gate"}])
    assert by_type(whole, record(running()))["Ready"] == ("False", "ReadinessGatesNotReady")
    whole["status"] = {"conditions": [{"type": "gate", "status": "True"}]}
    assert by_type(whole, record(running()))["Ready"][0] == "True"


def test_transition_time_changes_with_the_status_only() -> None:
    before = "2025-01-01T00:00:00Z"
    known = [
        {"type": "Ready", "status": "True", "lastTransitionTime": before},
        {"type": "ContainersReady", "status": "False", "lastTransitionTime": before},
    ]
    whole = {**pod(), "status": {"conditions": known}}
    times = {each["type"]: each["lastTransitionTime"] for each in conditions(whole, record(running()), NOW)}
    assert (times["Ready"], times["ContainersReady"]) == (before, NOW)


def test_container_states() -> None:
    spec = {"name": "main", "image": "i"}
    assert container_status(spec, ContainerRecord("main"), "ContainerCreating")["state"] == {
        "waiting": {"reason": "ContainerCreating"}
    }
    looping = container_status(spec, crashing(), "ContainerCreating")
    assert looping["state"] == {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}
    assert looping["lastState"]["terminated"]["exitCode"] == 1
    alive = container_status(spec, running(), "")
    assert alive["state"] == {"running": {"startedAt": NOW}}
    assert (alive["started"], alive["ready"], alive["containerID"]) == (True, True, "containerd://x")


def test_rejected_pod_says_why_and_has_no_address() -> None:
    status = pod_status(pod(), record(rejected=("OutOfcpu", "no room")), "10.1.127.1", NOW)
    assert (status["phase"], status["reason"], status["message"]) == ("Failed", "OutOfcpu", "no room")
    assert "podIP" not in status


def test_status_that_the_api_has_is_not_sent_again() -> None:
    wanted = pod_status(pod(), record(running()), "10.1.127.1", NOW)
    known = {**wanted, "qosClass": "BestEffort", "conditions": [{"type": "PodScheduled"}, *wanted["conditions"]]}
    assert reported(known, wanted)
    assert not reported(known, pod_status(pod(), record(running(ready=False)), "10.1.127.1", NOW))
    assert not reported(None, wanted)


def test_record_survives_its_file(tmp_path: Path) -> None:
    found = record(running(), crashing("side"), rejected=("a", "b"))
    found.save(tmp_path / "u")
    assert PodRecord.load(tmp_path / "u") == found
    assert PodRecord.load(tmp_path / "none") is None
