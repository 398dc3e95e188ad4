# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The real adapter of the Cluster port: what the criteria speak of. A kind that there is not has no objects."""

from __future__ import annotations

from urllib.parse import quote

from ansible_collections.rhaii.gke.plugins.module_utils._capability import Params
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import Json, KubernetesRest, if_there
from ansible_collections.rhaii.gke.plugins.module_utils._verification.criteria import Seen

GATEWAYS = "gateway.networking.k8s.io/v1"
ENVOYFILTERS = "networking.istio.io/v1alpha3"
POLICIES = "networking.k8s.io/v1"
KSERVE = ("serving.kserve.io/v1alpha1", "serving.kserve.io/v1alpha2")


class KubernetesObjects:
    def __init__(self, api: KubernetesRest, *, namespace: str, gateway_namespace: str, gateway: str) -> None:
        self._api = api
        self._namespace = namespace
        self._gateway_namespace = gateway_namespace
        self._gateway = gateway

    def look(self, *, with_names: bool = True) -> Seen:
        """Without names: nothing of secrets and network policies, which somebody reads whole."""
        own, gateways = f"namespaces/{quote(self._namespace)}", f"namespaces/{quote(self._gateway_namespace)}"
        return Seen(
            nodes=self._items("nodes", "/api/v1/nodes"),
            deployments=self._items("Deployments", "/apis/apps/v1/deployments"),
            services=self._services(own),
            pods=self._items(f"pods in {self._namespace}", f"/api/v1/{own}/pods"),
            gateway=self._read_gateway(f"/apis/{GATEWAYS}/{gateways}/gateways/{quote(self._gateway)}"),
            secrets=self._names(f"secrets in {self._namespace}", f"/api/v1/{own}/secrets") if with_names else [],
            envoyfilters=self._items(
                f"EnvoyFilters in {self._gateway_namespace}", f"/apis/{ENVOYFILTERS}/{gateways}/envoyfilters"
            ),
            network_policies=self._names(
                f"network policies in {self._namespace}", f"/apis/{POLICIES}/{own}/networkpolicies"
            )
            if with_names
            else [],
        )

    def _services(self, place: str) -> list[Json]:
        for version in KSERVE:
            path = f"/apis/{version}/{place}/llminferenceservices"
            found = self._items(f"LLMInferenceServices in {self._namespace}", path)
            if found:
                return found
        return []

    def _read_gateway(self, path: str) -> Json | None:
        doing = f"read the gateway {self._gateway_namespace}/{self._gateway}"
        return if_there(lambda: self._api.call(doing, "GET", path), None)

    def _items(self, what: str, path: str) -> list[Json]:
        return if_there(lambda: self._api.items(f"list the {what}", path), [])

    def _names(self, what: str, path: str) -> list[str]:
        return if_there(lambda: self._api.names(f"list the {what}", path), [])


def objects_of(params: Params) -> KubernetesObjects:
    return KubernetesObjects(
        KubernetesRest.from_params(params),
        namespace=params["namespace"],
        gateway_namespace=params["gateway_namespace"],
        gateway=params["gateway_name"],
    )


__all__ = ("KubernetesObjects", "objects_of")
