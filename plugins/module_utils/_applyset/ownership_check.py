# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""ownership_check: whose everything is that an environment would make or change. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._applyset.apply import is_used_as_it_is
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.kubernetes import ports_of
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.objects import Json, Key
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.ports import Ports
from ansible_collections.rhaii.gke.plugins.module_utils._argspec import kubernetes_options
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Capability, Params, Progress, Result
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._ownership import Whose, of_object


@dataclass(frozen=True)
class Asked:
    """An object that would be made or changed, and what gives ours another name."""

    key: Key
    variable: str = ""

    @classmethod
    def of(cls, given: Json) -> Asked:
        key = Key(given["api_version"], given["kind"], given["name"], given["namespace"] or "")
        return cls(key, given["variable"] or "")


def way_on(foreign: Sequence[Asked]) -> str:
    """What to do about them: another name where there is one."""
    variables = list(dict.fromkeys(each.variable for each in foreign if each.variable))
    fixed = [str(each.key) for each in foreign if not each.variable]
    ways = []
    if variables:
        ways.append(f"Give ours another name with {', '.join(variables)}.")
    if fixed:
        ways.append(f"{', '.join(fixed)}: the name is fixed, so use a cluster where there is none.")
    ways.append("What is there is not adopted; remove it if it is yours to remove.")
    return " ".join(ways)


def run(params: Params, ports: Ports, progress: Progress, check_mode: bool) -> Result:
    asked = [Asked.of(each) for each in params["objects"]]
    found: list[tuple[Asked, Whose | None]] = []
    for each in asked:
        live = ports.objects.read(each.key)
        found.append((each, None if live is None else of_object(live, params["environment"])))
    foreign = [
        (each, whose)
        for each, whose in found
        if whose is not None and not whose.is_ours and not is_used_as_it_is(each.key, whose)
    ]
    result: Result = {
        "changed": False,
        "objects": [{**each.key.public(), "whose": _word(whose), "seems": _seems(whose)} for each, whose in found],
        "foreign": [f"{each.key} {whose.seems}" for each, whose in foreign],
    }
    if foreign and params["fail_on_foreign"]:
        raise RhaiiError(
            f"Not of the environment {params['environment']}, and named as ours would be: "
            f"{'; '.join(result['foreign'])}. Nothing was changed.",
            remedy=way_on([each for each, _whose in foreign]),
            result=result,
        )
    return result


def _word(whose: Whose | None) -> str:
    return "nobody's" if whose is None else whose.verdict


def _seems(whose: Whose | None) -> str:
    return "" if whose is None else whose.seems


OBJECT_OPTIONS: dict[str, Any] = {
    "api_version": {"type": "str", "required": True},
    "kind": {"type": "str", "required": True},
    "name": {"type": "str", "required": True},
    "namespace": {"type": "str", "default": ""},
    "variable": {"type": "str", "default": ""},
}

CAPABILITY = Capability(
    name="ownership_check",
    argument_spec=kubernetes_options(
        environment={"type": "str", "required": True},
        objects={"type": "list", "elements": "dict", "required": True, "options": OBJECT_OPTIONS},
        fail_on_foreign={"type": "bool", "default": True},
    ),
    ports=ports_of,
    run=run,
)

__all__ = ("CAPABILITY", "Asked", "run", "way_on")
