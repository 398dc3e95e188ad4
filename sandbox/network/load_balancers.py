# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services of type LoadBalancer: what GKE's service controller does."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import aiohttp

from sandbox.control_plane.kube import SERVICE, ApiError, Informer, Key, KubeClient, NotFound, Reconciler
from sandbox.network.forwarding import Forwarder

Object = Mapping[str, Any]

FINALIZER = "service.kubernetes.io/load-balancer-cleanup"
COMPONENT = "service-controller"
POLL = 0.25
"""Seconds between two questions about an address that is being made."""
RETRY = 2.0
"""Seconds until the cloud is asked again after a refusal."""


class CloudError(Exception):
    """The cloud did not give or take an address; the message is for people."""


class AddressBook(Protocol):
    """Where load balancers' addresses come from."""

    async def request(self, key: Key) -> str | None:
        """The address for a Service; None while it is being made."""

    async def release(self, key: Key) -> None:
        """Give the address back."""


@dataclass(frozen=True)
class CloudAddressBook:
    """The emulated cloud's load balancers."""

    session: aiohttp.ClientSession
    url: str
    cluster: Mapping[str, str]
    """project, location and cluster."""

    async def request(self, key: Key) -> str | None:
        status, answer = await self._ask("POST", json={**self.cluster, "namespace": key[0], "service": key[1]})
        if status == 202:
            return None
        return str(answer["address"])

    async def release(self, key: Key) -> None:
        await self._ask("DELETE", params={**self.cluster, "namespace": key[0], "service": key[1]})

    async def _ask(self, method: str, **options: Any) -> tuple[int, Any]:
        try:
            async with self.session.request(method, self.url, **options) as response:
                if response.status >= 400 and not (method == "DELETE" and response.status == 404):
                    raise CloudError(f"the cloud answered {response.status}: {(await response.text())[:300]}")
                is_json = response.content_type == "application/json"
                return response.status, await response.json() if is_json else None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise CloudError(f"the cloud does not answer at {self.url}: {error or type(error).__name__}") from error


def wants_address(service: Object) -> bool:
    """Whether a load balancer is to be made for a Service."""
    spec = service.get("spec") or {}
    return (
        spec.get("type") == "LoadBalancer"
        and not spec.get("loadBalancerClass")
        and not service["metadata"].get("deletionTimestamp")
    )


def address_of(service: Object) -> str:
    """The address that the Service's status holds."""
    ingress = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
    return str(ingress[0].get("ip") or "") if ingress else ""


def ports_of(service: Object) -> set[int]:
    """The TCP ports of a Service."""
    ports = (service.get("spec") or {}).get("ports") or []
    return {int(port["port"]) for port in ports if (port.get("protocol") or "TCP") == "TCP"}


class LoadBalancers:
    """Follows the Services of a cluster."""

    def __init__(
        self,
        client: KubeClient,
        services: Informer,
        cloud: AddressBook,
        forwarder: Forwarder,
        *,
        log: Callable[[str], None] = print,
    ) -> None:
        self._client = client
        self._services = services
        self._cloud = cloud
        self._forwarder = forwarder
        self._log = log
        self._reported: dict[Key, str] = {}
        self._reconciler = Reconciler(self.reconcile, on_error=self._note)

    def start(self) -> None:
        """Begin to follow; what has an address already is served at once."""
        self._services.on_change(lambda _kind, obj: self._add(obj))
        for service in list(self._services.items.values()):
            self._add(service)

    async def stop(self) -> None:
        """Follow no more."""
        await self._reconciler.stop()

    def _add(self, service: Object) -> None:
        meta = service["metadata"]
        if wants_address(service) or FINALIZER in (meta.get("finalizers") or []):
            self._reconciler.add((meta["namespace"], meta["name"]))

    async def reconcile(self, key: Key) -> float | None:
        """Bring one Service's load balancer to what the Service wants; seconds until the next look, if any."""
        service = self._services.items.get(key)
        if service is None:
            self._forwarder.remove(key)
            return None
        try:
            return await (self._provide(key, service) if wants_address(service) else self._withdraw(key, service))
        except NotFound:
            self._forwarder.remove(key)
            return None
        except CloudError as error:
            await self._warn(key, service, str(error))
            return RETRY

    async def _provide(self, key: Key, service: Object) -> float | None:
        known = address_of(service)
        if known:
            # before the cloud is asked: it may be away, the connections shall not
            await self._forwarder.serve(key, known, ports_of(service))
        finalizers = service["metadata"].get("finalizers") or []
        if FINALIZER not in finalizers:
            await self._set_finalizers(service, [*finalizers, FINALIZER])
            await self._event(service, "Normal", "EnsuringLoadBalancer", "Ensuring load balancer")
        address = await self._cloud.request(key)
        if address is None:
            return POLL
        self._reported.pop(key, None)
        await self._forwarder.serve(key, address, ports_of(service))
        if address != known:
            await self._client.patch_status(
                SERVICE, key[1], key[0], {"loadBalancer": {"ingress": [{"ip": address, "ipMode": "VIP"}]}}
            )
            await self._event(service, "Normal", "EnsuredLoadBalancer", "Ensured load balancer")
            self._log(f"load balancer {address} serves {'/'.join(key)}")
        return None

    async def _withdraw(self, key: Key, service: Object) -> None:
        self._forwarder.remove(key)
        meta = service["metadata"]
        finalizers = meta.get("finalizers") or []
        if FINALIZER not in finalizers:
            return
        await self._cloud.release(key)
        self._log(f"load balancer of {'/'.join(key)} is gone")
        if address_of(service) and not meta.get("deletionTimestamp"):
            await self._client.patch_status(SERVICE, key[1], key[0], {"loadBalancer": None})
            service = await self._client.get(SERVICE, key[1], key[0])
        await self._set_finalizers(service, [each for each in finalizers if each != FINALIZER])

    async def _set_finalizers(self, service: Object, finalizers: list[str]) -> None:
        meta = service["metadata"]
        await self._client.patch(
            SERVICE,
            meta["name"],
            meta["namespace"],
            # at this version only: somebody else's finalizer must not be lost
            {"metadata": {"finalizers": finalizers, "resourceVersion": meta["resourceVersion"]}},
        )

    async def _warn(self, key: Key, service: Object, message: str) -> None:
        if self._reported.get(key) == message:
            return
        self._reported[key] = message
        self._log(f"load balancer of {'/'.join(key)}: {message}")
        await self._event(service, "Warning", "SyncLoadBalancerFailed", f"Error syncing load balancer: {message}")

    async def _event(self, service: Object, kind: str, reason: str, message: str) -> None:
        meta = service["metadata"]
        now = datetime.datetime.now(datetime.UTC)
        try:
            await self._client.create(
                {
                    "apiVersion": "v1",
                    "kind": "Event",
                    "metadata": {"namespace": meta["namespace"], "generateName": f"{meta['name']}."},
                    "involvedObject": {
                        "apiVersion": "v1",
                        "kind": "Service",
                        "namespace": meta["namespace"],
                        "name": meta["name"],
                        "uid": meta.get("uid"),
                    },
                    "type": kind,
                    "reason": reason,
                    "message": message,
                    "source": {"component": COMPONENT},
                    "firstTimestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
                    "lastTimestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
                    "count": 1,
                }
            )
        except ApiError as error:
            # an event is a courtesy; a namespace that ends takes none
            self._log(f"event {reason} of {meta['namespace']}/{meta['name']}: {error}")

    def _note(self, key: Key, error: Exception) -> None:
        self._log(f"load balancer of {'/'.join(key)}: {error or type(error).__name__}; trying again")
