# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The errors of the verdicts, counted out, in a smaller form; and the counting itself against cases that are known."""

from __future__ import annotations

import pytest

from tests.prove import courses
from tests.prove.courses import blind_routers, ends, in_turn, one_replica, spread_evenly, worst_cases
from tests.prove.proof import StepError
from tests.prove.verdicts import check


def test_the_verdicts_keep_what_is_promised() -> None:
    """The worst plan, and the numbers of replicas and shares at which `make prove` finds the largest errors."""
    for name, found in worst_cases((1, 5), (2, 3, 4, 5, 16), (0.6, 0.71, 0.8, 1.0)).items():
        assert found["worst_percent"] <= found["promised_percent"], name


def test_a_laxer_level_would_break_a_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    statistics = "ansible_collections.rhaii.gke.plugins.module_utils._routing.statistics"
    for level, promise in (("BLIND_LEVEL", "a_healthy_route_is_called_blind"), ("AFFINE_LEVEL", "a_blind_route_is")):
        courses.decided.cache_clear()
        with monkeypatch.context() as patch:
            patch.setattr(f"{statistics}.{level}", 0.02)
            worst = worst_cases((1,), (2, 3), (0.6, 0.8))
        courses.decided.cache_clear()
        (found,) = (each for name, each in worst.items() if name.startswith(promise))
        assert found["worst_percent"] > found["promised_percent"], level


@pytest.mark.parametrize("replicas", [2, 3, 16])
@pytest.mark.parametrize("router", blind_routers(), ids=lambda router: str(router.name))
def test_the_probabilities_come_to_one(router: courses.Router, replicas: int) -> None:
    found = ends(router, replicas)
    assert sum(found.share(verdict) for verdict in found.by_verdict) == pytest.approx(1.0)
    assert found.most() >= found.mean() - 1


@pytest.mark.parametrize("replicas", [2, 3, 16])
def test_routers_without_chance(replicas: int) -> None:
    """In turn, no second request ever lands: seven prefixes, five of them with a control."""
    turn = ends(in_turn(1), replicas)
    assert (turn.share("blind"), turn.mean(), turn.most()) == (1.0, 19.0, 19)
    assert ends(one_replica(), replicas).share("blind") == 1.0
    assert ends(spread_evenly(1.0), replicas).share("affine") >= 0.99


def test_five_of_five_among_three_by_hand() -> None:
    """At the first look a random route has five of five once in 243 runs; new prefixes at one replica are as rare."""
    found = ends(spread_evenly(None), 3)
    assert found.share("affine", 15) == pytest.approx((1 / 3) ** 5 * (1 - (1 / 3) ** 9))


def test_two_workers_land_only_where_their_turns_meet() -> None:
    """Two workers, two replicas, one prefix: both turns at one place (1 in 2), and each request at another worker."""
    move = in_turn(2).move(2)
    landed = sum(
        chance * part
        for memory, chance in in_turn(2).start(2).items()
        for _after, seen, part in move(memory, True, False)
        if seen.landed
    )
    assert landed == pytest.approx(1 / 4)


def test_a_step_fails_that_breaks_a_promise() -> None:
    check({"x": courses.worst(0.01, 0.01)})
    with pytest.raises(StepError, match="x: more than is promised"):
        check({"x": courses.worst(0.02, 0.01)})
