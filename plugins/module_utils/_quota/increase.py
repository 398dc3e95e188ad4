# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The request for more quota: what would be sent, and sending it once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._quota.ports import Preferences
from ansible_collections.rhaii.gke.plugins.module_utils._quota.values import SERVICE


@dataclass(frozen=True)
class Asking:
    """Who asks, and why."""

    project: str
    justification: str
    contact_email: str | None

    def request(self, quota_id: str, dimensions: Mapping[str, str], value: int) -> dict[str, Any]:
        """A QuotaPreference, as Cloud Quotas takes it."""
        return {
            "service": SERVICE,
            "quotaId": quota_id,
            "dimensions": dict(dimensions),
            "quotaConfig": {"preferredValue": value},
            "justification": self.justification,
            **({"contactEmail": self.contact_email} if self.contact_email else {}),
        }

    @property
    def page(self) -> str:
        """The console's page of the quotas, for when Google names none of its own."""
        return f"https://console.cloud.google.com/iam-admin/quotas?project={self.project}&service={SERVICE}"


def in_words(request: Mapping[str, Any]) -> str:
    """20 of CPUS-per-project-region (region=europe-west4)."""
    where = ", ".join(f"{key}={value}" for key, value in request["dimensions"].items())
    return f"{request['quotaConfig']['preferredValue']} of {request['quotaId']} ({where})"


def same_quota(preference: Mapping[str, Any], request: Mapping[str, Any]) -> bool:
    """Google keeps one preference for a quota and its dimensions."""
    return bool(
        preference.get("service") == request["service"]
        and preference.get("quotaId") == request["quotaId"]
        and dict(preference.get("dimensions") or {}) == request["dimensions"]
    )


def preferred(preference: Mapping[str, Any]) -> int:
    return int((preference.get("quotaConfig") or {}).get("preferredValue") or 0)


def send(preferences: Preferences, requests: Sequence[Mapping[str, Any]], check_mode: bool) -> list[dict[str, Any]]:
    """Each request, unless one for as much is there already. Says what became of it."""
    existing = list(preferences.all()) if requests else []
    done = []
    for request in requests:
        found = next((each for each in existing if same_quota(each, request)), None)
        if found is not None and preferred(found) >= preferred(request):
            done.append(_outcome(request, found, sent=False))
        elif check_mode:
            done.append(_outcome(request, {}, sent=True))
        elif found is not None:
            done.append(_outcome(request, preferences.update(str(found["name"]), request), sent=True))
        else:
            done.append(_outcome(request, preferences.create(request), sent=True))
    return done


def _outcome(request: Mapping[str, Any], answer: Mapping[str, Any], *, sent: bool) -> dict[str, Any]:
    config = answer.get("quotaConfig") or {}
    granted = config.get("grantedValue")
    return {
        "quota_id": request["quotaId"],
        "dimensions": request["dimensions"],
        "preferred_value": max(preferred(request), preferred(answer)),
        "granted_value": None if granted is None else int(granted),
        "reconciling": bool(answer.get("reconciling")),
        "state_detail": str(config.get("stateDetail") or ""),
        "name": str(answer.get("name") or ""),
        "sent": sent,
    }


__all__ = ("Asking", "in_words", "preferred", "same_quota", "send")
