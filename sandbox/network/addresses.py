# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which address is what, and where on this machine it is served.

Cluster i has pods in 10.i.0.0/17, nodes in 10.i.127.0/24 and services in 10.i.128.0/17. The API server refuses
loopback addresses in EndpointSlices, so that what it calls 10.a.b.c is served at 127.a.b.c.
"""

from __future__ import annotations

import errno
import os
from functools import cache, lru_cache
from pathlib import Path

CLUSTERS = range(1, 100)
API_SERVER_ENDPOINT = "127.250"
"""The end of the address that the endpoint of Service `kubernetes` has."""
PROXY_PORT = 3128
DNS_PORT = 53
CLUSTER_DOMAIN = "cluster.local"

PUBLIC_NAMES = {"huggingface.co": "203.0.113.10"}
"""What the world's DNS answers, as far as the sandbox has a world."""
PUBLIC_ADDRESSES = {"203.0.113.10": "127.202.0.1"}
"""Where on this machine a public address is served."""
_PUBLIC_BY_LOOPBACK = {served: public for public, served in PUBLIC_ADDRESSES.items()}

PRIVILEGED_PORT_SHIFT = 8000
CAP_NET_BIND_SERVICE = 10


class UnreachableError(OSError):
    """Nothing in the sandbox serves an address: the sandbox has no way to the world."""

    def __init__(self, address: str) -> None:
        super().__init__(errno.ENETUNREACH, f"Network is unreachable: the sandbox serves nothing at {address}")


def cluster_index(address: str) -> int | None:
    """The cluster that a 10.x address belongs to; None for other addresses."""
    octets = address.split(".")
    if len(octets) == 4 and octets[0] == "10" and octets[1].isdigit() and int(octets[1]) in CLUSTERS:
        return int(octets[1])
    return None


@lru_cache(maxsize=4096)
def loopback(address: str) -> str:
    """Where an address is served; UnreachableError when it is not of the sandbox. Loopback addresses stay."""
    if address.startswith("127."):
        return address
    if address in PUBLIC_ADDRESSES:
        return PUBLIC_ADDRESSES[address]
    index = cluster_index(address)
    if index is None:
        raise UnreachableError(address)
    if address == api_server_endpoint(index):
        return api_server_address(index)
    return f"127{address[2:]}"


@lru_cache(maxsize=4096)
def cluster_address(address: str) -> str:
    """What the API calls a loopback address; others, and those that it has no name for, stay."""
    octets = address.split(".")
    if len(octets) != 4 or octets[0] != "127":
        return address
    if address in _PUBLIC_BY_LOOPBACK:
        return _PUBLIC_BY_LOOPBACK[address]
    if int(octets[1]) in CLUSTERS:
        return f"10{address[3:]}"
    if octets[1] == "200" and octets[3] == "1" and int(octets[2]) in CLUSTERS:
        return api_server_endpoint(int(octets[2]))
    return address


def api_server_address(index: int) -> str:
    """Where cluster `index`'s API server is served: its endpoint, as GKE calls it."""
    return f"127.200.{index}.1"


def api_server_endpoint(index: int) -> str:
    """The API server's address in the endpoints of Service `kubernetes`."""
    return f"10.{index}.{API_SERVER_ENDPOINT}"


def api_service_address(index: int) -> str:
    """The address of Service `kubernetes`."""
    return f"10.{index}.128.1"


def dns_address(index: int) -> str:
    """The address of Service `kube-dns`."""
    return f"10.{index}.128.10"


def node_address(index: int, number: int) -> str:
    """The internal address of node `number`."""
    return f"10.{index}.127.{number + 1}"


def proxy_address(index: int) -> str:
    """Where cluster `index`'s CONNECT proxy is served, at PROXY_PORT."""
    return f"127.200.{index}.3"


def is_service_address(address: str) -> bool:
    """Whether the address is of a cluster's service range."""
    return cluster_index(address) is not None and int(address.split(".")[2]) >= 128


def is_pod_address(address: str) -> bool:
    """Whether the address is of a cluster's pod range."""
    return cluster_index(address) is not None and int(address.split(".")[2]) < 127


def is_node_address(address: str) -> bool:
    """Whether the address is one of a cluster's nodes; the API server's endpoint is none."""
    index = cluster_index(address)
    return index is not None and address.split(".")[2] == "127" and address != api_server_endpoint(index)


def bind_port(port: int) -> int:
    """The port that stands for `port` here: moved up by 8000 where this machine gives us no privileged ones."""
    return port if port >= least_port() or port == 0 else port + PRIVILEGED_PORT_SHIFT


@cache
def least_port() -> int:
    """The lowest port that we may bind."""
    return least_bindable_port(Path("/proc"))


def least_bindable_port(proc: Path) -> int:
    """The same, by what the kernel says below `proc`."""
    try:
        start = int((proc / "sys/net/ipv4/ip_unprivileged_port_start").read_text(encoding="ascii"))
    except (OSError, ValueError):
        start = 1024
    try:
        status = (proc / "self/status").read_text(encoding="utf-8", errors="replace")
        effective = next(line for line in status.splitlines() if line.startswith("CapEff:"))
        privileged = bool(int(effective.split()[1], 16) >> CAP_NET_BIND_SERVICE & 1)
    except (OSError, StopIteration, ValueError, IndexError):
        privileged = os.geteuid() == 0
    return 1 if privileged else start
