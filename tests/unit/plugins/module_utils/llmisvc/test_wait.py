# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""llmisvc_wait_ready against a cluster in which things happen at set times."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import KubernetesError
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.logs import LINES
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.ports import Json, Snapshot, WaitPorts
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.wait import CAPABILITY, run

from tests.unit.fake_clock import FakeClock
from tests.unit.plugins.module_utils.llmisvc.fake_cluster import (
    IMAGE,
    NAME,
    NAMESPACE,
    URL,
    FakeCluster,
    condition,
    deployment,
    ended,
    pending,
    pod,
    ready_pods,
    replica_set,
    running,
    service,
    starting_service,
    waiting,
    warning,
)

PARAMS: dict[str, Any] = {
    "name": NAME,
    "namespace": NAMESPACE,
    "replicas": None,
    "require_all_replicas": True,
    "require_url": True,
    "fail_fast": True,
    "fail_fast_after": 30.0,
    "crash_limit": 3,
    "missing_timeout": 60,
    "wait": True,
    "wait_timeout": 1800,
    "wait_interval": 10.0,
}
KEYS = {
    "changed",
    "ready",
    "name",
    "namespace",
    "url",
    "addresses",
    "model_name",
    "generation",
    "observed_generation",
    "conditions",
    "first_problem",
    "replicas",
    "pods",
    "events",
    "stages",
    "elapsed",
    "msg",
}


@dataclass
class Play:
    """A cluster, and what a wait for its service came to."""

    clock: FakeClock = field(default_factory=FakeClock)
    lines: list[str] = field(default_factory=list)
    result: dict[str, Any] = field(default_factory=dict)
    error: RhaiiError | None = None

    def __post_init__(self) -> None:
        self.cluster = FakeCluster(self.clock)

    def run(self, check_mode: bool = False, **changes: Any) -> Play:
        try:
            ports = WaitPorts(self.cluster, self.clock)
            self.result = run({**PARAMS, **changes}, ports, self.lines.append, check_mode)
        except RhaiiError as error:
            self.error, self.result = error, error.result
        assert set(self.result) == KEYS, "the result has one shape, however it ends"
        assert self.result["changed"] is False
        return self

    @property
    def problem(self) -> Json:
        found: Json = self.result["first_problem"] or {}
        return found

    @property
    def failure(self) -> str:
        assert self.error is not None, self.result["msg"]
        return str(self.error)


@pytest.fixture
def play() -> Play:
    """A service whose three pods have just been made."""
    found = Play()
    found.cluster.service = starting_service()
    found.cluster.deployments = [deployment(0, 3, 3)]
    found.cluster.pods = [pending("aaaaa"), pending("bbbbb"), pending("ccccc")]
    return found


def test_a_service_that_is_ready_is_returned_at_once(play: Play) -> None:
    play.cluster.serve()
    play.run()
    assert play.error is None
    assert play.cluster.calls == ["read", "events"]
    assert play.result == {
        "changed": False,
        "ready": True,
        "name": NAME,
        "namespace": NAMESPACE,
        "url": URL,
        "addresses": [URL],
        "model_name": "Qwen/Qwen2.5-3B-Instruct",
        "generation": 2,
        "observed_generation": 2,
        "conditions": [condition(kind, "True") for kind in sorted(each["type"] for each in play.result["conditions"])],
        "first_problem": None,
        "replicas": {"desired": 3, "ready": 3, "updated": 3},
        "pods": [
            {
                "name": f"{NAME}-kserve-new-{name}",
                "node": "gke-1",
                "stage": "Ready",
                "ready": True,
                "restarts": 0,
                "started": "2026-11-24T12:00:00Z",
                "message": "",
            }
            for name in ("aaaaa", "bbbbb", "ccccc")
        ],
        "events": [],
        "stages": {"Ready": 0.0},
        "elapsed": 0.0,
        "msg": f"{NAME} in {NAMESPACE} is ready with 3 replicas at {URL}.",
    }


def test_a_cold_start_is_told_line_by_line(play: Play) -> None:
    cluster = play.cluster
    names = ("aaaaa", "bbbbb", "ccccc")

    def all_are(**how: Any) -> Callable[[], None]:
        return lambda: setattr(cluster, "pods", [pod(name, **how) for name in names])

    cluster.at(100, all_are(init=running(), main=waiting("PodInitializing")))
    cluster.at(145, all_are(main=waiting("PodInitializing")))
    cluster.at(155, all_are())
    cluster.logs = {f"{name} main": "Loading safetensors checkpoint shards: 0%" for name in names}
    compiling = {f"{name} main": "Compiling the model with different input shapes." for name in names}
    cluster.at(215, lambda: setattr(cluster, "logs", compiling))
    cluster.at(365, lambda: cluster.serve())
    play.run()
    assert play.error is None
    assert play.result["ready"] is True
    assert play.result["elapsed"] == 365.0
    scheduler = "waiting for a node (0/2 nodes are available: 2 Insufficient google.com/tpu.)"
    quiet = "0 of 3 replicas ready,"
    assert play.lines == [
        f"{NAME} after 0 s: replicas aaaaa, bbbbb, ccccc: {scheduler}",
        f"{NAME} after 0 s: MainWorkloadReady is False (MinimumReplicasUnavailable): Deployment does not have minimum "
        "availability.",
        f"{NAME} after 60 s: {quiet} waiting for a node",
        f"{NAME} after 2 min: replicas aaaaa, bbbbb, ccccc: downloading the model",
        f"{NAME} after 2 min: replicas aaaaa, bbbbb, ccccc: getting the server's image",
        f"{NAME} after 3 min: replicas aaaaa, bbbbb, ccccc: loading the weights",
        f"{NAME} after 4 min: replicas aaaaa, bbbbb, ccccc: compiling the model",
        f"{NAME} after 5 min: {quiet} compiling the model",
        f"{NAME} after 6 min: {quiet} compiling the model",
        f"{NAME} after 6 min: replicas aaaaa, bbbbb, ccccc: ready, 3 of 3",
        f"{NAME} after 6 min: MainWorkloadReady is True",
    ]
    stages = play.result["stages"]
    assert stages["Pending"] == 100.0
    assert stages["Downloading"] == 45.0
    assert sum(stages.values()) == 365.0
    assert list(stages)[-1] == "Ready"


def test_logs_and_events_are_read_once_an_interval(play: Play) -> None:
    play.cluster.pods = [pod("aaaaa")]
    for second in range(1, 25):
        play.cluster.at(second, lambda: None)
    play.cluster.at(25, lambda: play.cluster.serve(3))
    play.run()
    assert play.cluster.calls.count("log aaaaa main 60") == 3  # at 0, 10 and 20 seconds
    assert play.cluster.calls.count("events") == 3


def test_the_message_of_a_starting_replica_is_its_logs(play: Play) -> None:
    play.cluster.pods = [pod("aaaaa"), *ready_pods("bbbbb", "ccccc")]
    play.cluster.logs = {"aaaaa main": "Loading weights took 60 s\nnoise"}
    play.run(wait=False)
    rows = [(each["stage"], each["message"]) for each in play.result["pods"]]
    assert rows == [("LoadingWeights", "Loading weights took 60 s"), ("Ready", ""), ("Ready", "")]


def test_a_marker_that_scrolled_away_is_remembered_until_a_restart(play: Play) -> None:
    play.cluster.pods = [pod("aaaaa")]
    play.cluster.logs = {"aaaaa main": "Compiling the model with different input shapes."}
    play.cluster.at(15, lambda: play.cluster.logs.update({"aaaaa main": "noise"}))
    play.cluster.at(35, lambda: setattr(play.cluster, "pods", [pod("aaaaa", main=running(1))]))
    play.run(wait_timeout=60)
    assert [line.split(": ", 1)[1] for line in play.lines if "aaaaa" in line] == [
        "replica aaaaa: compiling the model",
        "replica aaaaa: starting the model server",
    ]


def test_reading_that_is_refused_costs_words_and_nothing_else(play: Play) -> None:
    play.cluster.refuses = {"log", "events", "secret"}
    play.cluster.pods = [pod("aaaaa"), pod("bbbbb", main=waiting("ErrImagePull", "401 Unauthorized"))]
    play.cluster.at(20, play.cluster.serve)
    play.run()
    assert play.error is None
    assert play.result["events"] == []


def without_addresses() -> Json:
    body = service()
    del body["status"]["addresses"]
    return body


# ---- what is ready, and what is not -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param({"service": service(generation=3)}, "NotObserved", id="status of an older generation"),
        pytest.param({"service": service(condition("Ready", "Unknown", "New"))}, "New", id="ready unknown"),
        pytest.param({"service": service(condition("Ready"))}, "", id="not ready"),
        pytest.param(
            {"service": service(condition("PresetsCombined", "False", "ConfigNotFound"))},
            "ConfigNotFound",
            id="presets",
        ),
        pytest.param({"service": service(condition("GatewaysReady", "False", "X"))}, "X", id="a part is false"),
        pytest.param({"deployments": [deployment(2)]}, "NotReady", id="a replica is not ready"),
        pytest.param({"deployments": [deployment(3, 2)]}, "Updating", id="a replica is old"),
        pytest.param({"deployments": [deployment(3, 3, 4)]}, "OldReplicas", id="an old replica is left"),
        pytest.param({"deployments": [deployment(observed=3)]}, "NotObserved", id="deployment not looked at"),
        pytest.param({"deployments": []}, "NotFound", id="no deployment"),
        pytest.param({"service": service(url="")}, "NoUrl", id="no url"),
        pytest.param({"service": service(replicas=0)}, "NoReplicas", id="no replicas"),
        pytest.param(
            {"pods": [*ready_pods(), pod("ddddd", template="old", deletionTimestamp="2026-11-24T13:00:00Z")]},
            "Leaving",
            id="an old pod shuts down",
        ),
    ],
)
def test_what_is_not_ready(play: Play, change: dict[str, Any], reason: str) -> None:
    play.cluster.serve()
    for name, value in change.items():
        setattr(play.cluster, name, value)
    play.run(wait=False)
    assert play.error is None
    assert play.result["ready"] is False
    assert play.problem["reason"] == reason
    assert play.result["msg"].startswith(f"{NAME} in {NAMESPACE} is not ready. ")


@pytest.mark.parametrize(
    ("change", "options"),
    [
        pytest.param({"deployments": [deployment(2)]}, {"require_all_replicas": False}, id="tolerated replica"),
        pytest.param({"deployments": []}, {"require_all_replicas": False}, id="no look at deployments"),
        pytest.param({"service": service(url="")}, {"require_url": False}, id="no url wanted"),
        pytest.param({}, {"replicas": 3}, id="as many as expected"),
        pytest.param({"service": without_addresses()}, {}, id="url without addresses"),
        pytest.param({"service": service(condition("GroupDegraded"))}, {}, id="what only informs"),
        pytest.param({"pods": [*ready_pods(), pod("ddddd", phase="Failed")]}, {}, id="an evicted pod"),
        pytest.param(
            {"pods": [*ready_pods(), pod("ddddd", deletionTimestamp="2026-11-24T11:00:00Z")]}, {}, id="a stuck pod"
        ),
        pytest.param(
            {
                "service": service(condition("WorkerWorkloadReady", "True")),
                "deployments": [],
            },
            {},
            id="several hosts a replica",
        ),
    ],
)
def test_what_is_ready_all_the_same(play: Play, change: dict[str, Any], options: dict[str, Any]) -> None:
    play.cluster.serve()
    for name, value in change.items():
        setattr(play.cluster, name, value)
    play.run(wait=False, **options)
    assert play.problem == {}
    assert play.result["ready"] is True
    where = "." if change == {"service": service(url="")} else f" at {URL}."
    assert f"{NAME} in {NAMESPACE} is ready with " in play.result["msg"]
    assert play.result["msg"].endswith(f" replicas{where}")


def test_nought_replicas_are_ready_where_expected(play: Play) -> None:
    play.cluster.serve(0)
    assert play.run(replicas=0).result["ready"] is True
    assert play.result["msg"] == f"{NAME} in {NAMESPACE} is ready with 0 replicas at {URL}."


def test_a_service_that_something_scales_must_come_to_the_expected_number(play: Play) -> None:
    play.cluster.serve()
    play.cluster.service = service(replicas=None)
    play.run(replicas=4, wait_timeout=100)
    assert play.problem["reason"] == "OtherReplicas"
    assert "has 3 replicas, 4 were expected" in play.failure
    assert "was not ready within 2 min" in play.failure


def test_replicas_of_several_hosts_are_counted_by_kserve(play: Play) -> None:
    play.cluster.service = service(condition("WorkerWorkloadReady", "True"), replicas=2)
    play.cluster.service["status"]["workloads"] = {"primary": {"readyReplicas": 1}}
    play.cluster.deployments = []
    play.run(wait=False)
    assert play.result["replicas"] == {"desired": 2, "ready": 1, "updated": 1}
    del play.cluster.service["status"]["workloads"]
    assert play.run(wait=False).result["replicas"] == {"desired": 2, "ready": 0, "updated": 0}


def test_before_its_deployment_a_service_has_what_it_asks_for(play: Play) -> None:
    play.cluster.deployments = []
    assert play.run(wait=False).result["replicas"] == {"desired": 3, "ready": 0, "updated": 0}
    play.cluster.service = starting_service(replicas=None)
    assert play.run(wait=False).result["replicas"] == {"desired": 1, "ready": 0, "updated": 0}


def test_ready_is_believed_only_from_a_new_reading(play: Play) -> None:
    """The service's watch may be ahead of the Deployment's."""
    play.cluster.serve()
    stale = Snapshot(True, play.cluster.service, play.cluster.deployments, play.cluster.replica_sets, [])
    play.cluster.deployments = [deployment(2)]
    play.cluster.lagging = stale
    play.cluster.at(25, play.cluster.serve)
    play.run()
    assert play.result["ready"] is True
    assert play.result["elapsed"] == 25.0
    assert play.cluster.calls[-1] == "read"


@pytest.mark.parametrize(("options", "check_mode"), [({"wait": False}, False), ({}, True)])
def test_looking_once_neither_waits_nor_fails(play: Play, options: dict[str, Any], check_mode: bool) -> None:
    play.cluster.pods = [pod("aaaaa", main=waiting("InvalidImageName"))]
    play.run(check_mode, **options)
    assert play.error is None
    assert play.clock.slept == []
    assert play.result["ready"] is False
    assert play.problem["terminal"] is True
    assert play.problem["remedy"] in play.result["msg"]
    assert play.lines == []


def test_looking_once_for_a_missing_service_says_so(play: Play) -> None:
    play.cluster.service = None
    play.run(check_mode=True)
    assert play.error is None
    assert play.problem["reason"] == "NotFound"
    assert play.result["stages"] == {"Missing": 0.0}
    assert play.result["model_name"] == NAME


# ---- what cannot heal ---------------------------------------------------------------------------------------

UNAUTHORIZED = "failed to authorize: 401 Unauthorized"


def crash(count: int, container: str = "main", reason: str = "Error") -> Json:
    last = {"exitCode": 1, "reason": reason}
    state = waiting("CrashLoopBackOff", "back-off", count - 1, last)
    return pod(main=state) if container == "main" else pod(init=state, main=waiting("PodInitializing"))


@pytest.mark.parametrize(
    ("pods", "secrets", "reason", "seconds", "said"),
    [
        pytest.param(
            [pod(main=waiting("ImagePullBackOff", UNAUTHORIZED))],
            {},
            "ImagePullBackOff",
            30.0,
            f"the pull secret rhaiis-pull-secret does not exist in {NAMESPACE} (",
            id="pull secret missing",
        ),
        pytest.param(
            [pod(main=waiting("ErrImagePull", UNAUTHORIZED))],
            {"rhaiis-pull-secret": {"data": {}}},
            "ImagePullBackOff",
            30.0,
            "has no login for registry.redhat.io",
            id="pull secret without login",
        ),
        pytest.param(
            [pod(main=waiting("InvalidImageName", "couldn't parse"))],
            {},
            "InvalidImageName",
            30.0,
            IMAGE,
            id="image name",
        ),
        pytest.param(
            [pod(main=waiting("CreateContainerConfigError", 'secret "huggingface-token" not found'))],
            {},
            "CreateContainerConfigError",
            30.0,
            "Create the Secret huggingface-token",
            id="secret missing",
        ),
        pytest.param(
            [pod(labels={}, main=waiting("ImagePullBackOff", UNAUTHORIZED))],
            {},
            "ImagePullBackOff",
            30.0,
            "The endpoint picker",
            id="endpoint picker",
        ),
    ],
)
def test_a_pod_that_cannot_heal_ends_the_wait(
    play: Play, pods: list[Json], secrets: dict[str, Json], reason: str, seconds: float, said: str
) -> None:
    play.cluster.pods = pods
    play.cluster.secrets = secrets
    play.run()
    assert said in play.failure
    assert "cannot become ready" in play.failure
    assert (play.problem["kind"], play.problem["reason"], play.problem["terminal"]) == ("pod", reason, True)
    assert play.result["elapsed"] == seconds
    assert play.result["msg"] == play.failure


@pytest.mark.parametrize(
    ("body", "reason", "seconds"),
    [
        pytest.param(service(annotations={"serving.kserve.io/stop": "true"}), "Stopped", 0.0, id="stopped"),
        pytest.param(service(deletionTimestamp="x"), "Deleting", 0.0, id="being deleted"),
        pytest.param(service(replicas=2), "OtherReplicas", 30.0, id="other replicas"),
        pytest.param(
            service(condition("PresetsCombined", "False", "ConfigNotFound")), "ConfigNotFound", 30.0, id="no preset"
        ),
        pytest.param(
            service(condition("HTTPRoutesReady", "False", "HTTPRouteReconcileError", "no")),
            "HTTPRouteReconcileError",
            30.0,
            id="no route",
        ),
    ],
)
def test_a_service_that_cannot_heal_ends_the_wait(play: Play, body: Json, reason: str, seconds: float) -> None:
    play.cluster.service = body
    play.run(replicas=3)
    assert play.problem["reason"] == reason
    assert play.problem["remedy"] and play.problem["remedy"] in play.failure
    assert play.result["elapsed"] == seconds


def test_a_refused_pod_ends_the_wait(play: Play) -> None:
    refused = condition("ReplicaFailure", "True", "FailedCreate", "GKE Warden denied the request: no topology")
    play.cluster.deployments = [deployment(0, 0, 0, conditions=[refused])]
    play.cluster.pods = []
    play.run()
    assert play.problem["reason"] == "FailedCreate"
    assert play.result["elapsed"] == 30.0
    assert "does not let in the pods" in play.lines[0]


def test_what_heals_in_time_does_not_end_the_wait(play: Play) -> None:
    play.cluster.pods = [pod(main=waiting("CreateContainerConfigError", 'secret "x" not found'))]
    play.cluster.at(29, lambda: setattr(play.cluster, "pods", [pod()]))
    play.cluster.at(40, play.cluster.serve)
    assert play.run().error is None


def test_the_time_counts_anew_after_a_break(play: Play) -> None:
    broken = [pod(main=waiting("CreateContainerConfigError", 'secret "x" not found'))]
    play.cluster.pods = list(broken)
    play.cluster.at(20, lambda: setattr(play.cluster, "pods", [pod()]))
    play.cluster.at(25, lambda: setattr(play.cluster, "pods", list(broken)))
    play.run()
    assert play.result["elapsed"] == 55.0


@pytest.mark.parametrize(("seen_at", "patience", "ends_at"), [(0, 4.5, 4.5), (0, 10.5, 10.5), (3, 7.5, 10.5)])
def test_the_wait_ends_when_the_patience_does_and_not_a_look_later(
    play: Play, seen_at: float, patience: float, ends_at: float
) -> None:
    broken = [pod(main=waiting("InvalidImageName"))]
    play.cluster.pods = broken if seen_at == 0 else []
    play.cluster.at(seen_at, partial(setattr, play.cluster, "pods", broken))
    play.run(fail_fast_after=patience)
    assert play.result["elapsed"] == ends_at


def test_the_patience_is_an_option(play: Play) -> None:
    play.cluster.pods = [pod(main=waiting("InvalidImageName"))]
    assert play.run(fail_fast_after=4.5).result["elapsed"] == 4.5


def test_without_fail_fast_only_the_time_out_ends_the_wait(play: Play) -> None:
    play.cluster.pods = [pod(main=waiting("InvalidImageName"))]
    play.run(fail_fast=False, wait_timeout=300)
    assert play.result["elapsed"] == 300.0
    assert play.problem["reason"] == "InvalidImageName"
    assert "was not ready within 5 min" in play.failure


@pytest.mark.parametrize(
    "pods",
    [
        pytest.param([pending("aaaaa")], id="no chips"),
        pytest.param([pod(main=waiting("ImagePullBackOff", "dial tcp: i/o timeout"))], id="registry away"),
        pytest.param([pod(main=waiting("ContainerCreating"))], id="being created"),
        pytest.param([pod(template="old", main=waiting("InvalidImageName"))], id="of an older form"),
        pytest.param([pod(main=waiting("InvalidImageName"), deletionTimestamp="2030-01-01T00:00:00Z")], id="going"),
        pytest.param([pod(phase="Failed")], id="evicted"),
    ],
)
def test_what_can_heal_is_waited_for(play: Play, pods: list[Json]) -> None:
    play.cluster.pods = pods
    play.cluster.replica_sets.append(replica_set("old", "1"))
    play.run(wait_timeout=900)
    assert play.result["elapsed"] == 900.0
    assert "was not ready within 15 min (0 of 3 replicas ready)" in play.failure


def test_an_exceeded_progress_deadline_is_told_and_waited_out(play: Play) -> None:
    play.cluster.service = service(condition("MainWorkloadReady", "False", "ProgressDeadlineExceeded", "slow"))
    play.cluster.pods = []
    play.run(wait_timeout=120)
    assert f"{NAME} after 0 s: MainWorkloadReady is False (ProgressDeadlineExceeded): slow" in play.lines
    assert play.result["elapsed"] == 120.0


def test_a_deployment_that_was_not_looked_at_yet_has_no_broken_pods(play: Play) -> None:
    """The pods are still those of the form before; the change may be the repair."""
    refused = condition("ReplicaFailure", "True", "FailedCreate", "denied the request")
    play.cluster.pods = [pod(main=waiting("InvalidImageName"))]
    play.cluster.deployments = [deployment(0, 3, 3, generation=5, conditions=[refused])]
    play.cluster.at(60, play.cluster.serve)
    assert play.run().error is None


def test_the_pod_that_is_broken_is_told_rather_than_the_condition_that_follows(play: Play) -> None:
    play.cluster.pods = [pod("aaaaa", main=waiting("CreateContainerError", "why")), pending("bbbbb")]
    play.run(wait=False)
    assert play.problem["name"] == f"{NAME}-kserve-new-aaaaa"


def test_causes_come_in_order(play: Play) -> None:
    """Of what can heal: own conditions, pods in trouble, the way to the pods, pods on their way, what follows."""
    symptom = condition("MainWorkloadReady", "False", "Progressing")
    route = condition("HTTPRoutesReady", "False", "HTTPRoutesNotReady")
    own = condition("ScalingReady", "False", "Odd")

    def reason(*conditions: Json, pods: list[Json]) -> str:
        play.cluster.service, play.cluster.pods = service(*conditions), pods
        return str(play.run(wait=False).problem["reason"])

    assert reason(symptom, route, own, pods=[pending("aaaaa"), pod("bbbbb")]) == "Odd"
    assert reason(symptom, route, pods=[pod("bbbbb"), pending("aaaaa")]) == "Pending"
    assert reason(symptom, route, pods=[pod("bbbbb")]) == "HTTPRoutesNotReady"
    assert reason(symptom, pods=[pod("bbbbb")]) == "Starting"
    assert reason(symptom, pods=[]) == "Progressing"
    picker = condition("SchedulerWorkloadReady", "False", "MinimumReplicasUnavailable")
    assert reason(picker, pods=[pod("bbbbb")]) == "Starting"
    assert reason(picker, pods=[]) == "MinimumReplicasUnavailable"
    assert reason(pods=[pod("bbbbb")]) == "Starting"
    assert reason(pods=[]) == "NotReady"


def test_a_pod_in_trouble_is_no_cause_where_nothing_follows_from_it(play: Play) -> None:
    play.cluster.service = service(url="")
    play.cluster.pods = [pod(main=waiting("InvalidImageName"))]
    play.run(wait=False, require_all_replicas=False)
    assert play.problem["reason"] == "NoUrl"


def test_a_crash_loop_ends_the_wait_at_the_limit(play: Play) -> None:
    play.cluster.pods = [pod()]
    for seconds, count in ((5, 1), (20, 2), (45, 3)):
        play.cluster.at(seconds, partial(setattr, play.cluster, "pods", [crash(count)]))
    play.cluster.logs = {"aaaaa main ended": "one\nRuntimeError: Engine core initialization failed."}
    play.run()
    assert play.result["elapsed"] == 45.0
    assert "it ended 3 times, last with exit code 1. Its log ends: one | RuntimeError: Engine core" in play.failure
    assert play.cluster.calls.count(f"log aaaaa main {LINES} ended") == 3  # once for each end


def test_a_crashing_download_tells_what_its_log_says(play: Play) -> None:
    play.cluster.pods = [pod(init=running(), main=waiting("PodInitializing"))]
    play.cluster.at(30, lambda: setattr(play.cluster, "pods", [crash(3, "storage-initializer")]))
    # the kubelet does not call it the previous run yet
    play.cluster.logs = {"aaaaa storage-initializer": "No answer from https://huggingface.co within 9 s"}
    play.run()
    assert play.result["elapsed"] == 30.0
    assert f"log aaaaa storage-initializer {LINES}" in play.cluster.calls
    assert "the hub cannot be reached from the pod. Its log ends: No answer from" in play.failure
    assert "egress" in play.problem["remedy"]


def test_an_old_crash_loop_is_given_another_try(play: Play) -> None:
    """What made it crash may have been put right; the kubelet pauses for up to five minutes."""
    play.cluster.pods = [crash(8)]
    play.cluster.at(280, play.cluster.serve)
    assert play.run().error is None


def test_an_old_crash_loop_that_goes_on_ends_the_wait(play: Play) -> None:
    play.cluster.pods = [crash(8)]
    play.cluster.at(280, lambda: setattr(play.cluster, "pods", [crash(9)]))
    play.run()
    assert play.result["elapsed"] == 280.0


def test_a_crash_of_another_container_is_no_old_one(play: Play) -> None:
    play.cluster.pods = [crash(8)]
    play.cluster.at(10, lambda: setattr(play.cluster, "pods", [crash(3, "storage-initializer")]))
    assert play.run().result["elapsed"] == 10.0


def test_the_crash_limit_is_kept(play: Play) -> None:
    play.cluster.pods = [pod()]
    play.cluster.at(5, lambda: setattr(play.cluster, "pods", [crash(3)]))
    play.run(crash_limit=4, wait_timeout=60)
    assert play.result["elapsed"] == 60.0
    assert play.problem["terminal"] is False


def test_a_container_killed_for_its_memory_ends_the_wait_at_once(play: Play) -> None:
    play.cluster.pods = [pod()]
    play.cluster.at(5, lambda: setattr(play.cluster, "pods", [pod(main=ended(137, "OOMKilled"))]))
    play.run()
    assert play.result["elapsed"] == 5.0
    assert "OOMKilled" in play.failure
    assert "memory limit" in play.problem["remedy"]


def test_a_login_that_failed_before_is_tried_again(play: Play) -> None:
    """The secret has a login by now; only a new attempt shows whether it is a good one."""
    auths = "eyJhdXRocyI6IHsicmVnaXN0cnkucmVkaGF0LmlvIjoge319fQ=="
    play.cluster.secrets = {"rhaiis-pull-secret": {"data": {".dockerconfigjson": auths}}}
    pause, attempt = (waiting(reason, UNAUTHORIZED) for reason in ("ImagePullBackOff", "ErrImagePull"))
    play.cluster.pods = [pod(main=pause)]
    play.run()
    assert play.result["elapsed"] == 330.0
    again = Play()
    again.cluster.service, again.cluster.deployments = play.cluster.service, play.cluster.deployments
    again.cluster.secrets, again.cluster.pods = play.cluster.secrets, [pod(main=pause)]
    again.cluster.at(100, lambda: setattr(again.cluster, "pods", [pod(main=attempt)]))
    again.cluster.at(102, lambda: setattr(again.cluster, "pods", [pod(main=pause)]))
    again.run()
    # Seen since the beginning, and proven at 100 seconds.
    assert again.result["elapsed"] == 100.0
    assert "registry.redhat.io refuses the login of the pull secret rhaiis-pull-secret" in again.failure


def test_a_pull_secret_is_read_once_an_interval(play: Play) -> None:
    broken = waiting("ImagePullBackOff", UNAUTHORIZED)
    play.cluster.pods = [pod("aaaaa", main=broken), pod("bbbbb", main=broken)]
    play.run()
    assert play.cluster.calls.count("secret rhaiis-pull-secret") == 4  # at 0, 10, 20 and 30 seconds


def test_warnings_about_a_pod_tell_why_it_is_held_up(play: Play) -> None:
    mount = 'MountVolume.SetUp failed for volume "tls": secret "x" not found'
    one, other = (
        pod(name, init=waiting("PodInitializing"), main=waiting("PodInitializing")) for name in ("aaaaa", "bbbbb")
    )
    play.cluster.pods = [one]
    play.cluster.events = [warning(other, "FailedMount", "of another pod"), warning(one, "FailedMount", mount)]
    play.cluster.events.append({"involvedObject": None, "reason": "Odd"})
    play.run(wait=False)
    assert play.problem["message"] == f"The replica {NAME}-kserve-new-aaaaa is being set up on its node ({mount})."


def test_warnings_about_a_pod_tell_what_ends_its_server(play: Play) -> None:
    play.cluster.pods = [pod()]
    play.cluster.at(5, lambda: setattr(play.cluster, "pods", [crash(3)]))
    play.cluster.events = [warning(crash(3), "Unhealthy", "Startup probe failed: connection refused")]
    play.run()
    assert "its probe ended it (Startup probe failed: connection refused)" in play.failure


def test_warnings_about_a_pod_tell_what_the_registry_said(play: Play) -> None:
    body = pod(main=waiting("ImagePullBackOff", "Back-off pulling image"))
    play.cluster.pods = [body]
    play.cluster.events = [warning(body, "Failed", f"Failed to pull image: {UNAUTHORIZED}")]
    play.run()
    assert play.result["elapsed"] == 30.0
    assert "does not exist" in play.failure


# ---- what is missing ----------------------------------------------------------------------------------------


def test_a_missing_service_is_waited_for(play: Play) -> None:
    play.cluster.service = None
    play.cluster.at(59, play.cluster.serve)
    play.run()
    assert play.error is None
    assert play.lines[0] == f"{NAME} after 0 s: There is no LLMInferenceService {NAME} in the namespace {NAMESPACE}."
    assert play.result["stages"]["Missing"] == 59.0


@pytest.mark.parametrize("fail_fast", [True, False])
def test_a_service_that_stays_missing_ends_the_wait(play: Play, fail_fast: bool) -> None:
    play.cluster.service = None
    play.cluster.deployments, play.cluster.pods = [], []
    play.cluster.others = ["other", "qwen"]
    play.run(fail_fast=fail_fast, replicas=2)
    assert play.result["elapsed"] == 60.0
    assert play.failure == (
        f"There is no LLMInferenceService {NAME} in the namespace {NAMESPACE} (looked for 60 s). There are: other, "
        "qwen. Check name and namespace, or deploy it first."
    )
    assert play.result["replicas"] == {"desired": 2, "ready": 0, "updated": 0}


def test_the_time_for_a_missing_service_is_an_option(play: Play) -> None:
    play.cluster.service = None
    play.cluster.refuses = {"services"}
    play.run(missing_timeout=0)
    assert play.result["elapsed"] == 0.0
    assert play.failure.startswith(f"There is no LLMInferenceService {NAME} in the namespace {NAMESPACE}. Check")
    play.cluster.deployments = []
    assert play.run(missing_timeout=0).result["replicas"] == {"desired": 0, "ready": 0, "updated": 0}


def test_a_cluster_without_kserve_says_so(play: Play) -> None:
    play.cluster.service, play.cluster.served = None, False
    play.run()
    assert play.problem["reason"] == "NotServed"
    assert "serving.kserve.io" in play.failure
    assert "services" not in play.cluster.calls
    assert play.problem["remedy"].startswith("Install KServe first")


# ---- the API server -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [0, 429, 500, 502, 503, 504])
def test_an_api_server_that_is_away_for_a_while_is_waited_for(play: Play, status: int) -> None:
    away = KubernetesError("list the pods", status, "", "gone")
    play.cluster.troubles = [None, away, away]
    play.cluster.at(25, play.cluster.serve)
    play.run()
    assert play.error is None
    assert [line for line in play.lines if "API server" in line] == [
        f"{NAME} after 0 s: the API server does not answer; looking again until it does"
    ]


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_an_api_server_that_refuses_ends_the_wait(play: Play, status: int) -> None:
    play.cluster.troubles = [None, KubernetesError("list the pods", status, "Because", "no")]
    play.run()
    assert play.failure.startswith(f"Could not list the pods: {status} Because: no")
    assert (play.problem["kind"], play.problem["reason"]) == ("api", "Because")
    assert play.result["ready"] is False


@pytest.mark.parametrize("status", [0, 503])
def test_an_api_server_that_never_answered_is_not_waited_for(play: Play, status: int) -> None:
    play.cluster.troubles = [KubernetesError("list the services", status, "", "gone", remedy="Do this.")]
    play.run()
    assert play.clock.slept == []
    assert play.problem == {
        "kind": "api",
        "name": "",
        "reason": "NoAnswer",
        "message": f"Could not list the services: {f'{status}: ' if status else ''}gone.",
        "remedy": "Do this.",
        "cause": "api-server-unreachable",
        "terminal": False,
    }


def test_no_connection_at_all_has_the_same_result(play: Play) -> None:
    play.cluster.troubles = [RhaiiError("The kubeconfig lacks what is needed.", remedy="Give a complete one.")]
    play.run()
    assert play.problem["message"] == "The kubeconfig lacks what is needed."
    assert play.failure == "The kubeconfig lacks what is needed. Give a complete one."
    assert play.problem["kind"] == "api"
    assert play.result["replicas"] == {"desired": 0, "ready": 0, "updated": 0}
    again = Play()
    again.cluster.troubles = [RhaiiError("no")]
    assert again.run(replicas=3).result["replicas"] == {"desired": 3, "ready": 0, "updated": 0}


def test_nothing_is_judged_while_the_api_server_is_away(play: Play) -> None:
    play.cluster.pods = [pod(main=waiting("InvalidImageName"))]
    play.cluster.troubles = [None, *(KubernetesError("list", 0, "", "gone") for _ in range(4))]
    play.cluster.at(41, play.cluster.serve)
    assert play.run().error is None
    assert play.cluster.calls.count("events") == 2  # before, and at the end


def test_an_api_server_that_stays_away_ends_as_a_time_out(play: Play) -> None:
    play.cluster.troubles = [None, *(KubernetesError("list", 0, "", "gone", remedy="See to it.") for _ in range(99))]
    play.run(wait_timeout=100)
    assert play.result["elapsed"] == 100.0
    assert "was not ready within 2 min (0 of 3 replicas ready). Could not list: gone. See to it." in play.failure
    assert play.problem["kind"] == "api"


def test_ready_but_unconfirmed_for_the_api_server_is_away(play: Play) -> None:
    away = KubernetesError("list", 0, "", "gone")
    play.cluster.at(5, play.cluster.serve)
    play.cluster.troubles = [None, None, *(away for _ in range(99))]
    play.run(wait_timeout=60)
    assert play.problem["kind"] == "api"
    assert play.result["elapsed"] == 60.0
    assert play.result["ready"] is False


# ---- the time-out, and what is returned with it -------------------------------------------------------------


def test_a_time_out_tells_the_cause_and_what_to_do(play: Play) -> None:
    play.cluster.pods = [*ready_pods("aaaaa", "bbbbb"), pending("ccccc")]
    play.cluster.deployments = [deployment(2)]
    play.run(wait_timeout=600)
    assert play.failure == (
        f"{NAME} in {NAMESPACE} was not ready within 10 min (2 of 3 replicas ready). "
        f"The replica {NAME}-kserve-new-ccccc is waiting for a node (0/2 nodes are available: 2 Insufficient "
        "google.com/tpu.). Nodes with free TPU chips are missing: see whether the node pool is still coming up, or is "
        "too small."
    )
    assert play.result["stages"] == {"Pending": 600.0}
    assert play.result["elapsed"] == 600.0
    assert play.result["replicas"] == {"desired": 3, "ready": 2, "updated": 3}


def test_a_time_out_without_a_better_word_says_how_to_go_on(play: Play) -> None:
    play.cluster.pods = [pod()]
    play.run(wait_timeout=60)
    assert "run the same again, or raise wait_timeout" in play.failure


def test_ready_at_the_very_end_is_ready(play: Play) -> None:
    play.cluster.at(60, play.cluster.serve)
    assert play.run(wait_timeout=60).error is None


def test_the_last_warnings_are_returned(play: Play) -> None:
    body = pod("aaaaa", main=waiting("InvalidImageName"))
    play.cluster.pods = [body]
    other = {"metadata": {"name": "of-another-service", "uid": "x"}}
    assert play.cluster.service
    play.cluster.events = [
        warning(body, "Failed", "newest", lastTimestamp="2026-11-24T12:00:09Z", count=4),
        warning(other, "Failed", "foreign"),
        warning(play.cluster.service, "Error", "Reconciliation failed", "LLMInferenceService"),
        warning(
            {"metadata": {"name": f"{NAME}-kserve"}},
            "Odd",
            "by series",
            "Deployment",
            series={"count": 7, "lastObservedTime": "2026-11-24T12:00:05Z"},
        ),
        *(
            warning(
                replica_set(), "FailedCreate", f"{n}", "ReplicaSet", lastTimestamp=None, eventTime=f"2026-11-24T11:{n}"
            )
            for n in range(10, 30)
        ),
    ]
    undated = warning(play.cluster.service, "Odd", "undated", lastTimestamp=None, count=None)
    dated = {**undated, "message": "by creation", "metadata": {"creationTimestamp": "2026-11-24T12:00:01Z"}}
    play.cluster.events += [undated, dated]
    play.run()
    events = play.result["events"]
    assert len(events) == 10
    created = events.pop(-3)
    assert (created["message"], created["count"]) == ("by creation", 1)
    assert [each["message"] for each in events[-4:]] == ["29", "Reconciliation failed", "by series", "newest"]
    assert events[-1] == {
        "object": f"Pod/{NAME}-kserve-new-aaaaa",
        "reason": "Failed",
        "message": "newest",
        "count": 4,
        "last": "2026-11-24T12:00:09Z",
    }
    assert events[-2] == {
        "object": f"Deployment/{NAME}-kserve",
        "reason": "Odd",
        "message": "by series",
        "count": 7,
        "last": "2026-11-24T12:00:05Z",
    }


def test_a_warning_that_was_said_in_several_events_is_one(play: Play) -> None:
    one, other = play.cluster.pods[:2]
    play.cluster.events = [
        warning(one, "FailedScheduling", "no node", lastTimestamp="2026-11-24T12:00:01Z", count=2),
        warning(other, "FailedScheduling", "no node", lastTimestamp="2026-11-24T12:00:02Z"),
        warning(one, "FailedScheduling", "no node", lastTimestamp="2026-11-24T12:00:03Z"),
        warning(one, "FailedScheduling", "no chips", lastTimestamp="2026-11-24T12:00:00Z"),
        warning(one, "Odd", "no chips", lastTimestamp="2026-11-24T12:00:00Z"),
    ]
    rows = [
        (each["reason"], each["message"], each["count"], each["last"][-3:-1])
        for each in play.run(wait=False).result["events"]
    ]
    assert rows == [
        ("FailedScheduling", "no chips", 1, "00"),
        ("Odd", "no chips", 1, "00"),
        ("FailedScheduling", "no node", 1, "02"),
        ("FailedScheduling", "no node", 3, "03"),
    ]


def test_warnings_about_a_pod_that_is_gone_are_still_its_services(play: Play) -> None:
    play.cluster.events = [warning(play.cluster.pods[0], "FailedScheduling", "no node")]
    play.cluster.at(5, play.cluster.serve)
    play.cluster.at(6, lambda: None)
    play.run()
    assert [each["reason"] for each in play.result["events"]] == ["FailedScheduling"]


def test_a_picker_is_no_row_among_the_replicas(play: Play) -> None:
    play.cluster.serve()
    play.cluster.pods.append(pod("epp", ready=True, labels={}))
    assert len(play.run().result["pods"]) == 3


def test_an_interval_of_nothing_does_not_run_hot(play: Play) -> None:
    play.run(wait_interval=0.0, wait_timeout=1)
    assert len(play.cluster.calls) < 40


def test_the_options_have_the_defaults_that_are_documented() -> None:
    spec = CAPABILITY.argument_spec
    for name, value in PARAMS.items():
        if name not in ("name", "replicas"):
            assert spec[name]["default"] == value, name
    assert spec["name"]["required"] is True
    assert "default" not in spec["replicas"]


def refused(name: str, template: str = "new", started: str = "2026-11-24T11:59:00Z") -> Json:
    body = pod(name, phase="Failed", template=template)
    body["status"] = {"phase": "Failed", "reason": "OutOfcpu", "message": "no room", "startTime": started}
    return body


@pytest.mark.parametrize(
    ("ended_pods", "reason"),
    [
        pytest.param([refused("r1"), refused("r2")], "OutOfcpu", id="a moment ago"),
        pytest.param([refused("r1", started="2026-11-24T09:00:00Z")], "Pending", id="left over from long ago"),
        pytest.param([refused("r1", started="")], "OutOfcpu", id="nobody knows when"),
        pytest.param([refused("r1", template="old")], "Pending", id="of an older form"),
    ],
)
def test_ended_pods_are_told_where_they_matter(play: Play, ended_pods: list[Json], reason: str) -> None:
    play.cluster.service = starting_service(replicas=1)
    play.cluster.deployments = [deployment(0, 1, 1, desired=1)]
    play.cluster.replica_sets = [replica_set(), replica_set("old", revision="1")]
    play.cluster.pods = [*ended_pods, pending("zzzzz")]
    play.run(wait=False)
    assert play.problem["reason"] == reason


def test_an_endpoint_picker_that_its_node_refuses_is_told(play: Play) -> None:
    picker = refused("r1")
    picker["metadata"]["labels"]["kserve.io/component"] = "router-scheduler"
    play.cluster.service = service(condition("SchedulerWorkloadReady", "False", "MinimumReplicasUnavailable"))
    play.cluster.deployments = [deployment()]
    play.cluster.pods = [*ready_pods(), picker]
    play.run(wait=False)
    assert play.problem["message"].startswith("The endpoint picker ")
    assert "OutOfcpu: no room" in play.problem["message"]


@pytest.mark.parametrize(("status", "reason"), [(408, ""), (409, "Conflict"), (410, "Expired"), (500, "ServerTimeout")])
def test_an_api_server_that_is_away_is_asked_again(play: Play, status: int, reason: str) -> None:
    play.cluster.serve()
    play.cluster.pods = [pending()]
    play.cluster.service = starting_service()
    play.cluster.at(10, play.cluster.serve)
    play.cluster.troubles = [None, KubernetesError("list", status, reason, "later")]
    play.run()
    assert play.error is None
