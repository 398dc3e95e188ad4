# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether each path asks its own endpoint picker: which paths there are, and what the counts tell."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._routing.asked import (
    ASKED,
    FAILED,
    NOT_ASKED,
    TRIES,
    UNKNOWN,
    Found,
    body_for,
    look,
    paths,
)
from ansible_collections.rhaii.gke.plugins.module_utils._routing.ports import Answer, Ask
from ansible_collections.rhaii.gke.plugins.module_utils._verification.routing import pickers

GATEWAY, NAMESPACE = "inference-gateway", "opendatahub"
PARENT = {"name": GATEWAY, "namespace": NAMESPACE}
BOTH = ("/v1/completions", "/v1/chat/completions")


def rule(model: str, path: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    pool = {"group": "inference.networking.k8s.io", "kind": "InferencePool", "name": f"{model}-inference-pool"}
    match: dict[str, Any] = {"path": {"type": "PathPrefix", "value": path}}
    if headers:
        match["headers"] = [{"name": name, "value": value} for name, value in headers.items()]
    return {"matches": [match], "backendRefs": [pool]}


def route(name: str, *rules: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "models"}, "spec": {"parentRefs": [PARENT], "rules": list(rules)}}


def pool(model: str) -> dict[str, Any]:
    ref = {"name": f"{model}-epp-service", "port": {"number": 9002}, "failureMode": "FailOpen"}
    meta = {"name": f"{model}-inference-pool", "namespace": "models"}
    return {"metadata": meta, "spec": {"endpointPickerRef": ref}}


def picker(model: str) -> str:
    return f"outbound|9002||{model}-epp-service.models.svc.cluster.local"


ROUTES = [
    route("a-kserve-route", *(rule("a", f"/models/a{end}") for end in BOTH), {"matches": [{}], "backendRefs": []}),
    route("b-kserve-route", *(rule("b", f"/models/b{end}") for end in BOTH)),
    route("guide", *(rule("a", end) for end in BOTH), *(rule("b", end, {"x-model": "b"}) for end in BOTH)),
]
SERVICES = {"a": "Model/A", "b": "Model/B"}


@dataclass
class World:
    """Gateway and API server: `who` says which picker is asked for a request, '' for none."""

    who: Any
    routes_there: Sequence[Mapping[str, Any]] = field(default_factory=lambda: ROUTES)
    pools_there: Sequence[Mapping[str, Any]] = field(default_factory=lambda: [pool("a"), pool("b")])
    status: int = 200
    refused: str = ""
    # requests of others before a look
    others: list[int] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    asks: list[Ask] = field(default_factory=list)

    def ask(self, ask: Ask) -> Answer:
        self.asks.append(ask)
        name = self.who(ask)
        if name:
            self.counts[picker(name)] = self.counts.get(picker(name), 0) + 1
        return Answer(self.status, error="" if self.status else "no connection")

    def load(self, *_: Any) -> Any:
        raise AssertionError

    def routes(self) -> tuple[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]]:
        return self.routes_there, self.pools_there

    def picker_answers(self) -> Mapping[str, int]:
        if self.refused:
            raise RhaiiError(self.refused)
        if self.others:
            self.counts[picker("a")] = self.counts.get(picker("a"), 0) + self.others.pop(0)
        return dict(self.counts)


def own(ask: Ask) -> str:
    return "b" if "/b/" in ask.path or ask.headers else "a"


def looked(world: World, services: Mapping[str, str] = SERVICES) -> list[Found]:
    cluster: Any = world
    return look(cluster, cluster, services, GATEWAY, NAMESPACE)


def verdicts(found: Sequence[Found]) -> list[tuple[str, str, str]]:
    return [(each.service, each.path + ("+" if each.headers else ""), each.verdict) for each in found]


EVERY = [
    *(("a", path) for path in ("/models/a/v1/completions", "/models/a/v1/chat/completions", *BOTH)),
    *(
        ("b", path)
        for path in ("/models/b/v1/completions", "/models/b/v1/chat/completions", *(f"{end}+" for end in BOTH))
    ),
]


def test_every_path_of_every_model_is_asked_with_its_headers_and_model() -> None:
    world = World(own)
    found = looked(world)
    assert verdicts(found) == [(service, path, ASKED) for service, path in EVERY]
    assert {each.answers for each in found} == {2}
    sent = [(ask.path, dict(ask.headers), json.loads(ask.body)["model"]) for ask in world.asks[::2]]
    assert sent[3] == ("/v1/chat/completions", {}, "Model/A")
    assert sent[6] == ("/v1/completions", {"x-model": "b"}, "Model/B")


def test_gateway_that_asks_nobody_is_seen_on_every_path() -> None:
    assert verdicts(looked(World(lambda ask: ""))) == [(service, path, NOT_ASKED) for service, path in EVERY]


def test_another_models_picker_does_not_count() -> None:
    assert {each.verdict for each in looked(World(lambda ask: "a")) if each.service == "b"} == {NOT_ASKED}


def test_one_path_without_is_the_one_that_is_said() -> None:
    found = looked(World(lambda ask: "" if ask.path == "/v1/completions" and not ask.headers else own(ask)))
    assert [each.path for each in found if each.verdict == NOT_ASKED] == ["/v1/completions"]


def test_requests_of_others_are_waited_out() -> None:
    world = World(own, others=[0, 3, 0, 0])
    assert {each.verdict for each in looked(world, {"a": "m"})} == {ASKED}
    busy = World(own, others=[1] * 100)
    found = looked(busy, {"a": "m"})
    assert {each.verdict for each in found} == {UNKNOWN}
    assert found[0].reason == f"requests of others came between, {TRIES} times"
    # what they add does not hide a path that asks nobody, as soon as they pause
    assert {each.verdict for each in looked(World(lambda ask: "", others=[0, 9]), {"a": "m"})} == {NOT_ASKED}


def test_count_that_fell_proves_nothing() -> None:
    world = World(own, others=[50, -60, 0, 0])
    assert looked(world, {"a": "m"})[0].verdict == ASKED


def test_without_access_nothing_is_told_and_nothing_sent() -> None:
    world = World(own, refused="forbidden")
    found = looked(world)
    assert {(each.verdict, each.reason) for each in found} == {(UNKNOWN, "forbidden")}
    assert not world.asks
    world.routes = lambda: (_ for _ in ()).throw(RhaiiError("no routes"))  # type: ignore[method-assign]
    assert verdicts(looked(world)) == [("a", "", UNKNOWN), ("b", "", UNKNOWN)]


@pytest.mark.parametrize(("status", "reason"), [(500, "HTTP 500"), (0, "no connection")])
def test_requests_that_fail_are_a_failure(status: int, reason: str) -> None:
    found = looked(World(own, status=status), {"a": "m"})
    assert {(each.verdict, each.reason) for each in found} == {(FAILED, reason)}


def test_model_that_nothing_leads_to() -> None:
    (found,) = looked(World(own, routes_there=ROUTES[:1]), {"b": "m"})
    assert (found.service, found.verdict, found.path) == ("b", FAILED, "")
    assert found.reason == "no rule at the gateway opendatahub/inference-gateway leads to its pool"
    assert {each.reason for each in looked(World(own, pools_there=[]), {"a": "m"})} == {
        "its pool a-inference-pool is not there"
    }


def test_path_of_an_unknown_kind_cannot_be_told() -> None:
    world = World(own, routes_there=[route("r", rule("a", "/models/a/v1/embeddings"))])
    assert verdicts(looked(world, {"a": "m"})) == [("a", "/models/a/v1/embeddings", UNKNOWN)]
    assert body_for("/v1/responses", "m") and not body_for("/completions", "m")


def test_paths_are_those_of_the_gateway_and_said_once() -> None:
    elsewhere = route("r", rule("a", "/else"))
    elsewhere["spec"]["parentRefs"] = [{"name": "other", "namespace": NAMESPACE}]
    found = paths([ROUTES[0], ROUTES[0], elsewhere], [pool("a")], ["a"], GATEWAY, NAMESPACE)
    assert [each.path for each in found] == ["/models/a/v1/completions", "/models/a/v1/chat/completions"]


def entry(verdict: str, path: str = "/v1/completions", **more: Any) -> dict[str, Any]:
    given = {"service": "a", "headers": {}, "requests": 2, "answers": 2, "reason": ""}
    return {**given, "path": path, "verdict": verdict, **more}


def test_findings_name_model_path_and_remedy() -> None:
    right, wrong = entry(ASKED, "/a"), entry(NOT_ASKED, "/b", answers=0, headers={"x-model": "a"})
    (good,) = pickers([right], True)
    assert (good.check, good.verdict, good.found) == ("endpoint picker of a", "ok", "asked on /a")
    (bad,) = pickers([right, wrong, entry(FAILED, "/c", reason="HTTP 500")], True)
    assert bad.verdict == "failed"
    assert bad.found == "not asked on /b with x-model: a (0 of 2); /c: HTTP 500"
    assert "Run deploy.yml again" in bad.remedy
    assert "the finding EnvoyFilter names another one" in bad.remedy
    assert next(iter(pickers([wrong], False))).verdict == "unknown"


def test_what_cannot_be_told_is_never_ok() -> None:
    (found,) = pickers([entry(ASKED), entry(UNKNOWN, "/b", reason="forbidden")], True)
    assert (found.verdict, found.found) == ("unknown", "cannot be told: /b: forbidden")
    assert "pods/proxy" in found.remedy
    (failed,) = pickers([entry(FAILED, "", reason="no rule")], True)
    assert (failed.verdict, failed.found) == ("failed", "any path: no rule")
