# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The real adapter of the Cluster port: lists, kept up to date by watches.

Each kind has a watch of its own, in a thread, for a bounded time; when it ends, for whatever reason, the kind is
listed anew. A watch that is lost, or not allowed, costs time and never truth.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar
from urllib.parse import quote

from ansible_collections.rhaii.gke.plugins.module_utils._capability import Params
from ansible_collections.rhaii.gke.plugins.module_utils._clock import SystemClock
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._google_tokens import google_source
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import KubernetesError, KubernetesRest
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.names import GROUP, PLURAL, selector
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.ports import LEAST_INTERVAL, Json, Snapshot, WaitPorts

WATCH_SECONDS = 60
# Changes come in groups: a pod's, its Deployment's and its service's status follow each other.
SETTLE_SECONDS = 0.1
# What is asked of a whole log at most: 2000 lines have some 300 KiB, and one that runs away must not fill the memory.
# The API server counts from the first of the lines, so that the end is lost first, and a cause stands above it.
WHOLE_LOG = 1000
LONGEST_LOG = 4 * 1024 * 1024

SERVICES, DEPLOYMENTS, REPLICA_SETS, PODS = "services", "deployments", "replica_sets", "pods"

T = TypeVar("T")


class Rest(Protocol):
    """What of KubernetesRest is used here."""

    def call(self, doing: str, method: str, path: str, *, query: Mapping[str, str] | None = None) -> Json: ...
    def text(self, doing: str, path: str, query: Mapping[str, str] | None = None) -> str: ...
    def watch(self, doing: str, path: str, query: Mapping[str, str], seconds: int) -> Iterator[tuple[str, Json]]: ...


Connect = Callable[[], Rest]


class Connection:
    """The API server, with a credential that is fetched again when it is refused."""

    def __init__(self, connect: Connect) -> None:
        self.connect = connect
        self._rest: Rest | None = None

    def use(self, work: Callable[[Rest], T]) -> T:
        if self._rest is not None:
            try:
                return work(self._rest)
            except KubernetesError as error:
                if error.status != 401:
                    raise
        self._rest = self.connect()
        try:
            return work(self._rest)
        except KubernetesError as error:
            if error.status == 401:
                error.remedy = (
                    "The token is wrong or has expired, and there was no newer one to be had. Give a kubeconfig with a "
                    "valid one, or a new token (api_key), and run again."
                )
            raise


@dataclass
class _Feed:
    """One kind of object: what there is, and the watch that keeps it so."""

    kind: str
    path: str
    query: Mapping[str, str]
    objects: dict[str, Json] = field(default_factory=dict)
    version: str = ""
    listed_at: float = 0.0
    # Has the present listing been watched already?
    used: bool = True
    # The number of its watch, so that what an older one still says is known for old.
    serial: int = 0
    running: bool = False


_Event = tuple[str, int, str, Json]


class WatchedCluster:
    """One service and what belongs to it, in one namespace."""

    def __init__(self, connect: Connect, namespace: str, name: str, interval: float) -> None:
        self._connection = Connection(connect)
        self._namespace = namespace
        self._name = name
        # However often watches break, a kind is not listed more often than this.
        self._gap = min(max(interval, LEAST_INTERVAL), float(WATCH_SECONDS))
        self._feeds: dict[str, _Feed] = {}
        self._serial = 0
        self._events: queue.Queue[_Event] = queue.Queue()

    def read(self) -> Snapshot:
        if not self._feeds and not self._find():
            return Snapshot(served=False)
        try:
            for feed in self._feeds.values():
                self._list(feed)
        except KubernetesError as error:
            if error.status != 404:
                raise
            self._feeds.clear()  # the API was taken away
            return Snapshot(served=False)
        return self._snapshot()

    def changed(self, seconds: float) -> Snapshot:
        if not self._feeds:
            time.sleep(min(seconds, self._gap))
            return self.read()
        end = time.monotonic() + seconds
        news = False
        while True:
            news = self._revive() or news
            left = end - time.monotonic()
            if news:
                left = min(left, SETTLE_SECONDS)
            due = min((self._due(feed) for feed in self._feeds.values() if not feed.running), default=left)
            event = self._next(max(0.0, min(left, due)))
            if event is not None:
                news = self._apply(event) or news
            elif news or time.monotonic() >= end:
                return self._snapshot()

    def _next(self, seconds: float) -> _Event | None:
        try:
            return self._events.get(timeout=seconds) if seconds else self._events.get_nowait()
        except queue.Empty:
            return None

    def _due(self, feed: _Feed) -> float:
        return max(0.0, feed.listed_at + self._gap - time.monotonic())

    def _revive(self) -> bool:
        """Start the watches that do not run; did listing anew show a change?"""
        news = False
        for feed in self._feeds.values():
            if feed.running or (feed.used and self._due(feed)):
                continue
            if feed.used:
                before = feed.objects
                self._list(feed)
                news = news or before != feed.objects
            feed.used = feed.running = True
            self._serial += 1
            feed.serial = self._serial
            threading.Thread(target=self._watch, args=(feed, feed.serial), daemon=True).start()
        return news

    def _watch(self, feed: _Feed, serial: int) -> None:
        query = {**feed.query, "resourceVersion": feed.version}
        try:
            for event, body in self._connection.connect().watch(
                f"watch the {feed.kind}", feed.path, query, WATCH_SECONDS
            ):
                self._events.put((feed.kind, serial, event, body))
                if event == "ERROR":
                    break
        except (RhaiiError, OSError, ValueError, KeyError):
            pass  # what is wrong will show when it is listed
        finally:
            self._events.put((feed.kind, serial, "END", {}))

    def _apply(self, event: _Event) -> bool:
        kind, serial, what, body = event
        feed = self._feeds.get(kind)
        if feed is None or serial != feed.serial:
            return False
        if what == "END":
            feed.running = False
        elif what in ("ADDED", "MODIFIED"):
            feed.objects[str(body["metadata"]["name"])] = body
            return True
        elif what == "DELETED":
            return feed.objects.pop(str(body["metadata"]["name"]), None) is not None
        return False

    def _find(self) -> bool:
        """The version of the API to use: the preferred one that has such services; False when none has."""
        try:
            group = self._get("find KServe's API", f"/apis/{GROUP}")
        except KubernetesError as error:
            if error.status == 404:
                return False
            raise
        preferred = str((group.get("preferredVersion") or {}).get("version") or "")
        versions = [str(each["version"]) for each in group.get("versions") or []]
        for version in dict.fromkeys([preferred, *versions]):
            if version and self._has_services(version):
                self._follow(version)
                return True
        return False

    def _has_services(self, version: str) -> bool:
        try:
            resources = self._get("find KServe's API", f"/apis/{GROUP}/{version}").get("resources") or []
        except KubernetesError as error:
            if error.status == 404:
                return False
            raise
        return any(each.get("name") == PLURAL for each in resources)

    def _follow(self, version: str) -> None:
        where = f"namespaces/{quote(self._namespace)}"
        theirs = {"labelSelector": selector(self._name)}
        only = {"fieldSelector": f"metadata.name={self._name}"}
        # The service first: see Cluster.read.
        for kind, path, query in (
            (SERVICES, f"/apis/{GROUP}/{version}/{where}/{PLURAL}", only),
            (DEPLOYMENTS, f"/apis/apps/v1/{where}/deployments", theirs),
            (REPLICA_SETS, f"/apis/apps/v1/{where}/replicasets", theirs),
            (PODS, f"/api/v1/{where}/pods", theirs),
        ):
            self._feeds[kind] = _Feed(kind, path, query)

    def _list(self, feed: _Feed) -> None:
        found = self._get(f"list the {feed.kind} in {self._namespace}", feed.path, feed.query)
        feed.objects = {str(each["metadata"]["name"]): each for each in found.get("items") or []}
        feed.version = str((found.get("metadata") or {}).get("resourceVersion") or "")
        feed.listed_at = time.monotonic()
        feed.used = False

    def _snapshot(self) -> Snapshot:
        def all_of(kind: str) -> tuple[Json, ...]:
            objects = self._feeds[kind].objects
            return tuple(objects[name] for name in sorted(objects))

        return Snapshot(
            service=self._feeds[SERVICES].objects.get(self._name),
            deployments=all_of(DEPLOYMENTS),
            replica_sets=all_of(REPLICA_SETS),
            pods=all_of(PODS),
        )

    def _get(self, doing: str, path: str, query: Mapping[str, str] | None = None) -> Json:
        return self._connection.use(lambda rest: rest.call(doing, "GET", path, query=query))

    def warnings(self) -> Sequence[Json]:
        path = f"/api/v1/namespaces/{quote(self._namespace)}/events"
        found = self._get("list the events", path, {"fieldSelector": "type=Warning"})
        return list(found.get("items") or [])

    def log(self, pod: str, container: str, lines: int, *, ended: bool = False) -> str:
        path = f"/api/v1/namespaces/{quote(self._namespace)}/pods/{quote(pod)}/log"
        query = {"container": container, "tailLines": str(lines), **({"previous": "true"} if ended else {})}
        if lines >= WHOLE_LOG:
            query["limitBytes"] = str(LONGEST_LOG)
        return self._connection.use(lambda rest: rest.text(f"read the log of {pod}", path, query))

    def secret(self, name: str) -> Json | None:
        path = f"/api/v1/namespaces/{quote(self._namespace)}/secrets/{quote(name)}"
        try:
            return self._get(f"read the Secret {name}", path)
        except KubernetesError as error:
            if error.status == 404:
                return None
            raise

    def services(self) -> Sequence[str]:
        feed = self._feeds.get(SERVICES)
        if feed is None:
            return []
        found = self._get("list the services", feed.path).get("items") or []
        return sorted(str(each["metadata"]["name"]) for each in found)


def wait_ports(params: Params, token: Callable[[], str] | None = None) -> WaitPorts:
    """With `token`, each connection asks it for the token to use: a wait may outlive one."""

    # of all connections, so that each watch begins with the newest one
    tokens = google_source(params)

    def connect() -> Rest:
        rest = KubernetesRest.from_params(params, tokens=tokens)
        if token is not None:
            rest.renew(token())
        return rest

    cluster = WatchedCluster(connect, str(params["namespace"]), str(params["name"]), float(params["wait_interval"]))
    return WaitPorts(cluster, SystemClock())


__all__ = ("SETTLE_SECONDS", "WATCH_SECONDS", "Connection", "Rest", "WatchedCluster", "wait_ports")
