# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The ports of a set of objects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

from ansible_collections.rhaii.gke.plugins.module_utils._applyset.definitions import Definitions
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.members import GroupKind
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.objects import Json, Key
from ansible_collections.rhaii.gke.plugins.module_utils._clock import Clock


class Objects(Protocol):
    def knows(self, key: Key) -> bool:
        """Whether the API server has the kind, asked anew where it had not."""

    def read(self, key: Key) -> Json | None:
        """The object, None where there is none; raises KubernetesError."""

    def apply(self, key: Key, manifest: Json, *, force: bool, dry_run: bool) -> Json:
        """Apply by the server, which refuses unknown fields; raises KubernetesError, with its causes on a conflict."""

    def delete(self, key: Key, uid: str, *, whole: bool = False) -> None:
        """Ask for the deletion of exactly this one; what is gone already is no error.

        As a `whole` it is there until what it owns is gone.
        """

    def labelled(self, kind: GroupKind, namespaces: Sequence[str], label: str) -> list[Json]:
        """The objects of a kind that carry a label, `key=value`, in these namespaces; none of an unknown kind."""


Each = Callable[[Callable[[Any], Any], Sequence[Any]], list[Any]]

# A connection more costs a handshake: few, and none for one object.
AT_ONCE = 4


def in_turn(work: Callable[[Any], Any], of: Sequence[Any]) -> list[Any]:
    """What the work finds of each, one after another."""
    return [work(one) for one in of]


def at_once(work: Callable[[Any], Any], of: Sequence[Any]) -> list[Any]:
    """The same, a few at a time."""
    if len(of) < 2:
        return in_turn(work, of)
    with ThreadPoolExecutor(max_workers=min(AT_ONCE, len(of))) as pool:
        return list(pool.map(work, of))


@dataclass(frozen=True)
class Ports:
    objects: Objects
    clock: Clock
    # for what has no order: looks, and what changes nothing
    each: Each = in_turn
    definitions: Definitions | None = None


__all__ = ("Each", "Objects", "Ports", "at_once", "in_turn")
