# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection-wide variables: docs/variables.yml, with defaults and readers from the roles, as a page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.prove.render.tree import EXPRESSION, NO_DEFAULT, Tree

HEAD = """\
# Collection-wide variables

<!-- Rendered from variables.yml and the roles by `python -m tests.prove.render`: change it there. -->

What an inventory says of an environment. Every name begins with `rhaii_`; the roles' defaults read it, and everything
else reads the role's own variable. Defaults and readers on this page come from there.

A role's own variables are in its `meta/argument_specs.yml`, and `ansible-doc -t role rhaii.gke.cluster` shows them.
They may be set in the inventory too, where one value for all roles is not enough.
"""
MODEL = """\
## An entry of `rhaii_models`

One model is a list of one. The first is the default model: the guide's paths at the gateway lead to it, and
`rhaii_replicas` and `rhaii_image` stand for it.
"""


@dataclass(frozen=True)
class Variable:
    """A collection-wide variable: its name and meaning, and in words a default that only a run can say."""

    group: str
    name: str
    meaning: str
    default: str
    needed: bool
    # set by a run, not given by a user
    fact: bool


@dataclass(frozen=True)
class Field:
    """A field of an entry of rhaii_models."""

    name: str
    meaning: str
    default: str


def variables(file: Path) -> list[Variable]:
    """The variables, in the order of the page."""
    return [
        Variable(
            group=group["group"],
            name=row["name"],
            meaning=row["meaning"],
            default=row.get("default", ""),
            needed=row.get("needed", False),
            fact=group.get("facts", False),
        )
        for group in _data(file)["groups"]
        for row in group["variables"]
    ]


def model_fields(file: Path) -> list[Field]:
    """The fields of an entry of rhaii_models."""
    return [Field(row["name"], row["meaning"], row.get("default", "")) for row in _data(file)["model"]]


def _data(file: Path) -> Mapping[str, Any]:
    found: Mapping[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return found


def default_of(variable: Variable, tree: Tree) -> str:
    """The default as the page has it: from the roles, one a value where they differ."""
    if variable.needed:
        return "none: give it"
    if variable.default:
        return variable.default
    by_value: dict[str, list[str]] = {}
    for reading in tree.readings.get(variable.name, []):
        if reading.default is not NO_DEFAULT and reading.default is not EXPRESSION:
            by_value.setdefault(_value(reading.default), []).append(reading.reader)
    if len(by_value) < 2:
        return "".join(by_value)
    return ", ".join(f"{value} (in {', '.join(readers)})" for value, readers in by_value.items())


def _value(default: Any) -> str:
    if default is None or default == "":
        return "empty"
    return f"`{default if isinstance(default, str) else json.dumps(default)}`"


def readers_of(variable: Variable, tree: Tree) -> list[str]:
    """The roles and lookups that read it; for a fact the files that have it."""
    if variable.fact:
        return sorted(tree.mentions.get(variable.name, ()))
    return list(dict.fromkeys(reading.reader for reading in tree.readings.get(variable.name, [])))


def page(rows: Sequence[Variable], fields: Sequence[Field], tree: Tree) -> str:
    """The page as Markdown."""
    return "\n".join(_page(rows, fields, tree)) + "\n"


def _page(rows: Sequence[Variable], fields: Sequence[Field], tree: Tree) -> Iterator[str]:
    yield HEAD
    for group in dict.fromkeys(row.group for row in rows):
        yield f"## {group}"
        yield ""
        yield "| variable | default | meaning | read by |"
        yield "| --- | --- | --- | --- |"
        for row in rows:
            if row.group == group:
                readers = ", ".join(f"`{reader}`" if row.fact else reader for reader in readers_of(row, tree))
                yield f"| `{row.name}` | {_text(default_of(row, tree))} | {_text(row.meaning)} | {readers} |"
        yield ""
    yield MODEL
    yield "| field | default | meaning |"
    yield "| --- | --- | --- |"
    for field in fields:
        yield f"| `{field.name}` | {_text(field.default)} | {_text(field.meaning)} |"


def _text(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


__all__ = ("Field", "Variable", "default_of", "model_fields", "page", "readers_of", "variables")
