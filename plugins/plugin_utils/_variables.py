# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection.
"""What the value of a variable means: whether it is given at all, and which value its argument spec makes of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ansible.module_utils.common.validation import check_type_dict
from ansible_collections.rhaii.gke.plugins.module_utils import _answers
from ansible_collections.rhaii.gke.plugins.module_utils._credentials.files import resolved
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.plugin_utils._plain import plain, unlocked

# An option as an argument spec has it: its type, and what its value must be beside that.
Spec = Mapping[str, Any]


def is_given(value: Any) -> bool:
    """Whether somebody gave a value. No value and blank text are what a form sends that nobody filled in."""
    return _answers.is_given(unlocked(value))


def typed(name: str, value: Any, spec: Spec) -> Any:
    """The value as its option has it; one that is none of the option's values is refused with a sentence."""
    kind = str(spec.get("type", "str"))
    value = unlocked(value)
    try:
        converted: Any = _TYPES[kind](value) if kind in _TYPES else value
    except (TypeError, ValueError):
        raise _answers.unlike(name, plain(value), spec) from None
    if isinstance(converted, Mapping):
        return _mapping(name, converted, spec)
    if kind == "list":
        return _items(name, converted, spec)
    choices = spec.get("choices")
    if choices and converted not in choices:
        allowed = ", ".join(str(choice) for choice in choices if is_given(choice))
        raise RhaiiError(
            f"{name} is {shown(value, spec)}, which is none of its values.",
            remedy=f"Give one of {allowed}, or leave it out.",
        )
    return converted


def shown(value: Any, spec: Spec) -> str:
    """A value for a sentence; never that of a secret."""
    return _answers.shown(plain(value), spec)


def _items(name: str, items: Sequence[Any], spec: Spec) -> Sequence[Any]:
    of_one = {
        "type": spec.get("elements", "raw"),
        **{key: spec[key] for key in ("choices", "options", "no_log") if key in spec},
    }
    # a blank item is the list's own business
    return [typed(f"{name}[{place}]", item, of_one) if is_given(item) else item for place, item in enumerate(items)]


def _mapping(name: str, value: Mapping[str, Any], spec: Spec) -> Mapping[str, Any]:
    options: Mapping[str, Spec] = spec.get("options") or {}
    if not options:
        return value
    unknown = sorted(str(key) for key in value if key not in options)
    missing = sorted(key for key, option in options.items() if option.get("required") and value.get(key) is None)
    if unknown or missing:
        found = f"{name} has {', '.join(unknown)}" if unknown else f"{name} has no {', '.join(missing)}"
        raise RhaiiError(f"{found}.", remedy=f"Its keys are {', '.join(options)}.")
    return {key: typed(f"{name}.{key}", item, options[key]) if is_given(item) else item for key, item in value.items()}


def _str(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(plain(value))
    raise TypeError("no text")


def _path(value: Any) -> str:
    """Resolved, so that whoever reads it finds the same file, wherever he looks from."""
    return resolved(str(plain(_str(value))))


def _list(value: Any) -> Sequence[Any]:
    if isinstance(value, str):
        text = str(plain(value)).strip()
        if not text.startswith("["):
            return [item.strip() for item in text.split(",")]
        value = json.loads(text)
    if isinstance(value, (list, tuple)):
        return value
    raise TypeError("no list")


def _dict(value: Any) -> Mapping[str, Any]:
    if isinstance(value, str):
        value = check_type_dict(str(plain(value)).strip())
    if isinstance(value, Mapping):
        return value
    raise TypeError("no mapping")


_TYPES = {**_answers.READINGS, "dict": _dict, "list": _list, "path": _path, "str": _str}

__all__ = ("Spec", "is_given", "shown", "typed")
