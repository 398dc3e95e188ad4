# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""What an answer means that may come as text: from `-e`, a survey, a vault, a template. One reading for all.

Numbers are those of JSON, with blanks around them and a sign before them. What Python's int() takes beyond that, as 1_0
or the digits of other alphabets, people did not mean; 010 is 8 in YAML and 10 elsewhere.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError

_NUMBER = re.compile(r"[+-]?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?|[+-]?(0|[1-9][0-9]*)?\.[0-9]*")
_WHOLE = re.compile(r"[+-]?[0-9]+(\.0*)?")
# beyond this no number counts anything of ours, and Python would make it digit by digit
_LONGEST = 40

# what an option of each type wants, for a sentence
WANTED = {
    "bool": "true or false",
    "dict": "a mapping",
    "float": "a number",
    "int": "a whole number",
    "list": "a list",
    "path": "a path",
    "str": "text",
}
SHOWN = 80


def is_given(value: Any) -> bool:
    """Whether somebody gave a value. No value and blank text are what a form sends that nobody filled in."""
    return value is not None and not (isinstance(value, str) and not value.strip())


def shown(value: Any, spec: Mapping[str, Any]) -> str:
    """A value for a sentence; never that of a secret."""
    if spec.get("no_log"):
        return "a secret that is not shown"
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def unlike(name: str, value: Any, spec: Mapping[str, Any]) -> RhaiiError:
    """That a value is none of its option's, which has a type."""
    wanted = WANTED[str(spec.get("type", "str"))]
    otherwise = "." if spec.get("required") else ", or leave it out."
    return RhaiiError(f"{name} is {shown(value, spec)}, which is not {wanted}.", remedy=f"Give {wanted}{otherwise}")


def read(name: str, value: Any, spec: Mapping[str, Any]) -> Any:
    """The number or truth that an option's value is; one that is none is refused with a sentence."""
    try:
        return READINGS[str(spec["type"])](value)
    except TypeError:
        raise unlike(name, value, spec) from None


def whole(value: Any) -> int:
    """A number of things. A fraction and a truth value are slips; raises TypeError."""
    found = number(value)
    if isinstance(found, int):
        return found
    if not found.is_integer():
        raise TypeError("no whole number")
    return int(found)


def number(value: Any) -> int | float:
    """A number. What is written as a whole one stays one: people read it in messages. Raises TypeError."""
    if isinstance(value, bool):
        raise TypeError("a truth value is no number")
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str):
        return _written(value.strip())
    if isinstance(value, float) and math.isfinite(value):
        return value
    raise TypeError("no number")


def truth(value: Any) -> bool:
    """A truth value, in the words that Ansible takes. Raises TypeError."""
    converted: bool = boolean(value)
    return converted


def said_truth(value: Any, what: str) -> bool:
    """A truth value; what is none is refused with a sentence."""
    try:
        return truth(value)
    except TypeError:
        raise RhaiiError(f"{what} is {value!r}, which is not true or false.", remedy="Give true or false.") from None


def _written(text: str) -> int | float:
    if len(text) > _LONGEST or not _NUMBER.fullmatch(text) or not re.search(r"[0-9]", text):
        raise TypeError("no number")
    if _WHOLE.fullmatch(text):
        return int(text.partition(".")[0])
    found = float(text)
    if not math.isfinite(found):
        raise TypeError("no number")
    return found


READINGS: dict[str, Callable[[Any], Any]] = {"bool": truth, "float": number, "int": whole}

__all__ = ("READINGS", "is_given", "number", "read", "said_truth", "shown", "truth", "unlike", "whole")
