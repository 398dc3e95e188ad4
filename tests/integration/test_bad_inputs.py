# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Input that cannot work: one clear error, with the value, what is allowed and the way out, before anything is made."""

from __future__ import annotations

import json
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


def test_everything_wrong_is_said_at_once(empty: tuple[Rehearsal, Path]) -> None:
    rehearsal, _ = empty
    wrong = {"rhaii_accelerator": "v7", "rhaii_replicas": "-1", "rhaii_hf_token_file": "/nonexistent/hf-token"}
    refusal = rehearsal.playbook("deploy", "-e", json.dumps(wrong)).refusal()
    for word in ("v7", "has -1", "/nonexistent/hf-token"):
        assert word in refusal


def test_check_mode_on_an_empty_project_makes_nothing(empty: tuple[Rehearsal, Path]) -> None:
    rehearsal, _ = empty
    rehearsal.sandbox("fault", "clear").succeeded()
    before = rehearsal.cloud("/sandbox/audit")
    run = rehearsal.playbook("deploy", "--check").succeeded()
    # the cluster would be made; what is in it cannot be foreseen
    assert run.changed() == ["rhaii.gke.cluster : create | Create the cluster and wait for it"]
    assert rehearsal.cloud("/sandbox/audit") == before
