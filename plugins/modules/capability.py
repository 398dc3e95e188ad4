# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: capability
short_description: How the modules of this collection run
version_added: 0.2.0
description:
  - Nothing to use in a task. It is the action plugin that runs the other modules of this collection, and this page says
    what is particular to it.
  - With a local connection a module of this collection runs in the process of C(ansible-playbook), shows progress while
    it waits, and starts no interpreter. With any other connection it runs as a module where the connection leads.
  - In process the task's C(environment) is not seen. What may come from there is an option.
  - In process the Python libraries are those of the controller.
author: The rhaii.gke authors (@rhaii-gke)
extends_documentation_fragment:
  - rhaii.gke._attributes
attributes:
  check_mode:
    description: As the module that the task names says.
    support: full
  diff_mode:
    description: As the module that the task names says.
    support: full
"""

EXAMPLES = r"""
- name: Read the nodes, in process
  rhaii.gke.objects_info:
    kind: Node
    kubeconfig: ~/.kube/config
"""

RETURN = r""" # """
