# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ids by which the wait names its causes: each state of a service, a replica or a log has the right one."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.logs import initializer_cause, server_cause
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.ports import Json, WaitPorts
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.problems import first
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.wait import standing

from tests.unit.fake_clock import FakeClock
from tests.unit.plugins.module_utils.llmisvc.fake_cluster import (
    IMAGE,
    NAME,
    NAMESPACE,
    FakeCluster,
    condition,
    deployment,
    ended,
    logins,
    pending,
    pod,
    ready_pods,
    service,
    starting_service,
    waiting,
)


def named(**parts: Any) -> str:
    """The cause that the wait would name first."""
    clock = FakeClock()
    cluster = FakeCluster(clock)
    cluster.serve()
    for name, value in parts.items():
        setattr(cluster, name, value)
    return first(standing(NAME, NAMESPACE, 3, WaitPorts(cluster, clock)).problems).cause


def with_pod(body: Json, **parts: Any) -> str:
    """Two replicas serve, and this is the third."""
    short = [*ready_pods("aaaaa", "bbbbb"), body]
    return named(service=starting_service(), deployments=[deployment(2, 3, 3)], pods=short, **parts)


def test_a_ready_service_has_no_cause() -> None:
    clock = FakeClock()
    cluster = FakeCluster(clock)
    cluster.serve()
    assert standing(NAME, NAMESPACE, 3, WaitPorts(cluster, clock)).problems == ()


@pytest.mark.parametrize(
    ("parts", "cause"),
    [
        ({"served": False, "service": None}, "kserve-missing"),
        ({"service": None}, "service-missing"),
        ({"service": service(deletionTimestamp="2026-11-24T12:00:00Z")}, "service-being-deleted"),
        ({"service": service(annotations={"serving.kserve.io/stop": "true"})}, "service-stopped"),
        ({"service": service(replicas=2)}, "replicas-set-elsewhere"),
        ({"service": service(observed=1)}, "controller-not-observing"),
        ({"service": service(url="")}, "service-without-url"),
        ({"service": service(condition("PresetsCombined", "False", "ConfigNotFound", "no"))}, "preset-missing"),
        ({"service": service(condition("GatewaysReady", "False", "RefsInvalid", "no"))}, "route-reference-invalid"),
        ({"service": service(condition("GatewaysReady", "False", "GatewaysNotReady"))}, "gateway-not-programmed"),
        (
            {"service": service(condition("RouterReady", "False", "SchedulerReconcileError", "is invalid"))},
            "controller-cannot-reconcile",
        ),
        ({"deployments": []}, "deployment-not-made"),
        ({"deployments": [deployment(3, 2, 3)]}, "rollout-under-way"),
    ],
)
def test_services(parts: Json, cause: str) -> None:
    assert named(**parts) == cause


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (pending(message="0/2 nodes are available: 2 Insufficient google.com/tpu."), "no-free-chips"),
        (pending(message="0/2 nodes are available: 2 node(s) were unschedulable."), "node-cordoned"),
        (pending(message="0/2 nodes: 2 node(s) didn't match Pod's node affinity/selector."), "no-node-matches"),
        (pending(message="0/2 nodes: 2 node(s) had untolerated taint {a: b}."), "taint-not-tolerated"),
        (pending(message="something new"), "pod-unscheduled"),
        (pod(main=waiting("InvalidImageName")), "image-name-invalid"),
        (pod(main=waiting("ImagePullBackOff", "429 Too Many Requests")), "registry-rate-limit"),
        (pod(main=waiting("ImagePullBackOff", "no such host")), "registry-name-unresolved"),
        (pod(main=waiting("ImagePullBackOff", "manifest unknown")), "image-missing"),
        (pod(main=waiting("ImagePullBackOff", "401 Unauthorized")), "pull-secret-missing"),
        (pod(main=waiting("CreateContainerConfigError", 'secret "x" not found')), "configuration-missing"),
        (pod(main=waiting("CreatePodSandboxError")), "pod-network-not-made"),
        (
            pod(main=waiting("CrashLoopBackOff", last={"exitCode": 137, "reason": "OOMKilled"})),
            "container-out-of-memory",
        ),
        (pod(init=ended(1)), "container-crashes"),
        (pod(), "replica-starting"),
    ],
)
def test_replicas(body: Json, cause: str) -> None:
    assert with_pod(body) == cause


@pytest.mark.parametrize(
    ("hosts", "cause"), [((), "pull-secret-without-login"), (("registry.redhat.io",), "pull-secret-refused")]
)
def test_pull_secrets_that_are_there(hosts: tuple[str, ...], cause: str) -> None:
    body = pod(main=waiting("ImagePullBackOff", f"{IMAGE}: 401 Unauthorized"))
    assert with_pod(body, secrets={"rhaiis-pull-secret": logins(*hosts)}) == cause


@pytest.mark.parametrize(
    ("log", "cause"),
    [
        ("huggingface_hub.errors.GatedRepoError: 403 Client Error.", "hub-token-refused"),
        ("ssl.SSLCertVerificationError: self-signed certificate", "hub-certificate-untrusted"),
        ("socket.gaierror: [Errno -3] Temporary failure in name resolution, hf.co", "hub-name-unresolved"),
        ("huggingface_hub: connection refused", "hub-unreachable"),
        ("OSError: [Errno 28] No space left on device", "volume-full"),
    ],
)
def test_logs_of_the_initializer(log: str, cause: str) -> None:
    found = initializer_cause(log)
    assert found is not None
    assert found.id == cause


@pytest.mark.parametrize(
    ("log", "cause"),
    [
        ("api_server.py: error: unrecognized arguments: --disable-log-requests", "server-argument-unknown"),
        ("RESOURCE_EXHAUSTED: Ran out of memory in memory space hbm", "chip-memory-too-small"),
        ("RuntimeError: TPU is already in use by another process", "chips-in-use"),
        ("ValueError: Total number of attention heads (14) must be divisible by tensor", "model-does-not-split"),
    ],
)
def test_logs_of_the_server(log: str, cause: str) -> None:
    found = server_cause(log)
    assert found is not None
    assert found.id == cause
