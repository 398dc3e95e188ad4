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
  - Keeps a pool as described. What the API can update is updated, what needs a new pool is said, and refused.
  - The current size is what the pool's managed instance groups are set to, not what the pool was created with.
  - Joins an operation that runs already on the pool, and waits for one that is in the way.
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
    description: Number of nodes in all zones together. Needed to create a pool; when not given, the size stays.
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
  disk_type:
    description: Type of the boot disk. Fixed at creation; TPU machines need V(hyperdisk-balanced).
    type: str
  disk_size_gb:
    description: Size of the boot disk in GB. Fixed at creation.
    type: int
  node_labels:
    description: Kubernetes labels of the nodes. GKE adds the TPU labels and the taint by itself.
    type: dict
    default: {}
  labels:
    description: More cloud labels of the machines.
    type: dict
    default: {}
  topology:
    description:
      - Only here to be refused with a clear sentence.
      - A pool of single-host machines must not have one, and slices over several hosts are not supported.
    type: str
  workload_identity:
    description: Whether pods get their identity from GKE's metadata server; the cluster must have Workload Identity.
    type: bool
    default: true
  force_unlabelled:
    description: With O(state=absent), also delete a pool that does not carry the collection's label.
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
