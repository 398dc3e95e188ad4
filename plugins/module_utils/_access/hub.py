# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""model_access_check: would the model hub give out each model for the token, its licence included. Reads only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, Protocol

from ansible_collections.rhaii.gke.plugins.module_utils._capability import Capability, Params, Progress, Result
from ansible_collections.rhaii.gke.plugins.module_utils._clock import Clock, SystemClock
from ansible_collections.rhaii.gke.plugins.module_utils._credentials.files import DECRYPT, read, without_vault
from ansible_collections.rhaii.gke.plugins.module_utils._errors import flat
from ansible_collections.rhaii.gke.plugins.module_utils._findings import FAILED, OK, UNKNOWN, Finding, refuse
from ansible_collections.rhaii.gke.plugins.module_utils._google import (
    UnreachableError,
    prepared,
    require_libraries,
    translated,
)
from ansible_collections.rhaii.gke.plugins.module_utils._quota.asking import AT_ONCE, Answer, Asker
from ansible_collections.rhaii.gke.plugins.module_utils._secrets import TOKEN_FILE, hub_token

try:
    import requests
except ImportError as error:  # said in one sentence when something is asked of the hub
    MISSING = str(error)
else:
    MISSING = ""

ENDPOINT = "https://huggingface.co"
URI = re.compile(r"hf://(?P<name>[\w.-]+/[\w.-]+)(?::(?P<revision>[\w./-]+))?")
TOKEN_PAGE = "https://huggingface.co/settings/tokens"
NOT_FOUND = "RepoNotFound"
NO_REVISION = "RevisionNotFound"
GATED = "GatedRepo"


@dataclass(frozen=True)
class Reply:
    """An answer of the hub: its status, the code by which it tells causes apart, its words, and its content."""

    status: int
    code: str = ""
    message: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def said(self) -> str:
        return " ".join(part for part in (str(self.status), self.code, flat(self.message, 200)) if part)


class Hub(Protocol):
    """Raises an UnreachableError when there is no answer."""

    def get(self, path: str) -> Reply: ...


@dataclass(frozen=True)
class HubPorts:
    hub: Hub
    clock: Clock


class HuggingFace:
    def __init__(self, endpoint: str, token: str, ca_file: str | None, timeout: float) -> None:
        require_libraries(MISSING, "requests")
        self._endpoint = endpoint.rstrip("/")
        self._token = token
        self._ca_file = ca_file
        self._timeout = timeout

    def get(self, path: str) -> Reply:
        # a session a question, since several threads ask
        session = prepared(requests.Session(), self._ca_file, self._timeout, "rhaii_hub_ca_file")
        # a netrc of the machine must not stand in for the token
        session.auth = self._authorize
        with translated("ask the model hub", self._endpoint), session:
            answer = session.get(f"{self._endpoint}{path}", timeout=self._timeout)
        try:
            body = answer.json()
        except ValueError:
            body = {}
        content = body if isinstance(body, dict) else {}
        message = answer.headers.get("X-Error-Message") or str(content.get("error") or "")
        return Reply(answer.status_code, answer.headers.get("X-Error-Code", ""), message, content)

    def _authorize(self, request: Any) -> Any:
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


@dataclass(frozen=True)
class Login:
    """What the hub thinks of the token."""

    has_token: bool
    user: str = ""
    # set, when the hub refuses it
    refusal: str = ""


def log_in(hub: Hub, has_token: bool) -> Login:
    if not has_token:
        return Login(has_token=False)
    reply = hub.get("/api/whoami-v2")
    if reply.status == 401:
        return Login(has_token=True, refusal=reply.said)
    return Login(has_token=True, user=str(reply.body.get("name") or ""))


@dataclass(frozen=True)
class Repository:
    name: str
    revision: str = ""

    @property
    def page(self) -> str:
        return f"https://huggingface.co/{self.name}"

    def ask(self, hub: Hub) -> tuple[Reply, Reply | None]:
        """What is said of it, which is open even when it is gated; then whether its files would be given out."""
        info = hub.get(f"/api/models/{self.name}" + (f"/revision/{self.revision}" if self.revision else ""))
        access = hub.get(f"/api/models/{self.name}/auth-check") if info.status == 200 else None
        return info, access


def repository_of(uri: str) -> Repository | None:
    found = URI.fullmatch(uri)
    return Repository(found["name"], found["revision"] or "") if found else None


def judge(repository: Repository, login: Login, info: Reply, access: Reply | None) -> Finding:
    """One repository. 401 stands for anything that somebody without a token may not learn."""
    check = f"model {repository.name}"
    reply = access or info
    gated = bool(info.body.get("gated"))
    # a mirror of the hub may know no such question
    open_to_all = info.status == 200 and not gated and reply.status == 404 and not reply.code
    if reply.status == 200 or open_to_all:
        whose = f" for {login.user}" if login.user else "" if login.has_token else " without a token"
        return Finding(check, OK, f"{'gated, and given out' if gated else 'given out'}{whose}")
    if reply.code == GATED or (access is not None and reply.status in (401, 403)):
        if not login.has_token:
            return Finding(
                check,
                FAILED,
                "gated, and no token is given",
                f"Accept its licence at {repository.page}, and give a token of that account (rhaii_hf_token_file).",
            )
        who = f" to {login.user}" if login.user else ""
        return Finding(
            check,
            FAILED,
            f"gated, and not given out{who} ({reply.said})",
            f"Accept its licence at {repository.page} with the token's account, and wait where its owner must agree. "
            f"A fine-grained token must also be allowed to read gated repositories ({TOKEN_PAGE}).",
        )
    if reply.code == NO_REVISION:
        return Finding(
            check,
            FAILED,
            f"it has no revision {repository.revision}",
            f"Take one of {repository.page}/commits, or leave it out of the uri (rhaii_models).",
        )
    if reply.code == NOT_FOUND or info.status in (401, 403, 404):
        unseen = "that the token may see" if login.has_token else "that anybody may see"
        return Finding(
            check,
            FAILED,
            f"the hub has no such repository {unseen} ({reply.said})",
            "Check the uri (rhaii_models); for a private repository give a token of an account that may read it "
            "(rhaii_hf_token_file).",
        )
    return Finding(check, UNKNOWN, f"the hub answered {reply.said}", f"Run again, or see {repository.page}.")


def look(hub: Hub, login: Answer[Login], repository: Repository) -> Finding:
    try:
        info, access = repository.ask(hub)
    except UnreachableError as error:
        return Finding(f"model {repository.name}", UNKNOWN, error.msg, _AWAY)
    return judge(repository, login.value or Login(has_token=True), info, access)


_AWAY = (
    "The pods ask the same hub, from their own network. Check that it answers from here (network, proxy, "
    "rhaii_hub_endpoint, rhaii_hub_ca_file), or see to it that the token is good."
)


def run(params: Params, ports: HubPorts, progress: Progress, check_mode: bool, at_once: int = AT_ONCE) -> Result:
    uris: list[str] = list(dict.fromkeys(params["uris"]))
    repositories = {uri: repository_of(uri) for uri in uris}
    with Asker(ports.clock, at_once) as asker:
        asked: dict[str, Answer[Finding]] = {}
        if any(repositories.values()):
            login = asker.ask(partial(log_in, ports.hub, bool(params["token"] or params["token_file"])))
            asked = {
                uri: asker.ask(partial(look, ports.hub, login, repository))
                for uri, repository in repositories.items()
                if repository
            }
        refusal = login.value.refusal if asked and login.value else ""
        findings = [_finding(uri, asked.get(uri), refusal) for uri in uris]
    result: Result = {
        "changed": False,
        "findings": [asdict(finding) for finding in findings],
        "user": login.value.user if asked and login.value else "",
        "calls": asker.calls,
        "elapsed": asker.elapsed,
        "elapsed_in_turn": asker.in_turn,
    }
    if params["fail_on_problem"]:
        refuse("The model hub would not serve", findings, result)
    return result


def _finding(uri: str, answer: Answer[Finding] | None, refusal: str) -> Finding:
    if answer is None:
        said = "is not a repository of the hub" if uri.startswith("hf://") else "is not kept on the hub"
        return Finding(
            f"model {uri}",
            FAILED if uri.startswith("hf://") else UNKNOWN,
            f"{uri} {said}, and was not looked at",
            "Give one as in hf://Qwen/Qwen2.5-3B-Instruct (rhaii_models)." if uri.startswith("hf://") else "",
        )
    finding = answer.value
    if finding is None:
        return Finding(f"model {uri}", UNKNOWN, answer.problem, _AWAY)
    if not refusal or finding.verdict == UNKNOWN:
        return finding
    return Finding(
        finding.check,
        FAILED,
        f"the hub refuses the token ({refusal})",
        f"Make a new one at {TOKEN_PAGE} and give it with rhaii_hf_token_file.",
    )


def token_of(params: Params) -> str:
    if not params["token_file"]:
        return hub_token(params["token"], "option token") if str(params["token"] or "").strip() else ""
    remedy = "Name the file with the Hugging Face token (rhaii_hf_token_file)."
    return hub_token(read(params["token_file"], TOKEN_FILE, remedy, params.get(DECRYPT) or without_vault))


def hub_ports(params: Params) -> HubPorts:
    hub = HuggingFace(params["endpoint"], token_of(params), params["ca_file"], float(params["timeout"]))
    return HubPorts(hub, SystemClock())


CAPABILITY = Capability(
    name="model_access_check",
    argument_spec={
        "uris": {"type": "list", "elements": "str", "required": True},
        "token": {"type": "str", "no_log": True},
        "token_file": {"type": "path", "no_log": False},
        "endpoint": {"type": "str", "default": ENDPOINT},
        "ca_file": {"type": "path"},
        "timeout": {"type": "int", "default": 20},
        "fail_on_problem": {"type": "bool", "default": True},
    },
    ports=hub_ports,
    run=run,
)

__all__ = (
    "CAPABILITY",
    "HubPorts",
    "HuggingFace",
    "Login",
    "Reply",
    "Repository",
    "judge",
    "log_in",
    "repository_of",
    "run",
    "token_of",
)
