# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The one exception that the core raises: a sentence for people, with the way out and what is known so far."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class RhaiiError(Exception):
    """Something that the user can understand and act upon.

    `msg` says what was wanted and what was found, `remedy` what to do; `result` is the structured result that the
    capability would have returned on success, as far as it is known.
    """

    def __init__(self, msg: str, *, remedy: str = "", result: Mapping[str, Any] | None = None) -> None:
        super().__init__(msg)
        self.msg = msg
        self.remedy = remedy
        self.result: dict[str, Any] = dict(result or {})

    def __str__(self) -> str:
        return f"{self.msg} {self.remedy}".strip()

    def with_result(self, result: Mapping[str, Any]) -> RhaiiError:
        """The same error, carrying `result` beneath what it already knows."""
        self.result = {**result, **self.result}
        return self


def flat(text: str, limit: int = 400) -> str:
    """Somebody else's words, as one line that fits a sentence."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def one_line(error: BaseException, limit: int = 400) -> str:
    """What an exception of another library says; its kind, when it says nothing."""
    return flat(str(error), limit) or type(error).__name__


__all__ = ("RhaiiError", "flat", "one_line")
