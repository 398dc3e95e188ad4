#!/usr/bin/python

# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: environment_check
short_description: Check an environment against the guide's success criteria
version_added: 0.1.0
description:
  - Looks once at TPU nodes, secrets, operators, services, replicas, gateway, EnvoyFilter and network policies.
  - Of secrets and network policies it asks for names alone, so that no secret leaves the cluster.
  - An EnvoyFilter that gives the gateway's routes a processing mode and names no endpoint picker is named, whoever
    applied it. Istio replaces what it has by that, and nobody is left to ask.
  - A node counts where it is Ready, has TPU chips and is not about to go; what else it lacks is named.
  - A Gateway must be Accepted and Programmed in its newest generation, and so must its listeners, without conflicts and
    with their references resolved. Of several addresses the one counts that answers from farthest away.
  - A service's replicas must all be Ready, in one form, each on a node of its own.
author: The rhaii.gke authors (@rhaii-gke)
extends_documentation_fragment:
  - rhaii.gke._attributes
  - rhaii.gke._attributes.read_only
  - rhaii.gke._kubernetes
  - rhaii.gke._criteria
options:
  gateway_port:
    description: Port of the URL that is returned, where it is not the listener's. The listener's with V(0).
    type: int
    default: 0
  secrets:
    description: Names of the secrets that there must be.
    type: list
    elements: str
    default: []
  fail_on_problem:
    description: Whether to fail when a criterion does not hold.
    type: bool
    default: true
seealso:
  - module: rhaii.gke.llmisvc_wait_ready
  - module: rhaii.gke.cache_routing_test
"""

EXAMPLES = r"""
- name: Check the environment against the guide's criteria
  rhaii.gke.environment_check:
    services:
      qwen-3b-tpu-svc: 3
    secrets: [rhaiis-pull-secret, huggingface-token]
    deployments: [istio-system/istiod, opendatahub/kserve-controller-manager]
    network_policies: [allow-gateway-to-vllm, allow-epp-scheduler, allow-istio, allow-vllm-egress]
    kubeconfig: ~/.kube/config

- name: Look how things stand, whatever they are
  rhaii.gke.environment_check:
    services:
      qwen-3b-tpu-svc: 3
    fail_on_problem: false
  register: environment
"""

RETURN = r"""
findings:
  description: One entry a criterion, in the guide's order.
  returned: always, but when the cluster does not answer
  type: list
  elements: dict
  contains:
    check:
      description: What was looked at.
      type: str
      sample: TPU nodes
    verdict:
      description: V(ok) or V(failed); V(unknown) for a Gateway that has no address but a name of the cluster's own DNS.
      type: str
      sample: ok
    found:
      description: What was found.
      type: str
      sample: 3 of 3 nodes of tpu-pool are ready, 3 are needed
    remedy:
      description: What to do about it.
      type: str
      sample: ""
    cause:
      description: Id of the cause in docs/troubleshooting.md; empty for what is right.
      type: str
      sample: ""
url:
  description: Root URL of the gateway; empty while it has no address or no listener for HTTP or HTTPS.
  returned: always, but when the cluster does not answer
  type: str
  sample: http://203.0.113.7
"""


from typing import NoReturn

from ansible_collections.rhaii.gke.plugins.module_utils._module import run_module
from ansible_collections.rhaii.gke.plugins.module_utils._verification.check import CAPABILITY


def main() -> NoReturn:
    run_module(CAPABILITY)


if __name__ == "__main__":
    main()
