# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where credentials for an API server come from: what tests/field does not show."""

from __future__ import annotations

import importlib
import signal
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible_collections.rhaii.gke.plugins.module_utils import _google_tokens, _kubeconfig, _kubernetes_credentials
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._gke import kubernetes as of_gke
from ansible_collections.rhaii.gke.plugins.module_utils._google import RUN_DIR, GoogleSettings
from ansible_collections.rhaii.gke.plugins.module_utils._google_tokens import GoogleTokens, google_source
from ansible_collections.rhaii.gke.plugins.module_utils._kubeconfig import access_of
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import KubernetesRest
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes_credentials import Credential, Plugin, renew_at
from kubernetes.config.incluster_config import InClusterConfigLoader

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
VERSION = "client.authentication.k8s.io/v1"
EXEC = {"command": "tell", "apiVersion": VERSION}


def config(folder: Path, user: dict[str, Any], **cluster: Any) -> str:
    place = folder / "config"
    place.write_text(
        yaml.safe_dump(
            {
                "current-context": "c",
                "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
                "clusters": [{"name": "c", "cluster": {"server": "https://203.0.113.7", **cluster}}],
                "users": [{"name": "u", "user": user}],
            }
        ),
        encoding="utf-8",
    )
    return str(place)


@pytest.mark.parametrize(
    ("life", "left"),
    [
        pytest.param(timedelta(hours=1), timedelta(minutes=5), id="an hour"),
        pytest.param(timedelta(seconds=20), timedelta(seconds=10), id="its second half"),
        pytest.param(timedelta(seconds=-1), timedelta(), id="over already"),
    ],
)
def test_another_one_is_fetched_before_the_end(life: timedelta, left: timedelta) -> None:
    assert renew_at(NOW, NOW + life) == NOW + life - left
    assert renew_at(NOW, None) is None


def test_nothing_secret_is_in_what_a_credential_shows_of_itself() -> None:
    assert "se-cret" not in repr(Credential("Bearer se-cret", "se-cret", "se-cret"))


class Process:
    """One that never ends by itself."""

    pid = 42
    returncode = 0

    def __init__(self, command: Any, **options: Any) -> None:
        self.options = options
        made.append(self)

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *error: object) -> None:
        """Ended."""

    def communicate(self, timeout: float) -> Any:
        raise subprocess.TimeoutExpired("tell", timeout)


made: list[Process] = []


def test_program_that_hangs_is_ended_with_all_that_it_began(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed: list[tuple[int, int]] = []
    monkeypatch.setattr(subprocess, "Popen", Process)
    monkeypatch.setattr(_kubernetes_credentials.os, "killpg", lambda *which: killed.append(which))
    with pytest.raises(
        RhaiiError, match=r"tell, .* user u, gave no answer within 60 s\. It may wait for somebody to log"
    ):
        Plugin("u", EXEC, {}, tmp_path).credential()
    assert killed == [(42, signal.SIGKILL)]
    # nobody is asked on a terminal
    options = made[-1].options
    assert (options["stdin"], options["start_new_session"]) == (subprocess.DEVNULL, True)


def test_program_without_a_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RhaiiError, match="user u names no command"):
        Plugin("u", {"apiVersion": VERSION}, {}, tmp_path)


@pytest.mark.parametrize("user", [{"token": "t"}, {"username": "u", "password": "p"}, {}])
def test_package_of_kubernetes_is_not_loaded_for_what_needs_none(
    user: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib, "import_module", lambda name: pytest.fail(f"{name} is loaded"))
    assert KubernetesRest.from_params({"kubeconfig": config(tmp_path, user)}).host == "https://203.0.113.7"


def test_package_of_kubernetes_that_is_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ImportError(f"No module named '{name}'")

    monkeypatch.setattr(importlib, "import_module", missing)
    place = config(tmp_path, {"auth-provider": {"name": "gcp"}})
    with pytest.raises(RhaiiError, match=r"No module named 'kubernetes.*Install it there: pip install kubernetes"):
        KubernetesRest.from_params({"kubeconfig": place})


def test_what_an_identity_provider_replaced_is_written_down(tmp_path: Path) -> None:
    place = Path(config(tmp_path, {"token": "old"}))
    place.chmod(0o640)
    document = yaml.safe_load(place.read_text(encoding="utf-8"))
    document["users"][0]["user"]["token"] = "new"
    _kubeconfig._Config({place: document}).save(place)
    assert yaml.safe_load(place.read_text(encoding="utf-8")) == document
    assert (place.stat().st_mode & 0o777, list(tmp_path.iterdir())) == (0o640, [place])


@pytest.mark.parametrize("host", ["10.0.0.1", "fd00::1"])
def test_pod_uses_its_account_as_the_package_of_kubernetes_does(
    host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": "443"}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(_kubeconfig, "POD_FOLDER", tmp_path)
    (tmp_path / "token").write_text("of-the-pod", encoding="utf-8")
    (tmp_path / "ca.crt").write_text("authority", encoding="ascii")
    found = access_of({})
    read: Any = SimpleNamespace(api_key={})
    InClusterConfigLoader(str(tmp_path / "token"), str(tmp_path / "ca.crt"), environ=environment).load_and_set(read)
    assert (found.server, found.authority) == (read.host, "authority")
    assert found.source.credential().authorization.lower() == read.api_key["BearerToken"].lower()
    # what is given is not looked for in a pod
    with pytest.raises(RhaiiError, match=r"Neither host nor a readable kubeconfig is given"):
        access_of({"kubeconfig": str(tmp_path / "none")})


def test_socks_proxy_without_its_library_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_kubeconfig.importlib.util, "find_spec", lambda name: None)
    place = config(tmp_path, {}, **{"proxy-url": "socks5://127.0.0.1:1080"})
    with pytest.raises(RhaiiError, match=r"is a SOCKS proxy .* pip install PySocks"):
        access_of({"kubeconfig": place})


def test_file_that_is_no_kubeconfig_is_not_shown(tmp_path: Path) -> None:
    place = tmp_path / "config"
    place.write_text("token: se-cret: se-cret", encoding="utf-8")
    with pytest.raises(RhaiiError, match=r"it is no kubeconfig \(ScannerError\)") as refusal:
        access_of({"kubeconfig": str(place)})
    assert "se-cret" not in str(refusal.value)


class Connection:
    """Of Google: only as what was asked."""

    def __init__(self, settings: GoogleSettings) -> None:
        self.settings = settings


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_google_tokens, "Connection", Connection)


def of(source: GoogleTokens | None) -> Any:
    assert source is not None
    return source._google


def test_tokens_come_from_what_the_option_says(google: None) -> None:
    said = {"auth_kind": "serviceaccount", "service_account_file": "key.json"}
    params = {"host": "h", "api_key": "first", "token_from": said, RUN_DIR: "/run/of/ours"}
    source = google_source(params)
    settings = of(source).settings
    assert (settings.auth_kind, settings.service_account_file) == ("serviceaccount", "key.json")
    # where the tasks of a run share a token
    assert settings.run_dir == "/run/of/ours"
    assert source is not None
    assert source.credential().token == "first"


@pytest.mark.parametrize("params", [{"host": "h", "api_key": "k"}, {"token_from": {"auth_kind": "application"}}, {}])
def test_else_there_are_none(params: dict[str, Any], google: None) -> None:
    assert google_source(params) is None


def test_module_for_google_uses_its_own(google: None) -> None:
    own = GoogleSettings("p")
    assert of(google_source({"host": "h"}, own)).settings is own
    assert of(google_source({"host": "h", "api_key": "k"}, own)).settings is own
    assert google_source({"kubeconfig": "c"}, own) is None


def test_drain_renews_its_token_with_the_options_for_google(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(KubernetesRest, "from_params", lambda params, google: asked.append(google))
    of_gke.node_remove_ports(
        {"project": "p", "location": "l", "auth_kind": "accesstoken", "access_token": "t", "host": "h"}
    )
    assert [each.access_token for each in asked] == ["t"]
