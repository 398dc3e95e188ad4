# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The router of a service: endpoint picker, pool, route, TLS rules, and the URLs."""

from __future__ import annotations

from typing import Any

import yaml

from sandbox.control_plane.kube import (
    CLUSTER_ROLE_BINDING,
    CONFIG_MAP,
    DEPLOYMENT,
    DESTINATION_RULE,
    GATEWAY,
    GATEWAY_CLASS,
    HTTP_ROUTE,
    INFERENCE_POOL,
    ROLE,
    ROLE_BINDING,
    SERVICE,
    SERVICE_ACCOUNT,
    Conflict,
    KubeClient,
)
from sandbox.images.kserve import combining, conditions, names, readiness, routing, scheduler
from sandbox.images.kserve.children import Children
from sandbox.images.kserve.look import PROBLEMS, STOPPED, Environment, Look, ReconcileError

Object = dict[str, Any]

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
        try:
            await self._scheduler(look)
        except Conflict:
            raise
        except PROBLEMS as error:
            look.conditions.false(
                conditions.SCHEDULER, "SchedulerReconcileError", f"Failed to reconcile scheduler: {error}"
            )
            raise ReconcileError(f"failed to reconcile scheduler: {error}") from error
        try:
            route = await self._route(look)
            await self._destination_rules(look, route)
        except Conflict:
            raise
        except PROBLEMS as error:
            look.conditions.false(
                conditions.ROUTES, "HTTPRouteReconcileError", f"Failed to reconcile HTTPRoute: {error}"
            )
            raise ReconcileError(f"failed to reconcile HTTP routes: {error}") from error
        if look.stopped:
            for kind in (conditions.POOL, conditions.GATEWAYS, conditions.ROUTES):
                look.conditions.false(kind, *STOPPED)
            return
        await self._judge_pool(look)
        await self._judge_gateways(look)
        await self._judge_routes(look, route)

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
        service, name, namespace = look.service, look.name, look.namespace
        if look.stopped or found is None or not found.get("template"):
            if look.stopped and combining.scheduler(look.spec) is not None:
                look.conditions.false(conditions.SCHEDULER, *STOPPED)
            else:
                look.conditions.clear(conditions.SCHEDULER)
            for ref, suffix in (
                (DEPLOYMENT, "-kserve-router-scheduler"),
                (SERVICE, "-epp-service"),
                (INFERENCE_POOL, "-inference-pool"),
                (ROLE_BINDING, "-epp-rb"),
                (ROLE, "-epp-role"),
                (SERVICE_ACCOUNT, "-epp-sa"),
            ):
                await self._children.remove(service, ref, names.child_name(name, suffix), namespace)
            binding = scheduler.auth_binding(service, "")["metadata"]["name"]
            await self._children.remove(service, CLUSTER_ROLE_BINDING, binding, "")
            return
        account = scheduler.account_name(service, found)
        if account == names.child_name(name, "-epp-sa"):
            default = await self._client.find(SERVICE_ACCOUNT, "default", namespace) or {}
            await self._children.ensure(
                service, scheduler.service_account(service, account, default.get("imagePullSecrets") or [])
            )
        await self._children.ensure(service, scheduler.auth_binding(service, account))
        await self._children.ensure(service, scheduler.role(service))
        await self._children.ensure(service, scheduler.role_binding(service, account))
        current = await self._client.find(DEPLOYMENT, names.child_name(name, "-kserve-router-scheduler"), namespace)
        expected = scheduler.deployment(service, found, current, await self._picker_config(look, found))
        running = await self._children.ensure(service, expected)
        look.note(conditions.SCHEDULER, readiness.deployment(running))
        await self._children.ensure(service, scheduler.epp_service(service, found))
        await self._children.ensure(service, scheduler.inference_pool(service, found))

    async def _picker_config(self, look: Look, found: Object) -> str | None:
        config = found.get("config") or {}
        if config.get("inline"):
            return yaml.safe_dump(config["inline"], sort_keys=False)
        if config.get("ref"):
            reference = config["ref"]
            config_map = await self._client.get(CONFIG_MAP, reference["name"], look.namespace)
            data = config_map.get("data") or {}
            key = reference.get("key") or next(iter(data), "")
            if key not in data:
                raise ValueError(f"ConfigMap {look.namespace}/{reference['name']} has no key {key!r}")
            return str(data[key])
        return None

    async def _route(self, look: Look) -> Object | None:
        expected = routing.route(look.service, look.spec)
        if look.stopped or combining.http_route(look.spec) is None:
            name = expected["metadata"]["name"]
            await self._children.remove(look.service, HTTP_ROUTE, name, look.namespace)
            for key in ("url", "addresses"):
                look.status.pop(key, None)
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
        url = routing.status_url(look.service, found)
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
