# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""Which pods go with a node, which may be evicted from it, and which keep it because they are somebody else's."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

MIRROR = "kubernetes.io/config.mirror"
SYSTEM = "kube-system"


@dataclass(frozen=True)
class Pod:
    namespace: str
    name: str
    # kind of the controller that will make another one elsewhere; '' when nobody will
    controller: str
    mirror: bool
    finished: bool
    leaving: bool

    @property
    def key(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def stays(self) -> bool:
        """Pods of daemon sets and static pods belong to the node and go with it."""
        return self.mirror or self.controller == "DaemonSet" or self.finished

    def is_foreign(self, namespaces: Collection[str]) -> bool:
        """Somebody else's work, which keeps its node; `namespaces` are those whose pods may be evicted."""
        return not self.stays and self.namespace != SYSTEM and self.namespace not in namespaces


def pod_of(body: Mapping[str, Any]) -> Pod:
    metadata = body.get("metadata") or {}
    owners = [owner for owner in metadata.get("ownerReferences") or [] if owner.get("controller")]
    return Pod(
        namespace=str(metadata.get("namespace") or ""),
        name=str(metadata.get("name") or ""),
        controller=str(owners[0].get("kind") or "") if owners else "",
        mirror=MIRROR in (metadata.get("annotations") or {}),
        finished=(body.get("status") or {}).get("phase") in ("Succeeded", "Failed"),
        leaving=bool(metadata.get("deletionTimestamp")),
    )


__all__ = ("MIRROR", "SYSTEM", "Pod", "pod_of")
