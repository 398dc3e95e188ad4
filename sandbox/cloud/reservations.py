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
from sandbox.cloud.limits import machines
from sandbox.cloud.state import State


def in_use(state: State, reservation: Json) -> int:
    """How many of its machines pools have taken."""
    return sum(
        reservation["name"] in (pool.body["config"].get("reservationAffinity") or {}).get("values", [])
        and group.zone == reservation["zone"]
        and instance.error is None
        for _, pool, group, instance in machines(state)
    )


def reservation_json(call: Call, reservation: Json) -> Json:
    """A reservation as Compute Engine shows it."""
    zone, name = reservation["zone"], reservation["name"]
    return {
        "kind": "compute#reservation",
        "id": numeric_id("reservation", name),
        "creationTimestamp": CREATED,
        "name": name,
        "zone": url(call, f"zones/{zone}"),
        "status": "READY",
        "specificReservationRequired": True,
        "specificReservation": {
            "count": str(reservation["count"]),
            "inUseCount": str(in_use(call.cloud.state, reservation)),
            "instanceProperties": {"machineType": reservation["machine_type"]},
        },
        "selfLink": url(call, f"zones/{zone}/reservations/{name}"),
    }


def of_zone(call: Call, zone: str) -> list[Json]:
    """The reservations of a zone."""
    return [reservation_json(call, each) for each in call.cloud.project.reservations if each["zone"] == zone]


def get(call: Call) -> Json:
    """One reservation."""
    zone, name = zone_of(call), call.params["reservation"]
    for found in of_zone(call, zone):
        if found["name"] == name:
            return found
    raise missing(call, f"zones/{zone}/reservations/{name}")


def list_reservations(call: Call) -> Json:
    """Those of a zone."""
    return flat(call, "reservationList", of_zone(call, zone_of(call)))


def all_reservations(call: Call) -> Json:
    """Those of every zone."""
    scopes = {f"zones/{zone}": of_zone(call, zone) for zone in call.cloud.project.zones()}
    return by_scope(call, "reservationAggregatedList", "reservations", scopes)


HANDLERS = {
    "reservations.get": Handler(get, "compute.reservations.get"),
    "reservations.list": Handler(list_reservations, "compute.reservations.list"),
    "reservations.aggregatedList": Handler(all_reservations, "compute.reservations.list"),
}
