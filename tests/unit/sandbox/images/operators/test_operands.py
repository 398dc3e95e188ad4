# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the operators install."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from sandbox.images.istiod.installation import with_authority
from sandbox.images.operators import cert_manager_operands, istio_operands, lws
from sandbox.images.operators.__main__ import program
from sandbox.images.operators.sail import owned
from sandbox.images.operators.workloads import available, condition

IMAGES = {name: f"registry.redhat.io/{name}:1" for name in cert_manager_operands.DEPLOYMENTS}


def by_kind(objects: list[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    return {item["metadata"]["name"]: item for item in objects if item["kind"] == kind}


def test_cert_manager_has_three_programs_of_one_instance() -> None:
    found = by_kind(cert_manager_operands.operands("cert-manager", IMAGES, "1.15.5"), "Deployment")
    assert sorted(found) == ["cert-manager", "cert-manager-cainjector", "cert-manager-webhook"]
    for name, deployment in found.items():
        pods = deployment["spec"]["template"]
        assert pods["metadata"]["labels"]["app.kubernetes.io/instance"] == "cert-manager"
        assert deployment["spec"]["selector"]["matchLabels"].items() <= pods["metadata"]["labels"].items()
        assert pods["spec"]["serviceAccountName"] == name
        assert pods["spec"]["containers"][0]["image"] == IMAGES[name]


def test_a_new_version_keeps_the_selectors() -> None:
    old, new = (
        by_kind(cert_manager_operands.operands("cert-manager", IMAGES, version), "Deployment") for version in ("1", "2")
    )
    for name in old:
        assert old[name]["spec"]["selector"] == new[name]["spec"]["selector"]


def test_webhook_of_cert_manager_is_trusted_by_injection_and_fails_closed() -> None:
    found = cert_manager_operands.webhook("cert-manager")
    assert found["metadata"]["annotations"]["cert-manager.io/inject-ca-from-secret"].startswith("cert-manager/")
    assert found["webhooks"][0]["failurePolicy"] == "Fail"


def istio(**spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "default"},
        "spec": {"namespace": "istio-system", "version": "v1.27-latest", **spec},
    }


VALUES = {"pilot": {"env": {"PILOT_ENABLE_GATEWAY_API": "true"}}, "meshConfig": {"accessLogFile": "/dev/stdout"}}


def test_istiod_gets_the_environment_and_the_mesh_its_settings() -> None:
    found = istio_operands.operands(istio(values=VALUES), {"istiod": "pilot:1", "proxy": "proxy:1"})
    container = by_kind(found, "Deployment")["istiod"]["spec"]["template"]["spec"]["containers"][0]
    assert {"name": "PILOT_ENABLE_GATEWAY_API", "value": "true"} in container["env"]
    assert (container["image"], container["name"]) == ("pilot:1", "discovery")
    maps = by_kind(found, "ConfigMap")
    assert yaml.safe_load(maps["istio"]["data"]["mesh"])["accessLogFile"] == "/dev/stdout"
    assert json.loads(maps["istio-sidecar-injector"]["data"]["values"])["global"]["proxy"]["image"] == "proxy:1"


def test_istiod_pods_carry_the_label_that_checks_look_for() -> None:
    found = istio_operands.operands(istio(), {"istiod": "pilot:1", "proxy": "proxy:1"})
    deployment = by_kind(found, "Deployment")["istiod"]
    assert deployment["spec"]["template"]["metadata"]["labels"]["app"] == "istiod"
    service = by_kind(found, "Service")["istiod"]
    assert service["spec"]["selector"].items() <= deployment["spec"]["template"]["metadata"]["labels"].items()


def test_operator_takes_the_authority_out_of_its_webhooks_and_istiod_writes_it_in() -> None:
    mutating, validating = istio_operands.webhooks("istio-system")
    names = [each["metadata"]["name"] for each in (mutating, validating)]
    assert names == ["istio-sidecar-injector", "istio-validator-istio-system"]
    for each in (mutating, validating):
        assert each["webhooks"][0]["clientConfig"]["caBundle"] == ""
        (patch,) = with_authority(each, "PEM")
        assert patch == {"op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": "UEVN"}
        each["webhooks"][0]["clientConfig"]["caBundle"] = patch["value"]
        assert with_authority(each, "PEM") == []


def test_operator_goes_on_for_ever_unless_it_is_told_to_ignore() -> None:
    webhook = istio_operands.webhooks("istio-system")[0]
    assert istio_operands.wakes_the_operator(webhook)
    webhook["metadata"]["annotations"] = {"sailoperator.io/ignore": "true"}
    assert not istio_operands.wakes_the_operator(webhook)
    other = {"metadata": {"name": "kserve"}}
    assert not istio_operands.wakes_the_operator(other)


def test_own_proxy_image_wins() -> None:
    values = {"global": {"proxy": {"image": "own:2"}, "imagePullSecrets": ["p"]}}
    found = istio_operands.operands(istio(values=values), {"istiod": "pilot:1", "proxy": "proxy:1"})
    settings = json.loads(by_kind(found, "ConfigMap")["istio-sidecar-injector"]["data"]["values"])
    assert settings["global"] == {"proxy": {"image": "own:2"}, "imagePullSecrets": ["p"]}


def test_image_table_comes_from_the_pods_annotations() -> None:
    text = 'images.v1_27_3.istiod="pilot:1.27.3"\nimages.v1_27_3.proxy="proxy:1.27.3"\nkubectl.kubernetes.io/x="y"\n'
    assert istio_operands.image_table(text) == {"v1.27.3": {"istiod": "pilot:1.27.3", "proxy": "proxy:1.27.3"}}


@pytest.mark.parametrize(("version", "exact"), [("v1.27-latest", "v1.27.3"), ("v1.27.3", "v1.27.3")])
def test_versions(version: str, exact: str) -> None:
    assert istio_operands.exact_version(version) == exact


def test_operands_of_istio_go_with_their_revision() -> None:
    revision = {
        "apiVersion": "sailoperator.io/v1",
        "kind": "IstioRevision",
        "metadata": {"name": "default", "uid": "u"},
    }
    for found in owned(istio_operands.operands(istio(), {"istiod": "a", "proxy": "b"}), revision):
        assert found["metadata"]["ownerReferences"][0]["uid"] == "u"


def test_lws_controller_has_the_name_that_checks_look_for() -> None:
    found = by_kind(lws.operands("openshift-lws-operator", "lws:1"), "Deployment")
    assert found["lws-controller-manager"]["spec"]["template"]["spec"]["containers"][0]["image"] == "lws:1"


@pytest.mark.parametrize(
    ("status", "ready"),
    [
        ({"observedGeneration": 2, "readyReplicas": 1, "updatedReplicas": 1}, True),
        ({"observedGeneration": 1, "readyReplicas": 1, "updatedReplicas": 1}, False),
        ({"observedGeneration": 2, "readyReplicas": 1, "updatedReplicas": 0}, False),
        ({"observedGeneration": 2}, False),
        ({}, False),
    ],
    ids=["ready", "old", "rolling", "starting", "new"],
)
def test_deployment_is_available(status: dict[str, Any], ready: bool) -> None:
    assert available({"metadata": {"generation": 2}, "spec": {"replicas": 1}, "status": status}) is ready


def test_missing_deployment_is_not_available() -> None:
    assert not available(None)


def test_condition_keeps_its_time_while_its_status_stays() -> None:
    known = [{"type": "Ready", "status": "True", "lastTransitionTime": "t0"}]
    assert condition(known, "Ready", True, "R")["lastTransitionTime"] == "t0"
    assert condition(known, "Ready", False, "R")["lastTransitionTime"] != "t0"


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("/usr/bin/cert-manager-operator", "cert-manager-operator"),
        ("/usr/local/bin/sail-operator", "sail-operator"),
        ("lws-operator", "lws-operator"),
        ("/manager", "manager"),
    ],
)
def test_command_names_the_program(command: str, name: str) -> None:
    assert program([command, "start"]) == name


def test_other_commands_are_refused() -> None:
    with pytest.raises(SystemExit, match="sail-operator"):
        program(["/bin/sh"])
