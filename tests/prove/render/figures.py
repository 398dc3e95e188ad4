# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Figures in the docs: blocks that are filled from docs/results, so that nobody types a figure.

A block names a file of results, a place in it or several that become rows, and what to show if not all:

    <!-- figures: main-job.stages (title, seconds) -->
    <!-- end -->
    <!-- figures: main-job.routing.serial+routing.parallel -->
    <!-- end -->
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

BLOCK = re.compile(
    r"^<!-- figures: (?P<topic>[a-z0-9-]+)\.(?P<place>[\w.+-]+)(?: \((?P<columns>[\w, ]+)\))? -->\n"
    r".*?^<!-- end -->$",
    re.DOTALL | re.MULTILINE,
)
OPENING = "<!-- figures: "


class BlockError(Exception):
    """A block that cannot be filled: what is wrong, and where."""


def fill(text: str, results: Path) -> str:
    """The text with every block as the results have it."""
    opened = [line for line in text.splitlines() if line.startswith(OPENING)]
    if len(opened) != len(list(BLOCK.finditer(text))):
        raise BlockError(
            f"A block of figures has no end, or its first line is malformed: {opened}. Write it as in "
            "<!-- figures: main-job.scale --> and end it with <!-- end -->."
        )
    return BLOCK.sub(lambda match: _block(match, results), text)


def _block(match: re.Match[str], results: Path) -> str:
    topic, place = match["topic"], match["place"]
    file = results / f"{topic}.json"
    first = match[0].splitlines()[0]
    if not file.exists():
        return f"{first}\n\nNo figures yet: there is no `docs/results/{file.name}`.\n\n<!-- end -->"
    result = json.loads(file.read_text(encoding="utf-8"))
    columns = [name.strip() for name in match["columns"].split(",")] if match["columns"] else None
    found = {step: _find(result, step, file) for step in place.split("+")}
    value = found[place] if len(found) == 1 else {step.rsplit(".", 1)[-1]: item for step, item in found.items()}
    body = table(value, columns, f"{file.name}: {place}")
    return f"{first}\n\n{body}\n\n{_origin(result, file)}\n\n<!-- end -->"


def _find(result: Any, place: str, file: Path) -> Any:
    found = result
    for step in place.split("."):
        if not isinstance(found, Mapping) or step not in found:
            known = ", ".join(found) if isinstance(found, Mapping) else type(found).__name__
            raise BlockError(f"{file.name} has no {place}: at {step} there is {known}.")
        found = found[step]
    return found


def _origin(result: Mapping[str, Any], file: Path) -> str:
    parts = [f"`docs/results/{file.name}`"]
    parts += [f"commit {str(result['commit'])[:12]}"] if result.get("commit") else []
    parts += ["with changes that are in no commit"] if result.get("dirty") else []
    parts += [f"seed {result['seed']}"] if result.get("seed") is not None else []
    return f"From {', '.join(parts)}."


def table(value: Any, columns: Sequence[str] | None = None, place: str = "") -> str:
    """A Markdown table of rows, of rows by name, or of single values by name."""
    if isinstance(value, Mapping) and value and all(isinstance(item, Mapping) for item in value.values()):
        value = [{"": title(name), **item} for name, item in value.items()]
        columns = ["", *columns] if columns else None
    if isinstance(value, Mapping):
        missing = [name for name in columns or () if name not in value]
        if missing:
            raise BlockError(f"{place} has no {', '.join(missing)}: it has {', '.join(value)}.")
        value = [{"what": title(name), "figure": value[name]} for name in columns or value]
        columns = None
    if not isinstance(value, list) or not value or not all(isinstance(row, Mapping) for row in value):
        raise BlockError(f"{place} is no table: wanted rows, or values by name; found {json.dumps(value)[:80]}.")
    names = list(columns or dict.fromkeys(name for row in value for name in row))
    unknown = [name for name in names if not any(name in row for row in value)]
    if unknown:
        raise BlockError(f"{place} has no column {', '.join(unknown)}: it has {', '.join(value[0])}.")
    lines = [_row(title(name) for name in names), _row("---" for _ in names)]
    lines += [_row(cell(row.get(name)) for name in names) for row in value]
    return "\n".join(lines)


def _row(cells: Any) -> str:
    return f"| {' | '.join(cells)} |"


def title(name: str) -> str:
    """A key as words."""
    return str(name).replace("_", " ")


def cell(value: Any) -> str:
    """A value as a person reads it."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        # two places, more for what would vanish
        text = f"{value:.2f}" if abs(value) >= 0.1 or not value else f"{value:.4f}"
        return text.rstrip("0").rstrip(".")
    if isinstance(value, list):
        return ", ".join(cell(item) for item in value)
    return str(value).replace("|", "\\|")


__all__ = ("BlockError", "cell", "fill", "table", "title")
