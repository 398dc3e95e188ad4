# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""README.md and docs: rendered parts are rendered, links lead somewhere, what they name exists, no figure is typed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.prove.render.__main__ import documents, stale
from tests.prove.render.figures import BLOCK
from tests.prove.render.tree import COLLECTION_WIDE, ROOT, Tree

TREE = Tree()
DOCUMENTS = documents()
README = (ROOT / "README.md").read_text(encoding="utf-8")
MEASURE = re.compile(r"\d\s*(?:req/s|requests/s|ms|s|seconds?|min|minutes?|hours?|%|percent|MiB|GiB|dollars?)\b|\$\d")


def by_name(file: Path) -> str:
    return str(file.relative_to(ROOT))


def loaded(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def test_rendered_parts_are_as_rendered() -> None:
    assert [by_name(file) for file in stale()] == [], "run: python -m tests.prove.render"


@pytest.mark.parametrize("file", DOCUMENTS, ids=by_name)
def test_links_lead_to_files(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if not link.startswith("https://")]
    broken = [link for link in links if not (file.parent / link.partition("#")[0]).exists()]
    assert broken == []


@pytest.mark.parametrize("file", DOCUMENTS, ids=by_name)
def test_what_a_page_names_exists(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:`|^ {4})make ([a-z-]+)", text, re.MULTILINE)) <= targets
    assert set(re.findall(r"playbooks/([\w-]+\.yml)", text)) <= TREE.playbooks
    # in code a bare name with .yml is a playbook, or a file of the page's own folder
    named = {name for name in re.findall(r"`(\w+\.yml)`", text) if not (file.parent / name).exists()}
    assert named <= TREE.playbooks
    plugins = TREE.modules | {"gke_token", "gke_clusters"}
    assert set(re.findall(r"rhaii\.gke\.(gke_\w+|tpu_\w+|llmisvc_\w+|cache_\w+|gcp_\w+)", text)) <= plugins
    variables = TREE.variables | TREE.facts
    named = set(COLLECTION_WIDE.findall(text)) - {"rhaii_"}
    for role in TREE.roles:
        named.update(re.findall(rf"`({role}_\w+)`", text))
    assert named <= variables | TREE.tags


@pytest.mark.parametrize("file", DOCUMENTS, ids=by_name)
def test_no_figure_is_typed(file: Path) -> None:
    typed = BLOCK.sub("", file.read_text(encoding="utf-8"))
    assert MEASURE.findall(typed) == []


def test_readme_opens_with_the_two_commands() -> None:
    lines = [line for line in README.splitlines() if line]
    assert lines[0] == "# rhaii.gke"
    assert [line.split("#")[0].strip() for line in lines[1:3]] == ["make deploy", "make test"]


def test_readme_shows_the_example_inventory_as_it_is() -> None:
    shown = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    files = [ROOT / "inventories/example/group_vars/env_prod" / name for name in ("project.yml", "models.yml")]
    assert shown == [file.read_text(encoding="utf-8").removeprefix("---\n") for file in files]


def test_readme_lists_every_playbook() -> None:
    assert set(re.findall(r"\]\(playbooks/(\w+\.yml)\)", README)) == TREE.playbooks


def test_readme_names_the_requirements_of_the_collection() -> None:
    wanted = loaded("meta/runtime.yml")["requires_ansible"]
    (version,) = re.findall(r">=(\d+\.\d+)", wanted)
    assert f"ansible-core {version} or newer" in README
    (python,) = re.findall(r'requires-python = ">=([\d.]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert f"Python {python} or newer" in README
    collections = {item["name"] for item in loaded("collections/requirements.yml")["collections"]}
    assert collections == set(loaded("galaxy.yml")["dependencies"])
    for name in collections:
        assert f"`{name}`" in README


def test_architecture_has_the_order_of_deploy() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| `([\w/]+)` \|", text, re.MULTILINE)
    said = [entry for entry in table if entry.split("/")[0] in TREE.roles]
    assert said == imported(loaded("playbooks/deploy.yml"))


def imported(value: Any) -> list[str]:
    """The roles of a playbook, in order, each with its tasks when not main."""
    found: list[str] = []
    if isinstance(value, list):
        for item in value:
            found += imported(item)
    elif isinstance(value, dict):
        role = value.get("ansible.builtin.import_role")
        if role:
            name = role["name"].removeprefix("rhaii.gke.")
            found.append(f"{name}/{role['tasks_from']}" if "tasks_from" in role else name)
        file = value.get("ansible.builtin.include_tasks")
        if file:
            found += imported(loaded(f"playbooks/{file['file']}"))
        for key in ("tasks", "block", "rescue", "always"):
            found += imported(value.get(key))
    return found
