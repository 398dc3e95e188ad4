# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""What is left, as rows and for people: what it costs, and the command that ends it."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import Json
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.kinds import KINDS, OF_CONTAINER
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.ownership import MAYBE, Judgement
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.things import Thing, region_of


def command_for(thing: Thing, project: str) -> str:
    """What ends it."""
    kind = KINDS[thing.kind]
    where = {"global": "" if thing.kind == "firewall" else " --global"}.get(thing.place)
    if thing.kind in OF_CONTAINER:
        where = f" --location {thing.place}"
    elif where is None:
        scope = "region" if region_of(thing.place) == thing.place else "zone"
        where = f" --{scope} {thing.place}"
    pool = f" --cluster {thing.cluster}" if thing.cluster else ""
    return f"gcloud {kind.command} {thing.name}{pool}{where} --project {project}"


def row_of(each: Judgement, project: str) -> Json:
    thing, kind = each.thing, KINDS[each.thing.kind]
    return {
        "kind": thing.kind,
        "name": thing.name,
        "location": thing.place,
        "detail": thing.detail,
        "service": thing.service,
        "certainty": each.certainty,
        "why": each.why,
        "cost": kind.cost,
        "command": command_for(thing, project),
        "link": thing.link,
    }


def table_of(rows: Sequence[Json]) -> list[str]:
    """The rows for people: what it is, what it costs, and under it the command."""
    cells = [
        (
            ("may be ours: " if row["certainty"] == MAYBE else "") + KINDS[row["kind"]].words,
            row["name"],
            row["location"],
            row["detail"],
            row["cost"],
        )
        for row in rows
    ]
    widths = [max((len(cell[column]) for cell in cells), default=0) for column in range(4)]
    lines = []
    for row, cell in zip(rows, cells, strict=True):
        start = "  ".join(text.ljust(width) for text, width in zip(cell[:4], widths, strict=True))
        lines += [f"{start}  {cell[4]}", f"    {row['command']}"]
        if row["certainty"] == MAYBE:
            lines.append(f"    ({row['why']}; look before you run this)")
    return lines


__all__ = ("command_for", "row_of", "table_of")
