# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The proof: new prefixes, each asked one request after the other, and what that shows."""

from __future__ import annotations

import contextlib
import ipaddress
import statistics as numbers
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._capability import Progress
from ansible_collections.rhaii.gke.plugins.module_utils._clock import Clock
from ansible_collections.rhaii.gke.plugins.module_utils._routing import statistics
from ansible_collections.rhaii.gke.plugins.module_utils._routing.answers import completion_of, replica_header
from ansible_collections.rhaii.gke.plugins.module_utils._routing.judge import (
    Evidence,
    Second,
    nothing_found,
    open_question,
)
from ansible_collections.rhaii.gke.plugins.module_utils._routing.ports import Ask, Transport
from ansible_collections.rhaii.gke.plugins.module_utils._routing.prompts import Prompts, completion
from ansible_collections.rhaii.gke.plugins.module_utils._routing.replicas import ReplicaView

COMPLETIONS = "/v1/completions"
# Requests of one prefix when nothing is ever found and nobody said how many replicas there are. Routed by chance,
# two of ten come to one replica in 99 of 100 cases even among 16.
MANY_REQUESTS = 10
FAILURES_TO_END = 3

# Unsure: every request of its prefix before it failed, and may have filled a cache or not.
FIRST, REPEAT, UNSURE, CONTROL = "first", "repeat", "unsure", "control"


@dataclass(frozen=True)
class Sent:
    """One request of the proof. None is for what could not be seen."""

    label: str
    kind: str
    planned: bool
    error: str
    seconds: float
    first_byte_seconds: float | None
    prompt_tokens: int | None
    # cached tokens by the answer, and by the counters
    told_tokens: int | None
    counted_tokens: int | None
    # by the counters, and by a header that may or may not name a replica
    counted_at: str | None
    header: str

    @property
    def fresh(self) -> bool:
        return self.kind in (FIRST, CONTROL)


def spread(requests: int, prefixes: int) -> list[int]:
    """How often each prefix is asked: twice at least, so that there may be fewer prefixes."""
    count = max(1, min(prefixes, requests // 2))
    share, rest = divmod(requests, count)
    return [share + (place < rest) for place in range(count)]


@dataclass(frozen=True)
class Timing:
    """Latencies in seconds: a prefix's new requests, and its repeated ones."""

    cold: float
    warm: float


class Proof:
    """Sends the requests, and reads evidence and figures out of what came."""

    def __init__(
        self,
        transport: Transport,
        view: ReplicaView,
        prompts: Prompts,
        *,
        model: str,
        max_tokens: int,
        replicas: int | None,
        interval: float,
        clock: Clock,
        progress: Progress,
    ) -> None:
        self.transport = transport
        self.view = view
        self.prompts = prompts
        self.model = model
        self.max_tokens = max_tokens
        self.given_replicas = replicas
        self.interval = interval
        self.clock = clock
        self.progress = progress
        self.sent: list[Sent] = []
        self.exhausted = False

    def run(self, requests: int, prefixes: int) -> None:
        plan = spread(requests, prefixes)
        for place, times in enumerate(plan, start=1):
            self._prefix(str(place), times, planned=True)
            if not self.broken:
                self._one(f"{place}-control", 1, planned=False, control=True)
            self._tell(str(place), len(plan))
            if self.broken:
                return
        self._extend()
        if nothing_found(self.evidence()) and not self.broken:
            self._exhaust("1")
            self._extend()

    def _extend(self) -> None:
        """More prefixes while they would help."""
        place, most = len(self.labels), statistics.MOST_PREFIXES
        if place < most and open_question(self.evidence()) and not self.broken:
            self.progress(f"not clear yet: more prefixes, {most} at most")
        while place < most and open_question(self.evidence()) and not self.broken:
            place += 1
            self._prefix(str(place), 2, planned=False)
            self._tell(str(place), place)

    @property
    def broken(self) -> bool:
        last = self.sent[-FAILURES_TO_END:]
        return len(last) == FAILURES_TO_END and all(each.error for each in last)

    @property
    def problem(self) -> str:
        """Why the proof is none, '' when it is one."""
        errors = [each.error for each in self.sent if each.error]
        if self.broken:
            return f"{FAILURES_TO_END} completions in a row failed ({errors[-1]})"
        if errors and len(errors) == len(self.sent):
            return f"all completions failed ({errors[-1]})"
        return ""

    def _prefix(self, label: str, times: int, *, planned: bool) -> None:
        for number in range(1, times + 1):
            if number > 1 and self.interval:
                self.clock.sleep(self.interval)  # for pickers that hear of cached blocks by events
            self._one(label, number, planned=planned)
            if self.broken:
                return

    def _exhaust(self, label: str) -> None:
        """Ask one prefix until a replica must have had it twice: with a working cache, that one hits."""
        replicas = self.replicas
        wanted = MANY_REQUESTS if replicas is None else replicas + 1
        self.progress(f"nothing found cached: asking one prefix {wanted} times")
        number = len(self._of(label))
        while self._served(label) < wanted and not self.evidence().hits:
            number += 1
            self._one(label, number, planned=False)
            if self.broken:
                return
        self.exhausted = True

    def _kind(self, label: str) -> str:
        """What the next request of a prefix will be."""
        if not self._of(label):
            return FIRST
        return REPEAT if self._served(label) else UNSURE

    def _one(self, label: str, number: int, *, planned: bool, control: bool = False) -> None:
        kind = CONTROL if control else self._kind(label)
        prompt = self.prompts.prompt(label, number)
        body = completion(self.model, prompt, self.max_tokens, stream=True)
        answer = self.transport.ask(Ask("POST", COMPLETIONS, body))
        read = completion_of(answer)
        seen = self.view.request(read.prompt_tokens, succeeded=not read.error)
        self.sent.append(
            Sent(
                label=label,
                kind=kind,
                planned=planned,
                error=read.error,
                seconds=answer.seconds,
                first_byte_seconds=answer.first_byte_seconds,
                prompt_tokens=read.prompt_tokens,
                told_tokens=read.cached_tokens,
                counted_tokens=seen.hit_tokens,
                counted_at=seen.replica,
                header=replica_header(answer),
            )
        )

    def _tell(self, label: str, of: int) -> None:
        own = self._of(label)
        tokens = next((each.prompt_tokens for each in own if each.prompt_tokens is not None), None)
        size = "" if tokens is None else f" of {tokens} tokens"
        tokens_found = (self.cached(each) for each in own)
        cached = ", ".join("?" if found is None else str(found) for found in tokens_found)
        at = ", ".join(dict.fromkeys(self.replica(each) or "?" for each in own))
        where = f", at {at}" if at != "?" else ""
        errors = sum(1 for each in own if each.error)
        failed = f", {errors} failed" if errors else ""
        self.progress(f"prefix {label} of {of}{size}: cached {cached}{where}{failed}")

    # What was seen

    def _of(self, label: str) -> list[Sent]:
        return [each for each in self.sent if each.label == label]

    def _served(self, label: str) -> int:
        return sum(1 for each in self._of(label) if not each.error)

    @property
    def labels(self) -> list[str]:
        return list(dict.fromkeys(each.label for each in self.sent if each.kind != CONTROL))

    @property
    def good(self) -> list[Sent]:
        return [each for each in self.sent if not each.error]

    @property
    def repeats(self) -> list[Sent]:
        """What should be cached where it was before."""
        return [each for each in self.good if each.kind == REPEAT]

    @property
    def _named(self) -> Mapping[str, str]:
        """What headers say, as replicas. A value that is no pod's and never changes may name anything."""
        values = list(dict.fromkeys(each.header for each in self.good if each.header))
        pods = {pod.name: pod.name for pod in self.view.pods} | {
            pod.address: pod.name for pod in self.view.pods if pod.address
        }
        if pods:
            return {value: pods[host] for value in values if (host := _host(value)) in pods}
        return {value: value for value in values} if len(values) > 1 or self.given_replicas == 1 else {}

    def replica(self, sent: Sent) -> str | None:
        """Who served a request."""
        return sent.counted_at or self._named.get(sent.header)

    @property
    def source(self) -> str:
        """How the replicas were told apart."""
        if any(each.counted_at for each in self.sent):
            return "metrics"
        return "header" if self._named else "none"

    @property
    def replicas(self) -> int | None:
        """How many there are: counted, given, or as many as were seen."""
        return self.given_replicas or len(self.view.pods) or len(set(self._named.values())) or None

    def cached(self, sent: Sent) -> int | None:
        """Cached tokens of a request, None when they are not known."""
        if sent.told_tokens is not None:
            return sent.told_tokens
        if sent.counted_tokens is not None:
            return sent.counted_tokens
        return 0 if self._leaves_zeros_out and not sent.error else None

    @property
    def _leaves_zeros_out(self) -> bool:
        """Older vLLM tells cached tokens only when there are some. Taken for unknown, its misses would not count."""
        told = [each.told_tokens for each in self.good if each.told_tokens is not None]
        return bool(told) and 0 not in told

    @property
    def fresh_cached(self) -> int:
        return max((self.cached(each) or 0 for each in self.good if each.fresh), default=0)

    def hit(self, sent: Sent) -> bool | None:
        """Whether a request found more cached than a new prefix does."""
        cached = self.cached(sent)
        return None if cached is None else cached > self.fresh_cached

    def evidence(self, problems: Sequence[str] = ()) -> Evidence:
        repeats = [hit for each in self.repeats if (hit := self.hit(each)) is not None]
        fresh = [name for each in self.good if each.fresh and (name := self.replica(each))]
        return Evidence(
            problems=tuple(problems),
            replicas=self.replicas,
            seconds=tuple(self._second(label) for label in self.labels),
            repeats=len(repeats),
            hits=sum(repeats),
            fresh_cached=self.fresh_cached,
            fresh_replicas=Counter(fresh),
            exhausted=self.exhausted,
            prompt_tokens=self._typical([each.prompt_tokens for each in self.good]),
            block=self.view.block,
        )

    def _second(self, label: str) -> Second:
        first, second = [*self._of(label), None, None][:2]
        if first is None or second is None or first.error or second.error:
            return Second()
        where = self.replica(first), self.replica(second)
        return Second(None if None in where else where[0] == where[1], self.hit(second))

    @staticmethod
    def _typical(values: Sequence[int | None]) -> int | None:
        known = [value for value in values if value is not None]
        return round(numbers.median(known)) if known else None

    # Figures

    def modal(self) -> tuple[float | None, float | None]:
        """The share of requests at their prefix's modal replica, and what it would be by chance."""
        modal, by_chance, total = 0, 0.0, 0
        replicas = self.replicas
        for label in self.labels:
            where = Counter(name for each in self._of(label) if (name := self.replica(each)))
            count = where.total()
            if count < 2:
                continue
            total += count
            modal += max(where.values())
            if replicas:
                by_chance += count * statistics.modal_share_by_chance(count, replicas)
        if not total:
            return None, None
        return modal / total, by_chance / total if replicas else None

    def tokens(self) -> tuple[int | None, int | None]:
        """Cached and all prompt tokens of the repeated requests."""
        known = [each for each in self.repeats if self.cached(each) is not None]
        asked = [each.prompt_tokens for each in known]
        if not known or None in asked:
            return None, None
        return sum(self.cached(each) or 0 for each in known), sum(count or 0 for count in asked)

    def served(self) -> dict[str, int]:
        """Requests by replica."""
        return dict(sorted(Counter(name for each in self.good if (name := self.replica(each))).items()))

    def prefixes(self) -> list[dict[str, Any]]:
        """One entry a prefix."""
        found = []
        for label in self.labels:
            own = self._of(label)
            where = [self.replica(each) for each in own]
            known = Counter(name for name in where if name)
            found.append(
                {
                    "prefix": int(label),
                    "requests": len(own),
                    "errors": sum(1 for each in own if each.error),
                    "prompt_tokens": self._typical([each.prompt_tokens for each in own]),
                    "cached_tokens": [self.cached(each) for each in own],
                    "replicas": where,
                    "affinity": max(known.values()) / known.total() if known else None,
                    "ms": [round(each.seconds * 1000, 1) for each in own],
                }
            )
        return found

    def control(self) -> dict[str, Any]:
        """Requests whose prefix was never used again: they must be cold."""
        own = [each for each in self.good if each.kind == CONTROL]
        cached = [found for each in own if (found := self.cached(each)) is not None]
        return {
            "requests": len(own),
            "cached_tokens": max(cached, default=None),
            "cold": not any(cached) if cached else None,
        }

    def serial(self) -> list[Sent]:
        """The requests that were asked for; those that were added to be sure are no part of the throughput."""
        return [each for each in self.sent if each.planned]

    def timings(self, *, first_byte: bool) -> list[Timing]:
        """Cold and warm latency of each prefix, of the whole answer or to its first byte."""
        found = []
        for label in self.labels:
            cold = self._seconds([*self._of(label)[:1], *self._of(f"{label}-control")], first_byte)
            warm = self._seconds([each for each in self.repeats if each.label == label], first_byte)
            if cold and warm:
                found.append(Timing(numbers.fmean(cold), numbers.median(warm)))
        return found

    @staticmethod
    def _seconds(sent: Sequence[Sent], first_byte: bool) -> list[float]:
        values = [each.first_byte_seconds if first_byte else each.seconds for each in sent if not each.error]
        return [value for value in values if value is not None]


def _host(value: str) -> str:
    """The address of the first IP:port of a list, or a name as it is."""
    first = value.split(",")[0].strip()
    with contextlib.suppress(ValueError):
        return str(ipaddress.ip_address(first))
    host, colon, port = first.rpartition(":")
    return host.strip("[]") if colon and port.isdecimal() else first


__all__ = ("COMPLETIONS", "Proof", "Sent", "Timing", "spread")
