# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The module edge: options parsed by AnsibleModule, no progress."""

from __future__ import annotations

from typing import Any, NoReturn

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Capability, execute, silent
from ansible_collections.rhaii.gke.plugins.module_utils._option_values import read_options


class _Module(AnsibleModule):
    """AnsibleModule logs and returns its options; here without what a capability knows to be secret in them."""

    def __init__(self, capability: Capability[Any]) -> None:
        self._capability = capability
        # said where AnsibleModule has found all that is secret; it may have taken the value, or refuse it in its words
        self.refusal = ""
        AnsibleModule.__init__(
            self, argument_spec=capability.argument_spec, supports_check_mode=True, **capability.rules
        )

    def _load_params(self) -> None:
        AnsibleModule._load_params(self)
        read = read_options(self.params, self._capability.argument_spec)
        self.params, self.refusal = read.params, read.refusal
        # before they are checked: a refusal shows them too
        self._keep_secrets()

    def _log_invocation(self) -> None:
        self._keep_secrets()
        given = self.params
        self.params = self._capability.logged(dict(given))
        try:
            AnsibleModule._log_invocation(self)
        finally:
            self.params = given

    def _return_formatted(self, kwargs: dict[str, Any]) -> None:
        shown = self._capability.logged(dict(self.params))
        AnsibleModule._return_formatted(self, {**kwargs, "invocation": {"module_args": shown}})

    def fail_json(self, msg: str, **kwargs: Any) -> NoReturn:
        AnsibleModule.fail_json(self, self.refusal or msg, **kwargs)

    def _keep_secrets(self) -> None:
        self.no_log_values.update(self._capability.secrets(dict(self.params)))


def run_module(capability: Capability[Any]) -> NoReturn:
    module = _Module(capability)
    if module.refusal:
        module.fail_json(module.refusal)
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
