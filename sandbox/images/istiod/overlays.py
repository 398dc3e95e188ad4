# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Strategic merge of a gateway's overlay (the ConfigMap of its parametersRef) into a generated object."""

from __future__ import annotations

from typing import Any

from sandbox.control_plane.kube import Object

MERGE_KEYS: dict[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "volumes": ("name",),
    "env": ("name",),
    "imagePullSecrets": ("name",),
    "volumeMounts": ("mountPath",),
    "ports": ("containerPort", "port"),
    "hostAliases": ("ip",),
    "topologySpreadConstraints": ("topologyKey",),
}
"""Lists that merge by a key of their items, as the Kubernetes API declares; any other list is replaced."""


def overlay(base: Any, patch: Any, field: str = "") -> Any:
    """`base` with `patch` merged in; null deletes a field, `$patch: delete` an item, `$patch: replace` the rest."""
    if isinstance(patch, dict) and isinstance(base, dict):
        directive = patch.get("$patch")
        content = {key: value for key, value in patch.items() if key != "$patch"}
        result: Object = {} if directive == "replace" else dict(base)
        for key, value in content.items():
            if value is None:
                result.pop(key, None)
            else:
                result[key] = overlay(result.get(key), value, key)
        return result
    if isinstance(patch, list) and isinstance(base, list):
        return _overlay_list(base, patch, field)
    return patch


def _overlay_list(base: list[Any], patch: list[Any], field: str) -> list[Any]:
    items = [*base, *patch]
    candidates = MERGE_KEYS.get(field, ())
    key = next((name for name in candidates if all(isinstance(item, dict) and name in item for item in items)), None)
    if key is None:
        return patch
    known = {item[key]: item for item in base}
    # what only the patch has comes first, as a strategic merge orders it
    result = {item[key]: {} for item in patch if item[key] not in known} | known
    for item in patch:
        if item.get("$patch") == "delete":
            result.pop(item[key], None)
        else:
            result[item[key]] = overlay(result[item[key]], item, field)
    return list(result.values())
