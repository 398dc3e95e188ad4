# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The installed collection, called by its full name, needs neither make nor checkout nor sandbox."""

from __future__ import annotations

import yaml

from sandbox.settings import CHECKOUT
from tests.integration.installation import Installed

PLAYBOOKS = ("preflight", "deploy", "verify", "render", "scale", "teardown")


def test_tarball_has_what_a_user_needs_and_no_more(installed: Installed) -> None:
    found = {path.name for path in installed.collection.iterdir()}
    assert {"playbooks", "roles", "plugins", "meta", "inventories", "README.md", "LICENSE"} <= found
    assert not found & {"sandbox", "Makefile", "pyproject.toml", "ansible.cfg", ".venv", ".sandbox", ".git"}
    assert {path.name for path in (installed.collection / "inventories").iterdir()} == {"example", "guide_env"}


def test_playbooks_are_found_by_their_full_names(installed: Installed) -> None:
    names = [f"rhaii.gke.{playbook}" for playbook in PLAYBOOKS]
    output = installed.run("ansible-playbook", "-i", str(installed.inventory), "--syntax-check", *names)
    for playbook in PLAYBOOKS:
        assert f"playbook: {installed.collection}/playbooks/{playbook}.yml" in output


def test_render_writes_the_same_as_from_a_checkout(installed: Installed) -> None:
    one = ("-i", str(installed.inventory), "-l", "prod-europe")
    installed.run("ansible-playbook", *one, "rhaii.gke.render")
    by_name = installed.folder / "rendered" / "prod-europe"
    by_path = installed.folder / "by-path"
    playbook, folder = str(CHECKOUT / "playbooks" / "render.yml"), f"rhaii_render_folder={by_path}"
    installed.run("ansible-playbook", *one, playbook, "-e", folder)
    files = sorted(path.relative_to(by_name) for path in by_name.rglob("*.yaml"))
    assert len(files) == 6
    assert files == sorted(path.relative_to(by_path) for path in by_path.rglob("*.yaml"))
    for file in files:
        text = (by_name / file).read_text(encoding="utf-8")
        assert text == (by_path / file).read_text(encoding="utf-8")
        assert "kind: Secret" not in text


def test_a_task_runs_in_process(installed: Installed) -> None:
    gone = {"rhaii.gke.run_folder": {"state": "absent"}}
    # only the action plugin refuses it
    plays = [
        {"hosts": "localhost", "gather_facts": False, "tasks": [gone, {**gone, "become": True, "ignore_errors": True}]}
    ]
    (installed.folder / "task.yml").write_text(yaml.safe_dump(plays), encoding="utf-8")
    output = installed.run("ansible-playbook", "-i", "localhost,", "-c", "local", "task.yml")
    assert "cannot become another one" in output
    assert "ok=2" in output
