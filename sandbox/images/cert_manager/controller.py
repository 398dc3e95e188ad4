# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""cert-manager's controller: issuers become Ready, Certificates become Secrets."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable
from typing import Any

from sandbox.control_plane.kube import SECRET, Conflict, Informer, Key, KubeClient, Reconciler, Resource, key_of
from sandbox.images import certificates
from sandbox.images.cert_manager import issuing
from sandbox.images.cert_manager.names import CERTIFICATE, CLUSTER_ISSUER, ISSUER
from sandbox.images.certificates import CertificateError, Pair
from sandbox.images.events import EventRecorder
from sandbox.images.times import utc_now

Object = dict[str, Any]

MANAGER = "cert-manager-certificates-issuing"


class Controller:
    """Issues certificates; `cluster_namespace` holds the secrets of ClusterIssuers."""

    def __init__(self, client: KubeClient, cluster_namespace: str, log: Callable[[str], None]) -> None:
        self._client = client
        self._cluster_namespace = cluster_namespace
        self._log = log
        self._events = EventRecorder(client, "cert-manager-certificates")
        self._issuers = Informer(client, ISSUER)
        self._cluster_issuers = Informer(client, CLUSTER_ISSUER)
        self._certificates = Informer(client, CERTIFICATE)
        self._secrets = Informer(client, SECRET, fields="type=kubernetes.io/tls")
        self._issuer_work = Reconciler(self._look_at_issuer, on_error=self._failed)
        self._certificate_work = Reconciler(self._look_at_certificate, on_error=self._failed)

    async def run(self) -> None:
        """Until cancelled."""
        self._issuers.on_change(lambda _, obj: self._issuer_changed(obj))
        self._cluster_issuers.on_change(lambda _, obj: self._issuer_changed(obj))
        self._certificates.on_change(lambda _, obj: self._certificate_work.add(key_of(obj)))
        self._secrets.on_change(lambda _, obj: self._secret_changed(obj))
        informers = (self._secrets, self._issuers, self._cluster_issuers, self._certificates)
        try:
            for informer in informers:
                await informer.synced()
            self._log("controller started: watching Issuers, ClusterIssuers and Certificates")
            await asyncio.Event().wait()
        finally:
            await self._issuer_work.stop()
            await self._certificate_work.stop()
            for informer in informers:
                await informer.stop()

    def _failed(self, key: Key, error: Exception) -> None:
        if not isinstance(error, Conflict):
            self._log(f"re-queuing item {'/'.join(key)}: {error}")

    def _issuer_changed(self, obj: Object) -> None:
        self._issuer_work.add(key_of(obj))
        for key in self._certificates.items:
            self._certificate_work.add(key)

    def _secret_changed(self, obj: Object) -> None:
        namespace, name = key_of(obj)
        for key, certificate in self._certificates.items.items():
            if key[0] == namespace and certificate["spec"]["secretName"] == name:
                self._certificate_work.add(key)
        for issuer in [*self._issuers.items.values(), *self._cluster_issuers.items.values()]:
            own = issuer["metadata"].get("namespace") or self._cluster_namespace
            if own == namespace and (issuer["spec"].get("ca") or {}).get("secretName") == name:
                self._issuer_changed(issuer)

    # -- issuers

    async def _look_at_issuer(self, key: Key) -> float | None:
        namespace, name = key
        ref = ISSUER if namespace else CLUSTER_ISSUER
        issuer = await self._client.find(ref, name, namespace)
        if issuer is None:
            return None
        spec = issuer["spec"]
        kind = next((item for item in issuing.KINDS if item in spec), "")
        if kind == "selfSigned":
            verdict = (True, "IsReady", "")
        elif kind == "ca":
            place = spec["ca"]["secretName"]
            secret = await self._client.find(SECRET, place, namespace or self._cluster_namespace)
            try:
                issuing.ca_pair(secret, place)
                verdict = (True, "KeyPairVerified", "Signing CA verified")
            except CertificateError as error:
                verdict = (False, "ErrGetKeyPair", str(error))
        else:
            verdict = (False, "NotSupported", f"this stand-in serves {' and '.join(issuing.SERVED_KINDS)} issuers only")
        await self._set_ready(ref, issuer, *verdict)
        return None

    async def _set_ready(
        self, ref: Resource, obj: Object, ready: bool, reason: str, message: str, further: Object | None = None
    ) -> None:
        status = obj.get("status") or {}
        conditions = issuing.ready_condition(status, obj["metadata"]["generation"], ready, reason, message, utc_now())
        wanted = {**(further or {}), "conditions": conditions}
        if {key: status.get(key) for key in wanted} != wanted:
            namespace, name = key_of(obj)
            await self._client.patch_status(ref, name, namespace, wanted)

    # -- certificates

    async def _look_at_certificate(self, key: Key) -> float | None:
        namespace, name = key
        certificate = await self._client.find(CERTIFICATE, name, namespace)
        if certificate is None:
            return None
        spec = certificate["spec"]
        try:
            signer = await self._signer(certificate)
        except CertificateError as error:
            await self._set_ready(CERTIFICATE, certificate, False, "DoesNotExist", str(error))
            return None
        secret = await self._client.find(SECRET, spec["secretName"], namespace)
        now = datetime.datetime.now(datetime.UTC)
        reason = issuing.due(spec, secret, signer, now)
        revision = (certificate.get("status") or {}).get("revision", 0)
        if reason or secret is None:
            await self._events.normal(certificate, "Issuing", f"Issuing certificate: {reason}")
            secret = await self._issue(certificate, secret, signer)
            revision += 1
            await self._events.normal(certificate, "Issuing", "The certificate has been successfully issued")
        await self._set_ready(
            *(CERTIFICATE, certificate, True, "Ready", "Certificate is up to date and has not expired"),
            {**issuing.certificate_times(secret, spec), "revision": revision},
        )
        return None

    async def _signer(self, certificate: Object) -> Pair | None:
        """What signs the certificate; None for itself. CertificateError when its issuer cannot yet."""
        reference = certificate["spec"]["issuerRef"]
        namespace = certificate["metadata"]["namespace"]
        kind, name = reference.get("kind", "Issuer"), reference["name"]
        ref, place = (CLUSTER_ISSUER, "") if kind == "ClusterIssuer" else (ISSUER, namespace)
        issuer = await self._client.find(ref, name, place)
        if issuer is None:
            raise CertificateError(f'Referenced "{kind}" not found: {name}')
        conditions = (issuer.get("status") or {}).get("conditions") or []
        if not any(item["type"] == "Ready" and item["status"] == "True" for item in conditions):
            raise CertificateError(f"Issuing certificate as Secret does not exist; {kind} {name} is not ready")
        if "selfSigned" in issuer["spec"]:
            return None
        secret_name = issuer["spec"]["ca"]["secretName"]
        secret = await self._client.find(SECRET, secret_name, place or self._cluster_namespace)
        return issuing.ca_pair(secret, secret_name)

    async def _issue(self, certificate: Object, secret: Object | None, signer: Pair | None) -> Object:
        spec = certificate["spec"]
        wanted = spec.get("privateKey") or {}
        algorithm, size = wanted.get("algorithm", "RSA"), int(wanted.get("size") or 0)
        key = None
        if secret is not None and wanted.get("rotationPolicy") == "Never":
            key = certificates.load_key(issuing.decoded(secret)["tls.key"])
        if key is None:
            # seconds for a large RSA key: not in the loop that serves everything else
            key = await asyncio.to_thread(certificates.new_key, algorithm, size)
        pair = certificates.issue(issuing.request_for(spec), key, signer)
        trusted = signer.certificate if signer else pair.certificate
        return await self._client.apply(issuing.issued_secret(certificate, pair, trusted), manager=MANAGER)
