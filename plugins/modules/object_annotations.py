#!/usr/bin/python

# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: object_annotations
short_description: Annotate objects that others made
version_added: 0.2.0
description:
  - Waits until each object is there and gives it the annotations that it lacks. Nothing else of it is changed, and it
    is not marked as ours.
author: The rhaii.gke authors (@rhaii-gke)
extends_documentation_fragment:
  - rhaii.gke._attributes
  - rhaii.gke._kubernetes
attributes:
  diff_mode:
    description: Adds what is given and nothing else, so that there is no difference to show.
    support: N/A
options:
  objects:
    description: The objects.
    type: list
    elements: dict
    required: true
    suboptions:
      api_version:
        description: API version.
        type: str
        required: true
      kind:
        description: Kind.
        type: str
        required: true
      name:
        description: Name.
        type: str
        required: true
      namespace:
        description: Namespace, for what has one.
        type: str
        default: ""
  annotations:
    description: The annotations.
    type: dict
    required: true
  wait_timeout:
    description: Seconds to wait for objects that are not there yet.
    type: int
    default: 120
  wait_interval:
    description: Seconds between two looks.
    type: float
    default: 5.0
seealso:
  - module: rhaii.gke.applyset
"""

EXAMPLES = r"""
- name: End the endless reconciliation of Istio's webhooks
  rhaii.gke.object_annotations:
    objects:
      - api_version: admissionregistration.k8s.io/v1
        kind: MutatingWebhookConfiguration
        name: istio-sidecar-injector
    annotations:
      sailoperator.io/ignore: "true"
    kubeconfig: ~/.kube/config
"""

RETURN = r"""
objects:
  description: What became of each object.
  returned: success
  type: list
  elements: dict
  contains:
    api_version:
      description: API version.
      type: str
      sample: admissionregistration.k8s.io/v1
    kind:
      description: Kind.
      type: str
      sample: MutatingWebhookConfiguration
    name:
      description: Name.
      type: str
      sample: istio-sidecar-injector
    namespace:
      description: Namespace; empty for what has none.
      type: str
      sample: ""
    action:
      description: V(changed) or V(unchanged).
      type: str
      sample: changed
"""


from typing import NoReturn

from ansible_collections.rhaii.gke.plugins.module_utils._module import run_module
from ansible_collections.rhaii.gke.plugins.module_utils._object_annotations import CAPABILITY


def main() -> NoReturn:
    run_module(CAPABILITY)


if __name__ == "__main__":
    main()
