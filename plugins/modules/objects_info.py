#!/usr/bin/python

# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: objects_info
short_description: Read the objects of a kind, and wait for those that a controller makes
version_added: 0.2.0
description:
  - Reads the objects of one kind from the API server, as M(kubernetes.core.k8s_info) does, at the cost of the request.
  - Waits until the objects named in O(expected) are there, shows what it waits for, and names what is still missing
    when the time is over.
  - In check mode it waits for nothing, as nothing was made that could bring them.
author: The rhaii.gke authors (@rhaii-gke)
extends_documentation_fragment:
  - rhaii.gke._attributes
  - rhaii.gke._attributes.read_only
  - rhaii.gke._kubernetes
options:
  api_version:
    description: The objects' API version.
    type: str
    default: v1
  kind:
    description: Their kind.
    type: str
    required: true
  namespace:
    description: Their namespace. When not given, those of all namespaces are read.
    type: str
  label_selectors:
    description: Labels that they must have, as in V(app=web).
    type: list
    elements: str
    default: []
  expected:
    description: Names of objects to wait for.
    type: list
    elements: str
    default: []
  wait_timeout:
    description: For how long to wait for them, in seconds.
    type: int
    default: 120
  wait_interval:
    description: Time between two looks, in seconds.
    type: float
    default: 5.0
seealso:
  - module: rhaii.gke.applyset
  - module: kubernetes.core.k8s_info
"""

EXAMPLES = r"""
- name: Wait for the route that KServe makes
  rhaii.gke.objects_info:
    api_version: gateway.networking.k8s.io/v1
    kind: HTTPRoute
    namespace: rhaii-inference
    expected: [qwen-3b-tpu-svc-kserve-route]
    kubeconfig: ~/.kube/config
  register: routes
"""

RETURN = r"""
resources:
  description: The objects, whole.
  returned: always, but when the API server does not answer
  type: list
  elements: dict
  sample:
    - apiVersion: gateway.networking.k8s.io/v1
      kind: HTTPRoute
      metadata: {name: qwen-3b-tpu-svc-kserve-route, namespace: rhaii-inference}
api_found:
  description: Whether the API server knows the kind.
  returned: always, but when the API server does not answer
  type: bool
  sample: true
missing:
  description: Names of O(expected) that are not there.
  returned: when the time is over
  type: list
  elements: str
  sample: [qwen-3b-tpu-svc-kserve-route]
"""


from typing import NoReturn

from ansible_collections.rhaii.gke.plugins.module_utils._module import run_module
from ansible_collections.rhaii.gke.plugins.module_utils._objects_info import CAPABILITY


def main() -> NoReturn:
    run_module(CAPABILITY)


if __name__ == "__main__":
    main()
