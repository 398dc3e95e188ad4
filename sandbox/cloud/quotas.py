# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cloud Quotas: the limits as they are told to who asks."""

from __future__ import annotations

from sandbox.cloud.calls import Call, Handler, page
from sandbox.cloud.errors import Json, invalid, not_found
from sandbox.cloud.project import Project


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
        "quotaIncreaseEligibility": {"isEligible": True},
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
    taken = {other["dimensions"].get(kind) for other in quota["rows"]}
    everywhere = project.zones() if kind == "zone" else project.regions
    return sorted(place for place in everywhere if place not in taken)


def service_of(call: Call) -> str:
    """The service that the call names."""
    if call.params["location"] != "global":
        raise invalid(f'Invalid location "{call.params["location"]}": only global is supported.')
    return call.params["service"]


def get(call: Call) -> Json:
    """A quota."""
    service = service_of(call)
    quota = call.cloud.limits.quota(service, call.params["quotaInfo"])
    if quota is None:
        raise not_found(f"Quota {call.params['quotaInfo']} of service {service} was not found.")
    return info(call.cloud.project, service, quota)


def list_infos(call: Call) -> Json:
    """The quotas of a service."""
    service = service_of(call)
    found = []
    for entry in call.cloud.project.quotas.get(service, ()):
        quota = call.cloud.limits.quota(service, entry["id"])
        if quota:
            found.append(info(call.cloud.project, service, quota))
    return page(found, call, "quotaInfos")


HANDLERS = {
    "projects.locations.services.quotaInfos.get": Handler(get, "cloudquotas.quotas.get"),
    "projects.locations.services.quotaInfos.list": Handler(list_infos, "cloudquotas.quotas.get"),
}
