#!/usr/bin/python

# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gke_place
short_description: Find where an environment's cluster is, and what a move left behind
version_added: 0.1.0
description:
  - Looks at all clusters of the project that carry the labels of this collection and of O(environment).
  - Says where to work, which is where the cluster is, or the first candidate that was not tried yet.
  - Where a zone did not answer Google and no cluster of the environment is seen, the task fails, since there may be
    one. Nothing is to be created then.
  - Names the clusters that a move after a stockout left behind. They are noted in the labels of the cluster that came
    after them, so that any later run finds them, on any host.
author: The rhaii.gke authors (@rhaii-gke)
extends_documentation_fragment:
  - rhaii.gke._attributes
  - rhaii.gke._attributes.read_only
  - rhaii.gke._google
  - rhaii.gke._google.container
options:
  location:
    description: Zone (or region) that is wanted.
    type: str
    required: true
  candidates:
    description: Where the environment may go instead, in order.
    type: list
    elements: str
    default: []
  name:
    description: Name of the cluster, the same in every location.
    type: str
    required: true
  environment:
    description: Name of the environment.
    type: str
    required: true
  left:
    description: What this run has left behind already, location to operation.
    type: dict
    default: {}
seealso:
  - module: rhaii.gke.gke_cluster
  - module: rhaii.gke.gke_node_pool
"""

EXAMPLES = r"""
- name: Find the environment
  rhaii.gke.gke_place:
    project: my-project
    location: europe-west4-a
    candidates: [us-east5-a, us-central1-b]
    name: rhaii-tpu-scaleout-cluster
    environment: prod
  register: place
"""

RETURN = r"""
location:
  description: Where to work.
  returned: success
  type: str
  sample: us-east5-a
exists:
  description: Whether the cluster is there.
  returned: success
  type: bool
  sample: true
moved:
  description: Whether that is another location than the wanted one.
  returned: success
  type: bool
  sample: true
debts:
  description: Clusters that a move left behind and that are still there, location to operation.
  returned: always
  type: dict
  sample: {europe-west4-a: operation-1764000000000-0a1b}
settled:
  description: Locations of such clusters that are gone, and still noted.
  returned: success
  type: list
  elements: str
  sample: []
strays:
  description: Locations of other clusters of the environment, of which no note tells.
  returned: success
  type: list
  elements: str
  sample: []
candidates:
  description: Locations that were not tried yet, in order.
  returned: success
  type: list
  elements: str
  sample: [us-central1-b]
"""


from typing import NoReturn

from ansible_collections.rhaii.gke.plugins.module_utils._gke.place import CAPABILITY
from ansible_collections.rhaii.gke.plugins.module_utils._module import run_module


def main() -> NoReturn:
    run_module(CAPABILITY)


if __name__ == "__main__":
    main()
