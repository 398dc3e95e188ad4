# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The kinds of things that are looked for: how each is listed, what it costs, and the command that ends it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """A kind of thing: what people call it, how it is listed, what it costs, and the command that ends it."""

    name: str
    words: str
    path: str
    member: str
    command: str
    cost: str


HOURLY = "billed by the hour"
# In the order in which the commands work: what refers to another thing comes before it.
KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("operation", "running operation", "", "", "container operations wait", "what it makes is billed"),
        Kind("node_pool", "node pool", "", "", "container node-pools delete", f"its machines are {HOURLY}"),
        Kind("cluster", "cluster", "", "", "container clusters delete", f"its control plane is {HOURLY}"),
        Kind(
            "forwarding_rule",
            "forwarding rule",
            "aggregated/forwardingRules",
            "forwardingRules",
            "compute forwarding-rules delete",
            f"{HOURLY}, used or not, and by the GB",
        ),
        Kind(
            "target_pool", "target pool", "aggregated/targetPools", "targetPools", "compute target-pools delete", "free"
        ),
        Kind(
            "backend_service",
            "backend service",
            "aggregated/backendServices",
            "backendServices",
            "compute backend-services delete",
            "free",
        ),
        Kind(
            "address",
            "address",
            "aggregated/addresses",
            "addresses",
            "compute addresses delete",
            f"{HOURLY}, dearer when nothing uses it",
        ),
        Kind(
            "instance_group",
            "instance group",
            "aggregated/instanceGroupManagers",
            "instanceGroupManagers",
            "compute instance-groups managed delete",
            f"its machines are {HOURLY}",
        ),
        Kind("instance", "machine", "aggregated/instances", "instances", "compute instances delete", HOURLY),
        Kind("disk", "disk", "aggregated/disks", "disks", "compute disks delete", HOURLY),
        Kind("firewall", "firewall rule", "global/firewalls", "", "compute firewall-rules delete", "free"),
    )
}
OF_CONTAINER = frozenset({"operation", "node_pool", "cluster"})
OF_LOAD_BALANCERS = frozenset({"forwarding_rule", "target_pool", "backend_service", "address", "firewall"})

__all__ = ("KINDS", "OF_CONTAINER", "OF_LOAD_BALANCERS", "Kind")
