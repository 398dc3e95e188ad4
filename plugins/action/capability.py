# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module of the collection in process on the controller: meta/runtime.yml routes them here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.loader import module_loader
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Capability
from ansible_collections.rhaii.gke.plugins.module_utils._credentials.files import DECRYPT
from ansible_collections.rhaii.gke.plugins.module_utils._google import RUN_DIR
from ansible_collections.rhaii.gke.plugins.plugin_utils._edge import CapabilityAction, own_folder
from ansible_collections.rhaii.gke.plugins.plugin_utils._plain import plain
from ansible_collections.rhaii.gke.plugins.plugin_utils._secret_files import decrypting


class ActionModule(CapabilityAction):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.capability = capability_of(self._task)

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        folder = folder_of(task_vars or {})
        if folder:
            self.capability = in_run(self.capability, plain(folder))
        self.capability = with_vault(self.capability, self._loader)
        return super().run(tmp, task_vars)


def folder_of(task_vars: Mapping[str, Any]) -> str:
    """The run's own: that of the journal, which its first task begins; a role alone has one later."""
    folder = own_folder(task_vars) or task_vars.get("cluster_run_dir")
    return folder if isinstance(folder, str) else ""


def in_run(capability: Capability[Any], folder: str) -> Capability[Any]:
    """With adapters that share what the run keeps in its own folder."""
    return replace(capability, ports=lambda params: capability.ports({**params, RUN_DIR: folder}))


def with_vault(capability: Capability[Any], loader: Any) -> Capability[Any]:
    """With adapters that read files of ansible-vault, by the passwords that the run was given."""
    return replace(capability, ports=lambda params: capability.ports({**params, DECRYPT: decrypting(loader)}))


def capability_of(task: Any) -> Capability[Any]:
    """That of the module which the task names, by its full name or by a short one with `collections`."""
    found = module_loader.find_plugin_with_context(task.action, collection_list=task.collections)
    name = str(found.resolved_fqcn).rpartition(".")[2]
    capability = getattr(import_module(f"ansible_collections.rhaii.gke.plugins.modules.{name}"), "CAPABILITY", None)
    if not isinstance(capability, Capability):
        raise AnsibleActionFail(
            f"{task.action} is how the modules of this collection run, and no task by itself; name one of them, as in "
            "rhaii.gke.objects_info."
        )
    return capability
