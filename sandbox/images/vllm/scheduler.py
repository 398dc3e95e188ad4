# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Continuous batching: which sequences get how many tokens in the next step.

Decisions only, without a clock: `plan` says what a step holds and how long it takes, `complete` notes that its time
has passed. A sequence gets its room in the KV cache for the whole answer when it is admitted, where vLLM grows it
token by token and preempts when it runs out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from sandbox.images.vllm.latency import Hardware
from sandbox.images.vllm.prefix_cache import Allocation, PrefixCache


@dataclass(eq=False)
class Work:
    """One sequence: a prompt and the number of tokens that it will be answered with."""

    prompt: Sequence[int]
    answer: Sequence[int]
    keys: list[int]
    salt: str = ""
    finish_reason: str = "stop"
    arrived: float = 0.0
    admitted_at: float | None = None
    first_token_at: float | None = None
    last_token_at: float | None = None
    computed: int = 0
    generated: int = 0
    cached: int = 0
    allocation: Allocation | None = None

    @property
    def finished(self) -> bool:
        return self.generated >= max(len(self.answer), 1)


@dataclass
class Step:
    """One step of the engine."""

    seconds: float
    prefill: list[tuple[Work, int]] = field(default_factory=list)
    decode: list[Work] = field(default_factory=list)


class Scheduler:
    """The queue of one engine."""

    def __init__(self, cache: PrefixCache, hardware: Hardware, *, max_num_seqs: int, max_batched_tokens: int) -> None:
        self.cache = cache
        self.hardware = hardware
        self.max_num_seqs = max_num_seqs
        self.max_batched_tokens = max(max_batched_tokens, max_num_seqs)
        self.waiting: deque[Work] = deque()
        self.running: list[Work] = []

    def add(self, work: Work) -> None:
        """Put a sequence at the end of the queue."""
        self.waiting.append(work)

    def abort(self, work: Work) -> None:
        """Drop a sequence that nobody waits for any more."""
        if work in self.waiting:
            self.waiting.remove(work)
        elif work in self.running:
            self._end(work)

    def plan(self, now: float) -> Step | None:
        """The next step, or None when there is nothing to do."""
        budget = self.max_batched_tokens
        step = Step(0.0)
        for work in self.running:
            if work.computed >= len(work.prompt):
                step.decode.append(work)
                budget -= 1
        for work in self.running:
            if work.computed < len(work.prompt) and budget > 0:
                budget -= self._chunk(step, work, budget)
        while self.waiting and len(self.running) < self.max_num_seqs and budget > 0:
            if not self._admit(self.waiting[0], now):
                break
            work = self.waiting.popleft()
            self.running.append(work)
            budget -= self._chunk(step, work, budget)
        if not step.prefill and not step.decode:
            return None
        step.seconds = self.hardware.step_seconds(sum(count for _, count in step.prefill), len(step.decode))
        return step

    def complete(self, step: Step, now: float) -> list[Work]:
        """The step's time has passed; the sequences that got a token, finished ones among them."""
        progressed = list(step.decode)
        for work, count in step.prefill:
            work.computed += count
            if work.computed >= len(work.prompt):
                progressed.append(work)
        told = []
        for work in progressed:
            if work.allocation is None:  # dropped while the step ran
                continue
            work.generated += 1
            if work.first_token_at is None:
                work.first_token_at = now
            work.last_token_at = now
            told.append(work)
            if work.finished:
                self._end(work)
        return told

    def _chunk(self, step: Step, work: Work, budget: int) -> int:
        count = min(len(work.prompt) - work.computed, budget)
        step.prefill.append((work, count))
        return count

    def _admit(self, work: Work, now: float) -> bool:
        room = len(work.prompt) + len(work.answer)
        allocation = self.cache.allocate(work.keys, len(work.prompt), room)
        if allocation is None:
            return False
        work.allocation = allocation
        work.cached = work.computed = allocation.hits * self.cache.block_size
        work.admitted_at = now
        return True

    def _end(self, work: Work) -> None:
        self.running.remove(work)
        if work.allocation is None:
            return
        if work.finished and self.cache.enabled:
            # the last token of an answer has been said but never computed
            done = [*work.prompt, *work.answer][: len(work.prompt) + max(work.generated - 1, 0)]
            self.cache.fill(work.allocation, self.cache.keys(done, work.salt))
        self.cache.release(work.allocation)
        work.allocation = None
