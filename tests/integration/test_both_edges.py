# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The same calls through the module and through the action plugin give equal results."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.rhaii.gke.plugins.module_utils._google import DEFAULT_ENDPOINTS

from tests.integration.google_stub import GoogleStub
from tests.integration.kubernetes_stub import KubernetesStub, Namespace
from tests.unit.plugins.module_utils.llmisvc import fake_cluster as bodies

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BIN = Path(sys.executable).parent

Json = dict[str, Any]

QUOTAS: dict[str, Json] = {
    "TPUS-PER-TPU-FAMILY-per-project-region": {
        "dimensionsInfos": [
            {"dimensions": {"region": "europe-west4", "tpu_family": "CT6E"}, "details": {"value": "12"}},
            {"details": {}},
        ]
    }
}

QUOTA = {"chips": 12, "locations": ["europe-west4-a"]}
RANKED = {
    "locations": ["europe-west4-a", "us-east5-a"],
    "provisioning": ["on_demand", "spot"],
    "standard_pool": {"machine_type": "e2-standard-4", "nodes": 2},
}
ASKED = {"chips": 16, "request_increase": True, "contact_email": "a@b.c", "fail_on_insufficient": False}
CLUSTER = {"location": "europe-west4-a", "name": "c", "environment": "prod", "wait_interval": 0.05}
POOL = {"location": "europe-west4-a", "cluster": "c", "name": "tpu-pool", "environment": "prod", "wait_interval": 0.05}
PLACE = {"location": "europe-west4-a", "name": "c", "environment": "prod"}
LEFT = {"locations": ["europe-west4-a"], "cluster": "c", "environment": "prod"}
STANDING = {"locations": ["europe-west4-a"], "cluster": "c", "environment": "prod"}
SILENCE = "http://127.0.0.1:9"
COST = {
    "candidates": [{"location": "europe-west4-a"}, {"location": "us-east5-a", "provisioning": "spot"}],
    "standard_pool": {"machine_type": "e2-standard-4", "nodes": 2},
    "tpu_nodes": 3,
}
SILENT = {"running_tpu_nodes": 5, "endpoints": {"cloudbilling": "http://127.0.0.1:9"}}
TPU = {"machine_type": "ct6e-standard-4t"}
REMOVAL = {
    "location": "europe-west4-a",
    "cluster": "c",
    "node_pool": "tpu-pool",
    "nodes": ["n"],
    "host": "http://127.0.0.1:9",
    "api_key": "a-token",
}
LONG_INTERVAL = 60.0
SERVICE = {"name": bodies.NAME, "namespace": "ready", "wait_interval": 0.1, "fail_fast_after": 0.3}
LOOKED = {"fail_on_problem": False, "location": "europe-west4-a"}
MODELS = {"uris": ["hf://Qwen/Qwen2.5-3B-Instruct", "hf://nobody"], "fail_on_problem": False}
ENVIRONMENT = {"services": {bodies.NAME: 3}, "namespace": "ready", "tpu_pool_name": "pool"}
HUB = {"endpoint": "http://127.0.0.1:9", "token": "a-token"}
# Their host is the stub of Kubernetes; the others' are Google's.
OF_KUBERNETES = ("llmisvc_diagnose", "llmisvc_wait_ready", "environment_check", "objects_info", "model_pods_label")
OF_NEITHER = ("run_stage", "run_folder", "report_file", "place_answers")

# In order: each call finds what the ones before it left.
CALLS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "quota that suffices": ("tpu_quota_check", QUOTA, {}),
    "quota that does not": ("tpu_quota_check", {**QUOTA, "chips": 16}, {}),
    "zone without the machine": ("tpu_quota_check", {**QUOTA, "locations": ["us-east5-a"]}, {}),
    "ranking of candidates": ("tpu_quota_check", {**QUOTA, **RANKED, "fail_on_insufficient": False}, {}),
    "quota to be asked for": ("tpu_quota_check", {**QUOTA, **ASKED}, {"check_mode": True}),
    "quota asked for": ("tpu_quota_check", {**QUOTA, **ASKED}, {}),
    "quota asked for already": ("tpu_quota_check", {**QUOTA, **ASKED}, {}),
    "nobody to ask back": ("tpu_quota_check", {**QUOTA, "request_increase": True}, {}),
    "unknown accelerator": ("tpu_quota_check", {**QUOTA, "accelerator": "v7"}, {}),
    "missing option": ("tpu_quota_check", {"locations": ["europe-west4-a"]}, {}),
    "option of the wrong type": ("tpu_quota_check", {**QUOTA, "chips": "many"}, {}),
    "unknown option": ("tpu_quota_check", {**QUOTA, "chip": 1}, {}),
    "rule across options": ("tpu_quota_check", {**QUOTA, "auth_kind": "serviceaccount"}, {}),
    "refused token, which is not shown": ("tpu_quota_check", {**QUOTA, "access_token": "a-bad-token"}, {}),
    "access, with a permission missing": ("gcp_access_check", {}, {}),
    "access that is only looked at": (
        "gcp_access_check",
        {**LOOKED, "features": ["reservation"]},
        {"check_mode": True},
    ),
    "access for a feature that there is not": ("gcp_access_check", {"features": ["flying"]}, {}),
    "models of a hub that is away": ("model_access_check", MODELS, {}),
    "models without a uri": ("model_access_check", {}, {}),
    "nobody answers": ("gke_cluster", {**CLUSTER, "endpoints": {"container": "http://127.0.0.1:9"}}, {}),
    "cluster in check mode": ("gke_cluster", CLUSTER, {"check_mode": True, "diff": True}),
    "cluster created": ("gke_cluster", {**CLUSTER, "labels": {"team": "ml"}}, {"diff": True}),
    "cluster as it is": ("gke_cluster", CLUSTER, {"diff": True}),
    "cluster in another channel": ("gke_cluster", {**CLUSTER, "release_channel": "stable"}, {"diff": True}),
    "cluster that cannot change": ("gke_cluster", {**CLUSTER, "dataplane_v2": False}, {"diff": True}),
    "cluster of another environment": ("gke_cluster", {**CLUSTER, "environment": "dev"}, {}),
    "pool with a topology": ("gke_node_pool", {**POOL, **TPU, "node_count": 3, "topology": "2x2"}, {}),
    "pool created": ("gke_node_pool", {**POOL, **TPU, "node_count": 3}, {"diff": True}),
    "pool as it is": ("gke_node_pool", {**POOL, **TPU, "node_count": 3, "spot": False}, {}),
    "pool of another environment": ("gke_node_pool", {**POOL, "environment": "dev"}, {"check_mode": True}),
    "nodes of another environment": ("gke_node_remove", {**REMOVAL, "environment": "dev"}, {}),
    "nodes of no environment": ("gke_node_remove", REMOVAL, {}),
    "quota beside our own pool": ("tpu_quota_check", {**QUOTA, "cluster": "c", "node_pool": "tpu-pool"}, {}),
    "quota beside a foreign pool": ("tpu_quota_check", QUOTA, {}),
    "place of a cluster": ("gke_place", {**PLACE, "candidates": ["us-east5-a"]}, {}),
    "cost from the table": ("gke_cost", {**COST, "catalog_timeout": 0}, {}),
    "cost without a price list": ("gke_cost", {**COST, **SILENT}, {"check_mode": True}),
    "cost of nothing": ("gke_cost", {**COST, "candidates": []}, {}),
    "belongings of an environment": ("gke_leftovers", LEFT, {}),
    "belongings without a place": ("gke_leftovers", {"cluster": "c", "environment": "prod"}, {}),
    "what is up": ("gke_standing", {**STANDING, "catalog_timeout": 0}, {}),
    "what is up of a cloud that is away": ("gke_standing", {**STANDING, "endpoints": {"container": SILENCE}}, {}),
    "what is up of nobody": ("gke_standing", {}, {}),
    "stage of a run that nobody began": ("run_stage", {"verb": "deploy", "own_folder": "/nowhere", "ended": "ok"}, {}),
    "stage that nobody named": ("run_stage", {"verb": "deploy"}, {}),
    "place that does not answer": ("place_answers", {"url": SILENCE, "hint": "Start it."}, {}),
    "place of which nothing is asked": ("place_answers", {}, {}),
    "report that is published": ("report_file", {"publish": "rhaii_prod", "report": {"ready": True}}, {}),
    "report for nobody": ("report_file", {"report": {}}, {}),
    "folder that is gone already": ("run_folder", {"state": "absent"}, {}),
    "folder of somebody else": ("run_folder", {"path": "/etc", "state": "absent"}, {}),
    "report in a place that there cannot be": ("report_file", {"path": "/dev/null/report.json", "report": {}}, {}),
    "objects of a cluster that is away": ("objects_info", {"kind": "Pod", "host": SILENCE}, {}),
    "objects of no kind": ("objects_info", {}, {}),
    "pods that have their label": ("model_pods_label", {"namespace": "ready", "services": ["none"]}, {}),
    "pods of no services": ("model_pods_label", {"namespace": "ready"}, {}),
    "pool resized": ("gke_node_pool", {**POOL, "node_count": 5}, {"diff": True}),
    "pool that cannot change": ("gke_node_pool", {**POOL, "spot": True}, {"diff": True}),
    "pool deleted": ("gke_node_pool", {**POOL, "state": "absent"}, {"diff": True}),
    "cluster deleted": ("gke_cluster", {**CLUSTER, "state": "absent"}, {"diff": True}),
    "cluster gone": ("gke_cluster", {**CLUSTER, "state": "absent"}, {}),
    "service that is ready": ("llmisvc_wait_ready", {**SERVICE, "replicas": 3}, {}),
    "service that becomes ready": (
        "llmisvc_wait_ready",
        {**SERVICE, "namespace": "coming", "wait_interval": LONG_INTERVAL},
        {},
    ),
    "service in check mode": ("llmisvc_wait_ready", {**SERVICE, "namespace": "pending"}, {"check_mode": True}),
    "service looked at once": ("llmisvc_wait_ready", {**SERVICE, "namespace": "broken", "wait": False}, {}),
    "service not ready in time": ("llmisvc_wait_ready", {**SERVICE, "namespace": "pending", "wait_timeout": 1}, {}),
    "service without its pull secret": ("llmisvc_wait_ready", {**SERVICE, "namespace": "broken"}, {}),
    "service that is stopped": ("llmisvc_wait_ready", {**SERVICE, "namespace": "stopped"}, {}),
    "service that is missing": ("llmisvc_wait_ready", {**SERVICE, "namespace": "empty", "missing_timeout": 0}, {}),
    "service without a name": ("llmisvc_wait_ready", {"namespace": "ready"}, {}),
    "environment that is looked at": ("environment_check", {**ENVIRONMENT, "fail_on_problem": False}, {}),
    "environment in check mode": ("environment_check", {**ENVIRONMENT, "secrets": ["none"]}, {"check_mode": True}),
    "environment that is diagnosed": ("llmisvc_diagnose", ENVIRONMENT, {}),
    "diagnosis in check mode": ("llmisvc_diagnose", {**ENVIRONMENT, "pull_secret": "none"}, {"check_mode": True}),
    "environment without services": ("environment_check", {"namespace": "ready"}, {}),
    "cluster that does not answer": ("llmisvc_wait_ready", {**SERVICE, "host": "http://127.0.0.1:9"}, {}),
    "cluster that refuses the token": ("llmisvc_wait_ready", {**SERVICE, "api_key": "a-bad-token"}, {}),
}
FAILING = {
    "quota that does not": "quota of 12 for 16 chips in europe-west4",
    "zone without the machine": "It is offered in: europe-west4-a.",
    "nobody to ask back": "request_increase is True but all of the following are missing: contact_email",
    "unknown accelerator": "value of accelerator must be one of: v5e, v5p, v6e, got: v7",
    "missing option": "missing required arguments: chips",
    "belongings without a place": "missing required arguments: locations",
    "what is up of nobody": "missing required arguments: environment",
    "stage that nobody named": "The first call of a run names no stage.",
    "stage of a run that nobody began": "/nowhere is no folder of a run that this module began.",
    "place that does not answer": "http://127.0.0.1:9 does not answer",
    "report for nobody": "one of the following is required: path, publish",
    "folder of somebody else": "/etc is no folder that run_folder made.",
    "report in a place that there cannot be": "Could not keep the report in /dev/null/report.json",
    "objects of a cluster that is away": "the API server at http://127.0.0.1:9 does not answer",
    "objects of no kind": "missing required arguments: kind",
    "pods of no services": "missing required arguments: services",
    "option of the wrong type": "which is not a whole number",
    "unknown option": "Unsupported parameters",
    "rule across options": "service_account_file",
    "refused token, which is not shown": "Google refused the access token that was given",
    "access, with a permission missing": "missing on PROJECT: container.clusters.create (creates the cluster)",
    "access for a feature that there is not": "value of features must be one or more of: reservation, ",
    "models without a uri": "missing required arguments: uris",
    "nobody answers": "no answer from http://127.0.0.1:9 (Connection refused)",
    "cluster that cannot change": "dataplane_v2 is true",
    "cluster of another environment": "belongs to the environment prod",
    "pool with a topology": "GKE refuses that",
    "pool of another environment": "belongs to the environment prod",
    "nodes of another environment": "belongs to the environment prod",
    "nodes of no environment": "missing required arguments: environment",
    "quota beside a foreign pool": "12 used",
    "cost of nothing": "No candidate is given.",
    "pool that cannot change": "spot is false, wanted true",
    "service not ready in time": "was not ready within 1 s (0 of 3 replicas ready)",
    "service without its pull secret": "the pull secret rhaiis-pull-secret does not exist in broken",
    "service that is stopped": "serving.kserve.io/stop",
    "service that is missing": f"There is no LLMInferenceService {bodies.NAME} in the namespace empty.",
    "service without a name": "missing required arguments: name",
    "environment in check mode": "secrets: missing: none",
    "environment without services": "missing required arguments: services",
    "cluster that does not answer": "the API server at http://127.0.0.1:9 does not answer",
    "cluster that refuses the token": "Could not find KServe's API: 401 Unauthorized",
}
CHANGING = {
    "quota to be asked for",
    "quota asked for",
    "cluster in check mode",
    "cluster created",
    "cluster in another channel",
    "pool created",
    "pool resized",
    "pool deleted",
    "cluster deleted",
}

IN_PROCESS, AS_MODULE = "in-process", "as-module"


def namespaces() -> dict[str, Namespace]:
    """A namespace for each way that a service can be."""

    def of(service: Json, deployment: Json, pods: list[Json], later: Any = None) -> Namespace:
        deployment["metadata"]["labels"] = pods[0]["metadata"]["labels"]
        sets = bodies.replica_set()
        sets["metadata"]["labels"] |= bodies.WORKLOAD
        return Namespace(
            {
                "llminferenceservices": [service],
                "deployments": [deployment],
                "replicasets": [sets],
                "pods": pods,
                "events": [
                    {**bodies.warning(pods[0], "Odd", "of the pod"), "type": "Warning", "metadata": {"name": "e"}}
                ],
            },
            later=later,
        )

    ready = (bodies.service(), bodies.deployment(), bodies.ready_pods())
    starting = (bodies.starting_service(), bodies.deployment(0))
    unpulled = bodies.waiting("ErrImagePull", "failed to authorize: 401 Unauthorized")
    return {
        "ready": of(*ready),
        "coming": of(*starting, [bodies.pending()], lambda itself: itself.objects.update(of(*ready).objects)),
        "pending": of(*starting, [bodies.pending()]),
        "broken": of(*starting, [bodies.pod(main=unpulled)]),
        "stopped": of(
            bodies.service(annotations={"serving.kserve.io/stop": "true"}), bodies.deployment(), [bodies.pod()]
        ),
    }


def playbook(google: str, kubernetes: str) -> list[dict[str, Any]]:
    tasks = []
    of_google = {
        "project": "{{ inventory_hostname }}",
        "auth_kind": "accesstoken",
        "access_token": "a-token",
        "endpoints": dict.fromkeys((*DEFAULT_ENDPOINTS, "oauth2"), google),
    }
    of_kubernetes = {"host": kubernetes, "api_key": "a-token"}
    for name, (module, options, keywords) in CALLS.items():
        where = {
            "model_access_check": HUB,
            **{module: {} for module in OF_NEITHER},
            **dict.fromkeys(OF_KUBERNETES, of_kubernetes),
        }
        given = {**where.get(module, of_google), **options}
        tasks.append({"name": name, f"rhaii.gke.{module}": given, "ignore_errors": True, **keywords})
    return [{"hosts": "all", "gather_facts": False, "tasks": tasks}]


def ansible(folder: Path, plays: list[dict[str, Any]], **environment: str) -> subprocess.CompletedProcess[str]:
    (folder / "inventory.yml").write_text(
        yaml.safe_dump(
            {
                "all": {
                    "hosts": {
                        IN_PROCESS: {"ansible_connection": "local"},
                        AS_MODULE: {"ansible_connection": "elsewhere"},
                    },
                    "vars": {"ansible_python_interpreter": sys.executable},
                }
            }
        )
    )
    (folder / "play.yml").write_text(yaml.safe_dump(plays, sort_keys=False))
    return subprocess.run(
        [str(BIN / "ansible-playbook"), "-i", str(folder / "inventory.yml"), str(folder / "play.yml")],
        env={
            **os.environ,
            "ANSIBLE_CONFIG": str(folder / "none.cfg"),
            "ANSIBLE_HOME": str(folder / "home"),
            "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
            "ANSIBLE_REMOTE_TEMP": str(folder / "tmp"),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".ansible/collections"),
            "ANSIBLE_CONNECTION_PLUGINS": str(HERE / "both_edges/connection_plugins"),
            "ANSIBLE_NOCOLOR": "1",
            **environment,
        },
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


def results_of(output: str) -> dict[str, dict[str, dict[str, Any]]]:
    """Task name -> host -> result, from the json callback; other lines are progress."""
    document = json.loads(output[output.index("{\n") :])
    return {task["task"]["name"]: task["hosts"] for task in document["plays"][0]["tasks"]}


def comparable(result: dict[str, Any], host: str) -> Any:
    """What the capability said, without what ansible-core adds and a clock says; the project, the host, made equal."""
    kept = {
        key: value
        for key, value in result.items()
        if not key.startswith("_ansible")
        and key not in ("invocation", "action", "warnings", "exception", "elapsed", "elapsed_in_turn", "stages")
    }
    return json.loads(json.dumps(kept, sort_keys=True).replace(host, "PROJECT"))


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, Any], str]]:
    with GoogleStub(QUOTAS) as google, KubernetesStub(namespaces()) as kubernetes:
        run = ansible(
            tmp_path_factory.mktemp("edges"),
            playbook(google.url, kubernetes.url),
            ANSIBLE_STDOUT_CALLBACK="ansible.posix.json",
        )
        assert "{\n" in run.stdout, run.stdout + run.stderr
        yield results_of(run.stdout), run.stdout + run.stderr


@pytest.mark.parametrize("name", CALLS)
def test_both_edges_give_equal_results(outcome: tuple[dict[str, Any], str], name: str) -> None:
    hosts = outcome[0][name]
    in_process = comparable(hosts[IN_PROCESS], IN_PROCESS)
    assert in_process == comparable(hosts[AS_MODULE], AS_MODULE)
    assert bool(in_process.get("failed")) is (name in FAILING), in_process.get("msg")
    if name in FAILING:
        assert FAILING[name] in in_process["msg"]
        # What ansible-core itself puts beside a failure without a traceback.
        assert hosts[IN_PROCESS].get("exception", "(traceback unavailable)") == "(traceback unavailable)"
    assert bool(in_process["changed"]) is (name in CHANGING)


def test_the_edge_in_process_shows_progress_and_the_module_none(outcome: tuple[dict[str, Any], str]) -> None:
    lines = [line for line in outcome[1].splitlines() if line.startswith("[")]
    assert f"[{IN_PROCESS}] cluster c: asking for it in europe-west4-a" in lines
    waits = "waiting for a node (0/2 nodes are available: 2 Insufficient google.com/tpu.)"
    said = re.compile(
        re.escape(f"[{IN_PROCESS}] {bodies.NAME} after ") + r"\d+ s: " + re.escape(f"replica aaaaa: {waits}")
    )
    assert any(said.fullmatch(line) for line in lines)
    assert not [line for line in lines if line.startswith(f"[{AS_MODULE}]")]


def test_a_service_that_becomes_ready_is_seen_by_watching(outcome: tuple[dict[str, Any], str]) -> None:
    for result in outcome[0]["service that becomes ready"].values():
        assert result["ready"] is True
        # the stub's watches show it after 0.2 seconds, a second look would after the interval
        assert result["elapsed"] < LONG_INTERVAL / 2
        assert len(result["pods"]) == 3


def test_no_token_is_shown(outcome: tuple[dict[str, Any], str]) -> None:
    assert "a-token" not in outcome[1]
    assert "a-bad-token" not in outcome[1]


@pytest.mark.parametrize(
    ("keyword", "said"),
    [
        pytest.param({"async": 60, "poll": 5}, "cannot be asynchronous", id="async"),
        pytest.param({"become": True}, "cannot become another one", id="become"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_sentence(tmp_path: Path, keyword: dict[str, Any], said: str) -> None:
    task = {"rhaii.gke.tpu_quota_check": {"project": "p", **QUOTA}, **keyword}
    run = ansible(tmp_path, [{"hosts": IN_PROCESS, "gather_facts": False, "tasks": [task]}])
    assert run.returncode == 2
    assert said in run.stdout + run.stderr
    assert "Traceback" not in run.stdout + run.stderr
