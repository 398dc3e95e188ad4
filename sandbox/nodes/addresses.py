# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The addresses of a node's pods: each given once, and kept until the pod has gone."""

from __future__ import annotations

from sandbox.nodes.cluster import Cluster


class NoAddressLeftError(Exception):
    """The node has given all its addresses."""


class AddressPool:
    """Gives out the addresses of one node in turn, so that a fresh one is not taken for its last owner."""

    def __init__(self, cluster: Cluster, number: int) -> None:
        self._all = list(cluster.pod_addresses(number))
        self._taken: dict[str, str] = {}
        self._next = 0

    def take(self, uid: str) -> str:
        """An address for a pod."""
        for step in range(len(self._all)):
            index = (self._next + step) % len(self._all)
            if self._all[index] not in self._taken:
                self._next = index + 1
                self._taken[self._all[index]] = uid
                return self._all[index]
        raise NoAddressLeftError(f"all {len(self._all)} pod addresses of the node are in use")

    def keep(self, address: str, uid: str) -> None:
        """Note an address that a pod had before the nodes process started."""
        if address in self._all:
            self._taken[address] = uid
            self._next = self._all.index(address) + 1

    def give_back(self, address: str, uid: str) -> None:
        """The pod has gone."""
        if self._taken.get(address) == uid:
            del self._taken[address]
