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


YES, NO = (True,) * 5, (False,) * 7
SPREAD = {"a": 4, "b": 3, "c": 3}


def view(same: Sequence[bool | None] = YES, **more: Any) -> Evidence:
    """With a view of three replicas."""
    given: dict[str, Any] = {"replicas": 3, "repeats": 5, "hits": 5, "fresh_replicas": SPREAD, **more}
    return Evidence(seconds=seconds(*same), **given)


def landed(count: int, of: int, among: str = "3", by_chance: str = "1.7", p: str = "0.0041") -> str:
    return (
        f"{count} of {of} second requests came to the replica of the first, where chance among {among} replicas gives "
        f"{by_chance} (p = {p})"
    )


def too_short(tokens: int, block: int) -> str:
    return (
        f"A prompt of {tokens} tokens does not fill a block of {block}: raise prefix_tokens, or give a longer prompt."
    )


def not_new(cached: int) -> str:
    return f"Prompts that were meant to be new were answered with {cached} cached tokens, so that hits prove nothing."


FOLLOWS = f"Routing follows the prefix: {landed(5, 5)}"
BLIND = f"Routing is blind to the prompt: {landed(0, 7, by_chance='2.3', p='1')}."
PINNED = "Routing is blind to the prompt: every new prefix came to a, although 3 replicas serve."
SHORT = "Prompts are too short to be known again"
NOT_CACHED = ", but nothing was found cached."
NOT_SEEN = ", but whether prompts are found cached could not be seen."
UNSEEN = "Neither the replicas that served nor their cache hits could be seen."

HEALTH = (
    "Check that the service is ready, that the gateway has an address and a route to it, and that the network policies "
    "let the gateway in."
)
PICKER = (
    "The endpoint picker is not in the path, or does not see the prompt; with FailOpen requests succeed all the same. "
    "Check that its pod is ready, that the EnvoyFilter which forwards the body is in the gateway's namespace and names "
    "this service's routes, and that the gateway's log shows no ext_proc error."
)
STICKY = f"Requests stick to their client or connection, or the picker knows one replica only. {PICKER}"
CACHE = (
    "Start vLLM with --enable-prefix-caching, and ask with a prefix of several blocks (a block is 128 tokens on TPU)."
)
SIGNALS = (
    "Give Kubernetes access (host and api_key, or kubeconfig) so that the replicas' own counters can be read, or start "
    "vLLM with --enable-prompt-tokens-details."
)
SALT = "Run again with salted: true, or reset the caches."


@pytest.mark.parametrize(
    ("evidence", "verdict", "sentence", "remedy"),
    [
        pytest.param(
            Evidence(problems=("/health: HTTP 503", "/v1/models: HTTP 503")),
            "unhealthy",
            "The endpoint does not serve: /health: HTTP 503; /v1/models: HTTP 503.",
            HEALTH,
            id="not healthy",
        ),
        pytest.param(
            view(problems=("x",)),
            "unhealthy",
            "The endpoint does not serve: x.",
            HEALTH,
            id="not healthy, whatever else was seen",
        ),
        pytest.param(
            view(),
            "affine",
            f"{FOLLOWS}, and 5 of 5 repeated requests found their prefix cached.",
            "",
            id="affine and cached",
        ),
        pytest.param(
            view(hits=1),
            "affine",
            f"{FOLLOWS}, and 1 of 5 repeated requests found their prefix cached.",
            "",
            id="affine, seldom cached",
        ),
        pytest.param(view(hits=0), "no_cache", f"{FOLLOWS}{NOT_CACHED}", CACHE, id="no cache"),
        pytest.param(
            view(hits=0, block=128, prompt_tokens=128),
            "no_cache",
            f"{FOLLOWS}{NOT_CACHED}",
            too_short(128, 128),
            id="shorter than a block",
        ),
        pytest.param(
            view(hits=0, block=128, prompt_tokens=129),
            "no_cache",
            f"{FOLLOWS}{NOT_CACHED}",
            CACHE,
            id="longer than a block",
        ),
        pytest.param(view(repeats=0, hits=0), "unknown", f"{FOLLOWS}{NOT_SEEN}", SIGNALS, id="hits unseen"),
        pytest.param(view(NO, hits=0), "blind", BLIND, PICKER, id="blind"),
        pytest.param(
            view(NO, hits=0, prompt_tokens=128),
            "no_cache",
            f"{SHORT}, and nothing was found cached.",
            too_short(128, 128),
            id="too short, the block not known",
        ),
        pytest.param(view(NO, hits=0, prompt_tokens=129), "blind", BLIND, PICKER, id="just long enough"),
        pytest.param(
            view(NO, hits=0, block=16, prompt_tokens=64),
            "no_cache",
            f"{SHORT}, and nothing was found cached.",
            too_short(64, 64),
            id="too short for the picker",
        ),
        pytest.param(
            view(NO, hits=2, block=16, prompt_tokens=64),
            "no_cache",
            f"{SHORT}.",
            too_short(64, 64),
            id="too short for the picker, not for the cache",
        ),
        pytest.param(
            view(NO, hits=2, prompt_tokens=65), "blind", BLIND, PICKER, id="a hit says that a block is filled"
        ),
        pytest.param(
            view(NO, hits=0, block=256, prompt_tokens=256),
            "no_cache",
            f"{SHORT}, and nothing was found cached.",
            too_short(256, 256),
            id="a large block",
        ),
        pytest.param(view(NO, hits=3), "blind", BLIND, PICKER, id="blind, with some hits"),
        pytest.param(view(NO, repeats=0, hits=0), "blind", BLIND, PICKER, id="blind, hits unseen"),
        pytest.param(
            view((*(True,) * 5, *(False,) * 15)),
            "blind",
            f"Routing is blind to the prompt: {landed(5, 20, by_chance='6.7', p='0.85')}.",
            PICKER,
            id="no better than chance",
        ),
        pytest.param(
            view((False,) * 6),
            "unknown",
            f"It is not clear whether routing follows the prefix: {landed(0, 6, by_chance='2.0', p='1')}.",
            "Run again with more prefixes.",
            id="none of six may be bad luck",
        ),
        pytest.param(
            view((True, True, True, False, False)),
            "unknown",
            f"It is not clear whether routing follows the prefix: {landed(3, 5, p='0.21')}.",
            "Run again with more prefixes.",
            id="not clear",
        ),
        pytest.param(view(fresh_replicas={"a": 10}), "blind", PINNED, STICKY, id="pinned"),
        pytest.param(
            view(fresh_replicas={"a": 7}),
            "unknown",
            f"It is not clear whether routing follows the prefix: {landed(5, 5)}, and every new prefix came to a.",
            "Run again with more prefixes.",
            id="seven at one may be a coincidence, and prove no affinity",
        ),
        pytest.param(view(fresh_replicas={"a": 8}), "blind", PINNED, STICKY, id="eight may not"),
        pytest.param(
            view(fresh_replicas={"a": 4}),
            "affine",
            f"{FOLLOWS}, and 5 of 5 repeated requests found their prefix cached.",
            "",
            id="most new prefixes were not seen, so that hits decide",
        ),
        pytest.param(
            Evidence(replicas=1, seconds=seconds(*YES), repeats=5, hits=5, fresh_replicas={"a": 10}),
            "affine",
            "With one replica there is nothing to route, and 5 of 5 repeated requests found their prefix cached.",
            "",
            id="one replica",
        ),
        pytest.param(
            Evidence(replicas=1, seconds=seconds(*YES), repeats=5, hits=0, fresh_replicas={"a": 10}),
            "no_cache",
            f"With one replica there is nothing to route{NOT_CACHED}",
            CACHE,
            id="one replica without a cache",
        ),
        pytest.param(
            Evidence(replicas=1),
            "unknown",
            f"With one replica there is nothing to route{NOT_SEEN}",
            SIGNALS,
            id="one, unseen",
        ),
        pytest.param(
            Evidence(seconds=by_hits(*YES, True, True), repeats=7, hits=7),
            "affine",
            f"Routing follows the prefix: {landed(7, 7, 'two or more', '3.5', '0.0078')}, and 7 of 7 repeated requests "
            "found their prefix cached.",
            "",
            id="by hits alone",
        ),
        pytest.param(
            Evidence(replicas=3, seconds=by_hits(*YES), repeats=5, hits=5),
            "affine",
            f"{FOLLOWS}, and 5 of 5 repeated requests found their prefix cached.",
            "",
            id="by hits of three",
        ),
        pytest.param(
            Evidence(seconds=by_hits(*NO), repeats=10, hits=2),
            "blind",
            f"Routing is blind to the prompt: {landed(0, 7, 'two or more', '3.5', '1')}.",
            PICKER,
            id="hits come later",
        ),
        pytest.param(
            Evidence(seconds=by_hits(*NO), repeats=14, hits=0, exhausted=True),
            "no_cache",
            f"One prefix was asked so often that some replica must have had it twice{NOT_CACHED}",
            CACHE,
            id="never a hit",
        ),
        pytest.param(
            Evidence(seconds=by_hits(*NO), repeats=5, hits=0),
            "unknown",
            UNSEEN,
            SIGNALS,
            id="never a hit, not asked often enough",
        ),
        pytest.param(
            Evidence(seconds=by_hits(None, None), exhausted=True), "unknown", UNSEEN, SIGNALS, id="nothing seen"
        ),
        pytest.param(view(fresh_cached=384, hits=0), "unknown", not_new(384), SALT, id="not new"),
        pytest.param(view(NO, fresh_cached=384, hits=0), "blind", BLIND, PICKER, id="not new, and blind"),
        pytest.param(
            view(fresh_cached=9, repeats=0, hits=0),
            "unknown",
            f"{FOLLOWS}{NOT_SEEN}",
            SIGNALS,
            id="no repeat to compare",
        ),
        pytest.param(
            view(fresh_cached=16, hits=5),
            "affine",
            f"{FOLLOWS}, and 5 of 5 repeated requests found their prefix cached.",
            "",
            id="repeats find more than new ones",
        ),
        pytest.param(Evidence(replicas=1, fresh_cached=9, repeats=5), "unknown", not_new(9), SALT, id="one, not new"),
        pytest.param(
            Evidence(seconds=by_hits(*NO), fresh_cached=9, repeats=9, exhausted=True),
            "unknown",
            not_new(9),
            SALT,
            id="not new, by hits",
        ),
        pytest.param(
            Evidence(seconds=by_hits(*YES), repeats=5, hits=5, fresh_replicas={"a": 11}),
            "blind",
            "Routing is blind to the prompt: every new prefix came to a, although two or more replicas serve.",
            STICKY,
            id="pinned, nobody knows among how many",
        ),
        pytest.param(
            Evidence(seconds=by_hits(None, None), repeats=3, hits=1, exhausted=True),
            "unknown",
            UNSEEN,
            SIGNALS,
            id="a hit later, no second request seen",
        ),
    ],
)
def test_judge(evidence: Evidence, verdict: str, sentence: str, remedy: str) -> None:
    found = judge(evidence)
    assert (found.verdict, found.sentence, found.remedy) == (verdict, sentence, remedy)
    # whatever is not right has a cause
    assert bool(found.cause) == (verdict != "affine")


@pytest.mark.parametrize(
    ("evidence", "cause"),
    [
        pytest.param(Evidence(problems=["no"]), "endpoint-not-serving", id="unhealthy"),
        pytest.param(view(), "", id="affine"),
        pytest.param(view((False,) * 12), "routing-blind", id="blind"),
        pytest.param(Evidence(), "routing-not-told", id="nothing seen"),
    ],
)
def test_verdicts_name_their_cause(evidence: Evidence, cause: str) -> None:
    assert judge(evidence).cause == cause


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
        pytest.param(view(fresh_replicas={"a": 7}), True, id="affine, but for all new prefixes at one replica"),
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
        (3, {"a": 8}, "a"),
        (3, {"a": 7}, ""),
        (2, {"a": 11}, "a"),
        (2, {"a": 10}, ""),
        (None, {"a": 11}, "a"),
        (1, {"a": 99}, ""),
        (10, {"a": 4}, "a"),
        (10, {"a": 3}, ""),
        (3, {"a": 8, "b": 1}, ""),
        (3, {}, ""),
    ],
)
def test_pinned(replicas: int | None, fresh: dict[str, int], name: str) -> None:
    assert Evidence(replicas=replicas, fresh_replicas=fresh).pinned == name
