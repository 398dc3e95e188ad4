# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""What the inventory, the command line and the cluster come to: the models to serve, and the nodes that they leave.

The inventory is the truth. A value from the command line is a temporary override: it is recorded on the service and
kept until it is given again or equals the inventory. A service of this environment that the inventory has no more goes,
unless it is to be kept.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._models import effective_models
from ansible_collections.rhaii.gke.plugins.module_utils._ownership import of_object
from ansible_collections.rhaii.gke.plugins.module_utils._pods import pod_of

Object = Mapping[str, Any]

OVERRIDE = "rhaii.gke/override"
STOP = "serving.kserve.io/stop"
TPU = "google.com/tpu"
# KServe's labels on all pods of a service.
PART_OF, NAME = "app.kubernetes.io/part-of", "app.kubernetes.io/name"
OVERRIDABLE = ("replicas", "image")


@dataclass(frozen=True)
class Plan:
    """The models with what overrides them, for people what that means, and the services that are suspended."""

    models: tuple[dict[str, Any], ...]
    notices: tuple[str, ...]
    suspended: tuple[str, ...]
    # of all services that stay, ours or not: so many nodes are taken
    live_replicas: int
    # of this environment, and in the inventory no more
    removed: tuple[str, ...] = ()
    # of those that are kept all the same: so many nodes they need
    kept_replicas: int = 0

    def public(self) -> dict[str, Any]:
        return {
            "models": list(self.models),
            "notices": list(self.notices),
            "suspended": list(self.suspended),
            "live_replicas": self.live_replicas,
            "removed": list(self.removed),
            "kept_replicas": self.kept_replicas,
        }


def plan(
    declared: Sequence[Object],
    live: Sequence[Object],
    replicas: int | None = None,
    image: str | None = None,
    *,
    environment: str = "",
    keep_removed: bool = False,
) -> Plan:
    """`live` are LLMInferenceService objects; `replicas` and `image` stand for the default model, the first.

    Without `environment` nothing counts as removed.
    """
    services = {str(service["metadata"]["name"]): service for service in live}
    models: list[dict[str, Any]] = []
    notices: list[str] = []
    for index, model in enumerate(effective_models(declared)):
        name = str(model["name"])
        given = {"replicas": replicas, "image": image} if index == 0 else {}
        kept = override_of(services[name]) if name in services else {}
        override = {
            key: value
            for key in OVERRIDABLE
            if (value := kept.get(key) if given.get(key) is None else given[key]) not in (None, model[key])
        }
        models.append({**model, **override, "override": override})
        notices += [_notice(name, key, override[key], model[key], default=index == 0) for key in override]
    suspended = tuple(str(model["name"]) for model in models if _is_stopped(services.get(str(model["name"]))))
    declared_names = {str(model["name"]) for model in models}
    gone = {
        name: service
        for name, service in services.items()
        if environment and name not in declared_names and of_object(service, environment).is_ours
    }
    notices += [_farewell(name, service, keep_removed) for name, service in gone.items()]
    leaving = sum(_replicas(service["spec"]) for service in gone.values())
    taken = sum(_replicas(service["spec"]) for service in live) - (0 if keep_removed else leaving)
    return Plan(tuple(models), tuple(notices), suspended, taken, tuple(gone), leaving if keep_removed else 0)


def override_of(service: Object) -> dict[str, Any]:
    """What is recorded on a service; nothing when somebody wrote there what cannot be one."""
    try:
        recorded = json.loads((service["metadata"].get("annotations") or {}).get(OVERRIDE, "{}"))
    except ValueError:
        return {}
    if not isinstance(recorded, Mapping):
        return {}
    found: dict[str, Any] = {}
    replicas, image = recorded.get("replicas"), recorded.get("image")
    # a truth value is an int to Python
    if isinstance(replicas, int) and not isinstance(replicas, bool) and replicas > 0:
        found["replicas"] = replicas
    if isinstance(image, str) and image:
        found["image"] = image
    return found


def _is_stopped(service: Object | None) -> bool:
    # KServe does not mind how it is written
    return service is not None and str((service["metadata"].get("annotations") or {}).get(STOP)).lower() == "true"


def _notice(name: str, key: str, value: Any, declared: Any, *, default: bool) -> str:
    # the command line speaks of the default model alone
    drop = (
        f"run {'scale.yml' if key == 'replicas' else 'deploy.yml'} -e rhaii_{key}={declared}"
        if default
        else f"take the annotation {OVERRIDE} off the service and run deploy.yml"
    )
    return (
        f"{name}: {key} is {value} by a temporary override, the inventory says {declared}. To keep it, write "
        f"{key}: {value} into the model's entry of rhaii_models; to drop it, {drop}."
    )


def _farewell(name: str, service: Object, keep: bool) -> str:
    if keep:
        return f"{name}: not in rhaii_models any more, and kept, because rhaii_keep_removed_models is true."
    count = _replicas(service["spec"])
    replicas = f"{count} replica{'' if count == 1 else 's'}"
    return (
        f"{name}: not in rhaii_models any more, so it is deleted with its {replicas}. To keep it, add "
        "-e rhaii_keep_removed_models=true."
    )


def replaced(wanted: Sequence[Object], live: Sequence[Object], spare_nodes: int) -> list[str]:
    """The services whose pods a change would replace although no node is free for the first new one.

    `spare_nodes` are those that the live replicas leave. A service's own growth is room for its first new pod; what
    others grow by, they take.
    """
    before = {service["metadata"]["name"]: service["spec"] for service in live}
    # a set has its parent too
    after = {service["metadata"]["name"]: service["spec"] for service in wanted if "spec" in service}
    growth = {name: max(0, _replicas(spec) - _replicas(before.get(name))) for name, spec in after.items()}
    return [
        str(name)
        for name, spec in after.items()
        if name in before
        and _pods(spec) != _pods(before[name])
        and spare_nodes - sum(growth.values()) + growth[name] < 1
    ]


def _replicas(spec: Object | None) -> int:
    return 0 if spec is None else int(spec.get("replicas", 1))


def _pods(spec: Object) -> list[Any]:
    return [spec.get(part) for part in ("template", "labels", "annotations", "model")]


def vacated(
    nodes: Sequence[Object], pods: Sequence[Object], wanted: int, namespaces: Collection[str] = ()
) -> list[str]:
    """The nodes beyond `wanted` on which nobody works; the newest first, fewer when fewer are free.

    `namespaces` are those whose pods may be evicted, as far as they hold no TPU.
    """
    excess = len(nodes) - wanted
    if excess <= 0:
        return []
    busy = {pod["spec"].get("nodeName") for pod in pods if _keeps_node(pod, namespaces)}
    free = [node for node in nodes if node["metadata"]["name"] not in busy]
    free.sort(key=lambda node: (str(node["metadata"].get("creationTimestamp", "")), str(node["metadata"]["name"])))
    return [str(node["metadata"]["name"]) for node in reversed(free)][:excess]


def foreign_pods(pods: Sequence[Object], services: Sequence[str]) -> list[str]:
    """Pods that KServe did not make for one of these services, by namespace and name; what has ended counts no more."""
    return sorted(
        f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
        for pod in pods
        if (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed") and not _is_of(pod, services)
    )


def _is_of(pod: Object, services: Sequence[str]) -> bool:
    labels = pod["metadata"].get("labels") or {}
    return labels.get(PART_OF) == "llminferenceservice" and labels.get(NAME) in services


def _keeps_node(pod: Object, namespaces: Collection[str]) -> bool:
    """What has ended holds nothing; a TPU that is held counts before whose pod it is."""
    found = pod_of(pod)
    return not found.finished and (_holds_tpu(pod) or found.is_foreign(namespaces))


def _holds_tpu(pod: Object) -> bool:
    containers: Sequence[Object] = [*(pod["spec"].get("containers") or []), *(pod["spec"].get("initContainers") or [])]
    return any(
        TPU in ((container.get("resources") or {}).get(kind) or {})
        for container in containers
        for kind in ("requests", "limits")
    )


__all__ = ("OVERRIDE", "STOP", "Plan", "foreign_pods", "override_of", "plan", "replaced", "vacated")
