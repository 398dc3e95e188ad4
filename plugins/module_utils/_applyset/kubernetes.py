# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The real adapter: objects by plain REST, their paths by discovery."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from ansible_collections.rhaii.gke.plugins.module_utils._applyset.definitions import KubernetesDefinitions
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.members import GroupKind
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.objects import Json, Key
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.ports import Ports, at_once
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Params
from ansible_collections.rhaii.gke.plugins.module_utils._clock import SystemClock
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._google import RUN_DIR
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import KubernetesRest, if_there
from ansible_collections.rhaii.gke.plugins.module_utils._ownership import FIELD_MANAGER
from ansible_collections.rhaii.gke.plugins.module_utils._whole_files import write_whole


@dataclass(frozen=True)
class _Resource:
    plural: str
    namespaced: bool


class KeptKinds:
    """What an API server serves, as one task of a run found it for the others.

    A kind that is missing there is looked for anew. One that has gone since has no objects, as if it were unknown.
    """

    def __init__(self, folder: str = "", host: str = "") -> None:
        name = hashlib.sha256(host.encode()).hexdigest()[:16]
        self._file = Path(folder) / f"kinds-{name}.json" if folder else None

    def read(self) -> dict[str, dict[str, _Resource]]:
        try:
            found = json.loads(self._file.read_text(encoding="utf-8")) if self._file else {}
            return {
                version: {
                    kind: _Resource(str(plural), bool(namespaced)) for kind, (plural, namespaced) in kinds.items()
                }
                for version, kinds in found.items()
            }
        except (OSError, ValueError, TypeError, AttributeError):
            return {}

    def write(self, known: Mapping[str, Mapping[str, _Resource]]) -> None:
        if self._file is None:
            return
        content = {
            version: {kind: (each.plural, each.namespaced) for kind, each in kinds.items()}
            for version, kinds in known.items()
        }
        with suppress(OSError):  # what cannot be kept is asked for again
            write_whole(self._file, json.dumps(content), 0o600)


class KubernetesObjects:
    """Objects of any kind."""

    def __init__(self, api: KubernetesRest, kept: KeptKinds | None = None) -> None:
        self._api = api
        self._kept = kept or KeptKinds()
        self._known: dict[str, dict[str, _Resource]] = self._kept.read()

    def knows(self, key: Key) -> bool:
        return self._knows(key.api_version, key.kind)

    def _knows(self, api_version: str, kind: str) -> bool:
        if kind not in self._known.get(api_version, {}):
            self._known[api_version] = self._discover(api_version)
            self._kept.write(self._known)
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

    def delete(self, key: Key, uid: str, *, whole: bool = False) -> None:
        body = {"propagationPolicy": "Foreground" if whole else "Background", "preconditions": {"uid": uid}}
        nothing: Json = {}
        if_there(lambda: self._api.call(f"delete {key}", "DELETE", self._path(key), body=body), nothing)

    def labelled(self, kind: GroupKind, namespaces: Sequence[str], label: str) -> list[Json]:
        version = self._version_of(kind)
        if version is None or not self._knows(version, kind.kind):
            return []
        resource = self._known[version][kind.kind]
        paths = [_place(version, resource, each) for each in (namespaces if resource.namespaced else [""])]
        # what is in a list does not say what it is
        kinds = {"apiVersion": version, "kind": kind.kind}
        return [{**kinds, **item} for path in paths for item in self._list(kind, path, label)]

    def _list(self, kind: GroupKind, path: str, label: str) -> list[Json]:
        return if_there(lambda: self._api.items(f"list {kind}", path, {"labelSelector": label}), [])

    def _version_of(self, kind: GroupKind) -> str | None:
        """By which a kind is asked for: as its objects were given, else as the API server prefers it."""
        if not kind.group:
            return "v1"
        known = (version for version in self._known if version.startswith(f"{kind.group}/"))
        given = next((version for version in known if kind.kind in self._known[version]), None)
        if given:
            return given
        nothing: Json = {}
        group = if_there(
            lambda: self._api.call(f"look for the group {kind.group}", "GET", f"/apis/{kind.group}"), nothing
        )
        preferred = (group.get("preferredVersion") or {}).get("groupVersion")
        return str(preferred) if preferred else None


def _place(api_version: str, resource: _Resource, namespace: str) -> str:
    where = f"/namespaces/{quote(namespace, safe='')}" if resource.namespaced and namespace else ""
    return f"{_root(api_version)}{where}/{resource.plural}"


def _root(api_version: str) -> str:
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


def ports_of(params: Params) -> Ports:
    api = KubernetesRest.from_params(params)
    objects = KubernetesObjects(api, kept_kinds(params, api))
    return Ports(objects, SystemClock(), at_once, KubernetesDefinitions(api))


def kept_kinds(params: Params, api: KubernetesRest) -> KeptKinds:
    """Those of the run that a task belongs to; none where it belongs to none."""
    return KeptKinds(str(params.get(RUN_DIR) or ""), api.host)


__all__ = ("KeptKinds", "KubernetesObjects", "kept_kinds", "ports_of")
