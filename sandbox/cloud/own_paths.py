# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The paths that no Google has: tokens, the sandbox's books, faults, load balancers, token reviews."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from sandbox.cloud import load_balancers
from sandbox.cloud.calls import Cloud
from sandbox.cloud.errors import Json
from sandbox.cloud.faults import FaultError, checked
from sandbox.cloud.limits import machines
from sandbox.cloud.state import CREATING
from sandbox.cloud.tokens import GrantError, Tokens

Answer = Callable[[web.Request], Awaitable[web.Response]]

PREEMPTED_GUIDE_SECONDS = 180.0
"""Until a group has created a machine again that was taken from it."""


class OwnPaths:
    """Handlers by path."""

    def __init__(self, cloud: Cloud, tokens: Tokens) -> None:
        self._cloud = cloud
        self._tokens = tokens

    def routes(self) -> list[web.RouteDef]:
        """All routes."""
        return [
            web.post("/token", self.token),
            *[
                ask(path, self.token_info)
                for path in ("/tokeninfo", "/oauth2/v1/tokeninfo", "/oauth2/v3/tokeninfo")
                for ask in (web.get, web.post)
            ],
            web.get("/sandbox/ledger", self.ledger),
            web.get("/sandbox/audit", self.audit),
            web.get("/sandbox/operations", self.operations),
            web.get("/sandbox/faults", self.faults),
            web.post("/sandbox/faults", self.set_fault),
            web.delete("/sandbox/faults", self.clear_faults),
            web.delete("/sandbox/faults/{fault}", self.clear_faults),
            web.post("/sandbox/loadbalancers", self.request_balancer),
            web.delete("/sandbox/loadbalancers", self.release_balancer),
            web.post("/sandbox/tokenreview/{project}/{location}/{cluster}", self.review),
        ]

    async def token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        try:
            answer = self._tokens.grant(form, self._cloud.clock.now())
        except GrantError as error:
            return web.json_response({"error": error.error, "error_description": error.description}, status=400)
        self._cloud.store.save()
        return web.json_response(answer)

    async def token_info(self, request: web.Request) -> web.Response:
        try:
            token = request.query.get("access_token") or str((await request.post()).get("access_token", ""))
            answer = self._tokens.info(token, self._cloud.clock.now())
        except GrantError as error:
            return web.json_response({"error": error.error, "error_description": error.description}, status=400)
        return web.json_response(answer)

    async def ledger(self, request: web.Request) -> web.Response:
        del request
        return web.json_response(self._cloud.ledger.report())

    async def audit(self, request: web.Request) -> web.Response:
        del request
        return web.json_response({"calls": self._cloud.audit.read(), "left": left(self._cloud)})

    async def operations(self, request: web.Request) -> web.Response:
        del request
        measured = [self._cloud.operations.measure(each) for each in self._cloud.state.operations.values()]
        return web.json_response({"speed": self._cloud.timetable.speed, "operations": measured})

    async def faults(self, request: web.Request) -> web.Response:
        del request
        return web.json_response({"seed": self._cloud.state.seed, "faults": self._cloud.faults.all()})

    async def set_fault(self, request: web.Request) -> web.Response:
        try:
            body = checked(await self._json(request))
            fault = self._set(body)
        except FaultError as error:
            return web.json_response({"error": str(error)}, status=400)
        self._changed()
        return web.json_response(fault)

    def _set(self, body: Json) -> Json:
        """Keep a fault, or do at once what is done once."""
        now = self._cloud.clock.now()
        if body["kind"] == "node_preempt":
            return self._preempt(body)
        if body["kind"] == "token_revoked":
            return {**body, "tokens": self._tokens.revoke(now)}
        fault = self._cloud.faults.add(body)
        if body["kind"] == "busy":
            self._cloud.operations.begin_own(now)
            running = [each for each in self._cloud.operations.running() if each.cluster == body["cluster"]]
            return {**fault, "running": [each.name for each in running]}
        return fault

    def _preempt(self, body: Json) -> Json:
        timetable = self._cloud.timetable
        back_at = self._cloud.clock.now() + timetable.real(PREEMPTED_GUIDE_SECONDS)
        if not self._cloud.groups.preempt(body["node"], back_at):
            raise FaultError(f"no running node is called {body['node']!r}.")
        return body

    async def clear_faults(self, request: web.Request) -> web.Response:
        gone = self._cloud.faults.clear(request.match_info.get("fault", ""))
        self._changed()
        return web.json_response({"cleared": gone})

    async def request_balancer(self, request: web.Request) -> web.Response:
        return await self._balancer(lambda: self._json(request), load_balancers.request)

    async def release_balancer(self, request: web.Request) -> web.Response:
        def release(cloud: Cloud, wanted: Any) -> tuple[int, Json]:
            load_balancers.release(cloud, wanted)
            return 200, {}

        async def query() -> Any:
            return dict(request.query)

        return await self._balancer(query, release)

    async def _balancer(
        self, read: Callable[[], Awaitable[Any]], act: Callable[[Cloud, Any], tuple[int, Json]]
    ) -> web.Response:
        try:
            wanted = await read()
            if not isinstance(wanted, dict):
                raise load_balancers.LoadBalancerError(400, "a load balancer's request is a JSON object")
            status, answer = act(self._cloud, wanted)
        except load_balancers.LoadBalancerError as error:
            return web.json_response({"error": str(error)}, status=error.status)
        return web.json_response(answer, status=status)

    async def review(self, request: web.Request) -> web.Response:
        answer = self._tokens.review(await self._json(request), dict(request.match_info), self._cloud.clock.now())
        return web.json_response(answer)

    async def _json(self, request: web.Request) -> Any:
        try:
            return json.loads(await request.read())
        except ValueError:
            return None

    def _changed(self) -> None:
        self._cloud.store.save()
        self._cloud.engine.wake.set()


def left(cloud: Cloud) -> Json:
    """What exists now, by kind: after a teardown every list is empty."""
    state = cloud.state
    up = [instance.name for _, _, _, instance in machines(state) if instance.status != CREATING]
    return {
        "clusters": sorted(state.clusters),
        "node_pools": sorted(f"{key}/{pool}" for key, cluster in state.clusters.items() for pool in cluster.pools),
        "running_operations": [operation.name for operation in cloud.operations.running()],
        "nodes": sorted(up),
        "disks": sorted(up),
        "addresses": sorted(balancer.address for balancer in state.load_balancers.values()),
        "target_pools": sorted(state.load_balancers),
        "forwarding_rules": sorted(state.load_balancers),
    }
