# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Input that cannot work: one clear error, with the value, what is allowed and the way out, before anything is made."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.rehearsal import Rehearsal

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(300)]

CANARY = "c2VjcmV0LW9mLXNvbWVib2R5"


@dataclass(frozen=True)
class Case:
    """Extra variables, a fault of the cloud, and the words that the error must have: value, allowed values, remedy."""

    title: str
    variables: dict[str, object]
    words: tuple[str, ...]
    fault: dict[str, object] | None = None


TWICE = [{"name": "qwen", "uri": "hf://Qwen/Qwen2.5-3B-Instruct"}, {"name": "qwen", "uri": "hf://google/gemma-2b-it"}]
CASES = (
    Case("unknown accelerator", {"rhaii_accelerator": "v7"}, ("v7", "v5e, v5p, v6e", "rhaii_accelerator")),
    Case(
        "zone without the machine type",
        {"rhaii_location": "europe-west4-b"},
        ("europe-west4-b", "ct6e-standard-4t", "europe-west4-a", "rhaii_location"),
    ),
    Case(
        "quota of 8 for 12 chips",
        {},
        ("quota of 8 for 12 chips in europe-west4", "console.cloud.google.com/iam-admin/quotas"),
        fault={"kind": "quota", "region": "europe-west4", "value": 8},
    ),
    Case(
        "missing token file",
        {"rhaii_hf_token_file": "/nonexistent/hf-token"},
        ("/nonexistent/hf-token", "rhaii_hf_token_file", "does not exist", "Name a file"),
    ),
    Case(
        "malformed pull secret",
        {"rhaii_pull_secret_file": "MALFORMED"},
        ("malformed.yaml", "neither YAML nor JSON", "kubernetes.io/dockerconfigjson", "rhaii_pull_secret_file"),
    ),
    Case(
        "pull secret without the key",
        {"rhaii_pull_secret_file": "KEYLESS"},
        (
            "keyless.yaml",
            "without the key .dockerconfigjson",
            "kubernetes.io/dockerconfigjson",
            "rhaii_pull_secret_file",
        ),
    ),
    Case("replicas -1", {"rhaii_replicas": "-1"}, ("qwen-3b-tpu-svc has -1", "Give 1 or more", "rhaii_replicas")),
    Case(
        "more dollars than allowed",
        {"rhaii_cost_limit": 30},
        ("USD an hour (on_demand, europe-west4-a)", "more than 30.00", "rhaii_cost_limit", "fewer replicas"),
    ),
    Case(
        "Kubernetes version that there is not",
        {"rhaii_kubernetes_version": "1.20"},
        ("1.20 is not on offer", "1.36.3-gke.1", "rhaii_kubernetes_version"),
    ),
    Case("two models of one name", {"rhaii_models": TWICE}, ("named qwen", "rhaii_models", "a name of its own")),
)


@pytest.fixture(scope="module")
def empty(rehearsal: Rehearsal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Rehearsal, Path]]:
    """A sandbox with nothing in it, and a folder with files that are wrong."""
    rehearsal.sandbox("up").succeeded()
    folder = tmp_path_factory.mktemp("inputs")
    (folder / "malformed.yaml").write_text(f"kind: Secret\ndata: [{CANARY}\n", encoding="utf-8")
    keyless = {"apiVersion": "v1", "kind": "Secret", "data": {"config.json": CANARY}}
    (folder / "keyless.yaml").write_text(json.dumps(keyless), encoding="utf-8")
    yield rehearsal, folder
    rehearsal.sandbox("fault", "clear").succeeded()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_bad_input_is_one_error_before_anything_is_made(empty: tuple[Rehearsal, Path], case: Case) -> None:
    rehearsal, folder = empty
    files = {"MALFORMED": str(folder / "malformed.yaml"), "KEYLESS": str(folder / "keyless.yaml")}
    variables = {name: files.get(str(value), value) for name, value in case.variables.items()}
    rehearsal.sandbox("fault", "clear").succeeded()
    if case.fault:
        rehearsal.sandbox("fault", "set", json.dumps(case.fault)).succeeded()
    before = rehearsal.cloud("/sandbox/audit")
    run = rehearsal.playbook("deploy", "-e", json.dumps(variables))
    refusal = run.refusal()
    missing = [word for word in case.words if word not in refusal]
    assert not missing, f"{missing} not in: {refusal}"
    assert CANARY not in run.output
    assert run.recap()["changed"] == 0
    assert rehearsal.cloud("/sandbox/audit") == before
    assert not any(rehearsal.left().values())


BY_HEADERS = [{**TWICE[0], "name": name, "replicas": 1, "headers": {"x": name}} for name in "abcde"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (
            {
                "rhaii_accelerator": "v7",
                "rhaii_replicas": "-1",
                "rhaii_hf_token_file": "/nonexistent/hf-token",
                "rhaii_provisioning": "reservation",
                "rhaii_models": [{**TWICE[0], "args": "--max-model-len=4096"}],
            },
            ("v7", "has -1", "/nonexistent/hf-token", "no reservation is named", "which is no list"),
        ),
        (
            {
                "rhaii_tpu_topology": "4x4",
                "rhaii_helm_binary": "/nonexistent/helm",
                "rhaii_models": [TWICE[0], *BY_HEADERS],
            },
            ("a slice of 4 machines, which is not supported", "helm is not on this host", "HTTPRoute holds 16 rules"),
        ),
    ],
    ids=["numbers and names", "machines and routes"],
)
def test_everything_wrong_is_said_at_once(
    empty: tuple[Rehearsal, Path], wrong: dict[str, object], words: tuple[str, ...]
) -> None:
    rehearsal, _ = empty
    refusal = rehearsal.playbook("deploy", "-e", json.dumps(wrong)).refusal()
    assert [word for word in words if word not in refusal] == []


def test_all_findings_are_in_one_table_and_one_file(empty: tuple[Rehearsal, Path]) -> None:
    rehearsal, folder = empty
    wrong = {"rhaii_hf_token_file": "/nonexistent/hf-token", "rhaii_report_folder": str(folder / "reports")}
    rehearsal.sandbox("fault", "clear").succeeded()
    rehearsal.sandbox("fault", "set", json.dumps({"kind": "quota", "region": "europe-west4", "value": 8})).succeeded()
    run = rehearsal.playbook("preflight", "-e", json.dumps(wrong))
    refusal = run.refusal()
    for words in (
        "ok project",
        "failed hub token",
        "failed TPU quota",
        "ok billing",
        "ok cost",
        "2 failed (hub token, TPU",
    ):
        assert words in refusal
    report = json.loads((folder / "reports" / "sandbox-preflight.json").read_text(encoding="utf-8"))
    assert not report["ready"]
    assert {each["check"] for each in report["findings"] if each["verdict"] == "failed"} == {"hub token", "TPU quota"}


def test_plain_words_say_who(empty: tuple[Rehearsal, Path]) -> None:
    rehearsal, _ = empty
    rehearsal.sandbox("fault", "clear").succeeded()
    good = rehearsal.playbook("preflight", "-e", "rhaii_report_style=plain").succeeded()
    assert "To be done:" not in good.output
    assert "We know what it costs." in good.output
    wrong = {"rhaii_report_style": "plain", "rhaii_pull_secret_file": "/nonexistent/pull.yaml"}
    refusal = rehearsal.playbook("preflight", "-e", json.dumps(wrong)).refusal()
    assert "Not ready yet: 1 thing has to be done first." in refusal
    assert "Who: whoever has your company's Red Hat account." in refusal
    assert "/nonexistent/pull.yaml" in refusal


def test_choices_become_an_inventory_that_serves(empty: tuple[Rehearsal, Path]) -> None:
    rehearsal, folder = empty
    rehearsal.sandbox("fault", "clear").succeeded()
    file = folder / "mine" / "hosts.yml"
    wanted = ["-e", json.dumps({"rhaii_write_inventory": str(file), "rhaii_environment": "mine", "rhaii_replicas": 2})]
    before = rehearsal.cloud("/sandbox/audit")
    foreseen = rehearsal.playbook("preflight", *wanted, "--check").succeeded()
    assert not file.exists()
    made = rehearsal.playbook("preflight", *wanted).succeeded()
    assert foreseen.changed() == made.changed() != []
    assert "Best: europe-west4-a as on_demand." in made.output
    assert "USD" in made.output
    again = rehearsal.playbook("preflight", "-i", str(file), "-e", f"rhaii_write_inventory={file}").succeeded()
    assert again.changed() == []
    text = file.read_text(encoding="utf-8")
    assert "replicas: 2" in text
    file.write_text(text + "# mine\n", encoding="utf-8")
    assert "is not what would be written" in rehearsal.playbook("preflight", *wanted).refusal()
    assert file.read_text(encoding="utf-8").endswith("# mine\n")
    assert rehearsal.cloud("/sandbox/audit") == before


def test_missing_api_is_enabled_when_wanted_and_not_in_check_mode(empty: tuple[Rehearsal, Path]) -> None:
    rehearsal, _ = empty
    rehearsal.sandbox("fault", "clear").succeeded()
    printed = rehearsal.sandbox("env").succeeded().output
    google = dict(
        re.findall(r'^export ((?:GCP_\w+|HTTPS_PROXY|NO_PROXY|REQUESTS_CA_BUNDLE))="(.*)"$', printed, re.MULTILINE)
    )
    switch = ("ansible", "localhost", "-m", "google.cloud.gcp_serviceusage_service", "-a")
    off = rehearsal.run(
        *switch,
        "name=iam.googleapis.com state=absent",
        env={**google, "ANSIBLE_PYTHON_INTERPRETER": sys.executable},
    )
    assert "CHANGED" in off.succeeded().output
    wanted = ("-e", "rhaii_enable_apis=true")
    foreseen = rehearsal.playbook("preflight", *wanted, "--check").succeeded()
    assert re.search(r"unknown APIs +not enabled: iam.googleapis.com", foreseen.output)
    assert foreseen.changed() == []
    made = rehearsal.playbook("preflight", *wanted).succeeded()
    assert made.changed() == ["rhaii.gke.preflight : enable_apis | Enable them"]
    assert re.search(r"ok +enabling APIs +enabled iam.googleapis.com", made.output)
    assert re.search(r"ok +APIs +\d+ enabled", made.output)


def test_check_mode_on_an_empty_project_makes_nothing(empty: tuple[Rehearsal, Path]) -> None:
    rehearsal, _ = empty
    rehearsal.sandbox("fault", "clear").succeeded()
    before = rehearsal.cloud("/sandbox/audit")
    run = rehearsal.playbook("deploy", "--check").succeeded()
    # the cluster would be made; what is in it cannot be foreseen
    assert run.changed() == ["rhaii.gke.cluster : create | Create the cluster and wait for it"]
    assert rehearsal.cloud("/sandbox/audit") == before
