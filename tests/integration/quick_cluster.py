# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real API server that is somewhere else within a second: its whole content is put back in etcd, byte by byte.

It has no scheduler, no kubelet and no webhooks. Of Kubernetes' controllers two run, those that end namespaces and give
them their accounts; what else answers to objects is `quick_operators`.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import http.client
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sandbox.control_plane.bootstrap import access, storage_class
from sandbox.control_plane.cluster import ClusterSpec, ControlPlane
from sandbox.settings import Settings
from tests.integration.cloud_runs import CLUSTER, ZONE

Object = dict[str, Any]

PROJECT = "rhaii-sandbox"
PATIENCE = 120.0
BATCH = 100
"""Writes in one transaction of etcd, which takes 128 at the most."""
BATCH_BYTES = 1_000_000
"""And of a request 1.5 MiB at the most; no object is longer."""
PASSING = tuple(
    f"/registry/{name}/".encode()
    for name in ("events", "leases", "masterleases", "peerserverleases", "priorityclasses")
)
"""What comes and goes by itself, or is the API server's own."""

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
JSON = "application/json"


class ApiFailure(Exception):
    """The API server refused."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


class Client:
    """JSON over TLS with a client certificate; a connection a thread."""

    def __init__(self, address: str, port: int, folder: Path, certificate: str) -> None:
        self._place = (address, port)
        self._tls = ssl.create_default_context(cafile=str(folder / "ca.crt"))
        self._tls.load_cert_chain(folder / f"{certificate}.crt", folder / f"{certificate}.key")
        self._here = threading.local()

    def connect(self, timeout: float = 60.0) -> http.client.HTTPSConnection:
        """A new connection."""
        return http.client.HTTPSConnection(*self._place, context=self._tls, timeout=timeout)

    def ask(self, method: str, path: str, body: Any = None, content: str = JSON) -> tuple[int, bytes]:
        """Status and body of an answer; once more where the connection was closed meanwhile."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": content, "Accept": JSON}
        for again in (True, False):
            connection = getattr(self._here, "connection", None) or self.connect()
            try:
                connection.request(method, path, data, headers)
                answer = connection.getresponse()
                found = answer.status, answer.read()
            except (OSError, http.client.HTTPException):
                self._here.connection = None
                connection.close()
                if not again:
                    raise
                continue
            self._here.connection = connection
            return found
        raise AssertionError("unreachable")


@dataclass(frozen=True)
class Seen:
    """A change in etcd: the key, what is there now (None: nothing), and its number."""

    key: str
    value: bytes | None
    revision: int


Content = dict[bytes, bytes]


def batches(changes: Sequence[Object]) -> Iterator[list[Object]]:
    """The changes in turn, as many at a time as etcd takes."""
    batch: list[Object] = []
    size = 0
    for change in changes:
        length = len(json.dumps(change))
        if batch and (len(batch) == BATCH or size + length > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(change)
        size += length
    if batch:
        yield batch


class Etcd:
    """etcd by its JSON gateway."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def _call(self, path: str, body: Object) -> Object:
        status, answer = self._client.ask("POST", path, body)
        assert status == 200, answer
        found: Object = json.loads(answer)
        return found

    def read(self) -> tuple[Content, int]:
        """All that is kept, and the number of the last change."""
        found = self._call("/v3/kv/range", {"key": text(b"/registry/"), "range_end": text(b"/registry0")})
        content = {base64.b64decode(each["key"]): base64.b64decode(each["value"]) for each in found.get("kvs", [])}
        return (
            {key: value for key, value in content.items() if not key.startswith(PASSING)},
            int(found["header"]["revision"]),
        )

    def revision(self) -> int:
        """The number of the last change."""
        found = self._call("/v3/kv/range", {"key": text(b"/registry/"), "count_only": True})
        return int(found["header"]["revision"])

    def restore(self, wanted: Content) -> None:
        """Make the content what it was."""
        present, _ = self.read()
        changes: list[Object] = [
            {"request_delete_range": {"key": text(key)}} for key in sorted(present) if key not in wanted
        ]
        changes += [
            {"request_put": {"key": text(key), "value": text(value)}}
            for key, value in sorted(wanted.items())
            if present.get(key) != value
        ]
        for batch in batches(changes):
            self._call("/v3/kv/txn", {"success": batch})

    def changes(self, since: int) -> Iterator[Seen]:
        """Every change after that number, for ever."""
        connection = self._client.connect(timeout=3600.0)
        whole = {"key": text(b"/registry/"), "range_end": text(b"/registry0"), "start_revision": since + 1}
        connection.request("POST", "/v3/watch", json.dumps({"create_request": whole}), {"Content-Type": JSON})
        for line in connection.getresponse():
            for event in json.loads(line)["result"].get("events", []):
                pair = event["kv"]
                gone = event.get("type") == "DELETE"
                yield Seen(
                    base64.b64decode(pair["key"]).decode(),
                    None if gone else base64.b64decode(pair.get("value", "")),
                    int(pair["mod_revision"]),
                )


def text(data: bytes) -> str:
    """Bytes as the gateway takes them."""
    return base64.b64encode(data).decode()


class Api:
    """The API server, for the one who owns it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._plurals: dict[tuple[str, str], tuple[str, bool]] = {}

    def call(self, method: str, path: str, body: Any = None, *, content: str = JSON, **query: Any) -> Object:
        """The answer; ApiFailure when it is none."""
        where = f"{path}?{urlencode(query)}" if query else path
        status, answer = self._client.ask(method, where, body, content)
        found: Object = json.loads(answer) if answer.startswith(b"{") else {"message": answer.decode(errors="replace")}
        if status >= 400:
            raise ApiFailure(status, str(found.get("message")))
        return found

    def path(self, version: str, kind: str, namespace: str = "", name: str = "") -> str:
        """Where a kind is served, as the server itself says."""
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        if (version, kind) not in self._plurals:
            for each in self.call("GET", root)["resources"]:
                if "/" not in each["name"]:
                    self._plurals[version, each["kind"]] = (each["name"], each["namespaced"])
        plural, namespaced = self._plurals[version, kind]
        place = f"{root}/namespaces/{namespace}" if namespaced and namespace else root
        return f"{place}/{plural}" + (f"/{name}" if name else "")

    def of(self, item: Object) -> str:
        """Where an object is."""
        meta = item["metadata"]
        return self.path(item["apiVersion"], item["kind"], meta.get("namespace", ""), meta["name"])

    def find(self, version: str, kind: str, namespace: str, name: str) -> Object | None:
        """An object, if there is one, and its kind."""
        try:
            return self.call("GET", self.path(version, kind, namespace, name))
        except (ApiFailure, KeyError) as error:
            if isinstance(error, ApiFailure) and error.status != 404:
                raise
            return None

    def list(self, version: str, kind: str, namespace: str = "", labels: str = "") -> Sequence[Object]:
        """The objects of a kind."""
        query = {"labelSelector": labels} if labels else {}
        found = self.call("GET", self.path(version, kind, namespace), **query)
        return [{"apiVersion": version, "kind": kind, **each} for each in found["items"]]

    def create(self, item: Object, manager: str) -> Object:
        """Make an object as `manager` does it with an update."""
        meta = item["metadata"]
        path = self.path(item["apiVersion"], item["kind"], meta.get("namespace", ""))
        return self.call("POST", path, item, fieldManager=manager)

    def apply(self, item: Object, manager: str) -> Object:
        """Make or change an object by server-side apply."""
        return self.call("PATCH", self.of(item), item, content=APPLY, fieldManager=manager, force="true")

    def status(self, item: Object, status: Object, manager: str) -> Object:
        """Say how an object is."""
        body = {"status": status}
        return self.call("PATCH", f"{self.of(item)}/status", body, content=MERGE, fieldManager=manager)

    def delete(self, version: str, kind: str, namespace: str, name: str) -> bool:
        """Delete an object at once; whether there was one."""
        body = {"gracePeriodSeconds": 0, "propagationPolicy": "Background"}
        try:
            self.call("DELETE", self.path(version, kind, namespace, name), body)
        except (ApiFailure, KeyError):
            return False
        return True


class TokenReviews:
    """What the API server asks about tokens: passed on to the cloud of the moment, whichever it is."""

    def __init__(self) -> None:
        self.ask: Callable[[bytes], bytes] = lambda body: b"{}"
        reviews = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                """Silence."""

            def do_POST(self) -> None:
                answer = reviews.ask(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.send_header("Content-Type", JSON)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """No more answers."""
        self._server.shutdown()
        self._server.server_close()


class QuickControlPlane(ControlPlane):
    """The processes of the sandbox's control plane that a cluster without nodes needs."""

    def __init__(self, settings: Settings, index: int, reviews: str) -> None:
        super().__init__(settings, ClusterSpec(PROJECT, ZONE, CLUSTER, index))
        self._reviews = reviews

    async def start(self) -> None:
        self._write_files()
        for name in ("etcd", "kube-apiserver"):
            self._ensure(name)
        await self._await_api_server()
        self._ensure("kube-controller-manager")

    def _api_server_arguments(self) -> list[str]:
        return [
            *super()._api_server_arguments(),
            # the stand-in charts bring webhooks that nobody serves here
            "--disable-admission-plugins=MutatingAdmissionWebhook,ValidatingAdmissionWebhook",
            "--v=0",
        ]

    def _controller_manager_arguments(self) -> list[str]:
        chosen = "--controllers=namespace-controller,serviceaccount-controller,root-ca-certificate-publisher-controller"
        return [*super()._controller_manager_arguments(), chosen]

    def _token_review_configuration(self) -> dict[str, object]:
        place = {"cluster": {"server": f"{self._reviews}/"}, "name": "iam"}
        return {**super()._token_review_configuration(), "clusters": [place]}

    def client(self, certificate: str) -> Client:
        """One who owns the API server, or etcd."""
        if certificate == "etcd":
            return Client(self._etcd, 2379, self._pki, certificate)
        return Client(self.address, self.port, self._pki, certificate)


class QuickCluster:
    """`with QuickCluster(folder, index) as cluster:`; `index` (1 to 69) gives it its addresses."""

    def __init__(self, folder: Path, index: int) -> None:
        folder.mkdir(parents=True)
        assets = Settings.load().root / "assets"
        assert (assets / "bin" / "kube-apiserver").exists(), (
            "run `make setup` first: the sandbox's binaries are missing"
        )
        (folder / "assets").symlink_to(assets)
        self.reviews = TokenReviews()
        self.plane = QuickControlPlane(Settings(folder), index, self.reviews.url)
        self.empty: Content = {}
        """What is in a cluster that has just been made."""

    def __enter__(self) -> QuickCluster:
        try:
            self._begin()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _begin(self) -> None:
        asyncio.run(self.plane.start())
        self.api, self.etcd = Api(self.plane.client("admin")), Etcd(self.plane.client("etcd"))
        for item in [*access(), storage_class()]:
            self.api.apply(item, "gke")
        until(lambda: self.api.find("v1", "ServiceAccount", "kube-node-lease", "default") is not None, "accounts")
        self.empty, _ = self.etcd.read()

    def __exit__(self, *_: object) -> None:
        asyncio.run(self.plane.stop(destroy=True))
        self.reviews.close()

    def cpu_seconds(self) -> float:
        """What its processes have used."""
        used = 0.0
        for record in (self.plane.directory / "run").glob("*.json"):
            with contextlib.suppress(OSError):
                pid = json.loads(record.read_text())["pid"]
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                used += (int(fields[11]) + int(fields[12])) / 100
        return used


def until(wanted: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
    """Ask again until it is so."""
    deadline = time.monotonic() + patience
    while not wanted():
        assert time.monotonic() < deadline, f"{what}: not within {patience:.0f} s"
        time.sleep(0.05)


__all__ = ("MERGE", "Api", "ApiFailure", "Client", "Content", "Etcd", "Object", "QuickCluster", "Seen", "until")
