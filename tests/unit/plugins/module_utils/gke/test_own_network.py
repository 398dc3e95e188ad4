# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of a network may go, by what google.cloud's modules answered; and what is said of what did not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._gke.own_network import Own, removal

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
    found = removal(OWN, NONE, [], {}, [])
    assert (found.ours, found.goes, found.regions, found.left) == (False, False, (), ())


def test_network_without_our_mark_is_not_ours() -> None:
    for description in (None, "of the search team", OWN.mark + "uction"):
        found = removal(OWN, network("europe-west4/demo-subnet", description=description), [], {}, [])
        assert (found.ours, found.goes, found.regions, found.going) == (False, False, (), ())


def test_network_of_another_name_is_not_looked_at() -> None:
    other = {"resources": [{"name": "demo-network-2", "description": OWN.mark}]}
    assert not removal(OWN, other, [], {}, []).ours


def test_both_go() -> None:
    assert removal(OWN, ONE, [], {}, []).regions == ("europe-west4",)
    found = removal(OWN, ONE, [subnet("europe-west4")], {}, [])
    assert (found.going, found.staying, found.goes) == (("europe-west4",), (), True)


def test_empty_network_goes() -> None:
    assert removal(OWN, network(), [], {}, []).goes


def test_subnet_without_our_mark_keeps_the_network() -> None:
    found = removal(OWN, ONE, [subnet("europe-west4", "by hand")], {}, [])
    assert (found.going, found.staying, found.goes) == ((), ("demo-subnet in europe-west4",), False)


def test_subnet_of_somebody_else_keeps_the_network() -> None:
    there = network("europe-west4/demo-subnet", "europe-west4/databases")
    found = removal(OWN, there, [subnet("europe-west4")], {}, [])
    assert (found.going, found.staying, found.goes) == (("europe-west4",), ("databases in europe-west4",), False)


def test_subnet_of_another_region_goes_only_where_the_environment_may_have_been() -> None:
    assert removal(OWN, TWO, [], {}, []).regions == ("europe-west4",)
    assert removal(OWN, TWO, [subnet("europe-west4")], {}, []).staying == ("demo-subnet in us-east5",)
    assert removal(ANYWHERE, TWO, [], {}, []).regions == ("europe-west4", "us-east5")
    assert removal(ANYWHERE, TWO, [subnet("europe-west4"), subnet("us-east5")], {}, []).goes


def left(
    looked: dict[str, Any], subnets: Sequence[dict[str, Any]], after: dict[str, Any], *deletions: dict[str, Any]
) -> tuple[str, ...]:
    return removal(OWN, looked, subnets, after, deletions).left


def test_nothing_is_left_when_the_second_look_sees_nothing() -> None:
    assert left(ONE, [subnet("europe-west4")], NONE, DELETED, DELETED) == ()


def test_deletion_that_was_refused_is_said_with_the_commands_in_order() -> None:
    (sentence,) = left(ONE, [subnet("europe-west4")], ONE, DENIED, DENIED)
    assert "demo-network is not gone. Google said: GCP returned error: denied" in sentence
    assert sentence.endswith(
        "gcloud compute networks subnets delete demo-subnet --region=europe-west4 --project=my-project"
        " && gcloud compute networks delete demo-network --project=my-project"
    )


def test_deletion_that_looked_like_one_is_seen() -> None:
    (sentence,) = left(ONE, [subnet("europe-west4")], network(), DELETED, DELETED)
    assert "it was deleted; and it is in the list all the same" in sentence
    assert "subnets delete" not in sentence


def test_network_that_stays_for_others_is_no_leftover() -> None:
    there = network("europe-west4/demo-subnet", "europe-west4/databases")
    assert left(there, [subnet("europe-west4")], network("europe-west4/databases"), DELETED) == ()


def test_what_cannot_be_seen_is_not_called_gone() -> None:
    for answers in ((DENIED, [], {}), (ONE, [DENIED], {}), (ONE, [subnet("europe-west4")], DENIED)):
        (sentence,) = left(*answers)
        assert sentence == (
            "Not known whether the network demo-network is left. Google said: GCP returned error: denied"
        )


def test_check_mode_leaves_nothing_to_say() -> None:
    assert left(ONE, [subnet("europe-west4")], SKIPPED, SKIPPED) == ()
