# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The workload of a service: certificate, Deployment, Service."""

from __future__ import annotations

import asyncio
import datetime
import time
from collections.abc import Awaitable, Callable
from typing import Any

from sandbox.control_plane.kube import DEPLOYMENT, POD, SECRET, SERVICE, SERVICE_ACCOUNT, Conflict, KubeClient, NotFound
from sandbox.images.certificates import CertificateError
from sandbox.images.kserve import combining, conditions, names, readiness, serving_certificate, storage, workload
from sandbox.images.kserve.children import ChildError, Children
from sandbox.images.kserve.look import PROBLEMS, STOPPED, Environment, Look, ReconcileError

Object = dict[str, Any]


LEAST_SECONDS_BETWEEN_CERTIFICATES = 2.0
"""KServe makes a key of 4,096 bits, which takes it about as long and so paces it."""


class WorkloadSteps:
    """Reconciles workloads."""

    def __init__(
        self,
        client: KubeClient,
        children: Children,
        environment: Environment,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._children = children
        self._environment = environment
        self._clock = clock
        self._certified: dict[tuple[str, str], float] = {}

    async def reconcile(self, look: Look) -> None:
        """Bring the workload to what the service asks for, and set its conditions."""
        if look.stopped:
            look.conditions.false(conditions.MAIN_WORKLOAD, *STOPPED)
        await self._step(look, conditions.MAIN_WORKLOAD, "ReconcileCertsError", self._certificate(look))
        multi_node = "ReconcileMultiNodeWorkloadError"
        await self._step(look, conditions.WORKER_WORKLOAD, multi_node, self._account(look))
        self._single_node_only(look)
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
    def _single_node_only(look: Look) -> None:
        missing = "this stand-in serves single-node workloads only"
        if look.spec.get("worker") is not None:
            look.conditions.false(conditions.WORKER_WORKLOAD, "ReconcileMultiNodeWorkloadError", missing)
            raise ReconcileError(missing)
        if look.spec.get("prefill") is not None:
            look.conditions.false(conditions.PREFILL_WORKLOAD, "ReconcileSingleNodeWorkloadError", missing)
            raise ReconcileError(missing)
        for kind in (conditions.WORKER_WORKLOAD, conditions.PREFILL_WORKLOAD, conditions.PREFILL_WORKER_WORKLOAD):
            if look.stopped:
                look.conditions.false(kind, *STOPPED)
            else:
                look.conditions.clear(kind)

    async def _account(self, look: Look) -> None:
        # the account of several nodes is looked up first, also for a service on one
        own = (look.spec.get("template") or {}).get("serviceAccountName")
        if own and await self._client.find(SERVICE_ACCOUNT, own, look.namespace) is None:
            raise ChildError(
                "failed to reconcile multi-node service account: failed to create expected multi node service account: "
                f"failed to fetch existing multi node main service account {look.namespace}/{own}: "
                f'ServiceAccount "{own}" not found'
            )

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
        usable = serving_certificate.usable(current, hosts, addresses, now)
        if usable and not serving_certificate.without_address(pods):
            return
        if usable and not self._due(look):
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
        self._certified[look.namespace, look.name] = self._clock()

    def _due(self, look: Look) -> bool:
        last = self._certified.get((look.namespace, look.name))
        left = 0.0 if last is None else last + LEAST_SECONDS_BETWEEN_CERTIFICATES - self._clock()
        if left > 0:
            look.again = left
        return left <= 0

    async def _deployment(self, look: Look) -> None:
        name = names.child_name(look.name, "-kserve")
        if look.stopped:
            await self._children.remove(look.service, DEPLOYMENT, name, look.namespace)
            return
        credentials = await self._credentials(look)
        expected = workload.deployment(
            look.service, look.spec, look.config.storage, credentials, self._environment.speed
        )
        try:
            current = await self._children.ensure(look.service, expected)
        except ChildError as error:
            raise ChildError(f"failed to reconcile main workload: {error}") from error
        look.note(conditions.MAIN_WORKLOAD, readiness.deployment(current))

    async def _credentials(self, look: Look) -> list[Object]:
        own = (look.spec.get("template") or {}).get("serviceAccountName")
        account = await self._client.find(SERVICE_ACCOUNT, own or "default", look.namespace)
        if account is None:
            return []
        named = (look.service["metadata"].get("annotations") or {}).get(storage.SECRET_ANNOTATION)
        secrets = [named] if named else [reference["name"] for reference in account.get("secrets") or []]
        found: list[Object] = []
        for name in secrets:
            secret = await self._client.find(SECRET, name, look.namespace)
            if secret is None:
                raise storage.StorageError(
                    f"failed to get expected main deployment: failed to attach model artifacts to main deployment: "
                    f'secrets "{name}" not found'
                )
            found += storage.token_variables(secret)
        return found

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
    reference = ((found.get("pool") or {}).get("spec") or {}).get("extensionRef") or {}
    return str(reference.get("name") or names.epp_service(look.name))
