# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""gke_leftovers: what the cloud's own lists still have of an environment. Reads only.

A cluster that is deleted takes its machines, their disks and its own firewall rules along. It does not take what its
controllers made for Services of type LoadBalancer and for volumes, and then nothing is left that would delete that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

from ansible_collections.rhaii.gke.plugins.module_utils._argspec import (
    GOOGLE_REQUIRED_IF,
    google_options,
    wait_options,
)
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Capability, Params, Progress, Result
from ansible_collections.rhaii.gke.plugins.module_utils._clock import Clock, Deadline, SystemClock
from ansible_collections.rhaii.gke.plugins.module_utils._gke.google import GoogleClusters
from ansible_collections.rhaii.gke.plugins.module_utils._gke.operations import concerns
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import (
    ENVIRONMENT,
    Json,
    Operation,
    ours,
)
from ansible_collections.rhaii.gke.plugins.module_utils._google import (
    Connection,
    GoogleError,
    GoogleSettings,
    RestApi,
)

OURS, MAYBE, FOREIGN = "ours", "maybe", "foreign"
# The list is not for this account, or not of this project; anything else is a failure of the look as a whole.
REFUSALS = frozenset({403, 404})


@dataclass(frozen=True)
class Kind:
    """A kind of thing: what people call it, how it is listed, what it costs, and the command that ends it."""

    name: str
    words: str
    path: str
    member: str
    command: str
    cost: str


HOURLY = "billed by the hour"
# In the order in which the commands work: what refers to another thing comes before it.
KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("operation", "running operation", "", "", "container operations wait", "what it makes is billed"),
        Kind("node_pool", "node pool", "", "", "container node-pools delete", f"its machines are {HOURLY}"),
        Kind("cluster", "cluster", "", "", "container clusters delete", f"its control plane is {HOURLY}"),
        Kind(
            "forwarding_rule",
            "forwarding rule",
            "aggregated/forwardingRules",
            "forwardingRules",
            "compute forwarding-rules delete",
            f"{HOURLY}, used or not, and by the GB",
        ),
        Kind(
            "target_pool", "target pool", "aggregated/targetPools", "targetPools", "compute target-pools delete", "free"
        ),
        Kind(
            "backend_service",
            "backend service",
            "aggregated/backendServices",
            "backendServices",
            "compute backend-services delete",
            "free",
        ),
        Kind(
            "address",
            "address",
            "aggregated/addresses",
            "addresses",
            "compute addresses delete",
            f"{HOURLY}, dearer when nothing uses it",
        ),
        Kind(
            "instance_group",
            "instance group",
            "aggregated/instanceGroupManagers",
            "instanceGroupManagers",
            "compute instance-groups managed delete",
            f"its machines are {HOURLY}",
        ),
        Kind("instance", "machine", "aggregated/instances", "instances", "compute instances delete", HOURLY),
        Kind("disk", "disk", "aggregated/disks", "disks", "compute disks delete", HOURLY),
        Kind("firewall", "firewall rule", "global/firewalls", "", "compute firewall-rules delete", "free"),
    )
}
OF_CONTAINER = frozenset({"operation", "node_pool", "cluster"})
OF_LOAD_BALANCERS = frozenset({"forwarding_rule", "target_pool", "backend_service", "address", "firewall"})

_NODE_TAG = re.compile(r"gke-(?P<cluster>[a-z][-a-z0-9]*)-(?P<hash>[0-9a-f]{8})-node")
_OWN_FIREWALL = re.compile(
    r"gke-(?P<cluster>[a-z][-a-z0-9]*)-(?P<hash>[0-9a-f]{8})-(all|vms|master|ssh|inkubelet|exkubelet|mcsd)"
)
# k8s-fw-a0b1... and a0b1... belong together, and so do k8s2-tcp-... and k8s2-...
_AFFIXES = re.compile(r"^k8s-fw-|^k8s2-(tcp-|udp-|l3-)?|-hc$")
_PLACE = re.compile(r"/(zones|regions)/([^/]+)")
_SERVICE_KEYS = ("kubernetes.io/service-name", "networking.gke.io/service-name")
_CLAIM_KEY = "kubernetes.io/created-for/pvc/namespace"


@dataclass(frozen=True)
class Thing:
    """Something that a list of the cloud has."""

    kind: str
    name: str
    # a zone, a region, or "global"
    place: str
    link: str
    labels: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    detail: str = ""
    # of a pool
    cluster: str = ""

    @property
    def service(self) -> str:
        return next((self.notes[key] for key in _SERVICE_KEYS if key in self.notes), "")

    @property
    def family(self) -> str:
        """What the parts of one load balancer have in common."""
        return _AFFIXES.sub("", self.name)


def thing_of(kind: str, body: Mapping[str, object]) -> Thing:
    """A thing from an item of a list of compute.v1."""
    link = str(body.get("selfLink") or "")
    found = _PLACE.search(link)
    tags = list(_names(body.get("targetTags")))
    inner = body.get("tags")
    if isinstance(inner, Mapping):
        tags += _names(inner.get("items"))
    labels = body.get("labels")
    return Thing(
        kind=kind,
        name=str(body.get("name") or ""),
        place=found[2] if found else "global",
        link=link,
        labels={str(key): str(value) for key, value in labels.items()} if isinstance(labels, Mapping) else {},
        notes=notes_of(str(body.get("description") or "")),
        tags=tuple(tags),
        detail=detail_of(body),
    )


def detail_of(body: Mapping[str, object]) -> str:
    """What tells how much it is: an address, a size, a machine type."""
    if body.get("sizeGb"):
        return f"{body['sizeGb']} GB of {_last(body.get('type'))}"
    if "targetSize" in body:
        return f"{body['targetSize']} machines"
    return str(body.get("IPAddress") or body.get("address") or _last(body.get("machineType")))


def notes_of(description: str) -> dict[str, str]:
    """What Kubernetes wrote into a description; it is JSON, and nothing keeps others from writing anything."""
    try:
        found = json.loads(description) if description.startswith("{") else {}
    except ValueError:
        return {}
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def _names(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []


def _last(url: object) -> str:
    return str(url or "").rpartition("/")[2]


@dataclass(frozen=True)
class LivingCluster:
    name: str
    location: str
    # of its id: the first eight digits are in the names of its firewall rules and in the tag of its machines
    hash: str
    labels: Mapping[str, str] = field(default_factory=dict)
    pools: tuple[str, ...] = ()


@dataclass(frozen=True)
class Claim:
    """Whose things are looked for."""

    cluster: str
    environment: str
    locations: tuple[str, ...]
    # namespace/name of the Services that we have load balancers for
    services: frozenset[str] = frozenset()
    namespaces: frozenset[str] = frozenset()
    # links of what was ours when it was last looked
    known: frozenset[str] = frozenset()
    living: tuple[LivingCluster, ...] = ()

    def is_ours(self, cluster: LivingCluster) -> bool:
        labels = cluster.labels
        return (
            cluster.name == self.cluster
            and cluster.location in self.locations
            and ours(labels)
            and labels.get(ENVIRONMENT, self.environment) == self.environment
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


def region_of(location: str) -> str:
    """europe-west4 from europe-west4-a; a region stays one."""
    return location.rpartition("-")[0] if re.fullmatch(r"[a-z]+-[a-z]+\d+-[a-z0-9]+", location) else location


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
    result = []
    for each in single:
        proof = proofs.get((each.thing.service, each.thing.family)) if each.thing.service else None
        # the parts of one load balancer have one owner, and one of them may be enough to tell whose it is
        decided = each if proof is None or each.thing.link in claim.known else Judgement(each.thing, *proof)
        if not claim.fits(each.thing.place):
            decided = Judgement(each.thing, FOREIGN, "it is elsewhere")
        if decided.certainty != FOREIGN:
            result.append(decided)
    return sorted(result, key=_rank)


def _rank(each: Judgement) -> tuple[bool, int, str]:
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


_NAME_ONLY = "its name is that of a cluster of this name, of which it is not known where it was"


def _judge_one(thing: Thing, claim: Claim) -> Judgement:
    certainty, why = _verdict(thing, claim)
    return Judgement(thing, certainty, why)


def _verdict(thing: Thing, claim: Claim) -> tuple[str, str]:
    """One thing by itself. A FOREIGN with a reason is certain, one without knows nothing."""
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
    environment = labels.get(ENVIRONMENT, "")
    name, where = labels.get("goog-k8s-cluster-name", ""), labels.get("goog-k8s-cluster-location", "")
    if name and name != claim.cluster:
        return FOREIGN, f"it belongs to the cluster {name}"
    if name and where and where not in claim.locations:
        return FOREIGN, f"it belongs to the cluster {name} in {where}"
    if ours(labels) and environment:
        if environment != claim.environment:
            return FOREIGN, f"it belongs to the environment {environment}"
        return OURS, f"it has the labels of the environment {environment}"
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
    if claim.cluster not in [match["cluster"] for match in found]:
        return FOREIGN, f"it belongs to the cluster {found[0]['cluster']}"
    hashes = {match["hash"] for match in found if match["cluster"] == claim.cluster}
    if hashes & claim.hashes:
        return OURS, f"it belongs to the cluster {claim.cluster}"
    if hashes & {each.hash for each in claim.others}:
        return FOREIGN, f"it belongs to a cluster {claim.cluster} that is not ours"
    return MAYBE, _NAME_ONLY


def _named_after(name: str, claim: Claim) -> bool:
    """Machines are named after their cluster, cut short when the name is long; a longer living name fits better."""
    if not name.startswith(f"gke-{claim.cluster[:15]}"):
        return False
    closer = [each.name for each in claim.others if each.name.startswith(claim.cluster)]
    return not any(name.startswith(f"gke-{each}-") for each in closer)


class Inventory(Protocol):
    """The cloud's lists."""

    @property
    def project(self) -> str:
        """Whose lists they are."""

    def clusters(self) -> Sequence[Json]:
        """Those of every location."""

    def operations(self, location: str) -> Sequence[Operation]: ...
    def things(self, kind: str) -> Sequence[Thing]: ...


@dataclass(frozen=True)
class LeftoverPorts:
    inventory: Inventory
    clock: Clock


class GoogleInventory:
    """The real adapter: container.v1 by its client, compute.v1 by plain REST."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def project(self) -> str:
        return self._connection.settings.project

    def clusters(self) -> Sequence[Json]:
        return GoogleClusters(self._connection, "-").list_clusters()

    def operations(self, location: str) -> Sequence[Operation]:
        return GoogleClusters(self._connection, location).list_operations()

    def things(self, kind: str) -> Sequence[Thing]:
        of = KINDS[kind]
        path, query = f"/compute/v1/projects/{self.project}/{of.path}", dict[str, str]()
        found: list[Thing] = []
        # a session of its own, for the lists are asked for by several threads
        compute: RestApi = self._connection.rest("compute")
        while True:
            page = compute.call(f"list what there is of {of.words}s", "GET", path, query=query)
            items = page.get("items") or []
            scopes = [each.get(of.member) or [] for each in items.values()] if isinstance(items, dict) else [items]
            found += [thing_of(kind, each) for scope in scopes for each in scope]
            if not page.get("nextPageToken"):
                return found
            query = {"pageToken": str(page["nextPageToken"])}


def leftover_ports(params: Params) -> LeftoverPorts:
    return LeftoverPorts(GoogleInventory(Connection(GoogleSettings.from_params(params))), SystemClock())


def living_of(cluster: Json) -> LivingCluster:
    labels = cluster.get("resourceLabels") or {}
    return LivingCluster(
        str(cluster.get("name") or ""),
        str(cluster.get("location") or ""),
        str(cluster.get("id") or "")[:8],
        {str(key): str(value) for key, value in labels.items()},
        tuple(str(pool.get("name")) for pool in cluster.get("nodePools") or []),
    )


def of_cluster(claim: Claim) -> list[Judgement]:
    """Our cluster and its pools, while they live."""
    found = []
    for each in claim.living:
        if claim.is_ours(each):
            why = f"it has the labels of the environment {claim.environment}"
            found += [
                Judgement(Thing("node_pool", pool, each.location, "", cluster=each.name), OURS, f"it is in {each.name}")
                for pool in each.pools
            ]
            found.append(Judgement(Thing("cluster", each.name, each.location, ""), OURS, why))
    return found


def of_operations(claim: Claim, location: str, operations: Sequence[Operation]) -> list[Judgement]:
    """What still works on our cluster, also when the list of clusters has it no more."""
    foreign = any((each.name, each.location) == (claim.cluster, location) for each in claim.others)
    return [
        Judgement(Thing("operation", each.name, location, "", detail=each.kind), OURS, f"it works on {claim.cluster}")
        for each in operations
        if not each.done and concerns(each, claim.cluster) and not foreign
    ]


def command_for(thing: Thing, project: str) -> str:
    """What ends it."""
    kind = KINDS[thing.kind]
    where = {"global": "" if thing.kind == "firewall" else " --global"}.get(thing.place)
    if thing.kind in OF_CONTAINER:
        where = f" --location {thing.place}"
    elif where is None:
        scope = "region" if region_of(thing.place) == thing.place else "zone"
        where = f" --{scope} {thing.place}"
    pool = f" --cluster {thing.cluster}" if thing.cluster else ""
    return f"gcloud {kind.command} {thing.name}{pool}{where} --project {project}"


def public(each: Judgement, project: str) -> Json:
    thing, kind = each.thing, KINDS[each.thing.kind]
    return {
        "kind": thing.kind,
        "name": thing.name,
        "location": thing.place,
        "detail": thing.detail,
        "service": thing.service,
        "certainty": each.certainty,
        "why": each.why,
        "cost": kind.cost,
        "command": command_for(thing, project),
        "link": thing.link,
    }


def table_of(rows: Sequence[Json]) -> list[str]:
    """The rows for people: what it is, what it costs, and under it the command."""
    cells = [
        (
            ("may be ours: " if row["certainty"] == MAYBE else "") + KINDS[row["kind"]].words,
            row["name"],
            row["location"],
            row["detail"],
            row["cost"],
        )
        for row in rows
    ]
    widths = [max((len(cell[column]) for cell in cells), default=0) for column in range(4)]
    lines = []
    for row, cell in zip(rows, cells, strict=True):
        start = "  ".join(text.ljust(width) for text, width in zip(cell[:4], widths, strict=True))
        lines += [f"{start}  {cell[4]}", f"    {row['command']}"]
        if row["certainty"] == MAYBE:
            lines.append(f"    ({row['why']}; look before you run this)")
    return lines


class _Look:
    """One run of the capability."""

    def __init__(self, params: Params, ports: LeftoverPorts, progress: Progress) -> None:
        self.params = params
        self.ports = ports
        self.progress = progress
        self.kinds = list(params["kinds"] or KINDS)
        self.unread: dict[str, str] = {}

    def operations(self, claim: Claim) -> list[Judgement]:
        found: list[Judgement] = []
        for location in claim.locations:
            try:
                found += of_operations(claim, location, self.ports.inventory.operations(location))
            except GoogleError as error:
                self.note(error, "operation")
        return found

    def note(self, error: GoogleError, kind: str) -> None:
        """A list that cannot be read is no proof of anything, so it is said."""
        if error.status not in REFUSALS:
            raise error
        self.unread[kind] = error.msg

    def look(self) -> list[Json]:
        self.unread = {}
        inventory, params = self.ports.inventory, self.params
        claim = Claim(
            cluster=params["cluster"],
            environment=params["environment"],
            locations=tuple(params["locations"]),
            services=frozenset(params["services"] or ()),
            namespaces=frozenset(params["namespaces"] or ()),
            known=frozenset(params["known"] or ()),
            living=tuple(living_of(each) for each in inventory.clusters()),
        )
        found = [each for each in of_cluster(claim) if each.thing.kind in self.kinds]
        if "operation" in self.kinds:
            found += self.operations(claim)
        # the parts of a load balancer tell of each other, so that one of them needs the lists of all
        needed = OF_LOAD_BALANCERS if OF_LOAD_BALANCERS & set(self.kinds) else frozenset[str]()
        things = self.things([each for each in KINDS if each not in OF_CONTAINER and each in needed | set(self.kinds)])
        found += [each for each in judge(things, claim) if each.thing.kind in self.kinds]
        return [public(each, inventory.project) for each in sorted(found, key=_rank)]

    def things(self, kinds: Sequence[str]) -> list[Thing]:
        """The lists are independent of each other, so they are asked for at the same time."""

        def ask(kind: str) -> tuple[Sequence[Thing], GoogleError | None]:
            try:
                return self.ports.inventory.things(kind), None
            except GoogleError as error:
                return [], error

        if not kinds:
            return []
        with ThreadPoolExecutor(max_workers=len(kinds)) as pool:
            answers = dict(zip(kinds, pool.map(ask, kinds), strict=True))
        for kind, (_things, error) in answers.items():
            if error is not None:
                self.note(error, kind)
        return [thing for things, _error in answers.values() for thing in things]

    def run(self) -> Result:
        deadline = Deadline(self.ports.clock, float(self.params["wait_timeout"]) if self.params["wait"] else 0.0)
        rows = self.look()
        while not deadline.passed:
            left = [row for row in rows if row["certainty"] == OURS]
            if not left:
                break
            names = ", ".join(f"{KINDS[row['kind']].words} {row['name']}" for row in left[:3])
            more = f" and {len(left) - 3} more" if len(left) > 3 else ""
            self.progress(f"{self.params['environment']}: waiting until {names}{more} have gone")
            deadline.pause(float(self.params["wait_interval"]))
            rows = self.look()
        sure = [row for row in rows if row["certainty"] == OURS]
        return {
            "changed": False,
            "clean": not sure and not self.unread,
            "leftovers": rows,
            "ours": len(sure),
            "links": [row["link"] for row in sure if row["link"]],
            "unread": [{"kind": kind, "reason": reason} for kind, reason in sorted(self.unread.items())],
            "table": table_of(rows),
        }


def run(params: Params, ports: LeftoverPorts, progress: Progress, check_mode: bool) -> Result:
    del check_mode
    return _Look(params, ports, progress).run()


CAPABILITY = Capability(
    name="gke_leftovers",
    argument_spec=google_options(
        cluster={"type": "str", "required": True},
        environment={"type": "str", "required": True},
        locations={"type": "list", "elements": "str", "required": True},
        services={"type": "list", "elements": "str", "default": []},
        namespaces={"type": "list", "elements": "str", "default": []},
        known={"type": "list", "elements": "str", "default": []},
        kinds={"type": "list", "elements": "str", "default": [], "choices": list(KINDS)},
        **{**wait_options(300, 10.0), "wait": {"type": "bool", "default": False}},
    ),
    ports=leftover_ports,
    run=run,
    required_if=GOOGLE_REQUIRED_IF,
)

__all__ = (
    "CAPABILITY",
    "KINDS",
    "Claim",
    "GoogleInventory",
    "Inventory",
    "Judgement",
    "LeftoverPorts",
    "LivingCluster",
    "Thing",
    "command_for",
    "judge",
    "run",
    "table_of",
    "thing_of",
)
