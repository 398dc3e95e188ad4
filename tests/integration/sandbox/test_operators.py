# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-in charts: the real Helm installs them, their programs run as pods, the API server asks their webhooks."""

from __future__ import annotations

import base64
import datetime
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Capability, execute
from ansible_collections.rhaii.gke.plugins.module_utils._object_annotations import CAPABILITY as object_annotations
from ansible_collections.rhaii.gke.plugins.module_utils._pull_access import CAPABILITY as pull_access
from ansible_collections.rhaii.gke.plugins.module_utils._waiting import CAPABILITY as wait_ready
from cryptography import x509
from cryptography.x509 import DNSName
from cryptography.x509.verification import PolicyBuilder, Store

import sandbox.images
from sandbox.control_plane.cluster import ControlPlane
from tests.integration.sandbox.charts import (
    CHARTS,
    PULL_SECRET,
    create_namespaces,
    helm,
    install,
    kubectl,
    staged,
    until,
)

pytestmark = pytest.mark.cluster
CLUSTER_INDEX = 86

NODE = {
    "name": "node-a",
    "number": 0,
    "pool": "default-pool",
    "machine_type": "n1-standard-4",
    "zone": "europe-west4-a",
    "labels": {},
    "taints": [],
    "capacity": {"cpu": "4", "memory": "15Gi", "pods": "110"},
    "version": "v1.36.3-gke.1",
    "provider_id": "gce://test-project/europe-west4-a/node-a",
}
PKI = """
apiVersion: cert-manager.io/v1
kind: ClusterIssuer
metadata: {name: opendatahub-selfsigned-issuer}
spec: {selfSigned: {}}
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: opendatahub-ca, namespace: cert-manager}
spec:
  secretName: opendatahub-ca
  isCA: true
  commonName: opendatahub-ca
  duration: 87600h
  renewBefore: 2160h
  privateKey: {algorithm: RSA, size: 2048}
  issuerRef: {name: opendatahub-selfsigned-issuer, kind: ClusterIssuer, group: cert-manager.io}
---
apiVersion: cert-manager.io/v1
kind: ClusterIssuer
metadata: {name: opendatahub-ca-issuer}
spec: {ca: {secretName: opendatahub-ca}}
"""


def account(namespace: str, name: str) -> str:
    """A service account with the operators' registry credentials."""
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"namespace": namespace, "name": name},
            "imagePullSecrets": [{"name": "redhat-pull-secret"}],
        }
    )


@pytest.fixture(scope="module")
def installed(cluster: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> ControlPlane:
    """A cluster with one node and all four charts, installed in upstream's order."""
    (cluster.directory / "nodes.json").write_text(json.dumps([NODE]), encoding="utf-8")
    charts = staged(cluster, tmp_path_factory.mktemp("charts") / "staged")
    create_namespaces(cluster, "cert-manager", "istio-system", "openshift-lws-operator", "opendatahub")
    kubectl(cluster, "apply", "-f", "-", stdin=account("istio-system", "istiod"))
    kubectl(cluster, "apply", "-f", "-", stdin=account("openshift-lws-operator", "lws-controller-manager"))
    pull_secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "redhat-pull-secret", "namespace": "opendatahub"},
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": base64.b64encode(PULL_SECRET.encode()).decode()},
    }
    kubectl(cluster, "apply", "-f", "-", stdin=json.dumps(pull_secret))
    for name in ("cert-manager-operator", "sail-operator", "lws-operator"):
        install(cluster, charts, name)
    wanted = {
        "apiVersion": "operator.openshift.io/v1",
        "kind": "LeaderWorkerSetOperator",
        "metadata": {"name": "cluster"},
        "spec": {"managementState": "Managed"},
    }
    kubectl(cluster, "apply", "-f", "-", stdin=json.dumps(wanted))
    # the proof that cert-manager's webhook serves: the API server asks it even in a dry run
    until(lambda: kubectl(cluster, "apply", "--dry-run=server", "-f", "-", stdin=PKI))
    kubectl(cluster, "apply", "-f", "-", stdin=PKI)
    kubectl(cluster, "wait", "--for=condition=Ready", "clusterissuer/opendatahub-ca-issuer", "--timeout=60s")
    install(cluster, charts, "kserve-rhaii-xks")
    return cluster


def capability(cluster: ControlPlane, done: Capability[Any], **given: Any) -> Any:
    """What the collection does to it."""
    params = {"kubeconfig": str(cluster.kubeconfig), "wait_timeout": 60, "wait_interval": 0.5, **given}
    result = execute(done, params, print, check_mode=False, diff_mode=False)
    assert not result.get("failed"), result
    return result


# These two come first: they find the cluster as the charts leave it.


def test_controller_of_kserve_cannot_pull_until_its_account_is_patched(installed: ControlPlane) -> None:
    arguments = ("pods", "-n", "opendatahub", "-l", "control-plane=kserve-controller-manager")

    def refused() -> str:
        (pod,) = get(installed, *arguments)["items"]
        (container,) = pod["status"].get("containerStatuses") or [{"state": {}}]
        reason = container["state"].get("waiting", {}).get("reason", "")
        assert reason in ("ErrImagePull", "ImagePullBackOff"), reason
        return str(pod["metadata"]["name"])

    stuck = until(refused)
    account = {"namespace": "opendatahub", "name": "kserve-controller-manager", "create": False}
    given = {"environment": "test", "secret": "redhat-pull-secret", "state": "present", "renew_pods": True}
    result = capability(installed, pull_access, accounts=[{**account, "labels": {}, "annotations": {}}], **given)
    assert result["pods"] == [f"opendatahub/{stuck}"]
    waited = {"deployments": ["opendatahub/kserve-controller-manager"], "objects": []}
    assert capability(installed, wait_ready, **waited)["ready"]


def test_operator_of_istio_goes_on_for_ever_until_its_webhooks_are_annotated(installed: ControlPlane) -> None:
    webhooks = (
        ("MutatingWebhookConfiguration", "istio-sidecar-injector"),
        ("ValidatingWebhookConfiguration", "istio-validator-istio-system"),
    )

    def generations() -> list[int]:
        return [get(installed, kind, name)["metadata"]["generation"] for kind, name in webhooks]

    def grown(before: list[int]) -> str:
        assert all(now > then + 1 for now, then in zip(generations(), before, strict=True))
        return ""

    kubectl(installed, "rollout", "status", "deployment/istiod", "-n", "istio-system", "--timeout=60s")
    before = generations()
    until(lambda: grown(before), seconds=20)
    group = {"api_version": "admissionregistration.k8s.io/v1", "namespace": ""}
    objects = [{**group, "kind": kind, "name": name} for kind, name in webhooks]
    capability(installed, object_annotations, objects=objects, annotations={"sailoperator.io/ignore": "true"})
    time.sleep(3)  # what had begun ends
    after = generations()
    time.sleep(4)
    assert generations() == after


def get(cluster: ControlPlane, *arguments: str) -> Any:
    """What kubectl gets, parsed."""
    return json.loads(kubectl(cluster, "get", *arguments, "-o", "json"))


@pytest.mark.parametrize(
    ("namespace", "selector", "names"),
    [
        ("cert-manager-operator", "name=cert-manager-operator", {"cert-manager-operator-controller-manager"}),
        (
            "cert-manager",
            "app.kubernetes.io/instance=cert-manager",
            {"cert-manager", "cert-manager-cainjector", "cert-manager-webhook"},
        ),
        ("istio-system", "control-plane=servicemesh-operator3", {"servicemesh-operator3"}),
        ("istio-system", "app=istiod", {"istiod"}),
        ("openshift-lws-operator", "name=openshift-lws-operator", {"openshift-lws-operator"}),
        ("openshift-lws-operator", "control-plane=controller-manager", {"lws-controller-manager"}),
        ("opendatahub", "control-plane=kserve-controller-manager", {"kserve-controller-manager"}),
    ],
    ids=["cert-manager-operator", "cert-manager", "sail", "istiod", "lws-operator", "lws", "kserve"],
)
def test_pods_run_where_checks_look_for_them(
    installed: ControlPlane, namespace: str, selector: str, names: set[str]
) -> None:
    for name in names:
        kubectl(installed, "rollout", "status", f"deployment/{name}", "-n", namespace, "--timeout=60s")
    pods = get(installed, "pods", "-n", namespace, "-l", selector)["items"]
    assert {pod["metadata"]["generateName"].rpartition("-")[0].rpartition("-")[0] for pod in pods} == names
    assert {pod["status"]["phase"] for pod in pods} == {"Running"}


def test_operators_report_their_operands(installed: ControlPlane) -> None:
    for name in ("istio/default", "istiorevision/default"):
        kubectl(installed, "wait", "--for=jsonpath={.status.state}=Healthy", name, "--timeout=60s")
    assert get(installed, "istio", "default")["status"]["revisions"] == {"total": 1, "ready": 1, "inUse": 1}
    for component in ("controller", "cainjector", "webhook"):
        kind = f"cert-manager-{component}-deploymentAvailable"
        kubectl(installed, "wait", f"--for=condition={kind}", "certmanager/cluster", "--timeout=60s")
    kubectl(installed, "wait", "--for=condition=Available", "leaderworkersetoperator/cluster", "--timeout=60s")


def test_expected_crds_are_established(installed: ControlPlane) -> None:
    found = {
        item["metadata"]["name"]
        for item in get(installed, "crd")["items"]
        if any(
            entry["type"] == "Established" and entry["status"] == "True"
            for entry in item["status"].get("conditions") or []
        )
    }
    assert found >= {
        *(f"{name}.cert-manager.io" for name in ("certificaterequests", "certificates", "clusterissuers", "issuers")),
        *(
            f"{name}.sailoperator.io"
            for name in ("istiocnis", "istiorevisions", "istiorevisiontags", "istios", "ztunnels")
        ),
        "leaderworkersets.leaderworkerset.x-k8s.io",
        "llminferenceservices.serving.kserve.io",
        "llminferenceserviceconfigs.serving.kserve.io",
        "inferencepools.inference.networking.k8s.io",
        *(
            f"{name}.inference.networking.x-k8s.io"
            for name in ("inferencemodels", "inferenceobjectives", "inferencepools")
        ),
        *(f"{name}.gateway.networking.k8s.io" for name in ("gateways", "gatewayclasses", "httproutes")),
        "envoyfilters.networking.istio.io",
        "servicemonitors.monitoring.coreos.com",
    }


def test_issued_certificate_is_valid_for_its_name(installed: ControlPlane) -> None:
    data = get(installed, "secret", "kserve-webhook-server-cert", "-n", "opendatahub")["data"]
    leaf = x509.load_pem_x509_certificate(base64.b64decode(data["tls.crt"]))
    trusted = x509.load_pem_x509_certificate(base64.b64decode(data["ca.crt"]))
    name = DNSName("kserve-webhook-server-service.opendatahub.svc")
    verifier = PolicyBuilder().store(Store([trusted])).time(datetime.datetime.now()).build_server_verifier(name)
    assert verifier.verify(leaf, [])[-1] == trusted


@pytest.mark.parametrize(
    ("manifest", "problem"),
    [
        (
            "{apiVersion: cert-manager.io/v1, kind: ClusterIssuer, metadata: {name: bad}, spec: {}}",
            "at least one issuer",
        ),
        (
            "{apiVersion: serving.kserve.io/v1alpha1, kind: LLMInferenceService, metadata: {name: bad, namespace: "
            "default}, spec: {model: {uri: 'hf://a/b'}, parallelism: {data: 2}}}",
            "data and dataLocal must be set together",
        ),
        (
            # not served by the release of the guide's chart
            "{apiVersion: serving.kserve.io/v1alpha2, kind: LLMInferenceService, metadata: {name: bad, namespace: "
            "default}, spec: {model: {uri: 'hf://a/b'}}}",
            "no matches for kind",
        ),
        (
            "{apiVersion: serving.kserve.io/v1alpha1, kind: LLMInferenceServiceConfig, metadata: {name: bad, "
            "namespace: default}, spec: {parallelism: {dataLocal: 2}}}",
            "data and dataLocal must be set together",
        ),
    ],
    ids=["issuer", "service", "newer-version", "configuration"],
)
def test_webhooks_refuse(installed: ControlPlane, manifest: str, problem: str) -> None:
    with pytest.raises(AssertionError, match=problem):
        until(lambda: kubectl(installed, "apply", "--dry-run=server", "-f", "-", stdin=manifest), seconds=0)


def test_second_installation_changes_no_deployment(installed: ControlPlane, tmp_path: Path) -> None:
    def generations() -> dict[str, int]:
        return {
            item["metadata"]["name"]: item["metadata"]["generation"] for item in get(installed, "deploy", "-A")["items"]
        }

    before = generations()
    charts = staged(installed, tmp_path / "staged")
    for name in ("cert-manager-operator", "kserve-rhaii-xks"):
        install(installed, charts, name)
    assert generations() == before


@pytest.mark.parametrize("name", sorted(CHARTS))
def test_chart_passes_helms_lint_and_names_images_that_there_are(
    cluster: ControlPlane, checkout: Path, name: str
) -> None:
    chart = str(checkout / "sandbox" / "charts" / name)
    helm(cluster, "lint", "--strict", chart)
    known = {
        reference
        for file in Path(sandbox.images.__file__).parent.glob("*/image.yml")
        for entry in [yaml.safe_load(file.read_text(encoding="utf-8"))]
        for image in (entry if isinstance(entry, list) else [entry])
        for reference in image["references"]
    }
    rendered = helm(cluster, "template", name, chart, "--namespace", CHARTS[name])
    images = set(re.findall(r"(registry\.redhat\.io/[\w./-]+)[:@][\w.:-]+", rendered))
    assert images
    assert images <= known
