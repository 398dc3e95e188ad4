# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An API server, and a proxy before it, that answer with what they were shown: the same for every client that asks."""

from __future__ import annotations

import base64
import contextlib
import json
import select
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

BEHIND_PROXY = "127.0.0.9"
"""Where the proxy's own connections come from, by which the server knows them."""
SERVER_NAME = "kubernetes.example"


class Authority:
    """Signs certificates."""

    def __init__(self, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.pem = self._signed(self._name, self._key, ca=True)

    def pair(self, name: str, *others: str) -> tuple[str, str]:
        """A certificate and its key, as PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return self._signed(subject, key, others), private.decode()

    def _signed(self, subject: x509.Name, key: Any, others: tuple[str, ...] = (), *, ca: bool = False) -> str:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if others:
            names = [x509.IPAddress(ip_address(each)) if each[0].isdigit() else x509.DNSName(each) for each in others]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


class Echo(BaseHTTPRequestHandler):
    """Says what it was shown."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Silence."""

    def do_GET(self) -> None:
        seen: dict[str, Any] = {"authorization": self.headers.get("Authorization", "")}
        for name in sorted({name for name in self.headers if name.lower().startswith("impersonate-")}):
            seen.setdefault("on behalf of", {})[name.lower()] = sorted(self.headers.get_all(name) or ())
        if isinstance(self.connection, ssl.SSLSocket):
            shown: Any = self.connection.getpeercert() or {}
            seen["certificate"] = next(
                (value for part in shown.get("subject", ()) for key, value in part if key == "commonName"), ""
            )
            seen["server name"] = self.server.names.get(self.client_address, "")  # type: ignore[attr-defined]
        seen["proxied"] = self.client_address[0] == BEHIND_PROXY
        self._answer(json.dumps(seen).encode())

    def do_CONNECT(self) -> None:
        host, _, port = self.path.rpartition(":")
        there = socket.create_connection((host, int(port)), source_address=(BEHIND_PROXY, 0))
        self.send_response(200)
        self.end_headers()
        with there:
            pipes = {self.connection: there, there: self.connection}
            while ready := select.select(list(pipes), [], [], 10)[0]:
                for one in ready:
                    data = one.recv(65536)
                    if not data:
                        return
                    pipes[one].sendall(data)

    def _answer(self, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Echo)
        self.names: dict[Any, str] = {}
        self._tls = tls

    def get_request(self) -> tuple[Any, Any]:
        connection, address = super().get_request()
        if self._tls is None:
            return connection, address
        connection.settimeout(10)
        names: list[str] = []
        self._tls.sni_callback = lambda one, name, context: names.append(name or "")
        try:
            connection = self._tls.wrap_socket(connection, server_side=True)
        except OSError:
            connection.close()
            raise
        self.names[address] = names[0] if names else ""
        return connection, address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that trusts us not goes away."""


class Ground:
    """The servers, and what stands for them in a row's kubeconfig."""

    def __init__(self, folder: Path) -> None:
        self._authority, other = Authority("demo authority"), Authority("another authority")
        certificate, key = self._authority.pair("api", "127.0.0.1", SERVER_NAME)
        place = folder / "server.pem"
        place.write_text(certificate + key, encoding="ascii")
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(place)
        tls.load_verify_locations(cadata=self._authority.pem)
        tls.verify_mode = ssl.CERT_OPTIONAL
        self._servers = {"SERVER": _Server(tls), "PLAIN": _Server(), "PROXY": _Server()}
        for server in self._servers.values():
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        client, client_key = self._authority.pair("jane")
        texts = {"CA": self._authority.pem, "CERT": client, "KEY": client_key, "OTHER_CA": other.pem}
        self.words = {name: text.strip() + "\n" for name, text in texts.items()}
        self.words |= {f"{name}_DATA": base64.b64encode(text.encode()).decode() for name, text in texts.items()}
        for name, server in self._servers.items():
            self.words[f"{name}_ADDRESS"] = f"127.0.0.1:{server.server_port}"
            scheme = "https" if name == "SERVER" else "http"
            self.words[name] = f"{scheme}://127.0.0.1:{server.server_port}"

    def close(self) -> None:
        """No more answers."""
        for server in self._servers.values():
            server.shutdown()
            server.server_close()


@contextlib.contextmanager
def ground(folder: Path) -> Iterator[Ground]:
    """For as long as the block."""
    made = Ground(folder)
    try:
        yield made
    finally:
        made.close()
