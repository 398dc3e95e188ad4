# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cloud's lists as a test tells them, and what they are asked with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import Json, Operation
from ansible_collections.rhaii.gke.plugins.module_utils._google import GoogleError
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.leftovers import run
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.ports import LeftoverPorts
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.things import Thing

from tests.unit.fake_clock import FakeClock

LABELS = {"managed-by": "rhaii-gke", "rhaii-environment": "demo"}
ROOT = "https://www.googleapis.com/compute/v1/projects/p"
SERVICE = "opendatahub/inference-gateway-istio"
NOTE = {"kubernetes.io/service-name": SERVICE}
TAG = "gke-c-0123abcd-node"


def thing(kind: str, name: str = "x", place: str = "europe-west4", **members: Any) -> Thing:
    return Thing(kind, name, place, f"{ROOT}/{kind}/{place}/{name}", **members)


def balancer(tag: str = TAG, place: str = "europe-west4", firewall: bool = True) -> list[Thing]:
    """What a Service of type LoadBalancer is made of; its firewall rule has the tag of the cluster's machines."""
    parts = [thing(kind, "a1", place, notes=NOTE) for kind in ("forwarding_rule", "target_pool", "address")]
    return parts + ([thing("firewall", "k8s-fw-a1", "global", notes=NOTE, tags=(tag,))] if firewall else [])


def cluster(name: str = "c", location: str = "europe-west4-a", **members: Any) -> Json:
    """A living one that is ours, as container.v1 has it."""
    pools = [{"name": name, "config": {"resourceLabels": LABELS}} for name in ("default-pool", "tpu-pool")]
    found = {"name": name, "location": location, "id": "0123abcd4567ef", "resourceLabels": LABELS, "nodePools": pools}
    return {**found, **members}


def operation(name: str = "o", status: str = "RUNNING", target: str = "clusters/c") -> Operation:
    root = "https://container.googleapis.com/v1/projects/1/zones/europe-west4-a"
    return Operation(name, "DELETE_CLUSTER", status, f"{root}/{target}")


@dataclass
class Lists:
    """What `vanishing` names is gone after so many looks."""

    found: list[Thing] = field(default_factory=list)
    vanishing: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    running: list[Operation] = field(default_factory=list)
    living: list[Json] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    project: str = "p"

    def clusters(self) -> Sequence[Json]:
        return self.living

    def operations(self, location: str) -> Sequence[Operation]:
        self.places.append(location)
        self.refuse("operation")
        return self.running

    def refuse(self, kind: str) -> None:
        self.asked.append(kind)
        if kind in self.refused:
            raise GoogleError(f"list {kind}", self.refused[kind], "PERMISSION_DENIED", f"Required '{kind}.list'")

    def things(self, kind: str) -> Sequence[Thing]:
        self.refuse(kind)
        looks = self.asked.count(kind)
        return [each for each in self.found if each.kind == kind and looks <= self.vanishing.get(each.name, 1_000_000)]


def params(**options: Any) -> dict[str, Any]:
    wanted = {
        "cluster": "c",
        "environment": "demo",
        "locations": ["europe-west4-a"],
        "services": [SERVICE],
        "foreign_services": [],
        "namespaces": [],
        "known": [],
        "kinds": [],
        "wait": False,
        "wait_timeout": 300,
        "wait_interval": 10,
    }
    return {**wanted, **options}


def looked(lists: Any, clock: Any = None, said: list[str] | None = None, **options: Any) -> dict[str, Any]:
    ports = LeftoverPorts(lists, clock or FakeClock())
    return run(params(**options), ports, (said if said is not None else []).append, True)
