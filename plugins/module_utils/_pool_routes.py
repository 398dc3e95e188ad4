# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""Which of a gateway's routes lead to a pool: these need the request body at the endpoint picker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Object = Mapping[str, Any]

POOL_GROUPS = ("inference.networking.k8s.io", "inference.networking.x-k8s.io")


def pool_routes(routes: Sequence[Object], gateway: str, namespace: str) -> list[str]:
    """The names that Istio gives to the HTTPRoutes' rules with an InferencePool behind them, for one Gateway."""
    found = set()
    for route in routes:
        if not _attaches(route, gateway, namespace):
            continue
        for index, rule in enumerate(route["spec"].get("rules") or []):
            if any(_is_pool(ref) for ref in rule.get("backendRefs") or []):
                place = f"{route['metadata']['namespace']}.{route['metadata']['name']}.{index}"
                found.add(str(rule.get("name") or place))
    return sorted(found)


def _attaches(route: Object, gateway: str, namespace: str) -> bool:
    own = route["metadata"]["namespace"]
    return any(
        (parent.get("kind") or "Gateway", parent.get("namespace") or own, parent["name"])
        == ("Gateway", namespace, gateway)
        for parent in route["spec"].get("parentRefs") or []
    )


def _is_pool(ref: Object) -> bool:
    return ref.get("kind") == "InferencePool" and ref.get("group") in POOL_GROUPS


__all__ = ("POOL_GROUPS", "pool_routes")
