# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that takes a blank value for one that is not given."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ansible import template
from ansible_collections.rhaii.gke.plugins.plugin_utils._variables import is_given

# from ansible-core 2.19 on a filter says so when it takes what is undefined
TAKES_UNDEFINED: Any = getattr(template, "accept_args_markers", lambda function: function)
UNDEFINED: Any = template.AnsibleUndefined


def given(value: Any, otherwise: Any) -> Any:
    if isinstance(value, UNDEFINED):
        # a value that names what nobody set is a mistake, and must not pass for a value that was left out
        return otherwise if _is_itself_undefined(value) else value
    return value if is_given(value) else otherwise


def _is_itself_undefined(value: Any) -> bool:
    """Whether the variable that the filter stands behind is undefined, and not one within its value."""
    name, template = value._undefined_name, getattr(value, "_marker_template_source", None)
    # before ansible-core 2.19 what is undefined within a value is an error before it comes here
    return not template or re.search(rf"\b{re.escape(str(name))}\s*\|\s*rhaii\.gke\.given\b", str(template)) is not None


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"given": TAKES_UNDEFINED(given)}
