# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cluster's authority and the small parts of the Kubernetes client."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from sandbox.control_plane.bootstrap import bootstrap_objects, definitions
from sandbox.control_plane.kube import Key, Reconciler, Resource, resource_of
from sandbox.control_plane.pki import Authority


def test_issued_certificate_names_its_hosts_and_groups(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "test authority")
    file, key = authority.issue("admin", "somebody", organizations=["system:masters"], hosts=["127.0.0.1", "localhost"])
    certificate = x509.load_pem_x509_certificate(file.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name) for name in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value == "system:masters"
    assert key.stat().st_mode & 0o777 == 0o600
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.pem.encode()))


def test_authority_and_certificates_are_made_once(tmp_path: Path) -> None:
    first = Authority(tmp_path, "test authority")
    before = first.issue("server", "server")[0].read_bytes()
    again = Authority(tmp_path, "test authority")
    assert again.pem == first.pem
    assert again.issue("server", "server")[0].read_bytes() == before


@pytest.mark.parametrize(
    ("resource", "arguments", "path"),
    [
        pytest.param(Resource("v1", "pods"), ("ns", "p", "log"), "/api/v1/namespaces/ns/pods/p/log", id="core"),
        pytest.param(Resource("apps/v1", "deployments"), (), "/apis/apps/v1/deployments", id="all namespaces"),
        pytest.param(Resource("v1", "nodes", False), ("ns", "n"), "/api/v1/nodes/n", id="cluster scoped"),
    ],
)
def test_path_of_a_resource(resource: Resource, arguments: tuple[str, ...], path: str) -> None:
    assert resource.path(*arguments) == path


@pytest.mark.parametrize(
    ("version", "brings"),
    [
        ("1.33.5-gke.1308000", False),
        ("1.34.0-gke.1625999", False),
        ("1.34.0-gke.1626000", True),
        ("1.34.1-gke.5", True),
        ("1.36.3-gke.1", True),
    ],
)
def test_gke_brings_the_kinds_of_the_gateway_api_from_a_version_on(tmp_path: Path, version: str, brings: bool) -> None:
    (tmp_path / "gateway-api").mkdir()
    (tmp_path / "gateway-api" / "a.yaml").write_text(
        "kind: CustomResourceDefinition\nmetadata: {name: a}\nstatus: {}\n"
    )
    found = definitions(version, tmp_path)
    names = ["a", "inferencepools.inference.networking.k8s.io"]
    assert [each["metadata"]["name"] for each in found] == (names if brings else [])
    assert all(each["metadata"]["labels"] == {"addonmanager.kubernetes.io/mode": "Reconcile"} for each in found)
    assert all("status" not in each for each in found)


@pytest.mark.parametrize(
    ("kind", "plural"),
    [("CertManager", "certmanagers"), ("NetworkPolicy", "networkpolicies"), ("Ingress", "ingresses")],
)
def test_unknown_kinds_are_pluralised_the_usual_way(kind: str, plural: str) -> None:
    assert resource_of({"apiVersion": "example.org/v1", "kind": kind, "metadata": {"name": "x"}}).plural == plural


async def test_reconciler_runs_once_for_many_changes_and_again_after_an_error() -> None:
    calls: list[Key] = []
    errors: list[str] = []

    async def reconcile(key: Key) -> None:
        calls.append(key)
        if len(calls) == 1:
            raise RuntimeError("not yet")

    reconciler = Reconciler(reconcile, on_error=lambda _, error: errors.append(str(error)), first_delay=0.0)
    for _ in range(3):
        reconciler.add(("ns", "name"))
    async with asyncio.timeout(5):
        while len(calls) < 2:
            await asyncio.sleep(0)
    await reconciler.stop()
    assert calls == [("ns", "name")] * 2
    assert errors == ["not yet"]


async def test_change_in_the_moment_of_the_end_does_not_keep_a_reconciler_alive() -> None:
    calls: list[Key] = []

    async def reconcile(key: Key) -> float:
        calls.append(key)
        return 0.001 if len(calls) > 1 else 3600.0

    reconciler = Reconciler(reconcile)
    reconciler.add(("ns", "name"))
    async with asyncio.timeout(5):
        while not calls:
            await asyncio.sleep(0)
        for _ in range(3):
            await asyncio.sleep(0)
        # the change that wakes the wait, and the end, come in one turn of the loop
        reconciler.add(("ns", "name"))
        await reconciler.stop()
        reconciler.add(("ns", "other"))
        await asyncio.sleep(0.01)
    assert calls == [("ns", "name")]


def test_every_cluster_has_gkes_warden_which_denies() -> None:
    made = {item["kind"]: item for item in bootstrap_objects(1) if "warden" in item["metadata"]["name"]}
    policy, binding = made["ValidatingAdmissionPolicy"]["spec"], made["ValidatingAdmissionPolicyBinding"]["spec"]
    assert binding == {"policyName": "gke-warden-tpu", "validationActions": ["Deny"]}
    assert policy["failurePolicy"] == "Fail"
    (rule,) = policy["matchConstraints"]["resourceRules"]
    assert (rule["resources"], rule["operations"]) == (["pods"], ["CREATE"])
    (validation,) = policy["validations"]
    for key in ("cloud.google.com/gke-tpu-accelerator", "cloud.google.com/gke-tpu-topology"):
        assert f"'{key}' in object.spec.nodeSelector" in validation["expression"]
        assert key in validation["message"]
