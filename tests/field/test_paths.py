# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Paths as somebody gives them: preflight, roles and modules find the file that a shell would, or none of them does."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleLookupError
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.rhaii.gke.plugins.action.capability import with_vault
from ansible_collections.rhaii.gke.plugins.filter.inputs import FilterModule
from ansible_collections.rhaii.gke.plugins.lookup.secret_file import LookupModule
from ansible_collections.rhaii.gke.plugins.module_utils._access.hub import CAPABILITY
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.plugin_utils import _tools
from ansible_collections.rhaii.gke.plugins.plugin_utils._variables import typed

from tests.field.rows import Row, rows

REFUSED = "refused"
RIGHT = b"of the row"
preflight_findings: Any = FilterModule().filters()["preflight_findings"]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files whose text says where they are, and a shell that stands in work."""
    files = {
        "work/redhat-pull-secret.yaml": "hf_work",
        "work/sub/pull.yaml": "hf_sub",
        "work/.pull": "hf_hidden",
        "home/redhat-pull-secret.yaml": "hf_home",
        "books/only-beside-the-playbook.yaml": "hf_books",
        "books/redhat-pull-secret.yaml": "hf_books",
        "books/files/redhat-pull-secret.yaml": "hf_files",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{text}\n", encoding="utf-8")
    (tmp_path / "work/link.yaml").symlink_to(tmp_path / "home/redhat-pull-secret.yaml")
    (tmp_path / "work/broken.yaml").symlink_to(tmp_path / "nothing")
    vault = VaultLib([("default", VaultSecret(RIGHT))])
    (tmp_path / "work/vaulted.yaml").write_bytes(vault.encrypt("hf_work\n"))
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    # what a shell said of its folder before somebody's program went elsewhere
    monkeypatch.setenv("PWD", str(tmp_path / "books"))
    monkeypatch.setattr(_tools, "PROGRAMS", {})
    return tmp_path


def outcomes(path: str, loader: Any) -> set[str]:
    """What each way to read it comes to: its text, or why not."""
    found = set()
    lookup: Any = LookupModule(loader=loader)
    for read in (
        lambda: lookup.run([path], {}),
        # a role hands on what its option is
        lambda: lookup.run([typed("x", path, {"type": "path"})], {}),
        lambda: [with_vault(CAPABILITY, loader).ports(params(path)).hub._token],
    ):
        try:
            found.add(str(read()[0]).strip())
        except (AnsibleLookupError, RhaiiError) as error:
            found.add(f"! {error}")
    (told,) = lookup.run([path], {}, told=True)
    found.add(str(told["content"]).strip() if told["content"] is not None else f"! {told['problem']}")
    return found


def params(path: str) -> dict[str, Any]:
    return {"token": None, "token_file": path, "endpoint": "https://hub.example", "ca_file": None, "timeout": 1}


@rows("paths")
def test_all_readers_find_one_file(row: Row, root: Path) -> None:
    path = str(row.given["path"]).replace("/ROOT", str(root))
    loader: Any = DataLoader()
    loader.set_basedir(str(root / "books"))
    password = {"right": RIGHT, "wrong": b"another"}.get(str(row.given.get("password")))
    if password:
        loader.set_vault_secrets([("default", VaultSecret(password))])
    found = outcomes(path, loader)
    if row.reader == "sh, in the folder in which Ansible was called":
        assert shell(path, root) == row.right
    if row.right in ("work", "home", "sub", "books", "hidden"):
        assert found == {f"hf_{row.right}"}
    else:
        refused = "" if row.right == REFUSED else row.right
        assert all(each.startswith("! ") and refused in each for each in found), found


def shell(path: str, root: Path) -> str:
    done = subprocess.run(
        ["sh", "-c", f"cat {path}"], cwd=root / "work", env={**os.environ}, capture_output=True, text=True, check=False
    )
    return done.stdout.strip().removeprefix("hf_") if done.returncode == 0 else REFUSED


def test_preflight_says_it_before_anything_is_paid_for(root: Path) -> None:
    lookup: Any = LookupModule(loader=DataLoader())
    (told,) = lookup.run(["vaulted.yaml"], {}, told=True)
    failed = preflight_findings({"token_file": told})["failed"]
    (finding,) = (each for each in failed if each["check"] == "hub token")
    assert (
        finding["found"] == f"The file vaulted.yaml ({root}/work/vaulted.yaml) is encrypted with ansible-vault, and no "
        "vault password is given."
    )
    assert "--vault-password-file" in finding["remedy"]
