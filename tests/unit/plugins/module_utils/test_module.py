# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module edge: one result, and nothing secret in it, in the log, or in what -vvv shows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible_collections.rhaii.gke.plugins.module_utils._capability import (
    Capability,
    Params,
    Progress,
    Result,
    as_given,
    no_secrets,
)
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._module import run_module

SECRET = "hf_abcdefgh"
SHORT = "pin7"


def held(params: Params) -> list[str]:
    return [str(each) for each in params.get("things") or [] if len(str(each)) > len(SHORT)]


def logged(params: Params) -> Params:
    return {**params, "things": "(hidden)"}


class Edge:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys
        self.log: list[str] = []
        self.seen: list[tuple[Params, bool]] = []
        self.error: Exception | None = None
        monkeypatch.setattr(basic.AnsibleModule, "log", lambda module, msg, log_args=None: self.log.append(str(msg)))
        # a module changes into a folder of its own
        monkeypatch.setattr(basic.AnsibleModule, "_set_cwd", lambda module: None)

    def core(self, params: Params, ports: None, progress: Progress, check_mode: bool) -> Result:
        self.seen.append((params, check_mode))
        progress("nobody sees that")
        if self.error:
            raise self.error
        return {"changed": True, "said": f"it was {params['things'][0]}", "diff": {"before": "a", "after": "b"}}

    def run(self, *, code: int = 0, secrets: Any = held, shown: Any = logged, **given: Any) -> Result:
        spec = {"things": {"type": "list", "elements": "raw"}, "count": {"type": "int"}}
        capability = Capability("demo", spec, lambda params: None, self.core, secrets=secrets, logged=shown)
        args = json.dumps({"ANSIBLE_MODULE_ARGS": given}).encode()
        self._monkeypatch.setattr(basic, "_ANSIBLE_ARGS", args)
        self._monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy")
        with pytest.raises(SystemExit) as ended:
            run_module(capability)
        assert ended.value.code == code
        result: Result = json.loads(self._capsys.readouterr().out)
        return result


@pytest.fixture
def edge(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Edge:
    return Edge(monkeypatch, capsys)


def test_secret_is_in_no_result_no_log_and_no_invocation(edge: Edge) -> None:
    result = edge.run(things=[SECRET, SHORT], count=7, _ansible_diff=True, _ansible_check_mode=True)
    assert edge.seen == [({"things": [SECRET, SHORT], "count": 7}, True)]
    assert result == {
        "changed": True,
        "said": "it was ********",
        "diff": {"before": "a", "after": "b"},
        "invocation": {"module_args": {"things": "(hidden)", "count": 7}},
    }
    (line,) = edge.log
    assert line.startswith("Invoked with")
    assert "count=7" in line
    assert SECRET not in line and SHORT not in line


def test_failure_is_a_failed_module(edge: Edge) -> None:
    edge.error = RhaiiError(f"Refused {SECRET}.", result={"found": SECRET})
    result = edge.run(code=1, things=[SECRET])
    assert (result["failed"], result["msg"], result["found"]) == (
        True,
        "Refused ********.",
        "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER",
    )
    assert "diff" not in result


def test_refused_options_show_no_secret(edge: Edge) -> None:
    result = edge.run(code=1, things=[SECRET, SHORT], count=SECRET)
    assert "which is not a whole number" in result["msg"]
    assert SECRET not in str(result) and SHORT not in str(result)
    assert not edge.seen


def test_secrets_that_are_seen_when_options_are_checked_are_kept_too(edge: Edge) -> None:
    def parsed(params: Params) -> list[str]:
        """As of an object that was given as text."""
        return [SECRET] if isinstance(params["count"], int) else []

    result = edge.run(secrets=parsed, shown=as_given, things=[SECRET], count="7")
    assert result["said"] == "it was ********"
    assert SECRET not in str(edge.log)


def test_capability_without_secrets_of_its_own_shows_its_options(edge: Edge) -> None:
    result = edge.run(secrets=no_secrets, shown=as_given, things=["a"])
    assert result["invocation"] == {"module_args": {"things": ["a"], "count": None}}
    assert "things=['a']" in edge.log[0]
    assert result["said"] == "it was a"
