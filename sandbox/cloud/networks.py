# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Networks and subnets of Compute Engine: the one that every project begins with, and those that are made."""

from __future__ import annotations

import ipaddress
import re
import uuid

from sandbox.cloud.calls import Call, Handler
from sandbox.cloud.clock import timestamp
from sandbox.cloud.compute import CREATED, firewalls, missing, operation_json, region_of, url
from sandbox.cloud.compute_lists import flat
from sandbox.cloud.errors import GoogleError, Json, invalid, precondition
from sandbox.cloud.gke import digest, network_of, numeric_id, pod_range, service_range
from sandbox.cloud.state import Cluster, ComputeOperation, MadeNetwork

NAME = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
GUIDE_SECONDS = 20.0
"""From a request until a network or a subnet is there, or gone; the guide makes none."""
USUAL = "default"
LARGEST, SMALLEST = 8, 29
"""Prefix lengths that a subnet may have."""


def network_path(name: str) -> str:
    """Where a network is."""
    return f"global/networks/{name}"


def subnetwork_path(region: str, name: str) -> str:
    """Where a subnet is."""
    return f"regions/{region}/subnetworks/{name}"


def last(reference: object) -> str:
    """The name at the end of a link."""
    return str(reference or "").rpartition("/")[2]


def made(call: Call) -> dict[str, MadeNetwork]:
    """What was made, by path, without what is gone by now."""
    known = call.cloud.state.networks
    for path in [path for path, each in known.items() if each.gone_at is not None and call.now >= each.gone_at]:
        del known[path]
    return known


def networks(call: Call) -> dict[str, Json]:
    """Every network by its name."""
    usual = {"name": USUAL, "description": "Default network for the project", "autoCreateSubnetworks": True}
    own = {last(path): each for path, each in made(call).items() if path.startswith("global/")}
    return {
        USUAL: network_json(call, usual, CREATED),
        **{name: network_json(call, each.body, timestamp(each.created_at)) for name, each in own.items()},
    }


def network_json(call: Call, body: Json, created: str) -> Json:
    """A network as Compute Engine shows it."""
    name = body["name"]
    links = [each["selfLink"] for each in subnetworks(call) if last(each["network"]) == name]
    return {
        "kind": "compute#network",
        "id": numeric_id("network", name),
        "creationTimestamp": created,
        "name": name,
        **({"description": body["description"]} if body.get("description") else {}),
        "autoCreateSubnetworks": bool(body.get("autoCreateSubnetworks")),
        "routingConfig": {"routingMode": "REGIONAL", **body.get("routingConfig", {})},
        "networkFirewallPolicyEnforcementOrder": "AFTER_CLASSIC_FIREWALL",
        **({"subnetworks": links} if links else {}),
        "selfLink": url(call, network_path(name)),
        "selfLinkWithId": url(call, network_path(numeric_id("network", name))),
    }


def subnetworks(call: Call) -> list[Json]:
    """Every subnet: one a region of each network that makes them by itself, and those that were made."""
    automatic = [USUAL, *(last(path) for path, each in made(call).items() if each.body.get("autoCreateSubnetworks"))]
    found = [
        subnetwork_json(call, region, {"name": name, "network": name, "ipCidrRange": f"10.{128 + 2 * i}.0.0/20"})
        for name in automatic
        for i, region in enumerate(call.cloud.project.regions)
    ]
    for path, each in made(call).items():
        if path.startswith("regions/"):
            found.append(subnetwork_json(call, path.split("/")[1], each.body, timestamp(each.created_at)))
    return found


def subnetwork_json(call: Call, region: str, body: Json, created: str = CREATED) -> Json:
    """A subnet as Compute Engine shows it, with the ranges that Kubernetes Engine adds for its clusters."""
    name, network = body["name"], last(body["network"])
    path = subnetwork_path(region, name)
    ranges = [*body.get("secondaryIpRanges", [])]
    for cluster in call.cloud.state.clusters.values():
        if uses(call, cluster, network, region, name):
            begin = f"gke-{cluster.name}"
            ranges.append({"rangeName": f"{begin}-pods-{cluster.uid[:8]}", "ipCidrRange": pod_range(cluster)})
            ranges.append({"rangeName": f"{begin}-services-{cluster.uid[:8]}", "ipCidrRange": service_range(cluster)})
    return {
        "kind": "compute#subnetwork",
        "id": numeric_id("subnetwork", path),
        "creationTimestamp": created,
        "name": name,
        **({"description": body["description"]} if body.get("description") else {}),
        "network": url(call, network_path(network)),
        "ipCidrRange": body["ipCidrRange"],
        "gatewayAddress": str(ipaddress.ip_network(body["ipCidrRange"])[1]),
        "region": url(call, f"regions/{region}"),
        "privateIpGoogleAccess": bool(body.get("privateIpGoogleAccess")),
        "privateIpv6GoogleAccess": "DISABLE_GOOGLE_ACCESS",
        "purpose": "PRIVATE",
        "stackType": "IPV4_ONLY",
        "fingerprint": digest(path, str(ranges), length=12),
        **({"secondaryIpRanges": ranges} if ranges else {}),
        "selfLink": url(call, path),
    }


def uses(call: Call, cluster: Cluster, network: str, region: str, name: str) -> bool:
    """Whether a cluster's machines are in a subnet."""
    there = (network_of(cluster), call.cloud.project.region(cluster.location), last(cluster.body["subnetwork"]))
    return there == (network, region, name)


def in_region(call: Call, region: str) -> list[Json]:
    """The subnets of a region."""
    return [each for each in subnetworks(call) if last(each["region"]) == region]


def get_network(call: Call) -> Json:
    """One network."""
    found = networks(call).get(call.params["network"])
    if found is None:
        raise missing(call, network_path(call.params["network"]))
    return found


def list_networks(call: Call) -> Json:
    """All networks."""
    return flat(call, "networkList", networks(call).values())


def get_subnetwork(call: Call) -> Json:
    """One subnet."""
    region, name = region_of(call), call.params["subnetwork"]
    found = next((each for each in in_region(call, region) if each["name"] == name), None)
    if found is None:
        raise missing(call, subnetwork_path(region, name))
    return found


def list_subnetworks(call: Call) -> Json:
    """Those of a region."""
    return flat(call, "subnetworkList", in_region(call, region_of(call)))


def checked_name(body: Json) -> str:
    """The name that a request wants."""
    name = str(body.get("name", ""))
    if not NAME.fullmatch(name):
        raise invalid(f"Invalid value for field 'resource.name': '{name}'. Must be a match of regex '{NAME.pattern}'")
    return name


def insert_network(call: Call) -> Json:
    """Begin a network."""
    name = checked_name(call.body)
    if name in networks(call):
        raise exists(call, network_path(name))
    return begin(call, "insert", network_path(name))


def insert_subnetwork(call: Call) -> Json:
    """Begin a subnet of a network whose subnets are made by hand."""
    if not call.cloud.project.allows(call.caller, "compute.networks.updatePolicy"):
        text = f"Required 'compute.networks.updatePolicy' permission for 'projects/{call.cloud.project.id}'"
        raise GoogleError("PERMISSION_DENIED", text)
    region, name = region_of(call), checked_name(call.body)
    if any(each["name"] == name for each in in_region(call, region)):
        raise exists(call, subnetwork_path(region, name))
    if last(call.body.get("region") or region) != region:
        raise invalid(f"Invalid value for field 'resource.region': '{call.body['region']}'. It is not {region}.")
    wanted = last(call.body.get("network"))
    network = networks(call).get(wanted)
    if network is None:
        raise missing(call, network_path(wanted))
    if network["autoCreateSubnetworks"]:
        raise invalid(f"Invalid value for field 'resource.network': '{wanted}'. It makes its subnetworks by itself.")
    made_now = made(call)[network_path(wanted)]
    if call.now < made_now.ready_at or made_now.gone_at is not None:
        raise precondition(f"The resource '{project_path(call, network_path(wanted))}' is not ready")
    block = checked_range(str(call.body.get("ipCidrRange", "")))
    for each in subnetworks(call):
        if last(each["network"]) == wanted and block.overlaps(ipaddress.ip_network(each["ipCidrRange"])):
            raise invalid(f"Invalid IPCidrRange: {block} conflicts with existing subnetwork '{each['name']}'.")
    return begin(call, "insert", subnetwork_path(region, name))


def checked_range(text: str) -> ipaddress.IPv4Network:
    """A subnet's range."""
    try:
        block = ipaddress.IPv4Network(text)
    except ValueError:
        block = None
    if block is None or not LARGEST <= block.prefixlen <= SMALLEST:
        raise invalid(f"Invalid value for field 'resource.ipCidrRange': '{text}'. Must be a CIDR address range.")
    return block


def delete_network(call: Call) -> Json:
    """Begin to remove a network in which nothing is."""
    found = get_network(call)
    rules = [each["selfLink"] for each in firewalls(call) if last(each["network"]) == found["name"]]
    return remove(call, network_path(found["name"]), [*found.get("subnetworks", []), *rules])


def delete_subnetwork(call: Call) -> Json:
    """Begin to remove a subnet that no cluster uses."""
    found, region = get_subnetwork(call), region_of(call)
    users = [
        url(call, f"zones/{cluster.location}/clusters/{cluster.name}")
        for cluster in call.cloud.state.clusters.values()
        if uses(call, cluster, last(found["network"]), region, found["name"])
    ]
    return remove(call, subnetwork_path(region, found["name"]), users)


def remove(call: Call, path: str, users: list[str]) -> Json:
    """Begin to remove what nobody uses."""
    if users:
        what = "network" if path.startswith("global/") else "subnetwork"
        used_by = users[0].partition("/compute/v1/")[2]
        raise precondition(f"The {what} resource '{project_path(call, path)}' is already being used by '{used_by}'")
    if path not in made(call):
        raise precondition(f"The resource '{project_path(call, path)}' belongs to the sandbox's project and stays.")
    return begin(call, "delete", path)


def begin(call: Call, verb: str, path: str) -> Json:
    """Do it, and the operation that says when it is done."""
    ends_at = call.now + call.cloud.timetable.real(GUIDE_SECONDS)
    if verb == "insert":
        call.cloud.state.networks[path] = MadeNetwork(dict(call.body), call.now, ends_at)
    else:
        made(call)[path].gone_at = ends_at
    operation = ComputeOperation(
        name=f"operation-{int(call.now * 1000)}-{uuid.uuid4().hex[:12]}",
        type=verb,
        target=path,
        zone="",
        user=call.caller,
        started_at=call.now,
        region="" if path.startswith("global/") else path.split("/")[1],
        guide_seconds=GUIDE_SECONDS,
    )
    call.cloud.state.compute_operations[operation.name] = operation
    return operation_json(call, operation)


def project_path(call: Call, path: str) -> str:
    """A path below the project, as errors give it."""
    return f"projects/{call.cloud.project.id}/{path}"


def exists(call: Call, path: str) -> GoogleError:
    """409."""
    return GoogleError("ALREADY_EXISTS", f"The resource '{project_path(call, path)}' already exists")


def check_network(call: Call, body: Json, region: str) -> None:
    """Refuse a cluster in a network or subnet that is not there."""
    name = last(body.get("network")) or USUAL
    network = networks(call).get(name)
    if network is None:
        raise invalid(f'Network "{name}" does not exist.')
    wanted = last(body.get("subnetwork")) or (name if network["autoCreateSubnetworks"] else "")
    if not wanted:
        raise invalid(f'Network "{name}" makes no subnetworks by itself: Cluster.subnetwork is required.')
    if not any(each["name"] == wanted and last(each["network"]) == name for each in in_region(call, region)):
        raise invalid(f'Subnetwork "{wanted}" does not exist in region "{region}" of network "{name}".')


HANDLERS = {
    "networks.get": Handler(get_network, "compute.networks.get"),
    "networks.list": Handler(list_networks, "compute.networks.list"),
    "networks.insert": Handler(insert_network, "compute.networks.create", mutating=True),
    "networks.delete": Handler(delete_network, "compute.networks.delete", mutating=True),
    "subnetworks.get": Handler(get_subnetwork, "compute.subnetworks.get"),
    "subnetworks.list": Handler(list_subnetworks, "compute.subnetworks.list"),
    "subnetworks.insert": Handler(insert_subnetwork, "compute.subnetworks.create", mutating=True),
    "subnetworks.delete": Handler(delete_subnetwork, "compute.subnetworks.delete", mutating=True),
}
