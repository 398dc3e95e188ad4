# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pool's replicas, from what the API server holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.images.epp.scorers import Replica

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Pool:
    """What an InferencePool selects."""

    labels: Mapping[str, str]
    port: int

    @classmethod
    def of(cls, obj: Object) -> Pool | None:
        """Read an InferencePool of either API group; None while it selects nothing."""
        spec = obj.get("spec") or {}
        selector = spec.get("selector") or {}
        labels = selector.get("matchLabels", selector)
        ports = [entry.get("number") for entry in spec.get("targetPorts") or []] or [spec.get("targetPortNumber")]
        if not labels or not ports[0]:
            return None
        return cls({str(name): str(value) for name, value in labels.items()}, int(ports[0]))

    def selects(self, pod: Object) -> bool:
        """Whether a pod belongs to the pool."""
        labels = pod["metadata"].get("labels") or {}
        return all(labels.get(name) == value for name, value in self.labels.items())


def serves(pod: Object) -> bool:
    """Whether a pod is Ready and is not about to go."""
    if pod["metadata"].get("deletionTimestamp"):
        return False
    status = pod.get("status") or {}
    if not status.get("podIP"):
        return False
    return any(
        condition.get("type") == "Ready" and condition.get("status") == "True"
        for condition in status.get("conditions") or []
    )


class Fleet:
    """The replicas with what was last measured of each."""

    def __init__(self) -> None:
        self._known: dict[str, Replica] = {}

    @property
    def replicas(self) -> list[Replica]:
        return list(self._known.values())

    def update(self, pool: Pool | None, pods: Iterable[Object]) -> None:
        """Take over what exists now; a replica that stays keeps its figures."""
        found: dict[str, Replica] = {}
        for pod in pods if pool else ():
            if pool is None or not pool.selects(pod) or not serves(pod):
                continue
            name = str(pod["metadata"]["name"])
            address = f"{pod['status']['podIP']}:{pool.port}"
            known = self._known.get(name)
            found[name] = known if known and known.address == address else Replica(name, address)
        self._known = found
