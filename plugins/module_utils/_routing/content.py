# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""What an answer's body is: its type, and its bytes without the coding that a proxy may have put on them."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable

from ansible_collections.rhaii.gke.plugins.module_utils._routing.ports import Answer
from ansible_collections.rhaii.gke.plugins.module_utils._routing.wire import LONGEST_BODY

EVENT_STREAM = "text/event-stream"
_PAGES = ("text/html", "application/xhtml+xml")
_TITLE = re.compile(r"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)
_FIRST_FIELD = re.compile(rb"(\xef\xbb\xbf)?(data|event|id|retry)?:")


class ContentError(Exception):
    """The body cannot be read; the sentence says why."""


def kind_of(answer: Answer) -> str:
    """The media type, without its parameters; where none is said, a stream is known by its first line."""
    said = answer.headers.get("content-type", "").split(";")[0].strip().lower()
    return EVENT_STREAM if not said and _FIRST_FIELD.match(answer.body) else said


def body_of(answer: Answer) -> bytes:
    """The body as it was before it was compressed; ContentError when it cannot be."""
    body = answer.body
    codings = [each.strip().lower() for each in answer.headers.get("content-encoding", "").split(",")]
    for coding in reversed([each for each in codings if each not in ("", "identity")]):
        decode = _DECODERS.get(coding)
        if decode is None:
            raise ContentError(f"the answer is encoded with {coding!r}, although nothing but identity was accepted")
        body = decode(body)
    return body


def text_of(answer: Answer) -> str:
    """The same as text."""
    return body_of(answer).decode("utf-8-sig", "replace")


def page_of(answer: Answer) -> str:
    """Of a web page its title, in brackets, '' when the answer is none."""
    if kind_of(answer) not in _PAGES:
        return ""
    found = _TITLE.search(text_of(answer))
    title = " ".join(found[1].split()) if found else ""
    return f"a web page ({title[:80]})" if title else "a web page"


def _inflated(body: bytes, bits: int) -> bytes:
    found, left = b"", body
    while left:  # gzip may have several members
        decoder = zlib.decompressobj(bits)
        try:
            found += decoder.decompress(left, LONGEST_BODY + 1 - len(found))
        except zlib.error as error:
            raise ContentError(f"the answer's compressed body is damaged ({error})") from error
        if len(found) > LONGEST_BODY:
            raise ContentError(f"the answer is longer than {LONGEST_BODY // 2**20} MiB")
        if not decoder.eof:
            raise ContentError("the answer's compressed body was cut off")
        left = decoder.unused_data
    return found


def _gzip(body: bytes) -> bytes:
    return _inflated(body, 16 + zlib.MAX_WBITS)


def _deflate(body: bytes) -> bytes:
    """RFC 9110 means zlib's format; many servers send the bare one, and both are taken, as browsers do."""
    try:
        return _inflated(body, zlib.MAX_WBITS)
    except ContentError as error:
        try:
            return _inflated(body, -zlib.MAX_WBITS)
        except ContentError:
            raise error from None


_DECODERS: dict[str, Callable[[bytes], bytes]] = {"gzip": _gzip, "x-gzip": _gzip, "deflate": _deflate}

__all__ = ("EVENT_STREAM", "ContentError", "body_of", "kind_of", "page_of", "text_of")
