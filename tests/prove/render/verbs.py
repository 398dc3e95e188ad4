# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tables of the verbs and of their parts, filled from what each playbook says of itself.

A playbook says what it does in the comment above its play, and what each of its tags runs in `playbook_tags`:

    <!-- verbs -->
    <!-- end -->
    <!-- tags -->
    <!-- end -->
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from tests.prove.render.figures import BlockError

BLOCK = re.compile(r"^<!-- (?P<what>verbs|tags) -->\n(?P<body>.*?)^<!-- end -->$", re.DOTALL | re.MULTILINE)
NAMED = re.compile(r"^\| \[?`(\w+\.yml)`", re.MULTILINE)
ABOVE = re.compile(r"^# SPDX-[^\n]+\n((?:# [^\n]+\n)+)- ", re.MULTILINE)


def fill(text: str, root: Path) -> str:
    """The text with both tables as the playbooks have them, each in the order in which it stands there."""
    return BLOCK.sub(lambda match: _block(match["what"], match["body"], root / "playbooks"), text)


def _block(what: str, body: str, folder: Path) -> str:
    found = sorted(file.name for file in folder.glob("*.yml"))
    known = [name for name in dict.fromkeys(NAMED.findall(body)) if name in found]
    names = [*known, *(name for name in found if name not in known)]
    rows = _verbs(names, folder) if what == "verbs" else _tags(names, folder)
    return "\n".join([f"<!-- {what} -->", "", *rows, "", "<!-- end -->"])


def _verbs(names: list[str], folder: Path) -> list[str]:
    rows = [f"| [`{name}`](playbooks/{name}) | {does(folder / name)} |" for name in names]
    return ["| playbook | what it does |", "| --- | --- |", *rows]


def _tags(names: list[str], folder: Path) -> list[str]:
    rows = [f"| `{name}` | `{tag}` | {runs} |" for name in names for tag, runs in tags(folder / name).items()]
    return ["| playbook | tag | what it runs |", "| --- | --- | --- |", *rows]


def does(playbook: Path) -> str:
    """What a playbook does, by the comment above its play."""
    found = ABOVE.search(playbook.read_text(encoding="utf-8"))
    if found is None:
        raise BlockError(f"{playbook.name} does not say what it does. Say it in a comment above its play.")
    return " ".join(line.removeprefix("# ") for line in found[1].splitlines())


def tags(playbook: Path) -> dict[str, str]:
    """The tags of a playbook, each with what it runs."""
    plays: Any = yaml.safe_load(playbook.read_text(encoding="utf-8"))
    return dict(plays[0]["vars"]["playbook_tags"])


__all__ = ("does", "fill", "tags")
