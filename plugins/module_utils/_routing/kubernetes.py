# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The real adapter of the Cluster port: where the service answers, its ready pods, and their counters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from urllib.parse import quote

from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import (
    Json,
    KubernetesError,
    KubernetesRest,
    if_there,
)
from ansible_collections.rhaii.gke.plugins.module_utils._pool_routes import POOL_GROUPS
from ansible_collections.rhaii.gke.plugins.module_utils._routing.gateway import gateway_url
from ansible_collections.rhaii.gke.plugins.module_utils._routing.metrics import Counters, answers, counters
from ansible_collections.rhaii.gke.plugins.module_utils._routing.ports import Pod, Service

PORT = 8000
# Of a gateway's pods: where Envoy tells its statistics, to everybody who reaches it (envoy_bootstrap.json of Istio).
STATISTICS = "15090/proxy/stats/prometheus"
VERSIONS = ("v1alpha1", "v1alpha2")


class KubernetesCluster:
    def __init__(
        self, api: KubernetesRest, *, namespace: str, name: str, gateway_namespace: str, gateway_name: str
    ) -> None:
        self._api = api
        self._namespace = namespace
        self._name = name
        self._gateway_namespace = gateway_namespace
        self._gateway_name = gateway_name
        # vLLM serves HTTPS where KServe gives it a certificate, and HTTP in older set-ups
        self._schemes: tuple[str, ...] = ("https", "http")

    def gateway_url(self) -> str:
        path = f"/apis/gateway.networking.k8s.io/v1/namespaces/{quote(self._gateway_namespace)}/gateways"
        doing = f"read the gateway {self._gateway_namespace}/{self._gateway_name}"
        return gateway_url(if_there(lambda: self._api.call(doing, "GET", f"{path}/{quote(self._gateway_name)}"), None))

    def service(self) -> Service | None:
        doing = f"read the LLMInferenceService {self._namespace}/{self._name}"
        for version in VERSIONS:
            path = f"/apis/serving.kserve.io/{version}/namespaces/{quote(self._namespace)}/llminferenceservices"
            body = if_there(partial(self._api.call, doing, "GET", f"{path}/{quote(self._name)}"), None)
            if body is None:
                continue
            model = (body.get("spec") or {}).get("model") or {}
            return Service(str((body.get("status") or {}).get("url") or ""), str(model.get("name") or self._name))
        return None

    def pods(self) -> Sequence[Pod]:
        selector = (
            f"app.kubernetes.io/name={self._name},app.kubernetes.io/part-of=llminferenceservice,"
            "kserve.io/component=workload"
        )
        return ready_pods(
            self._api.items(
                f"list the pods of {self._namespace}/{self._name}",
                f"/api/v1/namespaces/{quote(self._namespace)}/pods",
                query={"labelSelector": selector},
            )
        )

    def counters(self, pods: Sequence[Pod]) -> Mapping[str, Counters]:
        found: dict[str, Counters] = {}
        for pod in pods:
            page = self._page(pod)
            if page is not None:
                found[pod.name] = counters(page)
        return found

    def routes(self) -> tuple[Sequence[Json], Sequence[Json]]:
        place = f"namespaces/{quote(self._namespace)}"
        doing = f"list the {{}} in {self._namespace}"
        routes = self._api.items(
            doing.format("HTTPRoutes"), f"/apis/gateway.networking.k8s.io/v1/{place}/httproutes", query={}
        )
        path = f"/apis/{POOL_GROUPS[0]}/v1/{place}/inferencepools"
        return routes, if_there(lambda: self._api.items(doing.format("InferencePools"), path, query={}), [])

    def picker_answers(self) -> Mapping[str, int]:
        place = f"/api/v1/namespaces/{quote(self._gateway_namespace)}/pods"
        gateway = f"{self._gateway_namespace}/{self._gateway_name}"
        selector = f"gateway.networking.k8s.io/gateway-name={self._gateway_name}"
        pods = ready_pods(
            self._api.items(f"list the pods of the gateway {gateway}", place, query={"labelSelector": selector})
        )
        if not pods:
            raise RhaiiError(f"No pod of the gateway {gateway} is ready.", remedy="Run deploy.yml.")
        found: dict[str, int] = {}
        for pod in pods:
            path = f"{place}/http:{quote(pod.name)}:{STATISTICS}"
            page = answers(self._api.text(f"read the statistics of the gateway's pod {pod.name}", path))
            if page is None:
                raise RhaiiError(
                    f"The gateway's pod {pod.name} keeps no statistics of its endpoint pickers.",
                    remedy="Run deploy.yml: it makes the gateway with the annotation that has them kept.",
                )
            for cluster, count in page.items():
                found[cluster] = found.get(cluster, 0) + count
        return found

    def _page(self, pod: Pod) -> str | None:
        for scheme in self._schemes:
            path = f"/api/v1/namespaces/{quote(self._namespace)}/pods/{scheme}:{quote(pod.name)}:{PORT}/proxy/metrics"
            try:
                page = self._api.text(f"read the metrics of the pod {pod.name}", path)
            except KubernetesError as error:
                if error.status in (0, 401, 403):
                    raise
                continue
            self._schemes = (scheme,)
            return page
        return None


def ready_pods(items: Sequence[Json]) -> list[Pod]:
    """The pods that serve, by name."""
    found = []
    for body in items:
        status = body.get("status") or {}
        ready = any(
            each.get("type") == "Ready" and each.get("status") == "True" for each in status.get("conditions") or []
        )
        if ready and not body["metadata"].get("deletionTimestamp"):
            found.append(Pod(str(body["metadata"]["name"]), str(status.get("podIP") or "")))
    return sorted(found, key=lambda pod: pod.name)


__all__ = ("KubernetesCluster", "ready_pods")
