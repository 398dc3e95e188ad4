# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""cert-manager's collections, annotations and places."""

from __future__ import annotations

from sandbox.control_plane.kube import Resource

GROUP = "cert-manager.io"
ISSUER = Resource(f"{GROUP}/v1", "issuers")
CLUSTER_ISSUER = Resource(f"{GROUP}/v1", "clusterissuers", namespaced=False)
CERTIFICATE = Resource(f"{GROUP}/v1", "certificates")

INJECT_FROM_CERTIFICATE = f"{GROUP}/inject-ca-from"
INJECT_FROM_SECRET = f"{GROUP}/inject-ca-from-secret"
WEBHOOK_SECRET = "cert-manager-webhook-ca"
WEBHOOK_SERVICE = "cert-manager-webhook"
