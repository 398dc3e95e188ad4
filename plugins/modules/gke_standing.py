#!/usr/bin/python

# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gke_standing
short_description: Tell what of an environment is up now, and what it bills an hour
version_added: 0.1.0
description:
  - Looks for clusters that carry the labels of this collection and of O(environment), in every location, and for their
    node pools, machines and load balancers. It does not matter which run brought them up, or from where.
  - Adds up what bills, by the list prices of Cloud Billing, or of a table with their dates where Cloud Billing does not
    answer. What has no price is named in RV(unknown).
  - Also counts a cluster that is not ready or broken. What is not ours is shown and in no sum.
  - A cloud that does not answer is an answer, too, RV(known=false) with RV(reason). Wrong options alone fail.
  - Disks of volumes, traffic and logs are not looked at; M(rhaii.gke.gke_leftovers) knows what is left when a
    cluster is gone.
author: The rhaii.gke authors (@rhaii-gke)
extends_documentation_fragment:
  - rhaii.gke._attributes
  - rhaii.gke._attributes.read_only
  - rhaii.gke._google
  - rhaii.gke._google.container
options:
  environment:
    description: Name of the environment.
    type: str
    required: true
  cluster:
    description: Name of its cluster, to find a load balancer that it left behind, and clusters of others called alike.
    type: str
  locations:
    description: Where this cluster is or was; clusters of the environment are found wherever they are.
    type: list
    elements: str
    default: []
  services:
    description: Services of type LoadBalancer that the environment makes, as namespace/name.
    type: list
    elements: str
    default: []
  catalog_timeout:
    description: How long reading the prices may take, in seconds, before the table answers; V(0) asks the table.
    type: int
    default: 10
  request_timeout:
    description: How long one request may take, in seconds. What does not answer is not asked again.
    type: int
    default: 10
seealso:
  - module: rhaii.gke.gke_cost
  - module: rhaii.gke.gke_leftovers
"""

EXAMPLES = r"""
- name: See what is up
  rhaii.gke.gke_standing:
    project: my-project
    environment: prod
  register: standing

- name: Say what it bills
  ansible.builtin.debug:
    msg: "{{ standing.msg }}"
"""

RETURN = r"""
known:
  description: Whether the cloud answered.
  returned: success
  type: bool
  sample: true
reason:
  description: Why it is not known what is up; empty when it is.
  returned: success
  type: str
  sample: ""
up:
  description: Whether there is anything of ours; null when that is not known.
  returned: success
  type: bool
  sample: true
clusters:
  description: The environment's clusters.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
      sample: rhaii-tpu-scaleout-cluster
    location:
      description: Its zone or region.
      type: str
      sample: europe-west4-a
    status:
      description: What Google says of it.
      type: str
      sample: RUNNING
    ours:
      description: Whether it is this environment's.
      type: bool
      sample: true
    whose:
      description: Whose it seems to be; empty for what is ours.
      type: str
      sample: ""
    protected:
      description: Whether a deployment with C(rhaii_keep) labelled it.
      type: bool
      sample: false
    pools:
      description: Their node pools, those that are not ours among them.
      type: list
      elements: dict
      sample: []
      contains:
        name:
          description: Its name.
          type: str
          sample: tpu-pool
        status:
          description: What Google says of it.
          type: str
          sample: RUNNING
        machine_type:
          description: Type of its machines.
          type: str
          sample: ct6e-standard-4t
        provisioning:
          description: How they are bought, V(on_demand), V(spot), V(flex_start) or V(reservation).
          type: str
          sample: on_demand
        disk_type:
          description: Type of their boot disks.
          type: str
          sample: hyperdisk-balanced
        disk_size_gb:
          description: Size of a boot disk.
          type: int
          sample: 200
        nodes:
          description: How many machines there are and bill; null when that is not known.
          type: int
          sample: 2
        asked:
          description: How many there will be; null when that is not known.
          type: int
          sample: 3
        ours:
          description: Whether the pool is this environment's. What is not is in no sum.
          type: bool
          sample: true
        whose:
          description: Whose it seems to be; empty for what is ours.
          type: str
          sample: ""
others:
  description: Clusters of others that are called alike, in one of O(locations). They are in no sum.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
      sample: rhaii-tpu-scaleout-cluster
    location:
      description: Its zone or region.
      type: str
      sample: europe-west4-a
    status:
      description: What Google says of it.
      type: str
      sample: RUNNING
    ours:
      description: Whether it is this environment's.
      type: bool
      sample: false
    whose:
      description: Whose it seems to be; empty for what is ours.
      type: str
      sample: "carries no label at all"
    protected:
      description: Whether a deployment with C(rhaii_keep) labelled it.
      type: bool
      sample: false
    pools:
      description: Always empty. What is not ours is not looked into.
      type: list
      elements: dict
      sample: []
load_balancers:
  description: How many load balancers there are of ours.
  returned: success
  type: int
  sample: 1
hourly:
  description: What all of ours bills an hour now, without what is in RV(unknown); null when it is not known what is up.
  returned: success
  type: float
  sample: 24.3
hourly_when_up:
  description: The same once every machine is there that was asked for.
  returned: success
  type: float
  sample: 36.2
currency:
  description: What the amounts are in.
  returned: success
  type: str
  sample: USD
source:
  description: Where the price of what costs most is from, V(billing) or V(table); empty when nothing bills.
  returned: success
  type: str
  sample: billing
as_of:
  description: Date of this price.
  returned: success
  type: str
  sample: "2026-11-24"
lines:
  description: What RV(hourly) is made of, as in RV(rhaii.gke.gke_cost#module:candidates[].lines).
  returned: success
  type: list
  elements: dict
  sample: []
unknown:
  description: What bills and has no price.
  returned: success
  type: list
  elements: str
  sample: []
unread:
  description: What could not be looked at, and why.
  returned: success
  type: list
  elements: str
  sample: []
msg:
  description: All of it in one sentence, without its full stop.
  returned: success
  type: str
  sample: >-
    cluster rhaii-tpu-scaleout-cluster in europe-west4-a (RUNNING) with default-pool (2 e2-standard-4), tpu-pool (3
    ct6e-standard-4t): bills 36.20 USD an hour (Cloud Billing, 2026-11-24)
"""


from typing import NoReturn

from ansible_collections.rhaii.gke.plugins.module_utils._module import run_module
from ansible_collections.rhaii.gke.plugins.module_utils._standing.standing import CAPABILITY


def main() -> NoReturn:
    run_module(CAPABILITY)


if __name__ == "__main__":
    main()
