# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Serves configurations to the agents of gateways: a long poll, authenticated by the pod's token."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from aiohttp import web

from sandbox.control_plane.kube import ApiError, Key, KubeClient
from sandbox.images.istiod.configuration import Configuration
from sandbox.images.istiod.gateways import TOKEN_AUDIENCE

MAX_PATIENCE = 60.0
KNOWN_SECONDS = 60.0
"""How long a token that was vouched for is not asked about again."""

Account = tuple[str, str]
Authenticate = Callable[[str], Awaitable[Account | None]]


class Source(Protocol):
    """Where configurations come from."""

    @property
    def ready(self) -> bool: ...

    async def next_configuration(self, gateway: Key, known: str, patience: float) -> Configuration | None: ...


class TokenReviews:
    """Asks the API server whose token it is."""

    def __init__(self, client: KubeClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._known: dict[str, tuple[float, Account]] = {}

    async def __call__(self, token: str) -> Account | None:
        """Namespace and name of a service account; None for anything else."""
        until, account = self._known.get(token, (0.0, ("", "")))
        if until > self._clock():
            return account
        review = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "metadata": {},
            "spec": {"token": token, "audiences": [TOKEN_AUDIENCE]},
        }
        status = (await self._client.create(review)).get("status") or {}
        parts = str((status.get("user") or {}).get("username", "")).split(":")
        if not status.get("authenticated") or parts[:2] != ["system", "serviceaccount"]:
            return None
        account = (parts[2], parts[3])
        self._known = {kept: entry for kept, entry in self._known.items() if entry[0] > self._clock()}
        self._known[token] = (self._clock() + KNOWN_SECONDS, account)
        return account


def discovery_app(source: Source, authenticate: Authenticate) -> web.Application:
    """The application behind istiod's discovery port."""

    async def configuration(request: web.Request) -> web.Response:
        gateway = (request.match_info["namespace"], request.match_info["gateway"])
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            account = await authenticate(token) if token else None
        except ApiError as error:
            return web.Response(status=503, text=f"the caller's token could not be checked: {error}\n")
        # the account of a gateway's pods lives beside it and begins with its name
        if account is None or account[0] != gateway[0] or not account[1].startswith(f"{gateway[1]}-"):
            return web.Response(status=401, text=f"only the pods of Gateway {'/'.join(gateway)} may ask for this\n")
        if not source.ready:
            return web.Response(status=503, text="caches are being filled\n")
        patience = min(float(request.query.get("wait", "0")), MAX_PATIENCE)
        found = await source.next_configuration(gateway, request.query.get("version", ""), patience)
        return web.json_response(found.to_json()) if found else web.Response(status=304)

    app = web.Application()
    app.router.add_get("/configuration/{namespace}/{gateway}", configuration)
    return app


def readiness_app(source: Source) -> web.Application:
    """The application behind istiod's readiness probe."""

    async def ready(_: web.Request) -> web.Response:
        return web.Response(status=200 if source.ready else 503)

    app = web.Application()
    app.router.add_get("/ready", ready)
    return app
