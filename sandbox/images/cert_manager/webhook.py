# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""cert-manager's webhook: it makes its own authority, serves with a certificate of it, and judges objects."""

from __future__ import annotations

import base64
import datetime
import ssl
from pathlib import Path
from typing import Any

from sandbox.control_plane.kube import SECRET, Conflict, KubeClient
from sandbox.images import certificates
from sandbox.images.cert_manager import issuing
from sandbox.images.cert_manager.names import WEBHOOK_SECRET, WEBHOOK_SERVICE
from sandbox.images.certificates import Pair, Request

Object = dict[str, Any]

LIFETIME = datetime.timedelta(days=365)


def problems(request: Object) -> list[str]:
    """What is wrong with the object under review."""
    spec = (request.get("object") or {}).get("spec") or {}
    kind = (request.get("kind") or {}).get("kind")
    if kind in ("Issuer", "ClusterIssuer"):
        return issuing.issuer_problems(spec)
    return issuing.certificate_problems(spec) if kind == "Certificate" else []


def new_authority(now: datetime.datetime) -> Pair:
    """The webhook's own authority."""
    request = Request(common_name=WEBHOOK_SECRET, authority=True, lifetime=LIFETIME)
    return certificates.issue(request, certificates.new_key("ECDSA"), now=now)


def authority_secret(pair: Pair, namespace: str) -> Object:
    """The secret that keeps the authority, and that the CA injector reads."""
    content = {"ca.crt": pair.certificate, "tls.crt": pair.certificate, "tls.key": pair.key}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": WEBHOOK_SECRET, "namespace": namespace},
        "type": "Opaque",
        "data": {key: base64.b64encode(value).decode() for key, value in content.items()},
    }


def serving_pair(authority: Pair, namespace: str, now: datetime.datetime) -> Pair:
    """What the webhook serves with."""
    names = [f"{WEBHOOK_SERVICE}{ending}" for ending in ("", f".{namespace}", f".{namespace}.svc")]
    return certificates.issue(
        Request(dns_names=names, lifetime=LIFETIME), certificates.new_key("ECDSA"), authority, now=now
    )


async def kept_authority(client: KubeClient, namespace: str) -> Pair:
    """The authority of the cluster, made by whichever webhook pod is first."""
    secret = await client.find(SECRET, WEBHOOK_SECRET, namespace)
    if secret is None:
        try:
            secret = await client.create(
                authority_secret(new_authority(datetime.datetime.now(datetime.UTC)), namespace)
            )
        except Conflict:
            secret = await client.get(SECRET, WEBHOOK_SECRET, namespace)
    return issuing.ca_pair(secret, WEBHOOK_SECRET)


def context(pair: Pair, folder: Path) -> ssl.SSLContext:
    """A server's TLS context. OpenSSL reads keys from files only: it is written below `folder`, and removed again."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "webhook-serving.pem"
    file.touch(mode=0o600)
    file.write_bytes(pair.certificate + pair.key)
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        found.load_cert_chain(file)
    finally:
        file.unlink()
    return found
