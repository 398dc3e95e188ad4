# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""What was seen of a service's pods in the course of a wait: their logs, events and earlier failures.

All of it is looked up sparingly, and none of it is needed: where reading is refused, less is said.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import KubernetesError
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.causes import CRASH_REASONS, Evidence
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.kubelet import PULL_ATTEMPTS, PULLING
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.logs import LINES
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.ports import Json, WaitPorts
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.replicas import (
    FINISHED,
    MAIN,
    Replica,
    Trouble,
    at_stage,
    marker,
    time_of,
)

# Between two markers vLLM logs less than this.
MARKER_LINES = 60
EVENTS_SHOWN = 10
RECENT = timedelta(hours=1)

T = TypeVar("T")


class Witness:
    def __init__(self, ports: WaitPorts, interval: float) -> None:
        self._cluster = ports.cluster
        self._clock = ports.clock
        self._interval = interval
        self._looked_at: float | None = None
        self._first: dict[str, Trouble | None] = {}
        self._attempts: set[tuple[str, str]] = set()
        self._markers: dict[tuple[str, int], tuple[str, str]] = {}
        self._ends: dict[tuple[str, str, int], str] = {}
        # Pods that their nodes refused or ended, in the order in which they were seen; the first look's apart.
        self._ended: dict[str, Replica] = {}
        self._ended_before: frozenset[str] | None = None
        self._secrets: dict[str, Json | None] = {}
        self._warnings: Sequence[Json] = []

    def see(self, replicas: Sequence[Replica], *, further: bool) -> list[Replica]:
        """Remember what fails, look further when it is time to, and tell the stages that only logs know."""
        for each in replicas:
            self._first.setdefault(each.uid, each.trouble)
            if each.trouble is not None and each.trouble.reason in PULL_ATTEMPTS:
                self._attempts.add((each.uid, each.trouble.container))
        finished = sorted((each for each in replicas if each.stage == FINISHED), key=lambda each: each.started)
        self._ended.update({each.uid: each for each in finished})
        if self._ended_before is None:
            self._ended_before = frozenset(self._ended)
        now = self._clock.monotonic()
        if further and (self._looked_at is None or now - self._looked_at >= self._interval):
            self._looked_at = now
            self.look(replicas)
        return [self._at_its_stage(each) for each in replicas]

    def look(self, replicas: Sequence[Replica]) -> None:
        """Read the events, and the logs of servers that are starting."""
        self._secrets.clear()
        self._warnings = sorted(_try(self._cluster.warnings, self._warnings), key=_last_seen)
        for each in replicas:
            if each.workload and each.starting:
                found = marker(_try(partial(self._cluster.log, each.name, MAIN, MARKER_LINES), ""))
                if found is not None:
                    self._markers[each.uid, each.restarts] = found

    def ended(self, *, workload: bool) -> tuple[list[Replica], bool]:
        """Pods of the newest form that ended, the last of them last; and whether that one did so under our eyes."""
        found = [
            each for each in self._ended.values() if each.workload == workload and each.newest and self._recent(each)
        ]
        return found, bool(found) and found[-1].uid not in (self._ended_before or ())

    def _recent(self, replica: Replica) -> bool:
        """Is it no leftover? Nothing takes ended pods away, unless there are thousands."""
        if replica.uid not in (self._ended_before or ()):
            return True
        started = time_of(replica.started)
        return started is None or self._clock.now() - started < RECENT

    def _at_its_stage(self, replica: Replica) -> Replica:
        found = self._markers.get((replica.uid, replica.restarts))
        return at_stage(replica, *found) if found is not None and replica.starting else replica

    def evidence(self, replica: Replica) -> Evidence:
        """What is known of a replica that is not ready."""
        trouble, said = replica.trouble, self._said_of(replica)
        if trouble is not None and trouble.reason in PULLING:
            seen = (replica.uid, trouble.container) in self._attempts
            return Evidence(fresh=seen, warnings=said, secrets=self._pull_secrets(replica))
        if trouble is not None and trouble.reason in CRASH_REASONS:
            return Evidence(fresh=self._is_fresh(replica, trouble), warnings=said, log=self._end(replica, trouble))
        return Evidence(warnings=said)

    def _is_fresh(self, replica: Replica, trouble: Trouble) -> bool:
        before = self._first.get(replica.uid)
        return before is None or before.container != trouble.container or trouble.crashes > before.crashes

    def _end(self, replica: Replica, trouble: Trouble) -> str:
        """The whole log of the run that ended last; read once for each."""
        key = (replica.uid, trouble.container, trouble.crashes)
        if key not in self._ends:
            try:
                self._ends[key] = self._cluster.log(replica.name, trouble.container, LINES, ended=True)
            except KubernetesError:  # the kubelet does not call it the previous run before the next has begun
                read = partial(self._cluster.log, replica.name, trouble.container, LINES)
                self._ends[key] = _try(read, "")
        return self._ends[key]

    def _pull_secrets(self, replica: Replica) -> dict[str, Json | None]:
        found: dict[str, Json | None] = {}
        for name in replica.pull_secrets:
            try:
                if name not in self._secrets:
                    self._secrets[name] = self._cluster.secret(name)
                found[name] = self._secrets[name]
            except KubernetesError:
                continue  # not ours to read
        return found

    def _said_of(self, replica: Replica) -> list[str]:
        return [
            str(each.get("message") or "")
            for each in self._warnings
            if (each.get("involvedObject") or {}).get("uid") == replica.uid
        ]

    def events(self, names: Collection[str]) -> list[dict[str, Any]]:
        """The newest warnings about these objects, oldest first."""
        found: dict[tuple[str, str, str], dict[str, Any]] = {}
        for each in self._warnings:
            if (each.get("involvedObject") or {}).get("name") not in names:
                continue
            row = _public(each)
            # One that is said again moves to the end, wherever Kubernetes counted it.
            before = found.pop((row["object"], row["reason"], row["message"]), None)
            row["count"] += before["count"] if before else 0
            found[row["object"], row["reason"], row["message"]] = row
        return list(found.values())[-EVENTS_SHOWN:]


def _try(work: Callable[[], T], otherwise: T) -> T:
    try:
        return work()
    except KubernetesError:
        return otherwise


def _last_seen(event: Json) -> str:
    """Kubernetes has written it to different places over the years."""
    series = event.get("series") or {}
    created = (event.get("metadata") or {}).get("creationTimestamp")
    return str(series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime") or created or "")


def _public(event: Json) -> dict[str, Any]:
    about = event.get("involvedObject") or {}
    count = (event.get("series") or {}).get("count") or event.get("count") or 1
    return {
        "object": f"{about.get('kind', '')}/{about.get('name', '')}",
        "reason": str(event.get("reason") or ""),
        "message": str(event.get("message") or ""),
        "count": int(count),
        "last": _last_seen(event),
    }


__all__ = ("EVENTS_SHOWN", "MARKER_LINES", "Witness")
