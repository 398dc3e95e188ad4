# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""Google's access tokens for API servers of GKE, for as long as a task takes."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC
from typing import Any, Protocol

from ansible_collections.rhaii.gke.plugins.module_utils._clock import Clock, SystemClock
from ansible_collections.rhaii.gke.plugins.module_utils._google import RUN_DIR, Connection, GoogleSettings
from ansible_collections.rhaii.gke.plugins.module_utils._kept_token import RENEW_BEFORE_END
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes_credentials import Credential, renew_at

# A token that is given out by the lookup is good for RENEW_BEFORE_END; nobody says how much longer.
LOOK_AGAIN = RENEW_BEFORE_END / 2


class Minting(Protocol):
    """What of a Connection is used here."""

    def token(self) -> tuple[str, Any]: ...

    def renewed(self, refused: str) -> tuple[str, Any]: ...


class GoogleTokens:
    """The token that a task begins with, and those that follow it. Several connections may share it."""

    remedy = (
        "The API server refuses a new token of Google too. Check that the account may use the cluster "
        "(roles/container.developer, or a role binding), and that host is its own address."
    )

    def __init__(
        self, google: Minting, first: str = "", *, only_after_service: bool = False, clock: Clock | None = None
    ) -> None:
        self._google = google
        # a token that was wrong from the start is said to be so, and nobody else is shown in its place
        self._only_after_service = only_after_service
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._newest: Credential | None = None
        if first:
            self._newest = Credential.bearer(first, None if only_after_service else self._clock.now() + LOOK_AGAIN)

    def credential(self) -> Credential:
        with self._lock:
            newest = self._newest
            if newest is None or (newest.renew_at is not None and self._clock.now() >= newest.renew_at):
                newest = self._take(*self._google.token())
            return newest

    def renewed(self, refused: Credential, *, has_served: bool) -> Credential | None:
        if self._only_after_service and not has_served:
            return None
        with self._lock:
            if self._newest is not None and not self._newest.is_like(refused):
                return self._newest
            found = self._take(*self._google.renewed(refused.token))
            return None if found.is_like(refused) else found

    def _take(self, token: str, end: Any) -> Credential:
        """`end` as google.auth has it: naive, in UTC."""
        now = self._clock.now()
        known = end.replace(tzinfo=UTC) if end is not None else None
        self._newest = Credential.bearer(token, renew_at(now, known) or now + LOOK_AGAIN)
        return self._newest


def google_source(params: Mapping[str, Any], google: GoogleSettings | None = None) -> GoogleTokens | None:
    """Google's tokens, where the options say so: `token_from`, or else what the module itself asks Google with."""
    if not params.get("host"):
        return None
    first = str(params.get("api_key") or "")
    said = params.get("token_from")
    if said:
        settings = GoogleSettings.from_params({"project": "", RUN_DIR: params.get(RUN_DIR), **said})
        return GoogleTokens(Connection(settings), first)
    if google is None:
        return None
    return GoogleTokens(Connection(google), first, only_after_service=bool(first))


__all__ = ("LOOK_AGAIN", "GoogleTokens", "Minting", "google_source")
