# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""variables_check on the controller; its documentation is the module's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._whole_files import write_whole
from ansible_collections.rhaii.gke.plugins.plugin_utils._given import without_blank_answers
from ansible_collections.rhaii.gke.plugins.plugin_utils._plain import plain
from ansible_collections.rhaii.gke.plugins.plugin_utils._secret_files import is_locked
from ansible_collections.rhaii.gke.plugins.plugin_utils._settled import settled, unsettled
from ansible_collections.rhaii.gke.plugins.plugin_utils._variable_findings import findings, misspelt


def keep(values: Mapping[str, Any], folder: Path) -> list[str]:
    """Write what is settled to settled.json, and to unsettled.json how it is read otherwise; names them."""
    for name, content in (("settled", values), ("unsettled", unsettled(values))):
        write_whole(folder / f"{name}.json", json.dumps(plain(content)), 0o600)
    return sorted(values)


class ActionModule(ActionBase):
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(None, task_vars)
        unknown_options = [name for name in self._task.args if name != "keep_in"]
        if unknown_options:
            raise AnsibleActionFail(
                f"rhaii.gke.variables_check takes keep_in alone; found {', '.join(unknown_options)}."
            )
        variables = without_blank_answers(task_vars or {})
        found = findings(variables, self._value)
        unknown = misspelt(variables)
        result: dict[str, Any] = {"changed": False, "findings": found, "unknown": unknown}
        if unknown:
            result["warnings"] = [
                f"Nothing reads {name}. Was {meant} meant? Correct the name, or take it out."
                for name, meant in unknown.items()
            ]
        if found:
            result.update(failed=True, msg="\n".join(found))
        elif self._task.args.get("keep_in"):
            result["kept"] = keep(settled(variables, self._templar.template), Path(str(self._task.args["keep_in"])))
        return result

    def _value(self, value: Any) -> Any:
        try:
            return self._templar.template(value)
        except AnsibleError as error:
            if is_locked(error):
                raise RhaiiError(
                    "is encrypted with ansible-vault, and no vault password that is given opens it.",
                    remedy="Give it (--vault-password-file or --ask-vault-pass, in AWX a vault credential).",
                ) from None
            # it may need what a later task finds out; the role that reads it says so otherwise
            return None
