# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""Judging what an LLMInferenceService says of itself: its conditions, and whether they speak of its newest form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.rhaii.gke.plugins.module_utils._causes import Cause, CauseId
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.names import STOP
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.passing import is_passing, is_refusal
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.ports import Json
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.problems import Problem
from ansible_collections.rhaii.gke.plugins.module_utils._routing.gateway import is_internal

READY = "Ready"
PRESETS = "PresetsCombined"
WORKLOADS = "WorkloadsReady"
ROUTER = "RouterReady"
WORKLOAD_PARTS = (
    "MainWorkloadReady",
    "WorkerWorkloadReady",
    "PrefillWorkloadReady",
    "PrefillWorkerWorkloadReady",
    "ScalingReady",
    "PrefillScalingReady",
)
ROUTER_PARTS = (
    "GatewaysReady",
    "HTTPRoutesReady",
    "InferencePoolReady",
    "SchedulerWorkloadReady",
    "TokenizerReady",
)
# Where the workload is no Deployment.
MULTI_NODE = "WorkerWorkloadReady"

# What a Deployment says of its pods; the pods say why.
_SYMPTOMS = ("", "Progressing", "MinimumReplicasUnavailable", "ProgressDeadlineExceeded")

_TERMINAL = ("ConfigNotFound", "CombineBaseError", "InvalidRenderedConfig", "ScalingCRDNotFound")
_REMEDIES: Mapping[str, str] = {
    "ConfigNotFound": "Install KServe's presets, or correct spec.baseRefs.",
    "CombineBaseError": "Correct the spec, or the preset, as the message says.",
    "InvalidRenderedConfig": "Correct the spec, or the preset, as the message says.",
    "ScalingCRDNotFound": "Install what the message names, or set spec.replicas in place of spec.scaling.",
    "RefsInvalid": "Create the gateway or route that the message names, or correct the reference in spec.router.",
    "GatewaysNotReady": "See why the gateway is not programmed: its load balancer, its controller (istiod).",
    "GatewayPreconditionNotMet": "See to the gateway first; the route waits for it.",
    "WaitingForGateway": "See to the gateway first; the pool waits for it.",
}
_CAUSES: Mapping[str, CauseId] = {
    "ConfigNotFound": "preset-missing",
    "CombineBaseError": "spec-refused",
    "InvalidRenderedConfig": "spec-refused",
    "ScalingCRDNotFound": "scaling-api-missing",
    "RefsInvalid": "route-reference-invalid",
    "GatewaysNotReady": "gateway-not-programmed",
    "GatewayPreconditionNotMet": "gateway-not-programmed",
    "WaitingForGateway": "gateway-not-programmed",
}
# What its Deployment says of it is a symptom; the picker itself is the cause of what does not work.
_SCHEDULER = "SchedulerWorkloadReady"
_RECONCILE_REMEDY = "Correct what the message names; the log of KServe's controller says more."


@dataclass(frozen=True)
class Condition:
    type: str
    status: str
    reason: str = ""
    message: str = ""

    def public(self) -> dict[str, str]:
        return {"type": self.type, "status": self.status, "reason": self.reason, "message": self.message}

    @property
    def symptom(self) -> bool:
        """Does it only say that pods are missing, which the pods themselves explain?"""
        return self.reason in _SYMPTOMS or self.reason.startswith("ReplicaSet")


def conditions_of(service: Mapping[str, Any]) -> tuple[Condition, ...]:
    found: Sequence[Mapping[str, Any]] = (service.get("status") or {}).get("conditions") or []
    return tuple(
        Condition(
            str(each.get("type") or ""),
            str(each.get("status") or "Unknown"),
            str(each.get("reason") or ""),
            str(each.get("message") or ""),
        )
        for each in found
    )


def is_terminal(condition: Condition) -> bool:
    """Can it not heal without somebody's doing? KServe tries again by itself, and much of it passes."""
    if condition.reason in _TERMINAL:
        return True
    if "Reconcile" in condition.reason and condition.reason.endswith("Error"):
        return not is_passing(condition.message)
    # what was only read (InferencePoolFetchError), or is the API server's own reason
    return condition.reason.endswith("Error") and is_refusal(condition.message)


def blocking(conditions: Sequence[Condition]) -> list[Condition]:
    """The conditions that keep the service from being ready, leaves before what they make up.

    PresetsCombined counts although older KServes leave it out of Ready. A missing part blocks nothing.
    """
    known = {each.type: each for each in conditions}

    def false(kinds: Sequence[str]) -> list[Condition]:
        return [known[kind] for kind in kinds if kind in known and known[kind].status == "False"]

    found = false((PRESETS,))
    for whole, parts in ((WORKLOADS, WORKLOAD_PARTS), (ROUTER, ROUTER_PARTS)):
        found += false(parts) or false((whole,))
    ready = known.get(READY, Condition(READY, "Unknown", "", "KServe has not judged the service yet"))
    if not found and ready.status != "True":
        found.append(ready)
    return found


def condition_problem(condition: Condition, patience: float) -> Problem:
    remedy = _REMEDIES.get(condition.reason, "")
    terminal = is_terminal(condition)
    return Problem(
        "condition",
        condition.type,
        condition.reason,
        condition.message,
        remedy=remedy or (_RECONCILE_REMEDY if terminal else ""),
        after=patience if terminal else None,
        cause=cause_of(condition),
    )


def cause_of(condition: Condition) -> Cause:
    """The cause that a condition which is not True names by itself."""
    if condition.reason in _CAUSES:
        return _CAUSES[condition.reason]
    if "Reconcile" in condition.reason and condition.reason.endswith("Error"):
        return "controller-cannot-reconcile"
    if condition.type == _SCHEDULER:
        return "picker-down"
    return "" if condition.symptom else "condition-not-true"


def generation_of(service: Mapping[str, Any]) -> tuple[int, int]:
    """The service's generation, and the one that its status speaks of (0 for none)."""
    generation = int(service["metadata"].get("generation") or 0)
    return generation, int((service.get("status") or {}).get("observedGeneration") or 0)


def service_problem(service: Json, replicas: int | None, patience: float) -> Problem | None:
    """What makes every look at the rest pointless: going, stopped, of another size than expected, not looked at yet."""
    metadata, name = service["metadata"], str(service["metadata"]["name"])
    generation, observed = generation_of(service)
    asked = (service.get("spec") or {}).get("replicas")
    if metadata.get("deletionTimestamp"):
        return Problem(
            "service",
            name,
            "Deleting",
            f"The service {name} is being deleted.",
            remedy="Deploy it again when it is gone.",
            after=0.0,
            cause="service-being-deleted",
        )
    # KServe does not mind how it is written
    if str((metadata.get("annotations") or {}).get(STOP)).lower() == "true":
        return Problem(
            "service",
            name,
            "Stopped",
            f"The service {name} is stopped: it carries the annotation {STOP}: true.",
            remedy=f"Take it off (kubectl annotate llmisvc {name} {STOP}-), or resume the environment.",
            after=0.0,
            cause="service-stopped",
        )
    if replicas is not None and asked is not None and int(asked) != replicas:
        return Problem(
            "service",
            name,
            "OtherReplicas",
            f"The service {name} asks for {asked} replicas, {replicas} were expected: something else has set them.",
            remedy="Set spec.replicas to what is wanted, or expect what it has.",
            after=patience,
            cause="replicas-set-elsewhere",
        )
    if asked == 0 and replicas is None:
        return Problem(
            "service",
            name,
            "NoReplicas",
            f"The service {name} asks for 0 replicas, so that nothing will serve.",
            remedy="Set spec.replicas, or expect just that with replicas: 0.",
            after=patience,
            cause="service-without-replicas",
        )
    if observed != generation:
        seen = f"it knows generation {observed}" if observed else "it has not seen the service"
        return Problem(
            "service",
            name,
            "NotObserved",
            f"KServe has not looked at generation {generation} of the service {name} yet ({seen}).",
            remedy="If it stays so, see whether KServe's controller runs.",
            cause="controller-not-observing",
        )
    return None


def urls_of(service: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """The address to use, and all of them; one that only the cluster's DNS knows is used where there is no other."""
    status = service.get("status") or {}
    entries = [*(status.get("addresses") or []), status.get("address") or {}]
    addresses = tuple(dict.fromkeys(str(each["url"]) for each in entries if each.get("url")))
    known = [url for url in (str(status.get("url") or ""), *addresses) if url]
    outside = [url for url in known if not is_internal(urlsplit(url).hostname or "")]
    return next(iter((*outside, *known)), ""), addresses


def model_name(service: Mapping[str, Any]) -> str:
    """KServe takes the service's own name where the model has none."""
    model = (service.get("spec") or {}).get("model") or {}
    return str(model.get("name") or service["metadata"]["name"])


__all__ = (
    "MULTI_NODE",
    "PRESETS",
    "READY",
    "ROUTER_PARTS",
    "WORKLOAD_PARTS",
    "Condition",
    "blocking",
    "cause_of",
    "condition_problem",
    "conditions_of",
    "generation_of",
    "is_terminal",
    "model_name",
    "service_problem",
    "urls_of",
)
