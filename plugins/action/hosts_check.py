# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""hosts_check on the controller; its documentation is the module's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase


def is_alone(variables: Mapping[str, Any]) -> bool:
    """One host of one inventory can clash with nothing."""
    return len(variables["hostvars"]) < 2 and len(variables.get("ansible_inventory_sources") or []) < 2


def findings(variables: Mapping[str, Any], templar: Any, loader: Any) -> list[str]:
    if is_alone(variables):
        return []
    # most runs have one host, and need none of what is read here
    from ansible_collections.rhaii.gke.plugins.plugin_utils import _host_places

    return _host_places.findings(variables, templar, loader)


class ActionModule(ActionBase):
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(None, task_vars)
        if self._task.args:
            raise AnsibleActionFail(f"rhaii.gke.hosts_check takes no option; found {', '.join(self._task.args)}.")
        found = findings(task_vars or {}, self._templar, self._loader)
        result: dict[str, Any] = {"changed": False, "findings": found}
        if found:
            result.update(failed=True, msg="\n".join(found))
        return result
