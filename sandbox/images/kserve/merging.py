# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Strategic merge of LLMInferenceService specs: maps merge, keyed lists merge by their key, the rest is replaced."""

from __future__ import annotations

import copy
from typing import Any

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
    """A new specification: `override` over `base`."""
    merged = copy.deepcopy(base)
    for name, value in override.items():
        known = merged.get(name)
        if isinstance(value, dict) and isinstance(known, dict):
            merged[name] = merge(known, value)
        elif isinstance(value, list) and isinstance(known, list) and name in MERGE_KEYS:
            merged[name] = _merge_list(known, value, MERGE_KEYS[name], replace=name in RETAIN_KEYS)
        else:
            merged[name] = copy.deepcopy(value)
    return merged


def _merge_list(base: list[Object], override: list[Object], key: str, *, replace: bool) -> list[Object]:
    merged = [copy.deepcopy(item) for item in base]
    places = {item.get(key): place for place, item in enumerate(merged)}
    for item in override:
        place = places.get(item.get(key))
        if place is None:
            places[item.get(key)] = len(merged)
            merged.append(copy.deepcopy(item))
        elif replace:
            merged[place] = copy.deepcopy(item)
        else:
            merged[place] = merge(merged[place], item)
    return merged
