# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""model_access_check: what the hub's answers mean for each model."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import requests
from ansible_collections.rhaii.gke.plugins.module_utils._access import hub as module
from ansible_collections.rhaii.gke.plugins.module_utils._access.hub import (
    CAPABILITY,
    HubPorts,
    HuggingFace,
    Reply,
    Repository,
    repository_of,
    run,
    token_of,
)
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Result, silent
from ansible_collections.rhaii.gke.plugins.module_utils._clock import SystemClock
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._google import UnreachableError

from tests.unit.fake_clock import FakeClock

QWEN = "Qwen/Qwen2.5-3B-Instruct"
INFO = f"/api/models/{QWEN}"
CHECK = f"{INFO}/auth-check"
WHOAMI = "/api/whoami-v2"
OPEN: Mapping[str, Any] = {"gated": False}
AWAY = UnreachableError("Could not ask the model hub: no answer from https://huggingface.co (timed out).")


class Scripted:
    """The hub, by path."""

    def __init__(self, **replies: Reply | Exception) -> None:
        self.asked: list[str] = []
        self._replies: dict[str, Reply | Exception] = {
            WHOAMI: replies.get("whoami", Reply(200, body={"name": "me"})),
            INFO: replies.get("info", Reply(200, body=OPEN)),
            f"{INFO}/revision/v2": replies.get("revision", Reply(200, body=OPEN)),
            CHECK: replies.get("check", Reply(200)),
        }

    def get(self, path: str) -> Reply:
        self.asked.append(path)
        reply = self._replies[path]
        if isinstance(reply, Exception):
            raise reply
        return reply


def asked(hub: Any, *uris: str, token: str | None = "hf_x", fail: bool = False) -> Result:
    params = {"uris": list(uris or (f"hf://{QWEN}",)), "token": token, "token_file": None, "fail_on_problem": fail}
    return run(params, HubPorts(hub, FakeClock()), silent, False)


@pytest.mark.parametrize(
    ("token", "replies", "verdict", "found", "remedy"),
    [
        pytest.param("hf_x", {}, "ok", "given out for me", "", id="open"),
        pytest.param(None, {}, "ok", "given out without a token", "", id="open, without a token"),
        pytest.param(
            "hf_x",
            {"info": Reply(200, body={"gated": "manual"})},
            "ok",
            "gated, and given out for me",
            "",
            id="gated and granted",
        ),
        pytest.param(
            "hf_x",
            {"info": Reply(200, body={"gated": "manual"}), "check": Reply(403, "GatedRepo", "is restricted")},
            "failed",
            "gated, and not given out to me (403 GatedRepo is restricted)",
            f"Accept its licence at https://huggingface.co/{QWEN} with the token's account",
            id="licence not accepted",
        ),
        pytest.param(
            "hf_x",
            {"info": Reply(200, body={"gated": "auto"}), "check": Reply(403, "", "fine-grained token")},
            "failed",
            "gated, and not given out to me (403 fine-grained token)",
            "A fine-grained token must also be allowed",
            id="token may not read gated ones",
        ),
        pytest.param(
            None,
            {"info": Reply(200, body={"gated": "auto"}), "check": Reply(401, "GatedRepo", "log in")},
            "failed",
            "gated, and no token is given",
            f"Accept its licence at https://huggingface.co/{QWEN}, and give a token of that account",
            id="gated, without a token",
        ),
        pytest.param(
            "hf_x",
            {"info": Reply(404, "RepoNotFound", "Repository not found")},
            "failed",
            "the hub has no such repository that the token may see (404 RepoNotFound Repository not found)",
            "Check the uri (rhaii_models)",
            id="no such repository",
        ),
        pytest.param(
            None,
            {"info": Reply(401, "", "Invalid username or password.")},
            "failed",
            "the hub has no such repository that anybody may see (401 Invalid username or password.)",
            "for a private repository give a token",
            id="private or missing, without a token",
        ),
        pytest.param(
            "hf_x",
            {
                "whoami": Reply(401, "", "Invalid credentials in Authorization header"),
                "info": Reply(401, "", "Invalid credentials in Authorization header"),
            },
            "failed",
            "the hub refuses the token (401 Invalid credentials in Authorization header)",
            "Make a new one at https://huggingface.co/settings/tokens",
            id="no such token",
        ),
        pytest.param("hf_x", {"check": Reply(404)}, "ok", "given out for me", "", id="a mirror without the question"),
        pytest.param(
            "hf_x",
            {"info": Reply(200, body={"gated": "auto"}), "check": Reply(404)},
            "unknown",
            "the hub answered 404",
            "Run again",
            id="gated, on a mirror without the question",
        ),
        pytest.param("hf_x", {"info": Reply(503)}, "unknown", "the hub answered 503", "Run again", id="not available"),
        pytest.param("hf_x", {"check": Reply(429)}, "unknown", "the hub answered 429", "Run again", id="too many"),
        pytest.param("hf_x", {"info": AWAY}, "unknown", AWAY.msg, "rhaii_hub_endpoint", id="no answer"),
        pytest.param(
            "hf_x", {"whoami": AWAY, "info": AWAY}, "unknown", AWAY.msg, "rhaii_hub_endpoint", id="no answer at all"
        ),
        pytest.param("hf_x", {"whoami": AWAY}, "ok", "given out", "", id="no answer to who the token is"),
        pytest.param(
            "hf_x",
            {"whoami": Reply(401, "", "no"), "info": Reply(503)},
            "unknown",
            "the hub answered 503",
            "Run again",
            id="what is unknown stays so",
        ),
    ],
)
def test_verdict(
    token: str | None, replies: dict[str, Reply | Exception], verdict: str, found: str, remedy: str
) -> None:
    (finding,) = asked(Scripted(**replies), token=token)["findings"]
    assert (finding["check"], finding["verdict"], finding["found"]) == (f"model {QWEN}", verdict, found)
    assert remedy in finding["remedy"]
    assert bool(finding["remedy"]) == bool(remedy)


@pytest.mark.parametrize(
    ("reply", "verdict", "found"),
    [
        (Reply(200, body=OPEN), "ok", "given out for me"),
        (Reply(404, "RevisionNotFound", "Invalid rev id: v2"), "failed", "it has no revision v2"),
    ],
)
def test_revision(reply: Reply, verdict: str, found: str) -> None:
    (finding,) = asked(Scripted(revision=reply), f"hf://{QWEN}:v2")["findings"]
    assert (finding["verdict"], finding["found"]) == (verdict, found)


@pytest.mark.parametrize(
    ("uri", "repository"),
    [
        ("hf://Qwen/Qwen3-0.6B", Repository("Qwen/Qwen3-0.6B")),
        ("hf://a/b:refs/pr/1", Repository("a/b", "refs/pr/1")),
        ("hf://only-one-part", None),
        ("hf://a/b/c", None),
        ("gs://bucket/model", None),
    ],
)
def test_uri(uri: str, repository: Repository | None) -> None:
    assert repository_of(uri) == repository


def test_uris_that_the_hub_cannot_know() -> None:
    hub = Scripted()
    other, wrong = asked(hub, "gs://bucket/model", "hf://nobody")["findings"]
    assert (other["verdict"], other["found"]) == (
        "unknown",
        "gs://bucket/model is not kept on the hub, and was not looked at",
    )
    assert (wrong["verdict"], "hf://Qwen" in wrong["remedy"]) == ("failed", True)
    assert hub.asked == []


def test_each_model_is_asked_for_once_and_the_token_too() -> None:
    hub = Scripted()
    result = asked(hub, f"hf://{QWEN}", f"hf://{QWEN}")
    assert sorted(hub.asked) == sorted([WHOAMI, INFO, CHECK])
    assert (result["user"], result["calls"], len(result["findings"])) == ("me", 2, 1)


def test_nobody_asks_who_it_is_without_a_token() -> None:
    hub = Scripted()
    assert asked(hub, token=None)["user"] == ""
    assert WHOAMI not in hub.asked


def test_models_are_asked_for_at_the_same_time() -> None:
    """Each waits for the other: asked in turn, they would wait for ever."""
    barrier = threading.Barrier(2, timeout=5)

    class Together:
        def get(self, path: str) -> Reply:
            if path in ("/api/models/a/b", "/api/models/a/c"):
                barrier.wait()
            return Reply(200, body=OPEN)

    params = {"uris": ["hf://a/b", "hf://a/c"], "token": "t", "token_file": None, "fail_on_problem": True}
    result = run(params, HubPorts(Together(), SystemClock()), silent, False)
    assert [each["verdict"] for each in result["findings"]] == ["ok", "ok"]


def test_failed_checks_fail_the_task_with_the_result() -> None:
    missing = Reply(404, "RepoNotFound", "Repository not found")
    with pytest.raises(RhaiiError, match=rf"^The model hub would not serve: model {QWEN}: the hub has no") as failure:
        asked(Scripted(info=missing), fail=True)
    assert failure.value.result["findings"][0]["verdict"] == "failed"
    assert asked(Scripted(info=AWAY), fail=True)["findings"][0]["verdict"] == "unknown"


def test_token_of_a_file_wins(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("hf_file\n", encoding="utf-8")
    assert token_of({"token": "hf_given ", "token_file": None}) == "hf_given"
    assert token_of({"token": "hf_given", "token_file": str(file)}) == "hf_file"
    assert token_of({"token": None, "token_file": None}) == ""
    with pytest.raises(RhaiiError, match=r"The file /no/token does not exist\."):
        token_of({"token": None, "token_file": "/no/token"})


def test_token_is_not_logged() -> None:
    assert CAPABILITY.argument_spec["token"]["no_log"] is True
    assert CAPABILITY.argument_spec["token_file"]["no_log"] is False


class Wire(requests.adapters.BaseAdapter):
    """The other end of a session."""

    def __init__(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        super().__init__()
        self._answer = (status, content, headers)
        self.sent: list[requests.PreparedRequest] = []

    def send(self, request: requests.PreparedRequest, **more: Any) -> requests.Response:
        self.sent.append(request)
        answer = requests.Response()
        answer.status_code, answer._content, headers = self._answer
        answer.headers.update(headers)
        answer.request, answer.url = request, str(request.url)
        return answer

    def close(self) -> None:
        return


@pytest.mark.parametrize(
    ("content", "headers", "reply"),
    [
        pytest.param(
            b'{"error": "no"}',
            {"X-Error-Code": "GatedRepo", "X-Error-Message": "restricted"},
            Reply(403, "GatedRepo", "restricted", {"error": "no"}),
            id="headers",
        ),
        pytest.param(b'{"error": "no"}', {}, Reply(403, "", "no", {"error": "no"}), id="content alone"),
        pytest.param(b"<html>", {}, Reply(403), id="a page"),
        pytest.param(json.dumps(["x"]).encode(), {}, Reply(403), id="a list"),
    ],
)
def test_answer_of_the_hub(
    content: bytes, headers: dict[str, str], reply: Reply, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = Wire(403, content, headers)

    def prepared(session: requests.Session, *more: Any) -> requests.Session:
        session.mount("https://", wire)
        return session

    monkeypatch.setattr(module, "prepared", prepared)
    assert HuggingFace("https://hub.example/", "hf_x", None, 5.0).get("/api/x") == reply
    HuggingFace("https://hub.example", "", None, 5.0).get("/api/x")
    assert [each.url for each in wire.sent] == ["https://hub.example/api/x"] * 2
    assert [each.headers.get("Authorization") for each in wire.sent] == ["Bearer hf_x", None]


def test_missing_authority_is_named_with_its_variable() -> None:
    with pytest.raises(RhaiiError, match=r"rhaii_hub_ca_file"):
        HuggingFace("https://hub.example", "", "/no/ca.pem", 5.0).get("/api/x")
