# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""Google's access tokens for API servers of GKE, for as long as a task takes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, timedelta
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
    """The token that a task begins with, and those that follow it."""

    remedy = (
        "The API server refuses a new token of Google too. Check that the account may use the cluster "
        "(roles/container.developer, or a role binding), and that host is its own address."
    )

    def __init__(
        self, google: Minting, first: str = "", *, only_after_service: bool = False, clock: Clock | None = None
    ) -> None:
        self._google = google
        self._first = first
        # a token that was wrong from the start is said to be so, and nobody else is shown in its place
        self._only_after_service = only_after_service
        self._clock = clock or SystemClock()

    def credential(self) -> Credential:
        if self._first:
            first, self._first = self._first, ""
            soon: timedelta = LOOK_AGAIN
            return Credential.bearer(first, None if self._only_after_service else self._clock.now() + soon)
        return self._credential(*self._google.token())

    def renewed(self, refused: Credential, *, has_served: bool) -> Credential | None:
        if self._only_after_service and not has_served:
            return None
        found = self._credential(*self._google.renewed(refused.token))
        return None if found.is_like(refused) else found

    def _credential(self, token: str, end: Any) -> Credential:
        """`end` as google.auth has it: naive, in UTC."""
        now = self._clock.now()
        known = end.replace(tzinfo=UTC) if end is not None else None
        return Credential.bearer(token, renew_at(now, known) or now + LOOK_AGAIN)


def google_source(params: Mapping[str, Any], google: GoogleSettings | None = None) -> GoogleTokens | None:
    """Google's tokens, where the options say so: `token_from`, or else what the module itself asks Google with."""
    first = str(params.get("api_key") or "")
    said = params.get("token_from")
    if said:
        settings = GoogleSettings.from_params({"project": "", RUN_DIR: params.get(RUN_DIR), **said})
        return GoogleTokens(Connection(settings), first)
    if google is None or not params.get("host"):
        return None
    return GoogleTokens(Connection(google), first, only_after_service=bool(first))


__all__ = ("LOOK_AGAIN", "GoogleTokens", "Minting", "google_source")
