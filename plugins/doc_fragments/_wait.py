# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this document fragment is PRIVATE to the collection.

from __future__ import annotations


class ModuleDocFragment:
    # Keep in step with module_utils/_argspec.py. The defaults of time-out and interval are each module's own.
    DOCUMENTATION = r"""
options:
  wait:
    description:
      - Whether to wait until the work is done.
      - With V(false) the operation is returned; the same task with V(true) joins it later.
    type: bool
    default: true
"""
