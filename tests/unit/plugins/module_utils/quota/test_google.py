# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which of Google's APIs each port asks; what it asks and reads is in gke/test_adapters.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._clock import SystemClock
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import GroupRef
from ansible_collections.rhaii.gke.plugins.module_utils._google import GoogleSettings
from ansible_collections.rhaii.gke.plugins.module_utils._quota import google
from ansible_collections.rhaii.gke.plugins.module_utils._quota.families import FAMILIES
from ansible_collections.rhaii.gke.plugins.module_utils._quota.ports import QuotaPorts

from tests.unit.plugins.module_utils.quota.fake_google import MACHINE, PARAMS, REGION, ZONE, pool


@dataclass
class FakeApi:
    """Answers with nothing, and notes who was asked for what."""

    name: str
    asked: list[str]

    def call(self, doing: str, method: str, path: str, **more: Any) -> dict[str, Any]:
        self.asked.append(f"{self.name} {method} {path}")
        return {}

    def pages(self, doing: str, path: str, items: str, **more: Any) -> Iterator[dict[str, Any]]:
        self.asked.append(f"{self.name} GET {path}")
        return iter(())


class FakeConnection:
    asked: list[str]

    def __init__(self, settings: GoogleSettings) -> None:
        self.settings = settings
        self.asked.clear()

    def token(self) -> None:
        self.asked.append("a token")

    def rest(self, api: str) -> FakeApi:
        return FakeApi(api, self.asked)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    FakeConnection.asked = []
    monkeypatch.setattr(google, "Connection", FakeConnection)
    return FakeConnection.asked


V6E = FAMILIES["v6e"].on_demand
GROUP = GroupRef("p", ZONE, "g")


@pytest.mark.parametrize(
    ("ask", "wanted"),
    [
        pytest.param(
            lambda ports: ports.quotas.info("Q"),
            "cloudquotas GET /v1/projects/p/locations/global/services/compute.googleapis.com/quotaInfos/Q",
            id="quotas",
        ),
        pytest.param(
            lambda ports: ports.preferences.all(),
            "cloudquotas GET /v1/projects/p/locations/global/quotaPreferences",
            id="preferences",
        ),
        pytest.param(lambda ports: ports.usage.readings(V6E), "monitoring GET /v3/projects/p/timeSeries", id="usage"),
        pytest.param(
            lambda ports: ports.machines.machine(ZONE, MACHINE),
            f"compute GET /compute/v1/projects/p/zones/{ZONE}/machineTypes/{MACHINE}",
            id="machines",
        ),
        pytest.param(
            lambda ports: ports.regions.quotas(REGION),
            f"compute GET /compute/v1/projects/p/regions/{REGION}",
            id="regions",
        ),
        pytest.param(
            lambda ports: ports.reservations.reservation(ZONE, "r"),
            f"compute GET /compute/v1/projects/p/zones/{ZONE}/reservations/r",
            id="reservations",
        ),
        pytest.param(lambda ports: ports.pools.live(), "container GET /v1/projects/p/locations/-/clusters", id="pools"),
        pytest.param(
            lambda ports: ports.pools.nodes(pool(groups=(GROUP,))),
            f"compute GET /compute/v1/projects/p/zones/{ZONE}/instanceGroupManagers/g",
            id="nodes",
        ),
    ],
)
def test_each_port_asks_its_api(ask: Callable[[QuotaPorts], Any], wanted: str, asked: list[str]) -> None:
    ports = google.quota_ports(PARAMS)
    # before several threads want it
    assert asked == ["a token"]
    ask(ports)
    assert asked == ["a token", wanted]


@pytest.mark.usefixtures("asked")
def test_time_is_the_systems() -> None:
    assert isinstance(google.quota_ports(PARAMS).clock, SystemClock)
