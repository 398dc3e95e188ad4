# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection's routing on each release of Istio: every path of every model asks its picker, by the picker's count.

The route and the filter are the role's templates; the pickers are the stand-in's, the Envoy is the real one.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.rhaii.gke.plugins.module_utils._pool_routes import pool_routes
from jinja2 import Environment, FileSystemLoader

from sandbox.control_plane.kube import Object
from sandbox.images.epp.config import DEFAULT
from sandbox.images.epp.ext_proc import Processor
from sandbox.images.epp.metrics import Metrics
from sandbox.images.epp.replicas import Fleet, Pool
from sandbox.images.epp.scorers import Picker
from sandbox.images.istiod.releases import RELEASES
from sandbox.settings import CHECKOUT
from tests.golden.istiod_cluster import FOLDER, GATEWAY, Cluster
from tests.integration.sandbox.golden_traffic import Stage, own, stage
from tests.unit.sandbox.images.istiod.objects import body_patch, envoy_filter

MODELS = {"one": ["alpha"], "two": ["alpha", "beta"]}
PROMPT = "Translate this English sentence into French and keep every name as it is, please. " * 30
REPEATS = 3
COUNTER = "inference_objective_request_total"


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
    return envoy_filter(*map(body_patch, names))


def stand_in_picker(made: Cluster, model: str) -> Processor:
    """The stand-in of the endpoint picker, knowing its pool's pods."""
    fleet = Fleet()
    pool = made.kinds["pools"]["rhaii-inference", f"{model}-inference-pool"]
    pods = json.loads(own(json.dumps(list(made.kinds["pods"].values()))))
    fleet.update(Pool.of(pool), pods)
    picker = Picker(DEFAULT, chance=random.Random(1))
    return Processor(picker, fleet, Metrics(model), allowed=lambda _: True, log=lambda *_, **__: None)


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


async def ask(running: Stage, path: str, headers: dict[str, str], prompt: str) -> tuple[int, str]:
    """Status, and the replica that answered."""
    messages = [{"role": "user", "content": prompt}]
    body = {"model": "m", **({"messages": messages} if "chat" in path else {"prompt": prompt})}
    async with running.session.post(running.url(path), json=body, headers=headers) as response:
        text = await response.text()
        return response.status, json.loads(text)["replica"] if response.status == 200 else text


@pytest.mark.parametrize("models", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("version", RELEASES)
async def test_every_path_asks_its_own_picker_and_prefixes_stay(
    tmp_path: Path, version: str, models: list[str]
) -> None:
    made = cluster(version, models)
    made.next(lasting_filter(made))
    pickers = {model: stand_in_picker(made, model) for model in models}
    async with stage(tmp_path, made, pickers) as running:
        for number, (model, path, headers) in enumerate(paths(models)):
            before = {name: count(picker) for name, picker in pickers.items()}
            found = [await ask(running, path, headers, f"{number} {PROMPT}") for _ in range(REPEATS)]
            assert {status for status, _ in found} == {200}, (path, found)
            asked = {name: count(picker) - before[name] for name, picker in pickers.items()}
            assert asked == {name: REPEATS if name == model else 0 for name in pickers}, (path, headers)
            assert len({replica for _, replica in found}) == 1, (path, found)


@pytest.mark.parametrize("version", RELEASES)
async def test_filter_with_a_mode_alone_leaves_nobody_to_ask(tmp_path: Path, version: str) -> None:
    models = MODELS["two"]
    made = cluster(version, models)
    made.next(old_filter(made))
    pickers = {model: stand_in_picker(made, model) for model in models}
    async with stage(tmp_path, made, pickers) as running:
        for number, (_, path, headers) in enumerate(paths(models)):
            found = [await ask(running, path, headers, f"{number} {PROMPT}") for _ in range(REPEATS)]
            assert {status for status, _ in found} == {200}, (path, found)
            # round robin over three replicas
            assert len({replica for _, replica in found}) == 3, (path, found)
    assert {name: count(picker) for name, picker in pickers.items()} == {"alpha": 0, "beta": 0}


async def test_without_a_filter_the_first_release_asks_for_one_route_alone(tmp_path: Path) -> None:
    made = cluster("1.27.3", MODELS["two"])
    pickers = {model: stand_in_picker(made, model) for model in MODELS["two"]}
    async with stage(tmp_path, made, pickers) as running:
        for _, path, headers in paths(MODELS["two"]):
            assert (await ask(running, path, headers, PROMPT))[0] == 200
    assert {name: count(picker) for name, picker in pickers.items()} == {"alpha": 2, "beta": 0}
