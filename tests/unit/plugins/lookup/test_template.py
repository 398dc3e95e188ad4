# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup: what ansible-core's gives, without a copy of what the variables hold."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible import constants
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.lookup.template import DOCUMENTATION as OF_BUILTIN
from ansible.plugins.lookup.template import LookupModule as Builtin
from ansible.template import Templar, trust_as_template
from ansible_collections.rhaii.gke.plugins.lookup import template
from ansible_collections.rhaii.gke.plugins.lookup.template import LookupModule, Shared

TEXT = "{% for one in many %}{{ one }}: {{ named }}\n{% endfor %}{{ inner[0] }}{% include 'other.j2' %}\n"


class Held(list[str]):
    """What a copy would go through."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Held:
        raise AssertionError("copied")


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "it.j2").write_text(TEXT, encoding="utf-8")
    (tmp_path / "templates" / "other.j2").write_text("of {{ named }}", encoding="utf-8")
    named = trust_as_template("{{ first }} name")
    return {"many": ["a", "b"], "named": named, "first": "the", "inner": ["x"], "ansible_search_path": [str(tmp_path)]}


def builtin(name: str, **more: Any) -> Any:
    """As Ansible's loader does it, which makes the plugin's options of its documentation."""
    assert name == "ansible.builtin.template"
    options = {each: entry for each, entry in yaml.safe_load(OF_BUILTIN)["options"].items() if each != "_terms"}
    for option in ("variable_start_string", "variable_end_string", "comment_start_string", "comment_end_string"):
        options.setdefault(option, {"type": "str"})
    constants.config.initialize_plugin_configuration_definitions("lookup", "template", options)
    made: Any = Builtin(**more)
    made._load_name = "template"
    return made


@pytest.fixture(autouse=True)
def loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template.lookup_loader, "get", builtin)


def looked_up(make: Any, variables: dict[str, Any], *terms: str) -> Any:
    loader = DataLoader()
    return make(loader=loader, templar=Templar(loader, variables)).run(list(terms), variables)


def the_builtin_one(**more: Any) -> Any:
    return builtin("ansible.builtin.template", **more)


def test_gives_what_the_builtin_one_gives(variables: dict[str, Any]) -> None:
    found = looked_up(LookupModule, variables, "it.j2", "other.j2")
    assert found == ["a: the name\nb: the name\nxof the name\n", "of the name"]
    assert found == looked_up(the_builtin_one, copy.deepcopy(variables), "it.j2", "other.j2")


def test_copies_nothing_that_a_variable_holds(variables: dict[str, Any]) -> None:
    held = {**variables, "inner": Held(["x"])}
    before = dict(held)
    looked_up(LookupModule, held, "it.j2")
    assert held == before
    with pytest.raises(AssertionError, match="copied"):
        looked_up(the_builtin_one, held, "it.j2")


def test_template_that_is_not_there_is_named(variables: dict[str, Any]) -> None:
    with pytest.raises(AnsibleError, match=r"none\.j2"):
        looked_up(LookupModule, variables, "none.j2")


def test_copy_is_one_of_the_names() -> None:
    inner: list[str] = []
    shared = Shared(a=inner)
    found = copy.deepcopy(shared)
    found["b"] = 1
    assert found["a"] is inner
    assert "b" not in shared
