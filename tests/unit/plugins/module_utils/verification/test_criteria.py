# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guide's success criteria, held against what a cluster holds."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._findings import FAILED, OK, Finding
from ansible_collections.rhaii.gke.plugins.module_utils._verification.criteria import (
    Criterion,
    Seen,
    Wanted,
    judge,
)

WANTED = Wanted(
    services={"qwen": 2},
    tpu_pool="tpu-pool",
    gateway="inference-gateway",
    secrets=["rhaiis-pull-secret", "huggingface-token"],
    deployments=["istio-system/istiod", "opendatahub/kserve-controller-manager"],
    envoyfilters=["envoyfilter-route-extproc-body"],
    network_policies=["allow-gateway-to-vllm", "allow-istio"],
)
AGAIN = "Run deploy.yml again: it waits, and says what holds a replica back."


def condition(kind: str = "Ready", status: str = "True", **more: str) -> dict[str, str]:
    return {"type": kind, "status": status, **more}


def node(name: str, pool: str = "tpu-pool", ready: str = "True") -> dict[str, Any]:
    return {
        "metadata": {"name": name, "labels": {"cloud.google.com/gke-nodepool": pool}},
        "status": {"conditions": [condition("MemoryPressure", "False"), condition(status=ready)]},
    }


def deployment(namespace: str, name: str) -> dict[str, Any]:
    return {
        "metadata": {"namespace": namespace, "name": name, "generation": 1},
        "spec": {"replicas": 1},
        "status": {"observedGeneration": 1, "updatedReplicas": 1, "availableReplicas": 1},
    }


def service(*conditions: dict[str, str], generation: int = 1, observed: int = 1) -> dict[str, Any]:
    return {
        "metadata": {"name": "qwen", "generation": generation},
        "spec": {"replicas": 2},
        "status": {"observedGeneration": observed, "conditions": list(conditions)},
    }


def pod(name: str, node_name: str, ready: str = "True", service: str = "qwen", **metadata: Any) -> dict[str, Any]:
    return {
        "metadata": {
            "name": name,
            "labels": {
                "app.kubernetes.io/name": service,
                "app.kubernetes.io/part-of": "llminferenceservice",
                "kserve.io/component": "workload",
            },
            **metadata,
        },
        "spec": {"nodeName": node_name},
        "status": {"phase": "Running", "conditions": [condition(status=ready)]},
    }


def gateway(*addresses: str, protocol: str = "HTTP") -> dict[str, Any]:
    return {
        "metadata": {"name": "inference-gateway"},
        "spec": {"listeners": [{"protocol": protocol, "port": 80}]},
        "status": {"addresses": [{"type": "IPAddress", "value": address} for address in addresses]},
    }


SEEN = Seen(
    nodes=[node("n1"), node("n2")],
    deployments=[deployment("istio-system", "istiod"), deployment("opendatahub", "kserve-controller-manager")],
    services=[service(condition())],
    pods=[pod("p1", "n1"), pod("p2", "n2")],
    gateway=gateway("203.0.113.7"),
    secrets=["huggingface-token", "other", "rhaiis-pull-secret"],
    envoyfilters=[{"metadata": {"name": "envoyfilter-route-extproc-body"}}],
    network_policies=["allow-gateway-to-vllm", "allow-istio"],
)


def found(check: str, wanted: Wanted = WANTED, **seen: Any) -> Finding:
    """The one finding of that name when a part of the cluster is otherwise."""
    return next(plain(item) for item in judge(replace(SEEN, **seen), wanted) if item.check == check)


def plain(item: Criterion) -> Finding:
    """Without its cause, which has a test of its own."""
    return Finding(item.check, item.verdict, item.found, item.remedy)


def cause(check: str, wanted: Wanted = WANTED, **seen: Any) -> str:
    return next(item.cause for item in judge(replace(SEEN, **seen), wanted) if item.check == check)


def test_environment_as_the_guide_promises_it() -> None:
    assert {item.cause for item in judge(SEEN, WANTED)} == {""}
    assert [plain(item) for item in judge(SEEN, WANTED)] == [
        Finding("TPU nodes", OK, "2 of 2 nodes of tpu-pool are ready, 2 are needed"),
        Finding("secrets", OK, "rhaiis-pull-secret, huggingface-token"),
        Finding("operators", OK, "istiod, kserve-controller-manager"),
        Finding("service qwen", OK, "READY=True"),
        Finding("replicas of qwen", OK, "2 of 2 serve, on 2 nodes"),
        Finding("gateway", OK, "inference-gateway at 203.0.113.7"),
        Finding("EnvoyFilter", OK, "envoyfilter-route-extproc-body"),
        Finding("network policies", OK, "allow-gateway-to-vllm, allow-istio"),
    ]


def test_empty_cluster_fails_every_check_and_each_says_what_to_do() -> None:
    findings = judge(Seen(), WANTED)
    assert [(item.check, item.verdict, item.found, item.remedy) for item in findings] == [
        (
            "TPU nodes",
            FAILED,
            "0 of 0 nodes of tpu-pool are ready, 2 are needed",
            "See why with: kubectl describe nodes, and run deploy.yml again.",
        ),
        (
            "secrets",
            FAILED,
            "missing: rhaiis-pull-secret, huggingface-token",
            "Run deploy.yml: it makes them from your files.",
        ),
        (
            "operators",
            FAILED,
            "not available: istio-system/istiod, opendatahub/kserve-controller-manager",
            "Run deploy.yml again.",
        ),
        ("service qwen", FAILED, "does not exist", "Run deploy.yml."),
        ("replicas of qwen", FAILED, "0 of 2 serve, on 0 nodes", AGAIN),
        (
            "gateway",
            FAILED,
            "inference-gateway has no address",
            "Run deploy.yml; a load balancer takes minutes.",
        ),
        (
            "EnvoyFilter",
            FAILED,
            "missing: envoyfilter-route-extproc-body",
            "Run deploy.yml: without it routes may have no endpoint picker to ask.",
        ),
        (
            "network policies",
            FAILED,
            "missing: allow-gateway-to-vllm, allow-istio",
            "Run deploy.yml: it applies them.",
        ),
    ]


def test_each_model_is_judged_and_needs_its_nodes() -> None:
    wanted = replace(WANTED, services={"qwen": 2, "gemma": 1})
    checks = [item.check for item in judge(SEEN, wanted)]
    assert checks[3:7] == ["service qwen", "service gemma", "replicas of qwen", "replicas of gemma"]
    assert found("TPU nodes", wanted).found == "2 of 2 nodes of tpu-pool are ready, 3 are needed"


@pytest.mark.parametrize(
    ("nodes", "verdict", "text"),
    [
        pytest.param([node("n1"), node("n2"), node("n3")], OK, "3 of 3", id="one to spare"),
        pytest.param(
            [node("n1"), node("n2"), node("n3", ready="False")], OK, "2 of 3", id="the spare one is not ready"
        ),
        pytest.param([node("n1"), node("n2", ready="Unknown")], FAILED, "1 of 2", id="one is lost"),
        pytest.param([node("n1"), node("n2", "default-pool")], FAILED, "1 of 1", id="one of another pool"),
        pytest.param([node("n1"), {"metadata": {"name": "n2", "labels": None}}], FAILED, "1 of 1", id="no labels"),
        pytest.param([node("n1"), {**node("n2"), "status": None}], FAILED, "1 of 2", id="no status"),
        pytest.param([node("n1"), {**node("n2"), "status": {"conditions": None}}], FAILED, "1 of 2", id="no condition"),
    ],
)
def test_nodes(nodes: list[dict[str, Any]], verdict: str, text: str) -> None:
    finding = found("TPU nodes", nodes=nodes)
    assert (finding.verdict, finding.found) == (verdict, f"{text} nodes of tpu-pool are ready, 2 are needed")


def test_one_missing_name_is_the_one_that_is_said() -> None:
    assert found("secrets", secrets=["rhaiis-pull-secret"]).found == "missing: huggingface-token"
    assert found("network policies", network_policies=["allow-istio"]).found == "missing: allow-gateway-to-vllm"


def test_nothing_wanted_is_said_as_such() -> None:
    assert found("network policies", replace(WANTED, network_policies=[])) == Finding(
        "network policies", OK, "none wanted"
    )


@pytest.mark.parametrize(
    ("check", "wanted", "seen", "wanted_cause"),
    [
        ("TPU nodes", WANTED, {"nodes": [node("n1")]}, "too-few-tpu-nodes"),
        ("TPU nodes", WANTED, {"nodes": [node("n1"), node("n2", ready="False")]}, "node-not-ready"),
        ("secrets", WANTED, {"secrets": []}, "secret-missing"),
        ("operators", WANTED, {"deployments": []}, "operator-unavailable"),
        ("service qwen", WANTED, {"services": []}, "service-missing"),
        ("service qwen", WANTED, {"services": [service(condition(), observed=0)]}, "controller-not-observing"),
        ("replicas of qwen", WANTED, {"pods": []}, "replicas-not-serving"),
        ("gateway", WANTED, {"gateway": None}, "gateway-without-address"),
        ("gateway", WANTED, {"gateway": gateway("203.0.113.7", protocol="TCP")}, "gateway-without-listener"),
        ("gateway", WANTED, {"gateway": gateway("gateway.ns.svc.cluster.local")}, "gateway-cluster-only"),
        ("EnvoyFilter", WANTED, {"envoyfilters": []}, "envoyfilter-missing"),
        ("network policies", WANTED, {"network_policies": []}, "network-policy-missing"),
    ],
)
def test_what_is_not_met_names_its_cause(check: str, wanted: Wanted, seen: dict[str, Any], wanted_cause: str) -> None:
    assert cause(check, wanted, **seen) == wanted_cause


def test_operator_that_is_not_available_is_named() -> None:
    waiting = copy.deepcopy(list(SEEN.deployments))
    waiting[0]["status"]["availableReplicas"] = 0
    assert found("operators", deployments=waiting).found == "not available: istio-system/istiod"


@pytest.mark.parametrize(
    ("state", "text"),
    [
        pytest.param(
            service(
                condition(status="False", reason="MinimumReplicasUnavailable", message="x"),
                condition("WorkloadsReady", "False", reason="MinimumReplicasUnavailable", message="x"),
                condition("MainWorkloadReady", "False", reason="MinimumReplicasUnavailable", message="has 1 of 2"),
            ),
            "MainWorkloadReady: has 1 of 2",
            id="the leaf and not what follows from it",
        ),
        pytest.param(
            service(condition(status="False"), condition("RouterReady", "False", reason="GatewaysNotReady")),
            "RouterReady: GatewaysNotReady",
            id="a reason where there is no message",
        ),
        pytest.param(
            service(
                condition(status="False"),
                condition("MainWorkloadReady", "False", message="m"),
                condition("InferencePoolReady", "False"),
            ),
            "MainWorkloadReady: m; InferencePoolReady: False",
            id="two",
        ),
        pytest.param(
            service(condition(), condition("PresetsCombined", "False", message="no such config")),
            "PresetsCombined: no such config",
            id="presets that older KServes leave out of Ready",
        ),
        pytest.param(
            service(condition(status="Unknown")), "Ready: Unknown", id="of the newest generation and not judged yet"
        ),
        pytest.param(
            service(), "Ready: KServe has not judged the service yet", id="no condition of the newest generation"
        ),
        pytest.param(
            service(condition(), generation=3, observed=2),
            "its status is of generation 2, the service of 3",
            id="ready in an older generation",
        ),
        pytest.param({"metadata": {"name": "qwen", "generation": 1}}, "no status yet", id="no status"),
        pytest.param(
            {"metadata": {"name": "qwen", "generation": 1}, "status": {"conditions": [condition()]}},
            "its status is of generation 0, the service of 1",
            id="no observed generation",
        ),
    ],
)
def test_service_that_is_not_ready_says_why(state: dict[str, Any], text: str) -> None:
    assert found("service qwen", services=[state]) == Finding("service qwen", FAILED, text, AGAIN)


def test_ready_service_may_have_conditions_that_only_inform() -> None:
    state = service(condition(), condition("GroupReady", "False"))
    assert found("service qwen", services=[state]).verdict == OK


def test_other_services_are_not_taken_for_it() -> None:
    other = service(condition())
    other["metadata"]["name"] = "other"
    assert found("service qwen", services=[other, service(condition(status="False"))]).verdict == FAILED
    assert found("service qwen", services=[other, service(condition())]).verdict == OK


def changed_label(key: str, value: str) -> dict[str, Any]:
    other = pod("p2", "n2")
    other["metadata"]["labels"][key] = value
    return other


@pytest.mark.parametrize(
    ("pods", "text"),
    [
        pytest.param([pod("p1", "n1")], "1 of 2 serve, on 1 nodes", id="one too few"),
        pytest.param([pod("p1", "n1"), pod("p2", "n1")], "2 of 2 serve, on 1 nodes", id="two on one node"),
        pytest.param([pod("p1", "n1"), pod("p2", "n2", "False")], "1 of 2 serve, on 1 nodes", id="one not ready"),
        pytest.param(
            [pod("p1", "n1"), pod("p2", "n2"), pod("p3", "n3")], "3 of 2 serve, on 3 nodes", id="one too many"
        ),
        pytest.param(
            [pod("p1", "n1"), pod("p2", "n2"), pod("p3", "n3", "False")],
            "2 of 2 serve, on 2 nodes",
            id="one more on its way",
        ),
        pytest.param(
            [pod("p1", "n1"), pod("p2", "n2", service="other")], "1 of 2 serve, on 1 nodes", id="another service's"
        ),
        pytest.param(
            [pod("p1", "n1"), changed_label("kserve.io/component", "router")],
            "1 of 2 serve, on 1 nodes",
            id="no model server",
        ),
        pytest.param(
            [pod("p1", "n1"), changed_label("app.kubernetes.io/part-of", "x")],
            "1 of 2 serve, on 1 nodes",
            id="not KServe's",
        ),
        pytest.param(
            [pod("p1", "n1"), {**pod("p2", "n2"), "metadata": {"name": "p2", "labels": None}}],
            "1 of 2 serve, on 1 nodes",
            id="no labels",
        ),
        pytest.param(
            [pod("p1", "n1"), pod("p2", "n2", deletionTimestamp="2026-11-24T12:00:00Z")],
            "1 of 2 serve, on 1 nodes",
            id="one is leaving",
        ),
    ],
)
def test_replicas_that_are_not_exactly_those_wanted(pods: list[dict[str, Any]], text: str) -> None:
    assert found("replicas of qwen", pods=pods) == Finding("replicas of qwen", FAILED, text, AGAIN)


@pytest.mark.parametrize(
    "gone",
    [
        pytest.param({**pod("p3", "n3", "False"), "status": {"phase": "Failed"}}, id="failed"),
        pytest.param({**pod("p3", "n3", "False"), "status": {"phase": "Succeeded"}}, id="succeeded"),
        pytest.param(pod("p3", "n3", deletionTimestamp="2026-11-24T12:00:00Z"), id="leaving"),
        pytest.param({"metadata": {"name": "epp", "labels": {}}, "spec": {}}, id="no model pod"),
    ],
)
def test_pods_that_went_or_are_not_meant_do_not_count(gone: dict[str, Any]) -> None:
    finding = found("replicas of qwen", pods=[*SEEN.pods, gone])
    assert (finding.verdict, finding.found) == (OK, "2 of 2 serve, on 2 nodes")


def test_pod_without_a_status_counts_as_not_ready() -> None:
    assert found("replicas of qwen", pods=[pod("p1", "n1"), {**pod("p2", "n2"), "status": None}]).verdict == FAILED


@pytest.mark.parametrize(
    ("there", "finding"),
    [
        pytest.param(
            gateway(),
            Finding(
                "gateway",
                FAILED,
                "inference-gateway has no address",
                "Run deploy.yml; a load balancer takes minutes.",
            ),
            id="no address yet",
        ),
        pytest.param(
            gateway("203.0.113.7", protocol="TCP"),
            Finding(
                "gateway",
                FAILED,
                "inference-gateway at 203.0.113.7 has no listener for HTTP or HTTPS",
                "Run deploy.yml: it gives it one.",
            ),
            id="nothing that requests could go to",
        ),
    ],
)
def test_gateway_that_does_not_serve(there: dict[str, Any], finding: Finding) -> None:
    assert found("gateway", gateway=there) == finding
