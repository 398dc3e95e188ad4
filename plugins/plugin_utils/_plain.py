# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection.
"""Values of Ansible as values of Python."""

from __future__ import annotations

from typing import Any


def plain(value: Any) -> Any:
    """The same value in Python's own types: ansible-core 2.19 tags strings and containers; clients trip over that."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, dict):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return str(value)


def unlocked(value: Any) -> Any:
    """A value of `!vault` as its text: before ansible-core 2.19 it is of a type of its own, which is no text."""
    return str(value) if getattr(value, "__ENCRYPTED__", False) else value


__all__ = ("plain", "unlocked")
