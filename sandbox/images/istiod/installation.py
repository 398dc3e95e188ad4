# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Objects that istiod brings by itself: its GatewayClass, and its webhook configurations.

The webhooks have no rules: nothing is injected, and the API server's schema check is all the validation there is.
Installers wait for the configurations to exist.
"""

from __future__ import annotations

from sandbox.control_plane.kube import Object, Objects
from sandbox.images.istiod.names import CONTROLLER, GATEWAY_CLASS_NAME, GATEWAY_GROUP


def gateway_class() -> Object:
    """The class of Gateways that this controller serves."""
    return {
        "apiVersion": f"{GATEWAY_GROUP}/v1",
        "kind": "GatewayClass",
        "metadata": {"name": GATEWAY_CLASS_NAME},
        "spec": {"controllerName": CONTROLLER, "description": "Gateways of the mesh"},
    }


def webhook_configurations(namespace: str) -> Objects:
    """Empty webhook configurations under the names that Istio gives them."""
    return [
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": kind,
            "metadata": {"name": name, "labels": {"app": label, "istio.io/rev": "default"}},
            "webhooks": [],
        }
        for kind, name, label in (
            ("MutatingWebhookConfiguration", "istio-sidecar-injector", "sidecar-injector"),
            ("ValidatingWebhookConfiguration", f"istio-validator-{namespace}", "istiod"),
        )
    ]
