# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The requests of the OpenAI API: what is read from a body, and what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.images.vllm.tokenizer import VOCABULARY, chat_prompt, encode

COMPLETION_TOKENS = 16


class RequestError(Exception):
    """An answer that is an error, as vLLM words its kind."""

    def __init__(self, status: int, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.param = param

    def body(self) -> dict[str, Any]:
        """The JSON that the client gets."""
        kind = {400: "BadRequestError", 401: "AuthenticationError", 404: "NotFoundError"}
        return {
            "error": {
                "message": str(self),
                "type": kind.get(self.status, "InternalServerError"),
                "param": self.param,
                "code": self.status,
            }
        }


@dataclass(frozen=True)
class Prompt:
    """One prompt as text and tokens."""

    text: str
    tokens: Sequence[int]


@dataclass(frozen=True)
class Generation:
    """What one request asks for."""

    model: str
    prompts: tuple[Prompt, ...]
    max_tokens: int
    min_tokens: int
    stop: tuple[str, ...]
    ignore_eos: bool
    stream: bool
    include_usage: bool
    continuous_usage: bool
    echo: bool
    salt: str
    chat: bool


def read_json(raw: bytes) -> Mapping[str, Any]:
    """The body of a request."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise RequestError(400, f"The request body is no JSON: {error}.") from error
    if not isinstance(body, dict):
        raise RequestError(400, f"The request body must be a JSON object; found {type(body).__name__}.")
    return body


def generation(body: Mapping[str, Any], *, chat: bool, names: Sequence[str], max_model_len: int) -> Generation:
    """A checked request for a completion or a chat completion."""
    model = body.get("model") or names[0]
    if model not in names:
        raise RequestError(404, f"The model `{model}` does not exist.", param="model")
    prompts = (chat_message_prompt(body),) if chat else completion_prompts(body)
    if whole(body, "n", 1) != 1:
        raise RequestError(400, "The stand-in answers n=1 only.", param="n")
    stream = flag(body, "stream")
    options = body.get("stream_options")
    if options is not None and not stream:
        raise RequestError(400, "stream_options can only be given when stream is true.", param="stream_options")
    if not isinstance(options or {}, Mapping):
        raise RequestError(400, "stream_options must be an object.", param="stream_options")
    options = options or {}
    salt = body.get("cache_salt")
    if salt is not None and (not isinstance(salt, str) or not salt):
        raise RequestError(400, "cache_salt must be a non-empty string.", param="cache_salt")
    return Generation(
        model=model,
        prompts=prompts,
        max_tokens=answer_limit(body, prompts, chat=chat, max_model_len=max_model_len),
        min_tokens=whole(body, "min_tokens", 0),
        stop=stop_strings(body),
        ignore_eos=flag(body, "ignore_eos"),
        stream=stream,
        include_usage=bool(options.get("include_usage")),
        continuous_usage=bool(options.get("continuous_usage_stats")),
        echo=flag(body, "echo") and not chat,
        salt=salt or "",
        chat=chat,
    )


def answer_limit(body: Mapping[str, Any], prompts: Sequence[Prompt], *, chat: bool, max_model_len: int) -> int:
    """How many tokens an answer may have, within the model's length."""
    longest = max(len(prompt.tokens) for prompt in prompts)
    room = max_model_len - longest
    name = "max_completion_tokens" if chat and body.get("max_completion_tokens") is not None else "max_tokens"
    if room < 1:
        raise RequestError(
            400,
            f"This model's maximum context length is {max_model_len} tokens, but the prompt has {longest}. "
            "Shorten the prompt.",
            param="messages" if chat else "prompt",
        )
    asked = whole(body, name, room if chat else min(COMPLETION_TOKENS, room))
    if asked < 1:
        raise RequestError(400, f"{name} must be at least 1, got {asked}.", param=name)
    if asked > room:
        raise RequestError(
            400,
            f"{name} is too large: {asked}. This model's maximum context length is {max_model_len} tokens and the "
            f"prompt has {longest}: at most {room} remain.",
            param=name,
        )
    return asked


def chat_message_prompt(body: Mapping[str, Any]) -> Prompt:
    """The prompt of a chat request."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise RequestError(400, "messages must be a list with at least one message.", param="messages")
    for message in messages:
        if not isinstance(message, Mapping) or not isinstance(message.get("role"), str):
            raise RequestError(400, "Each message must be an object with a role.", param="messages")
    text = chat_prompt(messages, generation_prompt=body.get("add_generation_prompt", True) is not False)
    return Prompt(text, encode(text))


def completion_prompts(body: Mapping[str, Any]) -> tuple[Prompt, ...]:
    """The prompts of a completion request: text, a list of texts, tokens, or lists of tokens."""
    given = body.get("prompt")
    several = isinstance(given, list) and bool(given) and not all(isinstance(item, int) for item in given)
    found = tuple(map(one_prompt, given if several and isinstance(given, list) else [given]))
    if any(not prompt.tokens for prompt in found):
        raise RequestError(400, "The prompt must not be empty.", param="prompt")
    return found


def one_prompt(given: Any) -> Prompt:
    """A prompt given as text or as tokens."""
    if isinstance(given, str):
        return Prompt(given, encode(given))
    if isinstance(given, list) and all(isinstance(item, int) and 0 <= item < 2**31 for item in given):
        return Prompt("", tuple(item % VOCABULARY for item in given))
    raise RequestError(400, "prompt must be a string, a list of strings, or a list of tokens.", param="prompt")


def stop_strings(body: Mapping[str, Any]) -> tuple[str, ...]:
    """The strings that end an answer."""
    given = body.get("stop")
    listed = [given] if isinstance(given, str) else (given or [])
    if not isinstance(listed, list) or not all(isinstance(item, str) and item for item in listed):
        raise RequestError(400, "stop must be a string or a list of strings.", param="stop")
    return tuple(listed)


def whole(body: Mapping[str, Any], name: str, default: int) -> int:
    """A whole number of the body."""
    value = body.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int):
        raise RequestError(400, f"{name} must be a whole number; found {json.dumps(value)}.", param=name)
    return value


def flag(body: Mapping[str, Any], name: str) -> bool:
    """A true or false of the body."""
    value = body.get(name)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise RequestError(400, f"{name} must be true or false; found {json.dumps(value)}.", param=name)
    return value
