# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The children that follow from a service."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml

from sandbox.images.kserve import routing, scheduler, workload
from sandbox.images.kserve.storage import StorageError, attach_model, token_variables
from tests.unit.sandbox.images.kserve.services import STORAGE, combined, container, service

CA_FILE = "/var/run/secrets/opendatahub/ca.crt"

OLD, NEW = "inference.networking.x-k8s.io", "inference.networking.k8s.io"


def rendered(found: dict[str, Any], speed: float = 60.0) -> dict[str, Any]:
    return workload.deployment(found, combined(found), STORAGE, [], speed)


def test_deployment_has_kserves_name_and_labels() -> None:
    found = rendered(service())
    assert found["metadata"]["name"] == "qwen-kserve"
    labels = {
        "app.kubernetes.io/component": "llminferenceservice-workload",
        "app.kubernetes.io/name": "qwen",
        "app.kubernetes.io/part-of": "llminferenceservice",
        "kserve.io/component": "workload",
        "llm-d.ai/role": "both",
    }
    assert found["spec"]["selector"]["matchLabels"] == labels
    assert found["spec"]["template"]["metadata"]["labels"] == labels
    assert found["spec"]["replicas"] == 3
    assert found["metadata"]["ownerReferences"][0]["uid"] == "u-1"


def test_deployment_names_no_strategy() -> None:
    assert "strategy" not in rendered(service())["spec"]


@pytest.mark.parametrize(("speed", "seconds"), [(60.0, 10), (6.0, 100), (1.0, 600), (7.0, 86)])
def test_progress_deadline_follows_the_guides_clock(speed: float, seconds: int) -> None:
    assert rendered(service(), speed)["spec"]["progressDeadlineSeconds"] == seconds


def test_replicas_stay_open_when_the_service_leaves_them_open() -> None:
    assert "replicas" not in rendered(service(replicas=None))["spec"]
    assert rendered(service(replicas=0))["spec"]["replicas"] == 0


def test_of_the_services_own_labels_and_annotations_few_are_handed_on() -> None:
    found = service()
    found["metadata"]["labels"] = {"kueue.x-k8s.io/queue-name": "q", "mine": "no"}
    found["metadata"]["annotations"] = {"k8s.v1.cni.cncf.io/networks": "n", "prometheus.io/scrape": "true"}
    deployment = rendered(found)
    pods = deployment["spec"]["template"]["metadata"]
    assert pods["labels"]["kueue.x-k8s.io/queue-name"] == "q"
    assert "mine" not in pods["labels"]
    assert pods["annotations"] == deployment["metadata"]["annotations"] == {"k8s.v1.cni.cncf.io/networks": "n"}


def test_model_is_downloaded_by_an_init_container() -> None:
    pod = rendered(service())["spec"]["template"]["spec"]
    initializer = container(pod, "storage-initializer")
    assert initializer["args"] == ["hf://Qwen/Qwen2.5-3B-Instruct", "/mnt/models"]
    assert initializer["image"] == STORAGE["image"]
    assert {"name": "kserve-provision-location", "mountPath": "/mnt/models", "readOnly": True} in container(pod)[
        "volumeMounts"
    ]
    names = [volume["name"] for volume in pod["volumes"]]
    assert names == ["home", "dshm", "model-cache", "tls-certs", "kserve-provision-location"]


def test_own_init_container_stays_as_it_is_and_gets_no_image() -> None:
    own = {"name": "storage-initializer", "env": [{"name": "A", "value": "1"}]}
    pod: dict[str, Any] = {"containers": [{"name": "main"}], "initContainers": [copy.deepcopy(own)]}
    attach_model(pod, "hf://a/b", STORAGE, [])
    assert pod["initContainers"] == [own]


def test_download_gets_the_accounts_token() -> None:
    pod: dict[str, Any] = {"containers": [{"name": "main"}]}
    attach_model(pod, "hf://a/b", STORAGE, [{"name": "HF_TOKEN", "value": "t"}])
    assert {"name": "HF_TOKEN", "value": "t"} in container(pod, "storage-initializer")["env"]


def test_claim_is_mounted_without_a_download() -> None:
    pod: dict[str, Any] = {"containers": [{"name": "main"}]}
    attach_model(pod, "pvc://claim/models/qwen", STORAGE, [])
    assert "initContainers" not in pod
    assert pod["volumes"] == [{"name": "kserve-pvc-source", "persistentVolumeClaim": {"claimName": "claim"}}]
    assert container(pod)["volumeMounts"][0]["subPath"] == "models/qwen"


@pytest.mark.parametrize("uri", ["Qwen/Qwen2.5", "ftp://host/model"])
def test_model_address_that_cannot_be_served_is_an_error(uri: str) -> None:
    with pytest.raises(StorageError, match=uri):
        attach_model({"containers": []}, uri, STORAGE, [])


def test_token_comes_from_a_secret_that_has_one() -> None:
    secret = {"metadata": {"name": "hf"}, "data": {"HF_TOKEN": "eA=="}}
    assert token_variables(secret)[0]["valueFrom"]["secretKeyRef"] == {"name": "hf", "key": "HF_TOKEN"}
    assert token_variables({"metadata": {"name": "hf"}, "data": {"token": "eA=="}}) == []


def test_workload_service_selects_model_pods() -> None:
    found = workload.workload_service(service())
    assert found["metadata"]["name"] == "qwen-kserve-workload-svc"
    assert found["spec"]["ports"][0] == {
        "name": "https",
        "appProtocol": "https",
        "protocol": "TCP",
        "port": 8000,
        "targetPort": 8000,
    }
    assert found["spec"]["selector"] == {
        "app.kubernetes.io/name": "qwen",
        "app.kubernetes.io/part-of": "llminferenceservice",
        "kserve.io/component": "workload",
    }


def picker(**found: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    own = service(router={"route": {}, "gateway": {}, "scheduler": found})
    return own, combined(own)["router"]["scheduler"]


def configuration(deployment: dict[str, Any]) -> Any:
    args = container(deployment["spec"]["template"]["spec"])["args"]
    assert args.count("--config-text") == 1
    return yaml.safe_load(args[args.index("--config-text") + 1])


def test_picker_rolls_and_has_the_lines_scorers() -> None:
    own, found = picker()
    deployment = scheduler.deployment(own, found)
    assert deployment["metadata"]["name"] == "qwen-kserve-router-scheduler"
    assert "strategy" not in deployment["spec"]
    assert set(deployment["spec"]["template"]["metadata"]) == {"labels"}
    weights = {
        item["pluginRef"]: item.get("weight") for item in configuration(deployment)["schedulingProfiles"][0]["plugins"]
    }
    assert weights == {"prefix-cache-scorer": 2.0, "load-aware-scorer": 1.0, "max-score-picker": None}


def test_own_configuration_flag_is_left_alone() -> None:
    own, found = picker()
    container(found["template"])["args"] += ["--config-file", "/etc/picker.yaml"]
    args = container(scheduler.deployment(own, found)["spec"]["template"]["spec"])["args"]
    assert "--config-text" not in args


def test_pickers_service_has_its_named_ports() -> None:
    own, found = picker()
    ports = scheduler.epp_service(own, found)["spec"]["ports"]
    assert {port["name"]: port["port"] for port in ports} == {
        "grpc": 9002,
        "grpc-health": 9003,
        "metrics": 9090,
        "zmq": 5557,
    }


def test_pool_points_at_pods_and_picker() -> None:
    own, found = picker()
    pool = scheduler.inference_pool(own, found)
    assert pool["metadata"]["name"] == "qwen-inference-pool"
    assert pool["spec"] == {
        "selector": {
            "matchLabels": {
                "app.kubernetes.io/name": "qwen",
                "app.kubernetes.io/part-of": "llminferenceservice",
                "kserve.io/component": "workload",
            }
        },
        "targetPorts": [{"number": 8000}],
        "endpointPickerRef": {
            "kind": "Service",
            "name": "qwen-epp-service",
            "port": {"number": 9002},
            "failureMode": "FailOpen",
        },
    }


def test_pool_and_model_of_the_older_api_exist_too() -> None:
    own, found = picker()
    old = scheduler.old_inference_pool(own, found)
    assert old["apiVersion"] == "inference.networking.x-k8s.io/v1alpha2"
    assert old["spec"] == {
        "selector": {
            "app.kubernetes.io/name": "qwen",
            "app.kubernetes.io/part-of": "llminferenceservice",
            "kserve.io/component": "workload",
        },
        "targetPortNumber": 8000,
        "extensionRef": {"kind": "Service", "name": "qwen-epp-service", "failureMode": "FailOpen"},
    }
    model = scheduler.inference_model(own, combined(own))
    assert model["metadata"]["name"] == "qwen-inference-model"
    assert (model["spec"]["modelName"], model["spec"]["criticality"]) == ("Qwen/Qwen2.5-3B-Instruct", "Critical")


def test_pickers_rights_bear_kserves_names() -> None:
    own, found = picker()
    account = scheduler.account_name(own, found)
    assert account == "qwen-epp-sa"
    assert "imagePullSecrets" not in scheduler.service_account(own, account)
    assert scheduler.role(own)["metadata"]["name"] == "qwen-epp-role"
    assert scheduler.role_binding(own, account)["roleRef"]["name"] == "qwen-epp-role"
    binding = scheduler.auth_binding(own, account)
    assert binding["metadata"] == {
        "name": "team-qwen-epp-auth-rb",
        "labels": {
            "app.kubernetes.io/component": "llminferenceservice-router-scheduler",
            "app.kubernetes.io/name": "qwen",
            "app.kubernetes.io/part-of": "llminferenceservice",
        },
    }
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "qwen-epp-sa", "namespace": "team"}]


def test_route_has_two_rules_to_the_pool_and_one_to_the_service() -> None:
    own = service()
    found = routing.route(own, combined(own), None)
    assert found["metadata"]["name"] == "qwen-kserve-route"
    assert found["metadata"]["labels"]["app.kubernetes.io/component"] == "llminferenceservice-router"
    rules = [
        (
            rule["matches"][0]["path"]["value"],
            rule["backendRefs"][0]["kind"],
            rule["filters"][0]["urlRewrite"]["path"]["replacePrefixMatch"],
        )
        for rule in found["spec"]["rules"]
    ]
    assert rules == [
        ("/team/qwen/v1/completions", "InferencePool", "/v1/completions"),
        ("/team/qwen/v1/chat/completions", "InferencePool", "/v1/chat/completions"),
        ("/team/qwen", "Service", "/"),
    ]


@pytest.mark.parametrize(
    ("group", "reason", "moved"),
    [
        (OLD, "InvalidKind", True),
        (OLD, "ResolvedRefs", False),
        (NEW, "ResolvedRefs", True),
        (NEW, "InvalidKind", False),
    ],
)
def test_route_moves_to_the_new_pool_when_the_gateway_has_answered(group: str, reason: str, moved: bool) -> None:
    own = service()
    first = routing.route(own, combined(own), None)
    assert [rule["backendRefs"][0].get("group") for rule in first["spec"]["rules"]][:2] == [OLD, OLD]
    assert "annotations" not in first["metadata"]
    status = "True" if reason == "ResolvedRefs" else "False"
    for rule in first["spec"]["rules"][:2]:
        rule["backendRefs"][0]["group"] = group
    answer = {"conditions": [{"type": "ResolvedRefs", "status": status, "reason": reason}]}
    after = routing.route(own, combined(own), {**first, "status": {"parents": [answer]}})
    assert after["spec"]["rules"][0]["backendRefs"][0]["group"] == (NEW if moved else OLD)
    marked = {"serving.kserve.io/inferencepool-migrated": "v1"}
    assert after["metadata"].get("annotations") == (marked if moved else None)
    if moved:  # for good
        assert routing.route(own, combined(own), {**after, "status": {}}) == after


def test_destination_rules_verify_everything() -> None:
    own = service()
    spec = combined(own)
    rules = {rule["metadata"]["name"]: rule["spec"] for rule in routing.destination_rules(own, spec, "ip-1", CA_FILE)}
    assert sorted(rules) == ["qwen-kserve-scheduler", "qwen-kserve-workload", "qwen-kserve-workload-svc"]
    for found in rules.values():
        tls = found["trafficPolicy"]["tls"]
        assert (tls["mode"], tls["caCertificates"], tls["insecureSkipVerify"]) == ("SIMPLE", CA_FILE, False)
    workload_host = "qwen-kserve-workload-svc.team.svc.cluster.local"
    assert rules["qwen-kserve-workload"]["host"] == "ip-1.team.svc.cluster.local"
    assert rules["qwen-kserve-workload"]["trafficPolicy"]["tls"]["sni"] == workload_host
    assert rules["qwen-kserve-scheduler"]["host"] == "qwen-epp-service.team.svc.cluster.local"


def gateway(addresses: list[str], **listener: Any) -> dict[str, Any]:
    return {
        "metadata": {"namespace": "opendatahub", "name": "inference-gateway"},
        "spec": {"listeners": [{"name": "http", "protocol": "HTTP", "port": 80, **listener}]},
        "status": {"addresses": [{"value": value} for value in addresses]},
    }


@pytest.mark.parametrize(
    ("listener", "addresses", "wanted"),
    [
        ({}, ["127.201.1.1"], ["http://127.201.1.1/team/qwen"]),
        ({"port": 8080}, ["34.1.2.3"], ["http://34.1.2.3:8080/team/qwen"]),
        ({"hostname": "*.example.com"}, ["34.1.2.3"], ["http://inference.example.com/team/qwen"]),
        ({"protocol": "HTTPS", "port": 443}, ["34.1.2.3"], ["https://34.1.2.3/team/qwen"]),
        ({"protocol": "TCP"}, ["34.1.2.3"], []),
        ({}, [], []),
    ],
    ids=["plain", "port", "wildcard", "https", "no-http", "no-address"],
)
def test_urls_follow_the_gateways_listeners(listener: dict[str, Any], addresses: list[str], wanted: list[str]) -> None:
    own = service()
    route = routing.route(own, combined(own), None)
    assert routing.urls(route, [gateway(addresses, **listener)], "https", {}) == wanted


def test_status_prefers_the_external_url_and_names_both() -> None:
    own = service()
    route = routing.route(own, combined(own), None)
    key = ("opendatahub", "inference-gateway")
    host = "inference-gateway-istio.opendatahub.svc.cluster.local"
    found = routing.urls(route, [gateway(["34.1.2.3"])], "https", {key: host})
    assert routing.status_url(found) == "http://34.1.2.3/team/qwen"
    assert {item["name"] for item in routing.status_addresses(found)} == {"gateway-external", "gateway-internal"}
    internal = routing.urls(route, [gateway([])], "https", {key: host})
    assert internal == [f"http://{host}/team/qwen"]
    assert routing.status_url(internal) is None
