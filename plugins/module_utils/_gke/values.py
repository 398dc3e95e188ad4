# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""What GKE's REST answers mean, as values; the shapes are those of container.v1."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._meaning import STOCKOUT, meaning_of
from ansible_collections.rhaii.gke.plugins.module_utils._ownership import ENVIRONMENT, MANAGED_BY, MANAGER

T = TypeVar("T")

Json = dict[str, Any]


class Listed(list[T]):
    """What Google lists; `missing` are the places that did not answer it: what is there was not looked at."""

    def __init__(self, found: Iterable[T], missing: Iterable[str] = ()) -> None:
        super().__init__(found)
        self.missing = frozenset(missing)


def silent_in(found: Sequence[Any]) -> list[str]:
    """The places of whose things a list says nothing."""
    return sorted(found.missing) if isinstance(found, Listed) else []


_LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}")


@dataclass(frozen=True)
class Problem:
    """Google's code and words for what went wrong."""

    code: str
    message: str

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.code, self.message)))


@dataclass(frozen=True)
class Operation:
    name: str
    kind: str
    status: str
    target: str
    detail: str = ""
    problem: Problem | None = None

    @property
    def done(self) -> bool:
        return self.status == "DONE"

    def public(self) -> Json:
        """What a module returns of it."""
        return {
            "name": self.name,
            "type": self.kind,
            "status": self.status,
            "error": None if self.problem is None else str(self.problem),
        }


@dataclass(frozen=True)
class GroupRef:
    """A managed instance group, from the URL that a node pool lists."""

    project: str
    zone: str
    name: str


@dataclass(frozen=True)
class Instance:
    """One managed instance; its name is the node's name."""

    url: str
    status: str
    action: str
    # what the group's last attempt to create it ran into
    problem: Problem | None = None

    @property
    def up(self) -> bool:
        return self.status == "RUNNING" and self.action in ("NONE", "")

    @property
    def name(self) -> str:
        return self.url.rsplit("/", 1)[-1]


def operation_of(body: Mapping[str, Any]) -> Operation:
    return Operation(
        name=str(body.get("name", "")),
        kind=str(body.get("operationType", "")),
        status=str(body.get("status", "")),
        target=str(body.get("targetLink", "")),
        detail=str(body.get("detail") or body.get("statusMessage") or ""),
        problem=problem_of(body),
    )


# google.rpc.Code, by number
_CANONICAL = (
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
)
# Conditions also carry notices, which fail nothing.
_NOTICES = frozenset(
    {"", "OK", "UNKNOWN", "CA_EXPIRING", "SET_BY_OPERATOR", "NODE_SERVICE_ACCOUNT_MISSING_PERMISSIONS"}
)


def problem_of(body: Mapping[str, Any]) -> Problem | None:
    """The error of an operation, a cluster or a pool; a condition's code (GCE_STOCKOUT) says more than the error's."""
    failing = [
        (code, str(condition.get("message") or ""))
        for key in ("nodepoolConditions", "clusterConditions", "conditions")
        for condition in body.get(key) or []
        for code in (_condition_code(condition),)
        if code not in _NOTICES
    ]
    error = body.get("error") or {}
    number, message = _number(error.get("code")), str(error.get("message") or "")
    if failing:
        code, said = failing[0]
        return Problem(code, message or said)
    if number or message:
        return Problem(_CANONICAL[number] if 0 < number < len(_CANONICAL) else "UNKNOWN", message)
    return None


def _number(code: object) -> int:
    """Of google.rpc.Code, which some clients write as its word."""
    if isinstance(code, str) and code in _CANONICAL:
        return _CANONICAL.index(code)
    return int(str(code or 0))


def meaning_of_problem(problem: Problem) -> str:
    return meaning_of(0, problem.code, problem.message)


def is_stockout(problem: Problem | None) -> bool:
    """Has the zone no such machines? Google's general code hides it; its words tell."""
    return problem is not None and meaning_of_problem(problem) == STOCKOUT


def _condition_code(condition: Mapping[str, Any]) -> str:
    code = str(condition.get("code") or "")
    return code if code not in ("", "UNKNOWN") else str(condition.get("canonicalCode") or "")


_GROUP = re.compile(r"projects/([^/]+)/zones/([^/]+)/instanceGroup(?:Manager)?s/([^/?]+)")


def groups_of(pool: Mapping[str, Any]) -> list[GroupRef]:
    found = [_GROUP.search(str(url)) for url in pool.get("instanceGroupUrls") or []]
    return [GroupRef(*match.groups()) for match in found if match]


DEBT = "rhaii-debt-"
# "true" on a cluster that no teardown may delete unasked
KEEP = "rhaii-keep"


def debts_of(labels: Mapping[str, str]) -> dict[str, str]:
    """Where a move left a cluster behind, and the operation that kept it from being deleted at once."""
    return {key.removeprefix(DEBT): value for key, value in sorted(labels.items()) if key.startswith(DEBT)}


def labels_of_pool(pool: Mapping[str, Any]) -> dict[str, str]:
    """Those of a pool's machines, by which it is known whose it is."""
    return dict((pool.get("config") or {}).get("resourceLabels") or {})


def our_labels(environment: str, extra: Mapping[str, object]) -> dict[str, str]:
    """The labels that make a resource ours, refused here rather than by Google in mid-deploy."""
    # YAML gives numbers too
    given = {str(key): str(value) for key, value in extra.items()}
    labels = {**given, MANAGED_BY: MANAGER, ENVIRONMENT: environment}
    for key, value in labels.items():
        if not _LABEL_VALUE.fullmatch(value) or not _LABEL_VALUE.fullmatch(key) or not key[:1].isalpha():
            raise RhaiiError(
                f"{key}={value} cannot be a label in Google Cloud.",
                remedy="Use at most 63 lower-case letters, digits, '-' and '_', and let the key start with a letter.",
            )
    return labels


def certificate_of(cluster: Mapping[str, Any]) -> str:
    """The cluster's CA as PEM text; the API gives it base64-encoded once more."""
    encoded = str((cluster.get("masterAuth") or {}).get("clusterCaCertificate") or "")
    try:
        return base64.b64decode(encoded, validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise RhaiiError("GKE answered with a CA certificate that is not base64 text.") from error


def at_least(version: str, wanted: str) -> bool:
    """Is 1.36.3-gke.1 at least 1.36? Compared as far as `wanted` goes."""
    have, want = _numbers(version), _numbers(wanted)
    return have[: len(want)] >= want


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)]


__all__ = (
    "DEBT",
    "KEEP",
    "GroupRef",
    "Instance",
    "Json",
    "Listed",
    "Operation",
    "Problem",
    "at_least",
    "certificate_of",
    "debts_of",
    "groups_of",
    "is_stockout",
    "labels_of_pool",
    "meaning_of_problem",
    "operation_of",
    "our_labels",
    "problem_of",
    "silent_in",
)
