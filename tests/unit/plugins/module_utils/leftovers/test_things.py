# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an item of a list of compute.v1 becomes."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.things import (
    Thing,
    detail_of,
    notes_of,
    region_of,
    thing_of,
)

from tests.unit.plugins.module_utils.leftovers.fake_lists import NOTE, ROOT, SERVICE, TAG, thing

RULE = f"{ROOT}/regions/europe-west4/forwardingRules/a1"
MACHINE = f"{ROOT}/zones/europe-west4-a/instances/i"
FIREWALL = f"{ROOT}/global/firewalls/k8s-fw-a1"


@pytest.mark.parametrize(
    ("kind", "body", "wanted"),
    [
        pytest.param(
            "forwarding_rule",
            {
                "name": "a1",
                "selfLink": RULE,
                "IPAddress": "203.0.113.9",
                "description": f'{{"kubernetes.io/service-name":"{SERVICE}"}}',
                "labels": {"a": 1},
            },
            Thing("forwarding_rule", "a1", "europe-west4", RULE, {"a": "1"}, NOTE, (), "203.0.113.9"),
            id="of a region",
        ),
        pytest.param(
            "instance",
            {"name": "i", "selfLink": MACHINE, "tags": {"items": [TAG, "web"]}, "machineType": "z/e2-standard-4"},
            Thing("instance", "i", "europe-west4-a", MACHINE, tags=(TAG, "web"), detail="e2-standard-4"),
            id="of a zone",
        ),
        pytest.param(
            "firewall",
            {"name": "k8s-fw-a1", "selfLink": FIREWALL, "targetTags": [TAG]},
            Thing("firewall", "k8s-fw-a1", "global", FIREWALL, tags=(TAG,)),
            id="of no place",
        ),
        pytest.param(
            "firewall",
            {"targetTags": ["a"], "tags": {"items": ["b"]}},
            Thing("firewall", "", "global", "", tags=("a", "b")),
            id="with both kinds of tags",
        ),
        pytest.param("disk", {}, Thing("disk", "", "global", ""), id="with nothing"),
        pytest.param(
            "disk",
            dict.fromkeys(("name", "selfLink", "targetTags", "tags", "labels", "description")),
            Thing("disk", "", "global", ""),
            id="with nulls",
        ),
        pytest.param("disk", {"tags": {}, "labels": [], "targetTags": "x"}, Thing("disk", "", "global", ""), id="odd"),
    ],
)
def test_thing(kind: str, body: dict[str, Any], wanted: Thing) -> None:
    assert thing_of(kind, body) == wanted


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"sizeGb": "100", "type": f"{ROOT}/zones/z/diskTypes/pd-balanced"}, "100 GB of pd-balanced"),
        ({"sizeGb": "100"}, "100 GB of "),
        ({"targetSize": 0}, "0 machines"),
        ({"IPAddress": "203.0.113.9"}, "203.0.113.9"),
        ({"address": "203.0.113.7"}, "203.0.113.7"),
        ({"machineType": f"{ROOT}/zones/z/machineTypes/ct6e-standard-4t"}, "ct6e-standard-4t"),
        ({}, ""),
    ],
)
def test_detail_tells_how_much_it_is(body: dict[str, Any], detail: str) -> None:
    assert detail_of(body) == detail


@pytest.mark.parametrize(
    ("description", "notes"),
    [
        ('{"a": 1, "b": "c"}', {"a": "1", "b": "c"}),
        ("", {}),
        ("{", {}),
        ('["a"]', {}),
        ("the {gateway}", {}),
    ],
)
def test_notes_are_what_kubernetes_wrote_and_others_break_nothing(description: str, notes: dict[str, str]) -> None:
    assert notes_of(description) == notes


@pytest.mark.parametrize(
    ("notes", "service"),
    [
        ({"kubernetes.io/service-name": "a/b"}, "a/b"),
        ({"networking.gke.io/service-name": "a/c"}, "a/c"),
        ({"networking.gke.io/service-name": "a/c", "kubernetes.io/service-name": "a/b"}, "a/b"),
        ({"kubernetes.io/created-for/pvc/namespace": "a"}, ""),
        ({}, ""),
    ],
)
def test_service_that_it_was_made_for(notes: dict[str, str], service: str) -> None:
    assert thing("forwarding_rule", notes=notes).service == service


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("a1", "a1"),
        ("k8s-fw-a1", "a1"),
        ("k8s2-tcp-a1", "a1"),
        ("k8s2-udp-a1", "a1"),
        ("k8s2-l3-a1", "a1"),
        ("k8s2-a1", "a1"),
        ("k8s2-a1-hc", "a1"),
        # only at its place
        ("a-hc-1", "a-hc-1"),
        ("x-k8s-fw-a1", "x-k8s-fw-a1"),
    ],
)
def test_parts_of_a_load_balancer_share_a_name(name: str, family: str) -> None:
    assert thing("firewall", name).family == family


@pytest.mark.parametrize(
    ("location", "region"),
    [("europe-west4-a", "europe-west4"), ("us-south1-ai1b", "us-south1"), ("us-east5", "us-east5"), ("z", "z")],
)
def test_region(location: str, region: str) -> None:
    assert region_of(location) == region
