# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The map from the guide to the collection is complete, and names only what there is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.prove.render.guide_map import Entry, entries, flat
from tests.prove.render.tree import ROOT, Tree

TREE = Tree()
ENTRIES = entries(ROOT / "docs" / "guide_map.yml")
COMMANDS: list[dict[str, Any]] = yaml.safe_load(
    (ROOT / "tests" / "integration" / "guide" / "commands.yml").read_text(encoding="utf-8")
)
COMMAND_LINES = [entry.line for entry in ENTRIES if entry.kind == "command"]
# programs of which the guide's options are ours to answer for; kubectl's and curl's stay kubectl's and curl's
PROGRAMS = re.compile(r"^(?:\./scripts/(\S+)|(gcloud))\b")


def ids(entry: Entry) -> str:
    return f"{entry.kind} {entry.line[:50]}"


@pytest.mark.parametrize("row", COMMANDS, ids=lambda row: " ".join(row["command"].split())[:60])
def test_command_that_the_tests_run_is_in_the_map_as_typed(row: dict[str, Any]) -> None:
    wanted = row.get("endpoint") or flat(row["command"])
    found = [entry for entry in ENTRIES if entry.line == wanted]
    assert found, f"docs/guide_map.yml has no entry for {wanted}"
    assert {entry.here for entry in found} == {"typed"}


@pytest.mark.parametrize("entry", [entry for entry in ENTRIES if entry.here == "typed"], ids=ids)
def test_command_that_is_called_as_typed_is_run_by_the_tests(entry: Entry) -> None:
    typed = {flat(row["command"]) for row in COMMANDS} | {row.get("endpoint") for row in COMMANDS}
    # an endpoint may be part of a command: curl -X POST http://$GATEWAY_IP/v1/completions
    verb, _, path = entry.line.partition(" ")
    calls = {command for command in typed if command and f"$GATEWAY_IP{path}" in command}
    assert entry.line in typed or (
        entry.kind == "endpoint" and any(("-X POST" in call) == (verb == "POST") for call in calls)
    )


def parts() -> Iterator[tuple[str, str]]:
    """Every option and file in the commands that ours replace, as (kind, text)."""
    for line in COMMAND_LINES:
        for word in line.split():
            if re.fullmatch(r"(\./\S+|deployments/\S+|\S+\.(yaml|sh|example)|\.envrc)", word):
                yield "file", word
        program = PROGRAMS.match(line)
        if program:
            for option in re.findall(r"(?<!\S)(--[a-z-]+)", line.partition("|")[0]):
                yield "option", f"{option} of {program[1] or program[2]}"


@pytest.mark.parametrize(("kind", "text"), sorted(set(parts())))
def test_option_and_file_of_a_command_has_its_own_entry(kind: str, text: str) -> None:
    known = {entry.line for entry in ENTRIES if entry.kind == "file"}
    known |= {f"{entry.line} of {program}" for entry in ENTRIES for program in entry.programs}
    assert text in known, f"docs/guide_map.yml has no {kind} entry for {text}"


@pytest.mark.parametrize("entry", [entry for entry in ENTRIES if entry.references], ids=ids)
def test_what_stands_for_it_exists(entry: Entry) -> None:
    there = {
        "playbook": TREE.playbooks,
        "role": TREE.roles,
        "module": TREE.modules,
        "tag": TREE.tags,
        "variable": TREE.variables,
    }
    for kind, target in entry.references:
        if kind == "file":
            assert (ROOT / target).exists(), f"no file {target}"
        else:
            assert target in there[kind], f"no {kind} {target}; there are {sorted(there[kind])}"


@pytest.mark.parametrize("entry", [entry for entry in ENTRIES if entry.run], ids=ids)
def test_command_of_ours_names_only_what_exists(entry: Entry) -> None:
    words = entry.run.split()
    if words[0] != "ansible-playbook":
        assert words[0] == "kubectl"
        return
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word.endswith(".yml"):
            assert word.removeprefix("playbooks/") in TREE.playbooks
        elif word == "-i":
            assert (ROOT / following / "hosts.yml").exists()
        elif word == "-e":
            assert following.partition("=")[0] in TREE.variables
        elif word in ("--tags", "--skip-tags"):
            assert following in TREE.tags


def test_every_entry_says_what_stands_for_it() -> None:
    for entry in ENTRIES:
        if entry.here == "ours":
            assert entry.run or entry.references or entry.note, f"nothing stands for {entry.line}"
        elif entry.here == "missing":
            assert not entry.run, f"{entry.line} is missing and yet there is {entry.run}"
        else:
            assert not entry.run, f"{entry.line} needs nothing of ours to type"


def test_no_gcloud_command_is_left_to_type() -> None:
    found = [entry for entry in ENTRIES if entry.kind == "command" and entry.line.startswith("gcloud ")]
    assert len(found) > 5
    for entry in found:
        assert entry.here in ("ours", "missing")
        assert entry.run.startswith("ansible-playbook") or entry.here == "missing"


@pytest.mark.parametrize(
    "command",
    [
        "kubectl get envoyfilter -n istio-system",
        "kubectl exec -it <vllm-pod> -- curl -s http://localhost:8000/health",
        "gcloud compute project-info describe --project=YOUR_PROJECT | grep -i tpu",
    ],
)
def test_command_that_is_wrong_anywhere_has_ours_beside_it(command: str) -> None:
    (entry,) = [entry for entry in ENTRIES if entry.line == command]
    assert entry.wrong
    assert entry.run


def test_checks_of_verify_are_called_as_verify_calls_them() -> None:
    package = ROOT / "plugins" / "module_utils" / "_verification"
    source = "".join(file.read_text(encoding="utf-8") for file in package.glob("*.py"))
    named = {name for entry in ENTRIES for name in re.findall(r"\*([\w ]+)\*", entry.note)}
    assert named
    for name in named:
        assert f'"{name}"' in source, f"verify.yml has no check {name!r}"


def test_malformed_entry_is_refused(tmp_path: Any) -> None:
    file = tmp_path / "map.yml"
    for row in (
        {"command": "x"},
        {"command": "x", "here": "elsewhere"},
        {"here": "ours"},
        {"command": "x", "here": "ours", "y": 1},
    ):
        file.write_text(yaml.safe_dump([{"section": "s", "entries": [row]}]), encoding="utf-8")
        with pytest.raises(ValueError, match="an entry has one of"):
            entries(file)
