# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The certificate that a service's model pods and endpoint picker serve with."""

from __future__ import annotations

import base64
import datetime
from collections.abc import Iterable
from typing import Any

from sandbox.images import certificates
from sandbox.images.certificates import CertificateError, Pair, Request
from sandbox.images.kserve import names
from sandbox.images.times import stamp

Object = dict[str, Any]

LIFETIME = datetime.timedelta(days=3650)
RENEWAL = LIFETIME / 5
EXPIRATION = "certificates.kserve.io/expiration-v2"


def dns_names(service: Object, picker: str | None) -> list[str]:
    """Every name under which the certificate is shown; `picker` is the endpoint picker's Service, if there is one."""
    namespace = service["metadata"]["namespace"]
    found = ["localhost"]
    for name in (names.workload_service(service["metadata"]["name"]), picker):
        if name:
            found += [names.service_host(name, namespace), f"{name}.{namespace}.svc"]
    return sorted(found)


def ip_addresses(pods: Iterable[Object], services: Iterable[Object]) -> list[str]:
    """Every address: the pods' and their Services'."""
    found = {"127.0.0.1"}
    for pod in pods:
        status = pod.get("status") or {}
        found |= {status.get("podIP", ""), *[item.get("ip", "") for item in status.get("podIPs") or []]}
    for service in services:
        spec = service.get("spec") or {}
        found |= {spec.get("clusterIP", ""), *(spec.get("clusterIPs") or [])}
    return sorted(found - {"", "None"})


def authority(secret: Object) -> tuple[Pair, bytes]:
    """The signer in a CA secret, and what clients are to trust."""
    data = {key: base64.b64decode(value) for key, value in (secret.get("data") or {}).items()}
    place = f"{secret['metadata']['namespace']}/{secret['metadata']['name']}"
    for key in ("tls.crt", "tls.key"):
        if not data.get(key):
            raise CertificateError(f"CA secret {place} does not contain {key}")
    return Pair(data["tls.crt"], data["tls.key"]), data.get("ca.crt") or data["tls.crt"]


def without_address(pods: Iterable[Object]) -> bool:
    """Whether a pod has no address yet: KServe takes the missing one for one that the certificate lacks."""
    return any(not (pod.get("status") or {}).get("podIP") for pod in pods)


def usable(
    secret: Object | None, wanted_names: Iterable[str], wanted_addresses: Iterable[str], now: datetime.datetime
) -> bool:
    """Whether the secret that exists still does: complete, in time, and for all names and addresses."""
    if secret is None:
        return False
    expires = (secret["metadata"].get("annotations") or {}).get(EXPIRATION)
    if expires and datetime.datetime.fromisoformat(expires) < now:
        return False
    data = {key: base64.b64decode(value) for key, value in (secret.get("data") or {}).items()}
    if not all(data.get(key) for key in ("tls.crt", "tls.key", "ca.crt")):
        return False
    try:
        certificate = certificates.load_certificate(data["tls.crt"])
        key = certificates.load_key(data["tls.key"])
    except CertificateError:
        return False
    return (
        certificates.matches(certificate, key)
        and certificate.not_valid_after_utc > now
        and certificates.covers(certificate, wanted_names, wanted_addresses)
    )


def secret_for(
    service: Object,
    ca_secret: Object,
    wanted_names: list[str],
    wanted_addresses: list[str],
    now: datetime.datetime,
) -> Object:
    """A new secret. KServe takes 4,096 bits; 2,048 spare a rehearsal the seconds that such a key takes to make."""
    signer, trusted = authority(ca_secret)
    request = Request(
        organizations=["Kserve CA Signed"],
        dns_names=wanted_names,
        ip_addresses=wanted_addresses,
        lifetime=LIFETIME + RENEWAL,
    )
    pair = certificates.issue(request, certificates.new_key(), signer, now=now)
    name = service["metadata"]["name"]
    meta = names.metadata(service, names.certificate_secret(name), names.labels(name, "llminferenceservice-workload"))
    meta["annotations"] = {EXPIRATION: stamp(now + LIFETIME - RENEWAL)}
    content = {"tls.crt": pair.certificate, "tls.key": pair.key, "ca.crt": trusted}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": meta,
        "type": "kubernetes.io/tls",
        "data": {key: base64.b64encode(value).decode() for key, value in content.items()},
    }
