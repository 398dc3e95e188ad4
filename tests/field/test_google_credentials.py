# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kinds of identity: Google is shown the same by us and by google-auth, and the same project is counted.

``given``: ``credentials`` is the file that GOOGLE_APPLICATION_CREDENTIALS names, ``files`` others in the folder,
``options`` those of the module. ``right``: what google-auth shows when it is asked now, and more than that where it
says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import google.auth
import google.auth.compute_engine._metadata
import google.auth.external_account
import google.auth.iam
import google.auth.impersonated_credentials
import google.auth.transport.requests
import google.oauth2.credentials
import google.oauth2.service_account
import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.rhaii.gke.plugins.module_utils._argspec import google_options
from ansible_collections.rhaii.gke.plugins.module_utils._google import SCOPE, Connection, GoogleSettings

from tests.field.filling import filled
from tests.field.google_server import Server, google_server
from tests.field.rows import Row, rows

VARIABLES = (
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_CLOUD_QUOTA_PROJECT",
    "GOOGLE_IMPERSONATE_SERVICE_ACCOUNT",
    "CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT",
    "GCP_AUTH_KIND",
    "GCP_SERVICE_ACCOUNT_FILE",
    "GCP_ACCESS_TOKEN",
    "GCE_CREDENTIALS_FILE_PATH",
    "http_proxy",
    "https_proxy",
    "NETRC",
)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with google_server() as made:
        yield made


@pytest.fixture
def folder(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where no identity of this machine is found, and Google's fixed addresses lead to the server."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "gcloud"))
    monkeypatch.setenv("GCE_METADATA_IP", server.address)
    monkeypatch.setattr(google.auth.compute_engine._metadata, "_GCE_METADATA_HOST", server.address)
    # google-auth asks there for the name of a federation's project
    monkeypatch.setattr(google.auth.external_account, "_CLOUD_RESOURCE_MANAGER", f"{server.url}/v1/projects/")
    # a file that says as whom to act names an address, of which google-auth takes the account alone
    iam = f"{server.url}/v1/projects/-/serviceAccounts/{{}}:generateAccessToken"
    monkeypatch.setattr(google.auth.iam, "_IAM_ENDPOINT", iam)
    monkeypatch.setattr(google.oauth2.credentials, "_GOOGLE_OAUTH2_TOKEN_ENDPOINT", f"{server.url}/token")
    return tmp_path


def laid_out(row: Row, folder: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The module's options, as its spec makes them."""
    words = {**server.words, "FOLDER": str(folder)}
    for name, content in row.given.get("files", {}).items():
        text = filled(content, words)
        (folder / name).write_text(text if isinstance(text, str) else json.dumps(text), encoding="utf-8")
    if "credentials" in row.given:
        place = folder / "adc.json"
        place.write_text(json.dumps(filled(row.given["credentials"], words)), encoding="utf-8")
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(place))
    for name, value in row.given.get("env", {}).items():
        monkeypatch.setenv(name, filled(value, words))
    options = {"project": "p", "endpoints": {"compute": server.url, "iamcredentials": server.url}}
    options |= filled(row.given.get("options", {}), words)
    checked = ArgumentSpecValidator(google_options()).validate(options)
    assert not checked.error_messages
    params: dict[str, Any] = checked.validated_parameters
    return params


def shown_by_google_auth(params: dict[str, Any], server: Server) -> Any:
    credentials: Any
    if params["auth_kind"] == "serviceaccount":
        credentials = google.oauth2.service_account.Credentials.from_service_account_file(
            params["service_account_file"], scopes=[SCOPE]
        )
    elif params["auth_kind"] == "accesstoken":
        credentials = google.oauth2.credentials.Credentials(params["access_token"])
    else:
        credentials, _project = google.auth.default(scopes=[SCOPE])
    if params["impersonate_service_account"]:
        account = params["impersonate_service_account"]
        credentials = google.auth.impersonated_credentials.Credentials(
            credentials,
            account,
            [SCOPE],
            iam_endpoint_override=f"{server.url}/v1/projects/-/serviceAccounts/{account}:generateAccessToken",
        )
    if params["quota_project"]:
        credentials = credentials.with_quota_project(params["quota_project"])
    with google.auth.transport.requests.AuthorizedSession(credentials) as session:
        return session.get(f"{server.url}/seen").json()


@rows("google_credentials")
def test_google_is_shown_the_same_by_us_and_by_google_auth(
    row: Row, folder: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = laid_out(row, folder, server, monkeypatch)
    seen = Connection(GoogleSettings.from_params(params)).rest("compute").call("ask", "GET", "/seen")
    assert seen == shown_by_google_auth(params, server)
    assert seen["authorization"].startswith("Bearer ")
    assert {key: seen[key] for key in row.right} == row.right
    # the tasks of a run share a token, and what goes with it
    run = folder / "run"
    run.mkdir(mode=0o700)
    for _each in range(2):
        shared = GoogleSettings.from_params({**params, "run_dir": str(run)})
        assert Connection(shared).rest("compute").call("ask", "GET", "/seen") == seen
