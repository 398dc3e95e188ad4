# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Preflight's judgement: what people get wrong, and that each of it is one sentence with value, choices and remedy."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._preflight import (
    File,
    Finding,
    Inputs,
    Tools,
    judge,
    quota_findings,
    table,
)
from ansible_collections.rhaii.gke.plugins.module_utils._quota.values import Info

from tests.unit.plugins.module_utils.quota.fake_google import (
    FAMILY,
    OTHER_REGION,
    OTHER_ZONE,
    ZONE,
    Google,
    family_row,
    play,
)

LOGIN = base64.b64encode(b"user:password").decode()
PULL_SECRET = File("pull.yaml", json.dumps({"auths": {"registry.redhat.io": {"auth": LOGIN}}}))
GOOD = Inputs(
    project="my-project",
    environment="prod",
    location="europe-west4-a",
    fallback_locations=["us-east5-a"],
    accelerator="v6e",
    machine_type="",
    provisioning="on_demand",
    models=[],
    replicas=None,
    tpu_nodes=None,
    pull_secret=PULL_SECRET,
    registry="registry.redhat.io",
    token_file=File("token", "hf_abc"),
    token="",
    tools=Tools(
        helm="/usr/bin/helm", charts={"charts/lws-operator": True, "oci://r/kserve": True}, missing_packages=[]
    ),
)
CHECKS = [
    "project",
    "environment",
    "location",
    "provisioning",
    "accelerator",
    "machine type",
    "models",
    "model names",
    "model uris",
    "replicas",
    "pull secret",
    "hub token",
    "helm",
    "charts",
    "Python packages",
]


def model(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "uri": f"hf://org/{name}", **more}


def failed(**changes: Any) -> list[Finding]:
    return [finding for finding in judge(replace(GOOD, **changes)).findings if finding.verdict == "failed"]


def found(check: str, **changes: Any) -> str:
    (finding,) = (each for each in judge(replace(GOOD, **changes)).findings if each.check == check)
    assert finding.verdict == "ok"
    return finding.found


def test_guides_inputs_are_good_and_need_twelve_chips() -> None:
    verdict = judge(GOOD)
    assert [finding.check for finding in verdict.findings] == CHECKS
    assert {finding.verdict for finding in verdict.findings} == {"ok"}
    assert (verdict.nodes, verdict.chips, verdict.machine_type) == (3, 12, "ct6e-standard-4t")


def test_public_form_has_the_failed_ones_apart() -> None:
    public = judge(replace(GOOD, accelerator="v9", tpu_nodes=4)).public()
    assert [finding["check"] for finding in public["failed"]] == ["accelerator"]
    assert public["failed"][0] in public["findings"]
    assert (public["nodes"], public["chips"], public["machine_type"]) == (4, 0, "")


@pytest.mark.parametrize(
    ("changes", "check", "said", "remedy"),
    [
        pytest.param(
            {"accelerator": "v7x"},
            "accelerator",
            "The accelerator v7x is not known.",
            "Use one of v5e, v5p, v6e (rhaii_accelerator).",
            id="unknown accelerator",
        ),
        pytest.param(
            {"tools": replace(GOOD.tools, helm="")},
            "helm",
            "helm is not on this host, and the operators are installed with it.",
            "Install Helm 3.14 or newer, or name it with rhaii_helm_binary.",
            id="no helm",
        ),
        pytest.param(
            {"tools": replace(GOOD.tools, charts={"/sail-operator": False, "oci://r/kserve": True, "": False})},
            "charts",
            "No Helm chart is at /sail-operator, (none).",
            "Name the folder charts of a checkout of rhaii-on-xks (rhaii_operators_chart_folder).",
            id="charts that are not there",
        ),
        pytest.param(
            {"tools": replace(GOOD.tools, missing_packages=["kubernetes", "google-auth"])},
            "Python packages",
            "Missing for the Python that runs the tasks: kubernetes, google-auth.",
            "Install them: pip install kubernetes google-auth",
            id="missing packages",
        ),
        pytest.param(
            {"machine_type": "ct5lp-hightpu-4t"},
            "machine type",
            "ct5lp-hightpu-4t is not a machine type of TPU v6e (Trillium).",
            "Use one that starts with ct6e-, as in ct6e-standard-4t (rhaii_machine_type), or leave it empty.",
            id="machine type of another family",
        ),
        pytest.param(
            {"token_file": File("/keys/hf-token", None)},
            "hub token",
            "The file /keys/hf-token (rhaii_hf_token_file) does not exist or cannot be read.",
            "Name a file with the Hugging Face token.",
            id="missing token file",
        ),
        pytest.param(
            {"token_file": File("", None)},
            "hub token",
            "No Hugging Face token is given.",
            "Put it in a file and name that with rhaii_hf_token_file (-e rhaii_hf_token_file=...).",
            id="no token at all",
        ),
        pytest.param(
            {"token_file": File("/keys/hf-token", " ")},
            "hub token",
            "/keys/hf-token: The token file is empty.",
            "Give a file with nothing but the token, or a Secret with one value as YAML (rhaii_hf_token_file).",
            id="empty token file",
        ),
        pytest.param(
            {"token_file": File("", None), "token": "two words"},
            "hub token",
            "The token in the token file has a blank in it.",
            "Give a file with nothing but the token, or a Secret with one value as YAML (rhaii_hf_token_file).",
            id="token with a blank",
        ),
        pytest.param(
            {"pull_secret": File("pull.yaml", "auths: [")},
            "pull secret",
            "pull.yaml: The pull secret is neither YAML nor JSON (line 1).",
            "Give a Secret of the type kubernetes.io/dockerconfigjson as YAML, or the JSON file itself, as downloaded "
            "from https://console.redhat.com/openshift/install/pull-secret (rhaii_pull_secret_file).",
            id="malformed pull secret",
        ),
        pytest.param(
            {"pull_secret": File("", None)},
            "pull secret",
            "rhaii_pull_secret_file is not given.",
            "Name the file with the registry credentials (as redhat-pull-secret.yaml of the guide).",
            id="no pull secret",
        ),
        pytest.param(
            {"pull_secret": File("/keys/pull.yaml", None)},
            "pull secret",
            "The file /keys/pull.yaml (rhaii_pull_secret_file) does not exist or cannot be read.",
            "Name a file with the registry credentials (as redhat-pull-secret.yaml of the guide).",
            id="missing pull secret",
        ),
        pytest.param(
            {"registry": "quay.io"},
            "pull secret",
            "pull.yaml: The pull secret has no entry for quay.io; it has registry.redhat.io.",
            "Give a Secret of the type kubernetes.io/dockerconfigjson as YAML, or the JSON file itself, as downloaded "
            "from https://console.redhat.com/openshift/install/pull-secret (rhaii_pull_secret_file).",
            id="pull secret of another registry",
        ),
        pytest.param(
            {"replicas": "-1"},
            "replicas",
            "The number of replicas is not possible: qwen-3b-tpu-svc has -1.",
            "Give 1 or more (replicas in rhaii_models, or -e rhaii_replicas).",
            id="replicas below zero",
        ),
        pytest.param(
            {"models": [model("a", replicas=0), model("b", replicas=1), model("c", replicas=-2)]},
            "replicas",
            "The number of replicas is not possible: a has 0, c has -2.",
            "Give 1 or more (replicas in rhaii_models, or -e rhaii_replicas).",
            id="replicas of several models",
        ),
        pytest.param(
            {"replicas": "2.5"},
            "models",
            "replicas of the model qwen-3b-tpu-svc is '2.5', which is no whole number.",
            "Give a number, as in 3.",
            id="half a replica",
        ),
        pytest.param(
            {"models": [model("qwen"), model("gemma"), model("qwen")]},
            "model names",
            "More than one model of rhaii_models is named qwen.",
            "Give every model a name of its own.",
            id="two models of one name",
        ),
        pytest.param(
            {"models": [model("b"), model("a"), model("b"), model("a")]},
            "model names",
            "More than one model of rhaii_models is named a, b.",
            "Give every model a name of its own.",
            id="twice two models of one name",
        ),
        pytest.param(
            {"models": [model("Qwen_3B"), model("ok"), model("m.n")]},
            "model names",
            "Qwen_3B, m.n cannot be the name of a model.",
            "Use at most 38 lower-case letters, digits and '-', starting with a letter.",
            id="name that Kubernetes refuses",
        ),
        pytest.param(
            {"models": [model("m", uri="org/m"), {"name": "n"}]},
            "model uris",
            "A model needs a uri: m has 'org/m', n has ''.",
            "Give one as in hf://Qwen/Qwen2.5-3B-Instruct.",
            id="model without a uri",
        ),
        pytest.param(
            {"models": model("qwen")},
            "models",
            "rhaii_models is one entry, not a list.",
            "Begin every model with a dash, as in - name: qwen-3b-tpu-svc.",
            id="a model, not a list",
        ),
        pytest.param(
            {"project": ""},
            "project",
            "rhaii_project is not given.",
            "Give the project's id (not its name or number) in the inventory.",
            id="no project",
        ),
        pytest.param(
            {"project": "My Project"},
            "project",
            "rhaii_project is 'My Project', which is no project id.",
            "Give the project's id (not its name or number) in the inventory.",
            id="the project's name",
        ),
        pytest.param(
            {"environment": "Prod"},
            "environment",
            "rhaii_environment is 'Prod', which cannot be a label in Google Cloud and Kubernetes.",
            "Use at most 63 lower-case letters, digits, '-' and '_', with a letter or digit at both ends "
            "(rhaii_environment, or the host's name in the inventory).",
            id="environment in capitals",
        ),
        pytest.param(
            {"location": "europe-west4"},
            "location",
            "europe-west4 is no zone.",
            "Give zones, as in europe-west4-a (rhaii_location, rhaii_fallback_locations).",
            id="a region",
        ),
        pytest.param(
            {"fallback_locations": ["us-east5-a", "mars"]},
            "location",
            "mars is no zone.",
            "Give zones, as in europe-west4-a (rhaii_location, rhaii_fallback_locations).",
            id="fallback that is no zone",
        ),
        pytest.param(
            {"fallback_locations": "us-east5-a"},
            "location",
            "rhaii_fallback_locations is 'us-east5-a', which is no list.",
            "Give a list of zones, as in [us-east5-a, us-central1-b].",
            id="fallback as text",
        ),
        pytest.param(
            {"provisioning": "cheap"},
            "provisioning",
            "rhaii_provisioning is 'cheap'.",
            "Use one of on_demand, spot, flex_start, reservation.",
            id="unknown way to buy",
        ),
        pytest.param(
            {"tpu_nodes": 2},
            "nodes",
            "3 replicas need 3 nodes, and cluster_tpu_nodes is 2.",
            "Give 3 or more, or leave cluster_tpu_nodes out: it follows the replicas then.",
            id="fewer nodes than replicas",
        ),
        pytest.param(
            {"tpu_nodes": "some"},
            "nodes",
            "cluster_tpu_nodes is 'some', which is no whole number.",
            "Give a number, as in 3.",
            id="nodes in words",
        ),
    ],
)
def test_bad_input_is_one_finding(changes: dict[str, Any], check: str, said: str, remedy: str) -> None:
    assert failed(**changes) == [Finding(check, "failed", said, remedy)]


def test_everything_wrong_is_found_in_one_pass() -> None:
    every = {
        "project": "x",
        "environment": "",
        "location": "here",
        "provisioning": "free",
        "accelerator": "gpu",
        "models": [model("A", replicas=-1, uri="x"), model("b")],
        "pull_secret": File("p", "{}"),
        "token_file": File("t", None),
    }
    assert [finding.check for finding in failed(**every)] == [
        "project",
        "environment",
        "location",
        "provisioning",
        "accelerator",
        "model names",
        "model uris",
        "replicas",
        "pull secret",
        "hub token",
    ]


@pytest.mark.parametrize(
    ("changes", "nodes", "chips", "machine_type"),
    [
        pytest.param({"replicas": 5}, 5, 20, "ct6e-standard-4t", id="replicas of the command line"),
        pytest.param({"tpu_nodes": "4"}, 4, 16, "ct6e-standard-4t", id="a spare node"),
        pytest.param({"tpu_nodes": 3}, 3, 12, "ct6e-standard-4t", id="exactly as many nodes"),
        pytest.param(
            {"models": [model("a", replicas=2), model("b", replicas=4)]}, 6, 24, "ct6e-standard-4t", id="two models"
        ),
        pytest.param({"machine_type": "ct6e-standard-8t"}, 3, 24, "ct6e-standard-8t", id="a larger machine"),
        pytest.param({"accelerator": "v5e"}, 3, 12, "ct5lp-hightpu-4t", id="another family"),
        pytest.param({"machine_type": "n2-standard-4"}, 3, 0, "n2-standard-4", id="no TPU machine"),
        pytest.param({"replicas": 0}, 0, 0, "ct6e-standard-4t", id="no replicas"),
        pytest.param({"tpu_nodes": 2}, 3, 12, "ct6e-standard-4t", id="too few nodes count as the replicas need"),
    ],
)
def test_what_is_needed(changes: dict[str, Any], nodes: int, chips: int, machine_type: str) -> None:
    verdict = judge(replace(GOOD, **changes))
    assert (verdict.nodes, verdict.chips, verdict.machine_type) == (nodes, chips, machine_type)


@pytest.mark.parametrize(
    ("check", "changes", "said"),
    [
        pytest.param("project", {"project": "example.com:my-project"}, "example.com:my-project", id="domain project"),
        pytest.param("environment", {"environment": "p"}, "p", id="a letter"),
        pytest.param("environment", {"environment": "1_a-2"}, "1_a-2", id="all that labels may have"),
        pytest.param("environment", {"environment": "e" * 63}, "e" * 63, id="as long as can be"),
        pytest.param("location", {}, "europe-west4-a, us-east5-a", id="both locations"),
        pytest.param("location", {"fallback_locations": []}, "europe-west4-a", id="no fallback"),
        pytest.param("provisioning", {"provisioning": "spot"}, "spot", id="spot"),
        pytest.param("accelerator", {}, "TPU v6e (Trillium)", id="the family's title"),
        pytest.param("machine type", {}, "ct6e-standard-4t, 4 chips each", id="the usual machine"),
        pytest.param("models", {"models": [model("a"), model("b")]}, "a, b", id="models"),
        pytest.param("model names", {}, "fit", id="one name"),
        pytest.param("model names", {"models": [model("a"), model("b" * 38)]}, "unique", id="two names"),
        pytest.param("model uris", {}, "hf://Qwen/Qwen2.5-3B-Instruct", id="uri"),
        pytest.param("model uris", {"models": [model("a"), model("b")]}, "hf://org/a, hf://org/b", id="uris"),
        pytest.param("replicas", {"models": [model("a", replicas=1), model("b", replicas=2)]}, "1, 2", id="replicas"),
        pytest.param("nodes", {"tpu_nodes": 4}, "4 for 3 replicas", id="a node more than replicas"),
        pytest.param("nodes", {"tpu_nodes": 3}, "3 for 3 replicas", id="as many nodes as replicas"),
        pytest.param("pull secret", {}, "has registry.redhat.io", id="pull secret"),
        pytest.param("pull secret", {"registry": ""}, "well-formed", id="pull secret for any registry"),
        pytest.param("hub token", {}, "well-formed", id="token file"),
        pytest.param(
            "hub token",
            {"token_file": File("", None), "token": "hf_abc"},
            "given as rhaii_hf_token, which process lists show; a file is better",
            id="token in a variable",
        ),
        pytest.param("hub token", {"token": "not looked at"}, "well-formed", id="the file wins over the variable"),
    ],
)
def test_good_input_says_what_was_found(check: str, changes: dict[str, Any], said: str) -> None:
    assert found(check, **changes) == said


@pytest.mark.parametrize("environment", ["", "-a", "a-", "_a", "a_", "a.b", "e" * 64, "a\n"])
def test_environment_that_cannot_be_a_label_is_refused(environment: str) -> None:
    assert [finding.check for finding in failed(environment=environment)] == ["environment"]


@pytest.mark.parametrize("name", ["m" * 39, "1m", "-m", "m-", "m.n", "M"])
def test_model_name_that_cannot_be_a_service_is_refused(name: str) -> None:
    assert [finding.check for finding in failed(models=[model(name)])] == ["model names"]


@pytest.mark.parametrize("project", ["short", "a" * 31, "-abcdef", "abcdef-", "12345678", "a_bcdef"])
def test_no_project_id_is_refused(project: str) -> None:
    assert [finding.check for finding in failed(project=project)] == ["project"]


@pytest.mark.parametrize("project", ["abcdef", "a" * 30, "a1-b2c3"])
def test_project_id(project: str) -> None:
    assert found("project", project=project) == project


def asked_of(google: Google, location: str = ZONE) -> list[Finding]:
    return quota_findings(play(google, locations=[location, OTHER_ZONE], fail_on_insufficient=False))


def test_quota_of_eight_for_twelve_chips_is_one_finding_that_failed() -> None:
    quota, machine = asked_of(Google(infos={FAMILY: Info((family_row(8), family_row(12, OTHER_REGION)))}))
    assert quota == Finding(
        "TPU quota",
        "failed",
        "europe-west4-a: quota of 8 for 12 chips in europe-west4 (as it is set)",
        f"Ask for 12 of {FAMILY} (region=europe-west4, tpu_family=CT6E) at "
        "https://console.cloud.google.com/iam-admin/quotas?project=p&service=compute.googleapis.com, "
        "choose another zone (rhaii_location) or way to buy (rhaii_provisioning), or fewer replicas. "
        "These have enough: us-east5-a (rhaii_location).",
    )
    assert (machine.check, machine.verdict, machine.remedy) == ("machine type offered", "ok", "")


def test_zone_without_the_machine_type_is_one_finding_that_failed() -> None:
    quota, machine = asked_of(Google(), "europe-west4-c")
    assert (quota.check, quota.verdict) == ("TPU quota", "ok")
    assert machine == Finding(
        "machine type offered",
        "failed",
        "europe-west4-c: the machine type ct6e-standard-4t is not offered in europe-west4-c",
        "It is offered in: europe-west4-a, us-east5-a. Choose a zone that has it (rhaii_location).",
    )


@pytest.mark.parametrize(
    ("verdict", "becomes"), [("sufficient", "ok"), ("insufficient", "failed"), ("unknown", "unknown")]
)
def test_only_the_first_candidate_is_the_environments(verdict: str, becomes: str) -> None:
    check = {"check": "TPU quota", "verdict": verdict, "reason": "because", "remedy": "do"}
    first = {"location": "z", "checks": [check]}
    other = {"location": "y", "checks": [{**check, "reason": "not looked at"}]}
    assert quota_findings({"candidates": [first, other]}) == [Finding("TPU quota", becomes, "z: because", "do")]


@pytest.mark.parametrize(
    ("granted", "reconciling", "detail", "verdict", "said"),
    [
        pytest.param(16, False, "", "ok", "Google granted 16 of Q", id="granted"),
        pytest.param(8, True, "", "unknown", "Google was asked for 16 of Q: being decided", id="being decided"),
        pytest.param(None, True, "", "unknown", "Google was asked for 16 of Q: being decided", id="nothing yet"),
        pytest.param(8, False, "denied", "unknown", "Google was asked for 16 of Q: denied", id="denied"),
        pytest.param(8, False, "", "unknown", "Google was asked for 16 of Q: not granted", id="without a word"),
    ],
)
def test_what_was_asked_of_google_is_a_finding(
    granted: int | None, reconciling: bool, detail: str, verdict: str, said: str
) -> None:
    sent = {"quota_id": "Q", "preferred_value": 16, "granted_value": granted, "reconciling": reconciling}
    result = {"candidates": [{"location": "z", "checks": []}], "sent": [{**sent, "state_detail": detail}]}
    (finding,) = quota_findings(result)
    assert (finding.check, finding.verdict, finding.found) == ("quota request", verdict, said)
    assert bool(finding.remedy) is (verdict != "ok")


def test_table_puts_remedies_beneath() -> None:
    findings = [
        {"check": "project", "verdict": "ok", "found": "p", "remedy": ""},
        {"check": "pull secret", "verdict": "failed", "found": "none", "remedy": "Give one."},
    ]
    assert table(findings) == [
        "ok      project      p",
        "failed  pull secret  none",
        "                     -> Give one.",
    ]
    assert table([]) == []
