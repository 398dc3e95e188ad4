# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the endpoint is, and the three looks at it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._routing.answers import Completion
from ansible_collections.rhaii.gke.plugins.module_utils._routing.health import (
    Check,
    Found,
    completion_check,
    find,
    health,
    models,
    not_asked,
)
from ansible_collections.rhaii.gke.plugins.module_utils._routing.metrics import Counters
from ansible_collections.rhaii.gke.plugins.module_utils._routing.ports import Answer, Ask, Load, Pod, Service

from tests.unit.plugins.module_utils.routing.fake_gateway import COMPLETIONS, MODEL, URL

OWN = f"{URL}/rhaii-inference/qwen-3b-tpu-svc"
SERVICE = Service(OWN, MODEL)
MODELS = Ask("GET", "/v1/models")
NOT_FOUND = Answer(404, {}, b'{"detail": "Not Found"}', 0.001)
SILENCE = Answer(seconds=0.5, error="could not connect to 203.0.113.7:80: Connection refused")


def listing(*ids: str) -> Answer:
    return Answer(200, {}, json.dumps({"data": [{"id": name} for name in ids]}).encode(), 0.002)


@dataclass
class Scripted:
    """A transport to one URL, which answers by path."""

    answers: Mapping[str, Answer]
    url: str = URL
    asked: list[tuple[str, Ask]] = field(default_factory=list)

    def ask(self, ask: Ask) -> Answer:
        self.asked.append((self.url, ask))
        return self.answers.get(f"{self.url}{ask.path}", NOT_FOUND)

    def load(self, asks: Sequence[Ask], concurrent: int, done: Callable[[int], None]) -> Load:
        raise AssertionError("nobody loads it here")


@dataclass
class FakeCluster:
    """What Kubernetes says of the endpoint."""

    gateway: str = URL
    own: Service | None = SERVICE

    def gateway_url(self) -> str:
        return self.gateway

    def service(self) -> Service | None:
        return self.own

    def pods(self) -> Sequence[Pod]:
        raise AssertionError("nobody asks for the pods here")

    def counters(self, pods: Sequence[Pod]) -> Mapping[str, Counters]:
        raise AssertionError("nobody asks for counters here")


UNNAMED = "/mnt/models"


@pytest.mark.parametrize(
    ("cluster", "root", "own", "model", "found", "asked"),
    [
        pytest.param(FakeCluster(), [MODEL], [], "", Found(URL, "gateway"), [URL], id="the root leads to it"),
        pytest.param(
            FakeCluster(), ["other"], [MODEL], "", Found(OWN, "service"), [URL, OWN], id="the root is another model's"
        ),
        pytest.param(
            FakeCluster(), [UNNAMED], [UNNAMED], "", Found(URL, "gateway"), [URL, OWN], id="both by an unnamed model"
        ),
        pytest.param(
            FakeCluster(), [UNNAMED], [], UNNAMED, Found(URL, "gateway"), [URL], id="the model that is wanted"
        ),
        pytest.param(FakeCluster(), [], [MODEL], "", Found(OWN, "service"), [URL], id="no route at the root"),
        pytest.param(FakeCluster(gateway=""), [], [MODEL], "", Found(OWN, "service"), [], id="no address"),
        pytest.param(FakeCluster(own=None), ["other"], [], "", Found(URL, "gateway"), [URL], id="no service"),
        pytest.param(
            FakeCluster(own=None), [], [], "", Found(URL, "gateway"), [URL], id="no service, no route at the root"
        ),
        pytest.param(
            FakeCluster(own=Service("", MODEL)), [MODEL], [], "", Found(URL, "gateway"), [URL], id="no URL of its own"
        ),
        pytest.param(
            FakeCluster(own=Service("", MODEL)),
            ["other"],
            [],
            "",
            Found(URL, "gateway"),
            [URL],
            id="nothing better than the root",
        ),
    ],
)
def test_where_the_endpoint_is(
    cluster: FakeCluster, root: list[str], own: list[str], model: str, found: Found, asked: list[str]
) -> None:
    transport = Scripted({f"{url}/v1/models": listing(*ids) for url, ids in ((URL, root), (OWN, own)) if ids})

    def at(url: str) -> Scripted:
        return Scripted(transport.answers, url, transport.asked)

    assert find(cluster, model, "qwen-3b-tpu-svc", at) == found
    assert transport.asked == [(url, MODELS) for url in asked]


@pytest.mark.parametrize(
    ("own", "said"),
    [
        pytest.param(None, "is not there", id="no service"),
        pytest.param(Service("", MODEL), "has no URL in its status", id="no URL"),
    ],
)
def test_no_endpoint(own: Service | None, said: str) -> None:
    with pytest.raises(RhaiiError) as caught:
        find(FakeCluster("", own), "", "qwen-3b-tpu-svc", lambda url: Scripted({}, url))
    assert str(caught.value) == (
        f"No endpoint was found: the gateway has no address, and the LLMInferenceService qwen-3b-tpu-svc {said}. "
        "Wait until they are ready, check name, namespace, gateway_name and gateway_namespace, or give url."
    )


@pytest.mark.parametrize(
    ("answers", "check", "paths"),
    [
        pytest.param(
            {"/v1/health": Answer(200, {}, b"", 0.003)},
            Check("health", "/v1/health", 200, 0.003, ""),
            ["/v1/health"],
            id="the guide's",
        ),
        pytest.param(
            {"/health": Answer(200, {}, b"", 0.001)},
            Check("health", "/health", 200, 0.001, "", "/v1/health: HTTP 404: Not Found"),
            ["/v1/health", "/health"],
            id="the server's own",
        ),
        pytest.param(
            {"/health": Answer(503, {}, b"no", 0.001)},
            Check("health", "/health", 503, 0.001, "HTTP 503: no", "/v1/health: HTTP 404: Not Found"),
            ["/v1/health", "/health"],
            id="neither",
        ),
        pytest.param(
            {"/v1/health": SILENCE},
            Check("health", "/v1/health", None, 0.5, SILENCE.error),
            ["/v1/health"],
            id="nothing answers",
        ),
    ],
)
def test_health(answers: dict[str, Answer], check: Check, paths: list[str]) -> None:
    transport = Scripted({f"{URL}{path}": answer for path, answer in answers.items()})
    assert health(transport) == check
    assert transport.asked == [(URL, Ask("GET", path)) for path in paths]


@pytest.mark.parametrize(
    ("answer", "wanted", "status", "problem", "detail", "model"),
    [
        pytest.param(listing("a", "b"), "", 200, "", "a, b", "a", id="the first"),
        pytest.param(listing("a", "b"), "b", 200, "", "a, b", "b", id="the one that is wanted"),
        pytest.param(listing("a", "b"), "c", 200, "it serves a, b, not c", "a, b", "c", id="another one"),
        pytest.param(listing(), "", 200, "the answer lists no model", "", "", id="none"),
        pytest.param(listing(), "c", 200, "the answer lists no model", "", "c", id="none, and one is wanted"),
        pytest.param(Answer(500, {}, b"", 0.002), "", 500, "HTTP 500", "", "", id="an error"),
    ],
)
def test_models(answer: Answer, wanted: str, status: int, problem: str, detail: str, model: str) -> None:
    transport = Scripted({f"{URL}/v1/models": answer})
    assert models(transport, wanted) == (Check("models", "/v1/models", status, 0.002, problem, detail), model)
    assert transport.asked == [(URL, MODELS)]


def test_completion_check() -> None:
    body = {
        "choices": [{"text": "word"}],
        "usage": {"prompt_tokens": 81, "prompt_tokens_details": {"cached_tokens": 0}},
    }
    transport = Scripted({f"{URL}{COMPLETIONS}": Answer(200, {}, json.dumps(body).encode(), 0.34)})
    check, read = completion_check(transport, MODEL, "apple away", 10)
    assert check == Check("completion", COMPLETIONS, 200, 0.34, "")
    assert read == Completion("", 81, 0)
    ((_, ask),) = transport.asked
    assert (ask.method, ask.path) == ("POST", COMPLETIONS)
    assert json.loads(ask.body) == {"model": MODEL, "prompt": "apple away", "max_tokens": 10, "temperature": 0}


def test_a_completion_without_choices() -> None:
    transport = Scripted({f"{URL}{COMPLETIONS}": Answer(200, {}, b"{}", 0.34)})
    check, _ = completion_check(transport, MODEL, "apple away", 10)
    assert check == Check("completion", COMPLETIONS, 200, 0.34, "the answer holds no choices")


@pytest.mark.parametrize(
    ("check", "said", "result"),
    [
        pytest.param(
            Check("models", "/v1/models", 200, 0.00249, "", "a, b"),
            "/v1/models 200 in 2 ms",
            {
                "check": "models",
                "path": "/v1/models",
                "status": 200,
                "ms": 2.5,
                "ok": True,
                "detail": "a, b",
            },
            id="well",
        ),
        pytest.param(
            Check("health", "/health", 200, 0.001, "", "/v1/health: HTTP 404"),
            "/health 200 in 1 ms (/v1/health: HTTP 404)",
            {
                "check": "health",
                "path": "/health",
                "status": 200,
                "ms": 1.0,
                "ok": True,
                "detail": "/v1/health: HTTP 404",
            },
            id="well, by another path",
        ),
        pytest.param(
            Check("health", "/health", 503, 0.001, "HTTP 503", "/v1/health: HTTP 404"),
            "/health: HTTP 503 (/v1/health: HTTP 404)",
            {
                "check": "health",
                "path": "/health",
                "status": 503,
                "ms": 1.0,
                "ok": False,
                "detail": "HTTP 503; /v1/health: HTTP 404",
            },
            id="ill",
        ),
        pytest.param(
            Check("health", "/v1/health", 200, 0.001, ""),
            "/v1/health 200 in 1 ms",
            {
                "check": "health",
                "path": "/v1/health",
                "status": 200,
                "ms": 1.0,
                "ok": True,
                "detail": "",
            },
            id="nothing to add",
        ),
        pytest.param(
            not_asked("models", "/v1/models"),
            "/v1/models: not asked, since nothing answers",
            {
                "check": "models",
                "path": "/v1/models",
                "status": None,
                "ms": None,
                "ok": False,
                "detail": "not asked, since nothing answers",
            },
            id="not asked",
        ),
    ],
)
def test_a_check_in_words_and_as_a_result(check: Check, said: str, result: dict[str, object]) -> None:
    assert (check.said, check.result()) == (said, result)
