# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""Who else set a field that we set, and whether it may be taken over."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.rhaii.gke.plugins.module_utils._applyset.objects import Key
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import KubernetesError
from ansible_collections.rhaii.gke.plugins.module_utils._ownership import FIELD_MANAGER

# Field managers of programs by which people change things by hand; what they set on an object of ours is taken back.
_BY_HAND = re.compile(
    r"(kubectl.*|before-first-apply|oc|k9s|Mozilla.*|node-fetch|curl|python-requests|OpenAPI-Generator|"
    r"GoogleCloudConsole|helm)"
)
# Of programs that go on setting what they set, so that two would fight.
_TOOLS = re.compile(
    r"(argocd.*|kustomize-controller|helm-controller|flux.*|Terraform|HashiCorp|pulumi.*|fleet.*)", re.I
)
_MANAGER = re.compile(r'conflict with "(?P<manager>[^"]*)"')
FIELD_MANAGER_CONFLICT = "FieldManagerConflict"


@dataclass(frozen=True)
class Conflict:
    manager: str
    field: str

    def __str__(self) -> str:
        return f"{self.field} is set by {self.manager}"


def made_by_hand(manager: str) -> bool:
    """Whether a person made the change, with a program that does not come back to it."""
    return _BY_HAND.fullmatch(manager) is not None


def made_by_people(manager: str) -> bool:
    """Whether a person or a deployment tool did, and no controller of the cluster."""
    return made_by_hand(manager) or _TOOLS.fullmatch(manager) is not None


def conflicts_of(error: KubernetesError) -> list[Conflict]:
    """What a server-side apply was refused for; empty when it was something else."""
    found = []
    for cause in error.causes:
        if cause.get("reason") == FIELD_MANAGER_CONFLICT:
            said = _MANAGER.search(str(cause.get("message") or ""))
            found.append(Conflict(said["manager"] if said else "somebody else", str(cause.get("field") or "a field")))
    return found


def may_take_over(conflicts: Sequence[Conflict]) -> bool:
    return all(_yields(each.manager) for each in conflicts)


def _yields(manager: str) -> bool:
    # ours by another way than this one, as a scaling that only patched
    return manager == FIELD_MANAGER or made_by_hand(manager)


def refusal(key: Key, conflicts: Sequence[Conflict]) -> RhaiiError:
    """Two that set the same field would fight for ever."""
    managers = " and ".join(sorted({each.manager for each in conflicts if not _yields(each.manager)}))
    return RhaiiError(
        f"{key} is ours, and others set what we set: {'; '.join(map(str, conflicts))}.",
        remedy=f"Have {managers} leave these fields alone, or take the object out of this environment; "
        "it was left as it is.",
    )


__all__ = ("Conflict", "conflicts_of", "made_by_hand", "made_by_people", "may_take_over", "refusal")
