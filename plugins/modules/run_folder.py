#!/usr/bin/python

# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: run_folder
short_description: Keep a folder for as long as a run lasts
version_added: 0.2.0
description:
  - Makes a folder that only its owner can read, for what the tasks of a run hand to each other, and removes it at the
    run's end.
  - The folder is no state of an environment, so that it is never a change, and check mode makes it too.
author: The rhaii.gke authors (@rhaii-gke)
extends_documentation_fragment:
  - rhaii.gke._attributes
attributes:
  check_mode:
    description: Changes no environment, so that there is nothing to predict.
    support: full
    details: Makes and removes the folder all the same, since other tasks need it.
  diff_mode:
    description: Changes no environment, so that there is no difference to show.
    support: N/A
options:
  path:
    description: The RV(path) of an earlier call. A folder that is still there is kept.
    type: path
  parent:
    description: Where to make it. When not given, where the system keeps temporary files.
    type: path
  files:
    description: Files to keep in it, content by name. A file that says the same already is left alone.
    type: dict
    default: {}
  state:
    description: Whether it is to be there. With V(absent) it goes with all that is in it.
    type: str
    choices: [present, absent]
    default: present
"""

EXAMPLES = r"""
- name: Keep a certificate for the tasks that follow
  rhaii.gke.run_folder:
    files:
      ca.pem: "{{ cluster.ca_certificate }}"
  register: folder

- name: Remove it
  rhaii.gke.run_folder:
    path: "{{ folder.path }}"
    state: absent
"""

RETURN = r"""
path:
  description: The folder; empty when it is absent.
  returned: success
  type: str
  sample: /tmp/rhaii-k2v9x1ab
"""


from typing import NoReturn

from ansible_collections.rhaii.gke.plugins.module_utils._module import run_module
from ansible_collections.rhaii.gke.plugins.module_utils._run_folder import CAPABILITY


def main() -> NoReturn:
    run_module(CAPABILITY)


if __name__ == "__main__":
    main()
