#!/usr/bin/python

# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: place_answers
short_description: Look whether a place answers
version_added: 0.2.0
description:
  - Asks one URL, before anything else is asked in that place, and fails with what to do when nobody answers.
  - Any answer will do that is no error of the server. No proxy is used.
author: The rhaii.gke authors (@rhaii-gke)
extends_documentation_fragment:
  - rhaii.gke._attributes
attributes:
  diff_mode:
    description: Only looks, so that there is no difference to show.
    support: N/A
options:
  url:
    description: What to ask. When not given, nothing is asked.
    type: str
  notice:
    description: Said first, so that people see which place it is.
    type: str
  hint:
    description: What to do when nobody answers.
    type: str
  timeout:
    description: Seconds to wait for the answer.
    type: float
    default: 5.0
"""

EXAMPLES = r"""
- name: See whether the rehearsal's cloud is up
  rhaii.gke.place_answers:
    url: http://127.200.0.1:8085
    hint: Start it with make up.
"""

RETURN = r"""
url:
  description: What was asked; empty when nothing was.
  returned: always
  type: str
  sample: http://127.200.0.1:8085
status:
  description: The answer's status; 0 without one.
  returned: always
  type: int
  sample: 404
"""


from typing import NoReturn

from ansible_collections.rhaii.gke.plugins.module_utils._module import run_module
from ansible_collections.rhaii.gke.plugins.module_utils._place_answers import CAPABILITY


def main() -> NoReturn:
    run_module(CAPABILITY)


if __name__ == "__main__":
    main()
