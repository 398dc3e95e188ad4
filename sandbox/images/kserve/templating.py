# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Go templates that presets use: fields of the service and of the global configuration, and ChildName."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sandbox.images.kserve.names import child_name

# a hyphen beside the braces takes the white space on its side away
_ACTION = re.compile(r"(?:\s*\{\{-\s|\{\{)(.*?)(?:\s-\}\}\s*|\}\})", re.DOTALL)
_WORD = re.compile(r"`([^`]*)`|\"([^\"]*)\"|(\.[A-Za-z0-9_.]*)|([A-Za-z_]\w*)")


class TemplateError(Exception):
    """A template that cannot be parsed, or that names what is not there."""


def render(value: Any, data: Mapping[str, Any]) -> Any:
    """`value` with the templates of every string in it replaced."""
    if isinstance(value, str):
        return _ACTION.sub(lambda match: _evaluate(match[1], data), value) if "{{" in value else value
    if isinstance(value, list):
        return [render(item, data) for item in value]
    if isinstance(value, dict):
        return {key: render(item, data) for key, item in value.items()}
    return value


def _evaluate(action: str, data: Mapping[str, Any]) -> str:
    words: list[str] = []
    position, text = 0, action.strip()
    function = ""
    while position < len(text):
        match = _WORD.match(text, position)
        if match is None:
            raise TemplateError(f"unexpected {text[position:]!r} in {{{{{action}}}}}")
        literal, quoted, field, name = match.groups()
        if name is not None:
            if words or function:
                raise TemplateError(f"unexpected {name!r} in {{{{{action}}}}}")
            function = name
        else:
            words.append(_field(field, data) if field is not None else (quoted if literal is None else literal))
        position = match.end()
        while position < len(text) and text[position].isspace():
            position += 1
    if not function and len(words) == 1:
        return words[0]
    if function == "ChildName" and len(words) == 2:
        return child_name(*words)
    raise TemplateError(f"function {function or 'of no name'!r} with {len(words)} arguments is not defined")


def _field(path: str, data: Mapping[str, Any]) -> str:
    found: Any = data
    for name in path.strip(".").split("."):
        if not isinstance(found, Mapping) or name not in found:
            raise TemplateError(f"map has no entry for key {name!r} in {path}")
        found = found[name]
    return str(found)
