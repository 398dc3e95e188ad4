# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a wait makes of pods that their node refuses or ends, that no node takes, or that go."""

from __future__ import annotations

from functools import partial
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.ports import WaitPorts
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.wait import run

from tests.field.rows import Row, rows
from tests.unit.fake_clock import FakeClock
from tests.unit.plugins.module_utils.llmisvc.fake_cluster import (
    NAME,
    NAMESPACE,
    FakeCluster,
    condition,
    deployment,
    pod,
    service,
    starting_service,
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
    "wait_timeout": 400,
    "wait_interval": 10.0,
}
# A controller makes the next pod at once; this many seconds lie between two that a test lets fail.
GAP = 4


def refused(number: int, given: dict[str, Any]) -> dict[str, Any]:
    """As a kubelet leaves it: no container ever started."""
    body = pod(f"r{number:04d}", phase="Failed", node="gke-1")
    body["status"] = {
        "phase": "Failed",
        "reason": given["reason"],
        "message": given["message"],
        "startTime": "2026-11-24T12:00:00Z",
    }
    return body


def cluster_of(given: dict[str, Any], clock: FakeClock) -> FakeCluster:
    cluster = FakeCluster(clock)
    cluster.service = starting_service(replicas=1)
    cluster.deployments = [deployment(0, 1, 1, desired=1)]
    if "scheduled" in given:
        waits = condition("PodScheduled", "False", given["scheduled"], given["message"])
        body = pod("aaaaa", node="", phase="Pending", conditions=[waits])
        body["spec"]["schedulingGates"] = [{"name": gate} for gate in given["gates"]]
        cluster.pods = [body]
    elif "disruption" in given:
        goes = condition("DisruptionTarget", "True", given["disruption"], given["message"])
        cluster.pods = [pod("aaaaa", conditions=[goes], deletionTimestamp="2026-11-24T12:10:00Z")]
    else:
        _let_fail(cluster, given)
    return cluster


def _let_fail(cluster: FakeCluster, given: dict[str, Any]) -> None:
    first = [refused(number, given) for number in range(4)] if given.get("before") else []
    cluster.pods = first
    last = given.get("ends_after", 200)
    count = 0 if first else min(given.get("pods", 1000), last // GAP)

    def fail(number: int) -> None:
        cluster.pods = [each for each in cluster.pods if each["status"]["phase"] == "Failed"]
        cluster.pods.append(refused(number, given))
        if given.get("runs"):  # it was let in, and ran until its node ended it; the next one runs as well
            cluster.pods.append(pod(f"n{number:04d}"))

    for number in range(count):
        cluster.at(1 + number * GAP, partial(fail, number))

    def serve() -> None:
        cluster.service = service(replicas=1)
        cluster.deployments = [deployment(1, 1, 1, desired=1)]
        cluster.pods.append(pod("zzzzz", ready=True))

    if "ends_after" in given:
        cluster.at(last, serve)


@rows("pod_states")
def test_a_wait_tells_what_became_of_pods(row: Row) -> None:
    clock = FakeClock()
    cluster = cluster_of(row.given, clock)
    try:
        result, failure = run(PARAMS, WaitPorts(cluster, clock), lambda line: None, False), None
    except RhaiiError as error:
        result, failure = error.result, error
    verdict = row.right["verdict"]
    assert (failure is None) is (verdict == "ready"), result["msg"]
    assert (result["elapsed"] < 120) is (verdict in ("early", "ready")), (result["elapsed"], result["msg"])
    told = str(failure) if verdict != "leaves" else str(result["pods"])
    for words in row.right["says"]:
        assert words in told, told
    for words in row.right["remedy"]:
        assert words in (failure.remedy if failure else ""), failure and failure.remedy
