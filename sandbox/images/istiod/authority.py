# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""istiod's own authority: proxies know istiod by it, from a ConfigMap in each namespace."""

from __future__ import annotations

import base64
import datetime
import ssl
from pathlib import Path

from sandbox.control_plane.kube import SECRET, Conflict, KubeClient, Object
from sandbox.control_plane.pki import write_private
from sandbox.images.certificates import Pair, Request, issue, new_key
from sandbox.images.istiod.gateways import ROOT_CERTIFICATE

AUTHORITY_SECRET = "istio-ca-secret"
CERTIFICATE_KEY, PRIVATE_KEY = "ca-cert.pem", "ca-key.pem"
IGNORED_NAMESPACES = ("kube-system", "kube-public", "kube-node-lease", "local-path-storage")


async def authority(client: KubeClient, namespace: str) -> Pair:
    """The authority, from its Secret; made on first use."""
    made = issue(_request("cluster.local", authority=True), new_key("ECDSA"))
    data = {CERTIFICATE_KEY: made.certificate, PRIVATE_KEY: made.key}
    secret: Object = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": AUTHORITY_SECRET, "namespace": namespace},
        "type": "istio.io/ca-root",
        "data": {name: base64.b64encode(value).decode() for name, value in data.items()},
    }
    try:
        await client.create(secret)
    except Conflict:
        found = (await client.get(SECRET, AUTHORITY_SECRET, namespace))["data"]
        return Pair(base64.b64decode(found[CERTIFICATE_KEY]), base64.b64decode(found[PRIVATE_KEY]))
    return made


def server_context(signer: Pair, namespace: str, folder: Path) -> ssl.SSLContext:
    """TLS for istiod's discovery; Python reads certificates from files alone, so `folder` gets them."""
    pair = issue(_request(f"istiod.{namespace}.svc"), new_key("ECDSA"), signer)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    certificate, key = folder / "tls.crt", folder / "tls.key"
    certificate.write_bytes(pair.certificate)
    write_private(key, pair.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def root_certificate(namespace: str, certificate: str) -> Object:
    """What a namespace's proxies mount."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": ROOT_CERTIFICATE, "namespace": namespace, "labels": {"istio.io/config": "true"}},
        "data": {"root-cert.pem": certificate},
    }


def _request(name: str, *, authority: bool = False) -> Request:
    return Request(
        common_name=name,
        organizations=("cluster.local",) if authority else (),
        dns_names=() if authority else (name,),
        authority=authority,
        lifetime=datetime.timedelta(days=3650),
    )
