# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the webhook refuses."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest
import yaml

from sandbox.images.admission import review_answer
from sandbox.images.kserve.admission import config_problems, config_warnings, service_problems
from sandbox.settings import CHECKOUT
from tests.unit.sandbox.images.kserve.services import CHART


def problems(spec: dict[str, Any], before: dict[str, Any] | None = None) -> list[str]:
    request: dict[str, Any] = {"operation": "CREATE", "object": {"spec": spec}}
    if before is not None:
        request.update(operation="UPDATE", oldObject={"spec": before})
    return service_problems(request)


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"router": {"route": {}, "gateway": {}, "scheduler": {}}},
        {"router": {"route": {"http": {"refs": [{"name": "r"}]}}}},
        {
            "router": {
                "route": {"http": {"spec": {"parentRefs": [{"name": "g"}]}}},
                "gateway": {"refs": [{"name": "g"}]},
            }
        },
        {"parallelism": {"tensor": 4}},
        {"parallelism": {"data": 2, "dataLocal": 1}, "worker": {}},
    ],
    ids=["empty", "guide", "routes", "same-gateway", "tensor", "worker"],
)
def test_passes(spec: dict[str, Any]) -> None:
    assert problems(spec) == []


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"router": {"route": {"http": {"refs": [{"name": "r"}], "spec": {}}}}}, "spec.router.route.http"),
        ({"router": {"route": {"http": {"refs": [{"name": "r"}]}}, "gateway": {}}}, "spec.router.route.http.refs"),
        (
            {
                "router": {
                    "route": {"http": {"spec": {"parentRefs": [{"name": "a"}]}}},
                    "gateway": {"refs": [{"name": "b"}]},
                }
            },
            "spec.router.route.http.spec",
        ),
        ({"worker": {}}, "spec.worker"),
        ({"worker": {}, "parallelism": {"tensor": 4}}, "spec.worker"),
        ({"parallelism": {"data": 2}}, "spec.parallelism"),
        ({"parallelism": {"dataLocal": 2}}, "spec.parallelism"),
        ({"parallelism": {"data": 2, "dataLocal": 1, "pipeline": 2}}, "spec.parallelism"),
        ({"prefill": {"worker": {}}}, "spec.prefill.worker"),
    ],
    ids=["both", "managed", "parents", "worker", "tensor-worker", "data", "local", "two-kinds", "prefill"],
)
def test_refuses(spec: dict[str, Any], path: str) -> None:
    assert [item.partition(":")[0] for item in problems(spec)] == [path]


def test_total_parallelism_is_immutable() -> None:
    before = {"parallelism": {"data": 4, "dataLocal": 2}}
    assert problems({"parallelism": {"data": 8, "dataLocal": 4}}, before) == []
    assert "immutable" in problems({"parallelism": {"data": 8, "dataLocal": 2}}, before)[0]
    assert problems({"replicas": 5}, {"replicas": 3}) == []


def test_configuration_is_judged_by_its_parallelism() -> None:
    assert config_problems({"object": {"spec": {"parallelism": {"data": 1}}}})
    assert not config_problems({"object": {"spec": {"router": {"scheduler": {}}}}})


def test_answer_carries_the_reviews_identity_and_the_problems() -> None:
    review = {
        "apiVersion": "admission.k8s.io/v1",
        "request": {"uid": "u", "kind": {"group": "g", "kind": "K"}, "object": {"metadata": {"name": "n"}}},
    }
    assert review_answer(review, lambda _: [])["response"] == {"uid": "u", "allowed": True}
    refused = review_answer(review, lambda _: ["a", "b"])["response"]
    assert refused["allowed"] is False
    assert refused["status"]["code"] == 422
    assert refused["status"]["message"] == 'K.g "n" is invalid: a; b'


def test_configuration_that_refers_to_others_or_has_a_broken_template_is_refused() -> None:
    assert config_problems({"operation": "CREATE", "object": {"spec": {"baseRefs": [{"name": "x"}]}}})
    broken = {"template": {"containers": [{"name": "main", "args": ["{{ .Nothing }}"]}]}}
    assert "Nothing" in config_problems({"operation": "CREATE", "object": {"spec": broken}})[0]


def test_taking_a_preset_away_warns_and_is_not_refused() -> None:
    preset = {"metadata": {"name": "kserve-config-llm-scheduler"}, "spec": {"baseRefs": [{"name": "x"}]}}
    request: dict[str, Any] = {"uid": "u", "operation": "DELETE", "oldObject": preset, "object": None}
    answer = review_answer({"apiVersion": "v1", "request": request}, config_problems, config_warnings)["response"]
    assert answer["allowed"]
    assert answer["warnings"][0].startswith("kserve-config-llm-scheduler is a preset; without it")
    changed = {**request, "operation": "UPDATE", "object": {"spec": {}}}
    assert len(config_warnings(changed)) == 1
    assert config_warnings({**changed, "object": preset}) == []
    assert config_warnings({**request, "oldObject": {"metadata": {"name": "own"}}}) == []


def test_chart_asks_about_configurations_that_are_taken_away() -> None:
    helm = CHECKOUT / ".sandbox" / "assets" / "bin" / "helm"
    command = [str(helm), "template", "kserve", str(CHART), "--show-only", "templates/webhooks.yaml"]
    made = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    operations = {
        rule["resources"][0]: rule["operations"]
        for item in yaml.safe_load_all(made)
        for hook in item["webhooks"]
        for rule in hook["rules"]
    }
    assert operations == {
        "llminferenceservices": ["CREATE", "UPDATE"],
        "llminferenceserviceconfigs": ["CREATE", "UPDATE", "DELETE"],
    }
