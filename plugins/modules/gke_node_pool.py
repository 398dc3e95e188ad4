#!/usr/bin/python

# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gke_node_pool
short_description: Create, resize, update or delete a node pool of a GKE cluster
version_added: 0.1.0
description:
  - Keeps a pool as described. What the API can update is updated, what needs a new pool is said, and refused unless
    O(replace=true).
  - The current size is what the pool's managed instance groups are set to, not what the pool was created with.
  - Only a pool that carries the labels of this collection and of O(environment) is used, awaited, changed or deleted.
    Any other of O(name) is refused, in check mode too, with a sentence that says whose it seems to be.
  - Joins an operation that runs already on the pool, and waits for one that is in the way, whatever Google calls it,
    within O(wait_timeout). How an operation ends that Google began by itself (an upgrade, a repair) is told, and the
    task judges the pool as it is then.
  - While Google has trouble of its own, what only reads is asked again within O(wait_timeout), after the pause that
    Google names.
  - What GKE sets by itself, as the way to upgrade flex-start machines, is no difference.
  - A pool that an earlier operation left in the status ERROR, without a node, is deleted and created again, unless it
    is protected (O(keep)). One that runs in part, RUNNING_WITH_ERROR, is asked for its nodes once more, and fails with
    what Google says when it still is so then.
  - A stockout is seen in the pool's instance groups minutes before the operation admits it.
  - To make a pool smaller by chosen nodes use M(rhaii.gke.gke_node_remove); resizing leaves the choice to Google.
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
  cluster:
    description: Name of the cluster.
    type: str
    required: true
  name:
    description: Name of the pool.
    type: str
    required: true
  state:
    description: Whether the pool is to exist.
    type: str
    choices: [present, absent]
    default: present
  environment:
    description:
      - The environment that the pool belongs to.
      - Becomes a label of its machines beside C(managed-by=rhaii-gke).
    type: str
    required: true
  node_count:
    description:
      - Number of nodes in all zones together. Needed to create a pool; when not given, the size stays.
      - With O(autoscaling) the number at creation, with O(flex_start=true) the most that there may be.
    type: int
  shrink:
    description:
      - Whether the pool may become smaller, by nodes that Google chooses.
      - With V(false) a pool that is larger than O(node_count) stays as it is.
    type: bool
    default: true
  machine_type:
    description: Machine type. Needed to create a pool; fixed then.
    type: str
  spot:
    description: Whether to use spot machines. Fixed at creation.
    type: bool
  flex_start:
    description:
      - Whether to use flex-start machines, which come one by one when pods ask for them and end after
        O(max_run_duration), seven days at most. That makes them no place for permanent serving.
      - The pool is created without nodes and with an autoscaler from none to O(node_count).
    type: bool
  max_run_duration:
    description: How long a machine may live, in seconds, at most 604800.
    type: int
  reservation:
    description:
      - The reservation that the machines are taken from. Fixed at creation.
      - Its name, or C(projects/OWNER/reservations/NAME) for one that another project shares. With
        C(/reservationBlocks/BLOCK) behind it the machines are taken from that block.
    type: str
  disk_type:
    description:
      - Type of the boot disk. TPU machines need V(hyperdisk-balanced).
      - A change makes GKE create every node anew, one after the other.
    type: str
  disk_size_gb:
    description: Size of the boot disk in GB. A change makes GKE create every node anew, one after the other.
    type: int
  service_account:
    description: Service account of the nodes, the project's default one when not given. Fixed at creation.
    type: str
  node_labels:
    description: Kubernetes labels of the nodes. GKE adds the TPU labels and the taint by itself.
    type: dict
    default: {}
  labels:
    description: More cloud labels of the machines.
    type: dict
    default: {}
  taints:
    description:
      - Kubernetes taints of the nodes. Those on the pool that are not named here go, but for GKE's own of TPU machines.
      - Stay as they are when not given.
    type: list
    elements: dict
    suboptions:
      key:
        description: Key.
        type: str
        required: true
      value:
        description: Value.
        type: str
        default: ""
      effect:
        description: Effect.
        type: str
        choices: [NoSchedule, PreferNoSchedule, NoExecute]
        default: NoSchedule
  upgrade_settings:
    description:
      - How many nodes an upgrade may make and take away at a time. Stay as they are when not given.
      - A new pool gets none more and one less, since a node more needs quota beyond the pool's.
    type: dict
    suboptions:
      max_surge:
        description: Nodes more.
        type: int
      max_unavailable:
        description: Nodes less.
        type: int
  auto_upgrade:
    description:
      - Whether GKE upgrades the nodes by itself. A release channel insists on it; the option
        O(rhaii.gke.gke_cluster#module:hold_node_upgrades) keeps the upgrades away all the same.
      - Stays as it is when not given, on for a new pool.
    type: bool
  auto_repair:
    description:
      - Whether GKE replaces a node that is not healthy.
      - Stays as it is when not given; on for a new pool, off for one of flex-start machines.
    type: bool
  autoscaling:
    description:
      - Bounds of the number of nodes in all zones together, for pools of ordinary machines.
      - Between them the autoscaler decides, not O(node_count). Stays as it is when not given.
    type: dict
    suboptions:
      enabled:
        description: Whether the autoscaler works.
        type: bool
        default: true
      min_nodes:
        description: Least number of nodes.
        type: int
        default: 0
      max_nodes:
        description: Greatest number of nodes.
        type: int
  topology:
    description:
      - Only here to be refused with a clear sentence.
      - A pool of single-host machines must not have one, and slices over several hosts are not supported.
    type: str
  workload_identity:
    description:
      - Whether pods get their identity from GKE's metadata server; the cluster must have Workload Identity.
      - Stays as it is when not given, on for a new pool.
    type: bool
  replace:
    description:
      - Whether the pool may be deleted and created again, with all that runs on it, for what cannot be changed.
      - That is O(machine_type), O(spot), O(reservation), O(service_account) and a placement over several hosts.
    type: bool
    default: false
  on_stockout:
    description:
      - What to do when the zone has no such machines at the moment.
      - V(fail) ends with an error as soon as it is seen, V(wait) leaves it to Google, which tries for up to 35 minutes.
      - V(report) ends without an error and sets RV(stockout), for a play that decides what comes next.
      - The operation cannot be cancelled. It goes on in all three cases, and machines that it still gets will bill.
    type: str
    choices: [fail, wait, report]
    default: fail
  stockout_watch:
    description:
      - With O(wait=false), for how many seconds to look whether the zone has such machines before going on.
      - Ends as soon as there is one, or a stockout.
    type: int
    default: 0
  keep:
    description:
      - Whether the pool is protected from being deleted, and from being deleted and created again.
      - When not given, it is as its cluster is, by the label C(rhaii-keep=true) that
        O(rhaii.gke.gke_cluster#module:keep) sets. V(false) lifts the protection for this task.
    type: bool
  force_unlabelled:
    description:
      - With O(state=absent), also delete a pool that does not carry the collection's labels.
      - Not one that carries those of another environment.
    type: bool
    default: false
  wait_timeout:
    description: How long to wait, in seconds.
    type: int
    default: 2400
  wait_interval:
    description: Time between two looks, in seconds.
    type: float
    default: 10.0
seealso:
  - module: rhaii.gke.gke_cluster
  - module: rhaii.gke.gke_node_remove
"""

EXAMPLES = r"""
- name: Ask for three TPU hosts and go on
  rhaii.gke.gke_node_pool:
    project: my-project
    location: europe-west4-a
    cluster: rhaii-tpu-scaleout-cluster
    name: tpu-pool
    environment: prod
    machine_type: ct6e-standard-4t
    node_count: 3
    wait: false

- name: Spot machines, with the choice left to the play when there are none
  rhaii.gke.gke_node_pool:
    project: my-project
    location: us-east5-a
    cluster: rhaii-tpu-scaleout-cluster
    name: tpu-pool
    environment: dev
    machine_type: ct6e-standard-4t
    node_count: 1
    spot: true
    wait: false
    stockout_watch: 180
    on_stockout: report
  register: pool

- name: Resize it to five and wait
  rhaii.gke.gke_node_pool:
    project: my-project
    location: europe-west4-a
    cluster: rhaii-tpu-scaleout-cluster
    name: tpu-pool
    environment: prod
    node_count: 5
"""

RETURN = r"""
stockout:
  description: Whether the zone was seen to have no such machines, while or when the last operation ran.
  returned: always
  type: bool
  sample: false
stockout_reason:
  description: What was seen, in words.
  returned: when O(on_stockout=report) and there was one
  type: str
  sample: europe-west4-a has no ct6e-standard-4t left at this moment
nodes_up:
  description: How many of its machines run.
  returned: when it exists
  type: int
  sample: 3
flex_start:
  description: Whether it has flex-start machines.
  returned: when it exists
  type: bool
  sample: false
reservation:
  description: Name of the reservation that the machines are taken from.
  returned: when it exists
  type: str
  sample: ""
autoscaling:
  description: Bounds of the autoscaler, in words.
  returned: when it exists
  type: str
  sample: "off"
name:
  description: As in O(name).
  returned: always
  type: str
  sample: tpu-pool
cluster:
  description: As in O(cluster).
  returned: always
  type: str
  sample: rhaii-tpu-scaleout-cluster
location:
  description: As in O(location).
  returned: always
  type: str
  sample: europe-west4-a
exists:
  description: Whether the pool was there at the end.
  returned: always
  type: bool
  sample: true
status:
  description: GKE's status of the pool.
  returned: when it exists
  type: str
  sample: RUNNING
node_count:
  description: Current size, the sum over its instance groups.
  returned: when it exists
  type: int
  sample: 3
nodes:
  description: Names of its nodes.
  returned: when it exists
  type: list
  elements: str
  sample: [gke-c-tpu-pool-1a2b-0001]
machine_type:
  description: Machine type.
  returned: when it exists
  type: str
  sample: ct6e-standard-4t
spot:
  description: Whether it has spot machines.
  returned: when it exists
  type: bool
  sample: false
labels:
  description: Cloud labels of its machines.
  returned: when it exists
  type: dict
  sample: {managed-by: rhaii-gke, rhaii-environment: prod}
instance_groups:
  description: Names of its managed instance groups.
  returned: when it exists
  type: list
  elements: str
  sample: [gke-c-tpu-pool-1a2b-grp]
operation:
  description: The last operation that was asked for or joined; null when there was none.
  returned: always
  type: dict
  sample: {name: operation-2, type: CREATE_NODE_POOL, status: RUNNING, error: null}
"""


from typing import NoReturn

from ansible_collections.rhaii.gke.plugins.module_utils._gke.node_pool import CAPABILITY
from ansible_collections.rhaii.gke.plugins.module_utils._module import run_module


def main() -> NoReturn:
    run_module(CAPABILITY)


if __name__ == "__main__":
    main()
