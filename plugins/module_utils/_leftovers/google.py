# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The real adapter: container.v1 by its client, compute.v1 by plain REST."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._capability import Params
from ansible_collections.rhaii.gke.plugins.module_utils._clock import SystemClock
from ansible_collections.rhaii.gke.plugins.module_utils._gke.google import GoogleClusters
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import Json, Listed, Operation
from ansible_collections.rhaii.gke.plugins.module_utils._google import Connection, GoogleSettings, RestApi
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.kinds import KINDS
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.ports import LeftoverPorts
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.things import Thing, thing_of


class GoogleInventory:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def project(self) -> str:
        return self._connection.settings.project

    def clusters(self) -> Sequence[Json]:
        return GoogleClusters(self._connection, "-").list_clusters()

    def operations(self, location: str) -> Sequence[Operation]:
        return GoogleClusters(self._connection, location).list_operations()

    def things(self, kind: str) -> Sequence[Thing]:
        of = KINDS[kind]
        path, query = f"/compute/v1/projects/{self.project}/{of.path}", dict[str, str]()
        found: list[Thing] = []
        silent: list[str] = []
        # a session of its own, for the lists are asked for by several threads
        compute: RestApi = self._connection.rest("compute")
        while True:
            page = compute.call(f"list what there is of {of.words}s", "GET", path, query=query)
            items = page.get("items") or []
            scopes = [each.get(of.member) or [] for each in items.values()] if isinstance(items, dict) else [items]
            found += [thing_of(kind, each) for scope in scopes for each in scope]
            silent += unreachable_in(page)
            if not page.get("nextPageToken"):
                return Listed(found, silent)
            query = {"pageToken": str(page["nextPageToken"])}


def unreachable_in(page: Mapping[str, Any]) -> list[str]:
    """The places that a list over all of them could not be asked of; Compute Engine gives the rest all the same."""
    found = [str(each).rpartition("/")[2] for each in page.get("unreachables") or []]
    items = page.get("items")
    for place, scope in items.items() if isinstance(items, dict) else ():
        if (scope.get("warning") or {}).get("code") in ("UNREACHABLE", "PARTIAL_SUCCESS"):
            found.append(str(place).rpartition("/")[2])
    return found


def leftover_ports(params: Params) -> LeftoverPorts:
    return LeftoverPorts(GoogleInventory(Connection(GoogleSettings.from_params(params))), SystemClock())


__all__ = ("GoogleInventory", "leftover_ports")
