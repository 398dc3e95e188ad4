# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""helm_releases: whose the releases are, and our label on those that are ours."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Result
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._helm_releases import (
    CAPABILITY,
    KubernetesReleases,
    Ports,
    Stored,
    Wanted,
    judge,
    ports_of,
    release_of,
)
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import KubernetesError

from tests.unit.fake_clock import FakeClock

Json = dict[str, Any]
LABEL = "rhaii.gke/environment"


def content(chart: str = "operator", **values: Any) -> Json:
    return {"chart": {"metadata": {"name": chart}}, "config": values}


def stored(revision: str = "1", **labels: str) -> Stored:
    return Stored(f"sh.helm.release.v1.op.v{revision}", {"status": "deployed", "version": revision, **labels})


WANTED = Wanted("op", "ns", "operator", frozenset({"pullSecret"}), ())


@pytest.mark.parametrize(
    ("labels", "found", "verdict", "seems"),
    [
        pytest.param({LABEL: "prod"}, None, "ours", "", id="our label"),
        pytest.param(
            {LABEL: "dev"}, content(), "another environment's", "belongs to the environment dev", id="another's label"
        ),
        pytest.param({}, content(), "ours", "", id="of 0.1.0"),
        pytest.param({}, content(pullSecret="x"), "ours", "", id="of 0.1.0, with our values"),
        pytest.param({}, {**content(), "config": None}, "ours", "", id="of 0.1.0, without values"),
        pytest.param(
            {}, content(pullSecret="x", b=1, a=1), "foreign", "has values that we do not set (a, b)", id="other values"
        ),
        pytest.param({}, content("other"), "foreign", "is of the chart other, not of operator", id="another chart"),
        pytest.param({}, {}, "foreign", "is of the chart unknown, not of operator", id="unreadable"),
        pytest.param({}, {"chart": {"metadata": None}}, "foreign", None, id="no metadata"),
        pytest.param({}, {"chart": None}, "foreign", None, id="no chart"),
        pytest.param({}, None, "foreign", None, id="not read"),
    ],
)
def test_whose_a_release_is(labels: dict[str, str], found: Json | None, verdict: str, seems: str | None) -> None:
    whose = judge(WANTED, stored(**labels), found, "prod")
    assert whose.verdict == verdict
    assert seems is None or whose.seems == seems


def packed(text: str) -> str:
    return base64.b64encode(base64.b64encode(gzip.compress(text.encode()))).decode()


@pytest.mark.parametrize(
    ("data", "found"),
    [
        pytest.param(packed(json.dumps(content())), content(), id="as Helm stores it"),
        pytest.param("", {}, id="nothing"),
        pytest.param("not base64", {}, id="no base64"),
        pytest.param(base64.b64encode(base64.b64encode(b"plain")).decode(), {}, id="not zipped"),
        pytest.param(
            base64.b64encode(base64.b64encode(gzip.compress(b"a" * 99)[:12])).decode(), {}, id="cut in the middle"
        ),
        pytest.param(
            base64.b64encode(base64.b64encode(gzip.compress(b"a" * 99)[:10] + b"\xff\xff\xff")).decode(),
            {},
            id="broken in the middle",
        ),
        pytest.param(packed("no JSON"), {}, id="no JSON"),
        pytest.param(packed("[1]"), {}, id="no object"),
    ],
)
def test_what_helm_stored(data: str, found: Json) -> None:
    assert release_of(data) == found


class FakeReleases:
    def __init__(self, *names: str) -> None:
        self.stored: dict[str, Stored] = {}
        self.contents: dict[str, Json] = {}
        self.deployments: dict[str, Json] = {}
        self.read: list[str] = []
        self.labelled: list[tuple[str, str, Mapping[str, str]]] = []
        self.before: dict[str, list[Stored]] = {}
        self.removed: list[str] = []
        self.clock = FakeClock()
        self.said: list[str] = []

    def everywhere(self, names: frozenset[str]) -> dict[tuple[str, str], Stored]:
        return {("anywhere", name): each for name, each in self.stored.items() if name in names}

    def newest(self, namespace: str, name: str) -> Stored | None:
        return self.stored.get(name)

    def content(self, namespace: str, secret: str) -> Json:
        self.read.append(secret)
        return self.contents[secret]

    def deployment(self, namespace: str, name: str) -> Json | None:
        return self.deployments.get(f"{namespace}/{name}")

    def label(self, namespace: str, secret: str, labels: Mapping[str, str]) -> None:
        self.labelled.append((namespace, secret, dict(labels)))

    def remove(self, namespace: str, stored: Stored) -> None:
        self.removed.append(f"{namespace}/{stored.secret}")
        (name,) = (name for name, each in self.stored.items() if each == stored)
        del self.stored[name]
        if self.before.get(name):
            self.stored[name] = self.before[name].pop()


@pytest.fixture
def releases() -> FakeReleases:
    found = FakeReleases()
    found.stored = {
        "labelled": Stored("s-labelled", {"status": "deployed", LABEL: "prod"}),
        "old": Stored("s-old", {"status": "failed"}),
        "foreign": Stored("s-foreign", {}),
    }
    found.contents = {"s-old": content(), "s-foreign": content("other", password="hunter22")}
    return found


def run(
    releases: FakeReleases,
    *names: str,
    check_mode: bool = False,
    label: bool = True,
    fail: bool = True,
    lines: Json | None = None,
    folders: Mapping[str, str] | None = None,
    values: Json | None = None,
    repair: bool = False,
    **more: Any,
) -> Result:
    given = {"namespace": "ns", "chart": "operator", "value_keys": None, "deployments": None, **more}
    params: dict[str, Any] = {
        "environment": "prod",
        "releases": [{**given, "name": name} for name in names],
        "label": label,
        "lines": lines or {},
        "folders": folders or {},
        "values": values or {},
    }
    params["fail_on_foreign"] = fail
    params |= {"repair": repair, "pending_timeout": 60}
    return CAPABILITY.run(params, Ports(releases, releases.clock), releases.said.append, check_mode)


def test_ours_are_told_and_labelled_where_they_are_not(releases: FakeReleases) -> None:
    result = run(releases, "labelled", "old", "absent")
    assert result == {
        "changed": True,
        "releases": [
            {"name": "labelled", "namespace": "ns", "status": "deployed", "whose": "ours"},
            {"name": "old", "namespace": "ns", "status": "failed", "whose": "ours"},
            {"name": "absent", "namespace": "ns", "status": "absent", "whose": "nobody's"},
        ],
        "foreign": [],
        "current": [],
        "pending": [],
        "line": "",
        "version": "",
    }
    assert releases.labelled == [("ns", "s-old", {LABEL: "prod"})]
    # of a release with the label only metadata is read
    assert releases.read == ["s-old"]


def test_release_that_is_its_chart_already_is_told_and_one_that_is_not_ours_is_not(
    releases: FakeReleases, tmp_path: Path
) -> None:
    (tmp_path / "Chart.yaml").write_text("name: operator\n")
    chart: Json = {"metadata": {"name": "operator"}}
    for name in ("labelled", "old", "foreign"):
        releases.contents[f"s-{name}"] = {"info": {"status": "deployed"}, "chart": chart, "config": {"pullSecret": "x"}}
    releases.stored["foreign"] = Stored("s-foreign", {LABEL: "dev"})
    folders = dict.fromkeys(("labelled", "foreign", "absent"), str(tmp_path))
    given: Json = {"folders": folders, "values": {"pullSecret": "x"}, "value_keys": ["pullSecret"], "fail": False}
    names = ("labelled", "old", "foreign", "absent")
    # of the old one no folder is given
    assert run(releases, *names, **given)["current"] == ["labelled"]
    assert run(releases, *names, **{**given, "values": {"pullSecret": "y"}})["current"] == []
    # a release whose chart takes no values of ours has none
    assert run(releases, *names, **{**given, "value_keys": None})["current"] == []
    releases.contents["s-labelled"]["config"] = None
    assert run(releases, *names, **{**given, "value_keys": None})["current"] == ["labelled"]


def test_check_mode_labels_nothing(releases: FakeReleases) -> None:
    assert run(releases, "old", check_mode=True)["changed"] is True
    assert releases.labelled == []


def test_label_is_put_on_request_alone(releases: FakeReleases) -> None:
    assert run(releases, "old", label=False)["changed"] is False
    assert run(releases, "labelled")["changed"] is False
    assert releases.labelled == []


def test_refusal_names_all_and_nothing_is_labelled(releases: FakeReleases) -> None:
    releases.stored["dev"] = Stored("s-dev", {LABEL: "dev"})
    with pytest.raises(RhaiiError) as failure:
        run(releases, "old", "foreign", "dev")
    assert str(failure.value) == (
        "Not of the environment prod, and where its operators would be: Helm release foreign in ns is of the chart "
        "other, not of operator; Helm release dev in ns belongs to the environment dev. Nothing was changed. Use a "
        "cluster without them. Operators that are there already are not adopted; remove them if they are yours to "
        "remove."
    )
    assert releases.labelled == []
    assert failure.value.result["changed"] is False
    assert [each["whose"] for each in failure.value.result["releases"]] == [
        "ours",
        "foreign",
        "another environment's",
    ]
    assert "hunter22" not in str(failure.value) + str(failure.value.result)


def test_deployment_that_runs_without_its_release_is_foreign(releases: FakeReleases) -> None:
    releases.deployments["cert-manager/cert-manager"] = {
        "metadata": {"labels": {"app.kubernetes.io/managed-by": "Helm"}}
    }
    with pytest.raises(RhaiiError) as failure:
        run(releases, "absent", deployments=["cert-manager/cert-manager", "cert-manager/none"])
    assert failure.value.result["foreign"] == [
        "Deployment cert-manager/cert-manager seems to be Helm's (label app.kubernetes.io/managed-by)"
    ]


def test_deployments_of_a_release_that_is_there_are_its_own(releases: FakeReleases) -> None:
    releases.deployments["a/b"] = {}
    assert run(releases, "labelled", deployments=["a/b"])["foreign"] == []


@pytest.mark.parametrize(("labels", "revision"), [({"version": "10"}, 10), ({"version": "x"}, 0), ({}, 0)])
def test_revision(labels: dict[str, str], revision: int) -> None:
    assert Stored("s", labels).revision == revision


class Api:
    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.calls: list[tuple[Any, ...]] = []

    def call(self, *given: Any, **more: Any) -> Any:
        self.calls.append((*given, more))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    metadata = call


def secret(revision: int, **labels: str) -> Json:
    return {"metadata": {"name": f"v{revision}", "labels": {"version": str(revision), **labels}}}


def test_newest_revision_is_found_by_metadata_alone() -> None:
    api = Api([secret(9), secret(10, status="deployed"), secret(2)])
    found = KubernetesReleases(api).newest("ns", "op")  # type: ignore[arg-type]
    assert found == Stored("v10", {"version": "10", "status": "deployed"})
    assert api.calls == [
        (
            "look for the Helm release op",
            "/api/v1/namespaces/ns/secrets",
            {"labelSelector": "owner=helm,name=op", "fieldSelector": "type=helm.sh/release.v1"},
            {},
        )
    ]
    assert KubernetesReleases(Api([])).newest("ns", "op") is None  # type: ignore[arg-type]
    bare = Api([{"metadata": {"name": "v1"}}])
    assert KubernetesReleases(bare).newest("ns", "op") == Stored("v1", {})  # type: ignore[arg-type]


def test_real_adapter_reads_and_labels() -> None:
    api = Api({"data": {"release": packed(json.dumps(content()))}})
    releases = KubernetesReleases(api)  # type: ignore[arg-type]
    assert releases.content("ns", "v1") == content()
    releases.label("ns", "v1", {LABEL: "prod"})
    place = "/api/v1/namespaces/ns/secrets/v1"
    assert api.calls == [
        ("read a Helm release", "GET", place, {}),
        (
            "label a Helm release",
            "PATCH",
            place,
            {"query": {"fieldManager": "rhaii.gke"}, "body": {"metadata": {"labels": {LABEL: "prod"}}}},
        ),
    ]
    api.answer = {"data": None}
    assert releases.content("ns", "v1") == {}


def test_real_adapter_looks_for_a_deployment() -> None:
    api = Api({"a": 1})
    releases = KubernetesReleases(api)  # type: ignore[arg-type]
    assert releases.deployment("ns", "d") == {"a": 1}
    assert api.calls == [("read the Deployment ns/d", "GET", "/apis/apps/v1/namespaces/ns/deployments/d", {})]
    api.answer = KubernetesError("read", 404, "NotFound", "no")
    assert releases.deployment("ns", "d") is None


LINES: Json = yaml.safe_load((Path(__file__).parents[4] / "roles/operators/vars/main/lines.yml").read_text("utf-8"))[
    "__operators_lines"
]


def of_chart(name: str, version: str) -> Json:
    return {"chart": {"metadata": {"name": name, "version": version}}}


@pytest.mark.parametrize(
    ("release", "chart", "version", "line"),
    [
        pytest.param("kserve-rhaii-xks", "kserve-rhaii-xks", "3.4.0-ea.1+8a30e66", "ea1", id="the guide's"),
        pytest.param("kserve-rhaii-xks", "kserve-rhaii-xks", "3.4.0-ea.1-dev-8a30e66", "ea1", id="its other chart"),
        pytest.param("kserve-rhaii-xks", "kserve-rhaii-xks", "3.4.0-ea.2+1a314a2", "ea2", id="EA2, KServe alone"),
        pytest.param("rhaii", "rhai-on-xks-chart", "3.4.0-ea.2", "ea2", id="EA2, one chart"),
        pytest.param("rhaii", "rhai-on-xks-chart", "3.5.0", "3.5", id="3.5"),
        pytest.param("kserve-rhaii-xks", "kserve-rhaii-xks", "4.0.0", "", id="one of later"),
        pytest.param("other", "rhai-on-xks-chart", "3.5.0", "", id="another name"),
    ],
)
def test_line_of_a_cluster_and_those_that_are_refused(
    releases: FakeReleases, release: str, chart: str, version: str, line: str
) -> None:
    releases.stored = {release: Stored("s", {"status": "deployed"})}
    releases.contents = {"s": of_chart(chart, version)}
    result = run(releases, fail=False, lines=LINES)
    assert (result["line"], result["version"]) == (line, version if line else "")
    refused = (
        f"Helm release {release} in anywhere is of the chart {chart} {version}, of the line {line}, which is known "
        "here and cannot be installed, changed or taken over yet"
    )
    assert result["foreign"] == ([refused] if line in ("ea2", "3.5") else [])


def test_line_that_cannot_be_installed_is_found_beside_ours(releases: FakeReleases) -> None:
    releases.stored = {"kserve-rhaii-xks": Stored("a", {}), "rhaii": Stored("b", {})}
    releases.contents = {
        "a": of_chart("kserve-rhaii-xks", "3.4.0-ea.1+8a30e66"),
        "b": of_chart("rhai-on-xks-chart", "3.5.0"),
    }
    with pytest.raises(RhaiiError, match=r"of the line 3\.5, which is known here.*Nothing was changed"):
        run(releases, lines=LINES)


def test_releases_of_the_whole_cluster_are_found_by_metadata_alone() -> None:
    def item(namespace: str, revision: int) -> Json:
        found = secret(revision, name="rhaii")
        found["metadata"]["namespace"] = namespace
        return found

    api = Api([item("a", 1), item("a", 10), item("a", 9), item("b", 2)])
    found = KubernetesReleases(api).everywhere(frozenset({"rhaii", "kserve"}))  # type: ignore[arg-type]
    assert {place: each.secret for place, each in found.items()} == {("a", "rhaii"): "v10", ("b", "rhaii"): "v2"}
    query = {"labelSelector": "owner=helm,name in (kserve,rhaii)", "fieldSelector": "type=helm.sh/release.v1"}
    assert api.calls == [("look for Helm releases", "/api/v1/secrets", query, {})]


def test_real_port_is_made_from_the_options() -> None:
    assert isinstance(ports_of({"host": "http://127.0.0.1:9", "api_key": "t"}).releases, KubernetesReleases)


def test_foreign_releases_can_be_asked_for_without_a_failure(releases: FakeReleases) -> None:
    with pytest.raises(RhaiiError) as failure:
        run(releases, "foreign", label=False)
    assert run(releases, "foreign", label=False, fail=False) == failure.value.result


def half_way(secret: str, status: str, at: str = "2026-11-24T11:00:00Z", **labels: str) -> Stored:
    return Stored(secret, {"status": status, **labels}, "uid", "7", at)


@pytest.mark.parametrize("status", ["pending-install", "pending-upgrade", "pending-rollback"])
def test_release_of_ours_that_was_left_half_way_is_repaired(releases: FakeReleases, status: str) -> None:
    releases.stored["op"] = half_way("s-op", status, **{LABEL: "prod"})
    found = run(releases, "op")
    assert (found["pending"], found["current"], found["changed"]) == (["op"], [], False)
    assert run(releases, "op", repair=True, check_mode=True)["changed"] is True
    assert releases.removed == []
    assert run(releases, "op", repair=True)["changed"] is True
    assert releases.removed == ["ns/s-op"]
    assert releases.said == [
        f"Helm release op in ns was left {status} by a Helm that was killed: going on from the revision before it"
    ]
    assert run(releases, "op", repair=True)["pending"] == []


def test_all_that_is_half_way_goes_and_what_stood_before_stays(releases: FakeReleases) -> None:
    releases.stored["op"] = half_way("s-op3", "pending-rollback", **{LABEL: "prod"})
    releases.before["op"] = [stored(), half_way("s-op2", "pending-upgrade", **{LABEL: "prod"})]
    run(releases, "op", repair=True)
    assert releases.removed == ["ns/s-op3", "ns/s-op2"]
    assert releases.stored["op"] == stored()


def test_first_install_has_no_label_yet(releases: FakeReleases) -> None:
    releases.stored["op"] = half_way("s-op", "pending-install")
    releases.contents["s-op"] = content()
    run(releases, "op", repair=True)
    assert releases.removed == ["ns/s-op"]


def test_helm_that_may_still_run_gets_its_time(releases: FakeReleases) -> None:
    young = half_way("s-op", "pending-upgrade", "2026-11-24T11:59:48Z", **{LABEL: "prod"})
    releases.stored["op"] = young
    run(releases, "op", repair=True)
    assert sum(releases.clock.slept) == 48
    assert releases.removed == ["ns/s-op"]
    assert releases.said[0].startswith(
        "Helm release op in ns is pending-upgrade: a Helm that may still run has 48 s to"
    )
    assert len(releases.said) == 2

    releases.stored["op"], releases.removed = half_way("s-op", "pending-upgrade", "2026-11-24T12:00:40Z"), []
    releases.contents["s-op"] = content()
    releases.clock.on_sleep = lambda passed: releases.stored.update(op=stored())
    run(releases, "op", repair=True)
    assert releases.removed == []


def test_pending_release_of_somebody_else_is_named_and_left(releases: FakeReleases) -> None:
    releases.stored["dev"] = half_way("s-dev", "pending-upgrade", **{LABEL: "dev"})
    with pytest.raises(
        RhaiiError, match="Helm release dev in ns belongs to the environment dev, and something is under"
    ):
        run(releases, "dev", repair=True)
    run(releases, "dev", repair=True, fail=False)
    assert releases.removed == []


def test_revision_is_removed_only_as_it_was_read() -> None:
    api = Api({})
    KubernetesReleases(api).remove("ns", half_way("v2", "pending-upgrade"))  # type: ignore[arg-type]
    (call,) = api.calls
    assert call[1:3] == ("DELETE", "/api/v1/namespaces/ns/secrets/v2")
    assert call[3]["body"] == {"preconditions": {"uid": "uid", "resourceVersion": "7"}}
    gone = Api(KubernetesError("x", 404, "", ""))
    KubernetesReleases(gone).remove("ns", half_way("v2", "pending-upgrade"))  # type: ignore[arg-type]
