# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two screens: every stage of every verb has the four facts, whatever is known."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._last_screen import (
    STAGES,
    first_screen,
    last_screen,
    nearest,
    playbook,
    stage_of,
)

HERE = "/home/me/repo"
UP: dict[str, Any] = {
    "known": True,
    "up": True,
    "clusters": [{"location": "europe-west4-a", "protected": False}],
    "msg": "cluster c in europe-west4-a (RUNNING): bills 36.20 USD an hour (Cloud Billing, 2026-11-24)",
}
NOTHING = {"known": True, "up": False, "clusters": [], "msg": "nothing is up, nothing bills"}
STORY: dict[str, Any] = {
    "verb": "deploy",
    "environment": "prod",
    "project": "my-project",
    "location": "europe-west4-a",
    "stage": "tpu_pool",
    "why": "Google refused.",
    "standing": UP,
    "check_mode": False,
    "keep": False,
    "moves": False,
    "playbooks": f"{HERE}/playbooks",
    "inventories": [f"{HERE}/inventories/prod"],
    "limit": "",
}
COMMAND = (
    "ansible-playbook -i inventories/prod playbooks/teardown.yml -e rhaii_location=europe-west4-a "
    "-e rhaii_teardown_confirm=prod"
)
BEFORE = {"fate": "killed", "verb": "deploy", "stage": "tpu_pool", "began": 1764500000.0, "host": "h", "process": 4711}
EVERY_STAGE = [(verb, stage) for verb, stages in STAGES.items() for stage in stages]


def screen(**changes: Any) -> list[str]:
    return last_screen({**STORY, **changes}, HERE)


def command(**changes: Any) -> str:
    (found,) = [line for line in screen(**changes) if line.startswith("End it: ")]
    return found.removeprefix("End it: ")


def test_the_four_facts() -> None:
    assert screen() == [
        "deploy of prod failed at the stage 'TPU pool'.",
        "Why:    Google refused.",
        "Up now: Cluster c in europe-west4-a (RUNNING): bills 36.20 USD an hour (Cloud Billing, 2026-11-24).",
        "Again:  Run deploy again, and it keeps the cluster, asks for the TPU pool or for the machines that it "
        "lacks, and "
        "goes on from there.",
        f"End it: {COMMAND}",
    ]


@pytest.mark.parametrize("verb, stage", EVERY_STAGE)
def test_every_stage_has_them(verb: str, stage: str) -> None:
    first, why, up, again, end = screen(verb=verb, stage=stage)
    assert first.startswith(f"{verb} of prod failed at the stage '{STAGES[verb][stage].title}'")
    assert (why, up[:16], end[:24]) == ("Why:    Google refused.", "Up now: Cluster ", "End it: ansible-playbook")
    assert again == f"Again:  Run {verb} again, and it {STAGES[verb][stage].again}."


def test_stages_of_a_verb_have_titles_of_their_own_or_are_one_wait() -> None:
    for verb, stages in STAGES.items():
        titles = [stage.title for stage in stages.values()]
        waits = titles.count("waiting for the TPU pool")
        assert len(set(titles)) == len(titles) - max(0, waits - 1), verb


def test_checks_changed_nothing() -> None:
    assert screen(stage="preflight")[0] == "deploy of prod failed at the stage 'checks', before it changed anything."
    # so early that no stage was noted
    assert screen(stage="")[0] == "deploy of prod failed at the stage 'checks', before it changed anything."


def test_check_mode_changes_nothing() -> None:
    assert screen(check_mode=True)[0] == (
        "deploy of prod failed at the stage 'TPU pool' in check mode, which changes nothing."
    )


def test_nothing_is_up() -> None:
    lines = screen(standing=NOTHING)
    assert lines[2] == "Up now: Nothing is up, nothing bills."
    assert lines[4] == f"End it: {COMMAND}"


def test_silent_cloud_is_said_with_the_console() -> None:
    standing = {"known": False, "up": None, "reason": "no answer from https://container.googleapis.com."}
    assert screen(standing=standing)[2] == (
        "Up now: Not known: no answer from https://container.googleapis.com. What is up bills on; look at "
        "https://console.cloud.google.com/kubernetes/list/overview?project=my-project"
    )


@pytest.mark.parametrize(
    "standing, project, reason",
    [
        ({}, "p", "nobody was asked"),
        ({"failed": True, "msg": "missing required arguments: service_account_file"}, "p", "missing required"),
        ({"failed": True, "msg": "missing required arguments: project"}, "", "no project is given"),
        ({"reason": "'x' is undefined."}, "p", "'x' is undefined."),
    ],
)
def test_what_cannot_be_known(standing: dict[str, Any], project: str, reason: str) -> None:
    line = screen(standing=standing, project=project)[2]
    assert line.startswith(f"Up now: Not known: {reason}")
    assert line.endswith(f"?project={project}" if project else "/kubernetes/list/overview")


def test_without_a_reason_that_is_said() -> None:
    assert screen(why="")[1] == "Why:    It is not known why."


def test_command_in_the_folder_of_the_clone() -> None:
    assert command() == COMMAND


@pytest.mark.parametrize(
    "changes, part",
    [
        ({"inventories": ["/etc/my inventory"]}, "-i '/etc/my inventory' playbooks/teardown.yml"),
        ({"inventories": ["host,"]}, "-i host, playbooks/teardown.yml"),
        ({"inventories": []}, "ansible-playbook playbooks/teardown.yml"),
        ({"inventories": [f"{HERE}/a", f"{HERE}/b"]}, "-i a -i b playbooks"),
        ({"limit": "prod"}, "-i inventories/prod -l prod playbooks/teardown.yml"),
        ({"playbooks": "/c/ansible_collections/rhaii/gke/playbooks"}, "-i inventories/prod rhaii.gke.teardown -e"),
        ({"playbooks": ""}, "-i inventories/prod rhaii.gke.teardown -e"),
        ({"playbooks": "/opt/x/playbooks/"}, "-i inventories/prod /opt/x/playbooks/teardown.yml"),
        ({"keep": True}, "-e rhaii_teardown_confirm=prod -e rhaii_keep=false"),
        (
            {"standing": {**UP, "clusters": [{"location": "us-east5-a", "protected": True}]}},
            "-e rhaii_location=us-east5-a -e rhaii_teardown_confirm=prod -e rhaii_keep=false",
        ),
        ({"standing": NOTHING, "location": ""}, "playbooks/teardown.yml -e rhaii_teardown_confirm=prod"),
        # one that moves is found wherever it is
        ({"moves": True}, "playbooks/teardown.yml -e rhaii_teardown_confirm=prod"),
    ],
)
def test_command(changes: dict[str, Any], part: str) -> None:
    assert part in command(**changes)


def test_a_command_a_place() -> None:
    clusters = [{"location": "europe-west4-a", "protected": True}, {"location": "us-east5-a"}]
    lines = screen(standing={**UP, "clusters": clusters}, moves=True)
    confirm = "-e rhaii_on_stockout=fail -e rhaii_teardown_confirm=prod"
    assert lines[4].endswith(f"-e rhaii_location=europe-west4-a {confirm} -e rhaii_keep=false")
    assert lines[5].startswith("        ansible-playbook")
    assert lines[5].endswith(f"-e rhaii_location=us-east5-a {confirm}")


def test_first_screen_after_a_kill() -> None:
    assert first_screen({**STORY, "before": BEFORE}, HERE) == [
        "The last run did not end: deploy of prod, begun 2025-11-30 10:53 UTC on h, was killed or interrupted "
        "at the stage "
        "'TPU pool'.",
        "Up now: Cluster c in europe-west4-a (RUNNING): bills 36.20 USD an hour (Cloud Billing, 2026-11-24).",
        "Now:    This deploy keeps the cluster, asks for the TPU pool or for the machines that it lacks, and "
        "goes on from "
        "there.",
        f"End it: {COMMAND}",
    ]


@pytest.mark.parametrize("verb, stage", EVERY_STAGE)
def test_first_screen_after_a_kill_at_every_stage(verb: str, stage: str) -> None:
    told, up, now, end = first_screen({**STORY, "verb": verb, "before": {**BEFORE, "verb": verb, "stage": stage}}, HERE)
    assert f"{verb} of prod, begun" in told
    assert f"at the stage '{STAGES[verb][stage].title}'" in told
    assert (up[:8], now[:8], end[:8]) == ("Up now: ", "Now:    ", "End it: ")
    assert now == f"Now:    This {verb} {STAGES[verb][stage].again}."


@pytest.mark.parametrize(
    "verb, does",
    [
        ("teardown", "This teardown deletes it."),
        ("scale", "This scale changes the number of replicas and nodes, and nothing else."),
        ("update", "This run is update."),
    ],
)
def test_another_verb_after_a_kill(verb: str, does: str) -> None:
    assert first_screen({**STORY, "verb": verb, "before": BEFORE}, HERE)[2] == f"Now:    {does}"


def test_a_run_that_still_works() -> None:
    lines = first_screen({**STORY, "before": {**BEFORE, "fate": "running"}}, HERE)
    assert lines[0] == (
        "Another run still works on this: deploy of prod, begun 2025-11-30 10:53 UTC on h (process 4711), is at "
        "the stage "
        "'TPU pool'."
    )
    assert lines[2] == "Now:    This deploy keeps what is there and makes what is missing."


def test_no_record_and_something_is_up() -> None:
    assert first_screen({**STORY, "before": {"fate": "none"}}, HERE) == [
        "prod is up already, by a run of which there is no record here: cluster c in europe-west4-a (RUNNING): "
        "bills 36.20 "
        "USD an hour (Cloud Billing, 2026-11-24)."
    ]


@pytest.mark.parametrize("standing", [NOTHING, {}, {"failed": True, "msg": "x"}, {"known": False, "up": None}])
def test_no_record_and_nothing_to_say(standing: dict[str, Any]) -> None:
    assert first_screen({**STORY, "standing": standing, "before": {"fate": "none"}}, HERE) == []


@pytest.mark.parametrize("fate", ["ok", "failed"])
def test_a_run_that_ended_is_not_told_of(fate: str) -> None:
    assert first_screen({**STORY, "before": {**BEFORE, "fate": fate}}, HERE) == []
    assert first_screen(STORY, HERE)[0].startswith("prod is up already")


@pytest.mark.parametrize("began", [None, "x", 1e30])
def test_a_record_that_somebody_spoilt(began: Any) -> None:
    before = {**BEFORE, "began": began, "stage": None, "verb": "unheard"}
    assert first_screen({**STORY, "before": before}, HERE)[0] == (
        "The last run did not end: unheard of prod, begun at an unknown time on h, was killed or interrupted at "
        "the stage "
        "'begin'."
    )


def test_unknown_stage_is_said_by_its_name() -> None:
    assert stage_of("deploy", "elsewhere").title == "elsewhere"


def test_paths() -> None:
    assert nearest("/a/b", "/a") == "b"
    assert nearest("/a/b", "/c") == "/a/b"
    assert playbook("/a/playbooks", "/a") == "playbooks/teardown.yml"
