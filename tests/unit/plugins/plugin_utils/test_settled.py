# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is worked out once a run: only what no task can change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.action.variables_check import keep
from ansible_collections.rhaii.gke.plugins.plugin_utils._role_options import options, roles
from ansible_collections.rhaii.gke.plugins.plugin_utils._settled import (
    given_on_the_way,
    is_steady,
    settled,
    unsettled,
)

HOST = {"inventory_hostname": "prod"}


@pytest.mark.parametrize(
    "value",
    ["{{ cluster_endpoint }}", "{% if x %}a{% endif %}", "a {# note #}", ["a", "{{ b }}"], {"a": {"{{ b }}": 1}}],
)
@pytest.mark.parametrize("name", ["rhaii_gateway_name", "operators_gateway_name"])
def test_a_template_is_read_at_each_look(name: str, value: Any) -> None:
    assert "__operators_gateway_name" in settled(HOST)
    assert "__operators_gateway_name" not in settled({**HOST, name: value})


def test_what_is_encrypted_is_never_kept() -> None:
    class Encrypted:
        """As ansible-core has a vaulted value: what becomes text when it is read."""

    assert "__operators_gateway_name" not in settled({**HOST, "rhaii_gateway_name": Encrypted()})


def test_no_secret_is_kept() -> None:
    secrets = {name for role in roles() for name, option in options(role).items() if option.spec.get("no_log")}
    assert {"preflight_hf_token", "cluster_access_token"} <= secrets
    found = settled(
        {**HOST, **dict.fromkeys(secrets, "canary"), "rhaii_hf_token": "canary", "rhaii_access_token": "canary"}
    )
    assert not {f"__{name}" for name in secrets} & set(found)
    assert "canary" not in found.values()


def test_what_a_playbook_or_a_task_gives_is_not_kept() -> None:
    on_the_way = given_on_the_way()
    # by the vars of an import, by set_fact, by register
    assert {"cluster_stage", "cluster_location", "verification_fail_on_problem", "cluster_run"} <= on_the_way
    assert not {f"__{name}" for name in on_the_way} & set(settled(HOST))


def test_what_another_role_has_is_kept_as_it_has_it() -> None:
    # the other role's own default, what is given to it, and what stands in place of both
    assert settled(HOST)["__verification_tpu_pool_name"] == "tpu-pool"
    assert settled({**HOST, "cluster_tpu_pool_name": "a"})["__verification_tpu_pool_name"] == "a"
    assert settled({**HOST, "rhaii_on_stockout": "wait"})["__preflight_on_stockout"] == "wait"
    given = {"rhaii_on_stockout": "wait", "cluster_on_stockout": "fail", "preflight_on_stockout": "move"}
    assert settled({**HOST, **given})["__preflight_on_stockout"] == "move"
    # a template of the other role is one of this
    assert "__verification_tpu_pool_name" not in settled({**HOST, "cluster_tpu_pool_name": "{{ a }}"})
    # the collection-wide variable, and the default that another role has for it
    assert settled(HOST)["__preflight_location"] == "europe-west4-a"
    assert settled({**HOST, "rhaii_location": "b"})["__preflight_location"] == "b"


INVENTORY = {
    **HOST,
    "inventory_dir": "/i",
    "folder": "{{ lookup('ansible.builtin.env', 'FOLDER') | default(inventory_dir ~ '/f', true) }}",
    "own": "{{ own }}",
}


@pytest.mark.parametrize(
    "template",
    ["{{ inventory_dir }}/x", "{{ folder }}/{{ inventory_dir }}", "{{ (inventory_dir ~ '/../x') | realpath | upper }}"],
)
def test_a_template_of_what_the_inventory_says_is_evaluated_once(template: str) -> None:
    evaluated: list[str] = []

    def evaluate(value: str) -> str:
        evaluated.append(value)
        return "/i/x"

    found = settled({**INVENTORY, "rhaii_state_folder": template}, evaluate)
    assert (found["__cluster_state_folder"], evaluated) == ("/i/x", [template])
    assert "__cluster_state_folder" not in settled({**INVENTORY, "rhaii_state_folder": template})
    # it gave no plain value
    assert "__cluster_state_folder" not in settled({**INVENTORY, "rhaii_state_folder": template}, lambda _: "{{ a }}")


@pytest.mark.parametrize(
    "template",
    [
        "{{ nobody_set_this }}",
        "{{ own }}",
        "{{ cluster_endpoint }}",
        "{{ now() }}",
        "{{ lookup('ansible.builtin.file', '/i/x') }}",
        "{{ lookup(inventory_dir, 'x') }}",
        "{{ [1, 2] | random }}",
        "{{ 'a' if inventory_dir is directory else 'b' }}",
        "{{ inventory_dir }",
        "{{ inventory_dir",
    ],
)
def test_any_other_template_is_read_at_each_look(template: str) -> None:
    scope = {**INVENTORY, "cluster_endpoint": "e", "other": template, "rhaii_state_folder": "{{ other }}"}
    assert not is_steady(template, scope)
    assert "__cluster_state_folder" not in settled(scope, lambda _: "never")


def test_a_value_that_is_none_of_its_option_is_left_to_who_says_so() -> None:
    assert "__cluster_timeout" not in settled({**HOST, "rhaii_cluster_timeout": "soon"})


def test_files_have_what_is_kept_and_how_it_is_read_otherwise(tmp_path: Path) -> None:
    assert keep({"__cluster_timeout": 90}, tmp_path) == ["__cluster_timeout"]
    assert json.loads((tmp_path / "settled.json").read_text()) == {"__cluster_timeout": 90}
    otherwise = json.loads((tmp_path / "unsettled.json").read_text())
    assert otherwise == unsettled(["__cluster_timeout"])
    assert otherwise == {"__cluster_timeout": "{{ lookup('rhaii.gke.given', 'cluster_timeout') }}"}
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}
