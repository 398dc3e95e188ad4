# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""Is each model's own endpoint picker really asked, on each path that leads to it?

With FailOpen a gateway that asks nobody answers 200 all the same. So the picker's answers to the gateway are counted
before and after a few requests on one path. Where others send requests meanwhile the count says nothing, and the path
is tried again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._pool_routes import Object, rules_of
from ansible_collections.rhaii.gke.plugins.module_utils._routing.answers import problem
from ansible_collections.rhaii.gke.plugins.module_utils._routing.ports import Ask, Cluster, Transport

REQUESTS = 2
TRIES = 3
PROMPT = "Is the endpoint picker asked?"
POOL = "{}-inference-pool"
ASKED, NOT_ASKED, UNKNOWN, FAILED = "asked", "not_asked", "unknown", "failed"


@dataclass(frozen=True)
class Path:
    """A path that leads to a model's pool; `picker` is the cluster that Envoy must ask, '' where there is no pool."""

    service: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    picker: str = ""


@dataclass(frozen=True)
class Found:
    """What a path showed. `answers` are the picker's, None where they could not be counted."""

    service: str
    path: str
    headers: Mapping[str, str]
    picker: str
    verdict: str
    requests: int = 0
    answers: int | None = None
    reason: str = ""


def paths(
    routes: Sequence[Object], pools: Sequence[Object], services: Sequence[str], gateway: str, namespace: str
) -> list[Path]:
    """Every path of every rule of a Gateway that leads to the pool of one of the services, in their order."""
    found: dict[tuple[str, str, str], Path] = {}
    for rule in rules_of(routes, pools, gateway, namespace):
        for match in rule.matches:
            path = str((match.get("path") or {}).get("value") or "/")
            headers = {str(each["name"]): str(each["value"]) for each in match.get("headers") or []}
            for service in services:
                if rule.pool == POOL.format(service):
                    picker = rule.picker.cluster if rule.picker else ""
                    key = (service, path, json.dumps(headers, sort_keys=True))
                    found.setdefault(key, Path(service, path, headers, picker))
    return [each for service in services for each in found.values() if each.service == service]


def body_for(path: str, model: str) -> bytes:
    """A small request of the kind that a path takes; empty for one that is not known."""
    asks: dict[str, dict[str, Any]] = {
        "/completions": {"prompt": PROMPT, "max_tokens": 1},
        "/chat/completions": {"messages": [{"role": "user", "content": PROMPT}], "max_tokens": 1},
        "/responses": {"input": PROMPT, "max_output_tokens": 16},
    }
    for end, body in asks.items():
        if path.endswith(f"/v1{end}"):
            return json.dumps({"model": model, **body}).encode()
    return b""


def look(
    transport: Transport, cluster: Cluster, services: Mapping[str, str], gateway: str, namespace: str
) -> list[Found]:
    """One entry a path; `services` has the name that each model answers to. A service without a path has one too."""
    try:
        routes, pools = cluster.routes()
    except RhaiiError as error:
        return [Found(name, "", {}, "", UNKNOWN, reason=str(error)) for name in services]
    wanted = paths(routes, pools, list(services), gateway, namespace)
    without = sorted(set(services) - {each.service for each in wanted})
    nowhere = f"no rule at the gateway {namespace}/{gateway} leads to its pool"
    return [
        *(Found(name, "", {}, "", FAILED, reason=nowhere) for name in without),
        *(_try(transport, cluster, each, services[each.service]) for each in wanted),
    ]


def _try(transport: Transport, cluster: Cluster, path: Path, model: str) -> Found:
    found = Found(**asdict(path), verdict=UNKNOWN)
    body = body_for(path.path, model)
    if not path.picker:
        return replace(found, verdict=FAILED, reason=f"its pool {POOL.format(path.service)} is not there")
    if not body:
        return replace(found, verdict=UNKNOWN, reason="what to ask there is not known")
    ask = Ask("POST", path.path, body, path.headers)
    try:
        for _again in range(TRIES):
            before = cluster.picker_answers()
            answers = [transport.ask(ask) for _one in range(REQUESTS)]
            after = cluster.picker_answers()
            wrong = next(filter(None, map(problem, answers)), "")
            if wrong:
                return replace(found, verdict=FAILED, requests=REQUESTS, reason=wrong)
            grown = after.get(path.picker, 0) - before.get(path.picker, 0)
            if 0 <= grown <= REQUESTS:
                verdict = ASKED if grown == REQUESTS else NOT_ASKED
                return replace(found, verdict=verdict, requests=REQUESTS, answers=grown)
    except RhaiiError as error:
        return replace(found, verdict=UNKNOWN, reason=str(error))
    return replace(found, verdict=UNKNOWN, requests=REQUESTS, reason=f"requests of others came between, {TRIES} times")


__all__ = ("ASKED", "FAILED", "NOT_ASKED", "REQUESTS", "TRIES", "UNKNOWN", "Found", "Path", "body_for", "look", "paths")
