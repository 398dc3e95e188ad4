# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Strategic merge of LLMInferenceService specs: maps merge, keyed lists merge by their key, the rest is replaced."""

from __future__ import annotations

import copy
from typing import Any

from sandbox.images.kserve.typed import pruned

Object = dict[str, Any]

# the lists of a pod's specification that Kubernetes merges by a key
MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "env": "name",
    "ports": "containerPort",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "volumes": "name",
    "imagePullSecrets": "name",
    "hostAliases": "ip",
    "topologySpreadConstraints": "topologyKey",
    "resourceClaims": "name",
}
# an entry of these takes only the keys that the stronger side has: a volume has one source
RETAIN_KEYS = ("volumes",)


def merge(base: Object, override: Object) -> Object:
    """A new specification: `override` over `base`. A null takes the base's field away."""
    merged = copy.deepcopy(base)
    for name, value in override.items():
        known = merged.get(name)
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict) and isinstance(known, dict):
            merged[name] = merge(known, value)
        elif isinstance(value, list) and isinstance(known, list) and name in MERGE_KEYS:
            merged[name] = _merge_list(known, value, MERGE_KEYS[name], replace=name in RETAIN_KEYS)
        else:
            merged[name] = pruned(copy.deepcopy(value))
    return merged


def _merge_list(base: list[Object], override: list[Object], key: str, *, replace: bool) -> list[Object]:
    places = {item.get(key): place for place, item in enumerate(base)}
    stronger = []
    for item in override:
        place = places.get(item.get(key))
        stronger.append(copy.deepcopy(item) if place is None or replace else merge(base[place], item))
    named = {item.get(key) for item in override}
    weaker = [copy.deepcopy(item) for item in base if item.get(key) not in named]
    return _in_order(weaker, stronger, places, key)


def _in_order(weaker: list[Object], stronger: list[Object], places: dict[Any, int], key: str) -> list[Object]:
    # the stronger side's items first, but for two that the base had, which keep the base's order
    merged: list[Object] = []
    while weaker and stronger:
        left, right = places.get(weaker[0].get(key)), places.get(stronger[0].get(key))
        base_first = left is not None and right is not None and left < right
        merged.append((weaker if base_first else stronger).pop(0))
    return [*merged, *weaker, *stronger]
