# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Processor time and memory of containers, from /proc, in the kubelet's two formats."""

from __future__ import annotations

import datetime
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.nodes.records import RUNNING, PodRecord, parse_timestamp

Object = dict[str, Any]

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Usage:
    """What a group of processes has used."""

    cpu_seconds: float = 0.0
    memory_bytes: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.cpu_seconds + other.cpu_seconds, self.memory_bytes + other.memory_bytes)


def parse_stat(text: str) -> tuple[int, Usage]:
    """Session and usage of one process, from its /proc/PID/stat."""
    fields = text.rpartition(")")[2].split()
    # the session is field 6 of proc(5), user, system and the waited-for children's time 14 to 17, pages 24
    ticks = sum(int(value) for value in fields[11:15])
    return int(fields[3]), Usage(ticks / TICKS, int(fields[21]) * PAGE)


def by_session() -> dict[int, Usage]:
    """The usage of every session of this machine: a container's keeper leads its container's."""
    found: dict[int, Usage] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                session, usage = parse_stat((folder / "stat").read_text(encoding="utf-8", errors="replace"))
            except OSError:
                continue
            found[session] = found.get(session, Usage()) + usage
    return found


def container_usage(record: PodRecord, sessions: dict[int, Usage]) -> dict[str, tuple[str, Usage]]:
    """Start time and usage of a pod's running containers."""
    return {
        name: (container.started_at, sessions.get(container.pid, Usage()))
        for name, container in record.containers.items()
        if container.state == RUNNING
    }


def summary(node: str, records: Iterable[PodRecord], sessions: dict[int, Usage]) -> Object:
    """The answer to /stats/summary."""
    now = datetime.datetime.now(datetime.UTC).isoformat().replace("+00:00", "Z")

    def figures(usage: Usage) -> Object:
        return {
            "cpu": {"time": now, "usageCoreNanoSeconds": int(usage.cpu_seconds * 1e9)},
            "memory": {"time": now, "workingSetBytes": usage.memory_bytes, "rssBytes": usage.memory_bytes},
        }

    pods = []
    total = Usage()
    for record in records:
        containers = container_usage(record, sessions)
        together = sum((usage for _, usage in containers.values()), Usage())
        total += together
        pods.append(
            {
                "podRef": {"name": record.name, "namespace": record.namespace, "uid": record.uid},
                "startTime": record.started_at,
                "containers": [
                    {"name": name, "startTime": started, **figures(usage)}
                    for name, (started, usage) in containers.items()
                ],
                **figures(together),
            }
        )
    return {"node": {"nodeName": node, **figures(total)}, "pods": pods}


def metrics(records: Iterable[PodRecord], sessions: dict[int, Usage]) -> str:
    """The answer to /metrics/resource, in the text format of Prometheus."""
    stamp = int(time.time() * 1000)
    kinds = {
        "container_cpu_usage_seconds_total": "counter",
        "container_memory_working_set_bytes": "gauge",
        "container_start_time_seconds": "gauge",
        "node_cpu_usage_seconds_total": "counter",
        "node_memory_working_set_bytes": "gauge",
        "pod_cpu_usage_seconds_total": "counter",
        "pod_memory_working_set_bytes": "gauge",
    }
    lines: dict[str, list[str]] = {name: [] for name in kinds}
    total = Usage()
    for record in records:
        together = Usage()
        for name, (started, usage) in container_usage(record, sessions).items():
            labels = f'{{container="{name}",namespace="{record.namespace}",pod="{record.name}"}}'
            begun = parse_timestamp(started).timestamp()
            lines["container_cpu_usage_seconds_total"].append(f"{labels} {usage.cpu_seconds} {stamp}")
            lines["container_memory_working_set_bytes"].append(f"{labels} {usage.memory_bytes} {stamp}")
            lines["container_start_time_seconds"].append(f"{labels} {begun}")
            together += usage
        labels = f'{{namespace="{record.namespace}",pod="{record.name}"}}'
        lines["pod_cpu_usage_seconds_total"].append(f"{labels} {together.cpu_seconds} {stamp}")
        lines["pod_memory_working_set_bytes"].append(f"{labels} {together.memory_bytes} {stamp}")
        total += together
    lines["node_cpu_usage_seconds_total"].append(f" {total.cpu_seconds} {stamp}")
    lines["node_memory_working_set_bytes"].append(f" {total.memory_bytes} {stamp}")
    text = [
        line
        for name, kind in kinds.items()
        for line in (f"# TYPE {name} {kind}", *(f"{name}{values}" for values in lines[name]))
    ]
    return "\n".join([*text, "# TYPE scrape_error gauge", "scrape_error 0", ""])
