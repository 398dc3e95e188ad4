# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of causes: docs/troubleshooting.yml as a page, one anchor a cause."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

HEAD = """\
# Troubleshooting

<!-- Rendered from troubleshooting.yml by `python -m tests.prove.render`: change it there. -->

`diagnose.yml` looks at the cluster once, changes nothing, and names what is wrong, the most likely cause first:

    ansible-playbook -i inventories/example -l dev playbooks/diagnose.yml

The modules `llmisvc_wait_ready`, `environment_check`, `cache_routing_test` and `llmisvc_diagnose` name causes by the
ids of this page. They stand from the ground up: what stands above may be why something below fails.

Words in capitals stand for names of yours, such as NAMESPACE, SERVICE, POD, NODE, GATEWAY and GATEWAY_NAMESPACE.
*Read from* names the versions whose source, or whose running program, it was learned from.
"""
CODE = """\
# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
# Rendered from docs/troubleshooting.yml by `python -m tests.prove.render`: change it there.
\"\"\"What people are told of each cause, since modules read no files.\"\"\"

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.rhaii.gke.plugins.module_utils._causes import CAUSES, CauseId

# fmt: off
# cause, symptom and cure
SENTENCES: Mapping[CauseId, tuple[str, str, str]] = {
"""
# of a line of the code, and what stands around a text in it
WIDTH = 100
# so many that nobody reads their list
MANY = 12
TEXTS = frozenset({"id", "cause", "symptom", "see", "cure", "read"})
ALL = "all"


@dataclass(frozen=True)
class Row:
    """A cause, as people read of it."""

    group: str
    id: str
    cause: str
    symptom: str
    see: str
    cure: str
    read: str
    # what is most likely of its making
    explains: tuple[str, ...] = ()


def rows(file: Path) -> list[Row]:
    """The causes in their order; a row that lacks something, or says something unknown, is refused."""
    groups = yaml.safe_load(file.read_text(encoding="utf-8"))
    every = [str(given.get("id")) for group in groups for given in group["causes"]]
    found = []
    for group in groups:
        common = {name: group[name] for name in ("see", "read", "explains") if name in group}
        for given in group["causes"]:
            row = {**common, **given}
            explains = row.pop("explains", [])
            if set(row) != TEXTS or not all(isinstance(value, str) and value for value in row.values()):
                raise ValueError(f"{file.name}: a cause has {', '.join(sorted(TEXTS))}, each a text; found {given}.")
            others = [each for each in every if each != row["id"]] if explains == ALL else explains
            if set(others) - set(every):
                raise ValueError(f"{file.name}: {row['id']} explains what is no cause: {others}.")
            found.append(Row(group=group["group"], explains=tuple(others), **row))
    return found


def page(causes: Sequence[Row]) -> str:
    """The page as Markdown."""
    return "\n".join(_page(causes)) + "\n"


def code(causes: Sequence[Row]) -> str:
    """The sentences as the modules have them."""
    return CODE + "\n".join(_code(causes)) + "\n"


def _code(causes: Sequence[Row]) -> Iterator[str]:
    for row in causes:
        yield f'    "{row.id}": ('
        for text in (row.cause, row.symptom, row.cure):
            parts = textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)
            shown = [json.dumps(part, ensure_ascii=False) for part in (*(f"{each} " for each in parts[:-1]), parts[-1])]
            yield "\n".join(f"        {part}" for part in shown) + ","
        yield "    ),"
    yield from ("}", "# with the first there, the others are most likely of its making, and not named beside it")
    yield "EXPLAINS: Mapping[CauseId, frozenset[CauseId]] = {"
    for row in causes:
        if len(row.explains) == len(causes) - 1:
            yield f'    "{row.id}": frozenset(CAUSES) - {{"{row.id}"}},'
        elif row.explains:
            yield f'    "{row.id}": frozenset(('
            yield from (f'        "{other}",' for other in row.explains)
            yield "    )),"
    yield from ("}", "# fmt: on", "", '__all__ = ("EXPLAINS", "SENTENCES")')


def _page(causes: Sequence[Row]) -> Iterator[str]:
    yield HEAD
    groups = list(dict.fromkeys(row.group for row in causes))
    for group in groups:
        own = [row for row in causes if row.group == group]
        yield f"- {group}: {', '.join(f'[{row.id}](#{row.id})' for row in own)}"
    for group in groups:
        yield f"\n## {group}"
        for row in causes:
            if row.group == group:
                yield from _row(row, causes)


def _row(row: Row, causes: Sequence[Row]) -> Iterator[str]:
    yield f"\n### {row.id}\n"
    yield f"{row.cause}\n"
    yield f"- Symptom: {row.symptom}"
    yield f"- See it: `{row.see}`"
    yield f"- Cure: {row.cure}"
    # what explains all of them is not told with each
    above = [other.id for other in causes if row.id in other.explains and len(other.explains) < len(causes) - 1]
    if len(above) > MANY:
        yield f"- Not named beside: any of {len(above)} causes that keep a replica from coming up"
    elif above:
        yield f"- Not named beside: {', '.join(f'[{name}](#{name})' for name in above)}"
    yield f"- Read from: {row.read}"


__all__ = ("Row", "code", "page", "rows")
