# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kubeconfigs: what an API server is shown by us, and by the reader that a row names, with the same files.

``given``: ``files`` and ``programs`` by their names in one folder (``$NAME`` stands for a word of the ground), or
``user`` and ``cluster`` for a file of one context; ``kubeconfig`` as KUBECONFIG has it, relative to the folder.
``right``: ``live`` is what the reader shows when it is asked now; a mapping is shown as well; ``refused`` are words of
our sentence, where the reader fails too.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import KubernetesRest

from tests.field.api_server import Ground
from tests.field.filling import filled
from tests.field.rows import Row, rows

KUBECTL = shutil.which("kubectl")
TIMEOUT = 30


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy", "KUBECONFIG", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    return tmp_path


def files_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """A row's files, or the one that its cluster and its user make."""
    files = dict(given.get("files") or {})
    if "user" in given or "cluster" in given:
        cluster = {"server": "$SERVER", "certificate-authority-data": "$CA_DATA"}
        wanted = {**cluster, **given.get("cluster", {})}
        files["config"] = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "one",
            "contexts": [{"name": "one", "context": {"cluster": "here", "user": "me"}}],
            "clusters": [{"name": "here", "cluster": {key: each for key, each in wanted.items() if each is not None}}],
            "users": [{"name": "me", "user": given.get("user", {"token": "of-me"})}],
        }
    return files


def laid_out(given: Mapping[str, Any], folder: Path, servers: Ground) -> str:
    """Writes a row's files; returns KUBECONFIG."""
    words = {**servers.words, "FOLDER": str(folder)}
    for name, content in files_of(given).items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        text = filled(content, words)
        place.write_text(text if isinstance(text, str) else yaml.safe_dump(text), encoding="utf-8")
    for name, content in (given.get("programs") or {}).items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("#!/bin/sh\n" + filled(content, words), encoding="utf-8")
        place.chmod(0o755)
    named = str(given.get("kubeconfig", "config"))
    return os.pathsep.join(str(folder / each) if each else "" for each in named.split(os.pathsep))


def shown_by_us(given: Mapping[str, Any], kubeconfig: str) -> Any:
    params = {"kubeconfig": kubeconfig, "context": given.get("context")}
    return KubernetesRest.from_params(params).call("ask", "GET", "/seen")


def shown_by_kubectl(given: Mapping[str, Any], kubeconfig: str) -> Any:
    """None where it refuses."""
    context = [f"--context={given['context']}"] if given.get("context") else []
    ended = subprocess.run(
        [str(KUBECTL), *context, "get", "--raw", "/seen"],
        env={**os.environ, "KUBECONFIG": kubeconfig},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
    )
    return json.loads(ended.stdout) if ended.returncode == 0 else None


def shown_by_package(given: Mapping[str, Any], kubeconfig: str) -> Any:
    """None where it shows nothing of the user, as it does where it cannot."""
    client = importlib.import_module("kubernetes.client")
    config = importlib.import_module("kubernetes.config")
    chosen = client.Configuration()
    try:
        config.load_kube_config(
            kubeconfig, context=given.get("context"), client_configuration=chosen, persist_config=False
        )
    except Exception:
        return None
    with client.ApiClient(chosen) as api:
        seen = json.loads(api.rest_client.request("GET", f"{chosen.host}/seen", headers=_headers(chosen)).read())
    return seen if seen["authorization"] or seen.get("certificate") else None


def _headers(chosen: Any) -> dict[str, str]:
    return {each["key"]: each["value"] for each in chosen.auth_settings().values()}


READERS = {"kubectl": shown_by_kubectl, "kubernetes": shown_by_package}


@rows("kubeconfigs")
def test_server_is_shown_the_same_by_us_and_by_the_reader(
    row: Row, folder: Path, servers: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert KUBECTL, "kubectl is in .sandbox/assets/bin, which belongs in PATH"
    for name, value in row.given.get("env", {}).items():
        monkeypatch.setenv(name, filled(value, servers.words))
    kubeconfig = laid_out(row.given, folder, servers)
    read = READERS[row.reader](row.given, kubeconfig)
    if isinstance(row.right, dict) and "refused" in row.right:
        assert read is None
        with pytest.raises(RhaiiError) as refusal:
            shown_by_us(row.given, kubeconfig)
        said = str(refusal.value)
        for words in row.right["refused"]:
            assert words in said
        assert "se-cret" not in said
        assert refusal.value.remedy
        return
    assert read is not None
    seen = shown_by_us(row.given, kubeconfig)
    assert seen == read
    if row.right != "live":
        wanted = filled(row.right, servers.words)
        assert {key: seen.get(key) for key in wanted} == wanted
