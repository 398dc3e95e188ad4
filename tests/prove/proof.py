# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A proof: named steps that measure. What a step found is kept, so that a proof that was ended goes on where it was."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

Figures = dict[str, Any]
Say = Callable[[str], None]


class StepError(Exception):
    """A step did not show what it was to show; the sentence is for a person."""


@dataclass(frozen=True)
class Origin:
    """What figures belong to: another commit or seed makes them worthless."""

    topic: str
    commit: str
    seed: int
    dirty: bool = False


@dataclass(frozen=True)
class Step:
    """A part of a proof. Its figures stand under its name, or beside each other at the top."""

    name: str
    about: str
    run: Callable[[Origin], Figures]
    at_top: bool = False


@dataclass
class Proof:
    """The steps of a topic, what they found so far (below `kept`), and the file that has it all in the end."""

    origin: Origin
    steps: tuple[Step, ...]
    kept: Path
    result: Path
    say: Say
    failed: list[str] = field(default_factory=list)

    def run(self) -> bool:
        """Run what has not been found yet; the result is written when every step is through."""
        found: Figures = {}
        for step in self.steps:
            figures = self._kept(step)
            if figures is None:
                figures = self._measured(step)
            if figures is not None:
                found.update(figures if step.at_top else {step.name: figures})
        if self.failed:
            self.say(f"failed: {', '.join(self.failed)}. The same command goes on with these.")
            return False
        self.result.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({**asdict(self.origin), "machine": machine(), **found}, indent=1)
        self.result.write_text(text + "\n", encoding="utf-8")
        self.say(f"wrote {self.result}")
        return True

    def _kept(self, step: Step) -> Figures | None:
        try:
            kept = json.loads(self._file(step).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        # what changes in a dirty tree has no name
        if self.origin.dirty or kept["origin"] != asdict(self.origin):
            return None
        self.say(f"{step.name}: found before, {kept['seconds']:.0f} s")
        figures: Figures = kept["figures"]
        return figures

    def _measured(self, step: Step) -> Figures | None:
        self.say(f"{step.name}: {step.about}")
        started = time.monotonic()
        try:
            figures = step.run(self.origin)
        except StepError as error:
            self.say(f"{step.name}: {error}")
            self.failed.append(step.name)
            return None
        seconds = time.monotonic() - started
        self.say(f"{step.name}: {seconds:.0f} s")
        self.kept.mkdir(parents=True, exist_ok=True)
        kept: Mapping[str, Any] = {"origin": asdict(self.origin), "seconds": seconds, "figures": figures}
        self._file(step).write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        return figures

    def _file(self, step: Step) -> Path:
        return self.kept / f"{step.name}.json"


def machine() -> Figures:
    """What the figures were measured on."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cpus": len(os.sched_getaffinity(0)),
        "memory_gib": round(pages / 2**30, 1),
        "system": platform.system(),
        "python": platform.python_version(),
    }


__all__ = ("Figures", "Origin", "Proof", "Step", "StepError", "machine")
