#!/usr/bin/python

# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: report_file
short_description: Keep the report of a run in a file, and publish it
version_added: 0.2.0
description:
  - Writes a report as JSON, and makes its folder where there is none.
  - A report is no state of an environment, so that it is never a change, and check mode writes it too.
  - The file is there as a whole or not at all.
author: The rhaii.gke authors (@rhaii-gke)
extends_documentation_fragment:
  - rhaii.gke._attributes
attributes:
  check_mode:
    description: Changes no environment, so that there is nothing to predict.
    support: full
    details: Writes the report all the same, since what a run with C(--check) found is worth keeping.
  diff_mode:
    description: Changes no environment, so that there is no difference to show.
    support: N/A
options:
  path:
    description: The file. When not given, none is written.
    type: path
  publish:
    description: Name of the report among the run's statistics, where M(ansible.builtin.set_stats) would put it.
    type: str
  report:
    description: What it is to hold.
    type: raw
    required: true
"""

EXAMPLES = r"""
- name: Keep what was found
  rhaii.gke.report_file:
    path: reports/prod-preflight.json
    report: "{{ findings }}"
"""

RETURN = r"""
path:
  description: The file; empty where none is written.
  returned: success
  type: str
  sample: reports/prod-preflight.json
report:
  description: The report as it is kept.
  returned: success
  type: raw
  sample: {"ready": true}
"""


from typing import NoReturn

from ansible_collections.rhaii.gke.plugins.module_utils._module import run_module
from ansible_collections.rhaii.gke.plugins.module_utils._report_file import CAPABILITY


def main() -> NoReturn:
    run_module(CAPABILITY)


if __name__ == "__main__":
    main()
