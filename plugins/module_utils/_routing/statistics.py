# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The statistics of the routing test: exact where the numbers are small, never assuming a shape of the latencies."""

from __future__ import annotations

import math
import random
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

# A verdict falls at the first look at which what was seen is rarer than this under the other side. There are up to
# MOST_PREFIXES looks, so that both sides err more often than that. How often, tests/prove/verdicts.py counts out
# (docs/verdicts.md): a blind route is taken for affine in 5 % of the runs at most, a healthy one for blind in 1 %.
AFFINE_LEVEL, BLIND_LEVEL = 0.01, 0.0017
# The least share of second requests that a healthy route sends to the replica of the first. A live picker with a load
# scorer beside the prefix scorer had 0.71 among three replicas.
LEAST_SHARE = 0.6
# Prefixes that are looked at one by one; more of them in one plan are looked at once, which errs less.
MOST_PREFIXES = 57
RESAMPLES = 2000
# Beyond so many requests a share by chance is drawn rather than counted out.
LARGEST_EXACT = 40
# Fewer prefixes than this say nothing of how far a median is to be trusted.
FEWEST_PAIRS = 5


def binomial_pmf(count: int, trials: int, chance: float) -> float:
    """The probability of exactly `count` successes."""
    if not 0 <= count <= trials:
        return 0.0
    if chance in (0.0, 1.0):
        return float(count == (trials if chance else 0))
    ways = math.lgamma(trials + 1) - math.lgamma(count + 1) - math.lgamma(trials - count + 1)
    return math.exp(ways + count * math.log(chance) + (trials - count) * math.log1p(-chance))


def at_least(count: int, trials: int, chance: float) -> float:
    """The probability of `count` successes or more."""
    return min(1.0, math.fsum(binomial_pmf(each, trials, chance) for each in range(max(count, 0), trials + 1)))


def at_most(count: int, trials: int, chance: float) -> float:
    """The probability of `count` successes or fewer."""
    return at_least(trials - count, trials, 1 - chance)


def settled(landed: int, trials: int, chance: float) -> str:
    """`affine` or `chance` when `landed` of `trials` second requests suffice to say so, else ''."""
    if at_least(landed, trials, chance) <= AFFINE_LEVEL:
        return "affine"
    return "chance" if at_most(landed, trials, LEAST_SHARE) <= BLIND_LEVEL else ""


def modal_share_by_chance(requests: int, replicas: int) -> float:
    """The share of `requests` that the busiest of `replicas` gets when each goes where chance sends it."""
    if requests > LARGEST_EXACT:
        chance = random.Random(requests)
        draws = (Counter(chance.choices(range(replicas), k=requests)) for _draw in range(RESAMPLES))
        return statistics.fmean(max(draw.values()) for draw in draws) / requests
    expected = 0.0
    for limit in range(requests):
        expected += 1 - _none_above(limit, requests, replicas)
    return expected / requests


def _none_above(limit: int, requests: int, replicas: int) -> float:
    """The probability that no replica gets more than `limit` requests."""
    # ways[n] = number of ways to send n of the requests to the replicas so far
    ways = [1] + [0] * requests
    for _replica in range(replicas):
        ways = [
            sum(math.comb(total, here) * ways[total - here] for here in range(min(limit, total) + 1))
            for total in range(requests + 1)
        ]
    return ways[requests] * (1 / replicas) ** requests


def nearest_rank(ordered: Sequence[float], percent: int) -> float:
    """The percentile by nearest rank of values in ascending order."""
    return ordered[_rank(len(ordered), percent) - 1]


def _rank(count: int, percent: int) -> int:
    return -(-count * percent // 100)


def percentile_ranks(count: int, percent: int) -> tuple[int, int] | None:
    """The ranks (from 1) of the distribution-free 95 % interval of a percentile; None when `count` is too small."""
    share = percent / 100
    tail = (1 - 0.95) / 2
    below, low = 0.0, 0
    for rank in range(1, count + 1):
        below += binomial_pmf(rank - 1, count, share)
        if below > tail:
            break
        low = rank
    above, high = 0.0, 0
    for rank in range(count, 0, -1):
        above += binomial_pmf(rank, count, share)
        if above > tail:
            break
        high = rank
    return (low, high) if low and high else None


@dataclass(frozen=True)
class Percentile:
    value: float
    # the distribution-free 95 % interval; None when there are too few values for one
    interval: tuple[float, float] | None


def percentile(values: Sequence[float], percent: int) -> Percentile | None:
    """A percentile and how far it is to be trusted."""
    if not values:
        return None
    ordered = sorted(values)
    ranks = percentile_ranks(len(ordered), percent)
    interval = None if ranks is None else (ordered[ranks[0] - 1], ordered[ranks[1] - 1])
    return Percentile(nearest_rank(ordered, percent), interval)


def faster(warm: Sequence[float], cold: Sequence[float]) -> float | None:
    """Mann and Whitney's exact one-sided p that warm requests are no faster than cold ones; ties count half."""
    if not warm or not cold:
        return None
    wins = sum(1.0 if one < other else 0.5 if one == other else 0.0 for one in warm for other in cold)
    ways = _ways(len(warm), len(cold))
    return sum(ways[math.floor(wins) :]) / sum(ways)


def _ways(first: int, second: int) -> list[int]:
    """How many orders of two samples give each number of wins: the coefficients of a Gaussian binomial."""
    size = first * second + 1
    ways = [1] + [0] * (size - 1)
    for step in range(1, first + 1):
        for place in range(size - 1, second + step - 1, -1):  # times (1 - q^(second + step))
            ways[place] -= ways[place - second - step]
        for place in range(step, size):  # over (1 - q^step)
            ways[place] += ways[place - step]
    return ways


@dataclass(frozen=True)
class Ratio:
    """Warm over cold: the median over prefixes, with a bootstrap 95 % interval where there are enough of them."""

    median: float
    interval: tuple[float, float] | None


def ratio(pairs: Sequence[tuple[float, float]], seed: int) -> Ratio | None:
    """From (cold, warm) of each prefix. Whole prefixes are resampled: requests of one are not independent."""
    ratios = [warm / cold for cold, warm in pairs if cold > 0]
    if not ratios:
        return None
    middle = statistics.median(ratios)
    if len(ratios) < FEWEST_PAIRS:
        return Ratio(middle, None)
    chance = random.Random(seed)
    medians = sorted(statistics.median(chance.choices(ratios, k=len(ratios))) for _draw in range(RESAMPLES))
    tail = round(RESAMPLES * 0.025)
    return Ratio(middle, (medians[tail], medians[RESAMPLES - 1 - tail]))


__all__ = (
    "LEAST_SHARE",
    "MOST_PREFIXES",
    "Percentile",
    "Ratio",
    "at_least",
    "at_most",
    "binomial_pmf",
    "faster",
    "modal_share_by_chance",
    "nearest_rank",
    "percentile",
    "percentile_ranks",
    "ratio",
    "settled",
)
