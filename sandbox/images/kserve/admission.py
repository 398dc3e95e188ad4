# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What KServe's validating webhook checks beyond the schema of an LLMInferenceService."""

from __future__ import annotations

from typing import Any

from sandbox.images.kserve import combining

Object = dict[str, Any]


def service_problems(request: Object) -> list[str]:
    """What is wrong with a service that is created or updated."""
    spec = (request.get("object") or {}).get("spec") or {}
    before = ((request.get("oldObject") or {}).get("spec")) if request.get("operation") == "UPDATE" else None
    return [*_router(spec), *_parallelism("spec", spec), *_unchanged(before, spec)]


def config_problems(request: Object) -> list[str]:
    """What is wrong with a configuration; taking one away is never wrong."""
    spec = (request.get("object") or {}).get("spec") or {}
    if spec.get("baseRefs"):
        return ["spec.baseRefs: a configuration cannot refer to others"]
    problem = combining.template_problem(spec)
    return [*_parallelism("spec", spec), *([problem] if problem else [])]


def config_warnings(request: Object) -> list[str]:
    """What may surprise: a preset that is changed or taken away."""
    before = request.get("oldObject") or {}
    name = (before.get("metadata") or {}).get("name") or request.get("name", "")
    if name not in combining.preset_annotations().values():
        return []
    if request.get("operation") == "DELETE":
        return [f"{name} is a preset; without it services that use it cannot be combined"]
    changed = (request.get("object") or {}).get("spec") != before.get("spec")
    return [f"{name} is a preset; a configuration of its own name is safer to change"] if before and changed else []


def _router(spec: Object) -> list[str]:
    router = spec.get("router") or {}
    http = (router.get("route") or {}).get("http") or {}
    refs, managed, gateway = http.get("refs") or [], http.get("spec"), router.get("gateway")
    found = []
    if refs and managed is not None:
        found.append("spec.router.route.http: refs and spec cannot be used together")
    if refs and gateway is not None and not gateway.get("refs"):
        found.append("spec.router.route.http.refs: own routes cannot be used with a managed gateway")
    gateway_refs = (gateway or {}).get("refs") or []
    if managed is not None and managed.get("parentRefs") and gateway_refs:
        wanted = {(item.get("namespace"), item["name"]) for item in gateway_refs}
        if {(item.get("namespace"), item["name"]) for item in managed["parentRefs"]} != wanted:
            found.append("spec.router.route.http.spec: parentRefs must equal spec.router.gateway.refs")
    return found


def _parallelism(path: str, workload: Object) -> list[str]:
    found = []
    parallelism = workload.get("parallelism") or {}
    data_parallel = "data" in parallelism or "dataLocal" in parallelism
    pipeline_parallel = "pipeline" in parallelism
    if workload.get("worker") is not None and not (data_parallel or pipeline_parallel):
        found.append(f"{path}.worker: needs data or pipeline parallelism")
    if data_parallel and pipeline_parallel:
        found.append(f"{path}.parallelism: data and pipeline parallelism cannot both be set")
    if ("data" in parallelism) != ("dataLocal" in parallelism):
        found.append(f"{path}.parallelism: data and dataLocal must be set together")
    if workload.get("prefill") is not None:
        found += _parallelism(f"{path}.prefill", workload["prefill"])
    return found


def _unchanged(before: Object | None, spec: Object) -> list[str]:
    if before is None or _size(before) == _size(spec):
        return []
    return [f"spec.parallelism: its total size is immutable, it was {_size(before)} and would be {_size(spec)}"]


def _size(spec: Object) -> int:
    parallelism = spec.get("parallelism") or {}
    if parallelism.get("data") and parallelism.get("dataLocal"):
        return max(1, int(parallelism["data"]) // int(parallelism["dataLocal"]))
    return int(parallelism.get("pipeline") or 1)
