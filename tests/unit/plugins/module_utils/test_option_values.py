# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every number and every truth among the modules' options, at both edges: read as a role's variable is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Capability, Params, Progress, Result
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._module import run_module
from ansible_collections.rhaii.gke.plugins.module_utils._option_values import read_options
from ansible_collections.rhaii.gke.plugins.plugin_utils._edge import CapabilityAction
from ansible_collections.rhaii.gke.plugins.plugin_utils._variables import typed

from sandbox.settings import CHECKOUT

Specs = Mapping[str, Mapping[str, Any]]

# by type: what is read, with what it is, and what is refused
RIGHT: dict[str, list[tuple[Any, Any]]] = {
    "int": [(" 3 ", 3), ("3.0", 3), (7, 7)],
    "float": [(" 2.5 ", 2.5), ("3", 3.0), (7, 7.0)],
    "bool": [("off", False), ("True", True), (0, False)],
}
WRONG: dict[str, list[Any]] = {
    "int": ["1_0", "soon", 2.5, True, "\u0663", "010"],
    "float": ["1_0", "soon", "nan", True, "1e400"],
    "bool": ["maybe", 2, [], "1_0"],
}
BLANK: tuple[Any, ...] = ("", "  ", None)
# something that an option of each type takes, where the others are required
ANY: dict[str, Any] = {"str": "a", "path": "/a", "dict": {"a": 1}, "list": ["a"], "int": 1, "float": 1.0, "bool": True}


@dataclass(frozen=True)
class Place:
    """Where an option is: the names that lead to it, an empty one for an item of a list."""

    capability: Capability[Any]
    path: tuple[str, ...]
    spec: Mapping[str, Any]

    @property
    def title(self) -> str:
        """As a sentence has it."""
        return ".".join(self.path).replace("..", "[0].")

    def given(self, value: Any) -> dict[str, Any]:
        """The options of a task that gives it, and beside it what is required."""
        made = dict(required(self.capability.argument_spec))
        if self.capability.argument_spec.get("auth_kind"):
            made["auth_kind"] = "application"
        here: Any = made
        specs: Specs = self.capability.argument_spec
        for name, following in zip(self.path, (*self.path[1:], None), strict=True):
            if not name:
                continue
            if following is None:
                here[name] = value
                break
            specs = specs[name]["options"]
            inner = dict(required(specs))
            here[name] = [inner] if following == "" else inner
            here = inner
        return made

    def of(self, params: Params) -> Any:
        """Its value among these."""
        found: Any = params
        for name in self.path:
            found = found[name] if name else found[0]
        return found


def required(specs: Specs) -> Iterator[tuple[str, Any]]:
    for name, spec in specs.items():
        if spec.get("required"):
            yield name, (spec["choices"][0] if spec.get("choices") else sample(spec))


def sample(spec: Mapping[str, Any]) -> Any:
    kind = spec.get("type", "str")
    if kind == "list" and spec.get("elements") == "dict":
        return [dict(required(spec.get("options") or {}))]
    return dict(required(spec["options"])) if spec.get("options") else ANY.get(kind, "a")


def capabilities() -> Iterator[Capability[Any]]:
    for file in sorted((CHECKOUT / "plugins" / "modules").glob("*.py")):
        module = import_module(f"ansible_collections.rhaii.gke.plugins.modules.{file.stem}")
        capability = getattr(module, "CAPABILITY", None)
        if isinstance(capability, Capability):
            yield capability


def places(capability: Capability[Any], specs: Specs, within: tuple[str, ...] = ()) -> Iterator[Place]:
    for name, spec in specs.items():
        path = (*within, name)
        if spec.get("type") in RIGHT:
            yield Place(capability, path, spec)
        if spec.get("options"):
            yield from places(capability, spec["options"], (*path, "") if spec["type"] == "list" else path)


PLACES = [place for capability in capabilities() for place in places(capability, capability.argument_spec)]
EACH = pytest.mark.parametrize(
    "place", [pytest.param(each, id=f"{each.capability.name} {each.title}") for each in PLACES]
)


class Edges:
    """A capability that only notes what it got, by both ways."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys
        self.got: list[Params] = []
        monkeypatch.setattr(basic.AnsibleModule, "log", lambda module, msg, log_args=None: None)
        monkeypatch.setattr(basic.AnsibleModule, "_set_cwd", lambda module: None)

    def noted(self, params: Params, ports: None, progress: Progress, check_mode: bool) -> Result:
        self.got.append(params)
        return {}

    def lenient(self, capability: Capability[Any]) -> Capability[Any]:
        """Without rules across options: here each stands alone."""
        rules: dict[str, Any] = {"mutually_exclusive": (), "required_together": (), "required_one_of": ()}
        return replace(capability, ports=lambda params: None, run=self.noted, required_if=(), required_by={}, **rules)

    def in_process(self, capability: Capability[Any], args: dict[str, Any]) -> dict[str, Any]:
        task = SimpleNamespace(
            async_val=0, check_mode=False, diff=False, action="", args=json.loads(json.dumps(args)), no_log=True
        )
        connection = SimpleNamespace(transport="local", become=None, _shell=SimpleNamespace(tmpdir="x"))
        kind = type("ActionModule", (CapabilityAction,), {"capability": self.lenient(capability)})
        result: dict[str, Any] = kind(task, connection, None, None, None).run(task_vars={"inventory_hostname": "prod"})
        return result

    def as_module(self, capability: Capability[Any], args: dict[str, Any]) -> dict[str, Any]:
        content = json.dumps({"ANSIBLE_MODULE_ARGS": args}).encode()
        self._monkeypatch.setattr(basic, "_ANSIBLE_ARGS", content)
        self._monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy")
        with pytest.raises(SystemExit):
            run_module(self.lenient(capability))
        result: dict[str, Any] = json.loads(self._capsys.readouterr().out)
        return result

    def both(self, place: Place, value: Any) -> list[dict[str, Any]]:
        """The results, in process and as a module."""
        given = place.given(value)
        return [edge(place.capability, given) for edge in (self.in_process, self.as_module)]


@pytest.fixture
def edges(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Edges:
    return Edges(monkeypatch, capsys)


def test_all_modules_are_here() -> None:
    assert len({place.capability.name for place in PLACES}) >= 15
    assert {place.spec["type"] for place in PLACES} == set(RIGHT)
    assert any(len(place.path) > 1 for place in PLACES)


@EACH
def test_value_is_read(place: Place, edges: Edges) -> None:
    choices = place.spec.get("choices")
    for text, right in RIGHT[place.spec["type"]]:
        if choices and right not in choices:
            continue
        for result in edges.both(place, text):
            assert not result.get("failed"), result
        for params in edges.got[-2:]:
            assert place.of(params) == right
            assert type(place.of(params)) is type(right)


@EACH
def test_what_is_none_is_refused_in_the_words_of_a_variable(place: Place, edges: Edges) -> None:
    for wrong in WRONG[place.spec["type"]]:
        with pytest.raises(RhaiiError) as refused:
            typed(place.title, wrong, place.spec)
        for result in edges.both(place, wrong):
            assert result["failed"] is True
            assert result["msg"] == str(refused.value)
    assert not edges.got


@EACH
def test_what_nobody_filled_in_is_not_given(place: Place, edges: Edges) -> None:
    if place.spec.get("required"):
        for result in edges.both(place, ""):
            assert "missing required arguments" in result["msg"]
        return
    for blank in BLANK:
        for result in edges.both(place, blank):
            assert not result.get("failed"), result
        for params in edges.got[-2:]:
            assert place.of(params) == place.spec.get("default")


def test_first_slip_is_said_before_what_ansible_says(edges: Edges) -> None:
    capability = next(each for each in capabilities() if each.name == "cache_routing_test")
    args = {"requests": "1_0", "nobody_has_this": 1, "bearer_token": "s3cr3tValue", "headers": {"X-A": "s3cr3tValue"}}
    for result in (edges.in_process(capability, args), edges.as_module(capability, args)):
        assert result["msg"] == 'requests is "1_0", which is not a whole number. Give a whole number, or leave it out.'
        assert "s3cr3tValue" not in json.dumps(result)


def test_value_that_is_secret_too_is_not_shown(edges: Edges) -> None:
    capability = next(each for each in capabilities() if each.name == "cache_routing_test")
    args = {"requests": "s3cr3tValue", "bearer_token": "s3cr3tValue"}
    for result in (edges.in_process(capability, args), edges.as_module(capability, args)):
        assert "which is not a whole number" in result["msg"]
        assert "s3cr3tValue" not in json.dumps(result)


def test_alias_is_read_and_named_as_it_was_given() -> None:
    specs: dict[str, Any] = {"concurrent": {"type": "int", "default": 5, "aliases": ["concurrency"]}}
    assert read_options({"concurrency": "4.0"}, specs).params == {"concurrency": 4}
    assert read_options({"concurrency": "4_0"}, specs).refusal.startswith('concurrency is "4_0", which is not a whole')


@pytest.mark.parametrize("given", ['{"nodes": "1_0"}', "nodes=1_0", {"nodes": "1_0"}])
def test_mapping_that_comes_as_text_is_looked_into(given: Any) -> None:
    specs: dict[str, Any] = {"pool": {"type": "dict", "options": {"nodes": {"type": "int"}}}}
    assert read_options({"pool": given}, specs).refusal.startswith('pool.nodes is "1_0"')


@pytest.mark.parametrize("given", ["3,1_0", ["3", "1_0"]])
def test_list_that_comes_as_text_is_looked_into(given: Any) -> None:
    specs: dict[str, Any] = {"sizes": {"type": "list", "elements": "int"}}
    assert read_options({"sizes": given}, specs).refusal.startswith('sizes[1] is "1_0"')
    assert read_options({"sizes": "3, 4"}, specs).params == {"sizes": [3, 4]}


@pytest.mark.parametrize("given", ["nothing of it", 7, ["a"]])
def test_what_is_no_mapping_is_left_to_ansible(given: Any) -> None:
    specs: dict[str, Any] = {"pool": {"type": "dict", "options": {"nodes": {"type": "int"}}}}
    assert read_options({"pool": given, "other": "1_0"}, specs).params == {"pool": given, "other": "1_0"}
