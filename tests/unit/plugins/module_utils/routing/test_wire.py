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
    b"6;name=value\r\nhello \r\n005\r\nworld\r\n0\r\nX-Trailer: 1\r\n\r\n"
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
    response = read(b"HTTP/1.1 200 OK\r\nX-A:  1 \r\nx-a: 2\r\nContent-Length: 0\r\n\r\n", 3)
    assert response.done
    assert response.headers == {"x-a": "1, 2", "content-length": "0"}


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
    ],
)
def test_the_end_too_early(data: bytes, said: str) -> None:
    with pytest.raises(WireError, match=said):
        read(data, 1000, ended=True)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param(b"SSH-2.0-OpenSSH\r\n", "no HTTP/1: it begins with b'SSH-2.0-OpenSSH'", id="another protocol"),
        pytest.param(b"HTTP/2 200\r\n", "no HTTP/1", id="another version"),
        pytest.param(b"HTTP/1.1 20 OK\r\n", "no HTTP/1", id="a short status"),
        pytest.param(b"HTTP/1.1 200 OK\r\nno colon\r\n", "header line", id="no header"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "'-1' in the answer is no number", id="negative"
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 1f\r\n\r\n", "is no number", id="hexadecimal length"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n", "is no number", id="an empty length"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "is no number", id="no size"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", "is no number", id="an empty size"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", "longer than it said", id="long chunk"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 1 + b"x" * (LONGEST_HEAD + 1), "too long", id="a long line"
        ),
        pytest.param(b"y" * (LONGEST_HEAD + 1) + b"\n", "too long", id="a long line with its end"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\n" + b"".join(b"h%d: v\r\n" % number for number in range(300)),
            "header line",
            id="too many headers",
        ),
        pytest.param(
            f"HTTP/1.1 200 OK\r\nContent-Length: {LONGEST_BODY + 1}\r\n\r\n".encode(), "longer than 16 MiB", id="length"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n%x\r\n" % LONGEST_BODY,
            "longer than 16 MiB",
            id="chunks in sum",
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n" + b"z" * (LONGEST_BODY + 1), "longer than 16 MiB", id="without end"),
    ],
)
def test_what_cannot_be_read(data: bytes, said: str) -> None:
    with pytest.raises(WireError, match=said):
        read(data, len(data))


def test_the_longest_line_is_taken() -> None:
    line = b"X-Long: " + b"x" * (LONGEST_HEAD - 9) + b"\r"
    assert len(line) == LONGEST_HEAD
    assert read(b"HTTP/1.1 200 OK\r\n" + line + b"\nContent-Length: 0\r\n\r\n", 1000).done


def test_the_longest_body_is_taken() -> None:
    response = read(b"HTTP/1.1 200 OK\r\n\r\n" + b"z" * LONGEST_BODY, 2**20, ended=True)
    assert len(response.body) == LONGEST_BODY


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
    with pytest.raises(RhaiiError, match="is no address of an endpoint") as caught:
        endpoint(url)
    assert "http://203.0.113.7" in caught.value.remedy


@pytest.mark.parametrize("url", ["http://a/b c", "http://a/ü", "http://ü.example"])
def test_a_url_in_ascii_only(url: str) -> None:
    with pytest.raises(RhaiiError, match="characters that a URL cannot have"):
        endpoint(url)


def test_request_bytes() -> None:
    to = endpoint("http://203.0.113.7:8080/ns/n")
    assert request_bytes(to, "GET", "/health", b"", {"X-Model": "qwen"}) == (
        b"GET /ns/n/health HTTP/1.1\r\nHost: 203.0.113.7:8080\r\nAccept: */*\r\nUser-Agent: rhaii.gke\r\n"
        b"X-Model: qwen\r\n\r\n"
    )
    assert request_bytes(to, "POST", "/v1/x", b'{"a": 1}', {}) == (
        b"POST /ns/n/v1/x HTTP/1.1\r\nHost: 203.0.113.7:8080\r\nAccept: */*\r\nUser-Agent: rhaii.gke\r\n"
        b'Content-Type: application/json\r\nContent-Length: 8\r\n\r\n{"a": 1}'
    )


@pytest.mark.parametrize(
    "headers",
    [{"a b": "c"}, {"a:": "c"}, {"": "c"}, {"a": "b\r\nc: d"}, {"a": "b\n"}, {"a": "ü"}, {"a": "\x00"}],
)
def test_headers_that_http_does_not_allow(headers: dict[str, str]) -> None:
    with pytest.raises(RhaiiError, match="has a name or a value that HTTP does not allow"):
        check_headers(headers)


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "CONNECTION"])
def test_headers_that_are_the_clients_own(name: str) -> None:
    with pytest.raises(RhaiiError, match=f"The header {name} is set by the client itself"):
        check_headers({name: "x"})


def test_headers_that_are_fine() -> None:
    check_headers({"X-Model": "a/b c\td", "Authorization": "Bearer x.y-z"})
