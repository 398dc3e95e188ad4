# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Registry credentials in pull secrets, and which registries they are for."""

from __future__ import annotations

import base64
import binascii
import fnmatch
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CONFIG_JSON = "kubernetes.io/dockerconfigjson"
CONFIG = "kubernetes.io/dockercfg"


@dataclass(frozen=True)
class Credential:
    """A user of one registry, or of one path in it."""

    registry: str
    """As the secret has it: a host, perhaps with scheme, wildcard labels and a path."""

    def matches(self, repository: str) -> bool:
        """Whether a kubelet would offer this credential for `repository`."""
        name = self.registry.split("://", 1)[-1].rstrip("/")
        for version in ("/v1", "/v2"):
            name = name.removesuffix(version)
        host, _, path = name.partition("/")
        if host == "index.docker.io":
            host = "docker.io"
        wanted_host, _, wanted_path = repository.partition("/")
        # a wildcard stands for one label, never for a dot
        labels, wanted_labels = host.split("."), wanted_host.split(".")
        if len(labels) != len(wanted_labels):
            return False
        if not all(fnmatch.fnmatchcase(have, want) for have, want in zip(wanted_labels, labels, strict=True)):
            return False
        return wanted_path.startswith(path)


def credentials_of(secret: Mapping[str, Any]) -> list[Credential]:
    """The usable credentials of a pull secret: entries with a user and a password."""
    data = secret.get("data") or {}
    try:
        if secret.get("type") == CONFIG_JSON:
            content = json.loads(base64.b64decode(data.get(".dockerconfigjson", "")))
            entries = content.get("auths") or {}
        elif secret.get("type") == CONFIG:
            entries = json.loads(base64.b64decode(data.get(".dockercfg", "")))
        else:
            return []
    except (ValueError, AttributeError):
        return []
    if not isinstance(entries, dict):
        return []
    return [Credential(registry) for registry, entry in entries.items() if usable(entry)]


def usable(entry: object) -> bool:
    """Whether an `auths` entry names a user and a password."""
    if not isinstance(entry, dict):
        return False
    if entry.get("username") and entry.get("password"):
        return True
    try:
        user, _, password = base64.b64decode(str(entry.get("auth") or ""), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return False
    return bool(user and password)
