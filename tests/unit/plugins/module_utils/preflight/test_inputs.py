# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Preflight's judgement: what people get wrong, and that each of it is one sentence with value, choices and remedy."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._findings import Finding
from ansible_collections.rhaii.gke.plugins.module_utils._preflight.inputs import File, Inputs, amount, judge
from ansible_collections.rhaii.gke.plugins.module_utils._preflight.models import ROUTED, RULES, RULES_OF_A_MODEL
from ansible_collections.rhaii.gke.plugins.module_utils._preflight.tools import Tools
from ansible_collections.rhaii.gke.plugins.module_utils._quota.families import FAMILIES

ROLES = Path(__file__).parents[5] / "roles"
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
        helm="/usr/bin/helm",
        helm_version="v3.17.0",
        charts={"charts/lws-operator": True, "oci://r/kserve": True},
        packages={"kubernetes": "37.0.2", "google-cloud-container": "2.57.0"},
        collections={"kubernetes.core": "6.2.0"},
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
    "model fields",
    "model chips",
    "model routes",
    "replicas",
    "pull secret",
    "hub token",
    "helm",
    "charts",
    "Python packages",
    "collections",
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


def test_public_form() -> None:
    bad = judge(replace(GOOD, project="", models=[model("a", replicas=1), model("b", replicas=1)]))
    missing = {
        "check": "project",
        "verdict": "failed",
        "found": "rhaii_project is not given.",
        "remedy": "Give the project's id (not its name or number) in the inventory.",
    }
    public = bad.public()
    assert public["findings"][:2] == [
        missing,
        {"check": "environment", "verdict": "ok", "found": "prod", "remedy": ""},
    ]
    assert [finding["check"] for finding in public.pop("findings")] == CHECKS
    assert public == {
        "failed": [missing],
        "nodes": 2,
        "chips": 8,
        "machine_type": "ct6e-standard-4t",
        "uris": ["hf://org/a", "hf://org/b"],
        "asks": {"access": False, "quota": False, "models": True},
    }


def test_tool_that_does_not_tell_is_no_failure() -> None:
    (finding,) = (
        each
        for each in judge(replace(GOOD, tools=replace(GOOD.tools, helm_version=""))).findings
        if each.check == "helm"
    )
    assert finding == Finding(
        "helm",
        "unknown",
        "/usr/bin/helm does not say its version.",
        "Helm 3.17 or newer is needed; see what `helm version` says there.",
    )


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
            "Install Helm 3.17 or newer, or name it with rhaii_helm_binary.",
            id="no helm",
        ),
        pytest.param(
            {"tools": replace(GOOD.tools, charts={"/sail-operator": False, "oci://r/kserve": True, "": False})},
            "charts",
            "No Helm chart is at /sail-operator, (none).",
            "Name the folder charts of a checkout of rhaii-on-xks (rhaii_operators_chart_folder), or leave it out: "
            "then they are fetched.",
            id="charts that are not there",
        ),
        pytest.param(
            {"tools": replace(GOOD.tools, packages={"kubernetes": "", "requests": "2.1", "google-auth": ""})},
            "Python packages",
            "For the Python that runs the tasks: missing: kubernetes, google-auth.",
            "Install them: pip install 'kubernetes>=24.2' google-auth",
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
            "The token in the value of rhaii_hf_token has a blank in it.",
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
            "rhaii_replicas is '2.5', which is no whole number.",
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
            {"provisioning": "reservation"},
            "provisioning",
            "rhaii_provisioning is reservation, and no reservation is named.",
            "Name it with rhaii_reservation, or the machines would be bought on demand.",
            id="reservation without a name",
        ),
        pytest.param(
            {"request_quota": True},
            "quota request",
            "rhaii_request_quota is set, and rhaii_contact_email is '', which is no mail address.",
            "Say with rhaii_contact_email where Google may ask back, or leave rhaii_request_quota out.",
            id="request for quota from nobody",
        ),
        pytest.param(
            {"cost_limit": "cheap"},
            "cost limit",
            "rhaii_cost_limit is 'cheap', which is no amount.",
            "Give dollars an hour, as in 40 or 12.5.",
            id="limit in words",
        ),
        pytest.param(
            {"accelerator": "v5p", "machine_type": "ct5p-hightpu-1t"},
            "machine type",
            "ct5p-hightpu-1t is no machine of TPU v5p that can serve alone.",
            "Use ct5p-hightpu-4t (rhaii_machine_type), or leave it empty.",
            id="machine that has no topology of its own",
        ),
        pytest.param(
            {"machine_type": "ct6e-standard-2t"},
            "machine type",
            "ct6e-standard-2t is no machine of TPU v6e (Trillium) that can serve alone.",
            "Use ct6e-standard-1t or ct6e-standard-4t or ct6e-standard-8t (rhaii_machine_type), or leave it empty.",
            id="size that there is not",
        ),
        pytest.param(
            {"topology": "4x4"},
            "machine type",
            "rhaii_tpu_topology is '4x4', and ct6e-standard-4t alone is 2x2: that is a slice of 4 machines, "
            "which is not "
            "supported.",
            "Leave rhaii_tpu_topology out, or give 2x2: a replica is one machine. For more chips a replica take "
            "a larger "
            "machine (rhaii_machine_type).",
            id="topology of several machines",
        ),
        pytest.param(
            {"accelerator": "v5p", "topology": "2x2x2"},
            "machine type",
            "rhaii_tpu_topology is '2x2x2', and ct5p-hightpu-4t alone is 2x2x1: that is a slice of 2 machines, "
            "which is "
            "not supported.",
            "Leave rhaii_tpu_topology out, or give 2x2x1: a replica is one machine. For more chips a replica "
            "take a larger "
            "machine (rhaii_machine_type).",
            id="larger than a v5p host",
        ),
        pytest.param(
            {"topology": "2x2x1"},
            "machine type",
            "rhaii_tpu_topology is '2x2x1', and ct6e-standard-4t alone is 2x2: no machine has that one.",
            "Leave rhaii_tpu_topology out, or give 2x2: a replica is one machine. For more chips a replica take "
            "a larger "
            "machine (rhaii_machine_type).",
            id="topology in three dimensions",
        ),
        pytest.param(
            {"topology": "big"},
            "machine type",
            "rhaii_tpu_topology is 'big', and ct6e-standard-4t alone is 2x2: that is no topology.",
            "Leave rhaii_tpu_topology out, or give 2x2: a replica is one machine. For more chips a replica take "
            "a larger "
            "machine (rhaii_machine_type).",
            id="topology in words",
        ),
        pytest.param(
            {"models": [model("a", resources={"google.com/tpu": 16}), model("b", args=["--tensor-parallel-size=8"])]},
            "model chips",
            "A replica has one machine, ct6e-standard-4t with 4 chips: a has google.com/tpu: 16, b has "
            "--tensor-parallel-size=8.",
            "Leave that out: a replica gets the 4 chips of its machine. A model that needs more takes a larger machine "
            "(rhaii_machine_type); replicas of several machines are not supported.",
            id="more chips than a machine has",
        ),
        pytest.param(
            {"models": [model("z"), *(model(name, headers={"x-model": name}) for name in "abcde")]},
            "model routes",
            "5 models beside the default one have headers that select them (a, b, c, d, e), and there is room "
            "for 3: an "
            "HTTPRoute holds 16 rules, and a model takes 4.",
            "Leave headers out of 2 of them, which are still reached at their own paths "
            "(/<namespace>/<name>/v1/...), or "
            "set routing_guide_paths: false.",
            id="more models than a route can tell apart",
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
        pytest.param(
            {"token_file": File("/keys/t", None, "The file /keys/t is locked.", "Give its key.")},
            "hub token",
            "The file /keys/t is locked.",
            "Give its key.",
            id="file that says why",
        ),
        pytest.param(
            {
                "names": {
                    "rhaii_cluster_name": "My_Cluster",
                    "rhaii_namespace": "models",
                    "rhaii_gateway_name": "g" * 58,
                }
            },
            "names",
            "rhaii_cluster_name is 'My_Cluster', and Google takes at most 40 lower-case letters, digits and '-', with "
            "a letter first and a letter or digit last. "
            f"rhaii_gateway_name is '{'g' * 58}', and its Service takes at most 57 lower-case letters, digits and '-', "
            "with a letter first and a letter or digit last.",
            "Give names that fit.",
            id="names",
        ),
        pytest.param(
            {"labels": {"rhaii_labels": {"owner": "jane@example.com"}, "cluster_tpu_node_labels": "team=a"}},
            "labels",
            "rhaii_labels has owner: 'jane@example.com', and Google takes at most 63 lower-case letters, digits, '_' "
            "and '-' for a value. cluster_tpu_node_labels is 'team=a', which are no labels by name.",
            "Give labels that fit, or leave them out.",
            id="labels",
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
        pytest.param("provisioning", {"provisioning": "reservation", "reservation": "r"}, "reservation", id="reserved"),
        pytest.param(
            "quota request",
            {"request_quota": True, "contact_email": "ops@example.com"},
            "Google may ask back at ops@example.com",
            id="request for quota",
        ),
        pytest.param("cost limit", {"cost_limit": "12.50"}, "12.5 USD an hour", id="limit of the command line"),
        pytest.param("cost limit", {"cost_limit": 0}, "0 USD an hour", id="nothing may be spent"),
        pytest.param(
            "machine type", {"topology": "2x2"}, "ct6e-standard-4t, 4 chips each", id="the machine's topology"
        ),
        pytest.param("model fields", {}, "none beyond the usual", id="no fields"),
        pytest.param(
            "model fields",
            {"models": [model("a", headers={"x": 1}), model("b", args=["--a", 7], resources={"cpu": 8})]},
            "args, resources, headers",
            id="all fields",
        ),
        pytest.param("model chips", {}, "4 a replica", id="chips"),
        pytest.param(
            "model chips",
            {"models": [model("a", args=["-tp", "4", "--x"]), model("b", args=["--tensor-parallel-size", 2])]},
            "4 a replica",
            id="no more than the machine has",
        ),
        pytest.param(
            "model chips",
            {"models": [model("a", resources={"google.com/tpu": "4"})]},
            "4 a replica",
            id="as many chips",
        ),
        pytest.param(
            "model routes",
            {"models": [model("z"), *(model(name, headers={"x-model": name}) for name in "abc"), model("y")]},
            "default z, by headers a, b, c",
            id="as many models as fit",
        ),
        pytest.param(
            "model routes",
            {"models": [model(name, headers={"x-model": name}) for name in "zabc"]},
            "default z, by headers a, b, c",
            id="default that has headers too",
        ),
        pytest.param("helm", {}, "3.17.0 (/usr/bin/helm)", id="the oldest helm"),
        pytest.param(
            "Python packages", {}, "kubernetes 37.0.2, google-cloud-container 2.57.0", id="packages with versions"
        ),
        pytest.param("collections", {}, "kubernetes.core 6.2.0", id="collections with versions"),
        pytest.param(
            "guide's commands",
            {"tools": replace(GOOD.tools, programs={"gcloud": "", "jq": "1.7", "kubectl": "1.36.3"})},
            "jq 1.7, kubectl 1.36.3; not here: gcloud (only for typing the guide's commands)",
            id="programs",
        ),
        pytest.param(
            "guide's commands",
            {"tools": replace(GOOD.tools, programs={"gcloud": "", "jq": ""})},
            "not here: gcloud, jq (only for typing the guide's commands)",
            id="no programs",
        ),
        pytest.param("model names", {}, "fit", id="one name"),
        pytest.param("model names", {"models": [model("a"), model("b" * 38)]}, "unique", id="two names"),
        pytest.param("model uris", {}, "hf://Qwen/Qwen2.5-3B-Instruct", id="uri"),
        pytest.param("model uris", {"models": [model("a"), model("b")]}, "hf://org/a, hf://org/b", id="uris"),
        pytest.param("replicas", {"models": [model("a", replicas=1), model("b", replicas=2)]}, "1, 2", id="replicas"),
        pytest.param("nodes", {"tpu_nodes": 4}, "4 for 3 replicas", id="a node more than replicas"),
        pytest.param("nodes", {"tpu_nodes": 3}, "3 for 3 replicas", id="as many nodes as replicas"),
        pytest.param("pull secret", {}, "has registry.redhat.io", id="pull secret"),
        pytest.param("pull secret", {"registry": ""}, "well-formed", id="pull secret for any registry"),
        pytest.param(
            "pull secret",
            {"pull_secret": File("p", json.dumps({"auths": {"*.redhat.io": {"auth": LOGIN}}}))},
            "has registry.redhat.io as *.redhat.io",
            id="pull secret of many registries",
        ),
        pytest.param(
            "pull secret",
            {"pull_secret": File("", None), "pull_secret_value": {"auths": {"registry.redhat.io": {"auth": LOGIN}}}},
            "has registry.redhat.io, given as rhaii_pull_secret",
            id="pull secret of an external store",
        ),
        pytest.param(
            "pull secret",
            {"pull_secret_value": "not looked at"},
            "has registry.redhat.io",
            id="the file wins over the value",
        ),
        pytest.param(
            "names",
            {"names": {"rhaii_cluster_name": "a", "rhaii_namespace": "b"}},
            "a, b",
            id="names",
        ),
        pytest.param("labels", {"labels": {"rhaii_labels": {"team": "a"}}}, "1 beside ours", id="labels"),
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


@pytest.mark.parametrize(
    ("topology", "said"),
    [
        ("1x1", "no machine has that one"),
        ("1x4", "no machine has that one"),
        ("2x3", "that is a slice of 2 machines, which is not supported"),
        ("2x4", "that is a slice of 2 machines, which is not supported"),
        ("3x3", "that is a slice of 3 machines, which is not supported"),
        ("4", "that is no topology"),
        ("2x2x2x2", "that is no topology"),
    ],
)
def test_topology_says_how_many_machines_it_would_take(topology: str, said: str) -> None:
    (finding,) = failed(topology=topology)
    assert finding.found == f"rhaii_tpu_topology is '{topology}', and ct6e-standard-4t alone is 2x2: {said}."


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


@pytest.mark.parametrize(("limit", "dollars"), [(40, 40.0), ("12.5", 12.5), (0, 0.0), ("0", 0.0)])
def test_amount_may_be_text(limit: Any, dollars: float) -> None:
    assert amount(limit) == dollars


@pytest.mark.parametrize("limit", [True, "nan", "inf", -1, [], "1,5"])
def test_no_amount_is_refused(limit: Any) -> None:
    assert [finding.check for finding in failed(cost_limit=limit)] == ["cost limit"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"args": "--max-model-len=4096"}, "a has args '--max-model-len=4096', which is no list"),
        ({"args": None}, "a has args None, which is no list"),
        ({"args": [{"--a": 1}]}, "a has the argument {'--a': 1}, which is no text"),
        ({"args": [True]}, "a has the argument True, which is no text"),
        ({"resources": ["cpu"]}, "a has resources ['cpu'], which are no amounts by name"),
        ({"resources": None}, "a has resources None, which are no amounts by name"),
        ({"resources": {"cpu": [8]}}, "a has the resource cpu: [8], which is no amount"),
        ({"resources": {"cpu": True}}, "a has the resource cpu: True, which is no amount"),
        ({"resources": {"cpu": ""}}, "a has the resource cpu: '', which is no amount"),
        ({"headers": "x-model: a"}, "a has headers 'x-model: a', which are no text by name"),
        ({"headers": {"x model": "a"}}, "a has the header 'x model', which HTTP does not allow"),
        ({"headers": {"": "a"}}, "a has the header '', which HTTP does not allow"),
        ({"headers": {"x-model": ["a"]}}, "a has the header x-model: ['a'], which is no text"),
        ({"headers": {"x-model": ""}}, "a has the header x-model: '', which is no text"),
        (
            {"args": "x", "headers": "y"},
            "a has args 'x', which is no list; a has headers 'y', which are no text by name",
        ),
    ],
)
def test_field_of_another_kind_is_refused_with_its_value(fields: dict[str, Any], said: str) -> None:
    (finding,) = failed(models=[model("a", **fields), model("b")])
    assert (finding.check, finding.found) == ("model fields", f"A field of rhaii_models is not of its kind: {said}.")
    assert "[--max-model-len=4096]" in finding.remedy


@pytest.mark.parametrize("headers", [None, {}, {"x-m": True}, {"x-m": 2.5}])
def test_headers_may_be_left_empty_or_plain_values(headers: Any) -> None:
    assert failed(models=[model("a", headers=headers)]) == []


@pytest.mark.parametrize(
    "args",
    [
        ["--tensor-parallel-size", "5"],
        ["-tp=5"],
        ["--x", "-tp", 5],
        ["--tensor-parallel-size"],
        ["-tp", "all"],
        ["-tp=", "4"],
        ["-tp=0"],
        ["-tp=-1"],
    ],
)
def test_parallelism_beyond_a_machine_is_refused(args: list[Any]) -> None:
    assert [finding.check for finding in failed(models=[model("a", args=args)])] == ["model chips"]


@pytest.mark.parametrize("chips", [1, 3, 5, "some"])
def test_chips_other_than_the_machines_are_refused(chips: Any) -> None:
    assert [each.check for each in failed(models=[model("a", resources={"google.com/tpu": chips})])] == ["model chips"]


def test_route_of_the_guides_paths_makes_as_many_rules_of_a_model() -> None:
    template = (ROLES / "routing" / "templates" / "guide_paths.yml.j2").read_text(encoding="utf-8")
    (paths,) = re.findall(r"^{% for path, target in \[(.*)\] %}$", template, re.MULTILINE)
    assert len(re.findall(r"\('/v1/", paths)) == RULES_OF_A_MODEL
    assert RULES == ROUTED * RULES_OF_A_MODEL


def test_route_is_not_judged_where_there_is_none() -> None:
    many = [model("z"), *(model(name, headers={"x-model": name}) for name in "abcd")]
    assert [finding.check for finding in failed(models=many)] == ["model routes"]
    assert failed(models=many, guide_paths=False) == []


def test_two_models_are_refused_where_kserve_names_their_rules_alike() -> None:
    two = [model("a"), model("b")]
    names = ("completions", "chat")
    (finding,) = failed(models=two, rule_names=names)
    assert (finding.check, finding.found) == (
        "model rules",
        "2 models (a, b) would share one gateway, and this KServe names the rules of each model's route alike "
        "(completions, chat). Istio tells rules apart by their names alone, so requests for one model would be routed "
        "for another.",
    )
    assert "rhaii_gateway_name" in finding.remedy
    assert failed(models=two) == []
    assert failed(models=two[:1], rule_names=names) == []


@pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda family: family.name)
def test_usual_machine_of_every_family_can_serve_alone(family: Any) -> None:
    assert failed(accelerator=family.name) == []


@pytest.mark.parametrize(
    ("changes", "access", "quota", "models"),
    [
        pytest.param({}, True, True, True, id="all is well"),
        pytest.param({"project": ""}, False, False, True, id="no project"),
        pytest.param({"location": "here"}, False, False, True, id="no zone"),
        pytest.param({"accelerator": "v9"}, True, False, True, id="no family"),
        pytest.param({"provisioning": "free"}, True, False, True, id="no way to buy"),
        pytest.param({"request_quota": True}, True, False, True, id="request without an address"),
        pytest.param({"replicas": -1}, True, False, True, id="no replicas"),
        pytest.param({"token_file": File("t", "")}, True, True, False, id="no token"),
        pytest.param({"models": [model("a", uri="x")]}, True, True, False, id="no uri"),
        pytest.param({"pull_secret": File("", None)}, True, True, True, id="what nobody is asked about"),
    ],
)
def test_what_is_worth_asking(changes: dict[str, Any], access: bool, quota: bool, models: bool) -> None:
    public = judge(replace(GOOD, **changes)).public()
    assert public["asks"] == {"access": access, "quota": quota, "models": models}
    # whatever is not asked has a finding that says why
    assert all(public["asks"].values()) or public["failed"]


def test_each_uri_is_asked_once() -> None:
    models = [model("a", uri="hf://o/m"), model("b", uri="hf://o/n"), model("c", uri="hf://o/m")]
    assert judge(replace(GOOD, models=models)).uris == ("hf://o/m", "hf://o/n")
