# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who served a request, by counters that come when they come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._routing.metrics import Counters, Served
from ansible_collections.rhaii.gke.plugins.module_utils._routing.ports import Pod, Service
from ansible_collections.rhaii.gke.plugins.module_utils._routing.replicas import ReplicaView

from tests.unit.fake_clock import FakeClock

PODS = (Pod("a", "10.0.0.1"), Pod("b", "10.0.0.2"))
Look = Mapping[str, Counters] | RhaiiError


def look(a: float = 5, b: float = 7, **others: float) -> dict[str, Counters]:
    """Counters by finished requests, each of which asked for 400 tokens and had 128 of them cached."""
    return {name: Counters(count, 400 * count, 128 * count, 128) for name, count in {"a": a, "b": b, **others}.items()}


@dataclass
class FakeCluster:
    """Its counters are one look after the other; the last one stays."""

    looks: list[Look] = field(default_factory=lambda: [look()])
    listed: Sequence[Pod] | RhaiiError = PODS
    asked: list[Sequence[Pod]] = field(default_factory=list)

    def gateway_url(self) -> str:
        raise AssertionError("nobody asks for the gateway here")

    def service(self) -> Service | None:
        raise AssertionError("nobody asks for the service here")

    def pods(self) -> Sequence[Pod]:
        if isinstance(self.listed, RhaiiError):
            raise self.listed
        return self.listed

    def counters(self, pods: Sequence[Pod]) -> Mapping[str, Counters]:
        self.asked.append(pods)
        found = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(found, RhaiiError):
            raise found
        return found


def view(*looks: Look, cluster: FakeCluster | None = None) -> tuple[ReplicaView, FakeClock, list[str]]:
    """One that is open, with the first look taken."""
    clock, lines = FakeClock(), list[str]()
    made = ReplicaView(clock, lines.append)
    made.open(lambda: cluster or FakeCluster(list(looks)))
    return made, clock, lines


def test_before_it_is_opened_it_shows_nothing() -> None:
    lines: list[str] = []
    made = ReplicaView(FakeClock(), lines.append)
    assert (made.on, made.reason, made.pods, made.block, made.foreign) == (
        False,
        "no Kubernetes access is given",
        (),
        None,
        0,
    )
    assert made.request(400, succeeded=True) == Served()
    assert made.requests(3) == {}
    assert lines == []


def test_it_knows_the_pods_and_the_size_of_a_block() -> None:
    first = {"a": Counters(5), "b": Counters(7, block=16), "c": Counters(7, block=128)}
    cluster = FakeCluster([first])
    made, _, lines = view(cluster=cluster)
    assert (made.on, made.reason, made.pods, made.block) == (True, "", PODS, 16)
    assert cluster.asked == [PODS]
    assert lines == []


@pytest.mark.parametrize(
    ("cluster", "reason", "pods"),
    [
        pytest.param(
            FakeCluster(listed=RhaiiError("Could not list the pods: 403.", remedy="Allow it.")),
            "Could not list the pods: 403. Allow it.",
            (),
            id="pods that may not be listed",
        ),
        pytest.param(FakeCluster(listed=()), "no ready pod has the service's labels", (), id="no pods"),
        pytest.param(
            FakeCluster([RhaiiError("Could not read the metrics: 403.")]),
            "Could not read the metrics: 403.",
            PODS,
            id="counters that may not be read",
        ),
        pytest.param(FakeCluster([{}]), "no replica shows its metrics", PODS, id="no counters"),
    ],
)
def test_what_keeps_it_closed_is_said(cluster: FakeCluster, reason: str, pods: Sequence[Pod]) -> None:
    made, _, lines = view(cluster=cluster)
    assert (made.on, made.reason, tuple(made.pods)) == (False, reason, pods)
    assert lines == [f"no view of the replicas: {reason}"]
    assert made.request(400, succeeded=True) == Served()


def test_each_request_is_read_out_of_what_changed_since_the_last() -> None:
    made, clock, _ = view(look(), look(a=6), look(a=6, b=9), look(a=6, b=10))
    found = [made.request(400, succeeded=True) for _ in range(3)]
    assert found == [Served("a", 128), Served("b", None, 1), Served("b", 128)]
    assert made.foreign == 1
    assert clock.slept == []


def test_requests_of_others_add_up() -> None:
    made, _, _ = view(look(), look(a=8), look(a=8, b=9))
    made.request(400, succeeded=True)
    made.request(400, succeeded=True)
    assert made.foreign == 3


def test_counters_that_come_late_are_waited_for() -> None:
    made, clock, _ = view(look(), look(), look(), look(b=8))
    assert made.request(400, succeeded=True) == Served("b", 128)
    assert clock.slept == [0.05, 0.05]


def test_they_are_waited_for_a_moment_only() -> None:
    made, clock, _ = view(look())
    assert made.request(400, succeeded=True) == Served()
    assert set(clock.slept) == {0.05}
    assert 1.5 <= clock.monotonic() < 1.56


def test_a_request_that_failed_is_not_waited_for() -> None:
    made, clock, _ = view(look())
    assert [made.request(None, succeeded=False) for _ in range(4)] == [Served()] * 4
    assert clock.slept == []
    # nor does it tell that others serve here
    assert made.on


def test_three_requests_that_nobody_counted_end_the_view() -> None:
    made, _, lines = view(look())
    made.request(400, succeeded=True)
    made.request(400, succeeded=True)
    assert (made.on, made.pods, lines) == (True, PODS, [])
    made.request(400, succeeded=True)
    reason = "the service's pods counted none of the requests: others serve this URL"
    assert (made.on, made.pods, made.reason) == (False, (), reason)
    assert lines == [f"no view of the replicas: {reason}"]


def test_a_request_that_was_counted_makes_up_for_those_before() -> None:
    cluster = FakeCluster()
    made, _, _ = view(cluster=cluster)
    for now in (look(), look(), look(a=6), look(a=6), look(a=6)):
        cluster.looks = [now]
        made.request(400, succeeded=True)
    assert made.on


def test_counters_that_are_lost_end_the_view_and_the_pods_stay() -> None:
    made, _, lines = view(look(), look(a=6), RhaiiError("The API server is away."))
    assert made.request(400, succeeded=True) == Served("a", 128)
    assert made.request(400, succeeded=True) == Served()
    assert (made.on, made.pods, made.reason) == (False, PODS, "The API server is away.")
    assert lines == ["no view of the replicas: The API server is away."]


def test_parallel_requests_are_counted_by_replica() -> None:
    made, clock, _ = view(look(z=3, c=1), look(a=6, z=3, c=1), look(a=7, b=8, z=4, c=0))
    # c began anew
    assert made.requests(3) == {"a": 2, "b": 1, "z": 1}
    assert clock.slept == [0.05]
    # the next look starts from there
    assert made.requests(0) == {}


def test_parallel_requests_without_counters() -> None:
    made, _, lines = view(look(), RhaiiError("The API server is away."))
    assert made.requests(4) == {}
    assert lines == ["no view of the replicas: The API server is away."]
