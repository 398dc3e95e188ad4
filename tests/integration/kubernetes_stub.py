# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Kubernetes API server for tests: a real HTTP server, in memory, that lists, watches and shows logs.

It knows nothing of the sandbox, so that what it shows is the modules' own behaviour on the wire.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Json = dict[str, Any]

# Until what is to come in a namespace comes, and until a watch ends.
DELAY, WATCH = 0.2, 1.0

_API = "/apis/serving.kserve.io"
_VERSION = "v1alpha2"
_FIXED: dict[str, Json] = {
    _API: {
        "versions": [{"version": "v1beta1"}, {"version": _VERSION}],
        "preferredVersion": {"version": "v1beta1"},
    },
    f"{_API}/v1beta1": {"resources": [{"name": "inferenceservices"}]},
    f"{_API}/{_VERSION}": {"resources": [{"name": "llminferenceservices"}]},
}
_PLACES = {
    "llminferenceservices": f"{_API}/{_VERSION}",
    "deployments": "/apis/apps/v1",
    "replicasets": "/apis/apps/v1",
    "pods": "/api/v1",
    "events": "/api/v1",
    "secrets": "/api/v1",
}
_PATH = re.compile(r"(?P<place>.+)/namespaces/(?P<namespace>[^/]+)/(?P<kind>[a-z]+)(?:/(?P<name>[^/]+))?(?P<log>/log)?")


@dataclass
class Namespace:
    """Objects by kind, logs by pod and container, and what happens while somebody watches."""

    objects: dict[str, list[Json]] = field(default_factory=dict)
    logs: dict[str, str] = field(default_factory=dict)
    later: Callable[[Namespace], None] | None = None


class Refused(Exception):
    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status, self.reason, self.message = status, reason, message


class KubernetesStub:
    """`with KubernetesStub(namespaces) as stub:`; takes any token but a-bad-token."""

    def __init__(self, namespaces: dict[str, Namespace]) -> None:
        self.namespaces = namespaces
        self._lock = threading.Lock()
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_request(self, code: Any = "-", size: Any = "-") -> None:
                """Silence: the tests read what is said."""

            def do_GET(self) -> None:
                query = {key: values[0] for key, values in parse_qs(urlsplit(self.path).query).items()}
                try:
                    stub.check(self.headers.get("Authorization", ""))
                    if query.get("watch"):
                        self._stream(query)
                        return
                    status, answer = 200, stub.answer(urlsplit(self.path).path, query)
                except Refused as refused:
                    status = refused.status
                    answer = {"kind": "Status", "reason": refused.reason, "message": refused.message}
                data = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def _stream(self, query: dict[str, str]) -> None:
                self.send_response(200)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                for event in stub.watch(urlsplit(self.path).path, query):
                    line = json.dumps(event).encode() + b"\n"
                    self.wfile.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
                    self.wfile.flush()
                self.wfile.write(b"0\r\n\r\n")

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> KubernetesStub:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @staticmethod
    def check(authorization: str) -> None:
        if not authorization.startswith("Bearer ") or authorization == "Bearer a-bad-token":
            raise Refused(401, "Unauthorized", "Unauthorized")

    def answer(self, path: str, query: dict[str, str]) -> Json | str:
        if path in _FIXED:
            return _FIXED[path]
        with self._lock:
            namespace, kind, found = self._find(path, query)
            match = _PATH.fullmatch(path)
            if match is None or match["name"] is None:
                return {"kind": "List", "metadata": {"resourceVersion": "1"}, "items": found}
            name = match["name"]
            if match["log"]:
                key = f"{name} {query.get('container')}{' ended' if query.get('previous') else ''}"
                if key not in namespace.logs:
                    raise Refused(400, "BadRequest", f"no log of {key}")
                return namespace.logs[key]
            for each in found:
                if each["metadata"]["name"] == name:
                    return each
        raise Refused(404, "NotFound", f'{kind} "{name}" not found')

    def watch(self, path: str, query: dict[str, str]) -> Any:
        """What there is, once it has changed; then silence, and the end."""
        time.sleep(DELAY)
        with self._lock:
            namespace, _, found = self._find(path, query)
            if namespace.later is not None:
                namespace.later(namespace)
                namespace.later = None
                found = self._find(path, query)[2]
        yield {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "2"}}}
        for each in found:
            yield {"type": "MODIFIED", "object": each}
        time.sleep(min(WATCH, float(query["timeoutSeconds"])))

    def _find(self, path: str, query: dict[str, str]) -> tuple[Namespace, str, list[Json]]:
        match = _PATH.fullmatch(path)
        if match is None or _PLACES.get(match["kind"]) != match["place"]:
            raise Refused(404, "NotFound", "the server could not find the requested resource")
        namespace = self.namespaces.get(match["namespace"], Namespace())
        return (
            namespace,
            match["kind"],
            [each for each in namespace.objects.get(match["kind"], []) if _selected(each, query)],
        )


def _selected(body: Json, query: dict[str, str]) -> bool:
    labels = body["metadata"].get("labels") or {}
    for term in filter(None, query.get("labelSelector", "").split(",")):
        key, _, value = term.partition("=")
        if labels.get(key) != value:
            return False
    key, _, value = query.get("fieldSelector", "").partition("=")
    told = {"": "", "metadata.name": body["metadata"]["name"], "type": body.get("type", "")}
    return bool(told[key] == value)
