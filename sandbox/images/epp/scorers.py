# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scores between 0 and 1, and the choice."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sandbox.images.epp.config import CHARACTERS_PER_TOKEN, PREFIX_SCORERS, Config
from sandbox.images.epp.prefix_index import PrefixIndex, block_hashes

Scores = dict[str, float]


@dataclass
class Replica:
    """One model server, as last seen."""

    name: str
    address: str
    """What Envoy gets: IP:port."""
    queued: float = 0.0
    running: float = 0.0
    usage: float = 0.0
    block_tokens: int = 0
    """Of its KV cache; 0 until it has said so."""


@dataclass(frozen=True)
class Request:
    """What the body tells; without a body there is no prompt to compare."""

    model: str = ""
    prompt: str = ""
    salt: str = ""


@dataclass(frozen=True)
class Pick:
    """The choice: the first replica, and where to go when it is not to be had."""

    replicas: tuple[Replica, ...]
    blocks: int
    matched: int
    block_characters: int = 0
    scores: Mapping[str, float] = field(default_factory=dict)

    @property
    def destination(self) -> str:
        """The value of the header and of the dynamic metadata."""
        return ",".join(replica.address for replica in self.replicas)


def queue_scores(replicas: Sequence[Replica]) -> Scores:
    """1 for the shortest queue, 0 for the longest; all 1 when they are equal."""
    longest = max(replica.queued for replica in replicas)
    shortest = min(replica.queued for replica in replicas)
    if longest == shortest:
        return {replica.name: 1.0 for replica in replicas}
    return {replica.name: (longest - replica.queued) / (longest - shortest) for replica in replicas}


def load_scores(replicas: Sequence[Replica], threshold: int) -> Scores:
    """A half without a queue, down to nothing for one of `threshold` requests."""
    return {replica.name: 0.5 * (1.0 - min(replica.queued, threshold) / threshold) for replica in replicas}


def usage_scores(replicas: Sequence[Replica]) -> Scores:
    """The free share of the KV cache."""
    return {replica.name: 1.0 - replica.usage for replica in replicas}


def prefix_scores(matched: Mapping[str, int], blocks: int) -> Scores:
    """The share of the prompt's blocks that a replica is believed to hold."""
    return {name: count / blocks if blocks else 0.0 for name, count in matched.items()}


def no_hit_scores(replicas: Sequence[Replica], matched: Mapping[str, int], last_new: Mapping[str, int]) -> Scores:
    """For a prompt that nobody holds: the replica that has gone longest without a new one first."""
    if any(matched.values()) or len(replicas) < 2:
        return {replica.name: 0.5 if len(replicas) > 1 else 1.0 for replica in replicas}
    order = sorted(replicas, key=lambda replica: last_new.get(replica.name, -1))
    return {replica.name: 1.0 - place / (len(order) - 1) for place, replica in enumerate(order)}


class Picker:
    """Weighs the scorers' scores and remembers what it chose."""

    def __init__(
        self,
        config: Config,
        *,
        block_characters: Callable[[Sequence[Replica]], int] = lambda _: 64 * CHARACTERS_PER_TOKEN,
        chance: random.Random | None = None,
    ) -> None:
        self.config = config
        self._block_characters = block_characters
        self.index = PrefixIndex(config.lru_blocks)
        self._chance = chance or random.Random()
        self._count = 0
        self._last_new: dict[str, int] = {}

    def pick(self, replicas: Sequence[Replica], request: Request) -> Pick | None:
        """The replicas to go to; None when there is none."""
        if not replicas:
            return None
        characters = self.config.block_characters or self._block_characters(replicas)
        hashes = block_hashes(
            request.model,
            request.prompt,
            characters=characters,
            limit=self.config.max_blocks,
            salt=request.salt,
        )
        matched = {replica.name: self.index.matched(replica.name, hashes) for replica in replicas}
        scores = self._scores(replicas, matched, len(hashes))
        order = self._order(replicas, scores)
        chosen = order[0]
        self._count += 1
        if hashes and not any(matched.values()):
            self._last_new[chosen.name] = self._count
        self.index.record(chosen.name, hashes)
        return Pick(tuple(order[: self.config.endpoints]), len(hashes), matched[chosen.name], characters, scores)

    def _scores(self, replicas: Sequence[Replica], matched: Mapping[str, int], blocks: int) -> Scores:
        made: dict[str, Callable[[], Scores]] = {
            "load-aware-scorer": lambda: load_scores(replicas, self.config.load_threshold),
            "queue-scorer": lambda: queue_scores(replicas),
            "kv-cache-utilization-scorer": lambda: usage_scores(replicas),
            "no-hit-lru-scorer": lambda: no_hit_scores(replicas, matched, self._last_new),
            **dict.fromkeys(PREFIX_SCORERS, lambda: prefix_scores(matched, blocks)),
        }
        total = {replica.name: 0.0 for replica in replicas}
        for kind, weight in self.config.weights.items():
            for name, score in made[kind]().items():
                total[name] += weight * score
        return total

    def _order(self, replicas: Sequence[Replica], scores: Scores) -> list[Replica]:
        shuffled = list(replicas)
        self._chance.shuffle(shuffled)  # equal scores: by chance
        if self.config.picker == "random-picker":
            return shuffled
        if self.config.picker == "weighted-random-picker":
            return sorted(
                shuffled, key=lambda one: self._chance.random() ** (1 / max(scores[one.name], 1e-9)), reverse=True
            )
        return sorted(shuffled, key=lambda one: scores[one.name], reverse=True)
