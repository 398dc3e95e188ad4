# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers with status 200 that are none: failed, cut off, or of somebody else; and odd ones that are good."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

from ansible_collections.rhaii.gke.plugins.module_utils._routing.answers import completion_of
from ansible_collections.rhaii.gke.plugins.module_utils._routing.ports import Answer

from tests.field.openai_client import gets_a_completion
from tests.field.rows import Row, rows


def bare(body: bytes) -> bytes:
    """Deflate without zlib's frame, as many servers have it."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


CODINGS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "half gzip": ("gzip", lambda body: gzip.compress(body)[:-9]),
    "deflate": ("deflate", zlib.compress),
    "raw deflate": ("deflate", bare),
    "br": ("br", lambda body: body),
}


def answer_of(row: Row) -> Answer:
    """The answer of a row, as the client hands it on."""
    given = row.given
    headers = dict(given.get("headers", {"content-type": "text/event-stream; charset=utf-8"}))
    body = (given.get("stream") or given.get("whole") or "").encode()
    if "coding" in given:
        name, packed = CODINGS[given["coding"]]
        headers, body = {**headers, "content-encoding": name}, packed(body)
    return Answer(200, headers, body)


@rows("stream_errors")
def test_what_was_served_is_told_from_what_was_not(row: Row) -> None:
    answer = answer_of(row)
    right = {**row.right}
    if right["served"] is None:
        right["served"] = gets_a_completion(answer.headers, answer.body)
    read = completion_of(answer)
    assert (not read.error) is right["served"], read.error
    assert right.get("says", "") in read.error
    assert "\n" not in read.error
    for name in ("prompt_tokens", "cached_tokens"):
        if name in right:
            assert getattr(read, name) == right[name]
