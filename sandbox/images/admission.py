# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A validating admission webhook: AdmissionReviews over HTTPS, with a certificate from mounted files."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiohttp import web

Object = dict[str, Any]
Check = Callable[[Object], Sequence[str]]
"""From the review's request to what is wrong with the object; nothing means that it may pass."""


def nothing(_request: Object) -> Sequence[str]:
    """A check that finds nothing."""
    return ()


def review_answer(review: Object, check: Check, warn: Check = nothing) -> Object:
    """The AdmissionReview that answers `review`; what `warn` finds is told and stands in nothing's way."""
    request = review["request"]
    problems = check(request)
    response: Object = {"uid": request["uid"], "allowed": not problems}
    if warnings := list(warn(request)):
        response["warnings"] = warnings
    if problems:
        kind = request.get("kind") or {}
        name = request.get("name") or ((request.get("object") or {}).get("metadata") or {}).get("name", "")
        subject = f'{kind.get("kind", "object")}.{kind.get("group", "")} "{name}" is invalid: '
        response["status"] = {"code": 422, "reason": "Invalid", "message": subject + "; ".join(problems)}
    return {"apiVersion": review["apiVersion"], "kind": "AdmissionReview", "response": response}


def application(checks: Mapping[str, Check], warnings: Mapping[str, Check] | None = None) -> web.Application:
    """A web application with one check a path, and warnings for some."""

    def handler(check: Check, warn: Check) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.Response:
            return web.json_response(review_answer(await request.json(), check, warn))

        return handle

    app = web.Application(client_max_size=8 * 1024 * 1024)
    for path, check in checks.items():
        app.router.add_post(path, handler(check, (warnings or {}).get(path, nothing)))
    return app


def health_application(checks: Mapping[str, Callable[[], bool]]) -> web.Application:
    """A web application for probes: 200 while the check of a path holds, else 500."""

    def handler(check: Callable[[], bool]) -> Callable[[web.Request], Any]:
        async def handle(_request: web.Request) -> web.Response:
            return web.Response(text="ok") if check() else web.Response(status=500, text="not ready")

        return handle

    app = web.Application()
    for path, check in checks.items():
        app.router.add_get(path, handler(check))
    return app


async def serve(app: web.Application, port: int, tls: ssl.SSLContext | None = None) -> web.AppRunner:
    """Serve an application at the pod's own address; the caller cleans the runner up."""
    # imported here: what only judges objects needs no network
    from sandbox.network import sockets

    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.SockSite(runner, sockets.listen(port), ssl_context=tls).start()
    return runner
