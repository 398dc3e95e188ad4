# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The guide's success criteria, each as one finding on what the cluster holds, and what the requests showed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._findings import FAILED, OK, UNKNOWN, Finding
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.conditions import (
    blocking,
    conditions_of,
    generation_of,
)
from ansible_collections.rhaii.gke.plugins.module_utils._readiness import unavailable_deployments

Object = Mapping[str, Any]
Objects = Sequence[Object]

POOL_LABEL = "cloud.google.com/gke-nodepool"
MODEL_POD = {"app.kubernetes.io/part-of": "llminferenceservice", "kserve.io/component": "workload"}


def judge(seen: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[Finding]:
    """`seen` holds lists of objects by kind (`secrets` holds names), `wanted` the models and the names to look for."""
    models: Objects = wanted["models"]
    return [
        _nodes(seen["nodes"], str(wanted["pool"]), sum(int(model["replicas"]) for model in models)),
        _names("secrets", seen["secrets"], wanted["secrets"], "Run deploy.yml: it makes them from your files."),
        _operators(seen["deployments"], wanted["deployments"]),
        *(_service(model, seen["services"]) for model in models),
        *(_replicas(model, seen["pods"]) for model in models),
        _gateway(seen["gateways"], str(wanted["gateway"])),
        _names(
            "EnvoyFilter",
            _named(seen["envoyfilters"]),
            wanted["envoyfilters"],
            "Run deploy.yml: without it the endpoint picker sees no prompt.",
        ),
        _names("network policies", _named(seen["policies"]), wanted["policies"], "Run deploy.yml: it applies them."),
    ]


def _named(objects: Objects) -> list[str]:
    return [str(item["metadata"]["name"]) for item in objects]


def _names(check: str, found: Sequence[str], wanted: Sequence[str], remedy: str) -> Finding:
    missing = [name for name in wanted if name not in found]
    if missing:
        return Finding(check, FAILED, f"missing: {', '.join(missing)}", remedy)
    return Finding(check, OK, ", ".join(wanted) or "none wanted")


def _nodes(nodes: Objects, pool: str, wanted: int) -> Finding:
    own = [node for node in nodes if (node["metadata"].get("labels") or {}).get(POOL_LABEL) == pool]
    ready = [node for node in own if _condition(node, "Ready") == "True"]
    text = f"{len(ready)} of {len(own)} nodes of {pool} are ready, {wanted} are needed"
    if len(ready) < wanted:
        return Finding("TPU nodes", FAILED, text, "See why with: kubectl describe nodes, and run deploy.yml again.")
    return Finding("TPU nodes", OK, text)


def _condition(item: Object, kind: str) -> str:
    for condition in (item.get("status") or {}).get("conditions") or []:
        if condition["type"] == kind:
            return str(condition["status"])
    return ""


def _operators(deployments: Objects, wanted: Sequence[str]) -> Finding:
    waiting = unavailable_deployments(deployments, wanted)
    if waiting:
        return Finding("operators", FAILED, f"not available: {', '.join(waiting)}", "Run deploy.yml again.")
    return Finding("operators", OK, ", ".join(name.split("/")[1] for name in wanted))


def _service(model: Object, services: Objects) -> Finding:
    check = f"service {model['name']}"
    for service in services:
        if service["metadata"]["name"] != model["name"]:
            continue
        generation, observed = generation_of(service)
        reasons = [
            f"{condition.type}: {condition.message or condition.reason or condition.status}"
            for condition in blocking(conditions_of(service))
        ]
        if observed < generation:
            reasons = [f"its status is of generation {observed}, the service of {generation}"]
        if not service.get("status"):
            reasons = ["no status yet"]
        if not reasons:
            return Finding(check, OK, "READY=True")
        return Finding(
            check, FAILED, "; ".join(reasons), "Run deploy.yml again: it waits, and says what holds a replica back."
        )
    return Finding(check, FAILED, "does not exist", "Run deploy.yml.")


def _replicas(model: Object, pods: Objects) -> Finding:
    check = f"replicas of {model['name']}"
    own = [pod for pod in pods if _is_model_pod(pod, str(model["name"])) and _lives(pod)]
    ready = [pod for pod in own if _condition(pod, "Ready") == "True"]
    nodes = {str(pod["spec"].get("nodeName")) for pod in ready}
    text = f"{len(ready)} of {model['replicas']} serve, on {len(nodes)} nodes"
    if len(ready) == len(own) == len(nodes) == int(model["replicas"]):
        return Finding(check, OK, text)
    return Finding(check, FAILED, text, "Run deploy.yml again: it waits, and says what holds a replica back.")


def _is_model_pod(pod: Object, service: str) -> bool:
    labels = pod["metadata"].get("labels") or {}
    return all(labels.get(key) == value for key, value in {**MODEL_POD, "app.kubernetes.io/name": service}.items())


def _lives(pod: Object) -> bool:
    leaves = pod["metadata"].get("deletionTimestamp") is not None
    return not leaves and (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")


def _gateway(gateways: Objects, name: str) -> Finding:
    address = gateway_address(gateways, name)
    if not address:
        return Finding("gateway", FAILED, f"{name} has no address", "Run deploy.yml; a load balancer takes minutes.")
    return Finding("gateway", OK, f"{name} at {address}")


def gateway_address(gateways: Objects, name: str) -> str:
    """Where a Gateway can be reached; empty while it has no address."""
    for gateway in gateways:
        addresses = (gateway.get("status") or {}).get("addresses") or []
        if gateway["metadata"]["name"] == name and addresses:
            return str(addresses[0].get("value") or "")
    return ""


def gateway_url(gateways: Objects, name: str, port: int = 0) -> str:
    """The URL of a Gateway's first HTTP listener; `port` stands for the listener's own where it is not 0."""
    address = gateway_address(gateways, name)
    if not address:
        return ""
    gateway = next(item for item in gateways if item["metadata"]["name"] == name)
    listeners = [item for item in gateway["spec"].get("listeners") or [] if item.get("protocol") in ("HTTP", "HTTPS")]
    scheme = str(listeners[0]["protocol"]).lower() if listeners else "http"
    number = port or (int(listeners[0]["port"]) if listeners else 80)
    return f"{scheme}://{address}" if number == {"http": 80, "https": 443}[scheme] else f"{scheme}://{address}:{number}"


def routing_findings(result: Mapping[str, Any], require_affinity: bool) -> list[Finding]:
    """What cache_routing_test found: health, the answer, routing by prefix, throughput."""
    return list(_routing(result, require_affinity))


def _routing(result: Mapping[str, Any], require_affinity: bool) -> Iterator[Finding]:
    message = str(result.get("msg") or "")
    looks = result.get("health") or []
    for look in looks:
        check = f"{look['check']} {look['path']}"
        if look["ok"]:
            yield Finding(check, OK, str(look["status"]))
        else:
            remedy = "Look at the gateway and the model's pods: kubectl get pods -A."
            yield Finding(check, FAILED, str(look.get("detail") or look.get("status") or "no answer"), remedy)
    judged = result.get("verdict")
    # what failed before its first request has the verdict unknown, which must not pass
    if not judged or not looks:
        yield Finding("requests", FAILED, message or "the test did not run", "Run verify.yml again with -v.")
        return
    if judged == "affine":
        yield Finding("cache routing", OK, message)
    elif judged == "unknown" or (judged in ("blind", "no_cache") and not require_affinity):
        yield Finding("cache routing", UNKNOWN, message, str(result.get("remedy") or ""))
    else:
        yield Finding("cache routing", FAILED, message, str(result.get("remedy") or ""))
    for name in ("serial", "parallel"):
        figures = result.get(name) or {}
        if not figures.get("requests"):
            continue
        text = in_figures(figures, (50,))
        errors = int(figures.get("errors") or 0)
        if not errors:
            yield Finding(f"{name} requests", OK, text)
            continue
        said = f"{text}, {errors} of {figures['requests']} requests failed"
        texts = "; ".join(figures.get("error_texts") or [])
        yield Finding(f"{name} requests", FAILED, said, texts or "See the errors in the result.")


def in_figures(figures: Mapping[str, Any], percentiles: Sequence[int]) -> str:
    """Throughput and latencies as people read them; there are none where no request succeeded."""
    if figures.get("requests_per_second") is None:
        return "no request succeeded"
    latencies = (f"P{percent} {figures[f'p{percent}_ms']:.0f} ms" for percent in percentiles)
    return ", ".join([f"{figures['requests_per_second']:.1f} req/s", *latencies])


__all__ = ("gateway_address", "gateway_url", "in_figures", "judge", "routing_findings")
