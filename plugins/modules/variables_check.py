#!/usr/bin/python

# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: variables_check
short_description: Check every variable of this collection at once
version_added: 0.2.0
description:
  - Holds the variables of all roles of this collection, and the collection-wide ones, against the argument specs.
    Fails once, with all that is wrong.
  - Null and blank text are not given, and right for every variable.
  - Refuses the names of version 0.1.0 that other collections own, with what they are called now.
  - Warns of a variable that no role knows and that is named almost as one that is known.
  - What only one role can judge, such as a zone without quota, is left to the role.
author: The rhaii.gke authors (@rhaii-gke)
extends_documentation_fragment:
  - rhaii.gke._attributes.controller
  - rhaii.gke._attributes.read_only
options:
  keep_in:
    description:
      - A folder in which to keep the values that no task of the run can change, for M(ansible.builtin.include_vars).
        Then a role need not work them out anew for each of its tasks.
      - C(settled.json) has each option whose value is plain, wherever it comes from. A template is not, since it may
        read what a task finds out, and nor is what is encrypted. A secret is never kept.
      - C(unsettled.json) has the same names as the roles read them otherwise, for what comes after the run.
    type: path
seealso:
  - plugin: rhaii.gke.given
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Check the variables before anything is made
  rhaii.gke.variables_check:

- name: Keep what stays as it is
  rhaii.gke.variables_check:
    keep_in: /run/user/1000/rhaii

- name: Read it from there
  ansible.builtin.include_vars:
    file: /run/user/1000/rhaii/settled.json

# With this check before them the roles need not refuse a blank answer by themselves.
- name: Create the cluster
  ansible.builtin.include_role:
    name: rhaii.gke.cluster
    rolespec_validate: false
"""

RETURN = r"""
findings:
  description: What is wrong, a sentence a variable.
  returned: always
  type: list
  elements: str
  sample: ["rhaii_cluster_timeout is \"soon\", which is not a whole number. Give a whole number, or leave it out."]
kept:
  description: What O(keep_in) holds, by the names under which the roles read their options.
  returned: when O(keep_in) is given, and nothing is wrong
  type: list
  elements: str
  sample: ["__cluster_accelerator"]
unknown:
  description: The variables that a warning names, with what may have been meant.
  returned: always
  type: dict
  sample: {"cluster_timeuot": "cluster_timeout"}
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    module = AnsibleModule(argument_spec={"keep_in": {"type": "path"}}, supports_check_mode=True)
    module.fail_json(
        msg="rhaii.gke.variables_check looks at the variables of a run, which only the controller has. Use it as a "
        "task of a playbook, by this name."
    )


if __name__ == "__main__":
    main()
