# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a place answers, and what is said when it does not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._place_answers import CAPABILITY, RealPlace

URL = "http://127.200.0.1:8085"
PARAMS: dict[str, Any] = {"url": URL, "notice": None, "hint": "Start it with `make up`.", "timeout": 5.0}


class Place:
    def __init__(self, answer: int | OSError) -> None:
        self.answer = answer
        self.asked: list[tuple[str, float]] = []

    def status(self, url: str, timeout: float) -> int:
        self.asked.append((url, timeout))
        if isinstance(self.answer, OSError):
            raise self.answer
        return self.answer


def look(place: Place, **changes: Any) -> tuple[dict[str, Any], list[str]]:
    said: list[str] = []
    return dict(CAPABILITY.run({**PARAMS, **changes}, place, said.append, True)), said


@pytest.mark.parametrize("status", [200, 204, 400, 401, 403, 404])
def test_any_answer_will_do(status: int) -> None:
    place = Place(status)
    assert look(place) == ({"changed": False, "url": URL, "status": status}, [])
    assert place.asked == [(URL, 5.0)]


def test_the_notice_is_said_first_whether_or_not_there_is_anything_to_ask() -> None:
    place = Place(200)
    assert look(place, url=None, notice="A rehearsal.") == (
        {"changed": False, "url": "", "status": 0},
        ["A rehearsal."],
    )
    assert place.asked == []


@pytest.mark.parametrize(
    ("answer", "why"), [(ConnectionRefusedError(111, "Connection refused"), "Connection refused"), (502, "502")]
)
def test_silence_is_a_failure_with_what_to_do(answer: int | OSError, why: str) -> None:
    with pytest.raises(RhaiiError) as failure:
        look(Place(answer))
    assert f"{URL} does not answer" in str(failure.value)
    assert why in str(failure.value)
    assert str(failure.value).endswith("Start it with `make up`.")


@pytest.fixture
def server() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(404 if self.path == "/nothing" else 302)
            self.send_header("Location", "http://127.0.0.1:9/")
            self.end_headers()

        def log_message(self, *_args: Any) -> None:
            """Quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{served.server_port}"
        served.shutdown()


def test_the_real_one_takes_what_is_said_and_follows_nobody(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert RealPlace().status(f"{server}/nothing", 5.0) == 404
    assert RealPlace().status(server, 5.0) == 302
    with pytest.raises(OSError):
        RealPlace().status("http://127.0.0.1:9", 5.0)
