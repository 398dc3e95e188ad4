# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real runs of ansible-playbook with blank answers, as AWX gives them, over an inventory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.settings import CHECKOUT

# a cluster that carries the protection, as the role finds it
PROTECTED = [
    {"ansible.builtin.set_fact": {"__cluster_control_plane": {"keep": True}}},
    {"ansible.builtin.include_role": {"name": "rhaii.gke.cluster", "tasks_from": "keep", "rolespec_validate": False}},
]
SHOWN = "{{ lookup('rhaii.gke.given', 'cluster_location') }} {{ lookup('rhaii.gke.given', 'cluster_timeout') + 1 }}"


def run(folder: Path, tasks: list[dict[str, Any]], extra: dict[str, Any], **inventory: Any) -> tuple[int, str]:
    host = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, **inventory}
    files = {
        "play.yml": [{"hosts": "all", "gather_facts": False, "tasks": tasks}],
        "inventory.yml": {"all": {"hosts": {"prod": host}}},
    }
    for name, content in files.items():
        (folder / name).write_text(yaml.safe_dump(content), encoding="utf-8")
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    done = subprocess.run(
        [program, "-i", "inventory.yml", "play.yml", "-e", json.dumps(extra)],
        cwd=folder,
        env={**os.environ, "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"), "ANSIBLE_HOME": str(folder / "home")},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, " ".join((done.stdout + done.stderr).split())


@pytest.mark.parametrize("answer", [{"rhaii_keep": ""}, {"rhaii_keep": None}, {"cluster_keep": " "}, {}])
def test_blank_answer_lifts_no_protection(answer: dict[str, Any], tmp_path: Path) -> None:
    code, output = run(tmp_path, PROTECTED, answer)
    assert (code, "is protected: a deployment with rhaii_keep: true labelled it" in output) == (2, True), output


@pytest.mark.parametrize("answer", [{"rhaii_keep": False}, {"rhaii_keep": "false"}, {"cluster_keep": "no"}])
def test_false_lifts_the_protection(answer: dict[str, Any], tmp_path: Path) -> None:
    code, output = run(tmp_path, PROTECTED, answer)
    assert code == 0, output


def test_blank_answer_leaves_the_inventory_in_force(tmp_path: Path) -> None:
    blank = {"rhaii_location": "", "cluster_timeout": None, "rhaii_cluster_timeout": "  "}
    shown = [{"ansible.builtin.debug": {"msg": SHOWN}}]
    code, output = run(tmp_path, shown, blank, rhaii_location="us-east5-a", rhaii_cluster_timeout="{{ 600 }}")
    assert (code, "us-east5-a 601" in output) == (0, True), output
    code, output = run(tmp_path, shown, blank)
    assert (code, "europe-west4-a 1801" in output) == (0, True), output


def test_blank_answer_leaves_a_fact_in_force(tmp_path: Path) -> None:
    tasks: list[dict[str, Any]] = [
        {"ansible.builtin.set_fact": {"cluster_location": "where it moved"}},
        {"ansible.builtin.debug": {"msg": SHOWN}},
    ]
    code, output = run(tmp_path, tasks, {"cluster_location": ""})
    assert (code, "where it moved 1801" in output) == (0, True), output


def test_check_takes_blank_answers_and_names_all_that_is_wrong_at_once(tmp_path: Path) -> None:
    check: list[dict[str, Any]] = [{"rhaii.gke.variables_check": None}]
    blank = {"rhaii_cluster_timeout": "", "cluster_dataplane_v2": None, "cluster_tpu_taints": " "}
    code, output = run(tmp_path, check, blank)
    assert (code, "WARNING" in output) == (0, False), output
    wrong = {"rhaii_cluster_timeout": "soon", "cluster_dataplane_v2": "maybe", "rhaii_replica": 5, **{"rhaii_keep": ""}}
    code, output = run(tmp_path, check, wrong, rhaii_hf_token=["hf_canary"], routing_timeout="{{ not_known_yet }}")
    assert code == 2, output
    assert "rhaii_cluster_timeout is" in output
    assert "cluster_dataplane_v2 is" in output
    assert "rhaii_hf_token is a secret that is not shown" in output
    assert "hf_canary" not in output
    assert "Nothing reads rhaii_replica. Was rhaii_replicas meant?" in output


@pytest.mark.parametrize(
    "inventory",
    [
        {},
        {"rhaii_project": "shop", "rhaii_location": "us-east5-a", "rhaii_cluster_timeout": "600"},
        {"rhaii_cluster_timeout": " ", "cluster_timeout": 90, "rhaii_private_nodes": "yes"},
        {"rhaii_gateway_namespace": "edge", "operators_gateway_namespace": None, "rhaii_labels": {"team": "ml"}},
        {"rhaii_fallback_locations": "us-east5-a, us-east5-b", "rhaii_gateway_name": "{{ 'a' }}"},
    ],
)
def test_what_is_kept_for_the_run_is_what_the_roles_read(inventory: dict[str, Any], tmp_path: Path) -> None:
    kept = "{{ lookup('ansible.builtin.file', '" + str(tmp_path / "settled.json") + "') | from_json }}"
    read = "query('rhaii.gke.given', *(kept | map('regex_replace', '^__', '')))"
    tasks: list[dict[str, Any]] = [
        {"rhaii.gke.variables_check": {"keep_in": str(tmp_path)}},
        {
            "ansible.builtin.assert": {"that": ["kept | length > 150", f"kept.values() | list == {read}"]},
            "vars": {"kept": kept},
        },
        {"ansible.builtin.include_vars": str(tmp_path / "settled.json")},
        {
            "ansible.builtin.assert": {
                "that": "__cluster_poll_interval == lookup('rhaii.gke.given', 'cluster_poll_interval')"
            }
        },
    ]
    code, output = run(tmp_path, tasks, {"rhaii_poll_interval": "", "rhaii_drain_timeout": "33"}, **inventory)
    assert code == 0, output
