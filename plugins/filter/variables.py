# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that takes a blank value for one that is not given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.rhaii.gke.plugins.plugin_utils._variables import is_given


def given(value: Any, otherwise: Any) -> Any:
    return value if is_given(value) else otherwise


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"given": given}
