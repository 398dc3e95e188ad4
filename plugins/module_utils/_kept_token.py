# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""One access token for a whole run, in a file that only its owner can read."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ansible_collections.rhaii.gke.plugins.module_utils._google import GoogleSettings

RENEW_BEFORE_END = timedelta(minutes=10)
# For tokens whose end nobody knows: long enough to serve many tasks, short enough to be looked at again.
ASSUMED_LIFE = timedelta(minutes=15)


class Kept(NamedTuple):
    token: str
    end: datetime | None
    # the project that calls with it are counted against, where its credentials name one
    quota_project: str = ""


def cached_token(
    settings: GoogleSettings,
    run_dir: str | None,
    mint: Callable[[], Kept],
    now: datetime,
    refused: str = "",
) -> Kept:
    """The kept token and its end while it is good for ten more minutes and was not refused, else a new one."""
    place = _place(settings, run_dir)
    if place is not None:
        kept = _read(place)
        if kept is not None and kept.token != refused and kept.end and kept.end - now > RENEW_BEFORE_END:
            return kept
    made = mint()
    if made.end is not None and made.end.tzinfo is None:
        made = made._replace(end=made.end.replace(tzinfo=UTC))
    if place is not None:
        _write(place, made._replace(end=made.end or now + ASSUMED_LIFE))
    return made


def _place(settings: GoogleSettings, run_dir: str | None) -> Path | None:
    """A file an account, in a folder that is ours alone; nowhere, where the folder is missing or open to others."""
    if not run_dir:
        return None
    folder = Path(run_dir)
    try:
        status = folder.stat()
    except OSError:
        return None
    if status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) & 0o077:
        return None
    identity = json.dumps(
        [
            settings.auth_kind,
            settings.service_account_file,
            settings.access_token,
            settings.impersonate_service_account,
        ]
    )
    return folder / f"token-{hashlib.sha256(identity.encode()).hexdigest()[:16]}.json"


def _read(place: Path) -> Kept | None:
    try:
        kept = json.loads(place.read_text(encoding="utf-8"))
        return Kept(str(kept["token"]), datetime.fromisoformat(kept["end"]), str(kept.get("quota_project") or ""))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _write(place: Path, made: Kept) -> None:
    """Atomically, so that a task of another host never reads half a token."""
    draft = place.with_name(f"{place.name}.{os.getpid()}")
    content = {"token": made.token, "end": made.end.isoformat() if made.end else None}
    if made.quota_project:
        content["quota_project"] = made.quota_project
    with contextlib.suppress(OSError):  # a token that cannot be kept is still a token
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(content, file)
        draft.replace(place)


__all__ = ("ASSUMED_LIFE", "RENEW_BEFORE_END", "Kept", "cached_token")
