# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Objects as they are given, marked, ordered and shown."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.objects import (
    Key,
    bare,
    key_of,
    keyed,
    logged,
    marked,
    secret_values,
    shown,
)
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError

from tests.unit.plugins.module_utils.applyset.fake_objects import manifest

TOKEN = "hf_abcdefgh"


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_key_is_named_with_its_namespace_where_it_has_one() -> None:
    assert str(key_of(manifest(), "it")) == "ConfigMap ns/one"
    assert str(key_of(manifest("Namespace", namespace=""), "it")) == "Namespace one"
    assert key_of(manifest(), "it").public() == {
        "api_version": "v1",
        "kind": "ConfigMap",
        "name": "one",
        "namespace": "ns",
    }


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        pytest.param({}, "no apiVersion and no kind and no metadata.name", id="nothing"),
        pytest.param("text", "no apiVersion and no kind and no metadata.name", id="text"),
        pytest.param({"kind": "A", "metadata": {"name": "a"}}, "no apiVersion.", id="version"),
        pytest.param({"apiVersion": "v1", "metadata": {"name": "a"}}, "no kind.", id="kind"),
        pytest.param({"apiVersion": "v1", "kind": "A", "metadata": {}}, "no metadata.name.", id="name"),
        pytest.param({"apiVersion": "v1", "kind": "A", "metadata": "a"}, "no metadata.name.", id="no metadata"),
    ],
)
def test_what_is_no_object_is_refused_by_its_number(given: Any, missing: str) -> None:
    with pytest.raises(RhaiiError) as failure:
        keyed([manifest(), given])
    assert f"Entry 2 of objects has {missing}" in f"{failure.value.msg}."
    assert failure.value.remedy == "Give a whole Kubernetes object."


def test_object_that_is_given_twice_is_refused() -> None:
    with pytest.raises(RhaiiError, match="ConfigMap ns/one is given twice in dependents"):
        keyed([manifest(), manifest()], "dependents")
    assert len(keyed([manifest(), manifest(namespace="other")])) == 2


def test_kinds_come_in_the_order_in_which_they_need_each_other() -> None:
    kinds = [
        "LLMInferenceService",
        "EnvoyFilter",
        "HTTPRoute",
        "Gateway",
        "Other",
        "Certificate",
        "ClusterRole",
        "Role",
        "ConfigMap",
        "Secret",
        "ServiceAccount",
        "CustomResourceDefinition",
        "Namespace",
    ]
    order = [key.kind for key, _manifest in keyed([manifest(kind) for kind in kinds])]
    assert order[:7] == kinds[:5:-1]
    assert order[7:9] == ["Other", "Certificate"]
    assert order[9:] == kinds[3::-1]


def test_marks_come_beside_what_is_given_and_change_nothing_of_it() -> None:
    given = manifest()
    given["metadata"] |= {"labels": {"a": "b"}, "annotations": {"c": "d"}}
    assert marked(given, "prod")["metadata"] == {
        "name": "one",
        "namespace": "ns",
        "labels": {"a": "b", "rhaii.gke/environment": "prod"},
        "annotations": {"c": "d", "rhaii.gke/created": "true"},
    }
    assert given["metadata"]["labels"] == {"a": "b"}
    empty = manifest()
    empty["metadata"] |= {"labels": None, "annotations": None}
    assert marked(empty, "prod")["metadata"]["labels"] == {"rhaii.gke/environment": "prod"}


def test_bare_is_what_people_write() -> None:
    live = manifest(status={"ready": True})
    kept = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink")
    live["metadata"] |= dict.fromkeys(kept, "x")
    assert bare(live) == manifest()
    assert bare(None) == {}


def secret(**more: Any) -> dict[str, Any]:
    return manifest("Secret", **more)


@pytest.mark.parametrize(
    ("before", "after", "data"),
    [
        pytest.param({}, {"a": "1"}, ({}, {"a": "(hidden)"}), id="made"),
        pytest.param({"a": "1"}, {"a": "1"}, ({"a": "(hidden)"}, {"a": "(hidden)"}), id="same"),
        pytest.param({"a": "1"}, {"a": "2"}, ({"a": "(hidden)"}, {"a": "(hidden, another value)"}), id="other"),
        pytest.param(
            {"a": "1"}, {"a": "1", "b": "2"}, ({"a": "(hidden)"}, {"a": "(hidden)", "b": "(hidden)"}), id="key"
        ),
    ],
)
@pytest.mark.parametrize("part", ["data", "stringData"])
def test_diff_of_a_secret_names_its_keys(part: str, before: Any, after: Any, data: Any) -> None:
    old, new = shown(secret(data=None) | {part: before}, secret(data=None) | {part: after})
    assert (old[part], new[part]) == data


def test_secret_is_hidden_when_it_is_new_or_goes_or_is_malformed() -> None:
    given = secret(data={"a": TOKEN})
    assert shown({}, given)[1]["data"] == {"a": "(hidden)"}
    assert shown(given, {})[0]["data"] == {"a": "(hidden)"}
    assert TOKEN not in str(shown({}, secret(data=TOKEN)))
    assert TOKEN not in str(shown({}, secret(stringData=[TOKEN])))
    assert TOKEN not in str(shown({}, {**given, "kind": "secret"}))
    assert given["data"] == {"a": TOKEN}


def test_what_kubectl_keeps_of_a_secret_is_hidden() -> None:
    given = secret()
    given["metadata"]["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": TOKEN, "a": "b"}
    assert shown(given, {})[0]["metadata"]["annotations"] == {
        "kubectl.kubernetes.io/last-applied-configuration": "(hidden)",
        "a": "b",
    }
    given["metadata"]["annotations"] = {"a": "b"}
    assert shown(given, {})[0]["metadata"]["annotations"] == {"a": "b"}


def test_other_kinds_are_shown_as_they_are() -> None:
    assert shown({}, manifest()) == ({}, manifest())


@pytest.mark.parametrize(
    ("given", "values"),
    [
        pytest.param([secret(data={"a": b64(TOKEN)})], {b64(TOKEN), TOKEN}, id="encoded"),
        pytest.param([secret(data={"a": b64(f"{TOKEN}\n")})], {b64(f"{TOKEN}\n"), TOKEN}, id="with an end of line"),
        pytest.param([secret(data=None, stringData={"a": TOKEN})], {TOKEN, b64(TOKEN)}, id="plain"),
        pytest.param([secret(data=None, stringData={"a": f"{TOKEN}\n"})], {TOKEN, f"{TOKEN}\n"}, id="plain, a line"),
        pytest.param([secret(data={"a": f"{b64(TOKEN)[:5]}\n{b64(TOKEN)[5:]}"})], {TOKEN}, id="folded"),
        pytest.param([secret(data=None, stringData={"a": {"b": [TOKEN]}})], {TOKEN}, id="nested by mistake"),
        pytest.param([secret(data=TOKEN)], {TOKEN}, id="malformed"),
        pytest.param([secret(data=None, stringData={"a": 1234567890})], {"1234567890"}, id="a number"),
        pytest.param([{"kind": "List", "items": [secret(data={"a": TOKEN})]}], {TOKEN}, id="in a list"),
        pytest.param({"kind": "secret", "data": {"a": TOKEN}}, {TOKEN}, id="no list"),
    ],
)
def test_secret_values_are_found_encoded_and_decoded(given: Any, values: set[str]) -> None:
    assert values <= secret_values(given)


def test_no_secret_is_found_where_there_is_none() -> None:
    assert secret_values([manifest(data={"a": TOKEN}), "text", None]) == set()
    assert secret_values(None) == set()
    # of eight letters or more: a shorter one may stand anywhere
    assert secret_values([secret(data=None, stringData={"a": "seven77", "b": None})]) == {b64("seven77")}
    assert "eight888" in secret_values([secret(data=None, stringData={"a": "eight888"})])
    assert "" not in secret_values([secret(data={"a": "not base64 at all"})])


def test_log_has_no_secret_however_short_and_however_odd() -> None:
    given = [
        secret(data={"a": "pin"}),
        {"kind": "List", "items": [secret(data={"a": "pin"})]},
        manifest(data={"a": "seen"}),
        "kind: Secret, pin",
    ]
    found = logged(given)
    assert "pin" not in str(found)
    assert found[0]["data"] == {"a": "(hidden)"}
    assert found[1]["items"][0]["metadata"]["name"] == "one"
    assert found[2:] == [manifest(data={"a": "seen"}), "(hidden)"]
    assert logged("pin") == logged({"kind": "Secret"}) == logged(None) == "(hidden)"


def test_keys_differ_by_all_their_parts() -> None:
    assert len({Key("v1", "A", "a"), Key("v2", "A", "a"), Key("v1", "B", "a"), Key("v1", "A", "a", "n")}) == 4
