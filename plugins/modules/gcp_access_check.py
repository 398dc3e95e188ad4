#!/usr/bin/python

# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gcp_access_check
short_description: Check credentials, billing, APIs and permissions of a Google Cloud project
version_added: 0.1.0
description:
  - Looks at all that a deployment needs of a project, and reports one finding a check with its remedy.
  - Reads only, and costs nothing.
author: The rhaii.gke authors (@rhaii-gke)
extends_documentation_fragment:
  - rhaii.gke._attributes
  - rhaii.gke._attributes.read_only
  - rhaii.gke._google
options:
  fail_on_problem:
    description: Whether to fail when a check failed. One that is V(unknown) does not fail.
    type: bool
    default: true
seealso:
  - module: rhaii.gke.tpu_quota_check
"""

EXAMPLES = r"""
- name: Check the project
  rhaii.gke.gcp_access_check:
    project: my-project
"""

RETURN = r"""
findings:
  description: One entry a check.
  returned: always
  type: list
  elements: dict
  contains:
    check:
      description: What was looked at.
      type: str
      sample: permissions
    verdict:
      description: V(ok), V(failed) or V(unknown).
      type: str
      sample: failed
    found:
      description: What was found.
      type: str
      sample: "missing on my-project: container.clusters.create"
    remedy:
      description: What to do about it.
      type: str
      sample: Grant them.
"""


from typing import NoReturn

from ansible_collections.rhaii.gke.plugins.module_utils._access.check import CAPABILITY
from ansible_collections.rhaii.gke.plugins.module_utils._module import run_module


def main() -> NoReturn:
    run_module(CAPABILITY)


if __name__ == "__main__":
    main()
