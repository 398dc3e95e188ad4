# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Errors the way Google's front ends word and shape them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Json = dict[str, Any]

STATUS_CODES = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "RESOURCE_EXHAUSTED": 429,
    "INTERNAL": 500,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}

# Compute Engine keeps the error form of an older generation of APIs.
LEGACY_REASONS = {
    400: "invalid",
    401: "required",
    403: "forbidden",
    404: "notFound",
    409: "alreadyExists",
    429: "rateLimitExceeded",
    500: "backendError",
    501: "notImplemented",
    503: "backendError",
}


class GoogleError(Exception):
    """An answer that is an error; `page` is what a front end gives in place of JSON."""

    def __init__(
        self,
        status: str,
        message: str,
        *,
        code: int | None = None,
        details: Sequence[Json] = (),
        headers: Mapping[str, str] | None = None,
        older: str = "",
        page: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code or STATUS_CODES[status]
        self.details = list(details)
        self.headers = dict(headers or {})
        self.older = older
        self.page = page

    def body(self, *, legacy: bool = False) -> Json:
        """The error as JSON; `legacy` is Compute Engine's form."""
        error: Json = {"code": self.code, "message": self.message}
        if legacy or self.older:
            reason = self.older or LEGACY_REASONS.get(self.code, "backendError")
            error["errors"] = [{"message": self.message, "domain": "global", "reason": reason}]
        if not legacy:
            error["status"] = self.status
        if self.details:
            error["details"] = self.details
        return {"error": error}


def invalid(message: str) -> GoogleError:
    """400 for a value that cannot be."""
    return GoogleError("INVALID_ARGUMENT", message)


def not_found(message: str) -> GoogleError:
    """404."""
    return GoogleError("NOT_FOUND", message)


def precondition(message: str) -> GoogleError:
    """400 for what cannot be now."""
    return GoogleError("FAILED_PRECONDITION", message)


def unimplemented(what: str) -> GoogleError:
    """501: Google can do this, the emulator cannot."""
    return GoogleError("UNIMPLEMENTED", f"The sandbox's cloud does not emulate {what}. A real project does.")


def bad_fields(violations: Sequence[tuple[str, str]]) -> GoogleError:
    """400 for a body that does not fit its schema: pairs of field and description."""
    message = "\n".join(description for _, description in violations)
    detail = {
        "@type": "type.googleapis.com/google.rpc.BadRequest",
        "fieldViolations": [
            {**({"field": field} if field else {}), "description": description} for field, description in violations
        ],
    }
    return GoogleError("INVALID_ARGUMENT", message, details=[detail])


def error_info(reason: str, metadata: Mapping[str, str], domain: str = "googleapis.com") -> Json:
    """The machine-readable part of an error."""
    return {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": domain,
        "metadata": dict(metadata),
    }
