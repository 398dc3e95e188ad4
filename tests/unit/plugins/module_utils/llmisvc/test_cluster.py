# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The adapter to the API: which calls it makes, and that a watch may be lost at any time."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import KubernetesError, KubernetesRest
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc import cluster as adapter
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.cluster import (
    LONGEST_LOG,
    WHOLE_LOG,
    Connection,
    WatchedCluster,
)
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.ports import Json, Snapshot

API = "/apis/serving.kserve.io"
SERVICES = f"{API}/v1alpha2/namespaces/ns/llminferenceservices"
DEPLOYMENTS = "/apis/apps/v1/namespaces/ns/deployments"
REPLICA_SETS = "/apis/apps/v1/namespaces/ns/replicasets"
PODS = "/api/v1/namespaces/ns/pods"
LISTS = [SERVICES, DEPLOYMENTS, REPLICA_SETS, PODS]
END: tuple[str, Json] = ("END OF STREAM", {})


def named(name: str, **more: Any) -> Json:
    return {"metadata": {"name": name}, **more}


def error(status: int) -> KubernetesError:
    return KubernetesError("do it", status, "", "no")


class FakeApi:
    """An API server: answers by path, and a stream a path that a test feeds."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {
            API: {"versions": [{"version": "v1alpha2"}, {"version": "v1alpha1"}]},
            f"{API}/v1alpha2": {"resources": [{"name": "llminferenceservices"}]},
            f"{API}/v1alpha1": {"resources": [{"name": "llminferenceservices"}]},
            **{path: {"metadata": {"resourceVersion": "7"}, "items": []} for path in LISTS},
        }
        self.answers[SERVICES]["items"] = [named("svc")]
        self.calls: list[tuple[str, dict[str, str]]] = []
        self.watches: list[tuple[str, dict[str, str], int]] = []
        self.streams: dict[str, queue.Queue[Any]] = {path: queue.Queue() for path in LISTS}
        self.watching = threading.Semaphore(0)
        self.connections = 0

    def connect(self) -> FakeApi:
        self.connections += 1
        return self

    def paths(self) -> list[str]:
        return [path for path, _ in self.calls]

    def _answer(self, path: str, query: Mapping[str, str] | None) -> Any:
        self.calls.append((path, dict(query or {})))
        answer = self.answers.get(path, error(404))
        if isinstance(answer, list):
            answer = answer.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def call(self, doing: str, method: str, path: str, *, query: Mapping[str, str] | None = None) -> Json:
        assert method == "GET"
        found: Json = self._answer(path, query)
        return found

    def text(self, doing: str, path: str, query: Mapping[str, str] | None = None) -> str:
        return str(self._answer(path, query))

    def watch(self, doing: str, path: str, query: Mapping[str, str], seconds: int) -> Iterator[tuple[str, Json]]:
        self.watches.append((path, dict(query), seconds))
        self.watching.release()
        while True:
            event = self.streams[path].get()
            if isinstance(event, Exception):
                raise event
            if event is END:
                return
            yield event


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeApi]:
    monkeypatch.setattr(adapter, "SETTLE_SECONDS", 0.005)
    found = FakeApi()
    yield found
    for stream in found.streams.values():
        stream.put(END)


def watched(api: FakeApi, interval: float = 60.0) -> WatchedCluster:
    """Read once, and watching all four kinds."""
    cluster = WatchedCluster(api.connect, "ns", "svc", interval)
    cluster.read()
    cluster.changed(0.0)
    for _ in LISTS:
        assert api.watching.acquire(timeout=5)
    return cluster


def test_everything_is_listed_and_the_service_first(api: FakeApi) -> None:
    snapshot = WatchedCluster(api.connect, "ns", "svc", 10.0).read()
    assert snapshot == Snapshot(service=named("svc"))
    theirs = {"labelSelector": "app.kubernetes.io/name=svc,app.kubernetes.io/part-of=llminferenceservice"}
    assert api.calls == [
        (API, {}),
        (f"{API}/v1alpha2", {}),
        (SERVICES, {"fieldSelector": "metadata.name=svc"}),
        (DEPLOYMENTS, theirs),
        (REPLICA_SETS, theirs),
        (PODS, theirs),
    ]


def test_each_kind_goes_to_its_place_by_name(api: FakeApi) -> None:
    api.answers[DEPLOYMENTS]["items"] = [named("d")]
    api.answers[REPLICA_SETS]["items"] = [named("r2"), named("r1")]
    api.answers[PODS]["items"] = [named("p")]
    snapshot = WatchedCluster(api.connect, "ns", "svc", 10.0).read()
    assert snapshot.deployments == (named("d"),)
    assert snapshot.replica_sets == (named("r1"), named("r2"))
    assert snapshot.pods == (named("p"),)


@pytest.mark.parametrize(
    ("versions", "preferred", "having", "used"),
    [
        pytest.param(["v1alpha2", "v1alpha1"], "v1alpha2", ["v1alpha2", "v1alpha1"], "v1alpha2", id="both"),
        pytest.param(["v1alpha2", "v1alpha1"], "v1alpha1", ["v1alpha2", "v1alpha1"], "v1alpha1", id="preferred"),
        pytest.param(["v1alpha1"], "v1alpha1", ["v1alpha1"], "v1alpha1", id="older"),
        pytest.param(
            ["v1beta1", "v1alpha2"], "v1beta1", ["v1alpha2"], "v1alpha2", id="preferred one has other kinds only"
        ),
        pytest.param(["v1alpha2"], "", ["v1alpha2"], "v1alpha2", id="none preferred"),
        pytest.param(["v1beta1"], "v1beta1", [], None, id="other kinds only"),
    ],
)
def test_the_preferred_version_that_has_such_services_is_used(
    api: FakeApi, versions: list[str], preferred: str, having: list[str], used: str | None
) -> None:
    api.answers[API] = {
        "versions": [{"version": each} for each in versions],
        "preferredVersion": {"version": preferred},
    }
    for version in ("v1beta1", "v1alpha2", "v1alpha1"):
        name = "llminferenceservices" if version in having else "inferenceservices"
        api.answers[f"{API}/{version}"] = {"resources": [{"name": name}]}
    api.answers[f"{API}/v1alpha1/namespaces/ns/llminferenceservices"] = api.answers[SERVICES]
    snapshot = WatchedCluster(api.connect, "ns", "svc", 10.0).read()
    assert snapshot.served is (used is not None)
    if used:
        assert f"{API}/{used}/namespaces/ns/llminferenceservices" in api.paths()


def test_a_cluster_without_kserve_is_looked_at_again(api: FakeApi) -> None:
    group = api.answers.pop(API)
    cluster = WatchedCluster(api.connect, "ns", "svc", 0.0)
    assert cluster.read() == Snapshot(served=False)
    assert cluster.changed(0.0).served is False
    api.answers[API] = group
    assert cluster.changed(0.0).service == named("svc")


def test_a_version_that_is_not_there_after_all_is_passed_over(api: FakeApi) -> None:
    del api.answers[f"{API}/v1alpha2"]
    api.answers[f"{API}/v1alpha1/namespaces/ns/llminferenceservices"] = api.answers[SERVICES]
    assert WatchedCluster(api.connect, "ns", "svc", 10.0).read().service == named("svc")


@pytest.mark.parametrize("path", [API, f"{API}/v1alpha2", PODS])
def test_an_error_is_not_taken_for_an_absence(api: FakeApi, path: str) -> None:
    api.answers[path] = error(503)
    with pytest.raises(KubernetesError):
        WatchedCluster(api.connect, "ns", "svc", 10.0).read()


def test_an_api_that_is_taken_away_is_looked_for_again(api: FakeApi) -> None:
    cluster = WatchedCluster(api.connect, "ns", "svc", 10.0)
    cluster.read()
    gone = api.answers.pop(SERVICES)
    assert cluster.read().served is False
    api.answers[SERVICES] = gone
    assert cluster.read().served is True


def test_every_kind_is_watched_from_where_it_was_listed(api: FakeApi) -> None:
    watched(api)
    assert sorted(path for path, _, _ in api.watches) == sorted(LISTS)
    for path, query, seconds in api.watches:
        assert query["resourceVersion"] == "7"
        assert ("fieldSelector" in query) is (path == SERVICES)
        assert ("labelSelector" in query) is (path != SERVICES)
        assert seconds == adapter.WATCH_SECONDS


@pytest.mark.parametrize(
    ("path", "events", "pods"),
    [
        pytest.param(PODS, [("ADDED", named("p", a=1))], [named("p", a=1)], id="added"),
        pytest.param(
            PODS, [("ADDED", named("p", a=1)), ("MODIFIED", named("p", a=2))], [named("p", a=2)], id="modified"
        ),
        pytest.param(
            PODS, [("ADDED", named("p")), ("ADDED", named("q")), ("DELETED", named("p"))], [named("q")], id="gone"
        ),
    ],
)
def test_changes_show_at_once(api: FakeApi, path: str, events: list[Any], pods: list[Json]) -> None:
    cluster = watched(api)
    for event in events:
        api.streams[path].put(event)
    start = time.monotonic()
    assert list(cluster.changed(5.0).pods) == pods
    assert time.monotonic() - start < 4.0


def test_what_is_no_change_wakes_nobody(api: FakeApi) -> None:
    cluster = watched(api)
    before = len(api.calls)
    api.streams[PODS].put(("BOOKMARK", {"metadata": {"resourceVersion": "9"}}))
    api.streams[PODS].put(("DELETED", named("never there")))
    start = time.monotonic()
    assert cluster.changed(0.05).pods == ()
    assert time.monotonic() - start >= 0.05
    assert len(api.calls) == before


def test_nothing_happens_for_as_long_as_was_said(api: FakeApi) -> None:
    assert watched(api).changed(0.02).service == named("svc")


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(END, id="ended"),
        pytest.param(error(0), id="broken"),
        pytest.param(ValueError("half a line"), id="cut"),
        pytest.param(("ERROR", {"code": 410}), id="too old"),
    ],
)
def test_a_lost_watch_loses_nothing(api: FakeApi, event: Any) -> None:
    cluster = watched(api, interval=0.1)
    api.answers[PODS] = {"metadata": {"resourceVersion": "8"}, "items": [named("new")]}
    api.streams[PODS].put(event)
    start = time.monotonic()
    assert cluster.changed(5.0).pods == (named("new"),)
    assert time.monotonic() - start < 4.0
    assert api.watching.acquire(timeout=5)
    assert api.watches[-1][:2] == (PODS, {**api.watches[-1][1], "resourceVersion": "8"})
    api.streams[PODS].put(("ADDED", named("newer")))
    assert cluster.changed(5.0).pods == (named("new"), named("newer"))


def test_watching_that_is_not_allowed_falls_back_to_looking_now_and_then(api: FakeApi) -> None:
    cluster = watched(api, interval=0.1)
    for _ in range(9):
        api.streams[PODS].put(error(403))
    before = api.paths().count(PODS)
    cluster.changed(0.35)
    assert 2 <= api.paths().count(PODS) - before <= 4


def test_a_kind_that_was_just_listed_is_not_listed_again_for_its_watch(api: FakeApi) -> None:
    cluster = watched(api, interval=0.1)
    cluster.read()
    assert api.paths().count(PODS) == 2
    assert len(api.watches) == 4  # they go on


def test_an_error_at_listing_anew_is_told(api: FakeApi) -> None:
    cluster = watched(api, interval=0.1)
    api.answers[PODS] = error(500)
    api.streams[PODS].put(END)
    with pytest.raises(KubernetesError):
        cluster.changed(5.0)


def test_what_an_older_watch_still_says_is_not_heard(api: FakeApi) -> None:
    cluster = watched(api)
    cluster._events.put(("pods", 0, "ADDED", named("old")))
    cluster._events.put(("no such kind", 1, "ADDED", named("old")))
    assert cluster.changed(0.02).pods == ()


def test_what_is_read_beside(api: FakeApi) -> None:
    cluster = WatchedCluster(api.connect, "ns", "svc", 10.0)
    assert cluster.services() == []
    cluster.read()
    api.calls.clear()
    api.answers["/api/v1/namespaces/ns/events"] = {"items": [named("e")]}
    api.answers["/api/v1/namespaces/ns/pods/p/log"] = "line"
    api.answers["/api/v1/namespaces/ns/secrets/s"] = named("s")
    api.answers[SERVICES] = {"items": [named("b"), named("a")]}
    assert cluster.warnings() == [named("e")]
    assert cluster.log("p", "main", 5) == "line"
    assert cluster.log("p", "main", 5, ended=True) == "line"
    assert cluster.log("p", "main", WHOLE_LOG) == "line"
    assert cluster.secret("s") == named("s")
    assert cluster.secret("t") is None
    assert cluster.services() == ["a", "b"]
    assert api.calls == [
        ("/api/v1/namespaces/ns/events", {"fieldSelector": "type=Warning"}),
        ("/api/v1/namespaces/ns/pods/p/log", {"container": "main", "tailLines": "5"}),
        ("/api/v1/namespaces/ns/pods/p/log", {"container": "main", "tailLines": "5", "previous": "true"}),
        (
            "/api/v1/namespaces/ns/pods/p/log",
            {"container": "main", "tailLines": str(WHOLE_LOG), "limitBytes": str(LONGEST_LOG)},
        ),
        ("/api/v1/namespaces/ns/secrets/s", {}),
        ("/api/v1/namespaces/ns/secrets/t", {}),
        (SERVICES, {}),
    ]
    api.answers["/api/v1/namespaces/ns/secrets/s"] = error(403)
    with pytest.raises(KubernetesError):
        cluster.secret("s")


def test_a_refused_token_is_fetched_again_once(api: FakeApi) -> None:
    connection = Connection(api.connect)
    api.answers["/x"] = [named("a"), error(401), named("b"), named("c")]
    found = [connection.use(lambda rest: rest.call("x", "GET", "/x")) for _ in range(3)]
    assert found == [named("a"), named("b"), named("c")]
    assert api.connections == 2


def test_a_token_that_stays_refused_says_so(api: FakeApi) -> None:
    connection = Connection(api.connect)
    api.answers["/x"] = [named("a"), error(401), error(401)]
    connection.use(lambda rest: rest.call("x", "GET", "/x"))
    with pytest.raises(KubernetesError) as caught:
        connection.use(lambda rest: rest.call("x", "GET", "/x"))
    assert caught.value.status == 401
    assert "no newer one to be had" in caught.value.remedy


def test_other_errors_fetch_no_token(api: FakeApi) -> None:
    connection = Connection(api.connect)
    api.answers["/x"] = [named("a"), error(403), error(403)]
    connection.use(lambda rest: rest.call("x", "GET", "/x"))
    with pytest.raises(KubernetesError) as caught:
        connection.use(lambda rest: rest.call("x", "GET", "/x"))
    assert caught.value.remedy.startswith("Give the account the right")
    assert api.connections == 1


def test_a_connection_that_cannot_be_made_is_told_when_it_is_needed() -> None:
    def connect() -> FakeApi:
        raise RhaiiError("no kubeconfig")

    cluster = WatchedCluster(connect, "ns", "svc", 10.0)
    with pytest.raises(RhaiiError, match="no kubeconfig"):
        cluster.read()


def test_a_token_source_is_asked_for_every_connection(monkeypatch: pytest.MonkeyPatch, api: FakeApi) -> None:
    given: list[str] = []
    monkeypatch.setattr(api, "renew", given.append, raising=False)
    params = {"namespace": "ns", "name": "svc", "wait_interval": 10.0}

    def from_params(given: Any, tokens: Any) -> FakeApi:
        assert given is params and tokens is None
        return api.connect()

    monkeypatch.setattr(KubernetesRest, "from_params", from_params)
    tokens = iter(["one", "two"])
    ports = adapter.wait_ports(params, lambda: next(tokens))
    api.answers[SERVICES] = [error(401), {"items": []}, {"items": []}]
    ports.cluster.read()
    assert api.calls[-4][1] == {"fieldSelector": "metadata.name=svc"}
    assert ports.clock.monotonic() > 0
    assert given == ["one", "two"]
    adapter.wait_ports(params).cluster.read()
    assert given == ["one", "two"]
