# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Renders templates of roles by ansible-core's own engine, without a run of ansible-playbook for each environment.

A program of its own, because ansible-core's plugin loader changes how the process imports collections. Reads from its
standard input a list of files to write: {role, template, variables, dest}, or {role, variables} for all that the
role's tasks/render.yml writes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader
from ansible.template import Templar, trust_as_template

from sandbox.settings import CHECKOUT

LOADER = DataLoader()
TEMPLATE = "ansible.builtin.template"


def load(role: str, file: str) -> Any:
    return LOADER.load_from_file(str(CHECKOUT / "roles" / role / file), trusted_as_template=True)


def variables_of(role: str) -> dict[str, Any]:
    """The role's own, which no inventory changes."""
    files = sorted((CHECKOUT / "roles" / role / "vars").rglob("*.yml"))
    return {
        name: value
        for file in files
        for name, value in load(role, f"vars/{file.relative_to(CHECKOUT / 'roles' / role / 'vars')}").items()
    }


def trusted(value: Any) -> Any:
    """Variables of an inventory, which may hold templates."""
    if isinstance(value, dict):
        return {key: trusted(item) for key, item in value.items()}
    if isinstance(value, list):
        return [trusted(item) for item in value]
    return trust_as_template(value) if isinstance(value, str) else value


def evaluate(template: str, variables: dict[str, Any]) -> Any:
    return Templar(LOADER, variables).template(trust_as_template(template))


def files(role: str, variables: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """What the role's tasks/render.yml writes: template, destination, variables."""
    for task in load(role, "tasks/render.yml"):
        if TEMPLATE not in task:
            continue
        own = {**variables, **task.get("vars", {})}
        for item in evaluate(task["loop"], own) if "loop" in task else [""]:
            here = {**own, "item": item}
            yield evaluate(task[TEMPLATE]["src"], here), evaluate(task[TEMPLATE]["dest"], here), here


def main() -> None:
    init_plugin_loader([str(CHECKOUT / ".ansible" / "collections")])
    for wanted in json.load(sys.stdin):
        role = wanted["role"]
        variables = {
            **load(role, "defaults/main.yml"),
            **trusted(wanted["variables"]),
            **variables_of(role),
            "ansible_search_path": [str(CHECKOUT / "roles" / role)],
        }
        found = [(wanted["template"], wanted["dest"], variables)] if "template" in wanted else files(role, variables)
        for template, destination, here in found:
            path = Path(destination)
            path.parent.mkdir(parents=True, exist_ok=True)
            text = evaluate("{{ lookup('rhaii.gke.template', __template) }}", {**here, "__template": template})
            path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
