#!/usr/bin/python

# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gke_leftovers
short_description: Tell from the cloud's own lists what there is still of an environment
version_added: 0.1.0
description:
  - Reads the lists of forwarding rules, target pools, backend services, addresses, instance groups, machines, disks and
    firewall rules, and those of clusters, node pools and running operations. Changes nothing.
  - Tells apart what surely belongs to O(environment), by the labels of exactly this environment, by the id of its
    cluster, or because it did before (O(known)), and what may be, because it only is called alike. What is foreign is
    left out, node pools of somebody else in the cluster and their machines too.
  - Says for each what it costs and the command that ends it.
  - A cluster that is deleted leaves behind what was made for Services of type LoadBalancer and for volumes.
  - A list that may not be read, or in which places are missing that did not answer Google, is reported in RV(unread),
    and is no proof that there is nothing.
author: The rhaii.gke authors (@rhaii-gke)
extends_documentation_fragment:
  - rhaii.gke._attributes
  - rhaii.gke._attributes.read_only
  - rhaii.gke._google
  - rhaii.gke._google.container
  - rhaii.gke._wait
options:
  cluster:
    description: Name of the cluster, which need not exist any more.
    type: str
    required: true
  environment:
    description: Name of the environment.
    type: str
    required: true
  locations:
    description: Zones (or regions) in which the environment has or had a cluster.
    type: list
    elements: str
    required: true
  services:
    description:
      - Services of type LoadBalancer that the environment makes, as namespace/name.
      - What was made for a Service of such a name may be the environment's.
    type: list
    elements: str
    default: []
  foreign_services:
    description:
      - Services of type LoadBalancer that somebody else has in the cluster, as namespace/name.
      - What the cloud made for them is not the environment's. It is neither counted nor waited for.
    type: list
    elements: str
    default: []
  namespaces:
    description: Namespaces of the environment. A disk of a volume in such a namespace may be the environment's.
    type: list
    elements: str
    default: []
  known:
    description: The RV(links) of an earlier look, when the cluster still was there to tell what belongs to it.
    type: list
    elements: str
    default: []
  kinds:
    description: The only kinds to look for; all when empty.
    type: list
    elements: str
    default: []
    choices:
      - operation
      - node_pool
      - cluster
      - forwarding_rule
      - target_pool
      - backend_service
      - address
      - instance_group
      - instance
      - disk
      - firewall
  wait:
    description:
      - Whether to look again until nothing is surely the environment's any more, or O(wait_timeout) has passed.
      - Load balancers take a while to vanish.
    type: bool
    default: false
  wait_timeout:
    description: Longest time to look again, in seconds.
    type: int
    default: 300
  wait_interval:
    description: Time between two looks, in seconds.
    type: float
    default: 10
notes:
  - Does not fail when there is something. What to do then is the caller's decision.
seealso:
  - module: rhaii.gke.gke_cluster
  - module: rhaii.gke.gke_node_pool
"""

EXAMPLES = r"""
- name: Look what a teardown left behind
  rhaii.gke.gke_leftovers:
    project: my-project
    cluster: rhaii-tpu-scaleout-cluster
    environment: prod
    locations: [europe-west4-a]
    services: [opendatahub/inference-gateway-istio]
    wait: true
  register: left

- name: Fail with what is left
  ansible.builtin.assert:
    that: left.clean
    fail_msg: "{{ left.table }}"
"""

RETURN = r"""
clean:
  description: Whether every list was read and none has anything that surely is the environment's.
  returned: success
  type: bool
  sample: false
ours:
  description: How much surely is.
  returned: success
  type: int
  sample: 1
leftovers:
  description: What there is, the sure ones first, in the order in which the commands work.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: What it is, one of the choices of O(kinds).
      type: str
      returned: success
    name:
      description: Its name.
      type: str
      returned: success
    location:
      description: Its zone or region, or V(global).
      type: str
      returned: success
    detail:
      description: How much it is, an address, a size or a machine type.
      type: str
      returned: success
    service:
      description: The Service that it was made for, as namespace/name.
      type: str
      returned: success
    certainty:
      description: V(ours) or V(maybe).
      type: str
      returned: success
    why:
      description: What tells so.
      type: str
      returned: success
    cost:
      description: How it is billed, in words.
      type: str
      returned: success
    command:
      description: The command that ends it.
      type: str
      returned: success
    link:
      description: Its URL in the API.
      type: str
      returned: success
  sample:
    - kind: firewall
      name: k8s-fw-a0f3c9b1e8d74c5f
      location: global
      detail: ""
      service: opendatahub/inference-gateway-istio
      certainty: ours
      why: it belongs to the cluster rhaii-tpu-scaleout-cluster
      cost: free
      command: gcloud compute firewall-rules delete k8s-fw-a0f3c9b1e8d74c5f --project my-project
      link: https://www.googleapis.com/compute/v1/projects/my-project/global/firewalls/k8s-fw-a0f3c9b1e8d74c5f
links:
  description: The URLs of what surely is the environment's, to be given as O(known) later.
  returned: success
  type: list
  elements: str
  sample: []
unread:
  description: Lists that may not be read, or not as a whole, each with its kind and the reason.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: The kind, one of the choices of O(kinds).
      type: str
      returned: success
    reason:
      description: What Google says.
      type: str
      returned: success
  sample: []
table:
  description: The same for people, as lines.
  returned: success
  type: list
  elements: str
  sample: []
"""


from typing import NoReturn

from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.leftovers import CAPABILITY
from ansible_collections.rhaii.gke.plugins.module_utils._module import run_module


def main() -> NoReturn:
    run_module(CAPABILITY)


if __name__ == "__main__":
    main()
