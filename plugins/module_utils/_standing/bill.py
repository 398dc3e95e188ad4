# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""What stands costs so much an hour: now, and once every machine that is asked for is there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ansible_collections.rhaii.gke.plugins.module_utils._cost.cost import BILLING, Line, Market, priced
from ansible_collections.rhaii.gke.plugins.module_utils._cost.items import (
    ALWAYS,
    Item,
    load_balancers,
    management,
    ordinary_machines,
    tpu_node,
)
from ansible_collections.rhaii.gke.plugins.module_utils._quota.values import region_of
from ansible_collections.rhaii.gke.plugins.module_utils._standing.things import Cluster, Pool, Standing


@dataclass(frozen=True)
class Bill:
    """`unknown` has no price, or is not known to be there, and is missing in the sum."""

    lines: tuple[Line, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def hourly(self) -> float:
        return sum(line.hourly for line in self.lines)

    @property
    def source(self) -> str:
        """Where the price of what costs most is from."""
        dearest = max(self.lines, key=lambda line: line.hourly, default=None)
        return "" if dearest is None else dearest.price.source

    @property
    def as_of(self) -> str:
        dearest = max(self.lines, key=lambda line: line.hourly, default=None)
        return "" if dearest is None else dearest.price.as_of

    @property
    def words(self) -> str:
        """Where the prices are from, for people."""
        if not self.lines:
            return ""
        origin = "Cloud Billing" if self.source == BILLING else "the collection's table of prices"
        return f"{origin}, {self.as_of or 'undated'}"


def bill(standing: Standing, market: Market, *, when_up: bool = False) -> Bill:
    """Of what is ours. `when_up`: as if every machine that is asked for was there."""
    lines: list[Line] = []
    unknown: list[str] = []
    for region, item, often in _charges(standing, when_up):
        found = priced(item, often, region, market)
        lines += found
        if not found:
            unknown.append(item.what)
    unknown += [
        f"the machines of {pool.name}"
        for cluster in standing.ours
        for pool in cluster.pools
        if pool.nodes is None and pool.whose.is_ours
    ]
    return Bill(tuple(lines), tuple(dict.fromkeys(unknown)))


def _charges(standing: Standing, when_up: bool) -> Iterator[tuple[str, Item, int]]:
    for cluster in standing.ours:
        region = region_of(cluster.location)
        if cluster.bills or when_up:
            yield region, management(), 1
        for pool in cluster.pools:
            nodes = count(cluster, pool, when_up)
            if nodes and pool.whose.is_ours:
                for item in _of_pool(pool, nodes):
                    yield region, item, nodes if pool.family else 1
    for region, rules in standing.balancers.items():
        for item in load_balancers(rules):
            yield region, item, 1


def count(cluster: Cluster, pool: Pool, when_up: bool) -> int:
    """Machines that bill, or will; what is being deleted gets no new ones."""
    nodes = pool.nodes or 0
    is_going = "STOPPING" in (cluster.status, pool.status)
    return max(nodes, pool.asked or 0) if when_up and not is_going else nodes


def _of_pool(pool: Pool, nodes: int) -> Iterator[Item]:
    family = pool.family
    if family:
        disk = {"type": pool.disk_type, "size_gb": pool.disk_size_gb} if pool.disk_size_gb else None
        yield from tpu_node(family, pool.machine_type, pool.provisioning, disk, pool.private_nodes)
    elif pool.provisioning == "spot":
        # spot prices of ordinary machines change, and no list of ours has them
        yield Item(f"spot machines, {pool.machine_type}", ALWAYS, ())
    else:
        machines = {
            "machine_type": pool.machine_type,
            "nodes": nodes,
            "disk_type": pool.disk_type or "of an unknown type",
            "disk_size_gb": pool.disk_size_gb,
        }
        yield from ordinary_machines(machines, pool.private_nodes)


__all__ = ("Bill", "bill", "count")
