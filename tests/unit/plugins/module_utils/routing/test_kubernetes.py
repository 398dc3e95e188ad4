# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Kubernetes adapter against a scripted API: paths, and what is read out of objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import Json, KubernetesError
from ansible_collections.rhaii.gke.plugins.module_utils._routing.kubernetes import KubernetesCluster, ready_pods
from ansible_collections.rhaii.gke.plugins.module_utils._routing.metrics import Counters
from ansible_collections.rhaii.gke.plugins.module_utils._routing.ports import Pod, Service

GATEWAY = "/apis/gateway.networking.k8s.io/v1/namespaces/opendatahub/gateways/inference-gateway"
SERVICES = "/apis/serving.kserve.io/{}/namespaces/rhaii-inference/llminferenceservices/qwen-3b-tpu-svc"
PODS = "/api/v1/namespaces/rhaii-inference/pods"
METRICS = PODS + "/{}:{}:8000/proxy/metrics"
PAGE = 'vllm:request_success_total{finished_reason="stop"} 4\n'


class FakeApi:
    """Answers by path: an object, a text, or a status."""

    def __init__(self, known: Mapping[str, Any]) -> None:
        self.known = dict(known)
        self.asked: list[str] = []
        self.queries: list[Any] = []

    def _answer(self, doing: str, path: str) -> Any:
        self.asked.append(path)
        found = self.known.get(path, 404)
        if isinstance(found, int):
            raise KubernetesError(doing, found, "", "no")
        return found

    def call(self, doing: str, method: str, path: str) -> Json:
        assert method == "GET"
        found: Json = self._answer(doing, path)
        return found

    def items(self, doing: str, path: str, query: Mapping[str, str]) -> list[Json]:
        self.queries.append(query)
        found: list[Json] = self._answer(doing, path)
        return found

    def text(self, doing: str, path: str) -> str:
        return str(self._answer(doing, path))


def cluster(known: Mapping[str, Any]) -> tuple[KubernetesCluster, FakeApi]:
    api = FakeApi(known)
    made = KubernetesCluster(
        api,  # type: ignore[arg-type]  # a stand-in for the REST client
        namespace="rhaii-inference",
        name="qwen-3b-tpu-svc",
        gateway_namespace="opendatahub",
        gateway_name="inference-gateway",
    )
    return made, api


def gateway(address: str | None = "203.0.113.7", *listeners: tuple[str, int]) -> Json:
    addresses = [] if address is None else [{"type": "IPAddress", "value": address}]
    return {
        "spec": {"listeners": [{"protocol": protocol, "port": port} for protocol, port in listeners]},
        "status": {"addresses": addresses},
    }


def test_gateway_url() -> None:
    assert cluster({GATEWAY: gateway("203.0.113.7", ("HTTP", 80))})[0].gateway_url() == "http://203.0.113.7"
    assert cluster({})[0].gateway_url() == ""
    with pytest.raises(KubernetesError, match="read the gateway opendatahub/inference-gateway"):
        cluster({GATEWAY: 403})[0].gateway_url()


def test_service() -> None:
    body = {"spec": {"model": {"name": "Qwen/Qwen2.5-3B-Instruct"}}, "status": {"url": "http://gw/ns/n"}}
    made, api = cluster({SERVICES.format("v1alpha1"): body})
    assert made.service() == Service("http://gw/ns/n", "Qwen/Qwen2.5-3B-Instruct")
    assert api.asked == [SERVICES.format("v1alpha1")]


def test_service_of_a_newer_version() -> None:
    made, api = cluster({SERVICES.format("v1alpha2"): {}})
    assert made.service() == Service("", "qwen-3b-tpu-svc")
    assert api.asked == [SERVICES.format("v1alpha1"), SERVICES.format("v1alpha2")]


def test_service_that_is_not_there_or_not_to_be_read() -> None:
    assert cluster({})[0].service() is None
    with pytest.raises(KubernetesError, match="read the LLMInferenceService rhaii-inference/qwen-3b-tpu-svc"):
        cluster({SERVICES.format("v1alpha1"): 403})[0].service()


def pod(name: str, ready: str = "True", address: str = "10.0.0.1", **metadata: Any) -> Json:
    conditions = [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": ready}]
    return {"metadata": {"name": name, **metadata}, "status": {"conditions": conditions, "podIP": address}}


def test_ready_pods() -> None:
    items = [
        pod("b"),
        pod("a", address="10.0.0.2"),
        pod("starting", "False"),
        pod("ending", deletionTimestamp="2026-11-24T12:00:00Z"),
        {"metadata": {"name": "pending"}},
        pod("nowhere", address=""),
    ]
    assert ready_pods(items) == [Pod("a", "10.0.0.2"), Pod("b", "10.0.0.1"), Pod("nowhere", "")]


def test_pods_are_the_models_and_not_the_pickers() -> None:
    made, api = cluster({PODS: [pod("a")]})
    assert made.pods() == [Pod("a", "10.0.0.1")]
    assert api.queries == [
        {
            "labelSelector": "app.kubernetes.io/name=qwen-3b-tpu-svc,app.kubernetes.io/part-of=llminferenceservice,"
            "kserve.io/component=workload"
        }
    ]


def test_pods_that_may_not_be_listed() -> None:
    with pytest.raises(KubernetesError, match="list the pods of rhaii-inference/qwen-3b-tpu-svc"):
        cluster({PODS: 403})[0].pods()


TWO = [Pod("a", "10.0.0.1"), Pod("b", "10.0.0.2")]


def test_counters_by_https() -> None:
    made, api = cluster({METRICS.format("https", "a"): PAGE, METRICS.format("https", "b"): "x 1\n"})
    assert made.counters(TWO) == {"a": Counters(4.0), "b": Counters(0.0)}
    assert api.asked == [METRICS.format("https", "a"), METRICS.format("https", "b")]


def test_counters_by_http_where_there_is_no_certificate() -> None:
    made, api = cluster(
        {METRICS.format("https", "a"): 503, METRICS.format("http", "a"): PAGE, METRICS.format("http", "b"): PAGE}
    )
    assert set(made.counters(TWO)) == {"a", "b"}
    assert set(made.counters(TWO)) == {"a", "b"}
    # once it is known, it is not asked again
    assert api.asked.count(METRICS.format("https", "a")) == 1
    assert METRICS.format("https", "b") not in api.asked


def test_a_pod_that_does_not_answer_is_left_out() -> None:
    made, api = cluster({METRICS.format("https", "a"): 503, METRICS.format("https", "b"): PAGE})
    assert made.counters(TWO) == {"b": Counters(4.0)}
    assert METRICS.format("http", "a") in api.asked


@pytest.mark.parametrize("status", [0, 401, 403])
def test_counters_that_may_not_be_read_are_an_error(status: int) -> None:
    with pytest.raises(KubernetesError, match="read the metrics of the pod a"):
        cluster({METRICS.format("https", "a"): status})[0].counters(TWO)


ROUTES = "/apis/gateway.networking.k8s.io/v1/namespaces/rhaii-inference/httproutes"
POOLS = "/apis/inference.networking.k8s.io/v1/namespaces/rhaii-inference/inferencepools"
GATEWAY_PODS = "/api/v1/namespaces/opendatahub/pods"
STATISTICS = GATEWAY_PODS + "/http:{}:15090/proxy/stats/prometheus"
TOLD = 'envoy_cluster_upstream_rq{response_code="200",cluster_name="outbound|9002||p"} 3\n'


def gateway_pod(name: str, ready: str = "True") -> Json:
    return {"metadata": {"name": name}, "status": {"conditions": [{"type": "Ready", "status": ready}]}}


def test_routes_and_pools_of_the_namespace() -> None:
    assert cluster({ROUTES: [{"a": 1}], POOLS: [{"b": 2}]})[0].routes() == ([{"a": 1}], [{"b": 2}])
    assert cluster({ROUTES: []})[0].routes() == ([], [])
    with pytest.raises(KubernetesError, match="list the HTTPRoutes in rhaii-inference"):
        cluster({ROUTES: 403})[0].routes()


def test_answers_of_pickers_are_summed_over_the_gateways_ready_pods() -> None:
    pods = [gateway_pod("g-1"), gateway_pod("g-2"), gateway_pod("g-3", "False")]
    known = {GATEWAY_PODS: pods, STATISTICS.format("g-1"): TOLD, STATISTICS.format("g-2"): TOLD}
    seen, api = cluster(known)
    assert seen.picker_answers() == {"outbound|9002||p": 6}
    assert api.queries == [{"labelSelector": "gateway.networking.k8s.io/gateway-name=inference-gateway"}]


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ({GATEWAY_PODS: []}, "No pod of the gateway opendatahub/inference-gateway is ready"),
        ({GATEWAY_PODS: [gateway_pod("g")], STATISTICS.format("g"): 403}, "read the statistics of the gateway's pod g"),
        ({GATEWAY_PODS: [gateway_pod("g")], STATISTICS.format("g"): "x 1\n"}, "g keeps no statistics of its endpoint"),
    ],
)
def test_answers_that_cannot_be_read_are_said(known: dict[str, Any], said: str) -> None:
    with pytest.raises(RhaiiError, match=said):
        cluster(known)[0].picker_answers()
