# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""gke_node_pool's decisions: the pool to ask for, and what separates the one that is from the one that is wanted."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from ansible_collections.rhaii.gke.plugins.module_utils._capability import Params
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import Json, our_labels

V = TypeVar("V")

LONGEST_RUN = 604_800
RESERVATION_KEY = "compute.googleapis.com/reservation-name"
EFFECTS: Mapping[str, str] = {
    "NoSchedule": "NO_SCHEDULE",
    "PreferNoSchedule": "PREFER_NO_SCHEDULE",
    "NoExecute": "NO_EXECUTE",
}
_TPU_MACHINE = re.compile(r"(?:ct|tpu).*-(\d+)t")
# GKE's own way to upgrade flex-start pools; it sets that by itself, and takes no other.
SHORT_LIVED = "SHORT_LIVED"
# GKE puts this one on TPU machines by itself.
TPU_TAINT = "google.com/tpu"
# Google's own defaults, and those of this collection where they differ: a surge node needs quota that a pool of exact
# size has not, and a release channel insists on automatic upgrades.
SURGE, UNAVAILABLE = 0, 1


@dataclass(frozen=True)
class Taint:
    key: str
    value: str
    effect: str

    def json(self) -> Json:
        return {"key": self.key, "value": self.value, "effect": self.effect}

    def __str__(self) -> str:
        return f"{self.key}={self.value}:{self.effect}"


@dataclass(frozen=True)
class Bounds:
    """What the autoscaler may do, over all zones together."""

    enabled: bool
    minimum: int
    maximum: int

    def json(self) -> Json:
        if not self.enabled:
            return {"enabled": False}
        return {
            "enabled": True,
            "totalMinNodeCount": self.minimum,
            "totalMaxNodeCount": self.maximum,
            "locationPolicy": "ANY",
        }

    def __str__(self) -> str:
        return f"{self.minimum} to {self.maximum} nodes" if self.enabled else "off"


@dataclass(frozen=True)
class Wanted:
    """The desired pool. None means: whatever it is."""

    project: str
    location: str
    cluster: str
    name: str
    environment: str
    node_count: int | None
    shrink: bool
    machine_type: str | None
    spot: bool | None
    flex_start: bool | None
    max_run_duration: int | None
    reservation: str | None
    disk_type: str | None
    disk_size_gb: int | None
    service_account: str | None
    node_labels: Mapping[str, str]
    resource_labels: Mapping[str, str]
    taints: tuple[Taint, ...] | None
    workload_identity: bool | None
    max_surge: int | None
    max_unavailable: int | None
    auto_upgrade: bool | None
    auto_repair: bool | None
    bounds: Bounds | None

    @classmethod
    def from_params(cls, params: Params) -> Wanted:
        upgrade = params["upgrade_settings"] or {}
        return cls(
            project=str(params.get("project") or ""),
            location=params["location"],
            cluster=params["cluster"],
            name=params["name"],
            environment=params["environment"],
            node_count=params["node_count"],
            shrink=params["shrink"],
            machine_type=params["machine_type"],
            spot=params["spot"],
            flex_start=params["flex_start"],
            max_run_duration=params["max_run_duration"],
            reservation=params["reservation"],
            disk_type=params["disk_type"],
            disk_size_gb=params["disk_size_gb"],
            service_account=params["service_account"],
            node_labels={str(key): str(value) for key, value in (params["node_labels"] or {}).items()},
            resource_labels=our_labels(params["environment"], params["labels"] or {}),
            taints=_taints(params["taints"]),
            workload_identity=params["workload_identity"],
            max_surge=upgrade.get("max_surge"),
            max_unavailable=upgrade.get("max_unavailable"),
            auto_upgrade=params["auto_upgrade"],
            auto_repair=params["auto_repair"],
            bounds=_bounds(params["autoscaling"]),
        )


def _taints(given: Sequence[Mapping[str, str]] | None) -> tuple[Taint, ...] | None:
    if given is None:
        return None
    return tuple(Taint(each["key"], each.get("value") or "", EFFECTS[each["effect"]]) for each in given)


def _bounds(given: Mapping[str, int] | None) -> Bounds | None:
    if given is None:
        return None
    return Bounds(bool(given["enabled"]), int(given["min_nodes"]), int(given["max_nodes"] or 0))


@dataclass(frozen=True)
class Plan:
    """What separates the pool that is from the one that is wanted."""

    updates: tuple[Json, ...] = ()
    management: Json | None = None
    autoscaling: Json | None = None
    nodes_per_zone: int | None = None
    # What only a new pool can change, as sentences.
    impossible: tuple[str, ...] = ()
    before: Json = field(default_factory=dict)
    after: Json = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        asked = (self.management, self.autoscaling, self.nodes_per_zone)
        return bool(self.updates) or any(each is not None for each in asked)


def refuse_contradictions(wanted: Wanted) -> None:
    """What Google would refuse in the middle of a run, or worse, take."""
    if wanted.node_count is not None and wanted.node_count < 0:
        raise RhaiiError(
            f"node_count {wanted.node_count} is not possible for the node pool {wanted.name}.",
            remedy="Give 0 or more nodes.",
        )
    bought = [
        option
        for option, given in (
            ("spot", wanted.spot),
            ("flex_start", wanted.flex_start),
            ("reservation", wanted.reservation),
        )
        if given
    ]
    if len(bought) > 1:
        raise RhaiiError(
            f"The machines of the node pool {wanted.name} cannot be bought in more than one way: {', '.join(bought)}.",
            remedy="Give one of spot, flex_start and reservation, or none for on-demand machines.",
        )
    run = wanted.max_run_duration
    if run is not None and not 0 < run <= LONGEST_RUN:
        raise RhaiiError(
            f"max_run_duration {run} is not possible for the node pool {wanted.name}.",
            remedy=f"Give 1 to {LONGEST_RUN} seconds (seven days).",
        )
    if wanted.flex_start and wanted.bounds is not None:
        raise RhaiiError(
            f"autoscaling is given for the flex-start pool {wanted.name}, whose nodes come from none when pods ask.",
            remedy="Leave autoscaling out; node_count is the most that the pool may have.",
        )
    if wanted.flex_start and wanted.node_count == 0:
        raise RhaiiError(
            f"node_count 0 is not possible for the flex-start pool {wanted.name}: it is the most that it may have.",
            remedy="Give 1 or more; without pods that ask, such a pool has no nodes.",
        )
    bounds = wanted.bounds
    if bounds is not None and bounds.enabled and bounds.maximum < max(1, bounds.minimum):
        raise RhaiiError(
            f"autoscaling of the node pool {wanted.name} has min_nodes {bounds.minimum} and max_nodes "
            f"{bounds.maximum}.",
            remedy="Give max_nodes 1 or more, and not less than min_nodes.",
        )
    if wanted.max_surge == 0 and wanted.max_unavailable == 0:
        raise RhaiiError(
            f"upgrade_settings of the node pool {wanted.name} allow neither a node more nor a node less.",
            remedy="Give max_surge or max_unavailable 1 or more.",
        )


def refuse_topology(topology: str | None, machine_type: str | None) -> None:
    """A pool of single-host slices takes no topology, and slices over several hosts are not built yet."""
    if not topology:
        return
    chips = chips_per_node(machine_type or "")
    try:
        product = math.prod(int(part) for part in topology.lower().split("x"))
    except ValueError:
        raise RhaiiError(
            f"topology {topology} is no TPU topology.",
            remedy="Leave topology out: a pool of single-host machines needs none.",
        ) from None
    if chips and product > chips:
        raise RhaiiError(
            f"topology {topology} has {product} chips, but one {machine_type} has {chips}: slices over several "
            "hosts are not supported.",
            remedy=f"Leave topology out and use one slice of {chips} chips a node.",
        )
    raise RhaiiError(
        f"topology {topology} was given for a pool of single-host machines ({machine_type}); GKE refuses that.",
        remedy="Leave topology out. (As a pod's nodeSelector the value is right.)",
    )


def chips_per_node(machine_type: str) -> int:
    """The chips of one TPU machine, from its name: ct6e-standard-4t has 4. 0 when it is no TPU machine."""
    match = _TPU_MACHINE.fullmatch(machine_type)
    return int(match[1]) if match else 0


def body_of(wanted: Wanted) -> Json:
    """The pool to create. GKE adds its own TPU labels and taint."""
    if wanted.node_count is None or wanted.machine_type is None:
        missing = "node_count" if wanted.node_count is None else "machine_type"
        raise RhaiiError(
            f"The node pool {wanted.name} does not exist, and {missing} is not given, so it cannot be created.",
            remedy=f"Give {missing}.",
        )
    config: Json = {
        "machineType": wanted.machine_type,
        "oauthScopes": ["https://www.googleapis.com/auth/cloud-platform"],
        "resourceLabels": dict(wanted.resource_labels),
    }
    if wanted.workload_identity is not False:
        config["workloadMetadataConfig"] = {"mode": "GKE_METADATA"}
    if wanted.spot:
        config["spot"] = True
    if wanted.flex_start:
        config["flexStart"] = True
        config["reservationAffinity"] = {"consumeReservationType": "NO_RESERVATION"}
    if wanted.max_run_duration:
        config["maxRunDuration"] = f"{wanted.max_run_duration}s"
    if wanted.reservation:
        config["reservationAffinity"] = {
            "consumeReservationType": "SPECIFIC_RESERVATION",
            "key": RESERVATION_KEY,
            "values": [wanted.reservation],
        }
    if wanted.disk_type:
        config["diskType"] = wanted.disk_type
    if wanted.disk_size_gb:
        config["diskSizeGb"] = wanted.disk_size_gb
    if wanted.service_account:
        config["serviceAccount"] = wanted.service_account
    if wanted.node_labels:
        config["labels"] = dict(wanted.node_labels)
    if wanted.taints:
        config["taints"] = [taint.json() for taint in wanted.taints]
    body: Json = {
        "name": wanted.name,
        # Flex-start machines come one by one, when pods ask for them.
        "initialNodeCount": 0 if wanted.flex_start else wanted.node_count,
        "config": config,
        "management": {
            "autoRepair": _or(wanted.auto_repair, not wanted.flex_start),
            "autoUpgrade": _or(wanted.auto_upgrade, True),
        },
        "upgradeSettings": {
            "maxSurge": _or(wanted.max_surge, SURGE),
            "maxUnavailable": _or(wanted.max_unavailable, UNAVAILABLE),
        },
    }
    bounds = Bounds(True, 0, wanted.node_count) if wanted.flex_start else wanted.bounds
    if bounds is not None and bounds.enabled:
        body["autoscaling"] = bounds.json()
    return body


def _or(given: V | None, otherwise: V) -> V:
    return otherwise if given is None else given


def plan(wanted: Wanted, pool: Json, size: int, up: int) -> Plan:
    """Compare, and sort every difference into what the API can update and what needs a new pool."""
    config = pool.get("config") or {}
    before: Json = {}
    after: Json = {}
    impossible = _fixed(wanted, pool, before, after)
    updates = _updates(wanted, pool, before, after)

    management = None
    has = pool.get("management") or {}
    repairs, upgrades = bool(has.get("autoRepair")), bool(has.get("autoUpgrade"))
    want_repairs, want_upgrades = _or(wanted.auto_repair, repairs), _or(wanted.auto_upgrade, upgrades)
    for option, want, have in (("auto_repair", want_repairs, repairs), ("auto_upgrade", want_upgrades, upgrades)):
        if want != have:
            before[option], after[option] = have, want
            management = {"autoRepair": want_repairs, "autoUpgrade": want_upgrades}

    found = bounds_of(pool)
    flexible = _or(wanted.flex_start, bool(config.get("flexStart")))
    bounds = _flex_bounds(wanted, found) if flexible else wanted.bounds
    autoscaling = None
    if bounds is not None and bounds != found and (bounds.enabled or found.enabled):
        before["autoscaling"], after["autoscaling"] = str(found), str(bounds)
        autoscaling = bounds.json()

    nodes_per_zone = None
    # Within its bounds the autoscaler decides, not node_count.
    if not _or(bounds, found).enabled and not flexible:
        nodes_per_zone = _resize(wanted, pool, size, up, before, after)
    return Plan(tuple(updates), management, autoscaling, nodes_per_zone, tuple(impossible), before, after)


def _fixed(wanted: Wanted, pool: Json, before: Json, after: Json) -> list[str]:
    config = pool.get("config") or {}
    topology = str((pool.get("placementPolicy") or {}).get("tpuTopology") or "")
    fixed: tuple[tuple[str, object, object], ...] = (
        ("machine_type", wanted.machine_type, config.get("machineType")),
        ("spot", wanted.spot, bool(config.get("spot"))),
        ("reservation", *_reservations(wanted, config)),
        ("service_account", wanted.service_account, config.get("serviceAccount")),
        ("placement", "", topology),
    )
    impossible: list[str] = []
    for option, want, have in fixed:
        if want is not None and have is not None and want != have:
            before[option], after[option] = have, f"{_shown(want)} (needs a new pool)"
            impossible.append(f"{option} is {_shown(have)}, wanted {_shown(want)}")
    return impossible


def _reservations(wanted: Wanted, config: Json) -> tuple[str | None, str]:
    """Wanted and had; one reservation under two names, with and without its own project, is the same."""
    have = reservation_of(config)
    if wanted.reservation and have and _whole(wanted.reservation, wanted) == _whole(have, wanted):
        return have, have
    return wanted.reservation, have


def _whole(reservation: str, wanted: Wanted) -> str:
    if reservation.startswith("projects/"):
        return reservation
    return f"projects/{wanted.project}/reservations/{reservation}"


def _updates(wanted: Wanted, pool: Json, before: Json, after: Json) -> list[Json]:
    """One kind of change a call, as GKE wants it."""
    config = pool.get("config") or {}
    updates: list[Json] = []

    def compare(option: str, have: object, want: object, update: Json) -> None:
        if want is not None and want != have:
            before[option], after[option] = have, want
            updates.append(update)

    node_labels = dict(config.get("labels") or {})
    merged = {**node_labels, **wanted.node_labels}
    compare("node_labels", node_labels, merged, {"labels": {"labels": merged}})

    resource_labels = dict(config.get("resourceLabels") or {})
    merged = {**resource_labels, **wanted.resource_labels}
    compare("labels", resource_labels, merged, {"resourceLabels": {"labels": merged}})

    if wanted.taints is not None:
        has = _taints_of(config)
        kept = [taint for taint in has if taint.key == TPU_TAINT]
        want = [taint for taint in wanted.taints if taint.key != TPU_TAINT]
        compare(
            "taints",
            sorted(str(taint) for taint in has if taint.key != TPU_TAINT),
            sorted(str(taint) for taint in want),
            {"taints": {"taints": [taint.json() for taint in (*kept, *want)]}},
        )

    if wanted.workload_identity is not None:
        want_mode = "GKE_METADATA" if wanted.workload_identity else "GCE_METADATA"
        compare(
            "workload_identity",
            _has_identity(config),
            wanted.workload_identity,
            {"workloadMetadataConfig": {"mode": want_mode}},
        )

    settings = pool.get("upgradeSettings") or {}
    surge, unavailable = int(settings.get("maxSurge") or 0), int(settings.get("maxUnavailable") or 0)
    want_surge, want_unavailable = _or(wanted.max_surge, surge), _or(wanted.max_unavailable, unavailable)
    if settings.get("strategy") != SHORT_LIVED or wanted.flex_start is False:
        compare(
            "upgrade_settings",
            {"max_surge": surge, "max_unavailable": unavailable},
            {"max_surge": want_surge, "max_unavailable": want_unavailable},
            {"upgradeSettings": {"maxSurge": want_surge, "maxUnavailable": want_unavailable}},
        )

    flex = bool(config.get("flexStart"))
    compare("flex_start", flex, wanted.flex_start, {"flexStart": wanted.flex_start})
    compare(
        "max_run_duration",
        seconds_of(config.get("maxRunDuration")),
        wanted.max_run_duration,
        {"maxRunDuration": f"{wanted.max_run_duration}s"},
    )

    disk: Json = {}
    for option, field_name, want_disk, have_disk in (
        ("disk_type", "diskType", wanted.disk_type, config.get("diskType")),
        ("disk_size_gb", "diskSizeGb", wanted.disk_size_gb, config.get("diskSizeGb")),
    ):
        if want_disk is not None and have_disk is not None and str(want_disk) != str(have_disk):
            before[option], after[option] = have_disk, f"{want_disk} (GKE makes every node anew)"
            disk[field_name] = want_disk
    if disk:
        updates.append(disk)
    return updates


def _flex_bounds(wanted: Wanted, found: Bounds) -> Bounds | None:
    if wanted.node_count is None:
        return None
    most = wanted.node_count if wanted.shrink else max(wanted.node_count, found.maximum)
    return Bounds(True, 0, most)


def _resize(wanted: Wanted, pool: Json, size: int, up: int, before: Json, after: Json) -> int | None:
    count = wanted.node_count
    zones = max(1, len(pool.get("locations") or []))
    if count is not None and (count > size or (wanted.shrink and count < size)):
        if count % zones:
            raise RhaiiError(
                f"node_count {count} cannot be spread over the {zones} zones of the pool {wanted.name}: "
                "GKE wants the same number in each.",
                remedy=f"Give a multiple of {zones}.",
            )
        before["node_count"], after["node_count"] = size, count
        return count // zones
    if size and pool.get("status") == "RUNNING_WITH_ERROR":
        # An earlier operation gave up in the middle; asking for the same size makes GKE try again. Machines that are
        # all up are no proof: one that runs and never became a node bills like any other.
        before["status"], after["status"] = "RUNNING_WITH_ERROR", "RUNNING"
        if up < size:
            before["nodes_up"], after["nodes_up"] = up, size
        return size // zones
    return None


def inherited(wanted: Wanted, pool: Json, size: int) -> Wanted:
    """What a pool that replaces another takes over from it, where nothing else is wanted."""
    config = pool.get("config") or {}
    management, settings = pool.get("management") or {}, pool.get("upgradeSettings") or {}
    one_way = any((wanted.spot, wanted.flex_start, wanted.reservation))
    was_flex = bool(config.get("flexStart"))
    flex = _or(wanted.flex_start, was_flex and not one_way)
    found = bounds_of(pool)
    # those that GKE has set by itself are for flex-start machines alone
    has_own = settings.get("strategy") != SHORT_LIVED
    surge, unavailable = int(settings.get("maxSurge") or 0), int(settings.get("maxUnavailable") or 0)
    return replace(
        wanted,
        node_count=_or(wanted.node_count, found.maximum if flex else size),
        machine_type=_or(wanted.machine_type, config.get("machineType")),
        spot=_or(wanted.spot, bool(config.get("spot")) and not one_way),
        flex_start=flex,
        max_run_duration=_or(wanted.max_run_duration, seconds_of(config.get("maxRunDuration")) if flex else None),
        reservation=_or(wanted.reservation, "" if one_way else reservation_of(config)),
        disk_type=_or(wanted.disk_type, config.get("diskType")),
        disk_size_gb=_or(wanted.disk_size_gb, config.get("diskSizeGb")),
        workload_identity=_or(wanted.workload_identity, _has_identity(config)),
        service_account=_or(wanted.service_account, config.get("serviceAccount")),
        node_labels={**(config.get("labels") or {}), **wanted.node_labels},
        taints=_or(wanted.taints, tuple(taint for taint in _taints_of(config) if taint.key != TPU_TAINT)),
        max_surge=_or(wanted.max_surge, surge if has_own else None),
        max_unavailable=_or(wanted.max_unavailable, unavailable if has_own else None),
        auto_upgrade=_or(wanted.auto_upgrade, bool(management.get("autoUpgrade"))),
        auto_repair=_or(wanted.auto_repair, bool(management.get("autoRepair")) and not flex),
        # those of a flex-start pool are of its kind, and no wish
        bounds=None if flex else _or(wanted.bounds, found if found.enabled and not was_flex else None),
    )


def bounds_of(pool: Json) -> Bounds:
    has = pool.get("autoscaling") or {}
    if not has.get("enabled"):
        return Bounds(False, 0, 0)
    zones = max(1, len(pool.get("locations") or []))
    least = has.get("totalMinNodeCount") or int(has.get("minNodeCount") or 0) * zones
    most = has.get("totalMaxNodeCount") or int(has.get("maxNodeCount") or 0) * zones
    return Bounds(True, int(least), int(most))


def reservation_of(config: Json) -> str:
    affinity = config.get("reservationAffinity") or {}
    if affinity.get("consumeReservationType") != "SPECIFIC_RESERVATION":
        return ""
    return ", ".join(str(value) for value in affinity.get("values") or [])


def _taints_of(config: Json) -> list[Taint]:
    return [Taint(each["key"], each.get("value") or "", each["effect"]) for each in config.get("taints") or []]


def _has_identity(config: Json) -> bool:
    return bool((config.get("workloadMetadataConfig") or {}).get("mode") == "GKE_METADATA")


def seconds_of(duration: object) -> int | None:
    """Of a duration as the API writes it, 604800s."""
    text = str(duration or "").removesuffix("s")
    return int(float(text)) if text else None


def _shown(value: object) -> str:
    return (str(value).lower() if isinstance(value, bool) else str(value)) or "none"


__all__ = (
    "Bounds",
    "Plan",
    "Taint",
    "Wanted",
    "body_of",
    "bounds_of",
    "chips_per_node",
    "inherited",
    "plan",
    "refuse_contradictions",
    "refuse_topology",
    "reservation_of",
    "seconds_of",
)
