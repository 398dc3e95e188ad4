# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The picker's metrics, by the names of the inference extension."""

from __future__ import annotations

from sandbox.images.epp.replicas import Fleet
from sandbox.images.epp.scorers import Pick, Request
from sandbox.images.prometheus import Histogram, Values, render

RATIOS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
BYTES = (0, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536)
SECONDS = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)


class Metrics:
    """All metrics of one picker."""

    def __init__(self, pool: str) -> None:
        self.pool = pool
        self.ratio = Histogram(
            "inference_extension_prefix_indexer_hit_ratio", "Share of a prompt that the chosen pod holds.", RATIOS
        )
        self.bytes = Histogram(
            "inference_extension_prefix_indexer_hit_bytes", "Length of the prompt that the chosen pod holds.", BYTES
        )
        self.size = Values("inference_extension_prefix_indexer_size", "gauge", "Blocks in the prefix index.")
        self.time = Histogram("inference_extension_scheduler_e2e_duration_seconds", "Time of a decision.", SECONDS)
        self.requests = Values("inference_objective_request_total", "counter", "Requests, by model.", initial=False)
        self.errors = Values(
            "inference_objective_request_error_total", "counter", "Requests refused, by model.", initial=False
        )
        self.ready = Values("inference_pool_ready_pods", "gauge", "Pods that serve.", initial=False)
        self.queue = Values("inference_pool_average_queue_size", "gauge", "Average queue.", initial=False)
        self.usage = Values(
            "inference_pool_average_kv_cache_utilization", "gauge", "Average KV cache use.", initial=False
        )
        self.pod_queue = Values("inference_pool_per_pod_queue_size", "gauge", "Queue of a pod.", initial=False)
        # no name of the real one: it counts decisions by pod only in its log
        self.picks = Values("stand_in_picks_total", "counter", "Requests sent to a pod.", initial=False)

    def picked(self, pick: Pick, request: Request, seconds: float, block_characters: int) -> None:
        """A decision."""
        self.time.observe(seconds)
        self.requests.add(model_name=request.model, target_model_name=request.model)
        self.picks.add(model_server_pod=pick.replicas[0].name)
        if pick.blocks:
            self.ratio.observe(pick.matched / pick.blocks)
            self.bytes.observe(pick.matched * block_characters)

    def refused(self, request: Request, code: str) -> None:
        """No decision was possible."""
        self.errors.add(model_name=request.model, target_model_name=request.model, error_code=code)

    def page(self, fleet: Fleet, index_size: int) -> str:
        """What /metrics answers."""
        replicas = fleet.replicas
        count = max(len(replicas), 1)
        self.size.set(index_size)
        self.ready.set(len(replicas), name=self.pool)
        self.queue.set(sum(one.queued for one in replicas) / count, name=self.pool)
        self.usage.set(sum(one.usage for one in replicas) / count, name=self.pool)
        self.pod_queue.clear()
        for one in replicas:
            self.pod_queue.set(one.queued, name=self.pool, model_server_pod=one.name)
        families = (self.ratio, self.bytes, self.size, self.time, self.requests, self.errors)
        return render([*families, self.ready, self.queue, self.usage, self.pod_queue, self.picks])
