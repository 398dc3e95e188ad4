#!/usr/bin/python

# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pull_access
short_description: Give service accounts a pull secret, and put them back
version_added: 0.2.0
description:
  - Adds a pull secret to those that a service account has. Nothing else of the account is changed.
  - On an account that is not of this environment an annotation notes what was added, and RV(told) says so.
  - With O(state=absent) exactly what was added is taken out again.
author: The rhaii.gke authors (@rhaii-gke)
extends_documentation_fragment:
  - rhaii.gke._attributes
  - rhaii.gke._kubernetes
options:
  environment:
    description: Name of the environment.
    type: str
    required: true
  secret:
    description: Name of the pull secret, in the namespace of each account.
    type: str
    required: true
  accounts:
    description: The service accounts.
    type: list
    elements: dict
    required: true
    suboptions:
      namespace:
        description: Namespace.
        type: str
        required: true
      name:
        description: Name.
        type: str
        required: true
      create:
        description: Whether to make the account where it is missing. Otherwise it is waited for.
        type: bool
        default: false
      labels:
        description: Labels of an account that is made.
        type: dict
        default: {}
      annotations:
        description: Annotations of an account that is made.
        type: dict
        default: {}
  state:
    description: Whether the accounts have the secret.
    type: str
    choices: [present, absent]
    default: present
  renew_pods:
    description:
      - Whether pods of the accounts that were made without the secret, and of which no container has begun, are deleted
        for their controller to make them anew. A pod gets the secrets of its account when it is made, and not later.
    type: bool
    default: false
  wait_timeout:
    description: Seconds to wait for an account that is not there yet.
    type: int
    default: 60
  wait_interval:
    description: Seconds between two looks.
    type: float
    default: 2.0
seealso:
  - module: rhaii.gke.applyset
"""

EXAMPLES = r"""
- name: Let the pods of the default account pull
  rhaii.gke.pull_access:
    environment: prod
    secret: rhaiis-pull-secret
    accounts:
      - namespace: rhaii-inference
        name: default
    kubeconfig: ~/.kube/config
"""

RETURN = r"""
accounts:
  description: What became of each account.
  returned: always
  type: list
  elements: dict
  contains:
    account:
      description: The account.
      type: str
      sample: ServiceAccount rhaii-inference/default
    action:
      description: V(created), V(changed) or V(unchanged).
      type: str
      sample: changed
    before:
      description: Names of the pull secrets that it had.
      type: list
      elements: str
      sample: []
    after:
      description: Names of those that it has now, or would have in check mode.
      type: list
      elements: str
      sample: [rhaiis-pull-secret]
    said:
      description: What is worth telling of it.
      type: str
      sample: ""
pods:
  description: The pods that were deleted to be recreated, or would be in check mode.
  returned: always
  type: list
  elements: str
  sample: []
told:
  description: What is worth telling.
  returned: always
  type: list
  elements: str
  sample: []
"""


from typing import NoReturn

from ansible_collections.rhaii.gke.plugins.module_utils._module import run_module
from ansible_collections.rhaii.gke.plugins.module_utils._pull_access import CAPABILITY


def main() -> NoReturn:
    run_module(CAPABILITY)


if __name__ == "__main__":
    main()
