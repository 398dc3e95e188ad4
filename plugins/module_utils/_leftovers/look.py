# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""One look at the cloud's lists: all that is ours or may be, and the lists that may not be read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import silent_in
from ansible_collections.rhaii.gke.plugins.module_utils._google import GoogleError
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.kinds import KINDS, OF_CONTAINER, OF_LOAD_BALANCERS
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.ownership import (
    Claim,
    Judgement,
    judge,
    living_of,
    of_cluster,
    of_operations,
    rank,
)
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.ports import Inventory
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.things import Thing

# The list is not for this account, or not of this project; anything else is a failure of the look as a whole.
REFUSALS = frozenset({403, 404})


@dataclass(frozen=True)
class Seen:
    """What a look found, in the order in which the commands work, and the kinds whose lists were refused, and why."""

    found: tuple[Judgement, ...]
    unread: Mapping[str, str]


class _Lists:
    """Those of the cloud, as far as they may be read."""

    def __init__(self, inventory: Inventory) -> None:
        self.inventory = inventory
        self.unread: dict[str, str] = {}

    def operations(self, claim: Claim) -> list[Judgement]:
        found: list[Judgement] = []
        for location in claim.locations:
            try:
                found += of_operations(claim, location, self.inventory.operations(location))
            except GoogleError as error:
                self.note(error, "operation")
        return found

    def things(self, kinds: Sequence[str]) -> list[Thing]:
        """The lists are independent of each other, so they are asked for at the same time."""

        def ask(kind: str) -> tuple[Sequence[Thing], GoogleError | None]:
            try:
                return self.inventory.things(kind), None
            except GoogleError as error:
                return [], error

        if not kinds:
            return []
        with ThreadPoolExecutor(max_workers=len(kinds)) as pool:
            answers = dict(zip(kinds, pool.map(ask, kinds), strict=True))
        for kind, (things, error) in answers.items():
            if error is not None:
                self.note(error, kind)
            self.note_silence(silent_in(things), kind)
        return [thing for things, _error in answers.values() for thing in things]

    def note_silence(self, places: Sequence[str], kind: str) -> None:
        """What a place has that did not answer Google is in no list."""
        if places:
            self.unread[kind] = f"{', '.join(places)} did not answer Google, and what is there is not in its list"

    def note(self, error: GoogleError, kind: str) -> None:
        """A list that cannot be read is no proof of anything, so it is said."""
        if error.status not in REFUSALS:
            raise error
        self.unread[kind] = error.msg


def look(inventory: Inventory, claim: Claim, kinds: Collection[str]) -> Seen:
    """`claim` says whose; which clusters live is read here."""
    clusters = inventory.clusters()
    claim = replace(claim, living=tuple(living_of(each) for each in clusters))
    lists = _Lists(inventory)
    for kind in sorted({"cluster", "node_pool"} & set(kinds)):
        lists.note_silence(silent_in(clusters), kind)
    found = [each for each in of_cluster(claim) if each.thing.kind in kinds]
    if "operation" in kinds:
        found += lists.operations(claim)
    # the parts of a load balancer tell of each other, so that one of them needs the lists of all
    needed = OF_LOAD_BALANCERS if OF_LOAD_BALANCERS & set(kinds) else frozenset[str]()
    things = lists.things([each for each in KINDS if each not in OF_CONTAINER and each in needed | set(kinds)])
    found += [each for each in judge(things, claim) if each.thing.kind in kinds]
    return Seen(tuple(sorted(found, key=rank)), lists.unread)


__all__ = ("REFUSALS", "Seen", "look")
