# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The real adapter: objects by plain REST, their paths by discovery."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from ansible_collections.rhaii.gke.plugins.module_utils._applyset.definitions import KubernetesDefinitions
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.objects import Json, Key
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.ports import Ports, at_once
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Params
from ansible_collections.rhaii.gke.plugins.module_utils._clock import SystemClock
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import KubernetesRest, if_there
from ansible_collections.rhaii.gke.plugins.module_utils._ownership import FIELD_MANAGER


@dataclass(frozen=True)
class _Resource:
    plural: str
    namespaced: bool


class KubernetesObjects:
    """Objects of any kind."""

    def __init__(self, api: KubernetesRest) -> None:
        self._api = api
        self._known: dict[str, dict[str, _Resource]] = {}

    def knows(self, key: Key) -> bool:
        return self._knows(key.api_version, key.kind)

    def _knows(self, api_version: str, kind: str) -> bool:
        if kind not in self._known.get(api_version, {}):
            self._known[api_version] = self._discover(api_version)
        return kind in self._known[api_version]

    def _discover(self, api_version: str) -> dict[str, _Resource]:
        nothing: Json = {}
        found = if_there(
            lambda: self._api.call(f"look for the kinds of {api_version}", "GET", _root(api_version)), nothing
        )
        return {
            str(each["kind"]): _Resource(str(each["name"]), bool(each["namespaced"]))
            for each in found.get("resources") or []
            if "/" not in each["name"]
        }

    def _path(self, key: Key) -> str:
        resource = self._known[key.api_version][key.kind]
        if resource.namespaced and not key.namespace:
            raise RhaiiError(f"{key} has no namespace, and its kind needs one.", remedy="Give metadata.namespace.")
        return f"{_place(key.api_version, resource, key.namespace)}/{quote(key.name, safe='')}"

    def path_of_list(self, api_version: str, kind: str, namespace: str) -> str | None:
        """Where the objects of a kind are listed, those of all namespaces without one; None for an unknown kind."""
        if not self._knows(api_version, kind):
            return None
        return _place(api_version, self._known[api_version][kind], namespace)

    def read(self, key: Key) -> Json | None:
        if not self.knows(key):
            return None
        return if_there(lambda: self._api.call(f"read {key}", "GET", self._path(key)), None)

    def apply(self, key: Key, manifest: Json, *, force: bool, dry_run: bool) -> Json:
        query = {"fieldManager": FIELD_MANAGER, "force": str(force).lower(), "fieldValidation": "Strict"}
        if dry_run:
            query["dryRun"] = "All"
        doing = f"{'try' if dry_run else 'apply'} {key}"
        return self._api.call(doing, "PATCH", self._path(key), query=query, body=manifest, patch="apply")

    def delete(self, key: Key, uid: str) -> None:
        body = {"propagationPolicy": "Background", "preconditions": {"uid": uid}}
        nothing: Json = {}
        if_there(lambda: self._api.call(f"delete {key}", "DELETE", self._path(key), body=body), nothing)


def _place(api_version: str, resource: _Resource, namespace: str) -> str:
    where = f"/namespaces/{quote(namespace, safe='')}" if resource.namespaced and namespace else ""
    return f"{_root(api_version)}{where}/{resource.plural}"


def _root(api_version: str) -> str:
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


def ports_of(params: Params) -> Ports:
    api = KubernetesRest.from_params(params)
    return Ports(KubernetesObjects(api), SystemClock(), at_once, KubernetesDefinitions(api))


__all__ = ("KubernetesObjects", "ports_of")
