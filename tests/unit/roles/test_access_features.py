# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which permissions preflight asks for, by how the reservation is named: exactly those of what will be read."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._access.permissions import permissions_for
from ansible_collections.rhaii.gke.plugins.module_utils._quota.values import reservation_path

from tests.unit.questions import of_roles

NAMED = {
    "lab": ("reservations",),
    "projects/owner/reservations/lab": ("reservations",),
    "lab/reservationBlocks/one": ("reservations", "reservationBlocks"),
    "projects/owner/reservations/lab/reservationBlocks/one": ("reservations", "reservationBlocks"),
    "https://www.googleapis.com/compute/v1/projects/owner/zones/us-east5-a/reservations/lab/reservationBlocks/one": (
        "reservations",
        "reservationBlocks",
    ),
    "lab/reservationBlocks/one/reservationSubBlocks/two": ("reservations", "reservationBlocks", "reservationSubBlocks"),
}
WAYS = ("on_demand", "reservation")


@pytest.fixture(scope="module")
def features() -> dict[tuple[str, str], list[str]]:
    """What the role makes of each, by ansible-core's own engine."""
    asked = [(named, way) for named in NAMED for way in WAYS]
    wanted: list[dict[str, Any]] = [
        {
            "role": "preflight",
            "names": ["__preflight_access_wanted.features"],
            "variables": {"preflight_reservation": named, "preflight_provisioning": way},
        }
        for named, way in asked
    ]
    return dict(zip(asked, (next(iter(each.values()))["value"] for each in of_roles(wanted)), strict=True))


@pytest.mark.parametrize("named", NAMED)
def test_each_part_of_a_reservation_that_is_named_asks_for_its_own_permission(
    named: str, features: dict[tuple[str, str], list[str]]
) -> None:
    assert reservation_path(named, "mine").name == "lab"
    asked = {each.name for each in permissions_for(features[named, "reservation"])}
    assert {name for name in asked if name.startswith("compute.reservation")} == {
        f"compute.{kind}.get" for kind in NAMED[named]
    }


@pytest.mark.parametrize("named", NAMED)
def test_reservation_that_is_not_used_asks_for_nothing(named: str, features: dict[tuple[str, str], list[str]]) -> None:
    assert not features[named, "on_demand"]
