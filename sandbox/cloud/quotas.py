# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cloud Quotas: the limits as they are told to who asks, and requests for more."""

from __future__ import annotations

import uuid

from sandbox.cloud.calls import Call, Cloud, Handler, page
from sandbox.cloud.clock import timestamp
from sandbox.cloud.errors import GoogleError, Json, invalid, not_found, precondition
from sandbox.cloud.limits import quota_usage
from sandbox.cloud.project import Project
from sandbox.cloud.state import QuotaPreference

DECIDED_GUIDE_SECONDS = 120.0
"""Until a request that needs no person is decided."""
LARGEST_DECREASE = 0.1
"""What a limit may be lowered by without a safety check's being ignored."""
SAFETY_CHECKS = {"1": "QUOTA_DECREASE_BELOW_USAGE", "2": "QUOTA_DECREASE_PERCENTAGE_TOO_HIGH"}


def info(project: Project, service: str, quota: Json) -> Json:
    """A quota with its rows."""
    return {
        "name": f"projects/{project.number}/locations/global/services/{service}/quotaInfos/{quota['id']}",
        "quotaId": quota["id"],
        "metric": quota["metric"],
        "service": service,
        "isPrecise": True,
        "containerType": "PROJECT",
        "dimensions": quota["dimensions"],
        "metricDisplayName": quota["name"],
        "quotaDisplayName": f"{quota['name']} per project per {' per '.join(quota['dimensions'])}",
        "metricUnit": "1",
        "quotaIncreaseEligibility": (
            {"isEligible": True} if "grants" in quota else {"ineligibilityReason": "NOT_ENOUGH_USAGE_HISTORY"}
        ),
        "serviceRequestQuotaUri": (
            f"https://console.cloud.google.com/iam-admin/quotas?project={project.id}&service={service}"
        ),
        "dimensionsInfos": [
            {
                **({"dimensions": row["dimensions"]} if row["dimensions"] else {}),
                "details": {"value": str(row["value"])},
                "applicableLocations": places(project, quota, row),
            }
            for row in quota["rows"]
        ],
    }


def places(project: Project, quota: Json, row: Json) -> list[str]:
    """Where a row counts: its own place, or all that no other row has."""
    kind = "zone" if "zone" in quota["dimensions"] else "region"
    if kind in row["dimensions"]:
        return [row["dimensions"][kind]]
    # a row for one family of a region leaves the region's other families to this one
    taken = {
        other["dimensions"].get(kind)
        for other in quota["rows"]
        if {key: value for key, value in other["dimensions"].items() if key != kind} == row["dimensions"]
    }
    everywhere = project.zones() if kind == "zone" else project.regions
    return sorted(place for place in everywhere if place not in taken and place not in quota["hidden"])


def service_of(call: Call) -> str:
    """The service that the call names."""
    if call.params["location"] != "global":
        raise invalid(f'Invalid location "{call.params["location"]}": only global is supported.')
    return call.params["service"]


def get(call: Call) -> Json:
    """A quota."""
    settle(call.cloud, call.now)
    service = service_of(call)
    quota = call.cloud.limits.quota(service, call.params["quotaInfo"])
    if quota is None:
        raise not_found(f"Quota {call.params['quotaInfo']} of service {service} was not found.")
    return info(call.cloud.project, service, quota)


def list_infos(call: Call) -> Json:
    """The quotas of a service."""
    settle(call.cloud, call.now)
    service = service_of(call)
    found = []
    for entry in call.cloud.project.quotas.get(service, ()):
        quota = call.cloud.limits.quota(service, entry["id"])
        if quota:
            found.append(info(call.cloud.project, service, quota))
    return page(found, call, "quotaInfos")


def settle(cloud: Cloud, now: float) -> None:
    """Decide what is due: as much is granted as needs no person, and a request for more is refused."""
    for preference in cloud.state.quota_preferences.values():
        if preference.settled or now < preference.decided_at:
            continue
        preference.settled = True
        wanted, body = wish(preference.body), preference.body
        quota = cloud.limits.quota(body["service"], body["quotaId"]) or {}
        if 0 <= wanted <= max(preference.granted, quota.get("grants", 0)):
            preference.granted, preference.detail = wanted, ""
        else:
            preference.detail = "Your quota request was denied. Contact sales to ask again."


def wish(body: Json) -> int:
    """What a preference asks for."""
    return int(body.get("quotaConfig", {}).get("preferredValue", 0))


def preference_json(call: Call, preference: QuotaPreference) -> Json:
    """A preference as it is told; the address of who asked is not."""
    project = call.cloud.project
    body = {key: value for key, value in preference.body.items() if key != "contactEmail"}
    config = {
        "preferredValue": str(wish(body)),
        "grantedValue": str(preference.granted),
        **({"stateDetail": preference.detail} if preference.detail else {}),
    }
    return {
        **body,
        "name": f"projects/{project.number}/locations/global/quotaPreferences/{preference.name}",
        "quotaConfig": config,
        "createTime": timestamp(preference.created_at),
        "updateTime": timestamp(preference.updated_at or preference.created_at),
        **({} if preference.settled else {"reconciling": True}),
    }


def checked(call: Call) -> int:
    """The limit as it is now, if the call's preference can be; a 400 as Google's if not."""
    body, cloud = call.body, call.cloud
    if call.params["location"] != "global":
        raise invalid(f'Invalid location "{call.params["location"]}": only global is supported.')
    quota = cloud.limits.quota(body.get("service", ""), body.get("quotaId", ""))
    if quota is None:
        raise invalid(f"Quota {body.get('quotaId', '')} of service {body.get('service', '')} does not exist.")
    dimensions = body.get("dimensions", {})
    strange = sorted(set(dimensions) - set(quota["dimensions"]))
    if strange:
        raise invalid(f"The quota {quota['id']} has no dimension {strange[0]}.")
    if "preferredValue" not in body.get("quotaConfig", {}) or wish(body) < -1:
        raise invalid("quota_config.preferred_value is required and must be at least -1.")
    now = cloud.limits.limit(quota["id"], dimensions, body["service"])
    if wish(body) > now or wish(body) < 0:
        if not body.get("contactEmail"):
            raise invalid("contact_email is required to increase a quota.")
        if "grants" not in quota:
            raise precondition(f"The quota {quota['id']} is not eligible for an increase: NOT_ENOUGH_USAGE_HISTORY.")
    else:
        check_decrease(call, now)
    return now


def check_decrease(call: Call, now: float) -> None:
    """Refuse a dangerous decrease, unless the check is ignored."""
    body, cloud = call.body, call.cloud
    asked = call.query.getall("ignoreSafetyChecks", [])
    ignored = {SAFETY_CHECKS.get(each, each) for each in asked}
    region = body.get("dimensions", {}).get("region", "")
    used = quota_usage(cloud.state, cloud.project, body["quotaId"], region) if region else 0
    if wish(body) < used and "QUOTA_DECREASE_BELOW_USAGE" not in ignored:
        raise precondition(f"The requested quota value {wish(body)} is below the usage {used}.")
    if wish(body) < now * (1 - LARGEST_DECREASE) and "QUOTA_DECREASE_PERCENTAGE_TOO_HIGH" not in ignored:
        raise precondition(f"The requested quota value {wish(body)} is more than 10 percent below the limit {now}.")


def same_target(first: Json, second: Json) -> bool:
    """Google keeps one preference for a quota and its dimensions."""
    keys = ("service", "quotaId", "dimensions")
    return all((first.get(key) or {}) == (second.get(key) or {}) for key in keys)


def create_preference(call: Call) -> Json:
    """Ask for a limit."""
    settle(call.cloud, call.now)
    granted = checked(call)
    found = call.cloud.state.quota_preferences
    name = call.query.get("quotaPreferenceId") or uuid.uuid4().hex
    if name in found or any(same_target(each.body, call.body) for each in found.values()):
        raise GoogleError("ALREADY_EXISTS", "A quota preference for this quota and these dimensions already exists.")
    decided_at = call.now + call.cloud.timetable.real(DECIDED_GUIDE_SECONDS)
    lowers = 0 <= wish(call.body) < granted
    found[name] = QuotaPreference(name, call.body, granted, call.now, decided_at, lowers=lowers)
    return preference_json(call, found[name])


def preference_of(call: Call) -> QuotaPreference:
    """The preference that the call names."""
    settle(call.cloud, call.now)
    name = call.params["quotaPreference"]
    found = call.cloud.state.quota_preferences.get(name)
    if found is None:
        raise not_found(f"Quota preference {name} was not found.")
    return found


def patch_preference(call: Call) -> Json:
    """Ask for another limit."""
    preference = preference_of(call)
    if not same_target(preference.body, {**preference.body, **call.body}):
        raise invalid("service, quota_id and dimensions of a quota preference cannot be changed.")
    call.body.update({**preference.body, **call.body})
    limit = checked(call)
    preference.body, preference.settled, preference.detail = dict(call.body), False, ""
    preference.lowers = 0 <= wish(call.body) < limit
    preference.updated_at = call.now
    preference.decided_at = call.now + call.cloud.timetable.real(DECIDED_GUIDE_SECONDS)
    return preference_json(call, preference)


def get_preference(call: Call) -> Json:
    """One preference."""
    return preference_json(call, preference_of(call))


def list_preferences(call: Call) -> Json:
    """All preferences."""
    settle(call.cloud, call.now)
    if call.query.get("filter"):
        raise invalid("A filter of quota preferences is not emulated.")
    return page(
        [preference_json(call, each) for each in call.cloud.state.quota_preferences.values()], call, "quotaPreferences"
    )


HANDLERS = {
    "projects.locations.services.quotaInfos.get": Handler(get, "cloudquotas.quotas.get"),
    "projects.locations.services.quotaInfos.list": Handler(list_infos, "cloudquotas.quotas.get"),
    "projects.locations.quotaPreferences.create": Handler(
        create_preference, "cloudquotas.quotas.update", mutating=True
    ),
    "projects.locations.quotaPreferences.get": Handler(get_preference, "cloudquotas.quotas.get"),
    "projects.locations.quotaPreferences.list": Handler(list_preferences, "cloudquotas.quotas.get"),
    "projects.locations.quotaPreferences.patch": Handler(patch_preference, "cloudquotas.quotas.update", mutating=True),
}
