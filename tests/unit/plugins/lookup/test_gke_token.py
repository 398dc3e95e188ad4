# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup: its options, the folder that it keeps the token in, and its errors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible import constants
from ansible.errors import AnsibleLookupError
from ansible.template import Templar, trust_as_template
from ansible_collections.rhaii.gke.plugins.lookup.gke_token import DOCUMENTATION, LookupModule

NAME = "rhaii.gke.gke_token"
DIRECT = {"auth_kind": "accesstoken", "access_token": "given"}


def looked_up(variables: dict[str, Any] | None = None, **direct: Any) -> Any:
    """As Ansible's loader does it, which makes the plugin's options of its documentation."""
    options = yaml.safe_load(DOCUMENTATION)["options"]
    constants.config.initialize_plugin_configuration_definitions("lookup", NAME, options)
    lookup: Any = LookupModule(templar=Templar(loader=None, variables=variables or {}))
    lookup._load_name = NAME
    return lookup.run([], variables or {}, **direct)


@pytest.fixture(autouse=True)
def without_variables_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for option in yaml.safe_load(DOCUMENTATION)["options"].values():
        for variable in option.get("env", []):
            monkeypatch.delenv(variable["name"], raising=False)


def test_token_is_a_plain_string() -> None:
    (token,) = looked_up(**DIRECT)
    assert token == "given"
    assert type(token) is str


def test_options_come_from_the_collections_variables(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    variables = {"rhaii_auth_kind": "accesstoken", "rhaii_access_token": "inventory", "cluster_run_dir": str(tmp_path)}
    assert looked_up(variables) == ["inventory"]
    (kept,) = tmp_path.iterdir()
    assert json.loads(kept.read_text(encoding="utf-8"))["token"] == "inventory"


def test_variable_may_be_a_template() -> None:
    variables = {"rhaii_auth_kind": "accesstoken", "rhaii_access_token": "{{ made }}", "made": "of another"}
    assert looked_up({name: trust_as_template(value) for name, value in variables.items()}) == ["of another"]


def test_options_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GCP_AUTH_KIND", "accesstoken")
    monkeypatch.setenv("GCP_ACCESS_TOKEN", "environment")
    assert looked_up() == ["environment"]


def test_token_of_the_run_is_used_again(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    looked_up(run_dir=str(tmp_path), **DIRECT)
    (kept,) = tmp_path.iterdir()
    kept.write_text(kept.read_text(encoding="utf-8").replace("given", "kept"), encoding="utf-8")
    assert looked_up(run_dir=str(tmp_path), **DIRECT) == ["kept"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({"auth_kind": "accesstoken"}, "no access_token is given. Give access_token", id="no token"),
        pytest.param({"auth_kind": "serviceaccount"}, "no service_account_file is given", id="no key file"),
        pytest.param({**DIRECT, "ca_file": "/no/ca.pem"}, "The CA file /no/ca.pem does not exist.", id="no CA file"),
    ],
)
def test_refusal_is_a_sentence_of_ansible(options: dict[str, Any], words: str) -> None:
    with pytest.raises(AnsibleLookupError) as failure:
        looked_up(**options)
    assert words in str(failure.value)
