# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of a specification that a Go program has read into its types and writes back: zeros go.

A field that cannot tell a zero from nothing (a number, a switch or a text that is no pointer) is left out when it is
zero; a container's `resources` is always written; a pod without `containers` has null there.
"""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]

ZERO_NUMBERS = frozenset(
    ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold", "hostPort")
)
ZERO_SWITCHES = frozenset(("hostNetwork", "hostPID", "hostIPC", "stdin", "stdinOnce", "tty", "readOnly", "expert"))
EMPTY_MAPS = frozenset(("nodeSelector", "limits", "requests", "labels", "annotations", "matchLabels"))
KEPT_LISTS = frozenset(("containers",))
CONTAINERS = ("containers", "initContainers", "ephemeralContainers")
PODS = (
    ("template",),
    ("worker",),
    ("prefill", "template"),
    ("prefill", "worker"),
    ("router", "scheduler", "template"),
)


def written_back(spec: Object) -> Object:
    """The specification of a service or configuration as the controller's own update sends it."""
    found = dict(_without_zeros(spec, in_pod=False))
    for path in PODS:
        pod = _at(found, path)
        if pod is not None:
            _complete(pod)
    return found


def pruned(spec: Any) -> Any:
    """The same as the API server keeps it: a null in a field that may not be null counts as absent."""
    if isinstance(spec, dict):
        return {name: pruned(value) for name, value in spec.items() if value is not None}
    if isinstance(spec, list):
        return [pruned(item) for item in spec]
    return spec


def _complete(pod: Object) -> None:
    pod.setdefault("containers", None)
    for name in CONTAINERS:
        for container in pod.get(name) or []:
            container.setdefault("resources", {})


def _at(spec: Object, path: tuple[str, ...]) -> Object | None:
    found: Any = spec
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else None


def _without_zeros(value: Any, *, in_pod: bool) -> Any:
    if isinstance(value, list):
        return [_without_zeros(item, in_pod=in_pod) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {}
    for name, entry in value.items():
        below = in_pod or name in ("template", "worker")
        if not _is_zero(name, entry, in_pod=in_pod):
            kept[name] = _without_zeros(entry, in_pod=below)
    return kept


def _is_zero(name: str, value: Any, *, in_pod: bool) -> bool:
    if value is None:
        return True
    if value is False:
        return name in ZERO_SWITCHES
    if value == 0 and not isinstance(value, (list, dict, str)):
        return name in ZERO_NUMBERS
    if value == "":
        return in_pod and name != "name"
    if value == []:
        return name not in KEPT_LISTS
    return value == {} and name in EMPTY_MAPS
