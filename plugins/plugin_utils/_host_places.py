# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection.
"""Which cluster each host means, read from the inventories of a run without asking anybody."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager
from ansible.vars.manager import VariableManager
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._hosts_apart import PARTS, Place, Value, clashes, mixture
from ansible_collections.rhaii.gke.plugins.plugin_utils._given import given
from ansible_collections.rhaii.gke.plugins.plugin_utils._role_options import option
from ansible_collections.rhaii.gke.plugins.plugin_utils._variables import is_given

# The role's option for each part of a place.
OPTIONS = {
    "project": "cluster_project",
    "location": "cluster_location",
    "cluster": "cluster_gke_name",
    "environment": "cluster_environment",
}
ENDPOINTS = "cluster_google_endpoints"
NAMES = frozenset(OPTIONS.values()) | {variable for _words, variable in PARTS.values()}


def findings(variables: Mapping[str, Any], templar: Any, loader: Any) -> list[str]:
    """Hosts that mean the same cluster, and hosts of the play that another inventory moves."""
    hostvars = variables["hostvars"]
    sources = [str(source) for source in variables.get("ansible_inventory_sources") or []]
    in_play = list(variables.get("ansible_play_hosts_all") or [])
    reader = _Reader(templar, hostvars)
    # what the command line says is said to the play's hosts alone, but the others' variables have it too
    extra = getattr(getattr(hostvars, "_variable_manager", None), "extra_vars", {})
    compared = in_play if any(is_given(extra.get(name)) for name in NAMES) else list(hostvars)
    places = {}
    for host in compared:
        scope = hostvars.raw_get(host)
        # a host that is none of ours says nothing of a cluster
        if host in in_play or any(is_given(scope.get(name)) for name in NAMES):
            places[host] = reader.place(host, scope)
    found = clashes(places.values(), in_play)
    return found or _mixtures(places, in_play, sources, reader, loader)


class _Reader:
    def __init__(self, templar: Any, hostvars: Any) -> None:
        self._templar = templar
        self._hostvars = hostvars

    def place(self, host: str, variables: Mapping[str, Any]) -> Place:
        scope = {**variables, "hostvars": self._hostvars}
        templar = self._templar.copy_with_new_env(available_variables=scope)
        values = {part: self._value(name, scope, templar) for part, name in OPTIONS.items()}
        cloud = self._read(ENDPOINTS, scope, templar)
        return Place(host, **values, cloud=str((cloud or {}).get("container") or ""))

    def _value(self, name: str, scope: Mapping[str, Any], templar: Any) -> Value:
        return Value(str(self._read(name, scope, templar) or "").strip(), source_of(name, scope))

    @staticmethod
    def _read(name: str, scope: Mapping[str, Any], templar: Any) -> Any:
        try:
            return given(name, templar, scope)
        except (AnsibleError, RhaiiError):
            # the check of the variables says so, or the role that reads it
            return None


def source_of(name: str, scope: Mapping[str, Any]) -> str:
    """The variable that gives the option its value, and the file and line where that is known."""
    found = option(name)
    if found is None:
        return ""
    own = scope.get(name, found.default)
    if own != found.default and is_given(own):
        return f"{name}{_at(own)}"
    wide = scope.get(found.collection_wide)
    if is_given(wide):
        return f"{found.collection_wide}{_at(wide)}"
    return "the host's name" if found.is_host_name else "default"


def _at(value: Any) -> str:
    """Where a value is written, as ansible-core notes it for its own messages; it need not be known."""
    try:
        # since 2.19: lib/ansible/_internal/_datatag/_tags.py, Origin
        origin = import_module("ansible._internal._datatag._tags").Origin.get_tag(value)
    except ImportError:
        # before: (file, line, column), lib/ansible/parsing/yaml/objects.py
        path, line, _column = getattr(value, "ansible_pos", None) or ("", 0, 0)
        return f" ({_near(path)}:{line})" if path else ""
    if origin is None:
        return ""
    if not origin.path:
        return f" ({origin.description})" if origin.description else ""
    return f" ({_near(origin.path)}{f':{origin.line_num}' if origin.line_num else ''})"


def _near(path: str) -> str:
    here = Path.cwd()
    found = Path(path)
    return str(found.relative_to(here)) if found.is_relative_to(here) else path


def _mixtures(
    places: Mapping[str, Place], in_play: Iterable[str], sources: Sequence[str], reader: _Reader, loader: Any
) -> list[str]:
    """What each inventory says of its own hosts when it is read alone, against what it says beside the others."""
    if len(sources) < 2:
        return []
    readable = [source for source in sources if not is_dynamic(source)]
    hosts_by_source = {source: set(InventoryManager(loader, [source]).hosts) for source in readable}
    # what has no hosts is for all, as a folder of common variables
    common = [source for source in readable if not hosts_by_source[source]]
    found = []
    for source in readable:
        hosts = [host for host in in_play if host in hosts_by_source[source]]
        if not hosts:
            continue
        inventory = InventoryManager(loader, [each for each in sources if each == source or each in common])
        manager = VariableManager(loader, inventory)
        for host in hosts:
            scope = manager.get_vars(host=inventory.get_host(host), include_hostvars=False)
            found.append(mixture(reader.place(host, scope), places[host], _near(source)))
    return [sentence for sentence in found if sentence]


def is_dynamic(source: str) -> bool:
    """Whether to read it once more would start a program or ask somebody."""
    path = Path(source)
    if path.is_dir():
        return any(
            is_dynamic(str(each))
            for each in sorted(path.iterdir())
            if not each.name.startswith(".") and each.name not in ("group_vars", "host_vars")
        )
    if not path.is_file():
        return False
    if path.stat().st_mode & 0o111:
        return True
    text = path.read_text(encoding="utf-8", errors="replace")
    return path.suffix in (".yml", ".yaml", ".json") and bool(re.search(r"^plugin\s*:", text, re.MULTILINE))


__all__ = ("findings", "is_dynamic", "source_of")
