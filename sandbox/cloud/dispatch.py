# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From an HTTP request to a handler and back: who calls, what is meant, whether it is allowed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from sandbox.cloud import quotas, reservations, services
from sandbox.cloud.apis import handlers, key
from sandbox.cloud.calls import Call, Cloud, Handler
from sandbox.cloud.discovery import Method, document
from sandbox.cloud.errors import GoogleError, Json, error_info, not_found, unimplemented
from sandbox.cloud.ledger import without_secrets
from sandbox.cloud.routing import Router
from sandbox.cloud.tokens import Tokens
from sandbox.cloud.validation import check_query, numbered, parse_body

LOG = logging.getLogger("sandbox.cloud")


class Dispatcher:
    """Answers every call of an emulated API."""

    def __init__(self, cloud: Cloud, tokens: Tokens) -> None:
        self._cloud = cloud
        self._tokens = tokens
        self._handlers = handlers()
        self._router = Router(self._handlers)

    async def handle(self, request: web.Request) -> web.Response:
        """The handler of all paths that are not the sandbox's own."""
        body = await request.read()
        method: Method | None = None
        try:
            method, params = self._router.match(request.method, request.path, request.host)
            await asyncio.sleep(self._cloud.faults.delay(method.id, request.path))
            answer = self._audited(request, method, params, body)
        except GoogleError as error:
            return refusal(request, error, method)
        except Exception:
            LOG.exception("%s %s", request.method, request.path)
            return refusal(request, GoogleError("INTERNAL", "Internal error encountered."), method)
        if "enum-encoding=int" in request.query.get("$alt", "") and method.response:
            answer = numbered(document(method.document), method.response, answer)
        return web.json_response(answer)

    def _audited(self, request: web.Request, method: Method, params: Mapping[str, str], body: bytes) -> Json:
        """Answer, and keep a line of what would change something."""
        handler = self._handlers.get(key(method))
        changes = handler.mutating if handler else request.method != "GET"
        if not changes:
            return self._answer(request, method, params, body, handler, {})
        entry: Json = {"caller": "", "method": method.id, "path": request.path, "status": 200}
        try:
            answer = self._answer(request, method, params, body, handler, entry)
            entry["operation"] = answer.get("name", "")
        except GoogleError as error:
            entry.update(status=error.code, error=error.message)
            raise
        finally:
            cloud = self._cloud
            cloud.audit.write(moment=cloud.clock.now(), guide_minutes=cloud.ledger.minutes(), **entry)
        return answer

    def _answer(
        self,
        request: web.Request,
        method: Method,
        params: Mapping[str, str],
        body: bytes,
        handler: Handler | None,
        entry: Json,
    ) -> Json:
        cloud, now = self._cloud, self._cloud.clock.now()
        fault = cloud.faults.api_error(
            method.id, request.path, {"project": cloud.project.id, "number": cloud.project.number}
        )
        if fault:
            raise fault
        caller = self._tokens.caller(request.headers.get("Authorization", ""), now)
        entry["caller"] = caller
        if handler is None:
            raise unimplemented(f"the method {method.id}")
        check_query(method, request.query)
        parsed = parse_body(document(method.document), method, body)
        entry["body"] = without_secrets(parsed)
        services.settle(cloud.state, now)
        quotas.settle(cloud, now)
        self._allow(method, params, handler, caller)
        call = Call(cloud, method, params, request.query, parsed, caller, now)
        answer = handler.answer(call)
        if handler.mutating:
            cloud.store.save()
            cloud.engine.wake.set()
        return answer

    def _allow(self, method: Method, params: Mapping[str, str], handler: Handler, caller: str) -> None:
        project = self._cloud.project
        named = params.get("project") or params.get("v1Id1") or params.get("resource")
        # a service account may be asked for by its address alone, in the project -
        is_shared = handler.permission in reservations.OF_OTHERS and reservations.shared_by(project, str(named))
        if named not in (None, "-") and not project.knows(str(named)) and not is_shared:
            raise unknown_project(method, named)
        if not services.enabled(project, self._cloud.state, method.host):
            raise services.disabled_error(project, method.host)
        if handler.permission and not project.allows(caller, handler.permission):
            raise forbidden(method, handler.permission, project.id)


def unknown_project(method: Method, named: str) -> GoogleError:
    """What Google says about a project that is not the caller's."""
    if method.api == "compute":
        return not_found(f"The resource 'projects/{named}' was not found")
    detail = error_info("CONSUMER_INVALID", {"consumer": f"projects/{named}", "service": method.host})
    return GoogleError("PERMISSION_DENIED", f"Permission denied on resource project {named}.", details=[detail])


def forbidden(method: Method, permission: str, project: str) -> GoogleError:
    """403 that names the permission."""
    if method.api == "compute":
        return GoogleError("PERMISSION_DENIED", f"Required '{permission}' permission for 'projects/{project}'")
    detail = error_info("IAM_PERMISSION_DENIED", {"permission": permission, "resource": f"projects/{project}"})
    message = f'Required "{permission}" permission(s) for "projects/{project}".'
    return GoogleError("PERMISSION_DENIED", message, details=[detail])


def refusal(request: web.Request, error: GoogleError, method: Method | None) -> web.Response:
    """An error as an answer."""
    LOG.info("%s %s: %s %s", request.method, request.path, error.code, error.message)
    if error.page is not None:
        return web.Response(text=error.page, content_type="text/html", status=error.code, headers=error.headers)
    body: Any = error.body(legacy=method is not None and method.api == "compute")
    return web.json_response(body, status=error.code, headers=error.headers)
