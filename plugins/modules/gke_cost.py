#!/usr/bin/python

# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gke_cost
short_description: Tell what an environment costs an hour, before there is one
version_added: 0.1.0
description:
  - Adds up TPU chips, disks, ordinary machines, external addresses, cluster management and load balancer, for every
    candidate, from the list prices of Cloud Billing.
  - What Cloud Billing cannot be asked, or has no price of, comes from a table of prices with their dates.
  - What has no price in either is named in RV(candidates[].unknown), and missing in the sums. Nothing is guessed.
  - Discounts, free tiers, traffic, logs and taxes are not looked at.
author: The rhaii.gke authors (@rhaii-gke)
extends_documentation_fragment:
  - rhaii.gke._attributes
  - rhaii.gke._attributes.read_only
  - rhaii.gke._google
options:
  candidates:
    description: Where the environment may be, and how its TPU machines may be bought.
    type: list
    elements: dict
    required: true
    suboptions:
      location:
        description: The zone.
        type: str
        required: true
      provisioning:
        description:
          - The way to buy.
          - V(reservation) is priced as V(on_demand), for as many machines as are asked for, also where no node runs.
            What is reserved bills, used or not. A reservation in calendar mode may have been cheaper.
        type: str
        choices: [on_demand, spot, flex_start, reservation]
        default: on_demand
  accelerator:
    description: The TPU family.
    type: str
    choices: [v5e, v5p, v6e]
    default: v6e
  machine_type:
    description: Machine type, when it is not the family's usual one (V(ct6e-standard-4t) for V(v6e)).
    type: str
  tpu_nodes:
    description: How many TPU machines.
    type: int
    required: true
  running_tpu_nodes:
    description: How many there are now, to compare with.
    type: int
  tpu_disk:
    description: Boot disk of a TPU machine, which costs nothing when not given.
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
  standard_pool:
    description: The pool of ordinary machines that the cluster has too; none when not given.
    type: dict
    suboptions:
      machine_type:
        description: Machine type.
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
  load_balancers:
    description: How many forwarding rules the cluster's gateways take. There is one charge for up to five.
    type: int
    default: 1
  private_nodes:
    description: Whether the machines have no external addresses. What Cloud NAT costs then is not looked at.
    type: bool
    default: false
  catalog_timeout:
    description:
      - How long reading Cloud Billing's list may take, in seconds, before the table answers. It is some ten thousand
        entries long.
      - With V(0) it is not asked.
    type: int
    default: 20
seealso:
  - module: rhaii.gke.tpu_quota_check
"""

EXAMPLES = r"""
- name: Compare two ways to buy three hosts of four chips
  rhaii.gke.gke_cost:
    project: my-project
    candidates:
      - location: europe-west4-a
      - location: us-east5-a
        provisioning: flex_start
    tpu_nodes: 3
    tpu_disk:
      size_gb: 200
    standard_pool:
      machine_type: e2-standard-4
      nodes: 2
  register: cost

- name: Show them
  ansible.builtin.debug:
    msg: "{{ item.location }} as {{ item.provisioning }}: {{ item.msg }}"
  loop: "{{ cost.candidates }}"
  loop_control:
    label: "{{ item.location }}"
"""

RETURN = r"""
candidates:
  description: One row for each of O(candidates), in their order.
  returned: success
  type: list
  elements: dict
  contains:
    location:
      description: The zone.
      type: str
      sample: europe-west4-a
    provisioning:
      description: The way to buy.
      type: str
      sample: on_demand
    tpu_nodes:
      description: As in O(tpu_nodes).
      type: int
      sample: 3
    hourly:
      description:
        - What all costs an hour while so many TPU machines run, without what is in RV(candidates[].unknown).
        - Null when it is not known what a TPU chip costs.
      type: float
      sample: 36.2
    tpu_hourly:
      description: The chips' part of it; null when not known.
      type: float
      sample: 35.64
    rest_hourly:
      description: The part of everything else.
      type: float
      sample: 0.56
    suspended_hourly:
      description:
        - What is left an hour when no TPU machine runs. What is reserved goes on.
        - Null when that is not known.
      type: float
      sample: 0.46
    hourly_before:
      description: As RV(candidates[].hourly), with O(running_tpu_nodes). Null when that is not given.
      type: float
      sample: null
    per_chip_hour:
      description: What one chip costs an hour; null when not known.
      type: float
      sample: 2.97
    currency:
      description: What the amounts are in.
      type: str
      sample: USD
    source:
      description: Where the chip's price is from, V(billing) or V(table); empty when there is none.
      type: str
      sample: billing
    as_of:
      description: Date of the chip's price; empty when there is none, or the table's has no date.
      type: str
      sample: "2026-11-24"
    lines:
      description: What the sum is made of.
      type: list
      elements: dict
      contains:
        what:
          description: What is paid for.
          type: str
          sample: TPU v6e (Trillium) chip
        quantity:
          description: How much of it.
          type: float
          sample: 12
        unit:
          description: What the price is for.
          type: str
          sample: chip-hour
        unit_price:
          description: The list price.
          type: float
          sample: 2.97
        hourly:
          description: What it costs an hour. A month has 730 hours.
          type: float
          sample: 35.64
        source:
          description: Where the price is from, V(billing) or V(table).
          type: str
          sample: billing
        as_of:
          description: Date of the price, empty when it has none.
          type: str
          sample: "2026-11-24"
    unknown:
      description: What has no price.
      type: list
      elements: str
      sample: []
    change:
      description: What changes with the number of TPU machines, in words; empty when nothing does, or it is not known.
      type: str
      sample: from 24.32 USD an hour with 2 TPU nodes to 36.20 USD with 3
    msg:
      description: The row in words.
      type: str
      sample: 36.20 USD an hour while 3 TPU nodes run; 0.46 USD suspended (billing, 2026-11-24)
billing_answer:
  description: Why Cloud Billing's list could not be read as a whole; empty when it could.
  returned: success
  type: str
  sample: ""
msg:
  description: RV(candidates[].msg) of the first one.
  returned: success
  type: str
  sample: 36.20 USD an hour while 3 TPU nodes run; 0.46 USD suspended (billing, 2026-11-24)
"""


from typing import NoReturn

from ansible_collections.rhaii.gke.plugins.module_utils._cost.cost import CAPABILITY
from ansible_collections.rhaii.gke.plugins.module_utils._module import run_module


def main() -> NoReturn:
    run_module(CAPABILITY)


if __name__ == "__main__":
    main()
