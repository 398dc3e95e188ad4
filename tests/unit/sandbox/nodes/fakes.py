# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ports of the nodes for unit tests."""

from __future__ import annotations

import base64
import datetime
from collections.abc import Mapping
from typing import Any

from sandbox.nodes.records import timestamp

Object = dict[str, Any]


class FakeSources:
    """Secrets and config maps of one namespace, and numbered tokens."""

    def __init__(self, objects: Mapping[tuple[str, str], Mapping[str, str]] | None = None) -> None:
        self.objects = {key: dict(value) for key, value in (objects or {}).items()}
        self.token_lifetime = datetime.timedelta(hours=1)
        self.tokens: list[tuple[str, int]] = []

    async def find(self, kind: str, namespace: str, name: str) -> Object | None:
        values = self.objects.get((kind, name))
        if values is None:
            return None
        if kind == "secret":
            values = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
        return {"metadata": {"name": name, "namespace": namespace}, "data": values}

    async def token(self, pod: Mapping[str, Any], audience: str, seconds: int) -> tuple[str, str]:
        self.tokens.append((audience, seconds))
        expires = datetime.datetime.now(datetime.UTC) + self.token_lifetime
        return f"token-{len(self.tokens)}", timestamp(expires)


def pod(**spec: Any) -> Object:
    """A pod with one container, `main`."""
    return {
        "metadata": {
            "name": "p",
            "namespace": "ns",
            "uid": "u",
            "resourceVersion": "5",
            "labels": {"app": "x"},
            "annotations": {"note": "hello"},
        },
        "spec": {
            "nodeName": "node-0",
            "serviceAccountName": "account",
            "restartPolicy": "Always",
            "containers": [{"name": "main", "image": "registry.test/small:1"}],
            **spec,
        },
    }
