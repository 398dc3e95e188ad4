# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real runs of ansible-playbook: preflight and the roles after it read the same secrets, wherever the playbook is."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret

from sandbox.settings import CHECKOUT

PASSWORD = "of-the-vault"
AUTH = base64.b64encode(b"user:s3cr3t").decode()
CONFIG = json.dumps({"auths": {"registry.redhat.io": {"auth": AUTH}}})
TOKEN = "hf_s3cr3t"
FILES = {"rhaii_pull_secret_file": "redhat-pull-secret.yaml", "rhaii_hf_token_file": "hf-token"}
ROLES = CHECKOUT / "roles"
TASKS: list[dict[str, Any]] = [
    {"rhaii.gke.variables_check": None},
    {
        "ansible.builtin.include_role": {
            "name": "rhaii.gke.preflight",
            "tasks_from": "inputs",
            "public": True,
            "rolespec_validate": False,
        }
    },
    {
        "ansible.builtin.debug": {
            "msg": "PREFLIGHT {{ __preflight_verdict.findings | selectattr('check', 'in', ['pull secret', 'hub token'])"
            " | map(attribute='found') | join(' | ') }}"
        }
    },
    *(
        {"ansible.builtin.include_vars": {"file": str(ROLES / role / part)}}
        for role in ("operators", "inference_service")
        for part in ("defaults/main.yml", "vars/main/given.yml", "vars/main/main.yml")
    ),
    {
        "ansible.builtin.debug": {
            "msg": "ROLES {{ __operators_pull_values.pullSecret.dockerConfigJson | to_json | b64encode }} "
            f"{{{{ lookup('rhaii.gke.template', '{ROLES}/inference_service/templates/secrets.yml.j2') | b64encode }}}}"
        }
    },
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working folder beside that of the playbook."""
    host = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    for name, content in {
        "books/play.yml": yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": TASKS}]),
        "books/inventory.yml": yaml.safe_dump({"all": {"hosts": {"prod": host}}}),
        "work/redhat-pull-secret.yaml": CONFIG,
        "work/hf-token": f"{TOKEN}\n",
        "work/password": PASSWORD,
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    return tmp_path


def run(folder: Path, extra: str, *options: str) -> str:
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    done = subprocess.run(
        [program, "-i", "../books/inventory.yml", "../books/play.yml", "-e", extra, *options],
        cwd=folder / "work",
        env={**os.environ, "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"), "ANSIBLE_HOME": str(folder / "home")},
        capture_output=True,
        text=True,
        check=False,
    )
    output = " ".join((done.stdout + done.stderr).split())
    assert "s3cr3t" not in output
    assert AUTH not in output
    return output


def of_the_roles(output: str) -> set[str]:
    """The secrets that the roles would apply."""
    operators, models = output.partition("ROLES ")[2].split()[:2]
    found = {json.dumps(json.loads(json.loads(base64.b64decode(operators))))}
    for secret in yaml.safe_load_all(base64.b64decode(models)):
        found |= {base64.b64decode(value).decode() for value in secret["data"].values()}
    return found


def test_relative_names_are_those_of_the_working_folder(folder: Path) -> None:
    output = run(folder, json.dumps(FILES))
    assert "PREFLIGHT has registry.redhat.io | well-formed" in output
    assert of_the_roles(output) == {CONFIG, TOKEN}


def test_vaulted_files_are_read_with_the_password_or_refused_at_once(folder: Path) -> None:
    vault = VaultLib([("default", VaultSecret(PASSWORD.encode()))])
    for name in FILES.values():
        file = folder / "work" / name
        file.write_bytes(vault.encrypt(file.read_bytes()))
    output = run(folder, json.dumps(FILES), "--vault-password-file", "password")
    assert "PREFLIGHT has registry.redhat.io | well-formed" in output
    assert of_the_roles(output) == {CONFIG, TOKEN}
    locked = run(folder, json.dumps(FILES))
    assert (
        locked.partition("PREFLIGHT")[2].count("is encrypted with ansible-vault, and no vault password is given.") >= 2
    )


def test_values_may_be_vaulted_too(folder: Path) -> None:
    vault = VaultLib([("default", VaultSecret(PASSWORD.encode()))])
    values = {"rhaii_pull_secret": CONFIG, "rhaii_hf_token": f"{TOKEN}\n", "rhaii_replicas": "4", "rhaii_keep": "False"}
    lines = []
    for name, value in values.items():
        lines += [f"{name}: !vault |", *(f"  {line}" for line in vault.encrypt(value).decode().splitlines())]
    (folder / "work" / "values.yml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    output = run(folder, "@values.yml", "--vault-password-file", "password")
    assert "PREFLIGHT has registry.redhat.io, given as rhaii_pull_secret | given as rhaii_hf_token" in output
    assert of_the_roles(output) == {CONFIG, TOKEN}
    locked = run(folder, "@values.yml")
    for name in values:
        assert f"{name} is encrypted with ansible-vault, and no vault password that is given opens it." in locked


def test_store_of_secrets_may_hand_out_the_credentials(folder: Path) -> None:
    values = {"rhaii_pull_secret": json.loads(CONFIG), "rhaii_hf_token_file": "hf-token"}
    output = run(folder, json.dumps(values))
    assert "PREFLIGHT has registry.redhat.io, given as rhaii_pull_secret | well-formed" in output
    assert of_the_roles(output) == {CONFIG, TOKEN}
