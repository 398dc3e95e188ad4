# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a release is its chart's folder already: only what is the same in every part is left alone."""

from __future__ import annotations

import base64
import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._charts.installed import files_of, is_installed

Json = dict[str, Any]
VALUES = {"pullSecret": {"name": "redhat", "dockerConfigJson": '{"auths": {}}'}}
FILES = {
    "Chart.yaml": b"apiVersion: v2\nname: operator\nversion: 1.0.0\nhome: https://example.org\n",
    "values.yaml": b"replicas: 1\nimage: {tag: '1.0'}\n",
    "templates/deployment.yaml": b"kind: Deployment\n",
    "templates/_names.tpl": b"x",
    "crds/one.yaml": b"kind: CustomResourceDefinition\n",
    ".helmignore": b"*.bak\n",
}


def entry(name: str, content: bytes) -> Json:
    return {"name": name, "data": base64.b64encode(content).decode()}


RELEASE: Json = {
    "info": {"status": "deployed"},
    "config": VALUES,
    "chart": {
        # Helm fills in what Chart.yaml leaves out, and leaves out what it does not use
        "metadata": {"apiVersion": "v2", "name": "operator", "version": "1.0.0", "appVersion": ""},
        "values": {"replicas": 1, "image": {"tag": "1.0"}},
        "templates": [entry(name, FILES[name]) for name in FILES if name.startswith("templates/")],
        "files": [entry("crds/one.yaml", FILES["crds/one.yaml"])],
        "lock": None,
        "schema": None,
    },
}


def test_same_chart_with_the_same_values_is_installed() -> None:
    assert is_installed(RELEASE, FILES, VALUES)


def test_nothing_beside_the_needed_parts_has_to_be_there() -> None:
    bare: Json = {"info": {"status": "deployed"}, "config": None, "chart": {"metadata": {"name": "it"}}}
    assert is_installed(bare, {"Chart.yaml": b"name: it"}, {})
    assert is_installed({**bare, "chart": {"metadata": {}}}, {}, {})


def release(change: Callable[[Json], Any]) -> Json:
    found = copy.deepcopy(RELEASE)
    change(found)
    return found


@pytest.mark.parametrize(
    ("found", "files", "values"),
    [
        pytest.param(release(lambda it: it["info"].update(status="failed")), FILES, VALUES, id="failed"),
        pytest.param(
            release(lambda it: it["info"].update(status="pending-upgrade")), FILES, VALUES, id="a run was killed"
        ),
        pytest.param({}, FILES, VALUES, id="unreadable release"),
        pytest.param(RELEASE, FILES, {}, id="values taken out"),
        pytest.param(RELEASE, FILES, {"pullSecret": {"name": "other"}}, id="another secret"),
        pytest.param(RELEASE, {**FILES, "templates/deployment.yaml": b"kind: Job\n"}, VALUES, id="template changed"),
        pytest.param(RELEASE, {**FILES, "templates/new.yaml": b""}, VALUES, id="template added"),
        pytest.param(
            RELEASE,
            {name: content for name, content in FILES.items() if name != "templates/_names.tpl"},
            VALUES,
            id="template taken out",
        ),
        pytest.param(RELEASE, {**FILES, "crds/one.yaml": b"kind: Other\n"}, VALUES, id="definition changed"),
        pytest.param(RELEASE, {**FILES, "values.yaml": b"replicas: 2\n"}, VALUES, id="default changed"),
        pytest.param(RELEASE, {**FILES, "values.yaml": b"replicas: [\n"}, VALUES, id="defaults that are no YAML"),
        pytest.param(
            RELEASE, {**FILES, "Chart.yaml": b"apiVersion: v2\nname: operator\nversion: 1.0.1\n"}, VALUES, id="version"
        ),
        pytest.param(RELEASE, {**FILES, "Chart.yaml": b"[]"}, VALUES, id="Chart.yaml of another form"),
        pytest.param(RELEASE, {**FILES, "charts/inner/Chart.yaml": b""}, VALUES, id="charts within it"),
        pytest.param(release(lambda it: it["chart"].update(templates=[{}])), FILES, VALUES, id="template of no name"),
        pytest.param(release(lambda it: it["chart"].update(files=["x"])), FILES, VALUES, id="file of another form"),
    ],
)
def test_any_difference_is_left_to_helm(found: Json, files: dict[str, bytes], values: Json) -> None:
    assert not is_installed(found, files, values)


def test_files_are_named_by_their_path_in_the_chart(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "a.yaml").write_bytes(b"a")
    (tmp_path / "Chart.yaml").write_bytes(b"b")
    assert files_of(tmp_path) == {"Chart.yaml": b"b", "templates/a.yaml": b"a"}
