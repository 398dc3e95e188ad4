# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/tags.md lists the tags that the playbooks have, and a playbook knows its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.settings import CHECKOUT
from tests.prove.render.tree import ROOT, Tree

PAGE = (ROOT / "docs" / "tags.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(\w+\.yml)` \| `(\w+)` \| .+ \|$", PAGE, re.MULTILINE)
PLAYBOOKS = sorted(Tree().playbooks)
# of every run, and of tasks that run when they are asked for alone
ANSIBLES = {"always", "never"}


def loaded(file: Path) -> Any:
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def tags(tasks: Any, folder: Path) -> Iterator[str]:
    """Of the tasks, and of the files and roles that they import."""
    for task in tasks or []:
        yield from task.get("tags") or []
        for key in ("block", "rescue", "always"):
            yield from tags(task.get(key), folder)
        file = task.get("ansible.builtin.import_tasks")
        if file:
            yield from tags(loaded(folder / file), (folder / file).parent)
        role = task.get("ansible.builtin.import_role")
        if role:
            inner = ROOT / "roles" / role["name"].removeprefix("rhaii.gke.") / "tasks"
            yield from tags(loaded(inner / f"{role.get('tasks_from', 'main')}.yml"), inner)


def own(playbook: str) -> set[str]:
    (play,) = loaded(CHECKOUT / "playbooks" / playbook)
    return set(tags(play["tasks"], CHECKOUT / "playbooks")) - ANSIBLES


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_the_page_lists_the_tags_of_each_playbook_once(playbook: str) -> None:
    said = [tag for file, tag in ROWS if file == playbook]
    assert len(said) == len(set(said))
    assert set(said) == own(playbook)


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_a_playbook_takes_the_tags_that_it_has_and_refuses_others(playbook: str) -> None:
    (play,) = loaded(CHECKOUT / "playbooks" / playbook)
    assert set(play["vars"]["playbook_tags"]) == own(playbook)


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_every_task_of_a_playbook_has_a_tag(playbook: str) -> None:
    """One without would not run with any."""
    (play,) = loaded(CHECKOUT / "playbooks" / playbook)
    assert list(untagged(play["tasks"])) == []


def untagged(tasks: Any) -> Iterator[str]:
    for task in tasks or []:
        inner = [key for key in ("block", "rescue", "always") if key in task]
        for key in inner:
            yield from untagged(task[key])
        if not inner and not task.get("tags"):
            yield str(task["name"])


@pytest.mark.parametrize("command", re.findall(r"`ansible-playbook (playbooks/\w+\.yml --tags \w+)", PAGE))
def test_a_command_of_the_page_names_what_there_is(command: str) -> None:
    playbook, _option, tag = command.split()
    assert tag in own(playbook.removeprefix("playbooks/"))


@pytest.mark.parametrize("file", sorted((ROOT / "playbooks").glob("**/*.yml")), ids=lambda file: str(file.name))
def test_what_is_included_by_a_tag_runs_with_it(file: Path) -> None:
    """A tag of an include is none of what it includes; what it applies is."""
    for task in found(loaded(file)):
        assert task["ansible.builtin.include_tasks"]["apply"]["tags"] == ["always"], task["name"]


def found(value: Any) -> Iterator[dict[str, Any]]:
    for item in value if isinstance(value, list) else []:
        if "ansible.builtin.include_tasks" in item:
            yield item
        for key in ("tasks", "block", "rescue", "always"):
            yield from found(item.get(key))
