# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reservations of Compute Engine: machines that are kept for the project."""

from __future__ import annotations

from sandbox.cloud.calls import Call, Handler
from sandbox.cloud.compute import CREATED, missing, url, zone_of
from sandbox.cloud.compute_lists import by_scope, flat
from sandbox.cloud.errors import Json
from sandbox.cloud.gke import numeric_id
from sandbox.cloud.limits import machines, machines_in, reservations_of
from sandbox.cloud.machines import catalogue
from sandbox.cloud.project import Project
from sandbox.cloud.state import State

OF_OTHERS = frozenset({"compute.reservations.get", "compute.reservationBlocks.get"})
"""What may be read of another project that shares a reservation."""


def in_use(state: State, reservation: Json, project: str, block: str = "") -> int:
    """How many of its machines, or of a block's, pools have taken."""
    ending = f"/reservationBlocks/{block}" if block else ""
    return sum(
        any(
            machines_in(reservation, name, project) is not None and name.endswith(ending)
            for name in reservations_of(pool)
        )
        and group.zone == reservation["zone"]
        and instance.error is None
        for _, pool, group, instance in machines(state)
    )


def reservation_json(call: Call, reservation: Json) -> Json:
    """A reservation as Compute Engine shows it."""
    zone, name, project = reservation["zone"], reservation["name"], call.cloud.project.id
    taken = in_use(call.cloud.state, reservation, project)
    result: Json = {
        "kind": "compute#reservation",
        "id": numeric_id("reservation", name),
        "creationTimestamp": CREATED,
        "name": name,
        "zone": url(call, f"zones/{zone}"),
        "status": "READY",
        "specificReservationRequired": True,
        "selfLink": url(call, f"zones/{zone}/reservations/{name}"),
    }
    if "aggregate" in reservation:
        result["aggregateReservation"] = {
            "vmFamily": reservation["aggregate"],
            "reservedResources": chips(call, reservation, reservation["count"]),
            # what is empty is left out
            **({"inUseResources": chips(call, reservation, taken)} if taken else {}),
        }
    else:
        result["specificReservation"] = {
            "count": str(reservation["count"]),
            "inUseCount": str(taken),
            "instanceProperties": {"machineType": reservation["machine_type"]},
        }
    return result


def chips(call: Call, reservation: Json, count: int) -> list[Json]:
    """So many machines as the accelerators that they have."""
    machine = catalogue().types[reservation["machine_type"]]
    kind = url(call, f"zones/{reservation['zone']}/acceleratorTypes/{machine.family}")
    return [{"accelerator": {"acceleratorCount": count * machine.chips, "acceleratorType": kind}}]


def of_zone(call: Call, zone: str) -> list[Json]:
    """The project's own reservations in a zone."""
    own = [each for each in call.cloud.project.reservations if each["zone"] == zone and "owner" not in each]
    return [reservation_json(call, each) for each in own]


def named(call: Call) -> Json:
    """The reservation that a call names, the project's own or one that is shared with it."""
    zone, name, owner = zone_of(call), call.params["reservation"], call.params["project"]
    for each in call.cloud.project.reservations:
        its = each.get("owner", call.cloud.project.id)
        if (each["zone"], each["name"]) == (zone, name) and owner in (its, *own_names(call, each)):
            return each
    raise missing(call, f"zones/{zone}/reservations/{name}")


def own_names(call: Call, reservation: Json) -> tuple[str, ...]:
    """A project is known by its number as well."""
    return () if "owner" in reservation else (call.cloud.project.number,)


def get(call: Call) -> Json:
    """One reservation."""
    return reservation_json(call, named(call))


def get_block(call: Call) -> Json:
    """One block of a reservation."""
    reservation, block = named(call), call.params["reservationBlock"]
    blocks = reservation.get("blocks") or {}
    path = f"zones/{reservation['zone']}/reservations/{reservation['name']}/reservationBlocks/{block}"
    if block not in blocks:
        raise missing(call, path)
    shown: Json = {
        "kind": "compute#reservationBlock",
        "id": numeric_id("reservationBlock", block),
        "creationTimestamp": CREATED,
        "name": block,
        "zone": url(call, f"zones/{reservation['zone']}"),
        "status": "READY",
        "count": blocks[block],
        "inUseCount": in_use(call.cloud.state, reservation, call.cloud.project.id, block),
        "selfLink": url(call, path),
    }
    return {"resource": shown}


def shared_by(project: Project, owner: str) -> bool:
    """Whether another project shares a reservation with this one."""
    return any(each.get("owner") == owner for each in project.reservations)


def list_reservations(call: Call) -> Json:
    """Those of a zone."""
    return flat(call, "reservationList", of_zone(call, zone_of(call)))


def all_reservations(call: Call) -> Json:
    """Those of every zone."""
    scopes = {f"zones/{zone}": of_zone(call, zone) for zone in call.cloud.project.zones()}
    return by_scope(call, "reservationAggregatedList", "reservations", scopes)


HANDLERS = {
    "reservations.get": Handler(get, "compute.reservations.get"),
    "reservationBlocks.get": Handler(get_block, "compute.reservationBlocks.get"),
    "reservations.list": Handler(list_reservations, "compute.reservations.list"),
    "reservations.aggregatedList": Handler(all_reservations, "compute.reservations.list"),
}
