# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Definitions of kinds out of files: which are made, follow their file, or stay as others made them."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.rhaii.gke.plugins.module_utils._applyset import definitions
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.apply import CAPABILITY
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.definitions import APPLIED, KubernetesDefinitions
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.ports import Ports
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Result
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import KubernetesError, KubernetesRest

from tests.unit.fake_clock import FakeClock
from tests.unit.plugins.module_utils.applyset.fake_objects import FakeObjects

Json = dict[str, Any]
GATEWAYS = "gateways.gateway.networking.k8s.io"


def definition(plural: str, group: str = "example.org", size: int = 1) -> Json:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}", "creationTimestamp": None},
        "spec": {
            "group": group,
            "names": {"kind": plural.title(), "plural": plural},
            "versions": [{"name": "v1", "served": True, "size": size}],
        },
        "status": {"conditions": []},
    }


def written(path: Path, *bodies: Json) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("---\n".join(yaml.safe_dump(each) for each in bodies))
    return path


class FakeDefinitions:
    """Metadata as an API server keeps it, with generations and who set spec."""

    def __init__(self) -> None:
        self.kept: dict[str, Json] = {}
        self.specs: dict[str, Json] = {}
        self.calls: list[tuple[str, str]] = []

    def put(self, name: str, manager: str, *, labels: Json | None = None, annotations: Json | None = None) -> None:
        fields: Json = {"f:spec": {}, "f:metadata": {}}
        for part, given in (("labels", labels), ("annotations", annotations)):
            fields["f:metadata"][f"f:{part}"] = {f"f:{key}": {} for key in given or {}}
        self.specs.setdefault(name, {})
        self.kept[name] = {
            "kind": "CustomResourceDefinition",
            "metadata": {
                "name": name,
                "uid": f"uid-{name}",
                "generation": 1,
                "labels": labels or {},
                "annotations": annotations or {},
                "managedFields": [{"manager": manager, "fieldsV1": fields}],
            },
        }

    def live(self) -> dict[str, Json]:
        return copy.deepcopy(self.kept)

    def apply(self, name: str, manifest: Json, *, force: bool, dry_run: bool) -> Json:
        self.calls.append(("try" if dry_run else "force" if force else "apply", name))
        before = copy.deepcopy((self.kept, self.specs))
        others = {
            record["manager"]
            for record in self.kept.get(name, {"metadata": {"managedFields": []}})["metadata"]["managedFields"]
        } - {"rhaii.gke"}
        if others and not force and self.specs.get(name) != manifest["spec"]:
            message = f'conflict with "{min(others)}" using v1'
            causes = [{"reason": "FieldManagerConflict", "message": message, "field": ".spec.versions"}]
            raise KubernetesError(f"apply {name}", 409, "Conflict", "conflict", causes=causes)
        generation = self.kept.get(name, {"metadata": {"generation": 0}})["metadata"]["generation"]
        changed = self.specs.get(name) != manifest["spec"]
        self.specs[name] = manifest["spec"]
        given = manifest["metadata"]
        self.put(name, "rhaii.gke", labels=given["labels"], annotations=given["annotations"])
        self.kept[name]["metadata"]["generation"] = generation + changed
        answer = copy.deepcopy(self.kept[name])
        if dry_run:
            self.kept, self.specs = before
        return answer


class World:
    def __init__(self) -> None:
        self.definitions = FakeDefinitions()
        self.objects = FakeObjects()
        self.said: list[str] = []

    def run(self, *paths: Path, unless: str = "", check_mode: bool = False, state: str = "present") -> Result:
        params = {
            "environment": "prod",
            "objects": [],
            "state": state,
            "dependents": [],
            "definitions": [{"path": str(path), "unless": unless} for path in paths],
            "wait_timeout": 60,
            "wait_interval": 5.0,
        }
        ports = Ports(self.objects, FakeClock(), definitions=self.definitions)
        return CAPABILITY.run(params, ports, self.said.append, check_mode)


def actions(result: Result) -> dict[str, str]:
    return {name: action for action, names in result["definitions"].items() for name in names}


def test_missing_ones_are_made_and_the_second_run_changes_and_parses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World()
    written(tmp_path / "b.yaml", definition("two"), definition("three"))
    written(tmp_path / "a.yaml", definition("one"))
    written(tmp_path / "notes.txt", {"a": 1})
    assert set(actions(world.run(tmp_path, check_mode=True)).values()) == {"created"}
    assert world.definitions.kept == {}
    result = world.run(tmp_path)
    made = ["one.example.org", "two.example.org", "three.example.org"]
    assert list(actions(result)) == made
    assert (result["changed"], set(actions(result).values())) == (True, {"created"})
    monkeypatch.setattr(definitions, "read", None)
    again = world.run(tmp_path)
    assert (again["changed"], set(actions(again).values())) == (False, {"unchanged"})
    assert [name for what, name in world.definitions.calls if what == "apply"] == made


def test_definition_follows_its_file(tmp_path: Path) -> None:
    world = World()
    file = written(tmp_path / "a.yaml", definition("one"))
    world.run(file)
    written(file, definition("one", size=2))
    assert actions(world.run(file, check_mode=True)) == {"one.example.org": "changed"}
    result = world.run(file)
    assert actions(result) == {"one.example.org": "changed"}
    assert world.definitions.specs["one.example.org"]["versions"][0]["size"] == 2


def test_what_helm_made_of_a_chart_is_upgraded(tmp_path: Path) -> None:
    world = World()
    world.definitions.put("one.example.org", "helm")
    result = world.run(written(tmp_path / "a.yaml", definition("one")))
    assert actions(result) == {"one.example.org": "changed"}
    assert [what for what, _name in world.definitions.calls] == ["apply", "force"]


@pytest.mark.parametrize(
    ("manager", "labels", "annotations", "seems"),
    [
        pytest.param(
            "kube-addon-manager",
            {"addonmanager.kubernetes.io/mode": "Reconcile"},
            {},
            "is kept by the cluster's addon manager",
            id="GKE's",
        ),
        pytest.param(
            "rhaii.gke",
            {"addonmanager.kubernetes.io/mode": "Reconcile", "rhaii.gke/environment": "prod"},
            {"rhaii.gke/created": "true"},
            "is kept by the cluster's addon manager",
            id="ours once, and GKE's since an upgrade",
        ),
        pytest.param("kubectl-create", {}, {}, "seems to be made by kubectl-create (field manager)", id="a person's"),
        pytest.param(
            "helm",
            {},
            {"meta.helm.sh/release-name": "istio-base"},
            "seems to be of the Helm release istio-base",
            id="of a release that keeps it",
        ),
        pytest.param(
            "rhaii.gke",
            {"rhaii.gke/environment": "dev"},
            {},
            "seems to be made by rhaii.gke (field manager)",
            id="dev's",
        ),
    ],
)
def test_those_of_others_stay(tmp_path: Path, manager: str, labels: Json, annotations: Json, seems: str) -> None:
    world = World()
    world.definitions.put("one.example.org", manager, labels=labels, annotations=annotations)
    file = written(tmp_path / "a.yaml", definition("one"), definition("two"))
    result = world.run(file)
    assert actions(result) == {"one.example.org": "left", "two.example.org": "created"}
    assert result["left"] == [f"CustomResourceDefinition one.example.org {seems}"]
    assert [name for _what, name in world.definitions.calls] == ["two.example.org"]
    assert world.run(file)["changed"] is False


def test_whole_set_is_left_where_gke_brings_its_first(tmp_path: Path) -> None:
    world = World()
    world.definitions.put(GATEWAYS, "gke", labels={"addonmanager.kubernetes.io/mode": "Reconcile"})
    folder = tmp_path / "gateway-api"
    written(folder / "a.yaml", definition("gateways", "gateway.networking.k8s.io"))
    written(folder / "b.yaml", definition("other", "gateway.networking.k8s.io"))
    result = world.run(folder, unless=GATEWAYS)
    assert actions(result) == {GATEWAYS: "left"}
    assert result["left"] == [
        f"CustomResourceDefinition {GATEWAYS} is kept by the cluster's addon manager, so all of gateway-api is left"
    ]
    assert world.definitions.calls == []


def test_whole_set_is_made_where_nobody_brings_it_and_is_ours_from_then_on(tmp_path: Path) -> None:
    world = World()
    file = written(tmp_path / "a.yaml", definition("gateways", "gateway.networking.k8s.io"))
    assert actions(world.run(file, unless=GATEWAYS)) == {GATEWAYS: "created"}
    assert actions(world.run(file, unless=GATEWAYS)) == {GATEWAYS: "unchanged"}


def test_first_file_decides_about_a_definition_that_two_have(tmp_path: Path) -> None:
    world = World()
    first = written(tmp_path / "first.yaml", definition("one", size=1))
    second = written(tmp_path / "second.yaml", definition("one", size=2), definition("two"))
    assert actions(world.run(first, second)) == {"one.example.org": "created", "two.example.org": "created"}
    assert world.definitions.specs["one.example.org"]["versions"][0]["size"] == 1
    assert world.run(first, second)["changed"] is False


def test_change_by_hand_is_taken_back_and_that_of_a_tool_is_a_sentence(tmp_path: Path) -> None:
    world = World()
    file = written(tmp_path / "a.yaml", definition("one"))
    world.run(file)
    records = world.definitions.kept["one.example.org"]["metadata"]["managedFields"]
    records.append({"manager": "kubectl-edit", "fieldsV1": {"f:spec": {"f:versions": {}}}})
    world.definitions.specs["one.example.org"] = {}
    assert actions(world.run(file)) == {"one.example.org": "changed"}
    records = world.definitions.kept["one.example.org"]["metadata"]["managedFields"]
    records.append({"manager": "argocd-controller", "fieldsV1": {"f:spec": {"f:versions": {}}}})
    world.definitions.specs["one.example.org"] = {}
    with pytest.raises(RhaiiError, match=r"is ours, and others set what we set: \.spec\.versions is set by argocd"):
        world.run(file)


def test_new_kinds_are_awaited(tmp_path: Path) -> None:
    world = World()
    world.objects.unknown = {"One"}
    with pytest.raises(RhaiiError, match="does not know the kind One"):
        world.run(written(tmp_path / "a.yaml", definition("one")))


def test_manifest_has_our_marks_and_nothing_of_a_status(tmp_path: Path) -> None:
    world = World()
    world.run(written(tmp_path / "a.yaml", definition("one")))
    metadata = world.definitions.kept["one.example.org"]["metadata"]
    assert metadata["labels"] == {"rhaii.gke/environment": "prod"}
    assert metadata["annotations"]["rhaii.gke/created"] == "true"
    assert len(metadata["annotations"][APPLIED]) == 64


@pytest.mark.parametrize("text", ["{", "a: 1", "kind: CustomResourceDefinition\nmetadata: {}"])
def test_what_is_no_definition_is_a_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.yaml").write_text(f"kind: CustomResourceDefinition\n---\n{text}")
    with pytest.raises(RhaiiError, match="no definitions that can be read"):
        World().run(tmp_path)
    with pytest.raises(RhaiiError, match="There are no definitions in"):
        World().run(tmp_path / "none")


def test_definitions_stay_when_objects_go(tmp_path: Path) -> None:
    world = World()
    file = written(tmp_path / "a.yaml", definition("one"))
    world.run(file)
    assert actions(world.run(file, state="absent")) == {}
    assert list(world.definitions.kept) == ["one.example.org"]


def test_real_adapter_asks_for_metadata_alone() -> None:
    calls: list[Any] = []

    class Api(KubernetesRest):
        def __init__(self) -> None:
            pass

        def call(self, *given: Any, **more: Any) -> Json:
            calls.append((*given[1:], more))
            return {"items": [{"metadata": {"name": "a"}}]}

    real = KubernetesDefinitions(Api())
    assert list(real.live()) == ["a"]
    real.apply("a", {"spec": {}}, force=False, dry_run=True)
    assert all("as=PartialObjectMetadata" in more["accept"] for *_rest, more in calls)
    assert calls[1][0] == "PATCH"
    assert calls[1][2]["query"] == {"fieldManager": "rhaii.gke", "force": "false", "dryRun": "All"}
