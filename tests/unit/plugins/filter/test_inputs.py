# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters on inputs: plain values in, plain values out, and errors that Ansible shows as sentences."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible.module_utils._internal._datatag._tags import Deprecated
from ansible_collections.rhaii.gke.plugins.filter import inputs
from ansible_collections.rhaii.gke.plugins.filter.inputs import FilterModule
from ansible_collections.rhaii.gke.plugins.plugin_utils import _tools

FILTERS = FilterModule().filters()
FOLDER = Path(inputs.__file__).parent
LOGIN = {"auths": {"registry.redhat.io": {"username": "u", "password": "p"}}}
INPUTS: dict[str, Any] = {
    "project": "my-project",
    "environment": "prod",
    "location": "europe-west4-a",
    "fallback_locations": [],
    "accelerator": "v6e",
    "helm": sys.executable,
    "machine_type": "",
    "provisioning": "on_demand",
    "models": [],
    "replicas": "",
    "tpu_nodes": "",
    "registry": "registry.redhat.io",
    "pull_secret": "",
    "token_file": "",
    "token": "hf_abc",
}


@pytest.fixture(autouse=True)
def no_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of this machine are no matter of the filters."""
    monkeypatch.setattr(_tools, "PROGRAMS", {})


def tagged(text: str) -> str:
    """A string as ansible-core 2.19 hands it out: of a class of its own."""
    value: str = Deprecated(msg="x").tag(text)
    assert type(value) is not str
    return value


@pytest.mark.parametrize("name", FILTERS)
def test_filter_is_documented_under_its_name(name: str) -> None:
    documented = yaml.safe_load((FOLDER / f"{name}.yml").read_text(encoding="utf-8"))
    assert documented["DOCUMENTATION"]["name"] == name
    assert f"rhaii.gke.{name}" in documented["EXAMPLES"]


def test_models_are_completed() -> None:
    (model,) = FILTERS["effective_models"]([{tagged("name"): tagged("m"), "uri": "hf://o/m"}], replicas=tagged("5"))
    assert (model["name"], model["replicas"], model["served_name"]) == ("m", 5, "o/m")
    assert type(model["name"]) is str


@pytest.mark.parametrize("nothing", [None, ""])
def test_what_the_command_line_leaves_out_changes_nothing(nothing: Any) -> None:
    (model,) = FILTERS["effective_models"](None, replicas=nothing, image=nothing)
    assert (model["replicas"], model["image"]) == (3, "registry.redhat.io/rhaiis/vllm-tpu-rhel9:3.2.5")


def test_secrets_are_read() -> None:
    assert json.loads(FILTERS["docker_config"](tagged(json.dumps(LOGIN)))) == LOGIN
    assert FILTERS["hf_token"](tagged("hf_abc\n")) == "hf_abc"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("effective_models", [{}], "Entry 1 of rhaii_models has no name"),
        ("docker_config", "{}", "The pull secret has no registries"),
        ("hf_token", "", "The token file is empty"),
        ("tpu_machine", "v9", "The accelerator v9 is not known"),
    ],
)
def test_refusal_is_a_sentence_of_ansible(name: str, value: Any, words: str) -> None:
    with pytest.raises(AnsibleFilterError, match=words):
        FILTERS[name](value)


@pytest.mark.parametrize(
    ("arguments", "machine_type", "chips", "topology"),
    [
        pytest.param(("v6e",), "ct6e-standard-4t", 4, "2x2", id="the usual one"),
        pytest.param(("v6e", ""), "ct6e-standard-4t", 4, "2x2", id="nothing else wanted"),
        pytest.param(("v6e", "ct6e-standard-8t"), "ct6e-standard-8t", 8, "2x4", id="a larger one"),
        pytest.param(("v6e", "n2-standard-4"), "n2-standard-4", 0, "", id="of no family"),
        pytest.param(("v5p",), "ct5p-hightpu-4t", 4, "2x2x1", id="another family"),
    ],
)
def test_tpu_machine(arguments: tuple[str, ...], machine_type: str, chips: int, topology: str) -> None:
    machine = FILTERS["tpu_machine"](*map(tagged, arguments))
    assert (machine["machine_type"], machine["chips"], machine["topology"]) == (machine_type, chips, topology)
    assert machine["accelerator"] == arguments[0]
    assert machine["node_selector"]["cloud.google.com/gke-tpu-topology"] == topology


def failed(**changes: Any) -> dict[str, str]:
    return {each["check"]: each["found"] for each in FILTERS["preflight_findings"]({**INPUTS, **changes})["failed"]}


def test_preflight_reads_the_files_that_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "pull.json").write_text(json.dumps(LOGIN), encoding="utf-8")
    (tmp_path / "token").write_text("hf_abc", encoding="utf-8")
    assert failed(pull_secret="~/pull.json", token_file=tagged(str(tmp_path / "token")), token="") == {}


def test_preflight_names_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes("Schlüssel".encode("latin-1"))
    assert failed(pull_secret=str(tmp_path / "latin"), token_file=str(tmp_path)) == {
        "pull secret": f"{tmp_path}/latin: The file is no text in UTF-8.",
        "hub token": f"{tmp_path} is no file.",
    }
    assert failed(token_file=str(tmp_path / "none")) == {
        "pull secret": "rhaii_pull_secret_file is not given.",
        "hub token": f"The file {tmp_path}/none does not exist.",
    }


def test_preflight_looks_for_charts_and_helm(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "Chart.yaml").touch()
    (tmp_path / "b.tgz").touch()
    there = [f"{tmp_path}/a", f"{tmp_path}/b.tgz", "oci://registry.example/kserve"]
    assert "charts" not in failed(charts=there)
    absent = [f"{tmp_path}/c", f"{tmp_path}/c.tgz"]
    found = failed(charts=there + absent, helm=str(tmp_path / "no-helm"))
    assert found["charts"] == f"No Helm chart is at {', '.join(absent)}."
    assert found["helm"] == "helm is not on this host, and the operators are installed with it."


def test_preflight_takes_what_is_left_out_as_empty() -> None:
    assert failed(pull_secret=None, project=None) == {
        "pull secret": "rhaii_pull_secret_file is not given.",
        "project": "rhaii_project is not given.",
    }
    assert "project" in {each["check"] for each in FILTERS["preflight_findings"]({})["failed"]}


@pytest.mark.parametrize(("replicas", "nodes"), [("", 3), (None, 3), ("5", 5), (0, 0)])
def test_preflight_tells_zero_replicas_from_none_given(replicas: Any, nodes: int) -> None:
    assert FILTERS["preflight_findings"]({**INPUTS, "replicas": replicas})["nodes"] == nodes


def test_preflight_reads_switches_as_ansible_writes_them() -> None:
    many = [{"name": "z", "uri": "hf://o/z"}, *({"name": n, "uri": "hf://o/m", "headers": {"x": n}} for n in "abcd")]
    assert "model routes" in failed(models=many, guide_paths=tagged("true"))
    assert "model routes" not in failed(models=many, guide_paths=tagged("false"))
    assert "quota request" in failed(request_quota="yes")
    assert "quota request" not in failed(request_quota="")
    assert "cost limit" in failed(cost_limit=tagged("much"))


def test_preflight_looks_for_collections() -> None:
    assert failed(collections=["kubernetes.core", "no.such"])["collections"] == "Ansible does not find no.such."


def test_report_is_of_plain_values() -> None:
    check = {"check": "TPU quota", "verdict": "sufficient", "reason": "enough", "remedy": ""}
    quota = {"candidates": [{"location": tagged("z"), "checks": [check]}]}
    (finding,) = FILTERS["preflight_report"]({"inputs": {"findings": []}, "quota": quota, "access": {}})
    assert finding == {"check": "TPU quota", "verdict": "ok", "found": "z: enough", "remedy": ""}
    assert type(finding["found"]) is str
    assert FILTERS["preflight_table"]([finding]) == ["ok      TPU quota  z: enough"]
    assert FILTERS["preflight_lines"]([finding]) == ["ok      TPU quota  z: enough", "1 checks: 1 ok."]
    assert FILTERS["preflight_lines"]([finding], tagged("plain"))[0] == "Everything is ready."


def test_style_that_there_is_not_is_refused() -> None:
    with pytest.raises(AnsibleFilterError, match=r"rhaii_report_style is 'short'\. Use technical or plain\."):
        FILTERS["preflight_lines"]([], "short")


def test_choices_without_an_answer_are_none() -> None:
    said = FILTERS["preflight_choices"]({}, {}, tagged("prod"), {"rhaii_project": tagged("my-project")})
    assert said["choices"] == []
    assert len(said["lines"]) == 1
    assert yaml.safe_load(said["inventory"])["all"]["vars"]["rhaii_project"] == "my-project"
