# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kubernetes Engine: node pools."""

from __future__ import annotations

import re

from sandbox.cloud.calls import Call, Handler
from sandbox.cloud.errors import GoogleError, Json, invalid, unimplemented
from sandbox.cloud.gke import complete_pool, group_name, label_fingerprint, valid_name
from sandbox.cloud.groups import instances
from sandbox.cloud.limits import machines_in
from sandbox.cloud.machines import MachineType, catalogue
from sandbox.cloud.operations import ROOT
from sandbox.cloud.places import cluster_of, pool_of, pool_path
from sandbox.cloud.project import Project
from sandbox.cloud.state import Cluster, Group, Operation, Pool

QUICK = 30.0
"""Guide seconds of a change of size that changes nothing."""

# An UpdateNodePoolRequest's field, where its value lands, and the member that holds it.
UPDATES = {
    "labels": ("config.labels", "labels"),
    "taints": ("config.taints", "taints"),
    "tags": ("config.tags", "tags"),
    "resourceLabels": ("config.resourceLabels", "labels"),
    "workloadMetadataConfig": ("config.workloadMetadataConfig", ""),
    "upgradeSettings": ("upgradeSettings", ""),
    "maxRunDuration": ("config.maxRunDuration", ""),
}
# Those for which every machine is made anew, one after the other.
RECREATING = {
    "diskSizeGb": "config.diskSizeGb",
    "diskType": "config.diskType",
    "flexStart": "config.flexStart",
}
LONGEST_RUN = 604_800
NAMES = frozenset({"name", "projectId", "zone", "clusterId", "nodePoolId", "etag"})


def create(call: Call) -> Json:
    """Begin a node pool."""
    cloud, cluster = call.cloud, cluster_of(call)
    body = call.body.get("nodePool", {})
    check_pool(call, cluster, body)
    if body["name"] in cluster.pools:
        raise GoogleError("ALREADY_EXISTS", f"Already exists: {pool_path(cloud.project, cluster, body['name'])}.")
    cloud.operations.ensure_free(cluster)
    operation = cloud.operations.begin(
        "CREATE_NODE_POOL", cluster, user=call.caller, now=call.now, duration="node_pool", pool=body["name"]
    )
    add_pool(call, cluster, body, operation.ends_at)
    come_in_part(call, cluster, cluster.pools[body["name"]], operation)
    cluster.status = "RECONCILING"
    return cloud.operations.render(operation)


def add_pool(call: Call, cluster: Cluster, body: Json, ends_at: float) -> None:
    """Put a pool into a cluster and ask for its machines, up in time for the operation's end."""
    complete = complete_pool(body, cluster, cluster.body["locations"])
    pool = Pool(body["name"], complete, created_at=call.now)
    for zone in complete["locations"]:
        pool.groups[zone] = Group(group_name(cluster, pool.name, zone), zone, created_at=call.now)
    cluster.pools[pool.name] = pool
    resize(call, cluster, pool, complete["initialNodeCount"], ends_at)


def resize(call: Call, cluster: Cluster, pool: Pool, size: int, ends_at: float) -> None:
    """Ask for a size; machines boot just before the operation ends, and go when it does."""
    timetable = call.cloud.timetable
    boots_at = max(call.now, ends_at - timetable.real(timetable.guide("node_boot")))
    call.cloud.groups.resize(cluster, pool, size, now=call.now, boots_at=boots_at, gone_at=ends_at)


def come_in_part(call: Call, cluster: Cluster, pool: Pool, operation: Operation) -> None:
    """Where a fault says so, one of the machines that were asked for becomes no node."""
    if any(group.target for group in pool.groups.values()):
        operation.in_part = call.cloud.faults.pool_error(pool.name)
    if operation.in_part is not None:
        call.cloud.groups.silence(cluster, pool)


def check_pool(call: Call, cluster: Cluster, body: Json) -> None:
    """The refusals that come before anything is made."""
    name = body.get("name", "")
    if not valid_name(name):
        raise invalid(
            f'Invalid value for field "node_pool.name": "{name}". It must begin with a lowercase letter, followed '
            "by up to 39 lowercase letters, numbers or hyphens, and must not end with a hyphen."
        )
    if body.get("initialNodeCount", 0) < 0:
        raise invalid("NodePool.initial_node_count must not be negative.")
    config = body.get("config", {})
    zones = body.get("locations") or cluster.body["locations"]
    region = call.cloud.project.region(cluster.location)
    for zone in zones:
        if call.cloud.project.region(zone) != region or zone == region:
            raise invalid(f'NodePool.locations has "{zone}", which is no zone of region {region}.')
    machine = machine_in(config.get("machineType", "e2-medium"), zones)
    disk_type = config.get("diskType") or machine.disk_type
    if disk_type not in machine.disk_types:
        raise invalid(f"{disk_type} disk type cannot be used by {machine.name} machine type.")
    if config.get("diskSizeGb", 10) < 10:
        raise invalid("NodeConfig.disk_size_gb must be at least 10.")
    if config.get("accelerators") or config.get("queuedProvisioning", {}).get("enabled"):
        raise unimplemented("node pools with attached accelerators or queued provisioning")
    if config.get("reservationAffinity", {}).get("consumeReservationType") == "SPECIFIC_RESERVATION":
        check_reservations(call, config["reservationAffinity"].get("values", []), machine, zones)
    check_buying(config)
    check_autoscaling(body.get("autoscaling", {}))
    check_upgrades(body.get("upgradeSettings", {}))
    check_management({"autoUpgrade": True, **body.get("management", {})}, cluster)
    check_topology(body.get("placementPolicy", {}).get("tpuTopology", ""), machine)


def check_reservations(call: Call, names: list[str], machine: MachineType, zones: list[str]) -> None:
    """Each zone has a reservation of one of these names, and of this machine type."""
    for zone in zones:
        project = call.cloud.project.id
        there = [
            each
            for each in call.cloud.project.reservations
            if each["zone"] == zone and any(machines_in(each, name, project) is not None for name in names)
        ]
        if not there:
            raise invalid(f"Reservation {', '.join(names)} does not exist in zone {zone} of project {project}.")
        if machine.name not in [each["machine_type"] for each in there]:
            raise invalid(f"Reservation {', '.join(names)} does not have the machine type {machine.name}.")


def check_buying(config: Json) -> None:
    """How machines are bought, and for how long."""
    if config.get("flexStart") and (config.get("spot") or config.get("preemptible")):
        raise invalid("NodeConfig.flex_start cannot be set together with spot or preemptible.")
    check_run_duration(config.get("maxRunDuration"), flex_start=bool(config.get("flexStart")))


def check_run_duration(duration: object, *, flex_start: bool) -> None:
    """A machine's life."""
    if duration is None:
        return
    seconds = re.fullmatch(r"(\d+)(\.\d+)?s", str(duration))
    if not seconds or int(seconds[1]) < 1:
        raise invalid(f'Invalid NodeConfig.max_run_duration "{duration}".')
    if flex_start and int(seconds[1]) > LONGEST_RUN:
        raise invalid(f"NodeConfig.max_run_duration of flex-start machines must not exceed {LONGEST_RUN}s.")


def check_autoscaling(autoscaling: Json) -> None:
    """The bounds, of each zone or of all zones."""
    if not autoscaling.get("enabled"):
        return
    by_zone = autoscaling.get("minNodeCount", 0), autoscaling.get("maxNodeCount", 0)
    in_all = autoscaling.get("totalMinNodeCount", 0), autoscaling.get("totalMaxNodeCount", 0)
    if any(by_zone) and any(in_all):
        raise invalid("Node pool autoscaling cannot have limits per zone and total limits at the same time.")
    least, most = in_all if any(in_all) else by_zone
    if most < 1:
        raise invalid("Node pool autoscaling needs a maximum node count greater than zero.")
    if least > most:
        raise invalid(f"Node pool autoscaling has a minimum of {least} above its maximum of {most}.")


def check_upgrades(settings: Json) -> None:
    """An upgrade needs a machine more, or one less."""
    if settings and not settings.get("maxSurge") and not settings.get("maxUnavailable"):
        raise invalid("UpgradeSettings.max_surge and UpgradeSettings.max_unavailable cannot both be 0.")


def check_management(management: Json, cluster: Cluster) -> None:
    """Release channels insist on automatic upgrades."""
    channel = cluster.body.get("releaseChannel", {}).get("channel", "UNSPECIFIED")
    if channel != "UNSPECIFIED" and not management.get("autoUpgrade"):
        raise invalid(f"Auto_upgrade must be true when release_channel {channel} is set.")


def machine_in(name: str, zones: list[str]) -> MachineType:
    """The machine type, if each of the zones has it."""
    machine = catalogue().types.get(name)
    for zone in zones:
        if machine is None or not machine.offered(zone):
            raise invalid(f"Machine type with name '{name}' does not exist in zone '{zone}'.")
    assert machine is not None
    return machine


def check_topology(topology: str, machine: MachineType) -> None:
    """A topology is for pools whose slice has more than one machine."""
    if not topology:
        return
    if not machine.chips:
        raise invalid(f"TPU topology can't be specified for machine type {machine.name}, which has no TPU.")
    if not re.fullmatch(r"\d+x\d+", topology):
        raise invalid(f'could not find TPU topology "{topology}" for machine type {machine.name}.')
    columns, rows = topology.split("x")
    if int(columns) * int(rows) <= machine.chips:
        raise invalid(
            "TPU topology can't be specified with single-host TPU slice pool; please remove the tpu_topology "
            f"field from the placement policy of the node pool ({machine.name} is always {machine.topology})."
        )
    raise unimplemented("multi-host TPU slices")


def get(call: Call) -> Json:
    """A pool."""
    return pool_json(call.cloud.project, *pool_of(call))


def list_pools(call: Call) -> Json:
    """The pools of a cluster."""
    cluster = cluster_of(call)
    found = [pool_json(call.cloud.project, cluster, pool) for pool in cluster.pools.values()]
    return {"nodePools": found} if found else {}


def pool_json(project: Project, cluster: Cluster, pool: Pool) -> Json:
    """A pool as the API shows it."""
    result: Json = {
        **pool.body,
        "selfLink": f"{ROOT}/{pool_path(project, cluster, pool.name)}",
        "status": pool.status,
        "instanceGroupUrls": [
            f"https://www.googleapis.com/compute/v1/projects/{project.id}/zones/{group.zone}"
            f"/instanceGroupManagers/{group.name}"
            for group in pool.groups.values()
        ],
        "etag": label_fingerprint({"status": pool.status, "body": str(pool.body)}),
    }
    if pool.status_message:
        result["statusMessage"] = pool.status_message
    if pool.conditions:
        result["conditions"] = pool.conditions
    return result


def delete(call: Call) -> Json:
    """Begin the end of a pool."""
    cluster, pool = pool_of(call)
    call.cloud.operations.ensure_free(cluster)
    operation = begin(call, cluster, pool, "DELETE_NODE_POOL", "node_pool_delete")
    pool.status = "STOPPING"
    call.cloud.groups.remove([instance for _, _, instance in instances(cluster, pool.name)], operation.ends_at)
    return call.cloud.operations.render(operation)


def set_size(call: Call) -> Json:
    """Change the number of machines in each zone; the initial count stays what it was."""
    cluster, pool = pool_of(call)
    size = call.body.get("nodeCount", 0)
    if size < 0:
        raise invalid("SetNodePoolSizeRequest.node_count must not be negative.")
    call.cloud.operations.ensure_free(cluster)
    targets = [group.target for group in pool.groups.values()]
    duration: str | float = "node_pool_resize" if size > min(targets) else "node_pool_delete"
    mended = call.cloud.groups.mend(cluster, pool, call.now)
    if all(target == size for target in targets):
        duration = "node_pool_resize" if mended else QUICK
    operation = begin(call, cluster, pool, "SET_NODE_POOL_SIZE", duration)
    pool.status = "RECONCILING"
    resize(call, cluster, pool, size, operation.ends_at)
    come_in_part(call, cluster, pool, operation)
    return call.cloud.operations.render(operation)


def update(call: Call) -> Json:
    """Change what a pool can change without new machines."""
    cluster, pool = pool_of(call)
    changes: Json = {}
    for name, value in call.body.items():
        if name in UPDATES:
            path, member = UPDATES[name]
            changes[path] = value.get(member) or ([] if member in ("taints", "tags") else {}) if member else value
        elif name in RECREATING:
            # the document writes the size as text here, and as a number in a pool
            changes[RECREATING[name]] = int(value) if name == "diskSizeGb" else value
        elif name not in NAMES and not unchanged(name, value, cluster, pool):
            raise unimplemented(f"an update of a node pool's {name}")
    if not changes:
        raise invalid("Must specify a field to update.")
    check_update(cluster, pool, changes)
    if any(name in call.body for name in RECREATING):
        return begin_recreation(call, cluster, pool, changes)
    return begin_change(call, cluster, pool, "UPDATE_CLUSTER", changes)


def check_update(cluster: Cluster, pool: Pool, changes: Json) -> None:
    """What a pool refuses when it is created it refuses later too."""
    config = {**pool.body["config"], **{path.removeprefix("config."): value for path, value in changes.items()}}
    check_buying(config)
    check_upgrades(changes.get("upgradeSettings", {}))
    machine = machine_in(config["machineType"], pool.body["locations"])
    if config["diskType"] not in machine.disk_types:
        raise invalid(f"{config['diskType']} disk type cannot be used by {machine.name} machine type.")
    if config["diskSizeGb"] < 10:
        raise invalid("NodeConfig.disk_size_gb must be at least 10.")


def begin_recreation(call: Call, cluster: Cluster, pool: Pool, changes: Json) -> Json:
    """An operation that makes the pool's machines anew, one after the other."""
    call.cloud.operations.ensure_free(cluster)
    boot = call.cloud.timetable.guide("node_boot")
    found = list(instances(cluster, pool.name))
    operation = begin(call, cluster, pool, "UPGRADE_NODES", 60.0 + 2 * boot * len(found), changes)
    pool.status = "RECONCILING"
    for number, (_, _, instance) in enumerate(found):
        instance.recreate_at = call.now + call.cloud.timetable.real(60.0 + 2 * boot * number)
    return call.cloud.operations.render(operation)


def unchanged(name: str, value: object, cluster: Cluster, pool: Pool) -> bool:
    """Whether a field of an update asks for what is there already."""
    known = {"nodeVersion": cluster.version, "locations": pool.body["locations"], **pool.body["config"]}
    return known.get(name) == value or value in ("-", "")


def set_management(call: Call) -> Json:
    """Automatic repair and upgrade."""
    cluster, pool = pool_of(call)
    management = call.body.get("management", {})
    check_management(management, cluster)
    return begin_change(call, cluster, pool, "SET_NODE_POOL_MANAGEMENT", {"management": management})


def set_autoscaling(call: Call) -> Json:
    """The bounds of automatic size; nothing here scales by itself."""
    check_autoscaling(call.body.get("autoscaling", {}))
    changes = {"autoscaling": call.body.get("autoscaling", {})}
    return begin_change(call, *pool_of(call), "UPDATE_CLUSTER", changes)


def begin_change(call: Call, cluster: Cluster, pool: Pool, kind: str, changes: Json) -> Json:
    """An operation that changes a pool's own fields."""
    call.cloud.operations.ensure_free(cluster)
    operation = begin(call, cluster, pool, kind, 60.0, changes)
    pool.status = "RECONCILING"
    return call.cloud.operations.render(operation)


def begin(
    call: Call, cluster: Cluster, pool: Pool, kind: str, duration: str | float, changes: Json | None = None
) -> Operation:
    """An operation on a pool."""
    cluster.status = "RECONCILING"
    return call.cloud.operations.begin(
        kind, cluster, user=call.caller, now=call.now, duration=duration, pool=pool.name, changes=changes
    )


HANDLERS = {
    "clusters.nodePools.create": Handler(create, "container.clusters.update", mutating=True),
    "clusters.nodePools.get": Handler(get, "container.clusters.get"),
    "clusters.nodePools.list": Handler(list_pools, "container.clusters.get"),
    "clusters.nodePools.update": Handler(update, "container.clusters.update", mutating=True),
    "clusters.nodePools.delete": Handler(delete, "container.clusters.update", mutating=True),
    "clusters.nodePools.setSize": Handler(set_size, "container.clusters.update", mutating=True),
    "clusters.nodePools.setManagement": Handler(set_management, "container.clusters.update", mutating=True),
    "clusters.nodePools.setAutoscaling": Handler(set_autoscaling, "container.clusters.update", mutating=True),
}
