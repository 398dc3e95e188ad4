#!/usr/bin/python

# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: hosts_check
short_description: Refuse hosts that mean the same cluster
version_added: 0.2.0
description:
  - A host of the inventory is a cluster. Fails where two of them mean the same one (project, location and name), or
    have the same environment's name in one project, and names both and where each value comes from.
  - Compares the hosts of the play with each other, and with all other hosts of the inventory that say which cluster
    they mean.
  - Fails where inventories that are given together mix, so that a host of one would mean another cluster than it does
    when its inventory is given alone. An inventory without hosts is taken as variables for all. An inventory that has
    to be asked for, as that of a plugin or a script, is not read a second time, and its hosts are not judged so.
  - Reads variables, and asks nobody. With one host of one inventory it does nothing.
author: The rhaii.gke authors (@rhaii-gke)
extends_documentation_fragment:
  - rhaii.gke._attributes.controller
  - rhaii.gke._attributes.read_only
options: {}
seealso:
  - module: rhaii.gke.variables_check
"""

EXAMPLES = r"""
- name: Check that each host is a cluster of its own
  rhaii.gke.hosts_check:
  run_once: true
"""

RETURN = r"""
findings:
  description: What is wrong, a sentence for each set of hosts.
  returned: always
  type: list
  elements: str
  sample:
    - >-
      The hosts dev and prod mean the same cluster: rhaii-tpu in europe-west4-a of the project my-company-llm (cluster
      name by default; location by default; project by rhaii_project (inventories/all.yml:3)). Give each a
      rhaii_cluster_name of its own, or take one of them out of the inventory.
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    module.fail_json(
        msg="rhaii.gke.hosts_check looks at the inventory of a run, which only the controller has. Use it as a task of "
        "a playbook, by this name."
    )


if __name__ == "__main__":
    main()
