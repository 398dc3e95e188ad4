# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The router of a service: endpoint picker, pool, route, TLS rules, and the URLs."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, TypeVar

from sandbox.control_plane.kube import (
    DEPLOYMENT,
    DESTINATION_RULE,
    GATEWAY,
    GATEWAY_CLASS,
    HTTP_ROUTE,
    INFERENCE_MODEL,
    INFERENCE_POOL,
    OLD_INFERENCE_POOL,
    SERVICE,
    SERVICE_ACCOUNT,
    Conflict,
    KubeClient,
    key_of,
)
from sandbox.images.kserve import combining, conditions, names, readiness, routing, scheduler
from sandbox.images.kserve.children import ChildError, Children
from sandbox.images.kserve.look import PROBLEMS, STOPPED, Environment, Look, ReconcileError

Object = dict[str, Any]
T = TypeVar("T")

GATEWAY_LABEL = "gateway.networking.k8s.io/gateway-name"


class RouterSteps:
    """Reconciles routers."""

    def __init__(self, client: KubeClient, children: Children, environment: Environment) -> None:
        self._client = client
        self._children = children
        self._environment = environment

    async def reconcile(self, look: Look) -> None:
        """Bring the router to what the service asks for, and set its conditions."""
        await self._check_references(look)
        await self._step(look, conditions.SCHEDULER, "SchedulerReconcileError", "scheduler", self._scheduler(look))
        route = await self._step(look, conditions.ROUTES, "HTTPRouteReconcileError", "HTTPRoute", self._route(look))
        await self._step(
            *(look, conditions.ROUTES, "IstioDestinationRuleReconcileError", "DestinationRule"),
            self._destination_rules(look, route),
        )
        if look.stopped:
            for kind in (conditions.POOL, conditions.GATEWAYS, conditions.ROUTES):
                look.conditions.false(kind, *STOPPED)
            return
        await self._judge_pool(look)
        await self._judge_gateways(look)
        await self._judge_routes(look, route)

    @staticmethod
    async def _step(look: Look, kind: str, reason: str, what: str, work: Awaitable[T]) -> T:
        try:
            return await work
        except Conflict:
            raise
        except PROBLEMS as error:
            # what an earlier look said of them holds no longer
            for each in (conditions.GATEWAYS, conditions.ROUTES):
                look.conditions.clear(each)
            look.conditions.false(kind, reason, f"Failed to reconcile {what}: {error}")
            raise ReconcileError(f"failed to reconcile {what}: {error}") from error

    async def _check_references(self, look: Look) -> None:
        missing = [
            f"Gateway {namespace}/{name} does not exist"
            for namespace, name in combining.gateway_references(look.spec, look.namespace)
            if await self._client.find(GATEWAY, name, namespace) is None
        ]
        if missing:
            look.conditions.false(conditions.GATEWAYS, "RefsInvalid", "; ".join(missing))
            raise ReconcileError("; ".join(missing))
        for kind in (conditions.GATEWAYS, conditions.ROUTES):
            # of an earlier look; clearing more would restart the condition's time at every look
            if (look.conditions.get(kind) or {}).get("reason") == "RefsInvalid":
                look.conditions.clear(kind)
        missing = [
            f"HTTPRoute {look.namespace}/{name} does not exist"
            for name in combining.route_references(look.spec)
            if await self._client.find(HTTP_ROUTE, name, look.namespace) is None
        ]
        managed = combining.http_route(look.spec)
        if managed is not None:
            parents = routing.parents({"metadata": {"namespace": look.namespace}, "spec": managed})
            missing += [
                f"Managed HTTPRoute references non-existent Gateway {namespace}/{name}"
                for namespace, name in parents
                if await self._client.find(GATEWAY, name, namespace) is None
            ]
        if missing:
            look.conditions.false(conditions.ROUTES, "RefsInvalid", "; ".join(missing))
            raise ReconcileError("; ".join(missing))

    async def _scheduler(self, look: Look) -> None:
        found = combining.managed_scheduler(look.spec)
        if look.stopped or found is None or not found.get("template"):
            await self._without_scheduler(look, found)
            return
        service = look.service
        account = scheduler.account_name(service, found)
        await self._child(look, "service account", scheduler.service_account(service, account))
        await self._child(look, "clusterrolebinding", scheduler.auth_binding(service, account))
        await self._child(look, "role", scheduler.role(service))
        await self._child(look, "rolebinding", scheduler.role_binding(service, account))
        await self._children.ensure(service, scheduler.inference_model(service, look.spec))
        running = await self._child(look, "deployment", scheduler.deployment(service, found))
        look.note(conditions.SCHEDULER, readiness.deployment(running))
        await self._children.ensure(service, scheduler.epp_service(service, found))
        await self._children.ensure(service, scheduler.old_inference_pool(service, found))
        await self._children.ensure(service, scheduler.inference_pool(service, found))

    async def _without_scheduler(self, look: Look, found: Object | None) -> None:
        if look.stopped:
            look.conditions.false(conditions.SCHEDULER, *STOPPED)
        else:
            look.conditions.clear(conditions.SCHEDULER)
        account = scheduler.account_name(look.service, found or {})
        # its Role and both bindings stay
        for ref, name in (
            (SERVICE_ACCOUNT, account),
            (INFERENCE_MODEL, names.child_name(look.name, "-inference-model")),
            (DEPLOYMENT, names.child_name(look.name, "-kserve-router-scheduler")),
            (SERVICE, names.epp_service(look.name)),
            (OLD_INFERENCE_POOL, names.pool(look.name)),
            (INFERENCE_POOL, names.pool(look.name)),
        ):
            await self._children.remove(look.service, ref, name, look.namespace)

    async def _child(self, look: Look, what: str, expected: Object) -> Object:
        try:
            return await self._children.ensure(look.service, expected)
        except ChildError as error:
            place = "/".join(part for part in key_of(expected) if part)
            raise ChildError(f"failed to reconcile scheduler {what} {place}: {error}") from error

    async def _route(self, look: Look) -> Object | None:
        name = names.child_name(look.name, "-kserve-route")
        current = await self._client.find(HTTP_ROUTE, name, look.namespace)
        expected = routing.route(look.service, look.spec, current)
        if look.stopped or combining.http_route(look.spec) is None:
            await self._children.remove(look.service, HTTP_ROUTE, name, look.namespace)
            # the URL stays as it was
            look.status.pop("addresses", None)
            if not look.stopped and not combining.route_references(look.spec):
                host = names.service_host(names.workload_service(look.name), look.namespace)
                look.status["addresses"] = [{"url": f"https://{host}"}]
            return None
        current = await self._children.ensure(look.service, expected)
        await self._discover_urls(look, current)
        return current

    async def _discover_urls(self, look: Look, route: Object) -> None:
        gateways, hosts = [], {}
        for namespace, name in routing.parents(route):
            gateways.append(await self._client.get(GATEWAY, name, namespace))
            for item in await self._client.list(SERVICE, namespace, labels=f"{GATEWAY_LABEL}={name}"):
                hosts[namespace, name] = names.service_host(item["metadata"]["name"], namespace)
        found = routing.urls(route, gateways, look.config.url_scheme, hosts)
        look.status.pop("url", None)
        url = routing.status_url(found)
        if url:
            look.status["url"] = url
        look.status["addresses"] = routing.status_addresses(found)

    async def _destination_rules(self, look: Look, route: Object | None) -> None:
        wanted: list[Object] = []
        if route is not None and await self._has_istio(route):
            shadows = await self._client.list(
                SERVICE, look.namespace, labels=f"{names.SHADOW_SERVICE}={names.pool(look.name)}"
            )
            shadow = shadows[0]["metadata"]["name"] if shadows else None
            wanted = routing.destination_rules(look.service, look.spec, shadow, self._environment.gateway_ca_file)
        for rule in wanted:
            await self._children.ensure(look.service, rule)
        kept = {rule["metadata"]["name"] for rule in wanted}
        for name in routing.destination_rule_names(look.name):
            if name not in kept:
                await self._children.remove(look.service, DESTINATION_RULE, name, look.namespace)

    async def _has_istio(self, route: Object) -> bool:
        for namespace, name in routing.parents(route):
            gateway = await self._client.get(GATEWAY, name, namespace)
            kind = await self._client.find(GATEWAY_CLASS, gateway["spec"]["gatewayClassName"])
            if kind and kind["spec"]["controllerName"] in routing.ISTIO_CONTROLLERS:
                return True
        return False

    async def _judge_pool(self, look: Look) -> None:
        found = combining.scheduler(look.spec)
        if found is None:
            look.conditions.clear(conditions.POOL)
            return
        name = combining.pool_reference(found) or names.pool(look.name)
        pool = await self._client.find(INFERENCE_POOL, name, look.namespace)
        old = await self._client.find(OLD_INFERENCE_POOL, name, look.namespace)
        if old is not None and readiness.inference_pool(old) is None:
            look.conditions.true(conditions.POOL)
            return
        verdict = (
            ("InferencePoolFetchError", f"failed to fetch Inference Pool {look.namespace}/{name}: not found")
            if pool is None
            else readiness.inference_pool(pool)
        )
        look.note(conditions.POOL, verdict)

    async def _judge_gateways(self, look: Look) -> None:
        references = combining.gateway_references(look.spec, look.namespace)
        if not references:
            look.conditions.clear(conditions.GATEWAYS)
            return
        found = [await self._client.get(GATEWAY, name, namespace) for namespace, name in references]
        look.note(conditions.GATEWAYS, readiness.gateways(found))

    async def _judge_routes(self, look: Look, route: Object | None) -> None:
        found = [route] if route is not None else []
        for name in combining.route_references(look.spec):
            found.append(await self._client.get(HTTP_ROUTE, name, look.namespace))
        if not found:
            look.conditions.clear(conditions.ROUTES)
            return
        look.note(conditions.ROUTES, readiness.routes(found))
