# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""What an OpenAI endpoint answered: whole or as a stream, an answer or an error."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._errors import one_line
from ansible_collections.rhaii.gke.plugins.module_utils._routing.ports import Answer

# Headers that name a replica, the most direct first. None of them is there by default.
REPLICA_HEADERS = (
    "x-served-by",
    "x-gateway-destination-endpoint-served",
    "x-gateway-destination-endpoint",
    "x-inference-pod",
)
SHOWN = 200


@dataclass(frozen=True)
class Completion:
    """A completion as far as it matters here; `error` is a sentence when there is none."""

    error: str = ""
    prompt_tokens: int | None = None
    # None when the server does not tell
    cached_tokens: int | None = None


def problem(answer: Answer) -> str:
    """Why an answer is none, in one line; '' when it is one."""
    if answer.error:
        return answer.error
    if answer.status == 200:
        return ""
    said = _said(answer.body)
    return f"HTTP {answer.status}{': ' + said if said else ''}"


def _said(body: bytes) -> str:
    """What the body of an error says."""
    text = body.decode("utf-8", "replace").strip()
    found = _object(text)
    for key in ("error", "message", "detail"):
        inner = found.get(key)
        if isinstance(inner, Mapping):
            inner = inner.get("message")
        if isinstance(inner, str) and inner:
            text = inner
            break
    return one_line(Exception(text), SHOWN) if text else ""


def completion_of(answer: Answer) -> Completion:
    """Read a completion, whole or streamed."""
    wrong = problem(answer)
    if wrong:
        return Completion(wrong)
    choices, usage = False, None
    for event in _events(answer):
        inner = event.get("error")
        if inner:
            message = inner.get("message") if isinstance(inner, Mapping) else inner
            return Completion(one_line(Exception(str(message)), SHOWN))
        choices = choices or bool(event.get("choices"))
        if isinstance(event.get("usage"), Mapping):
            usage = event["usage"]
    if not choices:
        return Completion("the answer holds no choices")
    details = (usage or {}).get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, Mapping) else None
    return Completion("", _count((usage or {}).get("prompt_tokens")), _count(cached))


def _events(answer: Answer) -> Iterator[Mapping[str, Any]]:
    text = answer.body.decode("utf-8", "replace")
    if not answer.headers.get("content-type", "").startswith("text/event-stream"):
        yield _object(text)
        return
    for line in text.splitlines():
        if line.startswith("data:"):
            yield _object(line.removeprefix("data:").strip())


def _object(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def model_ids(answer: Answer) -> list[str]:
    """The ids that /v1/models lists."""
    if problem(answer):
        return []
    listed = _object(answer.body.decode("utf-8", "replace")).get("data")
    if not isinstance(listed, list):
        return []
    return [str(entry["id"]) for entry in listed if isinstance(entry, Mapping) and entry.get("id")]


def replica_header(answer: Answer) -> str:
    """The replica that a header names, '' when none does."""
    return next((answer.headers[name] for name in REPLICA_HEADERS if answer.headers.get(name)), "")


__all__ = ("REPLICA_HEADERS", "Completion", "completion_of", "model_ids", "problem", "replica_header")
