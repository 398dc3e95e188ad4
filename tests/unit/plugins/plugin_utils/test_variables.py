# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is given, and what a value is by its argument spec."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.plugin_utils._variables import is_given, typed

TAINTS = {
    "type": "list",
    "elements": "dict",
    "options": {
        "key": {"type": "str", "required": True},
        "seconds": {"type": "int"},
        "effect": {"type": "str", "choices": ["NoSchedule", "NoExecute"]},
    },
}


@pytest.mark.parametrize("value", [None, "", " ", "\t\n"])
def test_blank_is_not_given(value: Any) -> None:
    assert not is_given(value)


class Vaulted:
    """As ansible-core before 2.19 hands out what `!vault` stands before."""

    __ENCRYPTED__ = True

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text


def test_vaulted_value_is_its_text() -> None:
    assert typed("x", Vaulted("600"), {"type": "int"}) == 600
    assert typed("x", Vaulted("False"), {"type": "bool"}) is False
    assert typed("x", Vaulted("hf_abc"), {"type": "str"}) == "hf_abc"
    assert not is_given(Vaulted(" "))


@pytest.mark.parametrize("value", [False, 0, 0.0, [], {}, "0", "false", " x ", [None], [""]])
def test_all_else_is_given(value: Any) -> None:
    assert is_given(value)


@pytest.mark.parametrize(
    ("kind", "value", "wanted"),
    [
        ("bool", "YES", True),
        ("bool", "off", False),
        ("bool", 1, True),
        ("bool", 0.0, False),
        ("int", "-3", -3),
        ("int", 2.0, 2),
        ("float", "+2.5", 2.5),
        ("float", ".5", 0.5),
        ("float", 10, 10),
        ("float", "10", 10),
        ("float", "10.0", 10),
        ("str", 1.5, "1.5"),
        ("str", " kept ", " kept "),
        ("path", "~/x", str(Path.home() / "x")),
        ("path", "a/../x", str(Path.cwd() / "x")),
        ("path", "/a/../x", "/a/../x"),
        ("path", "oci://registry.example/x", "oci://registry.example/x"),
        ("list", ("a",), ("a",)),
        ("list", " a , b", ["a", "b"]),
        ("dict", "{'a': 1}", {"a": 1}),
        ("raw", {"a": [1]}, {"a": [1]}),
    ],
)
def test_value_becomes_its_type(kind: str, value: Any, wanted: Any) -> None:
    found = typed("x", value, {"type": kind})
    assert list(found) == list(wanted) if kind == "list" else found == wanted
    assert kind == "list" or type(found) is type(wanted)


@pytest.mark.parametrize(
    ("value", "spec", "sentence"),
    [
        ("soon", {"type": "int"}, 'x is "soon", which is not a whole number. Give a whole number, or leave it out.'),
        (True, {"type": "int"}, "x is true, which is not a whole number. Give a whole number, or leave it out."),
        (float("inf"), {"type": "float"}, "x is Infinity, which is not a number. Give a number, or leave it out."),
        ("1e999", {"type": "float"}, 'x is "1e999", which is not a number. Give a number, or leave it out.'),
        ("[1", {"type": "list"}, 'x is "[1", which is not a list. Give a list, or leave it out.'),
        (["a"], {"type": "dict"}, 'x is ["a"], which is not a mapping. Give a mapping, or leave it out.'),
        (
            "stay",
            {"choices": ["", "fail", "wait"]},
            'x is "stay", which is none of its values. Give one of fail, wait, or leave it out.',
        ),
        (
            ["a", "b"],
            {"type": "list", "elements": "str", "choices": ["a"]},
            'x[1] is "b", which is none of its values. Give one of a, or leave it out.',
        ),
        (
            "c2VjcmV0",
            {"type": "dict", "no_log": True},
            "x is a secret that is not shown, which is not a mapping. Give a mapping, or leave it out.",
        ),
        (
            "a" * 200,
            {"type": "int"},
            f'x is "{"a" * 78}…, which is not a whole number. Give a whole number, or leave it out.',
        ),
        ([{"seconds": 1}], TAINTS, "x[0] has no key. Its keys are key, seconds, effect."),
        ([{"key": "k", "kye": 1}], TAINTS, "x[0] has kye. Its keys are key, seconds, effect."),
        (
            [{"key": "k", "seconds": "a"}],
            TAINTS,
            'x[0].seconds is "a", which is not a whole number. Give a whole number, or leave it out.',
        ),
    ],
)
def test_what_does_not_convert_is_a_sentence(value: Any, spec: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RhaiiError) as error:
        typed("x", value, spec)
    assert str(error.value) == sentence


def test_items_become_their_types_and_blank_ones_stay() -> None:
    given = [{"key": "k", "seconds": "3", "effect": ""}, None]
    assert typed("x", given, TAINTS) == [{"key": "k", "seconds": 3, "effect": ""}, None]
    assert typed("x", "1,,2", {"type": "list", "elements": "int"}) == [1, "", 2]
