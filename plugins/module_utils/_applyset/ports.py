# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The ports of a set of objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ansible_collections.rhaii.gke.plugins.module_utils._applyset.objects import Json, Key
from ansible_collections.rhaii.gke.plugins.module_utils._clock import Clock


class Objects(Protocol):
    def knows(self, key: Key) -> bool:
        """Whether the API server has the kind, asked anew where it had not."""

    def read(self, key: Key) -> Json | None:
        """The object, None where there is none; raises KubernetesError."""

    def apply(self, key: Key, manifest: Json, *, force: bool, dry_run: bool) -> Json:
        """Apply by the server; raises KubernetesError, with its causes on a conflict."""

    def delete(self, key: Key, uid: str) -> None:
        """Ask for the deletion of exactly this one; what is gone already is no error."""


@dataclass(frozen=True)
class Ports:
    objects: Objects
    clock: Clock


__all__ = ("Objects", "Ports")
