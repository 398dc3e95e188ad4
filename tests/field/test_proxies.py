# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Proxies and authorities that the environment names count, though ~/.netrc does not; curl is the reader."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._google import Connection, GoogleSettings
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import KubernetesRest

from tests.field.api_server import Ground
from tests.field.filling import filled
from tests.field.rows import Row, rows

CURL = shutil.which("curl")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".netrc").write_text("default login somebody password else", encoding="utf-8")
    return tmp_path


@rows("proxies")
def test_proxies_and_authorities_of_the_environment_count(
    row: Row, home: Path, servers: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = {**servers.words, "HOME": str(home)}
    (home / "ca.pem").write_text(servers.words["CA"], encoding="ascii")
    (home / "other.pem").write_text(servers.words["OTHER_CA"], encoding="ascii")
    for name, value in row.given.get("env", {}).items():
        monkeypatch.setenv(name, filled(value, words))
    given = filled(row.given.get("options", {}), words)
    if row.given["call"] == "kubernetes":
        params = {"host": servers.words["SERVER"], "api_key": "of-us", "ca_cert": str(home / "ca.pem")}
        seen = KubernetesRest.from_params(params).call("ask", "GET", "/seen")
    else:
        options = {
            "auth_kind": "accesstoken",
            "access_token": "of-us",
            "endpoints": {"compute": servers.words["SERVER"]},
        }
        settings = GoogleSettings.from_params({"project": "p", **options, **given})
        seen = Connection(settings).rest("compute").call("ask", "GET", "/seen")
    assert {key: seen[key] for key in row.right} == row.right
    if CURL:
        authority = given.get("ca_file") or str(home / "ca.pem")
        command = [CURL, "-s", "--cacert", authority, f"{servers.words['SERVER']}/seen"]
        read = subprocess.run(command, capture_output=True, timeout=30, check=True, env=os.environ)
        assert json.loads(read.stdout)["proxied"] == row.right["proxied"]
