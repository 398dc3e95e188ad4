# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection as AWX gets it: built, installed elsewhere, called by its full name. No make, no checkout, no sandbox."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.settings import CHECKOUT

pytestmark = pytest.mark.timeout(300)

BIN = Path(sys.executable).parent
PLAYBOOKS = ("preflight", "deploy", "verify", "render", "scale", "teardown")


@dataclass(frozen=True)
class Installed:
    """A folder with nothing but the installed collection, and an inventory of somebody's own."""

    folder: Path
    collection: Path
    inventory: Path

    def run(self, *command: str) -> str:
        """What a command prints; an assertion when it fails."""
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "SANDBOX_"))
        }
        environment.update(
            PATH=f"{BIN}{os.pathsep}{os.environ['PATH']}",
            PWD=str(self.folder),
            ANSIBLE_COLLECTIONS_PATH=str(self.folder / "collections"),
            ANSIBLE_NOCOLOR="1",
        )
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=200,
            check=False,
        )
        assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout[-4000:]}"
        return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Build the tarball from the checkout and install it."""
    folder = tmp_path_factory.mktemp("installed")
    here = Installed(folder, folder / "collections" / "ansible_collections" / "rhaii" / "gke", folder / "inventory")
    here.run("ansible-galaxy", "collection", "build", "--output-path", str(folder), str(CHECKOUT))
    (tarball,) = folder.glob("rhaii-gke-*.tar.gz")
    target = str(folder / "collections")
    here.run("ansible-galaxy", "collection", "install", "--offline", "--no-deps", "-p", target, str(tarball))
    here.inventory.symlink_to(here.collection / "inventories" / "example" / "prod")
    return here


def test_tarball_has_what_a_user_needs_and_no_more(installed: Installed) -> None:
    found = {path.name for path in installed.collection.iterdir()}
    assert {"playbooks", "roles", "plugins", "meta", "inventories", "README.md", "LICENSE"} <= found
    assert not found & {"sandbox", "Makefile", "pyproject.toml", "ansible.cfg", ".venv", ".sandbox", ".git"}
    assert [path.name for path in (installed.collection / "inventories").iterdir()] == ["example"]


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_playbook_is_found_by_its_full_name(installed: Installed, playbook: str) -> None:
    output = installed.run(
        "ansible-playbook", "-i", str(installed.inventory), "--syntax-check", f"rhaii.gke.{playbook}"
    )
    assert f"playbook: rhaii.gke.{playbook}" in output


def test_render_writes_the_same_as_from_a_checkout(installed: Installed) -> None:
    installed.run("ansible-playbook", "-i", str(installed.inventory), "rhaii.gke.render")
    by_name = installed.folder / "rendered" / "prod"
    by_path = installed.folder / "by-path"
    playbook, folder = str(CHECKOUT / "playbooks" / "render.yml"), f"rhaii_render_folder={by_path}"
    installed.run("ansible-playbook", "-i", str(installed.inventory), playbook, "-e", folder)
    files = sorted(path.relative_to(by_name) for path in by_name.rglob("*.yaml"))
    assert len(files) == 6
    assert files == sorted(path.relative_to(by_path) for path in by_path.rglob("*.yaml"))
    for file in files:
        text = (by_name / file).read_text(encoding="utf-8")
        assert text == (by_path / file).read_text(encoding="utf-8")
        assert "kind: Secret" not in text
