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
from urllib.parse import urlsplit

from ansible_collections.rhaii.gke.plugins.module_utils._errors import flat
from ansible_collections.rhaii.gke.plugins.module_utils._routing import events
from ansible_collections.rhaii.gke.plugins.module_utils._routing.content import (
    EVENT_STREAM,
    ContentError,
    body_of,
    kind_of,
    page_of,
    text_of,
)
from ansible_collections.rhaii.gke.plugins.module_utils._routing.ports import Answer

# Headers that name a replica, the most direct first. None of them is there by default.
REPLICA_HEADERS = (
    "x-served-by",
    "x-gateway-destination-endpoint-served",
    "x-gateway-destination-endpoint",
    "x-inference-pod",
)
SHOWN = 200
JSON = "application/json"
# Why an answer ended that is none: vLLM says abort (and [DONE]) of what its engine gave up (vllm#57082), error of what
# failed; proxies have others that end alike.
_BROKEN = ("abort", "aborted", "cancelled", "canceled", "error")


@dataclass(frozen=True)
class Completion:
    """A completion as far as it matters here; `error` is a sentence when there is none."""

    error: str = ""
    prompt_tokens: int | None = None
    # None when the server does not tell
    cached_tokens: int | None = None


class _NoCompletionError(Exception):
    """What was answered is none; the sentence says why."""


def problem(answer: Answer) -> str:
    """Why an answer is none, in one line; '' when it is one."""
    if answer.error:
        return answer.error
    try:
        page = page_of(answer)
        if answer.status == 200 and page:
            return f"HTTP 200 with {page}: a proxy or a login stands before the endpoint"
        if answer.status == 200:
            return _error_within(answer)
        said = _redirect(answer) or page or _said(text_of(answer))
    except ContentError as error:
        said = str(error)
    return f"HTTP {answer.status}{': ' + said if said else ''}"


def _error_within(answer: Answer) -> str:
    """The error that a proxy answered with a status of success."""
    if kind_of(answer) != JSON:
        return ""
    found = _object(text_of(answer))
    return f"HTTP 200 with an error: {_said(json.dumps(found))}" if found.get("error") else ""


def _redirect(answer: Answer) -> str:
    """Where an answer would send us, without what may be secret there. A prompt and a token go where the user says."""
    if not 300 <= answer.status < 400 or not answer.headers.get("location"):
        return ""
    where = _address(answer.headers["location"])
    return f"it leads to {where}, where nothing was sent; if the endpoint is there, give its address as url"


def _address(location: str) -> str:
    try:
        parts = urlsplit(location.strip())
    except ValueError:
        return "an address that cannot be read"
    host = parts.netloc.rpartition("@")[2]
    scheme = f"{parts.scheme}:" if parts.scheme else ""
    return flat(f"{scheme}{'//' + host if host else ''}{parts.path}", SHOWN) or "this very address"


def _said(text: str) -> str:
    """What the body of an error says."""
    found = _object(text)
    return flat(next(filter(None, map(_message, _errors(found))), text), SHOWN)


def _errors(found: Mapping[str, Any]) -> Iterator[Any]:
    yield from (found[key] for key in ("error", "message", "detail") if key in found)


def _message(error: Any) -> str:
    """Its sentence: the text, or what lies within under these names."""
    if isinstance(error, Mapping):
        return next(filter(None, map(_message, _errors(error))), "")
    return error if isinstance(error, str) else ""


def completion_of(answer: Answer) -> Completion:
    """Read a completion, whole or streamed; what was cut off or failed in mid-stream is none."""
    wrong = problem(answer)
    if wrong:
        return Completion(wrong)
    try:
        parts = _streamed(answer) if kind_of(answer) == EVENT_STREAM else [_object(text_of(answer))]
        choices, usage = False, None
        for part in parts:
            _check(part)
            choices = choices or bool(part.get("choices"))
            if isinstance(part.get("usage"), Mapping):
                usage = part["usage"]
    except (ContentError, _NoCompletionError) as error:
        return Completion(flat(str(error), SHOWN))
    if not choices:
        return Completion("the answer holds no choices")
    details = (usage or {}).get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, Mapping) else None
    return Completion("", _count((usage or {}).get("prompt_tokens")), _count(cached))


def _check(part: Mapping[str, Any]) -> None:
    """Refuse an object that reports a failure, of the whole or of one choice."""
    for error in (part.get("error"), *(choice.get("error") for choice in _choices(part))):
        if error:
            raise _NoCompletionError(_message(error) or _message(part) or json.dumps(error))
    # as vLLM had it before its errors lay in `error`
    if part.get("object") == "error" or part.get("type") == "error":
        raise _NoCompletionError(_message(part) or json.dumps(part))
    for choice in _choices(part):
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and (reason.lower() in _BROKEN or reason.lower().endswith("_error")):
            raise _NoCompletionError(f"the answer was broken off: its finish_reason is {reason}")


def _streamed(answer: Answer) -> list[Mapping[str, Any]]:
    """The objects of a stream, once it is known to be whole."""
    stream = events.read(body_of(answer))
    found: list[Mapping[str, Any]] = []
    # each choice, and whether it said why it ended; where none says so ever, the end of the stream has to do
    ended: dict[str, bool] = {}
    done = False
    for event in stream.events:
        if event.is_last:
            done = True
            break
        data = event.data.strip()
        part = _object(data)
        if event.name == "error":
            raise _NoCompletionError(_message(part) or data or "the stream holds an error without a word")
        if not part and data not in ("", "{}"):
            raise _NoCompletionError(f"the stream holds what is no JSON object: {data}")
        found.append(part)
        _check(part)
        for choice in _choices(part):
            if "finish_reason" in choice:
                index = str(choice.get("index", 0))
                ended[index] = ended.get(index, False) or bool(choice["finish_reason"])
    if not (all(ended.values()) if ended else done):
        stray = f": {stream.stray}" if stream.stray else ""
        last = "although no reason was given (finish_reason is null)" if done else "before the answer was whole"
        raise _NoCompletionError(f"the stream ended {last}{stray}")
    return found


def _choices(part: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    listed = part.get("choices")
    return [each for each in listed if isinstance(each, Mapping)] if isinstance(listed, list) else []


def _object(text: str) -> Mapping[str, Any]:
    try:
        # a control character in a text that nobody reads here spoils no answer
        found = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def model_ids(answer: Answer) -> list[str]:
    """The ids that /v1/models lists."""
    if problem(answer):
        return []
    try:
        listed = _object(text_of(answer)).get("data")
    except ContentError:
        return []
    if not isinstance(listed, list):
        return []
    return [str(entry["id"]) for entry in listed if isinstance(entry, Mapping) and entry.get("id")]


def replica_header(answer: Answer) -> str:
    """The replica that a header names, '' when none does."""
    return next((answer.headers[name] for name in REPLICA_HEADERS if answer.headers.get(name)), "")


__all__ = ("REPLICA_HEADERS", "Completion", "completion_of", "model_ids", "problem", "replica_header")
