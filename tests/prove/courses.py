# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How often cache_routing_test's verdict is wrong, counted out: every course that a run can take, with its probability.

The decisions are the product's own (`judge` and `open_question`); a run is what its proof sends: prefixes asked twice,
those of the plan with a control after them, then more of them while the question is open.
"""

from __future__ import annotations

import functools
import itertools
import json
import sys
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._routing.judge import (
    AFFINE,
    BLIND,
    UNKNOWN,
    Evidence,
    Second,
    judge,
    open_question,
)
from ansible_collections.rhaii.gke.plugins.module_utils._routing.statistics import MOST_PREFIXES

from tests.prove.proof import Figures

REPLICAS = range(2, 17)
SHARES = tuple(percent / 100 for percent in range(60, 101, 5))
PLAN = 5
"""Prefixes of the plan by default."""
PLANS = (1, 2, 3, 5, 8, 20, 50)
ENOUGH = 60
"""Requests within which a good route has to be known."""
WRONG_BLIND, WRONG_AFFINE, UNSETTLED = 0.01, 0.05, 0.10
SETTLED_FROM = (3, 0.8)
"""Replicas and share from which on a route must be known by then."""


@dataclass(frozen=True)
class Seen:
    """What one prefix showed: whether its second request came to the first's replica, and where new prefixes went."""

    landed: bool
    # every new prefix so far, this one's control too, came to one replica
    alone: bool


Course = Mapping[Hashable, float]
"""What the router and the run remember, each with its probability."""
Move = Callable[[Hashable, bool, bool], Iterable[tuple[Hashable, Seen, float]]]
"""From a memory (None at the start), whether all was alone so far, and whether a control follows."""


@dataclass(frozen=True)
class Router:
    """A way of routing."""

    name: str
    start: Callable[[int], Course]
    move: Callable[[int], Move]


def spread_evenly(share: float | None) -> Router:
    """New prefixes go anywhere; a second request to the first's replica with this share, None for any one alike.

    That is a healthy picker; and of blind routes the random one, and the one that takes the least busy replica: where
    none is busy, Envoy's choice among two drawn ones is a random one.
    """

    def moves(replicas: int) -> Move:
        landing = 1 / replicas if share is None else share

        def move(memory: Hashable, alone: bool, control: bool) -> Iterator[tuple[Hashable, Seen, float]]:
            new = (0 if memory is None else 1) + control
            staying = replicas**-new if alone else 0.0
            for still, one in ((True, staying), (False, 1 - staying)):
                for landed, other in ((True, landing), (False, 1 - landing)):
                    if one * other:
                        yield True, Seen(landed, still), one * other

        return move

    return Router("random or least busy" if share is None else "healthy", lambda replicas: {None: 1.0}, moves)


def in_turn(workers: int) -> Router:
    """Each request goes to the replica after the last one; with several workers each has a turn of its own.

    Each request has a connection of its own, and the system gives that to any worker.
    """

    def start(replicas: int) -> Course:
        turns = list(itertools.product(range(replicas), repeat=workers - 1))
        return {((0, *others), None): 1 / len(turns) for others in turns}

    def moves(replicas: int) -> Move:
        def move(memory: Hashable, alone: bool, control: bool) -> Iterator[tuple[Hashable, Seen, float]]:
            before: Any = memory
            requests = 3 if control else 2
            chance = float(workers) ** -requests
            for chosen in itertools.product(range(workers), repeat=requests):
                turns, where = list(before[0]), []
                for worker in chosen:
                    where.append(turns[worker])
                    turns[worker] = (turns[worker] + 1) % replicas
                first = where[0] if before[1] is None else before[1]
                still = alone and {where[0], *where[2:]} == {first}
                yield (tuple(turns), first if still else -1), Seen(where[0] == where[1], still), chance

        return move

    return Router(f"in turn, {workers} worker{'s' if workers > 1 else ''}", start, moves)


def one_replica() -> Router:
    """Everything goes to one replica, as with sessions that stick."""

    def move(memory: Hashable, alone: bool, control: bool) -> Iterator[tuple[Hashable, Seen, float]]:
        yield True, Seen(True, True), 1.0

    return Router("all to one replica", lambda replicas: {None: 1.0}, lambda replicas: move)


def blind_routers() -> tuple[Router, ...]:
    """Those that know no prefix."""
    return (spread_evenly(None), in_turn(1), in_turn(2), one_replica())


@functools.cache
def decided(replicas: int, prefixes: int, landed: int, new: int, alone: bool) -> tuple[str, bool]:
    """The product's verdict, and whether it would ask on."""
    evidence = Evidence(
        replicas=replicas,
        seconds=tuple(Second(place < landed, place < landed) for place in range(prefixes)),
        repeats=prefixes,
        hits=landed,
        fresh_replicas={"a": new} if alone else {"a": new - 1, "b": 1},
    )
    return judge(evidence).verdict, open_question(evidence)


@dataclass
class Ends:
    """How runs end: each verdict's probability, by the requests that it took."""

    by_verdict: dict[str, dict[int, float]]

    def share(self, verdict: str, within: int | None = None) -> float:
        """The probability of a verdict, within so many requests."""
        found = self.by_verdict.get(verdict, {})
        return sum(chance for requests, chance in found.items() if within is None or requests <= within)

    def requests(self) -> list[tuple[int, float]]:
        """What runs take, in order."""
        every: dict[int, float] = {}
        for found in self.by_verdict.values():
            for requests, chance in found.items():
                every[requests] = every.get(requests, 0.0) + chance
        return sorted(every.items())

    def mean(self) -> float:
        """Requests on average."""
        return sum(requests * chance for requests, chance in self.requests())

    def most(self, of_all: float = 0.95) -> int:
        """Requests that suffice in that share of the runs."""
        total = 0.0
        for requests, chance in self.requests():
            total += chance
            if total >= of_all - 1e-12:
                return requests
        raise AssertionError("the probabilities do not come to one")


def ends(router: Router, replicas: int, plan: int = PLAN) -> Ends:
    """Every course of a run with `plan` prefixes in its plan."""
    move = router.move(replicas)
    # what the router remembers, how many landed, whether all new prefixes came to one replica
    open_: dict[tuple[Hashable, int, bool], float] = {
        (memory, 0, True): chance for memory, chance in router.start(replicas).items()
    }
    found: dict[str, dict[int, float]] = {}
    requests = new = 0
    for prefixes in range(1, max(plan, MOST_PREFIXES) + 1):
        control = prefixes <= plan
        requests += 3 if control else 2
        new += 2 if control else 1
        moved: dict[tuple[Hashable, int, bool], float] = {}
        for (memory, landed, alone), chance in open_.items():
            for after, seen, part in move(memory, alone, control):
                state = (after, landed + seen.landed, seen.alone)
                moved[state] = moved.get(state, 0.0) + chance * part
        open_ = {}
        for state, chance in moved.items():
            verdict, asks_on = decided(replicas, prefixes, state[1], new, state[2])
            if prefixes < plan or (asks_on and prefixes < MOST_PREFIXES):
                open_[state] = chance
            else:
                by_requests = found.setdefault(verdict, {})
                by_requests[requests] = by_requests.get(requests, 0.0) + chance
    return Ends(found)


def healthy() -> Figures:
    """Rows by share, each the worst over the numbers of replicas from three on, and two apart."""
    rows = []
    for share, some in itertools.product(SHARES, ((2,), tuple(REPLICAS)[1:])):
        every = [ends(spread_evenly(share), replicas) for replicas in some]
        rows.append(
            {
                "share": share,
                "replicas": "2" if some == (2,) else f"{some[0]} to {some[-1]}",
                "blind_percent": percent(max(each.share(BLIND) for each in every)),
                "unknown_percent": percent(max(each.share(UNKNOWN) for each in every)),
                "not_known_within_60_requests_percent": percent(max(1 - each.share(AFFINE, ENOUGH) for each in every)),
                **taken(every),
            }
        )
    return {"rows": rows}


def blind() -> Figures:
    """Rows by router and replicas."""
    rows = []
    for router, replicas in itertools.product(blind_routers(), (2, 3, 4, 8, 16)):
        found = ends(router, replicas)
        rows.append(
            {
                "router": router.name,
                "replicas": replicas,
                "affine_percent": percent(found.share(AFFINE)),
                "unknown_percent": percent(found.share(UNKNOWN)),
                "blind_percent": percent(found.share(BLIND)),
                **taken([found]),
            }
        )
    return {"rows": rows}


def bounds() -> Figures:
    """The worst case of each promise, over every number of replicas, share, router and plan."""
    return dict(worst_cases(PLANS, REPLICAS, SHARES))


def worst_cases(plans: Iterable[int], numbers: Iterable[int], shares: Iterable[float]) -> dict[str, Figures]:
    """The largest error of each kind."""
    grid = list(itertools.product(plans, numbers))
    wrong_blind = max(ends(spread_evenly(share), *each[::-1]).share(BLIND) for each in grid for share in shares)
    wrong_affine = max(ends(router, *each[::-1]).share(AFFINE) for each in grid for router in blind_routers())
    least, good = SETTLED_FROM
    late = max(
        1
        - ends(spread_evenly(share), replicas).share(AFFINE, ENOUGH)
        - ends(spread_evenly(share), replicas).share(BLIND)
        for replicas in {number for _plan, number in grid if number >= least}
        for share in shares
        if share >= good
    )
    return {
        "a_healthy_route_is_called_blind": worst(wrong_blind, WRONG_BLIND),
        "a_blind_route_is_called_affine": worst(wrong_affine, WRONG_AFFINE),
        "a_good_route_is_unknown_after_60_requests": worst(late, UNSETTLED),
    }


def worst(found: float, promised: float) -> Figures:
    """A row."""
    return {"worst_percent": percent(found), "promised_percent": percent(promised)}


def taken(every: list[Ends]) -> Figures:
    """How many requests runs take, in the worst of these cases."""
    return {
        "requests_on_average": round(max(each.mean() for each in every), 1),
        "requests_in_95_of_100_runs": max(each.most() for each in every),
    }


def percent(share: float) -> float:
    """As people read it."""
    return round(100 * share, 3)


def main(name: str, file: str) -> None:
    """Count one part, and write its figures down."""
    parts: dict[str, Callable[[], Figures]] = {"healthy": healthy, "blind": blind, "bounds": bounds}
    Path(file).write_text(json.dumps(parts[name]()), encoding="utf-8")


__all__ = ("Ends", "Router", "blind_routers", "ends", "spread_evenly", "worst_cases")

if __name__ == "__main__":
    main(*sys.argv[1:])
