# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The endpoint: where it is, and whether it serves at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._routing.answers import (
    Completion,
    completion_of,
    model_ids,
    problem,
)
from ansible_collections.rhaii.gke.plugins.module_utils._routing.ports import Answer, Ask, Cluster, Transport
from ansible_collections.rhaii.gke.plugins.module_utils._routing.prompts import completion
from ansible_collections.rhaii.gke.plugins.module_utils._routing.proof import COMPLETIONS

MODELS = "/v1/models"
# The guide's path needs a route of the gateway; vLLM itself has the other one.
HEALTH = ("/v1/health", "/health")


@dataclass(frozen=True)
class Found:
    """The endpoint's URL, and who said so: `option`, `gateway` or `service`."""

    url: str
    source: str


def find(cluster: Cluster, model: str, name: str, transport: Callable[[str], Transport]) -> Found:
    """The gateway's root when it leads to this service, as in the guide; else what the service says of itself."""
    root = cluster.gateway_url()
    service = cluster.service()
    own = service.url if service else ""
    if root:
        ids = model_ids(transport(root).ask(Ask("GET", MODELS)))
        wanted = {model, service.model if service else ""}
        if ids and not wanted & set(ids) and own:
            wanted |= set(model_ids(transport(own).ask(Ask("GET", MODELS))))
        if ids and (not service or wanted & set(ids)):
            return Found(root, "gateway")
    if own:
        return Found(own, "service")
    if root:
        return Found(root, "gateway")
    said = "is not there" if service is None else "has no URL in its status"
    raise RhaiiError(
        f"No endpoint was found: the gateway has no address, and the LLMInferenceService {name} {said}.",
        remedy="Wait until they are ready, check name, namespace, gateway_name and gateway_namespace, or give url.",
    )


@dataclass(frozen=True)
class Check:
    """One look at the endpoint."""

    check: str
    path: str
    status: int | None
    seconds: float | None
    # '' when it is as it should be
    problem: str
    detail: str = ""

    @property
    def ok(self) -> bool:
        return not self.problem

    @property
    def said(self) -> str:
        """The check in a few words."""
        outcome = f": {self.problem}" if self.problem else f" {self.status} in {(self.seconds or 0.0) * 1000:.0f} ms"
        tried = f" ({self.detail})" if self.check == "health" and self.detail else ""
        return f"{self.path}{outcome}{tried}"

    def result(self) -> dict[str, Any]:
        return {
            "check": self.check,
            "path": self.path,
            "status": self.status,
            "ms": None if self.seconds is None else round(self.seconds * 1000, 1),
            "ok": self.ok,
            "detail": "; ".join(each for each in (self.problem, self.detail) if each),
        }


def _check(check: str, path: str, answer: Answer, wrong: str, detail: str = "") -> Check:
    return Check(check, path, answer.status or None, answer.seconds, wrong, detail)


def health(transport: Transport) -> Check:
    """The guide's health path, else vLLM's."""
    guide, own = HEALTH
    answer = transport.ask(Ask("GET", guide))
    wrong = problem(answer)
    if not wrong or answer.error:  # where nothing answers, another path does not help
        return _check("health", guide, answer, wrong)
    answer = transport.ask(Ask("GET", own))
    return _check("health", own, answer, problem(answer), f"{guide}: {wrong}")


def models(transport: Transport, wanted: str) -> tuple[Check, str]:
    """What the endpoint serves, and the model to ask for."""
    answer = transport.ask(Ask("GET", MODELS))
    ids = model_ids(answer)
    wrong = problem(answer)
    if not wrong and not ids:
        wrong = "the answer lists no model"
    if not wrong and wanted and wanted not in ids:
        wrong = f"it serves {', '.join(ids)}, not {wanted}"
    return _check("models", MODELS, answer, wrong, ", ".join(ids)), wanted or (ids[0] if ids else "")


def completion_check(transport: Transport, model: str, prompt: str, max_tokens: int) -> tuple[Check, Completion]:
    """One completion."""
    body = completion(model, prompt, max_tokens, stream=False)
    answer = transport.ask(Ask("POST", COMPLETIONS, body))
    read = completion_of(answer)
    return _check("completion", COMPLETIONS, answer, read.error), read


def not_asked(check: str, path: str) -> Check:
    return Check(check, path, None, None, "not asked, since nothing answers")


__all__ = ("MODELS", "Check", "Found", "completion_check", "find", "health", "models", "not_asked")
