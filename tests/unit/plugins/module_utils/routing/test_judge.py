# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verdict: every cell of the matrix, its sentence and its remedy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._routing.judge import (
    Evidence,
    Second,
    judge,
    nothing_found,
    open_question,
    p_value,
)


def seconds(*same: bool | None, hit: bool | None = None) -> tuple[Second, ...]:
    return tuple(Second(each, hit) for each in same)


def by_hits(*hits: bool | None) -> tuple[Second, ...]:
    return tuple(Second(None, each) for each in hits)


YES, NO = (True,) * 5, (False,) * 5
SPREAD = {"a": 4, "b": 3, "c": 3}


def view(same: Sequence[bool | None] = YES, **more: Any) -> Evidence:
    """With a view of three replicas."""
    given: dict[str, Any] = {"replicas": 3, "repeats": 5, "hits": 5, "fresh_replicas": SPREAD, **more}
    return Evidence(seconds=seconds(*same), **given)


@pytest.mark.parametrize(
    ("evidence", "verdict", "said", "remedy"),
    [
        pytest.param(
            Evidence(problems=("/health: HTTP 503", "/v1/models: HTTP 503")),
            "unhealthy",
            "does not serve: /health: HTTP 503; /v1/models: HTTP 503.",
            "Check that the service is ready",
            id="not healthy",
        ),
        pytest.param(view(problems=("x",)), "unhealthy", "x", "Check", id="not healthy, whatever else was seen"),
        pytest.param(
            view(),
            "affine",
            "Routing follows the prefix: 5 of 5 second requests came to the replica of the first, where chance among 3 "
            "replicas gives 1.7 (p = 0.0041), and 5 of 5 repeated requests found their prefix cached.",
            "",
            id="affine and cached",
        ),
        pytest.param(view(hits=1), "affine", "1 of 5 repeated requests", "", id="affine, seldom cached"),
        pytest.param(
            view(hits=0), "no_cache", "but nothing was found cached", "--enable-prefix-caching", id="no cache"
        ),
        pytest.param(
            view(hits=0, block=128, prompt_tokens=128),
            "no_cache",
            "nothing was found cached",
            "A prompt of 128 tokens does not fill a block of 128: raise prefix_tokens",
            id="shorter than a block",
        ),
        pytest.param(
            view(hits=0, block=128, prompt_tokens=129),
            "no_cache",
            "nothing was found cached",
            "--enable-prefix-caching",
            id="longer than a block",
        ),
        pytest.param(
            view(repeats=0, hits=0), "unknown", "could not be seen", "--enable-prompt-tokens-details", id="hits unseen"
        ),
        pytest.param(
            view(NO, hits=0),
            "blind",
            "Routing is blind to the prompt: 0 of 5 second requests came to the replica of the first, where chance "
            "among 3 replicas gives 1.7 (p = 1).",
            "The endpoint picker is not in the path",
            id="blind",
        ),
        pytest.param(
            view(NO, hits=0, prompt_tokens=128),
            "no_cache",
            "Prompts are too short to be known again, but nothing was found cached.",
            "A prompt of 128 tokens does not fill a block of 128",
            id="too short, the block not known",
        ),
        pytest.param(view(NO, hits=0, prompt_tokens=129), "blind", "0 of 5", "EnvoyFilter", id="just long enough"),
        pytest.param(
            view(NO, hits=0, block=16, prompt_tokens=64),
            "no_cache",
            "Prompts are too short to be known again",
            "does not fill a block of 64",
            id="too short for the picker",
        ),
        pytest.param(
            view(NO, hits=2, block=16, prompt_tokens=64),
            "no_cache",
            "Prompts are too short to be known again.",
            "does not fill a block of 64",
            id="too short for the picker, not for the cache",
        ),
        pytest.param(
            view(NO, hits=2, prompt_tokens=65), "blind", "0 of 5", "EnvoyFilter", id="a hit says that a block is filled"
        ),
        pytest.param(
            view(NO, hits=0, block=256, prompt_tokens=256),
            "no_cache",
            "too short",
            "a block of 256",
            id="a large block",
        ),
        pytest.param(view(NO, hits=3), "blind", "blind to the prompt", "EnvoyFilter", id="blind, with some hits"),
        pytest.param(view(NO, repeats=0, hits=0), "blind", "blind", "EnvoyFilter", id="blind, hits unseen"),
        pytest.param(
            view((True, False, False, True, False)), "blind", "2 of 5", "ext_proc", id="no better than chance"
        ),
        pytest.param(
            view((True, True, True, False, False)),
            "unknown",
            "It is not clear whether routing follows the prefix: 3 of 5",
            "Run again with more prefixes.",
            id="not clear",
        ),
        pytest.param(
            view(fresh_replicas={"a": 10}),
            "blind",
            "every new prefix came to a, although 3 replicas serve",
            "stick to their client or connection",
            id="pinned",
        ),
        pytest.param(view(fresh_replicas={"a": 5}), "affine", "follows", "", id="five at one may be a coincidence"),
        pytest.param(view(fresh_replicas={"a": 6}), "blind", "every new prefix came to a", "stick", id="six may not"),
        pytest.param(
            Evidence(replicas=1, seconds=seconds(*YES), repeats=5, hits=5, fresh_replicas={"a": 10}),
            "affine",
            "With one replica there is nothing to route, and 5 of 5",
            "",
            id="one replica",
        ),
        pytest.param(
            Evidence(replicas=1, seconds=seconds(*YES), repeats=5, hits=0, fresh_replicas={"a": 10}),
            "no_cache",
            "With one replica there is nothing to route, but nothing was found cached.",
            "--enable-prefix-caching",
            id="one replica without a cache",
        ),
        pytest.param(
            Evidence(replicas=1), "unknown", "nothing to route, but whether", "Kubernetes access", id="one, unseen"
        ),
        pytest.param(
            Evidence(seconds=by_hits(*YES, True, True), repeats=7, hits=7),
            "affine",
            "7 of 7 second requests came to the replica of the first, where chance among two or more replicas gives "
            "3.5 (p = 0.0078)",
            "",
            id="by hits alone",
        ),
        pytest.param(
            Evidence(replicas=3, seconds=by_hits(*YES), repeats=5, hits=5),
            "affine",
            "5 of 5",
            "",
            id="by hits of three",
        ),
        pytest.param(
            Evidence(seconds=by_hits(*NO), repeats=10, hits=2), "blind", "0 of 5", "EnvoyFilter", id="hits come later"
        ),
        pytest.param(
            Evidence(seconds=by_hits(*NO), repeats=14, hits=0, exhausted=True),
            "no_cache",
            "One prefix was asked so often that some replica must have had it twice, but nothing was found cached.",
            "--enable-prefix-caching",
            id="never a hit",
        ),
        pytest.param(
            Evidence(seconds=by_hits(*NO), repeats=5, hits=0),
            "unknown",
            "Neither the replicas that served nor their cache hits could be seen.",
            "Give Kubernetes access",
            id="never a hit, not asked often enough",
        ),
        pytest.param(
            Evidence(seconds=by_hits(None, None), exhausted=True), "unknown", "Neither", "Kubernetes", id="nothing seen"
        ),
        pytest.param(
            view(fresh_cached=384, hits=0),
            "unknown",
            "Prompts that were meant to be new were answered with 384 cached tokens, so that hits prove nothing.",
            "salted: true",
            id="not new",
        ),
        pytest.param(view(NO, fresh_cached=384, hits=0), "blind", "0 of 5", "EnvoyFilter", id="not new, and blind"),
        pytest.param(
            view(fresh_cached=9, repeats=0, hits=0),
            "unknown",
            "could not be seen",
            "Kubernetes",
            id="no repeat to compare",
        ),
        pytest.param(view(fresh_cached=16, hits=5), "affine", "follows", "", id="repeats find more than new ones"),
        pytest.param(
            Evidence(replicas=1, fresh_cached=9, repeats=5), "unknown", "9 cached tokens", "salted", id="one, not new"
        ),
        pytest.param(
            Evidence(seconds=by_hits(*NO), fresh_cached=9, repeats=9, exhausted=True),
            "unknown",
            "9 cached",
            "salted",
            id="not new, by hits",
        ),
    ],
)
def test_judge(evidence: Evidence, verdict: str, said: str, remedy: str) -> None:
    found = judge(evidence)
    assert found.verdict == verdict
    assert said in found.sentence
    assert found.sentence.endswith(".")
    assert remedy in found.remedy
    assert bool(found.remedy) is (verdict != "affine")


def test_a_hit_stands_in_where_the_replica_is_not_seen() -> None:
    mixed = Evidence(replicas=3, seconds=(Second(True, False), Second(None, True), Second(False, True)), hits=2)
    assert mixed.trials == [True, True, False]


def test_a_miss_is_no_other_replica_while_no_hit_is_known() -> None:
    assert Evidence(seconds=by_hits(False, False), repeats=2).trials == []
    assert Evidence(seconds=by_hits(False, False), repeats=3, hits=1).trials == [False, False]
    assert Evidence(seconds=by_hits(False, None), repeats=3, hits=1).trials == [False]


def test_p_value() -> None:
    assert p_value(Evidence()) is None
    assert p_value(Evidence(replicas=1, seconds=seconds(True))) is None
    assert p_value(view()) == pytest.approx(1 / 243)
    assert p_value(view((True, True, True, True, False))) == pytest.approx(11 / 243)
    assert p_value(Evidence(seconds=by_hits(True, True), hits=2)) == pytest.approx(1 / 4)


@pytest.mark.parametrize(
    ("evidence", "open_"),
    [
        pytest.param(view(), False, id="affine"),
        pytest.param(view(NO), False, id="blind"),
        pytest.param(view((True, True, False, False, True)), True, id="in between"),
        pytest.param(view((True, True, False, False, True), problems=("x",)), False, id="not healthy"),
        pytest.param(view((True, True, False, False, True), fresh_replicas={"a": 9}), False, id="pinned"),
        pytest.param(view((True, True, False, False, True), replicas=1), False, id="one replica"),
        pytest.param(view((), hits=0), False, id="nothing to judge"),
        pytest.param(Evidence(seconds=by_hits(*YES), hits=5), True, id="five hits among two or more"),
    ],
)
def test_open_question(evidence: Evidence, open_: bool) -> None:
    assert open_question(evidence) is open_


@pytest.mark.parametrize(
    ("evidence", "nothing"),
    [
        pytest.param(Evidence(seconds=by_hits(*NO), repeats=5), True, id="no hit and no view"),
        pytest.param(Evidence(seconds=by_hits(*NO), repeats=5, hits=1), False, id="a hit"),
        pytest.param(Evidence(seconds=by_hits(None), repeats=0), True, id="no hit told of"),
        pytest.param(Evidence(), False, id="nothing asked"),
        pytest.param(view(NO, hits=0), False, id="a view"),
        pytest.param(Evidence(seconds=by_hits(*NO), repeats=5, fresh_cached=1), False, id="not new"),
    ],
)
def test_nothing_found(evidence: Evidence, nothing: bool) -> None:
    assert nothing_found(evidence) is nothing


@pytest.mark.parametrize(
    ("replicas", "fresh", "name"),
    [
        (3, {"a": 6}, "a"),
        (3, {"a": 5}, ""),
        (2, {"a": 8}, "a"),
        (2, {"a": 7}, ""),
        (None, {"a": 8}, "a"),
        (1, {"a": 99}, ""),
        (10, {"a": 3}, "a"),
        (10, {"a": 2}, ""),
        (3, {"a": 6, "b": 1}, ""),
        (3, {}, ""),
    ],
)
def test_pinned(replicas: int | None, fresh: dict[str, int], name: str) -> None:
    assert Evidence(replicas=replicas, fresh_replicas=fresh).pinned == name
