# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one action plugin: which modules lead to it, which capability it takes, and that forks find all loaded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.rhaii.gke.plugins.action.capability import folder_of, in_run
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Capability, Params

ROOT = Path(__file__).parents[4]
PLUGINS = ROOT / "plugins"
ACTION = "rhaii.gke.capability"
# They look at the variables and the hosts of the run, which no module has.
ITS_OWN = {"hosts_check", "variables_check"}
MODULES = sorted({path.stem for path in (PLUGINS / "modules").glob("*.py")} - {"capability"} - ITS_OWN)

# As ansible-core does: it reads a task, forks, and asks for the capability in the fork.
LOOK = """
import gc, json, os, sys
from types import SimpleNamespace
from ansible.errors import AnsibleError
from ansible.plugins.loader import init_plugin_loader
init_plugin_loader()
from ansible.parsing.mod_args import ModuleArgsParser
ModuleArgsParser({"rhaii.gke.objects_info": {"kind": "Pod"}}).parse()
loaded = [name for name in sys.modules if name.startswith("ansible_collections.rhaii.gke.plugins.")]

def name_of(action, collections=()):
    from ansible_collections.rhaii.gke.plugins.action.capability import capability_of
    try:
        return capability_of(SimpleNamespace(action=action, collections=list(collections))).name
    except AnsibleError as error:
        return str(error)

from ansible import constants
from ansible_collections.rhaii.gke.plugins.plugin_utils import _role_options
_role_options._read = None  # what is read from now on is read by each fork
_role_options.option("cluster_gke_name"), _role_options.prefixes()
definitions = constants.config.get_configuration_definitions
known = {"connection": bool(definitions("connection", "local")), "shell": bool(definitions("shell", "sh"))}

gc.unfreeze()
if child := os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(json.dumps({
    "loaded": loaded,
    "known": known,
    "frozen": gc.get_freeze_count(),
    "full": name_of("rhaii.gke.objects_info"),
    "short": name_of("objects_info", ["ansible.builtin", "rhaii.gke"]),
    "itself": name_of("rhaii.gke.capability"),
    "its own": name_of("rhaii.gke.variables_check"),
}))
"""


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".ansible" / "collections")}
    done = subprocess.run(
        [sys.executable, "-c", LOOK], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def routes() -> dict[str, dict[str, str]]:
    meta = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))
    found: dict[str, dict[str, str]] = meta["plugin_routing"]["modules"]
    return found


def test_every_module_is_routed_and_nothing_else() -> None:
    assert routes() == {name: {"action_plugin": ACTION} for name in MODULES}


def test_there_is_one_action_plugin_beside_the_one_of_the_variables() -> None:
    assert {path.stem for path in (PLUGINS / "action").glob("*.py")} == {"__init__", "capability"} | ITS_OWN


@pytest.mark.parametrize("name", MODULES)
def test_each_module_has_the_capability_of_its_name(name: str) -> None:
    capability = import_module(f"ansible_collections.rhaii.gke.plugins.modules.{name}").CAPABILITY
    assert isinstance(capability, Capability)
    assert capability.name == name


@pytest.mark.parametrize("way", ["full", "short"])
def test_full_and_short_names_lead_to_the_capability(found: dict[str, Any], way: str) -> None:
    assert found[way] == "objects_info"


@pytest.mark.parametrize("way", ["itself", "its own"])
def test_what_is_no_capability_is_refused_with_a_sentence(found: dict[str, Any], way: str) -> None:
    assert "and no task by itself; name one of them" in found[way]


@pytest.mark.parametrize(
    "name",
    [
        "action.capability",
        "lookup.given",
        "lookup.secret_file",
        "filter.inputs",
        *(f"modules.{name}" for name in MODULES),
    ],
)
def test_it_is_loaded_before_the_first_fork(found: dict[str, Any], name: str) -> None:
    assert f"ansible_collections.rhaii.gke.plugins.{name}" in found["loaded"]


def test_options_and_connection_are_known_before_the_first_fork(found: dict[str, Any]) -> None:
    assert found["known"] == {"connection": True, "shell": True}


def test_what_is_loaded_is_left_alone_by_the_collectors_of_forks(found: dict[str, Any]) -> None:
    assert found["frozen"] > 0


def test_adapters_are_told_the_folder_of_the_run() -> None:
    capability: Capability[Params] = Capability("demo", {}, lambda params: params, lambda params, *more: params)
    assert in_run(capability, "/run").ports({"project": "p"}) == {"project": "p", "run_dir": "/run"}


@pytest.mark.parametrize(
    ("variables", "folder"),
    [
        ({"cluster_run": {"own_folder": "/journal"}, "cluster_run_dir": "/later"}, "/journal"),
        ({"cluster_run": {"skipped": True}, "cluster_run_dir": "/later"}, "/later"),
        ({"cluster_run_dir": "/alone"}, "/alone"),
        ({"cluster_run_dir": None}, ""),
        ({}, ""),
    ],
)
def test_folder_of_the_run_is_there_from_its_first_task_on(variables: dict[str, Any], folder: str) -> None:
    assert folder_of(variables) == folder
