# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The load balancers behind Services of type LoadBalancer: what a cluster's network process asks for."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.cloud.calls import Cloud
from sandbox.cloud.errors import Json
from sandbox.cloud.gke import digest, network_of
from sandbox.cloud.state import LoadBalancer, cluster_key

FIELDS = ("project", "location", "cluster", "namespace", "service")


class LoadBalancerError(Exception):
    """A request that cannot be served: status and sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def request(cloud: Cloud, wanted: Mapping[str, str]) -> tuple[int, Json]:
    """200 with the address, or 202 while the forwarding rule is being made."""
    name = name_of(wanted)
    cluster = cloud.state.clusters.get(cluster_key(wanted["location"], wanted["cluster"]))
    if cluster is None:
        raise LoadBalancerError(404, f"there is no cluster {wanted['cluster']} in {wanted['location']}")
    now = cloud.clock.now()
    balancer = cloud.state.load_balancers.get(name)
    if balancer is None:
        length = cloud.timetable.real(cloud.timetable.guide("load_balancer"))
        balancer = LoadBalancer(
            name=name,
            location=wanted["location"],
            cluster=wanted["cluster"],
            namespace=wanted["namespace"],
            service=wanted["service"],
            address=free_address(cloud, cluster.index),
            created_at=now,
            ready_at=now + length,
            cluster_uid=cluster.uid,
            network=network_of(cluster),
        )
        cloud.state.load_balancers[name] = balancer
        cloud.timeline.note("load balancer", f"{balancer.namespace}/{balancer.service}", length, now)
        region = cloud.project.region(balancer.location) or ""
        for kind in ("address", "forwarding_rule"):
            cloud.ledger.open(
                kind, name, region, address=balancer.address, service=f"{balancer.namespace}/{balancer.service}"
            )
        cloud.store.save()
    if now < balancer.ready_at:
        return 202, {"state": "pending"}
    return 200, {"address": balancer.address, "name": name}


def release(cloud: Cloud, wanted: Mapping[str, str]) -> None:
    """Give address and forwarding rule back; 404 when there are none."""
    name = name_of(wanted)
    balancer = cloud.state.load_balancers.pop(name, None)
    if balancer is None:
        raise LoadBalancerError(404, f"Service {wanted['namespace']}/{wanted['service']} has no load balancer")
    region = cloud.project.region(balancer.location) or ""
    for kind in ("address", "forwarding_rule"):
        cloud.ledger.close(kind, name, region)
    cloud.store.save()


def name_of(wanted: Mapping[str, str]) -> str:
    """The forwarding rule's name; 400 when the request does not say for what."""
    missing = [field for field in FIELDS if not isinstance(wanted.get(field), str) or not wanted[field]]
    if missing:
        raise LoadBalancerError(
            400, f"a load balancer's request names {', '.join(FIELDS)}; missing: {', '.join(missing)}"
        )
    return "a" + digest(*[wanted[field] for field in FIELDS], length=31)


def free_address(cloud: Cloud, index: int) -> str:
    """The lowest external address of a cluster's range that nobody has; a cluster may leave some behind."""
    taken = {balancer.address for balancer in cloud.state.load_balancers.values()}
    for last in range(1, 255):
        address = f"127.201.{index}.{last}"
        if address not in taken:
            return address
    raise LoadBalancerError(429, "Quota 'IN_USE_ADDRESSES' exceeded: 254 load balancers in one cluster")
