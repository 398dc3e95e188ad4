# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads inventories by ansible-core's own means, many in one process, and judges their hosts.

A program of its own, as tests/unit/roles/rendering.py is one and for its reason. Reads from its standard input a list
of questions, {inventories, limit, extra, show}, and writes for each {findings, places, seconds}: `show` names options
of roles whose values `places` has for every host.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from ansible import context
from ansible.inventory.manager import InventoryManager
from ansible.module_utils.common.collections import ImmutableDict
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader
from ansible.template import Templar
from ansible.utils.vars import load_extra_vars
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager

from sandbox.settings import CHECKOUT


def answer(question: dict[str, Any]) -> dict[str, Any]:
    # after the plugin loader, which they need
    from ansible_collections.rhaii.gke.plugins.action.hosts_check import findings
    from ansible_collections.rhaii.gke.plugins.plugin_utils._given import given

    given_extra = [f"{name}={value}" for name, value in question.get("extra", {}).items()]
    context.CLIARGS = ImmutableDict(extra_vars=given_extra)
    # ansible-core reads them once in a process, and keeps them there
    vars(load_extra_vars).clear()
    loader = DataLoader()
    inventory = InventoryManager(loader, question["inventories"])
    manager = VariableManager(loader, inventory)
    hostvars = HostVars(inventory, manager, loader)
    templar = Templar(loader, {})
    variables = {
        "hostvars": hostvars,
        "ansible_inventory_sources": question["inventories"],
        "ansible_play_hosts_all": question.get("limit") or list(hostvars),
    }
    began = time.process_time()
    found = findings(variables, templar, loader)
    seconds = time.process_time() - began
    places = {}
    for host in variables["ansible_play_hosts_all"]:
        scope = {**hostvars.raw_get(host), "hostvars": hostvars}
        reader = templar.copy_with_new_env(available_variables=scope)
        places[host] = {name: given(name, reader, scope) for name in question.get("show", [])}
    return {"findings": found, "places": places, "seconds": seconds}


def main() -> None:
    init_plugin_loader([str(CHECKOUT / ".ansible" / "collections")])
    json.dump([answer(question) for question in json.load(sys.stdin)], sys.stdout)


if __name__ == "__main__":
    main()
