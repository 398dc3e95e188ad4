# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""Which of a gateway's rules lead to a pool, and which endpoint picker each must ask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError

Object = Mapping[str, Any]
Key = tuple[str, str]

POOL_GROUPS = ("inference.networking.k8s.io", "inference.networking.x-k8s.io")
PICKER_PORT = 9002
"""Of an endpoint picker whose pool names no port."""


@dataclass(frozen=True)
class Picker:
    """A pool's endpoint picker, as Envoy knows it."""

    cluster: str
    fail_open: bool


@dataclass(frozen=True)
class Rule:
    """A rule of an HTTPRoute by the name that Istio gives it; without pool and picker where it leads to none."""

    name: str
    route: str
    pool: str = ""
    picker: Picker | None = None
    matches: Sequence[Object] = ()


def pool_routes(
    routes: Sequence[Object], pools: Sequence[Object], gateway: str, namespace: str
) -> list[dict[str, Any]]:
    """What an EnvoyFilter has to restate for each rule of one Gateway that leads to a pool, sorted by name.

    A rule whose pool is not among `pools` has no picker to ask.
    """
    found: dict[str, Rule] = {}
    for rule in rules_of(routes, pools, gateway, namespace):
        other = found.setdefault(rule.name, rule)
        if other.picker != rule.picker:
            raise _not_told_apart(rule, other)
    return [
        {"name": name, "cluster": rule.picker.cluster, "fail_open": rule.picker.fail_open}
        for name, rule in sorted(found.items())
        if rule.picker
    ]


def rules_of(routes: Sequence[Object], pools: Sequence[Object], gateway: str, namespace: str) -> list[Rule]:
    """All rules of one Gateway."""
    pickers = {key: picker for pool in pools for key, picker in [_picker(pool)]}
    return [rule for route in routes if _attaches(route, gateway, namespace) for rule in _rules(route, pickers)]


def _not_told_apart(rule: Rule, other: Rule) -> RhaiiError:
    where = f"HTTPRoute {rule.route}" if rule.route == other.route else f"HTTPRoutes {other.route} and {rule.route}"
    return RhaiiError(
        f"Rules of one Gateway must not share a name; {rule.name} stands in {where}, for different endpoint pickers. "
        "Istio tells rules apart by their names alone, so requests for one model would be routed for the other.",
        remedy="Put each of these models behind a Gateway of its own, or keep one of them.",
    )


def kserve_objects(
    models: Sequence[Object], namespace: str, pool_rules: Sequence[int], gateway: str, gateway_namespace: str
) -> dict[str, list[dict[str, Any]]]:
    """The HTTPRoutes and pools that KServe will make, as far as `pool_routes` looks at them."""
    parent = {"name": gateway, "namespace": gateway_namespace}
    made: dict[str, list[dict[str, Any]]] = {"routes": [], "pools": []}
    for model in models:
        name = model["name"]
        pool = {"group": POOL_GROUPS[0], "kind": "InferencePool", "name": f"{name}-inference-pool"}
        rules = [
            {"backendRefs": [pool] if place in pool_rules else []} for place in range(max(pool_rules, default=-1) + 1)
        ]
        made["routes"].append(
            {
                "metadata": {"name": f"{name}-kserve-route", "namespace": namespace},
                "spec": {"parentRefs": [parent], "rules": rules},
            }
        )
        picker = {"name": f"{name}-epp-service", "port": {"number": PICKER_PORT}, "failureMode": "FailOpen"}
        made["pools"].append(
            {"metadata": {"name": pool["name"], "namespace": namespace}, "spec": {"endpointPickerRef": picker}}
        )
    return made


def _picker(pool: Object) -> tuple[Key, Picker]:
    """A pool's key and picker; the older group calls the reference extensionRef."""
    namespace, spec = pool["metadata"]["namespace"], pool["spec"]
    ref = spec.get("endpointPickerRef") or spec["extensionRef"]
    port = (ref.get("port") or {}).get("number") or ref.get("portNumber") or PICKER_PORT
    cluster = f"outbound|{port}||{ref['name']}.{namespace}.svc.cluster.local"
    return (namespace, pool["metadata"]["name"]), Picker(cluster, ref.get("failureMode", "FailClose") == "FailOpen")


def _rules(route: Object, pickers: Mapping[Key, Picker]) -> Iterator[Rule]:
    namespace, name = route["metadata"]["namespace"], route["metadata"]["name"]
    for index, rule in enumerate(route["spec"].get("rules") or []):
        refs = [ref for ref in rule.get("backendRefs") or [] if _is_pool(ref)]
        # one picker serves all backends of a rule, and Istio takes the last pool's
        keys = [(ref.get("namespace") or namespace, ref["name"]) for ref in refs]
        yield Rule(
            name=str(rule.get("name") or f"{namespace}.{name}.{index}"),
            route=f"{namespace}/{name}",
            pool=keys[-1][1] if keys else "",
            picker=pickers.get(keys[-1]) if keys else None,
            matches=rule.get("matches") or (),
        )


def _attaches(route: Object, gateway: str, namespace: str) -> bool:
    own = route["metadata"]["namespace"]
    return any(
        (parent.get("kind") or "Gateway", parent.get("namespace") or own, parent["name"])
        == ("Gateway", namespace, gateway)
        for parent in route["spec"].get("parentRefs") or []
    )


def _is_pool(ref: Object) -> bool:
    return ref.get("kind") == "InferencePool" and ref.get("group") in POOL_GROUPS


__all__ = ("PICKER_PORT", "POOL_GROUPS", "Picker", "Rule", "kserve_objects", "pool_routes", "rules_of")
