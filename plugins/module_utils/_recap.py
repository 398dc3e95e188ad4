# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""What a run did, as lines for a screen and as a report for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._clock import in_words
from ansible_collections.rhaii.gke.plugins.module_utils._verification.routing import in_figures

# The stages of the guide: name, title, its minutes, and the marks between which a run is in it. They overlap.
STAGES: tuple[tuple[str, str, int, str, str], ...] = (
    ("preflight", "checks", 3, "preflight", "control_plane"),
    ("control_plane", "control plane", 5, "control_plane", "tpu_pool"),
    ("tpu_pool", "TPU pool", 15, "tpu_pool", "routing"),
    ("namespace", "namespace, secrets, policies", 2, "namespace", "operators"),
    ("operators", "operators and gateway", 10, "operators", "inference_service"),
    ("inference_service", "inference service", 10, "inference_service", "verification"),
    ("routing", "routing", 2, "routing", "routed"),
    ("verification", "verification and performance", 10, "verification", "end"),
)

# What is kept of a row of gke_cost.
COST = ("hourly", "suspended_hourly", "per_chip_hour", "currency", "source", "as_of", "unknown", "msg")

IN_ALL = "in all (stages overlap)"


@dataclass(frozen=True)
class Stage:
    """When a run was in a stage of the guide, in seconds since 1970."""

    name: str
    title: str
    guide_minutes: int
    started: float
    ended: float

    @property
    def seconds(self) -> float:
        return max(0.0, self.ended - self.started)

    def public(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "title": self.title,
            "guide_minutes": self.guide_minutes,
            "started": self.started,
            "ended": self.ended,
            "seconds": round(self.seconds, 1),
        }


def stages(marks: Mapping[str, float]) -> list[Stage]:
    """The stages whose marks are both there."""
    return [
        Stage(name, title, minutes, float(marks[begin]), float(marks[end]))
        for name, title, minutes, begin, end in STAGES
        if begin in marks and end in marks
    ]


def recap(story: Mapping[str, Any]) -> dict[str, Any]:
    """`lines` for people and `report` for programs."""
    passed = stages(story.get("marks") or {})
    models: Sequence[Mapping[str, Any]] = story["models"]
    routing: Mapping[str, Any] = story.get("routing") or {}
    # a pool may have nodes to spare
    nodes = int(story.get("tpu_nodes") or 0) or sum(int(model["replicas"]) for model in models)
    cost: Mapping[str, Any] = story.get("cost") or {}
    report = {
        "environment": story["environment"],
        "url": story["url"],
        "models": [{key: model[key] for key in ("name", "served_name", "replicas")} for model in models],
        "nodes": nodes,
        "chips": nodes * int(story["chips_per_node"]),
        "cost": {key: cost.get(key) for key in COST},
        "stages": [stage.public() for stage in passed],
        "routing": {
            key: routing.get(key)
            for key in (
                "verdict",
                "affinity",
                "affinity_by_chance",
                "hit_ratio",
                "cached_tokens",
                "p_value",
                "serial",
                "parallel",
                "msg",
            )
        },
    }
    return {"lines": list(_lines(story, report, passed)), "report": report}


def _lines(story: Mapping[str, Any], report: Mapping[str, Any], passed: Sequence[Stage]) -> Iterator[str]:
    url, default = str(story["url"]), story["models"][0]
    yield f"{story['environment']}: {url + ', to be tried with' if url else 'no gateway address yet'}"
    if url:
        request = {"model": default["served_name"], "prompt": "Hello", "max_tokens": 20}
        body = json.dumps(request, separators=(",", ":"))
        yield f"curl -s {url}/v1/completions -H Content-Type:application/json -d '{body}'"
    ready: dict[str, Mapping[str, Any]] = {str(item.get("name")): item for item in story.get("ready") or []}
    for model in story["models"]:
        counts = (ready.get(str(model["name"])) or {}).get("replicas") or {}
        wanted = model["replicas"]
        serve = f"{counts['ready']} of {wanted} ready" if "ready" in counts else f"{wanted} wanted"
        yield f"Replicas:    {serve} ({model['name']}, {model['served_name']})"
    yield f"Hardware:    {report['nodes']} TPU nodes, {report['chips']} chips"
    if report["cost"]["msg"]:
        yield f"Cost:        {report['cost']['msg']}"
    yield from _routing(report["routing"])
    if passed:
        yield from _stage_lines(passed)


def _routing(routing: Mapping[str, Any]) -> Iterator[str]:
    if routing["affinity"] is not None:
        chance = routing["affinity_by_chance"]
        beside = "" if chance is None else f" (by chance {chance:.2f})"
        yield f"Affinity:    {routing['affinity']:.2f} of requests with one prefix on one replica{beside}"
    if routing["hit_ratio"] is not None:
        yield f"Hit ratio:   {routing['hit_ratio']:.2f} of the repeated prompts' tokens came from the cache"
    for name in ("serial", "parallel"):
        found = routing[name] or {}
        if found.get("requests"):
            yield f"{name.capitalize() + ':':<12} {in_figures(found, (50, 95, 99))}"


def _stage_lines(passed: Sequence[Stage]) -> Iterator[str]:
    width = max(len(IN_ALL), *(len(stage.title) for stage in passed))
    yield f"{'Stage'.ljust(width)}  {'guide':>7}  {'here':>8}"
    for stage in passed:
        yield f"{stage.title.ljust(width)}  {stage.guide_minutes:>3} min  {in_words(stage.seconds):>8}"
    whole = max(stage.ended for stage in passed) - min(stage.started for stage in passed)
    total = sum(stage.guide_minutes for stage in passed)
    yield f"{IN_ALL.ljust(width)}  {total:>3} min  {in_words(whole):>8}"


__all__ = ("STAGES", "Stage", "recap", "stages")
