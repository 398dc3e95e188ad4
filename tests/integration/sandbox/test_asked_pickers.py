# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection's routing on each release of Istio: every path of every model asks its picker, by the picker's count.

The route and the filter are the role's templates; the pickers are the stand-in's, the Envoy is the real one.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import urllib.error
import urllib.request
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._pool_routes import pool_routes
from ansible_collections.rhaii.gke.plugins.module_utils._routing.asked import Found, look
from ansible_collections.rhaii.gke.plugins.module_utils._routing.metrics import answers
from ansible_collections.rhaii.gke.plugins.module_utils._routing.ports import Answer, Ask
from ansible_collections.rhaii.gke.plugins.module_utils._verification.filters import takers
from ansible_collections.rhaii.gke.plugins.module_utils._verification.routing import pickers as findings
from jinja2 import Environment, FileSystemLoader

from sandbox.control_plane.kube import Object
from sandbox.images.epp.config import DEFAULT
from sandbox.images.epp.ext_proc import Processor
from sandbox.images.epp.metrics import Metrics
from sandbox.images.epp.replicas import Fleet, Pool
from sandbox.images.epp.scorers import Picker
from sandbox.images.istiod.releases import RELEASES
from sandbox.images.vllm.prefix_cache import PrefixCache
from sandbox.images.vllm.tokenizer import chat_prompt, encode
from sandbox.network.addresses import bind_port
from sandbox.settings import CHECKOUT
from tests.golden.istiod_cluster import FOLDER, GATEWAY, Cluster
from tests.integration.conftest import Figures
from tests.integration.sandbox.golden_traffic import Stage, own, stage
from tests.unit.sandbox.images.istiod.objects import body_patch, envoy_filter

MODELS = {"one": ["alpha"], "two": ["alpha", "beta"]}
PROMPT = "Translate this English sentence into French and keep every name as it is, please. " * 30
REPEATS = 3
COUNTER = "inference_objective_request_total"
BLOCK = 128
OLD = "inference-pool-route-body-forwarding-caching"
"""As the guide's manifests call it."""


def rendered(template: str, **values: Any) -> Object:
    """One of the role's templates, filled in."""
    loader = FileSystemLoader(CHECKOUT / "roles/routing/templates")
    environment = Environment(loader=loader, trim_blocks=True, keep_trailing_newline=True)
    environment.filters["to_json"] = json.dumps
    found: Object = yaml.safe_load(environment.get_template(template).render(**VALUES, **values))
    return found


VALUES = {
    "__routing_namespace": "rhaii-inference",
    "__routing_gateway_name": GATEWAY[1],
    "__routing_gateway_namespace": GATEWAY[0],
    "__routing_guide_route_name": "guide-paths",
    "__routing_envoyfilter_name": "envoyfilter-route-extproc-body",
    "__routing_labels": {},
}


def guide_route(models: Iterable[str]) -> Object:
    return rendered(
        "guide_paths.yml.j2", __routing_models=[{"name": name, "headers": {"x-model": name}} for name in models]
    )


def cluster(version: str, models: list[str]) -> Cluster:
    """KServe's objects for some models, then the guide's paths."""
    made = Cluster(version)
    text = (FOLDER / "f1-two-models-no-filter" / "objects.yaml").read_text(encoding="utf-8")
    for document in yaml.safe_load_all(text):
        name = document["metadata"]["name"]
        if document["kind"] == "Gateway" or name.partition("-")[0] in models:
            made.next(document)
    made.next(guide_route(models))
    return made


def lasting_filter(made: Cluster) -> Object:
    """What the role applies."""
    routes, pools = (list(made.kinds[kind].values()) for kind in ("routes", "pools"))
    return rendered("envoyfilter.yml.j2", __routing_pool_routes=pool_routes(routes, pools, *reversed(GATEWAY)))


def old_filter(made: Cluster) -> Object:
    """A processing mode alone."""
    routes, pools = (list(made.kinds[kind].values()) for kind in ("routes", "pools"))
    names = [item["name"] for item in pool_routes(routes, pools, *reversed(GATEWAY))]
    made_now = envoy_filter(*map(body_patch, names), name=OLD)
    del made_now["metadata"]["creationTimestamp"]  # the cluster gives it one: Istio applies the younger filter last
    return made_now


def stand_in_picker(made: Cluster, model: str) -> Processor:
    """The stand-in of the endpoint picker, knowing its pool's pods."""
    fleet = Fleet()
    pool = made.kinds["pools"]["rhaii-inference", f"{model}-inference-pool"]
    pods = json.loads(own(json.dumps(list(made.kinds["pods"].values()))))
    fleet.update(Pool.of(pool), pods)
    picker = Picker(DEFAULT, chance=random.Random(1))
    return Processor(picker, fleet, Metrics(model), allowed=lambda _: True, log=lambda *_, **__: None)


def cluster_of(model: str) -> str:
    """How Envoy calls a model's picker."""
    return f"outbound|9002||{model}-epp-service.rhaii-inference.svc.cluster.local"


def count(picker: Processor) -> int:
    """Requests that the picker decided, by its metrics."""
    lines = picker.metrics.page(picker.fleet, 0).splitlines()
    return int(sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(COUNTER)))


def paths(models: list[str]) -> list[tuple[str, str, dict[str, str]]]:
    """Model, path and headers: KServe's paths and the root ones, where the second model has its header."""
    found = []
    for place, model in enumerate(models):
        headers = {"x-model": model} if place else {}
        for end in ("/v1/completions", "/v1/chat/completions"):
            found += [(model, f"/rhaii-inference/{model}{end}", {}), (model, end, headers)]
    return found


async def ask(running: Stage, path: str, headers: dict[str, str], prompt: str) -> tuple[int, dict[str, Any]]:
    """Status, and what the replica answered."""
    messages = [{"role": "user", "content": prompt}]
    body = {"model": "m", **({"messages": messages} if "chat" in path else {"prompt": prompt})}
    async with running.session.post(running.url(path), json=body, headers=headers) as response:
        text = await response.text()
        return response.status, json.loads(text) if response.status == 200 else {"text": text}


@dataclass
class Caches:
    """What the replicas' prefix caches hold; they tell of it as vLLM does."""

    known: dict[str, PrefixCache] = field(default_factory=dict)

    def __call__(self, address: str, body: bytes) -> dict[str, Any]:
        asked = json.loads(body) if body else {}
        text = asked.get("prompt") or chat_prompt(asked.get("messages") or [])
        tokens = encode(text)
        cache = self.known.setdefault(address, PrefixCache(4096, BLOCK))
        found = cache.allocate(cache.keys(tokens), len(tokens), len(tokens))
        assert found is not None, "the cache is large enough"
        cache.release(found)
        details = {"cached_tokens": found.hits * BLOCK}
        return {"usage": {"prompt_tokens": len(tokens), "prompt_tokens_details": details}}


class Gateway:
    """The collection's ports: the gateway's statistics as its Envoy tells them, the objects as the cluster has them."""

    def __init__(self, made: Cluster, running: Stage) -> None:
        self._made = made
        self._statistics = f"http://{running.place.address}:{bind_port(15090)}/stats/prometheus?filter=upstream_rq"
        self._root = running.url("")

    def routes(self) -> tuple[list[Object], list[Object]]:
        routes, pools = (list(self._made.kinds[kind].values()) for kind in ("routes", "pools"))
        return routes, pools

    def picker_answers(self) -> dict[str, int]:
        with urllib.request.urlopen(self._statistics, timeout=10) as response:
            found = answers(response.read().decode())
        if found is None:
            raise RhaiiError("no statistics")
        return found

    def ask(self, ask: Ask) -> Answer:
        headers = {**ask.headers, "content-type": "application/json"}
        request = urllib.request.Request(f"{self._root}{ask.path}", data=ask.body, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return Answer(response.status, body=response.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code)


async def looked(made: Cluster, running: Stage, models: list[str]) -> list[Found]:
    """What verify.yml finds of the paths."""
    ports: Any = Gateway(made, running)
    return await asyncio.to_thread(look, ports, ports, dict.fromkeys(models, "m"), GATEWAY[1], GATEWAY[0])


def statistics() -> list[str]:
    """Which statistics the collection's gateway keeps."""
    text = (CHECKOUT / "roles/operators/templates/gateway.yml.j2").read_text(encoding="utf-8")
    (found,) = re.findall(r"(?m)^ *sidecar\.istio\.io/statsInclusionRegexps: (.*)$", text)
    return [str(found)]


@pytest.mark.parametrize("models", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("version", RELEASES)
async def test_every_path_asks_its_own_picker_and_prefixes_stay(
    tmp_path: Path, figures: Figures, version: str, models: list[str]
) -> None:
    made = cluster(version, models)
    made.next(lasting_filter(made))
    pickers = {model: stand_in_picker(made, model) for model in models}
    rows = []
    async with stage(tmp_path, made, pickers, Caches(), statistics()) as running:
        gateway = Gateway(made, running)
        for number, (model, path, headers) in enumerate(paths(models)):
            before = {name: count(picker) for name, picker in pickers.items()}
            told = await asyncio.to_thread(gateway.picker_answers)
            found = [await ask(running, path, headers, f"{number} {PROMPT}") for _ in range(REPEATS)]
            assert {status for status, _ in found} == {200}, (path, found)
            asked = {name: count(picker) - before[name] for name, picker in pickers.items()}
            assert asked == {name: REPEATS if name == model else 0 for name in pickers}, (path, headers)
            now = await asyncio.to_thread(gateway.picker_answers)
            grown = {name: now[cluster_of(name)] - told[cluster_of(name)] for name in pickers}
            assert grown == asked, "the gateway counts what the picker counts"
            replicas = [answer["replica"] for _, answer in found]
            hits = [answer["usage"]["prompt_tokens_details"]["cached_tokens"] > 0 for _, answer in found]
            assert len(set(replicas)) == 1, (path, found)
            assert hits == [False, *[True] * (REPEATS - 1)], (path, found)
            row = {"istio": version, "models": len(models), "model": model, "path": path, "headers": headers}
            rows.append(
                {
                    **row,
                    "requests": REPEATS,
                    "same_replica": replicas.count(replicas[0]),
                    "hits": sum(hits),
                    "picker_counted": asked[model],
                    "gateway_counted": grown[model],
                }
            )
        verified = await looked(made, running, models)
    assert {(each.verdict, each.answers) for each in verified} == {("asked", 2)}
    assert sorted((each.service, each.path) for each in verified) == sorted(
        (model, path) for model, path, _ in paths(models)
    )
    assert not takers(list(made.kinds["envoy_filters"].values()), GATEWAY[1])
    figures.record("paths", [*figures.values.get("paths", []), *rows])


@pytest.mark.parametrize("version", RELEASES)
async def test_filter_with_a_mode_alone_leaves_nobody_to_ask_and_is_named(
    tmp_path: Path, figures: Figures, version: str
) -> None:
    models = MODELS["two"]
    made = cluster(version, models)
    made.next(lasting_filter(made))
    made.next(old_filter(made))
    pickers = {model: stand_in_picker(made, model) for model in models}
    rows = []
    async with stage(tmp_path, made, pickers, Caches(), statistics()) as running:
        for number, (model, path, headers) in enumerate(paths(models)):
            found = [await ask(running, path, headers, f"{number} {PROMPT}") for _ in range(REPEATS)]
            assert {status for status, _ in found} == {200}, (path, found)
            # round robin over three replicas
            replicas = {answer["replica"] for _, answer in found}
            assert len(replicas) == 3, (path, found)
            rows.append({"istio": version, "model": model, "path": path, "headers": headers, "replicas": len(replicas)})
        verified = await looked(made, running, models)
    assert {name: count(picker) for name, picker in pickers.items()} == {"alpha": 0, "beta": 0}
    assert {(each.verdict, each.answers) for each in verified} == {("not_asked", 0)}
    filters = list(made.kinds["envoy_filters"].values())
    assert takers(filters, GATEWAY[1]) == [OLD]
    said = [asdict(finding) for finding in findings([asdict(each) for each in verified], True)]
    seen = {"istio": version, "named": OLD, "paths": rows, "said": said}
    figures.record("old_filter", [*figures.values.get("old_filter", []), seen])
    assert {each["verdict"] for each in said} == {"failed"}


async def test_gateway_without_the_annotation_cannot_tell(tmp_path: Path) -> None:
    made = cluster("1.27.3", ["alpha"])
    made.next(lasting_filter(made))
    async with stage(tmp_path, made, {"alpha": stand_in_picker(made, "alpha")}) as running:
        found = await looked(made, running, ["alpha"])
    assert {(each.verdict, each.reason) for each in found} == {("unknown", "no statistics")}


async def test_without_a_filter_the_first_release_asks_for_one_route_alone(tmp_path: Path) -> None:
    made = cluster("1.27.3", MODELS["two"])
    pickers = {model: stand_in_picker(made, model) for model in MODELS["two"]}
    async with stage(tmp_path, made, pickers, Caches(), statistics()) as running:
        for _, path, headers in paths(MODELS["two"]):
            assert (await ask(running, path, headers, PROMPT))[0] == 200
        verified = await looked(made, running, MODELS["two"])
    # KServe's route of alpha is the oldest
    right = {each.path for each in verified if each.verdict == "asked"}
    assert right == {"/rhaii-inference/alpha/v1/completions", "/rhaii-inference/alpha/v1/chat/completions"}
    assert {each.verdict for each in verified if each.path not in right} == {"not_asked"}
    assert {name: count(picker) for name, picker in pickers.items()} == {"alpha": 2 + 2 * 2, "beta": 0}
