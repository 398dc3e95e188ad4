# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guide's success criteria, held against what a cluster holds and what requests showed."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._findings import FAILED, OK, UNKNOWN, Finding
from ansible_collections.rhaii.gke.plugins.module_utils._verification import (
    gateway_address,
    gateway_url,
    in_figures,
    judge,
    routing_findings,
)

WANTED: dict[str, Any] = {
    "models": [{"name": "qwen", "replicas": 2}],
    "pool": "tpu-pool",
    "secrets": ["rhaiis-pull-secret", "huggingface-token"],
    "deployments": ["istio-system/istiod", "opendatahub/kserve-controller-manager"],
    "gateway": "inference-gateway",
    "envoyfilters": ["envoyfilter-route-extproc-body"],
    "policies": ["allow-gateway-to-vllm", "allow-istio"],
}
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


def gateway(*addresses: str, name: str = "inference-gateway", listeners: Any = ()) -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "spec": {"listeners": listeners and list(listeners)},
        "status": {"addresses": [{"type": "IPAddress", "value": address} for address in addresses]},
    }


def named(*names: str) -> list[dict[str, Any]]:
    return [{"metadata": {"name": name}} for name in names]


SEEN: dict[str, Any] = {
    "nodes": [node("n1"), node("n2")],
    "secrets": ["huggingface-token", "other", "rhaiis-pull-secret"],
    "deployments": [deployment("istio-system", "istiod"), deployment("opendatahub", "kserve-controller-manager")],
    "services": [service(condition())],
    "pods": [pod("p1", "n1"), pod("p2", "n2")],
    "gateways": [gateway("203.0.113.7")],
    "envoyfilters": named("envoyfilter-route-extproc-body"),
    "policies": named("allow-gateway-to-vllm", "allow-istio"),
}


def found(check: str, wanted: dict[str, Any] | None = None, **seen: Any) -> Finding:
    """The one finding of that name when a part of the cluster is otherwise."""
    return next(item for item in judge({**SEEN, **seen}, {**WANTED, **(wanted or {})}) if item.check == check)


def test_environment_as_the_guide_promises_it() -> None:
    assert judge(SEEN, WANTED) == [
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
    findings = judge({**{kind: [] for kind in SEEN}}, WANTED)
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
            "Run deploy.yml: without it the endpoint picker sees no prompt.",
        ),
        (
            "network policies",
            FAILED,
            "missing: allow-gateway-to-vllm, allow-istio",
            "Run deploy.yml: it applies them.",
        ),
    ]


def test_each_model_is_judged_and_needs_its_nodes() -> None:
    models = [{"name": "qwen", "replicas": 2}, {"name": "gemma", "replicas": 1}]
    checks = [item.check for item in judge(SEEN, {**WANTED, "models": models})]
    assert checks[3:7] == ["service qwen", "service gemma", "replicas of qwen", "replicas of gemma"]
    assert found("TPU nodes", {"models": models}).found == "2 of 2 nodes of tpu-pool are ready, 3 are needed"


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
    assert found("network policies", policies=named("allow-istio")).found == "missing: allow-gateway-to-vllm"


def test_nothing_wanted_is_said_as_such() -> None:
    assert found("network policies", {"policies": []}) == Finding("network policies", OK, "none wanted")


def test_operator_that_is_not_available_is_named() -> None:
    waiting = copy.deepcopy(SEEN["deployments"])
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
    finding = found("replicas of qwen", pods=[*SEEN["pods"], gone])
    assert (finding.verdict, finding.found) == (OK, "2 of 2 serve, on 2 nodes")


def test_pod_without_a_status_counts_as_not_ready() -> None:
    assert found("replicas of qwen", pods=[pod("p1", "n1"), {**pod("p2", "n2"), "status": None}]).verdict == FAILED


@pytest.mark.parametrize(
    ("gateways", "address"),
    [
        pytest.param([gateway("203.0.113.7", "203.0.113.8")], "203.0.113.7", id="the first of two"),
        pytest.param([gateway("203.0.113.9", name="other"), gateway("203.0.113.7")], "203.0.113.7", id="by its name"),
        pytest.param([gateway("203.0.113.9", name="other")], "", id="another one's"),
        pytest.param([gateway()], "", id="none yet"),
        pytest.param([{"metadata": {"name": "inference-gateway"}, "status": None}], "", id="no status"),
        pytest.param(
            [{"metadata": {"name": "inference-gateway"}, "status": {"addresses": [{"value": None}]}}], "", id="empty"
        ),
        pytest.param([], "", id="no gateway"),
    ],
)
def test_gateway_address(gateways: Sequence[dict[str, Any]], address: str) -> None:
    assert gateway_address(gateways, "inference-gateway") == address


def listener(protocol: str, port: int) -> dict[str, Any]:
    return {"name": protocol.lower(), "protocol": protocol, "port": port}


@pytest.mark.parametrize(
    ("listeners", "port", "url"),
    [
        pytest.param([listener("HTTP", 80)], 0, "http://203.0.113.7", id="http"),
        pytest.param([listener("HTTPS", 443)], 0, "https://203.0.113.7", id="https"),
        pytest.param([listener("HTTP", 8080)], 0, "http://203.0.113.7:8080", id="a port of its own"),
        pytest.param([listener("HTTPS", 80)], 0, "https://203.0.113.7:80", id="the other scheme's port"),
        pytest.param([listener("HTTP", 443)], 0, "http://203.0.113.7:443", id="the other scheme's port again"),
        pytest.param([listener("HTTP", 80)], 8080, "http://203.0.113.7:8080", id="a given port"),
        pytest.param([listener("HTTP", 8080)], 80, "http://203.0.113.7", id="a given port that is usual"),
        pytest.param([listener("TCP", 9000), listener("HTTP", 80)], 0, "http://203.0.113.7", id="the first with HTTP"),
        pytest.param([listener("HTTPS", 443), listener("HTTP", 80)], 0, "https://203.0.113.7", id="the first of two"),
        pytest.param([listener("TCP", 9000)], 0, "http://203.0.113.7", id="none with HTTP"),
        pytest.param(None, 0, "http://203.0.113.7", id="none"),
        pytest.param([], 8080, "http://203.0.113.7:8080", id="none and a given port"),
    ],
)
def test_gateway_url(listeners: Any, port: int, url: str) -> None:
    gateways = [gateway("203.0.113.9", name="other"), gateway("203.0.113.7", listeners=listeners)]
    assert gateway_url(gateways, "inference-gateway", port) == url


def test_gateway_url_by_default_has_the_listeners_port() -> None:
    assert gateway_url([gateway("203.0.113.7", listeners=[listener("HTTP", 8080)])], "inference-gateway") == (
        "http://203.0.113.7:8080"
    )


def test_gateway_without_an_address_has_no_url() -> None:
    assert gateway_url([gateway(listeners=[listener("HTTP", 80)])], "inference-gateway", 8080) == ""


def look(check: str, path: str, *, ok: bool = True, status: int | None = 200, detail: str = "") -> dict[str, Any]:
    return {"check": check, "path": path, "status": status, "ms": 4.2, "ok": ok, "detail": detail}


HEALTH = [look("health", "/v1/health"), look("models", "/v1/models"), look("completion", "/v1/completions")]
SERIAL = {"requests": 10, "errors": 0, "error_texts": [], "requests_per_second": 6.34, "p50_ms": 151.6}
PARALLEL = {"requests": 100, "errors": 0, "error_texts": [], "requests_per_second": 24.96, "p50_ms": 182.0}
RESULT: dict[str, Any] = {
    "health": HEALTH,
    "verdict": "affine",
    "remedy": "",
    "msg": "Routing follows the prefix.",
    "serial": SERIAL,
    "parallel": PARALLEL,
}


def test_routing_as_it_should_be() -> None:
    assert routing_findings(RESULT, True) == [
        Finding("health /v1/health", OK, "200"),
        Finding("models /v1/models", OK, "200"),
        Finding("completion /v1/completions", OK, "200"),
        Finding("cache routing", OK, "Routing follows the prefix."),
        Finding("serial requests", OK, "6.3 req/s, P50 152 ms"),
        Finding("parallel requests", OK, "25.0 req/s, P50 182 ms"),
    ]


def of(check: str, require_affinity: bool = True, **result: Any) -> Finding:
    return next(item for item in routing_findings({**RESULT, **result}, require_affinity) if item.check == check)


@pytest.mark.parametrize(
    ("judged", "required", "verdict"),
    [
        ("affine", True, OK),
        ("affine", False, OK),
        ("blind", True, FAILED),
        ("blind", False, UNKNOWN),
        ("no_cache", True, FAILED),
        ("no_cache", False, UNKNOWN),
        ("unknown", True, UNKNOWN),
        ("unknown", False, UNKNOWN),
        ("unhealthy", True, FAILED),
        ("unhealthy", False, FAILED),
        ("something new", False, FAILED),
    ],
)
def test_verdict_of_the_routing(judged: str, required: bool, verdict: str) -> None:
    finding = of("cache routing", required, verdict=judged, msg="So it is.", remedy="Do that.")
    assert (finding.verdict, finding.found) == (verdict, "So it is.")
    assert finding.remedy == ("" if judged == "affine" else "Do that.")


def test_missing_remedy_is_empty() -> None:
    assert of("cache routing", verdict="blind", remedy=None).remedy == ""
    assert of("cache routing", verdict="unknown", remedy=None).remedy == ""


REMEDY = "Look at the gateway and the model's pods: kubectl get pods -A."


@pytest.mark.parametrize(
    ("seen", "text"),
    [
        pytest.param(
            look("h", "/p", ok=False, status=503, detail="503: no healthy upstream"), "503: no healthy upstream"
        ),
        pytest.param(look("h", "/p", ok=False, status=503), "503"),
        pytest.param(look("h", "/p", ok=False, status=None), "no answer"),
        pytest.param(look("h", "/p", ok=False, status=200, detail="it serves a, not b"), "it serves a, not b"),
    ],
    ids=["detail", "status-alone", "nothing", "answered-and-still-wrong"],
)
def test_look_that_failed(seen: dict[str, Any], text: str) -> None:
    assert of("h /p", health=[seen], verdict="unhealthy") == Finding("h /p", FAILED, text, REMEDY)


@pytest.mark.parametrize(
    ("result", "text"),
    [
        pytest.param({"msg": "cache_routing_test met a case that it does not know."}, None, id="no verdict"),
        pytest.param({"msg": "No endpoint was found.", "verdict": "unknown", "health": []}, None, id="before it asked"),
        pytest.param({"msg": "Everything is fine.", "verdict": "affine"}, None, id="verdict without a look"),
        pytest.param({}, "the test did not run", id="nothing at all"),
    ],
)
def test_test_that_did_not_run_never_passes(result: dict[str, Any], text: str | None) -> None:
    for required in (True, False):
        assert routing_findings(result, required) == [
            Finding("requests", FAILED, text or result["msg"], "Run verify.yml again with -v.")
        ]


def test_looks_are_said_even_without_a_verdict() -> None:
    findings = routing_findings({"health": HEALTH[:1], "msg": "m"}, True)
    assert [(item.check, item.verdict) for item in findings] == [("health /v1/health", OK), ("requests", FAILED)]


def test_failed_requests_fail_the_figure_and_say_why() -> None:
    figures = {**PARALLEL, "errors": 1, "error_texts": ["503: no healthy upstream", "timed out"]}
    assert of("parallel requests", parallel=figures) == Finding(
        "parallel requests",
        FAILED,
        "25.0 req/s, P50 182 ms, 1 of 100 requests failed",
        "503: no healthy upstream; timed out",
    )


def test_failed_requests_without_texts_point_to_the_result() -> None:
    assert of("serial requests", serial={**SERIAL, "errors": 2, "error_texts": None}).remedy == (
        "See the errors in the result."
    )


def test_figures_without_a_count_of_errors_have_none() -> None:
    assert of("serial requests", serial={**SERIAL, "errors": None}).verdict == OK


def test_requests_that_all_failed_have_no_figures_and_no_traceback() -> None:
    none = {"requests": 3, "errors": 3, "error_texts": ["e"], "requests_per_second": None, "p50_ms": None}
    assert of("serial requests", serial=none).found == "no request succeeded, 3 of 3 requests failed"


@pytest.mark.parametrize("figures", [None, {}, {"requests": 0, "errors": 0, "requests_per_second": None}])
def test_requests_that_were_not_sent_are_no_finding(figures: Any) -> None:
    checks = [item.check for item in routing_findings({**RESULT, "serial": figures, "parallel": figures}, True)]
    assert checks == [
        "health /v1/health",
        "models /v1/models",
        "completion /v1/completions",
        "cache routing",
    ]


def test_in_figures_names_the_percentiles_that_are_asked_for() -> None:
    figures = {"requests_per_second": 10.05, "p50_ms": 1.4, "p95_ms": 2.6, "p99_ms": 1000.0}
    assert in_figures(figures, (50, 95, 99)) == "10.1 req/s, P50 1 ms, P95 3 ms, P99 1000 ms"
    assert in_figures({**figures, "requests_per_second": 0.04}, (50,)) == "0.0 req/s, P50 1 ms"
