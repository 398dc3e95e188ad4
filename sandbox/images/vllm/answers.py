# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The answers of the OpenAI API."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any


def usage(prompt_tokens: int, completion_tokens: int, cached: int | None) -> dict[str, Any]:
    """Token counts; `cached` is None when the server does not tell."""
    return {
        "prompt_tokens": prompt_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
        "completion_tokens": completion_tokens,
        "prompt_tokens_details": None if cached is None else {"cached_tokens": cached},
    }


def choice(index: int, text: str, finish_reason: str, *, chat: bool) -> dict[str, Any]:
    """One choice of a whole answer."""
    if chat:
        content: dict[str, Any] = {
            "message": {"role": "assistant", "content": text, "refusal": None, "tool_calls": []},
        }
    else:
        content = {"text": text}
    return {"index": index, **content, "logprobs": None, "finish_reason": finish_reason, "stop_reason": None}


def whole_answer(
    request_id: str, created: int, model: str, choices: Sequence[dict[str, Any]], used: dict[str, Any], *, chat: bool
) -> dict[str, Any]:
    """A whole answer."""
    return {
        "id": request_id,
        "object": "chat.completion" if chat else "text_completion",
        "created": created,
        "model": model,
        "choices": list(choices),
        "service_tier": None,
        "system_fingerprint": None,
        "usage": used,
    }


class Stream:
    """The pieces of one streamed answer as server-sent events."""

    DONE = b"data: [DONE]\n\n"

    def __init__(self, request_id: str, created: int, model: str, *, chat: bool) -> None:
        self.chat = chat
        self._head = {
            "id": request_id,
            "object": "chat.completion.chunk" if chat else "text_completion",
            "created": created,
            "model": model,
        }

    def piece(
        self, index: int, text: str, finish_reason: str | None = None, used: dict[str, Any] | None = None
    ) -> bytes:
        """Some tokens of a choice."""
        content: dict[str, Any] = {"delta": {"content": text}} if self.chat else {"text": text}
        body = {"index": index, **content, "logprobs": None, "finish_reason": finish_reason}
        return self._event([body], used)

    def opening(self, index: int) -> bytes:
        """The first event of a chat answer, which only names the role."""
        body = {"index": index, "delta": {"role": "assistant", "content": ""}, "logprobs": None, "finish_reason": None}
        return self._event([body], None)

    def closing(self, used: dict[str, Any]) -> bytes:
        """The event with the token counts and no choice."""
        return self._event([], used)

    def _event(self, choices: list[dict[str, Any]], used: dict[str, Any] | None) -> bytes:
        body = {**self._head, "choices": choices, **({"usage": used} if used is not None else {})}
        return b"data: " + json.dumps(body, separators=(",", ":")).encode() + b"\n\n"


def model_list(names: Sequence[str], root: str, created: int, max_model_len: int) -> dict[str, Any]:
    """What /v1/models answers."""
    return {
        "object": "list",
        "data": [
            {
                "id": name,
                "object": "model",
                "created": created,
                "owned_by": "vllm",
                "root": root,
                "parent": None,
                "max_model_len": max_model_len,
                "permission": [],
            }
            for name in names
        ],
    }
