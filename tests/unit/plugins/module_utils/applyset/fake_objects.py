# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Objects as an API server keeps them, in memory: who set what, conflicts, unique ids, dry runs."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._applyset.members import GroupKind
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.objects import Json, Key, key_of
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import KubernetesError
from ansible_collections.rhaii.gke.plugins.module_utils._ownership import CREATED, FIELD_MANAGER, OF_ENVIRONMENT

ENVIRONMENT = "prod"
OURS = ({OF_ENVIRONMENT: ENVIRONMENT}, {CREATED: "true"})
Path = tuple[str, ...]
_UNSET: Path = ("apiVersion", "kind", "metadata.name", "metadata.namespace", "metadata.uid")


def manifest(kind: str = "ConfigMap", name: str = "one", namespace: str = "ns", **more: Any) -> Json:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    body: Json = {"data": {"key": "value"}} if kind in ("ConfigMap", "Secret") else {}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, **body, **more}


def leaves(body: Mapping[str, Any], above: Path = ()) -> Iterator[tuple[Path, Any]]:
    for key, value in body.items():
        path = (*above, str(key))
        if isinstance(value, Mapping) and value:
            yield from leaves(value, path)
        elif ".".join(path) not in _UNSET and path[:2] not in (("metadata", "ownerReferences"),):
            yield path, value


def fields_of(paths: Iterator[Path] | set[Path]) -> Json:
    found: Json = {}
    for path in sorted(paths):
        inner = found
        for part in path:
            inner = inner.setdefault(f"f:{part}", {})
    return found


class FakeObjects:
    """The port `Objects`."""

    def __init__(self) -> None:
        self.live: dict[Key, Json] = {}
        self.set_by: dict[Key, dict[str, set[Path]]] = {}
        self.unknown: set[str] = set()
        self.calls: list[tuple[str, Key]] = []
        # raised by the next real or dry applies, in order
        self.errors: list[KubernetesError] = []
        self.dry: list[bool] = []
        # fields that no kind has, named one at a time
        self.undeclared: set[str] = set()
        # called before an object is applied
        self.meanwhile: Callable[[Key], None] = lambda key: None
        self.holding: set[Key] = set()
        self._uids = 0

    def put(self, body: Json, manager: str = "kubectl-create", **metadata: Any) -> Key:
        """What somebody made, who set all of it."""
        key = key_of(body, "it")
        self._uids += 1
        made = copy.deepcopy(body)
        made["metadata"] |= {"uid": f"uid-{self._uids}", "resourceVersion": "1", **metadata}
        self.live[key] = made
        self.set_by[key] = {manager: {path for path, _value in leaves(body)}}
        return key

    def put_ours(self, body: Json, annotations: Mapping[str, str] | None = None, **metadata: Any) -> Key:
        marked = copy.deepcopy(body)
        marked["metadata"]["labels"] = dict(OURS[0])
        marked["metadata"]["annotations"] = {**OURS[1], **(annotations or {})}
        return self.put(marked, FIELD_MANAGER, **metadata)

    def edit(self, key: Key, path: Path, value: Any, manager: str = "kubectl-edit") -> None:
        """Somebody updates a field, which is theirs from now on."""
        inner = self.live[key]
        for part in path[:-1]:
            inner = inner.setdefault(part, {})
        inner[path[-1]] = value
        for paths in self.set_by[key].values():
            paths.discard(path)
        self.set_by[key].setdefault(manager, set()).add(path)

    def knows(self, key: Key) -> bool:
        return key.kind not in self.unknown

    def read(self, key: Key) -> Json | None:
        self.calls.append(("read", key))
        if key not in self.live or not self.knows(key):
            return None
        found = copy.deepcopy(self.live[key])
        found["metadata"]["managedFields"] = [
            {"manager": manager, "fieldsV1": fields_of(paths)} for manager, paths in self.set_by[key].items()
        ]
        return found

    def apply(self, key: Key, manifest: Json, *, force: bool, dry_run: bool) -> Json:
        self.calls.append(("try" if dry_run else "force" if force else "apply", key))
        if self.errors:
            raise self.errors.pop(0)
        self.meanwhile(key)
        uid = manifest["metadata"].get("uid")
        if uid and (key not in self.live or self.live[key]["metadata"]["uid"] != uid):
            raise KubernetesError(f"apply {key}", 409, "Conflict", "uid mismatch")
        for path, _value in leaves(manifest):
            named = "." + ".".join(path)
            if any(named == field or named.startswith(f"{field}.") for field in self.undeclared):
                field = next(field for field in sorted(self.undeclared) if named.startswith(field))
                prefix = "failed to create typed patch object (ns/one; v1, Kind=ConfigMap)"
                raise KubernetesError(f"apply {key}", 500, "", f"{prefix}: {field}: field not declared in schema")
        before = copy.deepcopy((self.live, self.set_by))
        self._check(key, manifest, force)
        answer = self._merge(key, manifest)
        if dry_run:
            self.live, self.set_by = before
        return answer

    def _check(self, key: Key, manifest: Json, force: bool) -> None:
        now = dict(leaves(self.live.get(key, {})))
        causes = []
        for manager, paths in self.set_by.get(key, {}).items():
            if manager == FIELD_MANAGER:
                continue
            for path, value in leaves(manifest):
                if path in paths and now.get(path) != value:
                    if force:
                        paths.discard(path)
                    else:
                        message = f'conflict with "{manager}" using v1'
                        field = "." + ".".join(path)
                        causes.append({"reason": "FieldManagerConflict", "message": message, "field": field})
        if causes:
            raise KubernetesError(f"apply {key}", 409, "Conflict", "Apply failed", causes=causes)

    def _merge(self, key: Key, manifest: Json) -> Json:
        if key not in self.live:
            self.put({**manifest, "metadata": dict(manifest["metadata"])}, FIELD_MANAGER)
            for part in ("labels", "annotations"):
                self.live[key]["metadata"].setdefault(part, {})
        live = self.live[key]
        before = copy.deepcopy(live)
        paths = {path for path, _value in leaves(manifest)}
        for path, value in leaves(manifest):
            inner = live
            for part in path[:-1]:
                inner = inner.setdefault(part, {})
            inner[path[-1]] = value
        self.set_by[key][FIELD_MANAGER] = paths
        if live != before:
            live["metadata"]["resourceVersion"] = str(int(live["metadata"]["resourceVersion"]) + 1)
        found = self.read(key)
        self.calls.pop()
        assert found is not None
        return found

    def delete(self, key: Key, uid: str, *, whole: bool = False) -> None:
        self.calls.append(("delete whole" if whole else "delete", key))
        assert self.live[key]["metadata"]["uid"] == uid
        if key not in self.holding:
            del self.live[key]

    def labelled(self, kind: GroupKind, namespaces: Sequence[str], label: str) -> list[Json]:
        name, _equals, value = label.partition("=")
        keys = [key for key in self.live if GroupKind.of_key(key) == kind and key.namespace in (*namespaces, "")]
        found = [
            body for key in keys if (body := self.read(key)) and body["metadata"].get("labels", {}).get(name) == value
        ]
        del self.calls[len(self.calls) - len(keys) :]
        self.calls += [("list", Key("", str(kind), "", namespace)) for namespace in namespaces]
        return found

    def done(self, *verbs: str) -> list[str]:
        """Names of the objects to which it came, in order."""
        return [str(key) for verb, key in self.calls if verb in verbs]


__all__ = ("ENVIRONMENT", "FakeObjects", "manifest")
