# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter and the lookup, as templates call them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleLookupError
from ansible.template import Templar, trust_as_template
from ansible_collections.rhaii.gke.plugins.filter.variables import FilterModule
from ansible_collections.rhaii.gke.plugins.lookup.given import LookupModule
from ansible_collections.rhaii.gke.plugins.plugin_utils import _given
from ansible_collections.rhaii.gke.plugins.plugin_utils._given import given, without_blank_answers
from ansible_collections.rhaii.gke.plugins.plugin_utils._role_options import option

FILTER: Any = FilterModule().filters()["given"]


def looked_up(name: str, variables: dict[str, Any], **options: Any) -> Any:
    lookup: Any = LookupModule(templar=Templar(loader=None, variables=variables))
    (found,) = lookup.run([name], variables, **options)
    return found


@pytest.mark.parametrize("value", [None, "", "  "])
def test_filter_takes_the_other_value_for_a_blank_one(value: Any) -> None:
    assert FILTER(value, "other") == "other"


def test_filter_takes_what_is_undefined() -> None:
    # ansible-core looks for this; tests/unit/roles/test_given.py shows what comes of it
    assert FILTER.accept_args_markers


@pytest.mark.parametrize("value", [False, 0, [], {}, "x"])
def test_filter_keeps_what_is_given(value: Any) -> None:
    assert FILTER(value, "other") == value


def test_lookup_gives_the_value_by_its_spec() -> None:
    assert looked_up("cluster_tpu_nodes", {"cluster_tpu_nodes": trust_as_template("{{ 2 + 1 }}")}) == 3
    assert looked_up("cluster_dataplane_v2", {"cluster_dataplane_v2": "false"}) is False


def test_lookup_gives_a_collection_wide_variable_and_the_default_that_a_role_has_for_it() -> None:
    assert looked_up("rhaii_location", {}) == "europe-west4-a"
    assert looked_up("rhaii_location", {"rhaii_location": " "}) == "europe-west4-a"
    assert looked_up("rhaii_location", {"rhaii_location": trust_as_template("{{ 'us-' ~ 'east5-a' }}")}) == "us-east5-a"
    with pytest.raises(AnsibleLookupError, match=r"No role of rhaii\.gke has an option rhaii_nonsense"):
        looked_up("rhaii_nonsense", {})


def test_default_of_several_values_is_a_new_one_at_each_look() -> None:
    looked_up("rhaii_fallback_locations", {}).clear()
    assert len(looked_up("rhaii_fallback_locations", {})) == 3


def test_lookup_evaluates_no_value_that_is_no_template() -> None:
    assert looked_up("cluster_gke_name", {"cluster_gke_name": "{{ 2 + 1 }}"}) == "{{ 2 + 1 }}"


def test_lookup_takes_the_roles_default_where_nothing_is_given() -> None:
    assert looked_up("cluster_default_pool_nodes", {"cluster_default_pool_nodes": ""}) == 2
    assert looked_up("cluster_tpu_upgrade_settings", {}) == {"max_surge": 0, "max_unavailable": 1}


class Blank:
    """A templar that makes everything blank, and says what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def template(self, value: Any) -> str:
        self.asked.append(value)
        return ""


def test_default_is_evaluated_once_also_where_it_is_blank() -> None:
    found = option("cluster_tpu_nodes")
    assert found is not None
    templar = Blank()
    assert given("cluster_tpu_nodes", templar, {"cluster_tpu_nodes": found.default}) == ""
    assert templar.asked == [found.default]


def test_lookup_takes_what_stands_for_the_default_where_nothing_is_given() -> None:
    assert looked_up("cluster_keep", {}, otherwise=True) is True
    assert looked_up("cluster_keep", {"rhaii_keep": " "}, otherwise=True) is True
    assert looked_up("cluster_keep", {"rhaii_keep": "false"}, otherwise=True) is False
    assert looked_up("cluster_keep", {"rhaii_keep": "false", "cluster_keep": "yes"}, otherwise="x") is True


def test_lookup_refuses_with_a_sentence() -> None:
    with pytest.raises(AnsibleLookupError, match='cluster_timeout is "soon", which is not a whole number'):
        looked_up("cluster_timeout", {"cluster_timeout": "soon"})
    with pytest.raises(AnsibleLookupError, match=r"No role of rhaii\.gke has an option cluster_nonsense"):
        looked_up("cluster_nonsense", {})


class Manager:
    """Extra variables over those of an inventory, as ansible-core's variable manager has them."""

    asked = 0

    def __init__(self, extra: dict[str, Any], inventory: dict[str, Any]) -> None:
        self._extra_vars, self._inventory = extra, inventory

    @property
    def extra_vars(self) -> dict[str, Any]:
        return self._extra_vars

    def get_vars(self, host: str, include_hostvars: bool) -> dict[str, Any]:
        Manager.asked += 1
        return {**self._inventory, **self._extra_vars}


class Inventory:
    def get_host(self, name: str) -> str:
        return name


def variables(extra: dict[str, Any], inventory: dict[str, Any]) -> dict[str, Any]:
    hostvars = SimpleNamespace(_variable_manager=Manager(extra, inventory), _inventory=Inventory())
    return {**inventory, **extra, "hostvars": hostvars, "inventory_hostname": "prod"}


def test_blank_answer_shows_what_it_hides() -> None:
    run = variables(
        {"rhaii_name": "", "rhaii_new": None, "other": "", "rhaii_x": "y"}, {"rhaii_name": "n", "other": "o"}
    )
    before = Manager.asked
    for _ in range(2):
        found = without_blank_answers(run)
        assert {name: found.get(name) for name in run if name != "hostvars"} == {
            "rhaii_name": "n",
            "rhaii_new": None,
            "other": "",
            "rhaii_x": "y",
            "inventory_hostname": "prod",
        }
        assert "rhaii_new" not in found
    assert Manager.asked == before + 1
    assert run["hostvars"]._variable_manager.extra_vars["rhaii_name"] == ""


def test_without_blank_answers_nothing_is_copied() -> None:
    for run in (variables({"rhaii_x": "y", "other": ""}, {}), {"rhaii_x": ""}):
        assert without_blank_answers(run) is run
    _given._beneath.cache_clear()
