# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection.
"""The value of a role's variable where it is given, and what the role takes where it is not."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from ansible import template
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.plugin_utils._role_options import (
    Option,
    option,
    prefixes,
    shared,
    simple,
)
from ansible_collections.rhaii.gke.plugins.plugin_utils._variables import is_given, typed

# ansible-core before 2.19 takes every text for a template
TRUST: Any = getattr(template, "trust_as_template", str)
NOTHING = object()


def given(name: str, templar: Any, variables: Mapping[str, Any], otherwise: Any = NOTHING) -> Any:
    """The variable by its argument spec; where it is not given the role's default, or `otherwise` in its place."""
    scope = without_blank_answers(variables)
    if scope is not variables:
        templar = templar.copy_with_new_env(available_variables=scope)
    if name in shared():
        return _collection_wide(name, shared()[name], scope, templar)
    found = option(name)
    if found is None:
        raise RhaiiError(
            f"No role of rhaii.gke has an option {name}.",
            remedy="Name one of a role's meta/argument_specs.yml, or a collection-wide variable with a default.",
        )
    value = templar.template(scope[name]) if scope.get(name, found.default) != found.default else None
    if not is_given(value):
        value = _default(found, scope, templar) if otherwise is NOTHING else _wide(found, scope, templar)
    if not is_given(value) and otherwise is not NOTHING:
        return otherwise
    return typed(name, value, found.spec) if is_given(value) else value


def _default(found: Option, scope: Mapping[str, Any], templar: Any) -> Any:
    """What the role takes where the variable is not given."""
    plain = simple(found.default) if isinstance(found.default, str) else None
    if plain is None:
        return templar.template(_trusted(found.default))
    # nearly all are so, and to compile a template costs more than all the rest
    return _collection_wide(*plain, scope, templar)


def _collection_wide(name: str, literal: Any, scope: Mapping[str, Any], templar: Any) -> Any:
    value = templar.template(scope[name]) if name in scope else None
    return value if is_given(value) else copy.copy(literal)


def _wide(found: Option, scope: Mapping[str, Any], templar: Any) -> Any:
    """The collection-wide variable that the default would read."""
    return templar.template(scope[found.collection_wide]) if found.collection_wide in scope else None


def without_blank_answers(variables: Mapping[str, Any]) -> Mapping[str, Any]:
    """The variables as they were without the blank ones of the command line or a survey, which hide the inventory's."""
    hostvars = variables.get("hostvars")
    manager = getattr(hostvars, "_variable_manager", None)
    if manager is None or not _blank(manager.extra_vars):
        return variables
    beneath = _beneath(
        os.getpid(), manager, getattr(hostvars, "_inventory", None), str(variables["inventory_hostname"])
    )
    rest = {name: value for name, value in variables.items() if name not in _blank(manager.extra_vars)}
    return {**rest, **beneath}


# a task has a process of its own, in which what is beneath does not change
@cache
def _beneath(process: int, manager: Any, inventory: Any, host: str) -> dict[str, Any]:
    blank = _blank(manager.extra_vars)
    bare = object.__new__(type(manager))
    bare.__dict__.update(manager.__dict__)
    bare._extra_vars = {name: value for name, value in manager.extra_vars.items() if name not in blank}
    found = bare.get_vars(host=inventory.get_host(host), include_hostvars=False)
    return {name: found[name] for name in blank if name in found}


def _blank(extra: Mapping[str, Any]) -> list[str]:
    return [name for name, value in extra.items() if name.startswith(prefixes()) and not is_given(value)]


def _trusted(value: Any) -> Any:
    """A default as a template: it comes from a file of ours, and never from what a user or a cloud said."""
    if isinstance(value, str):
        return TRUST(value)
    if isinstance(value, dict):
        return {key: _trusted(item) for key, item in value.items()}
    return [_trusted(item) for item in value] if isinstance(value, list) else value


__all__ = ("NOTHING", "given", "without_blank_answers")
