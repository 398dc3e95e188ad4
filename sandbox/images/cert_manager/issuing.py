# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decisions about issuers and certificates: what is wrong with one, what a certificate is to say, when it is due."""

from __future__ import annotations

import base64
import datetime
import re
from typing import Any

from sandbox.images import certificates
from sandbox.images.cert_manager.names import GROUP
from sandbox.images.certificates import CertificateError, Pair, Request
from sandbox.images.times import stamp

Object = dict[str, Any]

KINDS = ("selfSigned", "ca", "acme", "vault", "venafi")
SERVED_KINDS = ("selfSigned", "ca")
DEFAULT_LIFETIME = datetime.timedelta(days=90)
LEAST_LIFETIME = datetime.timedelta(hours=1)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s)")
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def duration(text: str) -> datetime.timedelta:
    """A Go duration, such as 2160h or 1h30m; ValueError for anything else."""
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is no duration such as 2160h or 1h30m")
    return datetime.timedelta(seconds=sum(float(number) * _UNITS[unit] for number, unit in parts))


def issuer_problems(spec: Object) -> list[str]:
    """What the webhook refuses in an Issuer or ClusterIssuer."""
    found = [kind for kind in KINDS if kind in spec]
    if not found:
        return ["spec: Required value: at least one issuer must be configured"]
    if len(found) > 1:
        return [f"spec.{found[1]}: Forbidden: may not specify more than one issuer type"]
    if found == ["ca"] and not (spec["ca"] or {}).get("secretName"):
        return ["spec.ca.secretName: Required value"]
    return []


def certificate_problems(spec: Object) -> list[str]:
    """What the webhook refuses in a Certificate."""
    found = []
    if not spec.get("secretName"):
        found.append("spec.secretName: Required value: must be specified")
    if not (spec.get("issuerRef") or {}).get("name"):
        found.append("spec.issuerRef.name: Required value: must be specified")
    if not any(spec.get(key) for key in ("commonName", "dnsNames", "ipAddresses", "uris", "literalSubject")):
        found.append("spec: Invalid value: at least one of commonName, dnsNames, ipAddresses and uris must be set")
    if len(spec.get("commonName") or "") > 64:
        found.append("spec.commonName: Too long: may not be more than 64 bytes")
    try:
        lifetime, before = lifetimes(spec)
    except ValueError as error:
        return [*found, f"spec: Invalid value: {error}"]
    if lifetime < LEAST_LIFETIME:
        found.append("spec.duration: Invalid value: certificate duration must be greater than 1h")
    if before >= lifetime:
        found.append("spec.renewBefore: Invalid value: certificate duration must be greater than renewBefore")
    return found


def lifetimes(spec: Object) -> tuple[datetime.timedelta, datetime.timedelta]:
    """How long a certificate lives, and how long before its end it is due."""
    lifetime = duration(spec["duration"]) if spec.get("duration") else DEFAULT_LIFETIME
    return lifetime, duration(spec["renewBefore"]) if spec.get("renewBefore") else lifetime / 3


def request_for(spec: Object) -> Request:
    """What the certificate is to say."""
    return Request(
        common_name=spec.get("commonName") or "",
        organizations=(spec.get("subject") or {}).get("organizations") or [],
        dns_names=spec.get("dnsNames") or [],
        ip_addresses=spec.get("ipAddresses") or [],
        uris=spec.get("uris") or [],
        authority=bool(spec.get("isCA")),
        client="client auth" in (spec.get("usages") or []),
        lifetime=lifetimes(spec)[0],
    )


def ca_pair(secret: Object | None, place: str) -> Pair:
    """The signer in an issuer's secret; CertificateError says what is missing."""
    if secret is None:
        raise CertificateError(f'Error getting keypair for CA issuer: secrets "{place}" not found')
    data = decoded(secret)
    if not data.get("tls.crt") or not data.get("tls.key"):
        raise CertificateError(f"Error getting keypair for CA issuer: secret {place} has no tls.crt and tls.key")
    pair = Pair(data["tls.crt"], data["tls.key"])
    certificate = certificates.load_certificate(pair.certificate)
    if not certificates.is_authority(certificate):
        raise CertificateError("Error getting keypair for CA issuer: certificate is not a CA")
    if not certificates.matches(certificate, certificates.load_key(pair.key)):
        raise CertificateError("Error getting keypair for CA issuer: certificate and key do not belong together")
    return pair


def decoded(secret: Object) -> dict[str, bytes]:
    """A secret's data."""
    return {key: base64.b64decode(value) for key, value in (secret.get("data") or {}).items()}


def due(spec: Object, secret: Object | None, signer: Pair | None, now: datetime.datetime) -> str:
    """Why the certificate in `secret` must be issued anew; empty when it need not."""
    if secret is None:
        return "DoesNotExist"
    data = decoded(secret)
    if not data.get("tls.crt") or not data.get("tls.key"):
        return "MissingData"
    try:
        certificate = certificates.load_certificate(data["tls.crt"])
        key = certificates.load_key(data["tls.key"])
    except CertificateError:
        return "InvalidCertificate"
    if not certificates.matches(certificate, key):
        return "InvalidKeyPair"
    request = request_for(spec)
    known_names, known_addresses = certificates.alternative_names(certificate)
    if known_names != set(request.dns_names) or known_addresses != set(request.ip_addresses):
        return "SecretMismatch"
    if signer is not None and not certificates.issued_by(
        certificate, certificates.load_certificate(signer.certificate)
    ):
        return "IncorrectIssuer"
    if certificate.not_valid_after_utc - lifetimes(spec)[1] <= now:
        return "Expired" if certificate.not_valid_after_utc <= now else "Renewing"
    return ""


def issued_secret(certificate: Object, pair: Pair, trusted: bytes) -> Object:
    """The secret that a Certificate asks for."""
    spec, meta = certificate["spec"], certificate["metadata"]
    reference = spec["issuerRef"]
    template = spec.get("secretTemplate") or {}
    content = {"tls.crt": pair.certificate, "tls.key": pair.key, "ca.crt": trusted}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": spec["secretName"],
            "namespace": meta["namespace"],
            "labels": {f"controller.{GROUP}/fao": "true", **(template.get("labels") or {})},
            "annotations": {
                **(template.get("annotations") or {}),
                f"{GROUP}/certificate-name": meta["name"],
                f"{GROUP}/issuer-name": reference["name"],
                f"{GROUP}/issuer-kind": reference.get("kind", "Issuer"),
                f"{GROUP}/issuer-group": reference.get("group", GROUP),
                f"{GROUP}/common-name": spec.get("commonName", ""),
                f"{GROUP}/alt-names": ",".join(spec.get("dnsNames") or []),
                f"{GROUP}/ip-sans": ",".join(spec.get("ipAddresses") or []),
                f"{GROUP}/uri-sans": ",".join(spec.get("uris") or []),
            },
        },
        "type": "kubernetes.io/tls",
        "data": {key: base64.b64encode(value).decode() for key, value in content.items()},
    }


def certificate_times(secret: Object, spec: Object) -> Object:
    """notBefore, notAfter and renewalTime of a Certificate's status."""
    certificate = certificates.load_certificate(decoded(secret)["tls.crt"])
    return {
        "notBefore": stamp(certificate.not_valid_before_utc),
        "notAfter": stamp(certificate.not_valid_after_utc),
        "renewalTime": stamp(certificate.not_valid_after_utc - lifetimes(spec)[1]),
    }


def ready_condition(status: Object, generation: int, ready: bool, reason: str, message: str, now: str) -> list[Object]:
    """status.conditions with Ready set; its time moves only when its status does."""
    known = {item["type"]: item for item in status.get("conditions") or []}
    before = known.get("Ready", {})
    value = "True" if ready else "False"
    known["Ready"] = {
        "type": "Ready",
        "status": value,
        "reason": reason,
        "message": message,
        "observedGeneration": generation,
        "lastTransitionTime": before["lastTransitionTime"] if before.get("status") == value else now,
    }
    return [known[kind] for kind in sorted(known)]
