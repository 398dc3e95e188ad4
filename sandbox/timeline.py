# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the sandbox plays in guide time, and how much of a deployment that was: the rest is this machine's."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.settings import Settings

Window = tuple[float, float]
"""Begin and end, in seconds since 1970."""

OVERLAP = (
    "Stages overlap: the last row is no sum of the others. Overhead is what the guide's lengths do not explain: "
    "processes that start on this machine, and Ansible's own work."
)


class ReportError(Exception):
    """A report that cannot be read; the sentence is for a person."""


@dataclass(frozen=True)
class Interval:
    """Something that was played: from when, and for how many real seconds at which speed."""

    kind: str
    name: str
    started: float
    seconds: float
    speed: float


@dataclass(frozen=True)
class Stage:
    """A stage of a deployment, as its report has it."""

    title: str
    guide_minutes: float
    started: float
    ended: float


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    title: str
    guide_minutes: float
    here_minutes: float
    overhead_seconds: float


class Timeline:
    """The book of what is played: each process of the sandbox adds its lines."""

    def __init__(self, path: Path, speed: float) -> None:
        self._path = path
        self._speed = speed

    @classmethod
    def of(cls, settings: Settings) -> Timeline:
        """The book of a sandbox."""
        return cls(settings.timeline, settings.speed)

    def note(self, kind: str, name: str, seconds: float, started: float | None = None) -> None:
        """Something is played for so many real seconds, from now or from `started` on."""
        if seconds <= 0:
            return
        entry = {
            "kind": kind,
            "name": name,
            "started": round(time.time() if started is None else started, 3),
            "seconds": round(seconds, 3),
            "speed": self._speed,
        }
        # one short write at the end of the file: lines of two processes do not mix
        with self._path.open("a", encoding="utf-8") as book:
            book.write(json.dumps(entry) + "\n")

    async def play(self, kind: str, name: str, seconds: float) -> None:
        """Note it and wait for as long."""
        self.note(kind, name, seconds)
        await asyncio.sleep(seconds)

    def read(self) -> list[Interval]:
        """All that was played."""
        if not self._path.exists():
            return []
        found = []
        for line in self._path.read_text(encoding="utf-8").splitlines():
            try:
                found.append(Interval(**json.loads(line)))
            except (json.JSONDecodeError, TypeError):  # the line that a killed process was writing
                continue
        return found


def played(intervals: Iterable[Interval], window: Window) -> float:
    """Real seconds of a window in which anything was played."""
    begin, end = window
    clipped = sorted(
        (max(begin, each.started), min(end, each.started + each.seconds))
        for each in intervals
        if each.started < end and each.started + each.seconds > begin
    )
    total, reached = 0.0, begin
    for start, stop in clipped:
        total += max(0.0, stop - max(start, reached))
        reached = max(reached, stop)
    return total


def recap(stages: Sequence[Stage], intervals: Sequence[Interval], speed: float) -> list[Row]:
    """A row a stage, and one for the whole run."""

    def row(title: str, guide_minutes: float, window: Window) -> Row:
        seconds = played(intervals, window)
        return Row(title, guide_minutes, seconds * speed / 60, max(0.0, window[1] - window[0] - seconds))

    rows = [row(stage.title, stage.guide_minutes, (stage.started, stage.ended)) for stage in stages]
    whole = (min(stage.started for stage in stages), max(stage.ended for stage in stages))
    return [*rows, row("in all", sum(stage.guide_minutes for stage in stages), whole)]


def stages_of(report: Mapping[str, Any]) -> list[Stage]:
    """The stages of a report; ReportError when it has none that can be read."""
    try:
        found = [
            Stage(str(each["title"]), float(each["guide_minutes"]), float(each["started"]), float(each["ended"]))
            for each in report["stages"]
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise ReportError(
            f"it is no report of a deployment: wanted stages with title, guide_minutes, started and ended; {error!r}"
        ) from error
    if not found:
        raise ReportError("it names no stage: the deployment ended before its first one.")
    return found


def table(rows: Sequence[Row]) -> list[str]:
    """The rows for people."""
    width = max(len("stage"), *(len(row.title) for row in rows))
    head = f"{'stage':<{width}}  guide (min)  here (guide min)  sandbox overhead (s)"
    lines = [
        f"{row.title:<{width}}  {row.guide_minutes:>11g}  {row.here_minutes:>16.1f}  {row.overhead_seconds:>20.1f}"
        for row in rows
    ]
    return [head, *lines, OVERLAP]
