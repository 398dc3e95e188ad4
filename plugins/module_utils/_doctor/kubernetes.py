# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The real adapter of the Cluster port. What may not be read is noted, and nothing is concluded from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar
from urllib.parse import quote

from ansible_collections.rhaii.gke.plugins.module_utils._capability import Params
from ansible_collections.rhaii.gke.plugins.module_utils._doctor.view import Objects, Promised, Unknown, View
from ansible_collections.rhaii.gke.plugins.module_utils._helm_releases import KubernetesReleases
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import (
    Json,
    KubernetesError,
    KubernetesRest,
    if_there,
)
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.cluster import wait_ports
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.ports import WaitPorts
from ansible_collections.rhaii.gke.plugins.module_utils._pool_routes import POOL_GROUPS
from ansible_collections.rhaii.gke.plugins.module_utils._verification.kubernetes import (
    GATEWAYS,
    POLICIES,
    KubernetesObjects,
)

T = TypeVar("T")


class KubernetesView:
    def __init__(self, params: Params, promised: Promised) -> None:
        self._params = params
        self._promised = promised
        self._api = KubernetesRest.from_params(params)
        self._unknown: list[Unknown] = []

    def look(self) -> View:
        self._unknown = []
        promised = self._promised
        own, gateways = (f"namespaces/{quote(each)}" for each in (promised.namespace, promised.gateway_namespace))
        places = list(dict.fromkeys((promised.namespace, promised.gateway_namespace)))
        releases = frozenset(promised.releases)
        criteria = KubernetesObjects(
            self._api,
            namespace=promised.namespace,
            gateway_namespace=promised.gateway_namespace,
            gateway=promised.gateway,
        )
        return View(
            criteria=self._try("nodes, operators, gateway and EnvoyFilters", partial(criteria.look, with_names=False)),
            routes=self._list("HTTPRoutes", f"/apis/{GATEWAYS}/httproutes"),
            pools=self._list("InferencePools", f"/apis/{POOL_GROUPS[0]}/v1/inferencepools"),
            policies=self._all(
                "network policies", [f"/apis/{POLICIES}/namespaces/{quote(each)}/networkpolicies" for each in places]
            ),
            namespaces=self._list("namespaces", "/api/v1/namespaces"),
            config_maps=self._list("ConfigMaps", f"/api/v1/{gateways}/configmaps"),
            accounts=self._all(
                "service accounts",
                [
                    f"/api/v1/namespaces/{quote(namespace)}/serviceaccounts"
                    for namespace in dict.fromkeys(each.partition("/")[0] for each in promised.pull_accounts)
                ],
            ),
            secrets=self._try(
                "secrets",
                lambda: [
                    found
                    for place in dict.fromkeys((own, gateways))
                    for found in self._api.metadata("list the secrets", f"/api/v1/{place}/secrets")
                ],
            ),
            certificates=self._list("certificates", "/apis/cert-manager.io/v1/certificates"),
            daemon_sets=self._list("DaemonSets of kube-system", "/apis/apps/v1/namespaces/kube-system/daemonsets"),
            istios=self._list("Istios", "/apis/sailoperator.io/v1/istios"),
            releases=self._try("Helm releases", lambda: KubernetesReleases(self._api).everywhere(releases))
            if releases
            else {},
            unknown=tuple(self._unknown),
        )

    def service(self, name: str) -> WaitPorts:
        return wait_ports({**self._params, "name": name, "wait_interval": 10.0})

    def _list(self, what: str, path: str) -> Objects | None:
        return self._all(what, [path])

    def _all(self, what: str, paths: Sequence[str]) -> Objects | None:
        return self._try(what, lambda: [found for path in paths for found in self._items(what, path)])

    def _items(self, what: str, path: str) -> list[Json]:
        nothing: list[Json] = []
        return if_there(lambda: self._api.items(f"list the {what}", path), nothing)

    def _try(self, what: str, read: Callable[[], T]) -> T | None:
        """None where it may not be read; an API server that does not answer ends the look."""
        try:
            return read()
        except KubernetesError as error:
            if error.status != 403:
                raise
            self._unknown.append(Unknown(f"How it stands with {what}", str(error)))
            return None


__all__ = ("KubernetesView",)
