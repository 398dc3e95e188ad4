# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""gke_leftovers: the whole result, what is waited for, and the lists that may not be read."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._google import GoogleError
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.kinds import KINDS, OF_CONTAINER
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.leftovers import CAPABILITY
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.ownership import Judgement
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.report import row_of, table_of

from tests.unit.fake_clock import FakeClock
from tests.unit.plugins.module_utils.leftovers.fake_lists import (
    LABELS,
    SERVICE,
    Lists,
    balancer,
    cluster,
    looked,
    operation,
    thing,
)


def test_whole_result() -> None:
    rule = thing("forwarding_rule", "a1", labels=LABELS)
    disk = thing("disk", "gke-c-1", "europe-west4-a")
    rows = [
        row_of(Judgement(rule, "ours", "it has the labels of the environment demo"), "p"),
        row_of(Judgement(disk, "maybe", "its name begins as ours do"), "p"),
    ]
    assert looked(Lists([disk, rule], refused={"firewall": 403, "address": 404})) == {
        "changed": False,
        "clean": False,
        "leftovers": rows,
        "ours": 1,
        "links": [rule.link],
        "unread": [
            {
                "kind": kind,
                "reason": f"Google refused to list {kind}: {status} PERMISSION_DENIED: Required '{kind}.list'",
            }
            for kind, status in (("address", 404), ("firewall", 403))
        ],
        "table": table_of(rows),
    }


def test_nothing_is_clean() -> None:
    nothing = {"leftovers": [], "ours": 0, "links": [], "unread": [], "table": []}
    assert looked(Lists()) == {"changed": False, "clean": True, **nothing}


def test_every_list_is_read_once() -> None:
    lists = Lists()
    looked(lists, locations=["europe-west4-a", "us-east5-a"], services=None, namespaces=None, known=None, kinds=None)
    of_compute = [kind for kind in KINDS if kind not in OF_CONTAINER]
    assert sorted(lists.asked) == sorted(["operation", "operation", *of_compute])
    assert lists.places == ["europe-west4-a", "us-east5-a"]


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"services": ["o/t"]}, "service"),
        ({"namespaces": ["ns"]}, "volume"),
        ({"known": [thing("address", "before").link]}, "before"),
    ],
)
def test_what_is_given_tells_what_to_look_for(options: dict[str, Any], name: str) -> None:
    found = [
        thing("address", "service", notes={"kubernetes.io/service-name": "o/t"}),
        thing("disk", "volume", notes={"kubernetes.io/created-for/pvc/namespace": "ns"}),
        thing("address", "before"),
    ]
    assert [row["name"] for row in looked(Lists(found), **{"services": [], **options})["leftovers"]] == [name]


def test_load_balancer_that_vanishes_late_is_waited_for() -> None:
    clock, said = FakeClock(), list[str]()
    lists = Lists(balancer(), vanishing={"a1": 3, "k8s-fw-a1": 3})
    found = looked(lists, clock, said, wait=True)
    assert (found["clean"], found["leftovers"]) == (True, [])
    assert clock.slept == [10, 10, 10]
    assert said == ["demo: waiting until forwarding rule a1, target pool a1, address a1 and 1 more have gone"] * 3


def test_no_more_than_three_are_named() -> None:
    said: list[str] = []
    known = [each.link for each in balancer(firewall=False)]
    looked(Lists(balancer(firewall=False), vanishing={"a1": 1}), said=said, wait=True, known=known)
    assert said == ["demo: waiting until forwarding rule a1, target pool a1, address a1 have gone"]


def test_wait_ends_with_its_time_and_what_only_may_be_ours_is_not_waited_for() -> None:
    clock = FakeClock()
    found = looked(Lists(balancer()), clock, wait=True, wait_timeout=45)
    assert (found["clean"], found["ours"], clock.slept) == (False, 4, [10, 10, 10, 10, 5])
    clock = FakeClock()
    found = looked(Lists(balancer(firewall=False)), clock, wait=True)
    assert (found["clean"], found["ours"], len(found["leftovers"]), clock.slept) == (True, 0, 3, [])


def test_without_wait_there_is_one_look() -> None:
    clock, said = FakeClock(), list[str]()
    lists = Lists(balancer())
    assert looked(lists, clock, said)["ours"] == 4
    assert (clock.slept, said, lists.asked.count("address")) == ([], [], 1)


def test_refusal_that_has_passed_is_none_of_the_last_look() -> None:
    class Recovering(Lists):
        def things(self, kind: str) -> Any:
            try:
                return super().things(kind)
            finally:
                if kind == "disk":
                    self.refused = {}

    lists = Recovering(balancer(), vanishing={"a1": 1, "k8s-fw-a1": 1}, refused={"disk": 403})
    found = looked(lists, wait=True)
    assert (found["clean"], found["unread"]) == (True, [])


@pytest.mark.parametrize("kind", ["operation", "forwarding_rule", "disk", "firewall"])
def test_list_that_may_not_be_read_is_no_proof(kind: str) -> None:
    found = looked(Lists(refused={kind: 403}))
    assert (found["clean"], found["ours"]) == (False, 0)
    assert [each["kind"] for each in found["unread"]] == [kind]


@pytest.mark.parametrize("kind", ["operation", "disk"])
def test_other_errors_are_errors(kind: str) -> None:
    with pytest.raises(GoogleError, match=f"list {kind}"):
        looked(Lists(refused={kind: 500}))


def test_only_the_kinds_that_are_asked_for() -> None:
    lists = Lists(balancer(), running=[operation()], living=[cluster()])
    found = looked(lists, kinds=["address"])
    assert [row["kind"] for row in found["leftovers"]] == ["address"]
    # the firewall rule tells whose the address is
    assert sorted(lists.asked) == ["address", "backend_service", "firewall", "forwarding_rule", "target_pool"]
    lists = Lists(living=[cluster()])
    assert [row["kind"] for row in looked(lists, kinds=["cluster", "disk"])["leftovers"]] == ["cluster"]
    assert lists.asked == ["disk"]
    lists = Lists(running=[operation()])
    assert [row["kind"] for row in looked(lists, kinds=["operation"])["leftovers"]] == ["operation"]
    assert lists.asked == ["operation"]


def test_cluster_pools_and_operations_while_they_live() -> None:
    running = [operation("o"), operation("p", "DONE")]
    found = looked(Lists(living=[cluster()], running=running))
    assert [(row["kind"], row["name"]) for row in found["leftovers"]] == [
        ("operation", "o"),
        ("node_pool", "default-pool"),
        ("node_pool", "tpu-pool"),
        ("cluster", "c"),
    ]
    # none of them is a thing of compute.v1
    assert (found["ours"], found["links"]) == (4, [])
    assert looked(Lists(living=[cluster(resourceLabels={})], running=running))["leftovers"] == []


def test_capability_asks_for_what_has_no_default_and_waits_only_when_told() -> None:
    spec = CAPABILITY.argument_spec
    assert {name for name, option in spec.items() if option.get("required")} == {
        "project",
        "cluster",
        "environment",
        "locations",
    }
    assert {name: spec[name].get("default") for name in ("wait", "wait_timeout", "wait_interval")} == {
        "wait": False,
        "wait_timeout": 300,
        "wait_interval": 10.0,
    }


def test_load_balancers_of_others_are_neither_counted_nor_waited_for() -> None:
    lists, clock = Lists(balancer(), living=[cluster()]), FakeClock()
    kinds = ["forwarding_rule", "target_pool", "backend_service", "address"]
    found = looked(lists, clock, wait=True, kinds=kinds, foreign_services=[SERVICE])
    assert (found["clean"], found["ours"], found["leftovers"], found["links"]) == (True, 0, [], [])
    assert clock.slept == []
    # and ours are
    looked(lists, clock, wait=True, kinds=kinds, foreign_services=["team/web"])
    assert sum(clock.slept) == 300


def test_cluster_of_no_environment_is_not_waited_for() -> None:
    lists, clock = Lists(living=[cluster(resourceLabels={"managed-by": "rhaii-gke"})]), FakeClock()
    assert (looked(lists, clock, wait=True)["ours"], clock.slept) == (0, [])
