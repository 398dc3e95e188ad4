# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The questions about access, and the adapter that asks Google by plain REST."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ansible_collections.rhaii.gke.plugins.module_utils._capability import Params
from ansible_collections.rhaii.gke.plugins.module_utils._clock import Clock, SystemClock
from ansible_collections.rhaii.gke.plugins.module_utils._google import Connection, GoogleSettings, Identity, RestApi


class Access(Protocol):
    """The questions, each of which may be refused with a GoogleError."""

    def authenticate(self) -> Identity: ...
    def billing(self) -> bool: ...
    def enabled(self, apis: Sequence[str]) -> Collection[str]: ...
    def granted(self, permissions: Sequence[str]) -> Collection[str]: ...
    def server_config(self, location: str) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class AccessPorts:
    access: Access
    clock: Clock


class GoogleAccess:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._project = connection.settings.project

    def _api(self, name: str) -> RestApi:
        return self._connection.rest(name)

    def authenticate(self) -> Identity:
        return self._connection.identity()

    def billing(self) -> bool:
        answer = self._api("cloudbilling").call(
            f"read the billing of {self._project}", "GET", f"/v1/projects/{self._project}/billingInfo"
        )
        return bool(answer.get("billingEnabled"))

    def enabled(self, apis: Sequence[str]) -> Collection[str]:
        answer = self._api("serviceusage").call(
            f"read the APIs of {self._project}",
            "GET",
            f"/v1/projects/{self._project}/services:batchGet",
            query={"names": [f"projects/{self._project}/services/{api}" for api in apis]},
        )
        return {
            str(service["name"]).rsplit("/", 1)[-1]
            for service in answer.get("services") or []
            if service.get("state") == "ENABLED"
        }

    def granted(self, permissions: Sequence[str]) -> Collection[str]:
        answer = self._api("cloudresourcemanager").call(
            f"ask for permissions on {self._project}",
            "POST",
            f"/v3/projects/{self._project}:testIamPermissions",
            body={"permissions": list(permissions)},
        )
        return set(answer.get("permissions") or [])

    def server_config(self, location: str) -> Mapping[str, Any]:
        return self._api("container").call(
            f"read the Kubernetes versions of {location} for {self._project}",
            "GET",
            f"/v1/projects/{self._project}/locations/{location}/serverConfig",
        )


def access_ports(params: Params) -> AccessPorts:
    return AccessPorts(GoogleAccess(Connection(GoogleSettings.from_params(params))), SystemClock())


__all__ = ("Access", "AccessPorts", "GoogleAccess", "access_ports")
