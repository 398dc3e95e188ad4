# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The headless Service that stands for an InferencePool in the mesh."""

from __future__ import annotations

from sandbox.control_plane.kube import Object, owner_reference
from sandbox.images.istiod.names import PICKER_PORT, POOL_LABEL, SHADOW_PORT, shadow_service

EXTENSION_SERVICE = "istio.io/inferencepool-extension-service"
EXTENSION_PORT = "istio.io/inferencepool-extension-port"
EXTENSION_FAILURE_MODE = "istio.io/inferencepool-extension-failure-mode"


def shadow_object(pool: Object) -> Object:
    """The shadow Service of a pool; it goes with the pool."""
    spec = pool["spec"]
    picker = spec["endpointPickerRef"]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": shadow_service(pool["metadata"]["name"]),
            "namespace": pool["metadata"]["namespace"],
            "labels": {
                POOL_LABEL: pool["metadata"]["name"],
                EXTENSION_SERVICE: picker["name"],
                EXTENSION_PORT: str((picker.get("port") or {}).get("number") or PICKER_PORT),
                EXTENSION_FAILURE_MODE: picker.get("failureMode", "FailClose"),
            },
            "ownerReferences": [owner_reference(pool, controller=False)],
        },
        "spec": {
            "type": "ClusterIP",
            "clusterIP": "None",
            "selector": dict(spec["selector"].get("matchLabels") or {}),
            "ports": [
                {
                    "name": f"http-{index}",
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
    labels = found["metadata"].get("labels") or {}
    spec = found["spec"]
    return (
        any(labels.get(name) != value for name, value in wanted["metadata"]["labels"].items())
        or spec.get("selector") != wanted["spec"]["selector"]
        or [(port["port"], port["targetPort"]) for port in spec.get("ports") or []]
        != [(port["port"], port["targetPort"]) for port in wanted["spec"]["ports"]]
    )
