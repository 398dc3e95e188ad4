# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prompts: new where they should be, alike where they should be."""

from __future__ import annotations

import itertools
import json

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._routing.prompts import (
    MARK_TOKENS,
    SAMPLE_WORDS,
    WORDS,
    Prompts,
    completion,
)


def common(one: str, other: str) -> str:
    pairs = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return "".join(first for first, _ in pairs)


def test_words_are_single_lower_case_words() -> None:
    assert len(WORDS) == len(set(WORDS)) == 400
    assert all(word.isalpha() and word.islower() and word.isascii() for word in WORDS)


def test_requests_of_a_prefix_share_it_and_differ_after_it() -> None:
    prompts = Prompts(0, "5a17", 400)
    one, other = prompts.prompt("1", 1), prompts.prompt("1", 2)
    assert one != other
    assert common(one, other).startswith(prompts.prefix("1") + "\n")


def test_no_two_questions_after_a_prefix_are_equal() -> None:
    prompts = Prompts(0, "5a17", 400)
    assert len({prompts.prompt("1", number) for number in range(1, 60)}) == 59


@pytest.mark.parametrize("text", ["", "Translate the following text."])
def test_prefixes_differ_from_their_first_characters_on(text: str) -> None:
    prompts = Prompts(0, "5a17", 400, text)
    labels = ["1", "2", "1-control", "2-control", "11"]
    begins = [prompts.prompt(label, 1)[: len("5a17-1-control ")] for label in labels]
    assert len(set(begins)) == len(labels)
    assert all(begin.startswith("5a17-") for begin in begins)


def test_another_salt_or_seed_makes_other_words() -> None:
    words = [
        Prompts(seed, salt, 400).prefix("1").split()[1:]
        for seed, salt in ((0, "a"), (0, "b"), (1, "a"), (0, ""), (1, ""))
    ]
    assert len({tuple(each) for each in words}) == 5


def test_without_salt_the_seed_decides_alone() -> None:
    assert Prompts(7, "", 400).prompt("1", 1) == Prompts(7, "", 400).prompt("1", 1)
    assert Prompts(7, "", 400).prefix("1").startswith("7-1 ")


def test_own_text_stands_after_the_mark() -> None:
    assert Prompts(0, "5a17", 400, "  Translate this. \n").prefix("3") == "5a17-3 Translate this."


@pytest.mark.parametrize("tokens_of_a_word", [1.0, 1.3, 2.0])
@pytest.mark.parametrize("wanted", [200, 400, 1500])
def test_a_calibrated_prefix_is_about_as_long_as_wanted(tokens_of_a_word: float, wanted: int) -> None:
    prompts = Prompts(0, "5a17", wanted)
    sampled = MARK_TOKENS + round(SAMPLE_WORDS * tokens_of_a_word)
    assert len(prompts.sample().split()) == SAMPLE_WORDS + 1
    prompts.calibrate(sampled)
    words = len(prompts.prefix("1").split()) - 1
    assert MARK_TOKENS + words * tokens_of_a_word == pytest.approx(wanted, abs=6)


def test_without_a_count_the_length_is_guessed() -> None:
    prompts = Prompts(0, "5a17", 400)
    before = prompts.prefix("1")
    prompts.calibrate(None)
    prompts.calibrate(0)
    assert prompts.prefix("1") == before
    assert len(before.split()) == 1 + 349  # (400 - 17) / 1.1, rounded up


def test_a_strange_count_does_not_make_endless_prompts() -> None:
    prompts = Prompts(0, "5a17", 400)
    prompts.calibrate(1)
    assert len(prompts.prefix("1").split()) == 1 + 766
    assert len(Prompts(0, "5a17", 1).prefix("1").split()) == 2


def test_the_sample_is_new_too() -> None:
    assert Prompts(0, "5a17", 400).sample().startswith("5a17-sample ")


def test_completion_bodies() -> None:
    plain = {"model": "m", "prompt": "p", "max_tokens": 10, "temperature": 0}
    assert json.loads(completion("m", "p", 10, stream=False)) == plain
    assert json.loads(completion("m", "p", 10, stream=True)) == {
        **plain,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
