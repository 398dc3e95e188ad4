# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a Gateway can be reached."""

from __future__ import annotations

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import Json
from ansible_collections.rhaii.gke.plugins.module_utils._routing.gateway import gateway_address, gateway_url


def gateway(address: str | None = "203.0.113.7", *listeners: tuple[str, int]) -> Json:
    addresses = [] if address is None else [{"type": "IPAddress", "value": address}]
    return {
        "spec": {"listeners": [{"protocol": protocol, "port": port} for protocol, port in listeners]},
        "status": {"addresses": addresses},
    }


@pytest.mark.parametrize(
    ("body", "url"),
    [
        pytest.param(gateway("203.0.113.7", ("HTTP", 80)), "http://203.0.113.7", id="the guide's"),
        pytest.param(gateway("203.0.113.7", ("HTTP", 8080)), "http://203.0.113.7:8080", id="another port"),
        pytest.param(gateway("gw.example", ("HTTPS", 443), ("HTTP", 80)), "http://gw.example", id="http before https"),
        pytest.param(gateway("gw.example", ("HTTPS", 443)), "https://gw.example", id="https alone"),
        pytest.param(gateway("gw.example", ("HTTPS", 8443)), "https://gw.example:8443", id="https elsewhere"),
        pytest.param(gateway("2001:db8::1", ("HTTP", 80)), "http://[2001:db8::1]", id="IPv6"),
        pytest.param(gateway(None, ("HTTP", 80)), "", id="no address yet"),
        pytest.param(gateway("", ("HTTP", 80)), "", id="an empty address"),
        pytest.param(gateway("203.0.113.7", ("TCP", 80)), "", id="no listener that we speak to"),
        pytest.param(gateway("203.0.113.7"), "", id="no listener"),
        pytest.param({"status": None, "spec": None}, "", id="nothing in it"),
        pytest.param(None, "", id="no gateway"),
    ],
)
def test_gateway_url(body: Json | None, url: str) -> None:
    assert gateway_url(body) == url


@pytest.mark.parametrize(
    ("listener", "port", "url"),
    [
        pytest.param(("HTTP", 80), 8080, "http://203.0.113.7:8080", id="another one"),
        pytest.param(("HTTP", 8080), 80, "http://203.0.113.7", id="the usual one"),
        pytest.param(("HTTPS", 8443), 443, "https://203.0.113.7", id="the usual one of HTTPS"),
        pytest.param(("HTTP", 8080), 0, "http://203.0.113.7:8080", id="none"),
        pytest.param(("HTTP", 0), 0, "http://203.0.113.7", id="none anywhere"),
    ],
)
def test_given_port_stands_for_the_listeners(listener: tuple[str, int], port: int, url: str) -> None:
    assert gateway_url(gateway("203.0.113.7", listener), port) == url


def test_first_of_several_addresses_counts() -> None:
    several = {"status": {"addresses": [{"value": "203.0.113.7"}, {"value": "203.0.113.8"}]}}
    assert gateway_address(several) == "203.0.113.7"


@pytest.mark.parametrize("body", [None, {}, {"status": None}, {"status": {"addresses": [{"value": None}]}}])
def test_gateway_without_an_address(body: Json | None) -> None:
    assert gateway_address(body) == ""
