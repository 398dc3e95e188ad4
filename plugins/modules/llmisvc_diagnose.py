#!/usr/bin/python

# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: llmisvc_diagnose
short_description: Look at an environment once, and name what is wrong with it
version_added: 0.1.0
description:
  - Looks once at the services, their replicas and logs, and at nodes, secrets, accounts, operators, gateway, routes,
    endpoint pickers, EnvoyFilters, network policies, certificates and Helm releases. Changes nothing.
  - Judges services as M(rhaii.gke.llmisvc_wait_ready) does, and the guide's criteria as
    M(rhaii.gke.environment_check) does.
  - Names each cause once, with what was seen of it and what to do. The most likely one comes first. What is most
    likely of its making is told with it, and is named by itself when it is still there afterwards.
  - Network policies are evaluated, from the gateway to replicas and pickers, and from pickers to replicas.
  - Of secrets it reads names and marks alone, but for the pull secrets of a pod that cannot pull, of which it looks
    for the hosts that they have logins for.
  - Does not fail on what it finds. A playbook decides by RV(healthy).
author: The rhaii.gke authors (@rhaii-gke)
extends_documentation_fragment:
  - rhaii.gke._attributes
  - rhaii.gke._attributes.read_only
  - rhaii.gke._kubernetes
  - rhaii.gke._criteria
options:
  environment:
    description:
      - Name of the environment, by whose label its secrets are known.
      - Where it is not given, nobody is suspected of keeping them.
    type: str
    default: ""
  pull_secret:
    description: Name of the pull secret that O(namespace) must have; none with an empty name.
    type: str
    default: ""
  token_secret:
    description: Name of the secret with the hub's token that O(namespace) must have; none with an empty name.
    type: str
    default: ""
  operator_pull_secret:
    description: Name of the pull secret that O(gateway_namespace) must have; none with an empty name.
    type: str
    default: ""
  pull_accounts:
    description: Service accounts that must name O(operator_pull_secret), as namespace/name.
    type: list
    elements: str
    default: []
  releases:
    description: Names of the Helm releases.
    type: list
    elements: str
    default: []
  ca_config_map:
    description: Name of the ConfigMap with the CA that the gateway verifies servers by; none with an empty name.
    type: str
    default: odh-ca-bundle
seealso:
  - module: rhaii.gke.llmisvc_wait_ready
  - module: rhaii.gke.environment_check
  - module: rhaii.gke.cache_routing_test
"""

EXAMPLES = r"""
- name: See what is wrong
  rhaii.gke.llmisvc_diagnose:
    services:
      qwen-3b-tpu-svc: 3
    pull_secret: rhaiis-pull-secret
    envoyfilters: [envoyfilter-route-extproc-body]
    kubeconfig: ~/.kube/config
  register: diagnosis

- name: Show it
  ansible.builtin.debug:
    msg: "{{ diagnosis.lines }}"
"""

RETURN = r"""
findings:
  description: One entry a cause. Faults come before risks, and causes before what they lead to.
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: Id of the cause in docs/troubleshooting.md. It never changes its meaning.
      type: str
      sample: pull-secret-missing
    severity:
      description: V(fault), or V(risk) for what does not harm yet.
      type: str
      sample: fault
    symptom:
      description: How it shows.
      type: str
      sample: The pod shows ErrImagePull or ImagePullBackOff, and the message has 401 or unauthorized.
    evidence:
      description: What was seen here.
      type: str
      sample: the namespace rhaii-inference has no Secret rhaiis-pull-secret
    cause:
      description: What it comes from, in a sentence.
      type: str
      sample: The registry wants a login, and the pod names no pull secret, or one that is not there.
    remedy:
      description: What to do, with the names of this environment.
      type: str
      sample: >-
        Run deploy.yml with the tag secrets: it makes the Secret rhaiis-pull-secret in rhaii-inference from your file.
    explains:
      description: Ids of causes that were found, too, and are most likely of its making. They have no entry.
      type: list
      elements: str
      sample: [operator-unavailable]
    doc:
      description: Where more is said of it.
      type: str
      sample: docs/troubleshooting.md#pull-secret-missing
healthy:
  description: Whether no fault was found. Risks do not count.
  returned: always
  type: bool
  sample: false
unknown:
  description: What cannot be told from here.
  returned: always
  type: list
  elements: dict
  contains:
    question:
      description: What is not known.
      type: str
      sample: Whether requests are answered, follow their prefix and find it cached
    why:
      description: Why, and who can tell.
      type: str
      sample: "Only requests tell: run verify.yml."
lines:
  description: All of it, for a screen.
  returned: always
  type: list
  elements: str
  sample: [Nothing was found that is wrong.]
"""


from typing import NoReturn

from ansible_collections.rhaii.gke.plugins.module_utils._doctor.diagnose import CAPABILITY
from ansible_collections.rhaii.gke.plugins.module_utils._module import run_module


def main() -> NoReturn:
    run_module(CAPABILITY)


if __name__ == "__main__":
    main()
