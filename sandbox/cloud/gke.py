# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Kubernetes Engine adds by itself: defaults, names, labels and taints. Pure functions."""

from __future__ import annotations

import copy
import hashlib
import re
from collections.abc import Iterator
from typing import Any

from sandbox.cloud.errors import Json
from sandbox.cloud.limits import is_spot, machine_of
from sandbox.cloud.machines import MachineType, catalogue
from sandbox.cloud.project import Project
from sandbox.cloud.state import CREATING, Cluster, Group, Pool

DEFAULT_MACHINE = "e2-medium"
MAX_NODES = 120
"""A cluster's addresses on this machine have room for nodes 0 to 120."""
TPU_TAINT = {"key": "google.com/tpu", "value": "present", "effect": "NO_SCHEDULE"}
EFFECTS = {"NO_SCHEDULE": "NoSchedule", "PREFER_NO_SCHEDULE": "PreferNoSchedule", "NO_EXECUTE": "NoExecute"}
SCOPES = [
    "https://www.googleapis.com/auth/devstorage.read_only",
    "https://www.googleapis.com/auth/logging.write",
    "https://www.googleapis.com/auth/monitoring",
    "https://www.googleapis.com/auth/service.management.readonly",
    "https://www.googleapis.com/auth/servicecontrol",
    "https://www.googleapis.com/auth/trace.append",
]
ALPHABET = "0123456789bcdfghjklmnpqrstvwxz"


def digest(*parts: str, length: int = 8) -> str:
    """A short name for a longer one."""
    return hashlib.sha256("/".join(parts).encode()).hexdigest()[:length]


def numeric_id(*parts: str) -> str:
    """An id as Compute Engine has them."""
    return str(int(digest(*parts, length=15), 16))


def group_name(cluster: Cluster, pool: str, zone: str) -> str:
    """The name of a pool's managed instance group in a zone."""
    return f"{pool_prefix(cluster, pool)}-{digest(cluster.uid, pool, zone)}-grp"


def pool_prefix(cluster: Cluster, pool: str) -> str:
    """Cluster and pool, as short as names of machines need them: a kubelet's certificate has room for 52 characters."""
    short = pool[:16].rstrip("-")
    return f"gke-{cluster.name[: 33 - len(short)].rstrip('-')}-{short}"


def instance_name(cluster: Cluster, pool: Pool, group: Group, serial: int) -> str:
    """The name of the serial-th machine that a group has ever had."""
    number = int(digest(cluster.uid, group.name, str(serial), length=12), 16)
    suffix = "".join(ALPHABET[number // len(ALPHABET) ** place % len(ALPHABET)] for place in range(4))
    stem = "gke-tpu" if machine_of(pool).chips else pool_prefix(cluster, pool.name)
    return f"{stem}-{digest(cluster.uid, pool.name, group.zone)}-{suffix}"


def complete_pool(body: Json, cluster: Cluster, zones: list[str]) -> Json:
    """A node pool as the API keeps it: the request with every default filled in."""
    pool = copy.deepcopy(body)
    config = pool.setdefault("config", {})
    machine = catalogue().types[config.setdefault("machineType", DEFAULT_MACHINE)]
    defaults: Json = {
        "diskSizeGb": 100,
        "diskType": machine.disk_type,
        "imageType": "COS_CONTAINERD",
        "oauthScopes": SCOPES,
        "serviceAccount": "default",
        "shieldedInstanceConfig": {"enableIntegrityMonitoring": True},
        "effectiveCgroupMode": "EFFECTIVE_CGROUP_MODE_V2",
    }
    for name, value in defaults.items():
        if not config.get(name):
            config[name] = copy.deepcopy(value)
    config["metadata"] = {"disable-legacy-endpoints": "true", **config.get("metadata", {})}
    add_own_marks(config, machine)
    pool.setdefault("initialNodeCount", 0)
    pool["locations"] = sorted(pool.get("locations") or zones)
    pool["management"] = {"autoUpgrade": True, "autoRepair": True, **pool.get("management", {})}
    pool.setdefault("autoscaling", {})
    pool.setdefault("maxPodsConstraint", {"maxPodsPerNode": "110"})
    pool.setdefault("upgradeSettings", {"maxSurge": 1, "strategy": "SURGE"})
    pool.setdefault("networkConfig", {}).update(
        {"podIpv4CidrBlock": pod_range(cluster), "podRange": f"gke-{cluster.name}-pods-{cluster.uid[:8]}"}
    )
    private = cluster.body.get("networkConfig", {}).get("defaultEnablePrivateNodes", False)
    pool["networkConfig"].setdefault("enablePrivateNodes", private)
    pool["podIpv4CidrSize"] = 24
    pool["version"] = cluster.version
    force_own_ways(pool)
    return pool


def force_own_ways(pool: Json) -> None:
    """How flex-start machines are upgraded is Kubernetes Engine's own, whatever was asked for."""
    # as crossplane-contrib/provider-upjet-gcp#1028 shows it
    if pool["config"].get("flexStart"):
        pool["upgradeSettings"] = {"strategy": "SHORT_LIVED"}
    elif pool["upgradeSettings"].get("strategy") == "SHORT_LIVED":
        pool["upgradeSettings"] = {"maxSurge": 1, "strategy": "SURGE"}


def add_own_marks(config: Json, machine: MachineType) -> None:
    """The taint of TPU machines and the labels of billing, which nobody asks for."""
    taints = [taint for taint in config.get("taints", []) if taint["key"] != TPU_TAINT["key"]]
    if machine.chips:
        taints.append(dict(TPU_TAINT))
    if taints:
        config["taints"] = taints
    else:
        config.pop("taints", None)
    model = "spot" if config.get("spot") or config.get("preemptible") else "on-demand"
    labels = {"goog-gke-node-pool-provisioning-model": "flex-start" if config.get("flexStart") else model}
    if machine.chips:
        labels["goog-gke-accelerator-type"] = machine.node_accelerator
    config["resourceLabels"] = {**config.get("resourceLabels", {}), **labels}


def complete_cluster(body: Json, cluster: Cluster, project: Project) -> Json:
    """A cluster as the API keeps it, without its pools."""
    result = copy.deepcopy(body)
    for name in ("nodePools", "nodeConfig", "masterAuth"):
        result.pop(name, None)
    region = project.region(cluster.location)
    network = result.setdefault("network", "default")
    subnetwork = result.setdefault("subnetwork", network)
    zones = [cluster.location] if project.is_zone(cluster.location) else list(project.regions[cluster.location][:3])
    result["locations"] = sorted(result.get("locations") or zones)
    result.setdefault("loggingService", "logging.googleapis.com/kubernetes")
    result.setdefault("monitoringService", "monitoring.googleapis.com/kubernetes")
    result.setdefault("releaseChannel", {"channel": "REGULAR"})
    result.setdefault("addonsConfig", {})
    result.setdefault("legacyAbac", {})
    result.setdefault("shieldedNodes", {"enabled": True})
    result.setdefault("databaseEncryption", {"state": "DECRYPTED"})
    result.setdefault("defaultMaxPodsConstraint", {"maxPodsPerNode": "110"})
    config = result.setdefault("networkConfig", {})
    config.setdefault("datapathProvider", "LEGACY_DATAPATH")
    config["network"] = f"projects/{project.id}/global/networks/{network}"
    config["subnetwork"] = f"projects/{project.id}/regions/{region}/subnetworks/{subnetwork}"
    policy = result.setdefault("ipAllocationPolicy", {})
    policy.update(
        {
            "useIpAliases": True,
            "clusterIpv4CidrBlock": pod_range(cluster),
            "clusterIpv4Cidr": pod_range(cluster),
            "servicesIpv4CidrBlock": service_range(cluster),
            "servicesIpv4Cidr": service_range(cluster),
            "stackType": "IPV4",
        }
    )
    result["clusterIpv4Cidr"] = pod_range(cluster)
    result["servicesIpv4Cidr"] = service_range(cluster)
    result["initialClusterVersion"] = cluster.version
    return result


def dns_name(cluster: Cluster, project: Project) -> str:
    """The control plane's name, as Google gives it; no resolver of this machine knows it."""
    return f"gke-{cluster.uid}-{project.number}.{project.region(cluster.location)}.gke.goog"


def network_of(cluster: Cluster) -> str:
    """The name of a cluster's network."""
    return str(cluster.body["network"]).rpartition("/")[2]


def pod_range(cluster: Cluster) -> str:
    """The addresses of a cluster's pods."""
    return f"10.{cluster.index}.0.0/17"


def service_range(cluster: Cluster) -> str:
    """The addresses of a cluster's services."""
    return f"10.{cluster.index}.128.0/17"


def label_fingerprint(labels: Json) -> str:
    """Changes whenever the labels do."""
    return digest(*[f"{key}={labels[key]}" for key in sorted(labels)])


def node_labels(pool: Pool, group: Group, name: str, region: str) -> dict[str, str]:
    """The labels that a node registers with."""
    config, machine = pool.body["config"], machine_of(pool)
    labels = {
        "beta.kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/instance-type": machine.name,
        "beta.kubernetes.io/os": "linux",
        "cloud.google.com/gke-boot-disk": config["diskType"],
        "cloud.google.com/gke-container-runtime": "containerd",
        "cloud.google.com/gke-cpu-scaling-level": str(machine.cpus),
        "cloud.google.com/gke-logging-variant": "DEFAULT",
        "cloud.google.com/gke-max-pods-per-node": str(pool.body["maxPodsConstraint"]["maxPodsPerNode"]),
        "cloud.google.com/gke-memory-gb-scaling-level": str(round(machine.memory_mb / 1024)),
        "cloud.google.com/gke-nodepool": pool.name,
        "cloud.google.com/gke-os-distribution": "cos",
        "cloud.google.com/gke-provisioning": "spot" if is_spot(pool) else "standard",
        "cloud.google.com/gke-stack-type": "IPV4",
        "cloud.google.com/machine-family": machine.family,
        "cloud.google.com/private-node": str(pool.body["networkConfig"].get("enablePrivateNodes", False)).lower(),
        "failure-domain.beta.kubernetes.io/region": region,
        "failure-domain.beta.kubernetes.io/zone": group.zone,
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": machine.name,
        "topology.gke.io/zone": group.zone,
        "topology.kubernetes.io/region": region,
        "topology.kubernetes.io/zone": group.zone,
    }
    if machine.chips:
        labels["cloud.google.com/gke-tpu-accelerator"] = machine.node_accelerator
        labels["cloud.google.com/gke-tpu-topology"] = machine.topology
        labels["cloud.google.com/gke-accelerator-count"] = str(machine.chips)
    if is_spot(pool):
        labels["cloud.google.com/gke-spot"] = "true"
    if config.get("flexStart"):
        labels["cloud.google.com/gke-flex-start"] = "true"
    if config.get("workloadMetadataConfig", {}).get("mode") == "GKE_METADATA":
        labels["iam.gke.io/gke-metadata-server-enabled"] = "true"
    return {**config.get("labels", {}), **labels}


def node_records(cluster: Cluster, project: Project) -> list[Json]:
    """The machines of a cluster that are up, as the cluster's nodes."""
    region = project.region(cluster.location) or ""
    return [
        {
            "name": instance.name,
            "number": instance.number,
            "pool": pool.name,
            "machine_type": machine_of(pool).name,
            "zone": group.zone,
            "labels": node_labels(pool, group, instance.name, region),
            "taints": [
                {"key": taint["key"], "value": taint.get("value", ""), "effect": EFFECTS[taint["effect"]]}
                for taint in pool.body["config"].get("taints", [])
            ],
            "capacity": capacity(pool),
            "version": f"v{cluster.version}",
            "provider_id": f"gce://{cluster.project}/{group.zone}/{instance.name}",
        }
        for pool in cluster.pools.values()
        for group in pool.groups.values()
        for instance in group.instances.values()
        if instance.status != CREATING and instance.registers
    ]


def capacity(pool: Pool) -> dict[str, str]:
    """What a node of a pool has."""
    pods = int(pool.body["maxPodsConstraint"]["maxPodsPerNode"])
    return catalogue().capacity(machine_of(pool), pool.body["config"]["diskSizeGb"], pods)


def free_numbers(cluster: Cluster) -> Iterator[int]:
    """Node numbers that no machine of the cluster has."""
    taken = {
        instance.number
        for pool in cluster.pools.values()
        for group in pool.groups.values()
        for instance in group.instances.values()
    }
    return (number for number in range(MAX_NODES + 1) if number not in taken)


def valid_name(name: str, longest: int = 40) -> bool:
    """Whether a cluster or pool may be called so."""
    return len(name) <= longest and re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", name) is not None


def set_path(body: Json, path: str, value: Any) -> None:
    """Set a dotted path of a body."""
    *folders, last = path.split(".")
    for folder in folders:
        body = body.setdefault(folder, {})
    body[last] = value
