# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection.
"""The options whose values no task of a run can change, so that one reading of them serves all its tasks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.plugin_utils._role_options import (
    COLLECTION,
    Option,
    options,
    prefixes,
    roles,
    simple,
)
from ansible_collections.rhaii.gke.plugins.plugin_utils._role_options import option as by_name
from ansible_collections.rhaii.gke.plugins.plugin_utils._variables import Spec, is_given, typed
from jinja2 import nodes

_PLAIN = (str, int, float, bool, type(None))
_MISSING = object()
_JINJA = jinja2.Environment()
# filters that make the same of the same
_STEADY_FILTERS = frozenset(
    ("default", "dirname", "expanduser", "join", "lower", "realpath", "replace", "rhaii.gke.given", "trim", "upper")
)


def settled(
    scope: Mapping[str, Any], evaluate: Callable[[Any], Any] | None = None, collection: Path = COLLECTION
) -> dict[str, Any]:
    """The value of each option that is plain wherever it comes from, by the name under which the roles read it.

    A template is one only where it is steady, as `{{ inventory_dir }}/token` is, and there is something to evaluate it
    with: any other may read what a task finds out, or what changes with each look. A secret is none, and nor is what a
    playbook or a task gives on the way.
    """
    if evaluate:
        steady = {
            name: value for name, value in scope.items() if name.startswith(prefixes()) and is_steady(value, scope)
        }
        scope = {**scope, **{name: evaluate(value) for name, value in steady.items()}}
    found = {}
    for role in roles(collection):
        for name, option in options(role, collection).items():
            value = _value(option, scope, collection)
            if value is not _MISSING and f"__{name}" in read_by_roles(collection):
                found[f"__{name}"] = value
    return found


def _value(option: Option, scope: Mapping[str, Any], collection: Path) -> Any:
    if _is_secret(option.spec) or option.name in given_on_the_way(collection):
        return _MISSING
    value = scope.get(option.name, option.default)
    if value == option.default or not is_given(value):
        value = _default(option, scope, collection)
    if value is _MISSING or not _is_plain(value):
        return _MISSING
    try:
        return typed(option.name, value, option.spec) if is_given(value) else value
    except RhaiiError:
        # the check of the variables says so, or the role that reads it
        return _MISSING


def _default(option: Option, scope: Mapping[str, Any], collection: Path) -> Any:
    if not isinstance(option.default, str) or "{" not in option.default:
        return option.default
    wide = scope.get(option.collection_wide)
    if is_given(wide):
        return wide
    if option.is_host_name:
        return scope.get("inventory_hostname", _MISSING)
    if other := by_name(option.other, collection) if option.other else None:
        return _value(other, scope, collection)
    plain = simple(option.default)
    return _MISSING if plain is None else plain[1]


def _is_secret(spec: Spec) -> bool:
    return bool(spec.get("no_log")) or any(_is_secret(inner) for inner in (spec.get("options") or {}).values())


def _is_plain(value: Any) -> bool:
    """Whether it is a value as it stands: no template, and nothing that is encrypted or made when it is read."""
    if isinstance(value, str):
        return "{{" not in value and "{%" not in value and "{#" not in value
    if isinstance(value, Mapping):
        return all(_is_plain(key) and _is_plain(item) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return all(_is_plain(item) for item in value)
    return isinstance(value, _PLAIN)


def is_steady(value: Any, scope: Mapping[str, Any], above: frozenset[str] = frozenset()) -> bool:
    """Whether it is a template that gives the same at each look: of the environment, and of what is plain or steady."""
    if not isinstance(value, str) or _is_plain(value):
        return False
    try:
        parsed = _JINJA.parse(value)
    except jinja2.TemplateSyntaxError:
        # whoever reads it says so
        return False
    if any(filtered.name not in _STEADY_FILTERS for filtered in parsed.find_all(nodes.Filter)):
        return False
    if parsed.find(nodes.Test) or any(not _asks_environment(call) for call in parsed.find_all(nodes.Call)):
        return False
    return all(
        name in scope
        # a variable that is made of itself is none
        and name not in above
        and name not in given_on_the_way()
        and (_is_plain(scope[name]) or is_steady(scope[name], scope, above | {name}))
        for name in {found.name for found in parsed.find_all(nodes.Name)} - {"lookup"}
    )


def _asks_environment(call: nodes.Call) -> bool:
    match call:
        case nodes.Call(node=nodes.Name(name="lookup"), args=[nodes.Const(value="ansible.builtin.env"), nodes.Const()]):
            return True
    return False


@cache
def read_by_roles(collection: Path = COLLECTION) -> frozenset[str]:
    """What the roles read in place of their variables."""
    texts = (file.read_text(encoding="utf-8") for file in collection.glob("roles/*/vars/main/given.yml"))
    return frozenset(found for text in texts for found in re.findall(r"^(__\w+):", text, re.MULTILINE))


@cache
def given_on_the_way(collection: Path = COLLECTION) -> frozenset[str]:
    """Names that a playbook or a task gives a value: in `vars`, by `set_fact`, or with `register`."""
    key = re.compile(r"^\s+(?:- )?(?:register: +([a-z]\w+)|([a-z]\w+):)", re.MULTILINE)
    texts = (file.read_text(encoding="utf-8") for file in _tasks(collection))
    return frozenset(registered or name for text in texts for registered, name in key.findall(text))


def _tasks(collection: Path) -> Iterator[Path]:
    for pattern in ("playbooks/**/*.yml", "roles/*/tasks/**/*.yml", "roles/*/handlers/*.yml"):
        yield from collection.glob(pattern)


def unsettled(names: Iterable[str]) -> dict[str, str]:
    """The same names as the roles have them: read at each look, for what comes after the run."""
    return {name: "{{ lookup('rhaii.gke.given', '" + name.removeprefix("__") + "') }}" for name in names}


__all__ = ("given_on_the_way", "is_steady", "read_by_roles", "settled", "unsettled")
