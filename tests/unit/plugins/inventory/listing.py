# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads files of the inventory plugin as ansible-core's manager does, many in one process.

A program of its own, as tests/unit/roles/rendering.py is one and for its reason. Reads from its standard input a list
of {file, refresh}, and writes for each {hosts, groups, warnings} or {error}.
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from typing import Any

from ansible.errors import AnsibleError
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader, inventory_loader

from sandbox.settings import CHECKOUT


def answer(question: dict[str, Any]) -> dict[str, Any]:
    data = InventoryData()
    plugin: Any = inventory_loader.get("rhaii.gke.gke_clusters")
    warnings: list[str] = []
    plugin.display.warning = warnings.append
    if not plugin.verify_file(question["file"]):
        return {"error": "declined"}
    try:
        plugin.parse(data, DataLoader(), question["file"], cache=not question.get("refresh"))
    except AnsibleError as error:
        return {"error": str(error)}
    # as ansible-core's manager does: without a cache there is none to write
    with suppress(AttributeError):
        plugin.update_cache_if_changed()
    data.reconcile_inventory()
    return {
        "hosts": {name: host.get_vars() for name, host in data.hosts.items()},
        "groups": {name: sorted(host.name for host in group.get_hosts()) for name, group in data.groups.items()},
        "warnings": warnings,
    }


def main() -> None:
    init_plugin_loader([str(CHECKOUT / ".ansible" / "collections")])
    json.dump([answer(question) for question in json.load(sys.stdin)], sys.stdout)


if __name__ == "__main__":
    main()
