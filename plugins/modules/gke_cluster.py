#!/usr/bin/python

# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gke_cluster
short_description: Create, update or delete a GKE cluster
version_added: 0.1.0
description:
  - Keeps a cluster as described. What the API can update is updated, what needs a new cluster is said.
  - Joins an operation that runs already, so that a run that was killed can be started again.
  - Waits for an operation that is in the way, whatever Google calls it, within O(wait_timeout). How one ends that
    Google began by itself (an upgrade, a repair) is told, and the task judges the cluster as it is then.
  - While Google has trouble of its own, what only reads is asked again within O(wait_timeout), after the pause that
    Google names.
  - An operation that ends with an error is an error, with Google's code and a remedy.
  - A cluster that is DEGRADED serves; it is used and changed like any other, and what Google says of it is told.
  - A cluster that is in the status ERROR because its creation failed is deleted and created again, when it has no
    other pool than that of ordinary machines. One that is not empty is left alone, with a sentence.
  - Only a cluster that carries the labels of this collection and of O(environment) is used, awaited, changed or
    deleted. Any other of O(name) is refused, in check mode too, with a sentence that says whose it seems to be.
  - A cluster is not deleted with node pools that somebody else made in it, unless O(delete_foreign_pools=true).
author: The rhaii.gke authors (@rhaii-gke)
extends_documentation_fragment:
  - rhaii.gke._attributes
  - rhaii.gke._google
  - rhaii.gke._google.container
  - rhaii.gke._wait
options:
  location:
    description: Zone (or region) of the cluster.
    type: str
    required: true
  name:
    description: Name of the cluster.
    type: str
    required: true
  state:
    description: Whether the cluster is to exist.
    type: str
    choices: [present, absent]
    default: present
  environment:
    description:
      - The environment that the cluster belongs to.
      - Becomes the label C(rhaii-environment) beside C(managed-by=rhaii-gke).
    type: str
    required: true
  labels:
    description: More labels. Labels that are on the cluster and not named here stay.
    type: dict
    default: {}
  release_channel:
    description: GKE's release channel; V(none) for no channel.
    type: str
    choices: [rapid, regular, stable, extended, none]
    default: regular
  kubernetes_version:
    description:
      - Version of the control plane, as in V(1.36) or V(1.36.3-gke.1). The channel's default when not given.
      - A cluster that is newer is left as it is, an older one is upgraded.
    type: str
  dataplane_v2:
    description:
      - Whether to use Dataplane V2. Fixed at creation.
      - Without it GKE accepts network policies and ignores them.
    type: bool
    default: true
  workload_identity:
    description: Whether to enable Workload Identity with the project's pool.
    type: bool
    default: true
  default_pool:
    description: The pool of ordinary machines, at creation only. M(rhaii.gke.gke_node_pool) changes it later.
    type: dict
    suboptions:
      name:
        description: Name of the pool.
        type: str
        default: default-pool
      machine_type:
        description: Machine type.
        type: str
        default: e2-standard-4
      node_count:
        description: Number of nodes, in each zone.
        type: int
        default: 2
      min_nodes:
        description: Least number of nodes in each zone, for O(default_pool.max_nodes).
        type: int
        default: 0
      max_nodes:
        description: Greatest number of nodes in each zone that the autoscaler may make. No autoscaling when not given.
        type: int
      service_account:
        description: Service account of the nodes. The project's default one when not given.
        type: str
  network:
    description: VPC network. Fixed at creation; C(default) when not given.
    type: str
  subnetwork:
    description: Subnetwork, in the region of O(location). Fixed at creation; C(default) when not given.
    type: str
  private_nodes:
    description:
      - Whether new node pools get machines without external addresses. Stays as it is when not given.
      - Such nodes reach the registry and the model hub only where the network has Cloud NAT.
      - A change reaches pools that are made afterwards.
    type: bool
  authorized_networks:
    description:
      - The only networks that may reach the IP endpoint of the control plane; this host's must be among them, unless it
        uses O(dns_endpoint).
      - An empty list opens it to all. Stays as it is when not given.
    type: list
    elements: dict
    suboptions:
      cidr:
        description: Network, as in V(203.0.113.0/24).
        type: str
        required: true
      name:
        description: Name that people read.
        type: str
        default: ""
  dns_endpoint:
    description:
      - Whether the control plane can be reached by its DNS name from outside the VPC, guarded by IAM (permission
        C(container.clusters.connect)) and not by networks. Stays as it is when not given.
      - With V(true) RV(endpoint) is that name, for control hosts outside the VPC of a cluster with private endpoints.
    type: bool
  maintenance_window:
    description:
      - When GKE may upgrade by itself, and upgrade nodes, which takes serving replicas away one after the other.
      - Stays as it is when not given.
    type: dict
    suboptions:
      start:
        description: Begin of the first window, as in V(2026-11-28T01:00:00Z).
        type: str
        required: true
      end:
        description: Its end.
        type: str
        required: true
      recurrence:
        description: How it recurs, as a rule of RFC 5545, as in V(FREQ=WEEKLY;BYDAY=SA,SU).
        type: str
        required: true
  maintenance_exclusions:
    description:
      - Times without upgrades. What is on the cluster and not named here goes. Stays as it is when not given.
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the exclusion.
        type: str
        required: true
      start:
        description: Its begin, as in V(2026-12-20T00:00:00Z).
        type: str
        required: true
      end:
        description: Its end.
        type: str
        required: true
      scope:
        description: Which upgrades it keeps away. Of V(no_upgrades) GKE accepts 30 days at most.
        type: str
        choices: [no_upgrades, no_minor_upgrades, no_minor_or_node_upgrades]
        default: no_upgrades
  hold_node_upgrades:
    description:
      - Whether to keep automatic upgrades of nodes and of the minor version away for as long as GKE supports the
        version. Patches of the control plane go on.
      - The nodes of a pool of exact size are upgraded one at a time, each with the replica that it serves. The replica
        finds no other node, as in a rolling update without a spare node, and the model starts anew each time, at an
        hour that nobody chose. Upgrade when it suits, with a node to spare.
      - Needs a release channel. Stays as it is when not given.
    type: bool
  debts:
    description:
      - Clusters that a move left behind, location to operation, kept as labels C(rhaii-debt-LOCATION).
      - What is not named here goes. Stays as it is when not given. M(rhaii.gke.gke_place) reads them.
    type: dict
  keep:
    description:
      - Whether the cluster is protected from being deleted, by the label C(rhaii-keep=true).
      - A protected cluster is neither deleted with O(state=absent) nor recreated out of the status ERROR, unless this
        is V(false).
      - Stays as it is when not given.
    type: bool
  force_unlabelled:
    description:
      - With O(state=absent), also delete a cluster that does not carry the collection's labels.
      - Not one that carries those of another environment.
    type: bool
    default: false
  delete_foreign_pools:
    description:
      - Whether a cluster that is deleted may take along node pools that were not made for O(environment).
      - Without it such a cluster is refused, with the name of each such pool and whose it seems to be.
    type: bool
    default: false
  wait_timeout:
    description: How long to wait, in seconds.
    type: int
    default: 1800
  wait_interval:
    description: Time between two looks, in seconds.
    type: float
    default: 10.0
seealso:
  - module: rhaii.gke.gke_node_pool
  - module: rhaii.gke.gke_place
"""

EXAMPLES = r"""
- name: Create the cluster and wait for its control plane
  rhaii.gke.gke_cluster:
    project: my-project
    location: europe-west4-a
    name: rhaii-tpu-scaleout-cluster
    environment: prod
  register: cluster

- name: Keep it private, and reach it from outside the VPC
  rhaii.gke.gke_cluster:
    project: my-project
    location: europe-west4-a
    name: rhaii-tpu-scaleout-cluster
    environment: prod
    private_nodes: true
    authorized_networks:
      - {cidr: 10.0.0.0/8, name: office}
    dns_endpoint: true
    hold_node_upgrades: true
    maintenance_exclusions:
      - {name: holidays, start: "2026-12-20T00:00:00Z", end: "2027-01-06T00:00:00Z"}

- name: Delete the cluster
  rhaii.gke.gke_cluster:
    project: my-project
    location: europe-west4-a
    name: rhaii-tpu-scaleout-cluster
    environment: prod
    state: absent
"""

RETURN = r"""
name:
  description: As in O(name).
  returned: always
  type: str
  sample: rhaii-tpu-scaleout-cluster
location:
  description: As in O(location).
  returned: always
  type: str
  sample: europe-west4-a
exists:
  description: Whether the cluster was there at the end.
  returned: always
  type: bool
  sample: true
status:
  description: GKE's status of the cluster.
  returned: when it exists
  type: str
  sample: RUNNING
endpoint:
  description:
    - Address of the API server, with no scheme.
    - Its DNS name with O(dns_endpoint=true), else its IP address.
  returned: when it exists
  type: str
  sample: 203.0.113.7
ca_certificate:
  description: The authority of the API server's certificate, as PEM text. Empty where RV(ca_file) is to be used.
  returned: when it exists
  type: str
  sample: "-----BEGIN CERTIFICATE-----"
ca_file:
  description: File with the public authorities that sign the DNS endpoint. Empty where RV(ca_certificate) counts.
  returned: when it exists
  type: str
  sample: ""
ip_endpoint:
  description: IP address of the API server.
  returned: when it exists
  type: str
  sample: 203.0.113.7
dns_endpoint:
  description: DNS name of the API server, when it takes calls from outside the VPC.
  returned: when it exists
  type: str
  sample: gke-0123456789ab-123456789012.europe-west4.gke.goog
authorized_networks:
  description: Networks that may reach the IP endpoint; all may when empty.
  returned: when it exists
  type: list
  elements: str
  sample: []
network:
  description: VPC network.
  returned: when it exists
  type: str
  sample: default
subnetwork:
  description: Subnetwork.
  returned: when it exists
  type: str
  sample: default
debts:
  description: Clusters that a move left behind, location to operation.
  returned: when it exists
  type: dict
  sample: {}
keep:
  description: Whether it is protected from being deleted.
  returned: when it exists
  type: bool
  sample: false
kubernetes_version:
  description: Version of the control plane.
  returned: when it exists
  type: str
  sample: 1.36.3-gke.1
labels:
  description: The labels of the cluster.
  returned: when it exists
  type: dict
  sample: {managed-by: rhaii-gke, rhaii-environment: prod}
foreign_pools:
  description: Node pools that were not made for this environment, each with whose it seems to be.
  returned: when it exists
  type: list
  elements: str
  sample: ["batch seems to be made by Terraform (label goog-terraform-provisioned)"]
node_pools:
  description: Names of the node pools.
  returned: when it exists
  type: list
  elements: str
  sample: [default-pool, tpu-pool]
operation:
  description: The last operation that was asked for or joined; null when there was none.
  returned: always
  type: dict
  sample: {name: operation-1, type: CREATE_CLUSTER, status: DONE, error: null}
"""


from typing import NoReturn

from ansible_collections.rhaii.gke.plugins.module_utils._gke.cluster import CAPABILITY
from ansible_collections.rhaii.gke.plugins.module_utils._module import run_module


def main() -> NoReturn:
    run_module(CAPABILITY)


if __name__ == "__main__":
    main()
