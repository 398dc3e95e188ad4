# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every method that is emulated, by the id that Google's documents give it."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.cloud import (
    clusters,
    compute,
    monitoring,
    networks,
    node_pools,
    quotas,
    reservations,
    service_accounts,
    services,
    skus,
)
from sandbox.cloud.calls import Handler
from sandbox.cloud.discovery import Method

# The older, zonal form of Kubernetes Engine's paths has names of its own.
ZONAL = {
    "getServerconfig": "getServerConfig",
    "clusters.resourceLabels": "clusters.setResourceLabels",
    "clusters.nodePools.autoscaling": "clusters.nodePools.setAutoscaling",
}

CONTAINER: Mapping[str, Handler] = {**clusters.HANDLERS, **node_pools.HANDLERS}


def handlers() -> dict[str, Handler]:
    """Handlers by document and method id."""
    found: dict[str, Handler] = {}
    for name, handler in CONTAINER.items():
        found[f"container.v1 container.projects.locations.{name}"] = handler
        zonal = next((old for old, new in ZONAL.items() if new == name), name)
        found[f"container.v1 container.projects.zones.{zonal}"] = handler
    tables = {
        "compute.v1": {**compute.HANDLERS, **networks.HANDLERS, **reservations.HANDLERS},
        "cloudquotas.v1": quotas.HANDLERS,
        "serviceusage.v1": services.SERVICE_USAGE,
        "cloudbilling.v1": {**services.BILLING, **skus.HANDLERS},
        "monitoring.v3": monitoring.HANDLERS,
        "iam.v1": service_accounts.IAM,
        "iamcredentials.v1": service_accounts.CREDENTIALS,
        "cloudresourcemanager.v1": services.RESOURCE_MANAGER_V1,
        "cloudresourcemanager.v3": services.RESOURCE_MANAGER_V3,
    }
    for document, table in tables.items():
        for name, handler in table.items():
            found[f"{document} {document.partition('.')[0]}.{name}"] = handler
    return found


def key(method: Method) -> str:
    """A method's key in the handlers: two versions of an API share their ids."""
    return f"{method.document} {method.id}"
