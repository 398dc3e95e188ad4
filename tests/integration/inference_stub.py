# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Inference endpoints for tests: a real HTTP server before the gateway in memory of the unit tests, and its API server.

Below /HOST/SCENARIO is one endpoint with replicas of its own, below /HOST/SCENARIO/kube what Kubernetes says of them.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.rhaii.gke.plugins.module_utils._routing.metrics import Counters
from ansible_collections.rhaii.gke.plugins.module_utils._routing.ports import Answer, Ask

from tests.unit.plugins.module_utils.routing.fake_gateway import MODEL, FakeGateway

Json = dict[str, Any]

PIECES = 3


class InferenceStub:
    """`with InferenceStub(scenarios) as stub:`; a scenario is how its gateways are made, one a host."""

    def __init__(self, scenarios: Mapping[str, Callable[[], FakeGateway]], tls: ssl.SSLContext | None = None) -> None:
        self.scenarios = scenarios
        self.gateways: dict[tuple[str, str], FakeGateway] = {}
        self.connections = 0
        self.tokens: set[str] = set()
        self._lock = threading.Lock()
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                stub.connections += 1

            def log_message(self, *_: Any) -> None:
                """Silence: the tests read what is said."""

            def _serve(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with stub._lock:
                    stub.tokens.add(self.headers.get("Authorization", ""))
                    answer = stub.answer(self.command, urlsplit(self.path).path, raw)
                self._say(answer)

            def _say(self, answer: Answer) -> None:
                head = [f"HTTP/1.1 {answer.status} Said", *(f"{name}: {text}" for name, text in answer.headers.items())]
                if not answer.headers.get("content-type", "").startswith("text/event-stream"):
                    head.append(f"content-length: {len(answer.body)}")
                    self.wfile.write("\r\n".join([*head, "", ""]).encode() + answer.body)
                    return
                self.wfile.write("\r\n".join([*head, "transfer-encoding: chunked", "", ""]).encode())
                size = len(answer.body) // PIECES + 1
                for start in range(0, len(answer.body), size):
                    piece = answer.body[start : start + size]
                    self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
                self.wfile.write(b"0\r\n\r\n")

            do_GET = do_POST = _serve

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_port
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> InferenceStub:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, path: str, raw: bytes) -> Answer:
        match = re.fullmatch(r"/(?P<host>[^/]+)/(?P<scenario>[^/]+)(?P<rest>/.*)", path)
        if match is None or match["scenario"] not in self.scenarios:
            return Answer(404, {}, b'{"detail": "Not Found"}')
        key = (match["host"], match["scenario"])
        gateway = self.gateways.setdefault(key, self.scenarios[match["scenario"]]())
        rest = match["rest"]
        if rest.startswith("/kube/"):
            return self._kubernetes(gateway, f"{self.url}/{key[0]}/{key[1]}", rest.removeprefix("/kube"))
        return gateway.answer(self.url, Ask(method, rest, raw))

    def _kubernetes(self, gateway: FakeGateway, url: str, path: str) -> Answer:
        if path.endswith("/gateways/inference-gateway"):
            # its root leads nowhere here, so that the service's own URL is taken
            return _json(
                {
                    "spec": {"listeners": [{"protocol": "HTTP", "port": self.port}]},
                    "status": {"addresses": [{"value": "127.0.0.1"}]},
                }
            )
        if path.endswith("/llminferenceservices/qwen-3b-tpu-svc"):
            return _json({"spec": {"model": {"name": MODEL}}, "status": {"url": url}})
        if path.endswith("/pods"):
            return _json({"items": [_pod(name, place) for place, name in enumerate(gateway.names)]})
        found = re.search(r"/pods/https:(?P<pod>[^:/]+):8000/proxy/metrics$", path)
        if found is None:
            return Answer(404, {}, b'{"reason": "NotFound", "message": "no such path"}')
        return Answer(
            200, {"content-type": "text/plain"}, _page(gateway.counters(gateway.pods())[found["pod"]]).encode()
        )


def _json(body: Json) -> Answer:
    return Answer(200, {"content-type": "application/json"}, json.dumps(body).encode())


def _pod(name: str, place: int) -> Json:
    return {
        "metadata": {"name": name},
        "status": {"podIP": f"10.0.0.{place + 1}", "conditions": [{"type": "Ready", "status": "True"}]},
    }


def _page(one: Counters) -> str:
    labels = f'engine="0",model_name="{MODEL}"'
    return (
        "# TYPE vllm:request_success_total counter\n"
        f'vllm:request_success_total{{{labels},finished_reason="stop"}} 0.0\n'
        f'vllm:request_success_total{{{labels},finished_reason="length"}} {one.success}\n'
        f"vllm:prefix_cache_queries_total{{{labels}}} {one.queries}\n"
        f"vllm:prefix_cache_hits_total{{{labels}}} {one.hits}\n"
        f'vllm:cache_config_info{{block_size="{one.block}",engine="0"}} 1.0\n'
    )
