# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Samples of the kubelets, and the usage that two of them give: pure functions and a small store."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]


@dataclass(frozen=True)
class Sample:
    """Processor time and memory at one moment."""

    at: float
    cpu_nanoseconds: int
    memory_bytes: int
    started: float | None = None


@dataclass(frozen=True)
class Rate:
    """Usage over a window that ended at `at`."""

    at: float
    window: float
    cpu_nanocores: int
    memory_bytes: int

    @property
    def usage(self) -> Object:
        """The `usage` of the metrics API."""
        return {"cpu": f"{self.cpu_nanocores}n", "memory": f"{self.memory_bytes // 1024}Ki"}

    @property
    def times(self) -> Object:
        """The `timestamp` and `window` of the metrics API."""
        moment = datetime.datetime.fromtimestamp(self.at, datetime.UTC)
        return {
            "timestamp": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
            # at least a second: the API's durations are read by people
            "window": f"{max(1, math.ceil(self.window))}s",
        }


def seconds_of(text: str) -> float:
    """An API timestamp as seconds of the epoch."""
    return datetime.datetime.fromisoformat(text).timestamp()


def sample_of(entry: Mapping[str, Any], started: str | None) -> Sample:
    """A sample from a node, pod or container of /stats/summary."""
    return Sample(
        at=seconds_of(entry["cpu"]["time"]),
        cpu_nanoseconds=int(entry["cpu"]["usageCoreNanoSeconds"]),
        memory_bytes=int(entry["memory"]["workingSetBytes"]),
        started=seconds_of(started) if started else None,
    )


def rate_of(before: Sample | None, now: Sample) -> Rate | None:
    """What was used between two samples; of a container that is new, since it started."""
    same = before is not None and before.started == now.started and before.cpu_nanoseconds <= now.cpu_nanoseconds
    if before is not None and same and before.at < now.at:
        window, used = now.at - before.at, now.cpu_nanoseconds - before.cpu_nanoseconds
    elif now.started is not None and now.at > now.started:
        window, used = now.at - now.started, now.cpu_nanoseconds
    else:
        return None
    return Rate(now.at, window, int(used / window), now.memory_bytes)


Container = tuple[str, str, str]
"""Namespace, pod and container."""


class Measurements:
    """The last two samples of everything."""

    def __init__(self) -> None:
        self.nodes: dict[str, Rate] = {}
        self.containers: dict[Container, Rate] = {}
        self._samples: dict[tuple[str, ...], Sample] = {}

    def take(self, summaries: Mapping[str, Object]) -> None:
        """Take the summaries of one round; what is in none of them is forgotten."""
        samples: dict[tuple[str, ...], Sample] = {}
        for node, summary in summaries.items():
            samples[node,] = sample_of(summary["node"], None)
            for pod in summary["pods"]:
                reference = pod["podRef"]
                for container in pod["containers"]:
                    key = (reference["namespace"], reference["name"], container["name"])
                    samples[key] = sample_of(container, container["startTime"])
        rates = {key: rate_of(self._samples.get(key), sample) for key, sample in samples.items()}
        nodes = {}
        for node in summaries:
            # a node's processor time falls when a container ends: its last rate then stands
            rate = rates[node,] or self.nodes.get(node)
            if rate:
                nodes[node] = rate
        self.nodes = nodes
        self.containers = {
            (key[0], key[1], key[2]): rate for key, rate in rates.items() if len(key) == 3 and rate is not None
        }
        self._samples = samples

    def node(self, node: Mapping[str, Any]) -> Object | None:
        """NodeMetrics of a Node; None when there is no measurement yet."""
        rate = self.nodes.get(node["metadata"]["name"])
        if rate is None:
            return None
        return {**envelope("NodeMetrics", node), **rate.times, "usage": rate.usage}

    def pod(self, pod: Mapping[str, Any]) -> Object | None:
        """PodMetrics of a Pod; None when there is no measurement yet."""
        meta = pod["metadata"]
        found = {
            name: rate
            for (namespace, pod_name, name), rate in self.containers.items()
            if (namespace, pod_name) == (meta["namespace"], meta["name"])
        }
        if not found:
            return None
        latest = max(found.values(), key=lambda rate: rate.at)
        containers = [{"name": name, "usage": rate.usage} for name, rate in sorted(found.items())]
        return {**envelope("PodMetrics", pod), **latest.times, "containers": containers}


def envelope(kind: str, of: Mapping[str, Any]) -> Object:
    """Kind and metadata of the metrics of an object."""
    meta = of["metadata"]
    kept = {name: meta[name] for name in ("name", "namespace", "labels", "creationTimestamp") if name in meta}
    return {"kind": kind, "apiVersion": "metrics.k8s.io/v1beta1", "metadata": kept}
