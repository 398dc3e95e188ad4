#!/usr/bin/python

# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: model_pods_label
short_description: Give model pods the label by which the guide finds them
version_added: 0.2.0
description:
  - The guide finds model pods by C(serving.kserve.io/inferenceservice), which KServe gives to no pod of an
    LLMInferenceService. This gives it to the pods that are Ready and stay.
  - Which pods are model pods, and of which service, is told by KServe's own labels.
author: The rhaii.gke authors (@rhaii-gke)
extends_documentation_fragment:
  - rhaii.gke._attributes
  - rhaii.gke._kubernetes
attributes:
  diff_mode:
    description: Adds one label and nothing else, so that there is no difference to show.
    support: N/A
options:
  namespace:
    description: Namespace of the services.
    type: str
    required: true
  services:
    description: Names of the LLMInferenceServices whose pods get the label.
    type: list
    elements: str
    required: true
seealso:
  - module: rhaii.gke.llmisvc_wait_ready
"""

EXAMPLES = r"""
- name: Label the model pods
  rhaii.gke.model_pods_label:
    namespace: rhaii-inference
    services: [qwen-3b-tpu-svc]
    kubeconfig: ~/.kube/config
"""

RETURN = r"""
labelled:
  description: Names of the pods that got the label, or would in check mode.
  returned: success
  type: list
  elements: str
  sample: [qwen-3b-tpu-svc-kserve-7d9c5b8f4-abcde]
"""


from typing import NoReturn

from ansible_collections.rhaii.gke.plugins.module_utils._model_pods import CAPABILITY
from ansible_collections.rhaii.gke.plugins.module_utils._module import run_module


def main() -> NoReturn:
    run_module(CAPABILITY)


if __name__ == "__main__":
    main()
