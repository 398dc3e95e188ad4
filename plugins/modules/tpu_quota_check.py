#!/usr/bin/python

# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: tpu_quota_check
short_description: Check whether there is quota and a machine type for a number of TPU chips
version_added: 0.1.0
description:
  - Judges a list of zones, in order, and names the first that serves.
  - Reads the Compute Engine quota that GKE's TPU nodes consume, counts what live node pools hold of it, and asks each
    zone for the machine type. The Cloud TPU API's own quotas are not looked at, since GKE does not consume them.
  - Quota is not capacity. A zone with quota may still be out of machines.
author: The rhaii.gke authors (@rhaii-gke)
extends_documentation_fragment:
  - rhaii.gke._attributes
  - rhaii.gke._attributes.read_only
  - rhaii.gke._google
options:
  accelerator:
    description: The TPU family.
    type: str
    choices: [v5e, v5p, v6e]
    default: v6e
  chips:
    description: How many chips are needed in all, which is nodes times chips of a machine.
    type: int
    required: true
  locations:
    description: Zones to judge, the preferred one first.
    type: list
    elements: str
    required: true
  provisioning:
    description:
      - How the machines are bought.
      - V(on_demand) consumes the family's own quota, V(spot) the preemptible one.
      - V(flex_start) consumes the preemptible one and, where that has no room, the family's.
    type: str
    choices: [on_demand, spot, flex_start]
    default: on_demand
  machine_type:
    description: Machine type, when it is not the family's usual one (V(ct6e-standard-4t) for V(v6e)).
    type: str
  cluster:
    description: Name of the cluster with O(node_pool).
    type: str
  node_pool:
    description: The pool that the chips are for, when it may exist already. What it holds does not count as used.
    type: str
  fail_on_insufficient:
    description: Whether to fail when every location is insufficient. A location that is V(unknown) does not fail.
    type: bool
    default: true
seealso:
  - module: rhaii.gke.gke_node_pool
"""

EXAMPLES = r"""
- name: Check the quota for three hosts of four chips
  rhaii.gke.tpu_quota_check:
    project: my-project
    chips: 12
    locations: [europe-west4-a, us-east5-a]

- name: Compare locations for spot machines without failing
  rhaii.gke.tpu_quota_check:
    project: my-project
    chips: 12
    provisioning: spot
    locations: [europe-west4-a, us-east5-a, us-central1-b]
    fail_on_insufficient: false
  register: quota
"""

RETURN = r"""
candidates:
  description: One judgement a location, in the order of O(locations).
  returned: always
  type: list
  elements: dict
  contains:
    location:
      description: The zone.
      type: str
      sample: europe-west4-a
    provisioning:
      description: As in O(provisioning).
      type: str
      sample: on_demand
    verdict:
      description: V(sufficient), V(insufficient) or V(unknown).
      type: str
      sample: sufficient
    limit:
      description: The quota's limit in chips, V(-1) when unlimited, null when not known.
      type: int
      sample: 32
    usage:
      description: Chips that live node pools hold, null when they could not be counted.
      type: int
      sample: 8
    available:
      description: What is left, null when not known or unlimited.
      type: int
      sample: 24
    quota:
      description: The quota that decided.
      type: str
      sample: TPUS-PER-TPU-FAMILY-per-project-region tpu_family=CT6E
    offered:
      description: Whether the zone offers the machine type, null when it could not be asked.
      type: bool
      sample: true
    reason:
      description: The judgement in words.
      type: str
      sample: quota of 32 in europe-west4, 8 used
location:
  description: The first location that is sufficient, else the first that is unknown, else null.
  returned: always
  type: str
  sample: europe-west4-a
verdict:
  description: The verdict of RV(location), V(insufficient) when there is none.
  returned: always
  type: str
  sample: sufficient
accelerator:
  description: As in O(accelerator).
  returned: always
  type: str
  sample: v6e
machine_type:
  description: The machine type that was judged.
  returned: always
  type: str
  sample: ct6e-standard-4t
chips:
  description: As in O(chips).
  returned: always
  type: int
  sample: 12
provisioning:
  description: As in O(provisioning).
  returned: always
  type: str
  sample: on_demand
quota_page:
  description: Where to see and raise the quota.
  returned: always
  type: str
  sample: https://console.cloud.google.com/iam-admin/quotas?project=my-project&service=compute.googleapis.com
remedy:
  description: What to do when the first location is not sufficient, in words; empty when it is.
  returned: always
  type: str
  sample: ""
request:
  description: The increase that would have to be asked of Google for the first location. Null when it is sufficient.
  returned: always
  type: dict
  sample:
    parent: projects/my-project/locations/global
    service: compute.googleapis.com
    quotaId: TPUS-PER-TPU-FAMILY-per-project-region
    dimensions: {region: europe-west4, tpu_family: CT6E}
    quotaConfig: {preferredValue: 20}
"""


from typing import NoReturn

from ansible_collections.rhaii.gke.plugins.module_utils._module import run_module
from ansible_collections.rhaii.gke.plugins.module_utils._quota.check import CAPABILITY


def main() -> NoReturn:
    run_module(CAPABILITY)


if __name__ == "__main__":
    main()
