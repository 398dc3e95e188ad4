# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The real adapter of applyset: what is asked of the API server."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.kubernetes import (
    KeptKinds,
    KubernetesObjects,
    ports_of,
)
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.objects import Key
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.ports import AT_ONCE, at_once
from ansible_collections.rhaii.gke.plugins.module_utils._clock import SystemClock
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import KubernetesError

CORE = {
    "resources": [
        {"kind": "ConfigMap", "name": "configmaps", "namespaced": True},
        {"kind": "Namespace", "name": "namespaces", "namespaced": False},
        {"kind": "Namespace", "name": "namespaces/status", "namespaced": False},
    ]
}
ONE = Key("v1", "ConfigMap", "one", "ns")
NAMESPACE = Key("v1", "Namespace", "ns")
GATEWAY = Key("gateway.networking.k8s.io/v1", "Gateway", "gate", "ns")
NOT_FOUND = KubernetesError("do it", 404, "NotFound", "no")


class Api:
    """Answers by path; what is not there is 404."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {"/api/v1": CORE}
        self.calls: list[tuple[str, str, dict[str, Any]]] = []
        self.doing: list[str] = []

    def call(self, doing: str, method: str, path: str, **more: Any) -> Any:
        self.calls.append((method, path, more))
        self.doing.append(doing)
        answer = self.answers.get(path, NOT_FOUND)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def objects(api: Api) -> KubernetesObjects:
    return KubernetesObjects(api)  # type: ignore[arg-type]


def test_paths_come_from_discovery_which_is_asked_once(api: Api, objects: KubernetesObjects) -> None:
    api.answers |= {"/api/v1/namespaces/ns/configmaps/one": {"a": 1}, "/api/v1/namespaces/ns": {"b": 1}}
    assert objects.read(ONE) == {"a": 1}
    assert objects.read(NAMESPACE) == {"b": 1}
    assert [path for _method, path, _more in api.calls].count("/api/v1") == 1
    assert api.doing == ["look for the kinds of v1", "read ConfigMap ns/one", "read Namespace ns"]


def test_kinds_are_asked_for_once_a_run(api: Api, tmp_path: Path) -> None:
    def task(host: str = "https://one") -> KubernetesObjects:
        return KubernetesObjects(api, KeptKinds(str(tmp_path), host))  # type: ignore[arg-type]

    api.answers["/api/v1/namespaces/ns/configmaps/one"] = {"a": 1}
    assert [task().read(ONE), task().read(ONE)] == [{"a": 1}, {"a": 1}]
    asked = [path for _method, path, _more in api.calls]
    assert asked.count("/api/v1") == 1
    # another API server may serve others
    assert task("https://two").read(ONE) == {"a": 1}
    # and a kind may come while the run goes on
    assert task().knows(GATEWAY) is False
    gateways = {"resources": [{"kind": "Gateway", "name": "gateways", "namespaced": True}]}
    api.answers["/apis/gateway.networking.k8s.io/v1"] = gateways
    assert task().knows(GATEWAY) is True
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}


@pytest.mark.parametrize("content", ["", "{", "[]", '{"v1": {"ConfigMap": "configmaps"}}', '{"v1": 3}'])
def test_kinds_that_cannot_be_read_are_asked_for(api: Api, tmp_path: Path, content: str) -> None:
    KubernetesObjects(api, KeptKinds(str(tmp_path))).knows(ONE)  # type: ignore[arg-type]
    (file,) = tmp_path.iterdir()
    file.write_text(content)
    assert KubernetesObjects(api, KeptKinds(str(tmp_path))).knows(ONE)  # type: ignore[arg-type]
    # and where nothing can be kept
    assert KubernetesObjects(api, KeptKinds(str(tmp_path / "none"))).knows(ONE)  # type: ignore[arg-type]


def test_object_and_kind_that_are_not_there_are_none(api: Api, objects: KubernetesObjects) -> None:
    assert objects.read(ONE) is None
    assert objects.read(GATEWAY) is None
    assert objects.knows(GATEWAY) is False
    # asked anew, for it may have come
    gateways = {"resources": [{"kind": "Gateway", "name": "gateways", "namespaced": True}]}
    api.answers["/apis/gateway.networking.k8s.io/v1"] = gateways
    assert objects.knows(GATEWAY) is True
    assert objects.knows(Key(GATEWAY.api_version, "Other", "x")) is False
    assert objects.knows(GATEWAY) is True


def test_other_errors_are_not_taken_for_absence(api: Api, objects: KubernetesObjects) -> None:
    api.answers["/api/v1/namespaces/ns/configmaps/one"] = KubernetesError("read", 403, "Forbidden", "no")
    with pytest.raises(KubernetesError, match="403 Forbidden"):
        objects.read(ONE)
    api.answers["/api/v1"] = KubernetesError("look", 503, "", "busy")
    with pytest.raises(KubernetesError, match="busy"):
        KubernetesObjects(api).read(ONE)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("force", "dry_run", "query", "doing"),
    [
        (False, False, {"force": "false"}, "apply ConfigMap ns/one"),
        (True, False, {"force": "true"}, "apply ConfigMap ns/one"),
        (False, True, {"force": "false", "dryRun": "All"}, "try ConfigMap ns/one"),
    ],
)
def test_apply_is_by_the_server(
    force: bool, dry_run: bool, query: dict[str, str], doing: str, api: Api, objects: KubernetesObjects
) -> None:
    api.answers["/api/v1/namespaces/ns/configmaps/one"] = {"kind": "ConfigMap"}
    objects.knows(ONE)
    assert objects.apply(ONE, {"a": 1}, force=force, dry_run=dry_run) == {"kind": "ConfigMap"}
    method, path, more = api.calls[-1]
    assert (method, path) == ("PATCH", "/api/v1/namespaces/ns/configmaps/one")
    strictly = {"fieldManager": "rhaii.gke", "fieldValidation": "Strict"}
    assert more == {"query": {**strictly, **query}, "body": {"a": 1}, "patch": "apply"}
    assert api.doing[-1] == doing


def test_deletion_is_of_exactly_this_one_and_none_is_no_error(api: Api, objects: KubernetesObjects) -> None:
    objects.knows(ONE)
    objects.delete(ONE, "uid-1")
    method, path, more = api.calls[-1]
    assert (method, path) == ("DELETE", "/api/v1/namespaces/ns/configmaps/one")
    assert more == {"body": {"propagationPolicy": "Background", "preconditions": {"uid": "uid-1"}}}
    assert api.doing[-1] == "delete ConfigMap ns/one"
    api.answers[path] = KubernetesError("delete", 409, "Conflict", "uid")
    with pytest.raises(KubernetesError, match="409"):
        objects.delete(ONE, "uid-1")


def test_kind_that_needs_a_namespace_is_refused_without_one(objects: KubernetesObjects) -> None:
    with pytest.raises(RhaiiError, match=r"^ConfigMap one has no namespace, and its kind needs one. Give metadata"):
        objects.read(Key("v1", "ConfigMap", "one"))


def test_name_cannot_leave_its_place(api: Api, objects: KubernetesObjects) -> None:
    objects.read(Key("v1", "ConfigMap", "a/status", "b/c"))
    assert api.calls[-1][1] == "/api/v1/namespaces/b%2Fc/configmaps/a%2Fstatus"
    objects.read(Key("v1", "Namespace", "a/b"))
    assert api.calls[-1][1] == "/api/v1/namespaces/a%2Fb"


def test_real_ports_are_made_from_the_options() -> None:
    ports = ports_of({"host": "http://127.0.0.1:9", "api_key": "t"})
    assert isinstance(ports.objects, KubernetesObjects)
    assert isinstance(ports.clock, SystemClock)
    assert ports.each is at_once


def test_a_few_are_asked_at_once_and_answered_in_order() -> None:
    met = threading.Barrier(AT_ONCE, timeout=5)

    def ask(key: Key) -> str:
        met.wait()
        return key.name

    keys = [Key("v1", "ConfigMap", str(number), "ns") for number in range(2 * AT_ONCE)]
    assert at_once(ask, keys) == [str(number) for number in range(2 * AT_ONCE)]
    assert at_once(lambda key: threading.current_thread().name, keys[:1]) == [threading.current_thread().name]
