# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kubernetes Engine: clusters."""

from __future__ import annotations

import base64
import ipaddress
import re
import uuid

from sandbox.cloud.calls import Call, Handler
from sandbox.cloud.clock import timestamp
from sandbox.cloud.errors import GoogleError, Json, invalid, not_found, precondition, unimplemented
from sandbox.cloud.gke import complete_cluster, dns_name, label_fingerprint, valid_name
from sandbox.cloud.groups import instances
from sandbox.cloud.maintenance import check_policy, policy_json
from sandbox.cloud.networks import check_network
from sandbox.cloud.node_pools import add_pool, check_pool, pool_json
from sandbox.cloud.operations import ROOT
from sandbox.cloud.places import cluster_of, cluster_path, location_of
from sandbox.cloud.project import Project
from sandbox.cloud.state import RUNNING, Cluster, State, cluster_key

MAX_CLUSTERS = 69
"""Addresses on this machine: 1 to 69; the tests of control planes use the rest."""

# A ClusterUpdate's field and where its value lands in the cluster.
UPDATES = {
    "desiredAddonsConfig": "addonsConfig",
    "desiredCostManagementConfig": "costManagementConfig",
    "desiredDefaultEnablePrivateNodes": "networkConfig.defaultEnablePrivateNodes",
    "desiredGatewayApiConfig": "networkConfig.gatewayApiConfig",
    "desiredLoggingConfig": "loggingConfig",
    "desiredLoggingService": "loggingService",
    "desiredMasterAuthorizedNetworksConfig": "masterAuthorizedNetworksConfig",
    "desiredMonitoringConfig": "monitoringConfig",
    "desiredMonitoringService": "monitoringService",
    "desiredReleaseChannel": "releaseChannel",
    "desiredShieldedNodes": "shieldedNodes",
    "desiredVerticalPodAutoscaling": "verticalPodAutoscaling",
    "desiredWorkloadIdentityConfig": "workloadIdentityConfig",
}


def create(call: Call) -> Json:
    """Begin a cluster."""
    cloud, location = call.cloud, location_of(call)
    body = call.body.get("cluster", {})
    check_cluster(call, body, location)
    key = cluster_key(location, body["name"])
    if key in cloud.state.clusters:
        raise GoogleError("ALREADY_EXISTS", f"Already exists: {cluster_path(cloud.project, location, body['name'])}.")
    cluster = Cluster(
        project=cloud.project.id,
        location=location,
        name=body["name"],
        index=free_index(cloud.state),
        uid=uuid.uuid4().hex,
        body={},
        version=version_of(cloud.project, body.get("initialClusterVersion", "")),
        created_at=call.now,
    )
    cluster.body = complete_cluster(body, cluster, cloud.project)
    for pool in wanted_pools(body):
        check_pool(call, cluster, pool)
    cloud.state.clusters[key] = cluster
    operation = cloud.operations.begin(
        "CREATE_CLUSTER", cluster, user=call.caller, now=call.now, duration="control_plane"
    )
    for pool in wanted_pools(body):
        add_pool(call, cluster, pool, operation.ends_at)
    return cloud.operations.render(operation)


def wanted_pools(body: Json) -> list[Json]:
    """The pools that a new cluster is to have."""
    if body.get("nodePools"):
        return list(body["nodePools"])
    pool: Json = {"name": "default-pool", "initialNodeCount": body["initialNodeCount"]}
    if body.get("nodeConfig"):
        pool["config"] = body["nodeConfig"]
    return [pool]


def check_cluster(call: Call, body: Json, location: str) -> None:
    """The refusals that come before anything is made."""
    if not body.get("name"):
        raise invalid("Cluster.name can't be blank.")
    if not valid_name(body["name"]):
        raise invalid(
            f'Invalid value for field "cluster.name": "{body["name"]}". It must begin with a lowercase letter, '
            "followed by up to 39 lowercase letters, numbers or hyphens, and must not end with a hyphen."
        )
    if body.get("autopilot", {}).get("enabled"):
        raise unimplemented("Autopilot clusters")
    count, pools = body.get("initialNodeCount", 0), body.get("nodePools")
    if count and pools:
        raise invalid("Cluster.initial_node_count and Cluster.node_pools cannot both be set.")
    if not pools and count < 1:
        raise invalid("Cluster.initial_node_count must be greater than zero.")
    check_labels(body.get("resourceLabels", {}))
    check_endpoints(body)
    check_policy(body.get("maintenancePolicy", {}), body.get("releaseChannel", {"channel": "REGULAR"}), call.now)
    region = call.cloud.project.region(location)
    check_network(call, body, region or location)
    for zone in body.get("locations", []):
        if call.cloud.project.region(zone) != region or zone == region:
            raise invalid(f'Cluster.locations has "{zone}", which is no zone of region {region}.')
    if not call.cloud.project.allows(call.caller, "iam.serviceAccounts.actAs"):
        raise invalid(
            'The user does not have access to service account "default". Ask a project owner to grant you the '
            "iam.serviceAccountUser role on the service account."
        )


def check_endpoints(body: Json) -> None:
    """The ways to the control plane, each told once and with networks that are some."""
    ip = body.get("controlPlaneEndpointsConfig", {}).get("ipEndpointsConfig", {})
    older = body.get("masterAuthorizedNetworksConfig")
    if older and ip.get("authorizedNetworksConfig"):
        raise invalid(
            "Cluster.master_authorized_networks_config and "
            "Cluster.control_plane_endpoints_config.ip_endpoints_config.authorized_networks_config cannot both be set."
        )
    for block in (older or ip.get("authorizedNetworksConfig") or {}).get("cidrBlocks", []):
        try:
            ipaddress.ip_network(block.get("cidrBlock", ""))
        except ValueError:
            raise invalid(f'Invalid CIDR block "{block.get("cidrBlock", "")}" in authorized networks.') from None


def check_labels(labels: Json) -> None:
    """Labels as every Google resource wants them."""
    for key, value in labels.items():
        if not re.fullmatch(r"[a-z][a-z0-9_-]{0,62}", key) or not re.fullmatch(r"[a-z0-9_-]{0,63}", value):
            raise invalid(
                f'Invalid resource label "{key}: {value}": keys begin with a lowercase letter, and keys and values '
                "have up to 63 lowercase letters, digits, underscores and hyphens."
            )


def free_index(state: State) -> int:
    """The lowest number that no cluster has."""
    taken = {cluster.index for cluster in state.clusters.values()}
    index = next((number for number in range(1, MAX_CLUSTERS + 1) if number not in taken), 0)
    if not index:
        raise GoogleError(
            "RESOURCE_EXHAUSTED", f"Quota exceeded for clusters: this machine has addresses for {MAX_CLUSTERS}."
        )
    return index


def version_of(project: Project, wanted: str) -> str:
    """The version that a request means."""
    if wanted in ("", "-", "latest"):
        return project.versions[0]
    for version in project.versions:
        if version == wanted or version.startswith((f"{wanted}.", f"{wanted}-")):
            return version
    raise invalid(f'No valid versions with the prefix "{wanted}" found.')


def get(call: Call) -> Json:
    """A cluster."""
    return cluster_json(call.cloud.project, cluster_of(call))


def list_clusters(call: Call) -> Json:
    """The clusters of a location, or of all (-)."""
    location = location_of(call, any_place=True)
    found = [
        cluster_json(call.cloud.project, cluster)
        for cluster in call.cloud.state.clusters.values()
        if location in ("-", cluster.location) and not (location == "-" and is_silent(call, cluster.location))
    ]
    silent = call.cloud.faults.silent_zones() if location == "-" else []
    return {**({"clusters": found} if found else {}), **({"missingZones": silent} if silent else {})}


def is_silent(call: Call, location: str) -> bool:
    """Whether a zone, or all of a region's zones, do not answer Google."""
    silent = call.cloud.faults.silent_zones()
    zones = call.cloud.project.regions.get(location, [location])
    return all(zone in silent for zone in zones)


def cluster_json(project: Project, cluster: Cluster) -> Json:
    """A cluster as the API shows it."""
    pools = [pool_json(project, cluster, pool) for pool in cluster.pools.values()]
    running = [instance for _, _, instance in instances(cluster) if instance.status == RUNNING]
    labels = cluster.body.get("resourceLabels", {})
    result = {
        **cluster.body,
        "name": cluster.name,
        "id": cluster.uid,
        "nodePools": pools,
        "location": cluster.location,
        "zone": cluster.location,
        "selfLink": f"{ROOT}/{cluster_path(project, cluster.location, cluster.name)}",
        "status": cluster.status,
        "currentMasterVersion": cluster.version,
        "currentNodeVersion": cluster.version,
        "currentNodeCount": len(running),
        "createTime": timestamp(cluster.created_at),
        "labelFingerprint": label_fingerprint(labels),
        "instanceGroupUrls": [url for pool in pools for url in pool["instanceGroupUrls"]],
        "etag": label_fingerprint({**labels, " ": cluster.status, "": str(len(pools))}),
    }
    if pools:
        result["nodeConfig"] = pools[0]["config"]
    if "maintenancePolicy" in cluster.body:
        result["maintenancePolicy"] = policy_json(cluster.body["maintenancePolicy"])
    ways = cluster.body.get("controlPlaneEndpointsConfig", {})
    ip = {"enabled": True, "enablePublicEndpoint": True, **ways.get("ipEndpointsConfig", {})}
    if cluster.endpoint and ip["enabled"] and ip["enablePublicEndpoint"]:
        ip["publicEndpoint"] = cluster.endpoint
    dns = {**ways.get("dnsEndpointConfig", {}), "endpoint": dns_name(cluster, project)}
    result["controlPlaneEndpointsConfig"] = {"dnsEndpointConfig": dns, "ipEndpointsConfig": ip}
    if cluster.status_message:
        result["statusMessage"] = cluster.status_message
    if cluster.endpoint:
        result["endpoint"] = cluster.endpoint
        result["masterAuth"] = {"clusterCaCertificate": base64.b64encode(cluster.ca_pem.encode()).decode()}
    return result


def delete(call: Call) -> Json:
    """Begin the end of a cluster."""
    cloud, cluster = call.cloud, cluster_of(call)
    cloud.operations.ensure_free(cluster)
    operation = cloud.operations.begin(
        "DELETE_CLUSTER", cluster, user=call.caller, now=call.now, duration="cluster_delete"
    )
    cluster.status = "STOPPING"
    for pool in cluster.pools.values():
        pool.status = "STOPPING"
    cloud.groups.remove([instance for _, _, instance in instances(cluster)], operation.ends_at)
    return cloud.operations.render(operation)


def update(call: Call) -> Json:
    """Change what can be changed."""
    cluster = cluster_of(call)
    call.cloud.operations.ensure_free(cluster)
    wanted = {name: value for name, value in call.body.get("update", {}).items() if name != "etag"}
    if not wanted:
        raise invalid("Must specify a field to update.")
    if len(wanted) > 1:
        raise invalid(f"Exactly one update can be applied to a cluster with each request; found {', '.join(wanted)}.")
    ((name, value),) = wanted.items()
    if name == "desiredMasterVersion":
        return begin_upgrade(call, cluster, value)
    if name == "desiredControlPlaneEndpointsConfig":
        check_endpoints({"controlPlaneEndpointsConfig": value})
        changes = {f"controlPlaneEndpointsConfig.{way}": config for way, config in value.items()}
    elif name in UPDATES:
        changes = {UPDATES[name]: value}
    else:
        raise unimplemented(f"an update of {name}")
    return begin_change(call, cluster, "UPDATE_CLUSTER", changes)


def begin_upgrade(call: Call, cluster: Cluster, wanted: str) -> Json:
    """A newer version of the control plane."""
    version = version_of(call.cloud.project, wanted)
    versions = call.cloud.project.versions
    if cluster.version in versions and versions.index(version) > versions.index(cluster.version):
        raise invalid(f"Master cannot be downgraded from {cluster.version} to {version}.")
    return begin_change(call, cluster, "UPGRADE_MASTER", {}, version=version)


def set_maintenance_policy(call: Call) -> Json:
    """Replace the policy; its version says which one is replaced."""
    cluster = cluster_of(call)
    call.cloud.operations.ensure_free(cluster)
    policy = call.body.get("maintenancePolicy", {})
    check_policy(policy, cluster.body["releaseChannel"], call.now)
    has = policy_json(cluster.body.get("maintenancePolicy", {}))["resourceVersion"]
    if policy.get("resourceVersion", has) != has:
        raise precondition("The maintenance policy was changed in the meantime: read the cluster again.")
    kept = {"window": policy["window"]} if policy.get("window") else {}
    return begin_change(call, cluster, "SET_MAINTENANCE_POLICY", {"maintenancePolicy": kept})


def set_resource_labels(call: Call) -> Json:
    """Replace the labels; the fingerprint says from which."""
    cluster = cluster_of(call)
    call.cloud.operations.ensure_free(cluster)
    labels = call.body.get("resourceLabels", {})
    check_labels(labels)
    if call.body.get("labelFingerprint") != label_fingerprint(cluster.body.get("resourceLabels", {})):
        raise precondition("Labels could not be set due to fingerprint mismatch: read the cluster again.")
    return begin_change(call, cluster, "SET_LABELS", {"resourceLabels": labels})


def begin_change(call: Call, cluster: Cluster, kind: str, changes: Json, version: str = "") -> Json:
    """An operation that changes the cluster's own fields."""
    operation = call.cloud.operations.begin(kind, cluster, user=call.caller, now=call.now, changes=changes)
    operation.version = version
    cluster.status = "RECONCILING"
    return call.cloud.operations.render(operation)


def server_config(call: Call) -> Json:
    """The versions that a location offers."""
    location_of(call)
    versions = list(call.cloud.project.versions)
    return {
        "defaultClusterVersion": versions[0],
        "validMasterVersions": versions,
        "validNodeVersions": versions,
        "defaultImageType": "COS_CONTAINERD",
        "validImageTypes": ["COS_CONTAINERD", "UBUNTU_CONTAINERD"],
        "channels": [
            {"channel": name, "defaultVersion": versions[0], "validVersions": versions}
            for name in ("RAPID", "REGULAR", "STABLE")
        ],
    }


def get_operation(call: Call) -> Json:
    """An operation."""
    location, name = location_of(call), call.params["operation"]
    operation = call.cloud.state.operations.get(name)
    if operation is None or operation.location != location:
        raise not_found(f"Not found: projects/{call.cloud.project.id}/locations/{location}/operations/{name}.")
    return call.cloud.operations.render(operation)


def list_operations(call: Call) -> Json:
    """The operations of a location, or of all (-)."""
    location = location_of(call, any_place=True)
    found = [
        call.cloud.operations.render(operation)
        for operation in call.cloud.state.operations.values()
        if location in ("-", operation.location)
    ]
    return {"operations": found} if found else {}


HANDLERS = {
    "getServerConfig": Handler(server_config, "container.clusters.list"),
    "clusters.create": Handler(create, "container.clusters.create", mutating=True),
    "clusters.get": Handler(get, "container.clusters.get"),
    "clusters.list": Handler(list_clusters, "container.clusters.list"),
    "clusters.update": Handler(update, "container.clusters.update", mutating=True),
    "clusters.delete": Handler(delete, "container.clusters.delete", mutating=True),
    "clusters.setResourceLabels": Handler(set_resource_labels, "container.clusters.update", mutating=True),
    "clusters.setMaintenancePolicy": Handler(set_maintenance_policy, "container.clusters.update", mutating=True),
    "operations.get": Handler(get_operation, "container.operations.get"),
    "operations.list": Handler(list_operations, "container.operations.list"),
}
