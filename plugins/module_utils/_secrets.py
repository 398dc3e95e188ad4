# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The files that people hold their secrets in, as the guide makes them or as the registries give them out.

No message here repeats what a file contains.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError

try:
    import yaml
except ImportError as error:  # ansible-core brings it; a host that only runs modules may lack it
    MISSING = str(error)
else:
    MISSING = ""

DOCKER_KEY = ".dockerconfigjson"
REGISTRY = "registry.redhat.io"

_PULL_REMEDY = (
    "Give a Secret of the type kubernetes.io/dockerconfigjson as YAML, or the JSON file itself, as downloaded from "
    "https://console.redhat.com/openshift/install/pull-secret (rhaii_pull_secret_file)."
)
_TOKEN_REMEDY = "Give a file with nothing but the token, or a Secret with one value as YAML (rhaii_hf_token_file)."


def docker_config(content: str, registry: str = REGISTRY) -> str:
    """The registry credentials as canonical JSON; refused when `registry` is not among them."""
    document = _document(content, "pull secret", _PULL_REMEDY)
    if document.get("kind") == "Secret":
        values = _values(document, "pull secret", _PULL_REMEDY)
        if DOCKER_KEY not in values:
            raise RhaiiError(f"The pull secret is a Secret without the key {DOCKER_KEY}.", remedy=_PULL_REMEDY)
        document = _json(values[DOCKER_KEY])
    auths = document.get("auths")
    if not isinstance(auths, Mapping) or not auths:
        raise RhaiiError("The pull secret has no registries (no entry auths).", remedy=_PULL_REMEDY)
    if registry and registry not in auths:
        raise RhaiiError(
            f"The pull secret has no entry for {registry}; it has {', '.join(sorted(map(str, auths)))}.",
            remedy=_PULL_REMEDY,
        )
    for name, entry in auths.items():
        if not isinstance(entry, Mapping) or not _is_login(entry):
            raise RhaiiError(
                f"The pull secret's entry for {name} is no login: it needs auth (base64 of user:password), or username "
                "and password.",
                remedy=_PULL_REMEDY,
            )
    return json.dumps(document, sort_keys=True)


def hub_token(content: str) -> str:
    """The token in a token file."""
    text = content.strip()
    if "\n" in text or text.startswith("{"):
        values = list(_values(_document(content, "token file", _TOKEN_REMEDY), "token file", _TOKEN_REMEDY).values())
        if len(values) != 1:
            raise RhaiiError(f"The token file is a Secret with {len(values)} values.", remedy=_TOKEN_REMEDY)
        text = values[0].strip()
    if not text:
        raise RhaiiError("The token file is empty.", remedy=_TOKEN_REMEDY)
    if any(char.isspace() for char in text):
        raise RhaiiError("The token in the token file has a blank in it.", remedy=_TOKEN_REMEDY)
    return text


def _document(content: str, what: str, remedy: str) -> Mapping[str, Any]:
    if MISSING:
        raise RhaiiError(
            f"A Python library is missing where this task runs ({MISSING}).",
            remedy="Install it there: pip install PyYAML",
        )
    try:
        document = yaml.safe_load(content)  # JSON is YAML
    except (yaml.YAMLError, ValueError) as error:  # ValueError: 2026-13-01 reads as a date
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        raise RhaiiError(f"The {what} is neither YAML nor JSON{where}.", remedy=remedy) from None
    if not isinstance(document, Mapping):
        raise RhaiiError(f"The {what} holds no object.", remedy=remedy)
    return document


def _values(secret: Mapping[str, Any], what: str, remedy: str) -> dict[str, str]:
    """A Secret's values, decoded."""
    plain, encoded = secret.get("stringData") or {}, secret.get("data") or {}
    if not isinstance(plain, Mapping) or not isinstance(encoded, Mapping):
        raise RhaiiError(f"The {what}'s data holds no keys with values.", remedy=remedy)
    values = {str(key): str(value) for key, value in plain.items()}
    for key, value in encoded.items():
        try:
            values.setdefault(str(key), _decoded(value).decode("utf-8"))
        except ValueError:
            raise RhaiiError(f"The {what}'s value {key} is not base64.", remedy=remedy) from None
    return values


def _decoded(value: Any) -> bytes:
    """Base64; line breaks in it are no mistake, as for Kubernetes."""
    return base64.b64decode("".join(str(value).split()), validate=True)


def _json(text: str) -> Mapping[str, Any]:
    try:
        document = json.loads(text)
    except ValueError:
        raise RhaiiError(f"The pull secret's value {DOCKER_KEY} is not JSON.", remedy=_PULL_REMEDY) from None
    if not isinstance(document, Mapping):
        raise RhaiiError(f"The pull secret's value {DOCKER_KEY} holds no object.", remedy=_PULL_REMEDY)
    return document


def _is_login(entry: Mapping[str, Any]) -> bool:
    if entry.get("username") and entry.get("password"):
        return True
    try:
        return b":" in _decoded(entry.get("auth") or "")
    except ValueError:
        return False


__all__ = ("DOCKER_KEY", "REGISTRY", "docker_config", "hub_token")
