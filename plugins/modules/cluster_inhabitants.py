#!/usr/bin/python

# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_inhabitants
short_description: Find out what lives in a cluster and is not an environment's
version_added: 0.2.0
description:
  - Names what would be lost with the cluster although it is not of this environment. That is what runs, what keeps
    data, what has an address, and what people wrote.
  - In namespaces that the environment made, it is what a person or a deployment tool put there. In all other
    namespaces, but those of Kubernetes and GKE, it is everything.
  - Reads metadata alone, so that no secret leaves the cluster.
author: The rhaii.gke authors (@rhaii-gke)
extends_documentation_fragment:
  - rhaii.gke._attributes
  - rhaii.gke._attributes.read_only
  - rhaii.gke._kubernetes
options:
  environment:
    description: Name of the environment.
    type: str
    required: true
  releases:
    description: Names of Helm releases whose objects are the environment's.
    type: list
    elements: str
    default: []
  node_pool:
    description: A node pool of the environment. Pods of others on its nodes would go with it.
    type: str
    default: ""
  namespaces:
    description: Namespaces whose pods are the environment's, on the nodes of O(node_pool).
    type: list
    elements: str
    default: []
seealso:
  - module: rhaii.gke.ownership_check
  - module: rhaii.gke.gke_cluster
"""

EXAMPLES = r"""
- name: See what would be lost with the cluster
  rhaii.gke.cluster_inhabitants:
    environment: prod
    kubeconfig: ~/.kube/config
  register: inhabitants
"""

RETURN = r"""
inhabitants:
  description: What is not of this environment.
  returned: always, but when the cluster does not answer
  type: list
  elements: dict
  contains:
    kind:
      description: Its kind.
      type: str
      sample: Deployment
    namespace:
      description: Its namespace.
      type: str
      sample: shop
    name:
      description: Its name.
      type: str
      sample: web
    seems:
      description: Whose it seems to be, as the end of a sentence.
      type: str
      sample: seems to be made with kubectl apply
lines:
  description: The same for people, one line each.
  returned: always, but when the cluster does not answer
  type: list
  elements: str
  sample: [Deployment shop/web seems to be made with kubectl apply]
pool_pods:
  description: Pods of others on the nodes of O(node_pool).
  returned: always, but when the cluster does not answer
  type: list
  elements: str
  sample: [Pod shop/train]
services:
  description: Services of others for which the cloud may have made a load balancer, as namespace/name.
  returned: always, but when the cluster does not answer
  type: list
  elements: str
  sample: [shop/web]
"""


from typing import NoReturn

from ansible_collections.rhaii.gke.plugins.module_utils._inhabitants.look import CAPABILITY
from ansible_collections.rhaii.gke.plugins.module_utils._module import run_module


def main() -> NoReturn:
    run_module(CAPABILITY)


if __name__ == "__main__":
    main()
