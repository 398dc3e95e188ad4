# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""What the collection asks of a project: APIs, and permissions with what each is for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

RESERVATION = "reservation"
RESERVATION_BLOCK = "reservation_block"
RESERVATION_SUB_BLOCK = "reservation_sub_block"
QUOTA_REQUEST = "quota_request"
DNS_ENDPOINT = "dns_endpoint"
ENABLE_APIS = "enable_apis"
NETWORK = "network"
NODE_SERVICE_ACCOUNT = "node_service_account"
FEATURES = (
    RESERVATION,
    RESERVATION_BLOCK,
    RESERVATION_SUB_BLOCK,
    QUOTA_REQUEST,
    DNS_ENDPOINT,
    ENABLE_APIS,
    NETWORK,
    NODE_SERVICE_ACCOUNT,
)

KUBERNETES = "roles/container.admin"
MACHINES = "roles/compute.instanceAdmin.v1"
NETWORK_VIEWER = "roles/compute.networkViewer"
NETWORK_ADMIN = "roles/compute.networkAdmin"
ACCOUNTS_ADMIN = "roles/iam.serviceAccountAdmin"


@dataclass(frozen=True)
class Permission:
    """`role` is the predefined role that has it and little else; `feature` is what alone asks for it."""

    name: str
    why: str
    role: str
    feature: str = ""


PERMISSIONS = (
    Permission("resourcemanager.projects.get", "reads whether the project is paid for", "roles/browser"),
    Permission("serviceusage.services.get", "reads which APIs are enabled", "roles/serviceusage.serviceUsageViewer"),
    Permission("cloudquotas.quotas.get", "reads quotas", "roles/servicemanagement.quotaViewer"),
    Permission("monitoring.timeSeries.list", "reads how much of a quota is used", "roles/monitoring.viewer"),
    Permission("compute.machineTypes.get", "asks whether a zone offers the machines", MACHINES),
    Permission("compute.machineTypes.list", "finds zones that offer the machines", MACHINES),
    Permission("compute.regions.get", "reads the quotas of CPUs, disks and addresses", MACHINES),
    Permission("container.clusters.list", "finds clusters, their pools and the versions on offer", KUBERNETES),
    Permission("container.clusters.get", "reads the cluster and its pools", KUBERNETES),
    Permission("container.clusters.create", "creates the cluster", KUBERNETES),
    Permission("container.clusters.update", "changes the cluster, creates and resizes pools", KUBERNETES),
    Permission("container.clusters.delete", "deletes the cluster at teardown", KUBERNETES),
    Permission("container.operations.get", "waits for what was begun", KUBERNETES),
    Permission("container.operations.list", "joins what is running already", KUBERNETES),
    Permission("container.namespaces.create", "makes the namespaces in the cluster", KUBERNETES),
    Permission("container.secrets.create", "puts the secrets into the cluster", KUBERNETES),
    Permission("container.customResourceDefinitions.create", "installs the operators' kinds", KUBERNETES),
    Permission("container.clusterRoles.bind", "gives the operators their roles in the cluster", KUBERNETES),
    Permission("compute.instanceGroupManagers.get", "counts a pool's nodes", MACHINES),
    Permission("compute.instanceGroupManagers.update", "removes exactly the vacated nodes of a pool", MACHINES),
    Permission("compute.instances.delete", "removes exactly the vacated nodes of a pool", MACHINES),
    Permission("compute.zoneOperations.get", "waits for nodes to be gone", MACHINES),
    Permission("iam.serviceAccounts.actAs", "lets nodes run as their account", "roles/iam.serviceAccountUser"),
    Permission("compute.instanceGroupManagers.list", "looks for what a teardown left", MACHINES),
    Permission("compute.instances.list", "looks for what a teardown left", MACHINES),
    Permission("compute.disks.list", "looks for what a teardown left", MACHINES),
    Permission("compute.addresses.list", "looks for what a teardown left", NETWORK_VIEWER),
    Permission("compute.forwardingRules.list", "looks for what a teardown left", NETWORK_VIEWER),
    Permission("compute.targetPools.list", "looks for what a teardown left", NETWORK_VIEWER),
    Permission("compute.backendServices.list", "looks for what a teardown left", NETWORK_VIEWER),
    Permission("compute.firewalls.list", "looks for what a teardown left", NETWORK_VIEWER),
    Permission("compute.reservations.get", "reads the reservation", MACHINES, RESERVATION),
    Permission("compute.reservationBlocks.get", "reads the reservation's block", MACHINES, RESERVATION_BLOCK),
    Permission("compute.reservationSubBlocks.get", "reads a part of the block", MACHINES, RESERVATION_SUB_BLOCK),
    Permission("cloudquotas.quotas.update", "asks for more quota", "roles/servicemanagement.quotaAdmin", QUOTA_REQUEST),
    Permission("container.clusters.connect", "reaches the cluster by its DNS name", KUBERNETES, DNS_ENDPOINT),
    Permission(
        "serviceusage.services.enable", "enables APIs", "roles/serviceusage.serviceUsageAdmin", feature=ENABLE_APIS
    ),
    Permission("compute.networks.list", "finds the network of its own", NETWORK_ADMIN, NETWORK),
    Permission("compute.networks.get", "reads the network of its own", NETWORK_ADMIN, NETWORK),
    Permission("compute.networks.create", "creates the network of its own", NETWORK_ADMIN, NETWORK),
    Permission("compute.networks.updatePolicy", "puts the subnet into its network", NETWORK_ADMIN, NETWORK),
    Permission("compute.networks.delete", "deletes the network at teardown", NETWORK_ADMIN, NETWORK),
    Permission("compute.subnetworks.list", "finds the subnet of its own", NETWORK_ADMIN, NETWORK),
    Permission("compute.subnetworks.get", "reads the subnet of its own", NETWORK_ADMIN, NETWORK),
    Permission("compute.subnetworks.create", "creates the subnet of its own", NETWORK_ADMIN, NETWORK),
    Permission("compute.subnetworks.delete", "deletes the subnet at teardown", NETWORK_ADMIN, NETWORK),
    Permission("compute.globalOperations.get", "waits for the network", NETWORK_ADMIN, NETWORK),
    Permission("compute.regionOperations.get", "waits for the subnet", NETWORK_ADMIN, NETWORK),
    Permission("iam.serviceAccounts.get", "reads the nodes' account", ACCOUNTS_ADMIN, NODE_SERVICE_ACCOUNT),
    Permission("iam.serviceAccounts.list", "finds the nodes' account", ACCOUNTS_ADMIN, NODE_SERVICE_ACCOUNT),
    Permission("iam.serviceAccounts.create", "creates the nodes' account", ACCOUNTS_ADMIN, NODE_SERVICE_ACCOUNT),
    Permission(
        "iam.serviceAccounts.delete", "deletes the nodes' account at teardown", ACCOUNTS_ADMIN, NODE_SERVICE_ACCOUNT
    ),
)


# Every feature is served by these; Cloud Monitoring says how much of a quota is used.
APIS = (
    "cloudbilling.googleapis.com",
    "cloudquotas.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "compute.googleapis.com",
    "container.googleapis.com",
    "iam.googleapis.com",
    "monitoring.googleapis.com",
    "serviceusage.googleapis.com",
)


def permissions_for(features: Collection[str]) -> tuple[Permission, ...]:
    return tuple(each for each in PERMISSIONS if not each.feature or each.feature in features)


__all__ = ("APIS", "FEATURES", "PERMISSIONS", "Permission", "permissions_for")
