# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""environment_check over a scripted API: what it asks, and what it returns."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._capability import silent
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import Json, KubernetesError
from ansible_collections.rhaii.gke.plugins.module_utils._verification.check import replicas_of, run
from ansible_collections.rhaii.gke.plugins.module_utils._verification.criteria import Seen
from ansible_collections.rhaii.gke.plugins.module_utils._verification.kubernetes import KubernetesObjects

GATEWAY = {
    "metadata": {"name": "the gateway"},
    "spec": {"listeners": [{"protocol": "HTTP", "port": 80}]},
    "status": {"addresses": [{"value": "203.0.113.7"}]},
}
LISTS: dict[str, list[str]] = {
    "/api/v1/nodes": ["node"],
    "/apis/apps/v1/deployments": ["deployment"],
    "/apis/serving.kserve.io/v1alpha1/namespaces/models/llminferenceservices": ["service"],
    "/api/v1/namespaces/models/pods": ["pod"],
    "/api/v1/namespaces/models/secrets": ["secret"],
    "/apis/networking.istio.io/v1alpha3/namespaces/gateways/envoyfilters": ["filter"],
    "/apis/networking.k8s.io/v1/namespaces/models/networkpolicies": ["policy"],
}
THE_GATEWAY = "/apis/gateway.networking.k8s.io/v1/namespaces/gateways/gateways/the%20gateway"
PARAMS: dict[str, Any] = {
    "services": {"qwen": "1"},
    "namespace": "models",
    "tpu_pool_name": "tpu-pool",
    "gateway_name": "the gateway",
    "gateway_namespace": "gateways",
    "gateway_port": 8080,
    "secrets": ["secret"],
    "deployments": [],
    "envoyfilters": ["filter"],
    "network_policies": ["policy", "other"],
    "fail_on_problem": False,
}


def objects(names: list[str]) -> list[Json]:
    return [{"metadata": {"name": name}} for name in names]


class Scripted:
    """Answers by path; what is not known is not there, and a status is an error."""

    def __init__(self, known: dict[str, Any]) -> None:
        self.known = known
        self.doing: list[str] = []

    def _answer(self, doing: str, path: str) -> Any:
        self.doing.append(doing)
        found = self.known.get(path, 404)
        if isinstance(found, int):
            raise KubernetesError(doing, found, "", "no")
        return found

    def call(self, doing: str, method: str, path: str) -> Any:
        assert method == "GET"
        return self._answer(doing, path)

    def items(self, doing: str, path: str) -> list[Json]:
        assert "secrets" not in path, "names are enough"
        return objects(self._answer(doing, path))

    def names(self, doing: str, path: str) -> list[str]:
        return list(self._answer(doing, path))


def looked(known: dict[str, Any]) -> tuple[Seen, Scripted]:
    api = Scripted(known)
    adapter: Any = KubernetesObjects
    return adapter(api, namespace="models", gateway_namespace="gateways", gateway="the gateway").look(), api


def test_everything_is_read_from_its_place() -> None:
    seen, api = looked({**LISTS, THE_GATEWAY: GATEWAY})
    assert seen == Seen(
        nodes=objects(["node"]),
        deployments=objects(["deployment"]),
        services=objects(["service"]),
        pods=objects(["pod"]),
        gateway=GATEWAY,
        secrets=["secret"],
        envoyfilters=objects(["filter"]),
        network_policies=["policy"],
    )
    assert api.doing == [
        "list the nodes",
        "list the Deployments",
        "list the LLMInferenceServices in models",
        "list the pods in models",
        "read the gateway gateways/the gateway",
        "list the secrets in models",
        "list the EnvoyFilters in gateways",
        "list the network policies in models",
    ]


def test_kinds_that_there_are_not_have_no_objects() -> None:
    assert looked({})[0] == Seen(
        nodes=[], deployments=[], services=[], pods=[], secrets=[], envoyfilters=[], network_policies=[]
    )


def test_services_of_a_newer_kserve_are_found() -> None:
    path = "/apis/serving.kserve.io/v1alpha2/namespaces/models/llminferenceservices"
    assert looked({path: ["service"]})[0].services == objects(["service"])


@pytest.mark.parametrize("path", [*LISTS, THE_GATEWAY])
def test_what_may_not_be_read_is_said(path: str) -> None:
    with pytest.raises(KubernetesError) as error:
        looked({**LISTS, THE_GATEWAY: GATEWAY, path: 403})
    assert error.value.status == 403


class Still:
    def __init__(self, seen: Seen) -> None:
        self._seen = seen

    def look(self) -> Seen:
        return self._seen


SEEN = Seen(gateway=GATEWAY, secrets=["secret"], envoyfilters=objects(["filter"]), network_policies=["policy"])
FOUND = [
    ("TPU nodes", "failed", "0 of 0 nodes of tpu-pool are ready, 1 are needed"),
    ("secrets", "ok", "secret"),
    ("operators", "ok", ""),
    ("service qwen", "failed", "does not exist"),
    ("replicas of qwen", "failed", "0 of 1 serve, on 0 nodes"),
    ("gateway", "ok", "the gateway at 203.0.113.7"),
    ("EnvoyFilter", "ok", "filter"),
    ("network policies", "failed", "missing: other"),
]


def test_result_is_the_same_whether_it_fails_or_not() -> None:
    result = run(PARAMS, Still(SEEN), silent, False)
    assert [(each["check"], each["verdict"], each["found"]) for each in result["findings"]] == FOUND
    assert (result["changed"], result["url"]) == (False, "http://203.0.113.7:8080")
    with pytest.raises(RhaiiError) as error:
        run({**PARAMS, "fail_on_problem": True}, Still(SEEN), silent, False)
    assert error.value.result == result
    assert str(error.value).startswith(
        "The environment does not hold what it promises: TPU nodes: 0 of 0 nodes of tpu-pool are ready"
    )


def test_gateway_that_is_not_there_has_no_url() -> None:
    assert run(PARAMS, Still(Seen()), silent, False)["url"] == ""


def test_replicas_are_whole_numbers() -> None:
    assert replicas_of({"a": "3", "b": 2}) == {"a": 3, "b": 2}


@pytest.mark.parametrize("replicas", ["many", None, [3], "1_0", True, 2.5])
def test_replicas_that_are_no_number_are_refused(replicas: Any) -> None:
    with pytest.raises(RhaiiError) as error:
        replicas_of({"qwen": replicas})
    assert error.value.msg == f"services.qwen is {json.dumps(replicas)}, which is not a whole number."
    assert error.value.remedy == "Give a whole number."
