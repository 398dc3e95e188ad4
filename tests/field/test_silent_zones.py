# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Zones that do not answer Google: that nothing is seen there proves nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._gke import place
from ansible_collections.rhaii.gke.plugins.module_utils._gke.google import gke_ports
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import Json, Listed, Operation
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers import leftovers
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.google import unreachable_in
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.ports import LeftoverPorts
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.things import Thing
from ansible_collections.rhaii.gke.plugins.module_utils._standing import standing
from google.cloud import container_v1

from tests.field.rows import Row, rows
from tests.unit.fake_clock import FakeClock
from tests.unit.plugins.module_utils.fake_gke import OURS, FakeGke, Stage

NO_THINGS = {
    "cluster": "c",
    "environment": "prod",
    "locations": ["europe-west4-a"],
    "services": [],
    "foreign_services": [],
    "namespaces": [],
    "known": [],
    "kinds": [],
    "wait": False,
    "wait_timeout": 300,
    "wait_interval": 10.0,
}


def listed(given: dict[str, Any]) -> Listed[Json]:
    labels = {**OURS, **({f"rhaii-debt-{given['debt']}": "operation-1"} if "debt" in given else {})}
    found = [{"name": "c", "location": where, "resourceLabels": labels} for where in given["clusters"]]
    return Listed(found, given["missing"])


@rows("silent_zones")
def test_place_of_an_environment(row: Row) -> None:
    given = row.given
    stage = Stage(FakeGke(everywhere=listed(given)))
    params = {"name": "c", "environment": "prod", "left": {}, **{key: given[key] for key in ("location", "candidates")}}
    if row.right["place"] == "unknown":
        with pytest.raises(RhaiiError, match="not known whether the environment has a cluster") as caught:
            place.run(params, stage.ports, stage.said.append, False)
        assert all(zone in caught.value.msg for zone in given["missing"])
        assert caught.value.remedy
        return
    found = place.run(params, stage.ports, stage.said.append, False)
    assert found["location"] == row.right["place"]
    assert found["settled"] == row.right.get("settled", [])


class Lists:
    """An inventory of nothing but the clusters."""

    project = "p"

    def __init__(self, clusters: Sequence[Json], things: Sequence[Thing] = ()) -> None:
        self._clusters, self._things = clusters, things

    def clusters(self) -> Sequence[Json]:
        return self._clusters

    def operations(self, location: str) -> Sequence[Operation]:
        del location
        return []

    def things(self, kind: str) -> Sequence[Thing]:
        del kind
        return self._things


@rows("silent_zones")
def test_nothing_is_called_clean_that_was_not_looked_at(row: Row) -> None:
    ports = LeftoverPorts(Lists(Listed([], row.given["missing"])), FakeClock())
    found = leftovers.run(NO_THINGS, ports, lambda _: None, False)
    assert found["clean"] is not bool(row.given["missing"])
    assert {each["kind"] for each in found["unread"]} == ({"cluster", "node_pool"} if row.given["missing"] else set())
    for each in found["unread"]:
        assert all(zone in each["reason"] for zone in row.given["missing"])


def test_places_that_compute_engine_could_not_ask_are_said() -> None:
    ports = LeftoverPorts(Lists([], Listed([], ["us-east5-a"])), FakeClock())
    found = leftovers.run(NO_THINGS, ports, lambda _: None, False)
    assert not found["clean"]
    assert "us-east5-a did not answer Google" in found["unread"][0]["reason"]


@pytest.mark.parametrize(
    ("page", "places"),
    [
        pytest.param({"items": {"zones/a": {"warning": {"code": "NO_RESULTS_ON_PAGE"}}}}, [], id="nothing there"),
        pytest.param({"items": {"zones/a": {"warning": {"code": "UNREACHABLE"}}}}, ["a"], id="a scope"),
        pytest.param({"unreachables": ["projects/p/zones/b"], "items": {}}, ["b"], id="the list of them"),
        pytest.param({"items": [{"name": "x"}]}, [], id="no scopes"),
        pytest.param({}, [], id="nothing"),
    ],
)
def test_unreachable_places_of_a_page(page: dict[str, Any], places: list[str]) -> None:
    assert unreachable_in(page) == places


def test_what_stands_is_not_known_of_a_zone_that_is_silent() -> None:
    class Cloud:
        inventory = Lists(Listed([], ["europe-west4-a"]))

    class Ports:
        @staticmethod
        def open() -> Any:
            return Cloud()

    params = {"environment": "prod", "cluster": "c", "locations": [], "services": [], "catalog_timeout": 0}
    found = standing.run(params, Ports(), lambda _: None, False)  # type: ignore[arg-type]
    assert not found["known"]
    assert "europe-west4-a did not answer Google" in found["msg"]


def test_google_calls_them_so() -> None:
    assert "missing_zones" in container_v1.ListClustersResponse.meta.fields


class Answering(BaseHTTPRequestHandler):
    """The list of the clusters as Google gives it, on this machine alone."""

    def do_GET(self) -> None:
        body = json.dumps({"missingZones": ["europe-west4-a"]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: Any) -> None:
        """Nothing."""


def test_silence_comes_through_googles_client() -> None:
    server = HTTPServer(("127.0.0.1", 0), Answering)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    params = {
        "project": "p",
        "auth_kind": "accesstoken",
        "access_token": "t",
        "endpoints": {"container": url},
        "location": "europe-west4-a",
        "candidates": [],
        "name": "c",
        "environment": "prod",
        "left": {},
    }
    try:
        with pytest.raises(RhaiiError, match="europe-west4-a did not answer Google"):
            place.run(params, gke_ports(params), lambda _: None, False)
    finally:
        server.shutdown()
        server.server_close()
