# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""Who is in a set as the cluster has it: what may go, and what is left because it is not ours."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ansible_collections.rhaii.gke.plugins.module_utils._applyset.members import (
    PART_OF,
    GroupKind,
    ObjectSet,
    Place,
    same,
)
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.objects import Json, Key, by_rank, key_of
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.ports import Each, Objects
from ansible_collections.rhaii.gke.plugins.module_utils._ownership import Whose, of_object


@dataclass(frozen=True)
class Member:
    key: Key
    live: Json
    whose: Whose


class Membership:
    """A set with its parent as it was found."""

    def __init__(self, of: ObjectSet, objects: Objects, each: Each, environment: str) -> None:
        self.of = of
        self.parent = objects.read(of.key) if objects.knows(of.key) else None
        self.whose = None if self.parent is None else of.whose(self.parent, environment)
        # another's parent says nothing of ours
        self.place = of.place_of(self.parent) if self.whose and self.whose.is_ours else Place()
        self._objects, self._each, self._environment = objects, each, environment

    def beside(self, wanted: Collection[Key], former: Collection[Key] = ()) -> list[Member]:
        """The members that are not wanted, in the order in which they are applied; what is about to go is none.

        `former` are those of ours that were made when there was no set.
        """
        mine = {same(key) for key in wanted}
        namespaces = sorted(self.place.namespaces)

        def listed(kind: GroupKind) -> list[Json]:
            return self._objects.labelled(kind, namespaces, f"{PART_OF}={self.of.identity}")

        found = {}
        for live in (each for lives in self._each(listed, sorted(self.place.kinds)) for each in lives):
            key = key_of(live, "a member")
            if same(key) not in mine and not live["metadata"].get("deletionTimestamp"):
                found[key] = live
        told = {same(key) for key in found} | mine
        for key in former:
            older = self._objects.read(key) if same(key) not in told else None
            if older and not older["metadata"].get("deletionTimestamp") and of_object(older, self._environment).is_ours:
                found[key] = older
        return [Member(key, found[key], of_object(found[key], self._environment)) for key in by_rank(found)]


__all__ = ("Member", "Membership")
