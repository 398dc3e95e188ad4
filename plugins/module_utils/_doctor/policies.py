# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""Whether network policies let one pod reach another, evaluated as networking.k8s.io/v1 says it.

A pod that no policy selects in a direction is open in it. One that is selected is closed but for what any of them
allows. Both ends must agree.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Object = Mapping[str, Any]
NAME = "kubernetes.io/metadata.name"
INGRESS, EGRESS = "Ingress", "Egress"


@dataclass(frozen=True)
class End:
    """A pod, as policies see it."""

    namespace: str
    labels: Mapping[str, str]
    # of its namespace; the name is always among them
    namespace_labels: Mapping[str, str] = field(default_factory=dict)
    # number by name
    ports: Mapping[str, int] = field(default_factory=dict)
    address: str = ""


def blockers(policies: Sequence[Object], source: End, target: End, port: int) -> list[str]:
    """The policies, as namespace/name, of which none lets a TCP connection through; empty where it is let through."""
    found = []
    for direction, own, other in ((EGRESS, source, target), (INGRESS, target, source)):
        selecting = [each for each in policies if _selects(each, own, direction)]
        if selecting and not any(_allows(each, direction, other, target, port) for each in selecting):
            found += [f"{own.namespace}/{each['metadata']['name']}" for each in selecting]
    return found


def _selects(policy: Object, end: End, direction: str) -> bool:
    spec = policy.get("spec") or {}
    types = spec.get("policyTypes") or [INGRESS, *([EGRESS] if spec.get("egress") else [])]
    return (
        policy["metadata"].get("namespace") == end.namespace
        and direction in types
        and matches(spec.get("podSelector") or {}, end.labels)
    )


def _allows(policy: Object, direction: str, other: End, target: End, port: int) -> bool:
    rules = (policy.get("spec") or {}).get(direction.lower()) or []
    peers = "from" if direction == INGRESS else "to"
    return any(
        _of_port(rule.get("ports") or [], target, port)
        and _of_peer(rule.get(peers) or [], other, str(policy["metadata"].get("namespace")))
        for rule in rules
    )


def _of_port(ports: Sequence[Object], target: End, port: int) -> bool:
    return not ports or any(_is_port(each, target, port) for each in ports)


def _is_port(each: Object, target: End, port: int) -> bool:
    if (each.get("protocol") or "TCP") != "TCP":
        return False
    number = each.get("port")
    if isinstance(number, str):
        number = target.ports.get(number)
        return number == port
    return number is None or int(number) <= port <= int(each.get("endPort") or number)


def _of_peer(peers: Sequence[Object], other: End, namespace: str) -> bool:
    return not peers or any(_is_peer(each, other, namespace) for each in peers)


def _is_peer(peer: Object, other: End, namespace: str) -> bool:
    block = peer.get("ipBlock")
    if block:
        return bool(other.address) and _is_within(other.address, block)
    if "namespaceSelector" in peer:
        labels = {**other.namespace_labels, NAME: other.namespace}
        if not matches(peer["namespaceSelector"] or {}, labels):
            return False
    elif other.namespace != namespace:
        return False
    return matches(peer.get("podSelector") or {}, other.labels)


def _is_within(address: str, block: Object) -> bool:
    found = ipaddress.ip_address(address)
    excepted = any(found in ipaddress.ip_network(each, strict=False) for each in block.get("except") or [])
    return found in ipaddress.ip_network(str(block.get("cidr")), strict=False) and not excepted


def matches(selector: Object, labels: Mapping[str, str]) -> bool:
    """A label selector of Kubernetes; an empty one matches all."""
    wanted: Mapping[str, str] = selector.get("matchLabels") or {}
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        _holds(each, labels) for each in selector.get("matchExpressions") or []
    )


def _holds(expression: Object, labels: Mapping[str, str]) -> bool:
    key, values = str(expression.get("key")), expression.get("values") or []
    operator = expression.get("operator")
    if operator == "In":
        return labels.get(key) in values
    if operator == "NotIn":
        return labels.get(key) not in values
    return (key in labels) == (operator == "Exists")


__all__ = ("End", "blockers", "matches")
