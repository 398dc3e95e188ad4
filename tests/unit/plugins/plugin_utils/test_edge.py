# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action edge: what it refuses, what it hands on, and what it hides."""

from __future__ import annotations

import gc
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible.module_utils._internal._datatag._tags import Deprecated
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Capability, Params, Progress, Result
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.plugin_utils import _edge
from ansible_collections.rhaii.gke.plugins.plugin_utils._edge import CapabilityAction

SECRET = "s3cr3tValue"


class Core:
    """A capability that shows what it got."""

    def __init__(self) -> None:
        self.calls: list[tuple[Params, bool]] = []
        self.error: Exception | None = None

    def run(self, params: Params, ports: None, progress: Progress, check_mode: bool) -> Result:
        self.calls.append((params, check_mode))
        progress(f"looking with {params['token']}")
        if self.error:
            raise self.error
        return {"changed": True, "seen": [f"it was {params['token']}"], "diff": {"before": params["token"]}}


@pytest.fixture
def core() -> Core:
    return Core()


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(_edge.display, "display", lines.append)
    return lines


def held(params: Params) -> list[str]:
    """What a capability knows to be secret, beside its no_log options."""
    return [str(params["other"])] if str(params.get("other")).startswith("held") else []


def test_what_is_loaded_before_the_fork_is_left_alone_by_the_collectors_of_forks() -> None:
    gc.unfreeze()
    try:
        type("Imported", (CapabilityAction,), {})
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()


def action(core: Core, args: dict[str, Any], transport: str = "local", become: Any = None, **task: Any) -> Any:
    capability = Capability(
        name="demo",
        secrets=held,
        argument_spec={
            "token": {"type": "str", "no_log": True},
            "count": {"type": "int", "default": 1},
            "flag": {"type": "bool"},
            "other": {"type": "str"},
        },
        ports=lambda params: None,
        run=core.run,
        mutually_exclusive=[("flag", "other")],
    )
    given = {"async_val": 0, "check_mode": False, "diff": False, "action": "rhaii.gke.demo", "args": args, **task}
    connection = SimpleNamespace(transport=transport, become=become, _shell=SimpleNamespace(tmpdir="x"))
    kind = type("ActionModule", (CapabilityAction,), {"capability": capability})
    return kind(SimpleNamespace(**given), connection, None, None, None)


def ran(core: Core, args: dict[str, Any], **more: Any) -> dict[str, Any]:
    result: dict[str, Any] = action(core, args, **more).run(task_vars={"inventory_hostname": "prod"})
    return result


def test_async_is_refused_with_the_way_out(core: Core) -> None:
    with pytest.raises(AnsibleActionFail, match=r"rhaii\.gke\.demo .* cannot be asynchronous; remove async and poll"):
        ran(core, {}, async_val=60)
    assert not core.calls


def test_become_is_refused_with_the_way_out(core: Core) -> None:
    with pytest.raises(AnsibleActionFail, match=r"rhaii\.gke\.demo .* cannot become another one; set become: false"):
        ran(core, {}, become=SimpleNamespace(name="sudo"))
    assert not core.calls


@pytest.mark.parametrize("transport", ["ssh", "kubectl", ""])
def test_elsewhere_the_module_runs(transport: str, core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = action(core, {"count": 2}, transport=transport)
    calls: list[dict[str, Any]] = []

    def execute_module(**call: Any) -> dict[str, Any]:
        calls.append(call)
        return {"changed": False, "remote": True}

    monkeypatch.setattr(plugin, "_execute_module", execute_module)
    variables = {"inventory_hostname": "prod"}
    assert plugin.run(task_vars=variables) == {"changed": False, "remote": True}
    assert calls == [{"module_name": "rhaii.gke.demo", "module_args": {"count": 2}, "task_vars": variables}]
    assert not core.calls


def test_options_are_checked_completed_and_plain(core: Core, said: list[str]) -> None:
    ran(core, {"count": Deprecated(msg="x").tag("7"), "other": Deprecated(msg="x").tag("text")})
    ((params, check_mode),) = core.calls
    assert params == {"token": None, "count": 7, "flag": None, "other": "text"}
    assert type(params["other"]) is str
    assert check_mode is False


@pytest.mark.parametrize("check_mode", [True, False])
def test_check_mode_reaches_the_core(check_mode: bool, core: Core, said: list[str]) -> None:
    ran(core, {}, check_mode=check_mode)
    assert core.calls[0][1] is check_mode


@pytest.mark.parametrize("diff", [True, False])
def test_diff_is_shown_when_asked_for(diff: bool, core: Core, said: list[str]) -> None:
    assert ("diff" in ran(core, {}, diff=diff)) is diff


def test_secret_is_hidden_in_result_progress_and_diff(core: Core, said: list[str]) -> None:
    result = ran(core, {"token": SECRET}, diff=True)
    assert core.calls[0][0]["token"] == SECRET
    assert result["changed"] is True
    assert result["seen"] == ["it was ********"]
    assert SECRET not in str(result)
    assert said == ["[prod] looking with ********"]


def test_secret_is_hidden_in_failures(core: Core, said: list[str]) -> None:
    core.error = RhaiiError(f"Refused {SECRET}.", remedy="Do.", result={"with": SECRET})
    result = ran(core, {"token": SECRET})
    assert (result["failed"], result["msg"]) == (True, "Refused ********. Do.")
    core.error = ValueError(SECRET)
    assert SECRET not in str(ran(core, {"token": SECRET}))


@pytest.mark.parametrize(
    ("args", "words"),
    [
        pytest.param({"count": "many"}, "which is not a whole number", id="a wrong type"),
        pytest.param({"cuont": 1}, "Unsupported parameters for (rhaii.gke.demo) module: cuont", id="an unknown option"),
        pytest.param({"flag": True, "other": "x"}, "mutually exclusive", id="a rule across options"),
    ],
)
def test_wrong_options_are_a_failed_result(args: dict[str, Any], words: str, core: Core) -> None:
    result = ran(core, args)
    assert (result["failed"], result["changed"]) == (True, False)
    assert words in result["msg"]
    assert not core.calls


def test_secret_is_hidden_when_options_are_refused(core: Core) -> None:
    result = ran(core, {"token": SECRET, SECRET: 1})
    assert result["failed"] is True
    assert SECRET not in str(result)


def test_what_a_capability_knows_to_be_secret_is_hidden_everywhere(core: Core, said: list[str]) -> None:
    core.run, run = lambda params, *more: run({**params, "token": params["other"]}, *more), core.run  # type: ignore
    result = ran(core, {"other": "held back"}, diff=True)
    assert result["seen"] == ["it was ********"]
    assert "held" not in str(result) + str(said)
    core.error = RhaiiError("Refused held back.")
    assert ran(core, {"other": "held back"})["msg"] == "Refused ********."


def test_it_is_hidden_when_options_are_refused(core: Core, said: list[str]) -> None:
    result = ran(core, {"other": "held back", "count": "held back"})
    assert result["failed"] is True
    assert "held" not in str(result)


def test_progress_without_a_host(core: Core, said: list[str]) -> None:
    action(core, {}).run()
    assert said == ["[localhost] looking with None"]


@pytest.mark.parametrize("shown", [True, False])
def test_progress_under_no_log(shown: bool, core: Core, said: list[str]) -> None:
    assert ran(core, {"token": SECRET}, no_log=not shown)["changed"] is True
    assert bool(said) is shown


@pytest.mark.parametrize(
    ("callback", "aside"),
    [
        pytest.param("default", {}, id="the default"),
        pytest.param("ansible.builtin.minimal", {}, id="by a full name"),
        pytest.param("community.general.yaml", {}, id="of a collection"),
        pytest.param("ansible.posix.json", {"stderr": True}, id="JSON"),
        pytest.param("jsonl", {"stderr": True}, id="JSON lines"),
        pytest.param("acme.tools.records", {"stderr": True}, id="one that nobody knows"),
    ],
)
def test_progress_is_beside_what_a_program_reads(
    callback: str, aside: dict[str, bool], core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[str, dict[str, bool]]] = []
    monkeypatch.setattr(_edge.display, "display", lambda text, **where: calls.append((text, where)))
    monkeypatch.setattr(_edge, "callback", lambda: callback)
    ran(core, {})
    assert calls == [("[prod] looking with None", aside)]


@pytest.mark.parametrize(
    ("value", "shown"), [("false", False), ("0", False), (" No ", False), ("true", True), ("", True)]
)
def test_progress_is_switched_off_by_one_variable(
    value: str, shown: bool, core: Core, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RHAII_PROGRESS", value)
    ran(core, {})
    assert bool(said) is shown


def google(core: Core, **task: Any) -> Any:
    plugin = action(core, {}, **task)
    plugin.capability.argument_spec["auth_kind"] = {"type": "str"}
    return plugin


def test_environment_that_would_change_the_identity_is_refused_before_anything(core: Core, tmp_path: Path) -> None:
    plugin = google(core, environment={"GOOGLE_APPLICATION_CREDENTIALS": "/other"})
    with pytest.raises(AnsibleActionFail, match=r"GOOGLE_APPLICATION_CREDENTIALS would be ignored"):
        plugin.run(task_vars={**begun(tmp_path), "cluster_stage": "two"})
    assert not core.calls
    assert journal(tmp_path)["stage"] == "one"


def test_environment_that_changes_nothing_is_none(core: Core, said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:1")
    google(core, environment=[{"HTTPS_PROXY": "http://proxy:1"}, {"LANG": "C"}]).run(task_vars={})
    assert len(core.calls) == 1


def test_elsewhere_the_module_has_the_environment(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = google(core, transport="ssh", environment={"HTTPS_PROXY": "x"})
    monkeypatch.setattr(plugin, "_execute_module", lambda **call: {"changed": False})
    assert plugin.run(task_vars={}) == {"changed": False}


def begun(folder: Path) -> dict[str, Any]:
    """The variables of a task of a run that began in a folder."""
    (folder / "run.json").write_text(json.dumps({"run": "r", "stage": "one", "marks": {"one": 1.0}, "record": ""}))
    return {"inventory_hostname": "prod", "cluster_run": {"own_folder": str(folder)}}


def journal(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "run.json").read_text())
    return found


def test_a_task_notes_its_stage_and_that_it_changed_something(core: Core, said: list[str], tmp_path: Path) -> None:
    variables = {**begun(tmp_path), "cluster_stage": "two"}
    action(core, {"token": SECRET}).run(task_vars=variables)
    noted = journal(tmp_path)
    assert (noted["stage"], list(noted["marks"]), noted["unproven"]) == ("two", ["one", "two"], True)
    assert SECRET not in (tmp_path / "run.json").read_text()


def test_the_stage_is_noted_before_the_work(core: Core, said: list[str], tmp_path: Path) -> None:
    """Who is killed in it is known to be in it."""
    core.error = RhaiiError("It failed.")
    action(core, {}).run(task_vars={**begun(tmp_path), "cluster_stage": "two"})
    assert (journal(tmp_path)["stage"], "unproven" in journal(tmp_path)) == ("two", False)


def test_a_look_notes_no_change(core: Core, said: list[str], tmp_path: Path) -> None:
    action(core, {}, check_mode=True).run(task_vars=begun(tmp_path))
    assert journal(tmp_path) == {"run": "r", "stage": "one", "marks": {"one": 1.0}, "record": ""}


def test_a_task_may_stand_for_a_change_of_another(core: Core, said: list[str], tmp_path: Path) -> None:
    plugin = action(core, {})
    plugin._in_process = lambda host: {"changed": False}
    plugin.run(task_vars=begun(tmp_path))
    assert "unproven" not in journal(tmp_path)
    plugin.run(task_vars={**begun(tmp_path), "cluster_changes": True})
    assert journal(tmp_path)["unproven"] is True


@pytest.mark.parametrize("run", [None, {}, {"own_folder": "/nowhere/at/all"}, "text"])
def test_without_a_run_nothing_is_noted_and_nothing_fails(core: Core, said: list[str], run: Any) -> None:
    result = action(core, {}).run(task_vars={"cluster_run": run, "cluster_stage": "two"})
    assert "failed" not in result
