# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The real adapter of compute.v1: managed instance groups and machine types, by plain REST."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._errors import flat
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import (
    GroupRef,
    Instance,
    Problem,
    meaning_of_problem,
)
from ansible_collections.rhaii.gke.plugins.module_utils._google import RestApi
from ansible_collections.rhaii.gke.plugins.module_utils._meaning import QUOTA, RESERVATION, STOCKOUT

TELLING = frozenset({STOCKOUT, QUOTA, RESERVATION})


def attempt_problem(managed: Mapping[str, Any]) -> Problem | None:
    """What the group's last attempt to create an instance ran into: the first word of a stockout there is."""
    errors = ((managed.get("lastAttempt") or {}).get("errors") or {}).get("errors") or []
    problems = [Problem(str(each.get("code", "")), str(each.get("message", ""))) for each in errors]
    # of several the one that says why there is no machine
    return next((each for each in problems if meaning_of_problem(each) in TELLING), next(iter(problems), None))


class GoogleInstanceGroups:
    def __init__(self, api: RestApi) -> None:
        self._api = api

    @staticmethod
    def _zone(group: GroupRef) -> str:
        return f"/compute/v1/projects/{group.project}/zones/{group.zone}"

    def _path(self, group: GroupRef) -> str:
        return f"{self._zone(group)}/instanceGroupManagers/{group.name}"

    def target_size(self, group: GroupRef) -> int:
        answer = self._api.call(f"read the instance group {group.name}", "GET", self._path(group))
        return int(answer.get("targetSize") or 0)

    def instances(self, group: GroupRef) -> Sequence[Instance]:
        doing = f"list the instances of {group.name}"
        found = self._api.pages(doing, f"{self._path(group)}/listManagedInstances", "managedInstances", method="POST")
        return [
            Instance(
                str(each["instance"]),
                str(each.get("instanceStatus", "")),
                str(each.get("currentAction", "")),
                attempt_problem(each),
            )
            for each in found
        ]

    def delete_instances(self, group: GroupRef, urls: Sequence[str]) -> str:
        answer = self._api.call(
            f"delete instances of {group.name}",
            "POST",
            f"{self._path(group)}/deleteInstances",
            body={"instances": list(urls)},
        )
        return str(answer["name"])

    def operation_problem(self, group: GroupRef, operation: str) -> tuple[bool, str]:
        answer = self._api.call(f"read the operation {operation}", "GET", f"{self._zone(group)}/operations/{operation}")
        errors = (answer.get("error") or {}).get("errors") or []
        said = "; ".join(
            ": ".join(filter(None, (each.get("code"), flat(each.get("message") or "")))) for each in errors
        )
        return answer.get("status") == "DONE", said


__all__ = ("GoogleInstanceGroups", "attempt_problem")
