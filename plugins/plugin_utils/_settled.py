# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection.
"""The options whose values no task of a run can change, so that one reading of them serves all its tasks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.plugin_utils._role_options import (
    COLLECTION,
    Option,
    options,
    roles,
    simple,
)
from ansible_collections.rhaii.gke.plugins.plugin_utils._role_options import option as by_name
from ansible_collections.rhaii.gke.plugins.plugin_utils._variables import Spec, is_given, typed

_PLAIN = (str, int, float, bool, type(None))
_MISSING = object()


def settled(scope: Mapping[str, Any], collection: Path = COLLECTION) -> dict[str, Any]:
    """The value of each option that is plain wherever it comes from, by the name under which the roles read it.

    A template is none: it may read what a task finds out, or what changes with each look. Nor is a secret, and nor is
    what a playbook or a task gives on the way.
    """
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


__all__ = ("given_on_the_way", "read_by_roles", "settled", "unsettled")
