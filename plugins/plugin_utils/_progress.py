# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection.
"""Where a task's progress goes: to people, and never into what a program reads."""

from __future__ import annotations

import os

from ansible import constants
from ansible.module_utils.parsing.convert_bool import BOOLEANS_FALSE

SWITCH = "RHAII_PROGRESS"
# What people read. Anything else may be for a program, as ansible.posix.json and jsonl are: the standard output is its
# own then, and progress goes to the standard error.
_FOR_PEOPLE = ("awx_display", "debug", "default", "dense", "diy", "minimal", "oneline", "selective", "unixy", "yaml")


def is_wanted() -> bool:
    """Whether progress is shown; the variable of the environment switches it off."""
    return os.environ.get(SWITCH, "").strip().lower() not in BOOLEANS_FALSE


def is_for_people(callback: str) -> bool:
    """Whether what this callback writes to the standard output is prose, between which progress may stand."""
    return callback.rpartition(".")[2] in _FOR_PEOPLE


def callback() -> str:
    """The callback that has the standard output."""
    return str(constants.config.get_config_value("DEFAULT_STDOUT_CALLBACK"))


__all__ = ("SWITCH", "callback", "is_for_people", "is_wanted")
