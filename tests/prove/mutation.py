# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mutation testing of the decisions: does a test fail when the code is wrong?

    python -m tests.prove.mutation                 all of pyproject.toml's [tool.mutmut]
    python -m tests.prove.mutation _secrets _gke   these alone, again

mutmut names a mutant by its file's path, and the tests import the collection by its full name: so it runs in mutants/,
where the collection lies under ansible_collections/. What was judged there is kept until its code changes.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from mutmut.stats import status_by_exit_code

ROOT = Path(__file__).parents[2]
TREE = ROOT / "mutants"
COLLECTION = "ansible_collections/rhaii/gke"
PACKAGE = f"{COLLECTION}/plugins/module_utils"
RESULT = ROOT / "docs" / "results" / "mutation.json"
CAUGHT = ("killed", "timeout", "segfault")


def prepare() -> None:
    """The collection and its unit tests as they are now; mutmut sees by the times of files what has changed."""
    for source, target in (("plugins", f"{COLLECTION}/plugins"), ("tests/unit", "tests/unit")):
        for place in (TREE / target, TREE / "mutants" / target):
            if place.exists() and target.startswith("tests"):
                shutil.rmtree(place)
        shutil.copytree(
            ROOT / source, TREE / target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "sandbox")
        )
    shutil.copy2(ROOT / "pyproject.toml", TREE / "pyproject.toml")


def run(modules: list[str]) -> None:
    """At low priority: it takes minutes, and nobody waits for it."""
    patterns = [f"{PACKAGE.replace('/', '.')}.{module}.*" for module in modules]
    children = str(max(1, len(os.sched_getaffinity(0)) - 1))
    subprocess.run(
        ["nice", "-n", "15", sys.executable, "-m", "mutmut", "run", "--max-children", children, *patterns],
        cwd=TREE,
        check=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )


def judged() -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """A row a module, and the mutants that no test saw."""
    rows: list[dict[str, Any]] = []
    survivors: list[dict[str, str]] = []
    for meta in sorted((TREE / "mutants" / PACKAGE).rglob("*.meta")):
        module = str(meta.relative_to(TREE / "mutants" / PACKAGE)).removesuffix(".py.meta")
        found = {
            name: status_by_exit_code[code]
            for name, code in json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"].items()
        }
        count = Counter(found.values())
        caught = sum(count[status] for status in CAUGHT)
        checked = len(found) - count["not checked"]
        if checked:
            rows.append(
                {
                    "module": module,
                    "mutants": checked,
                    "caught": caught,
                    "survived": count["survived"],
                    "not_reached": count["no tests"],
                    "score": round(caught / checked, 3),
                }
            )
        survivors += [
            {"module": module, "status": status, "change": change(name)}
            for name, status in found.items()
            if status not in (*CAUGHT, "not checked")
        ]
    return rows, survivors


def change(name: str) -> str:
    """A mutant as the lines that differ."""
    shown = subprocess.run(
        [sys.executable, "-m", "mutmut", "show", name], cwd=TREE, capture_output=True, text=True, check=True
    ).stdout
    lines = [line for line in shown.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    function = name.rsplit(".", 1)[-1].split("__mutmut_")[0].removeprefix("x_").replace("xǁ", "").replace("ǁ", ".")
    return f"{function}: {' '.join(' '.join(line.split()) for line in lines)}"


def main() -> None:
    prepare()
    run(sys.argv[1:])
    rows, survivors = judged()
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(
        json.dumps({"commit": commit, "modules": rows, "survivors": survivors}, indent=2, ensure_ascii=False) + "\n",
        encoding="utf-8",
    )
    for row in rows:
        print(f"{row['module']:24} {row['caught']:4} of {row['mutants']:4} caught ({row['score']:.0%})")
    print(f"Survivors are in {RESULT.relative_to(ROOT)}.")


if __name__ == "__main__":
    main()
