# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The adapter: what it asks of Google, and what it makes of the answers; and that compute.v1 has what it asks for."""

from __future__ import annotations

from typing import Any, cast

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._clock import SystemClock
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import Json, Operation
from ansible_collections.rhaii.gke.plugins.module_utils._google import Connection, GoogleSettings
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers import google
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.google import GoogleInventory
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.kinds import KINDS, OF_CONTAINER
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.things import Thing

from sandbox.cloud.discovery import document
from tests.unit.plugins.module_utils.leftovers.fake_lists import ROOT, cluster, operation

OF_COMPUTE = [kind for kind in KINDS if kind not in OF_CONTAINER]
RULES = f"{ROOT}/regions/europe-west4/forwardingRules"


class Rest:
    """compute.v1 in pages."""

    def __init__(self, *pages: Json) -> None:
        self.pages = list(pages)
        self.asked: list[tuple[str, str, str, dict[str, str]]] = []

    def call(self, doing: str, method: str, path: str, *, query: dict[str, str]) -> Json:
        self.asked.append((doing, method, path, dict(query)))
        return self.pages.pop(0)


class Wires:
    """A Connection as far as the adapter asks it."""

    def __init__(self, *pages: Json) -> None:
        self.settings = GoogleSettings("p")
        self.api = Rest(*pages)

    def rest(self, name: str) -> Rest:
        assert name == "compute"
        return self.api


def inventory(wires: Wires) -> GoogleInventory:
    return GoogleInventory(cast(Connection, wires))


def test_every_scope_and_every_page_is_read() -> None:
    rule = {"name": "a", "selfLink": f"{RULES}/a", "IPAddress": "203.0.113.9"}
    scopes = {"regions/europe-west4": {"forwardingRules": [rule]}, "global": {"warning": {}}}
    further = {"global": {"forwardingRules": [{"name": "b", "selfLink": f"{ROOT}/global/forwardingRules/b"}]}}
    wires = Wires({"items": scopes, "nextPageToken": "n"}, {"items": further}, {"items": "not asked for"})
    assert inventory(wires).things("forwarding_rule") == [
        Thing("forwarding_rule", "a", "europe-west4", f"{RULES}/a", detail="203.0.113.9"),
        Thing("forwarding_rule", "b", "global", f"{ROOT}/global/forwardingRules/b"),
    ]
    question = ("list what there is of forwarding rules", "GET", "/compute/v1/projects/p/aggregated/forwardingRules")
    assert wires.api.asked == [(*question, {}), (*question, {"pageToken": "n"})]


def test_list_without_scopes_is_read_too() -> None:
    wires = Wires({"items": [{"name": "f"}, {"name": "g"}]})
    assert inventory(wires).things("firewall") == [
        Thing("firewall", "f", "global", ""),
        Thing("firewall", "g", "global", ""),
    ]
    assert wires.api.asked == [
        ("list what there is of firewall rules", "GET", "/compute/v1/projects/p/global/firewalls", {})
    ]


@pytest.mark.parametrize("kind", OF_COMPUTE)
@pytest.mark.parametrize("nothing", [{}, {"items": None}, {"items": {}}])
def test_empty_list_is_nothing(kind: str, nothing: Json) -> None:
    assert inventory(Wires(nothing)).things(kind) == []


@pytest.mark.parametrize("kind", OF_COMPUTE)
def test_google_has_such_a_list(kind: str) -> None:
    api, of = document("compute.v1"), KINDS[kind]
    wanted = f"compute.{of.member}.aggregatedList" if of.member else "compute.firewalls.list"
    (method,) = (each for each in api.methods if each.id == wanted)
    assert (method.http_method, method.path) == ("GET", f"/compute/v1/projects/{{project}}/{of.path}")
    items = api.schemas[str(method.response)]["properties"]["items"]
    if of.member:
        scope = api.schemas[items["additionalProperties"]["$ref"]]
        assert of.member in scope["properties"]
    else:
        assert items["type"] == "array"


class Clusters:
    """container.v1 in one location."""

    def __init__(self, connection: Any, location: str) -> None:
        self.connection, self.location = connection, location

    def list_clusters(self) -> list[Json]:
        return [cluster(location=f"{self.connection.settings.project} {self.location}")]

    def list_operations(self) -> list[Operation]:
        return [operation(f"{self.connection.settings.project} {self.location}")]


def test_clusters_are_listed_everywhere_and_operations_by_location(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(google, "GoogleClusters", Clusters)
    lists = inventory(Wires())
    assert lists.project == "p"
    assert [each["location"] for each in lists.clusters()] == ["p -"]
    assert [each.name for each in lists.operations("us-east5-a")] == ["p us-east5-a"]


def test_ports_are_of_the_project_and_ask_nobody_when_they_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(google, "Connection", lambda settings: Wires() if settings.project == "q" else None)
    ports = google.leftover_ports({"project": "q", "request_timeout": 5})
    assert ports.inventory.project == "p"
    assert isinstance(ports.clock, SystemClock)
