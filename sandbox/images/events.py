# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kubernetes Events as controllers write them: the same one again raises a count."""

from __future__ import annotations

import contextlib
import secrets
from typing import Any

from sandbox.control_plane.kube import EVENT, ApiError, KubeClient
from sandbox.images.times import utc_now

Object = dict[str, Any]


class EventRecorder:
    """Writes events about objects; that an event cannot be written never stops its writer."""

    def __init__(self, client: KubeClient, component: str) -> None:
        self._client = client
        self._component = component
        self._known: dict[tuple[str, str, str, str], tuple[str, str, int]] = {}

    async def normal(self, about: Object, reason: str, message: str) -> None:
        """Something happened as it should."""
        await self._record(about, "Normal", reason, message)

    async def warning(self, about: Object, reason: str, message: str) -> None:
        """Something went wrong."""
        await self._record(about, "Warning", reason, message)

    async def _record(self, about: Object, kind: str, reason: str, message: str) -> None:
        meta = about["metadata"]
        key = (meta["uid"], kind, reason, message)
        namespace = meta.get("namespace") or "default"
        with contextlib.suppress(ApiError):
            if key in self._known:
                name, namespace, count = self._known[key]
                self._known[key] = (name, namespace, count + 1)
                await self._client.patch(EVENT, name, namespace, {"count": count + 1, "lastTimestamp": utc_now()})
                return
            name = f"{meta['name']}.{secrets.token_hex(8)}"
            now = utc_now()
            await self._client.create(
                {
                    "apiVersion": "v1",
                    "kind": "Event",
                    "metadata": {"name": name, "namespace": namespace},
                    "involvedObject": {
                        "apiVersion": about["apiVersion"],
                        "kind": about["kind"],
                        "name": meta["name"],
                        "namespace": meta.get("namespace", ""),
                        "uid": meta["uid"],
                    },
                    "type": kind,
                    "reason": reason,
                    "message": message[:1024],
                    "source": {"component": self._component},
                    "reportingComponent": self._component,
                    "firstTimestamp": now,
                    "lastTimestamp": now,
                    "count": 1,
                }
            )
            self._known[key] = (name, namespace, 1)
