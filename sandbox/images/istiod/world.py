# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A snapshot of the cluster, as far as gateways are concerned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sandbox.control_plane.kube import Key, Object
from sandbox.images.istiod.names import CONTROLLER

Items = Mapping[Key, Object]
Labels = Mapping[str, str]


@dataclass(frozen=True)
class World:
    """Objects by kind, then by namespace and name."""

    gateway_classes: Items = field(default_factory=dict)
    gateways: Items = field(default_factory=dict)
    routes: Items = field(default_factory=dict)
    pools: Items = field(default_factory=dict)
    grants: Items = field(default_factory=dict)
    services: Items = field(default_factory=dict)
    slices: Items = field(default_factory=dict)
    pods: Items = field(default_factory=dict)
    namespaces: Items = field(default_factory=dict)
    destination_rules: Items = field(default_factory=dict)
    envoy_filters: Items = field(default_factory=dict)
    config_maps: Items = field(default_factory=dict)

    def our_gateways(self) -> Iterator[tuple[Key, Object]]:
        """Gateways whose class names this controller."""
        for key, gateway in sorted(self.gateways.items()):
            gateway_class = self.gateway_classes.get(("", gateway["spec"]["gatewayClassName"]))
            if gateway_class and gateway_class["spec"]["controllerName"] == CONTROLLER:
                yield key, gateway

    def is_ours(self, gateway: Key) -> bool:
        """Whether a Gateway is there and of our class."""
        return any(key == gateway for key, _ in self.our_gateways())

    def namespace_labels(self, name: str) -> Labels:
        """Labels of a namespace."""
        return labels(self.namespaces.get(("", name), {}))


def labels(obj: Object) -> Labels:
    """Labels of an object."""
    found: Labels = (obj.get("metadata") or {}).get("labels") or {}
    return found


def selects(selector: Labels, candidate: Labels) -> bool:
    """Whether all of `selector` is in `candidate`; an empty selector selects everything."""
    return all(candidate.get(name) == value for name, value in selector.items())


def label_selector_matches(selector: Object, candidate: Labels) -> bool:
    """A LabelSelector: matchLabels and matchExpressions."""
    if not selects(selector.get("matchLabels") or {}, candidate):
        return False
    return all(_expression_matches(item, candidate) for item in selector.get("matchExpressions") or [])


def _expression_matches(expression: Object, candidate: Labels) -> bool:
    key, values = expression["key"], expression.get("values") or []
    match expression["operator"]:
        case "In":
            return candidate.get(key) in values
        case "NotIn":
            return candidate.get(key) not in values
        case "Exists":
            return key in candidate
        case "DoesNotExist":
            return key not in candidate
    return False


def serves(pod: Object) -> bool:
    """Whether a pod takes requests: it has an address, is ready, and is not going away."""
    if pod["metadata"].get("deletionTimestamp") or not (pod.get("status") or {}).get("podIP"):
        return False
    found = (pod["status"].get("conditions") or []) if pod["status"].get("phase") == "Running" else []
    return any(item["type"] == "Ready" and item["status"] == "True" for item in found)
