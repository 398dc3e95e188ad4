# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Container logs: plain files, and beside each a coarse record of when it grew.

A container writes its file itself and so needs no nodes process to go on; the times that `kubectl logs
--timestamps` and `--since` want are noted by looking at the file's size once a second.
"""

from __future__ import annotations

import asyncio
import bisect
import datetime
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

BLOCK = 1 << 16
KEPT_RUNS = 2
LOOK_EVERY = 1.0
FOLLOW_EVERY = 0.2


@dataclass(frozen=True)
class Selection:
    """What a reader of a log asked for."""

    tail: int | None = None
    since: float | None = None
    """Seconds of the epoch."""
    limit: int | None = None
    timestamps: bool = False
    follow: bool = False


def log_file(pod_folder: Path, container: str, run: int) -> Path:
    """The log of a container's run (0 for the first)."""
    return pod_folder / "logs" / container / f"{run}.log"


def times_file(log: Path) -> Path:
    """Where the growth of `log` is noted: lines of size and time."""
    return log.with_suffix(".times")


def forget_old_runs(pod_folder: Path, container: str, run: int) -> None:
    """Keep the logs of this run and of the one before, as a kubelet does."""
    old = run - KEPT_RUNS
    if old >= 0:
        log = log_file(pod_folder, container, old)
        log.unlink(missing_ok=True)
        times_file(log).unlink(missing_ok=True)


class GrowthRecorder:
    """Notes the growth of all logs that are written to."""

    def __init__(self) -> None:
        self._sizes: dict[Path, int] = {}

    def add(self, log: Path) -> None:
        """Begin to look at a log."""
        self._sizes.setdefault(log, last_noted(log))

    def finish(self, log: Path) -> None:
        """Look at a log for the last time."""
        self._look(log)
        self._sizes.pop(log, None)

    def look(self) -> None:
        """Note what has grown."""
        for log in list(self._sizes):
            self._look(log)

    def _look(self, log: Path) -> None:
        try:
            size = log.stat().st_size
        except OSError:
            return
        if size != self._sizes.get(log, 0):
            self._sizes[log] = size
            with times_file(log).open("a", encoding="ascii") as book:
                book.write(f"{size} {time.time():.3f}\n")

    async def run(self) -> None:
        """Look for ever."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_EVERY)


def last_noted(log: Path) -> int:
    """The size that was noted last."""
    growth = read_growth(log)
    return growth[-1][0] if growth else 0


def read_growth(log: Path) -> list[tuple[int, float]]:
    """Sizes and the times at which the log was first seen to have them."""
    try:
        lines = times_file(log).read_text(encoding="ascii").splitlines()
    except OSError:
        return []
    pairs = [line.split() for line in lines]
    return [(int(pair[0]), float(pair[1])) for pair in pairs if len(pair) == 2]


def time_at(growth: list[tuple[int, float]], offset: int, default: float) -> float:
    """When the byte at `offset` was written."""
    index = bisect.bisect_right(growth, offset, key=lambda entry: entry[0])
    return growth[index][1] if index < len(growth) else default


def tail_offset(log: Path, lines: int) -> int:
    """Where the last `lines` lines begin."""
    with log.open("rb") as stream:
        position = stream.seek(0, 2)
        end = position
        found = 0
        while position > 0:
            size = min(BLOCK, position)
            position -= size
            stream.seek(position)
            block = stream.read(size)
            for index in range(len(block) - 1, -1, -1):
                # the newline that ends the last line separates nothing
                if block[index] == 0x0A and position + index != end - 1:
                    found += 1
                    if found == lines:
                        return position + index + 1
    return 0 if lines else end


def since_offset(growth: list[tuple[int, float]], since: float) -> int:
    """How much of the log is older than `since`."""
    older = [size for size, moment in growth if moment < since]
    return older[-1] if older else 0


def stamped(lines: bytes, start: int, growth: list[tuple[int, float]], default: float) -> bytes:
    """Whole lines, each with its time in front."""
    result = []
    offset = start
    for line in lines.splitlines(keepends=True):
        moment = datetime.datetime.fromtimestamp(time_at(growth, offset, default), datetime.UTC)
        result.append(moment.strftime("%Y-%m-%dT%H:%M:%S.%f000Z ").encode() + line)
        offset += len(line)
    return b"".join(result)


async def read_log(log: Path, selection: Selection, *, writing: Callable[[], bool]) -> AsyncIterator[bytes]:
    """The selected part of a log; with `follow` until `writing` says that nothing more will come."""
    if not log.exists():
        return
    growth = read_growth(log)
    offset = 0
    if selection.since is not None:
        offset = since_offset(growth, selection.since)
    if selection.tail is not None:
        offset = max(offset, tail_offset(log, selection.tail))
    left = selection.limit
    with log.open("rb") as stream:
        stream.seek(offset)
        while left is None or left > 0:
            # asked before reading: what is written until the end is then read too
            more = selection.follow and writing()
            block = stream.read(BLOCK)
            if not block:
                if not more:
                    return
                await asyncio.sleep(FOLLOW_EVERY)
                continue
            if selection.timestamps and not block.endswith(b"\n"):
                block += stream.readline()
            start, offset = offset, offset + len(block)
            if selection.timestamps:
                block = stamped(block, start, read_growth(log), time.time())
            if left is not None:
                block = block[:left]
                left -= len(block)
            yield block
