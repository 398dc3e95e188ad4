# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The real adapter: that of gke_leftovers and gke_cost, in haste."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ansible_collections.rhaii.gke.plugins.module_utils._capability import Params
from ansible_collections.rhaii.gke.plugins.module_utils._cost.google import cost_ports
from ansible_collections.rhaii.gke.plugins.module_utils._gke.compute import GoogleInstanceGroups
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import GroupRef, Instance
from ansible_collections.rhaii.gke.plugins.module_utils._google import Connection, GoogleSettings
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.google import GoogleInventory
from ansible_collections.rhaii.gke.plugins.module_utils._standing.ports import Cloud, StandingPorts


class GoogleMachines:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def instances(self, group: GroupRef) -> Sequence[Instance]:
        return GoogleInstanceGroups(self._connection.rest("compute")).instances(group)


def standing_ports(params: Params) -> StandingPorts:
    def open_cloud() -> Cloud:
        connection = Connection(replace(GoogleSettings.from_params(params), is_hasty=True))
        return Cloud(GoogleInventory(connection), GoogleMachines(connection), cost_ports(params))

    return StandingPorts(open_cloud)


__all__ = ("GoogleMachines", "standing_ports")
