# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The guide's success criteria, each as one finding on what the cluster holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._causes import Cause
from ansible_collections.rhaii.gke.plugins.module_utils._findings import FAILED, OK, UNKNOWN, Finding
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.conditions import (
    blocking,
    cause_of,
    conditions_of,
    generation_of,
)
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.kubelet import (
    BARE_FAULTS,
    FINE,
    node_fault,
    node_pressure,
)
from ansible_collections.rhaii.gke.plugins.module_utils._readiness import unavailable_deployments
from ansible_collections.rhaii.gke.plugins.module_utils._routing.gateway import (
    gateway_address,
    gateway_faults,
    gateway_url,
    is_internal,
)
from ansible_collections.rhaii.gke.plugins.module_utils._verification.filters import takers

Object = Mapping[str, Any]
Objects = Sequence[Object]

POOL_LABEL = "cloud.google.com/gke-nodepool"
_WAIT_AGAIN = "Run deploy.yml again: it waits, and says what holds a replica back."
MODEL_POD = {"app.kubernetes.io/part-of": "llminferenceservice", "kserve.io/component": "workload"}


@dataclass(frozen=True)
class Criterion(Finding):
    """A finding on one criterion; one that failed names its cause."""

    cause: Cause = ""


@dataclass(frozen=True)
class Wanted:
    """What the environment promises: replicas by service, and names. Deployments are namespace/name."""

    services: Mapping[str, int]
    tpu_pool: str
    gateway: str
    gateway_namespace: str = "opendatahub"
    gateway_port: int = 0
    secrets: Sequence[str] = ()
    deployments: Sequence[str] = ()
    envoyfilters: Sequence[str] = ()
    network_policies: Sequence[str] = ()


@dataclass(frozen=True)
class Seen:
    """What the cluster holds. Of secrets and network policies the names are enough."""

    nodes: Objects = ()
    deployments: Objects = ()
    services: Objects = ()
    pods: Objects = ()
    gateway: Object | None = None
    secrets: Sequence[str] = ()
    envoyfilters: Objects = ()
    network_policies: Sequence[str] = ()


def judge(seen: Seen, wanted: Wanted) -> list[Criterion]:
    """One finding a criterion, in the guide's order."""
    return [
        _nodes(seen.nodes, wanted.tpu_pool, sum(wanted.services.values())),
        _names(
            "secrets", "secret-missing", seen.secrets, wanted.secrets, "Run deploy.yml: it makes them from your files."
        ),
        _operators(seen.deployments, wanted.deployments),
        *(_service(name, seen.services) for name in wanted.services),
        *(_replicas(name, replicas, seen.pods) for name, replicas in wanted.services.items()),
        _gateway(seen.gateway, wanted),
        _filters(seen.envoyfilters, wanted),
        _names(
            "network policies",
            "network-policy-missing",
            seen.network_policies,
            wanted.network_policies,
            "Run deploy.yml: it applies them.",
        ),
    ]


def _names(check: str, cause: Cause, found: Sequence[str], wanted: Sequence[str], remedy: str) -> Criterion:
    missing = [name for name in wanted if name not in found]
    if missing:
        return Criterion(check, FAILED, f"missing: {', '.join(missing)}", remedy, cause)
    return Criterion(check, OK, ", ".join(wanted) or "none wanted")


def _filters(filters: Objects, wanted: Wanted) -> Criterion:
    wrong = takers(filters, wanted.gateway)
    if not wrong:
        remedy = "Run deploy.yml: without it routes may have no endpoint picker to ask."
        names = [each["metadata"]["name"] for each in filters]
        return _names("EnvoyFilter", "envoyfilter-missing", names, wanted.envoyfilters, remedy)
    text = f"{', '.join(wrong)} takes the endpoint picker away: it gives routes a processing mode and names no picker"
    if set(wrong) <= set(wanted.envoyfilters):
        remedy = "Run deploy.yml: it applies the one that names the pickers."
    else:
        delete = f"kubectl delete envoyfilter {' '.join(wrong)} -n {wanted.gateway_namespace}"
        remedy = f"Delete it ({delete}), and run deploy.yml."
    return Criterion("EnvoyFilter", FAILED, text, remedy, "envoyfilter-takes-picker")


def _nodes(nodes: Objects, pool: str, wanted: int) -> Criterion:
    own = [node for node in nodes if (node["metadata"].get("labels") or {}).get(POOL_LABEL) == pool]
    faults = {str(node["metadata"].get("name")): node_fault(node) for node in own}
    ready = [node for node in own if faults[str(node["metadata"].get("name"))] == FINE]
    worries = [(str(node["metadata"].get("name")), node_pressure(node)) for node in ready]
    text = f"{len(ready)} of {len(own)} nodes of {pool} are ready, {wanted} are needed"
    said = [(name, why) for name, (_cause, why) in (*faults.items(), *worries)]
    told = [f"{name} {why}" for name, why in said if why and why not in BARE_FAULTS]
    shown = "; ".join([text, *told])
    if len(ready) < wanted:
        remedy = "See why with: kubectl describe nodes, and run deploy.yml again."
        faulty = [cause for cause, _why in faults.values() if cause]
        cause: Cause = faulty[0] if faulty and len(own) >= wanted else "too-few-tpu-nodes"
        return Criterion("TPU nodes", FAILED, shown, remedy, cause)
    return Criterion("TPU nodes", OK, shown)


def _condition(item: Object, kind: str) -> str:
    for condition in (item.get("status") or {}).get("conditions") or []:
        if condition["type"] == kind:
            return str(condition["status"])
    return ""


def _operators(deployments: Objects, wanted: Sequence[str]) -> Criterion:
    waiting = unavailable_deployments(deployments, wanted)
    if waiting:
        text = f"not available: {', '.join(waiting)}"
        return Criterion("operators", FAILED, text, "Run deploy.yml again.", "operator-unavailable")
    return Criterion("operators", OK, ", ".join(name.split("/")[1] for name in wanted))


def _service(name: str, services: Objects) -> Criterion:
    check = f"service {name}"
    for service in services:
        if service["metadata"]["name"] != name:
            continue
        generation, observed = generation_of(service)
        blocked = blocking(conditions_of(service))
        reasons = [
            f"{condition.type}: {condition.message or condition.reason or condition.status}" for condition in blocked
        ]
        causes = [cause for cause in map(cause_of, blocked) if cause]
        cause: Cause = causes[0] if causes else "replicas-not-serving"
        if observed < generation:
            cause = "controller-not-observing"
            reasons = [f"its status is of generation {observed}, the service of {generation}"]
        if not service.get("status"):
            cause = "controller-not-observing"
            reasons = ["no status yet"]
        if not reasons:
            return Criterion(check, OK, "READY=True")
        return Criterion(check, FAILED, "; ".join(reasons), _WAIT_AGAIN, cause)
    return Criterion(check, FAILED, "does not exist", "Run deploy.yml.", "service-missing")


def _replicas(name: str, replicas: int, pods: Objects) -> Criterion:
    check = f"replicas of {name}"
    own = [pod for pod in pods if _is_model_pod(pod, name) and _lives(pod)]
    ready = [pod for pod in own if _condition(pod, "Ready") == "True"]
    nodes = {str(pod["spec"].get("nodeName")) for pod in ready}
    text = f"{len(ready)} of {replicas} serve, on {len(nodes)} nodes"
    if len(ready) == len(own) == len(nodes) == replicas:
        return Criterion(check, OK, text)
    return Criterion(check, FAILED, text, _WAIT_AGAIN, "replicas-not-serving")


def _is_model_pod(pod: Object, service: str) -> bool:
    labels = pod["metadata"].get("labels") or {}
    return all(labels.get(key) == value for key, value in {**MODEL_POD, "app.kubernetes.io/name": service}.items())


def _lives(pod: Object) -> bool:
    leaves = pod["metadata"].get("deletionTimestamp") is not None
    return not leaves and (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")


def _gateway(gateway: Object | None, wanted: Wanted) -> Criterion:
    address, faults = gateway_address(gateway), gateway_faults(gateway)
    if not address:
        told = f"; {'; '.join(faults)}" if faults else ""
        remedy = "Run deploy.yml; a load balancer takes minutes."
        return Criterion("gateway", FAILED, f"{wanted.gateway} has no address{told}", remedy, "gateway-without-address")
    where = f"{wanted.gateway} at {address}"
    if not gateway_url(gateway, wanted.gateway_port):
        remedy = "Run deploy.yml: it gives it one."
        return Criterion(
            "gateway", FAILED, f"{where} has no listener for HTTP or HTTPS", remedy, "gateway-without-listener"
        )
    if faults:
        remedy = "Mend what it names (kubectl describe gateway); see the log of the gateway's controller (istiod)."
        text = f"{where} does not serve: {'; '.join(faults)}"
        return Criterion("gateway", FAILED, text, remedy, "gateway-not-programmed")
    if is_internal(address):
        text = f"{where}, a name that only the cluster knows"
        remedy = "Give its Service a load balancer (type LoadBalancer) where requests come from outside."
        return Criterion("gateway", UNKNOWN, text, remedy, "gateway-cluster-only")
    return Criterion("gateway", OK, where)


__all__ = ("Criterion", "Object", "Objects", "Seen", "Wanted", "judge")
