# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fields of a refusal, in the words of kube-apiserver 1.36: which they are, and in which line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.rhaii.gke.plugins.module_utils._applyset import fields
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.fields import (
    Documents,
    Fault,
    faults_of,
    steps_of,
    vanishing,
    without,
)
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.objects import key_of
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import KubernetesError

from sandbox.images.kserve import typed

GOLDEN = Path(__file__).parents[4] / "golden" / "kserve" / "odh-v3.4-EA1" / "guide-label"
PATCH = "failed to create typed patch object (ns/x; /v1, Kind=ConfigMap): "
UNKNOWN = "is not known"


def error(status: int, message: str, *causes: tuple[str, str]) -> KubernetesError:
    said = [{"reason": "FieldValueInvalid", "field": field, "message": text} for field, text in causes]
    return KubernetesError("try it", status, "", message, causes=said)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (error(500, f"{PATCH}.spec.foo: field not declared in schema"), {".spec.foo": UNKNOWN}),
        (
            error(
                500,
                f"{PATCH}errors:\n  .data.k: expected string, got &value.valueUnstructured{{Value:1}}\n"
                "  .dataa: field not declared in schema",
            ),
            {".data.k": "is refused: expected string, got &value.valueUnstructured{Value:1}", ".dataa": UNKNOWN},
        ),
        (
            error(500, f'{PATCH}.spec.ports[port=80,protocol="TCP"].nam: field not declared in schema'),
            {'.spec.ports[port=80,protocol="TCP"].nam': UNKNOWN},
        ),
        (
            error(400, 'strict decoding error: unknown field "spec.foo", duplicate field "spec.a"'),
            {".spec.foo": UNKNOWN, ".spec.a": "is there twice"},
        ),
        (
            error(422, "is invalid", ("spec.model.uri", "Required value"), ("<nil>", "some rules were not checked")),
            {".spec.model.uri": "is refused: Required value"},
        ),
        (error(422, "no good"), {}),
        (error(500, "the server is broken"), {}),
        (error(403, "unknown field"), {}),
    ],
)
def test_words_of_the_server_become_fields(given: KubernetesError, found: dict[str, str]) -> None:
    assert {fault.field: fault.what for fault in faults_of(given)} == found


def test_what_the_genuine_chart_answers_to_the_guides_label_is_understood() -> None:
    refused = yaml.safe_load((GOLDEN / "observed.yaml").read_text(encoding="utf-8"))["refused"]
    assert faults_of(error(500, refused.removeprefix("Error from server: "))) == [Fault(".spec.labels", UNKNOWN)]


def test_only_what_can_be_left_out_is_looked_behind() -> None:
    assert [fault.is_typed for fault in faults_of(error(422, "", ("spec.a", "Required value")))] == [False]
    assert [fault.is_typed for fault in faults_of(error(500, f"{PATCH}.spec.a: expected string"))] == [True]


TREE: Any = {
    "metadata": {"labels": {"a.b/c": "1", "a": "2"}},
    "spec": {"containers": [{"name": "one"}, {"name": "main", "probe": {"port": 1}}], "ports": [{"port": 80, "x": 1}]},
}


@pytest.mark.parametrize(
    ("field", "steps", "is_whole"),
    [
        (".metadata.labels.a.b/c", ("metadata", "labels", "a.b/c"), True),
        (".metadata.labels[a.b/c]", ("metadata", "labels", "a.b/c"), True),
        (".metadata.labels.a", ("metadata", "labels", "a"), True),
        ('.spec.containers[name="main"].probe.port', ("spec", "containers", 1, "probe", "port"), True),
        (".spec.containers[1].probe", ("spec", "containers", 1, "probe"), True),
        ('.spec.ports[port=80,x="1"].x', ("spec", "ports", 0, "x"), True),
        # as far as it is there
        (".spec.containers[0].image", ("spec", "containers", 0), False),
        (".spec.containers[9].image", ("spec", "containers"), False),
        ('.spec.containers[name="none"]', ("spec", "containers"), False),
        (".spec.containers[0].name.more", ("spec", "containers", 0, "name"), False),
        (".spec[0]", ("spec",), False),
        (".spec.container", ("spec",), False),
        (".none", (), False),
    ],
)
def test_field_is_found_in_an_object(field: str, steps: tuple[str | int, ...], is_whole: bool) -> None:
    assert steps_of(TREE, field) == (steps, is_whole)


def test_object_without_a_field_is_a_copy() -> None:
    found = without(TREE, '.spec.containers[name="main"].probe')
    assert found is not None
    assert found["spec"]["containers"] == [{"name": "one"}, {"name": "main"}]
    assert "probe" in TREE["spec"]["containers"][1]
    assert without(TREE, ".spec.containers[0].image") is None


TEXT = """\
# first
apiVersion: v1
kind: ConfigMap
metadata: {name: one, namespace: ns}
---
---
apiVersion: v1
kind: ConfigMap
metadata: {name: two, namespace: ns}
spec:
  containers:
    - name: one
    - name: main
      command: [a-long-command, with-many-words, which-does-not-fit, into-the-sentence]
"""


@pytest.mark.parametrize(
    ("field", "line"),
    [
        (".spec.containers[1].command", "line 14: command: [a-long-command, with-many-words, which-does-not-f…"),
        ('.spec.containers[name="main"]', "line 13: - name: main"),
        (".spec.containers[0].image", "line 12: - name: one"),
        (".spec.model.uri", "line 10: spec:"),
        (".none", "line 7: apiVersion: v1"),
    ],
)
def test_line_is_that_of_the_text_as_it_was_given(field: str, line: str) -> None:
    documents = Documents(TEXT)
    assert documents.line_of(key_of(documents.objects[1], ""), field) == line


def test_zeros_are_those_that_the_stand_in_drops_as_the_genuine_controller_does() -> None:
    assert fields.VANISHING_NUMBERS == typed.ZERO_NUMBERS
    assert fields.VANISHING_SWITCHES == typed.ZERO_SWITCHES
    spec = {
        "replicas": 0,
        "template": {"terminationGracePeriodSeconds": 0, "hostNetwork": False},
        "worker": {"containers": [{"ports": [{"hostPort": 0, "containerPort": 1}]}]},
    }
    service = {"kind": "LLMInferenceService", "spec": spec}
    vanish = [fault.field for fault in vanishing(service)]
    assert vanish == [".spec.template.hostNetwork", ".spec.worker.containers[0].ports[0].hostPort"]
    kept = typed.written_back(spec)
    assert (kept["replicas"], kept["template"]["terminationGracePeriodSeconds"]) == (0, 0)
    assert "hostNetwork" not in kept["template"]
