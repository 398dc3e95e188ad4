# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The chart's CRDs are what the facts of the line's public ones say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.assets.crd_facts import definitions, expanded, facts_of, written
from tests.unit.sandbox.images.kserve.services import CHART

FACTS: Any = json.loads((Path(__file__).parents[4] / "golden" / "crds" / "ea1.json").read_text(encoding="utf-8"))
KINDS = sorted(FACTS["resources"])


def crd(kind: str) -> Any:
    resource = FACTS["resources"][kind]
    file = CHART / "crds" / f"{resource['group']}_{resource['plural']}.yaml"
    return yaml.load(file.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def fields(kind: str) -> dict[str, Any]:
    return expanded(FACTS["resources"][kind]["fields"], FACTS["shapes"])


@pytest.mark.parametrize("kind", KINDS)
def test_chart_has_the_fields_of_the_line(kind: str) -> None:
    (version,) = crd(kind)["spec"]["versions"]
    assert dict(facts_of(version["schema"]["openAPIV3Schema"])) == fields(kind)
    assert version["name"] == FACTS["resources"][kind]["version"]
    assert version.get("additionalPrinterColumns") == FACTS["resources"][kind].get("columns")


def test_files_are_generated() -> None:
    found = {file.name: file.read_text(encoding="utf-8") for file in (CHART / "crds").iterdir()}
    made = {}
    for item in definitions(FACTS):
        plural, _, group = item["metadata"]["name"].partition(".")
        made[f"{group}_{plural}.yaml"] = written(item)
    assert made == found


def test_line_has_one_version_and_none_of_what_came_later() -> None:
    service = fields("LLMInferenceService")
    assert [item["version"] for item in FACTS["resources"].values() if item["group"] == "serving.kserve.io"] == [
        "v1alpha1",
        "v1alpha1",
    ]
    for path in (".spec.labels", ".spec.scaling", ".spec.storageInitializer", ".spec.router.scheduler.config"):
        assert path not in service
    assert ".spec.router.scheduler.template.imagePullSecrets" in service


def test_configurations_leave_room_for_templates() -> None:
    path = ".spec.router.route.http.spec.parentRefs[].namespace"
    assert "pattern" in fields("LLMInferenceService")[path]
    assert "pattern" not in fields("LLMInferenceServiceConfig")[path]


def test_shapes_are_put_in_their_place() -> None:
    shapes = {"leaf": {"": {"type": "string"}}, "tree": {"": {"type": "object"}, ".a": {"shape": "leaf"}}}
    found = expanded({"": {"type": "object"}, ".b[]": {"shape": "tree"}}, shapes)
    assert found == {"": {"type": "object"}, ".b[]": {"type": "object"}, ".b[].a": {"type": "string"}}
