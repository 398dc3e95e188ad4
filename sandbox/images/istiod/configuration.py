# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole Envoy configuration of one gateway."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from sandbox.control_plane.kube import Key
from sandbox.images.istiod.attachment import usable
from sandbox.images.istiod.clusters import cluster, pools, upstreams
from sandbox.images.istiod.endpoints import load_assignment
from sandbox.images.istiod.envoyfilters import Resources, applicable, apply
from sandbox.images.istiod.gateways import pod_labels
from sandbox.images.istiod.listeners import listener
from sandbox.images.istiod.mesh import Mesh
from sandbox.images.istiod.routes import route_configurations
from sandbox.images.istiod.world import World


@dataclass(frozen=True)
class Configuration:
    """Resources under a version that changes exactly when they do."""

    version: str
    resources: Resources

    def to_json(self) -> dict[str, Any]:
        """As an agent receives it."""
        return {"version": self.version, **asdict(self.resources)}


def configuration(world: World, mesh: Mesh, gateway: Key) -> Configuration:
    """Compute the configuration of a gateway from a snapshot of the cluster."""
    obj = world.gateways[gateway]
    ports = sorted({item["port"] for item in obj["spec"].get("listeners") or [] if usable(item)})
    found = upstreams(world, mesh, gateway)
    asks = bool(pools(world, mesh, gateway))
    resources = Resources(
        listeners=[listener(mesh, port, pools=asks) for port in ports],
        routes=route_configurations(world, mesh, gateway, ports),
        clusters=[cluster(world, mesh, gateway[0], upstream) for upstream in found],
        endpoints=[load_assignment(world, upstream) for upstream in found],
    )
    resources = apply(resources, applicable(world, mesh, gateway, pod_labels(obj)), mesh)
    digest = hashlib.sha256(json.dumps(asdict(resources), sort_keys=True).encode()).hexdigest()
    return Configuration(digest[:16], resources)
