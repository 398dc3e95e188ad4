#!/usr/bin/python

# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ownership_check
short_description: Find out whose the objects are that an environment would make or change
version_added: 0.2.0
description:
  - Looks at each object and says whether it is of this environment, of another one, somebody else's, or not there.
  - With O(fail_on_foreign=true) it fails once with all that is not of this environment, before anything is changed.
  - Whose an object is, is judged as M(rhaii.gke.applyset) judges it.
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
  objects:
    description:
      - The objects, as Kubernetes has them; kind, name and namespace are enough.
      - One whose kind the API server does not know is not there.
    type: list
    elements: dict
    required: true
  products:
    description:
      - What controllers make for our objects, and would write over where somebody else made it.
      - One that is there and does not belong to its maker is foreign.
    type: list
    elements: dict
    default: []
    suboptions:
      maker:
        description: The object of ours.
        type: dict
        required: true
      objects:
        description: What is made for it.
        type: list
        elements: dict
        required: true
  sets:
    description: The sets of M(rhaii.gke.applyset), whose parents are looked at too.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the parent.
        type: str
        required: true
      namespace:
        description: Its namespace.
        type: str
        required: true
  variables:
    description:
      - Which variable gives ours another name, by kind, or by kind and name as in V(Secret rhaiis-pull-secret).
      - A name without a variable is fixed, and the error says so.
    type: dict
    default: {}
  fail_on_foreign:
    description: Whether to fail when an object is not of this environment.
    type: bool
    default: true
seealso:
  - module: rhaii.gke.applyset
  - module: rhaii.gke.helm_releases
"""

EXAMPLES = r"""
- name: Refuse a gateway that somebody else made
  rhaii.gke.ownership_check:
    environment: prod
    objects:
      - apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata:
          name: inference-gateway
          namespace: opendatahub
    variables:
      Gateway: rhaii_gateway_name
    kubeconfig: ~/.kube/config
"""

RETURN = r"""
objects:
  description: Each object with whose it is.
  returned: always, but when the cluster does not answer
  type: list
  elements: dict
  contains:
    api_version:
      description: Its API version.
      type: str
      sample: gateway.networking.k8s.io/v1
    kind:
      description: Its kind.
      type: str
      sample: Gateway
    name:
      description: Its name.
      type: str
      sample: inference-gateway
    namespace:
      description: Its namespace.
      type: str
      sample: opendatahub
    whose:
      description: V(ours), V(another environment's), V(foreign) or V(nobody's), which is not there.
      type: str
      sample: ours
    seems:
      description: Whose it seems to be, where it is not ours.
      type: str
      sample: ""
foreign:
  description: What is not of this environment, for people.
  returned: always, but when the cluster does not answer
  type: list
  elements: str
  sample: [Gateway opendatahub/inference-gateway seems to be made with kubectl apply]
ways:
  description: What to do about them, a sentence each.
  returned: always, but when the cluster does not answer
  type: list
  elements: str
  sample: [Give ours another name with rhaii_gateway_name.]
"""


from typing import NoReturn

from ansible_collections.rhaii.gke.plugins.module_utils._applyset.ownership_check import CAPABILITY
from ansible_collections.rhaii.gke.plugins.module_utils._module import run_module


def main() -> NoReturn:
    run_module(CAPABILITY)


if __name__ == "__main__":
    main()
