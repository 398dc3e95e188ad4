# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The secrets that Envoy's TLS contexts name: certificates in files of the container.

A secret whose file is not there stays empty, and Envoy then refuses every connection that needs it: that is what a
gateway without the CA mount shows.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sandbox.images.proxyv2.place import Place
from sandbox.images.proxyv2.translation import response

ROOT_PREFIX = "file-root:"
PAIR_PREFIX = "file-cert:"
TYPE = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"


def secret_files(names: Iterable[str], place: Place) -> dict[Path, str]:
    """The discovery file of each secret, by its path."""
    return {place.file("sds", name): response(_resources(name, place)) for name in sorted(names)}


def missing(names: Iterable[str], place: Place) -> list[str]:
    """The secrets that cannot be read now."""
    return [name for name in sorted(names) if not _resources(name, place)]


def _resources(name: str, place: Place) -> list[dict[str, Any]]:
    content: dict[str, Any] = {}
    if name.startswith(ROOT_PREFIX):
        trusted = _read(place, name.removeprefix(ROOT_PREFIX))
        content = {"validation_context": {"trusted_ca": {"inline_string": trusted}}} if trusted else {}
    elif name.startswith(PAIR_PREFIX):
        certificate, key = (_read(place, path) for path in name.removeprefix(PAIR_PREFIX).split("~", 1))
        if certificate and key:
            content = {
                "tls_certificate": {
                    "certificate_chain": {"inline_string": certificate},
                    "private_key": {"inline_string": key},
                }
            }
    return [{"@type": TYPE, "name": name, **content}] if content else []


def _read(place: Place, path: str) -> str:
    try:
        return place.local_path(path).read_text(encoding="utf-8")
    except OSError:
        return ""
