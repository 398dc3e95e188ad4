# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What serves behind the gateway of a quick cluster: the gateway in memory of the unit tests, by real HTTP.

The API server reaches the same server as every pod's metrics, by way of its egress socket.
"""

from __future__ import annotations

import socket
import tempfile
import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingMixIn, UnixStreamServer
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.rhaii.gke.plugins.module_utils._routing.ports import Answer, Ask

from tests.unit.plugins.module_utils.routing.fake_gateway import MODEL, FakeGateway, Replica


class QuickService:
    """The gateway's port, and the pods' metrics; `addresses` are those of the pods that serve."""

    def __init__(self, addresses: Callable[[], Sequence[str]]) -> None:
        self._addresses = addresses
        self._gateway = FakeGateway(count=0)
        self._lock = threading.Lock()
        # where a connection from the API server was to lead, by the port that it comes from: it keeps its own Host
        self.reached: dict[int, str] = {}
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

            def log_message(self, *_: Any) -> None:
                """Silence."""

            def _serve(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                host = service.reached.get(self.client_address[1], self.headers.get("Host", ""))
                with service._lock:
                    answer = service.answer(self.command, host, urlsplit(self.path).path, raw)
                self.send_response(answer.status or 502)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            do_GET = do_POST = _serve

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def answer(self, method: str, host: str, path: str, raw: bytes) -> Answer:
        """A pod's metrics, or what the gateway says; a service's own paths lead to the same."""
        if path == "/metrics":
            return Answer(200, {"content-type": "text/plain"}, self._page(host.rpartition(":")[0]).encode())
        addresses = sorted(self._addresses())
        if addresses != sorted(self._gateway.names):
            self._gateway = FakeGateway(count=len(addresses))
            self._gateway.names = addresses
            self._gateway.replicas = {address: Replica() for address in addresses}
        for own in ("/v1/models", "/v1/completions", "/health"):
            if path.endswith(own) or (own == "/health" and path == "/v1/health"):
                return self._gateway.answer("", Ask(method, own, raw))
        return Answer(404, {}, b'{"detail": "Not Found"}')

    def _page(self, address: str) -> str:
        one = self._gateway.replicas.get(address, Replica())
        labels = f'engine="0",model_name="{MODEL}"'
        return (
            f'vllm:request_success_total{{{labels},finished_reason="length"}} {one.success}\n'
            f"vllm:prefix_cache_queries_total{{{labels}}} {one.queries}\n"
            f"vllm:prefix_cache_hits_total{{{labels}}} {one.hits}\n"
            f'vllm:cache_config_info{{block_size="{self._gateway.block}",engine="0"}} 1.0\n'
        )

    def close(self) -> None:
        """No more answers."""
        self._server.shutdown()
        self._server.server_close()


class Egress(ThreadingMixIn, UnixStreamServer):
    """The API server's way into its cluster: wherever it wants to go, it comes to one port."""

    daemon_threads = True

    def __init__(self, path: Path, service: QuickService) -> None:
        class Handler(StreamRequestHandler):
            def handle(self) -> None:
                wanted = self.rfile.readline().decode("ascii", "replace").split()
                while self.rfile.readline().strip():
                    pass
                with socket.create_connection(("127.0.0.1", service.port)) as there:
                    if len(wanted) > 1:
                        service.reached[there.getsockname()[1]] = wanted[1]
                    self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
                    back = threading.Thread(target=pass_on, args=(there, self.connection), daemon=True)
                    back.start()
                    pass_on(self.connection, there)
                    back.join(5)

        # a socket's path has 107 bytes at the most
        with tempfile.TemporaryDirectory() as folder:
            near = Path(folder) / "run"
            near.symlink_to(path.parent)
            super().__init__(str(near / path.name), Handler)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections end as they like."""


def pass_on(source: socket.socket, target: socket.socket) -> None:
    """Bytes from here to there, until either is closed."""
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return


__all__ = ("Egress", "QuickService")
