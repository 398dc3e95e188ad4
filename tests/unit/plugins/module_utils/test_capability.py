# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every way in which a capability can end becomes one result."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.rhaii.gke.plugins.module_utils._capability import (
    Capability,
    Params,
    Progress,
    Result,
    execute,
    silent,
)
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError, one_line


def ending(result: Result | BaseException, **more: Any) -> Capability[str]:
    def run(params: Params, ports: str, progress: Progress, check_mode: bool) -> Result:
        progress(f"{params} {ports} {check_mode}")
        if isinstance(result, BaseException):
            raise result
        return result

    return Capability("demo", {}, lambda params: "ports", run, **more)


def ended(result: Result | BaseException, diff_mode: bool = True) -> Result:
    return execute(ending(result), {}, silent, check_mode=False, diff_mode=diff_mode)


def test_result_is_completed() -> None:
    assert ended({"a": 1}) == {"a": 1, "changed": False}
    assert ended({"changed": True}) == {"changed": True}


def test_diff_is_shown_when_asked_for_alone() -> None:
    result = {"changed": True, "diff": {"before": "a", "after": "b"}}
    assert ended(result) == result
    assert ended(result, diff_mode=False) == {"changed": True}
    assert "diff" in result


def test_run_gets_params_ports_progress_and_check_mode() -> None:
    said: list[str] = []
    execute(ending({}), {"a": 1}, said.append, check_mode=True, diff_mode=False)
    assert said == ["{'a': 1} ports True"]


def test_error_of_ours_carries_its_result() -> None:
    error = RhaiiError("It is so.", remedy="Do that.", result={"changed": True, "found": 1})
    assert ended(error) == {"changed": True, "found": 1, "failed": True, "msg": "It is so. Do that."}
    assert ended(RhaiiError("It is so.")) == {"changed": False, "failed": True, "msg": "It is so."}


def test_lost_connection_is_a_sentence() -> None:
    assert ended(ConnectionResetError(104, "Connection reset by peer")) == {
        "changed": False,
        "failed": True,
        "msg": "demo lost its connection, or could not reach a file or service: [Errno 104] Connection reset by peer",
    }


def test_defect_is_named_as_one_and_keeps_its_traceback_apart() -> None:
    result = ended(KeyError("status"))
    assert result["failed"] is True
    assert result["msg"].startswith("demo met a case that it does not know: KeyError: 'status'. This is a defect")
    assert "Traceback" in result["exception"]
    assert "Traceback" not in result["msg"]


def test_ports_that_cannot_be_made_end_alike() -> None:
    def ports(params: Params) -> str:
        raise RhaiiError("No credentials.")

    broken = Capability("demo", {}, ports, ending({}).run)
    assert execute(broken, {}, silent, check_mode=False, diff_mode=False)["msg"] == "No credentials."


def test_what_stops_a_program_passes() -> None:
    with pytest.raises(KeyboardInterrupt):
        ended(KeyboardInterrupt())


def test_rules_are_what_ansible_takes() -> None:
    rules = ending(
        {},
        mutually_exclusive=[("a", "b")],
        required_together=[("a", "b")],
        required_one_of=[("a", "b")],
        required_if=[("a", "x", ("b",))],
        required_by={"a": ("b",)},
    ).rules
    assert rules == {
        "mutually_exclusive": [["a", "b"]],
        "required_together": [["a", "b"]],
        "required_one_of": [["a", "b"]],
        "required_if": [["a", "x", ("b",)]],
        "required_by": {"a": ["b"]},
    }
    none = ending({}).rules
    assert not any(none.values())
    assert not ArgumentSpecValidator({"a": {"type": "str"}}, **none).validate({"a": "x"}).error_messages


@pytest.mark.parametrize(
    ("error", "said"),
    [
        pytest.param(ValueError("a\n  b"), "a b", id="lines become one"),
        pytest.param(ValueError(), "ValueError", id="no words"),
        pytest.param(ValueError("x" * 400), "x" * 400, id="as long as may be"),
        pytest.param(ValueError("x" * 401), "x" * 399 + "…", id="too long"),
    ],
)
def test_one_line(error: Exception, said: str) -> None:
    assert one_line(error) == said


def test_errors_result_grows_beneath_what_it_knows() -> None:
    error = RhaiiError("x", result={"a": 1})
    assert error.with_result({"a": 2, "b": 3}) is error
    assert error.result == {"a": 1, "b": 3}
