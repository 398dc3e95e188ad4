# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""What the routing test needs of the outside world. The adapters are in client.py and kubernetes.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ansible_collections.rhaii.gke.plugins.module_utils._clock import Clock
from ansible_collections.rhaii.gke.plugins.module_utils._routing.metrics import Counters


@dataclass(frozen=True)
class Ask:
    """One HTTP request; the path is below the endpoint's URL."""

    method: str
    path: str
    body: bytes = b""
    # beside those of the connection
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What came of an Ask. `error` is a sentence when no whole answer came; then the status is 0."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    # from the first byte sent to the last received, and to the first of the body
    seconds: float = 0.0
    first_byte_seconds: float | None = None
    error: str = ""


@dataclass(frozen=True)
class Load:
    """A closed loop of requests: what came of each that was sent, and what the client itself cost."""

    answers: Sequence[Answer]
    seconds: float
    cpu_seconds: float
    # 99th percentile of how late the loop came back to its sockets
    lag_seconds: float


class Transport(Protocol):
    def ask(self, ask: Ask) -> Answer:
        """One request on a connection of its own; the clock starts when the connection stands."""

    def load(self, asks: Sequence[Ask], concurrent: int, done: Callable[[int], None]) -> Load:
        """All requests over `concurrent` kept connections, each sending its next when it has an answer."""


@dataclass(frozen=True)
class Pod:
    name: str
    address: str


@dataclass(frozen=True)
class Service:
    """What an LLMInferenceService says of itself."""

    url: str
    model: str


class Cluster(Protocol):
    """The Kubernetes side: where the service answers, and what its replicas count."""

    def gateway_url(self) -> str:
        """The gateway's root, '' while it has no address."""

    def service(self) -> Service | None: ...

    def pods(self) -> Sequence[Pod]:
        """The replicas that are ready."""

    def counters(self, pods: Sequence[Pod]) -> Mapping[str, Counters]:
        """By pod; a pod that does not answer is left out."""

    def routes(self) -> tuple[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]]:
        """HTTPRoutes and InferencePools of the namespace."""

    def picker_answers(self) -> Mapping[str, int]:
        """How often each picker has answered the gateway, by its cluster in Envoy; RhaiiError where none tells."""


@dataclass(frozen=True)
class RoutingPorts:
    # Both are made when they are needed, so that what is wrong with their options comes with the result so far.
    transport: Callable[[str], Transport]
    cluster: Callable[[], Cluster] | None
    clock: Clock
    # text that no run had before
    salt: Callable[[], str]


__all__ = ("Answer", "Ask", "Cluster", "Load", "Pod", "RoutingPorts", "Service", "Transport")
