#!/usr/bin/python

# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gke_node_remove
short_description: Take exactly these nodes out of a GKE node pool
version_added: 0.1.0
description:
  - Cordons and drains the nodes, then deletes their machines from the pool's managed instance groups.
  - The pool becomes smaller by exactly these.
  - Pods are evicted, so that disruption budgets are respected. Pods of daemon sets and static pods go with the node.
  - Only of a pool that carries the labels of this collection and of O(environment), and only where no pod of somebody
    else runs (O(namespaces)). Else the task refuses before it cordons a node, in check mode too.
  - Nodes that are gone already are no error.
  - With O(host) and without O(api_key) the token for the API server is got as for Google Cloud, and renewed while nodes
    are drained. An O(api_key) that ends in the middle is followed by one that is got so.
author: The rhaii.gke authors (@rhaii-gke)
extends_documentation_fragment:
  - rhaii.gke._attributes
  - rhaii.gke._google
  - rhaii.gke._google.container
  - rhaii.gke._kubernetes
options:
  location:
    description: Zone (or region) of the cluster.
    type: str
    required: true
  cluster:
    description: Name of the cluster.
    type: str
    required: true
  node_pool:
    description: Name of the pool.
    type: str
    required: true
  environment:
    description: The environment that the pool belongs to.
    type: str
    required: true
  nodes:
    description: Names of the nodes to remove. A node of another pool is refused.
    type: list
    elements: str
    required: true
  namespaces:
    description:
      - Namespaces whose pods may be evicted.
      - Pods of other namespaces, but those of DaemonSets, mirror pods, finished ones and those of C(kube-system), keep
        their node. The task refuses before it cordons, and names them.
    type: list
    elements: str
    default: []
  drain_timeout:
    description: How long the pods may take to leave, in seconds. When it passes, no node is removed.
    type: int
    default: 900
  grace_period:
    description: Seconds that each pod gets to end, in place of its own grace period.
    type: int
  force:
    description: Whether to evict pods that no controller would start again elsewhere.
    type: bool
    default: false
  wait_timeout:
    description: How long the deletion may take, in seconds.
    type: int
    default: 900
  wait_interval:
    description: Time between two looks, in seconds.
    type: float
    default: 5.0
seealso:
  - module: rhaii.gke.gke_node_pool
"""

EXAMPLES = r"""
- name: Remove the two nodes that became free
  rhaii.gke.gke_node_remove:
    project: my-project
    location: europe-west4-a
    cluster: rhaii-tpu-scaleout-cluster
    node_pool: tpu-pool
    environment: prod
    namespaces: [rhaii-inference]
    nodes: "{{ vacated_nodes }}"
    host: "https://{{ cluster_endpoint }}"
    ca_cert: "{{ cluster_ca_file }}"
"""

RETURN = r"""
removed:
  description: Nodes that this run removed (in check mode, would remove).
  returned: always
  type: list
  elements: str
  sample: [gke-c-tpu-pool-1a2b-0004, gke-c-tpu-pool-1a2b-0005]
already_gone:
  description: Nodes that were not there any more.
  returned: always
  type: list
  elements: str
  sample: []
evicted:
  description: Pods that were evicted, as namespace/name.
  returned: always
  type: list
  elements: str
  sample: [rhaii-inference/qwen-3b-tpu-svc-kserve-7d9f-x2x4z]
node_count:
  description: Size of the pool at the end.
  returned: always
  type: int
  sample: 3
nodes:
  description: Nodes of the pool at the end.
  returned: always
  type: list
  elements: str
  sample: [gke-c-tpu-pool-1a2b-0001, gke-c-tpu-pool-1a2b-0002, gke-c-tpu-pool-1a2b-0003]
"""


from typing import NoReturn

from ansible_collections.rhaii.gke.plugins.module_utils._gke.node_remove import CAPABILITY
from ansible_collections.rhaii.gke.plugins.module_utils._module import run_module


def main() -> NoReturn:
    run_module(CAPABILITY)


if __name__ == "__main__":
    main()
