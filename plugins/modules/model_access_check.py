#!/usr/bin/python

# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: model_access_check
short_description: Check that the model hub would give out the models
version_added: 0.1.0
description:
  - Asks Hugging Face, for each model, whether the token's account may read it, which for a gated model means that its
    licence was accepted. Otherwise the pods would find out, after the machines were paid for.
  - Reads only, and downloads nothing.
author: The rhaii.gke authors (@rhaii-gke)
extends_documentation_fragment:
  - rhaii.gke._attributes
  - rhaii.gke._attributes.read_only
options:
  uris:
    description:
      - Where the models are, as in V(hf://Qwen/Qwen2.5-3B-Instruct) or V(hf://OWNER/MODEL:REVISION).
      - One that is kept elsewhere is reported as V(unknown).
    type: list
    elements: str
    required: true
  token:
    description: Token of the hub. Without one only what is open to everybody is found.
    type: str
  token_file:
    description:
      - File with the token, alone or as a Secret with one value. Wins over O(token).
      - One of ansible-vault is decrypted where the module runs on the controller.
    type: path
  endpoint:
    description: Address of the hub.
    type: str
    default: https://huggingface.co
  ca_file:
    description: PEM file with the authorities that sign the hub's certificate, in place of the system's.
    type: path
  timeout:
    description: How long one request may take, in seconds.
    type: int
    default: 20
  fail_on_problem:
    description: Whether to fail when a model would not be given out. One that is V(unknown) does not fail.
    type: bool
    default: true
requirements:
  - google-auth
  - requests
seealso:
  - module: rhaii.gke.gcp_access_check
"""

EXAMPLES = r"""
- name: Check that the models can be downloaded
  rhaii.gke.model_access_check:
    uris:
      - hf://Qwen/Qwen2.5-3B-Instruct
      - hf://meta-llama/Llama-3.1-8B-Instruct
    token_file: ~/.config/rhaii/hf-token
"""

RETURN = r"""
findings:
  description: One entry a model.
  returned: always
  type: list
  elements: dict
  contains:
    check:
      description: The model.
      type: str
      sample: model meta-llama/Llama-3.1-8B-Instruct
    verdict:
      description: V(ok), V(failed), or V(unknown) when the hub did not say.
      type: str
      sample: failed
    found:
      description: What was found.
      type: str
      sample: gated, and not given out to somebody (403 GatedRepo Access to model is restricted)
    remedy:
      description: What to do about it.
      type: str
      sample: Accept its licence at https://huggingface.co/meta-llama/Llama-3.1-8B-Instruct.
user:
  description: The token's account; empty when unknown.
  returned: always
  type: str
  sample: somebody
calls:
  description: How many questions were asked.
  returned: always
  type: int
  sample: 3
elapsed:
  description: Seconds that they took together.
  returned: always
  type: float
  sample: 0.2
elapsed_in_turn:
  description: Seconds that they would have taken one after the other.
  returned: always
  type: float
  sample: 0.5
"""


from typing import NoReturn

from ansible_collections.rhaii.gke.plugins.module_utils._access.hub import CAPABILITY
from ansible_collections.rhaii.gke.plugins.module_utils._module import run_module


def main() -> NoReturn:
    run_module(CAPABILITY)


if __name__ == "__main__":
    main()
