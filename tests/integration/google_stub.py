# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Google's APIs for two clusters' worth of tests: a real HTTP server, in memory, one state a project.

It knows nothing of the sandbox, so that what it shows is the modules' own behaviour on the wire.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Json = dict[str, Any]

LOCATION = "europe-west4-a"
CA = base64.b64encode(b"-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----\n").decode()


class Refused(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@dataclass
class Project:
    clusters: dict[str, Json] = field(default_factory=dict)
    pools: dict[str, Json] = field(default_factory=dict)
    machines: dict[str, list[str]] = field(default_factory=dict)
    operations: dict[str, Json] = field(default_factory=dict)
    preferences: list[Json] = field(default_factory=list)
    serial: int = 0

    def operation(self, kind: str, target: str) -> Json:
        self.serial += 1
        body = {
            "name": f"operation-{self.serial}",
            "operationType": kind,
            "status": "RUNNING",
            "targetLink": f"https://container.googleapis.com/v1/projects/1/zones/{LOCATION}/{target}",
        }
        self.operations[body["name"]] = body
        return dict(body)

    def resize(self, pool: str, count: int) -> None:
        names = self.machines.setdefault(pool, [])
        del names[count:]
        while len(names) < count:
            self.serial += 1
            names.append(f"gke-{pool}-{self.serial:04d}")


def _pool(state: Project, project: str, body: Json) -> Json:
    state.resize(body["name"], int(body.get("initialNodeCount", 0)))
    return {
        **body,
        "status": "RUNNING",
        "locations": [LOCATION],
        "instanceGroupUrls": [
            f"https://www.googleapis.com/compute/v1/projects/{project}/zones/{LOCATION}"
            f"/instanceGroupManagers/{body['name']}"
        ],
    }


class GoogleStub:
    """`with GoogleStub() as url:`; `states` holds what every project has."""

    def __init__(self, quotas: dict[str, Json] | None = None) -> None:
        self.states: dict[str, Project] = defaultdict(Project)
        self.quotas = quotas or {}
        self.requests: list[str] = []
        # status codes to answer with, in turn, before anything else: (status, Retry-After)
        self.troubles: list[tuple[int, str | None]] = []
        self._lock = threading.Lock()
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_request(self, code: Any = "-", size: Any = "-") -> None:
                """Silence: the tests read what is said."""

            def _serve(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                raw = self.rfile.read(length) if length else b""
                with stub._lock:
                    status, body, headers = stub.answer(
                        self.command, self.path, self.headers.get("Authorization", ""), raw
                    )
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> GoogleStub:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, path: str, authorization: str, raw: bytes) -> tuple[int, Json, dict[str, str]]:
        self.requests.append(f"{method} {urlsplit(path).path}")
        if self.troubles:
            status, after = self.troubles.pop(0)
            body = {"error": {"code": status, "status": "UNAVAILABLE", "message": "not now"}}
            return status, body, {"Retry-After": after} if after is not None else {}
        if urlsplit(path).path == "/token":
            return 200, {"access_token": "minted", "expires_in": 3600, "token_type": "Bearer"}, {}
        try:
            if not authorization.startswith("Bearer ") or authorization == "Bearer a-bad-token":
                raise Refused(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
            return 200, self.route(method, path, json.loads(raw) if raw else {}), {}
        except Refused as refused:
            error = {"code": refused.status, "status": refused.code, "message": refused.message}
            return refused.status, {"error": error}, {}

    def route(self, method: str, path: str, body: Json) -> Json:
        parts = urlsplit(path)
        match = re.search(r"/projects/([^/]+)", parts.path)
        if match is None:
            raise Refused(404, "NOT_FOUND", f"no such path {parts.path}")
        project = match.group(1)
        state = self.states[project]
        for wanted, pattern, handler in _ROUTES:
            found = re.fullmatch(pattern, parts.path)
            if found and wanted == method:
                answer: Json = handler(self, state, project, found.groupdict(), body, parse_qs(parts.query))
                return answer
        raise Refused(404, "NOT_FOUND", f"no such path {method} {parts.path}")


def _known(things: dict[str, Json], name: str) -> Json:
    if name not in things:
        raise Refused(404, "NOT_FOUND", f"Not found: {name}.")
    return things[name]


def _get_cluster(stub: GoogleStub, state: Project, project: str, p: Json, body: Json, query: Json) -> Json:
    return {**_known(state.clusters, p["cluster"]), "nodePools": list(state.pools.values())}


def _list_clusters(stub: GoogleStub, state: Project, project: str, p: Json, body: Json, query: Json) -> Json:
    return {"clusters": [{**each, "nodePools": list(state.pools.values())} for each in state.clusters.values()]}


def _create_cluster(stub: GoogleStub, state: Project, project: str, p: Json, body: Json, query: Json) -> Json:
    cluster = body["cluster"]
    if cluster["name"] in state.clusters:
        raise Refused(409, "ALREADY_EXISTS", "Already exists.")
    for each in cluster.pop("nodePools"):
        state.pools[each["name"]] = _pool(state, project, each)
    state.clusters[cluster["name"]] = {
        **cluster,
        "status": "RUNNING",
        "location": LOCATION,
        "endpoint": "203.0.113.7",
        "currentMasterVersion": "1.36.3-gke.1",
        "labelFingerprint": "f1",
        "masterAuth": {"clusterCaCertificate": CA},
    }
    return state.operation("CREATE_CLUSTER", f"clusters/{cluster['name']}")


def _delete_cluster(stub: GoogleStub, state: Project, project: str, p: Json, body: Json, query: Json) -> Json:
    _known(state.clusters, p["cluster"])
    del state.clusters[p["cluster"]]
    state.pools.clear()
    return state.operation("DELETE_CLUSTER", f"clusters/{p['cluster']}")


def _update_cluster(stub: GoogleStub, state: Project, project: str, p: Json, body: Json, query: Json) -> Json:
    cluster = _known(state.clusters, p["cluster"])
    if "desiredReleaseChannel" in body["update"]:
        cluster["releaseChannel"] = body["update"]["desiredReleaseChannel"]
    return state.operation("UPDATE_CLUSTER", f"clusters/{p['cluster']}")


def _set_labels(stub: GoogleStub, state: Project, project: str, p: Json, body: Json, query: Json) -> Json:
    _known(state.clusters, p["cluster"])["resourceLabels"] = body["resourceLabels"]
    return state.operation("SET_LABELS", f"clusters/{p['cluster']}")


def _get_pool(stub: GoogleStub, state: Project, project: str, p: Json, body: Json, query: Json) -> Json:
    return _known(state.pools, p["pool"])


def _create_pool(stub: GoogleStub, state: Project, project: str, p: Json, body: Json, query: Json) -> Json:
    _known(state.clusters, p["cluster"])
    pool = body["nodePool"]
    state.pools[pool["name"]] = _pool(state, project, pool)
    return state.operation("CREATE_NODE_POOL", f"clusters/{p['cluster']}/nodePools/{pool['name']}")


def _set_size(stub: GoogleStub, state: Project, project: str, p: Json, body: Json, query: Json) -> Json:
    state.resize(p["pool"], int(body.get("nodeCount", 0)))
    return state.operation("SET_NODE_POOL_SIZE", f"clusters/{p['cluster']}/nodePools/{p['pool']}")


def _delete_pool(stub: GoogleStub, state: Project, project: str, p: Json, body: Json, query: Json) -> Json:
    del state.pools[p["pool"]]
    return state.operation("DELETE_NODE_POOL", f"clusters/{p['cluster']}/nodePools/{p['pool']}")


def _get_operation(stub: GoogleStub, state: Project, project: str, p: Json, body: Json, query: Json) -> Json:
    operation = _known(state.operations, p["operation"])
    operation["status"] = "DONE"
    return operation


def _list_operations(stub: GoogleStub, state: Project, project: str, p: Json, body: Json, query: Json) -> Json:
    return {"operations": list(state.operations.values())}


def _group(stub: GoogleStub, state: Project, project: str, p: Json, body: Json, query: Json) -> Json:
    return {"name": p["group"], "targetSize": len(state.machines[p["group"]])}


def _managed(stub: GoogleStub, state: Project, project: str, p: Json, body: Json, query: Json) -> Json:
    """Two pages, so that whoever reads the first alone is found out."""
    names = state.machines[p["group"]]
    page = int(query.get("pageToken", ["0"])[0])
    answer: Json = {
        "managedInstances": [
            {"instance": f"zones/{LOCATION}/instances/{name}", "instanceStatus": "RUNNING", "currentAction": "NONE"}
            for name in names[page : page + 2]
        ]
    }
    if page + 2 < len(names):
        answer["nextPageToken"] = str(page + 2)
    return answer


def _machine_type(stub: GoogleStub, state: Project, project: str, p: Json, body: Json, query: Json) -> Json:
    if p["zone"] != LOCATION or not p["machine"].startswith("ct6e-"):
        raise Refused(404, "", "The resource was not found")
    return {"name": p["machine"]}


def _zones_with(stub: GoogleStub, state: Project, project: str, p: Json, body: Json, query: Json) -> Json:
    name = query["filter"][0].removeprefix("name=")
    return {
        "items": {
            f"zones/{LOCATION}": {"machineTypes": [{"name": name}]},
            "zones/mars-west1-a": {"warning": {"code": "NO_RESULTS_ON_PAGE"}},
        }
    }


def _quota(stub: GoogleStub, state: Project, project: str, p: Json, body: Json, query: Json) -> Json:
    return _known(stub.quotas, p["quota"])


def _time_series(stub: GoogleStub, state: Project, project: str, p: Json, body: Json, query: Json) -> Json:
    """Nothing is told of it: the pools are counted then."""
    return {}


def _preferences(stub: GoogleStub, state: Project, project: str, p: Json, body: Json, query: Json) -> Json:
    return {"quotaPreferences": state.preferences}


def _prefer(stub: GoogleStub, state: Project, project: str, p: Json, body: Json, query: Json) -> Json:
    name = f"projects/{project}/locations/global/quotaPreferences/{len(state.preferences)}"
    state.preferences.append({**body, "name": name, "reconciling": True})
    return state.preferences[-1]


def _billing(stub: GoogleStub, state: Project, project: str, p: Json, body: Json, query: Json) -> Json:
    return {"billingEnabled": True}


def _services(stub: GoogleStub, state: Project, project: str, p: Json, body: Json, query: Json) -> Json:
    return {"services": [{"name": name, "state": "ENABLED"} for name in query["names"]]}


def _permissions(stub: GoogleStub, state: Project, project: str, p: Json, body: Json, query: Json) -> Json:
    return {"permissions": [each for each in body["permissions"] if each != "container.clusters.create"]}


_CLUSTERS = rf"/v1/projects/[^/]+/locations/{LOCATION}/clusters"
_ZONE = r"/compute/v1/projects/[^/]+/zones/(?P<zone>[^/]+)"
_ROUTES: list[tuple[str, str, Any]] = [
    ("GET", r"/v1/projects/[^/]+/billingInfo", _billing),
    ("GET", r"/v1/projects/[^/]+/services:batchGet", _services),
    ("POST", r"/v3/projects/[^/]+:testIamPermissions", _permissions),
    ("GET", r"/v1/projects/[^/]+/locations/-/clusters", _list_clusters),
    ("POST", _CLUSTERS, _create_cluster),
    ("GET", _CLUSTERS + r"/(?P<cluster>[^/:]+)", _get_cluster),
    ("PUT", _CLUSTERS + r"/(?P<cluster>[^/:]+)", _update_cluster),
    ("DELETE", _CLUSTERS + r"/(?P<cluster>[^/:]+)", _delete_cluster),
    ("POST", _CLUSTERS + r"/(?P<cluster>[^/:]+):setResourceLabels", _set_labels),
    ("POST", _CLUSTERS + r"/(?P<cluster>[^/]+)/nodePools", _create_pool),
    ("GET", _CLUSTERS + r"/(?P<cluster>[^/]+)/nodePools/(?P<pool>[^/:]+)", _get_pool),
    ("DELETE", _CLUSTERS + r"/(?P<cluster>[^/]+)/nodePools/(?P<pool>[^/:]+)", _delete_pool),
    ("POST", _CLUSTERS + r"/(?P<cluster>[^/]+)/nodePools/(?P<pool>[^/:]+):setSize", _set_size),
    ("GET", rf"/v1/projects/[^/]+/locations/{LOCATION}/operations", _list_operations),
    ("GET", rf"/v1/projects/[^/]+/locations/{LOCATION}/operations/(?P<operation>[^/]+)", _get_operation),
    ("GET", _ZONE + r"/instanceGroupManagers/(?P<group>[^/]+)", _group),
    ("POST", _ZONE + r"/instanceGroupManagers/(?P<group>[^/]+)/listManagedInstances", _managed),
    ("GET", _ZONE + r"/machineTypes/(?P<machine>[^/]+)", _machine_type),
    ("GET", r"/compute/v1/projects/[^/]+/aggregated/machineTypes", _zones_with),
    (
        "GET",
        r"/v1/projects/[^/]+/locations/global/services/compute.googleapis.com/quotaInfos/(?P<quota>[^/]+)",
        _quota,
    ),
    ("GET", r"/v3/projects/[^/]+/timeSeries", _time_series),
    ("GET", r"/v1/projects/[^/]+/locations/global/quotaPreferences", _preferences),
    ("POST", r"/v1/projects/[^/]+/locations/global/quotaPreferences", _prefer),
]
