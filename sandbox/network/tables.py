# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a cluster's network knows: pods, services and policies, and the file by which stand-ins know it too."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from sandbox.network.policy import Labels, Pod, Rulebook

Key = tuple[str, str]
"""Namespace and name."""
Endpoint = tuple[str, int]
"""A 10.x address and a port, as the API knows them."""


@dataclass(frozen=True)
class ServicePort:
    """One port of a Service, and who serves it."""

    name: str
    port: int
    protocol: str = "TCP"
    endpoints: tuple[Endpoint, ...] = ()


@dataclass(frozen=True)
class Service:
    """A Service with its ready endpoints."""

    namespace: str
    name: str
    cluster_ip: str = ""
    """Empty for a headless one and for an ExternalName."""
    external_name: str = ""
    ports: tuple[ServicePort, ...] = ()
    hosts: Mapping[str, str] = field(default_factory=dict)
    """Addresses of the ready endpoints by host name; one without a name has its address with dashes."""

    def port(self, number: int, protocol: str = "TCP") -> ServicePort | None:
        """The port with that number."""
        return next((port for port in self.ports if (port.port, port.protocol) == (number, protocol)), None)


@dataclass(frozen=True)
class Tables:
    """One state of a cluster's network."""

    enforced: bool = False
    """Whether network policies mean anything: only on a cluster with Dataplane V2."""
    pods: Mapping[str, Pod] = field(default_factory=dict)
    """By address."""
    namespaces: Mapping[str, Labels] = field(default_factory=dict)
    """Labels by name."""
    services: Mapping[Key, Service] = field(default_factory=dict)
    policies: Sequence[Mapping[str, Any]] = ()

    @cached_property
    def rulebook(self) -> Rulebook:
        """The policies, ready to judge."""
        return Rulebook(self.pods, self.namespaces, self.policies, enforced=self.enforced)

    @cached_property
    def by_address(self) -> Mapping[str, Service]:
        """Services by their cluster address."""
        return {service.cluster_ip: service for service in self.services.values() if service.cluster_ip}

    def dumps(self) -> str:
        """The file's content."""
        return json.dumps(
            {
                "enforced": self.enforced,
                "pods": {address: asdict(pod) for address, pod in self.pods.items()},
                "namespaces": self.namespaces,
                "services": [asdict(service) for service in self.services.values()],
                "policies": self.policies,
            },
            sort_keys=True,
        )

    @classmethod
    def loads(cls, text: str | bytes) -> Tables:
        """The tables that a file holds."""
        content = json.loads(text)
        return cls(
            enforced=content["enforced"],
            pods={address: _pod(pod) for address, pod in content["pods"].items()},
            namespaces=content["namespaces"],
            services={(item["namespace"], item["name"]): _service(item) for item in content["services"]},
            policies=content["policies"],
        )


def _pod(content: Mapping[str, Any]) -> Pod:
    ports = {name: (number, protocol) for name, (number, protocol) in content["ports"].items()}
    return Pod(**{**content, "ports": ports})


def _service(content: Mapping[str, Any]) -> Service:
    ports = tuple(
        ServicePort(**{**port, "endpoints": tuple((address, number) for address, number in port["endpoints"])})
        for port in content["ports"]
    )
    return Service(**{**content, "ports": ports})


def tables_file(cluster_directory: Path) -> Path:
    """Where a cluster's tables are kept."""
    return cluster_directory / "network" / "tables.json"


class TablesFile:
    """Reads the file again whenever it has been replaced."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int, int] | None = None
        self._tables: Tables | None = None

    def current(self) -> Tables | None:
        """The newest tables; None before the first ones are written."""
        try:
            found = self._path.stat()
            stamp = (found.st_ino, found.st_mtime_ns, found.st_size)
            if stamp != self._stamp:
                self._tables = Tables.loads(self._path.read_bytes())
                self._stamp = stamp
        except FileNotFoundError:
            return self._tables
        return self._tables


def write_atomically(path: Path, text: str) -> None:
    """Replace a file all at once: a reader sees the old content or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
