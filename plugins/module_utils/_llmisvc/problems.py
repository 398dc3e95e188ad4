# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""Why a service is not ready."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._causes import Cause


@dataclass(frozen=True)
class Problem:
    """One reason, with a sentence for people.

    `after` is for what does not heal by itself: so many seconds it must have stood, as seen by us, to end a wait.
    """

    kind: str  # service, condition, deployment, pod, url or api
    name: str
    reason: str
    message: str
    remedy: str = ""
    after: float | None = None
    # Ends the wait even where failing fast is not wanted.
    always: bool = False
    # '' for what only follows from another problem.
    cause: Cause = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes it the same problem at the next look."""
        return (self.kind, self.name, self.reason)

    @property
    def sentence(self) -> str:
        if self.kind != "condition":
            return self.message
        reason = f" ({self.reason})" if self.reason else ""
        return f"{self.name} is not True{reason}" + (f": {self.message.rstrip('.')}." if self.message else ".")

    def public(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "name": self.name,
            "reason": self.reason,
            "message": self.message,
            "remedy": self.remedy,
            "cause": self.cause,
            "terminal": self.after is not None,
        }


def first(problems: Sequence[Problem]) -> Problem:
    """The one to tell: what does not heal before what does, else the first in the order of causes."""
    return next((each for each in problems if each.after is not None), problems[0])


__all__ = ("Problem", "first")
