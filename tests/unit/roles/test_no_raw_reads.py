# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nothing reads a variable as it was given, in which a blank answer or text would be a value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml
from ansible_collections.rhaii.gke.plugins.plugin_utils._role_options import options, roles
from jinja2 import nodes

from sandbox.settings import CHECKOUT

CONDITIONS = ("when", "that", "until", "failed_when", "changed_when")
EVERY_OPTION = {name for role in roles() for name in options(role)}
GIVEN = "rhaii.gke.given"
# set by a run for itself
FACTS: set[str] = set()


def expressions(file: Path) -> Iterator[str]:
    """The templates of a file; what is a condition in YAML stands without braces."""
    if file.suffix == ".j2":
        yield file.read_text(encoding="utf-8")
        return
    yield from strings(yaml.safe_load(file.read_text(encoding="utf-8")))


def strings(value: Any, condition: bool = False) -> Iterator[str]:
    if isinstance(value, str):
        yield f"{{{{ {value} }}}}" if condition and "{{" not in value else value
    elif isinstance(value, list):
        for item in value:
            yield from strings(item, condition)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from strings(item, condition or key in CONDITIONS)


def raw_reads(file: Path) -> set[str]:
    """The variables that are read without asking whether they are given."""
    found: set[str] = set()
    for text in expressions(file):
        parsed = jinja2.Environment().parse(text)
        asked = {id(item.node) for item in parsed.find_all(nodes.Filter) if item.name == GIVEN}
        found.update(name.name for name in parsed.find_all(nodes.Name) if id(name) not in asked)
    return {name for name in found if name in EVERY_OPTION or re.match("rhaii_", name)} - FACTS


def files(*patterns: str) -> list[str]:
    found = (file for pattern in patterns for file in CHECKOUT.glob(pattern))
    return sorted(str(file.relative_to(CHECKOUT)) for file in found)


@pytest.mark.parametrize(
    "file",
    files("roles/*/defaults/*.yml", "roles/*/tasks/**/*.yml", "roles/*/templates/*.j2", "roles/*/vars/**/*.yml"),
)
def test_role_reads_what_is_given(file: str) -> None:
    assert raw_reads(CHECKOUT / file) == set()


@pytest.mark.parametrize("file", files("playbooks/**/*.yml", "inventories/**/*.yml"))
def test_playbook_reads_what_is_given(file: str) -> None:
    assert raw_reads(CHECKOUT / file) == set()


@pytest.mark.parametrize("role", roles())
def test_every_option_has_its_internal(role: str) -> None:
    given = yaml.safe_load((CHECKOUT / "roles" / role / "vars/main/given.yml").read_text(encoding="utf-8"))
    assert given == {f"__{name}": f"{{{{ lookup('rhaii.gke.given', '{name}') }}}}" for name in options(role)}
    defaults = yaml.safe_load((CHECKOUT / "roles" / role / "defaults/main.yml").read_text(encoding="utf-8"))
    assert set(defaults) <= set(options(role))


@pytest.mark.parametrize("file", files("playbooks/*.yml"))
def test_playbook_checks_all_variables_first_and_once(file: str) -> None:
    for play in yaml.safe_load((CHECKOUT / file).read_text(encoding="utf-8")):
        # whose variables they are comes before what is wrong with them
        hosts, first = play["tasks"][:2]
        assert set(hosts) == {"name", "rhaii.gke.hosts_check", "run_once", "tags"}
        if "rescue" in first:
            # a verb that has a last screen shows it for a refusal of the variables too, so that the run begins first
            assert first["block"][1]["ansible.builtin.import_role"]["tasks_from"] == "begin"
            begins = yaml.safe_load((CHECKOUT / "roles/cluster/tasks/begin.yml").read_text(encoding="utf-8"))
            assert ["rhaii.gke.run_stage" in begins[0], "rhaii.gke.variables_check" in begins[1]] == [True, True]
        else:
            assert set(first) == {"name", "rhaii.gke.variables_check", "tags"}
            assert first["tags"] == ["always"]
        included = list(roles_of(play["tasks"]))
        assert included
        assert [role["rolespec_validate"] for role in included] == [False] * len(included)
        # what a role makes of its variables is seen by no other, whatever the order
        assert [role["public"] for role in included] == [False] * len(included)


def roles_of(tasks: Any) -> Iterator[dict[str, Any]]:
    for task in tasks:
        for key, value in task.items():
            if key in ("block", "rescue", "always"):
                yield from roles_of(value)
            elif key.endswith(("include_role", "import_role")):
                yield value
