# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `environment` of a task of ours would change: refused by real runs of ansible-playbook, or without effect."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.field.playbook_runs import local, play
from tests.field.rows import Row, read, rows

OPTIONS = {
    "gke_standing": {"project": "p", "environment": "e"},
    "objects_info": {"kind": "Pod", "api_version": "v1"},
    "model_access_check": {},
    "run_folder": {},
}
# What is accepted ends at an option that there is not, before anything is asked.
END = {"end_of_the_test": True}
IGNORED = "where the environment of a task does not reach it"


def play_of(row: Row) -> dict[str, Any]:
    """A play with one task."""
    given = row.given
    options = {**OPTIONS[given["module"]], **given.get("args", {}), **END}
    options = {name: value for name, value in options.items() if name not in given.get("leave_out", ())}
    task: dict[str, Any] = {"name": row.id, f"rhaii.gke.{given['module']}": options, "ignore_errors": True}
    where = {"environment": given["environment"]}
    if given.get("level") == "play":
        return local(tasks=[task], **where)
    return local(tasks=[{"block": [task], **where} if given.get("level") == "block" else {**task, **where}])


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each task said, of one run of them all."""
    plays = [play_of(row) for row in read("task_environment")]
    run = play(tmp_path_factory.mktemp("environment"), plays, ANSIBLE_STDOUT_CALLBACK="ansible.posix.json")
    assert run.returncode == 0, run.stdout + run.stderr
    tasks = [task for each in json.loads(run.stdout)["plays"] for task in each["tasks"]]
    return {task["task"]["name"]: task["hosts"]["localhost"]["msg"] for task in tasks}


@rows("task_environment")
def test_environment_that_would_change_the_identity_or_the_way_is_refused(row: Row, said: dict[str, str]) -> None:
    message = said[row.id]
    if not row.right["refused"]:
        assert IGNORED not in message
        assert "Unsupported parameters" in message
        return
    assert IGNORED in message
    options = [
        name.strip(",") for name in message.partition("Give the option ")[2].partition(" instead")[0].split(" or ")
    ]
    assert [name for name in options if name] == row.right["options"]
    assert not [secret for secret in row.right.get("hides", []) if secret in message]
    given = row.given["environment"]
    merged = {name: value for each in given for name, value in each.items()} if isinstance(given, list) else given
    if isinstance(merged, dict):
        harmless = {"LANG"}
        assert [name for name in merged if name not in harmless and name not in message] == []
