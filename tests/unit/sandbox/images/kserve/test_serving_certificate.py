# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The certificate that model pods and endpoint picker serve with."""

from __future__ import annotations

import base64
import datetime
from typing import Any

import pytest

from sandbox.images import certificates
from sandbox.images.certificates import CertificateError, Pair, Request
from sandbox.images.kserve import serving_certificate
from tests.unit.sandbox.images.kserve.services import service

NOW = datetime.datetime(2026, 11, 24, tzinfo=datetime.UTC)


@pytest.fixture(scope="module")
def ca_secret() -> dict[str, Any]:
    pair = certificates.issue(
        Request(common_name="ca", authority=True, lifetime=datetime.timedelta(days=3650)),
        certificates.new_key("ECDSA"),
        now=NOW,
    )
    data = {"tls.crt": pair.certificate, "tls.key": pair.key}
    return {
        "metadata": {"namespace": "cert-manager", "name": "opendatahub-ca"},
        "data": {key: base64.b64encode(value).decode() for key, value in data.items()},
    }


def test_names_are_those_of_both_services() -> None:
    assert serving_certificate.dns_names(service(), "qwen-epp-service") == [
        "localhost",
        "qwen-epp-service.team.svc",
        "qwen-epp-service.team.svc.cluster.local",
        "qwen-kserve-workload-svc.team.svc",
        "qwen-kserve-workload-svc.team.svc.cluster.local",
    ]
    assert len(serving_certificate.dns_names(service(), None)) == 3


def test_addresses_are_those_of_pods_and_services() -> None:
    pods: list[dict[str, Any]] = [{"status": {"podIP": "10.1.1.2", "podIPs": [{"ip": "10.1.1.2"}]}}, {"status": {}}]
    services: list[dict[str, Any]] = [
        {"spec": {"clusterIP": "10.1.128.9", "clusterIPs": ["10.1.128.9"]}},
        {"spec": {"clusterIP": "None"}},
    ]
    assert serving_certificate.ip_addresses(pods, services) == ["10.1.1.2", "10.1.128.9", "127.0.0.1"]


def test_secret_is_signed_and_covers_what_is_asked(ca_secret: dict[str, Any]) -> None:
    names, addresses = ["localhost", "a.team.svc"], ["10.1.1.2"]
    secret = serving_certificate.secret_for(service(), ca_secret, names, addresses, NOW)
    assert secret["metadata"]["name"] == "qwen-kserve-self-signed-certs"
    certificate = certificates.load_certificate(base64.b64decode(secret["data"]["tls.crt"]))
    signer, trusted = serving_certificate.authority(ca_secret)
    assert certificates.issued_by(certificate, certificates.load_certificate(signer.certificate))
    assert base64.b64decode(secret["data"]["ca.crt"]) == trusted
    assert serving_certificate.usable(secret, names, addresses, NOW)
    assert not serving_certificate.usable(secret, names, [*addresses, "10.1.1.3"], NOW)
    assert not serving_certificate.usable(secret, [*names, "b"], addresses, NOW)
    assert serving_certificate.usable(secret, names[:1], [], NOW)
    assert not serving_certificate.usable(secret, names, addresses, NOW + datetime.timedelta(days=3000))
    assert serving_certificate.usable(secret, names, addresses, NOW + datetime.timedelta(days=2900))
    other = serving_certificate.secret_for(service(), ca_secret, names, addresses, NOW)
    mixed = {**secret, "data": {**secret["data"], "tls.key": other["data"]["tls.key"]}}
    assert not serving_certificate.usable(mixed, names, addresses, NOW)


def test_nothing_usable_in_missing_or_broken_secrets() -> None:
    assert not serving_certificate.usable(None, [], [], NOW)
    assert not serving_certificate.usable({"metadata": {}, "data": {"tls.crt": "eA=="}}, [], [], NOW)
    broken = {"metadata": {}, "data": {"tls.crt": "eA==", "tls.key": "eA==", "ca.crt": "eA=="}}
    assert not serving_certificate.usable(broken, [], [], NOW)


@pytest.mark.parametrize("missing", ["tls.crt", "tls.key"])
def test_incomplete_authority_is_named(ca_secret: dict[str, Any], missing: str) -> None:
    data = {key: value for key, value in ca_secret["data"].items() if key != missing}
    with pytest.raises(CertificateError, match=f"cert-manager/opendatahub-ca does not contain {missing}"):
        serving_certificate.authority({**ca_secret, "data": data})


def test_authority_may_bring_its_own_trust(ca_secret: dict[str, Any]) -> None:
    root = base64.b64encode(b"root").decode()
    pair, trusted = serving_certificate.authority({**ca_secret, "data": {**ca_secret["data"], "ca.crt": root}})
    assert isinstance(pair, Pair)
    assert trusted == b"root"
