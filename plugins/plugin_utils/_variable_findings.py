# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection.
"""What is wrong with the variables of a run, before a role reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.plugin_utils._role_options import (
    known,
    option,
    options,
    prefixes,
    roles,
)
from ansible_collections.rhaii.gke.plugins.plugin_utils._settled import given_on_the_way
from ansible_collections.rhaii.gke.plugins.plugin_utils._variables import Spec, is_given, typed

# Names of version 0.1.0 that another collection owns, with what they are called now, and whose they are: an inventory
# may serve both.
RENAMED = {"cluster_name": ("cluster_gke_name", "rhaii_cluster_name", "Kubespray's")}

# how alike two names are, without what all names begin with
ALIKE = 0.8


def findings(variables: Mapping[str, Any], evaluate: Callable[[Any], Any]) -> list[str]:
    """A sentence for every variable that is given and that is none of its option's values."""
    found = {}
    for name, specs in specs_by_name().items():
        try:
            value = evaluate(variables[name]) if name in variables and not _is_default(name, variables[name]) else None
        except RhaiiError as error:  # says what nobody can read, without a value
            found[name] = f"{name} {error}"
        else:
            found[name] = _finding(name, value, specs) if is_given(value) else ""
    renamed = [_renamed(name) for name in RENAMED if is_given(variables.get(name))]
    return [*renamed, *(sentence for sentence in found.values() if sentence)]


def _is_default(name: str, value: Any) -> bool:
    """Whether it is the role's own default, which is in scope where a role asks."""
    found = option(name)
    return found is not None and bool(value == found.default)


def _renamed(name: str) -> str:
    now, collection_wide, whose = RENAMED[name]
    return (
        f"{name} is read no more, since it is {whose}. Give {collection_wide}, or {now} for the role alone, and take "
        f"{name} out of what this host inherits."
    )


def specs_by_name() -> dict[str, list[Spec]]:
    """The roles' own variables and the collection-wide ones, with the argument specs that they are read by."""
    found: dict[str, list[Spec]] = {}
    for role in roles():
        for each in options(role).values():
            found[each.name] = [each.spec]
            if each.collection_wide:
                found.setdefault(each.collection_wide, []).append(each.spec)
    return found


def _finding(name: str, value: Any, specs: Iterable[Spec]) -> str:
    # what one role takes, it judges in its own words
    said = ""
    for spec in specs:
        try:
            typed(name, value, spec)
        except RhaiiError as error:
            said = said or str(error)
        else:
            return ""
    return said


def misspelt(variables: Iterable[str]) -> dict[str, str]:
    """Variables that nothing reads, with the one that is named almost alike."""
    found = {}
    specs = specs_by_name()
    for name in variables:
        prefix = next((prefix for prefix in prefixes() if name.startswith(prefix)), "")
        # most are options or facts of a task, and to look through all files for the rest costs more than all else here
        if prefix and name not in specs and name not in given_on_the_way() and name not in known():
            rest = [other.removeprefix(prefix) for other in known() if other.startswith(prefix)]
            alike = get_close_matches(name.removeprefix(prefix), sorted(rest), n=1, cutoff=ALIKE)
            if alike:
                found[name] = prefix + alike[0]
    return found


__all__ = ("RENAMED", "findings", "misspelt", "specs_by_name")
