# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The doctor: nothing on a healthy environment, and each fault named first with what was seen and what to do."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._cause_sentences import EXPLAINS
from ansible_collections.rhaii.gke.plugins.module_utils._causes import CAUSES
from ansible_collections.rhaii.gke.plugins.module_utils._doctor.rules import keeps_all_pickers
from ansible_collections.rhaii.gke.plugins.module_utils._doctor.view import Unknown
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import KubernetesError

from tests.unit.plugins.module_utils.doctor.scene import (
    GATEWAYS,
    OURS,
    Json,
    Scene,
    certificate,
    release,
    routing,
)
from tests.unit.plugins.module_utils.llmisvc.fake_cluster import (
    NAME,
    NAMESPACE,
    condition,
    deployment,
    logins,
    pending,
    pod,
    ready_pods,
    replica_set,
    service,
    starting_service,
    waiting,
)

PICKER = f"{NAME}-kserve-router-scheduler"


@pytest.mark.parametrize("istio", ["v1.27.3", "v1.28.5", "not a version"])
def test_nothing_is_named_on_a_healthy_environment(istio: str) -> None:
    scene = Scene()
    scene.istio = istio
    result = scene.diagnose()
    assert result["findings"] == []
    assert result["healthy"] is True
    assert result["changed"] is False
    assert result["lines"][0] == "Nothing was found that is wrong."
    assert [each["question"] for each in result["unknown"]] == [
        "Whether requests are answered, follow their prefix and find it cached"
    ]


def test_one_model_without_a_filter_is_healthy_where_none_is_wanted() -> None:
    scene = Scene("a1-kserve-route-only")
    scene.params["envoyfilters"] = []
    assert scene.named() == []


def gone(scene: Scene, part: str, name: str) -> None:
    whole: list[Json] = getattr(scene, part)
    kept = [each for each in whole if each["metadata"]["name"] != name]
    assert len(kept) < len(whole)
    setattr(scene, part, kept)


def unavailable(name: str) -> Callable[[Scene], None]:
    def change(scene: Scene) -> None:
        (found,) = (each for each in scene.deployments if each["metadata"]["name"] == name)
        found["status"]["availableReplicas"] = 0

    return change


def of_another_gateway(scene: Scene) -> None:
    """The filter names routes that went with another model."""
    for each in scene.filters[0]["spec"]["configPatches"]:
        route = each["match"]["routeConfiguration"]["vhost"]["route"]
        route["name"] = route["name"].replace("rhaii-inference.", "rhaii-inference.former-")


def another_picker(scene: Scene) -> None:
    scene.pools[0]["spec"]["endpointPickerRef"]["port"]["number"] = 9005


def another_failure_mode(scene: Scene) -> None:
    scene.pools[0]["spec"]["endpointPickerRef"]["failureMode"] = "FailClose"


def one_patch_less(scene: Scene) -> None:
    scene.filters[0]["spec"]["configPatches"].pop()


def mode_only(scene: Scene) -> None:
    scene.filters = routing("f2-two-models-mode-only-filter")["EnvoyFilter"]


def no_filter(scene: Scene) -> None:
    scene.filters = []


def two_routes_and_no_filter_wanted(scene: Scene) -> None:
    scene.filters, scene.params["envoyfilters"] = [], []


def rules_of_one_name(scene: Scene) -> None:
    for each in scene.routes:
        each["spec"]["rules"][0]["name"] = "completions"


def past_the_picker(scene: Scene) -> None:
    rule = copy.deepcopy(scene.routes[0]["spec"]["rules"][0])
    rule["backendRefs"] = [{"name": f"{NAME}-kserve-workload-svc", "port": 8000}]
    route = copy.deepcopy(scene.routes[0])
    route["metadata"]["name"] = "own"
    route["spec"]["rules"] = [rule]
    scene.routes.append(route)


def denying_all(scene: Scene) -> None:
    """A policy of the cluster's that selects all pods does not close what others allow; theirs must go, too."""
    deny = {"podSelector": {}, "policyTypes": ["Ingress"]}
    scene.policies = [{"metadata": {"name": "default-deny", "namespace": NAMESPACE}, "spec": deny}]
    scene.params["network_policies"] = []


def picker_may_not_ask(scene: Scene) -> None:
    (own,) = (each for each in scene.policies if each["metadata"]["name"] == "allow-epp-scheduler")
    own["spec"]["egress"] = own["spec"]["egress"][1:]


def wrong_port(scene: Scene) -> None:
    (own,) = (each for each in scene.policies if each["metadata"]["name"] == "allow-gateway-to-vllm")
    own["spec"]["ingress"][0]["ports"] = [{"protocol": "TCP", "port": 8080}]


def no_certificate(scene: Scene) -> None:
    scene.config_maps[0]["data"] = {"ca.crt": ""}


def not_mounted(scene: Scene) -> None:
    del scene.gateway["spec"]["infrastructure"]["parametersRef"]


def no_scheduler(scene: Scene) -> None:
    assert scene.cluster.service is not None
    del scene.cluster.service["spec"]["router"]["scheduler"]


def of_argo(scene: Scene) -> None:
    metadata = scene.secrets[1]["metadata"]
    metadata["labels"] = {"argocd.argoproj.io/instance": "secrets"}


def no_address(scene: Scene) -> None:
    scene.gateway["status"] = {"addresses": []}
    programmed = condition("Programmed", "False", "AddressNotAssigned", "waiting")
    scene.gateway["status"]["conditions"] = [programmed]
    scene.cluster.service = service(condition("GatewaysReady", "False", "GatewaysNotReady", "not programmed"), url="")
    scene.cluster.service["spec"]["router"] = {"scheduler": {}}


def not_programmed(scene: Scene) -> None:
    scene.gateway["status"]["conditions"] = [condition("Programmed", "False", "Invalid", "no such class")]


def too_few_nodes(scene: Scene) -> None:
    scene.nodes.pop()
    scene.cluster.service = starting_service()
    scene.cluster.service["spec"]["router"] = {"scheduler": {}}
    scene.cluster.deployments = [deployment(2, 3, 3)]
    scene.cluster.pods = [*ready_pods("aaaaa", "bbbbb"), pending("ccccc")]


def cordoned_while_one_waits(scene: Scene) -> None:
    too_few_nodes(scene)
    scene.nodes.append(copy.deepcopy(scene.nodes[0]))
    scene.nodes[-1]["metadata"]["name"] = "gke-9"
    scene.nodes[-1]["spec"] = {"unschedulable": True}


def deadlocked(scene: Scene) -> None:
    """As observed on KServe of EA1: the service goes on saying that it is ready."""
    scene.cluster.deployments = [deployment(3, 1, 4, revision="3")]
    scene.cluster.replica_sets = [replica_set("old", "2"), replica_set("new", "3")]
    old = [pod(name, ready=True, template="old") for name in ("aaaaa", "bbbbb", "ccccc")]
    scene.cluster.pods = [*old, pending("ddddd", "0/3 nodes are available: 3 Insufficient google.com/tpu.")]


def stopped(scene: Scene) -> None:
    assert scene.cluster.service is not None
    scene.cluster.service["metadata"]["annotations"] = {"serving.kserve.io/stop": "true"}
    gone(scene, "deployments", PICKER)
    scene.cluster.pods = []


def no_login(scene: Scene) -> None:
    said = "401 Unauthorized"
    scene.cluster.service = starting_service()
    scene.cluster.service["spec"]["router"] = {"scheduler": {}}
    scene.cluster.deployments = [deployment(2, 3, 3)]
    scene.cluster.pods = [*ready_pods("aaaaa", "bbbbb"), pod("ccccc", main=waiting("ImagePullBackOff", said))]
    scene.cluster.secrets = {"rhaiis-pull-secret": logins("quay.io")}


def service_gone(scene: Scene) -> None:
    scene.cluster.service, scene.cluster.deployments, scene.cluster.pods = None, [], []
    gone(scene, "deployments", PICKER)


CASES: dict[str, tuple[Callable[[Scene], None], str, str]] = {
    "no pull secret": (lambda scene: gone(scene, "secrets", "rhaiis-pull-secret"), "pull-secret-missing", NAMESPACE),
    "no pull secret of the operators": (
        lambda scene: gone(scene, "secrets", "redhat-pull-secret"),
        "pull-secret-missing",
        GATEWAYS,
    ),
    "no token": (lambda scene: gone(scene, "secrets", "huggingface-token"), "secret-missing", "huggingface-token"),
    "an account without the secret": (
        lambda scene: scene.accounts[1].pop("imagePullSecrets"),
        "pull-secret-missing",
        "opendatahub/inference-gateway-istio",
    ),
    "operator down": (unavailable("istiod"), "operator-unavailable", "istio-system/istiod"),
    "picker down": (unavailable(PICKER), "picker-down", "fails open"),
    "no picker made": (lambda scene: gone(scene, "deployments", PICKER), "picker-down", "has made no endpoint picker"),
    "no scheduler": (no_scheduler, "picker-not-enabled", NAME),
    "filter of other routes": (of_another_gateway, "envoyfilter-matches-no-route", "former-"),
    "filter of another picker": (another_picker, "envoyfilter-stale", "9005"),
    "filter of another failure mode": (another_failure_mode, "envoyfilter-stale", "fails closed"),
    "filter that leaves one out": (one_patch_less, "envoyfilter-stale", "leaves out"),
    "filter that takes the picker": (mode_only, "envoyfilter-takes-picker", OURS),
    "no filter": (no_filter, "envoyfilter-missing", OURS),
    "several routes on a host": (two_routes_and_no_filter_wanted, "routes-share-a-host", "1.27.3"),
    "rules of one name": (rules_of_one_name, "rules-share-a-name", "completions"),
    "a route past the picker": (past_the_picker, "route-bypasses-picker", f"{NAMESPACE}/own"),
    "policy missing": (lambda scene: gone(scene, "policies", "allow-epp-scheduler"), "network-policy-missing", "allow"),
    "all denied": (denying_all, "policy-blocks-gateway", f"{NAMESPACE}/default-deny"),
    "a policy of another port": (wrong_port, "policy-blocks-gateway", "port 8000"),
    "picker may not ask": (picker_may_not_ask, "policy-blocks-picker", "cannot reach the replicas"),
    "no CA": (lambda scene: gone(scene, "config_maps", "odh-ca-bundle"), "ca-missing", "odh-ca-bundle"),
    "an empty CA": (no_certificate, "ca-missing", "holds no certificate"),
    "CA not mounted": (not_mounted, "ca-missing", "does not mount"),
    "no address": (no_address, "gateway-without-address", "inference-gateway"),
    "not programmed": (not_programmed, "gateway-not-programmed", "no such class"),
    "too few nodes": (too_few_nodes, "too-few-tpu-nodes", "2 of 2 nodes"),
    "cordoned": (cordoned_while_one_waits, "node-cordoned", "gke-9"),
    "deadlock": (deadlocked, "rollout-deadlock", "3 older replicas"),
    "stopped": (stopped, "service-stopped", NAME),
    "service gone": (service_gone, "service-missing", NAME),
    "a login for another registry": (no_login, "pull-secret-without-login", "quay.io"),
    "certificate ended": (
        lambda scene: setattr(scene, "certificates", [certificate("2026-11-01T00:00:00Z")]),
        "certificate-near-its-end",
        "ended",
    ),
    "release half-way": (
        lambda scene: scene.releases.update({("istio-system", "sail-operator"): release("pending-upgrade")}),
        "helm-release-interrupted",
        "pending-upgrade",
    ),
}


@pytest.mark.parametrize(("change", "cause", "evidence"), CASES.values(), ids=CASES)
def test_a_fault_is_named_and_nothing_else(change: Callable[[Scene], None], cause: str, evidence: str) -> None:
    scene = Scene()
    change(scene)
    result = scene.diagnose()
    assert [each["id"] for each in result["findings"]] == [cause], result["lines"]
    (finding,) = result["findings"]
    assert evidence in finding["evidence"]
    assert finding["severity"] == "fault"
    assert finding["remedy"]
    assert finding["doc"] == f"docs/troubleshooting.md#{cause}"
    assert result["healthy"] is False
    assert result["lines"][0].startswith(f"1. {cause}: ")


def cordoned(scene: Scene) -> None:
    scene.nodes.append(copy.deepcopy(scene.nodes[0]))
    scene.nodes[-1]["spec"] = {"unschedulable": True}


RISKS: dict[str, tuple[Callable[[Scene], None], str]] = {
    "a Secret of Argo CD's": (of_argo, "secret-managed-elsewhere"),
    "a node to spare is cordoned": (cordoned, "node-cordoned"),
    "nobody enforces policies": (
        lambda scene: setattr(scene, "daemon_sets", ["kube-proxy", "tpu-device-plugin"]),
        "policies-not-enforced",
    ),
    "a certificate not renewed": (
        lambda scene: setattr(scene, "certificates", [certificate("2026-12-01T00:00:00Z", "2026-11-20T00:00:00Z")]),
        "certificate-near-its-end",
    ),
}


@pytest.mark.parametrize(("change", "cause"), RISKS.values(), ids=RISKS)
def test_a_risk_is_named_and_is_no_fault(change: Callable[[Scene], None], cause: str) -> None:
    scene = Scene()
    change(scene)
    result = scene.diagnose()
    assert [(each["id"], each["severity"]) for each in result["findings"]] == [(cause, "risk")]
    assert result["healthy"] is True


@pytest.mark.parametrize("found", [[], ["calico-node", "kube-proxy"]], ids=["no GKE", "Calico"])
def test_policies_that_are_enforced_or_of_which_nobody_knows_are_no_risk(found: list[str]) -> None:
    scene = Scene()
    scene.daemon_sets = found
    assert scene.named() == []


def test_a_certificate_that_is_being_renewed_is_no_risk() -> None:
    scene = Scene()
    scene.certificates = [certificate("2026-12-24T00:00:00Z", "2026-11-24T00:00:00Z")]
    assert scene.named() == []


def test_faults_come_from_the_ground_up_and_risks_last() -> None:
    scene = Scene()
    of_argo(scene)
    no_certificate(scene)
    gone(scene, "secrets", "rhaiis-pull-secret")
    no_filter(scene)
    assert scene.named() == ["pull-secret-missing", "ca-missing", "envoyfilter-missing", "secret-managed-elsewhere"]


def test_what_a_cause_leads_to_is_told_with_it_and_named_when_that_is_healed() -> None:
    scene = Scene()
    scene.accounts[0].pop("imagePullSecrets")
    unavailable("kserve-controller-manager")(scene)
    assert scene.named() == ["pull-secret-missing"]
    assert scene.first()["explains"] == ["operator-unavailable"]
    scene.accounts[0]["imagePullSecrets"] = [{"name": "redhat-pull-secret"}]
    assert scene.named() == ["operator-unavailable"]


@pytest.mark.parametrize("one", sorted(CASES))
def test_two_faults_are_both_named_or_one_explains_the_other(one: str) -> None:
    """With one that lies lower, and one that lies higher."""
    for other in ("no CA", "operator down", "no token"):
        scene = Scene()
        CASES[one][0](scene)
        if other == one or (one in ("an empty CA", "CA not mounted", "no address") and other == "no CA"):
            continue
        CASES[other][0](scene)
        named = scene.named()
        for change, cause, _ in (CASES[one], CASES[other]):
            del change
            assert cause in named or any(cause in EXPLAINS.get(each, ()) for each in named), named  # type: ignore[call-overload]
        assert named == sorted(named, key=CAUSES.index)  # type: ignore[arg-type]


def test_an_api_server_that_does_not_answer_is_the_one_finding() -> None:
    scene = Scene()
    scene.cluster.troubles = [KubernetesError("list the services", 503, "", "no", remedy="Do this.")]
    (finding,) = scene.diagnose()["findings"]
    assert (finding["id"], finding["remedy"]) == ("api-server-unreachable", "Do this.")


def test_a_service_that_may_not_be_read_is_unknown() -> None:
    scene = Scene()
    scene.cluster.troubles = [KubernetesError("list the services", 403, "Forbidden", "no")]
    result = scene.diagnose()
    assert result["findings"] == []
    assert result["unknown"][0]["question"] == f"How it stands with the service {NAME}"


@pytest.mark.parametrize(
    "part",
    ["criteria", "routes", "pools", "policies", "namespaces", "config_maps", "accounts", "secrets", "certificates"],
)
def test_nothing_is_concluded_from_what_may_not_be_read(part: str) -> None:
    scene = Scene()
    scene.changes = {part: None, "unknown": (Unknown(f"How it stands with {part}", "no"),)}
    result = scene.diagnose()
    assert result["findings"] == []
    assert f"Cannot be told from here: How it stands with {part}. no" in result["lines"]


def test_newer_istio_keeps_all_pickers() -> None:
    scene = Scene()
    scene.istio = "v1.28.5"
    two_routes_and_no_filter_wanted(scene)
    assert scene.named() == []


@pytest.mark.parametrize(
    ("version", "right"),
    [
        ((1, 26, 8), False),
        ((1, 27, 3), False),
        ((1, 27, 8), True),
        ((1, 27, 9), True),
        ((1, 28, 4), False),
        ((1, 28, 5), True),
        ((1, 29, 0), True),
    ],
)
def test_which_istio_keeps_all_pickers(version: tuple[int, ...], right: bool) -> None:
    assert keeps_all_pickers(version) is right


def test_a_replica_on_its_way_is_said_with_its_stage() -> None:
    scene = Scene()
    scene.cluster.service = starting_service()
    scene.cluster.service["spec"]["router"] = {"scheduler": {}}
    scene.cluster.deployments = [deployment(2, 3, 3)]
    scene.cluster.pods = [*ready_pods("aaaaa", "bbbbb"), pod("ccccc")]
    assert scene.named() == ["replica-starting"]
    assert "starting the model server" in scene.first()["evidence"]
