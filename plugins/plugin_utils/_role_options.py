# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection.
"""The options of the collection's roles, as their argument specs and their defaults have them."""

from __future__ import annotations

import ast
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
# libyaml takes a tenth of the time, which counts where every task has a process of its own
# what nearly all defaults are: a collection-wide variable, and a value where that is not given
_SIMPLE = re.compile(r"\{\{\s*(rhaii_\w+)\s*\|\s*rhaii\.gke\.given\((.+)\)\s*\}\}")
_WORDS = {"true": True, "false": False, "none": None}
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
        match jinja2.Environment().parse(str(self.default).strip()).body:
            case [nodes.Output(nodes=[nodes.Filter(node=nodes.Name(name=name), name="rhaii.gke.given")])]:
                return str(name) if name.startswith("rhaii_") else ""
        return ""


@cache
def simple(default: str) -> tuple[str, Any] | None:
    """A default that is a collection-wide variable with a literal value in its place; None of any other."""
    match = _SIMPLE.fullmatch(default.strip())
    if match is None:
        return None
    try:
        literal = _WORDS[match[2]] if match[2] in _WORDS else ast.literal_eval(match[2])
    except (ValueError, SyntaxError):
        return None
    return match[1], literal


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


__all__ = ("Option", "known", "option", "options", "prefixes", "roles", "simple")
