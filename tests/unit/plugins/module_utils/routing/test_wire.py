# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTP/1.1 fed as bytes, in pieces of every size."""

from __future__ import annotations

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._routing.wire import (
    LONGEST_BODY,
    LONGEST_HEAD,
    Endpoint,
    Response,
    WireError,
    check_headers,
    endpoint,
    request_bytes,
)

LENGTH = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\nhello world"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"6;name=value;more\r\nhello \r\n005\r\nworld\r\n0\r\nX-Trailer: 1\r\n\r\n"
)
ONE_CHUNK = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nhello world\r\n0\r\n\r\n"
CLOSED = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello world"


def read(data: bytes, size: int, *, ended: bool = False) -> Response:
    response = Response()
    for start in range(0, len(data), size):
        response.feed(data[start : start + size])
    if ended:
        response.end()
    return response


@pytest.mark.parametrize("size", [1, 2, 3, 7, 16, 1000])
@pytest.mark.parametrize(
    ("data", "ended", "keeps"),
    [
        pytest.param(LENGTH, False, True, id="with a length"),
        pytest.param(CHUNKED, False, True, id="in chunks"),
        pytest.param(ONE_CHUNK, False, True, id="in one chunk, its size hexadecimal"),
        pytest.param(ONE_CHUNK.replace(b"\nb\r", b"\n0B\r"), False, True, id="in one chunk, in capitals"),
        pytest.param(CLOSED, True, False, id="until the end"),
        pytest.param(CHUNKED.replace(b"\r\n", b"\n"), False, True, id="with bare line ends"),
        pytest.param(b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n" + LENGTH, False, True, id="after an interim answer"),
        pytest.param(LENGTH.replace(b"HTTP/1.1", b"HTTP/1.0"), False, False, id="of HTTP/1.0"),
        pytest.param(
            LENGTH.replace(b"HTTP/1.1 200 OK", b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive"),
            False,
            True,
            id="1.0, kept",
        ),
        pytest.param(
            LENGTH.replace(b"200 OK", b"200 OK\r\nConnection: Close"), False, False, id="closing after a length"
        ),
        pytest.param(LENGTH.replace(b"200 OK", b"200"), False, True, id="without a phrase"),
        pytest.param(LENGTH.replace(b": 11", b": 11, 11"), False, True, id="with the length twice"),
        pytest.param(CHUNKED.replace(b"Transfer", b"Content-Length: 3\r\nTransfer"), False, True, id="chunks win"),
    ],
)
def test_a_whole_answer(data: bytes, ended: bool, keeps: bool, size: int) -> None:
    response = read(data, size, ended=ended)
    assert response.done
    assert (response.status, response.body) == (200, b"hello world")
    assert response.keeps is keeps
    assert response.begun
    assert response.body_begun


@pytest.mark.parametrize("data", [LENGTH, CHUNKED, CLOSED])
def test_an_answer_is_not_done_before_its_last_byte(data: bytes) -> None:
    response = read(data[:-1], 5)
    assert not response.done
    response.feed(data[-1:])
    assert response.done is (data is not CLOSED)


def test_sizes_of_chunks_are_hexadecimal() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    response = read(head + b"10\r\n" + b"x" * 16 + b"\r\n0\r\n\r\n", 1000)
    assert response.done
    assert response.body == b"x" * 16


def test_nothing_has_begun() -> None:
    response = Response()
    assert not response.begun
    assert not response.body_begun
    response.feed(b"H")
    assert response.begun


def test_the_body_begins_after_the_head() -> None:
    head, _, body = LENGTH.partition(b"\r\n\r\n")
    response = read(head + b"\r\n\r\n", 4)
    assert not response.body_begun
    response.feed(body[:1])
    assert response.body_begun
    assert response.body == b"h"


def test_headers_are_lower_case_and_repeated_ones_are_joined() -> None:
    response = read(b"HTTP/1.1 200 OK\r\nX-A:  1 \r\nx-a: 2\r\nX-At: 10.0.0.1:8000\r\nContent-Length: 0\r\n\r\n", 3)
    assert response.done
    assert response.headers == {"x-a": "1, 2", "x-at": "10.0.0.1:8000", "content-length": "0"}


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_that_has_no_body(status: int) -> None:
    response = read(f"HTTP/1.1 {status} X\r\nContent-Length: 5\r\n\r\n".encode(), 9)
    assert response.done
    assert (response.status, response.body, response.keeps) == (status, b"", True)


@pytest.mark.parametrize("data", [LENGTH, CHUNKED])
def test_bytes_that_nobody_asked_for_end_the_connection(data: bytes) -> None:
    response = read(data + b"HTTP/1.1 200", 1000)
    assert response.done
    assert response.body == b"hello world"
    assert not response.keeps
    late = read(data, 1000)
    late.feed(b"x")
    assert not late.keeps
    assert late.body == b"hello world"


def test_the_end_after_a_whole_answer_is_no_error() -> None:
    response = read(LENGTH, 1000, ended=True)
    assert response.done
    assert not response.keeps


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param(b"", "no answer came", id="nothing"),
        pytest.param(LENGTH[:20], "in the middle of the answer", id="a part of the head"),
        pytest.param(LENGTH[:-1], "in the middle of the answer", id="a part of the body"),
        pytest.param(CHUNKED[:-2], "in the middle of the answer", id="no end of the trailer"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n", "no answer came", id="only an interim answer"),
    ],
)
def test_the_end_too_early(data: bytes, said: str) -> None:
    with pytest.raises(WireError, match=said):
        read(data, 1000, ended=True)


HEAD = b"HTTP/1.1 200 OK\r\n"
IN_CHUNKS = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
LONG_WORD = b"no-colon-in-this-line-which-is-longer-than-what-is-shown"


def headers(count: int) -> bytes:
    return b"".join(b"h%d: v\r\n" % number for number in range(count))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param(
            b"SSH-2.0-OpenSSH\r\n", "the answer is no HTTP/1: it begins with b'SSH-2.0-OpenSSH'", id="another protocol"
        ),
        pytest.param(b"HTTP/2 200\r\n", "the answer is no HTTP/1: it begins with b'HTTP/2 200'", id="another version"),
        pytest.param(
            b"HTTP/2.0 200 OK\r\n",
            "the answer is no HTTP/1: it begins with b'HTTP/2.0 200 OK'",
            id="another version in full",
        ),
        pytest.param(
            b"HTTP/1.1 20 OK\r\n", "the answer is no HTTP/1: it begins with b'HTTP/1.1 20 OK'", id="a short status"
        ),
        pytest.param(
            LONG_WORD + b"\r\n", f"the answer is no HTTP/1: it begins with {LONG_WORD[:40]!r}", id="a long beginning"
        ),
        pytest.param(
            HEAD + LONG_WORD + b"\r\n",
            f"a header line of the answer cannot be read: {LONG_WORD[:40]!r}",
            id="no header",
        ),
        pytest.param(HEAD + b"Content-Length: -1\r\n\r\n", "the length '-1' in the answer is no number", id="negative"),
        pytest.param(
            HEAD + b"Content-Length: 1f\r\n\r\n", "the length '1f' in the answer is no number", id="hexadecimal length"
        ),
        pytest.param(
            HEAD + b"Content-Length:\r\n\r\n", "the length '' in the answer is no number", id="an empty length"
        ),
        pytest.param(
            HEAD + b"Content-Length: " + LONG_WORD + b"\r\n\r\n",
            f"the length '{LONG_WORD[:40].decode()}' in the answer is no number",
            id="a long length",
        ),
        pytest.param(IN_CHUNKS + b"xyz\r\n", "the length 'xyz' in the answer is no number", id="no size"),
        pytest.param(IN_CHUNKS + b"\r\n", "the length '' in the answer is no number", id="an empty size"),
        pytest.param(IN_CHUNKS + b"1\r\nab\r\n", "a chunk of the answer is longer than it said", id="long chunk"),
        pytest.param(
            HEAD + b"a: b\r\n" + b"x" * (LONGEST_HEAD + 1),
            "a line of the answer's head is too long",
            id="a long line",
        ),
        pytest.param(
            b"y" * (LONGEST_HEAD + 1) + b"\n", "a line of the answer's head is too long", id="a long line with its end"
        ),
        pytest.param(
            HEAD + headers(202), "a header line of the answer cannot be read: b'h201: v'", id="too many headers"
        ),
        pytest.param(
            HEAD + f"Content-Length: {LONGEST_BODY + 1}\r\n\r\n".encode(),
            "the answer is longer than 16 MiB",
            id="length",
        ),
        pytest.param(
            IN_CHUNKS + b"1\r\na\r\n%x\r\n" % LONGEST_BODY, "the answer is longer than 16 MiB", id="chunks in sum"
        ),
        pytest.param(HEAD + b"\r\n" + b"z" * (LONGEST_BODY + 1), "the answer is longer than 16 MiB", id="without end"),
    ],
)
def test_what_cannot_be_read(data: bytes, said: str) -> None:
    with pytest.raises(WireError) as caught:
        read(data, len(data))
    assert str(caught.value) == said


def test_the_longest_line_is_taken() -> None:
    line = b"X-Long: " + b"x" * (LONGEST_HEAD - 9) + b"\r"
    assert len(line) == LONGEST_HEAD
    response = Response()
    for piece in (HEAD, line, b"\nContent-Length: 0\r\n\r\n"):
        response.feed(piece)
    assert response.done


def test_only_the_head_has_a_longest_line() -> None:
    body = b"z" * (2 * LONGEST_HEAD)
    response = read(b"HTTP/1.1 200 OK\nContent-Length: %d\n\n" % len(body) + body, 4 * LONGEST_HEAD)
    assert response.body == body


def test_the_most_headers_are_taken() -> None:
    assert len(read(HEAD + headers(201) + b"\r\n", 1000).headers) == 201


def test_the_longest_body_is_taken() -> None:
    response = read(HEAD + b"\r\n" + b"z" * LONGEST_BODY, 2**20, ended=True)
    assert len(response.body) == LONGEST_BODY
    told = read(HEAD + b"Content-Length: %d\r\n\r\n" % LONGEST_BODY + b"z" * LONGEST_BODY, 2**20)
    assert (told.done, len(told.body)) == (True, LONGEST_BODY)


@pytest.mark.parametrize(
    ("url", "found", "authority"),
    [
        ("http://203.0.113.7", Endpoint("http", "203.0.113.7", 80, ""), "203.0.113.7"),
        ("http://203.0.113.7:8080/", Endpoint("http", "203.0.113.7", 8080, ""), "203.0.113.7:8080"),
        (" https://A.example/ns/n/ ", Endpoint("https", "a.example", 443, "/ns/n"), "a.example"),
        ("https://a.example:80", Endpoint("https", "a.example", 80, ""), "a.example:80"),
        ("http://[2001:db8::1]:81/x", Endpoint("http", "2001:db8::1", 81, "/x"), "[2001:db8::1]:81"),
    ],
)
def test_endpoint(url: str, found: Endpoint, authority: str) -> None:
    to = endpoint(url)
    assert to == found
    assert to.authority == authority
    assert to.url == f"{found.scheme}://{authority}{found.base}"
    assert to.tls is url.strip().startswith("https")


@pytest.mark.parametrize(
    "url",
    ["203.0.113.7", "ftp://a", "http://", "http://a:b", "http://a:99999", "http://a?x", "http://a#x", "http://u@a", ""],
)
def test_what_is_no_endpoint(url: str) -> None:
    with pytest.raises(RhaiiError) as caught:
        endpoint(url)
    assert str(caught.value) == (
        f"{url!r} is no address of an endpoint. Give url as in http://203.0.113.7 or "
        "https://models.example.com/rhaii-inference/qwen-3b-tpu-svc."
    )


@pytest.mark.parametrize("url", ["http://a/b c", "http://a/ü", "http://ü.example"])
def test_a_url_in_ascii_only(url: str) -> None:
    with pytest.raises(RhaiiError) as caught:
        endpoint(url)
    assert str(caught.value) == f"{url!r} has characters that a URL cannot have. Write them percent-encoded."


def test_request_bytes() -> None:
    to = endpoint("http://203.0.113.7:8080/ns/n")
    assert request_bytes(to, "GET", "/health", b"", {"X-Model": "qwen"}) == (
        b"GET /ns/n/health HTTP/1.1\r\nHost: 203.0.113.7:8080\r\nAccept: */*\r\nAccept-Encoding: identity\r\n"
        b"User-Agent: rhaii.gke\r\n"
        b"X-Model: qwen\r\n\r\n"
    )
    assert request_bytes(to, "POST", "/v1/x", b'{"a": 1}', {}) == (
        b"POST /ns/n/v1/x HTTP/1.1\r\nHost: 203.0.113.7:8080\r\nAccept: */*\r\nAccept-Encoding: identity\r\n"
        b"User-Agent: rhaii.gke\r\n"
        b'Content-Type: application/json\r\nContent-Length: 8\r\n\r\n{"a": 1}'
    )


@pytest.mark.parametrize(
    "headers",
    [{"a b": "c"}, {"a:": "c"}, {"": "c"}, {"a": "b\r\nc: d"}, {"a": "b\n"}, {"a": "ü"}, {"a": "\x00"}],
)
def test_headers_that_http_does_not_allow(headers: dict[str, str]) -> None:
    (name,) = headers
    with pytest.raises(RhaiiError) as caught:
        check_headers(headers)
    assert str(caught.value) == (
        f"The header {name!r} has a name or a value that HTTP does not allow. "
        "Give headers as names and values of one line of ASCII."
    )


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "CONNECTION"])
def test_headers_that_are_the_clients_own(name: str) -> None:
    with pytest.raises(RhaiiError) as caught:
        check_headers({name: "x"})
    assert str(caught.value) == f"The header {name} is set by the client itself. Leave it out of headers."


def test_headers_that_are_fine() -> None:
    check_headers({"X-Model": "a/b c\td", "Authorization": "Bearer x.y-z"})


def test_a_comment_is_not_the_begin_of_a_stream() -> None:
    response = Response()
    response.feed(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: ping\n\nid: 1\n")
    assert not response.body_begun
    response.feed(b"data: 1\n\n")
    assert response.body_begun
    whole = Response()
    whole.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n:")
    assert whole.body_begun
