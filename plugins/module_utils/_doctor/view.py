# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""What a diagnosis looks at, what the environment promises, and what it names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from ansible_collections.rhaii.gke.plugins.module_utils._causes import CauseId
from ansible_collections.rhaii.gke.plugins.module_utils._helm_releases import Stored
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.ports import WaitPorts
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.wait import Standing
from ansible_collections.rhaii.gke.plugins.module_utils._verification.criteria import Seen, Wanted

Object = Mapping[str, Any]
Objects = Sequence[Object]


@dataclass(frozen=True)
class Promised(Wanted):
    """What the environment promises beside the guide's criteria."""

    environment: str = ""
    namespace: str = ""
    pull_secret: str = ""
    operator_pull_secret: str = ""
    # as namespace/name: those that pull with the operators' secret
    pull_accounts: Sequence[str] = ()
    releases: Sequence[str] = ()
    ca_config_map: str = ""


@dataclass(frozen=True)
class Unknown:
    """What cannot be told from here, and why."""

    question: str
    why: str


@dataclass(frozen=True)
class View:
    """What the cluster holds; None for what could not be read, of which `unknown` says why."""

    criteria: Seen | None = None
    routes: Objects | None = ()
    pools: Objects | None = ()
    policies: Objects | None = ()
    namespaces: Objects | None = ()
    # of the gateway's namespace
    config_maps: Objects | None = ()
    accounts: Objects | None = ()
    # of the models' namespace and the gateway's, without their content
    secrets: Objects | None = ()
    certificates: Objects | None = ()
    istios: Objects | None = ()
    # of kube-system
    daemon_sets: Objects | None = ()
    releases: Mapping[tuple[str, str], Stored] | None = field(default_factory=dict)
    unknown: Sequence[Unknown] = ()


@dataclass(frozen=True)
class Case:
    """All that is judged: the view, and each service as the wait sees it."""

    view: View
    promised: Promised
    standings: Mapping[str, Standing]
    now: datetime


@dataclass(frozen=True)
class Named:
    """One cause that was found, with what was seen of it."""

    id: CauseId
    evidence: str
    # what the table says, where there is nothing more to it
    remedy: str = ""
    # All serves in spite of it, for now.
    risk: bool = False


class Cluster(Protocol):
    def look(self) -> View:
        """Everything but the services; raises RhaiiError where the API server does not answer at all."""

    def service(self, name: str) -> WaitPorts:
        """For one look at a service."""


__all__ = ("Case", "Cluster", "Named", "Object", "Objects", "Promised", "Unknown", "View")
