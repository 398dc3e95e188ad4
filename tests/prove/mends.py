# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The proof that every mend is held: with one of them taken out of a copy of the tree, its test fails.

The mends are data, in mends.yml. A copy serves all mends of a row, for each is put back.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from sandbox.settings import CHECKOUT
from tests.prove.proof import Figures, Origin, Step, StepError

FILE = Path(__file__).with_name("mends.yml")
COLLECTION = Path(".ansible/collections/ansible_collections/rhaii/gke")
PATIENCE = 600.0
FAILED = re.compile(r"^\d+ failed|, \d+ failed", re.MULTILINE)


@dataclass(frozen=True)
class Change:
    """One text in place of another."""

    file: str
    old: str
    new: str

    def applied(self, root: Path) -> str:
        """The file's text with the change."""
        text = (root / self.file).read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            raise StepError(
                f"{FILE.name}: what is to change in {self.file} stands there {text.count(self.old)} times, and must "
                f"stand there once: {self.old.strip().splitlines()[0]!r}. Bring the entry up to date."
            )
        return text.replace(self.old, self.new)


@dataclass(frozen=True)
class Mend:
    """What was mended, and the test that holds it."""

    row: int
    what: str
    test: str
    only: str
    changes: tuple[Change, ...]

    @property
    def file(self) -> str:
        """Where its test is."""
        return self.test.partition("::")[0]

    @property
    def command(self) -> list[str]:
        """pytest, without what a run keeps for the next one."""
        only = ["-k", self.only] if self.only else []
        return [sys.executable, "-m", "pytest", "-q", "-x", "--tb=no", "-p", "no:randomly", self.test, *only]


@dataclass(frozen=True)
class Row:
    """A row of what was wrong."""

    number: int
    about: str
    mends: tuple[Mend, ...]


def rows() -> tuple[Row, ...]:
    """All of mends.yml."""
    return tuple(row_of(entry) for entry in yaml.safe_load(FILE.read_text(encoding="utf-8"))["rows"])


def row_of(entry: dict[str, Any]) -> Row:
    """A row as the file has it."""
    mends = tuple(
        Mend(
            int(entry["row"]),
            mend["what"],
            mend["test"],
            mend.get("only", ""),
            tuple(Change(**change) for change in mend["changes"]),
        )
        for mend in entry["mends"]
    )
    return Row(int(entry["row"]), entry["about"], mends)


def steps() -> tuple[Step, ...]:
    """A step a row, so that a run that was ended goes on with the next one."""
    return tuple(Step(f"row-{row.number}", row.about, partial(proven, row)) for row in rows())


def proven(row: Row, _origin: Origin) -> Figures:
    """What became of each test, with the mend and without it."""
    if not row.mends:
        return {"about": row.about, "mends": []}
    with copied() as root:
        found = [judged(root, mend) for mend in row.mends]
    unheld = [each["mend"] for each in found if not (each["passes"] and each["fails_without"])]
    if unheld:
        raise StepError(f"not held by its test: {'; '.join(unheld)}.")
    return {"about": row.about, "mends": found}


def judged(root: Path, mend: Mend) -> Figures:
    """A mend's test, as it is and with the mend out."""
    passes = run(root, mend).returncode == 0
    with taken_out(root, mend.changes):
        without = run(root, mend)
    failed = without.returncode == 1 and FAILED.search(without.stdout) is not None
    test = f"{mend.test} -k '{mend.only}'" if mend.only else mend.test
    return {"mend": mend.what, "test": test, "passes": passes, "fails_without": failed}


@contextmanager
def taken_out(root: Path, changes: tuple[Change, ...]) -> Iterator[None]:
    """The tree without a mend."""
    kept = {change.file: (root / change.file).read_text(encoding="utf-8") for change in changes}
    try:
        for change in changes:
            text = change.applied(root)
            (root / change.file).write_text(text, encoding="utf-8")
        yield
    finally:
        for name, text in kept.items():
            (root / name).write_text(text, encoding="utf-8")


@contextmanager
def copied() -> Iterator[Path]:
    """The files of the tree, and the sandbox's assets, which are shared."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=CHECKOUT, check=True, capture_output=True, text=True)
    with tempfile.TemporaryDirectory(prefix="rhaii-mends-") as folder:
        root = Path(folder)
        for name in filter(None, listed.stdout.split("\0")):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, root / name)
        (root / ".sandbox").symlink_to(CHECKOUT / ".sandbox")
        (root / COLLECTION).parent.mkdir(parents=True, exist_ok=True)
        (root / COLLECTION).symlink_to(root)
        for other in (CHECKOUT / COLLECTION.parents[1]).iterdir():
            if other.name != "rhaii":
                (root / COLLECTION.parents[1] / other.name).symlink_to(other.resolve())
        yield root


def run(root: Path, mend: Mend) -> subprocess.CompletedProcess[str]:
    """Run a mend's test in a copy."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "ANSIBLE_CONFIG": str(root / "ansible.cfg")}
    command = mend.command
    try:
        return subprocess.run(
            command,
            cwd=root / COLLECTION,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise StepError(f"{' '.join(command)} did not end within {PATIENCE:.0f} s.") from None


__all__ = ("Change", "Mend", "Row", "judged", "row_of", "rows", "steps", "taken_out")
