# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The workload of a service: certificate, Deployment, Service."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Awaitable
from typing import Any

from sandbox.control_plane.kube import DEPLOYMENT, POD, SECRET, SERVICE, SERVICE_ACCOUNT, Conflict, KubeClient, NotFound
from sandbox.images.certificates import CertificateError
from sandbox.images.kserve import combining, conditions, names, readiness, serving_certificate, storage, workload
from sandbox.images.kserve.children import Children
from sandbox.images.kserve.look import PROBLEMS, STOPPED, Environment, Look, ReconcileError

Object = dict[str, Any]


class WorkloadSteps:
    """Reconciles workloads."""

    def __init__(self, client: KubeClient, children: Children, environment: Environment) -> None:
        self._client = client
        self._children = children
        self._environment = environment

    async def reconcile(self, look: Look) -> None:
        """Bring the workload to what the service asks for, and set its conditions."""
        await self._step(look, conditions.MAIN_WORKLOAD, "ReconcileCertsError", self._certificate(look))
        self._refuse_what_is_not_here(look)
        await self._step(look, conditions.MAIN_WORKLOAD, "ReconcileSingleNodeWorkloadError", self._deployment(look))
        await self._step(look, conditions.MAIN_WORKLOAD, "ReconcileWorkloadServiceError", self._service(look))

    async def _step(self, look: Look, kind: str, reason: str, work: Awaitable[None]) -> None:
        try:
            await work
        except Conflict:
            raise
        except PROBLEMS as error:
            look.conditions.false(kind, reason, str(error))
            raise ReconcileError(f"failed to reconcile workload: {error}") from error

    @staticmethod
    def _refuse_what_is_not_here(look: Look) -> None:
        missing = "this stand-in serves single-node workloads only"
        if look.spec.get("worker") is not None:
            look.conditions.false(conditions.WORKER_WORKLOAD, "ReconcileMultiNodeWorkloadError", missing)
            raise ReconcileError(missing)
        look.conditions.clear(conditions.WORKER_WORKLOAD)
        if look.spec.get("prefill") is not None:
            look.conditions.false(conditions.PREFILL_WORKLOAD, "ReconcileSingleNodeWorkloadError", missing)
            raise ReconcileError(missing)
        look.conditions.clear(conditions.PREFILL_WORKLOAD)
        if look.spec.get("scaling"):
            look.conditions.false(
                conditions.MAIN_WORKLOAD,
                "ScalingCRDNotFound",
                "required autoscaling CRDs are not installed: variantautoscalings.llmd.ai, scaledobjects.keda.sh",
            )
            raise ReconcileError("failed to reconcile scaling: its CRDs are not installed")

    async def _certificate(self, look: Look) -> None:
        name = names.certificate_secret(look.name)
        if look.stopped:
            await self._children.remove(look.service, SECRET, name, look.namespace)
            return
        selector = f"{names.SELECTOR},app.kubernetes.io/name={look.name}"
        pods = await self._client.list(POD, look.namespace, labels=selector)
        services = await self._client.list(SERVICE, look.namespace, labels=selector)
        addresses = serving_certificate.ip_addresses(pods, services)
        hosts = serving_certificate.dns_names(look.service, picker_service(look))
        current = await self._client.find(SECRET, name, look.namespace)
        now = datetime.datetime.now(datetime.UTC)
        if serving_certificate.usable(current, hosts, addresses, now):
            return
        environment = self._environment
        try:
            ca_secret = await self._client.get(SECRET, environment.ca_secret, environment.ca_secret_namespace)
        except NotFound as error:
            raise CertificateError(
                "failed to load CA certificate (required for signing): failed to get CA secret "
                f"{environment.ca_secret_namespace}/{environment.ca_secret}: {error.message}"
            ) from error
        # a key takes a moment to make: not in the loop that answers probes
        secret = await asyncio.to_thread(serving_certificate.secret_for, look.service, ca_secret, hosts, addresses, now)
        await self._children.ensure(look.service, secret)

    async def _deployment(self, look: Look) -> None:
        name = names.child_name(look.name, "-kserve")
        if look.stopped:
            look.conditions.false(conditions.MAIN_WORKLOAD, *STOPPED)
            await self._children.remove(look.service, DEPLOYMENT, name, look.namespace)
            return
        credentials = await self._credentials(look)
        expected = workload.deployment(
            look.service, look.spec, look.config.storage, credentials, self._environment.speed
        )
        current = await self._children.ensure(look.service, expected)
        look.note(conditions.MAIN_WORKLOAD, readiness.deployment(current))

    async def _credentials(self, look: Look) -> list[Object]:
        own = (look.spec.get("template") or {}).get("serviceAccountName")
        account = await self._client.find(SERVICE_ACCOUNT, own or "default", look.namespace)
        if account is None:
            if own:
                raise storage.StorageError(f"failed to fetch existing service account {look.namespace}/{own}")
            return []
        for reference in account.get("secrets") or []:
            secret = await self._client.find(SECRET, reference["name"], look.namespace)
            if secret is not None and (variables := storage.token_variables(secret)):
                return variables
        return []

    async def _service(self, look: Look) -> None:
        if look.stopped:
            await self._children.remove(look.service, SERVICE, names.workload_service(look.name), look.namespace)
            return
        await self._children.ensure(look.service, workload.workload_service(look.service))


def picker_service(look: Look) -> str | None:
    """The Service of the endpoint picker, if there is one."""
    found = combining.scheduler(look.spec)
    if found is None:
        return None
    reference = ((found.get("pool") or {}).get("spec") or {}).get("endpointPickerRef") or {}
    return str(reference.get("name") or names.epp_service(look.name))
