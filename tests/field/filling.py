# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A row's words that are known only when the test runs: addresses, certificates, folders."""

from __future__ import annotations

from collections.abc import Mapping
from string import Template
from typing import Any


def filled(value: Any, words: Mapping[str, str]) -> Any:
    """With what ``$NAME`` stands for; ``$$`` is a dollar."""
    if isinstance(value, str):
        return Template(value).safe_substitute(words)
    if isinstance(value, dict):
        return {key: filled(item, words) for key, item in value.items()}
    return [filled(item, words) for item in value] if isinstance(value, list) else value
