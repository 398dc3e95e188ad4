# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The clusters of projects as hosts of an inventory: what is kept of each, which are wanted, and their names."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Protocol

from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._gke.cluster_plan import dns_of
from ansible_collections.rhaii.gke.plugins.module_utils._ownership import ENVIRONMENT, of_cloud

Json = dict[str, Any]


class Ask(Protocol):
    """A page of a list of Google's, by its path and the page's token."""

    def __call__(self, path: str, *, query: Mapping[str, str]) -> Json: ...


@dataclass(frozen=True)
class Listed:
    """The clusters of a project, and the zones that did not answer, of which nothing is known then."""

    clusters: Sequence[Json]
    missing_zones: Sequence[str] = ()


@dataclass(frozen=True)
class Wanted:
    """Which clusters become hosts. Nothing given is all."""

    names: Sequence[str] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    ours_alone: bool = False

    def has(self, host: Json) -> bool:
        labels = host["gke_labels"]
        return (
            (not self.names or any(fnmatchcase(host["rhaii_cluster_name"], pattern) for pattern in self.names))
            and all(
                name in labels and fnmatchcase(str(labels[name]), str(pattern)) for name, pattern in self.labels.items()
            )
            and (host["gke_is_ours"] or not self.ours_alone)
        )


def listed(ask: Ask, project: str) -> Listed:
    """All clusters of a project, of all its locations."""
    clusters: list[Json] = []
    missing: set[str] = set()
    query: dict[str, str] = {}
    while True:
        page = ask(f"/v1/projects/{project}/locations/-/clusters", query=query)
        clusters += [variables_of(project, cluster) for cluster in page.get("clusters") or []]
        missing |= set(page.get("missingZones") or [])
        # Google gives out all at once today; its other lists have pages
        if not page.get("nextPageToken"):
            return Listed(clusters, sorted(missing))
        query = {"pageToken": str(page["nextPageToken"])}


def variables_of(project: str, cluster: Json) -> dict[str, Any]:
    """What a host knows of its cluster. No more is kept: old clusters' answers hold passwords and keys."""
    labels = {str(name): str(value) for name, value in (cluster.get("resourceLabels") or {}).items()}
    environment = labels.get(ENVIRONMENT, "")
    # ours, for whichever environment it says
    whose = of_cloud(labels, environment)
    answers_by_name, name = dns_of(cluster)
    found: dict[str, Any] = {
        "rhaii_project": project,
        "rhaii_location": str(cluster.get("location") or cluster.get("zone") or ""),
        "rhaii_cluster_name": str(cluster.get("name") or ""),
        "gke_endpoint": str(cluster.get("endpoint") or ""),
        "gke_dns_endpoint": name if answers_by_name else "",
        "gke_ca_certificate": _pem(str((cluster.get("masterAuth") or {}).get("clusterCaCertificate") or "")),
        "gke_status": str(cluster.get("status") or ""),
        "gke_version": str(cluster.get("currentMasterVersion") or ""),
        "gke_labels": labels,
        "gke_is_ours": whose.is_ours,
        "gke_whose": "is ours" if whose.is_ours else whose.seems,
    }
    return {**found, "rhaii_environment": environment} if whose.is_ours else found


def _pem(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return ""


def full_name(host: Json) -> str:
    """A name that no other cluster of Google's has."""
    return f"{host['rhaii_cluster_name']}.{host['rhaii_location']}.{host['rhaii_project']}"


def named(hosts: Iterable[Json], name_of: Callable[[Json], str] = full_name) -> dict[str, Json]:
    """The hosts by name; two clusters are never one host."""
    found: dict[str, Json] = {}
    for host in hosts:
        name = name_of(host)
        if not name:
            raise RhaiiError(
                f"The option hostname gives no name to the cluster {full_name(host)}.",
                remedy="Let it name every cluster, as in rhaii_environment | default(rhaii_cluster_name).",
            )
        if name in found:
            raise RhaiiError(
                f"Two clusters would be the host {name}: {full_name(found[name])} and {full_name(host)}.",
                remedy="Leave the option hostname out, which gives each a name of its own, or take fewer clusters with "
                "names, labels or only_ours.",
            )
        found[name] = host
    return found


__all__ = ("Ask", "Listed", "Wanted", "full_name", "listed", "named", "variables_of")
