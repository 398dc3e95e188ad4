# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The map from the guide to the collection: docs/guide_map.yml as a page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

KINDS = ("command", "endpoint", "option", "setting", "file")
# how an entry of the guide stands to the collection, as the page says it
HERE = {
    "typed": "as typed",
    "ours": "",
    "plain": "as on any cluster",
    "unneeded": "not needed",
    "missing": "not here yet",
}
HEAD = """\
# From the guide to the collection

<!-- Rendered from guide_map.yml by `python -m tests.prove.render`: change it there. -->

Every command, option and file of the TPU deployment guide, and what stands for it here.

- *as typed*: the tests run it word for word, reading commands on what `deploy.yml` made, creating ones on an empty
  cluster with the manifests of `render.yml`.
- *as on any cluster*: a plain command that needs nothing of ours. No test here runs it.
- *not needed*: the playbooks do without.
- *not here yet*: nothing stands for it today.

Commands are shown in one line. A playbook of a clone is `ansible-playbook playbooks/deploy.yml`, of an installed
collection `ansible-playbook rhaii.gke.deploy`. Without `-i` a clone takes the sandbox's inventory.

## What does not work on a real cluster as the guide has it

Where it says *as typed*, the command is wrong with the guide's own manifests and right with ours.
"""
REFERENCES = ("playbook", "role", "module", "tag", "variable", "file")


@dataclass(frozen=True)
class Entry:
    """One command, endpoint, option, setting or file of the guide, and what stands for it here."""

    section: str
    kind: str
    text: str
    here: str
    # programs that have the option
    programs: tuple[str, ...]
    run: str
    # "playbook deploy.yml", "variable rhaii_location", ...
    references: tuple[tuple[str, str], ...]
    wrong: str
    note: str

    @property
    def line(self) -> str:
        """The text in one line, without the backslashes that continue a line."""
        return flat(self.text)


def flat(text: str) -> str:
    """A command in one line, however it was broken."""
    return " ".join(re.sub(r"\\\n", " ", text).split())


def entries(file: Path) -> list[Entry]:
    """The entries, in the order of the guide."""
    found = []
    for section in yaml.safe_load(file.read_text(encoding="utf-8")):
        for row in section["entries"]:
            found.append(_entry(section["section"], row, file.name))
    return found


def _entry(section: str, row: dict[str, Any], file: str) -> Entry:
    kinds = [kind for kind in KINDS if kind in row]
    text = str(row[kinds[0]]) if kinds else ""
    left = set(row) - {*KINDS[:4], "here", "of", "run", "wrong", "note", *(f"{name}s" for name in REFERENCES), "file"}
    if len(kinds) != 1 or left or row.get("here") not in HERE:
        raise ValueError(
            f"{file}, {section}: an entry has one of {', '.join(KINDS)}, and here: one of {', '.join(HERE)}; "
            f"found {row}."
        )
    return Entry(
        section=section,
        kind=kinds[0],
        text=text,
        here=row["here"],
        programs=tuple(row.get("of", ())),
        run=row.get("run", ""),
        references=tuple((name, str(target)) for name in REFERENCES for target in row.get(f"{name}s", ())),
        wrong=row.get("wrong", ""),
        note=row.get("note", ""),
    )


def page(rows: Sequence[Entry]) -> str:
    """The page as Markdown."""
    return "\n".join(_page(rows)) + "\n"


def _page(rows: Sequence[Entry]) -> Iterator[str]:
    yield HEAD
    yield from _table(
        ("in the guide", "why it is wrong", "here", "remark"),
        ((_code(row.line), _text(row.wrong), _here(row), _text(row.note)) for row in rows if row.wrong),
    )
    for section in dict.fromkeys(row.section for row in rows):
        yield ""
        yield f"## {section}"
        yield ""
        yield from _table(
            ("in the guide", "here", "stands for it", "remark"),
            ((_subject(row), _here(row), _references(row), _text(row.note)) for row in rows if row.section == section),
        )


def _table(headings: Sequence[str], cells: Iterable[Sequence[str]]) -> Iterator[str]:
    for line in (headings, ["---"] * len(headings), *cells):
        yield f"| {' | '.join(line)} |"


def _subject(row: Entry) -> str:
    programs = f" of {', '.join(_code(program) for program in row.programs)}" if row.programs else ""
    return f"{_code(row.line)}{programs}"


def _here(row: Entry) -> str:
    return HERE[row.here] or (_code(row.run) if row.run else "")


def _references(row: Entry) -> str:
    return ", ".join(_reference(name, target) for name, target in row.references)


def _reference(kind: str, target: str) -> str:
    if kind == "playbook":
        return f"[`{target}`](../playbooks/{target})"
    if kind == "file":
        return f"[`{target}`](../{target})"
    if kind == "role":
        return f"role [`{target}`](../roles/{target}/meta/argument_specs.yml)"
    if kind == "variable" and target.startswith("rhaii_"):
        return f"[`{target}`](variables.md)"
    return f"{kind} `{target}`" if kind != "variable" else f"`{target}`"


def _code(text: str) -> str:
    fence = "``" if "`" in text else "`"
    return f"{fence}{_text(text)}{fence}"


def _text(text: str) -> str:
    return flat(text).replace("|", "\\|")


__all__ = ("HERE", "KINDS", "REFERENCES", "Entry", "entries", "flat", "page")
