# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""Operations of GKE: asked for without colliding, awaited with progress, and an error in a DONE one is an error."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from ansible_collections.rhaii.gke.plugins.module_utils._capability import Progress
from ansible_collections.rhaii.gke.plugins.module_utils._clock import Clock, Deadline, in_words
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._gke.ports import Clusters
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import Operation, Problem, is_stockout
from ansible_collections.rhaii.gke.plugins.module_utils._google import GoogleError

T = TypeVar("T")

# A line at least this often while nothing changes, so that nobody wonders whether it still lives.
QUIET_SECONDS = 60.0
# What Google answers when it is only busy.
BUSY = frozenset({429, 503})
BUSY_TRIES = 5
LONGEST_PAUSE = 60.0

WORDS: Mapping[str, str] = {
    "CREATE_CLUSTER": "creating the cluster",
    "DELETE_CLUSTER": "deleting the cluster",
    "UPGRADE_MASTER": "upgrading the control plane",
    "UPDATE_CLUSTER": "updating the cluster",
    "SET_LABELS": "setting labels",
    "CREATE_NODE_POOL": "creating the node pool",
    "DELETE_NODE_POOL": "deleting the node pool",
    "SET_NODE_POOL_SIZE": "resizing the node pool",
    "UPGRADE_NODES": "updating the nodes",
    "SET_NODE_POOL_MANAGEMENT": "setting upgrade and repair of the node pool",
    "SET_MAINTENANCE_POLICY": "setting the maintenance policy",
    "REPAIR_CLUSTER": "repairing the cluster",
    "AUTO_REPAIR_NODES": "repairing nodes",
    "AUTO_UPGRADE_NODES": "upgrading the nodes",
}

_REMEDIES: Mapping[str, str] = {
    "GCE_STOCKOUT": (
        "The zone has no such machines left at this moment. Try again later, or set rhaii_location to another zone "
        "that preflight ranks as sufficient."
    ),
    "GCE_QUOTA_EXCEEDED": (
        "Ask for more quota at https://console.cloud.google.com/iam-admin/quotas, or want fewer nodes."
    ),
    "RESOURCE_EXHAUSTED": (
        "Either the zone is out of such machines or the quota is used up: run preflight, which tells which, then wait, "
        "ask for quota, or set rhaii_location to another zone."
    ),
    "PERMISSION_DENIED": "Give the account the permission that the message names, and run again.",
    "GKE_SERVICE_ACCOUNT_DELETED": "Restore GKE's service agent: disable and enable the API container.googleapis.com.",
    "INVALID_ARGUMENT": "Correct the value that the message names, and run again.",
}
_RUN_AGAIN = "Run again, which resumes or repairs what is there; the console's activity list has more of the operation."


class StockoutError(RhaiiError):
    """The zone has no such machines."""


def remedy_for(problem: Problem) -> str:
    """The way out of an operation that failed. Google's general code hides two causes; its words tell them apart."""
    if is_stockout(problem):
        return _REMEDIES["GCE_STOCKOUT"]
    if problem.code == "RESOURCE_EXHAUSTED" and "quota" in problem.message.lower():
        return _REMEDIES["GCE_QUOTA_EXCEEDED"]
    return _REMEDIES.get(problem.code, _RUN_AGAIN)


def raise_for(operation: Operation) -> None:
    if operation.problem is not None:
        doing = WORDS.get(operation.kind, operation.kind or "the operation")
        kind = StockoutError if is_stockout(operation.problem) else RhaiiError
        raise kind(
            f"Google ended {doing} ({operation.name}) with an error: {str(operation.problem).removesuffix('.')}.",
            remedy=remedy_for(operation.problem),
            result={"operation": operation.public()},
        )


def concerns(operation: Operation, cluster: str, pool: str | None = None) -> bool:
    """Does it work on this cluster (on any of its pools too), or, with `pool`, on this pool?"""
    parts = operation.target.split("/")
    if _after(parts, "clusters") != cluster:
        return False
    return pool is None or _after(parts, "nodePools") == pool


def _after(parts: Sequence[str], word: str) -> str | None:
    return parts[parts.index(word) + 1] if word in parts[:-1] else None


def running(clusters: Clusters, cluster: str, pool: str | None = None) -> list[Operation]:
    return [each for each in clusters.list_operations() if not each.done and concerns(each, cluster, pool)]


def on_itself(operation: Operation) -> bool:
    """Does it work on the cluster itself, not on one of its pools?"""
    return "nodePools" not in operation.target.split("/")


class Awaiter:
    """Waits for operations within one deadline and tells how it goes."""

    def __init__(
        self, clusters: Clusters, clock: Clock, progress: Progress, *, what: str, timeout: float, interval: float
    ) -> None:
        self._clusters = clusters
        self._clock = clock
        self._progress = progress
        self._what = what
        self._interval = interval
        self.deadline = Deadline(clock, timeout)

    def patiently(self, ask: Callable[[], T]) -> T:
        """Ask, and ask again while Google is only busy, after the pause that it names, a bounded number of times."""
        pause = 1.0
        for tried in range(1, BUSY_TRIES + 1):
            try:
                return ask()
            except GoogleError as error:
                if error.status not in BUSY or tried == BUSY_TRIES or self.deadline.passed:
                    raise
                wait = min(LONGEST_PAUSE, pause if error.retry_after is None else error.retry_after)
                self._progress(f"{self._what}: Google is busy ({error.status}), asking again in {in_words(wait)}")
            self.deadline.pause(wait)
            pause *= 2
        raise AssertionError  # the last try has returned or raised

    def look(self, operation: Operation) -> Operation:
        return self.patiently(lambda: self._clusters.get_operation(operation.name))

    def wait(
        self,
        operation: Operation,
        detail: Callable[[], str] | None = None,
        watch: Callable[[Operation], None] | None = None,
    ) -> Operation:
        """Until it is done; an error in it is raised. `watch` sees it before each pause and may end the wait."""
        said, said_at = "", -QUIET_SECONDS
        while not operation.done:
            text = " ".join(
                part
                for part in (
                    WORDS.get(operation.kind, operation.kind.lower()),
                    f"({detail()})" if detail else operation.detail and f"({operation.detail})",
                )
                if part
            )
            if text != said or self.deadline.elapsed - said_at >= QUIET_SECONDS:
                self._progress(f"{self._what}: {text}, {in_words(self.deadline.elapsed)}")
                said, said_at = text, self.deadline.elapsed
            if watch:
                watch(operation)
            if self.deadline.passed:
                raise RhaiiError(
                    f"{self._what}: {WORDS.get(operation.kind, operation.kind)} was not done after "
                    f"{in_words(self.deadline.timeout)}; the operation {operation.name} still runs at Google.",
                    remedy="Run the same again: it joins the running operation. Raise wait_timeout for a longer wait.",
                    result={"operation": operation.public()},
                )
            self.deadline.pause(self._interval)
            operation = self.look(operation)
        raise_for(operation)
        return operation

    def watched(self, operation: Operation, seconds: float, enough: Callable[[Operation], bool]) -> Operation:
        """Look at it for that long, or until it is done or `enough` says so."""
        window = Deadline(self._clock, seconds)
        while not operation.done and not enough(operation) and not window.passed:
            window.pause(self._interval)
            operation = self.look(operation)
        raise_for(operation)
        return operation

    def submit(self, ask: Callable[[], Operation], cluster: str) -> Operation:
        """Ask for something; when another operation is in its way, await that and ask again."""
        while True:
            try:
                return self.patiently(ask)
            except GoogleError as error:
                if not error.is_conflict:
                    raise
                if self.deadline.passed:
                    raise RhaiiError(
                        f"{self._what}: another operation was in the way for {in_words(self.deadline.timeout)}, and "
                        f"Google does one at a time: {error.message}",
                        remedy="Run the same again later. Raise wait_timeout for a longer wait.",
                    ) from error
            blocking = running(self._clusters, cluster)
            if not blocking:
                self.deadline.pause(self._interval)
            for each in blocking:
                self._progress(f"{self._what}: another operation is in the way, waiting for it ({each.name})")
                self.settle(each)

    def settle(self, operation: Operation) -> None:
        """Until it is done, whatever its end: it was not ours to judge."""
        while not operation.done and not self.deadline.passed:
            self.deadline.pause(self._interval)
            operation = self.look(operation)


__all__ = ("Awaiter", "StockoutError", "concerns", "on_itself", "raise_for", "remedy_for", "running")
