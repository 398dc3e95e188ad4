# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The map from the guide to the collection: docs/guide_map.yml as a page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
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
            f"{file}, {section}: an entry has one of {', '.join(KINDS)}, and here: one of {', '.join(HERE)}; found {row}."
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
    yield "# From the guide to the collection"
    yield ""
    yield "<!-- Rendered from guide_map.yml by `python -m tests.prove.render`: change it there. -->"
    yield ""
    yield "Every command, option and file of the TPU deployment guide, and what stands for it here."
    yield ""
    yield "- *as typed*: works word for word against an environment that `deploy.yml` made; `tests/integration` runs it."
    yield "- *as on any cluster*: a plain command that needs nothing of ours. No test here runs it."
    yield "- *not needed*: it prepares something that the playbooks do without."
    yield "- *not here yet*: nothing stands for it today."
    yield ""
    yield "Commands are shown in one line. `deploy.yml` and the like are the playbooks, in a clone"
    yield "`ansible-playbook playbooks/deploy.yml`, installed `ansible-playbook rhaii.gke.deploy`."
    yield ""
    yield "## What does not work on a real cluster as the guide has it"
    yield ""
    yield "Where the last column says *as typed*, it is wrong with the guide's own manifests and right with ours."
    yield ""
    yield "| in the guide | why it is wrong | here |"
    yield "| --- | --- | --- |"
    for row in rows:
        if row.wrong:
            yield f"| {_code(row.line)} | {_text(row.wrong)} | {_here(row)} |"
    for section in dict.fromkeys(row.section for row in rows):
        yield ""
        yield f"## {section}"
        yield ""
        yield "| in the guide | here |"
        yield "| --- | --- |"
        for row in rows:
            if row.section == section:
                yield f"| {_subject(row)} | {_here(row)} |"


def _subject(row: Entry) -> str:
    programs = f" of {', '.join(_code(program) for program in row.programs)}" if row.programs else ""
    return f"{_code(row.line)}{programs}"


def _here(row: Entry) -> str:
    parts = [HERE[row.here]] if HERE[row.here] else []
    parts += [_code(row.run)] if row.run else []
    parts += [", ".join(_reference(name, target) for name, target in row.references)] if row.references else []
    parts += [_text(row.note)] if row.note else []
    return ". ".join(part.rstrip(".") for part in parts) + ("." if row.note else "")


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
