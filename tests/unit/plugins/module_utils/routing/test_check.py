# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""cache_routing_test as a whole, against a gateway in memory with routers of several kinds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._capability import execute
from ansible_collections.rhaii.gke.plugins.module_utils._clock import SystemClock
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._routing.answers import Completion
from ansible_collections.rhaii.gke.plugins.module_utils._routing.check import (
    CAPABILITY,
    LIMITS,
    Outcome,
    check_limits,
    comparison,
    figures,
    hit_ratio,
    routing_ports,
    run,
    self_check,
)
from ansible_collections.rhaii.gke.plugins.module_utils._routing.ports import Answer, Load

from tests.unit.plugins.module_utils.routing.fake_gateway import (
    COMPLETIONS,
    MODEL,
    URL,
    FakeGateway,
    Route,
    affine,
    blind,
    in_turn,
    mostly,
    pinned,
    whole_prompts,
)

Result = dict[str, Any]
PARAMS: Result = {
    **{name: option.get("default") for name, option in CAPABILITY.argument_spec.items()},
    "url": URL,
    "parallel_requests": 20,
}


def play(
    gateway: FakeGateway, *, cluster: bool = True, check_mode: bool = False, **changes: Any
) -> tuple[Result, list[str]]:
    """The result as the edges get it, with `failed` when it failed, and the progress."""
    lines: list[str] = []
    try:
        result = run({**PARAMS, **changes}, gateway.ports(cluster=cluster), lines.append, check_mode)
    except RhaiiError as error:
        result = {**error.result, "failed": True, "msg": str(error)}
    return result, lines


def half(gateway: FakeGateway, prompt: str) -> str:
    """Every other prefix stays where it was."""
    before = gateway.known.get(prompt[:256])
    place = len(gateway.known) % 2 if before is None else (int(before[-1]) + len(gateway.known)) % 2
    return gateway.known.setdefault(prompt[:256], gateway.names[place]) if before is None else gateway.names[place]


def keys(value: Any, at: str = "") -> Iterator[str]:
    """All keys of a result, but those of what is empty or named by data."""
    if isinstance(value, dict) and not at.endswith((".replicas", "replicas")):
        for name, inner in value.items():
            yield f"{at}.{name}"
            yield from keys(inner, f"{at}.{name}")


# Verdicts


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(
    ("gateway", "cluster", "verdict", "failed"),
    [
        pytest.param({"route": affine}, True, "affine", False, id="affine"),
        pytest.param({"route": affine}, False, "affine", False, id="affine without a view"),
        pytest.param({"route": affine, "tells_cached": False}, True, "affine", False, id="affine by counters"),
        pytest.param({"route": affine, "tells_usage": False}, True, "affine", False, id="affine without usage"),
        pytest.param({"route": affine, "lag_looks": 2}, True, "affine", False, id="counters that come late"),
        pytest.param({"route": affine, "count": 2}, True, "affine", False, id="two replicas"),
        pytest.param({"route": affine, "count": 8}, True, "affine", False, id="eight replicas"),
        pytest.param({"route": affine, "count": 1}, True, "affine", False, id="one replica"),
        pytest.param({"route": affine, "header": "x-served-by"}, False, "affine", False, id="affine by a header"),
        pytest.param({"route": affine, "leaves_zeros_out": True}, False, "affine", False, id="affine of older vLLM"),
        pytest.param({"route": in_turn}, True, "blind", True, id="in turn"),
        pytest.param({"route": in_turn}, False, "blind", True, id="in turn without a view"),
        pytest.param({"route": in_turn, "tells_cached": False}, True, "blind", True, id="in turn by counters"),
        pytest.param({"route": in_turn, "caching": False}, True, "blind", True, id="in turn without a cache"),
        pytest.param({"route": pinned}, True, "blind", True, id="all at one replica"),
        pytest.param({"route": affine, "caching": False}, True, "no_cache", False, id="no cache"),
        pytest.param({"route": affine, "caching": False}, False, "no_cache", False, id="no cache without a view"),
        pytest.param({"route": in_turn, "caching": False}, False, "no_cache", False, id="no cache, in turn"),
        pytest.param({"route": affine, "caching": False, "count": 1}, True, "no_cache", False, id="no cache at one"),
        pytest.param({"route": affine, "block": 1024}, True, "no_cache", False, id="shorter than a block"),
        pytest.param({"route": affine, "tells_cached": False}, False, "unknown", False, id="nothing to see"),
        pytest.param({"route": in_turn, "tells_cached": False}, False, "unknown", False, id="nothing to see, in turn"),
        pytest.param({"route": in_turn, "leaves_zeros_out": True}, False, "blind", True, id="in turn, of older vLLM"),
    ],
)
def test_verdicts(gateway: dict[str, Any], cluster: bool, verdict: str, failed: bool, seed: int) -> None:
    result, _lines = play(FakeGateway(seed=seed, **gateway), cluster=cluster)
    assert result["verdict"] == verdict, result["msg"]
    assert bool(result.get("failed")) is failed
    assert result["changed"] is False
    assert bool(result["remedy"]) is (verdict != "affine")


@pytest.mark.parametrize("route", [blind, whole_prompts])
def test_chance_is_seldom_taken_for_affinity(route: Route) -> None:
    verdicts = [play(FakeGateway(route=route, seed=seed), parallel_requests=0)[0]["verdict"] for seed in range(40)]
    assert verdicts.count("affine") <= 4  # 5 % at most, of which five or more come with a chance of 5 %
    assert verdicts.count("blind") >= 36


def test_a_picker_that_has_other_scorers_too_is_recognized() -> None:
    verdicts = [
        play(FakeGateway(route=mostly(0.8), seed=seed), parallel_requests=0)[0]["verdict"] for seed in range(40)
    ]
    assert verdicts.count("affine") >= 37


def test_blind_routing_fails_only_when_affinity_is_required() -> None:
    result, _lines = play(FakeGateway(route=in_turn), require_affinity=False)
    assert "failed" not in result
    assert result["verdict"] == "blind"
    assert "The endpoint picker is not in the path" in result["msg"]
    assert "The endpoint picker is not in the path" in result["remedy"]


@pytest.mark.parametrize(("demanded", "failed"), [(True, True), (False, False)])
def test_what_cannot_be_told_fails_only_when_a_proof_is_required(demanded: bool, failed: bool) -> None:
    result, _lines = play(FakeGateway(tells_cached=False), cluster=False, require_proof=demanded)
    assert (result["verdict"], bool(result.get("failed"))) == ("unknown", failed)


def test_check_mode_is_no_failed_proof() -> None:
    result, _lines = play(FakeGateway(), check_mode=True, require_proof=True)
    assert (result["verdict"], result.get("failed")) == ("unknown", None)


# The whole result


# 17 tokens of the mark, and 7 of most questions: 400 in all, of which three blocks of 128 are found.
TEXT = "word " * 376


def one_after_the_other(gateway: FakeGateway, prompt: str) -> str:
    """Affine; a new prefix goes to the replica after the one of the last new prefix."""
    return gateway.known.setdefault(prompt[:256], gateway.names[len(gateway.known) % len(gateway.names)])


def prefix(number: int, replica: str) -> Result:
    return {
        "prefix": number,
        "requests": 2,
        "errors": 0,
        "prompt_tokens": 400,
        "cached_tokens": [0, 384],
        "replicas": [replica, replica],
        "affinity": 1.0,
        "ms": [500.0, 308.0],
    }


UNSUPPORTED = {"supported": False, "low_ms": None, "high_ms": None}


def test_the_whole_result_of_an_affine_router() -> None:
    result, lines = play(FakeGateway(route=one_after_the_other), prompt=TEXT)
    sentence = (
        "Routing follows the prefix: 5 of 5 second requests came to the replica of the first, where chance among 3 "
        "replicas gives 1.7 (p = 0.0041), and 5 of 5 repeated requests found their prefix cached."
    )
    assert result == {
        "changed": False,
        "msg": f"{sentence} One after the other: 2.5 requests a second, P50 308 ms. 5 at a time: 16.2 requests a "
        "second, P50 308 ms. Median time to the first token: 300 ms cold, 108 ms warm.",
        "url": URL,
        "url_source": "option",
        "model": MODEL,
        "health": [
            {
                "check": "health",
                "path": "/health",
                "status": 200,
                "ms": 1.0,
                "ok": True,
                "detail": "/v1/health: HTTP 404: Not Found",
            },
            {"check": "models", "path": "/v1/models", "status": 200, "ms": 2.0, "ok": True, "detail": MODEL},
            {"check": "completion", "path": COMPLETIONS, "status": 200, "ms": 340.5, "ok": True, "detail": ""},
        ],
        "verdict": "affine",
        "remedy": "",
        "cause": "",
        "affinity": 1.0,
        "affinity_by_chance": 0.6667,
        "hit_ratio": 0.96,
        "cached_tokens": 1920,
        "prompt_tokens": 2000,
        "p_value": 0.004115,
        "second_requests": {"judged": 5, "same_replica": 5, "hits": 5},
        "replica_count": 3,
        # the sample was at pod-0, and after each prefix a control is asked
        "replicas": {"pod-0": 5, "pod-1": 6, "pod-2": 4},
        "replica_view": {"source": "metrics", "reason": "", "foreign_requests": 0},
        "prefixes": [
            prefix(1, "pod-1"),
            prefix(2, "pod-0"),
            prefix(3, "pod-2"),
            prefix(4, "pod-1"),
            prefix(5, "pod-0"),
        ],
        "control": {"requests": 5, "cached_tokens": 0, "cold": True},
        "latency": {
            "first_token": {
                "prefixes": 5,
                "cold_ms": 300.0,
                "warm_ms": 108.0,
                "ratio": 0.36,
                "ratio_low": 0.36,
                "ratio_high": 0.36,
                "supported": True,
                "p_value": 0.00397,
            },
            "whole": {
                "prefixes": 5,
                "cold_ms": 500.0,
                "warm_ms": 308.0,
                "ratio": 0.616,
                "ratio_low": 0.616,
                "ratio_high": 0.616,
                "supported": True,
                "p_value": 0.00397,
            },
        },
        "serial": {
            "requests": 10,
            "errors": 0,
            "error_texts": [],
            "requests_per_second": 2.48,
            "p50_ms": 308.0,
            "p95_ms": 500.0,
            "p99_ms": 500.0,
            "confidence": {
                "p50": {"supported": True, "low_ms": 308.0, "high_ms": 500.0},
                "p95": UNSUPPORTED,
                "p99": UNSUPPORTED,
            },
        },
        # the questions make prompts of 399 to 401 tokens
        "parallel": {
            "requests": 20,
            "errors": 0,
            "error_texts": [],
            "requests_per_second": 16.24,
            "p50_ms": 308.0,
            "p95_ms": 308.5,
            "p99_ms": 308.5,
            "confidence": {
                "p50": {"supported": True, "low_ms": 307.5, "high_ms": 308.0},
                "p95": UNSUPPORTED,
                "p99": UNSUPPORTED,
            },
            "concurrent": 5,
            "hit_ratio": 0.9605,
            "replicas": {"pod-0": 8, "pod-1": 8, "pod-2": 4},
        },
        "asked": [],
        "client": {"loop_lag_ms": 0.1, "cpu_share": 0.081, "void": False},
        "seed": 0,
        "salt": "5a17",
        "elapsed": 13.5,
    }
    assert lines == [
        f"endpoint {URL} (by option)",
        "health: /health 200 in 1 ms (/v1/health: HTTP 404: Not Found), /v1/models 200 in 2 ms, "
        f"{COMPLETIONS} 200 in 340 ms; model {MODEL}",
        "3 replicas, told apart by their counters",
        "proof: 10 requests one after the other, over 5 new prefixes",
        "prefix 1 of 5 of 400 tokens: cached 0, 384, at pod-1",
        "prefix 2 of 5 of 400 tokens: cached 0, 384, at pod-0",
        "prefix 3 of 5 of 400 tokens: cached 0, 384, at pod-2",
        "prefix 4 of 5 of 400 tokens: cached 0, 384, at pod-1",
        "prefix 5 of 5 of 400 tokens: cached 0, 384, at pod-0",
        "parallel: 20 requests, 5 at a time",
        "parallel: 5 of 20, 3.2 requests a second",
        "parallel: 10 of 20, 3.2 requests a second",
        "parallel: 15 of 20, 3.2 requests a second",
        sentence,
    ]


NO_FIGURES = {
    "requests": 0,
    "errors": 0,
    "error_texts": [],
    "requests_per_second": None,
    "p50_ms": None,
    "p95_ms": None,
    "p99_ms": None,
    "confidence": {"p50": UNSUPPORTED, "p95": UNSUPPORTED, "p99": UNSUPPORTED},
}
NO_COMPARISON = {
    "prefixes": 0,
    "cold_ms": None,
    "warm_ms": None,
    "ratio": None,
    "ratio_low": None,
    "ratio_high": None,
    "supported": False,
    "p_value": None,
}


def test_the_whole_result_where_nothing_answers() -> None:
    refused = "could not connect to 203.0.113.7:80: Connection refused"
    gateway = FakeGateway(paths={"/v1/health": (0, refused)})
    result, lines = play(gateway, seed=7)
    remedy = (
        "Check that the service is ready, that the gateway has an address and a route to it, and that the network "
        "policies let the gateway in."
    )
    sentence = f"The endpoint does not serve: /v1/health: {refused}."
    silent = {"status": None, "ms": None, "ok": False, "detail": "not asked, since nothing answers"}
    assert result == {
        "changed": False,
        "failed": True,
        "msg": f"{sentence} {remedy}",
        "url": URL,
        "url_source": "option",
        "model": "",
        "health": [
            {"check": "health", "path": "/v1/health", "status": None, "ms": 500.0, "ok": False, "detail": refused},
            {"check": "models", "path": "/v1/models", **silent},
            {"check": "completion", "path": COMPLETIONS, **silent},
        ],
        "verdict": "unhealthy",
        "remedy": remedy,
        "cause": "endpoint-not-serving",
        "affinity": None,
        "affinity_by_chance": None,
        "hit_ratio": None,
        "cached_tokens": None,
        "prompt_tokens": None,
        "p_value": None,
        "second_requests": {"judged": 0, "same_replica": 0, "hits": 0},
        "replica_count": None,
        "replicas": {},
        "replica_view": {"source": "none", "reason": "no Kubernetes access is given", "foreign_requests": 0},
        "prefixes": [],
        "control": {"requests": 0, "cached_tokens": None, "cold": None},
        "latency": {"first_token": NO_COMPARISON, "whole": NO_COMPARISON},
        "serial": NO_FIGURES,
        "parallel": {**NO_FIGURES, "concurrent": 5, "hit_ratio": None, "replicas": {}},
        "asked": [],
        "client": {"loop_lag_ms": None, "cpu_share": None, "void": False},
        "seed": 7,
        "salt": "5a17",
        "elapsed": 0.0,
    }
    assert lines == [f"endpoint {URL} (by option)", f"health: /v1/health: {refused}", sentence]
    assert gateway.asked == [f"GET {URL}/v1/health"]


# The proof


def test_requests_of_a_prefix_come_one_after_the_other_and_differ() -> None:
    gateway = FakeGateway()
    play(gateway, requests=12, prefixes=5, parallel_requests=0)
    marks = [prompt.split()[0] for prompt in gateway.prompts[1:]]
    assert marks == [
        *("5a17-1", "5a17-1", "5a17-1", "5a17-1-control"),
        *("5a17-2", "5a17-2", "5a17-2", "5a17-2-control"),
        *("5a17-3", "5a17-3", "5a17-3-control"),
        *("5a17-4", "5a17-4", "5a17-4-control"),
        *("5a17-5", "5a17-5", "5a17-5-control"),
    ]
    assert len(set(gateway.prompts)) == len(gateway.prompts)
    assert all(body["stream"] and body["max_tokens"] == 10 for body in gateway.bodies[1:])


def test_more_prefixes_are_asked_while_the_question_is_open() -> None:
    gateway = FakeGateway()
    result, lines = play(gateway, cluster=False)
    # five hits among two or more replicas do not suffice, seven do
    assert [each["requests"] for each in result["prefixes"]] == [2] * 7
    assert result["serial"]["requests"] == 10
    assert result["control"]["requests"] == 5
    assert "no view of the replicas: no Kubernetes access is given" in lines
    assert "not clear yet: more prefixes, 57 at most" in lines
    assert result["second_requests"] == {"judged": 7, "same_replica": 7, "hits": 7}
    assert result["replica_count"] is None
    assert result["affinity"] is None
    assert result["affinity_by_chance"] is None
    assert result["replicas"] == {}
    assert result["parallel"]["replicas"] == {}


def test_there_is_an_end_to_more_prefixes() -> None:
    result, _lines = play(FakeGateway(route=half, count=2), requests=2, prefixes=1)
    assert len(result["prefixes"]) == 57
    assert result["verdict"] == "unknown"
    assert "29 of 57 second requests" in result["msg"]
    assert "Run again with more prefixes." in result["msg"]


def test_a_number_of_replicas_that_is_given_is_believed() -> None:
    result, _lines = play(FakeGateway(), cluster=False, replicas=3)
    assert len(result["prefixes"]) == 5
    assert result["replica_count"] == 3
    assert result["p_value"] == 0.004115


def test_misses_of_a_server_that_leaves_zeros_out_count() -> None:
    """Older vLLM has cached_tokens in its usage only when there are some."""
    verdicts = [
        play(FakeGateway(route=blind, leaves_zeros_out=True, seed=seed), cluster=False, parallel_requests=0)[0][
            "verdict"
        ]
        for seed in range(20)
    ]
    assert verdicts.count("affine") <= 3
    result, lines = play(FakeGateway(leaves_zeros_out=True), cluster=False, replicas=3)
    assert result["prefixes"][0]["cached_tokens"] == [0, 384]
    assert result["control"] == {"requests": 5, "cached_tokens": 0, "cold": True}
    assert result["second_requests"] == {"judged": 5, "same_replica": 5, "hits": 5}
    assert any(line.endswith("cached 0, 384") for line in lines)


def test_a_server_that_never_tells_is_not_taken_for_one_that_leaves_zeros_out() -> None:
    result, _lines = play(FakeGateway(tells_cached=False), cluster=False)
    assert set(result["prefixes"][0]["cached_tokens"]) == {None}
    assert result["control"]["cold"] is None


def test_hits_of_parallel_requests_when_zeros_are_left_out() -> None:
    told, left_out = FakeGateway(route=in_turn), FakeGateway(route=in_turn, leaves_zeros_out=True)
    ratios = [play(each, prefixes=1, requests=2)[0]["parallel"]["hit_ratio"] for each in (told, left_out)]
    assert ratios[0] == ratios[1]


def test_one_prefix_is_asked_on_when_nothing_is_found() -> None:
    gateway = FakeGateway(caching=False)
    result, lines = play(gateway, cluster=False)
    assert "nothing found cached: asking one prefix 10 times" in lines
    assert [each["requests"] for each in result["prefixes"]] == [10, 2, 2, 2, 2]
    assert result["serial"]["requests"] == 10
    few, _lines = play(FakeGateway(caching=False), cluster=False, replicas=3)
    assert [each["requests"] for each in few["prefixes"]] == [4, 2, 2, 2, 2]


def test_asking_on_ends_at_the_first_hit() -> None:
    result, _lines = play(FakeGateway(route=in_turn), cluster=False)
    # three replicas in turn: asked twice in the proof, it finds one that had it by the fourth time
    assert result["prefixes"][0]["requests"] in (3, 4)
    # from then on misses count, and two more prefixes suffice
    assert len(result["prefixes"]) == 7
    assert result["verdict"] == "blind"


def test_a_pause_is_made_before_a_prefix_is_asked_again() -> None:
    gateway = FakeGateway()
    play(gateway, interval=0.7, parallel_requests=0)
    assert gateway.clock.slept.count(0.7) == 5
    hurried = FakeGateway()
    play(hurried, interval=0.0, parallel_requests=0)
    assert 0.0 not in hurried.clock.slept


def test_prompts_that_are_not_new_prove_nothing() -> None:
    gateway = FakeGateway()
    first, _lines = play(gateway, salted=False, cluster=False)
    again, _lines = play(gateway, salted=False, cluster=False)
    assert (first["verdict"], first["salt"]) == ("affine", "")
    assert again["verdict"] == "unknown"
    assert "384 cached tokens" in again["msg"]
    assert again["control"]["cold"] is False
    assert again["control"]["cached_tokens"] == 384


def test_a_prefix_is_as_long_as_was_asked_for_by_the_endpoints_own_count() -> None:
    result, _lines = play(FakeGateway(), prefix_tokens=700, parallel_requests=0)
    # and seven tokens of the question
    assert [each["prompt_tokens"] for each in result["prefixes"]] == [707] * 5


def test_without_a_salt_the_seed_makes_the_prompts() -> None:
    gateway = FakeGateway()
    play(gateway, salted=False, seed=7, parallel_requests=0)
    assert [prompt.split()[0] for prompt in gateway.prompts[:3]] == ["7-sample", "7-1", "7-1"]


def test_own_text_follows_the_salt() -> None:
    gateway = FakeGateway()
    play(gateway, prompt="word " * 200, parallel_requests=0)
    assert gateway.prompts[1].startswith("5a17-1 word word")


def test_a_short_text_is_said_to_be_short() -> None:
    result, _lines = play(FakeGateway(), prompt="Translate this.")
    assert result["verdict"] == "no_cache"
    assert "does not fill a block of 128" in result["remedy"]


def test_the_model_that_is_given_is_asked_for() -> None:
    gateway = FakeGateway(ids={URL: ["first", "second"]})
    result, _lines = play(gateway, model="second")
    assert result["model"] == "second"
    assert {body["model"] for body in gateway.bodies} == {"second"}
    assert play(FakeGateway(ids={URL: ["first", "second"]}))[0]["model"] == "first"


# Replicas


def test_a_header_of_a_proxy_is_no_replica() -> None:
    gateway = FakeGateway(header="x-served-by", header_value=lambda name: "cache-fra-1", tells_cached=False)
    result, _lines = play(gateway, cluster=False)
    assert result["replica_view"]["source"] == "none"
    assert result["verdict"] == "unknown"
    assert result["replicas"] == {}


def test_a_header_with_an_address_is_the_pod_that_has_it() -> None:
    gateway = FakeGateway(
        header="x-gateway-destination-endpoint",
        header_value=lambda name: f"10.0.0.{int(name[-1]) + 1}:8000,10.0.0.9:8000",
        # somebody else keeps all replicas busy with long prompts, so that counters tell nothing
        foreign=lambda number: {f"pod-{place}": [900] for place in range(3)},
    )
    result, _lines = play(gateway)
    assert result["verdict"] == "affine"
    assert result["replica_view"]["source"] == "header"
    assert set(result["replicas"]) <= set(gateway.names)
    assert sum(result["replicas"].values()) == 15


def test_a_header_that_names_no_pod_is_not_believed() -> None:
    gateway = FakeGateway(
        header="x-served-by",
        header_value=lambda name: f"edge-{name}",
        tells_cached=False,
        foreign=lambda number: {f"pod-{place}": [900] for place in range(3)},
    )
    result, _lines = play(gateway)
    assert result["replica_view"]["source"] == "none"


def test_requests_of_others_are_told_apart_and_counted() -> None:
    gateway = FakeGateway(foreign=lambda number: {"pod-0": [30]})
    result, _lines = play(gateway)
    assert result["verdict"] == "affine"
    assert result["replica_view"]["source"] == "metrics"
    assert result["replica_view"]["foreign_requests"] == 15
    assert sum(result["replicas"].values()) == 15


@pytest.mark.parametrize(
    ("gateway", "reason"),
    [
        pytest.param({"kubernetes_error": "Could not list the pods: 403."}, "Could not list the pods: 403.", id="403"),
        pytest.param({"known_pods": []}, "no ready pod has the service's labels", id="no pods"),
        pytest.param(
            {"known_pods": ["other-0", "other-1"]},
            "the service's pods counted none of the requests: others serve this URL",
            id="other pods",
        ),
        pytest.param({"vanish_after": 4}, "the API server has gone away.", id="a lost API server"),
    ],
)
def test_without_a_view_of_the_replicas_hits_decide(gateway: dict[str, Any], reason: str) -> None:
    result, lines = play(FakeGateway(**gateway))
    assert result["verdict"] == "affine"
    assert result["replica_view"]["reason"] == reason
    assert f"no view of the replicas: {reason}" in lines


def test_pods_that_show_no_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = FakeGateway()
    monkeypatch.setattr(gateway, "counters", lambda pods: {})
    result, _lines = play(gateway)
    assert result["replica_view"]["reason"] == "no replica shows its metrics"
    assert result["replica_count"] == 3


def test_counters_are_waited_for_but_not_for_ever() -> None:
    quick, late = FakeGateway(), FakeGateway(lag_looks=3)
    play(quick, parallel_requests=0, interval=0.0)
    play(late, parallel_requests=0, interval=0.0)
    # one look at first and one after each of 15 requests; three more for each when they are late
    assert quick.looks == 16
    assert late.looks == 16 + 3 * 15
    assert late.clock.slept.count(0.05) == 3 * 15
    never = FakeGateway(known_pods=["other-0"])
    play(never, parallel_requests=0, interval=0.0)
    assert never.looks <= 1 + 3 * 32


def test_requests_that_failed_are_not_waited_for() -> None:
    gateway = FakeGateway(failing=lambda number: number in (3, 8))
    play(gateway, parallel_requests=0, interval=0.0)
    # one at first, and one after each request but that of the health check
    assert gateway.looks == gateway.completions
    assert 0.05 not in gateway.clock.slept


@pytest.mark.parametrize(("missed", "on"), [({2, 3}, True), ({2, 3, 5, 6}, True), ({2, 3, 4}, False)])
def test_a_request_that_nobody_counted_is_no_end_of_the_view(missed: set[int], on: bool) -> None:
    """Two requests in a row may have gone elsewhere; three did not come here."""
    gateway = FakeGateway()
    seen = gateway.serve
    gateway.serve = lambda name, words: 0 if gateway.completions in missed else seen(name, words)  # type: ignore[method-assign]  # a server that is none of ours
    result, _lines = play(gateway, parallel_requests=0)
    assert (result["replica_view"]["reason"] == "") is on
    assert (result["replica_count"] == 3) is on


def test_what_is_seen_of_the_replicas_is_said() -> None:
    _result, lines = play(FakeGateway())
    assert "3 replicas, told apart by their counters" in lines
    _result, lines = play(FakeGateway(known_pods=[]))
    assert not [line for line in lines if "told apart" in line]


def test_a_replica_with_one_parallel_request_is_listed_and_one_without_is_not() -> None:
    result, _lines = play(FakeGateway(), requests=2, prefixes=1, replicas=3, parallel_requests=1)
    assert list(result["parallel"]["replicas"].values()) == [1]


# Health


def test_the_guides_health_path_is_tried_first() -> None:
    gateway = FakeGateway(paths={"/v1/health": (200, "")})
    result, lines = play(gateway, cluster=False)
    assert result["health"][0] == {
        "check": "health",
        "path": "/v1/health",
        "status": 200,
        "ms": 3.0,
        "ok": True,
        "detail": "",
    }
    assert f"GET {URL}/health" not in gateway.asked
    assert any(line.startswith("health: /v1/health 200 in 3 ms, /v1/models 200 in 2 ms") for line in lines)


def test_the_servers_own_health_path_is_tried_next_and_named() -> None:
    result, lines = play(FakeGateway(), cluster=False)
    assert [(each["check"], each["path"], each["status"], each["ok"]) for each in result["health"]] == [
        ("health", "/health", 200, True),
        ("models", "/v1/models", 200, True),
        ("completion", COMPLETIONS, 200, True),
    ]
    assert result["health"][0]["detail"] == "/v1/health: HTTP 404: Not Found"
    assert result["health"][1]["detail"] == MODEL
    assert any("/health 200 in 1 ms (/v1/health: HTTP 404: Not Found)" in line for line in lines)


@pytest.mark.parametrize(
    ("paths", "said", "ok"),
    [
        pytest.param(
            {"/v1/health": (503, "no"), "/health": (503, "no")},
            "/health: HTTP 503: no (/v1/health: HTTP 503: no)",
            [False, True, True],
            id="health",
        ),
        pytest.param({"/v1/models": (500, "")}, "/v1/models: HTTP 500", [True, False, True], id="models"),
        pytest.param(
            {"/v1/models": (200, '{"data": []}')},
            "/v1/models: the answer lists no model",
            [True, False, True],
            id="no model",
        ),
        pytest.param(
            {COMPLETIONS: (503, "upstream")}, f"{COMPLETIONS}: HTTP 503: upstream", [True, True, False], id="completion"
        ),
        pytest.param(
            {COMPLETIONS: (200, "{}")}, f"{COMPLETIONS}: the answer holds no choices", [True, True, False], id="choices"
        ),
    ],
)
def test_what_is_unhealthy_fails_in_any_case(paths: dict[str, Any], said: str, ok: list[bool]) -> None:
    gateway = FakeGateway(paths=paths)
    result, _lines = play(gateway, require_affinity=False)
    assert result["failed"]
    assert result["verdict"] == "unhealthy"
    assert f"The endpoint does not serve: {said}." in result["msg"]
    assert [each["ok"] for each in result["health"]] == ok
    assert gateway.completions <= 1
    assert gateway.looks == 0


def test_a_model_that_is_not_served() -> None:
    result, _lines = play(FakeGateway(), model="gpt")
    assert result["verdict"] == "unhealthy"
    assert f"it serves {MODEL}, not gpt" in result["msg"]


def test_check_mode_looks_at_health_alone() -> None:
    gateway = FakeGateway()
    result, _lines = play(gateway, check_mode=True)
    assert "failed" not in result
    assert result["verdict"] == "unknown"
    assert result["msg"] == "The endpoint is healthy; in check mode no more is asked."
    assert gateway.completions == 1
    assert gateway.looks == 0
    ill, _lines = play(FakeGateway(paths={"/v1/models": (500, "")}), check_mode=True)
    assert ill["failed"]
    assert ill["verdict"] == "unhealthy"


# Where the endpoint is


OWN = f"{URL}/rhaii-inference/qwen-3b-tpu-svc"


def test_the_gateways_root_when_it_leads_to_the_service() -> None:
    gateway = FakeGateway(paths={f"{OWN}/v1/models": (404, "")})
    result, lines = play(gateway, url=None)
    assert (result["url"], result["url_source"]) == (URL, "gateway")
    assert f"GET {OWN}/v1/models" not in gateway.asked
    assert lines[0] == f"endpoint {URL} (by gateway)"


def test_the_service_where_the_root_is_another_models() -> None:
    gateway = FakeGateway(ids={URL: ["other"]})
    result, lines = play(gateway, url=None, parallel_requests=0)
    assert (result["url"], result["url_source"]) == (OWN, "service")
    assert lines[0] == f"endpoint {OWN} (by service)"
    assert {each for each in gateway.asked if "completions" in each} == {f"POST {OWN}{COMPLETIONS}"}


def test_the_wanted_model_is_looked_for_at_the_root() -> None:
    gateway = FakeGateway(ids={URL: ["first", "second"]})
    result, _lines = play(gateway, url=None, model="second", parallel_requests=0)
    assert (result["url"], result["model"]) == (URL, "second")


def test_no_endpoint() -> None:
    result, _lines = play(FakeGateway(gateway="", service_there=False), url=None)
    assert result["failed"]
    assert (result["url"], result["url_source"]) == ("", "")
    assert "the LLMInferenceService qwen-3b-tpu-svc is not there." in result["msg"]


def test_neither_url_nor_kubernetes() -> None:
    result, _lines = play(FakeGateway(), url=None, cluster=False)
    assert result["msg"] == "Neither url nor access to Kubernetes is given. Give one of them."


def test_kubernetes_must_answer_when_the_url_comes_from_it() -> None:
    result, _lines = play(FakeGateway(kubernetes_error="The API server is away."), url=None)
    assert result["failed"]
    assert result["msg"] == "The API server is away."


# Throughput


def test_throughput_and_latency() -> None:
    gateway = FakeGateway()
    result, _lines = play(gateway, parallel_requests=100, concurrent=5)
    assert gateway.concurrent == 5
    parallel, serial = result["parallel"], result["serial"]
    assert (parallel["requests"], parallel["errors"], parallel["error_texts"]) == (100, 0, [])
    assert parallel["concurrent"] == 5
    assert parallel["requests_per_second"] == pytest.approx(5 * 1000 / parallel["p50_ms"], rel=0.02)
    assert parallel["confidence"]["p50"]["supported"]
    assert parallel["confidence"]["p95"]["supported"]
    assert not parallel["confidence"]["p99"]["supported"]
    assert parallel["confidence"]["p99"] == {"supported": False, "low_ms": None, "high_ms": None}
    assert parallel["hit_ratio"] > 0.75
    assert sum(parallel["replicas"].values()) == 100
    # ten requests, five cold and five warm
    assert (serial["requests"], serial["errors"]) == (10, 0)
    assert serial["p50_ms"] < serial["p95_ms"]
    assert serial["requests_per_second"] == pytest.approx(
        10_000 / (5 * serial["p50_ms"] + 5 * serial["p95_ms"]), abs=0.01
    )
    assert not serial["confidence"]["p95"]["supported"]


def test_parallel_requests_ask_the_prefixes_in_turn() -> None:
    gateway = FakeGateway()
    play(gateway, parallel_requests=20)
    last = gateway.prompts[-20:]
    assert [prompt.split()[0] for prompt in last] == [f"5a17-{number % 5 + 1}" for number in range(20)]
    assert len(set(gateway.prompts)) == len(gateway.prompts)
    assert [prompt.split("\n")[1].split(":")[0] for prompt in last] == [
        f"Question {number}" for number in range(1000, 1020)
    ]
    assert not any(body.get("stream") for body in gateway.bodies[-20:])
    assert gateway.asked[-20:] == [f"POST {URL}{COMPLETIONS}"] * 20


@pytest.mark.parametrize(
    ("count", "marks"), [(19, []), (20, [5, 10, 15]), (22, [5, 11, 16])], ids=["few", "just enough", "no four parts"]
)
def test_progress_of_parallel_requests_is_told_by_quarters(count: int, marks: list[int]) -> None:
    _result, lines = play(FakeGateway(), parallel_requests=count, max_tokens=1)
    told = [re.fullmatch(rf"parallel: (\d+) of {count}, 7\.\d requests a second", line) for line in lines]
    assert [int(each[1]) for each in told if each] == marks


def test_no_parallel_requests() -> None:
    gateway = FakeGateway()
    result, _lines = play(gateway, parallel_requests=0)
    assert gateway.concurrent == 0
    assert result["parallel"]["requests"] == 0
    assert result["parallel"]["requests_per_second"] is None
    assert result["parallel"]["p50_ms"] is None
    assert result["client"] == {"loop_lag_ms": None, "cpu_share": None, "void": False}
    assert "at a time" not in result["msg"]


def test_errors_of_parallel_requests_are_counted_with_their_texts() -> None:
    gateway = FakeGateway(failing=lambda number: number > 20 and number % 4 == 0)
    result, _lines = play(gateway, parallel_requests=40)
    assert result["verdict"] == "affine"
    assert "failed" not in result
    assert result["parallel"]["errors"] == 9
    assert result["parallel"]["error_texts"] == ["HTTP 503: upstream connect error"]
    # what failed is not waited for in the counters
    assert 0.05 not in gateway.clock.slept
    assert re.search(r" 5 at a time: [\d.]+ requests a second, P50 \d+ ms, 9 of 40 failed\. Median", result["msg"])


def test_parallel_requests_that_all_fail_are_unhealthy() -> None:
    result, _lines = play(FakeGateway(failing=lambda number: number > 16), parallel_requests=1)
    assert result["verdict"] == "unhealthy"
    assert "does not serve: all parallel requests failed (HTTP 503: upstream connect error)." in result["msg"]
    # what was seen before stays
    assert result["affinity"] == 1.0


def test_three_failures_in_a_row_end_the_proof() -> None:
    gateway = FakeGateway(failing=lambda number: number > 5)
    result, _lines = play(gateway)
    assert result["verdict"] == "unhealthy"
    assert "3 completions in a row failed (HTTP 503: upstream connect error)" in result["msg"]
    assert gateway.completions == 5 + 3
    assert gateway.concurrent == 0
    long = FakeGateway(failing=lambda number: number > 5)
    play(long, requests=100, prefixes=1)
    assert long.completions == 5 + 3


def test_a_failure_now_and_then_is_borne() -> None:
    gateway = FakeGateway(failing=lambda number: number in (3, 8))
    result, _lines = play(gateway)
    assert result["verdict"] == "affine"
    assert result["serial"]["errors"] == 2
    assert result["serial"]["error_texts"] == ["HTTP 503: upstream connect error"]
    assert sum(each["errors"] for each in result["prefixes"]) == 2


def test_latency_is_corroboration() -> None:
    result, _lines = play(FakeGateway())
    first, whole = result["latency"]["first_token"], result["latency"]["whole"]
    assert first["prefixes"] == whole["prefixes"] == 5
    assert first["cold_ms"] > first["warm_ms"]
    assert first["ratio"] == pytest.approx(first["warm_ms"] / first["cold_ms"], abs=0.002)
    assert first["ratio_low"] <= first["ratio"] <= first["ratio_high"]
    assert first["supported"]
    assert first["p_value"] == 0.00397
    # the whole answer has the same gain on a longer time
    assert whole["cold_ms"] - whole["warm_ms"] == pytest.approx(first["cold_ms"] - first["warm_ms"], abs=0.2)
    assert f"{first['cold_ms']:.0f} ms cold, {first['warm_ms']:.0f} ms warm" in result["msg"]


def test_a_faster_repeat_is_no_verdict() -> None:
    """Blind routing, where repeats of a prefix hit by the third time: the guide's own test calls that a success."""
    result, _lines = play(FakeGateway(route=in_turn), requests=40, prefixes=5)
    assert result["verdict"] == "blind"
    assert result["latency"]["whole"]["p_value"] < 0.05


@pytest.mark.parametrize(
    ("gateway", "void"),
    [({}, False), ({"lag_seconds": 0.5}, True), ({"cpu_seconds": 50.0}, True)],
)
def test_a_busy_client_voids_its_figures(gateway: dict[str, Any], void: bool) -> None:
    result, _lines = play(FakeGateway(**gateway))
    assert result["client"]["void"] is void
    assert result["msg"].endswith(" This machine was too busy to measure: take the figures for void.") is void


# Demands and limits


@pytest.mark.parametrize(("least", "failed"), [(0.0, False), (0.5, False), (0.96, False), (0.961, True)])
def test_a_hit_ratio_may_be_demanded(least: float, failed: bool) -> None:
    result, _lines = play(FakeGateway(), prompt=TEXT, min_hit_ratio=least)
    assert bool(result.get("failed")) is failed
    assert result["verdict"] == "affine"
    if failed:
        assert result["msg"].startswith(
            "The hit ratio is 0.96, wanted at least 0.961. Routing follows the prefix: 5 of 5"
        )
        assert result["msg"].endswith(
            " 108 ms warm. Raise prefix_tokens, or see which replicas miss: prefixes and replicas in the result."
        )


def test_a_hit_ratio_that_is_not_known_does_not_suffice() -> None:
    result, _lines = play(FakeGateway(tells_cached=False), cluster=False, min_hit_ratio=0.1)
    assert result["failed"]
    assert result["hit_ratio"] is None
    assert result["msg"].startswith("The hit ratio is not known, wanted at least 0.1.")
    assert result["msg"].endswith("start vLLM with --enable-prompt-tokens-details.")
    assert "Raise prefix_tokens" not in result["msg"]
    checked, _lines = play(FakeGateway(), check_mode=True, min_hit_ratio=0.1)
    assert "failed" not in checked


@pytest.mark.parametrize("name", LIMITS)
def test_limits(name: str) -> None:
    least, most = LIMITS[name]
    for value in (least, most):
        check_limits({**PARAMS, name: value})
    for value in (least - 1, most + 1):
        with pytest.raises(RhaiiError) as caught:
            check_limits({**PARAMS, name: value})
        assert str(caught.value) == f"{name} is {value:g}. Give a number from {least:g} to {most:g}."


def test_a_limit_ends_the_run_before_anything_is_sent() -> None:
    gateway = FakeGateway()
    result, _lines = play(gateway, concurrent=1000)
    assert result["failed"]
    assert gateway.asked == []
    assert (result["url"], result["verdict"], result["remedy"]) == (URL, "unknown", "")


# Shape


def test_every_outcome_has_the_same_keys() -> None:
    success, _lines = play(FakeGateway())
    others = {
        "blind": play(FakeGateway(route=in_turn))[0],
        "no view": play(FakeGateway(), cluster=False)[0],
        "unhealthy": play(FakeGateway(paths={"/v1/health": (0, "gone")}))[0],
        "limits": play(FakeGateway(), requests=0)[0],
        "no endpoint": play(FakeGateway(kubernetes_error="away"), url=None)[0],
        "check mode": play(FakeGateway(), check_mode=True)[0],
        "nothing seen": play(FakeGateway(tells_usage=False), cluster=False)[0],
    }
    wanted = set(keys(success))
    for name, result in others.items():
        assert set(keys(result)) - {".failed"} == wanted, name


def test_the_documented_results_are_the_results() -> None:
    import yaml
    from ansible_collections.rhaii.gke.plugins.modules import cache_routing_test as module

    documented = yaml.safe_load(module.RETURN)
    result, _lines = play(FakeGateway())
    assert set(documented) == set(result) - {"changed"}
    for name in ("second_requests", "replica_view", "control", "client"):
        assert set(documented[name]["contains"]) == set(result[name]), name
    assert set(documented["health"]["contains"]) == set(result["health"][0])
    assert set(documented["prefixes"]["contains"]) == set(result["prefixes"][0])
    assert set(documented["latency"]["contains"]) == set(result["latency"])
    assert set(documented["latency"]["contains"]["whole"]["contains"]) == set(result["latency"]["whole"])
    assert set(documented["serial"]["contains"]) == set(result["serial"])
    assert set(documented["parallel"]["contains"]) | {"concurrent", "hit_ratio", "replicas"} == set(result["parallel"])


def test_the_documented_options_are_the_options() -> None:
    import yaml
    from ansible_collections.rhaii.gke.plugins.doc_fragments import _kubernetes
    from ansible_collections.rhaii.gke.plugins.modules import cache_routing_test as module

    documented = {
        **yaml.safe_load(_kubernetes.ModuleDocFragment.DOCUMENTATION)["options"],
        **yaml.safe_load(module.DOCUMENTATION)["options"],
    }
    assert set(documented) == set(CAPABILITY.argument_spec)
    for name, option in CAPABILITY.argument_spec.items():
        assert documented[name].get("default") == option.get("default"), name
        assert documented[name]["type"] == option["type"], name
        assert documented[name].get("aliases") == option.get("aliases"), name


def test_a_failure_carries_the_result_through_the_edge() -> None:
    gateway = FakeGateway(route=in_turn)
    capability = CAPABILITY.__class__(
        name=CAPABILITY.name,
        argument_spec=CAPABILITY.argument_spec,
        ports=lambda params: gateway.ports(),
        run=run,
    )
    result = execute(capability, PARAMS, lambda line: None, check_mode=False, diff_mode=False)
    assert result["failed"]
    assert result["verdict"] == "blind"
    assert result["msg"].startswith("Routing is blind to the prompt")
    assert len(result["prefixes"]) >= 5


# Figures by themselves


def test_figures() -> None:
    outcomes = [Outcome(0.1 * number, "") for number in range(1, 11)]
    outcomes += [Outcome(9.0, "b"), Outcome(9.0, "a"), Outcome(9.0, "b"), Outcome(9.0, "c"), Outcome(9.0, "d")]
    assert figures(outcomes, 4.0) == {
        "requests": 15,
        "errors": 5,
        "error_texts": ["b", "a", "c"],
        "requests_per_second": 2.5,
        "p50_ms": 500.0,
        "p95_ms": 1000.0,
        "p99_ms": 1000.0,
        "confidence": {
            "p50": {"supported": True, "low_ms": 200.0, "high_ms": 900.0},
            "p95": UNSUPPORTED,
            "p99": UNSUPPORTED,
        },
    }


def test_figures_are_rounded() -> None:
    found = figures([Outcome(0.123456, "")], 0.7)
    assert (found["requests_per_second"], found["p50_ms"]) == (1.43, 123.5)


def test_figures_of_nothing() -> None:
    assert figures([Outcome(1.0, "x")], 1.0) == {**NO_FIGURES, "requests": 1, "errors": 1, "error_texts": ["x"]}
    assert figures([Outcome(1.0, "")], 0.0)["requests_per_second"] is None


@pytest.mark.parametrize(
    ("completions", "ratio"),
    [
        pytest.param([(400, 384), (400, 0)], 0.48, id="told"),
        pytest.param([(400, 384), (400, None)], 0.48, id="zeros left out"),
        pytest.param([(400, 384), (400, 0), (400, None)], 0.48, id="one not told"),
        pytest.param([(400, 0), (400, 0)], 0.0, id="never a hit"),
        pytest.param([(400, None), (400, None)], None, id="never told"),
        pytest.param([(400, 384), (None, None)], 0.96, id="a length not told"),
        pytest.param([], None, id="none"),
    ],
)
def test_hit_ratio(completions: list[tuple[int | None, int | None]], ratio: float | None) -> None:
    assert hit_ratio([Completion("", *tokens) for tokens in completions]) == ratio


def test_comparison() -> None:
    found = comparison([(0.4, 0.2), (0.5, 0.2), (0.6, 0.3)], 0)
    assert found == {
        "prefixes": 3,
        "cold_ms": 500.0,
        "warm_ms": 200.0,
        "ratio": 0.5,
        "ratio_low": None,
        "ratio_high": None,
        "supported": False,
        "p_value": 0.05,
    }
    assert comparison([], 0) == NO_COMPARISON


def test_comparison_of_as_many_as_an_interval_needs() -> None:
    assert comparison([(0.3, 0.1)] * 5, 0) == {
        "prefixes": 5,
        "cold_ms": 300.0,
        "warm_ms": 100.0,
        "ratio": 0.333,
        "ratio_low": 0.333,
        "ratio_high": 0.333,
        "supported": True,
        "p_value": 0.00397,
    }


@pytest.mark.parametrize(
    ("lag", "cpu", "p50_ms", "void"),
    [
        (0.005, 0.1, 10.0, False),
        (0.0051, 0.1, 10.0, True),
        (0.02, 0.1, 400.0, False),
        (0.0201, 0.1, 400.0, True),
        (0.0, 0.8, 400.0, False),
        (0.0, 0.81, 400.0, True),
        (0.006, 0.1, None, True),
    ],
)
def test_self_check(lag: float, cpu: float, p50_ms: float | None, void: bool) -> None:
    found = self_check(Load([Answer()], 1.0, cpu, lag), p50_ms)
    assert found == {"loop_lag_ms": round(lag * 1000, 2), "cpu_share": cpu, "void": void}


def test_self_check_is_a_share_of_the_time() -> None:
    assert self_check(Load([], 3.0, 1.0, 0.00123456), 100.0) == {
        "loop_lag_ms": 1.23,
        "cpu_share": 0.333,
        "void": False,
    }
    assert self_check(Load([], 0.0, 1.0, 0.0), 100.0) == {"loop_lag_ms": None, "cpu_share": None, "void": False}


# Wiring


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ({"url": URL}, False),
        ({"url": None}, True),
        ({"url": URL, "host": "https://203.0.113.1"}, True),
        ({"url": URL, "kubeconfig": "/k"}, True),
        ({"url": URL, "context": "c"}, True),
    ],
)
def test_kubernetes_is_asked_when_it_is_needed_or_given(given: dict[str, Any], asked: bool) -> None:
    assert (routing_ports({**PARAMS, **given}).cluster is not None) is asked


def test_kubernetes_is_asked_for_the_service_and_its_gateway(monkeypatch: pytest.MonkeyPatch) -> None:
    from ansible_collections.rhaii.gke.plugins.module_utils._routing import check

    monkeypatch.setattr(check.KubernetesRest, "from_params", lambda params: ("the API of", params["host"]))
    monkeypatch.setattr(check, "KubernetesCluster", lambda api, **names: (api, names))
    cluster = routing_ports({**PARAMS, "host": "https://203.0.113.1"}).cluster
    assert cluster is not None
    assert cluster() == (
        ("the API of", "https://203.0.113.1"),
        {
            "namespace": "rhaii-inference",
            "name": "qwen-3b-tpu-svc",
            "gateway_namespace": "opendatahub",
            "gateway_name": "inference-gateway",
        },
    )


def test_time_is_the_systems() -> None:
    assert isinstance(routing_ports(PARAMS).clock, SystemClock)


def test_salts_are_new() -> None:
    salt = routing_ports(PARAMS).salt
    assert re.fullmatch(r"[0-9a-f]{16}", salt())
    assert salt() != salt()


def test_the_endpoints_options_reach_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    from ansible_collections.rhaii.gke.plugins.module_utils._routing import check

    made: dict[str, Any] = {}

    def transport(url: str, **options: Any) -> str:
        made.update(url=url, **options)
        return "made"

    monkeypatch.setattr(check, "SelectorTransport", transport)
    monkeypatch.setattr(check, "trust", lambda file, verify: (file, verify))
    given = {
        "headers": {"X-Model": 7},
        "bearer_token": "t",
        "endpoint_ca_file": "/ca.pem",
        "validate_endpoint": False,
        "request_timeout": 9,
    }
    assert routing_ports({**PARAMS, **given}).transport("http://a") == "made"
    assert made["tls"]() == ("/ca.pem", False)
    assert (made["url"], made["timeout"]) == ("http://a", 9.0)
    assert made["headers"] == {"X-Model": "7", "Authorization": "Bearer t"}
    routing_ports(PARAMS).transport("http://a")
    assert made["headers"] == {}


# Endpoint pickers


def led(path: str) -> Result:
    pool = {"group": "inference.networking.k8s.io", "kind": "InferencePool", "name": "qwen-3b-tpu-svc-inference-pool"}
    rule = {"matches": [{"path": {"value": path}}], "backendRefs": [pool]}
    parent = {"name": "inference-gateway", "namespace": "opendatahub"}
    meta = {"name": "guide-paths", "namespace": "rhaii-inference"}
    return {"metadata": meta, "spec": {"parentRefs": [parent], "rules": [rule]}}


LED = (
    [led(COMPLETIONS)],
    [
        {
            "metadata": {"name": "qwen-3b-tpu-svc-inference-pool", "namespace": "rhaii-inference"},
            "spec": {"endpointPickerRef": {"name": "qwen-3b-tpu-svc-epp-service", "port": {"number": 9002}}},
        }
    ],
)
NAMES = {"qwen-3b-tpu-svc": MODEL}


def test_pickers_are_looked_at_when_services_are_named() -> None:
    result, lines = play(FakeGateway(known_routes=LED), served_names=NAMES, url=f"{URL}/")
    (found,) = result["asked"]
    assert (found["service"], found["path"], found["verdict"]) == ("qwen-3b-tpu-svc", COMPLETIONS, "asked")
    assert "endpoint pickers: asked on 1 of 1 paths" in lines
    assert play(FakeGateway(known_routes=LED))[0]["asked"] == []


def test_picker_that_is_not_asked_fails_where_affinity_is_required() -> None:
    result, _lines = play(FakeGateway(known_routes=LED, asks_picker=False), served_names=NAMES)
    assert result["failed"]
    assert result["msg"].startswith("The endpoint picker is not asked on /v1/completions of qwen-3b-tpu-svc. Routing")
    assert result["verdict"] == "affine"
    result, _lines = play(FakeGateway(known_routes=LED, asks_picker=False), served_names=NAMES, require_affinity=False)
    assert "failed" not in result
    assert result["asked"][0]["verdict"] == "not_asked"
    assert result["cause"] == "picker-not-asked"


def test_pickers_cannot_be_told_of_without_kubernetes() -> None:
    result, _lines = play(FakeGateway(), cluster=False, served_names=NAMES)
    assert [(each["verdict"], each["reason"]) for each in result["asked"]] == [
        ("unknown", "no Kubernetes access is given")
    ]


def test_unhealthy_endpoint_is_not_asked_about_pickers() -> None:
    gateway = FakeGateway(known_routes=LED, paths={"/v1/health": (0, "refused")})
    assert play(gateway, served_names=NAMES)[0]["asked"] == []
