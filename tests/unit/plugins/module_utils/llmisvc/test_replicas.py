# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stage of a replica, from its Pod and its log, and what a Deployment counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.ports import Json
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.replicas import (
    WAY,
    Counts,
    Replica,
    Trouble,
    at_stage,
    counts_of,
    doing,
    marker,
    older_hashes,
    refusal,
    replica_of,
    rollout_problem,
    settled,
    stage_of,
    workload_deployments,
)

from tests.unit.plugins.module_utils.llmisvc.fake_cluster import (
    IMAGE,
    NAME,
    condition,
    deployment,
    ended,
    pending,
    pod,
    replica_set,
    running,
    waiting,
)

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
OOM = {"exitCode": 137, "reason": "OOMKilled"}
FAILED = {"exitCode": 1, "reason": "Error"}


def replica(body: Json) -> Replica:
    return replica_of(body, {"old"})


@pytest.mark.parametrize(
    ("body", "stage"),
    [
        pytest.param(pending(), "Pending", id="without a node"),
        pytest.param(
            pod(init=waiting("PodInitializing"), main=waiting("PodInitializing")), "Creating", id="nothing runs"
        ),
        pytest.param(pod(init=running(), main=waiting("PodInitializing")), "Downloading", id="downloads"),
        pytest.param(pod(main=waiting("PodInitializing")), "PodInitializing", id="downloaded"),
        pytest.param(pod(), "Starting", id="server runs"),
        pytest.param(pod(ready=True), "Ready", id="ready"),
        pytest.param(pod(main=waiting("ErrImagePull")), "Failing", id="image"),
        pytest.param(pod(init=waiting("CrashLoopBackOff")), "Failing", id="download crashes"),
        pytest.param(pod(main=ended(0)), "Failing", id="server ended without an error"),
        pytest.param(pod(main=ended(1)), "Failing", id="server ended"),
        pytest.param(pod(init=ended(1), main=waiting("PodInitializing")), "Failing", id="download ended badly"),
        pytest.param(pod(deletionTimestamp="2026-11-24T12:00:00Z"), "Leaving", id="being deleted"),
        pytest.param(pod(ready=True, deletionTimestamp="2026-11-24T12:00:00Z"), "Leaving", id="deleted while ready"),
        pytest.param(pod(phase="Failed"), "Finished", id="evicted"),
        pytest.param(pod(phase="Succeeded", ready=True), "Finished", id="over"),
        pytest.param(pod(phase="Failed", deletionTimestamp="2026-11-24T12:00:00Z"), "Finished", id="evicted, deleted"),
    ],
)
def test_stage_of_a_pod(body: Json, stage: str) -> None:
    assert replica(body).stage == stage


def test_a_pod_without_init_containers_is_set_up() -> None:
    body = pod(main=waiting("ContainerCreating"))
    del body["status"]["initContainerStatuses"], body["spec"]["initContainers"]
    assert replica(body).stage == "Creating"


def test_another_init_container_is_no_download() -> None:
    body = pod(init=running(), main=waiting("PodInitializing"))
    body["status"]["initContainerStatuses"][0]["name"] = "other"
    assert replica(body).stage == "PodInitializing"


def test_a_sidecar_does_not_count_as_initializing() -> None:
    body = pod(init=running(), main=waiting("PodInitializing"))
    body["spec"]["initContainers"] = [{"name": "sidecar", "restartPolicy": "Always"}]
    body["status"]["initContainerStatuses"][0]["name"] = "sidecar"
    assert replica(body).stage == "Creating"


def test_the_serving_container_is_main_wherever_it_stands() -> None:
    body = pod()
    body["status"]["containerStatuses"].insert(0, {"name": "proxy", **waiting("ContainerCreating")})
    assert replica(body).stage == "Starting"
    body["status"]["containerStatuses"] = [{"name": "epp", **running()}]
    assert replica(body).stage == "Starting"


def test_a_pod_whose_node_has_said_nothing_yet_is_set_up() -> None:
    body = pod()
    body["status"] = {"phase": "Pending"}
    assert replica(body).stage == "Creating"
    del body["status"]
    assert replica(body).stage == "Creating"


@pytest.mark.parametrize(
    ("spec", "image"),
    [
        pytest.param({}, "from the status", id="none in the spec"),
        pytest.param({"containers": [{"name": "other", "image": "b"}]}, "from the status", id="of another"),
        pytest.param({"containers": [{"name": "x", "image": "a"}, {"name": "main", "image": "b"}]}, "b", id="among"),
        pytest.param({"containers": [{"name": "main"}]}, "from the status", id="without an image"),
        pytest.param({"initContainers": [{"name": "main", "image": "c"}]}, "c", id="of an init container"),
    ],
)
@pytest.mark.parametrize("state", [waiting("ErrImagePull"), ended(1)])
def test_an_image_is_named_as_it_was_asked_for(spec: Json, image: str, state: Json) -> None:
    body = pod(main=state)
    body["spec"] = {"nodeName": "gke-1", **spec}
    body["status"]["containerStatuses"][0]["image"] = "from the status"
    trouble = replica(body).trouble
    assert trouble and trouble.image == image


def test_everything_that_a_pod_tells() -> None:
    found = replica(pod(init=ended(0, restarts=2), main=running(restarts=3)))
    assert found == Replica(
        uid="uid of aaaaa",
        name=f"{NAME}-kserve-new-aaaaa",
        stage="Starting",
        node="gke-1",
        restarts=5,
        started="2026-11-24T12:00:00Z",
        pull_secrets=("rhaiis-pull-secret",),
    )
    assert found.short == "aaaaa"
    assert found.public() == {
        "name": f"{NAME}-kserve-new-aaaaa",
        "node": "gke-1",
        "stage": "Starting",
        "ready": False,
        "restarts": 5,
        "started": "2026-11-24T12:00:00Z",
        "message": "",
    }
    assert replica(pod(ready=True)).public()["ready"] is True


def test_the_scheduler_says_why_a_pod_waits() -> None:
    said = "0/5 nodes are available: 2 Insufficient google.com/tpu. preemption: 0/5 nodes are available: 5 No victims."
    assert replica(pending(message=said)).message == "0/5 nodes are available: 2 Insufficient google.com/tpu."
    assert replica(pod(node="", phase="Pending")).message == ""


def test_an_evicted_pod_says_why() -> None:
    body = pod(phase="Failed")
    body["status"].update(reason="Evicted", message="The node was low on resource")
    assert replica(body).message == "Evicted: The node was low on resource"
    body["status"]["message"] = ""
    assert replica(body).message == "Evicted"


@pytest.mark.parametrize(
    ("body", "trouble"),
    [
        pytest.param(
            pod(main=waiting("ImagePullBackOff", "Back-off")),
            Trouble("main", "ImagePullBackOff", "Back-off", IMAGE),
            id="image",
        ),
        pytest.param(
            pod(init=waiting("CrashLoopBackOff", "back-off 20s", 2, FAILED)),
            Trouble("storage-initializer", "CrashLoopBackOff", "back-off 20s", "init-image", 3, 1),
            id="crash loop",
        ),
        pytest.param(
            pod(main=waiting("CrashLoopBackOff", "back-off 10s", 1, OOM)),
            Trouble("main", "OOMKilled", "back-off 10s", IMAGE, 2, 137),
            id="killed, waiting",
        ),
        pytest.param(
            pod(main=ended(137, "OOMKilled")),
            Trouble("main", "OOMKilled", "it ended with exit code 137", IMAGE, 1, 137),
            id="killed",
        ),
        pytest.param(
            pod(main=ended(0, restarts=1)),
            Trouble("main", "Completed", "it ended with exit code 0", IMAGE, 2, 0),
            id="ended",
        ),
        pytest.param(
            pod(init=waiting("ErrImagePull"), main=waiting("PodInitializing")),
            Trouble("storage-initializer", "ErrImagePull", "", "init-image"),
            id="image of the download",
        ),
        pytest.param(pod(main=waiting("PodInitializing")), None, id="none, initializing"),
        pytest.param(pod(init=waiting("ContainerCreating"), main=waiting("")), None, id="none, creating"),
        pytest.param(pod(main=running(7)), None, id="none, running again"),
    ],
)
def test_trouble_of_a_pod(body: Json, trouble: Trouble | None) -> None:
    found = replica(body)
    assert found.trouble == trouble
    assert found.message == (trouble.text if trouble else "")


def test_a_pod_that_leaves_is_in_no_trouble() -> None:
    found = replica(pod(main=ended(1), deletionTimestamp="2026-11-24T12:00:00Z"))
    assert found.trouble is None
    assert found.message == ""


@pytest.mark.parametrize(
    ("trouble", "brief"),
    [
        pytest.param(Trouble("main", "ErrImagePull", "x", "img"), "main: its image img cannot be pulled", id="attempt"),
        pytest.param(
            Trouble("main", "ImagePullBackOff", "y", "img"), "main: its image img cannot be pulled", id="pause"
        ),
        pytest.param(Trouble("main", "CrashLoopBackOff", "back-off", crashes=2), "main: ended 2 times", id="crashed"),
        pytest.param(Trouble("main", "Error", "it ended", crashes=1), "main: ended 1 time", id="crashed once"),
        pytest.param(
            Trouble("main", "OOMKilled", "it", crashes=1), "main: ended 1 time, for lack of memory", id="killed"
        ),
        pytest.param(Trouble("main", "CreateContainerError", "why"), "main: CreateContainerError: why", id="other"),
        pytest.param(Trouble("main", "CreateContainerError", ""), "main: CreateContainerError", id="without a message"),
    ],
)
def test_a_trouble_is_told_in_the_same_words_while_it_lasts(trouble: Trouble, brief: str) -> None:
    assert trouble.brief == brief


@pytest.mark.parametrize(
    ("until", "lingers"),
    [
        pytest.param("2026-11-24T12:00:30Z", True, id="has time left"),
        pytest.param("2026-11-24T11:59:01Z", True, id="late"),
        pytest.param("2026-11-24T11:59:00Z", False, id="stuck"),
        pytest.param("never", True, id="unreadable"),
    ],
)
def test_a_pod_that_leaves_is_waited_for_up_to_a_minute_beyond_its_time(until: str, lingers: bool) -> None:
    assert replica(pod(deletionTimestamp=until)).lingers(NOW) is lingers
    assert not replica(pod()).lingers(NOW)


def test_only_what_stays_counts() -> None:
    assert replica(pod()).counts
    assert not replica(pod(phase="Failed")).counts
    assert not replica(pod(deletionTimestamp="2026-11-24T12:00:00Z")).counts


@pytest.mark.parametrize(
    ("deployments", "sets", "older"),
    [
        pytest.param([deployment()], [replica_set()], set(), id="one"),
        pytest.param([deployment()], [replica_set(), replica_set("old", "1")], {"old"}, id="two"),
        pytest.param([deployment()], [replica_set("old", "1")], {"old"}, id="the newest is not known yet"),
        pytest.param([deployment()], [], set(), id="none"),
        pytest.param([deployment(observed=3)], [replica_set("old", "1")], set(), id="not looked at yet"),
        pytest.param([deployment()], [replica_set("old", "1", owner="another")], set(), id="of another Deployment"),
        pytest.param(
            [deployment(), deployment(name="epp", revision="1")],
            [replica_set(), replica_set("old", "1"), replica_set("pick", owner="epp"), replica_set("good", "1", "epp")],
            {"old", "pick"},
            id="with an endpoint picker",
        ),
        pytest.param([], [replica_set("old", "1")], set(), id="no Deployment"),
    ],
)
def test_what_is_not_of_the_deployments_revision_is_older(
    deployments: list[Json], sets: list[Json], older: set[str]
) -> None:
    assert older_hashes(deployments, sets) == older


def test_a_pod_is_of_the_newest_form_unless_its_hash_is_older() -> None:
    assert replica_of(pod(), {"old"}).newest
    assert not replica_of(pod(template="old"), {"old"}).newest
    body = pod()
    del body["metadata"]["labels"]["pod-template-hash"]
    assert replica_of(body, {"old"}).newest  # of no Deployment


def test_deployments_are_settled_when_all_were_looked_at() -> None:
    assert settled([])
    assert settled([deployment(), deployment(observed=5)])
    assert not settled([deployment(), deployment(observed=3)])


def test_an_endpoint_picker_is_no_workload() -> None:
    assert replica(pod()).workload
    assert not replica(pod(labels={"app.kubernetes.io/name": NAME})).workload


@pytest.mark.parametrize(
    ("log", "found"),
    [
        pytest.param(
            "INFO Starting to load model m...", ("LoadingWeights", "Starting to load model m..."), id="starts"
        ),
        pytest.param(
            "x\nLoading safetensors checkpoint shards:  50% Completed | 1/2\nnoise",
            ("LoadingWeights", "Loading safetensors checkpoint shards:  50% Completed | 1/2"),
            id="loads",
        ),
        pytest.param("Loading weights took 60.00 s", ("LoadingWeights", "Loading weights took 60.00 s"), id="loaded"),
        pytest.param("GPU KV cache size: 9 tokens", ("LoadingWeights", "GPU KV cache size: 9 tokens"), id="cache"),
        pytest.param(
            "Loading weights took 1 s\nCompiling the model with different input shapes.",
            ("Compiling", "Compiling the model with different input shapes."),
            id="compiles",
        ),
        pytest.param(
            "Compiling the model with different input shapes.\nCompiled the model with different input shapes in 9 s",
            ("AwaitingProbe", "Compiled the model with different input shapes in 9 s"),
            id="compiled",
        ),
        pytest.param(
            "Application startup complete.\n", ("AwaitingProbe", "Application startup complete."), id="complete"
        ),
        pytest.param("INFO vLLM API server version 0.11", None, id="nothing known"),
        pytest.param("", None, id="empty"),
    ],
)
def test_the_newest_known_line_of_a_log_counts(log: str, found: tuple[str, str] | None) -> None:
    assert marker(log) == found


def test_a_long_line_is_cut() -> None:
    found = marker("Loading weights took " + "x" * 200)
    assert found and len(found[1]) == 120


def test_a_replica_takes_the_stage_that_its_log_tells() -> None:
    found = at_stage(replica(pod()), "Compiling", "line")
    assert (found.stage, found.message, found.starting) == ("Compiling", "line", True)
    assert not replica(pod(ready=True)).starting


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(deployment(), None, id="complete"),
        pytest.param(deployment(1, 1, 1, desired=None), None, id="complete, one by default"),
        pytest.param(deployment(0, 0, 0, desired=0), None, id="complete at nought"),
        pytest.param(deployment(observed=3), "NotObserved", id="not looked at"),
        pytest.param(deployment(observed=5), None, id="looked at later"),
        pytest.param(deployment(3, 2, 3), "Updating", id="one is old"),
        pytest.param(deployment(5, 5, 5), "Updating", id="two too many"),
        pytest.param(deployment(3, 3, 4), "OldReplicas", id="one old is left"),
        pytest.param(deployment(2, 3, 3), "NotReady", id="one is not ready"),
        pytest.param(deployment(4, 3, 3), "NotReady", id="one ready too many"),
        pytest.param(deployment(0, 0, 0), "Updating", id="none"),
    ],
)
def test_what_separates_a_deployment_from_complete(body: Json, reason: str | None) -> None:
    problem = rollout_problem(NAME, [body], [], NOW)
    assert (problem.reason if problem else None) == reason
    if problem:
        assert (problem.kind, problem.name, problem.after) == ("deployment", f"{NAME}-kserve", None)


def test_the_counts_are_told() -> None:
    def said(body: Json) -> str:
        problem = rollout_problem(NAME, [body], [], NOW)
        return problem.message if problem else ""

    assert said(deployment(3, 2, 3)) == f"The Deployment {NAME}-kserve has 2 of 3 replicas in their newest form."
    assert said(deployment(3, 3, 5)) == f"The Deployment {NAME}-kserve still has 2 replicas of an older form."
    assert said(deployment(1, 3, 3)) == f"The Deployment {NAME}-kserve has 1 of 3 replicas ready."


def test_every_deployment_must_be_complete() -> None:
    problem = rollout_problem(NAME, [deployment(), deployment(2, name="prefill")], [], NOW)
    assert problem and problem.name == "prefill"


def test_a_missing_deployment_is_named_as_kserve_names_it() -> None:
    problem = rollout_problem("n" * 60, [], [], NOW)
    assert problem and problem.reason == "NotFound"
    assert problem.name.startswith("n" * 24) and problem.name.endswith("-kserve") and len(problem.name) == 63


def test_a_pod_that_still_leaves_keeps_a_rollout_open() -> None:
    leaving = replica(pod(deletionTimestamp="2026-11-24T12:00:30Z"))
    problem = rollout_problem(NAME, [deployment()], [leaving], NOW)
    assert problem and (problem.kind, problem.name, problem.reason) == ("pod", leaving.name, "Leaving")
    picker = replica(pod(deletionTimestamp="2026-11-24T12:00:30Z", labels={}))
    assert rollout_problem(NAME, [deployment()], [picker], NOW) is None
    assert rollout_problem(NAME, [deployment()], [leaving], NOW + timedelta(minutes=2)) is None


def test_counts_add_up() -> None:
    assert counts_of([deployment(1, 2, 3), deployment(1, 1, 1, desired=None)]) == Counts(4, 2, 3)
    assert counts_of([{"metadata": {}}]) == Counts(1, 0, 0)
    assert Counts(3, 2, 1).public() == {"desired": 3, "ready": 2, "updated": 1}


def test_workload_deployments_are_known_by_label_or_name() -> None:
    picker = deployment(name=f"{NAME}-kserve-router-scheduler", labels={})
    unlabelled = deployment(labels={})
    prefill = deployment(name=f"{NAME}-kserve-prefill")
    assert workload_deployments(NAME, [picker, unlabelled, prefill]) == [unlabelled, prefill]


@pytest.mark.parametrize(
    ("status", "message", "after"),
    [
        pytest.param("True", 'admission webhook "warden" denied the request: [denied by x]', 30.0, id="denied"),
        pytest.param("True", 'Pod "x" is invalid: spec.y', 30.0, id="invalid"),
        pytest.param("True", 'pods "x" is forbidden: violates PodSecurity "restricted"', 30.0, id="pod security"),
        pytest.param("True", 'pods "x" is forbidden: exceeded quota: q', None, id="quota"),
    ],
)
def test_a_refused_pod_is_told(status: str, message: str, after: float | None) -> None:
    problem = refusal(
        [deployment(), deployment(conditions=[condition("ReplicaFailure", status, "FailedCreate", message)])], 30.0
    )
    assert problem and (problem.reason, problem.after) == ("FailedCreate", after)
    assert message in problem.message and problem.remedy


def test_no_refusal_without_the_condition() -> None:
    assert refusal([deployment(conditions=[condition("ReplicaFailure", "False", "x", "y")])], 1.0) is None
    bare = refusal([deployment(conditions=[{"type": "ReplicaFailure", "status": "True"}])], 1.0)
    assert bare and bare.reason == "FailedCreate" and "no reason given" in bare.message


@pytest.mark.parametrize(
    ("replicas", "stage"),
    [
        pytest.param([("a", "Ready"), ("b", "Compiling"), ("c", "Starting")], "Starting", id="least advanced"),
        pytest.param([("a", "Ready"), ("b", "Compiling"), ("c", "Failing")], "Failing", id="trouble"),
        pytest.param([("a", "Ready"), ("b", "Ready"), ("c", "Ready")], "Routing", id="all ready"),
        pytest.param([("a", "Ready"), ("b", "Ready")], "NoPod", id="too few"),
        pytest.param([("a", "Ready"), ("b", "Ready"), ("c", "Ready"), ("d", "Finished")], "Routing", id="one evicted"),
        pytest.param([], "NoPod", id="none"),
    ],
)
def test_the_whole_is_at_the_stage_of_its_least_advanced_replica(replicas: list[Any], stage: str) -> None:
    assert stage_of([Replica(uid=name, name=name, stage=at) for name, at in replicas], 3, NOW) == stage


def test_older_replicas_are_replaced() -> None:
    ready = [Replica(uid=name, name=name, stage="Ready") for name in "abc"]
    assert stage_of([*ready, Replica("d", "d", "Ready", newest=False)], 3, NOW) == "Replacing"
    assert stage_of([*ready, Replica("d", "d", "Leaving", newest=False)], 3, NOW) == "Replacing"
    assert stage_of([*ready, Replica("d", "d", "Finished", newest=False)], 3, NOW) == "Routing"
    assert stage_of([*ready, Replica("d", "d", "Pending", workload=False)], 3, NOW) == "Routing"
    assert stage_of([*ready[:1], Replica("d", "d", "Failing", newest=False)], 3, NOW) == "Replacing"


def test_every_stage_has_words() -> None:
    assert len({doing(stage) for stage in WAY}) == len(WAY)
