# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""grpc.health.v1: two messages of one field each, written by hand because no installed package has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc

SERVING, NOT_SERVING = 1, 2
READINESS = ("", "readiness", "envoy.service.ext_proc.v3.ExternalProcessor")
LIVENESS = ("liveness",)


def service_name(raw: bytes) -> str:
    """The `service` of a HealthCheckRequest (field 1, a string)."""
    if not raw:
        return ""
    if raw[0] != 0x0A or len(raw) < 2 or raw[1] > 127 or len(raw) < 2 + raw[1]:
        return "?"
    return raw[2 : 2 + raw[1]].decode(errors="replace")


def status_message(status: int) -> bytes:
    """A HealthCheckResponse (field 1, an enum)."""
    return bytes([0x08, status])


class Health(grpc.GenericRpcHandler):
    """Check for liveness and readiness."""

    def __init__(self, ready: Callable[[], bool]) -> None:
        self._ready = ready

    def service(self, handler_call_details: Any) -> Any:
        """The handler of a method, None for those that this is not."""
        if handler_call_details.method != "/grpc.health.v1.Health/Check":
            return None
        return grpc.unary_unary_rpc_method_handler(self._check)

    async def _check(self, request: bytes, context: Any) -> bytes:
        name = service_name(request)
        if name in LIVENESS:
            return status_message(SERVING)
        if name in READINESS:
            return status_message(SERVING if self._ready() else NOT_SERVING)
        await context.abort(grpc.StatusCode.NOT_FOUND, f"unknown service {name!r}")
        return b""
