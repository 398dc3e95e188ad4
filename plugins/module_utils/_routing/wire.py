# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""HTTP/1.1 as bytes: the endpoint's address, a request, and a response that is read piece by piece."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._routing import events

LONGEST_HEAD = 64 * 2**10
LONGEST_BODY = 16 * 2**20
MOST_HEADERS = 200
MOST_INTERIM = 20

_STATUS = re.compile(rb"HTTP/1\.(\d) (\d{3})(?: .*)?")
_DATA = re.compile(rb"(?:\A(?:\xef\xbb\xbf)?|[\r\n])data")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class WireError(Exception):
    """The bytes are no response that can be read."""


@dataclass(frozen=True)
class Endpoint:
    """Where requests go."""

    scheme: str
    host: str
    port: int
    base: str

    @property
    def tls(self) -> bool:
        return self.scheme == "https"

    @property
    def authority(self) -> str:
        """The Host header: the port only when it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.authority}{self.base}"


def endpoint(url: str) -> Endpoint:
    """Read an http or https URL."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise RhaiiError(
            f"{url!r} is no address of an endpoint.",
            remedy="Give url as in http://203.0.113.7 or https://models.example.com/rhaii-inference/qwen-3b-tpu-svc.",
        )
    if not re.fullmatch(r"[!-~]*", parts.path + parts.hostname):
        raise RhaiiError(f"{url!r} has characters that a URL cannot have.", remedy="Write them percent-encoded.")
    default = 443 if parts.scheme == "https" else 80
    return Endpoint(parts.scheme, parts.hostname, default if port is None else port, parts.path.rstrip("/"))


def check_headers(headers: Mapping[str, str]) -> None:
    """Refuse what would break a request apart, or what the client sets by itself."""
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name) or not re.fullmatch(r"[\t -~]*", value):
            raise RhaiiError(
                f"The header {name!r} has a name or a value that HTTP does not allow.",
                remedy="Give headers as names and values of one line of ASCII.",
            )
        if name.lower() in ("host", "content-length", "transfer-encoding", "connection"):
            raise RhaiiError(f"The header {name} is set by the client itself.", remedy="Leave it out of headers.")


def request_bytes(to: Endpoint, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    """A whole request."""
    lines = [
        f"{method} {to.base}{path} HTTP/1.1",
        f"Host: {to.authority}",
        "Accept: */*",
        # without it any coding would be welcome (RFC 9110, 12.5.3)
        "Accept-Encoding: identity",
        "User-Agent: rhaii.gke",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


class Response:
    """A response that arrives in pieces of any size."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.done = False
        # whether the peer keeps the connection for a next request
        self.keeps = False
        self._pending = bytearray()
        self._body = bytearray()
        self._step = self._head
        self._left = 0
        self._to_the_end = False
        self._last = ""
        self._interim = 0
        self._trailers = 0

    @property
    def begun(self) -> bool:
        return bool(self._pending or self.status)

    @property
    def body_begun(self) -> bool:
        """Whether something of it came: of a stream of events not a comment that keeps the connection."""
        if self._streams:
            return _DATA.search(self._body) is not None
        return bool(self._body)

    @property
    def says_done(self) -> bool:
        """Whether it is a stream that says that it is complete, ended or not."""
        if self.status != 200 or not self._streams or events.DONE.encode() not in self._body:
            return False
        return any(each.is_last for each in events.read(self.body).events)

    @property
    def _streams(self) -> bool:
        return self.headers.get("content-type", "").lower().startswith("text/event-stream")

    @property
    def body(self) -> bytes:
        return bytes(self._body)

    def feed(self, data: bytes) -> None:
        """Take what has arrived."""
        if self.done:
            self.keeps = False  # nobody asked for this
            return
        self._pending += data
        while self._step():
            pass

    def end(self, *, broken: bool = False) -> None:
        """The peer has closed the connection, or it is broken: then no answer ends with it."""
        self.keeps = False
        if self.done:
            return
        if self._to_the_end and not broken:
            self.done = True
            return
        raise WireError("the connection was closed in the middle of the answer" if self.begun else "no answer came")

    def _line(self) -> bytes | None:
        """The next whole line, without its end."""
        end = self._pending.find(b"\n")
        if end > LONGEST_HEAD or (end < 0 and len(self._pending) > LONGEST_HEAD):
            raise WireError("a line of the answer's head is too long")
        if end < 0:
            return None
        line = bytes(self._pending[:end]).rstrip(b"\r")
        del self._pending[: end + 1]
        return line

    def _head(self) -> bool:
        line = self._line()
        if line is None:
            return False
        match = _STATUS.fullmatch(line)
        if match is None:
            raise WireError(f"the answer is no HTTP/1: it begins with {line[:40]!r}")
        self.status = int(match[2])
        self.keeps = match[1] >= b"1"
        self.headers, self._last = {}, ""
        self._step = self._header
        return True

    def _header(self) -> bool:
        line = self._line()
        if line is None:
            return False
        if not line:
            return self._framing()
        text = line.decode("latin-1")
        if text[0] in " \t" and self._last:  # a line that goes on, as HTTP once allowed (RFC 9112, 5.2)
            self.headers[self._last] += f" {text.strip()}"
            return True
        name, colon, value = text.partition(":")
        if not colon or len(self.headers) > MOST_HEADERS:
            raise WireError(f"a header line of the answer cannot be read: {line[:40]!r}")
        key, value = name.strip().lower(), value.strip()
        self.headers[key] = f"{self.headers[key]}, {value}" if key in self.headers else value
        self._last = key
        return True

    def _framing(self) -> bool:
        """How the body ends."""
        if self.status == 101:
            raise WireError("the endpoint switched to another protocol, which nobody asked for")
        if 100 <= self.status < 200:  # an interim answer: the real one follows
            self._interim += 1
            if self._interim > MOST_INTERIM:
                raise WireError(f"more than {MOST_INTERIM} interim answers came")
            self._step = self._head
            self.status = 0
            return True
        connection = self.headers.get("connection", "").lower()
        self.keeps = "close" not in connection if self.keeps else "keep-alive" in connection
        if self.status in (204, 304):
            return self._complete()
        # What follows is RFC 9112, 6.3.
        coding = self.headers.get("transfer-encoding")
        lengths = {each.strip() for each in self.headers.get("content-length", "").split(",")}
        if coding is not None and coding.lower().strip() != "chunked":
            raise WireError(f"the answer's transfer coding {coding[:40]!r} is not chunked alone, and was not asked for")
        if coding is not None:
            self._step = self._chunk_size
        elif "content-length" not in self.headers:
            self.keeps = False
            self._to_the_end = True
            self._step = self._rest
        elif len(lengths) > 1:
            raise WireError(f"the answer has two lengths: {self.headers['content-length'][:40]!r}")
        else:
            self._left = self._number(lengths.pop(), 10)
            self._step = self._content
        return True

    def _number(self, text: str, base: int) -> int:
        digits = "0123456789abcdefABCDEF" if base == 16 else "0123456789"
        if not text or text.strip(digits):
            raise WireError(f"the length {text[:40]!r} in the answer is no number")
        number = int(text, base)
        if number > LONGEST_BODY - len(self._body):
            raise WireError(f"the answer is longer than {LONGEST_BODY // 2**20} MiB")
        return number

    def _take(self) -> bool:
        """Move what is there of the next `_left` bytes into the body."""
        piece = self._pending[: self._left]
        self._body += piece
        del self._pending[: len(piece)]
        self._left -= len(piece)
        return self._left == 0

    def _content(self) -> bool:
        return self._take() and self._complete()

    def _complete(self) -> bool:
        """The answer is whole; what comes after it was not asked for."""
        self.done = True
        self.keeps = self.keeps and not self._pending
        return False

    def _rest(self) -> bool:
        if len(self._body) + len(self._pending) > LONGEST_BODY:
            raise WireError(f"the answer is longer than {LONGEST_BODY // 2**20} MiB")
        self._body += self._pending
        self._pending.clear()
        return False

    def _chunk_size(self) -> bool:
        line = self._line()
        if line is None:
            return False
        self._left = self._number(line.split(b";", maxsplit=1)[0].strip().decode("latin-1"), 16)
        self._step = self._chunk if self._left else self._trailer
        return True

    def _chunk(self) -> bool:
        if not self._take():
            return False
        self._step = self._chunk_end
        return True

    def _chunk_end(self) -> bool:
        line = self._line()
        if line is None:
            return False
        if line:
            raise WireError("a chunk of the answer is longer than it said")
        self._step = self._chunk_size
        return True

    def _trailer(self) -> bool:
        line = self._line()
        if line is None:
            return False
        self._trailers += 1
        if self._trailers > MOST_HEADERS:
            raise WireError("the answer's trailer does not end")
        return bool(line) or self._complete()


__all__ = ("Endpoint", "Response", "WireError", "check_headers", "endpoint", "request_bytes")
