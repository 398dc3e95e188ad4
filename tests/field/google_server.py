# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Google's token services, a machine's metadata server, and an API that says as whom it was called."""

from __future__ import annotations

import base64
import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

LIFE = 3600


def private_key() -> str:
    """Of a service account, as PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def claims_of(assertion: str) -> Any:
    """What a signed assertion says; its signature is not looked at."""
    body = assertion.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Silence."""

    def answer(self, body: Any, status: int = 200, **headers: str) -> None:
        content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Metadata-Flavor", "Google")
        self.send_header("Content-Type", "application/json" if not isinstance(body, str) else "application/text")
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    @property
    def shown(self) -> str:
        return self.headers.get("Authorization", "")

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        account = "/computeMetadata/v1/instance/service-accounts/default/"
        if path == account + "token":
            self.answer({"access_token": "of the machine", "expires_in": LIFE, "token_type": "Bearer"})
        elif path == account:
            self.answer({"email": "machine@p.iam.gserviceaccount.com", "scopes": ["x"], "aliases": ["default"]})
        elif path.startswith("/computeMetadata") or path == "/":
            self.answer("p" if path.endswith("project-id") else "googleapis.com")
        elif path == "/redirected":
            self.answer({}, 302, Location="/seen")
        elif path == "/subject":
            self.answer("a subject token of the workload")
        else:
            self.answer({"authorization": self.shown, "quota project": self.headers.get("x-goog-user-project", "")})

    def do_POST(self) -> None:
        said = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        path = urlsplit(self.path).path
        if path.endswith(":generateAccessToken"):
            account = path.rpartition("/")[2].partition(":")[0]
            by = self.shown.removeprefix("Bearer ")
            self.answer({"accessToken": f"{account} by {by}", "expireTime": "2099-01-01T00:00:00Z"})
            return
        form = {name: values[0] for name, values in parse_qs(said).items()}
        if self.shown.startswith("Basic"):
            self.answer({"error": "invalid_client", "error_description": "somebody's password"}, 401)
        elif path == "/sts":
            whose = form["subject_token"].strip()
            self.answer({"access_token": f"federated {whose}", "expires_in": LIFE, "token_type": "Bearer"})
        elif path == "/tokeninfo":
            self.answer({"email": "jane@example.com", "expires_in": "100"})
        elif "refresh_token" in form:
            self.answer({"access_token": f"of the user {form['refresh_token']}", "expires_in": LIFE})
        else:
            self.answer({"access_token": f"of {claims_of(form['assertion'])['iss']}", "expires_in": LIFE})

    do_HEAD = do_GET


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server_port}"
        self.url = f"http://{self.address}"
        self.words = {"URL": self.url, "ADDRESS": self.address, "PRIVATE_KEY": private_key()}


@contextlib.contextmanager
def google_server() -> Iterator[Server]:
    """For as long as the block."""
    made = Server()
    threading.Thread(target=made.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield made
    finally:
        made.shutdown()
        made.server_close()
