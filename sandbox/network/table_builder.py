# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the API's objects to the network's tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.network.addresses import is_node_address
from sandbox.network.policy import Pod
from sandbox.network.tables import Endpoint, Key, Service, ServicePort, Tables

Object = Mapping[str, Any]

SERVICE_NAME_LABEL = "kubernetes.io/service-name"
ENDED = ("Succeeded", "Failed")


def build(
    *,
    pods: Iterable[Object],
    namespaces: Iterable[Object],
    services: Iterable[Object],
    slices: Iterable[Object],
    policies: Iterable[Object],
    enforced: bool,
) -> Tables:
    """The tables of a cluster."""
    by_service: dict[Key, list[Object]] = {}
    for each in slices:
        meta = each["metadata"]
        name = (meta.get("labels") or {}).get(SERVICE_NAME_LABEL)
        if name and each.get("addressType") == "IPv4":
            by_service.setdefault((meta["namespace"], name), []).append(each)
    return Tables(
        enforced=enforced,
        pods=pods_by_address(pods),
        namespaces={each["metadata"]["name"]: each["metadata"].get("labels") or {} for each in namespaces},
        services={
            (each["metadata"]["namespace"], each["metadata"]["name"]): service_of(
                each, by_service.get((each["metadata"]["namespace"], each["metadata"]["name"]), [])
            )
            for each in services
        },
        policies=[
            {
                "metadata": {"namespace": each["metadata"]["namespace"], "name": each["metadata"]["name"]},
                "spec": each.get("spec") or {},
            }
            for each in policies
        ],
    )


def pods_by_address(pods: Iterable[Object]) -> dict[str, Pod]:
    """The pods that have an address of their own and have not ended: an ended pod's address may be another's."""
    found: dict[str, Pod] = {}
    for pod in pods:
        status, spec = pod.get("status") or {}, pod.get("spec") or {}
        address = status.get("podIP")
        if not address or status.get("phase") in ENDED or spec.get("hostNetwork") or is_node_address(address):
            continue
        found[address] = Pod(
            namespace=pod["metadata"]["namespace"],
            name=pod["metadata"]["name"],
            labels=pod["metadata"].get("labels") or {},
            ports={
                port["name"]: (int(port["containerPort"]), port.get("protocol") or "TCP")
                # a sidecar is an init container that stays
                for container in [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]
                for port in container.get("ports") or []
                if port.get("name")
            },
            node=spec.get("nodeName") or "",
            ready=any(
                condition["type"] == "Ready" and condition["status"] == "True"
                for condition in status.get("conditions") or []
            ),
        )
    return found


def service_of(service: Object, slices: Iterable[Object]) -> Service:
    """One Service with the endpoints of its slices."""
    slices = sorted(slices, key=lambda each: str(each["metadata"]["name"]))
    spec = service.get("spec") or {}
    cluster_ip = spec.get("clusterIP") or ""
    hosts = {}
    for each in serving(each for slice_ in slices for each in slice_.get("endpoints") or []):
        for address in each["addresses"]:
            hosts[each.get("hostname") or address.replace(".", "-")] = address
    return Service(
        namespace=service["metadata"]["namespace"],
        name=service["metadata"]["name"],
        cluster_ip="" if cluster_ip == "None" else cluster_ip,
        external_name=spec.get("externalName") or "" if spec.get("type") == "ExternalName" else "",
        ports=tuple(
            ServicePort(
                name=port.get("name") or "",
                port=int(port["port"]),
                protocol=port.get("protocol") or "TCP",
                endpoints=endpoints_of(port, slices),
            )
            for port in spec.get("ports") or []
        ),
        hosts=hosts,
    )


def endpoints_of(port: Object, slices: Iterable[Object]) -> tuple[Endpoint, ...]:
    """Who serves a port of a Service: slices name it as the Service does."""
    offered: list[tuple[Object, int]] = []
    for each in slices:
        for served in each.get("ports") or []:
            same_name = (served.get("name") or "") == (port.get("name") or "")
            same_protocol = (served.get("protocol") or "TCP") == (port.get("protocol") or "TCP")
            if same_name and same_protocol and served.get("port"):
                offered += [(endpoint, int(served["port"])) for endpoint in each.get("endpoints") or []]
    chosen = {id(endpoint) for endpoint in serving(endpoint for endpoint, _ in offered)}
    found = [(str(address), number) for each, number in offered if id(each) in chosen for address in each["addresses"]]
    # while pods move from one slice to another they are in both
    return tuple(dict.fromkeys(found))


def serving(endpoints: Iterable[Object]) -> list[Object]:
    """The ready ones; where none is, those that still serve while they end, as kube-proxy has it."""
    endpoints = list(endpoints)
    # an absent condition means yes
    ready = [each for each in endpoints if (each.get("conditions") or {}).get("ready") is not False]
    return ready or [
        each
        for each in endpoints
        if (each.get("conditions") or {}).get("serving") and (each.get("conditions") or {}).get("terminating")
    ]
