# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The routing test's statistics against values that are known, counted out, or derived another way."""

from __future__ import annotations

import itertools
import math
import random

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._routing.statistics import (
    at_least,
    at_most,
    binomial_pmf,
    faster,
    modal_share_by_chance,
    nearest_rank,
    percentile,
    percentile_ranks,
    ratio,
    settled,
)


@pytest.mark.parametrize(
    ("count", "trials", "chance", "probability"),
    [
        pytest.param(5, 5, 1 / 3, 1 / 243, id="five of five at three"),
        pytest.param(4, 5, 1 / 3, 10 / 243, id="four of five at three"),
        pytest.param(0, 4, 0.5, 1 / 16, id="none"),
        pytest.param(2, 4, 0.5, 6 / 16, id="the middle"),
        pytest.param(3, 2, 0.5, 0.0, id="more than there are"),
        pytest.param(-1, 2, 0.5, 0.0, id="less than none"),
        pytest.param(2, 2, 1.0, 1.0, id="certain"),
        pytest.param(1, 2, 1.0, 0.0, id="certain, and not so"),
        pytest.param(0, 2, 0.0, 1.0, id="impossible"),
        pytest.param(1, 2, 0.0, 0.0, id="impossible, and so"),
    ],
)
def test_binomial_pmf(count: int, trials: int, chance: float, probability: float) -> None:
    assert binomial_pmf(count, trials, chance) == pytest.approx(probability, abs=1e-15)


def test_at_least() -> None:
    assert at_least(5, 5, 1 / 3) == pytest.approx(0.00411523, abs=1e-8)
    assert at_least(4, 5, 1 / 3) == pytest.approx(11 / 243)
    assert at_least(0, 5, 1 / 3) == pytest.approx(1.0)
    assert at_least(-3, 5, 1 / 3) == pytest.approx(1.0)
    assert at_least(6, 5, 1 / 3) == 0.0


def test_at_least_never_exceeds_one() -> None:
    assert max(at_least(0, trials, chance) for trials in range(60) for chance in (0.1, 1 / 3, 0.9)) <= 1.0


def test_at_most() -> None:
    assert at_most(0, 7, 0.6) == pytest.approx(0.4**7)
    assert at_most(1, 2, 0.6) == pytest.approx(1 - 0.36)
    assert at_most(5, 5, 0.6) == pytest.approx(1.0)
    assert at_most(-1, 5, 0.6) == 0.0


@pytest.mark.parametrize(
    ("landed", "trials", "replicas", "found"),
    [
        pytest.param(4, 4, 3, "", id="four of four among three: p is 0.012"),
        pytest.param(5, 5, 3, "affine", id="five of five among three"),
        pytest.param(4, 5, 3, "", id="four of five: p is 0.045"),
        pytest.param(0, 5, 3, "", id="none of five: a healthy route may have it, with a probability of 0.01"),
        pytest.param(0, 6, 3, "", id="none of six"),
        pytest.param(0, 7, 3, "chance", id="none of seven"),
        pytest.param(6, 6, 2, "", id="six of six among two"),
        pytest.param(7, 7, 2, "affine", id="seven of seven among two"),
        pytest.param(16, 27, 2, "", id="leaning to affinity"),
        pytest.param(24, 40, 2, "", id="as a healthy route of the least share among two"),
        pytest.param(2, 2, 16, "affine", id="two of two among sixteen"),
        pytest.param(0, 0, 3, "", id="nothing seen"),
    ],
)
def test_when_a_question_is_settled(landed: int, trials: int, replicas: int, found: str) -> None:
    assert settled(landed, trials, 1 / replicas) == found


def by_counting(requests: int, replicas: int) -> float:
    shares = [
        max(places.count(name) for name in range(replicas)) / requests
        for places in itertools.product(range(replicas), repeat=requests)
    ]
    return sum(shares) / len(shares)


@pytest.mark.parametrize(("requests", "replicas"), [(1, 3), (2, 1), (2, 2), (2, 3), (3, 3), (5, 4), (6, 2)])
def test_modal_share_by_chance(requests: int, replicas: int) -> None:
    assert modal_share_by_chance(requests, replicas) == pytest.approx(by_counting(requests, replicas))


def test_modal_share_of_many_requests_is_drawn_and_agrees() -> None:
    exact, drawn = modal_share_by_chance(40, 3), modal_share_by_chance(41, 3)
    assert drawn == pytest.approx(exact, abs=0.005)
    assert drawn == modal_share_by_chance(41, 3)
    assert 1 / 3 < modal_share_by_chance(900, 3) < 0.36


@pytest.mark.parametrize(
    ("percent", "count", "rank"),
    [
        *((50, 1, 1), (50, 2, 1), (50, 3, 2), (50, 100, 50), (95, 100, 95), (95, 10, 10), (95, 20, 19)),
        *((95, 200, 190), (99, 100, 99), (99, 1000, 990)),
    ],
)
def test_nearest_rank(percent: int, count: int, rank: int) -> None:
    assert nearest_rank(list(range(1, count + 1)), percent) == rank


@pytest.mark.parametrize(("percent", "fewest"), [(50, 6), (95, 72), (99, 368), (5, 72), (1, 368)])
def test_a_percentile_needs_enough_values_for_an_interval(percent: int, fewest: int) -> None:
    assert percentile_ranks(fewest - 1, percent) is None
    assert percentile_ranks(fewest, percent) is not None


@pytest.mark.parametrize(
    ("percent", "count", "ranks"),
    # as tables of order statistics have them for 95 % with equal tails
    [(50, 6, (1, 6)), (50, 20, (6, 15)), (50, 100, (40, 61)), (95, 100, (90, 100)), (95, 200, (184, 197))],
)
def test_percentile_ranks(percent: int, count: int, ranks: tuple[int, int]) -> None:
    assert percentile_ranks(count, percent) == ranks


@pytest.mark.parametrize("percent", [50, 95])
def test_an_interval_covers_the_percentile_as_often_as_it_says(percent: int) -> None:
    chance = random.Random(7)
    covered = 0
    for _ in range(400):
        found = percentile([chance.expovariate(1.0) for _ in range(80)], percent)
        assert found is not None
        assert found.interval is not None
        low, high = found.interval
        covered += low <= -math.log(1 - percent / 100) <= high
    assert 0.93 <= covered / 400 <= 1.0


def test_percentile() -> None:
    assert percentile([], 50) is None
    few = percentile([3.0, 1.0, 2.0], 95)
    assert few is not None
    assert (few.value, few.interval) == (3.0, None)
    many = percentile([float(value) for value in range(100, 0, -1)], 50)
    assert many is not None
    assert (many.value, many.interval) == (50.0, (40.0, 61.0))


@pytest.mark.parametrize(
    ("warm", "cold", "p"),
    [
        pytest.param([1, 2, 3], [4, 5, 6], 1 / 20, id="three and three apart"),
        pytest.param([1, 2, 3, 4], [5, 6, 7, 8], 1 / 70, id="four and four apart"),
        pytest.param([1, 2, 3, 4, 5], [6, 7, 8, 9, 10], 1 / 252, id="five and five apart"),
        pytest.param([4, 5, 6], [1, 2, 3], 1.0, id="the wrong way"),
        pytest.param([1, 4], [2, 3], 4 / 6, id="two wins of four"),
        pytest.param([1, 3], [2, 4], 2 / 6, id="three wins of four"),
        pytest.param([1], [1], 1.0, id="a tie counts half and is rounded down"),
        pytest.param([1, 1], [1, 1], 4 / 6, id="nothing but ties"),
        pytest.param([1], [2], 1 / 2, id="one and one"),
        pytest.param([1, 2], [3, 4, 5], 1 / 10, id="unequal sizes"),
    ],
)
def test_faster(warm: list[float], cold: list[float], p: float) -> None:
    assert faster(warm, cold) == pytest.approx(p)


def test_faster_against_all_orders() -> None:
    warm, cold = [1.0, 2.5, 6.0], [2.0, 3.0, 4.0, 5.0]
    wins = sum(one < other for one in warm for other in cold)
    as_good = [
        sum(one < other for one in chosen for other in set(range(7)) - set(chosen)) >= wins
        for chosen in itertools.combinations(range(7), 3)
    ]
    assert faster(warm, cold) == pytest.approx(sum(as_good) / len(as_good))


def test_faster_of_nothing_is_not_known() -> None:
    assert faster([], [1.0]) is None
    assert faster([1.0], []) is None


def test_ratio_is_the_median_over_prefixes() -> None:
    found = ratio([(2.0, 1.0), (2.0, 1.5), (4.0, 1.0)], 0)
    assert found is not None
    assert found.median == 0.5
    assert found.interval is None
    assert ratio([], 0) is None
    assert ratio([(0.0, 1.0)], 0) is None


def test_ratio_has_an_interval_from_five_prefixes_on() -> None:
    pairs = [(1.0, 0.4), (1.0, 0.5), (1.0, 0.6), (1.0, 0.7), (1.0, 0.8)]
    found, again = ratio(pairs, 3), ratio(pairs, 3)
    assert found == again
    assert found is not None
    assert found.median == 0.6
    # a median of five resampled values is the lowest with 5.8 %, the second lowest or less with 31 %
    assert found.interval == (0.4, 0.8)
    assert ratio(pairs[:4], 3) is not None
    assert ratio(pairs[:4], 3).interval is None  # type: ignore[union-attr]  # the line before has said that it is one


def test_an_interval_narrows_with_more_prefixes() -> None:
    chance = random.Random(5)
    pairs = [(1.0, chance.gauss(0.5, 0.05)) for _ in range(40)]
    found = ratio(pairs, 1)
    assert found is not None
    assert found.interval is not None
    assert 0.45 < found.interval[0] < found.median < found.interval[1] < 0.55
