# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is on the controller: programs that say their version, or nothing, or never end."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ansible_collections.rhaii.gke.plugins.module_utils._preflight.tools import PACKAGES
from ansible_collections.rhaii.gke.plugins.plugin_utils import _tools
from ansible_collections.rhaii.gke.plugins.plugin_utils._tools import PROGRAMS, collection_version, is_chart, read_tools

from sandbox.settings import CHECKOUT


def program(folder: Path, name: str, script: str) -> Path:
    path = folder / name
    path.write_text(f"#!{sys.executable}\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_programs_say_their_versions(path: Path) -> None:
    program(
        path, "helm", "import sys; assert sys.argv[1:] == ['version', '--template', '{{.Version}}']; print('v3.14.2')"
    )
    program(path, "jq", "print('jq-1.7.1')")
    program(path, "kubectl", "print('Client Version: v1.36.3'); print('Kustomize Version: v5.7.1')")
    found = read_tools("", [], [])
    assert (found.helm, found.helm_version) == (str(path / "helm"), "v3.14.2")
    assert found.programs == {"gcloud": "", "kubectl": "1.36.3", "jq": "1.7.1"}
    assert set(found.programs) == set(PROGRAMS)


@pytest.mark.parametrize(
    ("written", "version"), [(b"528.0.0\n", "528.0.0"), (b"", "unknown"), (b"\xff", "unknown"), (None, "unknown")]
)
def test_gcloud_is_not_run(path: Path, written: bytes | None, version: str) -> None:
    sdk = path / "sdk"
    (sdk / "bin").mkdir(parents=True)
    (path / "gcloud").symlink_to(program(sdk / "bin", "gcloud", "raise AssertionError"))
    if written is not None:
        (sdk / "VERSION").write_bytes(written)
    assert read_tools("", [], []).programs["gcloud"] == version


def test_helm_that_is_named_is_asked(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(path))
    program(path, "helm", "print('v2.0.0')")
    mine = program(path, "my-helm", "print('v3.22.0')")
    assert read_tools("~/my-helm", [], []).helm == str(mine)
    assert read_tools(str(mine), [], []).helm_version == "v3.22.0"
    assert read_tools(str(path / "none"), [], []).helm == ""


@pytest.mark.parametrize("script", ["raise SystemExit(1)", "print(end='')", "print('\\udcff', end='')"])
def test_program_that_says_nothing_is_unknown(path: Path, script: str) -> None:
    program(path, "helm", script)
    program(path, "jq", script)
    found = read_tools("", [], [])
    assert (found.helm_version, found.programs["jq"]) == ("unknown", "unknown")


def test_program_that_does_not_end_is_unknown(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: list[str], *, timeout: float, **others: object) -> None:
        raise subprocess.TimeoutExpired(command, timeout)

    program(path, "helm", "")
    monkeypatch.setattr(_tools.subprocess, "run", run)
    assert read_tools("", [], []).helm_version == "unknown"


def test_file_that_is_no_program_is_unknown(path: Path) -> None:
    (path / "helm").write_bytes(b"\x7fELF no such machine")
    (path / "helm").chmod(0o755)
    assert read_tools("", [], []).helm_version == "unknown"


def test_packages_have_versions() -> None:
    found = read_tools("", [], []).packages
    assert set(found) == set(PACKAGES)
    assert all(version[0].isdigit() for version in found.values())


def test_collections_have_versions() -> None:
    assert read_tools("", [], ["kubernetes.core", "no.such"]).collections["kubernetes.core"][0].isdigit()
    # a checkout has no manifest
    assert collection_version("rhaii.gke") == yaml.safe_load((CHECKOUT / "galaxy.yml").read_text("utf-8"))["version"]
    assert collection_version("no.such") == collection_version("kubernetes.none") == ""


@pytest.mark.parametrize(
    ("file", "content", "version"),
    [
        ("MANIFEST.json", json.dumps({"collection_info": {"version": "1.2.3"}}), "1.2.3"),
        ("MANIFEST.json", "{", "unknown"),
        ("MANIFEST.json", "{}", "unknown"),
        ("galaxy.yml", "version: 2.0.0", "2.0.0"),
        ("galaxy.yml", "name: x", "unknown"),
        ("README.md", "", "unknown"),
    ],
)
def test_version_of_a_collection_as_it_lies_there(
    file: str, content: str, version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Spec:
        submodule_search_locations = (str(tmp_path),)

    monkeypatch.setattr(_tools.importlib.util, "find_spec", lambda name: Spec())
    (tmp_path / file).write_text(content, encoding="utf-8")
    assert collection_version("a.b") == version


def test_charts(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "Chart.yaml").touch()
    (tmp_path / "b.tgz").touch()
    good = [f"{tmp_path}/a", f"{tmp_path}/b.tgz", "oci://registry.example/kserve", "https://example.org/c.tgz"]
    assert all(map(is_chart, good))
    assert not any(map(is_chart, [f"{tmp_path}/c", f"{tmp_path}/c.tgz", str(tmp_path), ""]))
