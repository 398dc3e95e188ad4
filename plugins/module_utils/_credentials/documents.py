# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The objects of a file: JSON is read as JSON, all else as YAML; of lists and several documents each one counts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._credentials.text import (
    decoded,
    text_of,
    trimmed,
    visible,
)
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError

try:
    import yaml
except ImportError as error:  # ansible-core brings it; a host that only runs modules may lack it
    MISSING = str(error)
else:
    MISSING = ""

SECRET = "Secret"


def objects_of(text: str, what: str, remedy: str) -> list[Mapping[str, Any]]:
    """The objects, of which there is at least one."""
    found = [each for document in _documents(text, what, remedy) for each in _objects(document)]
    if not found:
        raise RhaiiError(f"The {what} holds no object.", remedy=remedy)
    return found


def _documents(text: str, what: str, remedy: str) -> list[Any]:
    for each in (text, visible(text)):
        with suppress(ValueError, RecursionError):
            return _stream(each)
    try:
        return list(yaml.safe_load_all(visible(text)))
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: 2026-13-01 reads as a date
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        raise RhaiiError(f"The {what} is neither YAML nor JSON{where}.", remedy=remedy) from None


def _stream(text: str) -> list[Any]:
    """JSON, one value after the other, as kubectl reads it."""
    # lines of a wrapped value are taken: a terminal breaks them so
    decoder, rest = json.JSONDecoder(strict=False), text.strip()
    found: list[Any] = []
    while rest or not found:
        value, end = decoder.raw_decode(rest)
        found.append(value)
        rest = rest[end:].lstrip()
    return found


def _objects(document: Any) -> Iterator[Mapping[str, Any]]:
    """An object, those of a list as kubectl writes it, or the one that somebody put in quotes."""
    if isinstance(document, str) and trimmed(document).startswith("{"):
        with suppress(ValueError):
            document = json.loads(trimmed(document), strict=False)
    if not isinstance(document, Mapping):
        return
    items = document.get("items")
    if str(document.get("kind") or "").endswith("List") and isinstance(items, list):
        for item in items:
            yield from _objects(item)
        return
    yield document


def values_of(secret: Mapping[str, Any], what: str, remedy: str) -> dict[str, str]:
    """A Secret's values, decoded; plain ones win, as in Kubernetes."""
    plain, encoded = secret.get("stringData") or {}, secret.get("data") or {}
    if not isinstance(plain, Mapping) or not isinstance(encoded, Mapping):
        raise RhaiiError(f"The {what}'s data holds no keys with values.", remedy=remedy)
    values = {str(key): str(value) for key, value in plain.items() if value is not None}
    for key, value in encoded.items():
        if str(key) in values:
            continue
        try:
            text = text_of(decoded("" if value is None else str(value)), what, remedy)
        except (RhaiiError, ValueError):
            raise RhaiiError(f"The {what}'s value {key} is not base64.", remedy=remedy) from None
        if value and not text:  # nothing but a mark of its encoding
            raise RhaiiError(f"The {what}'s value {key} is not base64.", remedy=remedy)
        values[str(key)] = text
    return values


__all__ = ("MISSING", "SECRET", "objects_of", "values_of")
