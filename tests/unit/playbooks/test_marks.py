# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The marks that a playbook sets are those that the recap's stages lie between."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml
from ansible_collections.rhaii.gke.plugins.module_utils._recap import STAGES

from sandbox.settings import CHECKOUT


def marks(tasks: Any) -> Iterator[str]:
    for task in tasks or []:
        yield from marks(task.get("block"))
        if "mark" in (task.get("vars") or {}):
            yield task["vars"]["mark"]


def test_deploy_sets_every_mark_once_and_no_other() -> None:
    (play,) = yaml.safe_load((CHECKOUT / "playbooks" / "deploy.yml").read_text(encoding="utf-8"))
    found = list(marks(play["tasks"]))
    assert sorted(found) == sorted({mark for *_, began, ended in STAGES for mark in (began, ended)})
