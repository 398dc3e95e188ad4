# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What there is in the collection's tree: playbooks, roles, tags, variables, and who reads a collection-wide one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import jinja2
import yaml
from jinja2 import nodes

ROOT = Path(__file__).parents[3]
COLLECTION_WIDE = re.compile(r"(?<![\w.])rhaii_[a-z0-9][a-z0-9_]*")
# what a default is when only a run can say it
EXPRESSION = object()
NO_DEFAULT = object()


@dataclass(frozen=True)
class Reading:
    """One place that reads a collection-wide variable, with the default that it gives."""

    reader: str
    default: Any


@dataclass(frozen=True)
class Tree:
    root: Path = ROOT

    @cached_property
    def playbooks(self) -> set[str]:
        return {path.name for path in (self.root / "playbooks").glob("*.yml")}

    @cached_property
    def roles(self) -> set[str]:
        return {path.parents[1].name for path in (self.root / "roles").glob("*/defaults/main.yml")}

    @cached_property
    def modules(self) -> set[str]:
        return {path.stem for path in (self.root / "plugins" / "modules").glob("*.py")}

    @cached_property
    def tags(self) -> set[str]:
        found: set[str] = set()
        for file in [*self.root.glob("roles/*/tasks/*.yml"), *self.root.glob("playbooks/*.yml")]:
            for task in _mappings(_yaml(file)):
                tags = task.get("tags") or []
                found.update([tags] if isinstance(tags, str) else tags)
        return found

    @cached_property
    def role_variables(self) -> dict[str, set[str]]:
        """The variables of each role, by role."""
        return {role: set(_yaml(self.root / "roles" / role / "defaults" / "main.yml")) for role in self.roles}

    @cached_property
    def variables(self) -> set[str]:
        """Every variable that a user may set: the roles' own and the collection-wide ones."""
        return set(self.readings).union(*self.role_variables.values())

    @cached_property
    def readings(self) -> dict[str, list[Reading]]:
        """The collection-wide variables that the roles' defaults and the lookups read."""
        found: dict[str, list[Reading]] = {}
        for role in sorted(self.roles):
            for value in _strings(_yaml(self.root / "roles" / role / "defaults" / "main.yml")):
                for name, default in _reads(value):
                    reading = Reading(role, default)
                    if reading not in found.setdefault(name, []):
                        found[name].append(reading)
        for file in sorted(self.root.glob("plugins/lookup/*.py")):
            text = file.read_text(encoding="utf-8")
            for name in re.findall(r"^\s+- name: (rhaii_\w+)$", text, re.MULTILINE):
                found.setdefault(name, []).append(Reading(f"lookup {file.stem}", NO_DEFAULT))
        return found

    @cached_property
    def facts(self) -> set[str]:
        """The collection-wide names that a run sets for itself."""
        found: set[str] = set()
        for file in [*self.root.glob("playbooks/**/*.yml"), *self.root.glob("roles/*/tasks/*.yml")]:
            for task in _mappings(_yaml(file)):
                found.update(name for name in task.get("ansible.builtin.set_fact") or {} if COLLECTION_WIDE.match(name))
        return found

    @cached_property
    def mentions(self) -> dict[str, set[str]]:
        """Every collection-wide name in playbooks, roles, plugins and inventories, with the files that have it."""
        found: dict[str, set[str]] = {}
        for room in ("playbooks", "roles", "plugins", "inventories"):
            for file in sorted(path for path in (self.root / room).rglob("*") if path.suffix in (".yml", ".j2", ".py")):
                for name in COLLECTION_WIDE.findall(file.read_text(encoding="utf-8")):
                    found.setdefault(name, set()).add(str(file.relative_to(self.root)))
        return found


def _yaml(file: Path) -> Any:
    return yaml.safe_load(file.read_text(encoding="utf-8")) or {}


def _mappings(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _mappings(item)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def _reads(template: str) -> Iterator[tuple[str, Any]]:
    """The collection-wide variables of a template, each with its default as a value where it is one."""
    parsed = jinja2.Environment().parse(template)
    defaults: dict[int, Any] = {}
    for filtered in parsed.find_all(nodes.Filter):
        if filtered.name in ("default", "rhaii.gke.given") and isinstance(filtered.node, nodes.Name):
            try:
                defaults[id(filtered.node)] = filtered.args[0].as_const() if filtered.args else ""
            except nodes.Impossible:
                defaults[id(filtered.node)] = EXPRESSION
    for call in parsed.find_all(nodes.Call):
        match call:
            # its default is where another role says it
            case nodes.Call(
                node=nodes.Name(name="lookup"), args=[nodes.Const(value="rhaii.gke.given"), nodes.Const() as read]
            ):
                if COLLECTION_WIDE.fullmatch(str(read.value)):
                    yield read.value, NO_DEFAULT
    for name in parsed.find_all(nodes.Name):
        if COLLECTION_WIDE.fullmatch(name.name):
            yield name.name, defaults.get(id(name), NO_DEFAULT)


__all__ = ("COLLECTION_WIDE", "EXPRESSION", "NO_DEFAULT", "ROOT", "Reading", "Tree")
