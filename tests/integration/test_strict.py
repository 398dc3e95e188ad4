# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What render.yml writes, tried by a real API server that has the line's CRDs: strictly, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.apply import CAPABILITY
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.kubernetes import ports_of
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Result, execute, silent

from sandbox.control_plane.bootstrap import warden
from sandbox.settings import CHECKOUT
from tests.integration.quick_cluster import ApiFailure, Object, QuickCluster, until
from tests.unit.roles.test_rendered_manifests import ENVIRONMENTS, Rendered, folder  # noqa: F401

pytestmark = pytest.mark.cluster
INDEX = 63

ASSETS = CHECKOUT / ".sandbox" / "assets" / "crds"
LINE = CHECKOUT / "sandbox" / "charts" / "kserve-rhaii-xks" / "crds"
KINDS = (("serving.kserve.io/v1alpha1", "LLMInferenceService"), ("networking.istio.io/v1alpha3", "EnvoyFilter"))
NAMESPACES = ("rhaii-inference", "models", "opendatahub", "gateways")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QuickCluster]:
    """An API server with the CRDs of the line, of Gateway API and of Istio, and with GKE's warden."""
    with QuickCluster(tmp_path_factory.mktemp("strict") / "plane", INDEX) as made:
        files = [*sorted(LINE.glob("*.yaml")), ASSETS / "gateway-api" / "gateway.networking.k8s.io_httproutes.yaml"]
        definitions = [loaded(file.read_text(encoding="utf-8")) for file in files]
        istio = (ASSETS / "istio" / "customresourcedefinitions.gen.yaml").read_text(encoding="utf-8")
        definitions += [loaded(text) for text in istio.split("\n---\n") if "\n    kind: EnvoyFilter\n" in text]
        for item in [*definitions, *warden()]:
            made.api.apply(item, "installer")
        for name in NAMESPACES:
            made.api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}, "installer")
        until(lambda: all(is_served(made, *kind) for kind in KINDS), "the kinds")
        yield made


def loaded(text: str) -> Object:
    found: Object = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return found


def is_served(cluster: QuickCluster, version: str, kind: str) -> bool:
    try:
        return cluster.api.list(version, kind, "default") == []
    except (ApiFailure, KeyError):
        return False


def applied(cluster: QuickCluster, *objects: Object, text: str = "", check_mode: bool = False) -> Result:
    """As an edge ends it."""
    params = {
        "environment": "prod",
        "objects": None if text else list(objects),
        "manifests": text,
        "state": "present",
        "dependents": [],
        "definitions": [],
        "wait_timeout": 20,
        "wait_interval": 0.2,
        "kubeconfig": str(cluster.plane.kubeconfig),
    }
    assert CAPABILITY.ports is ports_of
    return execute(CAPABILITY, params, silent, check_mode=check_mode, diff_mode=True)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_rendered_document_is_valid_to_the_letter(
    cluster: QuickCluster,
    folder: Path,  # noqa: F811
    name: str,
) -> None:
    documents = Rendered(folder / name).everything
    result = applied(cluster, *documents, check_mode=True)
    assert not result.get("failed"), result["msg"]
    # each was asked
    assert [each["why"] for each in result["objects"]] == [""] * len(documents)


def service(**spec: Any) -> Object:
    return {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "LLMInferenceService",
        "metadata": {"name": "qwen", "namespace": "models"},
        "spec": {"model": {"uri": "hf://o/a", "name": "o/a"}, **spec},
    }


CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "before", "namespace": "models"}}
PROBE = {"httpGet": {"path": "/health", "portt": 8000, "port": 8000}}
WRONG = service(
    labels={"a": "b"},
    rolloutStrategy={"maxSurge": 0},
    template={"containers": [{"name": "main", "livenessProbe": PROBE}]},
)


def test_unknown_fields_are_all_named_with_their_lines_and_nothing_is_changed(cluster: QuickCluster) -> None:
    text = yaml.safe_dump_all([CONFIG, WRONG], explicit_start=True, sort_keys=False)
    for check_mode in (True, False):
        said = applied(cluster, text=text, check_mode=check_mode)["msg"]
        for field, line in (
            (".spec.labels", "labels:"),
            (".spec.rolloutStrategy", "rolloutStrategy:"),
            (".spec.template.containers[0].livenessProbe.httpGet.portt", "portt: 8000"),
        ):
            number = text.splitlines().index(next(each for each in text.splitlines() if each.strip() == line)) + 1
            # a list's item goes by its key in the API server's words
            named = field.replace("[0]", '[name="main"]')
            assert f"{named} is not known (line {number}: {line})" in said, said
        assert "Nothing was changed." in said
    assert cluster.api.find("v1", "ConfigMap", "models", "before") is None


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        pytest.param({"replicas": "3"}, ".spec.replicas is refused: expected numeric", id="type"),
        pytest.param({"model": {"name": "a"}}, ".spec.model.uri is refused: Required value", id="required"),
        pytest.param(
            {"model": {"uri": "hf://o/a", "criticality": "Utmost"}},
            ".spec.model.criticality is refused: Unsupported value",
            id="word that is none of them",
        ),
    ],
)
def test_values_that_the_schema_does_not_take_are_named(cluster: QuickCluster, spec: Object, words: str) -> None:
    said = applied(cluster, service(**spec))["msg"]
    assert f"LLMInferenceService models/qwen: {words}" in said


def test_field_of_a_kind_of_kubernetes_is_validated_too(cluster: QuickCluster) -> None:
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "own", "namespace": "models"},
        "spec": {"podSelector": {}, "ingresss": [], "ingress": [{"ports": [{"protocl": "TCP"}]}]},
    }
    said = applied(cluster, policy)["msg"]
    assert ".spec.ingress[0].ports[0].protocl is not known" in said
    assert ".spec.ingresss is not known" in said


def test_second_apply_changes_nothing(cluster: QuickCluster, folder: Path) -> None:  # noqa: F811
    documents = Rendered(folder / "pair").everything
    first = applied(cluster, *documents)
    assert not first.get("failed"), first["msg"]
    versions = {cluster.api.of(item): version_of(cluster, item) for item in documents}
    second = applied(cluster, *documents)
    assert second["changed"] is False
    assert {each["action"] for each in second["objects"]} == {"unchanged"}
    assert {cluster.api.of(item): version_of(cluster, item) for item in documents} == versions


def version_of(cluster: QuickCluster, item: Object) -> str:
    return str(cluster.api.call("GET", cluster.api.of(item))["metadata"]["resourceVersion"])


def test_namespace_of_the_same_set_is_not_missed(cluster: QuickCluster) -> None:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "fresh"}}
    config = {**CONFIG, "metadata": {"name": "one", "namespace": "fresh"}}
    assert [each["action"] for each in applied(cluster, config, namespace)["objects"]] == ["created", "created"]


def test_tpu_pod_without_selectors_is_refused_by_gkes_warden(cluster: QuickCluster) -> None:
    container = {"name": "main", "image": "x", "resources": {"limits": {"google.com/tpu": "4"}}}
    pod: Object = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "tpu", "namespace": "models"},
        "spec": {"containers": [container]},
    }
    until(lambda: is_refused(cluster, pod), "the warden")
    keys = ("cloud.google.com/gke-tpu-accelerator", "cloud.google.com/gke-tpu-topology")
    pod["spec"]["nodeSelector"] = {keys[0]: "tpu-v6e-slice"}
    assert is_refused(cluster, pod)
    pod["spec"]["nodeSelector"] = dict.fromkeys(keys, "x")
    assert not is_refused(cluster, pod)


def is_refused(cluster: QuickCluster, pod: Object) -> bool:
    path = cluster.api.path("v1", "Pod", "models")
    try:
        cluster.api.call("POST", path, pod, dryRun="All")
    except ApiFailure as error:
        # its account may be a moment behind its namespace
        if "service account" in str(error) or "serviceaccount" in str(error):
            return False
        assert "GKE Warden rejected the request" in str(error)
        return True
    return False
