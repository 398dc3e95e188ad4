# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Observations of an original held against its stand-in: where they differ, and which differences are listed."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

KEPT = "RHAII_GOLDEN"
"""Names the folder where ledgers leave their counts."""

_WORD = re.compile(r"\w+")
ABSENT = object()


@dataclass(frozen=True)
class Difference:
    """One place where stand-in and original differ."""

    path: str
    wanted: Any
    found: Any

    def __str__(self) -> str:
        return f"{self.path}: the original has {_shown(self.wanted)}, the stand-in {_shown(self.found)}"


def _shown(value: Any) -> str:
    return "nothing" if value is ABSENT else repr(value)


def differences(wanted: Any, found: Any, path: str = "$") -> Iterator[Difference]:
    """Every place where two trees of plain data differ, as JSON paths."""
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        for key in sorted({*wanted, *found}):
            step = f".{key}" if _WORD.fullmatch(str(key)) else f"['{key}']"
            yield from differences(wanted.get(key, ABSENT), found.get(key, ABSENT), path + step)
    elif isinstance(wanted, list) and isinstance(found, list):
        for index in range(max(len(wanted), len(found))):
            pair = [items[index] if index < len(items) else ABSENT for items in (wanted, found)]
            yield from differences(*pair, f"{path}[{index}]")
    elif wanted != found:
        yield Difference(path, wanted, found)


@dataclass
class Listed:
    """A difference that is known and told: `path` may have `*` for any one step."""

    path: str
    reason: str
    anchor: str
    cases: str = "*"
    used: bool = False

    def covers(self, case: str, found: Difference) -> bool:
        """Whether it names the place."""
        pattern = re.escape(self.path).replace(r"\[\*\]", r"\[[^]]+\]").replace(r"\.\*", r"(\.\w+|\['[^']*'\])")
        return self.cases in ("*", case) and re.fullmatch(pattern, found.path) is not None


@dataclass
class Ledger:
    """The comparisons of one original, by case and version."""

    listed: Sequence[Listed]
    rows: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def read(cls, file: Path) -> Ledger:
        """With the differences that a file lists."""
        return cls([Listed(**entry) for entry in yaml.safe_load(file.read_text(encoding="utf-8")) or []])

    def compare(self, case: str, version: str, wanted: Any, found: Any) -> list[Difference]:
        """The differences that nothing lists."""
        known, unknown = 0, []
        for difference in differences(wanted, found):
            entry = next((item for item in self.listed if item.covers(case, difference)), None)
            if entry is None:
                unknown.append(difference)
            else:
                entry.used, known = True, known + 1
        self.rows[case, version] = known, len(unknown)
        return unknown

    def unused(self) -> list[str]:
        """Listed differences that are none (any more)."""
        return [entry.path for entry in self.listed if not entry.used]

    def counts(self) -> dict[str, int]:
        """How many cases there were, by what came of them."""
        rows = list(self.rows.values())
        equal, told = rows.count((0, 0)), sum(known > 0 and not unknown for known, unknown in rows)
        return {"compared": len(rows), "equal": equal, "listed": told, "different": len(rows) - equal - told}

    def keep(self, component: str) -> None:
        """Write the counts down where a proof wants them."""
        folder = os.environ.get(KEPT)
        if folder:
            (Path(folder) / f"{component}.json").write_text(json.dumps(self.counts()), encoding="utf-8")

    def table(self, versions: Iterable[str]) -> str:
        """What was compared, a line a case."""
        shown = list(versions)
        lines = ["| case | " + " | ".join(shown) + " |", "|---|" + "---|" * len(shown)]
        for case in sorted({case for case, _ in self.rows}):
            cells = [self._cell(case, version) for version in shown]
            lines.append(f"| {case} | " + " | ".join(cells) + " |")
        counts = self.counts()
        told = f"equal {counts['equal']}, equal but for what is listed {counts['listed']}"
        lines += ["", f"compared {counts['compared']}, {told}"]
        return "\n".join(lines)

    def _cell(self, case: str, version: str) -> str:
        if (case, version) not in self.rows:
            return ""
        known, unknown = self.rows[case, version]
        return f"{unknown} differ" if unknown else f"{known} listed" if known else "equal"
