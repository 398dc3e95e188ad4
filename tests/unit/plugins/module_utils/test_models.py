# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The list of models, completed."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._models import duplicates, effective_models, whole_number

GUIDE = {
    "name": "qwen-3b-tpu-svc",
    "uri": "hf://Qwen/Qwen2.5-3B-Instruct",
    "replicas": 3,
    "image": "registry.redhat.io/rhaiis/vllm-tpu-rhel9:3.2.5",
    "served_name": "Qwen/Qwen2.5-3B-Instruct",
}


@pytest.mark.parametrize("models", [[], None, [{"name": "qwen-3b-tpu-svc"}]])
def test_no_models_are_the_guides_one(models: Any) -> None:
    assert effective_models(models) == [GUIDE]


def test_given_values_stay() -> None:
    own = {"name": "m", "uri": "gs://b/m", "replicas": 1, "image": "i", "served_name": "s", "args": ["--x"]}
    assert effective_models([own]) == [own]


def test_left_out_values_are_filled_in_without_touching_what_was_given() -> None:
    given = [{"name": "a", "uri": "hf://org/a"}, {"name": "b"}]
    a, b = effective_models(given)
    assert a["served_name"] == "org/a"
    assert (b["uri"], b["served_name"]) == ("", "")
    assert given == [{"name": "a", "uri": "hf://org/a"}, {"name": "b"}]
    assert effective_models([{"name": "m", "uri": "pvc://claim/a://b"}])[0]["served_name"] == "claim/a://b"


def test_command_line_stands_for_the_default_model_alone() -> None:
    given = [{"name": "a", "replicas": 2, "image": "x"}, {"name": "b", "replicas": 4, "image": "y"}]
    a, b = effective_models(given, replicas="5", image="z")
    assert (a["replicas"], a["image"]) == (5, "z")
    assert (b["replicas"], b["image"]) == (4, "y")


def test_zero_replicas_from_the_command_line_are_not_left_out() -> None:
    assert effective_models([], replicas=0)[0]["replicas"] == 0


def test_empty_image_from_the_command_line_is_left_out() -> None:
    assert effective_models([], image="")[0]["image"] == GUIDE["image"]


@pytest.mark.parametrize(
    ("models", "words"),
    [
        pytest.param([{"name": "a"}, {"uri": "hf://x"}], "Entry 2 of rhaii_models has no name", id="no name"),
        pytest.param([{"name": ""}], "Entry 1 of rhaii_models has no name", id="an empty name"),
        pytest.param(["qwen"], "Entry 1 of rhaii_models has no name", id="text for a model"),
        pytest.param({"name": "a"}, "rhaii_models is one entry, not a list", id="one model without a dash"),
        pytest.param("qwen", "rhaii_models is text, not a list", id="text"),
        pytest.param(
            [{"name": "a", "replicas": "many"}],
            "replicas of the model a is 'many', which is no whole number",
            id="replicas in words",
        ),
        pytest.param([{"name": "a", "replicas": None}], "replicas of the model a is None", id="no replicas"),
    ],
)
def test_bad_models_are_refused(models: Any, words: str) -> None:
    with pytest.raises(RhaiiError, match=f"^{words}") as refusal:
        effective_models(models)
    assert refusal.value.remedy.startswith(("Give a number, as in 3.", "Give each model a name", "Begin every model"))


@pytest.mark.parametrize(("value", "number"), [(3, 3), ("3", 3), (" 3 ", 3), (3.0, 3), (0, 0), (-1, -1), ("-1", -1)])
def test_whole_number(value: Any, number: int) -> None:
    assert whole_number(value, "it") == number


@pytest.mark.parametrize("value", [2.5, "2.5", "", "x", True, False, None, [], float("inf"), float("nan")])
def test_what_is_no_whole_number_is_refused(value: Any) -> None:
    with pytest.raises(RhaiiError, match=r"^it is .*, which is no whole number") as refusal:
        whole_number(value, "it")
    assert repr(value) in str(refusal.value)


def test_duplicates_are_named_once_and_in_order() -> None:
    names = ["b", "a", "b", "c", "a", "b"]
    assert duplicates([{"name": name} for name in names]) == ["a", "b"]
    assert duplicates([{"name": "a"}, {"name": "b"}]) == []
