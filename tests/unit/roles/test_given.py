# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Blank answers, text and wrong values for every variable of every role, as the argument specs have them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.plugin_utils._role_options import Option, options, roles, simple

from sandbox.settings import CHECKOUT
from tests.unit.questions import of_roles

BLANK: tuple[Any, ...] = ("", "  ", None)
# also of a name that would be one of ours
NAMING_NOTHING = ("{{ nobody_set_this }}", "{{ rhaii_nobody_set_this }}")
OPTIONS = {option.name: (role, option) for role in roles() for option in options(role).values()}
# collection-wide variables, with the options whose defaults read them
READERS: dict[str, list[str]] = {}
for _name, (_role, _option) in OPTIONS.items():
    _text = json.dumps([_option.default, OPTIONS[_option.other][1].default if _option.other in OPTIONS else ""])
    for _wide in sorted(set(re.findall(r"\brhaii_\w+", _text))):
        READERS.setdefault(_wide, []).append(_name)

# text by type, with the value that it is
TEXTS: dict[str, list[tuple[str, Any]]] = {
    "bool": [("false", False), ("true", True), ("no", False), ("On", True), ("0", False)],
    "dict": [('{"a": "b"}', {"a": "b"}), ("a=b", {"a": "b"})],
    "float": [("3", 3), ("2.5", 2.5), (" 1e1 ", 10.0)],
    "int": [("3", 3), (" 4 ", 4), ("5.0", 5)],
    "list of dict": [],
    "list of int": [("1,2", [1, 2]), ("[3]", [3])],
    "list of str": [("a, b", ["a", "b"]), ('["c"]', ["c"])],
    "path": [("~/a b", str(Path.home() / "a b")), ("a b", str(CHECKOUT / "a b"))],
    "raw": [("3", "3")],
    "str": [("false", "false"), ("3", "3")],
}
WRONG: dict[str, list[Any]] = {
    "bool": ["maybe", 2, []],
    "dict": ["nothing of it", ["a"]],
    "float": ["soon", "1_0", "nan", True],
    "int": ["soon", "1_0", "2.5", 2.5, True],
    "list of dict": ["a", {"a": "b"}],
    "list of int": ["a", "1_0", 7],
    "list of str": [{"a": "b"}, 7],
    "path": [True, ["a"]],
    "raw": [],
    "str": [True, ["a"], {"a": "b"}],
}


def kind(option: Option) -> str:
    found = str(option.spec.get("type", "str"))
    return f"list of {option.spec['elements']}" if found == "list" else found


def texts(option: Option) -> list[tuple[str, Any]]:
    choices = [choice for choice in option.spec.get("choices", []) if choice]
    if choices:
        return [(choice, [choice] if kind(option).startswith("list") else choice) for choice in choices]
    if option.spec.get("options"):
        return []
    return TEXTS[kind(option)]


def wrong(option: Option) -> list[Any]:
    return [*WRONG[kind(option)], *(["none-of-these"] if option.spec.get("choices") else [])]


@dataclass
class Answers:
    """Questions that are collected, and answered at once."""

    questions: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)
    found: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)

    def of_roles(self, name: str, variable: str, value: Any, *, as_written: bool = False) -> None:
        self.questions[self._key(name, variable, value)] = {
            "role": OPTIONS[name][0],
            "names": [name if as_written else f"__{name}"],
            "variables": {variable: value} if variable else {},
        }

    def of(self, name: str, variable: str = "", value: Any = None) -> dict[str, Any]:
        return self.found[self._key(name, variable, value)]

    def get(self) -> None:
        found = of_roles(list(self.questions.values()), GCP_PROJECT="of-the-environment")
        self.found = dict(zip(self.questions, (next(iter(each.values())) for each in found), strict=True))

    @staticmethod
    def _key(name: str, variable: str, value: Any) -> tuple[str, str, str]:
        return name, variable, json.dumps(value)


def asked() -> Iterator[tuple[str, str, Any]]:
    for name, (_, option) in OPTIONS.items():
        yield name, "", None
        for value in (*BLANK, *NAMING_NOTHING, *(text for text, _ in texts(option)), *wrong(option)):
            yield name, name, value
    for variable, readers in READERS.items():
        for name in readers:
            for value in (*BLANK, *NAMING_NOTHING):
                yield name, variable, value


@pytest.fixture(scope="module")
def answers() -> Answers:
    found = Answers()
    for question in asked():
        found.of_roles(*question)
    found.get()
    return found


def test_there_are_options_of_every_role() -> None:
    assert {role for role, _ in OPTIONS.values()} == {path.name for path in (CHECKOUT / "roles").iterdir()}
    assert len(OPTIONS) > 200
    assert len(READERS) > 60


def test_default_that_is_read_without_a_template_is_what_the_template_gives() -> None:
    found = Answers()
    plain = {name: pair for name, (_, option) in OPTIONS.items() if (pair := simple(str(option.default)))}
    assert len(plain) > 100
    for name, (wide, _) in plain.items():
        found.of_roles(name, "", None, as_written=True)
        found.of_roles(name, wide, "given", as_written=True)
    found.get()
    for name, (wide, literal) in plain.items():
        assert found.of(name) == {"value": literal}, name
        assert found.of(name, wide, "given") == {"value": "given"}, name


def test_default_that_is_a_literal_stands_once() -> None:
    literal = re.compile(r"\b([a-z]\w+) \| rhaii\.gke\.given\(((?!none\b|inventory_hostname|rhaii_)['\[\w][^()]*)\)")
    looked_up = re.compile(r"lookup\('rhaii\.gke\.given', '(\w+)'")
    texts = [(CHECKOUT / "roles" / role / "defaults" / "main.yml").read_text(encoding="utf-8") for role in roles()]
    said = [found for text in texts for found in literal.findall(text) if found[1] not in ("''", "[]")]
    assert len(said) > 20
    assert sorted(said) == sorted(set(said))
    read = {name for text in texts for name in looked_up.findall(text)}
    assert len(read) > 20
    # then it is clear which one the lookup gives out
    assert {name: [value for other, value in said if other == name] for name in read if name not in OPTIONS} == {
        name: [value] for name, value in said if name in read
    }
    # what is looked up of another role stands nowhere else
    assert not {name for name, _ in said} & set(OPTIONS) & read


@pytest.mark.parametrize(
    "default",
    [
        "{{ rhaii_x }}",
        "{{ rhaii_x | rhaii.gke.given(inventory_hostname) }}",
        "{{ rhaii_x | rhaii.gke.given('a') | bool }}",
        "{{ rhaii_x | rhaii.gke.given('a') }}/{{ rhaii_y | rhaii.gke.given('b') }}",
        "{{ other_x | rhaii.gke.given('a') }}",
        "{{ lookup('rhaii.gke.given', 'rhaii_x') }}",
        "{{ lookup('rhaii.gke.given', 'cluster_tpu_pool_name') }}",
        "{{ lookup('rhaii.gke.given', 'rhaii_location', otherwise='a') }}",
        "{{ lookup('ansible.builtin.env', 'rhaii_location') }}",
        "a",
    ],
)
def test_any_other_default_is_a_template(default: str) -> None:
    assert simple(default) is None


@pytest.mark.parametrize("name", OPTIONS)
def test_blank_is_as_not_given(answers: Answers, name: str) -> None:
    default = answers.of(name)
    assert "value" in default
    assert [answers.of(name, name, value) for value in BLANK] == [default] * len(BLANK)


@pytest.mark.parametrize("variable", READERS)
def test_blank_collection_wide_is_as_not_given(answers: Answers, variable: str) -> None:
    for name in READERS[variable]:
        assert [answers.of(name, variable, value) for value in BLANK] == [answers.of(name)] * len(BLANK), name


@pytest.mark.parametrize("name", OPTIONS)
def test_what_names_an_undefined_variable_is_no_default(answers: Answers, name: str) -> None:
    for value in NAMING_NOTHING:
        undefined = value.strip("{} ")
        for variable in (name, *(wide for wide, readers in READERS.items() if name in readers)):
            assert f"'{undefined}' is undefined" in answers.of(name, variable, value).get("error", ""), variable


@pytest.mark.parametrize("name", OPTIONS)
def test_text_is_the_value_that_it_says(answers: Answers, name: str) -> None:
    for text, value in texts(OPTIONS[name][1]):
        found = answers.of(name, name, text)
        assert (found, type(found.get("value"))) == ({"value": value}, type(value))


@pytest.mark.parametrize("name", OPTIONS)
def test_wrong_value_is_refused_by_the_variables_name(answers: Answers, name: str) -> None:
    secret = OPTIONS[name][1].spec.get("no_log")
    for value in wrong(OPTIONS[name][1]):
        said = answers.of(name, name, value).get("error", "")
        assert re.search(rf"\b{name}(\[0\])? is ", said), f"{value!r}: {said}"
        assert "Give " in said
        assert ("not shown" in said) == bool(secret)
