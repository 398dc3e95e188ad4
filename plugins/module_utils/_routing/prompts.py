# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""Prompts that no cache holds, and that begin alike only where they should.

A prompt is a prefix and a question. The prefix begins with the run's salt and its own label, so that it differs from
every other one in the first block of any size; the questions after one prefix differ, so that a router that looks at
whole bodies is not taken for one that knows prefixes.
"""

from __future__ import annotations

import json
import math
import random
from typing import Any

# Short and frequent, so that a tokenizer is likely to have each as one token.
_WORDS = """
about above after again along also among apple away back base beach bear beat begin bell best bird black blue
board boat body book born both bread bring broad brown build busy call camp care carry catch cause chair check
child city class clean clear climb clock close cloud coast cold color come cook corn count cover cross crowd
dance dark day deep desk door down draw dream dress drink drive dry each early earth east easy edge eight empty
end even every face fact fair fall far farm fast few field fill final find fine fire first fish five floor flow
fly food foot force form four free fresh front fruit full gate gave give glass gold gone good grass gray great
green group grow guide half hall hand happy hard head hear heart heavy help here high hill hold home horse hot
hour house ice iron join jump keep kind king know lake land large last late laugh lead leaf learn left less
level lie light line list live long look lost loud low main make many map mark meet mile milk mind money month
moon more most move much music must name near neck never new next night nine noise north note noun ocean often
old once only open order other our over page paint pair paper park part pass past path peace piece place plain
plan plant play point poor port power press price proud pull push quick quiet quite rain raise reach read ready
real red rest rich ride right ring rise river road rock roll room root rope rose round row run safe said sail
salt same sand save sea seat seed serve seven shape share sharp sheep ship shoe shop short shout show side sign
sing sit six size skin sky sleep slow small smell smile smoke snow soft soil some song soon sound south space
speak spell spend stand star start state stay steel step still stone stop store storm story study such sugar sun
sure table tail take talk tall teach team ten tent test thick thin thing third three tie time tiny today told
tone top touch town track trade train tree trip true try turn two under unit until upon very view visit voice
wait walk wall warm wash watch water wave way wear week well west wheel white whole wide wild wind wish with
woman wood word work
"""
WORDS = tuple(_WORDS.split())
# Until the endpoint has said how many tokens its tokenizer makes of such words.
TOKENS_A_WORD = 1.1
SAMPLE_WORDS = 64
# What the salt and the label at the beginning come to, about.
MARK_TOKENS = 17
QUESTIONS = (
    "Which word comes first?",
    "Which word is the shortest?",
    "How many words are there?",
    "Which word do you like best?",
    "Which word comes last?",
)


class Prompts:
    """The prompts of one run. Without a salt they depend on the seed alone."""

    def __init__(self, seed: int, salt: str, tokens: int, text: str = "") -> None:
        self.seed = seed
        self.salt = salt
        self.tokens = tokens
        self.text = text.strip()
        self.tokens_a_word = TOKENS_A_WORD

    def sample(self) -> str:
        """A prompt of SAMPLE_WORDS words, for the first request and to calibrate by."""
        return self._words("sample", SAMPLE_WORDS)

    def calibrate(self, tokens: int | None) -> None:
        """The endpoint counted `tokens` in the sample."""
        if tokens:
            self.tokens_a_word = max(0.5, (tokens - MARK_TOKENS) / SAMPLE_WORDS)

    def prefix(self, label: str) -> str:
        """The beginning that requests with this label share, and no other request has."""
        if self.text:
            return f"{self._mark(label)} {self.text}"
        return self._words(label, max(1, math.ceil((self.tokens - MARK_TOKENS) / self.tokens_a_word)))

    def prompt(self, label: str, number: int) -> str:
        """The prefix of `label` and a question that differs from request to request."""
        return f"{self.prefix(label)}\nQuestion {number}: {QUESTIONS[number % len(QUESTIONS)]}"

    def _mark(self, label: str) -> str:
        return f"{self.salt or self.seed}-{label}"

    def _words(self, label: str, count: int) -> str:
        chance = random.Random(f"{self.seed}/{self.salt}/{label}")
        return " ".join([self._mark(label), *chance.choices(WORDS, k=count)])


def completion(model: str, prompt: str, max_tokens: int, *, stream: bool) -> bytes:
    """The body of a completion request."""
    body: dict[str, Any] = {"model": model, "prompt": prompt, "max_tokens": max_tokens, "temperature": 0}
    if stream:  # the time of the first token, and the token counts at the end
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return json.dumps(body).encode()


__all__ = ("SAMPLE_WORDS", "WORDS", "Prompts", "completion")
