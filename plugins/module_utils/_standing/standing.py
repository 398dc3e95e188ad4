# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""gke_standing: what of an environment is up in the cloud, whoever brought it up, and what it bills an hour.

Meant for the end of a run that failed and for the first line after one that was killed, so that nothing in here may
fail, and nobody has to wait: what cannot be looked at is said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from ansible_collections.rhaii.gke.plugins.module_utils._argspec import GOOGLE_REQUIRED_IF, google_options
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Capability, Params, Progress, Result, silent
from ansible_collections.rhaii.gke.plugins.module_utils._cost.cost import CURRENCY, Market, read
from ansible_collections.rhaii.gke.plugins.module_utils._cost.ports import CostPorts
from ansible_collections.rhaii.gke.plugins.module_utils._cost.skus import COMPUTE_ENGINE, NETWORKING, Sku
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError, one_line
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import (
    Instance,
    Json,
    Operation,
    groups_of,
    silent_in,
)
from ansible_collections.rhaii.gke.plugins.module_utils._google import GoogleError
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.look import look
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.ownership import OURS, Claim
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.ports import Inventory
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.things import Thing, region_of
from ansible_collections.rhaii.gke.plugins.module_utils._standing.bill import bill
from ansible_collections.rhaii.gke.plugins.module_utils._standing.google import standing_ports
from ansible_collections.rhaii.gke.plugins.module_utils._standing.ports import Cloud, StandingPorts
from ansible_collections.rhaii.gke.plugins.module_utils._standing.things import (
    Cluster,
    Standing,
    cluster_of,
    pool_of,
)
from ansible_collections.rhaii.gke.plugins.module_utils._standing.words import in_words, row

UNKNOWN: Result = {
    "changed": False,
    "known": False,
    "up": None,
    "clusters": [],
    "others": [],
    "load_balancers": 0,
    "hourly": None,
    "hourly_when_up": None,
    "currency": CURRENCY,
    "source": "",
    "as_of": "",
    "lines": [],
    "unknown": [],
}


@dataclass(frozen=True)
class _Listed:
    """The lists of the cloud, of which that of the clusters has been read already."""

    inventory: Inventory
    listed: Sequence[Json]

    @property
    def project(self) -> str:
        return self.inventory.project

    def clusters(self) -> Sequence[Json]:
        return self.listed

    def operations(self, location: str) -> Sequence[Operation]:
        return self.inventory.operations(location)

    def things(self, kind: str) -> Sequence[Thing]:
        return self.inventory.things(kind)


class _Look:
    def __init__(self, params: Params, cloud: Cloud) -> None:
        self.environment = str(params["environment"])
        self.name = str(params["cluster"] or "")
        self.locations: Collection[str] = tuple(params["locations"] or ())
        self.services = frozenset(params["services"] or ())
        self.cloud = cloud
        self.unread: list[str] = []

    def standing(self) -> Standing:
        """Raises RhaiiError or OSError when not even the clusters can be listed."""
        listed = self.cloud.inventory.clusters()
        silent = silent_in(listed)
        if silent:
            self.unread.append(f"what there is in {', '.join(silent)}, which did not answer Google")
        judged = [(cluster_of(body, self.environment), body) for body in listed]
        ours = [self.with_pools(cluster, body) for cluster, body in judged if cluster.whose.is_ours]
        if silent and not ours:
            raise RhaiiError(f"{', '.join(silent)} did not answer Google, and what is there is not in its list.")
        others = [
            cluster
            for cluster, _whose in judged
            if not cluster.whose.is_ours and cluster.name == self.name and cluster.location in self.locations
        ]
        balancers = self.balancers(listed, ours)
        return Standing(tuple(ours), tuple(others), balancers, tuple(self.unread))

    def with_pools(self, cluster: Cluster, body: Json) -> Cluster:
        pools = [pool_of(each, body, self.environment, self.instances(each)) for each in body.get("nodePools") or []]
        return replace(cluster, pools=tuple(pools))

    def instances(self, pool: Json) -> Sequence[Instance] | None:
        found: list[Instance] = []
        for group in groups_of(pool):
            try:
                found += self.cloud.machines.instances(group)
            except (RhaiiError, OSError) as error:
                if isinstance(error, GoogleError) and error.status == 404:
                    # a pool has the URLs of its groups a moment before and after they are there
                    continue
                self.unread.append(f"how many machines {pool.get('name')} has: {reason(error)}")
                return None
        return found

    def balancers(self, listed: Sequence[Json], ours: Sequence[Cluster]) -> dict[str, int]:
        """Those of the cluster by that name, also when it is gone and they were left behind."""
        name = self.name or next((each.name for each in ours), "")
        locations = dict.fromkeys([*(each.location for each in ours), *self.locations])
        if not name or not locations:
            return {}
        claim = Claim(name, self.environment, tuple(locations), self.services)
        try:
            seen = look(_Listed(self.cloud.inventory, listed), claim, {"forwarding_rule"})
        except (RhaiiError, OSError) as error:
            self.unread.append(f"whether there are load balancers: {reason(error)}")
            return {}
        if "forwarding_rule" in seen.unread:
            self.unread.append(f"whether there are load balancers: {seen.unread['forwarding_rule']}")
        return dict(Counter(region_of(each.thing.place) for each in seen.found if each.certainty == OURS))


def reason(error: Exception) -> str:
    return error.msg if isinstance(error, RhaiiError) else one_line(error)


def run(params: Params, ports: StandingPorts, progress: Progress, check_mode: bool) -> Result:
    del progress, check_mode
    try:
        cloud = ports.open()
        found = _Look(params, cloud).standing()
    except (RhaiiError, OSError) as error:
        said = reason(error)
        return {**UNKNOWN, "reason": said, "unread": [], "msg": f"It is not known what is up: {said}"}
    market = _market(found, cloud.cost, float(params["catalog_timeout"]))
    now, when_up = bill(found, market), bill(found, market, when_up=True)
    return {
        "changed": False,
        "known": True,
        "reason": "",
        "up": found.up,
        "clusters": [row(cluster) for cluster in found.ours],
        "others": [row(cluster) for cluster in found.others],
        "load_balancers": sum(found.balancers.values()),
        "hourly": round(now.hourly, 4),
        "hourly_when_up": round(when_up.hourly, 4),
        "currency": CURRENCY,
        "source": now.source,
        "as_of": now.as_of,
        "lines": [line.public() for line in now.lines],
        "unknown": list(now.unknown),
        "unread": list(found.unread),
        "msg": in_words(found, now, when_up),
    }


def _market(found: Standing, ports: CostPorts, timeout: float) -> Market:
    """Where nothing is up, no price is asked for."""
    skus: Sequence[Sku] = []
    if timeout > 0 and found.up:
        services = [COMPUTE_ENGINE, *([NETWORKING] if found.balancers else [])]
        skus, _unread = read(ports, services, timeout, silent)
    return Market(skus, ports.clock.now().date().isoformat())


CAPABILITY = Capability(
    name="gke_standing",
    argument_spec=google_options(
        environment={"type": "str", "required": True},
        cluster={"type": "str"},
        locations={"type": "list", "elements": "str", "default": []},
        services={"type": "list", "elements": "str", "default": []},
        catalog_timeout={"type": "int", "default": 10},
        request_timeout={"type": "int", "default": 10},
    ),
    ports=standing_ports,
    run=run,
    required_if=GOOGLE_REQUIRED_IF,
)

__all__ = ("CAPABILITY", "UNKNOWN", "reason", "run")
