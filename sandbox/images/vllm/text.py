# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the stand-in answers: words chosen by the prompt alone, so that equal requests have equal answers."""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

# Five letters at most: each word is one token of tokenizer.py, so that an answer that comes back as part of the next
# prompt is the same row of tokens.
PROSE = (
    "the model reads each token in turn and keeps what it has seen so that a later one can use it again for free "
    "a cache holds keys and their value by block when two of the same start are sent to one host the work is done "
    "just once which saves time and power most of this text means next to none but it is fast to make and never "
    "old data moves from disk to chip over wide lanes then every layer adds its part until an idea comes out"
)
WORDS = tuple(PROSE.split())
END_OF_SENTENCE = 12


def seed_of(tokens: Sequence[int]) -> int:
    """A number that stands for a prompt."""
    return zlib.crc32(array("I", tokens).tobytes())


def natural_length(seed: int) -> int:
    """How many tokens an answer has when nothing cuts it short."""
    return 64 + seed % 193


def piece(seed: int, place: int) -> str:
    """The token at a place of the answer."""
    beat = place % END_OF_SENTENCE
    if beat == END_OF_SENTENCE - 1:
        return "."
    mixed = (seed ^ (place * 0x9E3779B1)) & 0xFFFFFFFF
    mixed = (mixed * 0x85EBCA6B + (mixed >> 13)) & 0xFFFFFFFF
    word = WORDS[(mixed >> 7) % len(WORDS)]
    return f" {word if beat else word.capitalize()}"


@dataclass(frozen=True)
class Answer:
    """A whole answer, token by token, known before its time."""

    pieces: tuple[str, ...]
    finish_reason: str

    @property
    def text(self) -> str:
        return "".join(self.pieces)


def answer(
    tokens: Sequence[int],
    *,
    limit: int,
    stop: Sequence[str] = (),
    at_least: int = 0,
    to_the_limit: bool = False,
) -> Answer:
    """What the model says to a prompt: at most `limit` tokens, ended earlier by a stop string or by itself."""
    seed = seed_of(tokens)
    length = limit if to_the_limit else min(limit, max(natural_length(seed), at_least))
    said: list[str] = []
    text = ""
    for place in range(length):
        said.append(piece(seed, place))
        if not stop:
            continue
        text += said[-1]
        ends = [end for mark in stop if (end := text.find(mark)) >= 0]
        if ends and place + 1 >= at_least:
            # the mark itself is not part of the answer
            return Answer((*_cut(said, min(ends)),), "stop")
    return Answer(tuple(said), "length" if length == limit else "stop")


def _cut(said: Sequence[str], length: int) -> list[str]:
    kept: list[str] = []
    for word in said:
        kept.append(word[:length])
        length -= len(kept[-1])
    return kept
