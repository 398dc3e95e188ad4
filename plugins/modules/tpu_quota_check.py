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
  - Judges every pair of O(provisioning) and O(locations), ranks them, and names the first that serves.
  - Reads the Compute Engine quota that GKE's TPU nodes consume from Cloud Quotas, and what others hold of it from Cloud
    Monitoring and from the live node pools, whichever is more. What counts is what is left, not the limit.
  - Asks each zone for the machine type, since published tables of zones and machines are not complete.
  - With O(standard_pool) and O(tpu_disk), judges the quotas of CPUs, disks, machines and addresses too, as the region
    lists them.
  - The Cloud TPU API's own quotas are not looked at, since GKE does not consume them, and neither are the TPU quotas
    that a region lists, since TPU v6e is not among them.
  - Whatever cannot be read makes the verdict V(unknown), which is neither a yes nor a no, and does not fail.
  - Quota is not capacity. A zone with quota may still be out of machines.
author: The rhaii.gke authors (@rhaii-gke)
extends_documentation_fragment:
  - rhaii.gke._attributes
  - rhaii.gke._google
attributes:
  check_mode:
    description: Can run in check mode. Then O(request_increase) sends nothing, and says what it would send.
    support: full
  diff_mode:
    description: Has nothing of its own whose difference could be shown.
    support: N/A
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
      - How the machines may be bought, the preferred way first. All locations are judged with the first way before any
        is judged with the second.
      - V(on_demand) consumes the family's own quota, V(spot) the preemptible one.
      - V(flex_start) consumes the preemptible one and, where that has no room, the family's.
      - V(reservation) needs free machines in O(reservation), which took the family's own quota when it was made. One
        that was made for a date to come took none.
    type: list
    elements: str
    choices: [on_demand, spot, flex_start, reservation]
    default: [on_demand]
  reservation:
    description:
      - The reservation of Compute Engine, for V(reservation) in O(provisioning). It may be of a machine type or an
        aggregate one, which counts chips.
      - Its name, or C(projects/OWNER/reservations/NAME) for one that another project shares. With
        C(/reservationBlocks/BLOCK) behind it that block is looked at.
    type: str
  machine_type:
    description: Machine type, when it is not the family's usual one (V(ct6e-standard-4t) for V(v6e)).
    type: str
  cluster:
    description: Name of the cluster, which may exist already. What its pools hold is not needed again.
    type: str
  environment:
    description:
      - The environment that O(cluster) must be of, by its labels. A cluster of that name that was not made for it makes
        its location V(insufficient), with a sentence that says whose it seems to be.
      - Nobody's labels are looked at when this is not given.
    type: str
    version_added: 0.2.0
  node_pool:
    description: The pool of O(cluster) that the chips are for. What it holds does not count as used.
    type: str
  standard_pool:
    description: The pool of ordinary machines that the cluster has too. Its quotas are judged when this is given.
    type: dict
    suboptions:
      machine_type:
        description: Machine type. How many CPUs it has is asked of the zone.
        type: str
        required: true
      nodes:
        description: How many machines.
        type: int
        required: true
      disk_type:
        description: Type of their boot disks.
        type: str
        default: pd-balanced
      disk_size_gb:
        description: Size of a boot disk.
        type: int
        default: 100
  tpu_disk:
    description: Boot disk of a TPU machine. Its quota is judged when this is given.
    type: dict
    suboptions:
      type:
        description: Type of the disk.
        type: str
        default: hyperdisk-balanced
      size_gb:
        description: Size of the disk.
        type: int
        required: true
  load_balancers:
    description:
      - External addresses that the cluster's gateways will take, beside one a machine.
      - Only looked at with O(standard_pool) or O(tpu_disk), and only until O(cluster) exists.
    type: int
    default: 1
  private_nodes:
    description: Whether the machines have no external addresses.
    type: bool
    default: false
  request_increase:
    description:
      - Whether to ask Google for what is missing, for the first candidate, as RV(requests) shows it.
      - A request for as much that is there already is not sent again. Google may take minutes or days to decide.
      - Needs the permission C(cloudquotas.quotas.update).
    type: bool
    default: false
  justification:
    description: Why the quota is needed, for Google. By default a sentence with O(chips) and O(accelerator).
    type: str
  contact_email:
    description: Where Google may ask back. Needed with O(request_increase=true).
    type: str
  fail_on_insufficient:
    description: Whether to fail when every candidate is insufficient. A candidate that is V(unknown) does not fail.
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

- name: Compare locations and ways to buy, with all that the cluster needs, without failing
  rhaii.gke.tpu_quota_check:
    project: my-project
    chips: 12
    provisioning: [on_demand, spot, flex_start]
    locations: [europe-west4-a, us-east5-a, us-central1-b]
    standard_pool:
      machine_type: e2-standard-4
      nodes: 2
    tpu_disk:
      size_gb: 200
    fail_on_insufficient: false
  register: quota

- name: Show the ranking
  ansible.builtin.debug:
    msg: "{{ item.rank }}. {{ item.location }} as {{ item.provisioning }}: {{ item.verdict }}, {{ item.reason }}"
  loop: "{{ quota.candidates | sort(attribute='rank') }}"
  loop_control:
    label: "{{ item.location }}"

- name: Ask Google for what is missing
  rhaii.gke.tpu_quota_check:
    project: my-project
    chips: 12
    locations: [europe-west4-a]
    request_increase: true
    contact_email: ops@example.com
    fail_on_insufficient: false
"""

RETURN = r"""
candidates:
  description:
    - One judgement a pair of O(provisioning) and O(locations), in the order that was asked.
  returned: always
  type: list
  elements: dict
  contains: &candidate
    location:
      description: The zone.
      type: str
      sample: europe-west4-a
    provisioning:
      description: The way to buy.
      type: str
      sample: on_demand
    rank:
      description: V(1) for the one to take. Those that are sufficient come first, then those that are unknown.
      type: int
      sample: 1
    verdict:
      description: V(sufficient), V(insufficient) or V(unknown), as the worst of RV(candidates[].checks).
      type: str
      sample: sufficient
    reason:
      description: The judgement in words.
      type: str
      sample: quota of 32 in europe-west4, 8 used
    limit:
      description: The TPU quota's limit in chips, V(-1) when unlimited, null when not known.
      type: int
      sample: 32
    usage:
      description: Chips that others hold of it, null when that is not known.
      type: int
      sample: 8
    available:
      description: What is left, null when not known or unlimited.
      type: int
      sample: 24
    quota:
      description: The TPU quota that decided.
      type: str
      sample: TPUS-PER-TPU-FAMILY-per-project-region tpu_family=CT6E
    offered:
      description: Whether the zone offers the machine type, null when it could not be asked.
      type: bool
      sample: true
    checks:
      description: Each question with its answer, the TPU quota first.
      type: list
      elements: dict
      contains:
        check:
          description: What was looked at.
          type: str
          sample: TPU quota
        verdict:
          description: V(sufficient), V(insufficient) or V(unknown).
          type: str
          sample: sufficient
        reason:
          description: The answer in words.
          type: str
          sample: quota of 32 in europe-west4, 8 used
        quota:
          description: The quota's id, or the metric that the region lists.
          type: str
          sample: CPUS
        needed:
          description: How much of it is needed.
          type: int
          sample: 8
        limit:
          description: The limit, V(-1) when unlimited, null when not known.
          type: int
          sample: 500
        usage:
          description: What others hold of it.
          type: int
          sample: 0
        usage_source:
          description: Who said so, V(monitoring), V(pools) or V(region).
          type: str
          sample: region
        available:
          description: What is left, null when not known or unlimited.
          type: int
          sample: 500
        page:
          description: Where to see the quota, and to ask for more.
          type: str
          sample: https://console.cloud.google.com/iam-admin/quotas?project=my-project&service=compute.googleapis.com
        request:
          description: The request for more that Google would be sent, null when none is needed or possible.
          type: dict
        remedy:
          description: What to do, for the first candidate.
          type: str
          sample: ""
chosen:
  description: The first candidate that is sufficient, else the first that is unknown, else null.
  returned: always
  type: dict
  contains: *candidate
location:
  description: The location of RV(chosen).
  returned: always
  type: str
  sample: europe-west4-a
verdict:
  description: The verdict of RV(chosen), V(insufficient) when there is none.
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
  type: list
  elements: str
  sample: [on_demand]
quota_page:
  description: Where to see and raise the TPU quota of the first candidate.
  returned: always
  type: str
  sample: https://console.cloud.google.com/iam-admin/quotas?project=my-project&service=compute.googleapis.com
remedy:
  description: What to do when the first candidate is not sufficient, in words; empty when it is.
  returned: always
  type: str
  sample: ""
requests:
  description: What would have to be asked of Google for the first candidate, in the form of Cloud Quotas' API.
  returned: always
  type: list
  elements: dict
  sample:
    - service: compute.googleapis.com
      quotaId: TPUS-PER-TPU-FAMILY-per-project-region
      dimensions: {region: europe-west4, tpu_family: CT6E}
      quotaConfig: {preferredValue: 20}
      justification: 12 chips of TPU v6e (Trillium) on Google Kubernetes Engine, to serve language models.
sent:
  description: What became of RV(requests), with O(request_increase=true).
  returned: always
  type: list
  elements: dict
  contains:
    quota_id:
      description: The quota.
      type: str
      sample: TPUS-PER-TPU-FAMILY-per-project-region
    dimensions:
      description: Its dimensions.
      type: dict
      sample: {region: europe-west4, tpu_family: CT6E}
    sent:
      description: Whether it was sent now. A request for as much may have been there already.
      type: bool
      sample: true
    preferred_value:
      description: What was asked for.
      type: int
      sample: 20
    granted_value:
      description: What Google has granted, null while it says nothing.
      type: int
      sample: 20
    reconciling:
      description: Whether Google has yet to decide.
      type: bool
      sample: false
    state_detail:
      description: What Google says of it.
      type: str
      sample: ""
    name:
      description: Name of the quota preference, empty in check mode.
      type: str
      sample: projects/1/locations/global/quotaPreferences/2
calls:
  description: How many questions were asked of Google at once.
  returned: always
  type: int
  sample: 12
elapsed:
  description: How long the questions took together, in seconds.
  returned: always
  type: float
  sample: 0.6
elapsed_in_turn:
  description: How long they would have taken one after the other.
  returned: always
  type: float
  sample: 3.9
"""


from typing import NoReturn

from ansible_collections.rhaii.gke.plugins.module_utils._module import run_module
from ansible_collections.rhaii.gke.plugins.module_utils._quota.check import CAPABILITY


def main() -> NoReturn:
    run_module(CAPABILITY)


if __name__ == "__main__":
    main()
