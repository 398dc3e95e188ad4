# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""What each status of a cluster and of a node pool means for us: one table. Its words are those of container.v1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Meaning:
    # it can be used, and changed
    serves: bool = False
    # something works on it, and ends
    is_moving: bool = False
    is_going: bool = False
    # Google gave it up: it is as good as not made
    is_dead: bool = False
    # it serves, and something of it is missing
    is_impaired: bool = False

    @property
    def is_known(self) -> bool:
        """Of a status that is not in the table, or that Google has not set, nothing is known."""
        return self != UNKNOWN


UNKNOWN = Meaning()

CLUSTER: Mapping[str, Meaning] = {
    "PROVISIONING": Meaning(is_moving=True),
    "RUNNING": Meaning(serves=True),
    "RECONCILING": Meaning(serves=True, is_moving=True),
    # "requires user action to restore full functionality": what runs goes on, and it can be mended only if we go on
    "DEGRADED": Meaning(serves=True, is_impaired=True),
    "STOPPING": Meaning(is_moving=True, is_going=True),
    "ERROR": Meaning(is_dead=True),
    "STATUS_UNSPECIFIED": UNKNOWN,
}
POOL: Mapping[str, Meaning] = {
    "PROVISIONING": Meaning(serves=True, is_moving=True),
    "RUNNING": Meaning(serves=True),
    "RUNNING_WITH_ERROR": Meaning(serves=True, is_impaired=True),
    "RECONCILING": Meaning(serves=True, is_moving=True),
    "STOPPING": Meaning(is_moving=True, is_going=True),
    "ERROR": Meaning(is_dead=True),
    "STATUS_UNSPECIFIED": UNKNOWN,
}


def of_cluster(body: Mapping[str, object]) -> Meaning:
    return CLUSTER.get(str(body.get("status") or ""), UNKNOWN)


def of_pool(body: Mapping[str, object]) -> Meaning:
    return POOL.get(str(body.get("status") or ""), UNKNOWN)


__all__ = ("CLUSTER", "POOL", "UNKNOWN", "Meaning", "of_cluster", "of_pool")
