# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A gateway with replicas behind it, in memory: each has a block-wise prefix cache, and a router chooses among them.

A token is a word here, but for the first, which is a mark of many; and time is a FakeClock's.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._routing.metrics import Counters
from ansible_collections.rhaii.gke.plugins.module_utils._routing.ports import (
    Answer,
    Ask,
    Load,
    Pod,
    RoutingPorts,
    Service,
)
from ansible_collections.rhaii.gke.plugins.module_utils._routing.prompts import MARK_TOKENS

from tests.unit.fake_clock import FakeClock

MODEL = "Qwen/Qwen2.5-3B-Instruct"
URL = "http://203.0.113.7"
COMPLETIONS = "/v1/completions"
PICKER = "outbound|9002||qwen-3b-tpu-svc-epp-service.rhaii-inference.svc.cluster.local"

Route = Callable[["FakeGateway", str], str]


def affine(gateway: FakeGateway, prompt: str) -> str:
    """The replica that had this prefix before; a new one goes where chance sends it."""
    begin = prompt[:256]
    return gateway.known.setdefault(begin, gateway.chance.choice(gateway.names))


def blind(gateway: FakeGateway, prompt: str) -> str:
    return gateway.chance.choice(gateway.names)


def in_turn(gateway: FakeGateway, prompt: str) -> str:
    return gateway.names[len(gateway.served) % len(gateway.names)]


def pinned(gateway: FakeGateway, prompt: str) -> str:
    return gateway.names[0]


def whole_prompts(gateway: FakeGateway, prompt: str) -> str:
    """A router that takes equal prompts together, and no prefixes."""
    return gateway.known.setdefault(prompt, gateway.chance.choice(gateway.names))


def mostly(share: float) -> Route:
    """Affine in `share` of the cases, where a load scorer has its say too."""

    def route(gateway: FakeGateway, prompt: str) -> str:
        return affine(gateway, prompt) if gateway.chance.random() < share else blind(gateway, prompt)

    return route


def tokens(prompt: str) -> list[str]:
    mark, *words = prompt.split()
    return [f"{mark}-{place}" for place in range(MARK_TOKENS)] + words


@dataclass
class Replica:
    """One model server."""

    blocks: set[tuple[str, ...]] = field(default_factory=set)
    success: int = 0
    queries: int = 0
    hits: int = 0


@dataclass
class FakeGateway:
    """The ports Transport and Cluster in one."""

    route: Route = affine
    count: int = 3
    block: int = 128
    caching: bool = True
    # what the server tells: usage, its cached tokens, a header
    tells_usage: bool = True
    tells_cached: bool = True
    leaves_zeros_out: bool = False
    header: str = ""
    header_value: Callable[[str], str] = str
    seed: int = 1
    paths: dict[str, tuple[int, str]] = field(default_factory=dict)
    # numbers of completions that fail, from 1
    failing: Callable[[int], bool] = lambda number: False
    failure: Answer = field(default_factory=lambda: Answer(503, {}, b"upstream connect error"))
    # requests of others, by the number of our completion: replica -> prompts of so many words
    foreign: Callable[[int], Mapping[str, Sequence[int]]] = lambda number: {}
    # after so many looks the counters have counted
    lag_looks: int = 0
    kubernetes_error: str = ""
    gateway: str = URL
    service_url: str = f"{URL}/rhaii-inference/qwen-3b-tpu-svc"
    service_model: str = MODEL
    service_there: bool = True
    ids: Mapping[str, Sequence[str]] = field(default_factory=dict)
    # pods that Kubernetes knows, when they are not the ones that serve
    known_pods: Sequence[str] | None = None
    # HTTPRoutes and pools, and whether the gateway asks the one picker
    known_routes: tuple[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]] = ((), ())
    asks_picker: bool = True
    vanish_after: int = 0
    cpu_seconds: float = 0.1
    lag_seconds: float = 0.0001

    def __post_init__(self) -> None:
        self.names = [f"pod-{number}" for number in range(self.count)]
        self.replicas = {name: Replica() for name in self.names}
        self.chance = random.Random(self.seed)
        self.known: dict[str, str] = {}
        self.served: list[str] = []
        self.prompts: list[str] = []
        self.asked: list[str] = []
        self.bodies: list[dict[str, Any]] = []
        self.looks = 0
        self.waiting = 0
        self.completions = 0
        self.concurrent = 0
        self.clock = FakeClock()
        self.shown: dict[str, Counters] = {}

    # Transport

    def at(self, url: str) -> FakeTransport:
        return FakeTransport(self, url)

    def answer(self, url: str, ask: Ask) -> Answer:
        self.asked.append(f"{ask.method} {url}{ask.path}")
        for known, (status, text) in self.paths.items():
            if known in (ask.path, f"{url}{ask.path}"):
                return Answer(status, {}, text.encode(), 0.003) if status else Answer(seconds=0.5, error=text)
        if ask.path == "/v1/models":
            listed = self.ids.get(url, [MODEL])
            return Answer(200, {}, json.dumps({"data": [{"id": name} for name in listed]}).encode(), 0.002)
        if ask.path == COMPLETIONS:
            return self.complete(json.loads(ask.body))
        if ask.path == "/health":
            return Answer(200, {}, b"", 0.001)
        return Answer(404, {}, b'{"detail": "Not Found"}', 0.001)

    def complete(self, body: dict[str, Any]) -> Answer:
        self.completions += 1
        self.bodies.append(body)
        self.prompts.append(body["prompt"])
        if self.failing(self.completions):
            return self.failure
        name = self.route(self, body["prompt"])
        self.served.append(name)
        words = tokens(body["prompt"])
        cached = self.serve(name, words)
        for other, prompts in self.foreign(self.completions).items():
            for count in prompts:
                self.serve(other, [f"foreign-{self.completions}"] * count)
        self.waiting = self.lag_looks
        first = 0.1 + 0.0005 * (len(words) - cached)
        seconds = first + 0.02 * body["max_tokens"]
        self.clock.sleep(seconds)
        usage: dict[str, Any] | None = {"prompt_tokens": len(words), "completion_tokens": 10}
        if usage is not None and self.tells_cached and (cached or not self.leaves_zeros_out):
            usage["prompt_tokens_details"] = {"cached_tokens": cached}
        if not self.tells_usage:
            usage = None
        headers = {self.header: self.header_value(name)} if self.header else {}
        if not body.get("stream"):
            whole = {"choices": [{"text": "word"}], "usage": usage}
            return Answer(200, {"content-type": "application/json", **headers}, json.dumps(whole).encode(), seconds)
        events = [{"choices": [{"text": "word"}]}, {"choices": [], "usage": usage}]
        text = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"
        return Answer(200, {"content-type": "text/event-stream", **headers}, text.encode(), seconds, first)

    def serve(self, name: str, words: Sequence[str]) -> int:
        """A replica works on a prompt; how many of its tokens were cached."""
        replica = self.replicas[name]
        keys = [tuple(words[: end * self.block]) for end in range(1, (len(words) - 1) // self.block + 1)]
        hits = 0
        while self.caching and hits < len(keys) and keys[hits] in replica.blocks:
            hits += 1
        replica.blocks.update(keys)
        replica.success += 1
        replica.queries += len(words)
        replica.hits += hits * self.block
        return hits * self.block

    # Cluster

    def gateway_url(self) -> str:
        self.refuse()
        return self.gateway

    def service(self) -> Service | None:
        self.refuse()
        return Service(self.service_url, self.service_model) if self.service_there else None

    def pods(self) -> Sequence[Pod]:
        self.refuse()
        names = self.names if self.known_pods is None else self.known_pods
        return [Pod(name, f"10.0.0.{place}") for place, name in enumerate(names, start=1)]

    def counters(self, pods: Sequence[Pod]) -> Mapping[str, Counters]:
        self.refuse()
        self.looks += 1
        if self.vanish_after and self.completions >= self.vanish_after:
            raise RhaiiError("the API server has gone away.")
        if self.waiting and self.shown:
            self.waiting -= 1
            return self.shown
        self.shown = {
            pod.name: Counters(one.success, one.queries, one.hits, self.block)
            for pod in pods
            for one in [self.replicas.get(pod.name, Replica())]
        }
        return self.shown

    def routes(self) -> tuple[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]]:
        self.refuse()
        return self.known_routes

    def picker_answers(self) -> Mapping[str, int]:
        self.refuse()
        # a picker that is asked, by what it decided
        return {PICKER: len(self.served) if self.asks_picker else 0}

    def refuse(self) -> None:
        if self.kubernetes_error:
            raise RhaiiError(self.kubernetes_error)

    def ports(self, *, cluster: bool = True) -> RoutingPorts:
        return RoutingPorts(
            transport=self.at,
            cluster=(lambda: self) if cluster else None,
            clock=self.clock,
            salt=lambda: "5a17",
        )


@dataclass
class FakeTransport:
    """Requests to one URL of the gateway."""

    gateway: FakeGateway
    url: str

    def ask(self, ask: Ask) -> Answer:
        return self.gateway.answer(self.url, ask)

    def load(self, asks: Sequence[Ask], concurrent: int, done: Callable[[int], None]) -> Load:
        self.gateway.concurrent = concurrent
        began = self.gateway.clock.monotonic()
        answers = []
        for number, ask in enumerate(asks, start=1):
            answers.append(self.gateway.answer(self.url, ask))
            done(number)
        seconds = (self.gateway.clock.monotonic() - began) / concurrent
        return Load(answers, seconds, self.gateway.cpu_seconds, self.gateway.lag_seconds)
