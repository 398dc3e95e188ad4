# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""Server-sent events, as https://html.spec.whatwg.org/multipage/server-sent-events.html says that they are read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

MESSAGE = "message"
# how OpenAI's streams end; the openai package reads no further, whatever stands behind it
DONE = "[DONE]"
_FIELDS = ("data", "event", "id", "retry")
# Nothing else ends a line: JSON may hold U+2028, U+0085 or a form feed as they are.
_LINE_END = re.compile("\r\n|\n|\r")


@dataclass(frozen=True)
class Event:
    """One event that the stream dispatched."""

    data: str
    name: str = MESSAGE

    @property
    def is_last(self) -> bool:
        return self.data.strip().startswith(DONE)


@dataclass(frozen=True)
class Events:
    """A whole stream. `stray` is its first line that is none of the format's, as a proxy's own error is."""

    events: Sequence[Event] = ()
    stray: str = ""


def read(body: bytes) -> Events:
    """The events of a body. What follows the last blank line was cut off, and is none."""
    *lines, _cut = _LINE_END.split(body.decode("utf-8", "replace").removeprefix("\ufeff"))
    events: list[Event] = []
    stray = ""
    data: list[str] = []
    name = ""
    for line in lines:
        if not line:
            if data:
                events.append(Event("\n".join(data), name or MESSAGE))
            data, name = [], ""
            continue
        field, _colon, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            data.append(value)
        elif field == "event":
            name = value
        elif field and field not in _FIELDS:
            stray = stray or line
    # the last line of a proxy's error often has no end
    field = _cut.partition(":")[0]
    return Events(events, stray or (_cut if field and field not in _FIELDS else ""))


__all__ = ("DONE", "MESSAGE", "Event", "Events", "read")
