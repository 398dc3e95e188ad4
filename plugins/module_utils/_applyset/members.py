# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""A set of objects that outlives a run, by Kubernetes' specification of an ApplySet (KEP-3659).

A parent names the kinds and namespaces in which the set has members, and each member carries a label with the parent's
identity. The parent is a ConfigMap: kubectl takes those too, and this one holds no secret. It has a namespace, and
members without one belong to it as well: kubectl's own pruning looks for both.
"""

from __future__ import annotations

import base64
import copy
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._applyset.objects import Json, Key
from ansible_collections.rhaii.gke.plugins.module_utils._ownership import FOREIGN, Whose, of_object

IDENTITY = "applyset.kubernetes.io/id"
PART_OF = "applyset.kubernetes.io/part-of"
_TOOLING = "applyset.kubernetes.io/tooling"
_KINDS = "applyset.kubernetes.io/contains-group-kinds"
_NAMESPACES = "applyset.kubernetes.io/additional-namespaces"
# A tool leaves the sets of other tools alone; what follows the name is a version that changes with what we write.
_TOOL, _VERSION = "rhaii.gke", "v1"
# With these, more would be deleted than the set.
NO_MEMBERS = frozenset({"Namespace", "CustomResourceDefinition"})

# Options that say which set is meant.
REFERENCE: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "namespace": {"type": "str", "required": True},
}


@dataclass(frozen=True, order=True)
class GroupKind:
    """A kind without its version, as the parent has it: V(HTTPRoute.gateway.networking.k8s.io), V(Secret)."""

    kind: str
    group: str = ""

    @classmethod
    def of(cls, text: str) -> GroupKind:
        kind, _dot, group = text.strip().partition(".")
        return cls(kind, group)

    @classmethod
    def of_key(cls, key: Key) -> GroupKind:
        group, _slash, version = key.api_version.partition("/")
        return cls(key.kind, group if version else "")

    def __str__(self) -> str:
        return f"{self.kind}.{self.group}" if self.group else self.kind


@dataclass(frozen=True)
class Place:
    """Where members may be: in these kinds and namespaces."""

    kinds: frozenset[GroupKind] = frozenset()
    namespaces: frozenset[str] = frozenset()

    @classmethod
    def of(cls, keys: Iterable[Key]) -> Place:
        found = list(keys)
        return cls(
            frozenset(GroupKind.of_key(key) for key in found),
            frozenset(key.namespace for key in found if key.namespace),
        )

    def __or__(self, other: Place) -> Place:
        return Place(self.kinds | other.kinds, self.namespaces | other.namespaces)

    def __le__(self, other: Place) -> bool:
        return self.kinds <= other.kinds and self.namespaces <= other.namespaces


@dataclass(frozen=True)
class ObjectSet:
    """A set by the name of its parent."""

    name: str
    namespace: str

    @property
    def key(self) -> Key:
        return Key("v1", "ConfigMap", self.name, self.namespace)

    @property
    def identity(self) -> str:
        """As the specification makes it: of name, namespace, kind and group of the parent."""
        digest = hashlib.sha256(f"{self.name}.{self.namespace}.ConfigMap.".encode()).digest()
        return f"applyset-{base64.urlsafe_b64encode(digest).decode().rstrip('=')}-v1"

    def parent(self, place: Place) -> Json:
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": self.name,
                "namespace": self.namespace,
                "labels": {IDENTITY: self.identity},
                "annotations": {
                    _TOOLING: f"{_TOOL}/{_VERSION}",
                    _KINDS: ",".join(map(str, sorted(place.kinds))),
                    _NAMESPACES: ",".join(sorted(place.namespaces - {self.namespace})),
                },
            },
        }

    def place_of(self, parent: Mapping[str, Any] | None) -> Place:
        """Where a parent says that members may be; nowhere without one."""
        if parent is None:
            return Place()
        said = parent["metadata"].get("annotations") or {}
        return Place(
            frozenset(map(GroupKind.of, _listed(said.get(_KINDS)))),
            frozenset(_listed(said.get(_NAMESPACES))) | {self.namespace},
        )

    def whose(self, parent: Json, environment: str) -> Whose:
        """Whose a parent is; one of another tool is left to it."""
        whose = of_object(parent, environment)
        tool = str((parent["metadata"].get("annotations") or {}).get(_TOOLING) or "").rpartition("/")[0]
        if whose.is_ours and tool != _TOOL:
            return Whose(FOREIGN, f"is where the set {self.name} has its parent, and is kept by {tool or 'no tool'}")
        return whose

    def member(self, manifest: Json) -> Json:
        found = copy.deepcopy(manifest)
        metadata = found["metadata"]
        metadata["labels"] = {**(metadata.get("labels") or {}), PART_OF: self.identity}
        return found


def same(one: Key) -> tuple[GroupKind, str, str]:
    """What tells two objects apart: not the version by which they were asked for."""
    return GroupKind.of_key(one), one.namespace, one.name


def _listed(text: object) -> list[str]:
    return [word.strip() for word in str(text or "").split(",") if word.strip()]


__all__ = ("IDENTITY", "NO_MEMBERS", "PART_OF", "REFERENCE", "GroupKind", "ObjectSet", "Place", "same")
