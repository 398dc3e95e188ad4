# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""What the numbers and truths among a task's options mean, before ansible-core reads them.

Its int() takes 1_0 for 10 and true for 1. Both edges ask here first, so that an option of a module is read as a role's
variable is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.common.validation import check_type_dict, check_type_list
from ansible_collections.rhaii.gke.plugins.module_utils._answers import READINGS, is_given, read
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError

Spec = Mapping[str, Any]


@dataclass(frozen=True)
class Read:
    """The options as they go on to ansible-core, and a sentence where one of them is none of its option's values."""

    params: dict[str, Any]
    refusal: str = ""


def read_options(given: Mapping[str, Any], specs: Mapping[str, Spec]) -> Read:
    """A number or a truth that nobody filled in is as one that is not given; the rest is ansible-core's to judge."""
    try:
        return Read(_options("", given, specs))
    except RhaiiError as error:
        return Read(dict(given), str(error))


def _options(within: str, given: Mapping[str, Any], specs: Mapping[str, Spec]) -> dict[str, Any]:
    own = {alias: spec for name, spec in specs.items() for alias in (name, *spec.get("aliases", ()))}
    found = {}
    for name, value in given.items():
        spec = own.get(name)
        if spec is None:
            found[name] = value
        elif spec.get("type") not in READINGS or is_given(value):
            found[name] = _value(f"{within}{name}", value, spec)
    return found


def _value(name: str, value: Any, spec: Spec) -> Any:
    kind = spec.get("type")
    if kind in READINGS:
        return read(name, value, spec)
    inner = spec.get("options")
    if kind == "dict" and inner:
        value = _made(check_type_dict, value)
        return _options(f"{name}.", value, inner) if isinstance(value, Mapping) else value
    if kind == "list" and (inner or spec.get("elements") in READINGS):
        value = _made(check_type_list, value)
        of_one = {**spec, "type": spec.get("elements")}
        is_list = isinstance(value, Sequence) and not isinstance(value, (str, bytes))
        return [_value(f"{name}[{place}]", each, of_one) for place, each in enumerate(value)] if is_list else value
    return value


def _made(make: Any, value: Any) -> Any:
    """Text as what it stands for, where it does; what is wrong with it ansible-core says."""
    try:
        return make(value)
    except (TypeError, ValueError):
        return value


__all__ = ("Read", "read_options")
