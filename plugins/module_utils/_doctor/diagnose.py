# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""llmisvc_diagnose: one look at an environment, and what is wrong with it, the most likely cause first. Reads only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._capability import Capability, Params, Progress, Result
from ansible_collections.rhaii.gke.plugins.module_utils._cause_sentences import EXPLAINS, SENTENCES
from ansible_collections.rhaii.gke.plugins.module_utils._causes import CAUSES, CauseId, anchor
from ansible_collections.rhaii.gke.plugins.module_utils._clock import Clock, SystemClock
from ansible_collections.rhaii.gke.plugins.module_utils._doctor.kubernetes import KubernetesView
from ansible_collections.rhaii.gke.plugins.module_utils._doctor.rules import RULES
from ansible_collections.rhaii.gke.plugins.module_utils._doctor.view import Case, Cluster, Named, Promised, Unknown
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._findings import FAILED, UNKNOWN
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import KubernetesError
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.wait import Standing, standing
from ansible_collections.rhaii.gke.plugins.module_utils._verification.check import criteria_options, wanted_of
from ansible_collections.rhaii.gke.plugins.module_utils._verification.criteria import judge

# What a look at objects never tells.
BEYOND = (
    Unknown(
        "Whether requests are answered, follow their prefix and find it cached",
        "Only requests tell: run verify.yml.",
    ),
)
FAULT, RISK = "fault", "risk"
# Said once of many pods of one service.
_SHOWN = 3
# Criteria that rules judge more closely here.
_CLOSER: frozenset[CauseId] = frozenset(("secret-missing",))


@dataclass(frozen=True)
class Ports:
    cluster: Cluster
    clock: Clock


def named_by_the_wait(name: str, one: Standing) -> Iterator[Named]:
    """The problems of a service; what only follows from something counts where nothing else is known."""
    known = [each for each in one.problems if each.cause]
    for problem in known or one.problems:
        evidence = f"{name}: {problem.sentence.rstrip('.')}"
        yield Named(problem.cause or "condition-not-true", evidence, problem.remedy)


def named_by_criteria(case: Case) -> Iterator[Named]:
    """The guide's criteria that are not met."""
    if case.view.criteria is None:
        return
    policies = [
        each["metadata"]["name"]
        for each in case.view.policies or ()
        if each["metadata"]["namespace"] == case.promised.namespace
    ]
    seen = replace(case.view.criteria, network_policies=policies)
    unread = {"network-policy-missing"} if case.view.policies is None else set()
    for each in judge(seen, case.promised):
        if each.cause and each.cause not in (_CLOSER | unread) and each.verdict in (FAILED, UNKNOWN):
            yield Named(each.cause, f"{each.check}: {each.found}", each.remedy, risk=each.verdict == UNKNOWN)


def ordered(named: Sequence[Named]) -> list[dict[str, Any]]:
    """One finding a cause: faults before risks, then from the ground up; what another explains is told with that."""
    faults: set[CauseId] = {each.id for each in named if not each.risk}
    hidden = {other for cause in faults for other in EXPLAINS.get(cause, ()) if other in faults}
    found = []
    for cause in sorted(
        {each.id for each in named} - hidden, key=lambda each: (each not in faults, CAUSES.index(each))
    ):
        # of a cause that is a fault somewhere, what is a risk elsewhere is told, too
        own = sorted((each for each in named if each.id == cause), key=lambda each: each.risk)
        found.append(_finding(cause, own, sorted(EXPLAINS.get(cause, frozenset()) & faults, key=CAUSES.index)))
    return found


def _finding(cause: CauseId, own: Sequence[Named], explains: Sequence[CauseId]) -> dict[str, Any]:
    evidence = list(dict.fromkeys(each.evidence for each in own))
    more = f"; and {len(evidence) - _SHOWN} more" if len(evidence) > _SHOWN else ""
    said, symptom, cure = SENTENCES[cause]
    remedies = [remedy for remedy in dict.fromkeys(each.remedy for each in own) if remedy][:_SHOWN]
    return {
        "id": cause,
        "severity": FAULT if any(not each.risk for each in own) else RISK,
        "symptom": symptom,
        "evidence": "; ".join(evidence[:_SHOWN]) + more,
        "cause": said,
        "remedy": " ".join(remedies) or cure,
        "explains": list(explains),
        "doc": anchor(cause),
    }


def lines(findings: Sequence[dict[str, Any]], unknown: Sequence[Unknown]) -> list[str]:
    """The findings for a screen, each with its cause, what was seen and what to do."""
    return list(_lines(findings, unknown))


def _lines(findings: Sequence[dict[str, Any]], unknown: Sequence[Unknown]) -> Iterator[str]:
    if not findings:
        yield "Nothing was found that is wrong."
    for number, each in enumerate(findings, 1):
        tail = " (a risk: it serves)" if each["severity"] == RISK else ""
        yield f"{number}. {each['id']}{tail}: {each['cause']}"
        yield f"   seen: {each['evidence']}"
        yield f"   do:   {each['remedy']}"
        if each["explains"]:
            yield f"   most likely of its making: {', '.join(each['explains'])}"
        yield f"   more: {each['doc']}"
    for one in unknown:
        yield f"Cannot be told from here: {one.question.rstrip('.')}. {one.why}"


def promised_of(params: Params) -> Promised:
    return Promised(
        **wanted_of(params),
        secrets=[each for each in (params["pull_secret"], params["token_secret"]) if each],
        environment=params["environment"],
        namespace=params["namespace"],
        pull_secret=params["pull_secret"],
        operator_pull_secret=params["operator_pull_secret"],
        pull_accounts=params["pull_accounts"],
        releases=params["releases"],
        ca_config_map=params["ca_config_map"],
    )


def run(params: Params, ports: Ports, progress: Progress, check_mode: bool) -> Result:
    del progress, check_mode
    promised = promised_of(params)
    unknown: list[Unknown] = []
    named: list[Named] = []
    try:
        view = ports.cluster.look()
        unknown += view.unknown
        standings = {}
        for name, replicas in promised.services.items():
            try:
                standings[name] = standing(name, promised.namespace, replicas, ports.cluster.service(name))
            except KubernetesError as error:
                if error.status != 403:
                    raise
                unknown.append(Unknown(f"How it stands with the service {name}", str(error)))
    except (RhaiiError, OSError) as error:
        remedy = error.remedy if isinstance(error, RhaiiError) else ""
        said = error.msg if isinstance(error, RhaiiError) else str(error)
        named = [Named("api-server-unreachable", said.rstrip("."), remedy)]
    else:
        case = Case(view, promised, standings, ports.clock.now())
        for name, one in standings.items():
            named += named_by_the_wait(name, one)
        named += named_by_criteria(case)
        for rule in RULES:
            named += rule(case)
    findings = ordered(named)
    unknown += BEYOND
    return {
        "changed": False,
        "findings": findings,
        "healthy": not any(each["severity"] == FAULT for each in findings),
        "unknown": [asdict(each) for each in unknown],
        "lines": lines(findings, unknown),
    }


def ports_of(params: Params) -> Ports:
    return Ports(KubernetesView(params, promised_of(params)), SystemClock())


CAPABILITY = Capability(
    name="llmisvc_diagnose",
    argument_spec=criteria_options(
        environment={"type": "str", "default": ""},
        pull_secret={"type": "str", "default": "", "no_log": False},
        token_secret={"type": "str", "default": "", "no_log": False},
        operator_pull_secret={"type": "str", "default": "", "no_log": False},
        pull_accounts={"type": "list", "elements": "str", "default": []},
        releases={"type": "list", "elements": "str", "default": []},
        ca_config_map={"type": "str", "default": "odh-ca-bundle"},
    ),
    ports=ports_of,
    run=run,
)

__all__ = ("BEYOND", "CAPABILITY", "Ports", "lines", "ordered", "run")
