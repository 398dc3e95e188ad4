# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is read from a request, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.images.vllm.requests import Generation, RequestError, generation, read_json
from sandbox.images.vllm.tokenizer import encode

NAMES = ("Qwen/Qwen2.5-3B-Instruct", "second")


def asked(chat: bool = False, **body: Any) -> Generation:
    given = {"prompt": "Hello there"} if not chat else {"messages": [{"role": "user", "content": "Hello"}]}
    return generation({**given, **body}, chat=chat, names=NAMES, max_model_len=64)


def test_defaults_of_a_completion() -> None:
    found = asked()
    assert (found.model, found.max_tokens, found.stream, found.stop) == (NAMES[0], 16, False, ())


def test_chat_may_answer_to_the_end_of_the_context() -> None:
    found = asked(chat=True)
    assert found.max_tokens == 64 - len(found.prompts[0].tokens)
    assert asked(chat=True, max_completion_tokens=3, max_tokens=9).max_tokens == 3


def test_prompts_may_be_several_or_tokens() -> None:
    assert [prompt.text for prompt in asked(prompt=["a", "b"]).prompts] == ["a", "b"]
    assert list(asked(prompt=[1, 2, 3]).prompts[0].tokens) == [1, 2, 3]
    assert [list(prompt.tokens) for prompt in asked(prompt=[[1], [2, 3]]).prompts] == [[1], [2, 3]]
    assert asked(prompt="x y").prompts[0].tokens == encode("x y")


def test_options_are_read() -> None:
    found = asked(
        stream=True, stream_options={"include_usage": True}, stop="x", cache_salt="s", echo=True, min_tokens=2
    )
    assert (found.include_usage, found.stop, found.salt, found.echo, found.min_tokens) == (True, ("x",), "s", True, 2)


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        pytest.param({"model": "other"}, 404, "model", id="unknown model"),
        pytest.param({"prompt": None}, 400, "prompt", id="no prompt"),
        pytest.param({"prompt": ""}, 400, "prompt", id="empty prompt"),
        pytest.param({"prompt": "a " * 70}, 400, "prompt", id="prompt too long"),
        pytest.param({"max_tokens": 64}, 400, "max_tokens", id="answer too long"),
        pytest.param({"max_tokens": 0}, 400, "max_tokens", id="no answer"),
        pytest.param({"max_tokens": "5"}, 400, "max_tokens", id="number as text"),
        pytest.param({"max_tokens": True}, 400, "max_tokens", id="number as switch"),
        pytest.param({"n": 2}, 400, "n", id="several answers"),
        pytest.param({"stream": "yes"}, 400, "stream", id="switch as text"),
        pytest.param({"stream_options": {}}, 400, "stream_options", id="options without stream"),
        pytest.param({"stop": [1]}, 400, "stop", id="stop no text"),
        pytest.param({"cache_salt": ""}, 400, "cache_salt", id="empty salt"),
    ],
)
def test_bad_requests_are_refused(body: dict[str, Any], status: int, param: str) -> None:
    with pytest.raises(RequestError) as caught:
        asked(**body)
    assert (caught.value.status, caught.value.param) == (status, param)


@pytest.mark.parametrize("messages", [None, [], [{"content": "x"}], ["x"]])
def test_bad_messages_are_refused(messages: Any) -> None:
    with pytest.raises(RequestError) as caught:
        asked(chat=True, messages=messages)
    assert caught.value.param == "messages"


@pytest.mark.parametrize("raw", [b"", b"{", b"[1]", b"\xff"])
def test_bodies_that_are_no_json_object_are_refused(raw: bytes) -> None:
    with pytest.raises(RequestError) as caught:
        read_json(raw)
    assert caught.value.status == 400


def test_error_body_has_the_shape_that_clients_read() -> None:
    assert RequestError(404, "gone", param="model").body() == {
        "error": {"message": "gone", "type": "NotFoundError", "param": "model", "code": 404}
    }
