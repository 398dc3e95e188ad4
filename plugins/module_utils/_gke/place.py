# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""gke_place: where an environment's cluster is, where it may go next, and what a move left behind.

A move cannot leave a note on the cluster that it leaves: GKE refuses to label it while the operation runs that made the
environment move. So the note is in the request that creates the next cluster, rhaii-debt-<location>=<operation>, and
that cluster is never there without it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.rhaii.gke.plugins.module_utils._argspec import GOOGLE_REQUIRED_IF, google_options
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Capability, Params, Progress, Result
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._gke.google import gke_ports
from ansible_collections.rhaii.gke.plugins.module_utils._gke.ports import GkePorts
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import Json, debts_of, silent_in
from ansible_collections.rhaii.gke.plugins.module_utils._ownership import of_cloud
from ansible_collections.rhaii.gke.plugins.module_utils._patience import Patience

# How long a look may take while Google has trouble of its own.
LOOK_SECONDS = 300.0


@dataclass(frozen=True)
class Place:
    # where to work: the environment's cluster, or the first candidate
    location: str
    exists: bool
    # clusters that a move left behind and that are still there, location to operation
    debts: Mapping[str, str]
    # notes of such clusters that are gone
    settled: tuple[str, ...]
    # other clusters of this environment that no note tells of
    strays: tuple[str, ...]
    # candidates that were not tried yet, in order
    candidates: tuple[str, ...]


def place(
    candidates: Sequence[str],
    clusters: Mapping[str, Mapping[str, str]],
    left: Mapping[str, str],
    silent: Sequence[str] = (),
) -> Place:
    """`clusters`: the environment's, location to labels. `left`: what this run itself has left behind already.

    `silent` are the zones that did not answer Google: that no cluster is seen there proves nothing.
    """
    noted = {location: debts_of(labels) for location, labels in clusters.items()}
    debts = {**{where: operation for notes in noted.values() for where, operation in notes.items()}, **left}
    homes = [location for location in clusters if location not in debts]
    ranked = sorted(homes, key=lambda each: (not noted[each], _rank(candidates, each), each))
    untried = tuple(each for each in candidates if each not in clusters and each not in debts)
    if ranked:
        location = ranked[0]
    elif silent:
        raise RhaiiError(
            f"It is not known whether the environment has a cluster: {', '.join(silent)} did not answer Google, and "
            "what is there is not in its list. So nothing is created, lest there be two.",
            remedy="Run again when Google answers for these zones (https://status.cloud.google.com).",
            result={"debts": {}, "silent": list(silent)},
        )
    elif untried:
        location = untried[0]
    else:
        raise RhaiiError(
            f"None of the locations {', '.join(candidates)} had the machines, so there is nowhere left to move to.",
            remedy="Name more zones that have quota (rhaii_fallback_locations; preflight ranks them), or run again "
            "later with cluster_on_stockout: wait.",
            result={"debts": {each: debts[each] for each in sorted(debts) if each in clusters}},
        )
    return Place(
        location=location,
        exists=bool(ranked),
        debts={each: debts[each] for each in sorted(debts) if each in clusters},
        settled=tuple(sorted(each for each in debts if each not in clusters and not _is_silent(each, silent))),
        strays=tuple(sorted(ranked[1:])),
        candidates=tuple(each for each in untried if each != location),
    )


def _is_silent(location: str, silent: Sequence[str]) -> bool:
    """A zone is, or a region one of whose zones is."""
    return any(zone == location or zone.startswith(f"{location}-") for zone in silent)


def _rank(candidates: Sequence[str], location: str) -> int:
    return list(candidates).index(location) if location in candidates else len(candidates)


def of_environment(clusters: Sequence[Json], name: str, environment: str) -> dict[str, dict[str, str]]:
    """Only what is ours counts, wherever it is."""
    found = {}
    for cluster in clusters:
        labels = {str(key): str(value) for key, value in (cluster.get("resourceLabels") or {}).items()}
        if cluster.get("name") == name and of_cloud(labels, environment).is_ours:
            found[str(cluster.get("location") or "")] = labels
    return found


def run(params: Params, ports: GkePorts, progress: Progress, check_mode: bool) -> Result:
    del check_mode
    candidates = list(dict.fromkeys([params["location"], *(params["candidates"] or [])]))
    patience = Patience(
        ports.clock, progress, what=f"environment {params['environment']}", timeout=LOOK_SECONDS, chance=ports.chance
    )
    listed = patience.read(ports.clusters.list_clusters)
    clusters = of_environment(listed, params["name"], params["environment"])
    silent = silent_in(listed)
    left = {str(where): str(operation) for where, operation in (params["left"] or {}).items()}
    try:
        found = place(candidates, clusters, left, silent)
    except RhaiiError as error:
        places = " and ".join(error.result["debts"])
        if places:
            error.remedy += (
                f" What there is in {places} may bill: end each with ansible-playbook playbooks/teardown.yml "
                f"-e rhaii_location=... -e rhaii_on_stockout=fail -e rhaii_teardown_confirm={params['environment']}"
            )
        raise
    if silent:
        progress(
            f"environment {params['environment']}: {', '.join(silent)} did not answer Google, so more may be there"
        )
    if found.location != params["location"]:
        progress(f"environment {params['environment']}: works in {found.location}, not in {params['location']}")
    return {
        "changed": False,
        "location": found.location,
        "exists": found.exists,
        "moved": found.location != params["location"],
        "debts": dict(found.debts),
        "settled": list(found.settled),
        "strays": list(found.strays),
        "candidates": list(found.candidates),
    }


CAPABILITY = Capability(
    name="gke_place",
    argument_spec=google_options(
        location={"type": "str", "required": True},
        candidates={"type": "list", "elements": "str", "default": []},
        name={"type": "str", "required": True},
        environment={"type": "str", "required": True},
        left={"type": "dict", "default": {}},
    ),
    ports=gke_ports,
    run=run,
    required_if=GOOGLE_REQUIRED_IF,
)

__all__ = ("CAPABILITY", "Place", "of_environment", "place", "run")
