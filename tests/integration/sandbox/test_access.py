# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks of access against the emulated cloud and hub: whoever asks, whatever is missing, and who is silent."""

from __future__ import annotations

import asyncio
import functools
import importlib
import inspect
import json
import os
import pkgutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.rhaii.gke.plugins import module_utils
from ansible_collections.rhaii.gke.plugins.module_utils._access import check, hub
from ansible_collections.rhaii.gke.plugins.module_utils._access.permissions import (
    APIS,
    FEATURES,
    PERMISSIONS,
    permissions_for,
)
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Capability, Params, Result, execute, silent
from ansible_collections.rhaii.gke.plugins.module_utils._clock import SystemClock
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._gke.compute import GoogleInstanceGroups
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import GroupRef
from ansible_collections.rhaii.gke.plugins.module_utils._google import (
    DEFAULT_ENDPOINTS,
    Connection,
    GoogleSettings,
    RestApi,
    UnreachableError,
)
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.kinds import KINDS
from ansible_collections.rhaii.gke.plugins.module_utils._quota.families import QuotaId
from ansible_collections.rhaii.gke.plugins.module_utils._quota.values import LivePool

from sandbox.cloud import credentials
from sandbox.cloud import hub as emulated_hub
from sandbox.cloud.dispatch import Dispatcher
from sandbox.cloud.project import Project, load_project
from sandbox.cloud.server import Server
from sandbox.settings import Settings
from tests.unit.sandbox.cloud.fakes import FakeRuntime

PROJECT = "rhaii-sandbox"
ZONE = "europe-west4-a"
DEPLOYER = f"deployer@{PROJECT}.iam.gserviceaccount.com"
OPERATOR = f"operator@{PROJECT}.iam.gserviceaccount.com"


# one for all accounts: making it takes longer than a test
one_key = functools.cache(credentials.new_key)


@pytest.fixture
async def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    """A cloud of a test's own on free ports."""
    monkeypatch.setattr(credentials, "new_key", one_key)
    cloud = Server(Settings(tmp_path, speed=6000.0), runtime=FakeRuntime(), port=0, tls_port=0, proxy_port=0)
    await cloud.start()
    yield cloud
    await cloud.close()


def endpoints(server: Server) -> dict[str, str]:
    return dict.fromkeys([*DEFAULT_ENDPOINTS, "oauth2"], server.url)


def options(server: Server, **given: Any) -> Params:
    """The options as the edges check them: what is not given comes from the environment, or is a default."""
    wanted = {"endpoints": endpoints(server), "location": ZONE, "fail_on_problem": False, **given}
    spec = check.CAPABILITY
    checked = ArgumentSpecValidator(spec.argument_spec, **spec.rules).validate(wanted)
    assert not checked.error_messages
    parameters: Params = checked.validated_parameters
    return parameters


def key(server: Server, name: str = "service-account.json") -> dict[str, Any]:
    return {
        "project": PROJECT,
        "auth_kind": "serviceaccount",
        "service_account_file": str(server.folder / name),
    }


async def looked(capability: Capability[Any], params: Params) -> Result:
    result = await asyncio.to_thread(execute, capability, params, silent, check_mode=False, diff_mode=False)
    assert not result.get("failed"), result
    return result


async def findings(server: Server, **given: Any) -> tuple[dict[str, dict[str, str]], Result]:
    result = await looked(check.CAPABILITY, options(server, **given))
    return {each["check"]: each for each in result["findings"]}, result


async def test_account_that_deploys_is_ready_for_everything(server: Server) -> None:
    found, result = await findings(server, **key(server), features=list(FEATURES))
    assert {name: each["verdict"] for name, each in found.items()} == {
        "credentials": "ok",
        "billing": "ok",
        "APIs": "ok",
        "permissions": "ok",
        "Kubernetes version": "ok",
    }
    assert (result["account"], result["missing_apis"], result["calls"]) == (DEPLOYER, [], 4)
    assert found["credentials"]["found"] == f"service account file, {DEPLOYER}"


async def given_token(server: Server, name: str = "service-account.json") -> str:
    settings = GoogleSettings.from_params(options(server, **key(server, name)))
    token, _ = await asyncio.to_thread(Connection(settings).token)
    return str(token)


async def test_given_token_says_whose_it_is_and_how_long_it_lasts(server: Server) -> None:
    token = await given_token(server)
    found, result = await findings(server, project=PROJECT, auth_kind="accesstoken", access_token=token)
    assert result["account"] == DEPLOYER
    assert found["credentials"]["found"].startswith(
        f"access token, {DEPLOYER}, good for 1 h 00 min more; a given token"
    )
    assert token not in json.dumps(result)


async def test_application_default_credentials(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(server.folder / "service-account.json"))
    found, _ = await findings(server, project=PROJECT)
    assert found["credentials"]["found"] == f"application default credentials (service account key), {DEPLOYER}"


async def test_credential_of_awx_is_enough(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables of AWX's credential type Google Compute Engine."""
    file = str(server.folder / "service-account.json")
    for name, value in {
        "GCE_EMAIL": DEPLOYER,
        "GCE_PROJECT": PROJECT,
        "GCE_CREDENTIALS_FILE_PATH": file,
        "GOOGLE_APPLICATION_CREDENTIALS": file,
        "GCP_SERVICE_ACCOUNT_FILE": file,
        "GCP_AUTH_KIND": "serviceaccount",
        "GCP_PROJECT": PROJECT,
        "GCP_ENV_TYPE": "tower",
    }.items():
        monkeypatch.setenv(name, value)
    found, result = await findings(server)
    assert (found["credentials"]["verdict"], result["account"]) == ("ok", DEPLOYER)
    assert {each["verdict"] for each in found.values()} == {"ok"}


async def test_operator_acts_as_the_account_that_deploys(server: Server) -> None:
    operator = key(server, "operator-account.json")
    alone, _ = await findings(server, **operator)
    assert alone["permissions"]["verdict"] == "failed"
    found, result = await findings(server, **operator, impersonate_service_account=DEPLOYER)
    assert {each["verdict"] for each in found.values()} == {"ok"}
    assert found["credentials"]["found"] == f"service account file, {OPERATOR}, acting as {DEPLOYER}"
    assert result["account"] == DEPLOYER


async def test_token_of_the_operator_acts_as_the_account_too(server: Server) -> None:
    token = await given_token(server, "operator-account.json")
    found, _ = await findings(
        server, project=PROJECT, auth_kind="accesstoken", access_token=token, impersonate_service_account=DEPLOYER
    )
    assert {each["verdict"] for each in found.values()} == {"ok"}


@pytest.mark.parametrize(
    ("file", "account", "said"),
    [
        ("viewer-account.json", DEPLOYER, "Permission 'iam.serviceAccounts.getAccessToken' denied"),
        ("operator-account.json", "nobody@x", "Gaia id not found for email nobody@x"),
    ],
)
async def test_who_may_not_act_as_another_is_told_what_is_missing(
    server: Server, file: str, account: str, said: str
) -> None:
    found, result = await findings(server, **key(server, file), impersonate_service_account=account)
    assert [*found] == ["credentials"]
    assert found["credentials"]["verdict"] == "failed"
    assert said in found["credentials"]["found"]
    assert f"roles/iam.serviceAccountTokenCreator on {account}" in found["credentials"]["remedy"]
    assert (result["account"], result["calls"]) == ("", 0)


async def test_permission_that_is_missing_is_named_with_what_it_is_for(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each in turn; the emulated project is asked itself, so that what it lets an account do decides."""
    lacking = [""]

    def allows(self: Project, email: str, permission: str) -> bool:
        del self, email
        return permission != lacking[0]

    monkeypatch.setattr(Project, "allows", allows)
    for permission in PERMISSIONS:
        lacking[0] = permission.name
        found, _ = await findings(server, **key(server), features=list(FEATURES))
        assert found["permissions"]["verdict"] == "failed"
        assert f": {permission.name} ({permission.why})" in found["permissions"]["found"]
        assert permission.role in found["permissions"]["remedy"]


def test_role_that_is_advised_has_the_permission() -> None:
    iam = load_project().iam
    assert [each for each in PERMISSIONS if not iam.allows([each.role], each.name)] == []


def ports_to_google() -> Iterator[type]:
    """Every class of the core that is made of a connection to Google, or of one of its APIs."""
    for found in pkgutil.walk_packages(module_utils.__path__, f"{module_utils.__name__}."):
        module = importlib.import_module(found.name)
        for _, kind in inspect.getmembers(module, inspect.isclass):
            made_of = set(map(str, getattr(kind.__init__, "__annotations__", {}).values()))
            if kind.__module__ == module.__name__ and made_of & {"Connection", "RestApi"}:
                yield kind


class Arguments:
    """Something that fits each parameter of the ports, by annotation and name."""

    def __init__(self, connection: Connection) -> None:
        api = connection.rest("compute")
        group = GroupRef(PROJECT, ZONE, "group")
        pool = LivePool("demo", "pool", (ZONE,), "ct6e-standard-4t", False, (group,), {})
        self._by_annotation: dict[str, list[Any]] = {
            "Connection": [connection],
            "RestApi": [api],
            "GoogleInstanceGroups": [GoogleInstanceGroups(api)],
            "Clock": [SystemClock()],
            "GroupRef": [group],
            "LivePool": [pool],
            "QuotaId": [QuotaId("x", {}, "x", own_series=own) for own in (True, False)],
            "int": [1],
            "Sequence[str]": [["serviceusage.googleapis.com"]],
            "Mapping[str, str]": [{}],
            "Mapping[str, Any]": [{"quotaId": "x"}],
            "Json": [{}],
        }
        self._by_name: dict[str, list[Any]] = {
            "body Json": [{"name": "demo"}],
            "kind str": list(KINDS),
            "project str": [PROJECT],
            "zone str": [ZONE],
            "location str": [ZONE],
            "region str": ["europe-west4"],
            "GooglePreferences.update name": [f"projects/{PROJECT}/locations/global/quotaPreferences/x"],
        }

    def sets(self, function: Callable[..., Any]) -> Iterator[dict[str, Any]]:
        """As many sets of arguments as the parameter with the most values has."""
        values = {}
        for name, parameter in inspect.signature(function).parameters.items():
            kind = str(parameter.annotation)
            own = (
                self._by_name.get(f"{function.__qualname__} {name}")
                or self._by_name.get(f"{name} {kind}")
                or self._by_annotation.get(kind)
            )
            values[name] = own or ["demo"]
            assert own or kind == "str", f"teach this test a value for {function.__qualname__}({name}: {kind})"
        for turn in range(max(map(len, values.values()), default=1)):
            yield {name: each[turn % len(each)] for name, each in values.items()}


async def test_nothing_is_asked_of_google_that_the_check_did_not_ask_for(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every method of every port, with the permission that the emulated API wants of its caller."""
    wanted: list[str] = []
    allow = Dispatcher._allow

    def noted(self: Any, method: Any, params: Any, handler: Any, caller: str) -> None:
        wanted.append(handler.permission)
        allow(self, method, params, handler, caller)

    monkeypatch.setattr(Dispatcher, "_allow", noted)

    def walk() -> dict[str, list[str]]:
        connection = Connection(GoogleSettings.from_params(options(server, **key(server))))
        arguments = Arguments(connection)
        asked: dict[str, list[str]] = {}
        for kind in ports_to_google():
            (made,) = arguments.sets(kind)
            port = kind(**made)
            for name, function in inspect.getmembers(port, inspect.ismethod):
                if name.startswith("_"):
                    continue
                wanted.clear()
                for given in arguments.sets(function):
                    # what the cloud answers to a thing that is not there is not the question here
                    with suppress(RhaiiError):
                        function(**given)
                asked[f"{kind.__name__}.{name}"] = list(wanted)
        return asked

    asked = await asyncio.to_thread(walk)
    assert len(asked) > 35
    assert {name for name, permissions in asked.items() if not permissions} == {"GoogleAccess.authenticate"}
    base = {each.name for each in permissions_for(())}
    by_feature = {each.name: each.feature for each in PERMISSIONS if each.feature}
    needed = {permission for permissions in asked.values() for permission in permissions if permission}
    assert needed - base == {"compute.reservations.get", "cloudquotas.quotas.update"}
    assert (by_feature["compute.reservations.get"], by_feature["cloudquotas.quotas.update"]) == (
        "reservation",
        "quota_request",
    )


async def test_api_that_is_not_enabled_is_a_result(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    service = dict(load_project().services["container.googleapis.com"])
    monkeypatch.setitem(load_project().services, "container.googleapis.com", {**service, "enabled": False})
    found, result = await findings(server, **key(server))
    assert result["missing_apis"] == ["container.googleapis.com"]
    assert found["APIs"]["verdict"] == "failed"
    assert (found["Kubernetes version"]["verdict"], found["permissions"]["verdict"]) == ("unknown", "ok")


async def test_api_that_says_which_are_enabled_is_not_enabled(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    service = dict(load_project().services["serviceusage.googleapis.com"])
    monkeypatch.setitem(load_project().services, "serviceusage.googleapis.com", {**service, "enabled": False})
    _, result = await findings(server, **key(server))
    assert result["missing_apis"] == ["serviceusage.googleapis.com"]


def test_every_api_of_the_list_is_known_to_the_emulated_project() -> None:
    assert set(APIS) <= set(load_project().services)


async def test_version_that_is_not_on_offer(server: Server) -> None:
    found, result = await findings(server, **key(server), kubernetes_version="1.20")
    assert found["Kubernetes version"]["found"].startswith(
        "1.20 is not on offer in the channel regular in europe-west4"
    )
    assert result["kubernetes_version"] == ""


async def test_questions_together_take_less_than_in_turn(server: Server) -> None:
    fault = {"kind": "delay", "path": "projects", "seconds": 0.2}
    async with aiohttp.ClientSession() as session, session.post(f"{server.url}/sandbox/faults", json=fault) as answer:
        assert answer.status == 200
    _, result = await findings(server, **key(server))
    assert result["elapsed_in_turn"] > 4 * 0.2
    assert result["elapsed"] < 0.6 * result["elapsed_in_turn"]


@contextmanager
def silence() -> Iterator[str]:
    """An address that takes connections and never answers, as a stopped process does."""
    with socket.create_server(("127.0.0.1", 0), backlog=16) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_cloud_that_hangs_is_reported_after_two_time_outs() -> None:
    with silence() as url:
        settings = GoogleSettings("p", "accesstoken", access_token="t", endpoints={"compute": url}, timeout=0.2)
        rest: RestApi = Connection(settings).rest("compute")
        for method, time_outs in (("GET", 2), ("POST", 1)):
            start = time.monotonic()
            with pytest.raises(UnreachableError, match=r"Could not ask: no answer from http"):
                rest.call("ask", method, "/")
            assert 0.2 * time_outs <= time.monotonic() - start < 0.2 * time_outs + 0.15


def test_token_service_that_hangs_is_reported_after_one_time_out(tmp_path: Path) -> None:
    project = load_project()
    with silence() as url:
        file = tmp_path / "key.json"
        file.write_text(credentials.account_key(project, project.accounts[0], f"{url}/token"), encoding="utf-8")
        settings = GoogleSettings("p", "serviceaccount", str(file), timeout=0.2)
        start = time.monotonic()
        with pytest.raises(UnreachableError, match="the token service does not answer"):
            Connection(settings).token()
        assert time.monotonic() - start < 0.2 + 0.15


@pytest.fixture
async def models(tmp_path: Path) -> AsyncIterator[dict[str, Any]]:
    """The emulated hub on a free port, as the options that lead to it."""
    settings = Settings(tmp_path, speed=60.0)
    certificate, private = emulated_hub.ensure_certificate(settings)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, private)
    runner = web.AppRunner(emulated_hub.Hub(emulated_hub.ensure_token(settings)).application(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, emulated_hub.ADDRESS, 0, ssl_context=context)
    await site.start()
    port = runner.addresses[0][1]
    yield {
        "endpoint": f"https://{emulated_hub.ADDRESS}:{port}",
        "ca_file": str(emulated_hub.authority_file(settings)),
        "token_file": str(emulated_hub.token_file(settings)),
        "token": None,
        "timeout": 5,
        "fail_on_problem": False,
    }
    await runner.cleanup()


OPEN, GRANTED, GATED, NONE = (
    "hf://Qwen/Qwen2.5-3B-Instruct",
    "hf://google/gemma-2b-it",
    "hf://meta-llama/Llama-3.1-8B-Instruct",
    "hf://nobody/nothing",
)


@pytest.mark.parametrize(
    ("token", "verdicts"),
    [
        pytest.param("the user's", ["ok", "ok", "failed", "failed"], id="the user's token"),
        pytest.param("", ["ok", "failed", "failed", "failed"], id="no token"),
        pytest.param("hf_forged", ["failed", "failed", "failed", "failed"], id="a token that is none"),
    ],
)
async def test_models(models: dict[str, Any], token: str, verdicts: list[str]) -> None:
    own = {} if token == "the user's" else {"token_file": None, "token": token or None}
    result = await looked(hub.CAPABILITY, {**models, **own, "uris": [OPEN, GRANTED, GATED, NONE]})
    assert [each["verdict"] for each in result["findings"]] == verdicts
    if token == "the user's":
        assert result["user"] == "rhaii-sandbox"
        gated, missing = result["findings"][2:]
        assert gated["found"].startswith("gated, and not given out to rhaii-sandbox (403 GatedRepo Access to model")
        assert "Accept its licence at https://huggingface.co/meta-llama/Llama-3.1-8B-Instruct" in gated["remedy"]
        assert "404 RepoNotFound" in missing["found"]


async def test_revisions_of_a_model(models: dict[str, Any]) -> None:
    _, catalogue = emulated_hub.catalogue()
    revision = catalogue["Qwen/Qwen2.5-3B-Instruct"].revision
    result = await looked(hub.CAPABILITY, {**models, "uris": [f"{OPEN}:{revision}", f"{OPEN}:v9"]})
    assert [each["verdict"] for each in result["findings"]] == ["ok", "failed"]


async def test_hub_that_is_away_leaves_the_question_open(models: dict[str, Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    result = await looked(hub.CAPABILITY, {**models, "endpoint": url, "uris": [OPEN]})
    assert result["findings"][0]["verdict"] == "unknown"
    assert f"no answer from {url} (Connection refused)" in result["findings"][0]["found"]
    untrusted = await looked(hub.CAPABILITY, {**models, "ca_file": None, "uris": [OPEN]})
    assert (untrusted["findings"][0]["verdict"], "certificate" in untrusted["findings"][0]["found"]) == (
        "unknown",
        True,
    )


async def google_cloud(server: Server, module: str, arguments: str) -> dict[str, Any]:
    """A module of google.cloud, unmodified, with the environment that the sandbox prints."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.upper().endswith("_PROXY")},
        "HTTPS_PROXY": server.proxy_url,
        "NO_PROXY": "127.0.0.0/8",
        "REQUESTS_CA_BUNDLE": str(server.folder / "ca.pem"),
        "GCP_AUTH_KIND": "serviceaccount",
        "GCP_SERVICE_ACCOUNT_FILE": str(server.folder / "service-account.json"),
        "GCP_PROJECT": PROJECT,
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "ANSIBLE_HOME": str(server.folder / "ansible"),
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
    }
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).parent / "ansible"),
        "localhost",
        "-m",
        f"google.cloud.{module}",
        "-a",
        arguments,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    output, errors = await process.communicate()
    assert process.returncode == 0, (output, errors)
    answer: dict[str, Any] = json.loads(output.decode().partition("=>")[2])
    return answer


async def test_nodes_account_is_made_and_removed_by_google_cloud(server: Server) -> None:
    name = f"rhaii-nodes@{PROJECT}.iam.gserviceaccount.com"
    wanted = f"name={name} display_name=nodes"
    made = await google_cloud(server, "gcp_iam_service_account", wanted)
    assert (made["changed"], made["email"]) == (True, name)
    assert (await google_cloud(server, "gcp_iam_service_account", wanted))["changed"] is False
    assert (await google_cloud(server, "gcp_iam_service_account", f"name={name} state=absent"))["changed"] is True


async def test_enabled_apis_are_read_by_google_cloud(server: Server) -> None:
    answer = await google_cloud(server, "gcp_serviceusage_service_info", "")
    assert {each["name"].rpartition("/")[2] for each in answer["resources"]} >= set(APIS)
