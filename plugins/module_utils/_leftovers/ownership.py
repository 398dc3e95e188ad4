# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""Whose is a thing: surely ours, maybe ours, or somebody else's. Pure; without a proof nothing is ours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.rhaii.gke.plugins.module_utils._gke.operations import concerns
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import Json, Operation, labels_of_pool
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.kinds import KINDS, OF_LOAD_BALANCERS
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.things import Thing, region_of
from ansible_collections.rhaii.gke.plugins.module_utils._ownership import ANOTHERS, of_cloud

OURS, MAYBE, FOREIGN = "ours", "maybe", "foreign"

_NODE_TAG = re.compile(r"gke-(?P<cluster>[a-z][-a-z0-9]*)-(?P<hash>[0-9a-f]{8})-node")
_OWN_FIREWALL = re.compile(
    r"gke-(?P<cluster>[a-z][-a-z0-9]*)-(?P<hash>[0-9a-f]{8})-(all|vms|master|ssh|inkubelet|exkubelet|mcsd)"
)
# Google cuts the names of machines; whether of tags too, no source says.
_SHORTEST_CUT = 15
_CLAIM_KEY = "kubernetes.io/created-for/pvc/namespace"


@dataclass(frozen=True)
class LivingCluster:
    name: str
    location: str
    # of its id: the first eight digits are in the names of its firewall rules and in the tag of its machines
    hash: str
    labels: Mapping[str, str] = field(default_factory=dict)
    # and the labels of each
    pools: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def living_of(cluster: Json) -> LivingCluster:
    labels = cluster.get("resourceLabels") or {}
    return LivingCluster(
        str(cluster.get("name") or ""),
        str(cluster.get("location") or ""),
        str(cluster.get("id") or "")[:8],
        {str(key): str(value) for key, value in labels.items()},
        {str(pool.get("name")): labels_of_pool(pool) for pool in cluster.get("nodePools") or []},
    )


@dataclass(frozen=True)
class Claim:
    """Whose things are looked for."""

    cluster: str
    environment: str
    locations: tuple[str, ...]
    # namespace/name of the Services that we have load balancers for
    services: frozenset[str] = frozenset()
    # and of those that somebody else has in our cluster
    foreign_services: frozenset[str] = frozenset()
    namespaces: frozenset[str] = frozenset()
    # links of what was ours when it was last looked
    known: frozenset[str] = frozenset()
    living: tuple[LivingCluster, ...] = ()

    def is_ours(self, cluster: LivingCluster) -> bool:
        named = cluster.name == self.cluster and cluster.location in self.locations
        return named and of_cloud(cluster.labels, self.environment).is_ours

    @property
    def foreign_pools(self) -> frozenset[tuple[str, str]]:
        """Location and name of the pools that somebody else has in our cluster."""
        return frozenset(
            (each.location, name)
            for each in self.living
            if self.is_ours(each)
            for name, labels in each.pools.items()
            if not of_cloud(labels, self.environment).is_ours
        )

    @property
    def hashes(self) -> frozenset[str]:
        return frozenset(each.hash for each in self.living if self.is_ours(each))

    @property
    def others(self) -> tuple[LivingCluster, ...]:
        return tuple(each for each in self.living if not self.is_ours(each))

    def fits(self, place: str) -> bool:
        """Could a thing in this zone or region belong to a cluster in our locations?"""
        return place == "global" or any(region_of(place) == region_of(each) for each in self.locations)


@dataclass(frozen=True)
class Judgement:
    thing: Thing
    certainty: str
    why: str


def judge(things: Sequence[Thing], claim: Claim) -> list[Judgement]:
    """What is ours, what may be, and (left out) what is foreign."""
    single = [_judge_one(thing, claim) for thing in things]
    families: dict[tuple[str, str], list[Judgement]] = {}
    for each in single:
        if each.thing.kind in OF_LOAD_BALANCERS and each.thing.service:
            families.setdefault((each.thing.service, each.thing.family), []).append(each)
    proofs = {key: _proof_of(members, claim) for key, members in families.items()}
    # a part that names no Service is told by its companions that do
    foreign = {family for service, family in families if service in claim.foreign_services}
    result = []
    for each in single:
        proof = proofs.get((each.thing.service, each.thing.family)) if each.thing.service else None
        # the parts of one load balancer have one owner, and one of them may be enough to tell whose it is
        decided = each if proof is None or each.thing.link in claim.known else Judgement(each.thing, *proof)
        if each.thing.kind in OF_LOAD_BALANCERS and not each.thing.service and each.thing.family in foreign:
            decided = Judgement(each.thing, FOREIGN, _OTHERS_SERVICE)
        if not claim.fits(each.thing.place):
            decided = Judgement(each.thing, FOREIGN, "it is elsewhere")
        if decided.certainty != FOREIGN:
            result.append(decided)
    return sorted(result, key=rank)


def rank(each: Judgement) -> tuple[bool, int, str]:
    """What is ours comes first, then what must go first."""
    return each.certainty != OURS, list(KINDS).index(each.thing.kind), each.thing.name


def _proof_of(members: Iterable[Judgement], claim: Claim) -> tuple[str, str] | None:
    """Whose a load balancer is, when one of its parts knows."""
    here = [each for each in members if claim.fits(each.thing.place)]
    for certainty in (FOREIGN, OURS):
        found = next((each for each in here if each.certainty == certainty and each.why), None)
        if found:
            return found.certainty, found.why
    tagged = [each for each in here if each.why == _NAME_ONLY]
    regional = [each for each in here if each.thing.place != "global"]
    if tagged and regional:
        return OURS, f"it leads to machines of a cluster {claim.cluster} in this region"
    return None


_OTHERS_SERVICE = "it was made for a Service that is not ours"
_NAME_ONLY = "its name is that of a cluster of this name, of which it is not known where it was"


def _judge_one(thing: Thing, claim: Claim) -> Judgement:
    certainty, why = _verdict(thing, claim)
    return Judgement(thing, certainty, why)


def _verdict(thing: Thing, claim: Claim) -> tuple[str, str]:
    """One thing by itself. A FOREIGN with a reason is certain, one without knows nothing."""
    if thing.service and thing.service in claim.foreign_services:
        return FOREIGN, _OTHERS_SERVICE
    if thing.link and thing.link in claim.known:
        return OURS, "it belonged to the cluster when it was last looked"
    by_labels = _by_labels(thing, claim)
    if by_labels:
        return by_labels
    by_hash = _by_hash(thing, claim)
    if by_hash:
        return by_hash
    if thing.service in claim.services and thing.service:
        return MAYBE, f"it was made for a Service {thing.service}, as ours is called"
    if thing.notes.get(_CLAIM_KEY) in claim.namespaces:
        return MAYBE, f"it was made for a volume in a namespace {thing.notes[_CLAIM_KEY]}, as ours is called"
    if thing.kind in ("instance", "instance_group", "disk") and _named_after(thing.name, claim):
        return MAYBE, "its name begins as ours do"
    return FOREIGN, ""


def _by_labels(thing: Thing, claim: Claim) -> tuple[str, str] | None:
    labels = thing.labels
    name, where = labels.get("goog-k8s-cluster-name", ""), labels.get("goog-k8s-cluster-location", "")
    if name and name != claim.cluster:
        return FOREIGN, f"it belongs to the cluster {name}"
    if name and where and where not in claim.locations:
        return FOREIGN, f"it belongs to the cluster {name} in {where}"
    # the machines of a cluster carry its labels, whoever made their pool
    if (where, labels.get("goog-k8s-node-pool-name", "")) in claim.foreign_pools:
        return FOREIGN, "it belongs to a node pool that is not ours"
    whose = of_cloud(labels, claim.environment)
    if whose.is_ours:
        return OURS, f"it has the labels of the environment {claim.environment}"
    if whose.verdict == ANOTHERS:
        return FOREIGN, f"it {whose.seems}"
    if name and where:
        alive = [each for each in claim.others if (each.name, each.location) == (name, where)]
        if alive:
            return FOREIGN, f"it belongs to a cluster {name} that is not ours"
        return OURS, f"it has the labels of the cluster {name} in {where}"
    if name:
        return MAYBE, f"it has the label of a cluster {name}, which does not say where"
    return None


def _by_hash(thing: Thing, claim: Claim) -> tuple[str, str] | None:
    """The tag of a cluster's machines and the names of its firewall rules hold its name and a part of its id."""
    found = [match for match in map(_NODE_TAG.fullmatch, thing.tags) if match]
    named = _OWN_FIREWALL.fullmatch(thing.name) if thing.kind == "firewall" else None
    found += [named] if named else []
    if not found:
        return None
    fitting = [match for match in found if _may_name(match["cluster"], claim.cluster)]
    if not fitting:
        return FOREIGN, f"it belongs to the cluster {found[0]['cluster']}"
    hashes = {match["hash"] for match in fitting}
    if hashes & claim.hashes:
        return OURS, f"it belongs to the cluster {claim.cluster}"
    if hashes & {each.hash for each in claim.others}:
        return FOREIGN, f"it belongs to a cluster {claim.cluster} that is not ours"
    whole = any(match["cluster"] == claim.cluster for match in fitting)
    return MAYBE, _NAME_ONLY if whole else "it has a name as ours, cut short, would be"


def _may_name(shown: str, cluster: str) -> bool:
    """The name, or one that was cut short as those of machines are."""
    return shown == cluster or (len(shown) >= _SHORTEST_CUT and cluster.startswith(shown))


def _named_after(name: str, claim: Claim) -> bool:
    """Machines are named after their cluster, cut short when the name is long; a longer living name fits better."""
    if not name.startswith(f"gke-{claim.cluster[:_SHORTEST_CUT]}"):
        return False
    closer = [each.name for each in claim.others if each.name.startswith(claim.cluster)]
    return not any(name.startswith(f"gke-{each}-") for each in closer)


def of_cluster(claim: Claim) -> list[Judgement]:
    """Our cluster and our pools in it, while they live."""
    found = []
    for each in claim.living:
        if claim.is_ours(each):
            why = f"it has the labels of the environment {claim.environment}"
            found += [
                Judgement(Thing("node_pool", pool, each.location, "", cluster=each.name), OURS, f"it is in {each.name}")
                for pool in each.pools
                if (each.location, pool) not in claim.foreign_pools
            ]
            found.append(Judgement(Thing("cluster", each.name, each.location, ""), OURS, why))
    return found


def of_operations(claim: Claim, location: str, operations: Sequence[Operation]) -> list[Judgement]:
    """What still works on our cluster, also when the list of clusters has it no more."""
    if any((each.name, each.location) == (claim.cluster, location) for each in claim.others):
        return []
    foreign = [pool for where, pool in claim.foreign_pools if where == location]
    return [
        Judgement(Thing("operation", each.name, location, "", detail=each.kind), OURS, f"it works on {claim.cluster}")
        for each in operations
        if not each.done
        and concerns(each, claim.cluster)
        and not any(concerns(each, claim.cluster, pool) for pool in foreign)
    ]


__all__ = (
    "FOREIGN",
    "MAYBE",
    "OURS",
    "Claim",
    "Judgement",
    "LivingCluster",
    "judge",
    "living_of",
    "of_cluster",
    "of_operations",
    "rank",
)
