# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Redirects: told with where they lead, and never followed with a prompt or a token."""

from __future__ import annotations

import socket

from ansible_collections.rhaii.gke.plugins.module_utils._routing.answers import completion_of, problem
from ansible_collections.rhaii.gke.plugins.module_utils._routing.client import SelectorTransport
from ansible_collections.rhaii.gke.plugins.module_utils._routing.ports import Ask

from tests.field.rows import Row, rows
from tests.unit.plugins.module_utils.routing.fake_network import FakeNetwork, FakeTls


def redirected(row: Row) -> bytes:
    """The answer of a row."""
    place = f"Location: {row.given['location']}\r\n" if "location" in row.given else ""
    return f"HTTP/1.1 {row.given['status']} Elsewhere\r\n{place}Content-Length: 0\r\n\r\n".encode()


@rows("redirects")
def test_redirects_are_told_and_not_followed(row: Row) -> None:
    network = FakeNetwork(server=lambda connection: [(0.1, redirected(row))])
    transport = SelectorTransport(
        "http://203.0.113.7",
        headers={"Authorization": "Bearer our-token"},
        tls=lambda: FakeTls(network),
        timeout=5.0,
        addresses=lambda to: [(int(socket.AF_INET), (to.host, to.port))],
        dial=network.dial,
        selector=network.selector,
        now=lambda: network.now,
        cpu=lambda: network.cpu,
    )
    body = b'{"prompt": "ours"}' if row.given["method"] == "POST" else b""
    answer = transport.ask(Ask(row.given["method"], "/v1/completions", body))
    said = problem(answer)
    assert row.right["says"] in said
    assert completion_of(answer).error == said
    assert not [secret for secret in row.right.get("hides", []) if secret in said]
    # one connection, to where the user said, with one request
    assert [(each.address, len(each.requests)) for each in network.sockets] == [(("203.0.113.7", 80), 1)]
