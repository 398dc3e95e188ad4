# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection.
"""The options of the collection's roles, as their argument specs and their defaults have them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import yaml
from ansible_collections.rhaii.gke.plugins.plugin_utils._variables import Spec
from jinja2 import nodes

COLLECTION = Path(__file__).parents[2]
_JINJA = jinja2.Environment()
# libyaml takes a tenth of the time, which counts where every task has a process of its own
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Option:
    """A role's own variable: its argument spec, and what the role takes where nobody gives it, as it is written."""

    name: str
    spec: Spec
    default: Any

    @property
    def collection_wide(self) -> str:
        """The collection-wide variable that stands for this one; empty where none does."""
        found = _reading(str(self.default))
        return found[0] if found else ""

    @property
    def is_host_name(self) -> bool:
        """Whether the host's name in the inventory stands where the collection-wide variable is not given."""
        match _reading(str(self.default)):
            case (_, [nodes.Name(name="inventory_hostname")]):
                return True
        return False

    @property
    def other(self) -> str:
        """The variable whose value this one has, as the lookup `given` reads it; empty where it reads none."""
        return _looked_up(str(self.default))


@cache
def simple(default: str) -> tuple[str, Any] | None:
    """A default that is a collection-wide variable with a literal value in its place; None of any other."""
    wide = _looked_up(default)
    if wide in shared():
        return wide, shared()[wide]
    return _literal(default)


@cache
def shared(collection: Path = COLLECTION) -> Mapping[str, Any]:
    """What stands where a collection-wide variable is not given, by its name: from the default that says it."""
    found: dict[str, Any] = {}
    for role in roles(collection):
        for each in options(role, collection).values():
            if plain := _literal(str(each.default)):
                found.setdefault(*plain)
    return found


def _literal(default: str) -> tuple[str, Any] | None:
    found = _reading(default)
    if found is None or len(found[1]) != 1:
        return None
    try:
        return found[0], found[1][0].as_const()
    except nodes.Impossible:
        return None


@cache
def _reading(default: str) -> tuple[str, list[nodes.Expr]] | None:
    """The collection-wide variable that a default reads, and what the filter takes where it is not given."""
    match _JINJA.parse(default.strip()).body:
        case [nodes.Output(nodes=[nodes.Filter(node=nodes.Name(name=name), name="rhaii.gke.given", args=args)])]:
            return (str(name), args) if name.startswith("rhaii_") else None
    wide = _looked_up(default)
    return (wide, []) if wide.startswith("rhaii_") else None


@cache
def _looked_up(default: str) -> str:
    """The variable that a default has from the lookup `given`, and nothing beside it."""
    match _JINJA.parse(default.strip()).body:
        case [nodes.Output(nodes=[nodes.Call(node=nodes.Name(name="lookup"), args=args, kwargs=[])])]:
            match args:
                case [nodes.Const(value="rhaii.gke.given"), nodes.Const(value=name)]:
                    return str(name)
    return ""


@cache
def roles(collection: Path = COLLECTION) -> tuple[str, ...]:
    """The names of the roles."""
    return tuple(sorted(file.parents[1].name for file in collection.glob("roles/*/meta/argument_specs.yml")))


@cache
def options(role: str, collection: Path = COLLECTION) -> Mapping[str, Option]:
    """The options of a role, of all its entry points, by name."""
    folder = collection / "roles" / role
    specs = _read(folder / "meta" / "argument_specs.yml")["argument_specs"]
    defaults = _read(folder / "defaults" / "main.yml")
    return {
        name: Option(name, spec, defaults.get(name))
        for entry in specs.values()
        for name, spec in (entry.get("options") or {}).items()
    }


def option(name: str, collection: Path = COLLECTION) -> Option | None:
    """The option of that name, which begins with its role's."""
    owners = (role for role in roles(collection) if name.startswith(f"{role}_"))
    return next((found[name] for found in (options(role, collection) for role in owners) if name in found), None)


@cache
def prefixes(collection: Path = COLLECTION) -> tuple[str, ...]:
    """How a variable of the collection begins."""
    return ("rhaii_", *(f"{role}_" for role in roles(collection)))


@cache
def known(collection: Path = COLLECTION) -> frozenset[str]:
    """Every name of the collection's variables that its roles, playbooks and lookups mention: options and facts."""
    name = re.compile(rf"(?<![\w.])(?:{'|'.join(prefixes(collection))})\w+")
    return frozenset(found for file in _sources(collection) for found in name.findall(file.read_text(encoding="utf-8")))


def _sources(collection: Path) -> Iterator[Path]:
    for pattern in ("roles/**/*.yml", "roles/**/*.j2", "playbooks/**/*.yml", "plugins/lookup/*.py"):
        yield from collection.glob(pattern)


def _read(file: Path) -> Mapping[str, Any]:
    found: Mapping[str, Any] = yaml.load(file.read_text(encoding="utf-8"), Loader=LOADER) or {}
    return found


__all__ = ("Option", "known", "option", "options", "prefixes", "roles", "shared", "simple")
