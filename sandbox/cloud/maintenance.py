# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When Kubernetes Engine may upgrade by itself. Nothing here upgrades; the rules for saying so are Google's."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from sandbox.cloud.clock import timestamp
from sandbox.cloud.errors import Json, invalid
from sandbox.cloud.gke import digest

LONGEST_NO_UPGRADES = timedelta(days=30)
MOST_NO_UPGRADES = 3
SHORTEST_WINDOW = timedelta(hours=4)
SUPPORTED = timedelta(days=425)
"""How long a minor version is supported: fourteen months."""
UNTIL_END = "UNTIL_END_OF_SUPPORT"


def check_policy(policy: Json, channel: Json, now: float) -> None:
    """The refusals that come before anything is changed."""
    window = policy.get("window", {})
    if window.get("dailyMaintenanceWindow") and window.get("recurringWindow"):
        raise invalid("MaintenanceWindow.daily_maintenance_window and recurring_window cannot both be set.")
    recurring = window.get("recurringWindow")
    if recurring:
        start, end = span(recurring.get("window", {}))
        if end - start < SHORTEST_WINDOW:
            raise invalid("Maintenance window must be at least 4 hours long.")
        if not recurring.get("recurrence", "").startswith("FREQ="):
            raise invalid(f'Invalid recurrence "{recurring.get("recurrence", "")}" of the maintenance window.')
    exclusions = window.get("maintenanceExclusions", {})
    for name, exclusion in exclusions.items():
        check_exclusion(name, exclusion, channel, now)
    whole = [name for name, each in exclusions.items() if scope_of(each) == "NO_UPGRADES"]
    if len(whole) > MOST_NO_UPGRADES:
        raise invalid(f"At most {MOST_NO_UPGRADES} maintenance exclusions of scope NO_UPGRADES are allowed.")


def check_exclusion(name: str, exclusion: Json, channel: Json, now: float) -> None:
    """One exclusion."""
    scope = scope_of(exclusion)
    if scope != "NO_UPGRADES" and channel.get("channel", "UNSPECIFIED") == "UNSPECIFIED":
        raise invalid(f"Maintenance exclusion {name} of scope {scope} needs a cluster in a release channel.")
    if exclusion.get("maintenanceExclusionOptions", {}).get("endTimeBehavior") == UNTIL_END:
        if scope == "NO_UPGRADES":
            raise invalid(f"Maintenance exclusion {name} of scope NO_UPGRADES cannot last until the end of support.")
        if exclusion.get("endTime"):
            raise invalid(f"Maintenance exclusion {name} has an end time beside {UNTIL_END}.")
        return
    start, end = span(exclusion)
    if end.timestamp() <= now:
        raise invalid(f"Maintenance exclusion {name} ends in the past.")
    if scope == "NO_UPGRADES" and end - start > LONGEST_NO_UPGRADES:
        raise invalid(f"Maintenance exclusion {name} of scope NO_UPGRADES is longer than 30 days.")


def scope_of(exclusion: Json) -> str:
    """Which upgrades it keeps away."""
    return str(exclusion.get("maintenanceExclusionOptions", {}).get("scope", "NO_UPGRADES"))


def span(window: Json) -> tuple[datetime, datetime]:
    """Begin and end of a time window."""
    found = []
    for name in ("startTime", "endTime"):
        try:
            found.append(datetime.fromisoformat(window.get(name, "")).astimezone(UTC))
        except ValueError:
            raise invalid(f'Invalid {name} "{window.get(name, "")}" of a maintenance window.') from None
    start, end = found
    if end <= start:
        raise invalid("A maintenance window ends before it starts.")
    return start, end


def policy_json(policy: Json) -> Json:
    """A policy as the API shows it: with its version, and the end of what lasts until the end of support."""
    result: Json = json.loads(json.dumps(policy))
    for exclusion in result.get("window", {}).get("maintenanceExclusions", {}).values():
        if not exclusion.get("endTime"):
            start = datetime.fromisoformat(exclusion["startTime"])
            exclusion["endTime"] = timestamp((start + SUPPORTED).timestamp())
    return {**result, "resourceVersion": digest(json.dumps(policy, sort_keys=True))}
