# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filters on the end of a run that failed, and on the beginning of one after another was killed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.errors import AnsibleError
from ansible_collections.rhaii.gke.plugins.module_utils import _failure, _last_screen
from ansible_collections.rhaii.gke.plugins.plugin_utils._plain import plain


def failure_sentence(result: Any, task: Any = None) -> str:
    # of the task only what is needed: its arguments may be secret
    known = {name: plain((task or {}).get(name)) for name in ("name", "no_log")}
    return _failure.failure_sentence(plain(result or {}), known)


def last_screen(story: Any) -> list[str]:
    return _last_screen.last_screen(plain(story), str(Path.cwd()))


def first_screen(story: Any) -> list[str]:
    return _last_screen.first_screen(plain(story), str(Path.cwd()))


def for_screen(lines: Any) -> str | list[str]:
    shown = [str(line).rstrip() for line in plain(lines)]
    return shown if _shows_json() else "\n".join(shown)


def _shows_json() -> bool:
    try:
        found = constants.config.get_config_value("result_format", plugin_type="callback", plugin_name="default")
    except AnsibleError:
        # another callback shows the results
        return False
    return str(found) == "json"


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "failure_sentence": failure_sentence,
            "first_screen": first_screen,
            "for_screen": for_screen,
            "last_screen": last_screen,
        }
