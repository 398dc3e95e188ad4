# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The verdict: does routing follow prefixes, and are they found cached?

Latency has no say. A repeated prompt that is faster proves nothing: after a few requests every replica has it. Only
the second request of a prefix that is new tells: by chance it comes to the replica of the first once in as many times
as there are replicas.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.rhaii.gke.plugins.module_utils._causes import Cause
from ansible_collections.rhaii.gke.plugins.module_utils._routing import statistics

# Without a count of the replicas, the fewest with which there is anything to route: the hardest to tell from chance.
FEWEST_REPLICAS = 2
# A picker knows prefixes by blocks too, of 64 tokens by default; a cache on TPU by 128.
PICKER_BLOCK, CACHE_BLOCK = 64, 128
# New prefixes that all come to one replica are no coincidence when it is rarer than this.
PINNED = 0.001

AFFINE, BLIND, NO_CACHE, UNHEALTHY, UNKNOWN = "affine", "blind", "no_cache", "unhealthy", "unknown"

_PICKER = (
    "The endpoint picker is not in the path, or does not see the prompt; with FailOpen requests succeed all the same. "
    "Check that its pod is ready, that the EnvoyFilter which forwards the body is in the gateway's namespace and names "
    "this service's routes, and that the gateway's log shows no ext_proc error."
)
_CACHE = (
    "Start vLLM with --enable-prefix-caching, and ask with a prefix of several blocks (a block is 128 tokens on TPU)."
)
_SIGNALS = (
    "Give Kubernetes access (host and api_key, or kubeconfig) so that the replicas' own counters can be read, or start "
    "vLLM with --enable-prompt-tokens-details."
)


@dataclass(frozen=True)
class Second:
    """The second request of one prefix. None is for what could not be seen."""

    same_replica: bool | None = None
    hit: bool | None = None


@dataclass(frozen=True)
class Evidence:
    """What the run has seen."""

    problems: Sequence[str] = ()
    # how many replicas serve; None when nobody said
    replicas: int | None = None
    seconds: Sequence[Second] = ()
    # all requests of a prefix after its first, whose cached tokens are known; and those that hit
    repeats: int = 0
    hits: int = 0
    # cached tokens that requests with new prefixes reported
    fresh_cached: int = 0
    # which replicas served requests with new prefixes
    fresh_replicas: Mapping[str, int] = field(default_factory=dict)
    # a prefix was asked so often that some replica must have had it twice
    exhausted: bool = False
    prompt_tokens: int | None = None
    block: int | None = None

    @property
    def assumed_replicas(self) -> int:
        return self.replicas or FEWEST_REPLICAS

    @property
    def stale(self) -> bool:
        """What was meant to be new was cached, and repeats found no more than that."""
        return self.fresh_cached > 0 and self.repeats > 0 and self.hits == 0

    @property
    def trials(self) -> list[bool]:
        """For each prefix whether its second request came to the replica of the first, where that can be told.

        A hit says that it did. A miss says that it did not only when the cache is known to work.
        """
        found = []
        for second in self.seconds:
            if second.same_replica is not None:
                found.append(second.same_replica)
            elif second.hit is not None and self.hits:
                found.append(second.hit)
        return found

    @property
    def unfilled(self) -> int:
        """The block that the prompts do not fill, so that nobody can know them again; 0 when they do."""
        block = PICKER_BLOCK if self.hits else max(self.block or CACHE_BLOCK, PICKER_BLOCK)
        return block if self.prompt_tokens is not None and self.prompt_tokens <= block else 0

    @property
    def only_replica(self) -> str:
        """The one replica that all new prefixes came to, although there are more; '' where too few were seen."""
        alone = len(self.fresh_replicas) == 1 and self.assumed_replicas >= FEWEST_REPLICAS
        seen = sum(self.fresh_replicas.values()) >= len(self.trials)
        return next(iter(self.fresh_replicas)) if alone and seen else ""

    @property
    def pinned(self) -> str:
        """The same when that is no coincidence."""
        name = self.only_replica
        count = self.fresh_replicas.get(name, 0)
        return name if name and self.assumed_replicas ** (1.0 - count) <= PINNED else ""


@dataclass(frozen=True)
class Judgement:
    verdict: str
    sentence: str
    remedy: str = ""
    cause: Cause = ""


def p_value(evidence: Evidence) -> float | None:
    """How likely as many second requests come to the replica of the first when routing is by chance."""
    trials = evidence.trials
    if not trials or evidence.assumed_replicas < FEWEST_REPLICAS:
        return None
    return statistics.at_least(sum(trials), len(trials), 1 / evidence.assumed_replicas)


def open_question(evidence: Evidence) -> bool:
    """Whether more prefixes would help."""
    if evidence.problems or not evidence.trials or evidence.assumed_replicas < FEWEST_REPLICAS or evidence.pinned:
        return False
    return not _routing(evidence)


def nothing_found(evidence: Evidence) -> bool:
    """No hit, and no view of the replicas: blind routing, or no cache? Asking one prefix on and on will tell.

    So it is where no hit was told of: a server that leaves zeros out says nothing before the first hit.
    """
    return bool(evidence.seconds) and not evidence.trials and not evidence.hits and not evidence.stale


def judge(evidence: Evidence) -> Judgement:
    """The verdict with a sentence and a remedy."""
    if evidence.problems:
        return Judgement(
            UNHEALTHY,
            f"The endpoint does not serve: {'; '.join(evidence.problems)}.",
            "Check that the service is ready, that the gateway has an address and a route to it, and that the network "
            "policies let the gateway in.",
            "endpoint-not-serving",
        )
    if evidence.pinned:
        return Judgement(
            BLIND,
            f"Routing is blind to the prompt: every new prefix came to {evidence.pinned}, although {_among(evidence)} "
            "serve.",
            f"Requests stick to their client or connection, or the picker knows one replica only. {_PICKER}",
            "routing-pinned",
        )
    routing = _routing(evidence)
    if routing == "chance" and evidence.unfilled:
        return _no_cache(evidence, "Prompts are too short to be known again", "and")
    if routing == "chance":
        return Judgement(BLIND, f"Routing is blind to the prompt: {_landed(evidence)}.", _PICKER, "routing-blind")
    if evidence.stale:
        return Judgement(
            UNKNOWN,
            f"Prompts that were meant to be new were answered with {evidence.fresh_cached} cached tokens, so that hits "
            "prove nothing.",
            "Run again with salted: true, or reset the caches.",
            "prompts-not-new",
        )
    if evidence.assumed_replicas < FEWEST_REPLICAS:
        return _cached(evidence, "With one replica there is nothing to route")
    if routing == "affine":
        return _cached(evidence, f"Routing follows the prefix: {_landed(evidence)}")
    if evidence.trials:
        only = f", and every new prefix came to {evidence.only_replica}" if evidence.only_replica else ""
        return Judgement(
            UNKNOWN,
            f"It is not clear whether routing follows the prefix: {_landed(evidence)}{only}.",
            "Run again with more prefixes.",
            "routing-not-told",
        )
    if evidence.exhausted and evidence.repeats and not evidence.hits:
        return _no_cache(evidence, "One prefix was asked so often that some replica must have had it twice")
    return Judgement(
        UNKNOWN, "Neither the replicas that served nor their cache hits could be seen.", _SIGNALS, "routing-not-told"
    )


def _routing(evidence: Evidence) -> str:
    trials = evidence.trials
    if not trials or evidence.assumed_replicas < FEWEST_REPLICAS:
        return ""
    found = statistics.settled(sum(trials), len(trials), 1 / evidence.assumed_replicas)
    # where all is sent to one replica, the second request of a prefix is, too
    return "" if found == "affine" and evidence.only_replica else found


def _among(evidence: Evidence) -> str:
    return "two or more replicas" if evidence.replicas is None else f"{evidence.replicas} replicas"


def _landed(evidence: Evidence) -> str:
    trials = evidence.trials
    by_chance = len(trials) / evidence.assumed_replicas
    return (
        f"{sum(trials)} of {len(trials)} second requests came to the replica of the first, where chance among "
        f"{_among(evidence)} gives {by_chance:.1f} (p = {p_value(evidence):.2g})"
    )


def _cached(evidence: Evidence, beginning: str) -> Judgement:
    """The verdict when routing is as it should be: it stands and falls with the hits."""
    if evidence.hits:
        found = f"{evidence.hits} of {evidence.repeats} repeated requests found their prefix cached"
        return Judgement(AFFINE, f"{beginning}, and {found}.")
    if evidence.repeats:
        return _no_cache(evidence, beginning)
    said = f"{beginning}, but whether prompts are found cached could not be seen."
    return Judgement(UNKNOWN, said, _SIGNALS, "routing-not-told")


def _no_cache(evidence: Evidence, beginning: str, so: str = "but") -> Judgement:
    remedy = _CACHE
    cause: Cause = "prefix-not-cached"
    if evidence.unfilled:
        cause = "prompts-too-short"
        remedy = (
            f"A prompt of {evidence.prompt_tokens} tokens does not fill a block of {evidence.unfilled}: raise "
            "prefix_tokens, or give a longer prompt."
        )
    found = "" if evidence.hits else f", {so} nothing was found cached"
    return Judgement(NO_CACHE, f"{beginning}{found}.", remedy, cause)


__all__ = (
    "AFFINE",
    "BLIND",
    "NO_CACHE",
    "UNHEALTHY",
    "UNKNOWN",
    "Evidence",
    "Judgement",
    "Second",
    "judge",
    "nothing_found",
    "open_question",
    "p_value",
)
