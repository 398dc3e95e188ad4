# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""cluster_inhabitants: what would be lost with the cluster although it is not ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Result, silent
from ansible_collections.rhaii.gke.plugins.module_utils._inhabitants.kubernetes import KubernetesLists
from ansible_collections.rhaii.gke.plugins.module_utils._inhabitants.look import (
    CAPABILITY,
    KINDS,
    Found,
    judge,
    lists_of,
)
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import KubernetesError

Json = dict[str, Any]
LABEL = {"rhaii.gke/environment": "prod"}
OF_LABEL = {"f:metadata": {"f:labels": {"f:rhaii.gke/environment": {}}}}


def thing(name: str = "web", namespace: str = "shop", manager: str = "kubectl-create", **metadata: Any) -> Json:
    records = [{"manager": manager, "fieldsV1": {"f:spec": {}}}]
    return {"metadata": {"name": name, "namespace": namespace, "managedFields": records, **metadata}}


def ours(name: str, namespace: str = "", **metadata: Any) -> Json:
    records = [{"manager": "rhaii.gke", "fieldsV1": {**OF_LABEL, "f:spec": {}}}]
    return thing(name, namespace, labels=LABEL, managedFields=records, **metadata)


def owned(kind: str, name: str = "x", **more: Any) -> Json:
    return {"ownerReferences": [{"kind": kind, "name": name, **more}]}


def helm(release: str) -> Json:
    return {"annotations": {"meta.helm.sh/release-name": release}}


MADE = "seems to be made by kubectl-create (field manager)"


@pytest.mark.parametrize(
    ("kind", "body", "seems"),
    [
        pytest.param("Deployment", thing(), MADE, id="in a namespace of others"),
        pytest.param("Deployment", thing(namespace="default"), MADE, id="in default"),
        pytest.param("Deployment", thing(namespace="kube-system"), None, id="of Kubernetes"),
        pytest.param("Deployment", thing(namespace="kube-node-lease"), None, id="of Kubernetes' leases"),
        pytest.param("Deployment", thing(namespace="gke-managed-system"), None, id="of GKE"),
        pytest.param("Deployment", thing(namespace="gmp-system"), None, id="of its monitoring"),
        pytest.param("Deployment", thing(namespace="config-management-system"), None, id="of Config Sync"),
        pytest.param("Deployment", thing(namespace="resource-group-system"), None, id="of Config Sync's groups"),
        pytest.param("Deployment", thing(namespace="kube-shop"), MADE, id="of people, with a name like Kubernetes'"),
        pytest.param("Deployment", thing(namespace="my-kube-system"), MADE, id="a longer name"),
        pytest.param("ConfigMap", thing("kube-root-ca.crt"), None, id="in every namespace"),
        pytest.param("ConfigMap", thing("istio-ca-root-cert"), None, id="Istio's in every namespace"),
        pytest.param("Secret", thing("sh.helm.release.v1.shop.v1"), None, id="Helm's record"),
        pytest.param("ConfigMap", thing("my-kube-root-ca.crt"), MADE, id="a name that is longer"),
        pytest.param("Service", thing("kubernetes", "default"), None, id="the API server's address"),
        pytest.param("Service", thing("kubernetes", "shop"), MADE, id="a Service of the same name"),
        pytest.param("Deployment", thing("kubernetes", "default"), MADE, id="a Deployment of the same name"),
        pytest.param("Pod", thing(**owned("ReplicaSet", controller=True)), None, id="goes with its owner"),
        pytest.param("Service", thing(**owned("Gateway")), None, id="goes with a Gateway, as Istio says it"),
        pytest.param(
            "StatefulSet",
            thing(**owned("Postgres", controller=True)),
            "belongs to the Postgres x",
            id="its owner is not looked at",
        ),
        pytest.param("Deployment", ours("web", "shop"), None, id="ours in a namespace of others"),
        pytest.param(
            "Deployment",
            thing(labels={"rhaii.gke/environment": "dev"}),
            "belongs to the environment dev",
            id="another environment's",
        ),
        pytest.param(
            "Deployment",
            thing(namespace="mine", labels={"rhaii.gke/environment": "dev"}),
            "belongs to the environment dev",
            id="another environment's in our namespace",
        ),
        pytest.param("Deployment", thing(**helm("op")), None, id="of our release"),
        pytest.param("Deployment", thing(**helm("shop")), "seems to be of the Helm release shop", id="another release"),
        pytest.param("Secret", thing(namespace="mine"), MADE, id="a person's in our namespace"),
        pytest.param(
            "Secret",
            thing(namespace="mine", manager="argocd-controller"),
            "seems to be made by argocd-controller (field manager)",
            id="a tool's in our namespace",
        ),
        pytest.param("Secret", thing(namespace="mine", manager="cert-manager"), None, id="a controller's in ours"),
        pytest.param(
            "Secret",
            thing(
                namespace="mine",
                managedFields=[{"manager": "kubectl-edit", "subresource": "status"}, {"manager": "controller"}],
            ),
            None,
            id="a person's status in ours",
        ),
        pytest.param(
            "Secret", thing(manager="cert-manager"), "seems to be made by cert-manager (field manager)", id="c"
        ),
        pytest.param("ClusterIssuer", thing(namespace=""), MADE, id="a person's without a namespace"),
        pytest.param("ClusterIssuer", thing(namespace="", manager="operator"), None, id="a controller's without one"),
    ],
)
def test_whose_it_is(kind: str, body: Json, seems: str | None) -> None:
    whose = judge(Found(kind, body), "prod", frozenset({"mine"}), frozenset({"op"}))
    assert (whose and whose.seems) == seems


def test_found_is_named() -> None:
    assert str(Found("Deployment", thing())) == "Deployment shop/web"
    assert str(Found("ClusterIssuer", thing("ca", ""))) == "ClusterIssuer ca"
    assert str(Found("Secret", {})) == "Secret "


class FakeLists:
    def __init__(self, **lists: list[Json]) -> None:
        self.lists = lists
        self.asked: list[str] = []

    def of(self, kind: str, root: str, plural: str) -> Sequence[Json]:
        self.asked.append(f"{root}/{plural}")
        return self.lists.get(plural, [])

    def pods(self) -> Sequence[Json]:
        return self.lists.get("whole_pods", [])


def run(lists: FakeLists, *releases: str, pool: str = "") -> Result:
    params = {"environment": "prod", "releases": list(releases), "node_pool": pool, "namespaces": ["models"]}
    return CAPABILITY.run(params, lists, silent, False)


def test_empty_cluster() -> None:
    lists = FakeLists()
    assert run(lists) == {"changed": False, "inhabitants": [], "lines": [], "services": [], "pool_pods": []}
    assert lists.asked[0] == "/api/v1/namespaces"
    assert lists.asked[1 : len(KINDS) + 1] == [f"{root}/{plural}" for _kind, root, plural in KINDS]


def test_what_is_found_is_told() -> None:
    lists = FakeLists(
        namespaces=[ours("mine"), thing("shop", "")],
        deployments=[thing(), thing("operator", "mine", "helm-controller"), thing("made", "mine", "operator")],
        clusterissuers=[thing("ca", "")],
    )
    result = run(lists)
    assert result["lines"] == [
        f"Deployment shop/web {MADE}",
        "Deployment mine/operator seems to be made by helm-controller (field manager)",
        f"ClusterIssuer ca {MADE}",
        f"Namespace shop {MADE}",
    ]
    assert result["inhabitants"][0] == {"kind": "Deployment", "namespace": "shop", "name": "web", "seems": MADE}
    assert len(result["inhabitants"]) == 4


def test_namespace_of_our_release_is_ours() -> None:
    made_there = thing("made", "op-system", "operator")
    lists = FakeLists(namespaces=[thing("op-system", "", "helm", **helm("op"))], deployments=[made_there])
    assert run(lists, "op")["lines"] == []
    assert len(run(lists)["lines"]) == 2


def test_services_that_may_have_a_load_balancer() -> None:
    lists = FakeLists(
        namespaces=[ours("mine")],
        gateways=[thing("theirs", "mine"), ours("ours", "mine"), thing("theirs", "shop")],
        services=[
            thing("theirs-istio", "mine", "istiod", **owned("Gateway", "theirs")),
            thing("ours-istio", "mine", "istiod", **owned("Gateway", "ours")),
            thing("other", "mine", "istiod", **owned("Deployment", "theirs")),
            thing("elsewhere", "other", "istiod", **owned("Gateway", "theirs")),
            thing("web", "shop"),
        ],
    )
    assert run(lists)["services"] == ["mine/theirs-istio", "shop/web"]


class Api:
    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.calls: list[tuple[str, str]] = []

    def metadata(self, doing: str, path: str) -> Any:
        self.calls.append((doing, path))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_real_adapter_lists_metadata() -> None:
    api = Api([thing()])
    lists = KubernetesLists(api)  # type: ignore[arg-type]
    assert lists.of("Job", "/apis/batch/v1", "jobs") == [thing()]
    assert api.calls == [("list the jobs", "/apis/batch/v1/jobs")]
    api.answer = KubernetesError("list", 404, "NotFound", "no")
    assert lists.of("Job", "/apis/batch/v1", "jobs") == []
    api.answer = KubernetesError("list", 403, "Forbidden", "no")
    with pytest.raises(KubernetesError):
        lists.of("Job", "/apis/batch/v1", "jobs")


def test_real_port_is_made_from_the_options() -> None:
    assert isinstance(lists_of({"host": "http://127.0.0.1:9", "api_key": "t"}), KubernetesLists)


@pytest.mark.parametrize(
    ("plural", "body", "counts"),
    [
        pytest.param("namespaces", thing("shop", ""), True, id="a person's namespace"),
        pytest.param("namespaces", thing("mesh", "", "controller"), False, id="a controller's namespace"),
        pytest.param("namespaces", thing("kube-system", ""), False, id="Kubernetes' namespace"),
        pytest.param("serviceaccounts", thing("web", "shop"), True, id="a person's account"),
        pytest.param("serviceaccounts", thing("default", "shop", "kcm"), False, id="Kubernetes' account"),
        pytest.param(
            "deployments",
            thing("agent", "shop", labels={"addonmanager.kubernetes.io/mode": "Reconcile"}),
            False,
            id="an add-on of GKE's",
        ),
    ],
)
def test_what_people_made_and_what_comes_by_itself(plural: str, body: dict[str, Any], counts: bool) -> None:
    lists = FakeLists(**{plural: [body]})
    assert bool(run(lists)["lines"]) is counts


def on_node(name: str, node: str, namespace: str = "shop", **more: Any) -> Json:
    return {"metadata": {"name": name, "namespace": namespace}, "spec": {"nodeName": node}, **more}


def test_pods_of_others_on_our_pool() -> None:
    pool = {"cloud.google.com/gke-nodepool": "tpu-pool"}
    lists = FakeLists(
        nodes=[{"metadata": {"name": "n1", "labels": pool}}, {"metadata": {"name": "n2"}}],
        whole_pods=[
            on_node("train", "n1"),
            on_node("elsewhere", "n2"),
            on_node("ours", "n1", "models"),
            on_node("system", "n1", "kube-system"),
            on_node("ended", "n1", status={"phase": "Succeeded"}),
        ],
    )
    assert run(lists, pool="tpu-pool")["pool_pods"] == ["Pod shop/train"]
    assert run(lists)["pool_pods"] == []
    assert run(lists, pool="other")["pool_pods"] == []
