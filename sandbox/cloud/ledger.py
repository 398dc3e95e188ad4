# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The books: what a bill would name, and who changed what."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.cloud.clock import Clock, timestamp
from sandbox.cloud.errors import Json
from sandbox.cloud.state import GuideBase, LedgerItem, State

REDACTED = frozenset({"masterAuth", "accessToken", "assertion", "password"})


class Ledger:
    """Billable items with the guide minutes of their opening and closing."""

    def __init__(self, state: State, clock: Clock, speed: float) -> None:
        self._state = state
        self._clock = clock
        base, now = state.guide, clock.now()
        if not base.speed:
            state.guide = GuideBase(wall=now, guide_minutes=0.0, speed=speed)
        elif base.speed != speed:
            # guide time that has passed keeps the speed that it passed at
            state.guide = GuideBase(wall=now, guide_minutes=self.minutes(), speed=speed)

    def minutes(self, moment: float | None = None) -> float:
        """Guide minutes since the project's first start."""
        base = self._state.guide
        wall = self._clock.now() if moment is None else moment
        return round(base.guide_minutes + (wall - base.wall) * base.speed / 60, 3)

    def open(self, kind: str, name: str, location: str, **detail: Any) -> None:
        """Something begins to cost."""
        self._state.ledger.append(LedgerItem(kind, name, location, detail, self.minutes()))

    def close(self, kind: str, name: str, location: str) -> None:
        """It costs no longer."""
        for item in self._state.ledger:
            if (item.kind, item.name, item.location, item.closed) == (kind, name, location, None):
                item.closed = self.minutes()

    def report(self) -> Json:
        """The ledger as JSON."""
        return {"guide_minutes": self.minutes(), "items": [vars(item) for item in self._state.ledger]}


class Audit:
    """One line for each call that would change something, also for those that were refused."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, *, moment: float, guide_minutes: float, **entry: Any) -> None:
        """Append a line."""
        record = {"time": timestamp(moment), "guide_minutes": guide_minutes, **entry}
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as log:
            log.write(json.dumps(record) + "\n")

    def read(self) -> list[Json]:
        """All lines."""
        if not self._path.exists():
            return []
        return [json.loads(line) for line in self._path.read_text(encoding="utf-8").splitlines()]


def without_secrets(body: Any) -> Any:
    """A body as the audit may keep it."""
    if isinstance(body, Mapping):
        return {key: "(not kept)" if key in REDACTED else without_secrets(value) for key, value in body.items()}
    if isinstance(body, list):
        return [without_secrets(item) for item in body]
    return body
