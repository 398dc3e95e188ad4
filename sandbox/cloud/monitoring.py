# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cloud Monitoring, as far as it tells what is used of a quota."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator

from sandbox.cloud.calls import Call, Handler, page
from sandbox.cloud.clock import timestamp
from sandbox.cloud.errors import Json, invalid
from sandbox.cloud.limits import FAMILY_QUOTA, quota_usage

SERVICE = "compute.googleapis.com"
ALLOCATION = "serviceruntime.googleapis.com/quota/allocation/usage"
SAMPLED = 60.0
"""Real seconds between two points."""

TERM = re.compile(r'\s*([a-z_.]+)\s*=\s*"([^"]*)"\s*')


def terms(text: str) -> dict[str, str]:
    """A filter that is a conjunction of equalities, which is all that is emulated."""
    found = {}
    for part in re.split(r"\s+AND\s+", text):
        match = TERM.fullmatch(part)
        if match is None:
            raise invalid(f'Field filter had an invalid value of "{text}": Could not parse filter.')
        found[match.group(1).replace(".label.", ".labels.")] = match.group(2)
    if "metric.type" not in found:
        raise invalid(f'Field filter had an invalid value of "{text}": must specify a restriction on "metric.type".')
    return found


def series(call: Call) -> Iterator[Json]:
    """Every series of quotas that the project has: a region that has never used a quota has none."""
    state, project = call.cloud.state, call.cloud.project
    for entry in project.quotas[SERVICE]:
        if "region" not in entry["dimensions"]:
            continue
        own = entry["id"] == FAMILY_QUOTA
        for region in project.regions:
            used = quota_usage(state, project, entry["id"], region)
            if not used:
                continue
            name = entry["metric"].partition("/")[2]
            yield {
                "metric": {
                    "type": f"{SERVICE}/quota/{name}/usage" if own else ALLOCATION,
                    "labels": {"tpu_family": "CT6E", "limit_name": entry["id"]}
                    if own
                    else {"quota_metric": entry["metric"]},
                },
                "resource": {
                    "type": f"{SERVICE}/Location" if own else "consumer_quota",
                    "labels": {"location": region, **({} if own else {"service": SERVICE}), "project_id": project.id},
                },
                "metricKind": "GAUGE",
                "valueType": "INT64",
                "value": used,
            }


def fits(found: Json, wanted: dict[str, str]) -> bool:
    """Whether a series is one that a filter means."""
    for name, value in wanted.items():
        owner, _, field = name.partition(".")
        holder = found.get(owner, {})
        known = holder.get("labels", {}).get(field.removeprefix("labels.")) if "labels." in field else holder.get(field)
        if known != value:
            return False
    return True


def moment(call: Call, name: str) -> float:
    """A moment of the query."""
    try:
        return datetime.datetime.fromisoformat(call.query[name].replace("Z", "+00:00")).timestamp()
    except (KeyError, ValueError):
        raise invalid(f"Field {name} had an invalid value: it must be a time.") from None


def list_series(call: Call) -> Json:
    """The newest point of each series that the filter means, if it lies in the interval."""
    wanted = terms(call.query.get("filter", ""))
    end = moment(call, "interval.endTime")
    start = moment(call, "interval.startTime") if "interval.startTime" in call.query else end
    if start > end:
        raise invalid("Field interval.startTime had an invalid value: it must not be later than the end.")
    sampled = call.now // SAMPLED * SAMPLED
    found = []
    for each in series(call) if start <= sampled <= end else ():
        if fits(each, wanted):
            value = each.pop("value")
            interval = {"startTime": timestamp(sampled), "endTime": timestamp(sampled)}
            points = [{"interval": interval, "value": {"int64Value": str(value)}}]
            found.append({**each, **({} if call.query.get("view") == "HEADERS" else {"points": points})})
    return page(found, call, "timeSeries")


HANDLERS = {"projects.timeSeries.list": Handler(list_series, "monitoring.timeSeries.list")}
