# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which listeners of which Gateways an HTTPRoute belongs to, and why not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sandbox.control_plane.kube import Key, Object, Objects, key_of
from sandbox.images.istiod.conditions import Condition
from sandbox.images.istiod.names import GATEWAY_GROUP
from sandbox.images.istiod.world import World, label_selector_matches

ANY_HOST = "*"


@dataclass(frozen=True)
class Attachment:
    """One parentRef of a route to a Gateway of ours: the listeners that take it, and the verdict."""

    parent: Object
    gateway: Key
    listeners: tuple[Object, ...]
    accepted: Condition


def attachments(world: World, route: Object) -> Iterator[Attachment]:
    """The verdict on each parentRef that names a Gateway of ours."""
    for parent in route["spec"].get("parentRefs") or []:
        if (parent.get("group", GATEWAY_GROUP), parent.get("kind", "Gateway")) != (GATEWAY_GROUP, "Gateway"):
            continue
        gateway = (parent.get("namespace") or route["metadata"]["namespace"], parent["name"])
        if world.is_ours(gateway):
            yield _attach(world, route, parent, gateway)


def _attach(world: World, route: Object, parent: Object, gateway: Key) -> Attachment:
    def refuse(reason: str, message: str) -> Attachment:
        return Attachment(parent, gateway, (), Condition("Accepted", False, reason, message))

    listeners: Objects = world.gateways[gateway]["spec"].get("listeners") or []
    named = [
        listener
        for listener in listeners
        if parent.get("sectionName") in (None, listener["name"]) and parent.get("port") in (None, listener["port"])
    ]
    if not named:
        wanted = parent.get("sectionName") or f"port {parent.get('port')}"
        return refuse("NoMatchingParent", f"Gateway {'/'.join(gateway)} has no listener {wanted}.")
    allowed = [listener for listener in named if usable(listener) and _allows(world, listener, gateway[0], route)]
    if not allowed:
        return refuse(
            "NotAllowedByListeners",
            f"No listener of Gateway {'/'.join(gateway)} takes HTTPRoutes from namespace "
            f"{route['metadata']['namespace']}; see its allowedRoutes.",
        )
    matching = [listener for listener in allowed if hostnames(listener, route)]
    if not matching:
        return refuse(
            "NoMatchingListenerHostname",
            f"None of the route's hostnames fits a listener of Gateway {'/'.join(gateway)}.",
        )
    return Attachment(parent, gateway, tuple(matching), Condition("Accepted", True, "Accepted", "Route was valid"))


def usable(listener: Object) -> bool:
    """Whether the stand-in can serve a listener: plain HTTP only."""
    return bool(listener["protocol"] == "HTTP")


def _allows(world: World, listener: Object, gateway_namespace: str, route: Object) -> bool:
    allowed = listener.get("allowedRoutes") or {}
    kinds = allowed.get("kinds")
    if kinds and not any(
        kind["kind"] == "HTTPRoute" and kind.get("group", GATEWAY_GROUP) == GATEWAY_GROUP for kind in kinds
    ):
        return False
    namespaces = allowed.get("namespaces") or {}
    own = route["metadata"]["namespace"]
    match namespaces.get("from", "Same"):
        case "All":
            return True
        case "Selector":
            return label_selector_matches(namespaces.get("selector") or {}, world.namespace_labels(own))
    return bool(own == gateway_namespace)


def hostnames(listener: Object, route: Object) -> list[str]:
    """The host names for which a listener serves a route: what both allow, the narrower of the two."""
    outer = listener.get("hostname") or ANY_HOST
    wanted: Sequence[str] = route["spec"].get("hostnames") or [ANY_HOST]
    met = (_meet(outer, host) for host in wanted)
    return list(dict.fromkeys(host for host in met if host))


def _meet(one: str, other: str) -> str | None:
    for narrow, wide in ((one, other), (other, one)):
        if wide == ANY_HOST or narrow == wide or (wide.startswith("*.") and narrow.endswith(wide[1:])):
            return narrow
    return None


def attached(world: World, gateway: Key) -> Iterator[tuple[Object, Object]]:
    """Each accepted pair of route and listener of a Gateway; a pair comes once, however many parentRefs name it."""
    seen: set[tuple[Key, str]] = set()
    for key, route in sorted(world.routes.items()):
        for attachment in attachments(world, route):
            if attachment.gateway != gateway:
                continue
            for listener in attachment.listeners:
                if (key, listener["name"]) not in seen:
                    seen.add((key_of(route), listener["name"]))
                    yield route, listener
