# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that takes a blank value for one that is not given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible import template
from ansible_collections.rhaii.gke.plugins.plugin_utils._variables import is_given

# from ansible-core 2.19 on a filter says so when it takes what is undefined
TAKES_UNDEFINED: Any = getattr(template, "accept_args_markers", lambda function: function)
UNDEFINED: Any = template.AnsibleUndefined


def given(value: Any, otherwise: Any) -> Any:
    return otherwise if isinstance(value, UNDEFINED) or not is_given(value) else value


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"given": TAKES_UNDEFINED(given)}
