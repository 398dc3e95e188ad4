# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""Objects as they are given, as they are marked ours, as they are ordered and as they are shown."""

from __future__ import annotations

import base64
import binascii
import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._ownership import CREATED, FIELD_MANAGER, OF_ENVIRONMENT

Json = dict[str, Any]

# What others need comes first; kinds that are not named come between the two lists.
_FIRST = ("Namespace", "CustomResourceDefinition", "ServiceAccount", "Secret", "ConfigMap", "Role", "ClusterRole")
_LAST = ("Gateway", "HTTPRoute", "EnvoyFilter", "LLMInferenceService")
# Of an object's metadata, what the API server keeps for itself.
_KEPT_BY_SERVER = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink")
_SECRET_PARTS = ("data", "stringData")
# Shorter values are words that may stand anywhere.
_SECRET_LENGTH = 8


@dataclass(frozen=True)
class Key:
    """Which object."""

    api_version: str
    kind: str
    name: str
    namespace: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace + '/' if self.namespace else ''}{self.name}"

    def public(self) -> Json:
        return {
            "api_version": self.api_version,
            "kind": self.kind,
            "name": self.name,
            "namespace": self.namespace,
        }


def key_of(manifest: Any, place: str) -> Key:
    """The key of a manifest; `place` says in an error where it was given."""
    metadata = manifest.get("metadata") if isinstance(manifest, Mapping) else None
    found = {
        "apiVersion": manifest.get("apiVersion") if isinstance(manifest, Mapping) else None,
        "kind": manifest.get("kind") if isinstance(manifest, Mapping) else None,
        "metadata.name": metadata.get("name") if isinstance(metadata, Mapping) else None,
    }
    missing = [name for name, value in found.items() if not value]
    if missing:
        raise RhaiiError(f"{place} has no {' and no '.join(missing)}.", remedy="Give a whole Kubernetes object.")
    namespace = str((metadata or {}).get("namespace") or "")
    return Key(str(found["apiVersion"]), str(found["kind"]), str(found["metadata.name"]), namespace)


# Options that say which object is meant, without what it holds.
REFERENCE: dict[str, dict[str, Any]] = {
    "api_version": {"type": "str", "required": True},
    "kind": {"type": "str", "required": True},
    "name": {"type": "str", "required": True},
    "namespace": {"type": "str", "default": ""},
}


def key_of_reference(given: Mapping[str, Any]) -> Key:
    """The key of an object that is given by these options."""
    metadata = {"name": given["name"], "namespace": given["namespace"]}
    return key_of(
        {"apiVersion": given["api_version"], "kind": given["kind"], "metadata": metadata}, "An entry of objects"
    )


def keyed(manifests: Sequence[Any], option: str = "objects") -> list[tuple[Key, Json]]:
    """Each manifest with its key, in the order in which they are applied; each object once."""
    found: dict[Key, Json] = {}
    for number, manifest in enumerate(manifests, 1):
        key = key_of(manifest, f"Entry {number} of {option}")
        if key in found:
            raise RhaiiError(f"{key} is given twice in {option}.", remedy="Give each object once.")
        found[key] = dict(manifest)
    return [(key, found[key]) for key in by_rank(found)]


def by_rank(keys: Iterable[Key]) -> list[Key]:
    """In the order in which they are applied."""
    return sorted(keys, key=lambda key: _rank(key.kind))


def _rank(kind: str) -> int:
    if kind in _FIRST:
        return _FIRST.index(kind)
    return len(_FIRST) + (_LAST.index(kind) + 1 if kind in _LAST else 0)


def marked(manifest: Json, environment: str) -> Json:
    """The manifest as we apply it: with the marks that make it ours."""
    found = copy.deepcopy(manifest)
    metadata = found["metadata"]
    metadata["labels"] = {**(metadata.get("labels") or {}), OF_ENVIRONMENT: environment}
    metadata["annotations"] = {**(metadata.get("annotations") or {}), CREATED: "true"}
    return found


def bare(live: Json | None) -> Json:
    """An object without its status and without what the API server keeps for itself."""
    if live is None:
        return {}
    found = {key: value for key, value in live.items() if key != "status"}
    found["metadata"] = {
        key: value for key, value in (live.get("metadata") or {}).items() if key not in _KEPT_BY_SERVER
    }
    return found


def set_by_us(live: Json | None) -> list[Any]:
    """The fields of an object that are recorded as ours: an apply may change that alone."""
    return [
        entry.get("fieldsV1")
        for entry in ((live or {}).get("metadata") or {}).get("managedFields") or []
        if entry.get("manager") == FIELD_MANAGER and not entry.get("subresource")
    ]


def shown(before: Json, after: Json) -> tuple[Json, Json]:
    """Both as a screen may have them: of the data of a Secret only which keys there are, and which changed."""
    if not (is_secret(before) or is_secret(after)):
        return before, after
    return _hidden(before, {}, "hidden"), _hidden(after, before, "hidden, another value")


def _hidden(secret: Json, other: Json, word: str) -> Json:
    found = dict(secret)
    for part in _SECRET_PARTS:
        if isinstance(secret.get(part), Mapping):
            beside = other.get(part) or {}
            found[part] = {
                key: f"({word})" if key in beside and beside[key] != value else "(hidden)"
                for key, value in secret[part].items()
            }
        elif secret.get(part):
            found[part] = "(hidden)"
    annotations = (secret.get("metadata") or {}).get("annotations") or {}
    # kubectl keeps the whole object there
    if any(key.endswith("last-applied-configuration") for key in annotations):
        metadata = dict(secret["metadata"])
        metadata["annotations"] = {
            key: "(hidden)" if key.endswith("last-applied-configuration") else value
            for key, value in annotations.items()
        }
        found["metadata"] = metadata
    return found


def logged(manifests: Any) -> Any:
    """Objects as they were given, as a log may have them: nothing of a Secret, nor of what is no object."""
    if not isinstance(manifests, Sequence) or isinstance(manifests, str):
        return "(hidden)"
    return [_logged(each) if isinstance(each, Mapping) else "(hidden)" for each in manifests]


def _logged(given: Any) -> Any:
    if isinstance(given, Mapping):
        inner = {key: _logged(value) for key, value in given.items()}
        return _hidden(inner, {}, "hidden") if is_secret(given) else inner
    return [_logged(each) for each in given] if isinstance(given, list) else given


def secret_values(given: Any) -> set[str]:
    """All that the Secrets among what is given hold, encoded and decoded."""
    found: set[str] = set()
    for value in _held(given):
        found |= {value, value.strip(), _decoded(value), base64.b64encode(value.encode()).decode()}
    return {value for value in found if len(value) >= _SECRET_LENGTH}


def _held(given: Any) -> Iterator[str]:
    for part in _parts(given):
        yield from _leaves(part)


def _parts(given: Any) -> Iterator[Any]:
    """The data of Secrets, wherever they stand: a list of objects is one too."""
    if isinstance(given, Mapping):
        if is_secret(given):
            yield from (given.get(part) for part in _SECRET_PARTS)
        else:
            yield from (part for each in given.values() for part in _parts(each))
    elif isinstance(given, list):
        yield from (part for each in given for part in _parts(each))


def _leaves(given: Any) -> Iterator[str]:
    if isinstance(given, Mapping | list):
        yield from (
            leaf for each in (given.values() if isinstance(given, Mapping) else given) for leaf in _leaves(each)
        )
    elif given is not None:
        yield str(given)


def is_secret(given: Mapping[str, Any]) -> bool:
    # the API server knows one spelling, check mode may meet another
    return str(given.get("kind")).lower() == "secret"


def _decoded(value: str) -> str:
    try:
        return base64.b64decode("".join(value.split()), validate=True).decode("utf-8").strip()
    except (binascii.Error, ValueError):
        return ""


__all__ = (
    "REFERENCE",
    "Json",
    "Key",
    "bare",
    "by_rank",
    "is_secret",
    "key_of",
    "key_of_reference",
    "keyed",
    "logged",
    "marked",
    "secret_values",
    "set_by_us",
    "shown",
)
