# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rates from samples, and the objects of the metrics API."""

from __future__ import annotations

from typing import Any

from sandbox.images.metrics_server.measurements import Measurements, Sample, rate_of


def summary(second: int, node_cpu: float, cpu: float, started: int = 0) -> dict[str, Any]:
    def figures(seconds: float) -> dict[str, Any]:
        time = f"2026-01-01T00:00:{second:02}Z"
        return {
            "cpu": {"time": time, "usageCoreNanoSeconds": int(seconds * 1e9)},
            "memory": {"time": time, "workingSetBytes": 2048},
        }

    container = {"name": "main", "startTime": f"2026-01-01T00:00:{started:02}Z", **figures(cpu)}
    pod = {"podRef": {"namespace": "ns", "name": "p", "uid": "u"}, "containers": [container]}
    return {"node": {"nodeName": "n", **figures(node_cpu)}, "pods": [pod]}


NODE = {"metadata": {"name": "n", "labels": {"a": "b"}}}
POD = {"metadata": {"name": "p", "namespace": "ns"}}


def test_two_samples_make_a_rate() -> None:
    store = Measurements()
    store.take({"n": summary(10, 1.0, 0.5)})
    assert store.node(NODE) is None
    store.take({"n": summary(20, 3.0, 1.0)})
    found = store.node(NODE) or {}
    assert found["usage"] == {"cpu": "200000000n", "memory": "2Ki"}
    assert (found["window"], found["timestamp"]) == ("10s", "2026-01-01T00:00:20Z")
    assert found["metadata"]["labels"] == {"a": "b"}
    pod = store.pod(POD) or {}
    assert pod["containers"] == [{"name": "main", "usage": {"cpu": "50000000n", "memory": "2Ki"}}]


def test_new_container_is_measured_since_its_start() -> None:
    store = Measurements()
    store.take({"n": summary(10, 1.0, 1.0, started=5)})
    assert (store.pod(POD) or {})["containers"][0]["usage"]["cpu"] == "200000000n"


def test_restarted_container_is_a_new_one() -> None:
    before = Sample(10.0, 5_000_000_000, 1, started=0.0)
    rate = rate_of(before, Sample(20.0, 1_000_000_000, 1, started=15.0))
    assert rate is not None
    assert rate.cpu_nanocores == 200_000_000


def test_node_keeps_its_rate_when_a_container_took_its_time_away() -> None:
    store = Measurements()
    for second, cpu in ((10, 1.0), (20, 3.0), (30, 0.5)):
        store.take({"n": summary(second, cpu, cpu)})
    assert (store.node(NODE) or {})["usage"]["cpu"] == "200000000n"


def test_what_is_gone_has_no_metrics() -> None:
    store = Measurements()
    store.take({"n": summary(10, 1.0, 1.0)})
    store.take({})
    assert store.node(NODE) is None
    assert store.pod(POD) is None
