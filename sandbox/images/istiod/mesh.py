# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of the mesh: from istiod's environment and the two ConfigMaps that its installation brings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from sandbox.control_plane.kube import Object
from sandbox.images.istiod.releases import DEFAULT, Release, wanted_release

MESH_CONFIG_MAP = "istio"
INJECTOR_CONFIG_MAP = "istio-sidecar-injector"
PROXY_IMAGE = "registry.redhat.io/openshift-service-mesh/istio-proxyv2-rhel9:1.27.3"


@dataclass(frozen=True)
class Mesh:
    """What every gateway has in common."""

    namespace: str = "istio-system"
    root_namespace: str = "istio-system"
    domain: str = "cluster.local"
    access_log_file: str = ""
    proxy_image: str = PROXY_IMAGE
    release: Release = DEFAULT
    pull_secrets: tuple[str, ...] = ()
    inference: bool = False
    deployments: bool = True
    proxy_config: Mapping[str, Any] = field(default_factory=dict)
    """What the mesh sets for every proxy: its `defaultConfig`."""

    @property
    def discovery_address(self) -> str:
        """Where a gateway's agent asks for its configuration."""
        return f"istiod.{self.namespace}.svc:15012"


def read_mesh(
    environ: Mapping[str, str], mesh_map: Object | None, injector_map: Object | None, *, namespace: str = "istio-system"
) -> Mesh:
    """The mesh by istiod's environment and its ConfigMaps `istio` and `istio-sidecar-injector`, where they exist."""
    config = yaml.safe_load(((mesh_map or {}).get("data") or {}).get("mesh") or "{}") or {}
    values = json.loads(((injector_map or {}).get("data") or {}).get("values") or "{}")
    general = values.get("global") or {}
    image = (general.get("proxy") or {}).get("image") or PROXY_IMAGE
    return Mesh(
        namespace=namespace,
        root_namespace=config.get("rootNamespace") or namespace,
        access_log_file=config.get("accessLogFile") or "",
        proxy_image=image,
        release=wanted_release(environ),
        pull_secrets=tuple(_secret_name(entry) for entry in general.get("imagePullSecrets") or ()),
        inference=environ.get("ENABLE_GATEWAY_API_INFERENCE_EXTENSION", "false").lower() == "true",
        deployments=environ.get("PILOT_ENABLE_GATEWAY_API_DEPLOYMENT_CONTROLLER", "true").lower() == "true",
        proxy_config=config.get("defaultConfig") or {},
    )


def _secret_name(entry: object) -> str:
    return str(entry["name"]) if isinstance(entry, dict) else str(entry)
