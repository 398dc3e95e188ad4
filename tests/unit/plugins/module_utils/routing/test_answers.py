# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading what an OpenAI endpoint answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._routing.answers import (
    Completion,
    completion_of,
    model_ids,
    problem,
    replica_header,
)
from ansible_collections.rhaii.gke.plugins.module_utils._routing.ports import Answer

STREAM = {"content-type": "text/event-stream; charset=utf-8"}


def whole(body: Any, status: int = 200) -> Answer:
    return Answer(status, {"content-type": "application/json"}, json.dumps(body).encode())


def stream(*events: Any) -> Answer:
    text = "".join(f"data: {event if isinstance(event, str) else json.dumps(event)}\n\n" for event in events)
    return Answer(200, STREAM, (": ping\n\n" + text).encode())


CHOICE = {"choices": [{"text": "a"}]}


@pytest.mark.parametrize(
    ("details", "cached"),
    [
        pytest.param({"cached_tokens": 384}, 384, id="hot"),
        pytest.param({"cached_tokens": 0}, 0, id="cold"),
        pytest.param({"cached_tokens": None}, None, id="null within"),
        pytest.param({}, None, id="missing within"),
        pytest.param(None, None, id="null"),
        pytest.param("x", None, id="no object"),
        pytest.param({"cached_tokens": "384"}, None, id="text"),
        pytest.param({"cached_tokens": True}, None, id="a truth"),
        pytest.param({"cached_tokens": -1}, None, id="negative"),
        pytest.param({"cached_tokens": 1.5}, None, id="a fraction"),
    ],
)
def test_cached_tokens_are_known_or_not(details: Any, cached: int | None) -> None:
    usage = {"prompt_tokens": 413, "prompt_tokens_details": details}
    wanted = Completion("", 413, cached)
    assert completion_of(whole({**CHOICE, "usage": usage})) == wanted
    assert completion_of(stream(CHOICE, {"choices": [], "usage": usage}, "[DONE]")) == wanted


def test_a_completion_without_usage() -> None:
    assert completion_of(whole(CHOICE)) == Completion("", None, None)
    assert completion_of(whole({**CHOICE, "usage": None})) == Completion("", None, None)
    assert completion_of(stream(CHOICE, "[DONE]")) == Completion("", None, None)


def test_the_last_usage_of_a_stream_counts() -> None:
    first, last = {"prompt_tokens": 1}, {"prompt_tokens": 2}
    assert (
        completion_of(stream({**CHOICE, "usage": first}, {"choices": [], "usage": last}, "[DONE]")).prompt_tokens == 2
    )
    assert (
        completion_of(stream({**CHOICE, "usage": first}, {"choices": [], "usage": None}, "[DONE]")).prompt_tokens == 1
    )


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param(Answer(error="no answer came"), "no answer came", id="no answer"),
        pytest.param(whole({"choices": []}), "the answer holds no choices", id="no choices"),
        pytest.param(whole([]), "the answer holds no choices", id="a list"),
        pytest.param(Answer(200, {}, b"<html>"), "the answer holds no choices", id="no JSON"),
        pytest.param(stream("[DONE]"), "the answer holds no choices", id="an empty stream"),
        pytest.param(stream(CHOICE, {"error": {"message": "out of memory"}}), "out of memory", id="error in a stream"),
        pytest.param(stream({"error": "boom"}), "boom", id="a plain error in a stream"),
        pytest.param(whole({"error": {"message": "too long"}}, 400), "HTTP 400: too long", id="vLLM's error"),
        pytest.param(whole({"message": "nope"}, 400), "HTTP 400: nope", id="another error"),
        pytest.param(whole({"detail": "Not Found"}, 404), "HTTP 404: Not Found", id="a framework's error"),
        pytest.param(whole({"error": {"code": 1}}, 500), 'HTTP 500: {"error": {"code": 1}}', id="an odd error"),
        pytest.param(Answer(503, {}, b"upstream  connect\nerror"), "HTTP 503: upstream connect error", id="text"),
        pytest.param(Answer(502, {}, b""), "HTTP 502", id="an empty error"),
        pytest.param(Answer(500, {}, b"x" * 300), f"HTTP 500: {'x' * 199}…", id="a long error"),
    ],
)
def test_what_is_no_completion(answer: Answer, said: str) -> None:
    assert completion_of(answer) == Completion(said)


def test_an_error_with_a_status_of_success_is_a_problem() -> None:
    assert problem(whole({"error": {"message": "no quota"}})) == "HTTP 200 with an error: no quota"
    assert problem(whole({"error": None, "data": []})) == ""
    assert model_ids(whole({"error": "x", "data": [{"id": "a"}]})) == []


def test_problem() -> None:
    assert problem(Answer(200)) == ""
    assert problem(Answer(201)) == "HTTP 201"
    assert problem(Answer(error="gone")) == "gone"


@pytest.mark.parametrize(
    ("answer", "ids"),
    [
        pytest.param(whole({"data": [{"id": "a"}, {"id": "b"}]}), ["a", "b"], id="two"),
        pytest.param(whole({"data": [{"id": ""}, {}, "x", {"id": "b"}]}), ["b"], id="odd entries"),
        pytest.param(whole({"data": {}}), [], id="no list"),
        pytest.param(whole([]), [], id="no object"),
        pytest.param(whole({"data": [{"id": "a"}]}, 503), [], id="an error"),
    ],
)
def test_model_ids(answer: Answer, ids: list[str]) -> None:
    assert model_ids(answer) == ids


def test_replica_header() -> None:
    assert replica_header(Answer(200, {"server": "envoy"})) == ""
    assert replica_header(Answer(200, {"x-served-by": ""})) == ""
    direct = {"x-gateway-destination-endpoint": "10.0.0.1:8000", "x-served-by": "pod-1"}
    assert replica_header(Answer(200, direct)) == "pod-1"
    assert replica_header(Answer(200, {"x-gateway-destination-endpoint": "10.0.0.1:8000"})) == "10.0.0.1:8000"
    assert replica_header(Answer(200, {"x-gateway-destination-endpoint-served": "10.0.0.2:8000"})) == "10.0.0.2:8000"
    assert replica_header(Answer(200, {"x-inference-pod": "pod-2"})) == "pod-2"
