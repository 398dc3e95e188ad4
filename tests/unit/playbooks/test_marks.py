# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stages that a playbook notes are those that the recap and the last screen tell of."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import pytest
import yaml
from ansible_collections.rhaii.gke.plugins.module_utils import _last_screen
from ansible_collections.rhaii.gke.plugins.module_utils._recap import STAGES

from sandbox.settings import CHECKOUT


def stages(tasks: Any, within: str = "") -> Iterator[str]:
    """The stage of each task, in their order, with those of the files that are included."""
    for task in tasks or []:
        stage = (task.get("vars") or {}).get("cluster_stage", within)
        yield from stages(task.get("block"), stage)
        file = task.get("ansible.builtin.include_tasks") or {}
        if file:
            yield from stages(
                yaml.safe_load((CHECKOUT / "playbooks" / file["file"]).read_text(encoding="utf-8")), stage
            )
        elif stage and "block" not in task:
            yield stage


def marks(tasks: Any) -> list[str]:
    """The stages in the order in which they begin."""
    return [stage for stage, _tasks in groupby(stages(tasks))]


def play_of(verb: str) -> dict[str, Any]:
    (play,) = yaml.safe_load((CHECKOUT / "playbooks" / f"{verb}.yml").read_text(encoding="utf-8"))
    return dict(play)


@pytest.mark.parametrize("verb", _last_screen.STAGES)
def test_a_verb_notes_its_stages_once_in_their_order_and_no_other(verb: str) -> None:
    assert marks(play_of(verb)["tasks"]) == list(_last_screen.STAGES[verb])


def test_the_recap_has_every_mark_that_it_needs() -> None:
    assert {mark for *_, began, ended in STAGES for mark in (began, ended)} <= set(_last_screen.STAGES["deploy"])


@pytest.mark.parametrize("verb", _last_screen.STAGES)
def test_a_verb_begins_with_the_first_screen_and_ends_with_the_last(verb: str) -> None:
    play = play_of(verb)
    # hosts that cannot be told apart have no last screen: nothing of theirs has begun
    check, whole = play["tasks"]
    assert "rhaii.gke.hosts_check" in check
    tags, begin = whole["block"][:2]
    assert tags["ansible.builtin.import_tasks"] == "tasks/tags.yml"
    order = [begin, *whole["rescue"], whole["always"][-1]]
    roles = [task["ansible.builtin.import_role"] for task in order]
    assert play["vars"]["cluster_verb"] == verb
    assert all(task["tags"] == ["always"] for task in (tags, *order))
    assert [role["tasks_from"] for role in roles] == ["begin", "last_screen", "end"]
    # what is wrong with a variable may be what the run failed of
    assert all(role["rolespec_validate"] is False for role in roles)
