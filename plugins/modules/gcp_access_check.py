#!/usr/bin/python

# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gcp_access_check
short_description: Check credentials, billing, APIs, permissions and Kubernetes versions of a Google Cloud project
version_added: 0.1.0
description:
  - Looks at all that a deployment needs of a project, and reports one finding a check with its remedy.
  - The questions are asked at the same time. Reads only, and costs nothing.
author: The rhaii.gke authors (@rhaii-gke)
extends_documentation_fragment:
  - rhaii.gke._attributes
  - rhaii.gke._attributes.read_only
  - rhaii.gke._google
options:
  features:
    description:
      - What else will be done with the project than to create, change and delete clusters. Each asks for permissions of
        its own.
      - V(reservation) reads a reservation, V(reservation_block) one of its blocks, V(reservation_sub_block) a part of
        that, V(quota_request) asks Google for more quota, V(dns_endpoint) reaches the cluster by its DNS name,
        V(enable_apis) enables APIs, V(network) and V(node_service_account) create these.
    type: list
    elements: str
    choices:
      - reservation
      - reservation_block
      - reservation_sub_block
      - quota_request
      - dns_endpoint
      - enable_apis
      - network
      - node_service_account
    default: []
  location:
    description: Zone or region whose Kubernetes versions are looked at. Not looked at when not given.
    type: str
  release_channel:
    description: GKE's release channel, as in M(rhaii.gke.gke_cluster).
    type: str
    choices: [rapid, regular, stable, extended, none]
    default: regular
  kubernetes_version:
    description: Version that is wished for, as in V(1.36) or V(1.36.3-gke.1). The channel's default when not given.
    type: str
  accelerator:
    description: TPU family, which needs a version of its own of Kubernetes.
    type: str
    choices: [v5e, v5p, v6e]
    default: v6e
  fail_on_problem:
    description: Whether to fail when a check failed. One that is V(unknown) does not fail.
    type: bool
    default: true
seealso:
  - module: rhaii.gke.tpu_quota_check
  - module: rhaii.gke.model_access_check
"""

EXAMPLES = r"""
- name: Check the project
  rhaii.gke.gcp_access_check:
    project: my-project

- name: Check it as a service account that the operator may act as, with a reservation and a version in mind
  rhaii.gke.gcp_access_check:
    project: my-project
    impersonate_service_account: deployer@my-project.iam.gserviceaccount.com
    features: [reservation]
    location: europe-west4-a
    kubernetes_version: "1.36"
"""

RETURN = r"""
findings:
  description: One entry a check.
  returned: always
  type: list
  elements: dict
  contains:
    check:
      description: What was looked at.
      type: str
      sample: permissions
    verdict:
      description: V(ok), V(failed) or V(unknown).
      type: str
      sample: failed
    found:
      description: What was found.
      type: str
      sample: "missing on my-project: container.clusters.create (creates the cluster)"
    remedy:
      description: What to do about it.
      type: str
      sample: Grant roles/container.admin.
account:
  description: The account that asked; empty when nobody says.
  returned: always
  type: str
  sample: deployer@my-project.iam.gserviceaccount.com
missing_apis:
  description: APIs that are not enabled.
  returned: always
  type: list
  elements: str
  sample: [container.googleapis.com]
kubernetes_version:
  description: Version that GKE would take; empty when not looked at or not on offer.
  returned: always
  type: str
  sample: 1.36.3-gke.1
calls:
  description: How many questions were asked.
  returned: always
  type: int
  sample: 4
elapsed:
  description: Seconds that they took together.
  returned: always
  type: float
  sample: 0.2
elapsed_in_turn:
  description: Seconds that they would have taken one after the other.
  returned: always
  type: float
  sample: 0.7
"""


from typing import NoReturn

from ansible_collections.rhaii.gke.plugins.module_utils._access.check import CAPABILITY
from ansible_collections.rhaii.gke.plugins.module_utils._module import run_module


def main() -> NoReturn:
    run_module(CAPABILITY)


if __name__ == "__main__":
    main()
