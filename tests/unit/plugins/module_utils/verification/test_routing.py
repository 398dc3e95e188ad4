# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the requests of cache_routing_test showed, as findings."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._findings import FAILED, OK, UNKNOWN, Finding
from ansible_collections.rhaii.gke.plugins.module_utils._verification.routing import in_figures, routing_findings


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


@pytest.mark.parametrize(
    ("judged", "verdict"),
    [("affine", OK), ("blind", UNKNOWN), ("no_cache", UNKNOWN), ("unknown", FAILED), ("unhealthy", FAILED)],
)
def test_proof_that_is_required(judged: str, verdict: str) -> None:
    findings = routing_findings({**RESULT, "verdict": judged, "remedy": "Do that."}, False, require_proof=True)
    assert next(each.verdict for each in findings if each.check == "cache routing") == verdict


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
