# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""What waiting for a service needs of the cluster. The adapter is in cluster.py, the tests script their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ansible_collections.rhaii.gke.plugins.module_utils._clock import Clock

Json = dict[str, Any]

# A look costs the API server something.
LEAST_INTERVAL = 0.1


@dataclass(frozen=True)
class Snapshot:
    """A service and what belongs to it, as they were at one moment."""

    # Whether the cluster knows such services at all.
    served: bool = True
    service: Json | None = None
    deployments: Sequence[Json] = ()
    replica_sets: Sequence[Json] = ()
    pods: Sequence[Json] = ()


class Cluster(Protocol):
    def read(self) -> Snapshot:
        """Everything anew, the service first: what it says of the others cannot be newer than they are."""

    def changed(self, seconds: float) -> Snapshot:
        """The picture once something in it has changed, or else after so many seconds."""

    def warnings(self) -> Sequence[Json]:
        """The namespace's events of type Warning."""

    def log(self, pod: str, container: str, lines: int, *, ended: bool = False) -> str:
        """The end of a container's log; with `ended`, of its last run that has ended."""

    def secret(self, name: str) -> Json | None: ...

    def services(self) -> Sequence[str]:
        """The names of the namespace's LLMInferenceServices."""


@dataclass(frozen=True)
class WaitPorts:
    cluster: Cluster
    clock: Clock


__all__ = ("LEAST_INTERVAL", "Cluster", "Json", "Snapshot", "WaitPorts")
