# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters on both screens: what reaches the core, and in which form a screen is readable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible import constants
from ansible.errors import AnsibleError
from ansible_collections.rhaii.gke.plugins.filter.screens import FilterModule

FILTERS = FilterModule().filters()
STORY: dict[str, Any] = {"verb": "teardown", "environment": "prod", "stage": "cloud", "standing": {}, "project": "p"}


def test_a_task_gives_its_name_and_whether_it_is_secret() -> None:
    task = {"name": "r : f | Do it", "no_log": True, "args": {"password": object()}}
    assert FILTERS["failure_sentence"]({"msg": "x"}, task) == "The task 'Do it' failed, and what it says is secret."
    assert FILTERS["failure_sentence"]({"msg": "x"}) == "x."
    assert FILTERS["failure_sentence"](None) == "The task failed and did not say why."


def test_a_command_is_for_the_folder_that_one_is_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = FILTERS["last_screen"]({**STORY, "playbooks": str(tmp_path / "playbooks")})
    assert lines[-1] == "End it: ansible-playbook playbooks/teardown.yml -e rhaii_teardown_confirm=prod"
    before = {"fate": "killed", "verb": "teardown", "stage": "cloud"}
    lines = FILTERS["first_screen"]({**STORY, "playbooks": str(tmp_path / "playbooks"), "before": before})
    assert lines[-1] == "End it: ansible-playbook playbooks/teardown.yml -e rhaii_teardown_confirm=prod"


@pytest.mark.parametrize("shown, wanted", [("yaml", "one\ntwo"), ("json", ["one", "two"]), (None, "one\ntwo")])
def test_form_on_the_screen(shown: str | None, wanted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def value(name: str, **where: str) -> str:
        assert (name, where) == ("result_format", {"plugin_type": "callback", "plugin_name": "default"})
        if shown is None:
            raise AnsibleError("another callback")
        return shown

    monkeypatch.setattr(constants.config, "get_config_value", value)
    # what ends in a space would not be shown line by line
    assert FILTERS["for_screen"](["one ", "two"]) == wanted
