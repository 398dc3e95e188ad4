# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection.
"""The action edge: the capability in process when the connection is local, the module of the same name where not."""

from __future__ import annotations

import gc
import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.errors import UnsupportedError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.rhaii.gke.plugins.module_utils._capability import (
    Capability,
    Progress,
    execute,
    silent,
)
from ansible_collections.rhaii.gke.plugins.module_utils._option_values import read_options
from ansible_collections.rhaii.gke.plugins.module_utils._runs.files import own_ports
from ansible_collections.rhaii.gke.plugins.module_utils._runs.journal import Journal
from ansible_collections.rhaii.gke.plugins.plugin_utils._plain import plain
from ansible_collections.rhaii.gke.plugins.plugin_utils._preload import preload
from ansible_collections.rhaii.gke.plugins.plugin_utils._progress import callback, is_for_people, is_wanted
from ansible_collections.rhaii.gke.plugins.plugin_utils._task_environment import merged, refusal

display = Display()
preload()


def note_stage(task_vars: Mapping[str, Any]) -> None:
    """That the stage begins which the task's variables name, when it is the first one of ours in it."""
    stage = task_vars.get("cluster_stage")
    with suppress(OSError):  # what cannot be noted fails no task
        if stage and (journal := _journal(task_vars)):
            journal.enter(str(stage))


def note_change(task_vars: Mapping[str, Any]) -> None:
    """That something is no longer as it was when all was proven."""
    with suppress(OSError):
        if journal := _journal(task_vars):
            journal.change(unproven=True)


def _journal(task_vars: Mapping[str, Any]) -> Journal | None:
    """Of the run that `run_stage` began; none in a playbook that begins no run."""
    folder = own_folder(task_vars)
    return Journal(folder, own_ports()) if folder else None


def _refused(checked: Any, name: str) -> str:
    """What AnsibleModule says, so that both edges refuse in the same words; empty where the options are right."""
    if not checked.error_messages:
        return ""
    said = str(checked.errors.msg)
    if isinstance(checked.errors[0], UnsupportedError):
        return f"Unsupported parameters for (rhaii.gke.{name}) module: {said}"
    return said


def own_folder(task_vars: Mapping[str, Any]) -> str:
    """Where the run that `run_stage` began keeps its journal."""
    run = task_vars.get("cluster_run")
    return str(run.get("own_folder") or "") if isinstance(run, Mapping) else ""


class CapabilityAction(ActionBase):
    """Subclasses name their capability and nothing else."""

    capability: Capability[Any]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # An action plugin is imported before the fork. Else the collector of each fork would go through all that is
        # loaded by then, and so copy its pages: more work than most tasks are.
        gc.freeze()

    _supports_check_mode = True
    _supports_async = True  # refused below, with a sentence that says why

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(None, task_vars)
        name = self.capability.name
        if self._task.async_val:
            raise AnsibleActionFail(
                f"rhaii.gke.{name} runs on the controller and cannot be asynchronous; remove async and poll from the "
                "task (where there is an option wait, wait: false starts the work without awaiting it)."
            )
        if getattr(self._connection, "become", None) is not None:
            raise AnsibleActionFail(
                f"rhaii.gke.{name} runs as the user of ansible-playbook and cannot become another one; "
                "set become: false on the task."
            )
        is_local = getattr(self._connection, "transport", "") == "local"
        if is_local and (reason := self._environment_refused()):
            raise AnsibleActionFail(reason)
        note_stage(task_vars or {})
        if not is_local:
            result: dict[str, Any] = self._execute_module(
                module_name=f"rhaii.gke.{name}", module_args=dict(self._task.args), task_vars=task_vars
            )
        else:
            result = self._in_process(str((task_vars or {}).get("inventory_hostname", "localhost")))
        # a look that is made by check mode changes nothing; a task may stand for one before it that is none of ours
        changed = result.get("changed") or (task_vars or {}).get("cluster_changes")
        if changed and not self._task.check_mode:
            note_change(task_vars or {})
        return result

    def _environment_refused(self) -> str:
        # what the play and its blocks say is in it, and its templates are values by now
        environment = merged(plain(getattr(self._task, "environment", None)))
        capability = self.capability
        return refusal(capability.name, capability.argument_spec, self._task.args, environment, os.environ)

    def _progress(self, host: str, secrets: set[str]) -> Progress:
        if getattr(self._task, "no_log", False) or not is_wanted():
            return silent
        # asked for only where it is so: a program's callback has the standard output to itself
        aside = {} if is_for_people(callback()) else {"stderr": True}

        def progress(message: str) -> None:
            display.display(f"[{host}] {remove_values(message, secrets)}", **aside)

        return progress

    def _in_process(self, host: str) -> dict[str, Any]:
        capability = self.capability
        read = read_options(plain(self._task.args), capability.argument_spec)
        given = read.params
        checked = ArgumentSpecValidator(capability.argument_spec, **capability.rules).validate(given)
        # the one place where ansible-core keeps them; a refusal may show what was given
        secrets = {*checked._no_log_values, *capability.secrets(given)}
        if sentence := read.refusal or _refused(checked, capability.name):
            refused: dict[str, Any] = remove_values({"failed": True, "changed": False, "msg": sentence}, secrets)
            return refused

        params = plain(checked.validated_parameters)
        secrets = {*secrets, *capability.secrets(params)}

        result = execute(
            capability,
            params,
            self._progress(host, secrets),
            check_mode=bool(self._task.check_mode),
            diff_mode=bool(self._task.diff),
        )
        public: dict[str, Any] = remove_values(result, secrets)
        return public


__all__ = ("CapabilityAction", "note_change", "note_stage", "own_folder")
