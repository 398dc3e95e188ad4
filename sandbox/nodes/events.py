# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Events about pods, posted the way a kubelet posts them: repeated ones are counted, not repeated."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.control_plane.kube import EVENT, ApiError, KubeClient, NotFound
from sandbox.nodes.records import timestamp

Object = dict[str, Any]
Subject = tuple[str, str, str, str]
"""uid, field path, reason, message: what makes two events the same."""

REPEAT_EVERY = 5.0
"""Real seconds between two updates of one event's count."""
FORGET_AFTER = 600.0


@dataclass
class Posted:
    """An event that the API has, or soon will."""

    name: str
    namespace: str
    body: Object
    count: int = 0
    sent: int = 0
    last: str = ""
    sent_at: float = 0.0
    used_at: float = field(default_factory=time.monotonic)


class Events:
    """Collects events and posts them from one task."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client
        self._posted: dict[Subject, Posted] = {}
        self._wanted = asyncio.Event()

    def pod(
        self, pod: Mapping[str, Any], reason: str, message: str, *, container: str = "", warning: bool = False
    ) -> None:
        """An event about a pod, or about one of its containers (a field path: `spec.containers{main}`)."""
        meta = pod["metadata"]
        involved = {
            "apiVersion": "v1",
            "kind": "Pod",
            "namespace": meta["namespace"],
            "name": meta["name"],
            "uid": meta["uid"],
            "resourceVersion": meta.get("resourceVersion", ""),
            **({"fieldPath": container} if container else {}),
        }
        self._note(involved, meta["namespace"], pod["spec"].get("nodeName", ""), reason, message, warning)

    def node(self, node: str, uid: str, reason: str, message: str) -> None:
        """An event about a node."""
        involved = {"apiVersion": "v1", "kind": "Node", "name": node, "uid": uid or node}
        self._note(involved, "default", node, reason, message, False)

    def _note(self, involved: Object, namespace: str, host: str, reason: str, message: str, warning: bool) -> None:
        subject = (involved["uid"], involved.get("fieldPath", ""), reason, message)
        now = timestamp()
        posted = self._posted.get(subject)
        if posted is None:
            name = f"{involved['name']}.{time.time_ns():x}"
            body = {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"name": name, "namespace": namespace},
                "involvedObject": involved,
                "reason": reason,
                "message": message[:1024],
                "source": {"component": "kubelet", "host": host},
                "reportingComponent": "kubelet",
                "reportingInstance": host,
                "type": "Warning" if warning else "Normal",
                "firstTimestamp": now,
            }
            posted = self._posted[subject] = Posted(name, namespace, body)
        posted.count += 1
        posted.last = now
        posted.used_at = time.monotonic()
        self._wanted.set()

    async def run(self) -> None:
        """Post for ever."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            waiting = await self.flush()
            self._forget()
            if waiting:
                # a repeated event whose turn has not come
                asyncio.get_running_loop().call_later(REPEAT_EVERY, self._wanted.set)

    async def flush(self, *, everything: bool = False) -> bool:
        """Post what is due; whether something waits for its turn."""
        waiting = False
        for posted in list(self._posted.values()):
            if posted.count == posted.sent:
                continue
            if posted.sent and not everything and time.monotonic() - posted.sent_at < REPEAT_EVERY:
                waiting = True
                continue
            await self._send(posted)
            waiting |= posted.sent != posted.count
        return waiting

    async def _send(self, posted: Posted) -> None:
        count, last = posted.count, posted.last
        try:
            if posted.sent:
                change = {"count": count, "lastTimestamp": last}
                await self._client.patch(EVENT, posted.name, posted.namespace, change)
            else:
                await self._client.create({**posted.body, "count": count, "lastTimestamp": last})
        except NotFound:
            # its time in the API was over (or its namespace's): the next flush makes it anew
            posted.sent = 0
            return
        except ApiError:
            # an event is a courtesy: a namespace that goes takes none, and an API server that is away loses them
            pass
        posted.sent, posted.sent_at = count, time.monotonic()

    def _forget(self) -> None:
        old = time.monotonic() - FORGET_AFTER
        for subject in [subject for subject, posted in self._posted.items() if posted.used_at < old]:
            del self._posted[subject]
