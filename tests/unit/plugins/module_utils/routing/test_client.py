# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The load client over fake sockets: what it sends, when its clock runs, and how it ends."""

from __future__ import annotations

import errno
import socket
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._routing.client import (
    LINGER,
    PIECE,
    SelectorTransport,
    dial,
    resolve,
    trust,
)
from ansible_collections.rhaii.gke.plugins.module_utils._routing.ports import Ask
from ansible_collections.rhaii.gke.plugins.module_utils._routing.wire import Endpoint, endpoint

from tests.unit.plugins.module_utils.routing.fake_network import OK, FakeNetwork, FakeSocket, FakeTls, Reaction

V4 = (int(socket.AF_INET), ("203.0.113.7", 80))
V6 = (int(socket.AF_INET6), ("2001:db8::7", 80, 0, 0))
GET = Ask("GET", "/health")
CLOSING = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
POST = Ask("POST", "/v1/completions", b'{"prompt": "a"}')


def transport(
    network: FakeNetwork,
    url: str = "http://203.0.113.7/ns/n",
    *,
    headers: Mapping[str, str] | None = None,
    tls: FakeTls | None = None,
    timeout: float = 5.0,
    addresses: Callable[[Endpoint], Sequence[tuple[int, Any]]] = lambda to: [V4],
) -> SelectorTransport:
    return SelectorTransport(
        url,
        headers=headers or {},
        tls=lambda: tls or FakeTls(network),
        timeout=timeout,
        addresses=addresses,
        dial=network.dial,
        selector=network.selector,
        now=lambda: network.now,
        cpu=lambda: network.cpu,
    )


def ended_well(network: FakeNetwork) -> bool:
    """Nothing is left open."""
    return not network.registered and network.open_selectors == 0 and all(each.closed for each in network.sockets)


def nothing(done: int) -> None:
    """Nobody watches."""


def test_an_answer_and_its_times() -> None:
    head, body = OK[:-2], OK[-2:]
    network = FakeNetwork(server=lambda connection: [(0.2, head), (0.3, body[:1]), (0.7, body[1:])])
    answer = transport(network).ask(GET)
    assert (answer.status, answer.body, answer.error) == (200, b"ok", "")
    assert answer.headers == {"content-length": "2"}
    assert answer.seconds == pytest.approx(0.7)
    assert answer.first_byte_seconds == pytest.approx(0.3)
    assert ended_well(network)


def test_an_answer_without_a_body_has_no_first_byte() -> None:
    network = FakeNetwork(server=lambda connection: [(0.1, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")])
    answer = transport(network).ask(GET)
    assert (answer.status, answer.body, answer.first_byte_seconds) == (200, b"", None)
    assert answer.seconds == pytest.approx(0.1)


def test_what_is_sent() -> None:
    network = FakeNetwork()
    transport(network, headers={"X-Model": "qwen"}).ask(POST)
    assert [each.requests for each in network.sockets] == [
        [
            b"POST /ns/n/v1/completions HTTP/1.1\r\nHost: 203.0.113.7\r\nAccept: */*\r\nAccept-Encoding: identity\r\n"
            b"User-Agent: rhaii.gke\r\n"
            b'X-Model: qwen\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{"prompt": "a"}'
        ]
    ]
    assert network.sockets[0].family == V4[0]
    assert network.sockets[0].address == V4[1]


def test_the_addresses_are_the_endpoints() -> None:
    network = FakeNetwork()
    asked: list[Endpoint] = []

    def addresses(to: Endpoint) -> list[tuple[int, Any]]:
        asked.append(to)
        return [V4]

    transport(network, addresses=addresses).ask(GET)
    assert asked == [Endpoint("http", "203.0.113.7", 80, "/ns/n")]


def test_a_connection_may_stand_at_once() -> None:
    network = FakeNetwork(connects_at_once=True)
    assert transport(network).ask(GET).body == b"ok"


def test_an_answer_may_be_longer_than_what_is_read_at_a_time() -> None:
    body = b"x" * (2 * PIECE + 1)
    network = FakeNetwork(
        server=lambda connection: [(0.1, b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)), (0.1, body)]
    )
    assert transport(network).ask(GET).body == body


def test_the_clock_starts_when_the_connection_stands() -> None:
    network = FakeNetwork(connecting=lambda connection: (3.0, 0, False))
    answer = transport(network).ask(GET)
    assert answer.seconds == pytest.approx(0.1)


def test_each_ask_has_a_connection_of_its_own() -> None:
    network = FakeNetwork()
    one = transport(network)
    one.ask(GET)
    one.ask(GET)
    assert [len(each.requests) for each in network.sockets] == [1, 1]


def test_a_load_keeps_its_connections_busy() -> None:
    network = FakeNetwork()
    told: list[int] = []
    load = transport(network).load([POST] * 10, 3, told.append)
    assert [answer.error for answer in load.answers] == [""] * 10
    assert sorted(len(each.requests) for each in network.sockets) == [3, 3, 4]
    assert load.seconds == pytest.approx(0.4)
    assert all(answer.seconds == pytest.approx(0.1) for answer in load.answers)
    assert told == list(range(1, 11))
    assert ended_well(network)


def test_answers_are_in_the_order_of_the_requests() -> None:
    def server(connection: FakeSocket) -> Reaction:
        path = connection.requests[-1].split()[1]
        seconds = {b"/ns/n/0": 0.5}.get(path, 0.1)
        return [(seconds, b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n" + path)]

    asks = [Ask("GET", f"/{number}") for number in range(4)]
    load = transport(FakeNetwork(server=server)).load(asks, 2, nothing)
    assert [answer.body for answer in load.answers] == [f"/ns/n/{number}".encode() for number in range(4)]


def test_there_are_no_more_connections_than_requests() -> None:
    network = FakeNetwork()
    load = transport(network).load([GET, GET], 5, nothing)
    assert len(load.answers) == len(network.sockets) == 2


def test_no_requests_are_no_load() -> None:
    network = FakeNetwork()
    load = transport(network).load([], 5, nothing)
    assert (load.answers, load.seconds, load.lag_seconds) == ([], 0.0, 0.0)
    assert ended_well(network)


def test_a_connection_that_the_server_closes_is_made_again() -> None:
    network = FakeNetwork(server=lambda connection: [(0.1, CLOSING), (0.1, b"")])
    load = transport(network).load([GET] * 3, 1, nothing)
    assert [answer.error for answer in load.answers] == ["", "", ""]
    assert [len(each.requests) for each in network.sockets] == [1, 1, 1]
    assert ended_well(network)


def test_an_answer_may_end_with_the_connection() -> None:
    network = FakeNetwork(server=lambda connection: [(0.1, b"HTTP/1.1 200 OK\r\n\r\no"), (0.2, b"k"), (0.3, b"")])
    answer = transport(network).ask(GET)
    assert (answer.body, answer.error) == (b"ok", "")
    assert answer.seconds == pytest.approx(0.3)


@pytest.mark.parametrize("end", [b"", ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")])
def test_a_kept_connection_that_ends_as_it_is_used_again_is_no_failure(end: bytes | OSError) -> None:
    def server(connection: FakeSocket) -> Reaction:
        return [(0.1, OK)] if connection.number == 2 or len(connection.requests) == 1 else [(0.05, end)]

    network = FakeNetwork(server=server)
    load = transport(network).load([GET] * 3, 1, nothing)
    assert [answer.error for answer in load.answers] == ["", "", ""]
    assert [len(each.requests) for each in network.sockets] == [2, 2]
    # the time that was lost is the request's
    assert [answer.seconds for answer in load.answers] == pytest.approx([0.1, 0.15, 0.1])


def test_a_repeated_request_is_not_repeated_again() -> None:
    def server(connection: FakeSocket) -> Reaction:
        return [(0.1, OK)] if connection.number == 1 and len(connection.requests) == 1 else [(0.05, b"")]

    network = FakeNetwork(server=server)
    load = transport(network).load([GET] * 2, 1, nothing)
    assert [answer.error for answer in load.answers] == ["", "no answer came"]
    assert [len(each.requests) for each in network.sockets] == [2, 1]


def test_an_answer_that_is_cut_off_is_a_failure_on_a_kept_connection_too() -> None:
    def server(connection: FakeSocket) -> Reaction:
        return [(0.1, OK)] if len(connection.requests) == 1 else [(0.1, OK[:30]), (0.2, b"")]

    network = FakeNetwork(server=server)
    load = transport(network).load([GET] * 2, 1, nothing)
    assert [answer.error for answer in load.answers] == ["", "the connection was closed in the middle of the answer"]
    assert [len(each.requests) for each in network.sockets] == [2]


def test_a_send_that_fails_on_a_kept_connection_is_repeated_at_once() -> None:
    def prepare(connection: FakeSocket) -> None:
        if connection.number == 1:
            connection.sending = [10_000, BrokenPipeError(errno.EPIPE, "Broken pipe")]

    network = FakeNetwork(prepare=prepare)
    load = transport(network).load([GET] * 2, 1, nothing)
    assert [answer.error for answer in load.answers] == ["", ""]
    assert [answer.seconds for answer in load.answers] == pytest.approx([0.1, 0.1])


def test_a_send_that_fails_on_a_new_connection_is_a_failure() -> None:
    def prepare(connection: FakeSocket) -> None:
        connection.sending = [BrokenPipeError(errno.EPIPE, "Broken pipe")]

    network = FakeNetwork(prepare=prepare)
    assert transport(network).ask(GET).error == "no answer came: [Errno 32] Broken pipe"
    assert ended_well(network)


@pytest.mark.parametrize(
    ("reaction", "said"),
    [
        pytest.param([(0.1, b"")], "no answer came", id="closed"),
        pytest.param([(0.1, OK[:30]), (0.2, b"")], "the connection was closed in the middle of the answer", id="cut"),
        pytest.param(
            [(0.1, ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"))],
            "no answer came: [Errno 104] Connection reset by peer",
            id="reset",
        ),
        pytest.param([(0.1, b"SSH-2.0\r\n")], "the answer is no HTTP/1: it begins with b'SSH-2.0'", id="no HTTP"),
    ],
)
def test_an_answer_that_fails(reaction: Reaction, said: str) -> None:
    network = FakeNetwork(server=lambda connection: reaction)
    answer = transport(network).ask(GET)
    assert (answer.status, answer.error) == (0, said)
    assert answer.seconds > 0
    assert len(network.sockets) == 1
    assert ended_well(network)


def test_a_request_has_its_time_and_no_more() -> None:
    def server(connection: FakeSocket) -> Reaction:
        return [(0.1, OK[:20]), (99.0, OK[20:])] if connection.number == 1 else [(0.1, OK)]

    network = FakeNetwork(server=server)
    load = transport(network, timeout=2.5).load([GET] * 2, 1, nothing)
    assert [answer.error for answer in load.answers] == ["no whole answer within 2.5 s", ""]
    assert load.answers[0].seconds == pytest.approx(2.5)
    assert load.answers[1].seconds == pytest.approx(0.1)
    assert ended_well(network)


def test_a_late_answer_is_not_taken_for_the_next_one() -> None:
    def server(connection: FakeSocket) -> Reaction:
        body = str(connection.number).encode()
        return [(1.5 if connection.number == 1 else 0.1, b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + body)]

    load = transport(FakeNetwork(server=server), timeout=1.0).load([GET] * 3, 1, nothing)
    assert [(answer.body, answer.error) for answer in load.answers] == [
        (b"", "no whole answer within 1 s"),
        (b"2", ""),
        (b"2", ""),
    ]


@pytest.mark.parametrize("late", [False, True])
def test_nobody_listens(late: bool) -> None:
    network = FakeNetwork(connecting=lambda connection: (0.0, errno.ECONNREFUSED, late))
    answer = transport(network).ask(GET)
    assert answer.error == "could not connect to 203.0.113.7:80: Connection refused"
    assert ended_well(network)


def test_a_socket_cannot_be_made() -> None:
    network = FakeNetwork()

    def prepare(connection: FakeSocket) -> None:
        connection.closed = True
        raise OSError(errno.EMFILE, "Too many open files")

    network.prepare = prepare
    answer = transport(network).ask(GET)
    assert answer.error == "could not connect to 203.0.113.7:80: [Errno 24] Too many open files"


@pytest.mark.parametrize("late", [False, True])
def test_another_address_may_answer(late: bool) -> None:
    def connecting(connection: FakeSocket) -> tuple[float | None, int, bool]:
        return (0.0, errno.ENETUNREACH if connection.address == V6[1] else 0, late)

    network = FakeNetwork(connecting=connecting)
    load = transport(network, addresses=lambda to: [V6, V4]).load([GET] * 3, 1, nothing)
    assert [answer.error for answer in load.answers] == ["", "", ""]
    assert [(each.family, len(each.requests)) for each in network.sockets] == [(V6[0], 0), (V4[0], 3)]
    assert ended_well(network)


def test_every_address_has_its_turn() -> None:
    third = (int(socket.AF_INET), ("203.0.113.9", 80))

    def connecting(connection: FakeSocket) -> tuple[float | None, int, bool]:
        return (0.0, 0 if connection.address == third[1] else errno.ECONNREFUSED, True)

    network = FakeNetwork(connecting=connecting)
    answer = transport(network, addresses=lambda to: [V6, V4, third]).ask(GET)
    assert answer.error == ""
    assert [each.address for each in network.sockets] == [V6[1], V4[1], third[1]]


def test_every_silent_address_is_given_up_for_the_next_one() -> None:
    third = (int(socket.AF_INET), ("203.0.113.9", 80))

    def connecting(connection: FakeSocket) -> tuple[float | None, int, bool]:
        return (0.0 if connection.address == third[1] else None, 0, False)

    network = FakeNetwork(connecting=connecting)
    load = transport(network, timeout=4.0, addresses=lambda to: [V6, V4, third]).load([GET] * 2, 1, nothing)
    assert [answer.error for answer in load.answers] == ["no connection within 4 s", ""]
    assert [each.address for each in network.sockets] == [V6[1], V4[1], third[1]]


def test_an_address_that_is_silent_is_given_up_for_another_one() -> None:
    def connecting(connection: FakeSocket) -> tuple[float | None, int, bool]:
        return (None if connection.address == V6[1] else 0.0, 0, False)

    network = FakeNetwork(connecting=connecting)
    answer = transport(network, addresses=lambda to: [V6, V4]).ask(GET)
    assert answer.error == ""
    assert answer.seconds == pytest.approx(0.1)
    assert network.now == pytest.approx(110.1)


def test_nobody_is_there() -> None:
    network = FakeNetwork(connecting=lambda connection: (None, 0, False))
    answer = transport(network, timeout=4.0).ask(GET)
    assert answer.error == "no connection within 4 s"
    assert answer.seconds == pytest.approx(4.0)
    assert network.now == pytest.approx(114.0)
    assert ended_well(network)


@pytest.mark.parametrize(("concurrent", "sent"), [(1, 20), (5, 20), (15, 30), (25, 50)])
def test_when_nothing_succeeds_the_rest_is_not_tried(concurrent: int, sent: int) -> None:
    network = FakeNetwork(server=lambda connection: [(0.1, b"")])
    load = transport(network).load([GET] * 100, concurrent, nothing)
    assert sent <= len(load.answers) < sent + concurrent
    assert all(answer.error for answer in load.answers)


def test_failures_between_successes_do_not_end_a_load() -> None:
    total = 0

    def server(connection: FakeSocket) -> Reaction:
        nonlocal total
        total += 1
        return [(0.1, CLOSING)] if total % 20 == 0 else [(0.1, b"")]

    load = transport(FakeNetwork(server=server)).load([GET] * 100, 1, nothing)
    assert len(load.answers) == 100


def test_an_error_of_http_is_an_answer() -> None:
    network = FakeNetwork(server=lambda connection: [(0.1, OK.replace(b"200 OK", b"503 No"))])
    load = transport(network).load([GET] * 50, 1, nothing)
    assert [answer.status for answer in load.answers] == [503] * 50
    assert len(network.sockets) == 1


def test_a_request_is_sent_in_pieces_when_the_socket_is_full() -> None:
    def prepare(connection: FakeSocket) -> None:
        connection.sending = [10, BlockingIOError(), 20, BlockingIOError()]

    network = FakeNetwork(prepare=prepare)
    answer = transport(network).ask(POST)
    assert answer.body == b"ok"
    assert network.sockets[0].requests[0].endswith(b'{"prompt": "a"}')


def test_a_connection_with_an_early_answer_is_not_used_again() -> None:
    def prepare(connection: FakeSocket) -> None:
        if connection.number == 1:
            connection.sending = [10, *[BlockingIOError()] * 50]
            connection.arriving = [(100.0, OK.replace(b"200 OK", b"413 Large"))]

    network = FakeNetwork(prepare=prepare)
    load = transport(network).load([POST] * 2, 1, nothing)
    assert [answer.status for answer in load.answers] == [413, 200]
    assert len(network.sockets) == 2


def test_a_connection_that_ends_before_its_first_request_is_made_again() -> None:
    def connecting(connection: FakeSocket) -> tuple[float | None, int, bool]:
        if connection.number == 1:
            connection.arriving = [(network.now, b"")]
        return (0.5 if connection.number == 2 else 0.0, 0, False)

    network = FakeNetwork(connecting=connecting)
    load = transport(network).load([GET] * 2, 2, nothing)
    assert [answer.error for answer in load.answers] == ["", ""]
    assert len(network.sockets) == 3


def test_all_ready_sockets_are_stamped_before_one_is_parsed() -> None:
    network = FakeNetwork()

    def slow(done: int) -> None:
        network.now += 1.0

    load = transport(network).load([GET] * 3, 3, slow)
    assert [answer.seconds for answer in load.answers] == pytest.approx([0.1] * 3)
    assert load.lag_seconds == pytest.approx(3.0)


def test_a_busy_machine_shows_in_the_lag() -> None:
    network = FakeNetwork(server=lambda connection: [(0.33, OK)], oversleep=0.02)
    load = transport(network).load([GET], 1, nothing)
    assert load.lag_seconds == pytest.approx(0.02)
    idle = transport(FakeNetwork(server=lambda connection: [(0.33, OK)])).load([GET], 1, nothing)
    assert idle.lag_seconds == pytest.approx(0.0)


def test_a_single_pause_does_not_show_in_the_lag() -> None:
    network = FakeNetwork(server=lambda connection: [(0.01, OK)])

    def work(done: int) -> None:
        network.now += 1.0 if done == 100 else 0.001

    load = transport(network).load([GET] * 200, 1, work)
    assert load.lag_seconds == pytest.approx(0.001)


def test_the_time_before_the_first_request_is_no_lag_and_no_load() -> None:
    network = FakeNetwork(connecting=lambda connection: (0.2, 0, False), oversleep=0.02)
    network.server = lambda connection: [(0.0, OK)]
    load = transport(network).load([GET], 1, nothing)
    assert load.lag_seconds == 0.0
    assert load.seconds == pytest.approx(0.0)


def test_the_processor_time_is_the_loads() -> None:
    network = FakeNetwork(cpu=5.0)

    def work(done: int) -> None:
        network.cpu += 0.25

    assert transport(network).load([GET] * 4, 1, work).cpu_seconds == pytest.approx(1.0)


def test_the_loop_never_sleeps_long_and_never_beyond_a_deadline() -> None:
    network = FakeNetwork(server=lambda connection: [(99.0, OK)])
    transport(network, timeout=0.12).ask(GET)
    assert max(network.waits) == 0.05
    assert min(network.waits) >= 0.0
    assert network.now == pytest.approx(100.12)


def test_a_connection_that_is_done_hurries_nobody() -> None:
    def server(connection: FakeSocket) -> Reaction:
        if connection.number == 1:
            return [(0.2, CLOSING)]
        return [(0.1 if len(connection.requests) == 1 else 4.95, OK)]

    # the first was given till 105.0, and the other one answers at 105.05
    network = FakeNetwork(server=server, oversleep=0.001)
    load = transport(network).load([GET] * 3, 2, nothing)
    assert [answer.error for answer in load.answers] == ["", "", ""]
    assert min(network.waits) > 0.001


# https


def test_a_handshake_takes_its_turns_and_no_time_of_the_request() -> None:
    network = FakeNetwork()

    def handshake(connection: FakeSocket) -> list[BaseException]:
        connection.arriving = [(network.now + 0.4, b"hello")]
        return [ssl.SSLWantReadError(), ssl.SSLWantWriteError()]

    tls = FakeTls(network, handshake)

    def server(connection: FakeSocket) -> Reaction:
        connection.arriving.clear()
        return [(0.1, OK)]

    network.server = server
    answer = transport(network, "https://models.example", tls=tls).ask(GET)
    assert (answer.status, answer.error) == (200, "")
    assert answer.seconds == pytest.approx(0.1)
    assert network.now == pytest.approx(100.5)
    assert tls.names == ["models.example"]
    assert ended_well(network)


@pytest.mark.parametrize("want", [ssl.SSLWantWriteError, ssl.SSLWantReadError])
def test_a_request_over_tls_is_sent_in_pieces(want: type[BaseException]) -> None:
    def prepare(connection: FakeSocket) -> None:
        connection.sending = [10, want()]
        if want is ssl.SSLWantReadError:
            connection.arriving = [(100.3, b"")]

    network = FakeNetwork(prepare=prepare)
    answer = transport(network, "https://models.example", tls=FakeTls(network)).ask(POST)
    if want is ssl.SSLWantReadError:  # it waits for the peer, who goes away
        assert answer.error == "no answer came"
    else:
        assert answer.body == b"ok"


def test_a_certificate_that_is_not_trusted() -> None:
    network = FakeNetwork()
    tls = FakeTls(network, lambda connection: [ssl.SSLCertVerificationError(1, "self-signed certificate")])
    answer = transport(network, "https://models.example", tls=tls).ask(GET)
    assert answer.error.startswith("could not connect to models.example:443: no TLS (")
    assert "self-signed certificate" in answer.error
    assert ended_well(network)


def test_a_name_that_tls_refuses() -> None:
    network = FakeNetwork()
    answer = transport(network, "https://models.example", tls=FakeTls(network, refuses=True)).ask(GET)
    assert answer.error == "could not connect to models.example:443: check_hostname requires server_hostname"
    assert ended_well(network)


def test_http_asks_for_no_tls() -> None:
    def refuse() -> Any:
        raise AssertionError("no TLS is needed")

    network = FakeNetwork()
    made = SelectorTransport(
        "http://a",
        headers={},
        tls=refuse,
        timeout=1.0,
        addresses=lambda to: [V4],
        dial=network.dial,
        selector=network.selector,
        now=lambda: network.now,
        cpu=lambda: 0.0,
    )
    assert made.ask(GET).status == 200


def test_headers_are_checked() -> None:
    with pytest.raises(RhaiiError, match="is set by the client itself"):
        transport(FakeNetwork(), headers={"Host": "x"})


# What is given by the system


def test_trust_of_a_file_that_is_not_there(tmp_path: Path) -> None:
    missing = tmp_path / "ca.pem"
    with pytest.raises(RhaiiError) as caught:
        trust(str(missing), verify=True)
    assert str(caught.value) == (
        f"The authority of the endpoint's certificate cannot be read from {missing} ([Errno 2] No such file or "
        "directory). Give endpoint_ca_file a PEM file that exists."
    )
    missing.write_text("no certificate")
    with pytest.raises(RhaiiError, match=r"cannot be read from .*ca\.pem"):
        trust(str(missing), verify=True)


def test_trust() -> None:
    strict, loose = trust(None, verify=True), trust(None, verify=False)
    assert (strict.verify_mode, strict.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert strict.verify_flags == ssl.create_default_context().verify_flags & ~ssl.VERIFY_X509_STRICT
    assert (loose.verify_mode, loose.check_hostname) == (ssl.CERT_NONE, False)


def test_resolve(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def known(host: str, port: int, **options: Any) -> list[Any]:
        asked.append((host, port, options))
        return [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", V6[1]),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", V4[1]),
        ]

    monkeypatch.setattr(socket, "getaddrinfo", known)
    assert resolve(endpoint("http://models.example:8080")) == [V6, V4]
    assert asked == [("models.example", 8080, {"type": socket.SOCK_STREAM})]


def test_resolve_of_a_name_that_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: Any, **options: Any) -> list[Any]:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(RhaiiError) as caught:
        resolve(endpoint("http://models.example"))
    assert str(caught.value) == (
        "The name models.example cannot be resolved ([Errno -2] Name or service not known). "
        "Check url, and the name service where this task runs."
    )


def test_a_socket_neither_blocks_nor_waits_for_more_to_send(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[Any] = []

    class Made:
        def setblocking(self, blocks: bool) -> None:
            done.append(blocks)

        def setsockopt(self, *option: int) -> None:
            done.append(option)

    def make(*kind: int) -> Made:
        done.append(kind)
        return Made()

    monkeypatch.setattr(socket, "socket", make)
    assert isinstance(dial(socket.AF_INET6), Made)
    assert done == [
        (socket.AF_INET6, socket.SOCK_STREAM),
        False,
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    ]


DONE = b'data: {"choices": [{"index": 0, "text": "a", "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_stream_that_is_complete_is_not_waited_for_on_a_real_connection_that_stays_open() -> None:
    gone = threading.Event()

    class Lingering(BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65536)
            self.request.sendall(STREAM + b"%x\r\n%b\r\n" % (len(DONE), DONE))
            # until the client has enough of it
            while self.request.recv(65536):
                pass
            gone.set()

    with ThreadingTCPServer(("127.0.0.1", 0), Lingering) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            url = f"http://127.0.0.1:{server.server_address[1]}"
            real = SelectorTransport(url, headers={}, tls=lambda: trust(None, True), timeout=60.0, linger=0.01)
            answer = real.ask(POST)
            assert (answer.status, answer.body, answer.error) == (200, DONE, "")
            assert answer.seconds < 30
            assert gone.wait(30)
        finally:
            server.shutdown()


def test_complete_stream_that_stays_open_holds_up_no_other_request() -> None:
    chunk = b"%x\r\n%b\r\n" % (len(DONE), DONE)
    network = FakeNetwork(server=lambda connection: [(0.2, STREAM + chunk)])
    load = transport(network).load([POST] * 3, 1, nothing)
    assert [each.error for each in load.answers] == [""] * 3
    assert [each.seconds for each in load.answers] == pytest.approx([0.2] * 3)
    assert load.seconds == pytest.approx(3 * (0.2 + LINGER), abs=0.1)
    assert len(network.sockets) == 3
    assert ended_well(network)


def test_complete_stream_that_ends_a_moment_later_keeps_its_connection() -> None:
    chunk = b"%x\r\n%b\r\n" % (len(DONE), DONE)
    network = FakeNetwork(server=lambda connection: [(0.2, STREAM + chunk), (0.3, b"0\r\n\r\n")])
    load = transport(network).load([POST] * 3, 1, nothing)
    assert [each.error for each in load.answers] == [""] * 3
    # as long as the answer took, and not its end
    assert [each.seconds for each in load.answers] == pytest.approx([0.2] * 3)
    assert len(network.sockets) == 1
    assert ended_well(network)


def test_time_of_a_request_that_is_over_is_not_made_longer_by_its_end() -> None:
    chunk = b"%x\r\n%b\r\n" % (len(DONE), DONE)
    network = FakeNetwork(server=lambda connection: [(4.9, STREAM + chunk)])
    load = transport(network).load([POST], 1, nothing)
    assert [each.error for each in load.answers] == [""]
    assert load.seconds == pytest.approx(5.0)


def test_error_page_that_says_done_is_read_to_its_end() -> None:
    chunk = b"%x\r\n%b\r\n" % (len(DONE), DONE)
    network = FakeNetwork(server=lambda connection: [(0.2, STREAM.replace(b"200 OK", b"500 Error") + chunk)])
    assert "no whole answer within 5 s" in transport(network).ask(POST).error
