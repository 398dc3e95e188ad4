# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this document fragment is PRIVATE to the collection.

from __future__ import annotations


class ModuleDocFragment:
    # What is the same for every module that has an action plugin on the same core.
    DOCUMENTATION = r"""
attributes:
  action:
    description: Runs in process on the controller when the connection is local, and as a module where it is not.
    support: full
    details:
      - In process the environment of a task is not seen. A variable of it that would change who asks, or by which way,
        as E(GOOGLE_APPLICATION_CREDENTIALS), E(KUBECONFIG) or E(HTTPS_PROXY), is refused with the option to use.
      - Progress is silent under C(no_log). It goes to the standard error where the standard output is a program's, as
        with the callback C(ansible.posix.json). It is switched off by E(RHAII_PROGRESS), V(false) in the environment of
        C(ansible-playbook).
  async:
    description: Can be used with C(async).
    support: none
    details: C(async) and C(become) are refused with a sentence that says what to do instead.
  check_mode:
    description: Says what would change and changes nothing.
    support: full
  diff_mode:
    description: Shows what changes, or would change in check mode.
    support: full
  platform:
    description: Where it can run.
    support: full
    platforms: posix
"""

    # For modules that only read.
    READ_ONLY = r"""
attributes:
  check_mode:
    description: Reads only, so that check mode makes no difference.
    support: full
  diff_mode:
    description: Changes nothing, so that there is no difference to show.
    support: N/A
"""

    # For modules that are action plugins alone.
    CONTROLLER = r"""
attributes:
  action:
    description: Runs on the controller, where the variables are, whatever the connection.
    support: full
  async:
    description: Can be used with C(async).
    support: none
  platform:
    description: Where it can run.
    support: full
    platforms: posix
"""
