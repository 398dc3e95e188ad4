# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-in tokenizer and the text that goes with it."""

from __future__ import annotations

import pytest

from sandbox.images.vllm.text import WORDS, answer, natural_length, piece, seed_of
from sandbox.images.vllm.tokenizer import VOCABULARY, chat_prompt, encode, pieces


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Hello, world",
        "  two  blanks \n\n lines\t",
        "naïve Ünïcode 漢字 ², emoji 🙂",
        "a_b 12.5% <|im_start|>user\n",
        "x" * 99,
    ],
)
def test_pieces_join_to_the_text(text: str) -> None:
    assert "".join(pieces(text)) == text


def test_tokens_are_pieces_of_five_letters_at_most() -> None:
    assert pieces("Explain machine learning") == ["Expla", "in", " machi", "ne", " learn", "ing"]
    assert pieces("<|im_end|>\n 42") == ["<|im_end|>", "\n", " ", "4", "2"]


def test_equal_texts_have_equal_tokens_within_the_vocabulary() -> None:
    tokens = encode("the same words, the same")
    assert tokens == encode("the same words, the same")
    assert tokens[0] != tokens[1]
    assert all(0 <= token < VOCABULARY for token in tokens)


def test_english_is_about_four_characters_a_token() -> None:
    text = "You are a professional translator who turns English sentences into fluent, idiomatic French prose. " * 20
    assert 3.0 < len(text) / len(encode(text)) < 5.0


def test_chat_gets_a_frame_with_a_system_turn() -> None:
    text = chat_prompt([{"role": "user", "content": [{"type": "text", "text": "Hi"}]}])
    assert text.startswith("<|im_start|>system\n")
    assert text.endswith("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n")
    own = chat_prompt([{"role": "system", "content": "Be brief"}], generation_prompt=False)
    assert own == "<|im_start|>system\nBe brief<|im_end|>\n"


def test_answer_is_the_same_for_the_same_prompt_and_one_token_a_piece() -> None:
    tokens = encode("a prompt")
    said = answer(tokens, limit=40)
    assert said == answer(tokens, limit=40)
    assert said.text != answer(encode("another prompt"), limit=40).text
    assert (len(said.pieces), said.finish_reason) == (40, "length")
    assert pieces(said.text) == list(said.pieces)
    assert max(map(len, WORDS)) <= 5


def test_answer_ends_by_itself_unless_told_otherwise() -> None:
    tokens = encode("a prompt")
    length = natural_length(seed_of(tokens))
    assert (len(answer(tokens, limit=1000).pieces), answer(tokens, limit=1000).finish_reason) == (length, "stop")
    assert len(answer(tokens, limit=1000, to_the_limit=True).pieces) == 1000
    assert len(answer(tokens, limit=1000, at_least=500).pieces) == 500


def test_stop_string_ends_the_answer_before_itself() -> None:
    tokens = encode("a prompt")
    mark = piece(seed_of(tokens), 3).strip()
    said = answer(tokens, limit=100, stop=["never said", mark])
    assert mark not in said.text
    assert (len(said.pieces), said.finish_reason) == (4, "stop")
    late = answer(tokens, limit=100, stop=["."], at_least=20)
    assert len(late.pieces) >= 20
