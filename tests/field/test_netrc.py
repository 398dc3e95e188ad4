# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A ~/.netrc replaces no token of ours, and adds no password where there is none.

curl is the reader: it takes a netrc too (``-n``), and keeps a header that it is given.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import google.oauth2.credentials
import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._access.hub import HuggingFace
from ansible_collections.rhaii.gke.plugins.module_utils._google import Connection, GoogleSettings
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import KubernetesRest

from tests.field.google_server import Server, google_server
from tests.field.rows import Row, rows

CURL = shutil.which("curl")
USER = {"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "jane"}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with google_server() as made:
        yield made


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy", "NETRC", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "adc.json"))
    (tmp_path / "adc.json").write_text(json.dumps(USER), encoding="utf-8")
    return tmp_path


def google_settings(server: Server, **more: Any) -> GoogleSettings:
    options = {"auth_kind": "accesstoken", "access_token": "of-us", **more}
    return GoogleSettings.from_params(
        {"project": "p", "endpoints": {"compute": server.url, "oauth2": server.url}, **options}
    )


def by_google(server: Server) -> str:
    return str(Connection(google_settings(server)).rest("compute").call("ask", "GET", "/seen")["authorization"])


def by_google_through_a_redirect(server: Server) -> str:
    return str(Connection(google_settings(server)).rest("compute").call("ask", "GET", "/redirected")["authorization"])


def by_token_service(server: Server) -> str:
    """It refuses who comes with a password."""
    settings = google_settings(server, auth_kind="application", access_token=None)
    return str(Connection(settings).rest("compute").call("ask", "GET", "/seen")["authorization"])


def by_tokeninfo(server: Server) -> str:
    return Connection(google_settings(server)).identity().account


def by_hub(server: Server) -> str:
    return str(HuggingFace(server.url, "of-us", None, 10).get("/seen").body["authorization"])


def by_hub_without_a_token(server: Server) -> str:
    return str(HuggingFace(server.url, "", None, 10).get("/seen").body["authorization"])


def by_kubernetes(server: Server) -> str:
    rest = KubernetesRest.from_params({"host": server.url, "api_key": "of-us"})
    return str(rest.call("ask", "GET", "/seen")["authorization"])


CALLS: dict[str, Callable[[Server], str]] = {
    "google": by_google,
    "google through a redirect": by_google_through_a_redirect,
    "token service": by_token_service,
    "tokeninfo": by_tokeninfo,
    "hub": by_hub,
    "hub without a token": by_hub_without_a_token,
    "kubernetes": by_kubernetes,
}


@rows("netrc")
def test_netrc_replaces_no_token(row: Row, home: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(google.oauth2.credentials, "_GOOGLE_OAUTH2_TOKEN_ENDPOINT", f"{server.url}/token")
    place = home / row.given.get("file", ".netrc")
    place.write_text(row.given["netrc"], encoding="utf-8")
    place.chmod(0o600)
    if place.name != ".netrc":
        monkeypatch.setenv("NETRC", str(place))
    assert CALLS[row.given["call"]](server) == row.right
    if CURL and row.right == "Bearer of-us":
        command = [CURL, "-s", "--netrc-file", str(place), "-H", f"Authorization: {row.right}", f"{server.url}/seen"]
        read = subprocess.run(command, capture_output=True, timeout=30, check=True, env=os.environ)
        assert json.loads(read.stdout)["authorization"] == row.right
