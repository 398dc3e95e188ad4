# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""cache_routing_test through the module and through the action plugin, over real connections: equal results."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.control_plane.pki import Authority
from tests.integration.inference_stub import InferenceStub
from tests.integration.test_both_edges import AS_MODULE, IN_PROCESS, ansible, comparable, results_of
from tests.unit.plugins.module_utils.routing.fake_gateway import COMPLETIONS, FakeGateway, affine, in_turn

Json = dict[str, Any]

SCENARIOS: dict[str, Callable[[], FakeGateway]] = {
    "affine": FakeGateway,
    "headers": lambda: FakeGateway(header="x-gateway-destination-endpoint-served"),
    "in-turn": lambda: FakeGateway(route=in_turn),
    "uncached": lambda: FakeGateway(caching=False),
    "untold": lambda: FakeGateway(tells_cached=False),
    "guide": lambda: FakeGateway(paths={"/v1/health": (200, "")}),
    "ill": lambda: FakeGateway(paths={COMPLETIONS: (503, "no healthy upstream")}),
    "flaky": lambda: FakeGateway(route=affine, failing=lambda number: number > 20 and number % 5 == 0),
}
SHORT = {"parallel_requests": 10, "interval": 0.0}

# name: scenario, whether Kubernetes is asked, options, keywords
CALLS: dict[str, tuple[str, bool, Json, Json]] = {
    "affine, seen from the cluster": ("affine", True, {"parallel_requests": 40}, {}),
    "affine, found by Kubernetes": ("affine", True, {"url": None}, {}),
    "affine, seen from outside": ("affine", False, {"bearer_token": "a-token"}, {}),
    "affine, by headers": ("headers", False, {"replicas": 3}, {}),
    "the guide's health path": ("guide", False, {"parallel_requests": 0}, {}),
    "hits by the counters alone": ("untold", True, {}, {}),
    "nothing to see": ("untold", False, {}, {}),
    "nothing cached": ("uncached", True, {}, {}),
    "nothing cached, seen from outside": ("uncached", False, {}, {}),
    "blind": ("in-turn", True, {"parallel_requests": 0}, {}),
    "blind, and not minded": ("in-turn", True, {"parallel_requests": 0, "require_affinity": False}, {}),
    "a hit ratio that is not reached": ("affine", True, {"min_hit_ratio": 0.99}, {}),
    "requests that fail now and then": ("flaky", True, {"parallel_requests": 40}, {}),
    "not healthy": ("ill", True, {}, {}),
    "health alone, in check mode": ("affine", True, {}, {"check_mode": True}),
    "nobody listens": ("affine", False, {"url": "http://127.0.0.1:9"}, {}),
    "an API server that is away": ("affine", True, {"host": "http://127.0.0.1:9"}, {}),
    "no endpoint": ("affine", False, {"url": "203.0.113.7"}, {}),
    "too many at a time": ("affine", False, {"concurrency": 1000}, {}),
    "a number that is none": ("affine", False, {"requests": "many"}, {}),
    "an authority that is not there": (
        "affine",
        False,
        {"url": "https://127.0.0.1:9", "endpoint_ca_file": "/none"},
        {},
    ),
}
FAILING = {
    "blind": "Routing is blind to the prompt: 0 of 7 second requests",
    "a hit ratio that is not reached": "wanted at least 0.99",
    "not healthy": "/v1/completions: HTTP 503: no healthy upstream",
    "nobody listens": "could not connect to 127.0.0.1:9: Connection refused",
    "no endpoint": "'203.0.113.7' is no address of an endpoint. Give url as in http://203.0.113.7",
    "too many at a time": "concurrent is 1000. Give a number from 1 to 256.",
    "a number that is none": "which is not a whole number",
    "an authority that is not there": "cannot be read from /none",
}
VERDICTS = {
    "affine, seen from the cluster": "affine",
    "affine, found by Kubernetes": "affine",
    "affine, seen from outside": "affine",
    "affine, by headers": "affine",
    "the guide's health path": "affine",
    "hits by the counters alone": "affine",
    "nothing to see": "unknown",
    "nothing cached": "no_cache",
    "nothing cached, seen from outside": "no_cache",
    "blind": "blind",
    "blind, and not minded": "blind",
    "a hit ratio that is not reached": "affine",
    "requests that fail now and then": "affine",
    "not healthy": "unhealthy",
    "health alone, in check mode": "unknown",
    "nobody listens": "unhealthy",
    "an API server that is away": "affine",
}
# What differs from run to run: times, and what is made of them.
MEASURED = re.compile(r"ms|.*_ms|elapsed|requests_per_second|ratio|ratio_low|ratio_high|cpu_share|void|salt")

Outcome = tuple[dict[str, Any], str, InferenceStub]


def playbook(url: str) -> list[Json]:
    tasks = []
    for name, (scenario, kubernetes, options, keywords) in CALLS.items():
        base = f"{url}/{{{{ inventory_hostname }}}}/{scenario}"
        given: Json = {
            "url": base,
            **SHORT,
            **({"host": f"{base}/kube", "api_key": "kubernetes-token"} if kubernetes else {}),
            **options,
        }
        given = {option: value for option, value in given.items() if value is not None}
        tasks.append({"name": name, "rhaii.gke.cache_routing_test": given, "ignore_errors": True, **keywords})
    return [{"hosts": "all", "gather_facts": False, "tasks": tasks}]


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    with InferenceStub(SCENARIOS) as stub:
        run = ansible(
            tmp_path_factory.mktemp("routing"), playbook(stub.url), ANSIBLE_STDOUT_CALLBACK="ansible.posix.json"
        )
        assert "{\n" in run.stdout, run.stdout + run.stderr
        yield results_of(run.stdout), run.stdout + run.stderr, stub


def steady(value: Any, name: str = "") -> Any:
    """A result without what was measured; in sentences each number is N."""
    if isinstance(value, dict):
        inside = {key: steady(inner, key) for key, inner in value.items() if not MEASURED.fullmatch(key)}
        if name in ("first_token", "whole", "confidence"):
            return sorted(inside)
        if name == "parallel" and inside["errors"]:  # which of them fail depends on which come first
            return {**inside, "replicas": None, "hit_ratio": None}
        return inside
    if isinstance(value, list):
        return [steady(inner) for inner in value]
    if name == "msg":
        return re.sub(r"\d+(\.\d+)?", "N", value.split(" This machine was too busy")[0])
    return value


@pytest.mark.parametrize("name", CALLS)
def test_both_edges_give_equal_results(outcome: Outcome, name: str) -> None:
    hosts = outcome[0][name]
    in_process = comparable(hosts[IN_PROCESS], IN_PROCESS)
    assert steady(in_process) == steady(comparable(hosts[AS_MODULE], AS_MODULE))
    assert bool(in_process.get("failed")) is (name in FAILING), in_process.get("msg")
    assert in_process["changed"] is False
    if name in FAILING:
        assert FAILING[name] in in_process["msg"]
        assert hosts[IN_PROCESS].get("exception", "(traceback unavailable)") == "(traceback unavailable)"
    if name in VERDICTS:
        assert in_process["verdict"] == VERDICTS[name], in_process["msg"]


def test_failures_have_the_keys_of_a_success(outcome: Outcome) -> None:
    success = set(outcome[0]["affine, seen from the cluster"][IN_PROCESS])
    for name in set(FAILING) - {"a number that is none"}:
        assert success <= set(outcome[0][name][IN_PROCESS]), name


def test_the_figures_over_real_connections(outcome: Outcome) -> None:
    result = outcome[0]["affine, seen from the cluster"][IN_PROCESS]
    assert result["replica_view"] == {"source": "metrics", "reason": "", "foreign_requests": 0}
    assert sum(result["replicas"].values()) == 15
    assert result["second_requests"] == {"judged": 5, "same_replica": 5, "hits": 5}
    assert [each["cached_tokens"] for each in result["prefixes"]] == [[0, 384]] * 5
    parallel = result["parallel"]
    assert (parallel["requests"], parallel["errors"], parallel["concurrent"]) == (40, 0, 5)
    assert sum(parallel["replicas"].values()) == 40
    assert parallel["requests_per_second"] > 0
    assert 0 < parallel["p50_ms"] <= parallel["p95_ms"] <= parallel["p99_ms"]
    assert result["client"]["loop_lag_ms"] is not None
    times = result["latency"]
    assert 0 < times["first_token"]["cold_ms"] <= times["whole"]["cold_ms"]


def test_requests_that_failed_are_counted(outcome: Outcome) -> None:
    parallel = outcome[0]["requests that fail now and then"][IN_PROCESS]["parallel"]
    assert parallel["errors"] == 7
    assert parallel["error_texts"] == ["HTTP 503: upstream connect error"]


def test_the_api_server_that_is_away_is_named(outcome: Outcome) -> None:
    view = outcome[0]["an API server that is away"][IN_PROCESS]["replica_view"]
    assert view["source"] == "none"
    assert "127.0.0.1:9" in view["reason"]


def test_the_token_reaches_the_endpoint_and_nobody_else(outcome: Outcome) -> None:
    assert "Bearer a-token" in outcome[2].tokens
    assert "a-token" not in outcome[1]


def test_the_edge_in_process_shows_progress_and_the_module_none(outcome: Outcome) -> None:
    lines = [line for line in outcome[1].splitlines() if line.startswith("[")]
    base = f"{outcome[2].url}/{IN_PROCESS}/affine"
    assert f"[{IN_PROCESS}] endpoint {base} (by option)" in lines
    assert f"[{IN_PROCESS}] endpoint {base} (by service)" in lines
    assert f"[{IN_PROCESS}] 3 replicas, told apart by their counters" in lines
    assert any(re.search(r"prefix 5 of 5 of \d+ tokens: cached 0, 384, at pod-\d$", line) for line in lines)
    assert not [line for line in lines if line.startswith(f"[{AS_MODULE}]")]


def test_an_endpoint_over_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "pki", "test authority")
    certificate, key = authority.sign("stub", hosts=["127.0.0.1"])
    (tmp_path / "pair.pem").write_bytes(certificate + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "pair.pem")
    with InferenceStub({"affine": FakeGateway}, context) as stub:
        given = {"url": f"{stub.url}/h/affine", **SHORT, "parallel_requests": 60, "concurrent": 4}
        trusted = {**given, "endpoint_ca_file": str(authority.certificate_file)}
        tasks = [
            {"name": "trusted", "rhaii.gke.cache_routing_test": trusted},
            {"name": "not trusted", "rhaii.gke.cache_routing_test": given, "ignore_errors": True},
            {
                "name": "not checked",
                "rhaii.gke.cache_routing_test": {**given, "validate_endpoint": False},
                "check_mode": True,
            },
        ]
        run = ansible(
            tmp_path,
            [{"hosts": IN_PROCESS, "gather_facts": False, "tasks": tasks}],
            ANSIBLE_STDOUT_CALLBACK="ansible.posix.json",
        )
        results = {name: hosts[IN_PROCESS] for name, hosts in results_of(run.stdout).items()}
    assert results["trusted"]["verdict"] == "affine"
    assert results["trusted"]["parallel"]["errors"] == 0
    assert results["not trusted"]["failed"]
    assert "certificate verify failed" in results["not trusted"]["msg"]
    assert results["not checked"]["health"][2]["ok"]


def test_proxies_of_the_environment_are_not_used(tmp_path: Path) -> None:
    with InferenceStub({"affine": FakeGateway}) as stub:
        task = {
            "name": "direct",
            "rhaii.gke.cache_routing_test": {"url": f"{stub.url}/h/affine", **SHORT},
        }
        run = ansible(
            tmp_path,
            [{"hosts": IN_PROCESS, "gather_facts": False, "tasks": [task]}],
            ANSIBLE_STDOUT_CALLBACK="ansible.posix.json",
            http_proxy="http://127.0.0.1:9",
            HTTP_PROXY="http://127.0.0.1:9",
        )
    assert results_of(run.stdout)["direct"][IN_PROCESS]["verdict"] == "affine"
