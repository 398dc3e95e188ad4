# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""Operations of GKE: asked for without colliding, awaited with progress, and an error in a DONE one is an error."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from ansible_collections.rhaii.gke.plugins.module_utils._capability import Progress
from ansible_collections.rhaii.gke.plugins.module_utils._clock import Clock, Deadline, in_words
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError, flat
from ansible_collections.rhaii.gke.plugins.module_utils._gke.ports import Clusters, PatientClusters
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import (
    Operation,
    Problem,
    is_stockout,
    meaning_of_problem,
)
from ansible_collections.rhaii.gke.plugins.module_utils._google import GoogleError
from ansible_collections.rhaii.gke.plugins.module_utils._meaning import (
    BILLING,
    BUSY,
    EXHAUSTED,
    PRECONDITION,
    QUOTA,
    RATE,
    RESERVATION,
    STOCKOUT,
    remedy_of,
)
from ansible_collections.rhaii.gke.plugins.module_utils._patience import LONGEST_PAUSE, Patience

T = TypeVar("T")

# A line at least this often while nothing changes, so that nobody wonders whether it still lives.
QUIET_SECONDS = 60.0
# What Google begins by itself as well. How such a one ends is not what our task is judged by: the pool or the cluster
# as it is then shows what is to be done.
OURS = frozenset({"CREATE_CLUSTER", "DELETE_CLUSTER", "CREATE_NODE_POOL", "DELETE_NODE_POOL", "SET_NODE_POOL_SIZE"})

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
    "PERMISSION_DENIED": "Give the account the permission that the message names, and run again.",
    "GKE_SERVICE_ACCOUNT_DELETED": "Restore GKE's service agent: disable and enable the API container.googleapis.com.",
    "INVALID_ARGUMENT": "Correct the value that the message names, and run again.",
}
_RUN_AGAIN = "Run again, which resumes or repairs what is there; the console's activity list has more of the operation."


class StockoutError(RhaiiError):
    """The zone has no such machines."""


_BY_MEANING = frozenset({STOCKOUT, QUOTA, EXHAUSTED, RESERVATION, BILLING, RATE})


def remedy_for(problem: Problem) -> str:
    """The way out of an operation that failed. Google's general code hides two causes; its words tell them apart."""
    meaning = meaning_of_problem(problem)
    if meaning in _BY_MEANING:
        return remedy_of(meaning, problem.message)
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


def what_it_does(operation: Operation) -> str:
    return WORDS.get(operation.kind, operation.kind.lower() or "an operation")


class Awaiter:
    """Waits for operations within one deadline and tells how it goes."""

    def __init__(
        self,
        clusters: Clusters,
        clock: Clock,
        progress: Progress,
        *,
        what: str,
        timeout: float,
        interval: float,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.patience = Patience(clock, progress, what=what, timeout=timeout, chance=chance)
        self.clusters = PatientClusters(clusters, self.patience)
        self._clock = clock
        self._progress = progress
        self._what = what
        self.interval = interval
        self.deadline = self.patience.deadline

    def patiently(self, ask: Callable[[], T], *, is_deletion: bool = False, awaits_busy: bool = False) -> T:
        """Ask for a change, and ask again, within the time-out, while Google turns it away only for the moment."""
        return self.patience.write(ask, is_deletion=is_deletion, awaits_busy=awaits_busy)

    def pause_while_it_goes(self) -> None:
        """Between two looks at what is being deleted, by an operation that is not listed; raises when time is up."""
        if self.deadline.passed:
            raise RhaiiError(
                f"The {self._what} was still being deleted after {in_words(self.deadline.timeout)}.",
                remedy="Run the same again. Raise wait_timeout for a longer wait.",
            )
        self._progress(f"{self._what}: waiting until it is gone")
        self.deadline.pause(self.interval)

    def look(self, operation: Operation) -> Operation:
        return self.clusters.get_operation(operation.name)

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
            self.deadline.pause(self.interval)
            operation = self.look(operation)
        raise_for(operation)
        return operation

    def watched(self, operation: Operation, seconds: float, enough: Callable[[Operation], bool]) -> Operation:
        """Look at it for that long, or until it is done or `enough` says so."""
        window = Deadline(self._clock, seconds)
        while not operation.done and not enough(operation) and not window.passed:
            window.pause(self.interval)
            operation = self.look(operation)
        raise_for(operation)
        return operation

    def submit(self, ask: Callable[[], Operation], cluster: str, *, is_deletion: bool = False) -> Operation:
        """Ask for something; when another operation is in its way, await that and ask again."""
        pause = self.interval
        while True:
            try:
                return self.patiently(ask, is_deletion=is_deletion)
            except GoogleError as error:
                blocking = self._in_the_way_of(error, cluster)
                if blocking is None:
                    raise
                if self.deadline.passed:
                    raise RhaiiError(
                        f"{self._what}: another operation was in the way for {in_words(self.deadline.timeout)}, and "
                        f"Google does one at a time: {error.message}",
                        remedy="Run the same again later. Raise wait_timeout for a longer wait.",
                    ) from error
                said, wished = flat(error.message, 160), error.retry_after
            if not blocking:
                wait = pause if wished is None else wished
                told = in_words(min(wait, self.deadline.left))
                self._progress(f"{self._what}: Google works on the cluster ({said}), asking again in {told}")
                self.deadline.pause(wait)
                pause = min(LONGEST_PAUSE, 2 * pause)
            for each in blocking:
                self._progress(
                    f"{self._what}: another operation is in the way, waiting for it ({what_it_does(each)}, {each.name})"
                )
                self.settle(each)

    def _in_the_way_of(self, error: GoogleError, cluster: str) -> list[Operation] | None:
        """What works on the cluster, as far as it can be seen; None where that is not why Google refused.

        Google has many words for it. Of a refusal whose words are new, what runs on the cluster tells.
        """
        if error.meaning not in (BUSY, PRECONDITION):
            return None
        found = running(self.clusters, cluster)
        return found if found or error.meaning == BUSY else None

    def settle(self, operation: Operation) -> Operation:
        """Until it is done, whatever its end: it was not ours to judge. An error in it is told."""
        while not operation.done and not self.deadline.passed:
            self.deadline.pause(self.interval)
            operation = self.look(operation)
        if operation.done and operation.problem is not None:
            self._progress(
                f"{self._what}: {what_it_does(operation)} ({operation.name}) ended with an error of its own: "
                f"{flat(str(operation.problem))}"
            )
        return operation


__all__ = (
    "OURS",
    "Awaiter",
    "StockoutError",
    "concerns",
    "on_itself",
    "raise_for",
    "remedy_for",
    "running",
    "what_it_does",
)
