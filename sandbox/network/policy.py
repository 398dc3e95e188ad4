# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Network policies: may this connection be made?

The semantics are those of networking.k8s.io/v1 as GKE's Dataplane V2 enforces it: an address block means addresses
outside of the cluster, never pods; nodes (and with them the kubelet's probes) are exempt.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox.network.addresses import DNS_PORT, is_node_address

Object = Mapping[str, Any]
Labels = Mapping[str, str]

NAMESPACE_NAME_LABEL = "kubernetes.io/metadata.name"
DNS_NAMESPACE = "kube-system"
DNS_LABELS = {"k8s-app": "kube-dns"}


@dataclass(frozen=True)
class Pod:
    """What a policy can know of a pod."""

    namespace: str
    name: str
    labels: Labels = field(default_factory=dict)
    ports: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    """Number and protocol of the container ports that have a name."""
    node: str = ""
    ready: bool = False


@dataclass(frozen=True)
class Peer:
    """One end of a connection: a pod, or an address outside of the cluster."""

    address: str
    pod: Pod | None
    namespace_labels: Labels


def matches(selector: Object, labels: Labels) -> bool:
    """Whether a label selector selects an object with these labels; an empty one selects everything."""
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    return all(_expression(expression, labels) for expression in selector.get("matchExpressions") or [])


def _expression(expression: Object, labels: Labels) -> bool:
    key, operator, values = expression["key"], expression["operator"], expression.get("values") or []
    if operator == "In":
        return key in labels and labels[key] in values
    if operator == "NotIn":
        return key not in labels or labels[key] not in values
    if operator == "Exists":
        return key in labels
    if operator == "DoesNotExist":
        return key not in labels
    raise ValueError(f"a label selector's operator is In, NotIn, Exists or DoesNotExist; found {operator!r}")


class Block:
    """An ipBlock: a range of addresses with holes."""

    def __init__(self, block: Object) -> None:
        self._network = ipaddress.ip_network(block["cidr"], strict=False)
        self._holes = [ipaddress.ip_network(hole, strict=False) for hole in block.get("except") or []]

    def contains(self, address: str) -> bool:
        """Whether the address is in the range and in no hole."""
        found = ipaddress.ip_address(address)
        return found in self._network and not any(found in hole for hole in self._holes)


class Rule:
    """One entry of `ingress` or `egress`: peers and ports, both of which must match."""

    def __init__(self, rule: Object, peers_key: str, namespace: str) -> None:
        self._peers: list[Object] = rule.get(peers_key) or []
        self._ports: list[Object] = rule.get("ports") or []
        self._blocks = [Block(peer["ipBlock"]) if peer.get("ipBlock") else None for peer in self._peers]
        self._namespace = namespace

    def permits(self, other: Peer, destination: Peer, port: int, protocol: str) -> bool:
        """Whether a connection with `other` to that port of `destination` is what the rule speaks of."""
        return self._speaks_of(other) and self._has_port(destination, port, protocol)

    def _speaks_of(self, other: Peer) -> bool:
        if not self._peers:
            return True
        return any(self._is_peer(peer, block, other) for peer, block in zip(self._peers, self._blocks, strict=True))

    def _is_peer(self, peer: Object, block: Block | None, other: Peer) -> bool:
        if block is not None:
            return other.pod is None and block.contains(other.address)
        if other.pod is None:
            return False
        namespaces = peer.get("namespaceSelector")
        if namespaces is None:
            if other.pod.namespace != self._namespace:
                return False
        elif not matches(namespaces, other.namespace_labels):
            return False
        return matches(peer.get("podSelector") or {}, other.pod.labels)

    def _has_port(self, destination: Peer, port: int, protocol: str) -> bool:
        return not self._ports or any(_is_port(entry, destination, port, protocol) for entry in self._ports)


def _is_port(entry: Object, destination: Peer, port: int, protocol: str) -> bool:
    if (entry.get("protocol") or "TCP") != protocol:
        return False
    wanted = entry.get("port")
    if wanted is None:
        return True
    if isinstance(wanted, str):
        # a name means what the destination's containers call so; outside of the cluster nothing has port names
        return destination.pod is not None and destination.pod.ports.get(wanted) == (port, protocol)
    return int(wanted) <= port <= int(entry.get("endPort") or wanted)


class Policy:
    """One NetworkPolicy."""

    def __init__(self, policy: Object) -> None:
        spec: Object = policy.get("spec") or {}
        self.namespace = str(policy["metadata"]["namespace"])
        self.name = str(policy["metadata"]["name"])
        self._selector: Object = spec.get("podSelector") or {}
        types = spec.get("policyTypes") or ["Ingress", *(["Egress"] if spec.get("egress") else [])]
        self.isolates_ingress = "Ingress" in types
        self.isolates_egress = "Egress" in types
        self.ingress = [Rule(rule, "from", self.namespace) for rule in spec.get("ingress") or []]
        self.egress = [Rule(rule, "to", self.namespace) for rule in spec.get("egress") or []]

    def selects(self, pod: Pod) -> bool:
        """Whether the policy applies to a pod."""
        return pod.namespace == self.namespace and matches(self._selector, pod.labels)


class Rulebook:
    """All policies of a cluster, with the pods and namespaces that they speak of."""

    def __init__(
        self,
        pods: Mapping[str, Pod],
        namespaces: Mapping[str, Labels],
        policies: Sequence[Object],
        *,
        enforced: bool = True,
    ) -> None:
        self._pods = pods
        self._namespaces = namespaces
        self._enforced = enforced
        self._policies: dict[str, list[Policy]] = {}
        for policy in map(Policy, policies):
            self._policies.setdefault(policy.namespace, []).append(policy)

    def allowed(self, source_ip: str, destination_ip: str, port: int, protocol: str = "TCP") -> bool:
        """Whether the source may connect to that port of the destination."""
        if not self._enforced or source_ip == destination_ip or _exempt(source_ip) or is_node_address(destination_ip):
            return True
        return self._both(self._peer(source_ip), self._peer(destination_ip), port, protocol)

    def dns_allowed(self, source_ip: str) -> bool:
        """Whether the source may ask the cluster's DNS."""
        if not self._enforced or _exempt(source_ip):
            return True
        source = self._peer(source_ip)
        servers = [
            self._peer(address)
            for address, pod in self._pods.items()
            if pod.namespace == DNS_NAMESPACE and matches({"matchLabels": DNS_LABELS}, pod.labels)
        ]
        # the sandbox's DNS is no pod: it is judged as the pod that a real cluster has
        stand_in = Pod(DNS_NAMESPACE, "kube-dns", DNS_LABELS, {"dns": (DNS_PORT, "UDP")})
        return any(
            self._both(source, server, DNS_PORT, "UDP")
            for server in servers or [Peer("", stand_in, self._labels_of(DNS_NAMESPACE))]
        )

    def _peer(self, address: str) -> Peer:
        pod = self._pods.get(address)
        return Peer(address, pod, self._labels_of(pod.namespace) if pod else {})

    def _labels_of(self, namespace: str) -> Labels:
        return {NAMESPACE_NAME_LABEL: namespace, **self._namespaces.get(namespace, {})}

    def _both(self, source: Peer, destination: Peer, port: int, protocol: str) -> bool:
        return self._egress(source, destination, port, protocol) and self._ingress(source, destination, port, protocol)

    def _egress(self, source: Peer, destination: Peer, port: int, protocol: str) -> bool:
        isolating = [policy for policy in self._selecting(source.pod) if policy.isolates_egress]
        return not isolating or any(
            rule.permits(destination, destination, port, protocol) for policy in isolating for rule in policy.egress
        )

    def _ingress(self, source: Peer, destination: Peer, port: int, protocol: str) -> bool:
        isolating = [policy for policy in self._selecting(destination.pod) if policy.isolates_ingress]
        return not isolating or any(
            rule.permits(source, destination, port, protocol) for policy in isolating for rule in policy.ingress
        )

    def _selecting(self, pod: Pod | None) -> list[Policy]:
        if pod is None:
            return []
        return [policy for policy in self._policies.get(pod.namespace, []) if policy.selects(pod)]


def _exempt(source_ip: str) -> bool:
    """Nodes, and processes of this machine that are no pod's."""
    return is_node_address(source_ip) or source_ip.startswith("127.")
