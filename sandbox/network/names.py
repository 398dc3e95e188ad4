# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of a cluster, as its DNS knows them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.network.addresses import CLUSTER_DOMAIN, PUBLIC_NAMES
from sandbox.network.tables import Service, Tables

ALIAS_LIMIT = 8
SEARCH_DOTS = 5
"""A name with fewer dots is tried with the search list first (`ndots` of a pod's resolv.conf)."""


@dataclass(frozen=True)
class Target:
    """One answer to a question for SRV."""

    host: str
    port: int
    address: str


@dataclass(frozen=True)
class Answer:
    """What a name stands for; `exists` and nothing else is a name without records of the wanted type."""

    exists: bool
    addresses: tuple[str, ...] = ()
    service: Service | None = None
    """The Service whose cluster address the name stands for."""
    alias: str = ""
    targets: tuple[Target, ...] = ()


ABSENT = Answer(exists=False)
EMPTY = Answer(exists=True)


def candidates(name: str, namespace: str) -> Iterator[str]:
    """The full names that a resolver tries for `name` in a pod of `namespace` (of no pod where it is empty)."""
    plain = name.rstrip(".").lower()
    if name.endswith("."):
        yield plain
        return
    search = [*([f"{namespace}.svc.{CLUSTER_DOMAIN}"] if namespace else []), f"svc.{CLUSTER_DOMAIN}", CLUSTER_DOMAIN]
    extended = [f"{plain}.{domain}" for domain in search]
    yield from [*extended, plain] if plain.count(".") < SEARCH_DOTS else [plain, *extended]


def find(tables: Tables, name: str, namespace: str = "") -> Answer:
    """What `name` means in a pod of `namespace`; aliases are followed."""
    for _ in range(ALIAS_LIMIT):
        for full in candidates(name, namespace):
            answer = look_up(tables, full)
            if answer.alias or answer.addresses:
                break
        else:
            return ABSENT
        if not answer.alias:
            return answer
        name, namespace = f"{answer.alias.rstrip('.')}.", ""
    return ABSENT


def look_up(tables: Tables, name: str) -> Answer:
    """What DNS answers for exactly this name."""
    name = name.rstrip(".").lower()
    if name in PUBLIC_NAMES:
        return Answer(exists=True, addresses=(PUBLIC_NAMES[name],))
    suffix = f".{CLUSTER_DOMAIN}"
    if name == CLUSTER_DOMAIN:
        return EMPTY
    if not name.endswith(suffix):
        return ABSENT
    *labels, kind = name.removesuffix(suffix).split(".")
    if kind == "svc":
        return _of_service(tables, labels)
    if kind == "pod":
        return _of_pod(tables, labels)
    return ABSENT


def _of_service(tables: Tables, labels: list[str]) -> Answer:
    if not labels:
        return EMPTY
    if len(labels) == 1:
        return EMPTY if labels[0] in tables.namespaces else ABSENT
    *front, name, namespace = labels
    service = tables.services.get((namespace, name))
    if service is None:
        return ABSENT
    if not front:
        if service.external_name:
            return Answer(exists=True, alias=service.external_name)
        if service.cluster_ip:
            return Answer(exists=True, addresses=(service.cluster_ip,), service=service)
        return Answer(exists=True, addresses=tuple(service.hosts.values()))
    if len(front) == 1 and front[0] in service.hosts:
        return Answer(exists=True, addresses=(service.hosts[front[0]],))
    if len(front) == 2 and all(label.startswith("_") for label in front):
        return _of_port(service, front[0][1:], front[1][1:].upper())
    return ABSENT


def _of_port(service: Service, name: str, protocol: str) -> Answer:
    """SRV: a port by its name."""
    port = next((port for port in service.ports if (port.name, port.protocol) == (name, protocol)), None)
    if port is None or not name:
        return ABSENT
    domain = f"{service.name}.{service.namespace}.svc.{CLUSTER_DOMAIN}"
    if service.cluster_ip:
        return Answer(exists=True, targets=(Target(domain, port.port, service.cluster_ip),))
    hosts = {address: host for host, address in service.hosts.items()}
    targets = tuple(
        Target(f"{hosts[address]}.{domain}", number, address) for address, number in port.endpoints if address in hosts
    )
    return Answer(exists=True, targets=targets) if targets else ABSENT


def _of_pod(tables: Tables, labels: list[str]) -> Answer:
    if len(labels) != 2:
        return EMPTY if len(labels) == 1 and labels[0] in tables.namespaces else ABSENT
    address = labels[0].replace("-", ".")
    pod = tables.pods.get(address)
    return Answer(exists=True, addresses=(address,)) if pod and pod.namespace == labels[1] else ABSENT
