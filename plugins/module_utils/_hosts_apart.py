# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""Whether each host of an inventory is a cluster of its own, and stays the one that its own inventory says."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

# More of them make no sentence clearer.
SHOWN = 5


@dataclass(frozen=True)
class Value:
    """What stands for a host, and which variable says so, and where; no text is unknown."""

    text: str
    source: str = ""


@dataclass(frozen=True)
class Place:
    """Where a host's cluster is. `cloud` is an address in place of Google's, since each has projects of its own."""

    host: str
    project: Value
    location: Value
    cluster: Value
    environment: Value
    cloud: str = ""

    @property
    def of_cluster(self) -> tuple[str, ...]:
        return self.cloud, self.project.text, self.location.text, self.cluster.text

    @property
    def of_environment(self) -> tuple[str, ...]:
        return self.cloud, self.project.text, self.environment.text


# The parts of a place, as people call them, and the variable that gives each.
PARTS = {
    "project": ("project", "rhaii_project"),
    "location": ("location", "rhaii_location"),
    "cluster": ("cluster name", "rhaii_cluster_name"),
    "environment": ("environment", "rhaii_environment"),
}


def clashes(places: Iterable[Place], in_play: Collection[str]) -> list[str]:
    """Hosts that mean the same cluster, or the same environment of a project, where the play has one of them."""
    places = list(places)
    found = []
    # who means the same cluster need not be told of the environment
    told: set[tuple[str, ...]] = set()
    for group in _alike([(place.of_cluster, place) for place in places]):
        told.add(tuple(place.host for place in group))
        if _plays(group, in_play):
            found.append(_same_cluster(group))
    for group in _alike([(place.of_environment, place) for place in places]):
        if tuple(place.host for place in group) not in told and _plays(group, in_play):
            found.append(_same_environment(group))
    return found


def _alike(keyed: Sequence[tuple[tuple[str, ...], Place]]) -> list[list[Place]]:
    groups: dict[tuple[str, ...], list[Place]] = {}
    for key, place in keyed:
        # the cloud alone may be empty: it is Google's then
        if all(key[1:]):
            groups.setdefault(key, []).append(place)
    return [group for group in groups.values() if len(group) > 1]


def _plays(group: Iterable[Place], in_play: Collection[str]) -> bool:
    return any(place.host in in_play for place in group)


def _same_cluster(group: Sequence[Place]) -> str:
    one = group[0]
    return (
        f"The hosts {_names(group)} mean the same cluster: {one.cluster.text} in {one.location.text} of the project "
        f"{one.project.text} ({_sources(group, ('cluster', 'location', 'project'))}). Give each a rhaii_cluster_name "
        "of its own, or take one of them out of the inventory."
    )


def _same_environment(group: Sequence[Place]) -> str:
    one = group[0]
    return (
        f"The hosts {_names(group)} have the same environment, {one.environment.text}, in the project "
        f"{one.project.text} ({_sources(group, ('environment', 'project'))}). What is made for one would count as the "
        "other's. Give each a rhaii_environment of its own, or leave it out: then it is the host's name."
    )


def _names(group: Sequence[Place]) -> str:
    names = [place.host for place in group]
    if len(names) > SHOWN:
        return f"{', '.join(names[:SHOWN])} and {len(names) - SHOWN} more"
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _sources(group: Sequence[Place], parts: Sequence[str]) -> str:
    """Where each value comes from, once where it is the same for all."""
    said = []
    for part in parts:
        hosts_by_source: dict[str, list[str]] = {}
        for place in group[:SHOWN]:
            hosts_by_source.setdefault(getattr(place, part).source or "unknown", []).append(place.host)
        if len(hosts_by_source) == 1:
            said.append(f"{PARTS[part][0]} by {next(iter(hosts_by_source))}")
        else:
            each = ", ".join(f"{source} for {' and '.join(hosts)}" for source, hosts in hosts_by_source.items())
            said.append(f"{PARTS[part][0]} by {each}")
    return "; ".join(said)


def mixture(alone: Place, together: Place, inventory: str) -> str:
    """How other inventories that are given change which cluster a host of `inventory` means; empty when they do not."""
    changed = [part for part in PARTS if getattr(alone, part).text != getattr(together, part).text]
    if not changed and alone.cloud == together.cloud:
        return ""
    moved = "; ".join(
        f"{PARTS[part][0]} {_shown(getattr(alone, part))} would be {_shown(getattr(together, part))}"
        for part in changed
    )
    return (
        f"The inventories mix: {alone.host} of {inventory} would mean another cluster beside the others "
        f"({moved or 'rhaii_google_endpoints'}). Give one of them at a time, or keep all hosts in one inventory."
    )


def _shown(value: Value) -> str:
    return f"{value.text or 'unknown'} by {value.source or 'nothing'}"


__all__ = ("PARTS", "Place", "Value", "clashes", "mixture")
