# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What istiod makes by itself, its GatewayClass, and what it writes into what its operator made.

The webhooks have no rules: nothing is injected, and the API server's schema check is all the validation there is.
"""

from __future__ import annotations

import base64
from typing import Any

from sandbox.control_plane.kube import Object
from sandbox.images.istiod.names import CONTROLLER, GATEWAY_CLASS_NAME, GATEWAY_GROUP


def gateway_class() -> Object:
    """The class of Gateways that this controller serves."""
    return {
        "apiVersion": f"{GATEWAY_GROUP}/v1",
        "kind": "GatewayClass",
        "metadata": {"name": GATEWAY_CLASS_NAME},
        "spec": {"controllerName": CONTROLLER, "description": "Gateways of the mesh"},
    }


def with_authority(configuration: Object, root: str) -> list[dict[str, Any]]:
    """The JSON patch by which the webhooks of a configuration trust istiod; empty when they do."""
    bundle = base64.b64encode(root.encode()).decode()
    return [
        {"op": "add", "path": f"/webhooks/{number}/clientConfig/caBundle", "value": bundle}
        for number, each in enumerate(configuration.get("webhooks") or [])
        if each["clientConfig"].get("caBundle") != bundle
    ]
