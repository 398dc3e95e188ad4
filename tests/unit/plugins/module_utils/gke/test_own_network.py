# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of a network may go, by what google.cloud's modules answered; and what is said of what did not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._gke.own_network import Own, Removal, removal

OWN = Own("demo-network", "demo-subnet", "rhaii.gke: network of prod", "my-project", "europe-west4")
ANYWHERE = Own("demo-network", "demo-subnet", "rhaii.gke: network of prod", "my-project")
ROOT = "https://www.googleapis.com/compute/v1/projects/my-project"
DENIED = {"msg": "GCP returned error: denied", "failed": False, "changed": False}
SKIPPED = {"skipped": True, "msg": "does not support check mode"}
DELETED = {"changed": True}


def network(*subnets: str, description: str | None = OWN.mark) -> dict[str, Any]:
    """An answer with the network, whose subnets are given as region/name."""
    links = [f"{ROOT}/regions/{each.replace('/', '/subnetworks/')}" for each in subnets]
    found = {"name": OWN.network, **({"description": description} if description else {})}
    return {"resources": [{**found, **({"subnetworks": links} if links else {})}]}


def subnet(region: str, description: str = OWN.mark) -> dict[str, Any]:
    found = {"name": OWN.subnetwork, "region": f"{ROOT}/regions/{region}", "description": description}
    return {"resources": [found]}


NONE: dict[str, Any] = {"resources": []}
ONE = network("europe-west4/demo-subnet")
TWO = network("europe-west4/demo-subnet", "us-east5/demo-subnet")


def test_nothing_is_there() -> None:
    assert removal(OWN, NONE, [], {}, []) == Removal(False, (), (), (), ())


@pytest.mark.parametrize("description", [None, "of the search team", OWN.mark + "uction"])
def test_network_without_our_mark_is_not_ours(description: str | None) -> None:
    there = network("europe-west4/demo-subnet", description=description)
    # although it is there afterwards, and a subnet has our mark
    found = removal(OWN, there, [subnet("europe-west4")], there, [])
    assert (found, found.goes) == (Removal(False, (), (), (), ()), False)


def test_network_of_another_name_is_not_looked_at() -> None:
    other = {"resources": [{"name": "demo-network-2", "description": OWN.mark}]}
    assert not removal(OWN, other, [], {}, []).ours
    assert removal(OWN, {"resources": [*other["resources"], *ONE["resources"]]}, [], {}, []).ours


def test_both_go() -> None:
    found = removal(OWN, ONE, [subnet("europe-west4")], {}, [])
    assert (found, found.goes) == (Removal(True, ("europe-west4",), ("europe-west4",), (), ()), True)


def test_first_look_says_where_to_look_for_the_subnet() -> None:
    found = removal(OWN, ONE, [], {}, [])
    # until it is known whose that is, it stays
    assert found == Removal(True, ("europe-west4",), (), ("demo-subnet in europe-west4",), ())


def test_empty_network_goes() -> None:
    assert removal(OWN, network(), [], {}, []).goes


def test_link_that_is_of_no_subnet_is_none() -> None:
    there = {"resources": [{**network()["resources"][0], "subnetworks": [f"{ROOT}/global/networks/x", None]}]}
    assert removal(OWN, there, [], {}, []) == Removal(True, (), (), (), ())


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(subnet("europe-west4", "by hand"), id="without our mark"),
        pytest.param(subnet("us-east5"), id="of another region"),
        pytest.param({"resources": [{**subnet("europe-west4")["resources"][0], "name": "s"}]}, id="of another name"),
        pytest.param({"resources": None}, id="that is not in the list"),
        pytest.param({}, id="that was not looked for"),
    ],
)
def test_subnet_that_is_not_shown_to_be_ours_keeps_the_network(answer: dict[str, Any]) -> None:
    found = removal(OWN, ONE, [answer], {}, [])
    assert found == Removal(True, ("europe-west4",), (), ("demo-subnet in europe-west4",), ())
    assert not found.goes


def test_subnet_of_somebody_else_keeps_the_network() -> None:
    there = network("europe-west4/databases", "us-east5/databases", "europe-west4/demo-subnet")
    found = removal(OWN, there, [subnet("europe-west4")], {}, [])
    others = ("databases in europe-west4", "databases in us-east5")
    assert (found, found.goes) == (Removal(True, ("europe-west4",), ("europe-west4",), others, ()), False)


def test_subnet_of_another_region_goes_only_where_the_environment_may_have_been() -> None:
    both = [subnet("europe-west4"), subnet("us-east5")]
    here, there = "europe-west4", "us-east5"
    assert removal(OWN, TWO, both, {}, []) == Removal(True, (here,), (here,), ("demo-subnet in us-east5",), ())
    assert removal(ANYWHERE, TWO, both, {}, []) == Removal(True, (here, there), (here, there), (), ())
    assert removal(ANYWHERE, TWO, both[1:], {}, []).staying == ("demo-subnet in europe-west4",)


def left(
    looked: dict[str, Any], subnets: Sequence[dict[str, Any]], after: dict[str, Any], *deletions: dict[str, Any]
) -> tuple[str, ...]:
    return removal(OWN, looked, subnets, after, deletions).left


def test_nothing_is_left_when_the_second_look_sees_nothing() -> None:
    assert left(ONE, [subnet("europe-west4")], NONE, DELETED, DELETED) == ()


GONE = "gcloud compute networks subnets delete demo-subnet --region=europe-west4 --project=my-project"
WHOLE = "gcloud compute networks delete demo-network --project=my-project"
BEGIN = "The network demo-network is not gone. Google said: "
NOTHING_SAID = "it was deleted; and it is in the list all the same."


@pytest.mark.parametrize(
    ("after", "deletions", "said"),
    [
        pytest.param(
            ONE, [DENIED, DENIED], f"GCP returned error: denied To delete it: {GONE} && {WHOLE}", id="both refused"
        ),
        pytest.param(
            network(), [DELETED, DENIED], f"GCP returned error: denied To delete it: {WHOLE}", id="the network refused"
        ),
        pytest.param(
            ONE,
            [DELETED, {"failed": True, "msg": "in use\n  by a rule"}, DENIED],
            f"in use by a rule To delete it: {GONE} && {WHOLE}",
            id="the first reason, as one line",
        ),
        pytest.param(
            network(), [DELETED, DELETED], f"{NOTHING_SAID} To delete it: {WHOLE}", id="a deletion that only looked so"
        ),
        pytest.param(ONE, [SKIPPED, {}], f"{NOTHING_SAID} To delete it: {GONE} && {WHOLE}", id="none that ran"),
    ],
)
def test_what_is_left_is_said_with_googles_reason_and_the_commands_in_order(
    after: dict[str, Any], deletions: list[dict[str, Any]], said: str
) -> None:
    assert left(ONE, [subnet("europe-west4")], after, *deletions) == (BEGIN + said,)


def test_every_region_has_its_command() -> None:
    both = [subnet("europe-west4"), subnet("us-east5")]
    (sentence,) = removal(ANYWHERE, TWO, both, TWO, [DENIED]).left
    assert sentence.endswith(f"To delete it: {GONE} && {GONE.replace('europe-west4', 'us-east5')} && {WHOLE}")


def test_network_that_stays_for_others_is_no_leftover() -> None:
    there = network("europe-west4/demo-subnet", "europe-west4/databases")
    assert left(there, [subnet("europe-west4")], network("europe-west4/databases"), DELETED) == ()
    # our subnet is one all the same
    assert left(there, [subnet("europe-west4")], there, DENIED) == (
        f"{BEGIN}GCP returned error: denied To delete it: {GONE}",
    )


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param((DENIED, [], {}), id="the first look"),
        pytest.param((ONE, [subnet("europe-west4"), DENIED], {}), id="a look for the subnet"),
        pytest.param((ONE, [subnet("europe-west4")], DENIED), id="the last look"),
        pytest.param((ONE, [DENIED], {"msg": "another reason"}), id="the first reason of two"),
    ],
)
def test_what_cannot_be_seen_is_not_called_gone(answers: Any) -> None:
    assert left(*answers) == (
        "Not known whether the network demo-network is left. Google said: GCP returned error: denied",
    )


def test_check_mode_leaves_nothing_to_say() -> None:
    assert left(ONE, [subnet("europe-west4")], SKIPPED, SKIPPED) == ()
