# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The proof of the field's inputs: rows by kind, reports apart from what varies them, and how many are right."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

from sandbox.settings import CHECKOUT
from tests.field.rows import FOLDER, Row, read
from tests.prove.commands import PATIENCE, plain_environment
from tests.prove.proof import Figures, Origin, Step, StepError

COLLECTION = CHECKOUT / ".ansible" / "collections" / "ansible_collections" / "rhaii" / "gke"


def steps() -> tuple[Step, ...]:
    """One step: each row is given to what a user would give it to."""
    return (Step("kinds", "every row of tests/field (about two minutes)", kinds, at_top=True),)


def kinds(origin: Origin) -> Figures:
    """Run all rows; a row is right when each of its tests says so."""
    del origin
    with tempfile.TemporaryDirectory(prefix="rhaii-prove-") as folder:
        file = Path(folder) / "report.xml"
        # asked for by the collection's path, as `make unit` does
        command = [sys.executable, "-m", "pytest", "tests/field", "-n", "2", "--quiet", f"--junit-xml={file}"]
        subprocess.run(command, cwd=COLLECTION, env=plain_environment(), timeout=PATIENCE, check=False)
        if not file.exists():
            raise StepError(f"{' '.join(command)} wrote no report; its output is above.")
        found = outcomes(file.read_text(encoding="utf-8"))
    named = sorted(file.stem for file in FOLDER.glob("*.yml"))
    rows = [counted(kind, read(kind), found.get(kind, {})) for kind in named]
    total = {column: sum(int(row[column]) for row in rows) for column in list(rows[0])[1:]}
    return {"kinds": [*rows, {"kind": "all", **total}]}


def outcomes(report: str) -> dict[str, dict[str, bool]]:
    """By kind and row, whether all that was tried with it went well; what was skipped says nothing."""
    found: dict[str, dict[str, bool]] = {}
    for case in ElementTree.fromstring(report).iter("testcase"):
        kind = str(case.get("classname")).rpartition(".")[2].removeprefix("test_")
        row = str(case.get("name")).partition("[")[2].removesuffix("]")
        tags = {child.tag for child in case}
        if "skipped" not in tags:
            rows = found.setdefault(kind, {})
            rows[row] = rows.get(row, True) and not tags & {"failure", "error"}
    return found


def counted(kind: str, rows: Sequence[Row], found: Mapping[str, bool]) -> dict[str, int | str]:
    """A line of the table."""
    right = {row: all(tried) for row, tried in tried_with([row.id for row in rows], found).items() if tried}
    line: dict[str, int | str] = {"kind": kind.replace("_", " ")}
    for origin, column in (("report", "reports"), ("generated", "generated")):
        of_origin = [row.id for row in rows if row.origin == origin]
        line |= {column: len(of_origin), f"{column}_right": sum(right.get(row, False) for row in of_origin)}
    return line


def tried_with(rows: Iterable[str], found: Mapping[str, bool]) -> dict[str, list[bool]]:
    """The outcomes of each row's tests; one that varies a row further has more in its name than the row's."""
    longest_first = sorted(rows, key=len, reverse=True)
    tried: dict[str, list[bool]] = {row: [] for row in longest_first}
    # as pytest writes a name: in ASCII
    written = {row.encode("unicode_escape").decode("ascii"): row for row in longest_first}
    for name, good in found.items():
        around = (row for row in written if name.startswith(f"{row}-") or name.endswith(f"-{row}"))
        of_row = name if name in written else next(around, "")
        if of_row:
            tried[written[of_row]].append(good)
    return tried


__all__ = ("counted", "outcomes", "steps", "tried_with")
