# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The execution environment has what a job needs, and what the plugins import is declared."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.rhaii.gke.plugins.module_utils._preflight.tools import PACKAGES
from packaging.requirements import Requirement

from sandbox.settings import CHECKOUT

# Part of every ansible-core (its requirements.txt).
OF_ANSIBLE = {"jinja2", "packaging", "pyyaml"}
# Files that start a program, with the one they start.
PROGRAMS = {
    "plugin_utils/_tools.py": "helm",  # and the guide's programs, which preflight looks for and nothing needs
    "module_utils/_charts/sources.py": "helm",
    "module_utils/_kubernetes_credentials.py": "",  # what the user's own kubeconfig names
}
NOT_NEEDED = re.compile(r"gcloud|google-cloud-(cli|sdk)|kubectl")


def loaded(name: str) -> Any:
    return yaml.safe_load((CHECKOUT / name).read_text(encoding="utf-8"))


def declared(name: str) -> dict[str, Requirement]:
    lines = (CHECKOUT / name).read_text(encoding="utf-8").splitlines()
    found = [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]
    return {canonical(requirement.name): requirement for requirement in found}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imports() -> Iterator[tuple[str, str]]:
    """Every module that a plugin imports from elsewhere, with the plugin's file."""
    for file in (CHECKOUT / "plugins").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            for name in names:
                top = name.partition(".")[0]
                if top not in sys.stdlib_module_names and top not in ("ansible", "ansible_collections", "__future__"):
                    yield name, str(file.relative_to(CHECKOUT / "plugins"))


def owners() -> Mapping[str, str]:
    """The distribution that has each module, by the module's path without its suffix."""
    return {
        str(path).removesuffix(".py").removesuffix("/__init__"): canonical(each.metadata["Name"])
        for each in distributions()
        for path in each.files or []
        if path.suffix == ".py"
    }


def tasks(value: Any) -> Iterator[str]:
    """Every name of a module that a playbook or a role's tasks call."""
    if isinstance(value, list):
        for item in value:
            yield from tasks(item)
    elif isinstance(value, dict):
        yield from (str(key) for key in value if re.fullmatch(r"[a-z_]+\.[a-z_]+\.[a-z0-9_]+", str(key)))
        for item in value.values():
            yield from tasks(item)


@pytest.fixture(scope="module")
def called() -> set[str]:
    files = [*CHECKOUT.glob("playbooks/**/*.yml"), *CHECKOUT.glob("roles/*/tasks/**/*.yml")]
    return {name for file in files for name in tasks(yaml.safe_load(file.read_text(encoding="utf-8")))}


def test_every_import_of_a_plugin_is_declared() -> None:
    known, wanted = owners(), declared("requirements.txt")
    seen = set()
    for name, file in imports():
        parts = name.split(".")
        # the longest part of it that is a module: the rest is a name in it
        paths = ["/".join(parts[:length]) for length in range(len(parts), 0, -1)]
        owner = next((known[path] for path in paths if path in known), None)
        assert owner, f"{file} imports {name}, which no package of the lock file has"
        assert owner in wanted or owner in OF_ANSIBLE, f"{file} imports {name}; add {owner} to requirements.txt"
        seen.add(owner)
    assert {"google-auth", "google-cloud-container", "requests"} <= seen


def test_requirements_are_those_that_preflight_looks_for() -> None:
    wanted = declared("requirements.txt")
    for name, least in PACKAGES.items():
        assert [each.version for each in wanted[name].specifier] == ([least] if least else [])
    # as Automation Hub wants it
    for name, requirement in wanted.items():
        assert {each.operator for each in requirement.specifier} <= {">="}
        assert not name.startswith("ansible")


def test_what_the_tests_run_with_is_what_is_declared() -> None:
    locked = declared_in_lock()
    for name, requirement in declared("requirements.txt").items():
        assert locked[name] in requirement.specifier, name


def declared_in_lock() -> dict[str, str]:
    text = (CHECKOUT / "requirements/lock.txt").read_text(encoding="utf-8")
    return {canonical(name): version for name, version in re.findall(r"^([\w.-]+)==(\S+) \\", text, re.MULTILINE)}


def test_collections_that_tasks_call_are_dependencies(called: set[str]) -> None:
    own = {"ansible.builtin", "rhaii.gke"}
    used = {name.rpartition(".")[0] for name in called} - own
    wanted = loaded("galaxy.yml")["dependencies"]
    assert used == set(wanted)
    listed = {each["name"]: each["version"] for each in loaded("collections/requirements.yml")["collections"]}
    galaxy = loaded("execution-environment.yml")["dependencies"]["galaxy"]["collections"]
    in_image = {each["name"]: each["version"] for each in galaxy}
    own_version = loaded("galaxy.yml")["version"]
    assert in_image == {**listed, "rhaii.gke": f">={own_version}"}
    for name, version in wanted.items():
        assert listed[name].startswith(version)


def test_programs_that_a_job_starts_are_in_the_image(called: set[str]) -> None:
    assert not called & {f"ansible.builtin.{name}" for name in ("command", "shell", "raw", "script", "expect")}
    starts = {
        str(file.relative_to(CHECKOUT / "plugins"))
        for file in (CHECKOUT / "plugins").rglob("*.py")
        if re.search(r"^import subprocess$|os\.(system|exec|popen|spawn)", file.read_text("utf-8"), re.MULTILINE)
    }
    assert starts == set(PROGRAMS)
    by_module = {"helm" for name in called if name.startswith("kubernetes.core.helm")}
    # kubernetes.core's other modules start nothing
    assert {name for name in called if name.startswith("kubernetes.core.")} == {"kubernetes.core.helm"}
    image = (CHECKOUT / "execution-environment.yml").read_text(encoding="utf-8")
    for program in {name for name in PROGRAMS.values() if name} | by_module:
        assert f"/{program}'" in image
        assert re.search(rf"^{program} \[", (CHECKOUT / "bindep.txt").read_text(encoding="utf-8"), re.MULTILINE)


def test_helm_of_the_image_is_the_one_that_the_tests_run_with() -> None:
    image = (CHECKOUT / "execution-environment.yml").read_text(encoding="utf-8")
    assert f"HELM_VERSION={loaded('sandbox/assets/sources/binaries.yml')['helm']['version']}" in image


def test_ansible_core_of_the_image_is_the_one_that_the_tests_run_with() -> None:
    (wanted,) = [Requirement(loaded("execution-environment.yml")["dependencies"]["ansible_core"]["package_pip"])]
    assert declared_in_lock()["ansible-core"] in wanted.specifier


def test_ansible_builder_accepts_the_definition(tmp_path: Path) -> None:
    program = str(Path(sys.executable).with_name("ansible-builder"))
    command = [program, "create", "-f", str(CHECKOUT / "execution-environment.yml"), "-c", str(tmp_path / "context")]
    command += ["--output-filename", "Containerfile"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    context = tmp_path / "context"
    build = context / "_build"
    assert (build / "requirements.txt").read_bytes() == (CHECKOUT / "requirements.txt").read_bytes()
    assert (build / "bindep.txt").read_bytes() == (CHECKOUT / "bindep.txt").read_bytes()
    assert {each["name"] for each in yaml.safe_load((build / "requirements.yml").read_text())["collections"]} == {
        "rhaii.gke",
        "kubernetes.core",
        "google.cloud",
    }
    text = (context / "Containerfile").read_text(encoding="utf-8")
    assert text.index("RUN set -e; cd /tmp;") < text.rindex("USER ")
    wanted = [text, *((build / name).read_text(encoding="utf-8") for name in ("requirements.txt", "bindep.txt"))]
    assert not [found for part in wanted for found in NOT_NEEDED.findall(part)]


def test_ansible_builder_finds_what_the_collection_itself_declares(tmp_path: Path) -> None:
    """As it looks at the collections in an image: by its own program for that."""
    home = tmp_path / "ansible_collections" / "rhaii"
    home.mkdir(parents=True)
    (home / "gke").symlink_to(CHECKOUT)
    found = loaded("meta/execution-environment.yml")["dependencies"]
    assert found == {"python": "requirements.txt", "system": "bindep.txt"}
    code = (
        "import sys; from ansible_builder._target_scripts.introspect import process; import json; "
        "print(json.dumps(process(data_dir=sys.argv[1])))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    python = yaml.safe_load(done.stdout)["python"]["rhaii.gke"]
    assert {canonical(Requirement(line).name) for line in python} == set(declared("requirements.txt"))
