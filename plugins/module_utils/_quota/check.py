# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""tpu_quota_check: is there quota, and the machine type, for so many chips; which location to take."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ansible_collections.rhaii.gke.plugins.module_utils._argspec import GOOGLE_REQUIRED_IF, google_options
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Capability, Params, Progress, Result
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._gke.compute import GoogleInstanceGroups
from ansible_collections.rhaii.gke.plugins.module_utils._gke.ports import pool_size
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import groups_of
from ansible_collections.rhaii.gke.plugins.module_utils._google import Connection, GoogleError, GoogleSettings, RestApi
from ansible_collections.rhaii.gke.plugins.module_utils._quota.families import (
    FAMILIES,
    PROVISIONING,
    Family,
    QuotaId,
    family_of,
)
from ansible_collections.rhaii.gke.plugins.module_utils._quota.verdict import (
    INSUFFICIENT,
    SUFFICIENT,
    Candidate,
    Limit,
    Offer,
    Question,
    Row,
    Supply,
    choose,
    judge,
    limit_in,
    region_of,
    rows_of,
)

SERVICE = "compute.googleapis.com"


@dataclass(frozen=True)
class PoolUse:
    """What one live node pool holds."""

    cluster: str
    name: str
    zones: tuple[str, ...]
    machine_type: str
    preemptible: bool
    nodes: int


@dataclass(frozen=True)
class Census:
    """All live pools; `missing` are the zones that did not answer Google, so that their use is not known."""

    pools: tuple[PoolUse, ...]
    missing: frozenset[str] = frozenset()


class Quotas(Protocol):
    def rows(self, quota_id: str) -> Sequence[Row] | None:
        """The rows of a quota; None when the project has no such quota."""


class Machines(Protocol):
    def offer(self, zone: str, machine_type: str) -> Offer: ...

    def zones_with(self, machine_type: str) -> Sequence[str]:
        """Where it is offered at all."""


class Pools(Protocol):
    def census(self, of_interest: Family) -> Census: ...


@dataclass(frozen=True)
class QuotaPorts:
    quotas: Quotas
    machines: Machines
    pools: Pools


class GoogleQuotas:
    def __init__(self, api: RestApi, project: str) -> None:
        self._api = api
        self._parent = f"/v1/projects/{project}/locations/global/services/{SERVICE}/quotaInfos"

    def rows(self, quota_id: str) -> Sequence[Row] | None:
        try:
            return rows_of(self._api.call(f"read the quota {quota_id}", "GET", f"{self._parent}/{quota_id}"))
        except GoogleError as error:
            if error.status == 404:
                return None
            raise


class GoogleMachines:
    def __init__(self, api: RestApi, project: str) -> None:
        self._api = api
        self._project = f"/compute/v1/projects/{project}"

    def offer(self, zone: str, machine_type: str) -> Offer:
        doing = f"look up the machine type {machine_type} in {zone}"
        try:
            self._api.call(doing, "GET", f"{self._project}/zones/{zone}/machineTypes/{machine_type}")
        except GoogleError as error:
            if error.status == 404:
                return Offer(False, f"the machine type {machine_type} is not offered in {zone}")
            return Offer(None, f"whether {zone} offers {machine_type} could not be read: {error.message}")
        return Offer(True)

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


class GooglePools:
    def __init__(self, container: RestApi, groups: GoogleInstanceGroups, project: str) -> None:
        self._container = container
        self._groups = groups
        self._project = project

    def census(self, of_interest: Family) -> Census:
        answer = self._container.call(
            "list the clusters of the project", "GET", f"/v1/projects/{self._project}/locations/-/clusters"
        )
        uses = [
            PoolUse(
                cluster=str(cluster.get("name", "")),
                name=str(pool.get("name", "")),
                zones=tuple(pool.get("locations") or [cluster.get("location", "")]),
                machine_type=machine,
                preemptible=bool(config.get("spot") or config.get("flexStart") or config.get("preemptible")),
                nodes=pool_size(self._groups, groups_of(pool), pool),
            )
            for cluster in answer.get("clusters") or []
            for pool in cluster.get("nodePools") or []
            for config in (pool.get("config") or {},)
            for machine in (str(config.get("machineType") or ""),)
            if of_interest.chips(machine)
        ]
        return Census(tuple(uses), frozenset(answer.get("missingZones") or []))


def quota_ports(params: Params) -> QuotaPorts:
    connection = Connection(GoogleSettings.from_params(params))
    project = connection.settings.project
    compute = connection.rest("compute")
    return QuotaPorts(
        quotas=GoogleQuotas(connection.rest("cloudquotas"), project),
        machines=GoogleMachines(compute, project),
        pools=GooglePools(connection.rest("container"), GoogleInstanceGroups(compute), project),
    )


def used(
    family: Family, quota: QuotaId, region: str, census: Census | None, own: tuple[str | None, str | None]
) -> int | None:
    """Chips that other pools of the region hold of a quota. The pool that is asked for does not compete with itself."""
    if census is None or any(zone.startswith(f"{region}-") or zone == region for zone in census.missing):
        return None
    return sum(
        family.chips(pool.machine_type) * pool.nodes
        for pool in census.pools
        if pool.preemptible == (quota == family.preemptible)
        and (pool.cluster, pool.name) != own
        and any(zone.startswith(f"{region}-") for zone in pool.zones)
    )


def increase_request(project: str, candidate: Candidate, quota: QuotaId, chips: int) -> dict[str, Any]:
    """What one would send to Google to get enough."""
    return {
        "parent": f"projects/{project}/locations/global",
        "service": SERVICE,
        "quotaId": quota.id,
        "dimensions": {"region": region_of(candidate.location), **quota.dimensions},
        "quotaConfig": {"preferredValue": (candidate.usage or 0) + chips},
    }


def quota_page(project: str) -> str:
    return f"https://console.cloud.google.com/iam-admin/quotas?project={project}&service={SERVICE}"


def _machine_type(family: Family, asked: str | None, chips: int) -> str:
    machine_type = asked or family.machine_type
    each = family.chips(machine_type)
    if not each:
        raise RhaiiError(
            f"{machine_type} is not a machine type of {family.title}.",
            remedy=f"Use one that starts with {family.machine_prefix}, as in {family.machine_type}.",
        )
    if chips < 1 or chips % each:
        raise RhaiiError(
            f"{chips} chips cannot be had from machines of {each} chips ({machine_type}).",
            remedy=f"Ask for a multiple of {each}: nodes times {each}.",
        )
    return machine_type


def run(params: Params, ports: QuotaPorts, progress: Progress, check_mode: bool) -> Result:
    family = family_of(params["accelerator"])
    chips: int = params["chips"]
    question = Question(
        title=family.title,
        machine_type=_machine_type(family, params["machine_type"], chips),
        chips=chips,
        provisioning=params["provisioning"],
    )
    locations: list[str] = list(dict.fromkeys(params["locations"]))
    if not locations:
        raise RhaiiError("No location is given.", remedy="Give at least one zone in locations.")
    regions = {location: region_of(location) for location in locations}

    quotas = family.quotas(question.provisioning)
    progress(f"quota: {question.title}, {chips} chips, {question.provisioning} in {', '.join(locations)}")
    limits = {quota.id: _limits(ports.quotas, quota) for quota in quotas}
    census = _census(ports.pools, family)
    own = (params["cluster"], params["node_pool"])

    def supply(quota: QuotaId, region: str) -> Supply:
        return Supply(limits[quota.id](region), used(family, quota, region, census, own))

    candidates = [
        judge(
            question,
            location,
            [supply(quota, regions[location]) for quota in quotas],
            ports.machines.offer(location, question.machine_type),
        )
        for location in locations
    ]
    chosen = choose(candidates)
    result: Result = {
        "changed": False,
        "accelerator": family.name,
        "machine_type": question.machine_type,
        "chips": chips,
        "provisioning": question.provisioning,
        "candidates": [candidate.public() for candidate in candidates],
        "location": chosen.location if chosen else None,
        "verdict": chosen.verdict if chosen else INSUFFICIENT,
        "quota_page": quota_page(params["project"]),
        "request": None,
        "remedy": "",
    }
    if candidates[0].verdict != SUFFICIENT:
        result["request"] = increase_request(params["project"], candidates[0], quotas[0], chips)
        result["remedy"] = remedy(question, candidates, result, ports.machines)
    if chosen is None and params["fail_on_insufficient"]:
        raise RhaiiError(
            f"No location has {chips} chips of {question.title} as {question.provisioning}: {_reasons(candidates)}.",
            remedy=result["remedy"],
            result=result,
        )
    return result


def _limits(quotas: Quotas, quota: QuotaId) -> Callable[[str], Limit]:
    """The limit by region, from one reading. What Google refuses to show is not known; it is not zero."""
    try:
        rows = quotas.rows(quota.id)
    except GoogleError as error:
        why = f"the quota {quota} could not be read: {error.message}"
        return lambda region: Limit(quota, known=False, why=why)
    if rows is None:
        why = f"the project has no quota {quota}"
        return lambda region: Limit(quota, known=False, why=why)
    return lambda region: limit_in(quota, rows, region)


def _census(pools: Pools, family: Family) -> Census | None:
    try:
        return pools.census(family)
    except GoogleError:
        return None


def _reasons(candidates: Iterable[Candidate]) -> str:
    return "; ".join(f"{candidate.location}: {candidate.reason}" for candidate in candidates)


def remedy(question: Question, candidates: Sequence[Candidate], result: Mapping[str, Any], machines: Machines) -> str:
    """What to do when the first location does not serve."""
    first = candidates[0]
    others = [candidate.location for candidate in candidates if candidate.verdict == SUFFICIENT]
    instead = f" These have enough: {', '.join(others)} (rhaii_location)." if others else ""
    if first.offered is False:
        try:
            zones = ", ".join(machines.zones_with(question.machine_type))
        except GoogleError:
            zones = ""
        offered = f"It is offered in: {zones}. " if zones else ""
        return f"{offered}Choose a zone that has it (rhaii_location).{instead}"
    wanted = result["request"]
    where = ", ".join(f"{key}={value}" for key, value in wanted["dimensions"].items())
    return (
        f"Ask for {wanted['quotaConfig']['preferredValue']} of {wanted['quotaId']} ({where}) at "
        f"{result['quota_page']}, choose another zone (rhaii_location) or way to buy (rhaii_provisioning), "
        "or fewer replicas."
        f"{instead}"
    )


CAPABILITY = Capability(
    name="tpu_quota_check",
    argument_spec=google_options(
        accelerator={"type": "str", "default": "v6e", "choices": sorted(FAMILIES)},
        chips={"type": "int", "required": True},
        locations={"type": "list", "elements": "str", "required": True},
        provisioning={"type": "str", "default": "on_demand", "choices": list(PROVISIONING)},
        machine_type={"type": "str"},
        cluster={"type": "str"},
        node_pool={"type": "str"},
        fail_on_insufficient={"type": "bool", "default": True},
    ),
    ports=quota_ports,
    run=run,
    required_if=GOOGLE_REQUIRED_IF,
)

__all__ = (
    "CAPABILITY",
    "Census",
    "PoolUse",
    "QuotaPorts",
    "increase_request",
    "quota_page",
    "remedy",
    "run",
    "used",
)
