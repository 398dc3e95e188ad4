# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the picker reads of a request's body."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sandbox.images.epp.scorers import Request


class BodyError(Exception):
    """The body is none that an inference request may have."""


def read(raw: bytes, *, strict: bool = True) -> Request:
    """Model and prompt of an OpenAI request; an empty body is a request without prompt.

    `strict` refuses a body without a model, and one whose prompt is no text and that has no messages either.
    """
    if not raw.strip():
        return Request()
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise BodyError(f"the request body is no JSON: {error}") from error
    if not isinstance(body, Mapping):
        raise BodyError(f"the request body must be a JSON object; found {type(body).__name__}")
    if strict:
        _check(body)
    return Request(str(body.get("model") or ""), prompt_text(body), str(body.get("cache_salt") or ""))


def _check(body: Mapping[str, Any]) -> None:
    if not isinstance(body.get("model"), str) or not body["model"]:
        raise BodyError("model not found in request body")
    if "prompt" in body:
        if not isinstance(body["prompt"], str):
            raise BodyError("prompt must be a string")
    elif not isinstance(body.get("messages"), list) or not body["messages"]:
        raise BodyError("prompt or messages not found in request body")


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
