# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the proof reads out of the requests that it has sent, and what it says while it sends them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._routing.judge import Evidence, Second, judge
from ansible_collections.rhaii.gke.plugins.module_utils._routing.ports import Pod
from ansible_collections.rhaii.gke.plugins.module_utils._routing.prompts import Prompts
from ansible_collections.rhaii.gke.plugins.module_utils._routing.proof import Proof, Sent, Timing, spread
from ansible_collections.rhaii.gke.plugins.module_utils._routing.replicas import ReplicaView

from tests.unit.plugins.module_utils.routing.fake_gateway import MODEL, URL, FakeGateway, in_turn

PODS = (Pod("a", "10.0.0.1"), Pod("b", "10.0.0.2"), Pod("c", "fd00::3"), Pod("starting", ""))
ERROR = "HTTP 503: upstream connect error"


def proof(
    *sent: Sent,
    pods: Sequence[Pod] = (),
    replicas: int | None = None,
    block: int | None = None,
    gateway: FakeGateway | None = None,
    cluster: bool = False,
    tell: Callable[[str], None] = lambda line: None,
) -> Proof:
    """One that has sent these, and sends more to the gateway. Its prompts have 400 tokens."""
    server = gateway or FakeGateway()
    view = ReplicaView(server.clock, tell)
    if cluster:
        view.open(lambda: server)
    else:
        view.pods, view.block = pods, block
    made = Proof(
        server.at(URL),
        view,
        Prompts(0, "5a17", 400, "word " * 376),
        model=MODEL,
        max_tokens=10,
        replicas=replicas,
        interval=0.0,
        clock=server.clock,
        progress=tell,
    )
    made.sent += sent
    return made


def sent(label: str, kind: str = "repeat", **changes: Any) -> Sent:
    values: dict[str, Any] = {
        "planned": True,
        "error": "",
        "seconds": 0.3,
        "first_byte_seconds": 0.1,
        "prompt_tokens": 400,
        "told_tokens": None,
        "counted_tokens": None,
        "counted_at": None,
        "header": "",
    }
    return Sent(label, kind, **{**values, **changes})


def first(label: str, **changes: Any) -> Sent:
    return sent(label, "first", **changes)


def control(label: str, **changes: Any) -> Sent:
    return sent(f"{label}-control", "control", planned=False, **changes)


FAILED = sent("1", error=ERROR, prompt_tokens=None)


# Whether it is one


@pytest.mark.parametrize(
    ("requests", "prefixes", "shares"),
    [
        (10, 5, [2] * 5),
        (10, 1, [10]),
        (20, 5, [4] * 5),
        (7, 3, [3, 2, 2]),
        (5, 5, [3, 2]),
        (3, 5, [3]),
        (2, 5, [2]),
        (1, 5, [1]),
    ],
)
def test_spread(requests: int, prefixes: int, shares: list[int]) -> None:
    assert spread(requests, prefixes) == shares


@pytest.mark.parametrize(
    ("requests", "problem"),
    [
        pytest.param([], "", id="nothing sent"),
        pytest.param([first("1"), sent("1")], "", id="all well"),
        pytest.param([FAILED, FAILED, first("2"), FAILED, FAILED], "", id="two in a row are borne"),
        pytest.param(
            [first("1"), FAILED, FAILED, sent("1", error="no answer came")],
            "3 completions in a row failed (no answer came)",
            id="three in a row",
        ),
        pytest.param(
            [FAILED, sent("1", error="no answer came")], "all completions failed (no answer came)", id="all of two"
        ),
    ],
)
def test_problem(requests: list[Sent], problem: str) -> None:
    assert proof(*requests).problem == problem


# Who served a request


@pytest.mark.parametrize(
    ("value", "replica"),
    [
        pytest.param("a", "a", id="a name"),
        pytest.param("a:8000", "a", id="a name and a port"),
        pytest.param("10.0.0.2", "b", id="an address"),
        pytest.param("10.0.0.2:8000", "b", id="an address and a port"),
        pytest.param(" 10.0.0.2:8000 , 10.0.0.1:8000", "b", id="the first of a list"),
        pytest.param("[fd00::3]:8000", "c", id="IPv6"),
        pytest.param("fd00::3", "c", id="IPv6 without a port"),
        pytest.param("10.0.0.2:http", None, id="no port"),
        pytest.param(":8000", None, id="no address"),
        pytest.param("edge-7", None, id="somebody else"),
    ],
)
def test_a_header_names_a_pod_or_nothing(value: str, replica: str | None) -> None:
    one = sent("1", header=value)
    made = proof(one, pods=PODS)
    assert (made.replica(one), made.source) == (replica, "header" if replica else "none")


@pytest.mark.parametrize(
    ("values", "given", "replica", "source", "replicas"),
    [
        pytest.param(["x", "y", "x"], None, "x", "header", 2, id="values that change"),
        pytest.param(["x", "x"], None, None, "none", None, id="one value may name anything"),
        pytest.param(["x", "x"], 1, "x", "header", 1, id="one value and one replica"),
        pytest.param(["x", "x"], 3, None, "none", 3, id="one value and three replicas"),
        pytest.param(["x", "y"], 3, "x", "header", 3, id="what is given is believed"),
        pytest.param(["", ""], 1, None, "none", 1, id="no header"),
    ],
)
def test_headers_where_the_pods_are_not_known(
    values: list[str], given: int | None, replica: str | None, source: str, replicas: int | None
) -> None:
    requests = [sent("1", header=value) for value in values]
    made = proof(*requests, replicas=given)
    assert (made.replica(requests[0]), made.source, made.replicas) == (replica, source, replicas)


def test_a_header_of_a_failure_is_not_believed() -> None:
    made = proof(sent("1", header="x"), sent("1", header="y", error=ERROR))
    assert made.source == "none"


def test_counters_go_before_headers() -> None:
    one = sent("1", counted_at="a", header="10.0.0.2:8000")
    made = proof(one, pods=PODS)
    assert (made.replica(one), made.source, made.replicas) == ("a", "metrics", 4)


# What was cached


@pytest.mark.parametrize(
    ("one", "others", "cached"),
    [
        pytest.param({"told_tokens": 384, "counted_tokens": 128}, [], 384, id="the answer goes before the counters"),
        pytest.param({"told_tokens": 0, "counted_tokens": 128}, [], 0, id="a zero is an answer"),
        pytest.param({"counted_tokens": 0}, [384], 0, id="the counters"),
        pytest.param({}, [], None, id="nothing told"),
        pytest.param({}, [384], 0, id="of a server that leaves zeros out"),
        pytest.param({}, [384, 0], None, id="of a server that tells of zeros"),
        pytest.param({"error": ERROR}, [384], None, id="of a failure"),
    ],
)
def test_cached_tokens(one: dict[str, Any], others: list[int], cached: int | None) -> None:
    asked = sent("1", **one)
    assert proof(asked, *(sent("2", told_tokens=tokens) for tokens in others)).cached(asked) == cached


def test_a_hit_is_more_than_a_new_prefix_finds() -> None:
    requests = [
        first("1", told_tokens=16),
        control("1", told_tokens=32),
        first("2", told_tokens=999, error=ERROR),
        *(sent("1", told_tokens=tokens) for tokens in (32, 33, None)),
    ]
    made = proof(*requests, sent("1", told_tokens=0))
    assert made.fresh_cached == 32
    assert [made.hit(each) for each in requests[3:]] == [False, True, None]
    assert proof().fresh_cached == 0


# A run with a bit of everything: a hit, a miss elsewhere, a failure, and a request that nobody saw.
MIXED = (
    first("1", told_tokens=0, counted_at="a", seconds=0.5, first_byte_seconds=0.3),
    sent("1", told_tokens=384, counted_at="a", seconds=0.3, first_byte_seconds=0.1),
    sent("1", told_tokens=384, counted_at="b", seconds=0.41236, first_byte_seconds=None),
    control("1", told_tokens=0, counted_at="b", seconds=0.7, first_byte_seconds=0.5),
    first("2", told_tokens=0, counted_at="b", seconds=0.6, first_byte_seconds=0.4, prompt_tokens=410),
    sent("2", told_tokens=0, counted_at="c", seconds=0.6, first_byte_seconds=0.4, prompt_tokens=410),
    control("2", told_tokens=0, counted_at="a", seconds=0.6, first_byte_seconds=0.4),
    first("3", told_tokens=0, counted_at="c", seconds=0.5, first_byte_seconds=0.3),
    sent("3", error=ERROR, seconds=9.0, first_byte_seconds=None, prompt_tokens=None),
    control("3", error=ERROR, seconds=9.0, first_byte_seconds=None, prompt_tokens=None),
    first("4", planned=False, told_tokens=0, seconds=0.5, first_byte_seconds=0.3),
    sent("4", planned=False, seconds=0.3, first_byte_seconds=0.1),
)


def test_evidence() -> None:
    found = proof(*MIXED, pods=PODS[:3], block=128).evidence(["the gateway is slow"])
    assert found == Evidence(
        problems=("the gateway is slow",),
        replicas=3,
        seconds=(Second(True, True), Second(False, False), Second(), Second(None, None)),
        repeats=3,
        hits=2,
        fresh_cached=0,
        fresh_replicas={"a": 2, "b": 2, "c": 1},
        exhausted=False,
        prompt_tokens=400,
        block=128,
    )


def test_evidence_of_nothing() -> None:
    assert proof().evidence() == Evidence()


@pytest.mark.parametrize(
    ("requests", "second"),
    [
        pytest.param([first("1", counted_at="a")], Second(), id="no second one"),
        pytest.param([first("1", error=ERROR), sent("1", counted_at="a", told_tokens=0)], Second(), id="no first one"),
        pytest.param(
            [first("1", counted_at="a"), sent("1", told_tokens=0)], Second(None, False), id="the second nobody saw"
        ),
        pytest.param(
            [first("1"), sent("1", counted_at="a", told_tokens=1)], Second(None, True), id="the first nobody saw"
        ),
        pytest.param(
            [first("1", counted_at="a"), sent("1", counted_at="b"), sent("1", counted_at="a")],
            Second(False, None),
            id="the third does not count",
        ),
    ],
)
def test_second_requests(requests: list[Sent], second: Second) -> None:
    assert proof(*requests).evidence().seconds == (second,)


@pytest.mark.parametrize(
    ("tokens", "typical"),
    [
        pytest.param([400, 410, 600], 410, id="the middle"),
        pytest.param([400, 401], 400, id="between two"),
        pytest.param([None, 400], 400, id="of what is known"),
        pytest.param([None], None, id="nothing known"),
    ],
)
def test_tokens_of_a_typical_prompt(tokens: list[int | None], typical: int | None) -> None:
    assert proof(*(first("1", prompt_tokens=each) for each in tokens)).evidence().prompt_tokens == typical


# Figures


def test_the_modal_replica_has_most_of_a_prefixs_requests() -> None:
    # two of three at a, one of two at b or c; the third prefix has one request that was seen, the fourth none
    share, by_chance = proof(*MIXED, replicas=3).modal()
    assert share == 3 / 5
    # of three requests 17/27 * 3 is expected at the busiest of three replicas, of two 4/3
    assert by_chance == pytest.approx((17 / 9 + 4 / 3) / 5)


def test_the_modal_share_where_less_is_known() -> None:
    assert proof(*MIXED).modal() == (3 / 5, None)
    assert proof(first("1", counted_at="a"), sent("1"), replicas=3).modal() == (None, None)


@pytest.mark.parametrize(
    ("requests", "tokens"),
    [
        pytest.param(MIXED, (768, 1210), id="of the repeated ones that are known"),
        pytest.param([first("1", told_tokens=0)], (None, None), id="nothing repeated"),
        pytest.param([first("1"), sent("1")], (None, None), id="nothing known"),
        pytest.param([first("1"), sent("1", told_tokens=1, prompt_tokens=None)], (None, None), id="lengths not known"),
        pytest.param([sent("1", told_tokens=384), sent("1", prompt_tokens=410)], (384, 810), id="zeros left out"),
    ],
)
def test_tokens(requests: Sequence[Sent], tokens: tuple[int | None, int | None]) -> None:
    assert proof(*requests).tokens() == tokens


def test_served() -> None:
    found = proof(*MIXED).served()
    assert list(found.items()) == [("a", 3), ("b", 3), ("c", 2)]


def test_prefixes() -> None:
    assert proof(*MIXED).prefixes() == [
        {
            "prefix": 1,
            "requests": 3,
            "errors": 0,
            "prompt_tokens": 400,
            "cached_tokens": [0, 384, 384],
            "replicas": ["a", "a", "b"],
            "affinity": 2 / 3,
            "ms": [500.0, 300.0, 412.4],
        },
        {
            "prefix": 2,
            "requests": 2,
            "errors": 0,
            "prompt_tokens": 410,
            "cached_tokens": [0, 0],
            "replicas": ["b", "c"],
            "affinity": 1 / 2,
            "ms": [600.0, 600.0],
        },
        {
            "prefix": 3,
            "requests": 2,
            "errors": 1,
            "prompt_tokens": 400,
            "cached_tokens": [0, None],
            "replicas": ["c", None],
            "affinity": 1.0,
            "ms": [500.0, 9000.0],
        },
        {
            "prefix": 4,
            "requests": 2,
            "errors": 0,
            "prompt_tokens": 400,
            "cached_tokens": [0, None],
            "replicas": [None, None],
            "affinity": None,
            "ms": [500.0, 300.0],
        },
    ]


@pytest.mark.parametrize(
    ("requests", "found"),
    [
        pytest.param(MIXED, {"requests": 2, "cached_tokens": 0, "cold": True}, id="cold"),
        pytest.param(
            [control("1", told_tokens=0), control("2", told_tokens=384), control("3", told_tokens=128)],
            {"requests": 3, "cached_tokens": 384, "cold": False},
            id="not cold",
        ),
        pytest.param([control("1")], {"requests": 1, "cached_tokens": None, "cold": None}, id="not known"),
        pytest.param([first("1", told_tokens=384)], {"requests": 0, "cached_tokens": None, "cold": None}, id="none"),
    ],
)
def test_control(requests: Sequence[Sent], found: dict[str, Any]) -> None:
    assert proof(*requests).control() == found


def test_the_throughput_is_of_what_was_asked_for() -> None:
    assert proof(*MIXED).serial() == [*MIXED[:3], *MIXED[4:6], *MIXED[7:9]]


def test_timings_are_of_prefixes_with_both() -> None:
    made = proof(*MIXED)
    # cold are the first request and the control, warm the repeated ones
    assert made.timings(first_byte=False) == [
        Timing(pytest.approx(0.6), pytest.approx(0.35618)),
        Timing(pytest.approx(0.6), pytest.approx(0.6)),
        Timing(pytest.approx(0.5), pytest.approx(0.3)),
    ]
    assert made.timings(first_byte=True) == [
        Timing(pytest.approx(0.4), pytest.approx(0.1)),
        Timing(pytest.approx(0.4), pytest.approx(0.4)),
        Timing(pytest.approx(0.3), pytest.approx(0.1)),
    ]


def test_one_slow_repeat_is_not_the_warm_latency() -> None:
    requests = [first("1", seconds=0.5), *(sent("1", seconds=seconds) for seconds in (0.25, 0.25, 1.0))]
    assert proof(*requests).timings(first_byte=False) == [Timing(0.5, 0.25)]


def test_the_labels_are_the_prefixes() -> None:
    assert proof(*MIXED).labels == ["1", "2", "3", "4"]


# Sending


def told(gateway: FakeGateway, *, cluster: bool = False, replicas: int | None = None) -> tuple[Proof, list[str]]:
    """Four requests over two prefixes, and what is said meanwhile."""
    lines: list[str] = []
    made = proof(gateway=gateway, cluster=cluster, replicas=replicas, tell=lines.append)
    made.run(4, 2)
    return made, lines


def test_what_is_sent() -> None:
    made, _ = told(FakeGateway(route=in_turn, header="x-served-by"), cluster=True)
    seen = {"seconds": 0.5, "first_byte_seconds": pytest.approx(0.3), "told_tokens": 0, "counted_tokens": 0}
    assert made.sent[:3] == [
        first("1", **seen, counted_at="pod-0", header="pod-0"),
        sent("1", **seen, counted_at="pod-1", header="pod-1"),
        control("1", **seen, counted_at="pod-2", header="pod-2"),
    ]


def test_a_prefix_in_words() -> None:
    _, lines = told(FakeGateway(route=in_turn), cluster=True)
    assert lines[:2] == [
        "prefix 1 of 2 of 400 tokens: cached 0, 0, at pod-0, pod-1",
        "prefix 2 of 2 of 400 tokens: cached 0, 0, at pod-0, pod-1",
    ]


def test_the_replicas_are_named_once() -> None:
    _, lines = told(FakeGateway(count=1), cluster=True)
    assert lines == [
        "prefix 1 of 2 of 400 tokens: cached 0, 384, at pod-0",
        "prefix 2 of 2 of 400 tokens: cached 0, 384, at pod-0",
    ]


def test_what_cannot_be_seen_is_not_said() -> None:
    made, lines = told(FakeGateway(tells_usage=False), replicas=3)
    assert lines == [
        "prefix 1 of 2: cached ?, ?",
        "prefix 2 of 2: cached ?, ?",
        "nothing found cached: asking one prefix 4 times",
    ]
    assert (len(made.sent), made.exhausted) == (8, True)


def test_more_prefixes_in_words() -> None:
    made, lines = told(FakeGateway())
    assert lines[2:] == [
        "not clear yet: more prefixes, 57 at most",
        *(f"prefix {place} of {place} of 400 tokens: cached 0, 384" for place in range(3, 8)),
    ]
    assert made.sent[6:8] == [
        first("3", planned=False, seconds=0.5, first_byte_seconds=pytest.approx(0.3), told_tokens=0),
        sent(
            "3",
            planned=False,
            seconds=pytest.approx(0.308),
            first_byte_seconds=pytest.approx(0.108),
            told_tokens=384,
        ),
    ]


def test_failures_in_words() -> None:
    made, lines = told(FakeGateway(failing=lambda number: number in (1, 5)))
    assert lines[:2] == [
        "prefix 1 of 2 of 400 tokens: cached ?, 0, 1 failed",
        "prefix 2 of 2 of 400 tokens: cached 0, ?, 1 failed",
    ]
    assert made.problem == ""


@pytest.mark.parametrize(
    ("begin", "completions"),
    [
        pytest.param(1, 3, id="from the first"),
        pytest.param(2, 4, id="within a prefix and after it"),
        pytest.param(4, 6, id="in the second prefix"),
        pytest.param(7, 9, id="while one is asked on and on"),
    ],
)
def test_the_third_failure_in_a_row_is_the_last_request(begin: int, completions: int) -> None:
    gateway = FakeGateway(failing=lambda number: number >= begin, caching=False)
    made, _ = told(gateway)
    assert gateway.completions == completions
    assert made.problem == f"3 completions in a row failed ({ERROR})"
    assert not made.exhausted


def test_request_after_a_failed_first_one_proves_nothing() -> None:
    made = proof(gateway=FakeGateway(count=1, failing=lambda number: number == 1), replicas=1)
    made.run(2, 1)
    assert [(each.kind, bool(each.error), each.told_tokens) for each in made.sent] == [
        ("first", True, None),
        ("unsure", False, 0),
        ("control", False, 0),
        # nothing was found cached so far, so that one prefix is asked until it must be
        ("repeat", False, 384),
    ]
    assert made.tokens() == (384, 401)
    assert judge(made.evidence()).verdict == "affine"
    # the unsure one is neither cold nor warm
    assert made.timings(first_byte=False) == [Timing(made.sent[2].seconds, made.sent[3].seconds)]


def test_only_what_was_served_exhausts_the_replicas() -> None:
    gateway = FakeGateway(count=2, caching=False, failing=lambda number: number in (4, 5))
    made = proof(gateway=gateway, replicas=2)
    made.run(2, 1)
    assert [each.error != "" for each in made.sent if each.label == "1"] == [False, False, True, True, False]
    assert made.exhausted
