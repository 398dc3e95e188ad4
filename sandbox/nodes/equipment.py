# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every pod of the cluster is run with."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.nodes.cluster import Cluster
from sandbox.nodes.container_process import ID_VARIABLE
from sandbox.nodes.events import Events
from sandbox.nodes.image_store import ImageStore
from sandbox.nodes.logs import GrowthRecorder
from sandbox.nodes.probes import Prober
from sandbox.nodes.records import PodRecord
from sandbox.nodes.sources import Object, Sources
from sandbox.processes import marker_environment
from sandbox.settings import CHECKOUT, Settings
from sandbox.timeline import Timeline

# Which release of an original its stand-in plays: what `sandbox up` was told.
PLAYED = ("SANDBOX_ISTIO",)
# What a device plugin shows to a container, as a number of devices.
DEVICES = {"google.com/tpu": "SANDBOX_TPU_CHIPS", "nvidia.com/gpu": "SANDBOX_GPUS"}


@dataclass(frozen=True)
class Equipment:
    """Shared by all pods; tests bring their own."""

    cluster: Cluster
    settings: Settings
    sources: Sources
    images: ImageStore
    events: Events
    growth: GrowthRecorder
    prober: Prober
    timeline: Timeline

    def basic_environment(self, pod: Object) -> dict[str, str]:
        """What a container has before its own variables; these may replace it."""
        host = self.cluster.api_service_host
        return {
            "PATH": f"{self.settings.bin}:{os.environ.get('PATH', os.defpath)}",
            "LANG": "C.UTF-8",
            "HOME": "/root",
            "HOSTNAME": pod["spec"].get("hostname") or pod["metadata"]["name"],
            "PYTHONUNBUFFERED": "1",
            "KUBERNETES_SERVICE_HOST": host,
            "KUBERNETES_SERVICE_PORT": "443",
            "KUBERNETES_SERVICE_PORT_HTTPS": "443",
            "KUBERNETES_PORT": f"tcp://{host}:443",
        }

    def binding_environment(
        self, record: PodRecord, spec: Mapping[str, Any], root: Path, container_id: str
    ) -> dict[str, str]:
        """What tells a stand-in where it is; nothing in the pod's spec may change it."""
        return {
            "PYTHONPATH": str(CHECKOUT),
            "SANDBOX_ROOT": str(root),
            "SANDBOX_POD_IP": record.ip,
            "SANDBOX_POD_NAME": record.name,
            "SANDBOX_POD_NAMESPACE": record.namespace,
            "SANDBOX_CLUSTER_DIR": str(self.cluster.directory),
            "SANDBOX_IMAGE": str(spec.get("image", "")),
            ID_VARIABLE: container_id,
            **played(os.environ),
            **devices(spec),
            **marker_environment(self.settings),
        }


def played(environ: Mapping[str, str]) -> dict[str, str]:
    """The releases that were asked for, for every stand-in to see."""
    return {name: environ[name] for name in PLAYED if environ.get(name)}


def devices(spec: Mapping[str, Any]) -> dict[str, str]:
    """The devices that a container gets: extended resources are given out by their limits."""
    limits = (spec.get("resources") or {}).get("limits") or {}
    return {variable: str(limits.get(resource, 0)) for resource, variable in DEVICES.items()}
