# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The size of flex-start pools: machines come when pods ask for them. Other pools are left as they are."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from sandbox.cloud.errors import Json
from sandbox.cloud.gke import EFFECTS, node_labels
from sandbox.cloud.limits import machine_of
from sandbox.cloud.state import CREATING, DELETING, Cluster, Group, Pool

CHIPS = "google.com/tpu"


def scales(pool: Pool) -> bool:
    """Whether a pool grows by itself."""
    flexible = bool(pool.body["config"].get("flexStart")) and bool(pool.body["autoscaling"].get("enabled"))
    return flexible and pool.status == "RUNNING"


def wanted_size(cluster: Cluster, pool: Pool, region: str, pods: Iterable[Json]) -> int:
    """Machines in each zone that would take the pods which find no node; never fewer than there are."""
    groups = list(pool.groups.values())
    machine = machine_of(pool)
    asking = [pod for pod in pods if any(fits(pod, pool, group, region) for group in groups)]
    chips = sum(chips_of(pod) for pod in asking)
    more = math.ceil(chips / machine.chips) if machine.chips else 0
    alive = [each for group in groups for each in group.instances.values() if each.status != DELETING]
    serving = sum(1 for each in alive if each.status != CREATING)
    bounds = pool.body["autoscaling"]
    most = int(bounds.get("totalMaxNodeCount") or bounds.get("maxNodeCount", 0) * len(groups))
    total = max(len(alive), min(most, serving + more))
    return math.ceil(total / max(1, len(groups)))


def fits(pod: Json, pool: Pool, group: Group, region: str) -> bool:
    """Whether a new machine of a pool would take a pod, by labels, taints and chips."""
    spec = pod.get("spec") or {}
    labels = node_labels(pool, group, "", region)
    selected = (spec.get("nodeSelector") or {}).items() <= labels.items()
    taints = pool.body["config"].get("taints", [])
    return selected and chips_of(pod) > 0 and all(tolerated(taint, spec.get("tolerations") or []) for taint in taints)


def tolerated(taint: Mapping[str, str], tolerations: Iterable[Mapping[str, str]]) -> bool:
    """Whether one of the tolerations is for a taint."""
    effect = EFFECTS[taint["effect"]]
    return effect == "PreferNoSchedule" or any(
        each.get("effect", effect) == effect
        and each.get("key", taint["key"]) == taint["key"]
        and (each.get("operator") == "Exists" or each.get("value", "") == taint.get("value", ""))
        for each in tolerations
    )


def chips_of(pod: Json) -> int:
    """The TPU chips that a pod asks for."""
    containers = (pod.get("spec") or {}).get("containers") or []
    return sum(int(((each.get("resources") or {}).get("limits") or {}).get(CHIPS, 0)) for each in containers)
