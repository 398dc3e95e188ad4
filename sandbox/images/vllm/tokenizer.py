# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A deterministic stand-in for a tokenizer.

A token is a piece of a word of at most five letters with the blank before it, one digit, up to two signs, a run of
white space, or one of the <|special|> marks. English text comes to about four characters a token, as with the real
one; the exact number differs.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

VOCABULARY = 151_643

_PIECE = re.compile(r"<\|\w+\|>| ?[^\W\d_]{1,5}|\d| ?[^\w\s]{1,2}|_|\s+(?!\S)|\s")


def pieces(text: str) -> list[str]:
    """The text cut into tokens; joined they are the text again."""
    return _PIECE.findall(text)


@lru_cache(maxsize=65_536)
def token_id(piece: str) -> int:
    """A number for a piece, the same in every process."""
    return zlib.crc32(piece.encode()) % VOCABULARY


@lru_cache(maxsize=512)
def encode(text: str) -> tuple[int, ...]:
    """The token numbers of a text; remembered, because tests and caches repeat prompts."""
    return tuple(map(token_id, pieces(text)))


def text_of(content: Any) -> str:
    """The text of a chat message's content, which may be a list of parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, Sequence):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping))
    return ""


def chat_prompt(messages: Sequence[Mapping[str, Any]], *, generation_prompt: bool = True) -> str:
    """Messages in the frame that Qwen 2.5 puts around them."""
    turns = [(str(message.get("role", "user")), text_of(message.get("content"))) for message in messages]
    if not turns or turns[0][0] != "system":
        turns.insert(0, ("system", "You are Qwen, a helpful assistant."))
    frame = "".join(f"<|im_start|>{role}\n{text}<|im_end|>\n" for role, text in turns)
    return frame + ("<|im_start|>assistant\n" if generation_prompt else "")
