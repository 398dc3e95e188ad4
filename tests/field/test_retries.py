# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What passes is asked again: reads as long as there is time, changes only where nothing was done."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import google.api_core.exceptions
import google.api_core.retry
import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._gke import node_pool
from ansible_collections.rhaii.gke.plugins.module_utils._gke.compute import GoogleInstanceGroups
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import GroupRef
from ansible_collections.rhaii.gke.plugins.module_utils._google import (
    Connection,
    GoogleError,
    GoogleSettings,
    UnreachableError,
)
from ansible_collections.rhaii.gke.plugins.module_utils._meaning import PASSING_STATUSES
from ansible_collections.rhaii.gke.plugins.module_utils._patience import Patience, is_safe_to_repeat
from google.cloud.container_v1.services.cluster_manager.transports import ClusterManagerRestTransport

from tests.field.rows import Row, rows
from tests.unit.fake_clock import FakeClock
from tests.unit.plugins.module_utils.fake_gke import FakeGke, Stage, pool_body
from tests.unit.plugins.module_utils.gke.test_node_pool import PARAMS

GROUP = GroupRef("p", "z", "grp")
OF_SERVER = ("GET", "listManagedInstances", "testIamPermissions", "deleteInstances")


class Server:
    """Answers in turn, then with 200, on this machine alone."""

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.asked = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.asked += 1
                status = outer.answers.pop(0) if outer.answers else 200
                if status == "lost":
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                body = b'{"name": "operation-1"}' if status == 200 else b""
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = answer

            def log_message(self, *_args: Any) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    one = Server()
    yield one
    one.close()


def over_http(server: Server, call: str) -> Callable[[], Any]:
    endpoints = {"compute": server.url, "cloudresourcemanager": server.url}
    connection = Connection(GoogleSettings("p", "accesstoken", access_token="t", endpoints=endpoints, timeout=5.0))
    groups = GoogleInstanceGroups(connection.rest("compute"))
    projects = connection.rest("cloudresourcemanager")
    calls: dict[str, Callable[[], Any]] = {
        "GET": lambda: groups.target_size(GROUP),
        "listManagedInstances": lambda: list(groups.instances(GROUP)),
        "deleteInstances": lambda: groups.delete_instances(GROUP, ["i"]),
        "testIamPermissions": lambda: projects.call("ask", "POST", "/v3/projects/p:testIamPermissions", body={}),
    }
    return calls[call]


def in_a_task(row: Row) -> tuple[int, bool]:
    """A run of gke_node_pool one of whose calls has trouble."""
    call, answers = row.given["call"], list(row.given["answers"])
    deletes = call == "delete_node_pool"
    stage = Stage(FakeGke(pool=None if call == "create_node_pool" else pool_body()))
    real = getattr(stage.gke, call)
    asked = 0

    def troubled(*args: Any) -> Any:
        nonlocal asked
        asked += 1
        if not answers:
            return real(*args)
        answer = answers.pop(0)
        if answer == "lost":
            raise UnreachableError("Could not do it: no answer.")
        raise GoogleError("do it", answer, "", "not now")

    setattr(stage.gke, call, troubled)
    params = {**PARAMS, "node_count": 5, "state": "absent" if deletes else "present", "wait": not deletes}
    try:
        node_pool.run(params, stage.ports, stage.said.append, False)
    except RhaiiError:
        return asked, False
    return asked, True


@rows("retries")
def test_what_passes_is_asked_again(row: Row, server: Server) -> None:
    if row.given["call"] in OF_SERVER:
        server.answers = list(row.given["answers"])
        try:
            over_http(server, row.given["call"])()
            ok = True
        except RhaiiError:
            ok = False
        assert (server.asked, ok) == (row.right["asked"], row.right["ok"])
        return
    asked, ok = in_a_task(row)
    assert ok is row.right["ok"]
    # an operation is looked at more often than it has trouble
    assert asked >= row.right["asked"] if ok else asked == row.right["asked"]


@pytest.mark.parametrize("status", range(400, 600))
def test_what_googles_clients_repeat_we_read_again(status: int) -> None:
    error = google.api_core.exceptions.from_http_status(status, "x")
    by_container = isinstance(
        error, (google.api_core.exceptions.ServiceUnavailable, google.api_core.exceptions.DeadlineExceeded)
    )
    if google.api_core.retry.if_transient_error(error) or by_container:
        assert status in PASSING_STATUSES | {429}


def test_only_what_googles_client_repeats_is_repeated_after_a_504() -> None:
    """Its own list: of the changes that we make it repeats deletions alone."""
    transport = ClusterManagerRestTransport(host="http://127.0.0.1:1", credentials=_anonymous())
    methods = {name: transport._wrapped_methods[getattr(transport, name)] for name in CHANGES}
    for name, wrapped in methods.items():
        gone = GoogleError("do it", 504, "DEADLINE_EXCEEDED", "x")
        assert is_safe_to_repeat(gone, is_deletion=CHANGES[name]) is (wrapped._retry is not None), name


CHANGES = {
    "create_cluster": False,
    "update_cluster": False,
    "delete_cluster": True,
    "set_labels": False,
    "set_maintenance_policy": False,
    "create_node_pool": False,
    "update_node_pool": False,
    "set_node_pool_size": False,
    "set_node_pool_management": False,
    "set_node_pool_autoscaling": False,
    "delete_node_pool": True,
}


def _anonymous() -> Any:
    import google.auth.credentials

    return google.auth.credentials.AnonymousCredentials()


def patience(clock: FakeClock, said: list[str], chance: float = 1.0) -> Patience:
    return Patience(clock, said.append, what="it", timeout=600, chance=lambda: chance)


def asked_in_turn(*answers: Any) -> Callable[[], Any]:
    left = list(answers)

    def ask() -> Any:
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return ask


def test_pauses_grow_and_are_shortened_by_chance() -> None:
    for chance, slept in ((1.0, [1.0, 2.0, 4.0]), (0.0, [0.5, 1.0, 2.0])):
        clock, said = FakeClock(), list[str]()
        away = [GoogleError("look", 503, "UNAVAILABLE", "x") for _ in range(3)]
        assert patience(clock, said, chance).read(asked_in_turn(*away, 7)) == 7
        assert clock.slept == slept
    assert said[0] == "it: Google is busy (503), asking again in 0 s"


def test_the_pause_that_google_names_counts_and_no_chance() -> None:
    clock, said = FakeClock(), list[str]()
    slow = GoogleError("look", 429, "", "x")
    slow.retry_after = 90.0
    assert patience(clock, said, 0.0).read(asked_in_turn(slow, 7)) == 7
    assert clock.slept == [90.0]


def test_an_address_that_never_answered_is_reported_soon() -> None:
    clock, said = FakeClock(), list[str]()
    away = [UnreachableError("no answer") for _ in range(9)]
    with pytest.raises(UnreachableError):
        patience(clock, said).read(asked_in_turn(*away))
    assert clock.slept == [1.0, 2.0]


def test_an_address_that_hangs_is_reported_at_once() -> None:
    clock, said = FakeClock(), list[str]()

    def hang() -> Any:
        clock.sleep(60.0)
        raise UnreachableError("no answer")

    with pytest.raises(UnreachableError):
        patience(clock, said).read(hang)
    assert clock.slept == [60.0]


def test_a_connection_that_is_lost_later_is_awaited() -> None:
    clock, said = FakeClock(), list[str]()
    one = patience(clock, said)
    assert one.read(asked_in_turn(1)) == 1
    assert one.read(asked_in_turn(UnreachableError("no answer"), UnreachableError("no answer"), 2)) == 2
    assert said == [
        "it: Google does not answer for the moment, asking again in 1 s",
        "it: Google does not answer for the moment, asking again in 2 s",
    ]


def test_the_time_out_is_the_end() -> None:
    clock, said = FakeClock(), list[str]()
    away = [GoogleError("look", 503, "UNAVAILABLE", "x") for _ in range(99)]
    with pytest.raises(GoogleError):
        patience(clock, said).read(asked_in_turn(*away))
    assert clock.monotonic() == 600
