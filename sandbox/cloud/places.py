# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a call of Kubernetes Engine leads: location, cluster, pool, and their names in messages."""

from __future__ import annotations

from sandbox.cloud.calls import Call
from sandbox.cloud.errors import GoogleError, not_found
from sandbox.cloud.project import Project
from sandbox.cloud.state import Cluster, Pool, cluster_key


def location_of(call: Call, *, any_place: bool = False) -> str:
    """The call's location; 403 as Google answers for a place that is none."""
    # the older form of the paths calls it a zone
    location = call.params.get("location") or call.params["zone"]
    if any_place and location == "-":
        return location
    if call.cloud.project.region(location) is None:
        raise GoogleError("PERMISSION_DENIED", f"Permission denied on 'locations/{location}' (or it may not exist).")
    return location


def cluster_of(call: Call) -> Cluster:
    """The cluster that the call names."""
    location, name = location_of(call), call.params["cluster"]
    cluster = call.cloud.state.clusters.get(cluster_key(location, name))
    if cluster is None:
        raise not_found(f"Not found: {cluster_path(call.cloud.project, location, name)}.")
    return cluster


def pool_of(call: Call) -> tuple[Cluster, Pool]:
    """The cluster and the pool that the call names."""
    cluster, name = cluster_of(call), call.params["nodePool"]
    pool = cluster.pools.get(name)
    if pool is None:
        raise not_found(f"Not found: {pool_path(call.cloud.project, cluster, name)}.")
    return cluster, pool


def cluster_path(project: Project, location: str, cluster: str) -> str:
    """A cluster's name."""
    kind = "zones" if project.is_zone(location) else "locations"
    return f"projects/{project.id}/{kind}/{location}/clusters/{cluster}"


def pool_path(project: Project, cluster: Cluster, pool: str) -> str:
    """A pool's name."""
    return f"{cluster_path(project, cluster.location, cluster.name)}/nodePools/{pool}"
