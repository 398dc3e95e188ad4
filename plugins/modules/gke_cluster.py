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
  - An operation that ends with an error is an error, with Google's code and a remedy.
  - Only a cluster that carries the labels of this collection and of O(environment) is changed or deleted.
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
  force_unlabelled:
    description: With O(state=absent), also delete a cluster that does not carry the collection's label.
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
"""

EXAMPLES = r"""
- name: Create the cluster and wait for its control plane
  rhaii.gke.gke_cluster:
    project: my-project
    location: europe-west4-a
    name: rhaii-tpu-scaleout-cluster
    environment: prod
  register: cluster

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
  description: Address of the API server, with no scheme.
  returned: when it exists
  type: str
  sample: 203.0.113.7
ca_certificate:
  description: The authority of the API server's certificate, as PEM text.
  returned: when it exists
  type: str
  sample: "-----BEGIN CERTIFICATE-----"
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
