#!/usr/bin/python

# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: objects_wait_ready
short_description: Wait until objects are ready, and say what keeps them
version_added: 0.2.0
description:
  - A Deployment is ready when every replica of its newest form is available, a Gateway when it is programmed in its
    newest generation and all its listeners serve, a CustomResourceDefinition when it is established, an Issuer,
    ClusterIssuer or Certificate when it says so. Everything else is ready when it is there.
  - Of a Deployment that is not, it names the pods that cannot start, that their nodes refuse or end, or that the
    cluster does not let in, with Kubernetes' own reason, while it waits and when it fails.
author: The rhaii.gke authors (@rhaii-gke)
extends_documentation_fragment:
  - rhaii.gke._attributes
  - rhaii.gke._kubernetes
attributes:
  check_mode:
    description: Looks once and does not wait.
    support: full
  diff_mode:
    description: Changes nothing, so that there is no difference to show.
    support: N/A
options:
  deployments:
    description: Deployments, as namespace/name.
    type: list
    elements: str
    default: []
  objects:
    description: Other objects, whoever made them.
    type: list
    elements: dict
    default: []
    suboptions:
      api_version:
        description: API version.
        type: str
        required: true
      kind:
        description: Kind.
        type: str
        required: true
      name:
        description: Name.
        type: str
        required: true
      namespace:
        description: Namespace, for what has one.
        type: str
        default: ""
      certificate_keys:
        description:
          - Of a Secret, the keys under which its certificate is looked for. It is ready when one has it.
          - The first one found is returned in RV(certificates), and nothing else of the Secret.
        type: list
        elements: str
        default: []
  wait_timeout:
    description: Seconds to wait.
    type: int
    default: 600
  wait_interval:
    description: Seconds between two looks.
    type: float
    default: 5.0
seealso:
  - module: rhaii.gke.llmisvc_wait_ready
"""

EXAMPLES = r"""
- name: Wait for KServe's controller
  rhaii.gke.objects_wait_ready:
    deployments: [opendatahub/kserve-controller-manager]
    kubeconfig: ~/.kube/config
"""

RETURN = r"""
ready:
  description: Whether all are ready; in check mode this may be false.
  returned: always
  type: bool
  sample: true
waiting:
  description: What is not ready, and what keeps it.
  returned: always
  type: list
  elements: str
  sample: []
certificates:
  description: The certificates found, by name of the Secret.
  returned: always
  type: dict
  sample: {}
"""


from typing import NoReturn

from ansible_collections.rhaii.gke.plugins.module_utils._module import run_module
from ansible_collections.rhaii.gke.plugins.module_utils._waiting import CAPABILITY


def main() -> NoReturn:
    run_module(CAPABILITY)


if __name__ == "__main__":
    main()
