# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The line of charts on a quick cluster whose GKE brings no kinds of the Gateway API."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._helm_releases import release_of

from tests.integration.quick_operators import RED_HAT
from tests.integration.world_ground import ENVIRONMENT, Ground, Played

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]

Json = dict[str, Any]
ADMISSION = "admissionregistration.k8s.io/v1"


def packed(record: Json) -> str:
    """As Helm stores a release, and the API server that."""
    inner = base64.b64encode(gzip.compress(json.dumps(record).encode()))
    return base64.b64encode(inner).decode()


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """An emulated cloud and an API server, with nothing in them."""
    with Ground(tmp_path_factory.mktemp("lines") / "ground", 64) as made:
        made.restore("empty")
        yield made


@pytest.fixture(scope="module")
def deployed(ground: Ground) -> Played:
    """The first run."""
    return ground.run("deploy")


def test_1_deploys(deployed: Played, ground: Ground) -> None:
    assert deployed.shown.code == 0, f"{deployed.shown.last_screen}\n{deployed.shown.output[-3000:]}"
    assert ground.operators.problems == []
    assert "The line is ea1, KServe's images come from registry.redhat.io" in " ".join(
        deployed.shown.output.replace("''", "'").split()
    )


def test_2_every_deployment_of_red_hats_can_pull(deployed: Played, ground: Ground) -> None:
    found = {
        f"{each['metadata']['namespace']}/{each['metadata']['name']}": each["spec"]["replicas"]
        - each.get("status", {}).get("availableReplicas", 0)
        for each in ground.cluster.api.list("apps/v1", "Deployment")
        if any(one["image"].startswith(RED_HAT) for one in each["spec"]["template"]["spec"]["containers"])
    }
    assert {
        "istio-system/istiod",
        "opendatahub/kserve-controller-manager",
        "opendatahub/inference-gateway-istio",
    } <= set(found)
    assert set(found.values()) == {0}, f"lacking: {found}"


def test_3_kinds_that_gke_does_not_bring_are_ours(deployed: Played, ground: Ground) -> None:
    found = {
        each["metadata"]["name"]: (each["metadata"].get("labels") or {}).get("rhaii.gke/environment")
        for each in ground.cluster.api.list("apiextensions.k8s.io/v1", "CustomResourceDefinition")
    }
    assert set(found.values()) == {ENVIRONMENT}, found
    assert {"httproutes.gateway.networking.k8s.io", "inferencepools.inference.networking.k8s.io"} <= set(found)


def test_4_webhooks_of_istio_are_told_to_be_ignored(deployed: Played, ground: Ground) -> None:
    for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"):
        for each in ground.cluster.api.list(ADMISSION, kind, labels="istio.io/rev=default"):
            assert each["metadata"].get("annotations") == {"sailoperator.io/ignore": "true"}, each["metadata"]["name"]


def test_5_second_run_changes_nothing(deployed: Played, ground: Ground) -> None:
    again = ground.run("deploy")
    assert again.shown.code == 0, again.shown.output[-3000:]
    assert "changed=0 " in again.shown.output


def said(played: Played) -> str:
    return " ".join(played.shown.output.split())


@pytest.mark.parametrize("check", [False, True], ids=["diagnose.yml", "diagnose.yml --check"])
def test_5_diagnosis_names_nothing_on_a_healthy_environment_and_makes_nothing(
    deployed: Played, ground: Ground, check: bool
) -> None:
    before, _ = ground.cluster.etcd.read()
    found = ground.run("diagnose", check=check)
    assert found.shown.code == 0, found.shown.output[-3000:]
    assert "Nothing was found that is wrong." in said(found)
    assert "changed=0 " in said(found)
    after, _ = ground.cluster.etcd.read()
    assert after == before


FILTER = ("networking.istio.io/v1alpha3", "EnvoyFilter", "opendatahub", "envoyfilter-route-extproc-body")
SECRET = ("v1", "Secret", "rhaii-inference", "rhaiis-pull-secret")


@pytest.mark.parametrize(
    ("fault", "cause", "seen"),
    [
        pytest.param(FILTER, "envoyfilter-missing", "missing: envoyfilter-route-extproc-body", id="EnvoyFilter"),
        pytest.param(
            SECRET, "pull-secret-missing", "the namespace rhaii-inference has no Secret rhaiis-pull-secret", id="Secret"
        ),
    ],
)
def test_5_diagnosis_names_a_fault_first_and_ends_with_2(
    deployed: Played, ground: Ground, fault: tuple[str, str, str, str], cause: str, seen: str
) -> None:
    before, _ = ground.cluster.etcd.read()
    ground.cluster.api.delete(*fault)
    found = ground.run("diagnose")
    assert found.shown.code == 2, found.shown.output[-3000:]
    told = said(found).partition("1. ")[2]
    assert told.startswith(f"{cause}: "), found.shown.output[-3000:]
    assert seen in told
    assert " 2. " not in told
    ground.operators.restore(before)
    assert ground.run("diagnose").shown.code == 0


RENAMED = {
    "rhaii_models": [{"name": "renamed", "uri": "hf://Qwen/Qwen2.5-3B-Instruct", "replicas": 3}],
    "network_policies_enabled": False,
    "rhaii_gateway_name": "another-gateway",
}


def what_is_ours(ground: Ground) -> set[str]:
    found = set()
    for version, kind in (
        ("serving.kserve.io/v1alpha1", "LLMInferenceService"),
        ("networking.k8s.io/v1", "NetworkPolicy"),
        ("gateway.networking.k8s.io/v1", "Gateway"),
    ):
        for each in ground.cluster.api.list(version, kind):
            if (each["metadata"].get("labels") or {}).get("rhaii.gke/environment") == ENVIRONMENT:
                found.add(f"{kind} {each['metadata']['name']}")
    return found


POLICIES = {f"NetworkPolicy allow-{name}" for name in ("gateway-to-vllm", "epp-scheduler", "istio", "vllm-egress")}
BEFORE = {*POLICIES, "LLMInferenceService qwen-3b-tpu-svc", "Gateway inference-gateway"}
AFTER = {"LLMInferenceService renamed", "Gateway another-gateway"}


def test_5_check_mode_shows_what_a_renamed_model_and_a_switch_would_change(deployed: Played, ground: Ground) -> None:
    checked = ground.run("deploy", check=True, **RENAMED)
    assert checked.shown.code == 0, checked.shown.output[-3000:]
    assert "qwen-3b-tpu-svc: not in rhaii_models any more" in " ".join(checked.shown.output.split())
    assert what_is_ours(ground) == BEFORE


def test_5_what_left_the_inventory_goes_and_nobody_waits_for_its_nodes(deployed: Played, ground: Ground) -> None:
    kept = ground.run("deploy", rhaii_keep_removed_models=True, cluster_tpu_nodes=6, **RENAMED)
    assert kept.shown.code == 0, kept.shown.output[-3000:]
    assert what_is_ours(ground) == {*AFTER, "LLMInferenceService qwen-3b-tpu-svc"}
    changed = ground.run("deploy", **RENAMED)
    assert changed.shown.code == 0, changed.shown.output[-3000:]
    assert what_is_ours(ground) == AFTER


def test_6_teardown_of_a_cluster_that_stays_puts_back_and_leaves_what_the_operators_need(
    deployed: Played, ground: Ground
) -> None:
    def of_others() -> None:
        ground.cluster.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}, "kubectl")
        pod = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": "web:1"}]}}
        spec = {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": pod}
        web = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}}
        ground.cluster.api.create({**web, "spec": spec}, "kubectl")

    def account() -> Json:
        return ground.cluster.api.find("v1", "ServiceAccount", "opendatahub", "kserve-controller-manager") or {}

    assert account()["imagePullSecrets"] == [{"name": "redhat-pull-secret"}]
    ground.operators.leave_alone(of_others)
    torn = ground.run("teardown")
    assert "stays and bills, because others have something in it" in torn.shown.last_screen, torn.shown.output[-3000:]
    assert "imagePullSecrets" not in account()
    assert "rhaii.gke/pull-secret" not in (account()["metadata"].get("annotations") or {})
    kinds = ground.cluster.api.list("apiextensions.k8s.io/v1", "CustomResourceDefinition")
    assert "httproutes.gateway.networking.k8s.io" in {each["metadata"]["name"] for each in kinds}


@pytest.mark.parametrize(("version", "line"), [("3.4.0-ea.2+1a314a2", "ea2")])
def test_7_another_line_is_refused_before_anything_changes(ground: Ground, version: str, line: str) -> None:
    secrets = ground.cluster.api.list("v1", "Secret", "opendatahub", "owner=helm,name=kserve-rhaii-xks")
    newest = secrets[-1]
    record = release_of(newest["data"]["release"])
    record["chart"]["metadata"]["version"] = version
    with ground.operators.replaced():
        path = ground.cluster.api.of(newest)
        ground.cluster.api.call("PUT", path, {**newest, "data": {"release": packed(record)}})
    before, _ = ground.cluster.etcd.read()
    refused = ground.run("deploy")
    assert refused.shown.code != 0
    assert f"of the line {line}, which is known here and cannot be installed" in refused.shown.errors
    after, _ = ground.cluster.etcd.read()
    assert after == before
