# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Envoy is told at its start; everything else comes from files."""

from __future__ import annotations

from typing import Any

from sandbox.images.proxyv2.place import Place


def bootstrap(place: Place, *, node_id: str, cluster: str) -> dict[str, Any]:
    """The bootstrap configuration."""
    address, port = place.admin
    return {
        "node": {"id": node_id, "cluster": cluster},
        "admin": {"address": {"socket_address": {"address": address, "port_value": port}}},
        "dynamic_resources": {
            "cds_config": {"path_config_source": {"path": str(place.file("cds"))}, "resource_api_version": "V3"},
            "lds_config": {"path_config_source": {"path": str(place.file("lds"))}, "resource_api_version": "V3"},
        },
        # upstreams, and the network policies before them, know a pod by its address
        "cluster_manager": {
            "upstream_bind_config": {"source_address": {"address": place.address, "port_value": 0}},
        },
    }
