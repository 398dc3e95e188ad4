# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the controller reports about each object; `now` is used only where something changed."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.control_plane.kube import Key, Object, Objects, key_of
from sandbox.images.istiod.attachment import Attachment, attached, attachments, usable
from sandbox.images.istiod.backends import resolve, service_upstream
from sandbox.images.istiod.conditions import Condition, conditions
from sandbox.images.istiod.endpoints import addresses
from sandbox.images.istiod.gateways import InvalidParameters, parameters_ref, read_overlays
from sandbox.images.istiod.mesh import Mesh
from sandbox.images.istiod.names import (
    CONTROLLER,
    GATEWAY_GROUP,
    ISTIO_GROUP,
    POOL_GROUP,
    gateway_workload,
    service_host,
)
from sandbox.images.istiod.routes import SUPPORTED_FILTERS
from sandbox.images.istiod.world import World

ACCEPTED_POOL = "Referenced by an HTTPRoute accepted by the parentRef Gateway"
NO_ERRORS = "No errors found"
ROUTE_KINDS = [{"group": GATEWAY_GROUP, "kind": "HTTPRoute"}]


def gateway_class_status(gateway_class: Object, *, now: str) -> Object:
    """Every class of ours is accepted."""
    accepted = Condition("Accepted", True, "Accepted", "The controller takes Gateways of this class.")
    return {"conditions": _conditions(gateway_class, [accepted], now)}


def gateway_status(world: World, mesh: Mesh, gateway: Object, *, now: str) -> Object:
    """Accepted, Programmed, addresses and listeners of a Gateway."""
    problem = _parameters_problem(world, gateway)
    accepted = (
        Condition("Accepted", False, "InvalidParameters", problem)
        if problem
        else Condition("Accepted", True, "Accepted", "Resource accepted")
    )
    found, pending = _service_addresses(world, mesh, gateway)
    if problem:
        programmed = Condition("Programmed", False, "Invalid", problem)
    elif pending:
        programmed = Condition("Programmed", False, "AddressNotAssigned", pending)
    else:
        programmed = Condition("Programmed", True, "Programmed", _assigned(mesh, gateway))
    return {
        "addresses": [{"type": "IPAddress", "value": address} for address in found],
        "conditions": _conditions(gateway, [accepted, programmed], now),
        "listeners": _listeners(world, gateway, now),
    }


def _parameters_problem(world: World, gateway: Object) -> str:
    key = parameters_ref(gateway)
    try:
        read_overlays(gateway, world.config_maps.get(key) if key else None)
    except InvalidParameters as error:
        return str(error)
    return ""


def _service_addresses(world: World, mesh: Mesh, gateway: Object) -> tuple[list[str], str]:
    """Addresses, and what is still missing: the Service, a ready pod behind it, or the load balancer."""
    meta = gateway["metadata"]
    key = (meta["namespace"], gateway_workload(meta["name"], gateway["spec"]["gatewayClassName"]))
    service = world.services.get(key)
    host = service_host(key[1], key[0], mesh.domain)
    if service is None:
        return [], f"Service {host} does not exist yet."
    for port in {item["port"] for item in gateway["spec"].get("listeners") or [] if usable(item)}:
        upstream = service_upstream(world, mesh, key, port)
        if upstream is None or not addresses(world, upstream):
            return [], f"Service {host} has no ready pod for port {port} yet."
    if service["spec"].get("type") != "LoadBalancer":
        return [service["spec"]["clusterIP"]], ""
    ingress = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
    found = [item.get("ip") or item.get("hostname", "") for item in ingress]
    return found, "" if found else f"Service {host} waits for the address of its load balancer."


def _assigned(mesh: Mesh, gateway: Object) -> str:
    meta = gateway["metadata"]
    host = service_host(
        gateway_workload(meta["name"], gateway["spec"]["gatewayClassName"]), meta["namespace"], mesh.domain
    )
    ports = sorted({item["port"] for item in gateway["spec"].get("listeners") or [] if usable(item)})
    return f"Resource programmed, assigned to service(s) {' and '.join(f'{host}:{port}' for port in ports)}"


def _listeners(world: World, gateway: Object, now: str) -> Objects:
    counts: dict[str, int] = {}
    for _, listener in attached(world, key_of(gateway)):
        counts[listener["name"]] = counts.get(listener["name"], 0) + 1
    known = {item["name"]: item for item in (gateway.get("status") or {}).get("listeners") or []}
    result = []
    for listener in gateway["spec"].get("listeners") or []:
        kinds, foreign = _supported_kinds(listener)
        served = usable(listener)
        wanted = [
            Condition("Accepted", True, "Accepted", NO_ERRORS)
            if served
            else Condition(
                "Accepted", False, "UnsupportedProtocol", f"The stand-in serves HTTP only, not {listener['protocol']}."
            ),
            Condition("Conflicted", False, "NoConflicts", NO_ERRORS),
            Condition("Programmed", True, "Programmed", NO_ERRORS)
            if served
            else Condition("Programmed", False, "Invalid", "The listener is not accepted."),
            Condition("ResolvedRefs", False, "InvalidRouteKinds", f"Only HTTPRoutes are served, not {foreign}.")
            if foreign
            else Condition("ResolvedRefs", True, "ResolvedRefs", NO_ERRORS),
        ]
        before = known.get(listener["name"], {}).get("conditions") or []
        result.append(
            {
                "name": listener["name"],
                "attachedRoutes": counts.get(listener["name"], 0),
                "supportedKinds": kinds,
                "conditions": conditions(wanted, before, generation=_generation(gateway), now=now),
            }
        )
    return result


def _supported_kinds(listener: Object) -> tuple[Objects, str]:
    wanted = (listener.get("allowedRoutes") or {}).get("kinds")
    if not wanted:
        return ROUTE_KINDS, ""
    foreign = sorted({item["kind"] for item in wanted if item["kind"] != "HTTPRoute"})
    served = [item for item in ROUTE_KINDS if any(entry["kind"] == item["kind"] for entry in wanted)]
    return served, ", ".join(foreign)


def route_status(world: World, mesh: Mesh, route: Object, *, now: str) -> Object | None:
    """Parents of an HTTPRoute; None when there is nothing to say about it, and never was."""
    existing: Objects = (route.get("status") or {}).get("parents") or []
    others = [item for item in existing if item["controllerName"] != CONTROLLER]
    ours = {_parent_key(item["parentRef"]): item for item in existing if item["controllerName"] == CONTROLLER}
    resolved = resolved_refs(world, mesh, route)
    parents = others + [
        {
            "parentRef": attachment.parent,
            "controllerName": CONTROLLER,
            "conditions": conditions(
                [_accepted(route, attachment), resolved],
                ours.get(_parent_key(attachment.parent), {}).get("conditions") or [],
                generation=_generation(route),
                now=now,
            ),
        }
        for attachment in attachments(world, route)
    ]
    return {"parents": parents} if parents or existing else None


def _parent_key(parent: Object) -> tuple[str, str, str, int]:
    return parent.get("namespace", ""), parent["name"], parent.get("sectionName", ""), parent.get("port", 0)


def _accepted(route: Object, attachment: Attachment) -> Condition:
    foreign = sorted(
        {
            item["type"]
            for rule in route["spec"].get("rules") or []
            for item in rule.get("filters") or []
            if item["type"] not in SUPPORTED_FILTERS
        }
    )
    if attachment.accepted.status and foreign:
        wanted = ", ".join(SUPPORTED_FILTERS)
        return Condition("Accepted", False, "UnsupportedValue", f"Filter {', '.join(foreign)}; served are {wanted}.")
    return attachment.accepted


def resolved_refs(world: World, mesh: Mesh, route: Object) -> Condition:
    """Whether all backends of a route are there; the last that is not says why."""
    found = Condition("ResolvedRefs", True, "ResolvedRefs", "All references resolved")
    for rule in route["spec"].get("rules") or []:
        for ref in rule.get("backendRefs") or []:
            backend = resolve(world, mesh, route, ref)
            if backend.upstream is None:
                found = Condition("ResolvedRefs", False, backend.reason, backend.message)
    return found


def pool_status(world: World, mesh: Mesh, pool: Object, *, now: str) -> Object | None:
    """Parents of an InferencePool: the Gateways whose routes lead to it; None when nothing is to be said."""
    existing: Objects = (pool.get("status") or {}).get("parents") or []
    parents = dict(_pool_parents(world, mesh, key_of(pool)))
    kept = [item for item in existing if not _is_ours(world, pool, item["parentRef"])]
    known = {_gateway_of(pool, item["parentRef"]): item for item in existing}
    if not parents and kept == existing:
        return None
    return {
        "parents": kept
        + [
            {
                "parentRef": {
                    # not the Gateway API's own: so Istio writes it
                    "group": ISTIO_GROUP,
                    "kind": "Gateway",
                    "namespace": gateway[0],
                    "name": gateway[1],
                },
                "conditions": conditions(
                    [accepted, _picker_found(world, pool, known.get(gateway, {}))],
                    known.get(gateway, {}).get("conditions") or [],
                    generation=_generation(pool),
                    now=now,
                ),
            }
            for gateway, accepted in sorted(parents.items(), key=lambda item: item[0])
        ]
    }


def _picker_found(world: World, pool: Object, known: Object) -> Condition:
    """Whether the Service is there; that it went is seen only when the pool changes."""
    name = pool["spec"]["endpointPickerRef"]["name"]
    found = Condition("ResolvedRefs", True, "ResolvedRefs", "Referenced ExtensionRef resolved successfully")
    before: Object = next((item for item in known.get("conditions") or [] if item["type"] == found.type), {})
    seen = before.get("status") == "True" and before.get("observedGeneration") == _generation(pool)
    if seen or (pool["metadata"]["namespace"], name) in world.services:
        return found
    return Condition("ResolvedRefs", False, "InvalidExtensionRef", f"Referenced ExtensionRef not found {name}")


def _pool_parents(world: World, mesh: Mesh, pool: Key) -> Iterable[tuple[Key, Condition]]:
    """Gateways by way of their routes; a route that is accepted outweighs one that is not."""
    found: dict[Key, Condition] = {}
    for _, route in sorted(world.routes.items()):
        if not mesh.inference or not leads_to(route, pool):
            continue
        for attachment in attachments(world, route):
            accepted = _accepted(route, attachment)
            if attachment.gateway in found and found[attachment.gateway].status:
                continue
            name = "/".join(key_of(route))
            found[attachment.gateway] = (
                Condition("Accepted", True, "Accepted", ACCEPTED_POOL)
                if accepted.status
                else Condition(
                    "Accepted",
                    False,
                    "HTTPRouteNotAccepted",
                    f"Referenced HTTPRoute {name} not accepted by Gateway {'/'.join(attachment.gateway)}: "
                    f"{accepted.message}",
                )
            )
    return found.items()


def leads_to(route: Object, pool: Key) -> bool:
    """Whether a rule of a route names a pool."""
    own = route["metadata"]["namespace"]
    return any(
        (ref.get("group"), ref.get("kind")) == (POOL_GROUP, "InferencePool")
        and (ref.get("namespace") or own, ref["name"]) == pool
        for rule in route["spec"].get("rules") or []
        for ref in rule.get("backendRefs") or []
    )


def _gateway_of(pool: Object, parent: Object) -> Key:
    return parent.get("namespace") or pool["metadata"]["namespace"], parent["name"]


def _is_ours(world: World, pool: Object, parent: Object) -> bool:
    placeholder = parent.get("kind") == "Status"
    return placeholder or world.is_ours(_gateway_of(pool, parent)) or _gateway_of(pool, parent) not in world.gateways


def _generation(obj: Object) -> int:
    return int(obj["metadata"].get("generation", 0))


def _conditions(obj: Object, wanted: list[Condition], now: str) -> Objects:
    existing = (obj.get("status") or {}).get("conditions") or []
    return conditions(wanted, existing, generation=_generation(obj), now=now)
