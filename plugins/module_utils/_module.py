# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The module edge: options parsed by AnsibleModule, no progress."""

from __future__ import annotations

from typing import Any, NoReturn

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Capability, execute, silent


def run_module(capability: Capability[Any]) -> NoReturn:
    module = AnsibleModule(argument_spec=capability.argument_spec, supports_check_mode=True, **capability.rules)
    module.no_log_values.update(capability.secrets(dict(module.params)))
    result = execute(
        capability,
        dict(module.params),
        silent,
        check_mode=module.check_mode,
        diff_mode=module._diff,
    )
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)


__all__ = ("run_module",)
