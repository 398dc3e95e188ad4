# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the picker reads of a request's body."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sandbox.images.epp.scorers import Request

NO_OBJECT = "Error unmarshaling request body"
NOTHING_TO_READ = (
    "failed to extract request data: inference gateway: BadRequest - invalid chat-completions request: "
    "inference gateway: BadRequest - chat-completions request must have at least one message"
)
"""What it says of every body without a text to read."""


class BodyError(Exception):
    """The body is none that an inference request may have."""


def read(raw: bytes, *, strict: bool = True) -> Request:
    """Model and prompt of an OpenAI request; an empty body is a request without prompt.

    `strict` refuses a body without a model, and one that has neither a prompt of text nor messages.
    """
    if not raw.strip():
        return Request()
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise BodyError(NO_OBJECT) from error
    if not isinstance(body, Mapping):
        raise BodyError(NO_OBJECT)
    if strict:
        _check(body)
    return Request(str(body.get("model") or ""), prompt_text(body), str(body.get("cache_salt") or ""))


def _check(body: Mapping[str, Any]) -> None:
    if not isinstance(body.get("model"), str):
        raise BodyError("model not found in request body")
    if not (isinstance(body.get("prompt"), str) and body["prompt"]) and not body.get("messages"):
        raise BodyError(NOTHING_TO_READ)


def prompt_text(body: Mapping[str, Any]) -> str:
    """One text for what the model will read, the same for equal beginnings."""
    prompt = body.get("prompt")
    if isinstance(prompt, str):
        return prompt
    if isinstance(prompt, list):
        if all(isinstance(item, str) for item in prompt):
            return "\n".join(prompt)
        return json.dumps(prompt, separators=(",", ":"))[1:]
    messages = body.get("messages")
    if isinstance(messages, list):
        return "".join(_message_text(message) for message in messages if isinstance(message, Mapping))
    return ""


def _message_text(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    text = content if isinstance(content, str) else json.dumps(content, separators=(",", ":"), sort_keys=True)
    return f"<{message.get('role')}>{text}</>"
