# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The replicas seen from inside: who served a request, read from what their counters did meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ansible_collections.rhaii.gke.plugins.module_utils._capability import Progress
from ansible_collections.rhaii.gke.plugins.module_utils._clock import Clock, Deadline
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._routing.metrics import Counters, Served, finished, served
from ansible_collections.rhaii.gke.plugins.module_utils._routing.ports import Cluster, Pod

# A server counts a request a moment after its answer has left.
SETTLE_SECONDS = 1.5
SETTLE_PAUSE = 0.05
# So many requests that no replica has counted: they are not the ones that serve this URL.
MISSES_TO_END = 3


class ReplicaView:
    """Off until `open`, and off again when it turns out to show nothing; `reason` says why."""

    def __init__(self, clock: Clock, progress: Progress) -> None:
        self.clock = clock
        self.progress = progress
        self.reason = "no Kubernetes access is given"
        self.pods: Sequence[Pod] = ()
        self.block: int | None = None
        self.foreign = 0
        self._cluster: Cluster | None = None
        self._last: Mapping[str, Counters] = {}
        self._misses = 0

    @property
    def on(self) -> bool:
        return self._cluster is not None

    def open(self, cluster: Callable[[], Cluster]) -> None:
        """Find the ready replicas and read their counters once."""
        try:
            found = cluster()
            self.pods = found.pods()
            if not self.pods:
                self._close("no ready pod has the service's labels")
                return
            self._last = found.counters(self.pods)
        except RhaiiError as error:
            self._close(str(error))
            return
        if not self._last:
            self._close("no replica shows its metrics")
            return
        self.block = next((each.block for each in self._last.values() if each.block), None)
        self.reason = ""
        self._cluster = found

    def _close(self, reason: str) -> None:
        self._cluster = None
        self.reason = reason
        self.progress(f"no view of the replicas: {reason}")

    def request(self, prompt_tokens: int | None, *, succeeded: bool) -> Served:
        """What the counters tell of the one request that was sent since the last look."""
        before = self._last
        after = self._look(1 if succeeded else 0)
        if after is None:
            return Served()
        found = served(before, after, prompt_tokens)
        self.foreign += found.foreign
        if succeeded and not any(finished(before, after).values()):
            self._misses += 1
            if self._misses == MISSES_TO_END:
                self.pods = ()
                self._close("the service's pods counted none of the requests: others serve this URL")
        else:
            self._misses = 0
        return found

    def requests(self, count: int) -> dict[str, int]:
        """How many requests each replica has finished since the last look, `count` of them ours."""
        before = self._last
        after = self._look(count)
        if after is None:
            return {}
        return {name: many for name, many in sorted(finished(before, after).items()) if many > 0}

    def _look(self, count: int) -> Mapping[str, Counters] | None:
        """The counters, once they have counted `count` requests more or have had the time to."""
        if self._cluster is None:
            return None
        deadline = Deadline(self.clock, SETTLE_SECONDS)
        before = self._last
        while True:
            try:
                after = self._cluster.counters(self.pods)
            except RhaiiError as error:
                self._close(str(error))
                return None
            if sum(finished(before, after).values()) >= count or deadline.passed:
                self._last = after
                return after
            self.clock.sleep(SETTLE_PAUSE)


__all__ = ("ReplicaView",)
