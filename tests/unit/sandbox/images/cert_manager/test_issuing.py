# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What issuers and certificates must be, and when a certificate is due."""

from __future__ import annotations

import base64
import datetime
from typing import Any

import pytest

from sandbox.images import certificates
from sandbox.images.cert_manager import issuing
from sandbox.images.certificates import CertificateError, Pair, Request

NOW = datetime.datetime(2026, 11, 24, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)


def authority(name: str = "ca") -> Pair:
    request = Request(common_name=name, authority=True, lifetime=3650 * DAY)
    return certificates.issue(request, certificates.new_key("ECDSA"), now=NOW)


def secret(pair: Pair, **more: str) -> dict[str, Any]:
    data = {"tls.crt": pair.certificate, "tls.key": pair.key}
    encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
    return {"metadata": {"namespace": "n", "name": "s"}, "data": {**encoded, **more}}


def certificate(**spec: Any) -> dict[str, Any]:
    whole = {
        "secretName": "s",
        "issuerRef": {"name": "i", "kind": "ClusterIssuer"},
        "dnsNames": ["a.team.svc"],
        "ipAddresses": ["10.1.1.2"],
        **spec,
    }
    return {"metadata": {"namespace": "n", "name": "c"}, "spec": whole}


@pytest.mark.parametrize(
    ("text", "seconds"), [("2160h", 7776000), ("1h30m", 5400), ("90s", 90), ("1.5h", 5400), ("500ms", 0.5)]
)
def test_durations(text: str, seconds: float) -> None:
    assert issuing.duration(text).total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "90", "1d", "h", "1h x"])
def test_text_that_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="no duration"):
        issuing.duration(text)


@pytest.mark.parametrize("spec", [{"selfSigned": {}}, {"ca": {"secretName": "s"}}, {"vault": {"server": "x"}}])
def test_issuer_passes(spec: dict[str, Any]) -> None:
    assert issuing.issuer_problems(spec) == []


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({}, "at least one issuer"),
        ({"selfSigned": {}, "ca": {"secretName": "s"}}, "more than one"),
        ({"ca": {}}, "secretName"),
    ],
    ids=["none", "two", "no-secret"],
)
def test_issuer_is_refused(spec: dict[str, Any], problem: str) -> None:
    assert problem in issuing.issuer_problems(spec)[0]


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({"secretName": ""}, "spec.secretName"),
        ({"issuerRef": {}}, "spec.issuerRef.name"),
        ({"dnsNames": [], "ipAddresses": []}, "at least one of"),
        ({"commonName": "x" * 65}, "64 bytes"),
        ({"duration": "30m"}, "greater than 1h"),
        ({"duration": "2h", "renewBefore": "2h"}, "renewBefore"),
        ({"duration": "soon"}, "no duration"),
    ],
    ids=["secret", "issuer", "names", "long", "short", "before", "text"],
)
def test_certificate_is_refused(spec: dict[str, Any], problem: str) -> None:
    assert problem in issuing.certificate_problems(certificate(**spec)["spec"])[0]


def test_certificate_passes() -> None:
    spec = certificate(duration="87600h", renewBefore="2160h", commonName="opendatahub-ca", isCA=True)["spec"]
    assert issuing.certificate_problems(spec) == []


def test_request_says_what_the_certificate_asks_for() -> None:
    spec = certificate(commonName="x", isCA=True, duration="2160h", usages=["client auth"])["spec"]
    request = issuing.request_for(spec)
    assert (request.common_name, request.authority, request.client) == ("x", True, True)
    assert request.lifetime == 90 * DAY


def issued(spec: dict[str, Any], signer: Pair | None) -> Pair:
    return certificates.issue(issuing.request_for(spec), certificates.new_key("ECDSA"), signer, now=NOW)


def test_issued_certificate_is_not_due_until_a_third_of_its_life_is_left() -> None:
    spec, signer = certificate(duration="2160h")["spec"], authority()
    kept = secret(issued(spec, signer))
    assert issuing.due(spec, kept, signer, NOW) == ""
    assert issuing.due(spec, kept, signer, NOW + 59 * DAY) == ""
    assert issuing.due(spec, kept, signer, NOW + 60 * DAY) == "Renewing"
    assert issuing.due(spec, kept, signer, NOW + 90 * DAY) == "Expired"


def test_reasons_for_a_new_certificate() -> None:
    spec, signer = certificate()["spec"], authority()
    pair = issued(spec, signer)
    assert issuing.due(spec, None, signer, NOW) == "DoesNotExist"
    assert issuing.due(spec, {"metadata": {}, "data": {}}, signer, NOW) == "MissingData"
    assert issuing.due(spec, secret(pair, **{"tls.crt": "eA=="}), signer, NOW) == "InvalidCertificate"
    mixed = Pair(pair.certificate, issued(spec, signer).key)
    assert issuing.due(spec, secret(mixed), signer, NOW) == "InvalidKeyPair"
    changed = certificate(dnsNames=["b.team.svc"])["spec"]
    assert issuing.due(changed, secret(pair), signer, NOW) == "SecretMismatch"
    assert issuing.due(spec, secret(pair), authority(), NOW) == "IncorrectIssuer"


def test_self_signed_certificate_needs_no_signer() -> None:
    spec = certificate(isCA=True)["spec"]
    assert issuing.due(spec, secret(issued(spec, None)), None, NOW) == ""


def test_authority_of_an_issuer() -> None:
    pair = authority()
    assert issuing.ca_pair(secret(pair), "s") == pair


@pytest.mark.parametrize("case", ["missing", "empty", "leaf", "mixed"])
def test_authority_that_cannot_sign_is_told(case: str) -> None:
    pair = authority()
    leaf = certificates.issue(Request(common_name="x"), certificates.new_key("ECDSA"), now=NOW)
    found: dict[str, Any] | None = {
        "missing": None,
        "empty": {"metadata": {}, "data": {}},
        "leaf": secret(leaf),
        "mixed": secret(Pair(pair.certificate, leaf.key)),
    }[case]
    with pytest.raises(CertificateError, match="keypair for CA issuer"):
        issuing.ca_pair(found, "s")


def test_secret_carries_pair_trust_and_annotations() -> None:
    pair = authority()
    found = issuing.issued_secret(certificate(), pair, b"root")
    assert found["type"] == "kubernetes.io/tls"
    assert issuing.decoded(found) == {"tls.crt": pair.certificate, "tls.key": pair.key, "ca.crt": b"root"}
    assert found["metadata"]["annotations"]["cert-manager.io/issuer-kind"] == "ClusterIssuer"
    assert found["metadata"]["annotations"]["cert-manager.io/certificate-name"] == "c"


def test_times_of_a_certificate() -> None:
    spec = certificate(duration="2160h", renewBefore="24h")["spec"]
    times = issuing.certificate_times(secret(issued(spec, None)), spec)
    assert times["notAfter"] == "2027-02-22T00:00:00Z"
    assert times["renewalTime"] == "2027-02-21T00:00:00Z"


def test_ready_keeps_its_time_while_its_status_stays() -> None:
    first = issuing.ready_condition({}, 1, True, "A", "", "t1")
    second = issuing.ready_condition({"conditions": first}, 2, True, "B", "", "t2")
    third = issuing.ready_condition({"conditions": second}, 2, False, "C", "", "t3")
    assert [item[0]["lastTransitionTime"] for item in (first, second, third)] == ["t1", "t1", "t3"]
    assert second[0]["observedGeneration"] == 2


@pytest.mark.parametrize(("algorithm", "size"), [("RSA", 2048), ("ECDSA", 384), ("Ed25519", 0)])
def test_keys_sign_with_every_algorithm(algorithm: str, size: int) -> None:
    pair = certificates.issue(Request(common_name="x", authority=True), certificates.new_key(algorithm, size), now=NOW)
    leaf = certificates.issue(Request(dns_names=["y"]), certificates.new_key("ECDSA"), pair, now=NOW)
    ours, theirs = (certificates.load_certificate(item.certificate) for item in (leaf, pair))
    assert certificates.issued_by(ours, theirs)
    assert certificates.is_authority(theirs)
    assert not certificates.is_authority(ours)


@pytest.mark.parametrize(("algorithm", "size"), [("DSA", 0), ("ECDSA", 100)])
def test_keys_that_there_are_not(algorithm: str, size: int) -> None:
    with pytest.raises(CertificateError):
        certificates.new_key(algorithm, size)
