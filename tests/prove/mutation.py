# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mutation testing of the decisions: does a test fail when the code is wrong?

    python -m tests.prove.mutation                 all of pyproject.toml's [tool.mutmut]
    python -m tests.prove.mutation _secrets _gke   these alone, all of them again

mutmut names a mutant by its file's path, and the tests import the collection by its full name: so it runs in mutants/,
where the collection lies under ansible_collections/. What was caught there is kept until its code changes.
"""

from __future__ import annotations

import contextlib
import difflib
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from mutmut.mutation.data import MutantLineSpans
from mutmut.stats import status_by_exit_code

ROOT = Path(__file__).parents[2]
TREE = ROOT / "mutants"
COLLECTION = "ansible_collections/rhaii/gke"
PACKAGE = f"{COLLECTION}/plugins/module_utils"
RESULT = ROOT / "docs" / "results" / "mutation.json"
LOG = TREE / "mutmut.log"
CAUGHT = ("killed", "timeout", "segfault")


def prepare() -> None:
    """The collection and its unit tests as they are now; mutmut sees by the times of files what has changed."""
    copies = (
        ("plugins", f"{COLLECTION}/plugins"),
        ("tests/unit", "tests/unit"),
        # some tests hold the collection's tables against the sandbox's, the roles' or what originals did
        ("tests/golden", "tests/golden"),
        ("sandbox", "sandbox"),
        ("roles", "roles"),
    )
    for source, target in copies:
        for place in (TREE / target, TREE / "mutants" / target):
            if place.exists() and source != "plugins":
                shutil.rmtree(place)
        shutil.copytree(ROOT / source, TREE / target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(ROOT / "pyproject.toml", TREE / "pyproject.toml")


def forget() -> None:
    """Survivors have another chance: a test may have come since."""
    for meta in (TREE / "mutants" / PACKAGE).rglob("*.meta"):
        content = json.loads(meta.read_text(encoding="utf-8"))
        codes = content["exit_code_by_key"]
        content["exit_code_by_key"] = {
            name: code if status_by_exit_code[code] in CAUGHT else None for name, code in codes.items()
        }
        meta.write_text(json.dumps(content), encoding="utf-8")


def run(modules: list[str]) -> None:
    """At low priority: it takes minutes, and nobody waits for it."""
    patterns = [f"{PACKAGE.replace('/', '.')}.{module}.*" for module in modules]
    children = str(len(os.sched_getaffinity(0)))
    print(f"mutation: about 40 minutes for all; mutmut's own words go to {LOG.relative_to(ROOT)}")
    with LOG.open("w", encoding="utf-8") as log:
        ended = subprocess.run(
            ["nice", "-n", "15", sys.executable, "-m", "mutmut", "run", "--max-children", children, *patterns],
            cwd=TREE,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )
    if ended.returncode:
        tail = LOG.read_text(encoding="utf-8").replace("\r", "\n").splitlines()[-20:]
        sys.exit("\n".join([*tail, "mutation: mutmut could not run; the unit tests must pass first"]))


def judged() -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """A row a module, and the mutants that no test saw."""
    rows: list[dict[str, Any]] = []
    survivors: list[dict[str, str]] = []
    for meta in sorted((TREE / "mutants" / PACKAGE).rglob("*.meta")):
        source = meta.relative_to(TREE / "mutants").with_suffix("")
        module = str(source.relative_to(PACKAGE).with_suffix(""))
        found = {
            name.rsplit(".", 1)[-1]: status_by_exit_code[code]
            for name, code in json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"].items()
        }
        count = Counter(found.values())
        checked = len(found) - count["not checked"]
        if not checked:
            continue
        caught = sum(count[status] for status in CAUGHT)
        unreached = {function(name) for name, status in found.items() if status == "no tests"}
        rows.append(
            {
                "module": module,
                "mutants": checked,
                # a run that was ended early, or of other modules
                "not_checked": count["not checked"],
                "caught": caught,
                "survived": checked - caught - count["no tests"],
                "unreached": count["no tests"],
                "score": round(caught / (checked - count["no tests"] or 1), 3),
                "unreached_functions": sorted(unreached),
            }
        )
        survivors += [
            {"module": module, "function": function(name), "change": change(source, name)}
            for name, status in found.items()
            if status not in (*CAUGHT, "no tests", "not checked")
        ]
    return rows, survivors


def function(mutant: str) -> str:
    """x_judge__mutmut_7 is a mutant of judge, xǁRowǁof__mutmut_1 one of Row.of."""
    return mutant.split("__mutmut_")[0].removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")


def change(source: Path, mutant: str) -> str:
    """The lines that differ."""
    with contextlib.chdir(TREE):
        spans = MutantLineSpans.load(source)
        original = f"{mutant.split('__mutmut_')[0]}__mutmut_orig"
        before, after = spans.read_function_sources([original, mutant]) if spans else ("", "")
    lines = difflib.unified_diff(before.splitlines()[1:], after.splitlines()[1:], n=0, lineterm="")
    return " ".join(
        " ".join(line.split()) for line in lines if line[:2] not in ("--", "++", "@@") and "__mutmut_" not in line
    )


def main() -> None:
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    prepare()
    forget()
    run(sys.argv[1:])
    rows, survivors = judged()
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(
        json.dumps({"commit": commit, "modules": rows, "survivors": survivors}, indent=2, ensure_ascii=False) + "\n",
        encoding="utf-8",
    )
    for row in rows:
        reached = row["mutants"] - row["unreached"]
        print(
            f"{row['module']:24} {row['caught']:4} of {reached:4} caught ({row['score']:.0%}), "
            f"{row['unreached']} are in code that no unit test reaches"
        )
    print(f"Survivors are in {RESULT.relative_to(ROOT)}.")


if __name__ == "__main__":
    main()
