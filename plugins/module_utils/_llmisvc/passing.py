# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""Which errors of an API server pass by themselves, and which another try does not mend.

By reason and status where they are known, else by the words that apimachinery gives to each (0.37:
pkg/api/errors/errors.go, util/net for lost connections; apiserver's admission and webhook errors; etcd's).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

# metav1.StatusReason. What is not here is decided by its status, and then by its words.
_REASONS: Mapping[str, bool] = {
    "AlreadyExists": True,  # the next look finds it
    "Conflict": True,
    "Expired": True,
    "Gone": True,
    "InternalError": True,
    "ServerTimeout": True,
    "ServiceUnavailable": True,
    "StoreReadError": True,
    "Timeout": True,
    "TooManyRequests": True,
    "BadRequest": False,
    "Forbidden": False,
    "Invalid": False,
    "MethodNotAllowed": False,
    "NotAcceptable": False,
    "RequestEntityTooLarge": False,
    "UnsupportedMediaType": False,
}
# 0: it did not answer. An API server that is being updated or resized is away for minutes.
_STATUSES = (0, 408, 409, 410, 429, 500, 502, 503, 504)

# What KServe makes itself, or looks up before its cache has it.
_OWN = re.compile(
    r"\b(?:deployments?|replicasets?|statefulsets?|services?|endpoints|pods?|serviceaccounts?|roles?|rolebindings?"
    r"|clusterrolebindings?|httproutes?|inferencepools?|inferencemodels?|destinationrules?|leaderworkersets?"
    r"|horizontalpodautoscalers?|scaledobjects?|llminferenceservices?|podmonitors?|servicemonitors?)"
    r"(?:\.[a-z0-9.-]+)? \"[^\"]*\" not found|secrets? \"[^\"]*-self-signed-certs\" not found",
    re.IGNORECASE,
)
# 403, and yet only too early: admission has not read its own objects.
_TOO_EARLY = re.compile(
    r"not yet ready to handle request|status unknown for quota|error looking up service account|caches not synchronized"
    r"|RBAC: \[?(?:cluster)?role\S* \"[^\"]*\" not found",
    re.IGNORECASE,
)
# The webhook did not answer, whatever it would have said: its pods, its service or its CA are still on their way.
_WEBHOOK = re.compile(
    r"failed calling (?:admission )?webhook|failed to call webhook|conversion webhook for .+? failed"
    r"|failed to (?:validate|mutate) .{0,80}webhook .{0,80}unavailable",
    re.IGNORECASE,
)
_DENIED = re.compile(r"denied the request", re.IGNORECASE)
_FATAL = re.compile(
    r"field not declared in schema|unknown field|strict decoding error|\bforbidden\b|\bis invalid\b|\bInvalid value\b"
    r"|\bRequired value\b|\bUnsupported value\b|field is immutable|violates PodSecurity|exceeded quota"
    r"|no matches for kind|could not find the requested resource|request (?:entity )?is too large|entity too large"
    r"|database space exceeded|cannot be handled as a|for an unknown reason|error in our request|cannot unmarshal"
    r"|does not allow this method|no kind \"[^\"]*\" is registered",
    re.IGNORECASE,
)
_PASSING = re.compile(
    # apimachinery: Conflict, AlreadyExists, timeouts, too many requests, unavailable, internal
    r"the object has been modified|operation cannot be fulfilled|reported a conflict|already exists|precondition failed"
    r"|try again|too many requests|currently unable to handle the request|in the time allotted|timeout: request did not"
    r"|could not be completed at this time|internal error occurred|error on the server|evaluation timed out"
    r"|provide credentials|too old\b|\bunauthorized\b"
    # lost connections (IsConnectionRefused, IsConnectionReset, IsProbableEOF, IsTimeout, IsHTTP2ConnectionLost)
    r"|connection refused|connection reset|broken pipe|\bEOF\b|client connection lost|server sent GOAWAY"
    r"|use of closed network connection|on broken connection|no route to host|network is unreachable|no such host"
    r"|i/o timeout|deadline exceeded|context canceled|handshake timeout|client\.timeout exceeded|timed out"
    r"|client rate limiter|transport is closing|server misbehaving|connection error: desc"
    # services and certificates on their way
    r"|no endpoints available|signed by unknown authority|not yet valid|unable to load root certificates|etcdserver",
    re.IGNORECASE,
)


def is_passing(said: str, *, status: int | None = None, reason: str = "") -> bool:
    """Can it pass without somebody's doing? What nobody knows is taken not to."""
    if _TOO_EARLY.search(said):
        return True
    if reason in _REASONS and not (_REASONS[reason] and is_refusal(said)):
        return _REASONS[reason]
    if status is not None and reason not in _REASONS:
        return status in _STATUSES
    if is_refusal(said):
        return False
    return bool(_WEBHOOK.search(said) or _OWN.search(said) or _PASSING.search(said))


def is_refusal(said: str) -> bool:
    """Does it say for certain that the same request is refused again?"""
    if _TOO_EARLY.search(said):
        return False
    if _DENIED.search(said):
        return True
    return not _WEBHOOK.search(said) and bool(_FATAL.search(said))


__all__ = ("is_passing", "is_refusal")
