# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compute Engine, as far as a cluster's owner looks at it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from sandbox.cloud.calls import Call, Handler
from sandbox.cloud.clock import timestamp
from sandbox.cloud.compute_lists import by_scope, flat, in_regions, in_zones
from sandbox.cloud.errors import GoogleError, Json, invalid, not_found
from sandbox.cloud.gke import digest, network_of, numeric_id, pod_range
from sandbox.cloud.limits import machine_of, machines, region_usage
from sandbox.cloud.machines import MachineType, catalogue
from sandbox.cloud.state import (
    CREATING,
    DELETING,
    RUNNING,
    Cluster,
    ComputeOperation,
    Group,
    Instance,
    LoadBalancer,
    Pool,
)

ROOT = "https://www.googleapis.com/compute/v1/projects"
CREATED = "1969-12-31T16:00:00.000-08:00"
DELETE_GUIDE_SECONDS = 90.0
"""From deleteInstances until a machine has gone."""
SCHEDULE_GUIDE_SECONDS = 10.0
"""The operation of deleteInstances ends when the group has taken note."""
ACTIONS = {CREATING: ("PROVISIONING", "CREATING"), RUNNING: ("RUNNING", "NONE"), DELETING: ("STOPPING", "DELETING")}


def url(call: Call, path: str) -> str:
    """A full link below the project."""
    return f"{ROOT}/{call.cloud.project.id}/{path}"


def missing(call: Call, path: str) -> GoogleError:
    """404 in Compute Engine's words."""
    return not_found(f"The resource 'projects/{call.cloud.project.id}/{path}' was not found")


def zone_of(call: Call) -> str:
    """The call's zone; Compute Engine calls an unknown one a bad value."""
    zone = call.params["zone"]
    if zone not in call.cloud.project.zones():
        raise invalid(f"Invalid value for field 'zone': '{zone}'. Unknown zone.")
    return zone


def region_of(call: Call) -> str:
    """The call's region."""
    region = call.params["region"]
    if region not in call.cloud.project.regions:
        raise invalid(f"Invalid value for field 'region': '{region}'. Unknown region.")
    return region


def machine_json(call: Call, machine: MachineType, zone: str) -> Json:
    """A machine type in a zone."""
    result: Json = {
        "kind": "compute#machineType",
        "id": numeric_id("machineType", machine.name),
        "creationTimestamp": CREATED,
        "name": machine.name,
        "description": f"{machine.cpus} vCPUs, {machine.memory_mb / 1024:g} GB RAM",
        "guestCpus": machine.cpus,
        "memoryMb": machine.memory_mb,
        "imageSpaceGb": 0,
        "maximumPersistentDisks": 128,
        "maximumPersistentDisksSizeGb": "263168",
        "zone": zone,
        "selfLink": url(call, f"zones/{zone}/machineTypes/{machine.name}"),
        "isSharedCpu": machine.shared,
        "architecture": "X86_64",
    }
    if machine.chips:
        result["accelerators"] = [{"guestAcceleratorType": machine.family, "guestAcceleratorCount": machine.chips}]
    return result


def offered(call: Call, zone: str) -> list[Json]:
    """The machine types of a zone."""
    return [machine_json(call, each, zone) for each in catalogue().types.values() if each.offered(zone)]


def get_machine_type(call: Call) -> Json:
    zone, name = zone_of(call), call.params["machineType"]
    machine = catalogue().types.get(name)
    if machine is None or not machine.offered(zone):
        raise missing(call, f"zones/{zone}/machineTypes/{name}")
    return machine_json(call, machine, zone)


def list_machine_types(call: Call) -> Json:
    return flat(call, "machineTypeList", offered(call, zone_of(call)))


def all_machine_types(call: Call) -> Json:
    return by_scope(call, "machineTypeAggregatedList", "machineTypes", in_zones(call, offered))


def zone_json(call: Call, zone: str) -> Json:
    return {
        "kind": "compute#zone",
        "id": numeric_id("zone", zone),
        "creationTimestamp": CREATED,
        "name": zone,
        "description": zone,
        "status": "UP",
        "region": url(call, f"regions/{call.cloud.project.region(zone)}"),
        "selfLink": url(call, f"zones/{zone}"),
    }


def get_zone(call: Call) -> Json:
    zone = call.params["zone"]
    if zone not in call.cloud.project.zones():
        raise missing(call, f"zones/{zone}")
    return zone_json(call, zone)


def list_zones(call: Call) -> Json:
    return flat(call, "zoneList", [zone_json(call, zone) for zone in call.cloud.project.zones()])


def region_json(call: Call, region: str) -> Json:
    project = call.cloud.project
    usage = region_usage(call.cloud.state, project, region)
    quotas = [
        {"metric": metric, "limit": float(call.cloud.limits.limit(identity, {"region": region})), "usage": float(used)}
        for metric, identity in project.region_metrics.items()
        for used in [usage[metric]]
    ]
    return {
        "kind": "compute#region",
        "id": numeric_id("region", region),
        "creationTimestamp": CREATED,
        "name": region,
        "description": region,
        "status": "UP",
        "zones": [url(call, f"zones/{zone}") for zone in project.regions[region]],
        "quotas": quotas,
        "selfLink": url(call, f"regions/{region}"),
    }


def get_region(call: Call) -> Json:
    region = call.params["region"]
    if region not in call.cloud.project.regions:
        raise missing(call, f"regions/{region}")
    return region_json(call, region)


def list_regions(call: Call) -> Json:
    return flat(call, "regionList", [region_json(call, region) for region in call.cloud.project.regions])


def groups_of(call: Call, zone: str) -> list[tuple[Cluster, Pool, Group]]:
    """The managed instance groups of a zone."""
    return [
        (cluster, pool, group)
        for cluster in call.cloud.state.clusters.values()
        for pool in cluster.pools.values()
        for group in pool.groups.values()
        if group.zone == zone
    ]


def group_of(call: Call) -> tuple[Pool, Group]:
    """The group that the call names."""
    zone, name = zone_of(call), call.params["instanceGroupManager"]
    for _, pool, group in groups_of(call, zone):
        # the group of a pool that is being deleted goes with its last machine, before the pool does
        if group.name == name and (pool.status != "STOPPING" or group.instances):
            return pool, group
    raise missing(call, f"zones/{zone}/instanceGroupManagers/{name}")


def group_json(call: Call, group: Group) -> Json:
    actions = [ACTIONS[instance.status][1] for instance in group.instances.values()]
    here = f"zones/{group.zone}"
    count = {name.lower(): actions.count(name) for name in ("NONE", "CREATING", "DELETING")}
    template = group.name.removesuffix("-grp")
    return {
        "kind": "compute#instanceGroupManager",
        "id": numeric_id("group", group.name),
        "creationTimestamp": timestamp(group.created_at),
        "name": group.name,
        "zone": url(call, here),
        "instanceTemplate": url(call, f"global/instanceTemplates/{template}"),
        "instanceGroup": url(call, f"{here}/instanceGroups/{group.name}"),
        "baseInstanceName": template,
        "fingerprint": digest(group.name, str(group.target), str(actions), length=12),
        "targetSize": group.target,
        "currentActions": {"abandoning": 0, "recreating": 0, "refreshing": 0, "restarting": 0, **count},
        "status": {"isStable": all(action == "NONE" for action in actions)},
        "selfLink": url(call, f"{here}/instanceGroupManagers/{group.name}"),
    }


def get_group(call: Call) -> Json:
    return group_json(call, group_of(call)[1])


def groups_in(call: Call, zone: str) -> list[Json]:
    return [group_json(call, group) for _, _, group in groups_of(call, zone)]


def list_groups(call: Call) -> Json:
    return flat(call, "instanceGroupManagerList", groups_in(call, zone_of(call)))


def all_groups(call: Call) -> Json:
    return by_scope(call, "instanceGroupManagerAggregatedList", "instanceGroupManagers", in_zones(call, groups_in))


def managed_json(call: Call, group: Group, instance: Instance) -> Json:
    status, action = ACTIONS[instance.status]
    result: Json = {
        "name": instance.name,
        "instance": url(call, f"zones/{group.zone}/instances/{instance.name}"),
        "currentAction": action,
        "version": {"instanceTemplate": url(call, f"global/instanceTemplates/{group.name.removesuffix('-grp')}")},
    }
    if instance.error:
        error = {"code": instance.error["code"], "message": instance.error["message"]}
        result["lastAttempt"] = {"errors": {"errors": [error]}}
    else:
        result["instanceStatus"] = status
        result["id"] = numeric_id("instance", instance.name)
    return result


def list_managed(call: Call) -> Json:
    _, group = group_of(call)
    return {"managedInstances": [managed_json(call, group, instance) for instance in group.instances.values()]}


def delete_instances(call: Call) -> Json:
    """Take exactly these machines out of their group, which shrinks by as many."""
    _, group = group_of(call)
    names = list(dict.fromkeys(str(entry).rpartition("/")[2] for entry in call.body.get("instances", [])))
    if not names:
        raise invalid("Invalid value for field 'instances': ''. At least one instance is required.")
    chosen = [each for each in group.instances.values() if each.name in names and each.status != DELETING]
    strangers = sorted(set(names) - {each.name for each in chosen})
    if strangers and not call.body.get("skipInstancesOnValidationError"):
        raise invalid(
            f"Invalid value for field 'instances': '{strangers[0]}'. The instance is not a member of "
            f"{group.name}, or is already being deleted."
        )
    length = call.cloud.timetable.real(DELETE_GUIDE_SECONDS)
    call.cloud.groups.remove(chosen, call.now + length)
    call.cloud.timeline.note("operation", f"deleteInstances {' '.join(each.name for each in chosen)}", length, call.now)
    group.target -= len(chosen)
    operation = ComputeOperation(
        name=f"operation-{int(call.now * 1000)}-{uuid.uuid4().hex[:12]}",
        type="compute.instanceGroupManagers.deleteInstances",
        target=f"zones/{group.zone}/instanceGroupManagers/{group.name}",
        zone=group.zone,
        user=call.caller,
        started_at=call.now,
        guide_seconds=SCHEDULE_GUIDE_SECONDS,
    )
    call.cloud.state.compute_operations[operation.name] = operation
    return operation_json(call, operation)


def place_of(operation: ComputeOperation) -> str:
    """Where an operation is looked up."""
    if operation.zone:
        return f"zones/{operation.zone}"
    return f"regions/{operation.region}" if operation.region else "global"


def operation_json(call: Call, operation: ComputeOperation) -> Json:
    ends_at = operation.started_at + call.cloud.timetable.real(operation.guide_seconds)
    done = call.now >= ends_at
    place = place_of(operation)
    scope = {} if place == "global" else {"zone" if operation.zone else "region": url(call, place)}
    result: Json = {
        "kind": "compute#operation",
        "id": numeric_id("operation", operation.name),
        "name": operation.name,
        **scope,
        "operationType": operation.type,
        "targetLink": url(call, operation.target),
        "targetId": numeric_id("group", operation.target.rpartition("/")[2]),
        "status": "DONE" if done else "RUNNING",
        "user": operation.user,
        "progress": 100 if done else 0,
        "insertTime": timestamp(operation.started_at),
        "startTime": timestamp(operation.started_at),
        "selfLink": url(call, f"{place}/operations/{operation.name}"),
    }
    if done:
        result["endTime"] = timestamp(ends_at)
    return result


def operation_at(call: Call, place: str) -> Json:
    """The operation that a call names, if it is there."""
    name = call.params["operation"]
    operation = call.cloud.state.compute_operations.get(name)
    if operation is None or place_of(operation) != place:
        raise missing(call, f"{place}/operations/{name}")
    return operation_json(call, operation)


def get_operation(call: Call) -> Json:
    return operation_at(call, f"zones/{zone_of(call)}")


def get_region_operation(call: Call) -> Json:
    return operation_at(call, f"regions/{region_of(call)}")


def get_global_operation(call: Call) -> Json:
    return operation_at(call, "global")


def list_operations(call: Call) -> Json:
    zone = zone_of(call)
    found = [
        operation_json(call, operation)
        for operation in call.cloud.state.compute_operations.values()
        if operation.zone == zone
    ]
    return flat(call, "operationList", found)


def machine_labels(cluster: Cluster, pool: Pool) -> Json:
    """The labels of a machine and its disk: those that were asked for, and those that Kubernetes Engine adds."""
    machine, config = machine_of(pool), pool.body["config"]
    return {
        "goog-gke-cluster-id-base32": digest(cluster.uid),
        "goog-gke-node": "",
        "goog-k8s-cluster-name": cluster.name,
        "goog-k8s-cluster-location": cluster.location,
        "goog-k8s-node-pool-name": pool.name,
        **cluster.body.get("resourceLabels", {}),
        **config.get("resourceLabels", {}),
        **({"goog-gke-accelerator-type": machine.node_accelerator} if machine.chips else {}),
    }


def up_in(call: Call, zone: str) -> list[tuple[Cluster, Pool, Instance]]:
    """The machines of a zone that are there."""
    return [
        (cluster, pool, instance)
        for cluster, pool, group, instance in machines(call.cloud.state)
        if group.zone == zone and instance.status != CREATING
    ]


def instances_in(call: Call, zone: str) -> list[Json]:
    """The machines of a zone."""
    return [
        {
            "kind": "compute#instance",
            "id": numeric_id("instance", instance.name),
            "creationTimestamp": timestamp(instance.boots_at),
            "name": instance.name,
            "zone": url(call, f"zones/{zone}"),
            "machineType": url(call, f"zones/{zone}/machineTypes/{machine_of(pool).name}"),
            "status": ACTIONS[instance.status][0],
            "tags": {"items": [node_tag(cluster.name, cluster.uid)]},
            "labels": machine_labels(cluster, pool),
            "selfLink": url(call, f"zones/{zone}/instances/{instance.name}"),
        }
        for cluster, pool, instance in up_in(call, zone)
    ]


def list_instances(call: Call) -> Json:
    return flat(call, "instanceList", instances_in(call, zone_of(call)))


def all_instances(call: Call) -> Json:
    return by_scope(call, "instanceAggregatedList", "instances", in_zones(call, instances_in))


def node_tag(cluster: str, uid: str) -> str:
    """The network tag of a cluster's machines."""
    return f"gke-{cluster}-{uid[:8]}-node"


def disks_in(call: Call, zone: str) -> list[Json]:
    """The boot disks of the machines of a zone."""
    result = []
    for cluster, pool, instance in up_in(call, zone):
        config = pool.body["config"]
        result.append(
            {
                "kind": "compute#disk",
                "id": numeric_id("disk", instance.name),
                "creationTimestamp": timestamp(instance.boots_at),
                "name": instance.name,
                "sizeGb": str(config["diskSizeGb"]),
                "zone": url(call, f"zones/{zone}"),
                "status": "READY",
                "type": url(call, f"zones/{zone}/diskTypes/{config['diskType']}"),
                "users": [url(call, f"zones/{zone}/instances/{instance.name}")],
                "labels": machine_labels(cluster, pool),
                "selfLink": url(call, f"zones/{zone}/disks/{instance.name}"),
            }
        )
    return result


def list_disks(call: Call) -> Json:
    return flat(call, "diskList", disks_in(call, zone_of(call)))


def all_disks(call: Call) -> Json:
    return by_scope(call, "diskAggregatedList", "disks", in_zones(call, disks_in))


def balancers(call: Call, region: str) -> Iterable[LoadBalancer]:
    """The load balancers of a region."""
    return [
        each
        for each in call.cloud.state.load_balancers.values()
        if call.cloud.project.region(each.location) == region and call.now >= each.ready_at
    ]


def service_note(balancer: LoadBalancer) -> str:
    """What Kubernetes writes into the parts of a load balancer."""
    return f'{{"kubernetes.io/service-name":"{balancer.namespace}/{balancer.service}"}}'


def rule_json(call: Call, balancer: LoadBalancer, region: str) -> Json:
    return {
        "kind": "compute#forwardingRule",
        "id": numeric_id("rule", balancer.name),
        "creationTimestamp": timestamp(balancer.created_at),
        "name": balancer.name,
        "description": service_note(balancer),
        "region": url(call, f"regions/{region}"),
        "IPAddress": balancer.address,
        "IPProtocol": "TCP",
        "loadBalancingScheme": "EXTERNAL",
        "networkTier": "PREMIUM",
        "target": url(call, f"regions/{region}/targetPools/{balancer.name}"),
        "selfLink": url(call, f"regions/{region}/forwardingRules/{balancer.name}"),
    }


def rules_in(call: Call, region: str) -> list[Json]:
    return [rule_json(call, each, region) for each in balancers(call, region)]


def list_rules(call: Call) -> Json:
    return flat(call, "forwardingRuleList", rules_in(call, region_of(call)))


def all_rules(call: Call) -> Json:
    return by_scope(
        call, "forwardingRuleAggregatedList", "forwardingRules", {"global": [], **in_regions(call, rules_in)}
    )


def target_pools_in(call: Call, region: str) -> list[Json]:
    """The machines behind each load balancer."""
    found = []
    for each in balancers(call, region):
        here = [item for item in machines(call.cloud.state) if item[0].uid == each.cluster_uid]
        links = [url(call, f"zones/{group.zone}/instances/{machine.name}") for _, _, group, machine in here]
        found.append(
            {
                "kind": "compute#targetPool",
                "id": numeric_id("targetPool", each.name),
                "creationTimestamp": timestamp(each.created_at),
                "name": each.name,
                "description": service_note(each),
                "region": url(call, f"regions/{region}"),
                "instances": links,
                "sessionAffinity": "NONE",
                "selfLink": url(call, f"regions/{region}/targetPools/{each.name}"),
            }
        )
    return found


def list_target_pools(call: Call) -> Json:
    return flat(call, "targetPoolList", target_pools_in(call, region_of(call)))


def all_target_pools(call: Call) -> Json:
    return by_scope(call, "targetPoolAggregatedList", "targetPools", in_regions(call, target_pools_in))


def all_backend_services(call: Call) -> Json:
    """None: the load balancers here are of the kind with target pools."""
    scopes: dict[str, list[Json]] = {f"regions/{region}": [] for region in call.cloud.project.regions}
    return by_scope(call, "backendServiceAggregatedList", "backendServices", {"global": [], **scopes})


def addresses_in(call: Call, region: str) -> list[Json]:
    """The external addresses of load balancers."""
    return [
        {
            "kind": "compute#address",
            "id": numeric_id("address", each.name),
            "creationTimestamp": timestamp(each.created_at),
            "name": each.name,
            "description": service_note(each),
            "address": each.address,
            "addressType": "EXTERNAL",
            "networkTier": "PREMIUM",
            "status": "IN_USE",
            "region": url(call, f"regions/{region}"),
            "users": [url(call, f"regions/{region}/forwardingRules/{each.name}")],
            "selfLink": url(call, f"regions/{region}/addresses/{each.name}"),
        }
        for each in balancers(call, region)
    ]


def list_addresses(call: Call) -> Json:
    return flat(call, "addressList", addresses_in(call, region_of(call)))


def all_addresses(call: Call) -> Json:
    return by_scope(call, "addressAggregatedList", "addresses", {"global": [], **in_regions(call, addresses_in)})


def firewall_json(
    call: Call,
    name: str,
    sources: list[str],
    allowed: list[Json],
    created_at: float,
    *,
    tag: str,
    network: str,
    note: str = "",
) -> Json:
    return {
        "kind": "compute#firewall",
        "id": numeric_id("firewall", name),
        "creationTimestamp": timestamp(created_at),
        "name": name,
        "description": note,
        "targetTags": [tag],
        "network": url(call, f"global/networks/{network}"),
        "direction": "INGRESS",
        "priority": 1000,
        "sourceRanges": sources,
        "allowed": allowed,
        "selfLink": url(call, f"global/firewalls/{name}"),
    }


def firewalls(call: Call) -> list[Json]:
    """The rules that clusters and load balancers bring with them."""
    everything: list[Json] = [{"IPProtocol": protocol} for protocol in ("tcp", "udp", "icmp", "esp", "ah", "sctp")]
    inner: list[Json] = [{"IPProtocol": each, "ports": ["1-65535"]} for each in ("tcp", "udp")]
    kubelet: list[Json] = [{"IPProtocol": "tcp", "ports": ["10255"]}]
    found = []
    for cluster in call.cloud.state.clusters.values():
        tag, network = node_tag(cluster.name, cluster.uid), network_of(cluster)
        for suffix, sources, allowed in (
            ("all", [pod_range(cluster)], everything),
            ("vms", ["10.128.0.0/9"], [{"IPProtocol": "icmp"}, *inner]),
            ("exkubelet", ["0.0.0.0/0"], kubelet),
            ("inkubelet", [pod_range(cluster)], kubelet),
        ):
            name = f"{tag.removesuffix('node')}{suffix}"
            rule = firewall_json(call, name, sources, allowed, cluster.created_at, tag=tag, network=network)
            found.append(rule)
    for each in call.cloud.state.load_balancers.values():
        note = (
            f'{{"kubernetes.io/service-name":"{each.namespace}/{each.service}", '
            f'"kubernetes.io/service-ip":"{each.address}"}}'
        )
        tag = node_tag(each.cluster, each.cluster_uid)
        name, tcp = f"k8s-fw-{each.name}", [{"IPProtocol": "tcp"}]
        rule = firewall_json(call, name, ["0.0.0.0/0"], tcp, each.created_at, tag=tag, network=each.network, note=note)
        found.append(rule)
    return found


def list_firewalls(call: Call) -> Json:
    return flat(call, "firewallList", firewalls(call))


HANDLERS = {
    "machineTypes.get": Handler(get_machine_type, "compute.machineTypes.get"),
    "machineTypes.list": Handler(list_machine_types, "compute.machineTypes.list"),
    "machineTypes.aggregatedList": Handler(all_machine_types, "compute.machineTypes.list"),
    "zones.get": Handler(get_zone, "compute.zones.get"),
    "zones.list": Handler(list_zones, "compute.zones.list"),
    "regions.get": Handler(get_region, "compute.regions.get"),
    "regions.list": Handler(list_regions, "compute.regions.list"),
    "instanceGroupManagers.get": Handler(get_group, "compute.instanceGroupManagers.get"),
    "instanceGroupManagers.list": Handler(list_groups, "compute.instanceGroupManagers.list"),
    "instanceGroupManagers.aggregatedList": Handler(all_groups, "compute.instanceGroupManagers.list"),
    "instanceGroupManagers.listManagedInstances": Handler(list_managed, "compute.instanceGroupManagers.get"),
    "instanceGroupManagers.deleteInstances": Handler(
        delete_instances, "compute.instanceGroupManagers.update", mutating=True
    ),
    "zoneOperations.get": Handler(get_operation, "compute.zoneOperations.get"),
    "zoneOperations.list": Handler(list_operations, "compute.zoneOperations.list"),
    "globalOperations.get": Handler(get_global_operation, "compute.globalOperations.get"),
    "regionOperations.get": Handler(get_region_operation, "compute.regionOperations.get"),
    "instances.list": Handler(list_instances, "compute.instances.list"),
    "instances.aggregatedList": Handler(all_instances, "compute.instances.list"),
    "disks.list": Handler(list_disks, "compute.disks.list"),
    "disks.aggregatedList": Handler(all_disks, "compute.disks.list"),
    "forwardingRules.list": Handler(list_rules, "compute.forwardingRules.list"),
    "forwardingRules.aggregatedList": Handler(all_rules, "compute.forwardingRules.list"),
    "addresses.list": Handler(list_addresses, "compute.addresses.list"),
    "addresses.aggregatedList": Handler(all_addresses, "compute.addresses.list"),
    "targetPools.list": Handler(list_target_pools, "compute.targetPools.list"),
    "targetPools.aggregatedList": Handler(all_target_pools, "compute.targetPools.list"),
    "backendServices.aggregatedList": Handler(all_backend_services, "compute.backendServices.list"),
    "firewalls.list": Handler(list_firewalls, "compute.firewalls.list"),
}
