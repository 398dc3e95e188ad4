# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The headless Service that stands for an InferencePool in the mesh."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.control_plane.kube import Object, owner_reference
from sandbox.images.istiod.names import (
    EXTENSION_FAILURE_MODE,
    EXTENSION_PORT,
    EXTENSION_SERVICE,
    PICKER_PORT,
    POOL_LABEL,
    SHADOW_PORT,
    shadow_service,
)
from sandbox.images.istiod.releases import Release


def shadow_labels(pool: Object) -> dict[str, str]:
    """What a shadow Service says of its pool and of the pool's endpoint picker."""
    picker = pool["spec"]["endpointPickerRef"]
    return {
        POOL_LABEL: pool["metadata"]["name"],
        EXTENSION_SERVICE: picker["name"],
        EXTENSION_PORT: str((picker.get("port") or {}).get("number") or PICKER_PORT),
        EXTENSION_FAILURE_MODE: picker.get("failureMode", "FailClose"),
        "internal.istio.io/service-semantics": "inferencepool",
    }


def shadow_object(pool: Object, release: Release, found: Object | None = None) -> Object:
    """The shadow Service of a pool, which goes with it; `found` is the one that is there."""
    spec = pool["spec"]
    old: Mapping[str, str] = {} if found is None or release.shadow_follows_pool else _labels(found)
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": shadow_service(pool["metadata"]["name"]),
            "namespace": pool["metadata"]["namespace"],
            "labels": {**shadow_labels(pool), **old},
            "ownerReferences": [owner_reference(pool, controller=False)],
        },
        "spec": {
            "type": "ClusterIP",
            "clusterIP": "None",
            "selector": dict(spec["selector"].get("matchLabels") or {}),
            "ports": [
                {
                    "name": f"{release.shadow_port}{index}",
                    "port": SHADOW_PORT + index,
                    "protocol": "TCP",
                    "targetPort": port["number"],
                }
                for index, port in enumerate(spec.get("targetPorts") or [])
            ],
        },
    }


def differs(wanted: Object, found: Object | None) -> bool:
    """Whether a shadow Service must be written."""
    if found is None:
        return True
    spec = found["spec"]
    return (
        any(_labels(found).get(name) != value for name, value in wanted["metadata"]["labels"].items())
        or spec.get("selector") != wanted["spec"]["selector"]
        or _ports(spec) != _ports(wanted["spec"])
    )


def _labels(service: Object) -> Mapping[str, str]:
    return service["metadata"].get("labels") or {}


def _ports(spec: Object) -> list[tuple[str, int, int]]:
    return [(port["name"], port["port"], port["targetPort"]) for port in spec.get("ports") or []]
