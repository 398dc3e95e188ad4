# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""tpu_quota_check: is there quota, and the machine type, for so many chips; which location and way to buy to take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._argspec import GOOGLE_REQUIRED_IF, google_options
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Capability, Params, Progress, Result
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._google import GoogleError, UnreachableError
from ansible_collections.rhaii.gke.plugins.module_utils._ownership import ANOTHER_CLUSTER, of_cloud, refusal
from ansible_collections.rhaii.gke.plugins.module_utils._quota import standard
from ansible_collections.rhaii.gke.plugins.module_utils._quota.asking import AT_ONCE, Answer, Asker
from ansible_collections.rhaii.gke.plugins.module_utils._quota.families import (
    FAMILIES,
    PROVISIONING,
    Family,
    QuotaId,
    family_of,
)
from ansible_collections.rhaii.gke.plugins.module_utils._quota.google import quota_ports
from ansible_collections.rhaii.gke.plugins.module_utils._quota.increase import Asking, in_words, send
from ansible_collections.rhaii.gke.plugins.module_utils._quota.ports import Machines, QuotaPorts
from ansible_collections.rhaii.gke.plugins.module_utils._quota.values import (
    Info,
    Live,
    LivePool,
    Machine,
    Reading,
    RegionQuota,
    Reservation,
    region_of,
    reservation_path,
)
from ansible_collections.rhaii.gke.plugins.module_utils._quota.verdict import (
    INSUFFICIENT,
    MACHINE_TYPE,
    SUFFICIENT,
    TPU_QUOTA,
    Candidate,
    Check,
    Limit,
    Offer,
    Supply,
    Used,
    Wanted,
    choose,
    either,
    judge_offer,
    judge_quota,
    judge_reservation,
    judge_reserved_quota,
    limit_in,
    ranking,
    used_by_others,
)

RESERVATION = "reservation"
STANDARD_TYPE = "standard machine type"
CLUSTER = "cluster"


@dataclass(frozen=True)
class Question:
    """What is asked of every candidate."""

    family: Family
    machine_type: str
    chips: int
    locations: tuple[str, ...]
    provisioning: tuple[str, ...]
    reservation: str
    # the pool that the chips are for
    cluster: str
    # whose that cluster must be; empty when nobody asks
    environment: str
    node_pool: str
    standard_pool: Mapping[str, Any] | None
    tpu_disk: standard.Disk | None
    load_balancers: int
    private_nodes: bool

    @property
    def chips_each(self) -> int:
        return self.family.chips(self.machine_type)

    @property
    def nodes(self) -> int:
        return self.chips // self.chips_each

    @property
    def looks_at_region(self) -> bool:
        return self.standard_pool is not None or self.tpu_disk is not None

    @property
    def regions(self) -> list[str]:
        return list(dict.fromkeys(map(region_of, self.locations)))

    def quotas(self) -> dict[str, QuotaId]:
        found = [quota for way in self.provisioning for quota in self.family.quotas(way)]
        return {quota.id: quota for quota in found}

    def shared_quotas(self) -> dict[str, QuotaId]:
        """Those whose use matters: a reservation has taken its own already."""
        ways = [way for way in self.provisioning if way != RESERVATION]
        return {quota.id: quota for way in ways for quota in self.family.quotas(way)}

    def is_ours(self, pool: LivePool, location: str) -> bool:
        return bool(self.cluster) and pool.cluster == self.cluster and location in pool.zones

    def is_it(self, pool: LivePool, location: str) -> bool:
        return self.is_ours(pool, location) and pool.name == self.node_pool


def question_of(params: Params) -> Question:
    """The options, checked, before anybody is asked."""
    family = family_of(params["accelerator"])
    locations = tuple(dict.fromkeys(params["locations"]))
    provisioning = tuple(dict.fromkeys(params["provisioning"]))
    if not locations:
        raise RhaiiError("No location is given.", remedy="Give at least one zone in locations.")
    if not provisioning:
        raise RhaiiError("No way to buy is given.", remedy=f"Give at least one of {', '.join(PROVISIONING)}.")
    if RESERVATION in provisioning and not params["reservation"]:
        raise RhaiiError(
            "provisioning has reservation, but no reservation is named.",
            remedy="Give its name with reservation (rhaii_reservation).",
        )
    if params["reservation"]:
        reservation_path(params["reservation"], "")
    disk = params["tpu_disk"]
    question = Question(
        family=family,
        machine_type=_machine_type(family, params["machine_type"], params["chips"]),
        chips=params["chips"],
        locations=locations,
        provisioning=provisioning,
        reservation=params["reservation"] or "",
        cluster=params["cluster"] or "",
        environment=params["environment"] or "",
        node_pool=params["node_pool"] or "",
        standard_pool=params["standard_pool"],
        tpu_disk=standard.Disk(disk["type"], disk["size_gb"]) if disk else None,
        load_balancers=params["load_balancers"],
        private_nodes=params["private_nodes"],
    )
    for location in locations:
        region_of(location)
    return question


def _machine_type(family: Family, asked: str | None, chips: int) -> str:
    machine_type = family.machine(asked)
    each = family.chips(machine_type)
    if chips < 1 or chips % each:
        raise RhaiiError(
            f"{chips} chips cannot be had from machines of {each} chips ({machine_type}).",
            remedy=f"Ask for a multiple of {each}: nodes times {each}.",
        )
    return machine_type


@dataclass(frozen=True)
class Answers:
    """All that was asked of Google."""

    infos: Mapping[str, Answer[Info | None]]
    readings: Mapping[str, Answer[Mapping[str, Reading]]]
    offers: Mapping[str, Answer[Machine | None]]
    standard: Mapping[str, Answer[Machine | None]]
    regions: Mapping[str, Answer[Mapping[str, RegionQuota]]]
    reservations: Mapping[str, Answer[Reservation | None]]
    live: Answer[Live]
    nodes: Mapping[LivePool, Answer[int]]


def ask(question: Question, ports: QuotaPorts, asker: Asker) -> Answers:
    """Everything at once; only how many nodes a pool has must wait for the list of the pools."""
    places, pool = question.locations, question.standard_pool
    infos = {each: asker.ask(partial(ports.quotas.info, each)) for each in question.quotas()}
    readings = {
        each: asker.ask(partial(ports.usage.readings, quota)) for each, quota in question.shared_quotas().items()
    }
    offers = {place: asker.ask(partial(ports.machines.machine, place, question.machine_type)) for place in places}
    others = (
        {place: asker.ask(partial(ports.machines.machine, place, pool["machine_type"])) for place in places}
        if pool
        else {}
    )
    regions = (
        {region: asker.ask(partial(ports.regions.quotas, region)) for region in question.regions}
        if question.looks_at_region
        else {}
    )
    reservations = (
        {place: asker.ask(partial(ports.reservations.reservation, place, question.reservation)) for place in places}
        if RESERVATION in question.provisioning
        else {}
    )
    live = asker.ask(ports.pools.live)
    found = live.value
    nodes = {
        each: asker.ask(partial(ports.pools.nodes, each))
        for each in (found.pools if found else ())
        if question.family.chips(each.machine_type) or (pool and each.cluster == question.cluster)
    }
    return Answers(infos, readings, offers, others, regions, reservations, live, nodes)


def _in_region(pool: LivePool, region: str) -> bool:
    return any(zone.startswith(f"{region}-") for zone in pool.zones)


class Judge:
    """Answers to candidates."""

    def __init__(self, question: Question, answers: Answers, asking: Asking) -> None:
        self._question = question
        self._answers = answers
        self._asking = asking

    def candidates(self) -> list[Candidate]:
        """Every location with the first way to buy, then with the second: how machines are bought is kept longest."""
        question = self._question
        return [self._candidate(place, way) for way in question.provisioning for place in question.locations]

    def _candidate(self, location: str, way: str) -> Candidate:
        question, region = self._question, region_of(location)
        answer = self._answers.offers[location]
        offer = Offer(answer.value, answer.problem)
        if way == RESERVATION:
            (quota,) = question.family.quotas(way)
            check = judge_reserved_quota(question.chips, region, self._limit(quota, region))
            checks = [self._with_request(check, quota, location), self._reservation(location)]
        else:
            quotas = question.family.quotas(way)
            checks = [either([self._tpu(quota, location) for quota in quotas])]
        checks.append(judge_offer(question.machine_type, location, offer))
        checks.extend(self._standard(location))
        checks.extend(self._whose(location))
        return Candidate(location, way, tuple(checks), offer.offered)

    def _whose(self, location: str) -> Iterator[Check]:
        """A cluster of the name that is not the environment's: whatever there is room for is not for it."""
        question, live = self._question, self._answers.live.value
        for cluster in live.clusters if live and question.environment else ():
            if (cluster.name, cluster.location) == (question.cluster, location):
                whose = of_cloud(cluster.labels, question.environment)
                if not whose.is_ours:
                    what = f"The cluster {cluster.name} in {location}"
                    yield Check(CLUSTER, INSUFFICIENT, refusal(whose, what, question.environment, "").msg)

    def _limit(self, quota: QuotaId, region: str) -> Limit:
        answer = self._answers.infos[quota.id]
        if answer.problem:
            return Limit(quota, known=False, why=f"the quota {quota} could not be read: {answer.problem}")
        if answer.value is None:
            return Limit(quota, known=False, why=f"the project has no quota {quota}")
        return limit_in(quota, answer.value.rows, region)

    def _tpu(self, quota: QuotaId, location: str) -> Check:
        region = region_of(location)
        supply = Supply(self._limit(quota, region), self.used(quota, location))
        return self._with_request(judge_quota(self._question.chips, region, supply), quota, location)

    def used(self, quota: QuotaId, location: str) -> Used:
        """Chips of a quota that others hold in the region of `location`."""
        question, region = self._question, region_of(location)
        preemptible = quota == question.family.preemptible
        problem = self._uncounted(region)
        mine = theirs = 0
        if not problem:
            for pool, nodes in self._answers.nodes.items():
                if pool.preemptible == preemptible and _in_region(pool, region):
                    held = question.family.chips(pool.machine_type) * (nodes.value or 0)
                    mine += held if question.is_it(pool, location) else 0
                    theirs += 0 if question.is_it(pool, location) else held
        counted = None if problem else theirs
        own = None if problem and question.node_pool else mine
        readings = self._answers.readings[quota.id]
        reading = (readings.value or {}).get(region)
        silent = f"Cloud Monitoring: {readings.problem or 'says nothing of it'}"
        return used_by_others(reading, counted, own, f"{silent}; pools: {problem}")

    def _uncounted(self, region: str) -> str:
        """Why the pools of a region could not all be counted."""
        answer = self._answers.live
        live = answer.value
        if live is None:
            return answer.problem
        silent = sorted(zone for zone in live.missing if zone.startswith(f"{region}-") or zone == region)
        if silent:
            return f"{', '.join(silent)} did not answer Google"
        return next(
            (
                nodes.problem
                for pool, nodes in self._answers.nodes.items()
                if nodes.problem and _in_region(pool, region)
            ),
            "",
        )

    def _own(self, location: str, kind: str | None = None) -> int:
        """Nodes that are there already: of the pool that is asked for, or of the cluster's machines of a kind."""
        question = self._question
        return sum(
            nodes.value or 0
            for pool, nodes in self._answers.nodes.items()
            if (
                question.is_it(pool, location)
                if kind is None
                else question.is_ours(pool, location) and pool.machine_type == kind
            )
        )

    def _reservation(self, location: str) -> Check:
        question, answer = self._question, self._answers.reservations[location]
        wanted = Wanted(question.reservation, question.machine_type, question.nodes, self._own(location))
        check = judge_reservation(wanted, location, answer.value, answer.problem)
        return replace(
            check, page=f"https://console.cloud.google.com/compute/reservations?project={self._asking.project}"
        )

    def _standard(self, location: str) -> Iterator[Check]:
        question, region = self._question, region_of(location)
        if not question.looks_at_region:
            return
        live = self._answers.live.value
        exists = live is not None and any(question.is_ours(pool, location) for pool in live.pools)
        pool, more = question.standard_pool, None
        if pool:
            machine = self._answers.standard[location]
            if machine.value is None and not machine.problem:
                reason = f"the machine type {pool['machine_type']} is not offered in {location}"
                yield Check(STANDARD_TYPE, INSUFFICIENT, reason)
            more = standard.Machines(
                machine_type=pool["machine_type"],
                count=max(0, pool["nodes"] - self._own(location, pool["machine_type"])),
                disk=standard.Disk(pool["disk_type"], pool["disk_size_gb"]),
                cpus=machine.value.cpus if machine.value else None,
            )
        tpu = standard.Machines(
            machine_type=question.machine_type,
            count=max(0, question.nodes - self._own(location)),
            disk=question.tpu_disk,
        )
        addresses = 0 if exists else question.load_balancers
        wanted = standard.needs(more, tpu, addresses, question.private_nodes)
        answer = self._answers.regions[region]
        for check in standard.judge(wanted, region, answer.value, answer.problem):
            yield self._with_region_request(check, region)

    def _with_request(self, check: Check, quota: QuotaId, location: str) -> Check:
        info = self._answers.infos[quota.id].value
        page = (info.page if info else "") or self._asking.page
        value = (check.usage or 0) + self._question.chips
        short = check.verdict != SUFFICIENT and (check.limit is None or check.limit < value)
        # what cannot be read may be more than what would be asked for
        if info is None or not short:
            return replace(check, page=page)
        dimensions = {"region": region_of(location), **quota.dimensions}
        return replace(check, page=page, request=self._asking.request(quota.id, dimensions, value))

    def _with_region_request(self, check: Check, region: str) -> Check:
        if check.verdict != INSUFFICIENT:
            return replace(check, page=self._asking.page)
        value = (check.usage or 0) + (check.needed or 0)
        request = self._asking.request(standard.quota_id(check.quota), {"region": region}, value)
        return replace(check, page=self._asking.page, request=request)


class Adviser:
    """What to do when the first candidate does not serve."""

    def __init__(self, question: Question, answers: Answers, candidates: Sequence[Candidate]) -> None:
        self._question = question
        self._answers = answers
        self._first = candidates[0]
        # a location is named once, with the way to buy that was asked for first
        serving = {each.location: each for each in reversed(candidates[1:]) if each.verdict == SUFFICIENT}
        self._instead = [each for each in candidates if each is serving.get(each.location)]

    def advised(self, machines: Machines) -> Candidate:
        """The first candidate with its remedies."""
        ways_out = self.ways_out()
        checks: list[Check] = []
        for check in self._first.checks:
            if check.verdict != SUFFICIENT:
                # said once, with what stands first in the way
                check = replace(check, remedy=f"{self._remedy(check, machines)}{ways_out}")
                ways_out = ""
            checks.append(check)
        return replace(self._first, checks=tuple(checks))

    def ways_out(self) -> str:
        if not self._instead:
            return ""
        several = any(each.provisioning != self._first.provisioning for each in self._instead)
        moved = any(each.location != self._first.location for each in self._instead)
        names = [
            each.location + ("" if each.provisioning == self._first.provisioning else f" as {each.provisioning}")
            for each in self._instead
        ]
        variables = [*(["rhaii_location"] if moved else []), *(["rhaii_provisioning"] if several else [])]
        return f" These have enough: {', '.join(names)} ({', '.join(variables)})."

    def _remedy(self, check: Check, machines: Machines) -> str:
        if check.check == MACHINE_TYPE:
            return self._where(check, self._question.machine_type, machines)
        if check.check == STANDARD_TYPE:
            return self._where(check, (self._question.standard_pool or {})["machine_type"], machines)
        if check.check == CLUSTER:
            return ANOTHER_CLUSTER
        if check.check == RESERVATION:
            return f"See {check.page}, and name a reservation with free {self._question.machine_type} machines."
        if check.request and check.check == TPU_QUOTA:
            info = self._answers.infos[check.request["quotaId"]].value
            closed = info.closed if info else ""
            ask = f"Google takes no request for it ({closed})" if closed else f"Ask for {in_words(check.request)}"
            return (
                f"{ask} at {check.page}, choose another zone (rhaii_location) or way to buy (rhaii_provisioning), "
                "or fewer replicas."
            )
        if check.request:
            return f"Ask for {in_words(check.request)} at {check.page}, or want fewer or smaller machines."
        return f"See for yourself at {check.page}, before anything is created."

    @staticmethod
    def _where(check: Check, kind: str, machines: Machines) -> str:
        if check.verdict != INSUFFICIENT:
            return "Run again when Compute Engine answers."
        try:
            zones = ", ".join(machines.zones_with(kind))
        except (GoogleError, UnreachableError):
            zones = ""
        offered = f"It is offered in: {zones}. " if zones else ""
        return f"{offered}Choose a zone that has it (rhaii_location)."


def run(params: Params, ports: QuotaPorts, progress: Progress, check_mode: bool, at_once: int = AT_ONCE) -> Result:
    question = question_of(params)
    title, ways = question.family.title, " or ".join(question.provisioning)
    progress(f"quota: {title}, {question.chips} chips, {ways} in {', '.join(question.locations)}")
    asking = Asking(
        project=params["project"],
        justification=params["justification"]
        or f"{question.chips} chips of {title} on Google Kubernetes Engine, to serve language models.",
        contact_email=params["contact_email"],
    )
    with Asker(ports.clock, at_once) as asker:
        answers = ask(question, ports, asker)
    candidates = Judge(question, answers, asking).candidates()
    candidates[0] = Adviser(question, answers, candidates).advised(ports.machines)
    result = _result(question, candidates)
    result |= {"calls": asker.calls, "elapsed": asker.elapsed, "elapsed_in_turn": asker.in_turn}
    if params["request_increase"]:
        _send(ports, result, check_mode)
    if result["chosen"] is None and params["fail_on_insufficient"]:
        raise RhaiiError(
            f"No location has {question.chips} chips of {title} as {ways}: {_reasons(candidates, question)}.",
            remedy=_and_sent(result),
            result=result,
        )
    return result


def _result(question: Question, candidates: Sequence[Candidate]) -> Result:
    ranks = {id(candidate): rank for rank, candidate in enumerate(ranking(candidates), start=1)}
    public = {id(candidate): candidate.public(ranks[id(candidate)]) for candidate in candidates}
    chosen, first = choose(candidates), candidates[0]
    return {
        "changed": False,
        "accelerator": question.family.name,
        "machine_type": question.machine_type,
        "chips": question.chips,
        "provisioning": list(question.provisioning),
        "candidates": list(public.values()),
        "chosen": public[id(chosen)] if chosen else None,
        "location": chosen.location if chosen else None,
        "verdict": chosen.verdict if chosen else INSUFFICIENT,
        "quota_page": first.checks[0].page,
        "requests": [dict(check.request) for check in first.checks if check.request],
        "sent": [],
        "remedy": " ".join(check.remedy for check in first.checks if check.remedy),
    }


def _send(ports: QuotaPorts, result: Result, check_mode: bool) -> None:
    try:
        result["sent"] = send(ports.preferences, result["requests"], check_mode)
    except RhaiiError as error:
        raise error.with_result(result) from error
    result["changed"] = any(each["sent"] for each in result["sent"])


def _and_sent(result: Result) -> str:
    asked = [
        f"Google was asked for {each['preferred_value']} of {each['quota_id']}: "
        f"{each['state_detail'] or ('being decided' if each['reconciling'] else 'decided')}."
        for each in result["sent"]
    ]
    return " ".join([*asked, result["remedy"]])


def _reasons(candidates: Sequence[Candidate], question: Question) -> str:
    several = len(question.provisioning) > 1
    return "; ".join(
        f"{each.location}{f' as {each.provisioning}' if several else ''}: {each.reason}" for each in candidates
    )


CAPABILITY = Capability(
    name="tpu_quota_check",
    argument_spec=google_options(
        accelerator={"type": "str", "default": "v6e", "choices": sorted(FAMILIES)},
        chips={"type": "int", "required": True},
        locations={"type": "list", "elements": "str", "required": True},
        provisioning={"type": "list", "elements": "str", "default": ["on_demand"], "choices": list(PROVISIONING)},
        reservation={"type": "str"},
        machine_type={"type": "str"},
        cluster={"type": "str"},
        environment={"type": "str"},
        node_pool={"type": "str"},
        standard_pool={
            "type": "dict",
            "options": {
                "machine_type": {"type": "str", "required": True},
                "nodes": {"type": "int", "required": True},
                "disk_type": {"type": "str", "default": "pd-balanced"},
                "disk_size_gb": {"type": "int", "default": 100},
            },
        },
        tpu_disk={
            "type": "dict",
            "options": {
                "type": {"type": "str", "default": "hyperdisk-balanced"},
                "size_gb": {"type": "int", "required": True},
            },
        },
        load_balancers={"type": "int", "default": 1},
        private_nodes={"type": "bool", "default": False},
        request_increase={"type": "bool", "default": False},
        justification={"type": "str"},
        contact_email={"type": "str"},
        fail_on_insufficient={"type": "bool", "default": True},
    ),
    ports=quota_ports,
    run=run,
    required_if=(*GOOGLE_REQUIRED_IF, ("request_increase", True, ("contact_email",))),
)

__all__ = ("CAPABILITY", "QuotaPorts", "ask", "question_of", "run")
