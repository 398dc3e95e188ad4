# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The real adapters: Cloud Quotas, Cloud Monitoring, Compute Engine and Kubernetes Engine, all by plain REST."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._capability import Params
from ansible_collections.rhaii.gke.plugins.module_utils._clock import Clock, SystemClock
from ansible_collections.rhaii.gke.plugins.module_utils._gke.compute import GoogleInstanceGroups
from ansible_collections.rhaii.gke.plugins.module_utils._gke.ports import pool_size
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import groups_of
from ansible_collections.rhaii.gke.plugins.module_utils._google import Connection, GoogleError, GoogleSettings, RestApi
from ansible_collections.rhaii.gke.plugins.module_utils._quota.families import QuotaId
from ansible_collections.rhaii.gke.plugins.module_utils._quota.ports import QuotaPorts
from ansible_collections.rhaii.gke.plugins.module_utils._quota.values import (
    SERVICE,
    Info,
    Live,
    LiveCluster,
    LivePool,
    Machine,
    Reading,
    RegionQuota,
    Reservation,
    block_of,
    info_of,
    readings_of,
    region_quotas_of,
    reservation_of,
    reservation_path,
)

# A quota's use may be written once a day, when nothing changes.
LOOK_BACK = timedelta(hours=26)


def _or_none(api: RestApi, doing: str, path: str) -> dict[str, Any] | None:
    """None for what does not exist."""
    try:
        return api.call(doing, "GET", path)
    except GoogleError as error:
        if error.status == 404:
            return None
        raise


class GoogleQuotas:
    def __init__(self, api: RestApi, project: str) -> None:
        self._api = api
        self._parent = f"/v1/projects/{project}/locations/global/services/{SERVICE}/quotaInfos"

    def info(self, quota_id: str) -> Info | None:
        answer = _or_none(self._api, f"read the quota {quota_id}", f"{self._parent}/{quota_id}")
        return None if answer is None else info_of(answer)


class GooglePreferences:
    def __init__(self, api: RestApi, project: str) -> None:
        self._api = api
        self._path = f"/v1/projects/{project}/locations/global/quotaPreferences"

    def all(self) -> Sequence[Mapping[str, Any]]:
        return list(self._api.pages("list what quota was asked for", self._path, "quotaPreferences"))

    def create(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._api.call(f"ask for more of {body['quotaId']}", "POST", self._path, body=body)

    def update(self, name: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._api.call(f"ask for more of {body['quotaId']}", "PATCH", f"/v1/{name}", body=body)


class GoogleUsage:
    def __init__(self, api: RestApi, project: str, clock: Clock) -> None:
        self._api = api
        self._path = f"/v3/projects/{project}/timeSeries"
        self._clock = clock

    def readings(self, quota: QuotaId) -> Mapping[str, Reading]:
        return readings_of({"timeSeries": list(self._series(quota))})

    def _series(self, quota: QuotaId) -> Iterator[dict[str, Any]]:
        now = self._clock.now()
        query: dict[str, str | list[str]] = {
            "filter": " AND ".join(f'{name} = "{value}"' for name, value in series_filter(quota).items()),
            "interval.startTime": _moment(now - LOOK_BACK),
            "interval.endTime": _moment(now),
            "view": "FULL",
        }
        while True:
            page = self._api.call(f"read what is used of {quota}", "GET", self._path, query=query)
            yield from page.get("timeSeries") or []
            if not page.get("nextPageToken"):
                return
            query["pageToken"] = str(page["nextPageToken"])


def _moment(time: Any) -> str:
    return str(time.strftime("%Y-%m-%dT%H:%M:%SZ"))


def series_filter(quota: QuotaId) -> dict[str, str]:
    """Where Cloud Monitoring keeps the use of a quota."""
    if quota.own_series:
        return {
            "metric.type": f"{SERVICE}/quota/{quota.metric}/usage",
            "resource.type": f"{SERVICE}/Location",
            **{f"metric.labels.{key}": value for key, value in quota.dimensions.items()},
        }
    return {
        "metric.type": "serviceruntime.googleapis.com/quota/allocation/usage",
        "resource.type": "consumer_quota",
        "resource.labels.service": SERVICE,
        "metric.labels.quota_metric": f"{SERVICE}/{quota.metric}",
    }


class GoogleMachines:
    def __init__(self, api: RestApi, project: str) -> None:
        self._api = api
        self._project = f"/compute/v1/projects/{project}"

    def machine(self, zone: str, machine_type: str) -> Machine | None:
        doing = f"look up the machine type {machine_type} in {zone}"
        answer = _or_none(self._api, doing, f"{self._project}/zones/{zone}/machineTypes/{machine_type}")
        return None if answer is None else Machine(cpus=int(answer.get("guestCpus") or 0))

    def zones_with(self, machine_type: str) -> Sequence[str]:
        answer = self._api.call(
            f"list the zones with {machine_type}",
            "GET",
            f"{self._project}/aggregated/machineTypes",
            query={"filter": f"name={machine_type}", "maxResults": "500"},
        )
        return sorted(
            str(scope).removeprefix("zones/")
            for scope, found in (answer.get("items") or {}).items()
            if any(each.get("name") == machine_type for each in found.get("machineTypes") or [])
        )


class GoogleRegions:
    def __init__(self, api: RestApi, project: str) -> None:
        self._api = api
        self._project = f"/compute/v1/projects/{project}"

    def quotas(self, region: str) -> Mapping[str, RegionQuota]:
        return region_quotas_of(
            self._api.call(f"read the quotas of {region}", "GET", f"{self._project}/regions/{region}")
        )


class GoogleReservations:
    """Those of the project, and those that others share with it."""

    def __init__(self, api: RestApi, project: str) -> None:
        self._api = api
        self._project = project

    def reservation(self, zone: str, name: str) -> Reservation | None:
        path = reservation_path(name, self._project)
        doing = f"look up the reservation {name} in {zone}"
        answer = _or_none(self._api, doing, f"/compute/v1/{path.whole.in_api(zone)}")
        if answer is None:
            return None
        whole = reservation_of(answer)
        if not path.block:
            return whole
        part = _or_none(self._api, doing, f"/compute/v1/{path.in_api(zone)}")
        # Compute Engine wraps a block into its answer
        return None if part is None else block_of(part.get("resource") or part, whole)


class GooglePools:
    def __init__(self, container: RestApi, groups: GoogleInstanceGroups, project: str) -> None:
        self._container = container
        self._groups = groups
        self._project = project

    def live(self) -> Live:
        answer = self._container.call(
            "list the clusters of the project", "GET", f"/v1/projects/{self._project}/locations/-/clusters"
        )
        pools = [
            LivePool(
                cluster=str(cluster.get("name", "")),
                name=str(pool.get("name", "")),
                zones=tuple(pool.get("locations") or [cluster.get("location", "")]),
                machine_type=str(config.get("machineType") or ""),
                preemptible=bool(config.get("spot") or config.get("flexStart") or config.get("preemptible")),
                groups=tuple(groups_of(pool)),
                body=pool,
            )
            for cluster in answer.get("clusters") or []
            for pool in cluster.get("nodePools") or []
            for config in (pool.get("config") or {},)
        ]
        clusters = [
            LiveCluster(
                name=str(cluster.get("name", "")),
                location=str(cluster.get("location", "")),
                labels=dict(cluster.get("resourceLabels") or {}),
            )
            for cluster in answer.get("clusters") or []
        ]
        return Live(tuple(pools), frozenset(answer.get("missingZones") or []), tuple(clusters))

    def nodes(self, pool: LivePool) -> int:
        return pool_size(self._groups, pool.groups, pool.body)


def quota_ports(params: Params) -> QuotaPorts:
    connection = Connection(GoogleSettings.from_params(params))
    project = connection.settings.project
    # once, before several threads want it
    connection.token()
    compute = connection.rest("compute")
    cloudquotas = connection.rest("cloudquotas")
    clock = SystemClock()
    return QuotaPorts(
        quotas=GoogleQuotas(cloudquotas, project),
        preferences=GooglePreferences(cloudquotas, project),
        usage=GoogleUsage(connection.rest("monitoring"), project, clock),
        machines=GoogleMachines(compute, project),
        regions=GoogleRegions(compute, project),
        reservations=GoogleReservations(compute, project),
        pools=GooglePools(connection.rest("container"), GoogleInstanceGroups(compute), project),
        clock=clock,
    )


__all__ = (
    "GoogleMachines",
    "GooglePools",
    "GooglePreferences",
    "GoogleQuotas",
    "GoogleRegions",
    "GoogleReservations",
    "GoogleUsage",
    "quota_ports",
    "series_filter",
)
