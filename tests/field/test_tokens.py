# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tokens that end while a task runs: calls go on with another one, or end with what to do.

``given``: ``by`` is where tokens come from; each is ``good_for`` so many calls, of which ``calls`` are made. With
``step`` seconds between two of them, a token that says so ends after ``life`` seconds instead. ``right``: how many were
answered, how many tokens that took, and how many refusals the server saw.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils import _kubeconfig
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._gke.kubernetes import KubernetesNodes
from ansible_collections.rhaii.gke.plugins.module_utils._google_tokens import GoogleTokens
from ansible_collections.rhaii.gke.plugins.module_utils._kubeconfig import Access
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import KubernetesError, KubernetesRest
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes_credentials import Plugin, Source, TokenFile

from tests.field.rows import Row, rows
from tests.unit.fake_clock import FakeClock

VERSION = "client.authentication.k8s.io/v1"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Silence."""

    def do_GET(self) -> None:
        server: Any = self.server
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status = 200 if server.take(self.headers.get("Authorization", "").removeprefix("Bearer ")) else 401
        said: Any = {"kind": "Status", "reason": "Unauthorized", "message": "Unauthorized"}
        if status == 200:
            said = {"type": "BOOKMARK", "object": {}} if "watch=true" in self.path else {"items": []}
        content = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_PATCH = do_DELETE = do_GET


class Server(ThreadingHTTPServer):
    """Takes tokens, each for so many calls or until its end."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.begin(FakeClock(), 0, 0)

    def begin(self, clock: FakeClock, good_for: int, life: float, bad: int = 0) -> None:
        self.clock, self.good_for, self.life, self.bad = clock, good_for, life, bad
        self.made: dict[str, Any] = {}
        self.used: dict[str, int] = {}
        self.refused = 0

    def mint(self) -> str:
        """Another token."""
        token = f"token-{len(self.made) + 1}"
        self.made[token] = self.clock.now() + timedelta(seconds=self.life)
        return token

    def take(self, token: str) -> bool:
        self.used[token] = self.used.get(token, 0) + 1
        end = self.made.get(token)
        good = end is not None and (self.clock.now() < end if self.life else self.used[token] <= self.good_for)
        good = good and not (self.bad and len(self.made) >= self.bad)
        self.refused += not good
        return bool(good)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    made = Server()
    threading.Thread(target=made.serve_forever, args=(0.05,), daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


class Google:
    """Connection's part; a token that is refused is replaced, another one that is good is given out again."""

    def __init__(self, server: Server, last: str = "") -> None:
        self._server = server
        self._last = last

    def token(self) -> tuple[str, Any]:
        end = self._server.made.get(self._last)
        if end is None or self._server.clock.now() >= end - timedelta(minutes=3, seconds=45):
            return self.renewed(self._last)
        return self._last, end.replace(tzinfo=None) if self._server.life else None

    def renewed(self, refused: str) -> tuple[str, Any]:
        self._last = self._server.mint()
        end = self._server.made[self._last]
        return self._last, end.replace(tzinfo=None) if self._server.life else None


class Told(Plugin):
    """A program that needs no process."""

    server: Server

    def _run(self, version: str) -> bytes:
        token = self.server.mint()
        status = {"token": token}
        if self.server.life:
            status["expirationTimestamp"] = self.server.made[token].isoformat()
        return json.dumps({"apiVersion": VERSION, "status": status}).encode()


class Written(TokenFile):
    """A file that somebody keeps fresh: it holds the newest token, which is made where the last one is used up."""

    server: Server
    place: Path

    def credential(self) -> Any:
        newest = list(self.server.made)[-1:] or [""]
        used_up = self.server.used.get(newest[0], 0) >= self.server.good_for
        if not newest[0] or (used_up and not self.server.life):
            self.place.write_text(self.server.mint() + "\n", encoding="utf-8")
        return super().credential()


def source_of(by: str, server: Server, clock: FakeClock, folder: Path) -> Source:
    if by == "exec":
        made = Told.__new__(Told)
        made.server = server
        Plugin.__init__(made, "me", {"command": "tell", "apiVersion": VERSION}, {}, folder, clock=clock)
        return made
    if by == "token file":
        file = Written.__new__(Written)
        file.server, file.place = server, folder / "token"
        TokenFile.__init__(file, file.place, clock=clock)
        return file
    first = server.mint() if by in ("google, with a token", "given, then google") else ""
    if by == "given, then google, wrong from the start":
        return GoogleTokens(Google(server), "wrong", only_after_service=True, clock=clock)
    return GoogleTokens(Google(server, first), first, only_after_service=by == "given, then google", clock=clock)


def calls_of(rest: KubernetesRest) -> list[Callable[[], Any]]:
    """What a drain asks, and a watch."""
    nodes = KubernetesNodes(rest)
    return [
        nodes.pools,
        lambda: nodes.cordon("n"),
        lambda: nodes.pods("n"),
        lambda: nodes.evict("ns", "p", None),
        lambda: list(rest.watch("watch", "/api/v1/pods", {}, 1)),
        lambda: rest.call("delete it", "DELETE", "/api/v1/x", body={}),
    ]


@rows("tokens")
def test_calls_go_on_with_another_token(row: Row, server: Server, tmp_path: Path) -> None:
    clock = FakeClock()
    given = row.given
    server.begin(clock, given.get("good_for", 0), given.get("life", 0), given.get("bad_from", 0))
    by = given["by"]
    if by in ("api_key", "kubeconfig"):
        token = server.mint()
        params: dict[str, Any] = {"host": server.url, "api_key": token}
        if by == "kubeconfig":
            (tmp_path / "config").write_text(
                json.dumps(
                    {
                        "current-context": "c",
                        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
                        "clusters": [{"name": "c", "cluster": {"server": server.url}}],
                        "users": [{"name": "u", "user": {"token": token}}],
                    }
                ),
                encoding="utf-8",
            )
            params = {"kubeconfig": str(tmp_path / "config")}
        rest = KubernetesRest(server.url, access=_kubeconfig.access_of(params), clock=clock)
    else:
        rest = KubernetesRest(
            server.url, access=Access(server.url, source_of(by, server, clock, tmp_path)), clock=clock
        )
    calls = calls_of(rest)
    answered, refusal = 0, None
    for number in range(given["calls"]):
        try:
            calls[number % len(calls)]()
        except (KubernetesError, RhaiiError) as error:
            refusal = error
            break
        answered += 1
        clock.sleep(given.get("step", 0))
    right = {"answered": answered, "tokens": len(server.made), "refused": server.refused}
    assert {name: right[name] for name in row.right if name in right} == {
        name: value for name, value in row.right.items() if name in right
    }
    said = row.right.get("said", [])
    assert bool(refusal) == bool(said)
    for words in said:
        assert words in str(refusal)
    for token in server.made:
        assert token not in str(refusal)
